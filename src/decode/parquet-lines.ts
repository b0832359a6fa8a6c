/** Parquet objects as the JSON lines that tables are read from: one object a row, every column by its name, nothing bent. */
import type { Fault } from './decoder.js'
import {
  type ColumnData,
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetRead,
  parquetSchema,
  type RowGroup,
  type SchemaTree,
} from './hyparquet.js'
import { checkChunk, checkThrift, damaged, ParquetRefused, tooLarge } from './parquet-check.js'

/** Decompresses a page to `length` bytes at most, or throws. By the name of Parquet's codec: `GZIP`, `ZSTD`. */
export type Decompressors = Readonly<Record<string, (page: Uint8Array, length: number) => Uint8Array>>

/** PAR1 */
const MAGIC = 0x31524150
const MAX_FOOTER_BYTES = 16 * 2 ** 20
const MAX_SCHEMA_ELEMENTS = 1024
/** Rows times columns of one row group, which is decoded as a whole. */
const MAX_VALUES = 64 * 2 ** 20
/** Uncompressed bytes of one row group. */
const MAX_GROUP_BYTES = 512 * 2 ** 20
/** Bytes of lines that are handed on at once, about. */
const CHUNK_CHARACTERS = 2 ** 18

/**
 * The rows of a Parquet object as JSON lines, row group by row group, then at most one fault: `parquet_damaged`,
 * `parquet_too_large` or `parquet_unsupported`. Integers have all their digits, times are the integers that are stored,
 * nulls are there, and bytes that are no text are `{"hex": …}`. Snappy pages are read anywhere, others by `decompressors`.
 *
 * @param maxBytes of all pages, uncompressed
 */
export async function* parquetLines(bytes: Uint8Array, decompressors: Decompressors, maxBytes: number): AsyncGenerator<Uint8Array | Fault, void, undefined> {
  try {
    const metadata = readFooter(bytes)
    const compressors: Compressors = decompressors
    let left = maxBytes
    for (const group of metadata.row_groups) {
      left -= checkGroup(bytes, metadata, group, compressors, Math.min(left, MAX_GROUP_BYTES))
      yield* linesOf(await readGroup(bytes, metadata, group, compressors), Number(group.num_rows))
    }
  } catch (error) {
    yield faultOf(error)
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof ParquetRefused) return { rule: error.rule, expected: error.expected, found: error.found }
  const found = error instanceof Error ? error.message : String(error)
  if (/unsupported|not supported/.test(found)) return { rule: 'parquet_unsupported', expected: 'codecs, encodings and types that can be read here', found }
  return { rule: 'parquet_damaged', expected: 'a whole Parquet object', found }
}

function readFooter(bytes: Uint8Array): FileMetaData {
  const end = bytes.length < 12 ? undefined : new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8)
  if (end === undefined || end.getUint32(4, true) !== MAGIC) return damaged('PAR1 at the end', 'an object that is cut off, encrypted or no Parquet')
  const length = end.getUint32(0, true)
  if (length > bytes.length - 12) damaged('a footer within the object', `one of ${length} bytes`)
  if (length > MAX_FOOTER_BYTES) tooLarge(`a footer of at most ${MAX_FOOTER_BYTES} bytes`, `${length} bytes`)
  const start = bytes.length - 8 - length
  checkThrift(bytes, start, bytes.length - 8)
  const metadata = parquetMetadata(bytes.subarray(start), { geoparquet: false })
  const { schema } = metadata
  if (schema.length > MAX_SCHEMA_ELEMENTS) tooLarge(`at most ${MAX_SCHEMA_ELEMENTS} columns`, String(schema.length))
  for (const { name, logical_type } of schema) {
    if (logical_type?.type === 'VARIANT' || name === '__proto__') throw new ParquetRefused('parquet_unsupported', 'columns of plain types', name)
  }
  const names = parquetSchema(metadata).children.map(child => child.element.name)
  if (new Set(names).size !== names.length) damaged('each column once', names.join(', '))
  return metadata
}

