/**
 * What a Parquet object claims, tested before it is believed: the reader allocates and repeats what headers and runs say,
 * so that a few hostile bytes could ask for gigabytes or hours.
 */
import {
  type ColumnMetaData,
  type Compressors,
  decompressPage,
  deltaBinaryUnpack,
  type PageHeader,
  parquetHeader,
  readRleBitPackedHybrid,
  type SchemaTree,
} from './hyparquet.js'

/** Why an object is not read, in the words of a fault. */
export class ParquetRefused extends Error {
  readonly rule: 'parquet_damaged' | 'parquet_too_large' | 'parquet_unsupported'
  readonly expected: string
  readonly found: string
  constructor(rule: ParquetRefused['rule'], expected: string, found: string) {
    super(`${expected}, found ${found}`)
    this.rule = rule
    this.expected = expected
    this.found = found
  }
}

/** Bytes of one page, uncompressed: writers stay at about 1 MiB. */
const MAX_PAGE_BYTES = 64 * 2 ** 20
/** Structures in structures: Parquet's own go six deep. */
const MAX_THRIFT_DEPTH = 32
/** A group of bit-packed values may end with this many that do not count. */
const PADDING = 511

/** @throws ParquetRefused */
export function damaged(expected: string, found: string): never {
  throw new ParquetRefused('parquet_damaged', expected, found)
}

/** Bytes that are read in order; reading past the end is damage. */
interface Cursor {
  at: number
  readonly end: number
  readonly bytes: Uint8Array
}

function byteAt(cursor: Cursor): number {
  if (cursor.at >= cursor.end) damaged('whole structures', 'one that is cut off')
  return cursor.bytes[cursor.at++]!
}

function skip(cursor: Cursor, count: number): void {
  if (count > cursor.end - cursor.at) damaged('lengths within the object', `${count} bytes where ${cursor.end - cursor.at} are left`)
  cursor.at += count
}

/** A varint of at most `longest` bytes. */
function varint(cursor: Cursor, longest: number): number {
  let value = 0
  for (let read = 0; read < longest; read++) {
    const byte = byteAt(cursor)
    value += (byte & 0x7f) * 2 ** (7 * read)
    if (byte < 0x80) return value
  }
  return damaged(`numbers of at most ${longest} bytes`, 'a longer one')
}

/**
 * Tests a structure of Thrift's compact protocol and returns where it ends: no list and no text is longer than what is
 * left of the bytes.
 *
 * @throws ParquetRefused `parquet_damaged`
 */
export function checkThrift(bytes: Uint8Array, at: number, end: number): number {
  const cursor: Cursor = { at, end, bytes }
  structure(cursor, 0)
  return cursor.at
}

function structure(cursor: Cursor, depth: number): void {
  if (depth > MAX_THRIFT_DEPTH) damaged(`structures at most ${MAX_THRIFT_DEPTH} deep`, 'deeper ones')
  for (;;) {
    const byte = byteAt(cursor)
    if ((byte & 0x0f) === 0) return
    if (byte >> 4 === 0) varint(cursor, 5)
    element(cursor, byte & 0x0f, depth, false)
  }
}

function element(cursor: Cursor, type: number, depth: number, inList: boolean): void {
  if (type === 1 || type === 2) {
    if (inList) skip(cursor, 1)
  } else if (type === 3) skip(cursor, 1)
  else if (type >= 4 && type <= 6) varint(cursor, 10)
  else if (type === 7) skip(cursor, 8)
  else if (type === 8) skip(cursor, varint(cursor, 5))
  else if (type === 9) list(cursor, depth)
  else if (type === 12) structure(cursor, depth + 1)
  else damaged('types that Parquet uses', `type ${type}`)
}

function list(cursor: Cursor, depth: number): void {
  if (depth > MAX_THRIFT_DEPTH) damaged(`structures at most ${MAX_THRIFT_DEPTH} deep`, 'deeper ones')
  const header = byteAt(cursor)
  const size = header >> 4 === 15 ? varint(cursor, 5) : header >> 4
  if (size > cursor.end - cursor.at) damaged('lists within the object', `${size} items where ${cursor.end - cursor.at} bytes are left`)
  for (let index = 0; index < size; index++) element(cursor, header & 0x0f, depth + 1, true)
}

/** What the pages of a column chunk hold, as far as it is counted. */
export interface ChunkSize {
  /** Values, nulls included. */
  readonly values: number
  /** Bytes, uncompressed. */
  readonly bytes: number
}

/**
 * Tests the pages of one column chunk: their headers, their sizes once decompressed, and the runs that repeat values.
 *
 * @param chunk the bytes of the chunk
 * @param path from the root of the schema to the column
 * @param most what the chunk may hold at most
 * @throws ParquetRefused
 */
