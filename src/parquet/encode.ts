/** One column of one row group: gathered in row order, then written as pages. */
import { bloomFilter } from './bloom.js'
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import { type ColumnBuffer, storedRow } from './column.js'
import { type Dictionary, dictionaryOf, plainBytes } from './dictionary.js'
import { bitWidth, hybridBound, writeHybrid } from './hybrid.js'
import type { Leaf } from './schema.js'
import { type Extremes, extremesFinder, rangeOf, type Statistics, widest } from './statistics.js'
import { type TextStore, textBytes, textLength } from './text.js'
import { ThriftWriter } from './thrift.js'

/**
 * The largest data page, in uncompressed bytes with its levels (Security Lake asks for at most 1 MB). A row is never
 * split, so a page grows beyond this only when one row has more than this in one column.
 */
export const PAGE_BYTES = 1_048_576
/** Rows of a data page at most, the same in every column, so that the page index narrows a search. */
export const PAGE_ROWS = 20_000

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
  readonly pages: readonly DataPage[]
  /** Bloom filter with its header. */
  readonly filter: Uint8Array | undefined
}

export interface DataPage {
  readonly offset: number
  /** Stored bytes with the header. */
  readonly bytes: number
  /** First row, counted from the start of the row group. */
  readonly row: number
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
  const slots = gather(column, order, from, to)
  const { leaf } = column
  const { data, valueCount } = slots
  const dictionary = dictionaryOf(column, data, valueCount, plainBytes(column, data, valueCount))
  const values = dictionary?.values ?? data
  const start = out.size
  let uncompressed = 0
  if (dictionary !== undefined) {
    const sink = new ByteSink(dictionary.bytes)
    writePlain(sink, column, values, 0, dictionary.size)
    uncompressed += writePage(out, codec, DICTIONARY_PAGE, dictionary.size, ENCODING.dictionary, sink.view())
  }

  const dataOffset = out.size
  const body = new ByteSink(4096)
  const extremesOf = extremesFinder(column, values, dictionary?.codes)
  const extremes: (Extremes | undefined)[] = []
  const pages: DataPage[] = []
  for (const run of pageRuns(column, slots, dictionary)) {
    const offset = out.size
    const encoding = dictionary === undefined ? ENCODING.plain : ENCODING.dictionary
    uncompressed += writePage(out, codec, DATA_PAGE, run.to - run.from, encoding, pageBody(body, column, slots, dictionary, run))
    const found = extremesOf(run.valueFrom, run.valueTo)
    extremes.push(found)
    const nulls = run.to - run.from - (run.valueTo - run.valueFrom)
    const range = found === undefined ? undefined : rangeOf(column, values, found)
    pages.push({ offset, bytes: out.size - offset, row: run.row, statistics: { nulls, range } })
  }
  const all = widest(column, values, extremes)
  const exactBytes = dictionary === undefined ? out.size - start : dataOffset - start
  return {
    leaf,
    values: slots.count,
    uncompressedBytes: uncompressed,
    compressedBytes: out.size - start,
    dictionaryOffset: dictionary === undefined ? undefined : start,
    dataOffset,
    statistics: { nulls: slots.count - valueCount, range: all === undefined ? undefined : rangeOf(column, values, all) },
    pages,
    filter: leaf.pivot ? bloomFilter(column, values, dictionary?.size ?? valueCount, exactBytes) : undefined,
  }
}

// ---- gathering ----

function gather(column: ColumnBuffer, order: Uint32Array | undefined, from: number, to: number): Slots {
  const { nested, rows } = column
  if (rows === 1 && (nested === undefined || nested.end[0]! - nested.first[0]! === 1))
    return repeated(column, nested === undefined ? 0 : nested.first[0]!, to - from)
  return nested === undefined ? gatherFlat(column, order, from, to) : gatherNested(column, order, from, to)
}

/** All rows have this one slot: most columns of an object are constant or empty. */
function repeated({ defs: allDefs, data: all, words, leaf, nested }: ColumnBuffer, slot: number, count: number): Slots {
  const defs = new Uint8Array(count).fill(allDefs[slot]!)
  const valueCount = allDefs[slot] === leaf.def ? count : 0
  const data = new Int32Array(valueCount * words)
  if (words === 1) data.fill(all[slot]!)
  else
    for (let at = 0; at < data.length; at += 2) {
      data[at] = all[slot * 2]!
      data[at + 1] = all[slot * 2 + 1]!
    }
  return { count, defs, reps: nested === undefined ? undefined : new Uint8Array(count), data, valueCount }
}

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
const MOST_BYTES = PAGE_BYTES - PAGE_OVERHEAD

