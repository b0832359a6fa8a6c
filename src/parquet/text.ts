/**
 * The texts of the columns of one file: UTF-8 bytes end to end, each text under a number. Columns share them, since what
 * stands in one mostly stands in others as well: an address, a name, an observable.
 */
import { free, ints, bytes as room, zeroBytes, zeroInts } from './memory.js'

export interface TextStore {
  /** Text to number, so that a text is kept once. */
  numbers: Map<string, number>
  bytes: Uint8Array
  /** End of each text in `bytes`; it starts where the one before ends. */
  ends: Int32Array
  count: number
  /** Of texts that others have numbered as well, by their number: the number here, plus 1; 0 while it has none. */
  theirs: { readonly texts: readonly string[]; readonly numbers: Int32Array } | undefined
}

/** What one column has of the texts. */
export interface TextUse {
  /** By number: whether the column has it (`IN_COLUMN`), and what else its users note. */
  known: Uint8Array
  /** Texts that it has, their bytes, and the bytes of the longest. */
  distinct: number
  bytes: number
  longest: number
  /** How often a number was asked for. */
  asked: number
  /** The column rarely repeats itself: its texts are not looked up, and each gets a number of its own. */
  unique: boolean
  last: string | undefined
  lastNumber: number
}

/** A column of texts. */
export interface TextColumn {
  readonly text: TextStore | undefined
  readonly use: TextUse | undefined
}

export const IN_COLUMN = 1

const utf8 = new TextEncoder()

/** Texts, or bytes of text, after which a column must have shown that it repeats itself. */
const TRIAL_TEXTS = 4096
/** So many first texts, of which hardly one came twice, show it too: they are ids. */
const FIRST_TEXTS = 512
const TRIAL_BYTES = 4 * 2 ** 20

export function createTextStore(): TextStore {
  return { numbers: new Map(), bytes: new Uint8Array(64), ends: new Int32Array(8), count: 0, theirs: undefined }
}

export function createTextUse(): TextUse {
  return { known: new Uint8Array(64), distinct: 0, bytes: 0, longest: 0, asked: 0, unique: false, last: undefined, lastNumber: 0 }
}

/** The number of a text in a column. Lone surrogates become U+FFFD, since Parquet strings are UTF-8. */
export function textNumber(column: TextColumn, text: string): number {
  const use = column.use!
  use.asked++
  if (text === use.last) return use.lastNumber
  const store = column.text!
  let number = use.unique ? undefined : store.numbers.get(text)
  if (number === undefined) {
    number = add(store, text)
    if (!use.unique) store.numbers.set(text, number)
  }
  takeNumber(use, store, text, number)
  return number
}

/** The same with a number that the store has given before, of a column that looks its texts up. */
export function takeKnown({ use, text: store }: TextColumn, text: string, number: number): void {
  use!.asked++
  if (text !== use!.last) takeNumber(use!, store!, text, number)
}

function takeNumber(use: TextUse, store: TextStore, text: string, number: number): void {
  noteKnown(use, number, 0)
  if (use.known[number] === 0) begin(use, store, number)
  use.last = text
  use.lastNumber = number
}

/** Where the numbers are kept of texts that others number up to `most`: `texts` is the array that theirs are places in. */
export function theirNumbers(store: TextStore, texts: readonly string[], most: number): Int32Array {
  if (store.theirs?.texts !== texts) {
    const numbers = store.theirs?.numbers.fill(0) ?? zeroInts(most)
    store.theirs = { texts, numbers }
  }
  return store.theirs.numbers
}

/** The column has a text that it did not have before. */
function begin(use: TextUse, store: TextStore, number: number): void {
  const length = textLength(store, number)
  use.known[number] = IN_COLUMN
  use.distinct++
  use.bytes += length
  use.longest = Math.max(use.longest, length)
  const { distinct, bytes, asked } = use
  if (distinct === FIRST_TEXTS ? distinct * 1.01 > asked : (distinct > TRIAL_TEXTS || bytes >= TRIAL_BYTES) && distinct * 2 > asked) use.unique = true
}

