/** Column chunks: each column of a row group as pages, and what is equal to an earlier column as a copy of its pages. */
import { bloomFilter } from './bloom.js'
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import type { ColumnBuffer, Keyed, Partition } from './column.js'
import {
  type ClassCodes,
  classCodes,
  type Dictionary,
  dictionaryOf,
  dictionaryOfClasses,
  dictionaryOfOne,
  listCodes,
  plainBytes,
  valuesOf,
} from './dictionary.js'
import { hybridBound, writeHybrid, writeRepeated } from './hybrid.js'
import { createLevels, isRepeated, type Levels, levelBytes, onlySlot, type Run, sameWords } from './levels.js'
import { ofChunk, ofGroup } from './memory.js'
import { writePlain } from './plain.js'
import type { Leaf } from './schema.js'
import { codesIn, type Extremes, extremesAt, extremesOf, rangeOf, type Statistics, widest } from './statistics.js'
import { textLength } from './text.js'
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

/** The data pages of a dictionary's indices, which another column may share. */
interface Coded {
  readonly levels: Levels
  readonly dictionary: Dictionary
  readonly dataOffset: number
  readonly bytes: number
  readonly uncompressed: number
  readonly pages: readonly { readonly offset: number; readonly bytes: number; readonly run: Run; readonly codes: Int32Array }[]
}

export interface ChunkWriter {
  /** Appends a row group of the rows `order[from, to)`. */
  rowGroup(from: number, to: number): Chunk[]
}

