/** The texts of one string column: UTF-8 bytes end to end, each text under a number. */
import { free, ints, bytes as zeros } from './memory.js'

export interface TextStore {
  /** Text to number, so that a text is kept once; dropped when the column rarely repeats itself. */
  numbers: Map<string, number> | undefined
  bytes: Uint8Array
  /** End of each text in `bytes`; it starts where the one before ends. */
  ends: Int32Array
  count: number
  /** How often a number was asked for. */
  asked: number
  last: string | undefined
  lastNumber: number
}

const utf8 = new TextEncoder()

/** Texts, or bytes of text, after which a column must have shown that it repeats itself. */
const TRIAL_TEXTS = 4096
const TRIAL_BYTES = 4 * 2 ** 20

export function createTextStore(): TextStore {
  return { numbers: new Map(), bytes: new Uint8Array(64), ends: new Int32Array(8), count: 0, asked: 0, last: undefined, lastNumber: 0 }
}

/** The number of a text. Lone surrogates become U+FFFD, since Parquet strings are UTF-8. */
export function textNumber(store: TextStore, text: string): number {
  store.asked++
  if (text === store.last) return store.lastNumber
  let number = store.numbers?.get(text)
  if (number === undefined) {
    number = add(store, text)
    if (store.numbers !== undefined) {
      store.numbers.set(text, number)
      const tried = number >= TRIAL_TEXTS || store.ends[number]! >= TRIAL_BYTES
      if (tried && store.count * 2 > store.asked) store.numbers = undefined
    }
  }
  store.last = text
  store.lastNumber = number
  return number
}

function add(store: TextStore, text: string): number {
  const number = store.count
  const start = number === 0 ? 0 : store.ends[number - 1]!
  const most = start + text.length * 3
  if (most > 0x7fffffff) throw new RangeError('more than 2 GiB of text in one column')
  if (most > store.bytes.length) {
    const bytes = zeros(Math.max(most, store.bytes.length * 2))
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

/** Gives the memory of texts back: there are none any more. */
export function freeTexts(store: TextStore): void {
  free(store.bytes)
  free(store.ends)
  Object.assign(store, createTextStore())
}

/** Bytes held, with an estimate for the map. */
export function textMemory(store: TextStore): number {
  return store.bytes.length + store.ends.byteLength + (store.numbers === undefined ? 0 : store.count * 64 + textStart(store, store.count) * 2)
}
