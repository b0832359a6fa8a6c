/** Which row comes when, and where row groups end. */
import { type ColumnBuffer, spreadKeyed, storedRow } from './column.js'
import type { TextStore } from './text.js'

/** Rows of a row group at most. */
export const ROW_GROUP_ROWS = 50_000
/** Bytes of text and list items of a row group at most, uncompressed, unless one row has more. */
export const ROW_GROUP_BYTES = 64 * 2 ** 20

/** Where row groups end, counted in rows and bytes. */
export function groupEnds(columns: readonly ColumnBuffer[], order: Int32Array): number[] {
  const rows = order.length
  if (groupBytesAtMost(columns, rows) <= ROW_GROUP_BYTES)
    return Array.from({ length: Math.ceil(rows / ROW_GROUP_ROWS) }, (_, n) => Math.min(rows, (n + 1) * ROW_GROUP_ROWS))
  for (const column of columns) if (column.keyed !== undefined) spreadKeyed(column)
  const sizes = new Float64Array(rows)
  let every = 0
  for (const column of columns) every += addRowBytes(column, sizes)
  const ends: number[] = []
  let from = 0
  let bytes = 0
  for (let at = 0; at < rows; at++) {
    const size = every + sizes[order[at]!]!
    if (at > from && (at - from === ROW_GROUP_ROWS || bytes + size > ROW_GROUP_BYTES)) {
      ends.push(at)
      from = at
      bytes = 0
    }
    bytes += size
  }
  if (rows > 0) ends.push(rows)
  return ends
}

/** A bound of the bytes of a row group with all rows that it may have, without a look at each: mostly they fit. */
function groupBytesAtMost(columns: readonly ColumnBuffer[], rows: number): number {
  let bytes = 0
  for (const { use, nested, words, rows: stored } of columns) {
    if (stored === 0 || (use === undefined && nested === undefined)) continue
    let slots = Math.min(rows, ROW_GROUP_ROWS)
    if (nested !== undefined) {
      const { first, end } = nested
      slots = (rows - stored) * (end[stored - 1]! - first[stored - 1]!)
      for (let row = 0; row < stored; row++) slots += end[row]! - first[row]!
    }
    bytes += slots * (2 + (use === undefined ? words * 4 : 4 + use.longest))
  }
  return bytes
}

/**
 * Adds to `sizes` what each row takes in this column as plain Parquet, texts and list items counted. Returns what every
 * row takes where that is the same: most columns are constant or empty, and not walked.
 */
function addRowBytes(column: ColumnBuffer, sizes: Float64Array): number {
  const { text, nested, rows } = column
  if (rows === 0 || (text === undefined && nested === undefined)) return 0
  if (rows === 1) return slotBytes(column, nested?.first[0] ?? 0, nested?.end[0] ?? 1)
  if (nested === undefined) addTextBytes(column, text!, sizes)
  else {
    const { first, end } = nested
    for (let row = 0; row < rows; row++) sizes[row]! += slotBytes(column, first[row]!, end[row]!)
  }
  if (rows < sizes.length) {
    const last = nested === undefined ? slotBytes(column, rows - 1, rows) : slotBytes(column, nested.first[rows - 1]!, nested.end[rows - 1]!)
    for (let row = rows; row < sizes.length; row++) sizes[row]! += last
  }
  return 0
}

function addTextBytes({ rows, defs, data, leaf }: ColumnBuffer, { ends }: TextStore, sizes: Float64Array): void {
  const { def } = leaf
  for (let row = 0; row < rows; row++) {
    let size = 2
    if (defs[row] === def) {
      const number = data[row]!
      size += 4 + ends[number]! - (number === 0 ? 0 : ends[number - 1]!)
    }
    sizes[row]! += size
  }
}

function slotBytes({ text, leaf, defs, data, words }: ColumnBuffer, from: number, to: number): number {
  const { def } = leaf
  let size = (to - from) * 2
  for (let slot = from; slot < to; slot++) {
    if (defs[slot] !== def) continue
    if (text === undefined) size += words * 4
    else {
      const number = data[slot]!
      size += 4 + text.ends[number]! - (number === 0 ? 0 : text.ends[number - 1]!)
    }
  }
  return size
}

/** The rows by time, stable, those without one last. */
export function timeOrder(column: ColumnBuffer, rows: number): Int32Array {
  const low = new Int32Array(rows)
  const high = new Int32Array(rows)
  const order = new Int32Array(rows)
  const present = takeTimes(column, rows, low, high, order)
  order.subarray(present).reverse()
  return isSorted(order, present, low, high) ? order : sortedByWords(order, present, low, high)
}

// Loops of their own: V8 throws compiled code away where it goes on behind a loop that it has not left before.

/** The words of the times, and their rows; those without one are placed from behind. Returns how many have one. */
function takeTimes(column: ColumnBuffer, rows: number, low: Int32Array, high: Int32Array, order: Int32Array): number {
  const { defs, data, leaf } = column
  const { def } = leaf
  let present = 0
  let absent = rows
  for (let row = 0; row < rows; row++) {
    const slot = storedRow(column, row)
    if (defs[slot] === def) {
      low[row] = data[slot * 2]!
      high[row] = data[slot * 2 + 1]! ^ (1 << 31) // the sign bit turned, so that a higher word is a later time
      order[present++] = row
    } else order[--absent] = row
  }
  return present
}

function isSorted(order: Int32Array, count: number, low: Int32Array, high: Int32Array): boolean {
  for (let at = 1; at < count; at++) {
    const row = order[at]!
    const before = order[at - 1]!
    const above = high[row]! >>> 0
    const below = high[before]! >>> 0
    if (above < below || (above === below && low[row]! >>> 0 < low[before]! >>> 0)) return false
  }
  return true
}

const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS

/** Radix sort of `order[0, count)` by 64-bit keys, lowest digit first, without the digits that all keys share. */
function sortedByWords(order: Int32Array, count: number, low: Int32Array, high: Int32Array): Int32Array {
  let from: Int32Array = order
  let to: Int32Array = order.slice()
  for (const words of [low, high]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      const starts = new Int32Array(DIGITS + 1)
      countDigits(from, count, words, shift, starts)
      if (starts.includes(count)) continue
      for (let digit = 1; digit < DIGITS; digit++) starts[digit]! += starts[digit - 1]!
      placeByDigit(from, count, words, shift, starts, to)
      const sorted = to
      to = from
      from = sorted
    }
  }
  return from
}

/** Counts each digit one place behind itself. */
function countDigits(rows: Int32Array, count: number, words: Int32Array, shift: number, counts: Int32Array): void {
  for (let at = 0; at < count; at++) counts[((words[rows[at]!]! >>> shift) & (DIGITS - 1)) + 1]!++
}

function placeByDigit(rows: Int32Array, count: number, words: Int32Array, shift: number, starts: Int32Array, to: Int32Array): void {
  for (let at = 0; at < count; at++) {
    const row = rows[at]!
    to[starts[(words[row]! >>> shift) & (DIGITS - 1)]!++] = row
  }
}