/** Notes something of a text. */
export function noteKnown(use: TextUse, number: number, what: number): void {
  if (number >= use.known.length) {
    const known = zeroBytes(Math.max(number + 1, use.known.length * 2))
    known.set(use.known)
    free(use.known)
    use.known = known
  }
  use.known[number]! |= what
}

function add(store: TextStore, text: string): number {
  const number = store.count
  const start = number === 0 ? 0 : store.ends[number - 1]!
  const most = start + text.length * 3
  if (most > 0x7fffffff) throw new RangeError('more than 2 GiB of text in one file')
  if (most > store.bytes.length) {
    const bytes = room(Math.max(most, store.bytes.length * 2))
    bytes.set(store.bytes.subarray(0, start))
    free(store.bytes)
    store.bytes = bytes
  }
  if (number === store.ends.length) {
    const ends = ints(number * 2)
    ends.set(store.ends)
    free(store.ends)
    store.ends = ends
  }
  store.ends[number] = encode(store.bytes, start, text)
  store.count = number + 1
  return number
}

/** Writes the UTF-8 of a text and returns its end. A call to the encoder costs more than a short ASCII text. */
function encode(bytes: Uint8Array, start: number, text: string): number {
  const { length } = text
  if (length <= 48) {
    let at = 0
    for (; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code > 0x7f) break
      bytes[start + at] = code
    }
    if (at === length) return start + length
  }
  return start + utf8.encodeInto(text, bytes.subarray(start)).written
}

export function textStart(store: TextStore, number: number): number {
  return number === 0 ? 0 : store.ends[number - 1]!
}

/** UTF-8 length in bytes. */
export function textLength(store: TextStore, number: number): number {
  return store.ends[number]! - textStart(store, number)
}

/** The UTF-8 bytes of a text, without a copy. */
export function textBytes(store: TextStore, number: number): Uint8Array {
  return store.bytes.subarray(textStart(store, number), store.ends[number])
}

/** Order of two texts by unsigned bytes, which is Parquet's order of strings (UTF-16 order differs). */
export function compareTexts(store: TextStore, a: number, b: number): number {
  const { bytes, ends } = store
  const startA = textStart(store, a)
  const startB = textStart(store, b)
  const lengthA = ends[a]! - startA
  const lengthB = ends[b]! - startB
  const shared = Math.min(lengthA, lengthB)
  for (let at = 0; at < shared; at++) {
    const difference = bytes[startA + at]! - bytes[startB + at]!
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

/** Files of which the texts are kept, and how many texts and bytes of them at most. */
const RESTING_FILES = 4
const RESTING_TEXTS = 2 ** 16
const RESTING_BYTES = 4 * 2 ** 20

/** The texts of the files written last, by what their columns are made from. */
const resting = new Map<object, TextStore>()

/** Texts for a file: those of the one before with the same columns, of which most will stand in it, too. */
export function takeTexts(columns: object): TextStore {
  const store = resting.get(columns)
  resting.delete(columns)
  return store ?? createTextStore()
}

/** Keeps the texts of a file that is written for the next one. */
export function restTexts(columns: object, store: TextStore): void {
  if (store.count > RESTING_TEXTS || store.bytes.length > RESTING_BYTES) {
    free(store.bytes)
    free(store.ends)
    if (store.theirs !== undefined) free(store.theirs.numbers)
    return
  }
  resting.delete(columns)
  resting.set(columns, store)
  if (resting.size > RESTING_FILES) for (const oldest of resting.keys()) return void resting.delete(oldest)
}

/** Bytes held for the texts of a column, with an estimate for the map. */
export function textMemory({ known, distinct, bytes }: TextUse): number {
  return known.length + distinct * 68 + bytes * 3
}
