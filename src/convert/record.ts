/**
 * What becomes of each record of an object, until it ends in exactly one outcome. Functions of the module with the state of
 * an object beside them: V8 forgets what it compiled for closures that are made anew for each object.
 */
import { type Decoded, type Decoder, type Fault, type Place, rawText } from '../decode/decoder.js'
import type { TableRow } from '../decode/table.js'
import { readWhole } from '../json.js'
import type { Issue } from '../ocsf/issue.js'
import { MOST_ROWS, type RowBatch } from '../rows.js'
import type { AnySource, Context, MappedEvent } from '../sources/source.js'
import { hash53, isDuplicate, remember, uidOf } from './duplicates.js'
import type { OcsfEvent, Outcome, RawPolicy, Stage } from './outcome.js'
import { addCopies, type Patterns, patternOf, patternsOf } from './patterns.js'
import type { Pipeline } from './pipeline.js'

/**
 * Offered mapped events, some at a time, before they are lowered, completed and validated: takes those from `from` on
 * that are valid events as they are, and returns the index of the first that it did not take. There are no outcomes for
 * what it took. What may be a duplicate is not offered. Events wait for others across pushes, and with them the outcomes
 * of records behind them. In place of large objects that the source only passes on there may be `UnreadJson`, which
 * `stringify` prints and `readWhole` reads.
 */
export type Take = (events: readonly MappedEvent[], rawBytes: readonly number[], from: number) => number

/**
 * Offered rows of a table that have a pattern, before they become records: takes those from `from` on that are valid
 * events, and returns the index of the first that it did not take. Else as `Take`.
 */
export type TakeRows = (rows: RowBatch, from: number) => number

/** Mapped events that are offered at once, at most: as many as columns take at once, and as few as stay in the processor's cache. */
const OFFERED = 256
/** Bytes of their records, about: an event that is not taken needs its record. */
const OFFERED_BYTES = 2 ** 20

/** Called once for each record. `raw` is the record as logged, valid during the call only. */
export type EmitOutcome = (outcome: Outcome, raw: Uint8Array) => void

/** The conversion of one object. */
export interface Conversion {
  readonly source: AnySource
  readonly pipeline: Pipeline
  readonly context: Context
  readonly decoder: Decoder<unknown>
  readonly rawPolicy: RawPolicy
  readonly hash: ((bytes: Uint8Array) => string) | undefined
  readonly filter: ((event: OcsfEvent) => string | undefined) | undefined
  readonly emit: EmitOutcome
  readonly take: Take | undefined
  /** Rows that wait for whoever takes them; while there are any, no events wait. */
  readonly rows: WaitingRows | undefined
  /** Ids that were met, with a hash of their records. */
  readonly seen: Map<string, number>
  /** Records so far. */
  read: number
  // Mapped events that wait for `take`, and the outcomes of records between them, with their records end to end.
  waiting: MappedEvent[]
  sizes: number[]
  starts: number[]
  places: Place[]
  between: { readonly at: number; readonly outcome: Outcome; readonly start: number; readonly end: number }[]
  kept: Uint8Array
  used: number
  readonly uids: Set<string>
  /** What stands before the records that wait; a decoder may have read on since. */
  preface: string | undefined
  offering: boolean
}

interface WaitingRows extends RowBatch {
  readonly take: TakeRows
  table: Patterns
  count: number
  /** Where the records of the rows from `held` on stand; those of the others are among what is kept. */
  bytes: Uint8Array
  held: number
  readonly starts: Int32Array
  readonly lines: Int32Array
  ids: Int32Array
  numbers: Float64Array
  texts: readonly string[]
  /** The table of the last row, and its patterns, if there are any. */
  row: TableRow | undefined
  known: Patterns | undefined
}