/** Writes the columns of a file to `out`; `order` says which row comes when. */
export function createChunkWriter(out: ByteSink, columns: readonly ColumnBuffer[], order: Int32Array, codec: Codec): ChunkWriter {
  const levels = createLevels(columns, order.length, order)
  const twins = twinsOf(columns, levels.same)
  const body = new ByteSink(1 << 16)
  const thrift = new ThriftWriter(out)
  let coded: Coded[] = []
  const ofPartition = new Map<Partition, ClassCodes>()
  const ofLists = new Map<string, Int32Array>()

  const chunkOf = (index: number): Chunk => {
    const column = columns[index]!
    const all = levels.levelsOf(index)
    const only = onlySlot(column)
    const value = only === undefined ? undefined : column.data.subarray(only * column.words, (only + 1) * column.words)
    const one = value && dictionaryOfOne(column, value, all.valueCount)
    if (one !== undefined) return dictionaryChunk(column, all, one)
    const codes = isRepeated(column, all.each) ? listCodes(column, all, ofLists) : column.keyed && codesOf(column.keyed, all)
    const byClass = codes && dictionaryOfClasses(column, codes)
    if (byClass !== undefined) return dictionaryChunk(column, all, byClass)
    const values = valuesOf(column, all)
    const dictionary = dictionaryOf(column, values, all.valueCount)
    return dictionary === undefined ? plainChunk(column, all, values) : dictionaryChunk(column, all, dictionary)
  }

  const codesOf = (keyed: Keyed, all: Levels): ClassCodes => {
    let codes = ofPartition.get(keyed.partition)
    if (codes === undefined) {
      codes = classCodes(keyed, all)
      ofPartition.set(keyed.partition, codes)
    }
    return codes
  }

  const plainChunk = (column: ColumnBuffer, all: Levels, values: Int32Array): Chunk => {
    const start = out.size
    const extremes: (Extremes | undefined)[] = []
    const pages: DataPage[] = []
    let uncompressed = 0
    for (const run of runsOf(column, all, undefined, values)) {
      const offset = out.size
      body.size = 0
      body.append(levelBytes(all, run))
      writePlain(body, column, values, run.valueFrom, run.valueTo)
      uncompressed += writePage(DATA_PAGE, run.to - run.from, ENCODING.plain)
      const found = extremesOf(column, values, run.valueFrom, run.valueTo)
      extremes.push(found)
      pages.push(dataPage(offset, run, column, values, found))
    }
    return chunk(column, all, values, all.valueCount, start, undefined, start, uncompressed, extremes, pages)
  }

  const dictionaryChunk = (column: ColumnBuffer, all: Levels, dictionary: Dictionary): Chunk => {
    const { values, size } = dictionary
    const start = out.size
    body.size = 0
    writePlain(body, column, values, 0, size)
    const dictionaryBytes = writePage(DICTIONARY_PAGE, size, ENCODING.dictionary)
    const dataOffset = out.size
    const known = coded.find(other => sameCodes(other, all, dictionary))
    const written = known ?? writeCodes(all, dictionary)
    if (known === undefined) coded.push(written)
    else out.append(out.bytes.subarray(known.dataOffset, known.dataOffset + known.bytes))
    const shift = dataOffset - written.dataOffset
    const extremes: (Extremes | undefined)[] = []
    const pages = written.pages.map(({ offset, bytes, run, codes }): DataPage => {
      const found = extremesAt(column, values, codes)
      extremes.push(found)
      return { offset: offset + shift, bytes, row: run.row, statistics: statisticsOf(column, values, run, found) }
    })
    return chunk(column, all, values, size, start, start, dataOffset, dictionaryBytes + written.uncompressed, extremes, pages)
  }

  const writeCodes = (all: Levels, dictionary: Dictionary): Coded => {
    const { codes, size, width } = dictionary
    const dataOffset = out.size
    const seen = new Uint8Array(size)
    let uncompressed = 0
    const pages = runsOf(undefined, all, dictionary, undefined).map(run => {
      const offset = out.size
      const count = run.valueTo - run.valueFrom
      body.size = 0
      body.append(levelBytes(all, run))
      body.byte(width)
      if (codes === undefined) writeRepeated(body, 0, count, width)
      else writeHybrid(body, codes, run.valueFrom, run.valueTo, width)
      uncompressed += writePage(DATA_PAGE, run.to - run.from, ENCODING.dictionary)
      const found = codes === undefined ? new Int32Array(count === 0 ? 0 : 1) : codesIn(codes, run.valueFrom, run.valueTo, seen)
      return { offset, bytes: out.size - offset, run, codes: found }
    })
    return { levels: all, dictionary, dataOffset, bytes: out.size - dataOffset, uncompressed, pages }
  }

  const chunk = (
    column: ColumnBuffer,
    all: Levels,
    values: Int32Array,
    valueCount: number,
    start: number,
    dictionaryOffset: number | undefined,
    dataOffset: number,
    uncompressedBytes: number,
    extremes: readonly (Extremes | undefined)[],
    pages: readonly DataPage[],
  ): Chunk => {
    const { leaf } = column
    const found = widest(column, values, extremes)
    const exactBytes = dictionaryOffset === undefined ? out.size - start : dataOffset - start
    return {
      leaf,
      values: all.count,
      uncompressedBytes,
      compressedBytes: out.size - start,
      dictionaryOffset,
      dataOffset,
      statistics: { nulls: all.count - all.valueCount, range: found && rangeOf(column, values, found) },
      pages,
      filter: leaf.pivot ? bloomFilter(column, values, valueCount, exactBytes) : undefined,
    }
  }

  const dataPage = (offset: number, run: Run, column: ColumnBuffer, values: Int32Array, found: Extremes | undefined): DataPage => ({
    offset,
    bytes: out.size - offset,
    row: run.row,
    statistics: statisticsOf(column, values, run, found),
  })

  /** Appends `body` as a page and returns its uncompressed size with the header. */
  const writePage = (type: number, count: number, encoding: number): number => {
    const bytes = body.view()
    const compressed = codec.compress(bytes)
    const start = out.size
    thrift.i32(1, type)
    thrift.i32(2, bytes.length)
    thrift.i32(3, compressed.length)
    thrift.struct(type === DATA_PAGE ? 5 : 7, () => {
      thrift.i32(1, count)
      thrift.i32(2, encoding)
      if (type !== DATA_PAGE) return
      thrift.i32(3, ENCODING.rle)
      thrift.i32(4, ENCODING.rle)
    })
    thrift.stop()
    const headerBytes = out.size - start
    out.append(compressed)
    return headerBytes + bytes.length
  }

  return {
    rowGroup(from, to) {
      levels.begin(from, to)
      coded = []
      ofPartition.clear()
      ofLists.clear()
      const chunks: Chunk[] = []
      for (let index = 0; index < columns.length; index++) {
        const twin = twins[index]
        chunks.push(twin === undefined ? chunkOf(index) : copyChunk(out, chunks[twin]!, columns[index]!.leaf))
        ofChunk.free()
      }
      ofGroup.free()
      return chunks
    },
  }
}

// ---- what is equal ----

