/** JSON text to values and back without bending a number: what `JSON.parse` and `JSON.stringify` do, minus their losses. */

/** Any JSON value. Integers beyond 2^53 are bigint; other numerals that no double holds, or of more than 1000 characters, stay as their text. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Deeper nesting is refused by the slow path, as by the record scanner: nothing an AWS log writes comes near it. */
export const MAX_DEPTH = 500

// A numeral of 16 characters or more, or with an exponent. Strings can look like one: that only costs the slow path.
const MAY_BEND = /(?:^|[:,[\s])-?(?:\d[\d.]{15}|\d[\d.]*[eE])/

/**
 * Parses one JSON document exactly. `__proto__` keys become own properties.
 *
 * @throws SyntaxError when the text is no JSON
 */
export function parseJson(text: string): Json {
  if (!MAY_BEND.test(text)) {
    try {
      return JSON.parse(text) as Json // JSON.parse returns nothing else
    } catch {
      // Engines word their errors differently, and quote the text: ours are the same everywhere.
    }
  }
  const reader = { text, at: 0 }
  const value = readValue(reader, 0)
  skipSpace(reader)
  if (reader.at < text.length) unexpected(reader)
  return value
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sets a member; a key of `__proto__` becomes an own property. */
export function put(object: Record<string, Json | undefined>, key: string, value: Json | undefined): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

interface Reader {
  readonly text: string
  at: number
}

function unexpected({ text, at }: Reader): never {
  throw new SyntaxError(at >= text.length ? 'Unexpected end of JSON input' : `Unexpected ${JSON.stringify(text[at])} in JSON at position ${at}`)
}

function skipSpace(reader: Reader): void {
  const { text } = reader
  for (;;) {
    const code = text.charCodeAt(reader.at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
    reader.at++
  }
}

function readValue(reader: Reader, depth: number): Json {
  skipSpace(reader)
  const { text } = reader
  switch (text[reader.at]) {
    case '{':
      return readObject(reader, below(depth))
    case '[':
      return readArray(reader, below(depth))
    case '"':
      return readString(reader)
    case 't':
      return readWord(reader, 'true', true)
    case 'f':
      return readWord(reader, 'false', false)
    case 'n':
      return readWord(reader, 'null', null)
    default:
      return readNumber(reader)
  }
}

/** One level deeper. */
function below(depth: number): number {
  if (depth >= MAX_DEPTH) throw new SyntaxError(`JSON nested deeper than ${MAX_DEPTH}`)
  return depth + 1
}

function readWord<T extends Json>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) unexpected(reader)
  reader.at += word.length
  return value
}

function readObject(reader: Reader, depth: number): JsonObject {
  const object: Record<string, Json> = {}
  const { text } = reader
  reader.at++
  skipSpace(reader)
  if (text[reader.at] === '}') {
    reader.at++
    return object
  }
  for (;;) {
    skipSpace(reader)
    const key = readString(reader)
    skipSpace(reader)
    if (text[reader.at] !== ':') unexpected(reader)
    reader.at++
    const value = readValue(reader, depth)
    put(object, key, value)
    skipSpace(reader)
    const next = text[reader.at]
    if (next !== ',' && next !== '}') unexpected(reader)
    reader.at++
    if (next === '}') return object
  }
}

function readArray(reader: Reader, depth: number): readonly Json[] {
  const list: Json[] = []
  const { text } = reader
  reader.at++
  skipSpace(reader)
  if (text[reader.at] === ']') {
    reader.at++
    return list
  }
  for (;;) {
    list.push(readValue(reader, depth))
    skipSpace(reader)
    const next = text[reader.at]
    if (next !== ',' && next !== ']') unexpected(reader)
    reader.at++
    if (next === ']') return list
  }
}

function readString(reader: Reader): string {
  const { text } = reader
  const start = reader.at
  if (text[start] !== '"') unexpected(reader)
  let plain = true
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34 /* " */) {
      reader.at = at + 1
      // escapes are the engine's business
      if (plain) return text.slice(start + 1, at)
      try {
        return JSON.parse(text.slice(start, at + 1)) as string // a string in quotes
      } catch {
        throw new SyntaxError(`Bad escape in the JSON string at position ${start}`)
      }
    }
    if (code === 92 /* \ */) {
      plain = false
      at++
    } else if (code < 32) {
      reader.at = at
      unexpected(reader)
    }
  }
  reader.at = text.length
  return unexpected(reader)
}

