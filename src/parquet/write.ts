/** Events into a Parquet file. */
import { OcsfLakeError } from '../errors.js'
import type { Field } from '../ocsf/columns.js'
import type { Issue } from '../ocsf/issue.js'
import type { MappedClass } from '../ocsf/mapped.js'
import { VERSION } from '../version.js'
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import { addRowBytes, type ColumnBuffer, storedRow } from './column.js'
import { type Chunk, writeChunk } from './encode.js'
import { footerBytes, type RowGroup } from './footer.js'
import { writeIndexes } from './page-index.js'
import { parquetSchema } from './schema.js'
import { createShredder } from './shred.js'

/** Rows of a row group at most. */
export const ROW_GROUP_ROWS = 50_000
/** Bytes of text and list items of a row group at most, uncompressed, unless one row has more. */
export const ROW_GROUP_BYTES = 64 * 2 ** 20

export interface ParquetOptions {
  readonly codec: Codec
  /** Key-value metadata of the file. */
  readonly metadata?: Readonly<Record<string, string>>
  /** A top-level timestamp; rows with the same time keep their order, rows without one come last. */
  readonly sortBy?: string
  /** Of the class, for `addMapped`. */
  readonly mapped?: MappedClass
  /** Whether `addMapped` fills `observables`; on unless said. */
  readonly observables?: boolean
}

export interface ParquetWriter {
  readonly rows: number
  /** Bytes held, about. */
  readonly memory: number
  /**
   * Adds an event: a plain object whose attributes follow the fields; `null` and `undefined` are absent, attributes
   * that are no field are not looked at. An object or list that is the very same one as in the event before is not
   * read again, so it must not have changed.
   *
   * Returns why an event does not fit its columns; such an event leaves no row. Valid events fit.
   */
  add(event: Readonly<Record<string, unknown>>): Issue | undefined
  /**
   * Adds a mapped event as the row of its full event, if it is seen to be valid as it is. False says nothing about the
   * event: complete it, validate it, and `add` it.
   */
  addMapped(event: Readonly<Record<string, unknown>>): boolean
  /** The file, sorted. Ends the writer. */
  finish(): Uint8Array
}

/**
 * Writes events into one Parquet file in memory: the same events in the same order give the same bytes.
 *
 * @example
 * const writer = createParquetWriter(fields, { codec: await zstd() })
 * for (const event of events) writer.add(event)
 * await put(key, writer.finish())
 * @throws OcsfLakeError `option_invalid` when `sortBy` is no top-level timestamp; `columns_invalid` without any column
 */
export function createParquetWriter(
  fields: readonly Field[],
  { codec: given, metadata = {}, sortBy = 'time', mapped, observables }: ParquetOptions,
): ParquetWriter {
  const schema = parquetSchema(fields)
  if (schema.leaves.length === 0) throw new OcsfLakeError('columns_invalid', 'A Parquet file needs at least one column.')
  const sortLeaf = schema.columns.find(node => node.kind === 'leaf' && node.name === sortBy && node.physical === 'int64')
  if (sortLeaf?.kind !== 'leaf') throw new OcsfLakeError('option_invalid', `sortBy must name a top-level timestamp, found ${sortBy}.`)
  const codec = rememberingShort(given)
  const shredder = createShredder(schema, { mapped, observables })
  let finished = false

  const encode = (): Uint8Array => {
    const { columns, rows } = shredder
    const order = timeOrder(columns[sortLeaf.index]!, rows)
    const out = new ByteSink(1 << 16)
    out.append(MAGIC)
    const groups: (Omit<RowGroup, 'chunks'> & { readonly chunks: readonly Chunk[] })[] = []
    let from = 0
    for (const to of groupEnds(columns, rows, order)) {
      const offset = out.size
      const chunks: Chunk[] = []
      for (const column of columns) chunks.push(writeChunk(out, column, order, from, to, codec))
      groups.push({ rows: to - from, offset, chunks })
      from = to
    }
    const indexed = writeIndexes(
      out,
      groups.map(({ chunks }) => chunks),
    )
    const footer = footerBytes({
      schema,
      rows,
      groups: groups.map((group, at) => ({ ...group, chunks: indexed[at]! })),
      codec: codec.name,
      metadata,
      createdBy: `ocsf-lake version ${VERSION}`,
      sortedBy: sortLeaf.index,
    })
    out.append(footer)
    out.uint32(footer.length)
    out.append(MAGIC)
    return out.view()
  }

  return {
    get rows() {
      return shredder.rows
    },
    get memory() {
      return shredder.memory
    },
    add(event) {
      if (finished) throw new Error('parquet: the writer is finished')
      return shredder.add(event)
    },
    addMapped(event) {
      if (finished) throw new Error('parquet: the writer is finished')
      return shredder.addMapped(event)
    },
    finish() {
      if (finished) throw new Error('parquet: the writer is finished')
      finished = true
      return encode()
    },
  }
}

/**
 * A codec that compresses equal short pages once: most columns of an object are constant or empty, and a call costs up
 * to 60 us whatever the size.
 */
function rememberingShort(codec: Codec): Codec {
  if (codec.name === 'uncompressed') return codec
  const known = new Map<string, Uint8Array>()
  return {
    name: codec.name,
    compress(bytes) {
      if (bytes.length > SHORT_PAGE) return codec.compress(bytes)
      const key = String.fromCharCode(...bytes)
      let compressed = known.get(key)
      if (compressed === undefined) {
        compressed = codec.compress(bytes).slice()
        known.set(key, compressed)
      }
      return compressed
    },
  }
}

const SHORT_PAGE = 32
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Where row groups end, counted in rows and bytes. */
function groupEnds(columns: readonly ColumnBuffer[], rows: number, order: Uint32Array | undefined): number[] {
  const sizes = new Float64Array(rows)
  let every = 0
  for (const column of columns) every += addRowBytes(column, sizes)
  const ends: number[] = []
  let from = 0
  let bytes = 0
  for (let at = 0; at < rows; at++) {
    const size = every + sizes[order === undefined ? at : order[at]!]!
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

/** The rows by time, stable, nulls last; `undefined` when they already are. */
function timeOrder(column: ColumnBuffer, rows: number): Uint32Array | undefined {
  const { defs, data, leaf } = column
  const compare = (a: number, b: number): number => {
    const x = storedRow(column, a)
    const y = storedRow(column, b)
    if (x === y) return a - b
    const present = defs[x] === leaf.def
    if (present !== (defs[y] === leaf.def)) return present ? -1 : 1
    if (!present) return a - b
    return data[x * 2 + 1]! - data[y * 2 + 1]! || (data[x * 2]! >>> 0) - (data[y * 2]! >>> 0) || a - b
  }
  let sorted = true
  for (let row = 1; row < rows && sorted; row++) sorted = compare(row - 1, row) < 0
  if (sorted) return undefined
  const order = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) order[row] = row
  return order.sort(compare)
}
