/**
 * What becomes of each record of an object, until it ends in exactly one outcome. Functions of the module with the state of
 * an object beside them: V8 forgets what it compiled for closures that are made anew for each object.
 */
import { type Decoded, type Decoder, type Fault, type Place, rawText } from '../decode/decoder.js'
import type { MemberReader, MemberTaker } from '../decode/json-members.js'
import type { TableRow } from '../decode/table.js'
import { readWhole } from '../json.js'
import type { Issue } from '../ocsf/issue.js'
import { MOST_ROWS, textOf } from '../rows.js'
import type { AnySource, Context, MappedEvent } from '../sources/source.js'
import { hash53, isDuplicate, remember, uidOf } from './duplicates.js'
import { copyMembers } from './member-copies.js'
import { countUnread, memberPatternOf } from './member-patterns.js'
import type { OcsfEvent, Outcome, RawPolicy, Stage } from './outcome.js'
import { addCopies, patternOf, patternsOf } from './patterns.js'
import type { Pipeline } from './pipeline.js'
import {
  begin,
  emptyRows,
  gatherClasses,
  holdRows,
  keep,
  placeOf,
  type RowSink,
  rawOfRow,
  readAgain,
  rememberRows,
  type WaitingRows,
  waitingRows,
} from './waiting-rows.js'

/**
 * Offered mapped events, some at a time, before they are lowered, completed and validated: takes those from `from` on
 * that are valid events as they are, and returns the index of the first that it did not take. There are no outcomes for
 * what it took. What may be a duplicate is not offered. Events wait for others across pushes, and with them the outcomes
 * of records behind them. In place of large objects that the source only passes on there may be `UnreadJson`, which
 * `stringify` prints and `readWhole` reads.
 */
export type Take = (events: readonly MappedEvent[], rawBytes: readonly number[], from: number) => number

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
  /** Rows that wait for whoever takes them. While events wait as well, those are of other classes, and all of them fit. */
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
  /** Of the events. */
  readonly classes: Set<number>
  /** Classes, days and places of what waits, at most: those met last, and how many. */
  readonly wheres: Where[]
  whereCount: number
  /** What stands before the records that wait; a decoder may have read on since. */
  preface: string | undefined
  offering: boolean
}

/** One literal without a spread: of a spread V8 may give each object a shape of its own. */
export function createConversion(
  { source, pipeline, context, decoder }: Pick<Conversion, 'source' | 'pipeline' | 'context' | 'decoder'>,
  { rawPolicy, hash, filter, emit, take }: Pick<Conversion, 'rawPolicy' | 'hash' | 'filter' | 'emit' | 'take'>,
  sink?: RowSink,
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
    rows: sink === undefined || rawPolicy !== 'drop' || filter !== undefined ? undefined : waitingRows(sink, pipeline),
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
    classes: new Set(),
    wheres: [],
    whereCount: 0,
    preface: undefined,
    offering: false,
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
    if (uids.has(uid) || conversion.rows?.uids.has(uid) === true) offer(conversion) // only then it is known whether the first of the two is an event
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
  const { rows, between } = conversion
  const behind = rows?.count ?? 0
  if (behind > 0 && conversion.waiting.length > 0) offer(conversion)
  const at = Math.max(conversion.waiting.length, rows?.count ?? 0)
  if (at === 0) conversion.emit(outcome, raw)
  else between.push({ at, outcome, start: keep(conversion, raw), end: conversion.used })
}

function wait(conversion: Conversion, event: MappedEvent, raw: Uint8Array, place: Place, uid: string | undefined): void {
  const { rows } = conversion
  if (rows !== undefined && rows.count > 0 && !mayWaitBeside(conversion, rows, event, raw.length)) offerRows(conversion)
  const before = prefaceNow(conversion)
  if (before !== conversion.preface) offer(conversion)
  conversion.preface = before
  conversion.classes.add(event.class_uid)
  const { cloud } = event as { readonly cloud?: { readonly region?: unknown; readonly account?: { readonly uid?: unknown } } }
  noteWhere(conversion, event.class_uid, event.time, cloud?.region, cloud?.account?.uid)
  conversion.starts.push(keep(conversion, raw))
  conversion.waiting.push(event)
  conversion.sizes.push(raw.length)
  conversion.places.push(place)
  if (uid !== undefined) conversion.uids.add(uid)
  if (conversion.waiting.length === OFFERED || conversion.used >= OFFERED_BYTES) offer(conversion)
}

/** Whether an event may wait beside rows, which only those of JSON records do: its like must not be among them, nor an outcome in between. */
function mayWaitBeside(conversion: Conversion, rows: WaitingRows, { class_uid: classUid }: MappedEvent, bytes: number): boolean {
  return rows.table === rows.members && conversion.between.length === 0 && !rows.classes.has(classUid) && mayMix(conversion, rows, bytes)
}

/** Whether rows and events may wait together, one record more included: then the order in which they are offered is of no account. */
function mayMix({ waiting, used, whereCount }: Conversion, { sink, count, size }: WaitingRows, more: number): boolean {
  return sink.fits(count + waiting.length + 1, size + used + more, whereCount + 1)
}

interface Where {
  readonly classUid: number
  readonly day: number
  readonly region: unknown
  readonly account: unknown
}

const MOST_WHERES = 8
const DAY_MS = 86_400_000

/** Notes where a record that waits belongs; what is not among those met last counts again. */
function noteWhere(conversion: Conversion, classUid: number, time: number, region: unknown, account: unknown): void {
  const { wheres, whereCount } = conversion
  const day = Math.floor(Number(time) / DAY_MS)
  for (let at = 0; at < wheres.length; at++) {
    const where = wheres[at]!
    if (where.classUid === classUid && where.day === day && where.region === region && where.account === account) return
  }
  wheres[whereCount % MOST_WHERES] = { classUid, day, region, account }
  conversion.whereCount++
}

