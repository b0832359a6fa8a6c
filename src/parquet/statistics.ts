/** Least and greatest value of a column chunk, in Parquet's type-defined order. */
import type { ColumnBuffer } from './column.js'
import type { Leaf } from './schema.js'
import { compareTexts, textBytes } from './text.js'

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

/** The range of `count` values (words of a column, or its distinct ones), `undefined` when there are none. */
export function rangeOf(column: ColumnBuffer, values: Int32Array, count: number): Range | undefined {
  if (count === 0) return undefined
  if (column.text !== undefined) return rangeOfTexts(column, values, count)
  let min = 0
  let max = 0
  const compare = COMPARE[column.leaf.physical]
  for (let at = 1; at < count; at++) {
    if (compare(values, at, min) < 0) min = at
    if (compare(values, at, max) > 0) max = at
  }
  return { min: plain(column.leaf, values, min), max: plain(column.leaf, values, max), minExact: true, maxExact: true }
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

function rangeOfTexts({ text }: ColumnBuffer, numbers: Int32Array, count: number): Range {
  let min = numbers[0]!
  let max = min
  for (let at = 1; at < count; at++) {
    const number = numbers[at]!
    if (number === min || number === max) continue
    if (compareTexts(text!, number, min) < 0) min = number
    else if (compareTexts(text!, number, max) > 0) max = number
  }
  const low = textBytes(text!, min)
  const high = textBytes(text!, max)
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
