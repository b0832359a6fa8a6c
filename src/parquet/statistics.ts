/** Least and greatest value of a column chunk or a page, in Parquet's type-defined order. */
import type { ColumnBuffer } from './column.js'
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

/**
 * Finds the extremes of `values[from, to)`, or, with codes, of the values that `codes[from, to)` point at; `undefined`
 * when there are none.
 */
export function extremesFinder(column: ColumnBuffer, values: Int32Array, codes: Int32Array | undefined): (from: number, to: number) => Extremes | undefined {
  const compare = compareOf(column)
  if (codes === undefined)
    return (from, to) => {
      if (from === to) return undefined
      let min = from
      let max = from
      for (let at = from + 1; at < to; at++) {
        if (compare(values, at, min) < 0) min = at
        else if (compare(values, at, max) > 0) max = at
      }
      return { min, max }
    }

  if (values.length === column.words) return (from, to) => (from === to ? undefined : { min: 0, max: 0 })
  // each value of the dictionary is compared once per call
  const calls = new Int32Array(values.length)
  let call = 0
  return (from, to) => {
    if (from === to) return undefined
    call++
    let min = codes[from]!
    let max = min
    for (let at = from; at < to; at++) {
      const code = codes[at]!
      if (calls[code] === call) continue
      calls[code] = call
      if (compare(values, code, min) < 0) min = code
      else if (compare(values, code, max) > 0) max = code
    }
    return { min, max }
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
