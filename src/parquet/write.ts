/** Events into a Parquet file. */
import { OcsfLakeError } from '../errors.js'
import type { Field } from '../ocsf/columns.js'
import type { Issue } from '../ocsf/issue.js'
import type { MappedClass } from '../ocsf/mapped.js'
import type { RowBatch } from '../rows.js'
import type { Codec } from './codec.js'
import { createParquetFile } from './file.js'
import { timeOrder } from './row-groups.js'
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
  /**
   * Adds the rows `[from, to)` of a batch as the rows of their events, as far as they are seen to be valid, and returns
   * where it ended. Not being added says nothing about a row: make it a record, and add its event.
   */
  addRows(batch: RowBatch, from: number, to: number): number
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
export function createParquetWriter(fields: readonly Field[], { codec, metadata = {}, sortBy = 'time', mapped, observables }: ParquetOptions): ParquetWriter {
  const schema = parquetSchema(fields)
  if (schema.leaves.length === 0) throw new OcsfLakeError('columns_invalid', 'A Parquet file needs at least one column.')
  const sortLeaf = schema.columns.find(node => node.kind === 'leaf' && node.name === sortBy && node.physical === 'int64')
  if (sortLeaf?.kind !== 'leaf') throw new OcsfLakeError('option_invalid', `sortBy must name a top-level timestamp, found ${sortBy}.`)
  const shredder = createShredder(schema, { mapped, observables })
  let finished = false

  const encode = (): Uint8Array => {
    const { columns, rows } = shredder
    shredder.end()
    const file = createParquetFile(schema, codec, sortLeaf.index)
    if (rows > 0) file.add(columns, timeOrder(columns[sortLeaf.index]!, rows))
    shredder.free()
    return file.finish(metadata)
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
    addRows(batch, from, to) {
      if (finished) throw new Error('parquet: the writer is finished')
      return shredder.addRows(batch, from, to)
    },
    finish() {
      if (finished) throw new Error('parquet: the writer is finished')
      finished = true
      return encode()
    },
  }
}