/** Offers what waits; what is not taken gets its outcome. */
export function offer(conversion: Conversion): void {
  offerRows(conversion)
  offerEvents(conversion)
}

function offerEvents(conversion: Conversion): void {
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
  conversion.classes.clear()
  if ((conversion.rows?.count ?? 0) === 0) conversion.wheres.length = conversion.whereCount = 0
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
    begin(rows, rows.known, texts, row.again)
    conversion.preface = conversion.decoder.preface?.()
  }
  addCopies(rows.known, row, rows, rows.count)
  addRow(conversion, rows, pattern, bytes, start, end, line, -1)
  return true
}

function addRow(conversion: Conversion, rows: WaitingRows, pattern: number, bytes: Uint8Array, start: number, end: number, line: number, record: number): void {
  const { count } = rows
  conversion.read++
  rows.bytes = bytes
  rows.starts[count] = start
  rows.rawBytes[count] = end - start
  rows.lines[count] = line
  rows.records[count] = record
  rows.patterns[count] = pattern
  rows.count = count + 1
  rows.size += end - start
  if (rows.count === MOST_ROWS || rows.size >= OFFERED_BYTES || conversion.used >= OFFERED_BYTES) offerRows(conversion)
}

/** What takes records of JSON, those with a pattern, before they become objects; `undefined` where nobody takes any. */
export function memberTaker(conversion: Conversion): MemberTaker | undefined {
  const { rows } = conversion
  const members = rows?.members
  if (rows === undefined || members === undefined) return undefined
  const { reader } = members
  const taker = {
    firstKeyEnd: 0, // no getter, as the architecture asks
    take(bytes: Uint8Array, at: number, end: number, watch: boolean, line: number, record: number): number {
      const past = takeMembers(conversion, reader, bytes, at, end, watch, line, record)
      taker.firstKeyEnd = reader.firstKeyEnd
      return past
    },
    hold: () => holdRows(rows),
  }
  return taker
}

function takeMembers(
  conversion: Conversion,
  { row, read }: MemberReader,
  bytes: Uint8Array,
  start: number,
  limit: number,
  watch: boolean,
  line: number,
  record: number,
): number {
  const rows = conversion.rows!
  const members = rows.members!
  if (members.idle) return -1
  const end = read(bytes, start, limit, watch)
  if (end === -1) {
    countUnread(members)
    return -1
  }
  const pattern = memberPatternOf(members, row, start, end, conversion.pipeline, conversion.context)
  if (pattern === -1) return -1
  if (rows.count > 0 && (rows.texts !== row.texts || (conversion.waiting.length > 0 && !mayMix(conversion, rows, end - start)))) offer(conversion)
  if (rows.count === 0) begin(rows, members, row.texts, readAgain)
  if (!copyMembers(members, row, rows, rows.count)) return -1
  const { uid, classUid } = members.patterns[pattern]!
  if (uid !== undefined) {
    const text = textOf(rows, rows.ids[rows.count * members.copiedTexts + uid]!)
    if (conversion.uids.has(text) || rows.uids.has(text) || conversion.seen.has(text)) return -1 // it may be a duplicate
    rows.uids.add(text)
  }
  const { waiting, between, classes } = conversion
  if (waiting.length > 0 && (between.length > 0 || classes.has(classUid) || !mayMix(conversion, rows, end - start))) offerEvents(conversion)
  rows.classes.add(classUid)
  const { region, account, time } = members.patterns[pattern]!
  const uidOfAccount = typeof account === 'number' ? textOf(rows, rows.ids[rows.count * members.copiedTexts + account]!) : account
  noteWhere(conversion, classUid, rows.numbers[rows.count * members.copiedNumbers + time - members.copiedTexts]!, region, uidOfAccount)
  addRow(conversion, rows, pattern, row.bytes, start, end, line, record)
  return end
}

/** Offers the rows that wait; one that is not taken becomes a record. */
function offerRows(conversion: Conversion): void {
  const { rows, between, kept, seen } = conversion
  if (rows === undefined || rows.count === 0) return
  const { count, again, sink } = rows
  if (rows.classes.size > 1 && between.length === 0 && sink.fits(count, rows.size, conversion.whereCount)) gatherClasses(rows)
  const ending: Ending = { kept, between, emit: conversion.emit }
  let at = sink.take(rows, 0)
  rememberRows(seen, rows, 0, at)
  let next = emitBetween(ending, 0, at)
  if (at < count) {
    if (between.length > 0) {
      // what becomes a record waits, too, and must find the place empty
      conversion.kept = NO_BYTES
      conversion.between = []
      conversion.used = 0
    }
    conversion.offering = true
    while (at < count) {
      const raw = rawOfRow(rows, at)
      rows.count = 0
      countTurn(rows)
      takeRecord(conversion, again(raw), raw, placeOf(rows, at))
      offerEvents(conversion)
      rows.count = count
      const from = at + 1
      at = sink.take(rows, from)
      rememberRows(seen, rows, from, at)
      next = emitBetween(ending, next, at)
    }
    conversion.offering = false
  } else if (between.length > 0) conversion.between = []
  emptyRows(rows)
  if (conversion.waiting.length > 0) return
  conversion.used = 0
  conversion.wheres.length = conversion.whereCount = 0
}

/** A row was refused: where that goes on, patterns are not worth it. */
function countTurn({ table, known, members }: WaitingRows): void {
  if (table === known) known.windowTurns++
  else if (table === members) members.windowTurns++
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
