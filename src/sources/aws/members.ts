/** Reading a record whose members AWS spells in several ways: each is looked up without regard to case, under any of its names. */
import type { Json, JsonObject } from '../../json.js'
import { leftOver, ms, objectOf, text, word } from './values.js'

/** The names of a record's members in lower case, and what each is. */
export type Names<Role extends string> = ReadonlyMap<string, Role>

/** The members of one record. What is read is taken; what is not read, or is of another kind, is left over. */
export interface Members<Role extends string> {
  /** The value, not taken. */
  look(role: Role): Json | undefined
  /** What `read` makes of the value; taken unless that is nothing. */
  take<T>(role: Role, read: (value: Json) => T | undefined): T | undefined
  text(role: Role): string | undefined
  /** A text, or a number as its digits. */
  word(role: Role): string | undefined
  /** An instant, epoch milliseconds. A spelling finer than milliseconds is left over as well. */
  time(role: Role): number | undefined
  /** An object; taken, so that the caller must see to its members. */
  object(role: Role): JsonObject | undefined
  /** What was not taken and says something. */
  left(more?: Readonly<Record<string, Json | undefined>>): Record<string, Json | undefined> | undefined
}

/** Of two spellings of the same member the first that says something counts; the second is left over. */
export function membersOf<Role extends string>(record: JsonObject, names: Names<Role>): Members<Role> {
  const keys = new Map<Role, string>()
  for (const key in record) {
    const role = names.get(key) ?? names.get(key.toLowerCase())
    const value = record[key]
    if (role !== undefined && !keys.has(role) && value !== null && value !== '' && value !== '-') keys.set(role, key)
  }
  const taken = new Set<string>()
  const take = <T>(role: Role, read: (value: Json) => T | undefined): T | undefined => {
    const key = keys.get(role)
    const value = key === undefined ? undefined : record[key]
    const made = value === undefined ? undefined : read(value)
    if (made !== undefined) taken.add(key!)
    return made
  }
  const look = (role: Role) => {
    const key = keys.get(role)
    return key === undefined ? undefined : record[key]
  }
  return {
    look,
    take,
    text: role => take(role, text),
    word: role => take(role, word),
    time(role) {
      const value = look(role)
      const at = instant(value)
      if (at !== undefined && isWholeMs(value, at)) taken.add(keys.get(role)!)
      return at
    },
    object: role => take(role, value => (objectOf(value) === value ? value : undefined)),
    left: more => leftOver(record, (key, value) => taken.has(key) || isEmpty(value), more),
  }
}

/** Epoch milliseconds of ISO 8601 text, or of epoch seconds as the AWS APIs write them: `1614641951.442`. */
export function instant(value: Json | undefined): number | undefined {
  if (typeof value !== 'number') return ms(value)
  return value >= 0 && value <= 8.64e12 ? Math.round(value * 1000) : undefined
}

function isWholeMs(value: Json | undefined, at: number): boolean {
  return typeof value === 'number' ? at / 1000 === value : typeof value === 'string' && !/\.\d{4}/.test(value)
}

/** A list or an object with nothing in it. */
export function isEmpty(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false
  for (const _ in value) return false
  return true
}