/** One literal without a spread: of a spread V8 may give each object a shape of its own. */
export function createConversion(
  { source, pipeline, context, decoder }: Pick<Conversion, 'source' | 'pipeline' | 'context' | 'decoder'>,
  { rawPolicy, hash, filter, emit, take }: Pick<Conversion, 'rawPolicy' | 'hash' | 'filter' | 'emit' | 'take'>,
  takeRows?: TakeRows,
): Conversion {
  return {
    source,
    pipeline,
    context,
    decoder,
    rawPolicy,
    hash,
    filter,
    emit,
    take,
    rows: takeRows === undefined || rawPolicy !== 'drop' || filter !== undefined ? undefined : waitingRows(takeRows),
    seen: new Map(),
    read: 0,
    waiting: [],
    sizes: [],
    starts: [],
    places: [],
    between: [],
    kept: new Uint8Array(0),
    used: 0,
    uids: new Set(),
    preface: undefined,
    offering: false,
  }
}

/** There is always a table once there are rows, which is when anyone looks. */
const NO_PATTERNS: Patterns = undefined as never

function waitingRows(take: TakeRows): WaitingRows {
  const ints = (): Int32Array => new Int32Array(MOST_ROWS)
  return {
    take,
    table: NO_PATTERNS,
    count: 0,
    bytes: NO_BYTES,
    held: 0,
    rawBytes: ints(),
    patterns: ints(),
    starts: ints(),
    lines: ints(),
    ids: new Int32Array(0),
    numbers: new Float64Array(0),
    texts: [],
    row: undefined,
    known: undefined,
  }
}

export function takeDecoded(conversion: Conversion, item: Decoded<unknown>): void {
  conversion.read++
  if ('record' in item) takeRecord(conversion, item.record, item.raw, item.place)
  else if ('fault' in item) settle(conversion, reject(conversion, 'decode', [issueOf(item.fault)], item.raw, item.place), item.raw)
  else settle(conversion, { kind: 'filtered', reason: item.skip, place: item.place }, item.raw)
}

function takeRecord(conversion: Conversion, record: unknown, raw: Uint8Array, place: Place): void {
  let mapped: ReturnType<AnySource['map']>
  try {
    mapped = conversion.source.map(record, conversion.context)
    if (typeof mapped !== 'object' || mapped === null) throw new TypeError(`map returned ${String(mapped)}`) // an untyped source
  } catch (error) {
    const issue = { path: '', rule: 'map_error', expected: 'a record that the mapper understands', found: String(error) }
    settle(conversion, reject(conversion, 'map', [issue], raw, place), raw)
    return
  }
  if ('skip' in mapped) settle(conversion, { kind: 'filtered', reason: String(mapped.skip), place }, raw)
  else if ('fault' in mapped) settle(conversion, reject(conversion, 'map', [issueOf(mapped.fault as Fault)], raw, place), raw)
  else takeEvent(conversion, conversion.rawPolicy === 'drop' ? (mapped as MappedEvent) : withRaw(conversion, mapped as MappedEvent, raw), raw, place)
}

function takeEvent(conversion: Conversion, event: MappedEvent, raw: Uint8Array, place: Place): void {
  const { source, pipeline, take, filter, uids, seen, emit } = conversion
  if (!pipeline.classes.has(event.class_uid)) {
    const expected = `a class of ${source.id} at OCSF ${pipeline.version}: ${[...pipeline.classes.keys()].join(', ')}`
    const issue = { path: 'class_uid', rule: 'class_uid_unknown', expected, found: String(event.class_uid) }
    settle(conversion, reject(conversion, 'map', [issue], raw, place), raw)
    return
  }
  if (take === undefined || filter !== undefined) {
    emit(wholeOutcome(conversion, event, raw, place), raw)
    return
  }
  const uid = uidOf(event)
  if (uid !== undefined) {
    if (uids.has(uid)) offer(conversion) // only then it is known whether the first of the two is an event
    if (seen.has(uid) && seen.get(uid) === hash53(raw)) {
      offer(conversion)
      emit(wholeOutcome(conversion, event, raw, place), raw)
      return
    }
  }
  wait(conversion, event, raw, place, uid)
}

/** Emits an outcome in its turn. */
function settle(conversion: Conversion, outcome: Outcome, raw: Uint8Array): void {
  const { waiting, rows, between } = conversion
  const at = waiting.length > 0 ? waiting.length : (rows?.count ?? 0)
  if (at === 0) conversion.emit(outcome, raw)
  else between.push({ at, outcome, start: keep(conversion, raw), end: conversion.used })
}

