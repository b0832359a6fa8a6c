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
export function writeHybrid(sink: ByteSink, values: Int32Array, from: number, to: number, width: number): void {
  sink.reserve(hybridBound(to - from, width))
  let at = from
  while (at < to) {
    const run = runLength(values, at, to)
    if (run >= 8) {
      writeRun(sink, values[at]!, run, width)
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

/** The same as `writeHybrid` of an array of `count` equal values. */
export function writeRepeated(sink: ByteSink, value: number, count: number, width: number): void {
  if (count >= 8) writeRun(sink, value, count, width)
  else writeHybrid(sink, new Int32Array(count).fill(value), 0, count, width)
}

function writeRun(sink: ByteSink, value: number, count: number, width: number): void {
  sink.varint(count * 2)
  let rest = value
  for (let bits = width; bits > 0; bits -= 8) {
    sink.byte(rest)
    rest >>>= 8
  }
}

function runLength(values: Int32Array, from: number, to: number): number {
  const value = values[from]
  let at = from + 1
  while (at < to && values[at] === value) at++
  return at - from
}

function startsRun(values: Int32Array, from: number, to: number): boolean {
  const value = values[from]
  if (from + 8 > to || values[from + 1] !== value) return false
  for (let at = from + 2; at < from + 8; at++) if (values[at] !== value) return false
  return true
}

/** Values packed between two copies into the sink: they end on a whole word at every width. */
const BLOCK = 4096
const words = new Int32Array((BLOCK / 32) * 31 + 1)
const packed = new Uint8Array(words.buffer)

/** One bit-packed run; the last group is padded with zeros. */
function writePacked(sink: ByteSink, values: Int32Array, from: number, to: number, width: number): void {
  const groups = (to - from + 7) >> 3
  sink.varint(groups * 2 + 1)
  sink.reserve(groups * width)
  const whole = from + ((to - from) & ~7)
  for (let at = from; at < whole; at += BLOCK) packGroups(sink, values, at, Math.min(at + BLOCK, whole), width)
  if (whole === to) return
  last.fill(0)
  for (let at = whole; at < to; at++) last[at - whole] = values[at]!
  packGroups(sink, last, 0, 8, width)
}

const last = new Int32Array(8)

/** Packs a block of whole groups: as many values at a time as fit a word. */
function packGroups(sink: ByteSink, values: Int32Array, from: number, to: number, width: number): void {
  const step = width <= 8 ? 4 : width <= 16 ? 2 : 1
  const stepBits = width * step
  let out = 0
  let pending = 0
  let bits = 0
  for (let at = from; at < to; at += step) {
    let some = values[at]!
    if (step > 1) some |= values[at + 1]! << width
    if (step > 2) some |= (values[at + 2]! | (values[at + 3]! << width)) << (width * 2)
    pending |= some << bits
    bits += stepBits
    if (bits < 32) continue
    words[out++] = pending
    bits -= 32
    pending = bits === 0 ? 0 : some >>> (stepBits - bits)
  }
  words[out] = pending
  const size = ((to - from) >> 3) * width
  const { bytes } = sink
  if (size > 64) bytes.set(packed.subarray(0, size), sink.size)
  else for (let at = 0; at < size; at++) bytes[sink.size + at] = packed[at]!
  sink.size += size
}
