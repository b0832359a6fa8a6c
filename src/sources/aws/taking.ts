/** Reads a deep JSON record member by member and knows what is left: a value leaves the rest only when it was what was asked for. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import { isIp } from '../../ocsf/ip.js'
import { flag, isBlank, ms, NOTHING, put, text, whole, word } from './values.js'

/**
 * An object being read. Names are those of EventBridge (`accountId`); an object in the spelling of AWS's command line
 * (`AccountId`) is read by the same names.
 */
export interface Taking {
  text(key: string): string | undefined
  /** A text, or a number as its digits. */
  word(key: string): string | undefined
  whole(key: string, most?: number): number | undefined
  number(key: string): number | undefined
  flag(key: string): boolean | undefined
  /** Epoch milliseconds of ISO 8601 text, or of whatever `read` accepts. A spelling finer than milliseconds stays as well. */
  time(key: string, read?: (value: Json | undefined) => number | undefined): number | undefined
  ip(key: string): string | undefined
  /** A list of texts that say something and of nothing else. */
  texts(key: string): readonly string[] | undefined
  /** Any value that says something. */
  json(key: string): Json | undefined
  /** The text without taking it. */
  said(key: string): string | undefined
  /** The value without taking it. */
  peek(key: string): Json | undefined
  /** The object at a member; one without members for anything else, which then stays. */
  at(key: string): Taking
  /** The objects of a list; other items stay. `keep` names the member that says which item a rest is about. */
  list(key: string, keep?: string): readonly Taking[]
  /** All members that were not taken. */
  rest(): Record<string, Json | undefined> | undefined
  /** The same, for another home: from here on nothing is left. */
  handOver(): Record<string, Json | undefined> | undefined
}

const MOST_INT = 2 ** 31 - 1
const FINER = /\.\d{3}\d*[1-9]/

type Inner = Taking | { readonly items: ReadonlyMap<number, Taking>; readonly keep: string | undefined }

/** Starts reading an object; nothing of it is taken yet. */
export function take(object: JsonObject): Taking {
  const taken = new Set<string>()
  const inner = new Map<string, Inner>()
  let isGone = false

  const named = (key: string): string => {
    if (object === NOTHING || Object.hasOwn(object, key)) return key
    const capital = key.charAt(0).toUpperCase() + key.slice(1)
    return Object.hasOwn(object, capital) ? capital : key
  }
  const valueAt = (name: string): Json | undefined => (Object.hasOwn(object, name) ? object[name] : undefined)
  const read = <T>(key: string, reader: (value: Json | undefined) => T | undefined): T | undefined => {
    const name = named(key)
    const value = reader(valueAt(name))
    if (value !== undefined) taken.add(name)
    return value
  }

  const rest = (): Record<string, Json | undefined> | undefined => {
    if (isGone) return undefined
    let left: Record<string, Json | undefined> | undefined
    for (const key of Object.keys(object)) {
      if (taken.has(key)) continue
      const value = restOf(object[key], inner.get(key))
      if (isBlank(value) || isEmpty(value)) continue
      left ??= {}
      put(left, key, value)
    }
    return left
  }

  return {
    text: key => read(key, text),
    word: key => read(key, word),
    whole: (key, most = MOST_INT) => read(key, value => whole(value, most)),
    number: key => read(key, value => (typeof value === 'number' ? value : undefined)),
    flag: key => read(key, flag),
    time: (key, reader = ms) => {
      const value = valueAt(named(key))
      return typeof value === 'string' && FINER.test(value) ? reader(value) : read(key, reader)
    },
    ip: key => read(key, value => (typeof value === 'string' && isIp(value) ? value : undefined)),
    texts: key => read(key, textsIn),
    json: key => read(key, value => (isBlank(value) ? undefined : value)),
    said: key => text(valueAt(named(key))),
    peek: key => valueAt(named(key)),
    at: key => {
      const name = named(key)
      const known = inner.get(name)
      if (known !== undefined && 'rest' in known) return known
      const value = valueAt(name)
      if (!isJsonObject(value)) return take(NOTHING)
      const at = take(value)
      inner.set(name, at)
      return at
    },
    list: (key, keep) => {
      const name = named(key)
      const known = inner.get(name)
      if (known !== undefined && 'items' in known) return [...known.items.values()]
      const value = valueAt(name)
      const items = new Map<number, Taking>()
      if (Array.isArray(value)) {
        for (const [i, item] of (value as readonly Json[]).entries()) if (isJsonObject(item)) items.set(i, take(item))
        inner.set(name, { items, keep })
      }
      return [...items.values()]
    },
    rest,
    handOver: () => {
      const left = rest()
      isGone = true
      return left
    },
  }
}

function restOf(value: Json | undefined, inner: Inner | undefined): Json | undefined {
  if (inner === undefined) return value
  if ('rest' in inner) return inner.rest()
  const left: Json[] = []
  for (const [i, item] of (value as readonly Json[]).entries()) {
    const taking = inner.items.get(i)
    const rest = taking === undefined ? item : taking.rest()
    if (rest === undefined || isBlank(rest)) continue
    const id = inner.keep === undefined || taking === undefined ? undefined : taking.peek(inner.keep)
    left.push(id === undefined || !isJsonObject(rest) || isBlank(id) ? rest : { [inner.keep!]: id, ...rest })
  }
  return left
}

function isEmpty(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function textsIn(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const items = value as readonly Json[]
  return items.every((item): item is string => text(item) !== undefined) ? items : undefined
}

/** The object when any member says something: OCSF objects without values are left out. */
export function filled<T extends object>(object: T): T | undefined {
  for (const key in object) if (object[key] !== undefined) return object
  return undefined
}
