/**
 * Split block bloom filters: whether a row group can hold a value, in a few hundred bytes.
 *
 * https://github.com/apache/parquet-format/blob/master/BloomFilter.md
 */
import { ByteSink } from './bytes.js'
import type { ColumnBuffer } from './column.js'
import { ofChunk } from './memory.js'
import { textStart } from './text.js'
import { ThriftWriter } from './thrift.js'
import { xxh64 } from './xxhash.js'

/**
 * Bits for each distinct value, at least: 1.02 % of absent values pass then, fewer where rounding up gave more bits.
 * A full row group of distinct values just fits 64 KiB.
 */
const BITS_PER_VALUE = 10.48
/** The largest filter, without its header: as good for up to 200,000 distinct values in a row group. */
export const FILTER_BYTES = 256 * 1024
/** A filter with fewer bits for each value would let more than a tenth pass, and is not written. */
const LEAST_BITS = 6
/**
 * Up to so many distinct values there is no filter: the dictionary (or a chunk of so few values) takes one short
 * read as well, and answers exactly.
 */
export const FEW_VALUES = 64

const BLOCK_BYTES = 32
const SALT = Int32Array.of(0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31)

/**
 * A filter with its header, of the texts with these numbers; `undefined` where it would not help, or would be no
 * smaller than `exactBytes`: what a reader would load instead, the dictionary page or the pages themselves.
 */
export function bloomFilter(column: ColumnBuffer, numbers: Int32Array, count: number, exactBytes: number): Uint8Array | undefined {
  if (count <= FEW_VALUES) return undefined
  const hashes = distinctHashes(column, numbers, count)
  const size = filterBytes(hashes.length / 2)
  if (size === undefined || size >= exactBytes) return undefined
  const words = new Int32Array(size / 4)
  for (let at = 0; at < hashes.length; at += 2) insert(words, hashes[at]!, hashes[at + 1]!)
  const sink = new ByteSink(size + 64)
  writeHeader(sink, size)
  sink.append(new Uint8Array(words.buffer))
  return sink.view()
}

/** Bytes for so many distinct values: a power of two, since some readers take no other. */
export function filterBytes(distinct: number): number | undefined {
  if (distinct <= FEW_VALUES || distinct * LEAST_BITS > FILTER_BYTES * 8) return undefined
  let size = BLOCK_BYTES
  while (size < FILTER_BYTES && size * 8 < distinct * BITS_PER_VALUE) size *= 2
  return size
}

function insert(words: Int32Array, low: number, high: number): void {
  const block = Math.floor((high * (words.length / 8)) / 2 ** 32) * 8
  for (let at = 0; at < 8; at++) words[block + at]! |= 1 << (Math.imul(low, SALT[at]!) >>> 27)
}

/** Low and high word of each hash, each once: a number can stand for a text that has another number too. */
function distinctHashes({ text, use }: ColumnBuffer, numbers: Int32Array, count: number): Uint32Array {
  const { bytes, ends } = text!
  const seen = ofChunk.zeroBytes(text!.count)
  const most = Math.min(count, use!.distinct)
  const mask = 2 ** (32 - Math.clz32(most * 2)) - 1
  const table = ofChunk.zeroInts(mask + 1) // position of a hash, plus 1
  const hashes = new Uint32Array(most * 2 + 2)
  let size = 0
  for (let at = 0; at < count; at++) {
    const number = numbers[at]!
    if (seen[number] === 1) continue
    seen[number] = 1
    xxh64(bytes, textStart(text!, number), ends[number]!, hashes, size * 2)
    const low = hashes[size * 2]!
    const high = hashes[size * 2 + 1]!
    let slot = high & mask
    let other = table[slot]!
    while (other !== 0 && (hashes[other * 2 - 2] !== low || hashes[other * 2 - 1] !== high)) {
      slot = (slot + 1) & mask
      other = table[slot]!
    }
    if (other === 0) table[slot] = ++size
  }
  return hashes.subarray(0, size * 2)
}

/** `BloomFilterHeader`: split blocks, XXH64, not compressed, each the only member of a union. */
function writeHeader(sink: ByteSink, size: number): void {
  const out = new ThriftWriter(sink)
  out.i32(1, size)
  for (const id of [2, 3, 4]) out.struct(id, () => out.struct(1, () => {}))
  out.stop()
}