/** Longer numerals stay text: turning them into a bigint costs quadratic time. */
const MAX_DIGITS = 1000
const NUMERAL = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

function readNumber(reader: Reader): Json {
  NUMERAL.lastIndex = reader.at
  const match = NUMERAL.exec(reader.text)
  if (match === null) return unexpected(reader)
  const [numeral, fraction, exponent] = match
  reader.at += numeral.length
  if (numeral.length > MAX_DIGITS) return numeral
  const value = Number(numeral)
  if (fraction === undefined && exponent === undefined) return Number.isSafeInteger(value) ? value : BigInt(numeral)
  return Number.isFinite(value) && decimal(numeral) === decimal(String(value)) ? value : numeral
}

/** A numeral's value as text: its significant digits and the power of ten behind them. */
function decimal(numeral: string): string {
  const [mantissa = '', exponent = '0'] = numeral.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const power = Number(exponent) - fraction.length + digits.length - significant.length
  return `${numeral.startsWith('-') ? '-' : ''}${significant}e${power}`
}

/** What its constructor is given: a class below it keeps its fields in that object. */
class Given {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the way to give an object a private field
    return value
  }
}

/** A text in a private field of any object: out of sight of keys, copies and comparisons, and fifty times cheaper than a WeakMap. */
class Printed extends Given {
  readonly #text: string

  constructor(value: object, text: string) {
    super(value)
    this.#text = text
  }

  static textOf(value: object): string | undefined {
    return #text in value ? value.#text : undefined
  }
}

/** Spares `stringify` the work for an object or list that is never changed: `text` is what it would print. */
export function rememberText(value: object, text: string): void {
  new Printed(value, text)
}

/**
 * Stands for an object that nobody has read yet: whoever wants its members calls `read`. Only those meet one who asked a
 * decoder for it (`Decoder.readLate`) or are offered mapped events (`createConverter`). The text is what `stringify` would
 * print, without `__proto__` and without numbers that bend.
 */
export class UnreadJson {
  readonly text: string
  /** Names of members that were sought, at any depth and in any case. */
  readonly sought: readonly string[]
  /** Where the values of such members start and end in the text, one pair after the other; none lies in another. */
  readonly found: readonly number[]

  constructor(text: string, sought: readonly string[], found: readonly number[]) {
    this.text = text
    this.sought = sought
    this.found = found
    rememberText(this, text)
  }

  read(): JsonObject {
    const object = JSON.parse(this.text) as JsonObject // the text of one
    rememberText(object, this.text)
    return object
  }

  toJSON(): JsonObject {
    return this.read()
  }
}

/** The value with objects in place of those that nobody has read, at any depth; the same value when it has none. */
export function readWhole<T>(value: T): T
export function readWhole(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof UnreadJson) return value.read()
  const before: readonly unknown[] = Object.values(value)
  const members = before.map(readWhole)
  if (before.every((member, at) => member === members[at])) return value
  return Array.isArray(value) ? members : Object.fromEntries(Object.keys(value).map((key, at) => [key, members[at]]))
}

/** One line of JSON. bigint prints as digits, `undefined` members are left out. */
export function stringify(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const text = Printed.textOf(value)
    if (text !== undefined) return text
  }
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof TypeError && hasBigint(value)) return print(value)
    throw error
  }
}

function hasBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigint)
}

function print(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(item => (item === undefined ? 'null' : print(item))).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members: string[] = []
    for (const [key, member] of Object.entries(value)) if (member !== undefined) members.push(`${JSON.stringify(key)}:${print(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}