export function checkChunk(chunk: Uint8Array, column: ColumnMetaData, path: readonly SchemaTree[], compressors: Compressors, most: ChunkSize): ChunkSize {
  let at = 0
  let values = 0
  let bytes = 0
  // values of the dictionary
  let known: number | undefined
  // as the reader does, which takes one last byte for none
  while (at < chunk.length - 1) {
    const start = checkThrift(chunk, at, chunk.length)
    const header = parquetHeader({ view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: at })
    const stored = size(header.compressed_page_size, 'compressed_page_size')
    if (stored > chunk.length - start) damaged('pages within their column', `a page of ${stored} bytes where ${chunk.length - start} are left`)
    bytes += size(header.uncompressed_page_size, 'uncompressed_page_size')
    if (header.uncompressed_page_size > MAX_PAGE_BYTES) tooLarge(`pages of at most ${MAX_PAGE_BYTES} bytes`, `${header.uncompressed_page_size} bytes`)
    const page = chunk.subarray(start, start + stored)
    const counted = checkPage(page, header, column, path, compressors, most.values - values, known)
    if (header.type === 'DICTIONARY_PAGE') known = counted
    else values += counted
    if (bytes > most.bytes) tooLarge(`at most ${most.bytes} bytes`, 'more')
    at = start + stored
  }
  return { values, bytes }
}

/** @throws ParquetRefused `parquet_too_large` */
export function tooLarge(expected: string, found: string): never {
  throw new ParquetRefused('parquet_too_large', expected, found)
}

function size(value: unknown, name: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : damaged(`a size as ${name}`, String(value))
}

const levels = (path: readonly SchemaTree[], counts: (repetition: string | undefined) => boolean): number =>
  path.slice(1).filter(({ element: { repetition_type } }) => counts(repetition_type)).length

const bitWidth = (highest: number): number => 32 - Math.clz32(highest)

function checkPage(
  page: Uint8Array,
  header: PageHeader,
  { codec, type }: ColumnMetaData,
  path: readonly SchemaTree[],
  compressors: Compressors,
  most: number,
  known: number | undefined,
): number {
  const repetition = bitWidth(levels(path, kind => kind === 'REPEATED'))
  const deepest = levels(path, kind => kind !== 'REQUIRED')
  const definition = bitWidth(deepest)
  const limit = (written: unknown): number => {
    const count = size(written, 'num_values')
    return count > most ? damaged(`at most ${most} more values in this column`, `${count} in one page`) : count
  }
  if (header.type === 'DICTIONARY_PAGE') {
    const count = size(header.dictionary_page_header?.num_values, 'num_values')
    const bits = type === 'BOOLEAN' ? 1 : 8
    return count * bits > header.uncompressed_page_size * 8 ? damaged('a dictionary within its page', `${count} values`) : count
  }
  if (header.type === 'DATA_PAGE' && header.data_page_header !== undefined) {
    const { num_values, encoding } = header.data_page_header
    const count = limit(num_values)
    const bytes = decompressPage(page, header.uncompressed_page_size, codec, compressors)
    const cursor: Cursor = { at: 0, end: bytes.length, bytes }
    if (repetition > 0) lengthAndRuns(cursor, repetition, count)
    const defined = definition > 0 ? lengthAndRuns(cursor, definition, count) : undefined
    if (isIndexes(encoding)) checkIndexes(cursor, count, defined === undefined ? count : present(defined, definition, count, deepest), known, false)
    else checkValues(cursor, encoding, type, count)
    return count
  }
  if (header.type === 'DATA_PAGE_V2' && header.data_page_header_v2 !== undefined) {
    const v2 = header.data_page_header_v2
    const count = limit(v2.num_values)
    if (size(v2.num_nulls, 'num_nulls') > count) damaged('at most as many nulls as values', `${v2.num_nulls} of ${count}`)
    const first = size(v2.repetition_levels_byte_length, 'repetition_levels_byte_length')
    const both = first + size(v2.definition_levels_byte_length, 'definition_levels_byte_length')
    if (both > page.length || both > header.uncompressed_page_size) damaged('levels within their page', `${both} bytes`)
    if (repetition > 0) runs({ at: 0, end: first, bytes: page }, repetition, count)
    const defined = { at: first, end: both, bytes: page }
    if (definition > 0) runs({ ...defined }, definition, count)
    const stored = page.subarray(both)
    const bytes = v2.is_compressed === false ? stored : decompressPage(stored, header.uncompressed_page_size - both, codec, compressors)
    const cursor = { at: 0, end: bytes.length, bytes }
    if (isIndexes(v2.encoding)) checkIndexes(cursor, count, definition > 0 ? present(defined, definition, count, deepest) : count, known, true)
    else checkValues(cursor, v2.encoding, type, count)
    return count
  }
  return damaged('data and dictionary pages with their headers', String(header.type))
}

const isIndexes = (encoding: string): boolean => encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY'

/**
 * Tests the indexes of a page, as the reader will read them: one that is not in the dictionary would be read as a null.
 *
 * @param count values, nulls included
 * @param used values that are there
 * @param known values of the dictionary
 */
