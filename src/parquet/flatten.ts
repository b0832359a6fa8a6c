/** The open object `unmapped` as MAP<string,string>, the way Security Lake's own tables hold it. */

import { stringify } from '../json.js'
import type { TextUse } from './text.js'
import { isObject } from './values.js'

/** Names joined with dots, `[]` behind arrays. The same path is the very same object, as long as it is remembered. */
export interface Path {
  readonly text: string
  /** Of the object that was flattened last: its turn, and where the path stands in it. */
  turn: number
  place: number
  /** What the columns that it was written to last know of it. */
  use: TextUse | undefined
  number: number
  value: string | undefined
  valueNumber: number
  inner: Map<string, Path> | undefined
  items: Path | undefined
}

/** The paths of an object in the order of first appearance, each with what stands there. */
export interface Flat {
  count: number
  readonly paths: Path[]
  readonly values: unknown[]
}

/**
 * Flattens an object to text by path: names joined with dots, `[]` behind arrays, in the order of first appearance.
 * A string stays as it is, numbers and booleans become their JSON text. Values that share a path become one JSON
 * array, so that nothing depends on a separator; an empty array is `[]`, an empty object `{}`. A null says nothing and
 * is left out.
 *
 * @example
 * flatten({ user: { id: 7 }, tags: ['a', 'b'], hosts: [{ ip: '192.0.2.1' }] })
 * // Map { 'user.id' => '7', 'tags[]' => '["a","b"]', 'hosts[].ip' => '192.0.2.1' }
 */
export function flatten(value: Readonly<Record<string, unknown>>): Map<string, string> {
  const { count, paths, values } = flatOf(value)
  const found = new Map<string, string>()
  for (let at = 0; at < count; at++) found.set(paths[at]!.text, textAt(values[at]))
  return found
}

/** The same without a map; what is returned is overwritten by the next call. */
export function flatOf(value: Readonly<Record<string, unknown>>): Flat {
  if (known > MOST_PATHS) forget()
  turn++
  flat.count = 0
  collectMembers(root, value)
  return flat
}

/** What stands at a path, as text. */
export function textAt(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  return Array.isArray(value) && value.length === 1 ? textAt(value[0]) : stringify(value)
}

const flat: Flat = { count: 0, paths: [], values: [] }
let turn = 0

function collectMembers(path: Path, object: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(object)
  for (let at = 0; at < names.length; at++) {
    const name = names[at]!
    collect(below(path, name), object[name])
  }
  return names.length > 0
}

/** Arrays are walked, so one that is found holds the values of a path that has several, or none. */
function collect(path: Path, value: unknown): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value)) {
    path.items ??= create(`${path.text}[]`)
    const { items } = path
    if (value.length === 0 && items.turn !== turn) add(items, [])
    for (const item of value) collect(items, item)
  } else if (!isObject(value) || !collectMembers(path, value)) add(path, value)
}

function add(path: Path, value: unknown): void {
  const { count, paths, values } = flat
  if (path.turn !== turn) {
    path.turn = turn
    path.place = count
    paths[count] = path
    values[count] = value
    flat.count = count + 1
    return
  }
  const other = values[path.place]
  if (Array.isArray(other)) other.push(value)
  else values[path.place] = [other, value]
}

// Paths come back in event after event, and with them what was found out about them.
const MOST_PATHS = 4096
let root: Path
let byText: Map<string, Path>
let known: number
forget()

/** Names are data, and may be as many as there are events. */
function forget(): void {
  known = 0
  byText = new Map()
  root = { text: '', turn: 0, place: 0, use: undefined, number: 0, value: undefined, valueNumber: 0, inner: undefined, items: undefined }
}

function below(path: Path, name: string): Path {
  path.inner ??= new Map()
  let inner = path.inner.get(name)
  if (inner === undefined) {
    inner = create(path === root ? name : `${path.text}.${name}`)
    path.inner.set(name, inner)
  }
  return inner
}

/** The path of a text: several ways lead to one where a name has a dot in it. */
function create(text: string): Path {
  let path = byText.get(text)
  if (path === undefined) {
    path = { text, turn: 0, place: 0, use: undefined, number: 0, value: undefined, valueNumber: 0, inner: undefined, items: undefined }
    byText.set(text, path)
    known++
  }
  return path
}