/** For each column the first one before it with the same chunks: equal numbers (a time and its `*_dt` twin), or no values. */
function twinsOf(columns: readonly ColumnBuffer[], sameLevels: (a: number, b: number) => boolean): (number | undefined)[] {
  const firsts: number[] = []
  return columns.map((column, index) => {
    const twin = firsts.find(other => sameLevels(other, index) && sameValues(columns[other]!, column))
    if (twin === undefined) firsts.push(index)
    return twin
  })
}

function sameValues(a: ColumnBuffer, b: ColumnBuffer): boolean {
  const only = onlySlot(b)
  if (only !== undefined && b.defs[only] !== b.leaf.def) return true
  if (a.keyed !== undefined || b.keyed !== undefined) return false
  return (
    a.text === undefined && b.text === undefined && a.leaf.physical === b.leaf.physical && a.slots === b.slots && sameWords(a.data, b.data, b.slots * b.words)
  )
}

function copyChunk(out: ByteSink, chunk: Chunk, leaf: Leaf): Chunk {
  const start = chunk.dictionaryOffset ?? chunk.dataOffset
  const shift = out.size - start
  out.append(out.bytes.subarray(start, start + chunk.compressedBytes))
  return {
    ...chunk,
    leaf,
    dictionaryOffset: chunk.dictionaryOffset === undefined ? undefined : chunk.dictionaryOffset + shift,
    dataOffset: chunk.dataOffset + shift,
    pages: chunk.pages.map(page => ({ ...page, offset: page.offset + shift })),
  }
}

/** Whether the indices of a dictionary are those of an earlier one, as those of captions are those of their ids. */
function sameCodes({ levels, dictionary }: Coded, all: Levels, { size, codes }: Dictionary): boolean {
  if (levels !== all || dictionary.size !== size) return false
  return codes === undefined || dictionary.codes === undefined || sameWords(codes, dictionary.codes, codes.length)
}

// ---- pages ----

/** Bytes that a page may take beside its slots: level lengths, index width, headers of short runs. */
const PAGE_OVERHEAD = 64
const MOST_BYTES = PAGE_BYTES - PAGE_OVERHEAD

function statisticsOf(column: ColumnBuffer, values: Int32Array, run: Run, found: Extremes | undefined): Statistics {
  const nulls = run.to - run.from - (run.valueTo - run.valueFrom)
  return { nulls, range: found && rangeOf(column, values, found) }
}

/** The most bytes that the values `[from, to)` take in a data page. */
type Bound = (from: number, to: number) => number

/**
 * Cuts a chunk into pages: by rows, and what is then too large by bytes. A chunk without values or with one value is
 * not cut by rows, since no search is narrowed by that.
 */
function runsOf(column: ColumnBuffer | undefined, all: Levels, dictionary: Dictionary | undefined, values: Int32Array | undefined): Run[] {
  const bound: Bound = dictionary === undefined ? (from, to) => plainBytes(column!, values!, from, to) : (from, to) => hybridBound(to - from, dictionary.width)
  const runs: Run[] = []
  for (const run of dictionary?.size === 1 ? [all.whole] : all.cut) {
    const bytes = (run.to - run.from) * levelSize(all) + bound(run.valueFrom, run.valueTo)
    if (bytes <= MOST_BYTES) runs.push(run)
    else cutByBytes(all, run, sizeOf(column, dictionary, values), runs)
  }
  return runs
}

/** A level takes at most a byte, since widths are below 8. */
function levelSize({ maxRep }: Levels): number {
  return maxRep === 0 ? 1 : 2
}

function cutByBytes(all: Levels, run: Run, sizeOf: (at: number) => number, runs: Run[]): void {
  const { defs, reps, maxDef } = all
  const slotBytes = levelSize(all)
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
    if ((typeof defs === 'number' ? defs : defs[slot]) === maxDef) next.bytes += sizeOf(value++)
  }
  runs.push({ from: page.slot, to: run.to, valueFrom: page.value, valueTo: run.valueTo, row: page.row })
}

/** The most bytes that the n-th value takes in a data page. */
function sizeOf(column: ColumnBuffer | undefined, dictionary: Dictionary | undefined, values: Int32Array | undefined): (at: number) => number {
  if (dictionary !== undefined) return () => (dictionary.width + 1) / 8
  const { leaf, text, words } = column!
  if (leaf.physical === 'boolean') return () => 1
  return text === undefined ? () => words * 4 : at => 4 + textLength(text, values![at]!)
}
