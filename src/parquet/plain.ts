/** Values as plain Parquet: data pages without a dictionary, and dictionary pages. */
import type { ByteSink } from './bytes.js'
import type { ColumnBuffer } from './column.js'
import type { TextStore } from './text.js'

/** Appends the values `[from, to)`, given their words. */
export function writePlain(sink: ByteSink, { leaf, words, text }: ColumnBuffer, values: Int32Array, from: number, to: number): void {
  if (text !== undefined) writeTexts(sink, text, values, from, to)
  else if (leaf.physical === 'boolean') writeBits(sink, values, from, to)
  // words are little-endian in memory on every machine that runs JavaScript today
  else sink.append(new Uint8Array(values.buffer, values.byteOffset + from * words * 4, (to - from) * words * 4))
}

/** A call to copy bytes costs more than a short text. */
const LONG_TEXT = 64

function writeTexts(sink: ByteSink, text: TextStore, numbers: Int32Array, from: number, to: number): void {
  const { bytes: source, ends } = text
  for (let at = from; at < to; at++) {
    const number = numbers[at]!
    const start = number === 0 ? 0 : ends[number - 1]!
    const end = ends[number]!
    sink.reserve(end - start + 4)
    const { bytes } = sink
    let out = sink.size
    sink.setUint32(out, end - start)
    out += 4
    if (end - start > LONG_TEXT) bytes.set(source.subarray(start, end), out)
    else for (let from = start; from < end; from++) bytes[out++] = source[from]!
    sink.size += end - start + 4
  }
}

function writeBits(sink: ByteSink, values: Int32Array, from: number, to: number): void {
  for (let at = from; at < to; at += 8) {
    let bits = 0
    for (let bit = 0; bit < 8 && at + bit < to; bit++) bits |= values[at + bit]! << bit
    sink.byte(bits)
  }
}
