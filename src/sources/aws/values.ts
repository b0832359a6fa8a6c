/** Small readings of AWS's JSON, shared by the sources whose records are JSON. */

import { build, createShapes } from '../../decode/json-shapes.js'
import { isJsonObject, type Json, type JsonObject, put } from '../../json.js'
import { msFromIso } from '../../ocsf/time.js'

/** An object without members. */
export const NOTHING: JsonObject = Object.freeze({})

/** An object as it is; one without members for anything else. */
export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : NOTHING
}

/** What says nothing: absent, null, the empty string, a dash. */
export function isBlank(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '' || value === '-'
}

/** A text that says something. */
export function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value !== '-' ? value : undefined
}

/** A text that says something, or a number as its digits. */
export function word(value: Json | undefined): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : text(value)
}

/** `true` or `false`, also as AWS writes them: `'true'`, `'Yes'`, `'NO'`. */
export function flag(value: Json | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string' || value.length > 5) return undefined
  const word = value.toLowerCase()
  return word === 'true' || word === 'yes' ? true : word === 'false' || word === 'no' ? false : undefined
}

/** Epoch milliseconds of ISO 8601 text, in the extended form or the basic one (`20131102T010628Z`). */
export function ms(value: Json | undefined): number | undefined {
  if (typeof value !== 'string') return undefined
  if (value.length !== 16 || value[8] !== 'T') return msFromIso(value)
  return msFromIso(`${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6, 8)}T${value.slice(9, 11)}:${value.slice(11, 13)}:${value.slice(13)}`)
}

/** Epoch milliseconds of ISO 8601 text, or of a number of seconds or milliseconds. */
export function moment(value: Json | undefined): number | undefined {
  if (typeof value !== 'number') return ms(value)
  if (Number.isInteger(value) && value > 1e11 && value < 1e13) return value
  const time = Math.round(value * 1000)
  return value > 1e8 && value < 1e10 && time / 1000 === value ? time : undefined
}

/** A whole number from 0 to `most`, also as AWS writes it in quotes: `'443'`. */
export function whole(value: Json | undefined, most: number): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= most ? value : undefined
  if (typeof value !== 'string' || value.length === 0 || value.length > 16) return undefined
  let number = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return number <= most && (value.length === 1 || value[0] !== '0') ? number : undefined
}

/** The members, with one more that found no home; nothing is added when it says nothing. */
export function keep(rest: Record<string, Json | undefined> | undefined, key: string, value: Json | undefined): Record<string, Json | undefined> | undefined {
  if (isBlank(value)) return rest
  const all = rest ?? {}
  put(all, key, value)
  return all
}

/** What stood there instead, for a fault: at most 100 characters of a text, else its kind. */
export function found(value: Json | undefined): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value.slice(0, 100) : value === null ? 'null' : typeof value
}

// Objects with the same members in the same order share a shape: cheap to make, and to read for those who come after.
const MOST_SHAPES = 2 ** 12
const MOST_MEMBERS = 64
let shapes = createShapes({})
const values: Json[] = []

/** The members that are not taken and say something, as `write` gives them, and behind them `more`, or `undefined` when there are none. */
export function leftOver(
  object: JsonObject,
  taken: (key: string, value: Json) => boolean,
  more: Readonly<Record<string, Json | undefined>> = NOTHING,
  write: (key: string, value: Json) => Json = asIs,
): Record<string, Json | undefined> | undefined {
  if (shapes.count > MOST_SHAPES) shapes = createShapes({})
  let shape = shapes.root
  let count = 0
  for (const key in object) {
    const value = object[key]
    if (value === undefined || isBlank(value) || taken(key, value)) continue
    if (count === MOST_MEMBERS) return wideLeftOver(object, taken, more, write)
    shape = shape.guess?.key === key ? shape.guess : shapes.extend(shape, key)
    values[count++] = write(key, value)
  }
  for (const key in more) {
    const value = more[key]
    if (value === undefined) continue
    shape = shape.guess?.key === key ? shape.guess : shapes.extend(shape, key)
    values[count++] = value
  }
  if (count === 0) return undefined
  return shape.odd ? wideLeftOver(object, taken, more, write) : build(shape, values, 0)
}

function asIs(_key: string, value: Json): Json {
  return value
}

function wideLeftOver(
  object: JsonObject,
  taken: (key: string, value: Json) => boolean,
  more: Readonly<Record<string, Json | undefined>>,
  write: (key: string, value: Json) => Json,
): Record<string, Json | undefined> | undefined {
  const rest: Record<string, Json | undefined> = {}
  let some = false
  const add = (key: string, value: Json): void => {
    put(rest, key, value)
    some = true
  }
  for (const key in object) {
    const value = object[key]
    if (value !== undefined && !isBlank(value) && !taken(key, value)) add(key, write(key, value))
  }
  for (const key in more) if (more[key] !== undefined) add(key, more[key])
  return some ? rest : undefined
}

/** The last part of an ARN: the name of a user, a role or a session; `root` for an account's root user. */
export function nameInArn(arn: string): string | undefined {
  if (!arn.startsWith('arn:')) return undefined
  return text(arn.slice(Math.max(arn.lastIndexOf('/'), arn.lastIndexOf(':')) + 1))
}

/** The region of an ARN, where it names one. */
export function regionInArn(arn: string): string | undefined {
  if (!arn.startsWith('arn:')) return undefined
  const from = arn.indexOf(':', arn.indexOf(':', 4) + 1) + 1
  const to = from === 0 ? -1 : arn.indexOf(':', from)
  return to > from ? arn.slice(from, to) : undefined
}

/** The account of an ARN, where it names one. */
export function accountInArn(arn: string): string | undefined {
  if (!arn.startsWith('arn:')) return undefined
  let from = 4
  for (let colons = 1; colons < 4; colons++) {
    from = arn.indexOf(':', from) + 1
    if (from === 0) return undefined
  }
  const account = arn.slice(from, from + 12)
  const behind = arn.charCodeAt(from + 12)
  return (behind === 58 || Number.isNaN(behind)) && /^\d{12}$/.test(account) ? account : undefined
}
