/** Least and greatest value of a column chunk or a page, in Parquet's type-defined order. */
import type { ColumnBuffer } from './column.js'
import { ofChunk, ofGroup } from './memory.js'
import type { Leaf } from './schema.js'
import { compareTexts, type TextStore, textBytes } from './text.js'

export interface Statistics {
  readonly nulls: number
  /** Absent when the chunk has only nulls. */
  readonly range: Range | undefined
}

export interface Range {
  readonly min: Uint8Array
  readonly max: Uint8Array
  /** False when a long text was cut: then `min` is below and `max` above every value. */
  readonly minExact: boolean
  readonly maxExact: boolean
}

/** Longest text kept in statistics, in bytes. */
export const STATISTICS_BYTES = 64

/** Where the least and the greatest of some values stand. */
export interface Extremes {
  readonly min: number
  readonly max: number
}

/** The extremes of `values[from, to)`; `undefined` when there are none. */
export function extremesOf(column: ColumnBuffer, values: Int32Array, from: number, to: number): Extremes | undefined {
  if (from === to) return undefined
  if (column.text !== undefined) return extremesOfTexts(column.text, values, from, to)
  switch (column.leaf.physical) {
    case 'int64':
      return extremesOfInt64(values, from, to)
    case 'double':
      return extremesOfDoubles(values, from, to)
    default:
      return extremesOfWords(values, from, to)
  }
}

function extremesOfWords(values: Int32Array, from: number, to: number): Extremes {
  let min = from
  let max = from
  let low = values[from]!
  let high = low
  for (let at = from + 1; at < to; at++) {
    const value = values[at]!
    if (value < low) {
      low = value
      min = at
    } else if (value > high) {
      high = value
      max = at
    }
  }
  return { min, max }
}

function extremesOfInt64(values: Int32Array, from: number, to: number): Extremes {
  let min = from
  let max = from
  let minHigh = values[from * 2 + 1]!
  let maxHigh = minHigh
  let minLow = values[from * 2]! ^ SIGN // so that lower words compare as if they had a sign
  let maxLow = minLow
  for (let at = from + 1; at < to; at++) {
    const high = values[at * 2 + 1]!
    const low = values[at * 2]! ^ SIGN
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minHigh = high
      minLow = low
      min = at
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxHigh = high
      maxLow = low
      max = at
    }
  }
  return { min, max }
}

const SIGN = 1 << 31

function extremesOfDoubles(values: Int32Array, from: number, to: number): Extremes {
  let min = from
  let max = from
  for (let at = from + 1; at < to; at++) {
    if (compareDouble(values, at, min) < 0) min = at
    else if (compareDouble(values, at, max) > 0) max = at
  }
  return { min, max }
}

function extremesOfTexts(text: TextStore, values: Int32Array, from: number, to: number): Extremes {
  let min = from
  let max = from
  let low = leading(text, values[from]!)
  let high = low
  for (let at = from + 1; at < to; at++) {
    const number = values[at]!
    const start = leading(text, number)
    if (start <= low && (start < low || compareTexts(text, number, values[min]!) < 0)) {
      low = start
      min = at
    } else if (start >= high && (start > high || compareTexts(text, number, values[max]!) > 0)) {
      high = start
      max = at
    }
  }
  return { min, max }
}

/** The first four bytes of a text as a number, in the order of texts; nothing counts as a zero. */
function leading({ bytes, ends }: TextStore, number: number): number {
  const start = number === 0 ? 0 : ends[number - 1]!
  const length = ends[number]! - start
  if (length >= 4) return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) ^ SIGN
  let word = 0
  for (let at = 0; at < length; at++) word |= bytes[start + at]! << (24 - at * 8)
  return word ^ SIGN
}

/** Each of `codes[from, to)` once; `seen` has room for every code and is left as it was: all zeros. */
export function codesIn(codes: Int32Array, from: number, to: number, seen: Uint8Array): Int32Array {
  const found = ofGroup.ints(Math.min(to - from, seen.length))
  let count = 0
  for (let at = from; at < to && count < seen.length; at++) {
    const code = codes[at]!
    if (seen[code] === 1) continue
    seen[code] = 1
    found[count++] = code
  }
  for (let at = 0; at < count; at++) seen[found[at]!] = 0
  return found.subarray(0, count)
}

/** The extremes of the values that stand at these places. */
export function extremesAt(column: ColumnBuffer, values: Int32Array, places: Int32Array): Extremes | undefined {
  const some = ofChunk.ints(places.length * column.words)
  copyAt(column.words, values, places, some)
  const found = extremesOf(column, some, 0, places.length)
  return found && { min: places[found.min]!, max: places[found.max]! }
}

