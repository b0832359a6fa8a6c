/** Parquet's RLE and bit-packing hybrid: levels and dictionary indices. */
import type { ByteSink } from './bytes.js'

/** Bits that hold every integer from 0 to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max)
}

/** The most bytes that `writeHybrid` takes: a bit-packed group of eight has at most one byte of header. */
export function hybridBound(count: number, width: number): number {
  return Math.ceil((count * (width + 1)) / 8) + width + 16
}

/** Appends `values[from, to)`, each below `2 ** width`, with `width` from 1 to 31. */
export function writeHybrid(sink: ByteSink, values: Uint8Array | Int32Array, from: number, to: number, width: number): void {
  sink.reserve(hybridBound(to - from, width))
  let at = from
  while (at < to) {
    const run = runLength(values, at, to)
    if (run >= 8) {
      sink.varint(run * 2)
      let rest = values[at]!
      for (let bits = width; bits > 0; bits -= 8) {
        sink.byte(rest)
        rest >>>= 8
      }
      at += run
      continue
    }
    // eight at a time until a run begins on a boundary that is long enough to stand alone
    let end = at + 8
    while (end < to && !startsRun(values, end, to)) end += 8
    writePacked(sink, values, at, Math.min(end, to), width)
    at = end
  }
}

function runLength(values: Uint8Array | Int32Array, from: number, to: number): number {
  const value = values[from]
  let at = from + 1
  while (at < to && values[at] === value) at++
  return at - from
}

function startsRun(values: Uint8Array | Int32Array, from: number, to: number): boolean {
  if (from + 8 > to) return false
  const value = values[from]
  for (let at = from + 1; at < from + 8; at++) if (values[at] !== value) return false
  return true
}

/** One bit-packed run; the last group is padded with zeros. */
function writePacked(sink: ByteSink, values: Uint8Array | Int32Array, from: number, to: number, width: number): void {
  const groups = (to - from + 7) >> 3
  sink.varint(groups * 2 + 1)
  sink.reserve(groups * width)
  const { bytes } = sink
  const end = sink.size + groups * width
  let out = sink.size
  let pending = 0
  let bits = 0
  for (let at = from; at < to; at++) {
    const value = values[at]!
    pending |= value << bits
    bits += width
    if (bits < 32) continue
    bytes[out] = pending
    bytes[out + 1] = pending >>> 8
    bytes[out + 2] = pending >>> 16
    bytes[out + 3] = pending >>> 24
    out += 4
    bits -= 32
    pending = bits === 0 ? 0 : value >>> (width - bits)
  }
  while (out < end) {
    bytes[out++] = pending
    pending >>>= 8
  }
  sink.size = end
}
