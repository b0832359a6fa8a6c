/** Which row comes when, and where row groups end. */
import { addRowBytes, type ColumnBuffer, storedRow } from './column.js'

/** Rows of a row group at most. */
export const ROW_GROUP_ROWS = 50_000
/** Bytes of text and list items of a row group at most, uncompressed, unless one row has more. */
export const ROW_GROUP_BYTES = 64 * 2 ** 20

/** Where row groups end, counted in rows and bytes. */
export function groupEnds(columns: readonly ColumnBuffer[], order: Int32Array): number[] {
  const rows = order.length
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

/** The rows by time, stable, those without one last. */
export function timeOrder(column: ColumnBuffer, rows: number): Int32Array {
  const { defs, data, leaf } = column
  const low = new Int32Array(rows)
  const high = new Int32Array(rows)
  const order = new Int32Array(rows)
  let present = 0
  let absent = rows
  let sorted = true
  for (let row = 0; row < rows; row++) {
    const slot = storedRow(column, row)
    if (defs[slot] !== leaf.def) {
      order[--absent] = row // from behind, turned round below
      continue
    }
    // the sign bit turned, so that a higher word is a later time
    const ownLow = data[slot * 2]!
    const ownHigh = data[slot * 2 + 1]! ^ (1 << 31)
    low[row] = ownLow
    high[row] = ownHigh
    if (present > 0) {
      const before = order[present - 1]!
      if (ownHigh >>> 0 < high[before]! >>> 0 || (ownHigh === high[before] && ownLow >>> 0 < low[before]! >>> 0)) sorted = false
    }
    order[present++] = row
  }
  order.subarray(present).reverse()
  return sorted ? order : sortedByWords(order, present, low, high)
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
      for (let at = 0; at < count; at++) starts[((words[from[at]!]! >>> shift) & (DIGITS - 1)) + 1]!++
      if (starts.includes(count)) continue
      for (let digit = 1; digit < DIGITS; digit++) starts[digit]! += starts[digit - 1]!
      for (let at = 0; at < count; at++) {
        const row = from[at]!
        to[starts[(words[row]! >>> shift) & (DIGITS - 1)]!++] = row
      }
      const sorted = to
      to = from
      from = sorted
    }
  }
  return from
}