// A function of its own: V8 gives the code of a long loop up as soon as the function goes on behind it.
function copyAt(words: 1 | 2, values: Int32Array, places: Int32Array, to: Int32Array): void {
  for (let at = 0; at < places.length; at++) {
    const place = places[at]!
    if (words === 1) to[at] = values[place]!
    else {
      to[at * 2] = values[place * 2]!
      to[at * 2 + 1] = values[place * 2 + 1]!
    }
  }
}

/** The extremes of several runs together. */
export function widest(column: ColumnBuffer, values: Int32Array, some: readonly (Extremes | undefined)[]): Extremes | undefined {
  const compare = compareOf(column)
  let all: Extremes | undefined
  for (const one of some) {
    if (one === undefined) continue
    if (all === undefined) all = one
    else all = { min: compare(values, one.min, all.min) < 0 ? one.min : all.min, max: compare(values, one.max, all.max) > 0 ? one.max : all.max }
  }
  return all
}

/** The bytes of the extremes, long texts cut. */
export function rangeOf(column: ColumnBuffer, values: Int32Array, extremes: Extremes): Range {
  if (column.text !== undefined) return rangeOfTexts(column.text, values[extremes.min]!, values[extremes.max]!)
  return { min: plain(column.leaf, values, extremes.min), max: plain(column.leaf, values, extremes.max), minExact: true, maxExact: true }
}

type Compare = (values: Int32Array, a: number, b: number) => number

const compareWord: Compare = (values, a, b) => values[a]! - values[b]!
const compareInt64: Compare = (values, a, b) => values[a * 2 + 1]! - values[b * 2 + 1]! || (values[a * 2]! >>> 0) - (values[b * 2]! >>> 0)
const compareDouble: Compare = (values, a, b) => doubleAt(values, a) - doubleAt(values, b)
const COMPARE: Readonly<Record<Leaf['physical'], Compare>> = {
  boolean: compareWord,
  int32: compareWord,
  int64: compareInt64,
  double: compareDouble,
  byte_array: compareWord,
}

function compareOf({ leaf, text }: ColumnBuffer): Compare {
  if (text === undefined) return COMPARE[leaf.physical]
  return (values, a, b) => (values[a] === values[b] ? 0 : compareTexts(text, values[a]!, values[b]!))
}

const words = new Int32Array(2)
const asDouble = new Float64Array(words.buffer)

function doubleAt(values: Int32Array, at: number): number {
  words[0] = values[at * 2]!
  words[1] = values[at * 2 + 1]!
  return asDouble[0]!
}

function plain(leaf: Leaf, values: Int32Array, at: number): Uint8Array {
  if (leaf.physical === 'boolean') return Uint8Array.of(values[at]!)
  const count = leaf.physical === 'int32' ? 1 : 2
  return new Uint8Array(values.slice(at * count, at * count + count).buffer)
}

function rangeOfTexts(text: TextStore, min: number, max: number): Range {
  const low = textBytes(text, min)
  const high = textBytes(text, max)
  const floor = floorText(low)
  const ceiling = ceilingText(high)
  return { min: floor, max: ceiling, minExact: floor.length === low.length, maxExact: sameBytes(ceiling, high) }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

/** Cuts before a character that does not fit whole. */
function cut(bytes: Uint8Array): Uint8Array {
  let end = STATISTICS_BYTES
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

function floorText(bytes: Uint8Array): Uint8Array {
  return bytes.length <= STATISTICS_BYTES ? bytes.slice() : cut(bytes).slice()
}

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true }) // else it drops a leading U+FEFF

/** The shortest cut with its last character raised, so that it is above every text that begins like it. */
function ceilingText(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= STATISTICS_BYTES) return bytes.slice()
  const characters = [...fromUtf8.decode(cut(bytes))]
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const code = last.codePointAt(0)!
    if (code === 0x10ffff) continue
    const next = code === 0xd7ff ? 0xe000 : code + 1 // no surrogates in UTF-8
    return utf8.encode(characters.join('') + String.fromCodePoint(next))
  }
  return bytes.slice()
}

/** Order of two bounds as they are stored. */
export function compareBytes({ physical }: Leaf, a: Uint8Array, b: Uint8Array): number {
  if (physical === 'byte_array') {
    const shared = Math.min(a.length, b.length)
    for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at]! - b[at]!
    return a.length - b.length
  }
  if (physical === 'boolean') return a[0]! - b[0]!
  return COMPARE[physical](new Int32Array(Uint8Array.of(...a, ...b).buffer), 0, 1)
}