/** The slots of a page, the values among them, and its first row. */
interface Run {
  readonly from: number
  readonly to: number
  readonly valueFrom: number
  readonly valueTo: number
  readonly row: number
}

function pageBody(sink: ByteSink, column: ColumnBuffer, slots: Slots, dictionary: Dictionary | undefined, run: Run): Uint8Array {
  const { leaf } = column
  sink.size = 0
  if (slots.reps !== undefined) writeLevels(sink, slots.reps, run.from, run.to, leaf.rep)
  writeLevels(sink, slots.defs, run.from, run.to, leaf.def)
  if (dictionary === undefined) writePlain(sink, column, slots.data, run.valueFrom, run.valueTo)
  else {
    sink.byte(dictionary.width)
    writeHybrid(sink, dictionary.codes, run.valueFrom, run.valueTo, dictionary.width)
  }
  return sink.view()
}

/**
 * Cuts a chunk into pages: by rows, and what is then too large by bytes. A chunk without values or with one value is
 * not cut by rows, since no search is narrowed by that.
 */
function pageRuns(column: ColumnBuffer, slots: Slots, dictionary: Dictionary | undefined): Run[] {
  const runs: Run[] = []
  const { count, defs, reps, valueCount } = slots
  const { def } = column.leaf
  const push = (run: Run): void => {
    if (runBound(column, slots, dictionary, run) <= MOST_BYTES) runs.push(run)
    else cutByBytes(column, slots, dictionary, run, runs)
  }
  if (valueCount === 0 || dictionary?.size === 1) {
    push({ from: 0, to: count, valueFrom: 0, valueTo: valueCount, row: 0 })
    return runs
  }
  let from = 0
  let valueFrom = 0
  let row = 0
  while (from < count) {
    const to = reps === undefined ? Math.min(count, from + PAGE_ROWS) : rowsEnd(reps, from)
    let valueTo = valueFrom
    if (to === count) valueTo = valueCount
    else if (valueCount === count) valueTo += to - from
    else for (let slot = from; slot < to; slot++) if (defs[slot] === def) valueTo++
    push({ from, to, valueFrom, valueTo, row })
    from = to
    valueFrom = valueTo
    row += PAGE_ROWS
  }
  return runs
}

/** The slot behind `PAGE_ROWS` whole rows. */
function rowsEnd(reps: Uint8Array, from: number): number {
  let rows = 0
  for (let slot = from; slot < reps.length; slot++) if (reps[slot] === 0 && rows++ === PAGE_ROWS) return slot
  return reps.length
}

/** Bytes of a page with these slots, at most; a level takes at most a byte, since widths are below 8. */
function runBound(column: ColumnBuffer, { data, reps }: Slots, dictionary: Dictionary | undefined, run: Run): number {
  const values = run.valueTo - run.valueFrom
  const levels = (run.to - run.from) * (reps === undefined ? 1 : 2)
  if (dictionary !== undefined) return levels + hybridBound(values, dictionary.width)
  return levels + plainBytes(column, data.subarray(run.valueFrom * column.words, run.valueTo * column.words), values)
}

function cutByBytes(column: ColumnBuffer, slots: Slots, dictionary: Dictionary | undefined, run: Run, runs: Run[]): void {
  const { defs, reps } = slots
  const slotBytes = reps === undefined ? 1 : 2
  const sizeOf = valueSize(column, slots, dictionary)
  const { def } = column.leaf
  // the page so far, and the row behind it
  let page = { slot: run.from, value: run.valueFrom, row: run.row, bytes: 0 }
  let next = { slot: run.from, value: run.valueFrom, row: run.row, bytes: 0 }
  let value = run.valueFrom
  for (let slot = run.from; slot <= run.to; slot++) {
    const boundary = slot === run.to || reps === undefined || reps[slot] === 0
    if (boundary && slot > next.slot) {
      if (page.bytes + next.bytes > MOST_BYTES && next.slot > page.slot) {
        runs.push({ from: page.slot, to: next.slot, valueFrom: page.value, valueTo: next.value, row: page.row })
        page = { ...next, bytes: 0 }
      }
      page.bytes += next.bytes
      next = { slot, value, row: next.row + 1, bytes: 0 }
    }
    if (slot === run.to) break
    next.bytes += slotBytes
    if (defs[slot] === def) next.bytes += sizeOf(value++)
  }
  runs.push({ from: page.slot, to: run.to, valueFrom: page.value, valueTo: run.valueTo, row: page.row })
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
