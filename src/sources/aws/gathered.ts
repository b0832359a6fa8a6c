/** What of a record found no home in an event, gathered one by one into an object of a known shape. */
import { build, createShapes } from '../../decode/json-shapes.js'
import { type Json, type JsonObject, put } from '../../json.js'

/** The bound is for hostile logs: after it, shapes are learned anew. */
const MOST_SHAPES = 4096

let shapes = createShapes({})
let rest: JsonObject | undefined
let count = 0
const names: string[] = []
const values: Json[] = []
const members: Json[] = []

/** Begins with what the decoder left over; one record is gathered at a time. */
export function gather(from: JsonObject | undefined): void {
  rest = from
  count = 0
}

/** One member more, where it says anything; each name is given once and is none of `rest`. */
export function keep(name: string, value: Json | undefined): void {
  if (value === undefined) return
  names[count] = name
  values[count++] = value
}

/** All that was gathered: what the decoder left over first; `undefined` when there is nothing. */
export function gathered(): JsonObject | undefined {
  if (count === 0) return rest
  if (shapes.count > MOST_SHAPES) shapes = createShapes({})
  let shape = shapes.root
  let size = 0
  for (const name in rest) {
    const value = rest[name]
    if (value === undefined) continue
    shape = shape.guess?.key === name ? shape.guess : shapes.extend(shape, name)
    members[size++] = value
  }
  for (let at = 0; at < count; at++) {
    const name = names[at]!
    shape = shape.guess?.key === name ? shape.guess : shapes.extend(shape, name)
    members[size++] = values[at]!
  }
  return shape.odd ? oddly() : build(shape, members, 0)
}

/** With a name that an object does not take as a member of its own, or one given twice. */
function oddly(): JsonObject {
  const all: Record<string, Json | undefined> = {}
  for (const name in rest) put(all, name, rest[name])
  for (let at = 0; at < count; at++) put(all, names[at]!, values[at])
  return all
}
