/** Events into a Parquet file. */
import { OcsfLakeError } from '../errors.js'
import type { Field } from '../ocsf/columns.js'
import type { Issue } from '../ocsf/issue.js'
import type { MappedClass } from '../ocsf/mapped.js'
import { VERSION } from '../version.js'
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import { type Chunk, createChunkWriter } from './encode.js'
import { footerBytes, type RowGroup } from './footer.js'
import { writeIndexes } from './page-index.js'
import { groupEnds, timeOrder } from './row-groups.js'
import { parquetSchema } from './schema.js'
import { createShredder } from './shred.js'

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
   * Adds the mapped events `[from, to)` as the rows of their full events, as far as they are seen to be valid as they
   * are, and returns how many. Not being added says nothing about an event: complete it, validate it, `add` it, and go
   * on behind it. The events must not change afterwards.
   */
  addMapped(events: readonly Readonly<Record<string, unknown>>[], from?: number, to?: number): number
  /** Mapped events that `askMapped` asks at once at most. */
  readonly reach: number
  /** `addMapped` in two steps: how many of the first `to` mapped events would be added, without adding them. */
  askMapped(events: readonly Readonly<Record<string, unknown>>[], to: number): number
  /** Adds the first `count` of them, before any other is added; whether it did: all or, where one is too deep or too long, none. */
  addAsked(count: number): boolean
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
    const ends = groupEnds(columns, order)
    const writer = createChunkWriter(out, columns, order, codec)
    let from = 0
    for (const to of ends) {
      const offset = out.size
      groups.push({ rows: to - from, offset, chunks: writer.rowGroup(from, to) })
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
    addMapped(events, from = 0, to = events.length) {
      if (finished) throw new Error('parquet: the writer is finished')
      return shredder.addMapped(events, from, to)
    },
    get reach() {
      return shredder.reach
    },
    askMapped(events, to) {
      if (finished) throw new Error('parquet: the writer is finished')
      return shredder.ask(events, 0, to)
    },
    addAsked(count) {
      return shredder.addAsked(count)
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