function wait(conversion: Conversion, event: MappedEvent, raw: Uint8Array, place: Place, uid: string | undefined): void {
  offerRows(conversion)
  const before = prefaceNow(conversion)
  if (before !== conversion.preface) offer(conversion)
  conversion.preface = before
  conversion.starts.push(keep(conversion, raw))
  conversion.waiting.push(event)
  conversion.sizes.push(raw.length)
  conversion.places.push(place)
  if (uid !== undefined) conversion.uids.add(uid)
  if (conversion.waiting.length === OFFERED || conversion.used >= OFFERED_BYTES) offer(conversion)
}

/** Keeps the bytes of a record that waits and returns where they start. */
function keep(conversion: Conversion, bytes: Uint8Array): number {
  const { used } = conversion
  const needed = used + bytes.length
  if (needed > conversion.kept.length) {
    const grown = new Uint8Array(Math.max(needed * 2, 2 ** 12))
    grown.set(conversion.kept.subarray(0, used))
    conversion.kept = grown
  }
  conversion.kept.set(bytes, used)
  conversion.used = needed
  return used
}

/** Offers what waits; what is not taken gets its outcome. */
export function offer(conversion: Conversion): void {
  offerRows(conversion)
  const { take, waiting, sizes, places, uids, seen, emit } = conversion
  if (take === undefined || waiting.length === 0) return
  const { offering } = conversion
  conversion.offering = true
  let next = 0
  for (let at = 0; at < waiting.length; at++) {
    const end = take(waiting, sizes, at)
    for (; at < end; at++) {
      const uid = uids.size === 0 ? undefined : uidOf(waiting[at]!)
      if (uid !== undefined) remember(seen, uid, hash53(rawOf(conversion, at)))
    }
    next = emitBetween(conversion, next, at)
    if (at < waiting.length) emit(wholeOutcome(conversion, waiting[at]!, rawOf(conversion, at), places[at]!), rawOf(conversion, at))
  }
  emitBetween(conversion, next, waiting.length)
  conversion.waiting = []
  conversion.sizes = []
  conversion.starts = []
  conversion.places = []
  conversion.between = []
  conversion.used = 0
  uids.clear()
  conversion.offering = offering
}

// ---- rows ----

/** Takes a row of a table, if it has a pattern, before it becomes a record; whether it did. */
export function takeRow(conversion: Conversion, row: TableRow, bytes: Uint8Array, start: number, end: number, line: number): boolean {
  const rows = conversion.rows!
  const { texts } = row.cells
  if (rows.row !== row) {
    offerRows(conversion)
    rows.row = row
    rows.known = patternsOf(conversion.pipeline, row, conversion.context)
  }
  if (rows.known === undefined) return false
  const pattern = patternOf(rows.known, row, conversion.pipeline, conversion.context)
  if (pattern === -1) return false
  if (conversion.waiting.length > 0) {
    offer(conversion)
    rows.known.windowTurns++
  } else if (rows.texts !== texts) offer(conversion)
  if (rows.count === 0) {
    begin(rows, rows.known, texts)
    conversion.preface = conversion.decoder.preface?.()
  }
  const { count } = rows
  conversion.read++
  rows.bytes = bytes
  rows.starts[count] = start
  rows.rawBytes[count] = end - start
  rows.lines[count] = line
  rows.patterns[count] = pattern
  addCopies(rows.table, row, rows, count)
  rows.count = count + 1
  if (rows.count === MOST_ROWS || conversion.used >= OFFERED_BYTES) offerRows(conversion)
  return true
}

/** Keeps the records of the rows that wait, since the bytes that they stand in are overwritten next. */
export function holdRows(conversion: Conversion): void {
  const { rows } = conversion
  if (rows === undefined || rows.held === rows.count) return
  const { starts, rawBytes, bytes, held, count } = rows
  const from = starts[held]!
  const moved = keep(conversion, bytes.subarray(from, starts[count - 1]! + rawBytes[count - 1]!)) - from
  for (let at = held; at < count; at++) starts[at]! += moved
  rows.held = count
}