function checkIndexes(cursor: Cursor, count: number, used: number, known: number | undefined, v2: boolean): void {
  if (known === undefined && count > 0) damaged('a dictionary before its indexes', 'none')
  if (cursor.at === cursor.end) {
    if (used > 0) damaged(`${used} indexes`, 'none')
    return
  }
  const width = byteAt(cursor)
  if (width > 32) damaged('indexes of at most 32 bits', `${width} bits`)
  const { at } = cursor
  // the reader takes no look at the runs of a first version page whose indexes are all 0
  const none = width === 0 && !v2
  if (!none) runs(cursor, width, count)
  const of = known ?? 0
  const indexes = none ? new Int32Array(used) : unpacked({ ...cursor, at }, width, used)
  for (const index of indexes) if (index < 0 || index >= of) damaged(`indexes below ${of}`, String(index))
}

/** How many values are there by their definition levels, tested runs of them. */
function present(cursor: Cursor, width: number, count: number, deepest: number): number {
  let used = 0
  for (const level of unpacked(cursor, width, count)) if (level === deepest) used++
  return used
}

/** The first values of tested runs, by the reader's own hand; throws where the runs end before. */
function unpacked({ bytes, at, end }: Cursor, width: number, count: number): Int32Array {
  const values = new Int32Array(count)
  readRleBitPackedHybrid({ view: new DataView(bytes.buffer, bytes.byteOffset, end), offset: at }, width, values, end - at)
  return values
}

function checkValues(cursor: Cursor, encoding: string, type: string, count: number): void {
  switch (encoding) {
    case 'PLAIN':
      return // as long as its bytes
    case 'RLE':
      if (type !== 'BOOLEAN') break
      if (cursor.at < cursor.end) lengthAndRuns(cursor, 1, count)
      return
    case 'DELTA_BINARY_PACKED':
    case 'DELTA_LENGTH_BYTE_ARRAY':
      if (cursor.at < cursor.end) deltas(cursor, count)
      return
    case 'DELTA_BYTE_ARRAY': {
      if (cursor.at === cursor.end) return
      const prefixes = deltaLengths(cursor, count)
      const suffixes = deltaLengths(cursor, count)
      const total = prefixes + suffixes
      if (total > MAX_PAGE_BYTES) tooLarge(`pages of at most ${MAX_PAGE_BYTES} bytes`, `${total} bytes of texts`)
      return
    }
  }
  throw new ParquetRefused('parquet_unsupported', 'plain, dictionary, run-length or delta encoding', `${encoding} of ${type}`)
}

/** Tests runs behind their length, and returns where they are. */
function lengthAndRuns(cursor: Cursor, width: number, count: number): Cursor {
  const { at, bytes } = cursor
  skip(cursor, 4)
  const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true)
  skip(cursor, length)
  const within: Cursor = { at: at + 4, end: at + 4 + length, bytes }
  runs({ ...within }, width, count)
  return within
}

/** Tests that runs give `count` values at most. Where they end before, there are nulls, or the reader says so. */
function runs(cursor: Cursor, width: number, count: number): void {
  let seen = 0
  while (seen < count && cursor.at < cursor.end) {
    const header = varint(cursor, 5)
    const packed = header % 2 === 1
    const length = Math.floor(header / 2) * (packed ? 8 : 1)
    if (length > count - seen + (packed ? PADDING : 0)) damaged(`runs of ${count} values in all`, `one of ${length} behind ${seen}`)
    // the last group may leave out the bytes that do not count
    cursor.at += packed ? Math.min((length * width) / 8, cursor.end - cursor.at) : 0
    if (!packed) skip(cursor, (width + 7) >> 3)
    seen += length
  }
}

/** Tests one delta-packed sequence and returns the number of its values. */
function deltas(cursor: Cursor, most: number): number {
  const block = varint(cursor, 5)
  const minis = varint(cursor, 5)
  const count = varint(cursor, 5)
  if (minis === 0 || minis > 512 || block === 0 || block > 2 ** 20 || block % (minis * 8) !== 0)
    damaged('blocks of whole miniblocks', `${block} values in ${minis}`)
  if (count > most) damaged(`at most ${most} deltas`, String(count))
  varint(cursor, 10)
  for (let seen = 1; seen < count; ) {
    varint(cursor, 10)
    const widths = cursor.at
    skip(cursor, minis)
    for (let mini = 0; mini < minis && seen < count; mini++, seen += block / minis) {
      const width = cursor.bytes[widths + mini]!
      if (width > 64) damaged('deltas of at most 64 bits', `${width} bits`)
      skip(cursor, (block / minis / 8) * width)
    }
  }
  return count
}

/** Adds up a delta-packed sequence of lengths. */
function deltaLengths(cursor: Cursor, most: number): number {
  const { at, bytes } = cursor
  const count = deltas(cursor, most)
  const lengths = new Int32Array(count)
  deltaBinaryUnpack({ view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: at }, count, lengths)
  let total = 0
  for (const length of lengths) total += length < 0 ? damaged('lengths', String(length)) : length
  return total
}
