/** Rows of many files into one, sorted: what lies between two times at once, column by column, no event rebuilt. */
import { OcsfLakeError } from '../errors.js'
import { type ColumnBuffer, columnMemory, createColumn, storedRow } from './column.js'
import { timeOrder } from './row-groups.js'
import type { Leaf, ParquetSchema } from './schema.js'
import { appendStored, hashStored, type RowHashes, type StoredColumn, sameRows } from './stored-column.js'
import { createTextStore, textBytes } from './text.js'

/** A multiset of rows: how many, and a checksum of all leaves that does not depend on their order or their encoding. */
export interface RowSum {
  rows: number
  a: number
  b: number
}

export const noRows = (): RowSum => ({ rows: 0, a: 0, b: 0 })

export const sameSum = (one: RowSum, other: RowSum): boolean => one.rows === other.rows && one.a === other.a && one.b === other.b

/** Adds the rows of one row group of a file. */
export function addRows(sum: RowSum, schema: ParquetSchema, stored: readonly StoredColumn[]): void {
  const rows = stored[0]!.rows
  const hashes = hashesOf(rows)
  for (const leaf of schema.leaves) hashStored(hashes, 0, stored[leaf.index]!, leaf, 0, rows)
  for (let row = 0; row < rows; row++) addRow(sum, hashes, row)
}

const hashesOf = (rows: number): RowHashes => ({ a: new Int32Array(rows), b: new Int32Array(rows) })

const LIMIT = 2 ** 48

function addRow(sum: RowSum, { a, b }: RowHashes, row: number): void {
  sum.rows++
  sum.a = (sum.a + (a[row]! >>> 0)) % LIMIT
  sum.b = (sum.b + (b[row]! >>> 0)) % LIMIT
}

/** The rows of some files between two times. */
export interface Slice {
  readonly columns: readonly ColumnBuffer[]
  readonly rows: number
  /** Bytes held, about. */
  readonly memory: number
  /** Adds the rows `[from, to)` of a row group; `stored` has a column for each leaf. */
  add(stored: readonly StoredColumn[], from: number, to: number): void
  /** The rows in the order in which they are written, repeats last. */
  sorted(): Sorted
}

export interface Sorted {
  readonly order: Int32Array
  /** Rows that are no repeats. */
  readonly kept: number
  /** Rows that have a `metadata.uid` which an earlier, different row has, too. */
  readonly twins: number
  /** Of the rows kept. */
  readonly sum: RowSum
}

/** The leaf by which rows are sorted. @throws OcsfLakeError `columns_invalid` without a `time` */
export function timeLeaf({ columns }: ParquetSchema): Leaf {
  const leaf = columns.find(node => node.kind === 'leaf' && node.name === 'time' && node.physical === 'int64')
  if (leaf?.kind === 'leaf') return leaf
  throw new OcsfLakeError('columns_invalid', 'A lake has events with a time: this schema has no such column.')
}

/** An empty slice that takes `capacity` rows. */
export function createSlice(schema: ParquetSchema, capacity: number): Slice {
  const texts = createTextStore()
  const columns = schema.leaves.map(leaf => createColumn(leaf, texts))
  const hashes = hashesOf(capacity)
  const time = columns[timeLeaf(schema).index]!
  const uid = columns[schema.leaves.find(({ path }) => path.join('.') === 'metadata.uid')?.index ?? -1]
  let rows = 0
  return {
    columns,
    get rows() {
      return rows
    },
    get memory() {
      return columns.reduce((sum, column) => sum + columnMemory(column), 0)
    },
    add(stored, from, to) {
      if (rows + to - from > capacity) throw new Error(`merge: more than ${capacity} rows`)
      for (let at = 0; at < columns.length; at++) {
        const column = columns[at]!
        appendStored(column, rows, stored[at]!, from, to)
        hashStored(hashes, rows, stored[at]!, column.leaf, from, to)
      }
      rows += to - from
    },
    sorted() {
      const order = timeOrder(time, rows)
      const { repeats, twins } = uid === undefined ? { repeats: new Set<number>(), twins: 0 } : repeatsIn(columns, time, uid, order)
      const sum = noRows()
      const kept = order.filter(row => !repeats.has(row))
      for (const row of kept) addRow(sum, hashes, row)
      if (repeats.size > 0) order.set([...kept, ...order.filter(row => repeats.has(row))])
      return { order, kept: kept.length, twins, sum }
    },
  }
}

/** Rows that say what an earlier one says, with the same uid; they have the same time, too, so they stand near. */
function repeatsIn(
  columns: readonly ColumnBuffer[],
  time: ColumnBuffer,
  uid: ColumnBuffer,
  order: Int32Array,
): { readonly repeats: Set<number>; readonly twins: number } {
  const repeats = new Set<number>()
  let twins = 0
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && sameTime(time, order[from]!, order[to]!)) to++
    if (to - from > 1) {
      const seen = new Map<string, number[]>()
      for (let at = from; at < to; at++) {
        const row = order[at]!
        const name = textOf(uid, row)
        if (name === undefined) continue
        const before = seen.get(name)
        if (before === undefined) seen.set(name, [row])
        else if (before.some(other => sameRows(columns, other, row))) repeats.add(row)
        else {
          before.push(row)
          twins++
        }
      }
    }
    from = to
  }
  return { repeats, twins }
}

function sameTime(time: ColumnBuffer, one: number, other: number): boolean {
  const { data } = time
  const a = storedRow(time, one)
  const b = storedRow(time, other)
  return a === b || (data[a * 2] === data[b * 2] && data[a * 2 + 1] === data[b * 2 + 1])
}

const utf8 = new TextDecoder()

function textOf(column: ColumnBuffer, row: number): string | undefined {
  const slot = storedRow(column, row)
  return column.defs[slot] === column.leaf.def ? utf8.decode(textBytes(column.text!, column.data[slot]!)) : undefined
}
