/** Rows that have a pattern and wait for whoever takes them, with their records. */
import { type Place, rawText } from '../decode/decoder.js'
import type { TableRow } from '../decode/table.js'
import { type JsonObject, parseJson } from '../json.js'
import { idAt, MOST_ROWS, type PatternTable, type RowBatch, textOf } from '../rows.js'
import { hash53, remember } from './duplicates.js'
import { type MemberPatterns, memberPatterns } from './member-patterns.js'
import type { Patterns } from './patterns.js'
import type { Pipeline } from './pipeline.js'

/**
 * Offered rows of a table that have a pattern, before they become records: takes those from `from` on that are valid
 * events, and returns the index of the first that it did not take. Else as `Take`.
 */
export type TakeRows = (rows: RowBatch, from: number) => number

/** Whoever takes rows. */
export interface RowSink {
  readonly take: TakeRows
  /** Whether what becomes of so many records and bytes more, of so many classes, days and places, does not depend on their order. */
  fits(records: number, bytes: number, objects: number): boolean
}

export interface WaitingRows extends RowBatch {
  readonly sink: RowSink
  table: PatternTable
  count: number
  /** Bytes of their records. */
  size: number
  /** Where the records of the rows from `held` on stand; those of the others are kept. */
  bytes: Uint8Array
  held: number
  kept: Uint8Array
  used: number
  readonly uids: Set<string>
  readonly classes: Set<number>
  readonly starts: Int32Array
  /** Line and index of the record of each; -1 where it has none. */
  readonly lines: Int32Array
  readonly records: Int32Array
  ids: Int32Array
  numbers: Float64Array
  texts: readonly string[]
  readonly own: string[]
  /** Reads a row that becomes a record after all. */
  again: (raw: Uint8Array) => object
  /** The table of the last row, and its patterns, if there are any. */
  row: TableRow | undefined
  known: Patterns | undefined
  readonly members: MemberPatterns | undefined
}

const NO_BYTES = new Uint8Array(0)

const NO_PATTERNS: PatternTable = { patterns: [], refused: NO_BYTES, marks: [new Map(), new Map()], copiedTexts: 0, copiedNumbers: 0 }

export function waitingRows(sink: RowSink, pipeline: Pipeline): WaitingRows {
  const ints = (): Int32Array => new Int32Array(MOST_ROWS)
  return {
    sink,
    table: NO_PATTERNS,
    count: 0,
    size: 0,
    bytes: NO_BYTES,
    held: 0,
    kept: NO_BYTES,
    used: 0,
    uids: new Set(),
    classes: new Set(),
    rawBytes: ints(),
    patterns: ints(),
    starts: ints(),
    lines: ints(),
    records: ints(),
    ids: new Int32Array(0),
    numbers: new Float64Array(0),
    texts: [],
    own: [],
    again: raw => raw,
    row: undefined,
    known: undefined,
    members: memberPatterns(pipeline),
  }
}

/** The first row of a batch. */
export function begin(rows: WaitingRows, table: PatternTable, texts: readonly string[], again: WaitingRows['again']): void {
  rows.texts = texts
  rows.again = again
  if (rows.table === table) return
  rows.table = table
  rows.ids = new Int32Array(MOST_ROWS * table.copiedTexts)
  rows.numbers = new Float64Array(MOST_ROWS * table.copiedNumbers)
}

/** Keeps the bytes of a record that waits and returns where they start. */
export function keep(into: { kept: Uint8Array; used: number }, bytes: Uint8Array): number {
  const { used } = into
  const needed = used + bytes.length
  if (needed > into.kept.length) {
    const grown = new Uint8Array(Math.max(needed * 2, 2 ** 12))
    grown.set(into.kept.subarray(0, used))
    into.kept = grown
  }
  into.kept.set(bytes, used)
  into.used = needed
  return used
}

/** Keeps the records of the rows that wait, since the bytes that they stand in are overwritten next. */
export function holdRows(rows: WaitingRows): void {
  if (rows.held === rows.count) return
  const { starts, rawBytes, bytes, held, count } = rows
  const from = starts[held]!
  const moved = keep(rows, bytes.subarray(from, starts[count - 1]! + rawBytes[count - 1]!)) - from
  for (let at = held; at < count; at++) starts[at]! += moved
  rows.held = count
}

/** Puts the rows of each class together, in their order. */
export function gatherClasses(rows: WaitingRows): void {
  if (rows.held > 0) holdRows(rows) // all stand in the same bytes then
  const { count, table, patterns } = rows
  const order = Array.from({ length: count }, (_, at) => at)
  const classOf = (at: number): number => table.patterns[patterns[at]!]!.classUid
  order.sort((a, b) => classOf(a) - classOf(b))
  for (const column of [rows.rawBytes, rows.patterns, rows.starts, rows.lines, rows.records]) reorder(column, order, 1)
  reorder(rows.ids, order, table.copiedTexts)
  reorder(rows.numbers, order, table.copiedNumbers)
}

function reorder(column: Int32Array | Float64Array, order: readonly number[], width: number): void {
  const before = column.slice(0, order.length * width)
  for (const [to, from] of order.entries()) for (let at = 0; at < width; at++) column[to * width + at] = before[from * width + at]!
}

/** Remembers the ids of rows that were taken. */
export function rememberRows(seen: Map<string, number>, rows: WaitingRows, from: number, to: number): void {
  const { table, patterns, members } = rows
  if (table !== members) return
  for (let at = from; at < to; at++) {
    const { uid } = members.patterns[patterns[at]!]!
    if (uid !== undefined) remember(seen, textOf(rows, idAt(rows, uid, at)), hashOfRow(rows, at))
  }
}

function hashOfRow({ starts, rawBytes, held, bytes, kept }: WaitingRows, at: number): number {
  const from = starts[at]!
  return hash53(at < held ? kept : bytes, from, from + rawBytes[at]!)
}

/** The record of a row. */
export function rawOfRow({ starts, rawBytes, held, bytes, kept }: WaitingRows, at: number): Uint8Array {
  return (at < held ? kept : bytes).subarray(starts[at]!, starts[at]! + rawBytes[at]!)
}

export function placeOf({ lines, records }: WaitingRows, at: number): Place {
  const line = lines[at]!
  const record = records[at]!
  return record === -1 ? { line } : line === -1 ? { record } : { record, line }
}

/** Reads a record of JSON. */
export function readAgain(raw: Uint8Array): JsonObject {
  return parseJson(rawText(raw)!) as JsonObject // it was read in place
}

/** Nothing waits any more. */
export function emptyRows(rows: WaitingRows): void {
  rows.count = rows.held = rows.used = rows.size = rows.own.length = 0
  rows.uids.clear()
  rows.classes.clear()
}
