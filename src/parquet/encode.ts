/** One column of one row group: gathered in row order, then written as pages. */
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import { type ColumnBuffer, storedRow } from './column.js'
import { type Dictionary, dictionaryOf, plainBytes } from './dictionary.js'
import { bitWidth, hybridBound, writeHybrid } from './hybrid.js'
import type { Leaf } from './schema.js'
import { rangeOf, type Statistics } from './statistics.js'
import { type TextStore, textBytes, textLength } from './text.js'
import { ThriftWriter } from './thrift.js'

/**
 * The largest data page, in uncompressed bytes with its levels (Security Lake asks for at most 1 MB). A row is never
 * split, so a page grows beyond this only when one row has more than this in one column.
 */
export const PAGE_BYTES = 1_048_576

/** Thrift's numbers of the encodings; PLAIN_DICTIONARY is the name that version 1 files and old readers know. */
export const ENCODING = { plain: 0, dictionary: 2, rle: 3 } as const

const DATA_PAGE = 0
const DICTIONARY_PAGE = 2

/** What the footer says about a column chunk. Offsets count from the start of the file. */
export interface Chunk {
  readonly leaf: Leaf
  /** Slots: values and nulls. */
  readonly values: number
  readonly uncompressedBytes: number
  readonly compressedBytes: number
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
  readonly statistics: Statistics
}

/** The slots of a row group: levels of each, and the values that are there. */
interface Slots {
  readonly count: number
  readonly defs: Uint8Array
  readonly reps: Uint8Array | undefined
  /** Words of the values, nulls left out. */
  readonly data: Int32Array
  readonly valueCount: number
}

/**
 * Appends the pages of a column for the rows `order[from, to)` (or `from` to `to` themselves) to `out`.
 */
export function writeChunk(out: ByteSink, column: ColumnBuffer, order: Uint32Array | undefined, from: number, to: number, codec: Codec): Chunk {
  const slots = column.nested === undefined ? gatherFlat(column, order, from, to) : gatherNested(column, order, from, to)
  const { leaf } = column
  const { data, valueCount } = slots
  const plain = plainBytes(column, data, valueCount)
  const dictionary = dictionaryOf(column, data, valueCount, plain)
  const range = dictionary === undefined ? rangeOf(column, data, valueCount) : rangeOf(column, dictionary.values, dictionary.size)
  const start = out.size
  let uncompressed = 0
  const page: PageWriter = (type, count, encoding, bytes) => {
    uncompressed += writePage(out, codec, type, count, encoding, bytes)
  }
  if (dictionary !== undefined) {
    const sink = new ByteSink(dictionary.bytes)
    writePlain(sink, column, dictionary.values, 0, dictionary.size)
    page(DICTIONARY_PAGE, dictionary.size, ENCODING.dictionary, sink.view())
  }
  const dataOffset = out.size
  writeDataPages(page, column, slots, dictionary, plain)
  return {
    leaf,
    values: slots.count,
    uncompressedBytes: uncompressed,
    compressedBytes: out.size - start,
    dictionaryOffset: dictionary === undefined ? undefined : start,
    dataOffset,
    statistics: { nulls: slots.count - valueCount, range },
  }
}

// ---- gathering ----

function gatherFlat(column: ColumnBuffer, order: Uint32Array | undefined, from: number, to: number): Slots {
  const { defs: allDefs, data: all, words, leaf } = column
  const count = to - from
  const defs = new Uint8Array(count)
  const data = new Int32Array(count * words)
  let valueCount = 0
  for (let at = 0; at < count; at++) {
    const slot = storedRow(column, order === undefined ? from + at : order[from + at]!)
    const def = allDefs[slot]!
    defs[at] = def
    if (def !== leaf.def) continue
    if (words === 1) data[valueCount] = all[slot]!
    else {
      data[valueCount * 2] = all[slot * 2]!
      data[valueCount * 2 + 1] = all[slot * 2 + 1]!
    }
    valueCount++
  }
  return { count, defs, reps: undefined, data, valueCount }
}

function gatherNested(column: ColumnBuffer, order: Uint32Array | undefined, from: number, to: number): Slots {
  const { defs: allDefs, data: all, words, leaf } = column
  const { first, end, reps: allReps } = column.nested!
  let count = 0
  for (let at = from; at < to; at++) {
    const row = storedRow(column, order === undefined ? at : order[at]!)
    count += end[row]! - first[row]!
  }
  const defs = new Uint8Array(count)
  const reps = new Uint8Array(count)
  const data = new Int32Array(count * words)
  let valueCount = 0
  let out = 0
  for (let at = from; at < to; at++) {
    const row = storedRow(column, order === undefined ? at : order[at]!)
    const stop = end[row]!
    for (let slot = first[row]!; slot < stop; slot++) {
      const def = allDefs[slot]!
      defs[out] = def
      reps[out++] = allReps[slot]!
      if (def !== leaf.def) continue
      for (let word = 0; word < words; word++) data[valueCount * words + word] = all[slot * words + word]!
      valueCount++
    }
  }
  return { count, defs, reps, data, valueCount }
}

