/** What a value must be to fit its column. */
import type { FieldKind } from '../ocsf/columns.js'
import type { Issue } from '../ocsf/issue.js'
import { msFromIso } from '../ocsf/time.js'

/** Thrown inside this room for a value that does not fit; the doors turn it into what their callers expect. */
export class Misfit extends Error {
  readonly issue: Issue
  constructor(path: string, expected: string, value: unknown) {
    const found = picture(value)
    super(`parquet: expected ${expected} at ${path}, found ${found}`)
    this.issue = { path, rule: 'column_type', expected, found }
  }
}

/** What a column takes, for people. */
export const EXPECTED: { readonly [K in FieldKind]: string } = {
  string: 'a string',
  integer: 'an integer of 32 bits',
  long: 'an integer of 64 bits',
  float: 'a number',
  boolean: 'true or false',
  timestamp: 'an integer of 64 bits',
  datetime: 'an RFC 3339 time',
  json: 'a JSON value',
  open: 'an object',
  object: 'an object',
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value
}

/** An integer of 64 bits, as number or bigint. */
export function isInt64(value: unknown): value is number | bigint {
  if (typeof value === 'number') return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63
  return typeof value === 'bigint' && value >= MIN_INT64 && value <= MAX_INT64
}

/** The time of a datetime column in epoch milliseconds: a number as it is, RFC 3339 text parsed. */
export function timeOf(value: unknown): number | bigint | undefined {
  if (typeof value === 'string') return msFromIso(value)
  return isInt64(value) ? value : undefined
}

/**
 * The value a column takes from its object. A datetime takes the milliseconds of its twin, which completion made the
 * text from, so that no text is parsed.
 */
export function cellOf(name: string, twin: string | undefined, object: Readonly<Record<string, unknown>>): unknown {
  const value = object[name]
  if (twin === undefined || value === undefined || value === null) return value
  const time = object[twin]
  return isInt64(time) ? time : value
}

/** A short, harmless picture of a value for an issue. */
function picture(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
