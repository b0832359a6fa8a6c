/** Reads a deep JSON record member by member and knows what is left: a value leaves the rest only when it was what was asked for. */
import { isJsonObject, type Json, type JsonObject, put } from '../../json.js'
import { isIp } from '../../ocsf/ip.js'
import { isEmpty } from './members.js'
import { flag, isBlank, ms, NOTHING, text, whole, word } from './values.js'

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

/** The items of a list by their place; no taking for what is no object. */
interface Items {
  readonly all: readonly (Taking | undefined)[]
  readonly objects: readonly Taking[]
  readonly keep: string | undefined
}

/** Starts reading an object; nothing of it is taken yet. */
export function take(object: JsonObject): Taking {
  return new Reading(object)
}

/** A class, since there is one for each object of a record: without a function for each way to read, GuardDuty findings take three fifths of the time. */
class Reading implements Taking {
  readonly #object: JsonObject
  #taken: string[] | undefined
  #names: string[] | undefined
  #inner: (Reading | Items)[] | undefined
  #mayBePascal: boolean | undefined
  #isGone = false

  constructor(object: JsonObject) {
    this.#object = object
  }

  /** The member that a key names, in either spelling; `undefined` without one. */
  #named(key: string): string | undefined {
    const object = this.#object
    if (object === NOTHING) return undefined
    if (Object.hasOwn(object, key)) return key
    // most objects are asked for much that they do not have
    this.#mayBePascal ??= Object.keys(object).some(name => name < 'a')
    if (!this.#mayBePascal) return undefined
    const capital = key.charAt(0).toUpperCase() + key.slice(1)
    return Object.hasOwn(object, capital) ? capital : undefined
  }

  #read<T>(key: string, read: (value: Json | undefined) => T | undefined): T | undefined {
    const name = this.#named(key)
    if (name === undefined) return undefined
    const value = read(this.#object[name])
    if (value !== undefined) {
      this.#taken ??= []
      this.#taken.push(name)
    }
    return value
  }

  text(key: string): string | undefined {
    return this.#read(key, text)
  }

  word(key: string): string | undefined {
    return this.#read(key, word)
  }

  whole(key: string, most = MOST_INT): number | undefined {
    return this.#read(key, value => whole(value, most))
  }

  number(key: string): number | undefined {
    return this.#read(key, number)
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, flag)
  }

  time(key: string, read: (value: Json | undefined) => number | undefined = ms): number | undefined {
    const value = this.peek(key)
    return typeof value === 'string' && FINER.test(value) ? read(value) : this.#read(key, read)
  }

  ip(key: string): string | undefined {
    return this.#read(key, ip)
  }

  texts(key: string): readonly string[] | undefined {
    return this.#read(key, textsIn)
  }

  json(key: string): Json | undefined {
    return this.#read(key, json)
  }

  said(key: string): string | undefined {
    return text(this.peek(key))
  }

  peek(key: string): Json | undefined {
    const name = this.#named(key)
    return name === undefined ? undefined : this.#object[name]
  }

  at(key: string): Taking {
    const name = this.#named(key)
    if (name === undefined) return NONE
    const known = this.#innerAt(name)
    if (known instanceof Reading) return known
    const value = this.#object[name]
    if (!isJsonObject(value)) return NONE
    const at = new Reading(value)
    this.#keepInner(name, at)
    return at
  }

  list(key: string, keep?: string): readonly Taking[] {
    const name = this.#named(key)
    if (name === undefined) return NO_ITEMS
    const known = this.#innerAt(name)
    if (known !== undefined && 'objects' in known) return known.objects
    const value = this.#object[name]
    if (!Array.isArray(value)) return NO_ITEMS
    const all = value.map((item: Json) => (isJsonObject(item) ? new Reading(item) : undefined))
    const objects = all.filter(item => item !== undefined)
    this.#keepInner(name, { all, objects, keep })
    return objects
  }

  rest(): Record<string, Json | undefined> | undefined {
    if (this.#isGone) return undefined
    const object = this.#object
    const taken = this.#taken
    // an object of tags may have as many members as a log can hold
    const many = taken !== undefined && taken.length > 32 ? new Set(taken) : undefined
    let left: Record<string, Json | undefined> | undefined
    for (const key in object) {
      if (many === undefined ? taken?.includes(key) === true : many.has(key)) continue
      const value = restOf(object[key], this.#innerAt(key))
      if (isBlank(value) || isEmpty(value)) continue
      left ??= {}
      put(left, key, value)
    }
    return left
  }

  handOver(): Record<string, Json | undefined> | undefined {
    const left = this.rest()
    this.#isGone = true
    return left
  }

  #innerAt(name: string): Reading | Items | undefined {
    const at = this.#names === undefined ? -1 : this.#names.indexOf(name)
    return at === -1 ? undefined : this.#inner![at]
  }

  /** What a member is read as, an object or a list, is so from then on. */
  #keepInner(name: string, inner: Reading | Items): void {
    this.#names ??= []
    this.#inner ??= []
    this.#names.push(name)
    this.#inner.push(inner)
  }
}

const NONE: Taking = new Reading(NOTHING)
const NO_ITEMS: readonly Taking[] = []

function restOf(value: Json | undefined, inner: Reading | Items | undefined): Json | undefined {
  if (inner === undefined) return value
  if (inner instanceof Reading) return inner.rest()
  const left: Json[] = []
  for (const [i, item] of (value as readonly Json[]).entries()) {
    const taking = inner.all[i]
    const rest = taking === undefined ? item : taking.rest()
    if (rest === undefined || isBlank(rest)) continue
    const id = inner.keep === undefined || taking === undefined ? undefined : taking.peek(inner.keep)
    left.push(id === undefined || !isJsonObject(rest) || isBlank(id) ? rest : { [inner.keep!]: id, ...rest })
  }
  return left
}

function number(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function ip(value: Json | undefined): string | undefined {
  return typeof value === 'string' && isIp(value) ? value : undefined
}

function json(value: Json | undefined): Json | undefined {
  return isBlank(value) ? undefined : value
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