// ---- pages ----

type PageWriter = (type: number, count: number, encoding: number, bytes: Uint8Array) => void

/** Appends a page and returns its uncompressed size with the header. */
function writePage(out: ByteSink, codec: Codec, type: number, count: number, encoding: number, bytes: Uint8Array): number {
  const compressed = codec.compress(bytes)
  const header = new ThriftWriter()
  header.i32(1, type)
  header.i32(2, bytes.length)
  header.i32(3, compressed.length)
  header.struct(type === DATA_PAGE ? 5 : 7, () => {
    header.i32(1, count)
    header.i32(2, encoding)
    if (type !== DATA_PAGE) return
    header.i32(3, ENCODING.rle)
    header.i32(4, ENCODING.rle)
  })
  header.stop()
  const headerBytes = header.sink.view()
  out.append(headerBytes)
  out.append(compressed)
  return headerBytes.length + bytes.length
}

/** Bytes that a page may take beside its slots: level lengths, index width, headers of short runs. */
const PAGE_OVERHEAD = 64

function writeDataPages(page: PageWriter, column: ColumnBuffer, slots: Slots, dictionary: Dictionary | undefined, plain: number): void {
  const sink = new ByteSink(4096)
  const emit = (from: number, to: number, valueFrom: number, valueTo: number): void => {
    sink.size = 0
    const { leaf } = column
    if (slots.reps !== undefined) writeLevels(sink, slots.reps, from, to, leaf.rep)
    writeLevels(sink, slots.defs, from, to, leaf.def)
    if (dictionary === undefined) writePlain(sink, column, slots.data, valueFrom, valueTo)
    else {
      sink.byte(dictionary.width)
      writeHybrid(sink, dictionary.codes, valueFrom, valueTo, dictionary.width)
    }
    page(DATA_PAGE, to - from, dictionary === undefined ? ENCODING.plain : ENCODING.dictionary, sink.view())
  }

  // a level takes at most a byte: widths are below 8
  const { count, defs, reps, valueCount } = slots
  const slotBytes = reps === undefined ? 1 : 2
  const most = PAGE_BYTES - PAGE_OVERHEAD
  const values = dictionary === undefined ? plain : hybridBound(valueCount, dictionary.width)
  if (count * slotBytes + values <= most) {
    emit(0, count, 0, valueCount)
    return
  }

  const sizeOf = valueSize(column, slots, dictionary)
  const { def } = column.leaf
  let pageFrom = 0
  let pageValues = 0
  let pageBytes = 0
  let row = 0
  let rowValues = 0
  let rowBytes = 0
  let value = 0
  for (let slot = 0; slot <= count; slot++) {
    const boundary = slot === count || reps === undefined || reps[slot] === 0
    if (boundary && slot > row) {
      if (pageBytes + rowBytes > most && row > pageFrom) {
        emit(pageFrom, row, pageValues, rowValues)
        pageFrom = row
        pageValues = rowValues
        pageBytes = 0
      }
      pageBytes += rowBytes
      row = slot
      rowValues = value
      rowBytes = 0
    }
    if (slot === count) break
    rowBytes += slotBytes
    if (defs[slot] === def) rowBytes += sizeOf(value++)
  }
  emit(pageFrom, count, pageValues, valueCount)
}

/** The most bytes that the n-th value takes in a data page. */
function valueSize({ leaf, words, text }: ColumnBuffer, { data }: Slots, dictionary: Dictionary | undefined): (at: number) => number {
  if (dictionary !== undefined) return () => (dictionary.width + 1) / 8
  if (leaf.physical === 'boolean') return () => 1
  if (text === undefined) return () => words * 4
  return at => 4 + textLength(text, data[at]!)
}

function writeLevels(sink: ByteSink, levels: Uint8Array, from: number, to: number, max: number): void {
  const at = sink.size
  sink.uint32(0)
  writeHybrid(sink, levels, from, to, bitWidth(max))
  sink.setUint32(at, sink.size - at - 4)
}

// ---- plain values ----

function writePlain(sink: ByteSink, { leaf, words, text }: ColumnBuffer, values: Int32Array, from: number, to: number): void {
  if (text !== undefined) writeTexts(sink, text, values, from, to)
  else if (leaf.physical === 'boolean') writeBits(sink, values, from, to)
  // words are little-endian in memory on every machine that runs JavaScript today
  else sink.append(new Uint8Array(values.buffer, values.byteOffset + from * words * 4, (to - from) * words * 4))
}

function writeTexts(sink: ByteSink, text: TextStore, numbers: Int32Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const bytes = textBytes(text, numbers[at]!)
    sink.uint32(bytes.length)
    sink.append(bytes)
  }
}

function writeBits(sink: ByteSink, values: Int32Array, from: number, to: number): void {
  for (let at = from; at < to; at += 8) {
    let bits = 0
    for (let bit = 0; bit < 8 && at + bit < to; bit++) bits |= values[at + bit]! << bit
    sink.byte(bits)
  }
}