/** Tests what a row group claims and returns its bytes, uncompressed. */
function checkGroup(bytes: Uint8Array, metadata: FileMetaData, group: RowGroup, compressors: Compressors, maxBytes: number): number {
  const rows = natural(group.num_rows, 'num_rows')
  const tree = parquetSchema(metadata)
  let values = 0
  let used = 0
  const seen = new Set<string>()
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) return damaged('a description of each column', 'none')
    const name = JSON.stringify(column.path_in_schema)
    if (seen.has(name)) damaged('each column once', name)
    seen.add(name)
    const path = pathTo(tree, column.path_in_schema)
    const start = natural(column.dictionary_page_offset || column.data_page_offset, 'data_page_offset')
    const end = start + natural(column.total_compressed_size, 'total_compressed_size')
    if (end > bytes.length) damaged('columns within the object', `one that ends at byte ${end} of ${bytes.length}`)
    const nested = path.length > 2 || path[1]?.element.repetition_type === 'REPEATED'
    const left = MAX_VALUES - values
    if (!nested && rows > left) tooLarge(`at most ${MAX_VALUES} values in a row group`, 'more')
    const chunk = checkChunk(bytes.subarray(start, end), column, path, compressors, { values: nested ? left : rows, bytes: maxBytes - used })
    if (!nested && chunk.values !== rows) damaged(`${rows} values of ${name}`, String(chunk.values))
    values += chunk.values
    used += chunk.bytes
  }
  for (const { element, path } of leavesOf(tree)) if (!seen.has(JSON.stringify(path))) damaged('all columns in every row group', `none for ${element.name}`)
  return used
}

function natural(value: unknown, name: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : damaged(`a size as ${name}`, String(value))
}

function pathTo(tree: SchemaTree, names: readonly string[]): readonly SchemaTree[] {
  const path = [tree]
  for (const name of names) path.push(path.at(-1)!.children.find(child => child.element.name === name) ?? damaged('columns of the schema', names.join('.')))
  return path.at(-1)!.children.length === 0 ? path : damaged('columns of the schema', names.join('.'))
}

function leavesOf(tree: SchemaTree): readonly SchemaTree[] {
  return tree.children.flatMap(child => (child.children.length === 0 ? [child] : leavesOf(child)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text, or its bytes where they are none: a replacement character would bend them. */
function textOf(bytes: Uint8Array | undefined): string | Uint8Array | undefined {
  try {
    return bytes && utf8.decode(bytes)
  } catch {
    return bytes
  }
}

/** Numbers of days and parts of seconds stay as they are stored, JSON stays text. */
const PARSERS = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (value: number) => value,
  stringFromBytes: textOf,
  jsonFromBytes: textOf,
  geometryFromBytes: (value: Uint8Array) => value,
  geographyFromBytes: (value: Uint8Array) => value,
}

/** A column of a row group, in the pieces in which it was read. */
interface Column {
  /** `"name":` */
  readonly label: string
  readonly pieces: readonly ColumnData[]
  piece: number
}

async function readGroup(bytes: Uint8Array, metadata: FileMetaData, group: RowGroup, compressors: Compressors): Promise<readonly Column[]> {
  const pieces = new Map<string, ColumnData[]>(parquetSchema(metadata).children.map(({ element }) => [element.name, []]))
  if (group.num_rows > 0) {
    await parquetRead({
      file: { byteLength: bytes.length, slice: (start, end) => copyOf(bytes.subarray(start, end)) },
      metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
      compressors,
      parsers: PARSERS,
      geoparquet: false,
      onChunk: piece => pieces.get(piece.columnName)?.push(piece),
    })
  }
  const rows = Number(group.num_rows)
  return [...pieces].map(([name, some]) => {
    const count = some.reduce((sum, { columnData }) => sum + columnData.length, 0)
    if (count !== rows) damaged(`${rows} values of ${name}`, String(count))
    return { label: `${JSON.stringify(name)}:`, pieces: some, piece: 0 }
  })
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}

function* linesOf(columns: readonly Column[], rows: number): Generator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  let text = ''
  for (let row = 0; row < rows; row++) {
    let separator = '{'
    for (const column of columns) {
      while (row >= column.pieces[column.piece]!.rowEnd) column.piece++
      const { columnData, rowStart } = column.pieces[column.piece]!
      text += separator + column.label + json(columnData[row - rowStart])
      separator = ','
    }
    text += separator === '{' ? '{}\n' : '}\n'
    if (text.length < CHUNK_CHARACTERS) continue
    yield encoder.encode(text)
    text = ''
  }
  if (text !== '') yield encoder.encode(text)
}

/** JSON of a value as the reader gives it. */
function json(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'object' || value === null) return 'null'
  if (value instanceof Uint8Array) return `{"hex":"${Array.from(value, byte => byte.toString(16).padStart(2, '0')).join('')}"}`
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${Array.from(value as Iterable<unknown>, json).join(',')}]` // typed arrays are iterable
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${json(item)}`)
    .join(',')}}`
}
