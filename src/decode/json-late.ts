/**
 * Passes over a JSON object that nobody may ever look into: its grammar is checked, nothing is made of it but its text. What
 * `JSON.stringify` would not print as it stands, in ASCII, is left to those who read at once.
 */
import { UnreadJson } from '../json.js'
import { asciiText } from './ascii.js'
import { LONGEST_INTERNED } from './interner.js'
import { createShapes, knownKeyAt, type Shape } from './json-shapes.js'

/** Passes over JSON as it is printed. */
export interface JsonPasser {
  /** The end of the object or list that opens at `at`; -1 for what is left to others, and where the bytes end in it. `view` is of all bytes. */
  pass(bytes: Uint8Array, view: DataView, at: number, end: number): number
  /** Where the values of members that were sought start and end, one pair after the other. */
  readonly found: readonly number[]
}

/** The object with members that opens at `at`; `undefined` for what `pass` leaves to others. */
export type LateReader = (bytes: Uint8Array, view: DataView, at: number, end: number) => UnreadJson | undefined

const MOST_LEVELS = 64
const MOST_KEYS = 256
/** Keys that are data would fill memory: at this many shapes all is learned anew. */
const MOST_SHAPES = 2 ** 14
/** Of so many digits every number is exact. */
const MOST_DIGITS = 15

const TRUE = 0x65757274
const FALS = 0x736c6166
const NULL = 0x6c6c756e

/** Marks a key that is sought. */
const SOUGHT = 1

const NOWHERE: readonly number[] = []
const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)
const passers = new WeakMap<readonly string[], JsonPasser & { readonly late: LateReader }>()

/** What passes over JSON and says where the members with these names stand; one for the same list, since it learns the keys. */
export function jsonPasser(sought: readonly string[]): JsonPasser & { readonly late: LateReader } {
  let passer = passers.get(sought)
  if (passer === undefined) {
    passer = createPasser(sought)
    passers.set(sought, passer)
  }
  return passer
}

/** What reads objects late; one for the same list. */
export function lateReader(sought: readonly string[]): LateReader {
  return jsonPasser(sought).late
}

function createPasser(sought: readonly string[]): JsonPasser & { readonly late: LateReader } {
  const names = new Set(sought.map(name => name.toLowerCase()))
  const found: number[] = []
  let shapes = createShapes({})
  let bytes: Uint8Array = NO_BYTES
  let view: DataView = NO_VIEW
  let end = 0
  /** The last place where a word can be read. */
  let lastWord = 0
  let at = 0
  let levels = 0

  // Each goes to behind what it passes over, or says `false`. A byte behind the end is no harm: what it belongs to ends there too.

  const passText = (): boolean => {
    for (at++; at <= lastWord; at += 4) {
      const x = view.getInt32(at, true)
      const quote = x ^ 0x22222222
      const escaped = x ^ 0x5c5c5c5c
      const special = (((quote - 0x01010101) & ~quote) | ((escaped - 0x01010101) & ~escaped) | ((x - 0x20202020) & ~x) | x) & 0x80808080
      if (special === 0) continue
      at += (31 - Math.clz32(special & -special)) >> 3
      return bytes[at++] === 34
    }
    return false
  }

  const passNumber = (): boolean => {
    const isNegative = bytes[at] === 45
    if (isNegative) at++
    const first = at
    for (let byte = bytes[at]!; byte >= 48 && byte <= 57; ) byte = bytes[++at]!
    const digits = at - first // a fraction or an exponent is none of what may stand behind them
    if (digits === 0 || digits > MOST_DIGITS) return false
    return bytes[first] !== 48 || (digits === 1 && !isNegative)
  }

  const passWord = (word: number, length: number): boolean => {
    if (at > lastWord || view.getInt32(at, true) !== word || (length === 5 && bytes[at + 4] !== 101)) return false
    at += length
    return true
  }

  const passValue = (shape: Shape): boolean => {
    switch (bytes[at]) {
      case 34:
        return passText()
      case 123:
        return passObject(shapes.innerOf(shape))
      case 91:
        return passList(shape)
      case 116:
        return passWord(TRUE, 4)
      case 102:
        return passWord(FALS, 5)
      case 110:
        return passWord(NULL, 4)
      default:
        return passNumber()
    }
  }

  const passList = (shape: Shape): boolean => {
    if (++levels > MOST_LEVELS) return false
    if (bytes[++at] === 93) at++
    else
      for (;;) {
        if (!passValue(shape)) return false
        const byte = bytes[at++]
        if (byte === 93) break
        if (byte !== 44) return false
      }
    levels--
    return true
  }

  /** From a key's quote to its value; the shape with the key. */
  const passKey = (shape: Shape): Shape | undefined => {
    at++
    const known = knownKeyAt(shape, view, at, lastWord)
    if (known !== undefined) {
      at += known.length
      return known
    }
    const start = at--
    if (!passText() || at - start > LONGEST_INTERNED || shape.size >= MOST_KEYS || shapes.count > 2 * MOST_SHAPES || bytes[at++] !== 58) return undefined
    const key = asciiText(bytes, start, at - 2)
    const next = shapes.extend(shape, key)
    if (names.has(key.toLowerCase())) next.mark = SOUGHT
    return next
  }

  const passObject = (empty: Shape): boolean => {
    if (++levels > MOST_LEVELS) return false
    if (bytes[++at] === 125) at++
    else
      for (let shape = empty; ; ) {
        if (bytes[at] !== 34) return false
        const next = passKey(shape)
        // an object cannot hold these as they stand
        if (next === undefined || next.odd || next.moved || !(next.mark === SOUGHT ? passSought(next) : passValue(next))) return false
        shape = next
        const byte = bytes[at++]
        if (byte === 125) break
        if (byte !== 44) return false
      }
    levels--
    return true
  }

  const passSought = (shape: Shape): boolean => {
    const start = at
    const before = found.length
    if (!passValue(shape)) return false
    found.length = before // what was found in it
    found.push(start, at)
    return true
  }

  const pass = (given: Uint8Array, viewed: DataView, from: number, to: number): number => {
    if (shapes.count > MOST_SHAPES) shapes = createShapes({})
    bytes = given
    view = viewed
    end = to
    lastWord = to - 4
    at = from
    levels = 0
    found.length = 0
    const isWhole = (given[from] === 91 ? passList(shapes.root) : passObject(shapes.root)) && at <= end
    bytes = NO_BYTES // the caller's
    view = NO_VIEW
    return isWhole ? at : -1
  }

  return {
    found,
    pass,
    late(given, viewed, from, to) {
      if (given[from] !== 123 || given[from + 1] === 125) return undefined
      const past = pass(given, viewed, from, to)
      if (past === -1) return undefined
      const places = found.length === 0 ? NOWHERE : found.map(place => place - from)
      return new UnreadJson(asciiText(given, from, past), sought, places)
    },
  }
}