/** The first row of a batch. */
function begin(rows: WaitingRows, table: Patterns, texts: readonly string[]): void {
  rows.texts = texts
  if (rows.table === table) return
  rows.table = table
  rows.ids = new Int32Array(MOST_ROWS * table.copiedTexts)
  rows.numbers = new Float64Array(MOST_ROWS * table.copiedNumbers)
}

/** Offers the rows that wait; one that is not taken becomes a record. */
function offerRows(conversion: Conversion): void {
  const { rows, between, kept } = conversion
  if (rows === undefined || rows.count === 0) return
  const { count, row, take } = rows
  const ending: Ending = { kept, between, emit: conversion.emit }
  let at = take(rows, 0)
  let next = emitBetween(ending, 0, at)
  if (at < count) {
    // what becomes a record waits, too, and must find the place empty
    conversion.kept = NO_BYTES
    conversion.between = []
    conversion.used = 0
    conversion.offering = true
    while (at < count) {
      const start = rows.starts[at]!
      const raw = (at < rows.held ? kept : rows.bytes).subarray(start, start + rows.rawBytes[at]!)
      rows.count = 0
      rows.table.windowTurns++
      takeRecord(conversion, row!.again(raw), raw, { line: rows.lines[at]! })
      offer(conversion)
      rows.count = count
      at = take(rows, at + 1)
      next = emitBetween(ending, next, at)
    }
    conversion.offering = false
  } else if (between.length > 0) conversion.between = []
  rows.count = rows.held = 0
  conversion.used = 0
}

/** The record of an event that waits. */
function rawOf({ kept, starts, sizes }: Conversion, at: number): Uint8Array {
  return kept.subarray(starts[at]!, starts[at]! + sizes[at]!)
}

/** What `emitBetween` emits from. */
type Ending = Pick<Conversion, 'between' | 'kept' | 'emit'>

const NO_BYTES = new Uint8Array(0)

/** Emits the outcomes from `next` on that stand before the event at `at`; returns the next one. */
function emitBetween({ between, kept, emit }: Ending, next: number, at: number): number {
  for (; next < between.length && between[next]!.at <= at; next++) emit(between[next]!.outcome, kept.subarray(between[next]!.start, between[next]!.end))
  return next
}

/** Lowers, completes and validates an event. */
function wholeOutcome(conversion: Conversion, event: MappedEvent, raw: Uint8Array, place: Place): Outcome {
  const { pipeline, seen, filter } = conversion
  const { lower, complete, validate } = pipeline.classes.get(event.class_uid)!
  const lowered = lower(readWhole(event))
  const full = complete(lowered.event) as OcsfEvent
  const { valid, issues, warnings } = validate(full)
  if (!valid) return reject(conversion, 'validate', issues, raw, place)
  const uid = (full.metadata as { readonly uid?: string }).uid
  if (uid !== undefined && isDuplicate(seen, uid, raw)) return { kind: 'duplicate', uid, place }
  const reason = filter?.(full)
  if (reason !== undefined) return { kind: 'filtered', reason, place }
  return { kind: 'event', event: full, place, rawBytes: raw.length, warnings, lowered: lowered.paths }
}

function withRaw({ source, decoder, rawPolicy, hash }: Conversion, event: MappedEvent, raw: Uint8Array): MappedEvent {
  if (hash !== undefined) return { ...event, raw_data_hash: { algorithm_id: 3, value: hash(raw) } }
  const text = rawPolicy === 'keep' ? rawText(raw) : undefined
  return text === undefined ? event : { ...event, raw_data: source.redact?.(text, decoder.preface?.()) ?? text }
}

/** What must stand before the record at hand so that it can be read alone. */
export function prefaceNow({ offering, preface, decoder }: Conversion): string | undefined {
  return offering ? preface : decoder.preface?.()
}

function reject(conversion: Conversion, stage: Stage, issues: readonly Issue[], raw: Uint8Array, place: Place): Outcome {
  return { kind: 'rejected', stage, issues, raw: rawText(raw) ?? raw.slice(), place, preface: prefaceNow(conversion) }
}

function issueOf({ path = '', rule, expected, found }: Fault): Issue {
  return { path, rule, expected, found }
}
