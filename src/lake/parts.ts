/** Collects the events of one unit into Parquet objects: one class and one partition each, sealed by counted limits. */
import type { OcsfEvent, Pipeline, Take } from '../convert.js'
import type { Issue } from '../ocsf/issue.js'
import type { Codec } from '../parquet/codec.js'
import { createParquetWriter, type ParquetWriter } from '../parquet/write.js'
import { idAt, numberAt, type RowBatch, textOf } from '../rows.js'
import { type Layout, plainLayout } from './layout.js'
import { objectKey } from './object-key.js'
import type { Fallback, Located, Partition } from './partition.js'

// The same everywhere: the objects of a unit must not depend on the machine.
/** Events of a unit between two seals. */
export const PART_ROWS = 200_000
/** Bytes of raw records of a unit between two seals: 64 MiB. */
export const PART_BYTES = 64 * 2 ** 20
/** Classes and partitions of a unit that are open at once. */
export const PART_OBJECTS = 256

/** A finished object: its key below the lake (its URL in Security Lake), and its bytes. */
export interface LakeObject {
  readonly key: string
  /** `<source>/<class_uid>` */
  readonly class: string
  readonly rows: number
  readonly bytes: Uint8Array
}

export interface PartsOptions {
  /** The identity of the input object: the same unit gives the same keys. */
  readonly unit: string
  readonly codec: Codec
  /** A lake of your own unless said. */
  readonly layout?: Layout
  /** Called with each object as it is sealed. */
  readonly put: (object: LakeObject) => void
}

export interface Parts {
  /**
   * `rawBytes`: length of the record as logged, for the counted limit. Returns why an event does not fit its columns;
   * such an event is in no object.
   */
  add(pipeline: Pipeline, event: OcsfEvent, rawBytes: number, fallback: Fallback): Issue | undefined
  /**
   * Adds the mapped events from `from` on as the rows of their full events, as far as they are seen to be valid as they
   * are; returns the index of the first that was not added. That says nothing about it: complete it, validate it, `add`
   * it, and go on behind it.
   */
  addMapped(pipeline: Pipeline, events: Parameters<Take>[0], rawBytes: Parameters<Take>[1], from: number, fallback: Fallback): number
  /** Adds rows of a table in the same way. */
  addRows(pipeline: Pipeline, batch: RowBatch, from: number, fallback: Fallback): number
  /** Whether so many records and bytes more, of so many objects, do not fill the part. */
  fits(records: number, bytes: number, objects: number): boolean
  /** Seals what is open: at the end of the unit. */
  seal(): void
}

/** With more objects open, rows of a table become events: what writes them by their patterns takes half a MiB in each. */
const ROW_OBJECTS = 16

/** So many events that go to one object need not be shared out. */
const RUN = 32

const DAY_MS = 86_400_000
const dayOf = (time: number): number => Math.floor(Number(time) / DAY_MS)

type MappedEvent = Parameters<Take>[0][number] & Located
type ClassPipeline = NonNullable<ReturnType<Pipeline['classes']['get']>>

interface Open {
  readonly pipeline: Pipeline
  readonly classUid: number
  readonly partition: Partition
  readonly writer: ParquetWriter
  /** Mapped events that may be its next rows, and where they stand among those offered. */
  readonly next: MappedEvent[]
  readonly places: number[]
  /** How many of those, from the first on, passed. */
  fit: number
}

/** Mapped events as they are offered. */
interface Offer {
  readonly pipeline: Pipeline
  readonly events: readonly MappedEvent[]
  readonly rawBytes: readonly number[]
  readonly fallback: Fallback
}

/** Where the last event went, and what says that another goes there, too. */
interface Last {
  readonly pipeline: Pipeline
  readonly classUid: number
  readonly region: unknown
  readonly account: unknown
  readonly day: number
  readonly fallback: Fallback
  readonly target: Open
}

interface State {
  readonly unit: string
  readonly codec: Codec
  readonly layout: Layout
  readonly put: (object: LakeObject) => void
  readonly open: Map<string, Open>
  /** By class: a writer of no object yet, whose first event did not pass. */
  readonly spare: Map<ClassPipeline, ParquetWriter>
  /** Of the part at hand, which is the n-th. */
  rows: number
  bytes: number
  part: number
  last: Last | undefined
  /** The objects of the mapped events at hand, in the order in which they are met. */
  readonly targets: Open[]
  /** Of the events offered last: those that were added though one before them was not, since it is of another object. */
  readonly early: Set<number>
  earlyOf: readonly MappedEvent[] | undefined
}

export function createParts({ unit, codec, layout = plainLayout, put }: PartsOptions): Parts {
  const state: State = {
    unit,
    codec,
    layout,
    put,
    open: new Map(),
    spare: new Map(),
    rows: 0,
    bytes: 0,
    part: 0,
    last: undefined,
    targets: [],
    early: new Set(),
    earlyOf: undefined,
  }
  return {
    add(pipeline, event, rawBytes, fallback) {
      const partition = layout.partition(event, fallback)
      const issue = layout.refuse(pipeline.source, event.class_uid, partition) ?? openFor(state, pipeline, event.class_uid, partition).writer.add(event)
      if (issue !== undefined) return issue
      count(state, 1, rawBytes)
      return undefined
    },
    addMapped: (pipeline, events, rawBytes, from, fallback) => addOffered(state, { pipeline, events, rawBytes, fallback }, from),
    addRows: (pipeline, batch, from, fallback) => addTableRows(state, pipeline, batch, from, fallback),
    fits: (records, bytes, objects) => !isFull(state, records, bytes) && state.open.size + objects < PART_OBJECTS,
    seal() {
      if (state.open.size > 0) seal(state)
    },
  }
}

// Functions of the module, not of a unit: V8 throws the code of a closure away with the unit, and compiles it anew.

function nameOf({ source }: Pipeline, classUid: number, { region, accountId, eventDay }: Partition): string {
  return `${source.id} ${classUid} ${region} ${accountId} ${eventDay}`
}

/** A writer for a class, which is no object yet. */
function writerFor({ spare, codec }: State, { source, version, observables }: Pipeline, compiled: ClassPipeline): ParquetWriter {
  const waiting = spare.get(compiled)
  if (waiting !== undefined) {
    spare.delete(compiled)
    return waiting
  }
  const { columns, mapped } = compiled
  const { name, uid } = columns.type
  const metadata = {
    'ocsf-lake.source': source.id,
    'ocsf-lake.class': `${name} (${uid})`,
    'ocsf-lake.ocsf_version': version,
    'ocsf-lake.mapping_version': String(source.mappingVersion),
  }
  return createParquetWriter(columns.fields, { codec, metadata, mapped, observables })
}

function begin({ open }: State, pipeline: Pipeline, classUid: number, partition: Partition, writer: ParquetWriter): Open {
  const target: Open = { pipeline, classUid, partition, writer, next: [], places: [], fit: 0 }
  open.set(nameOf(pipeline, classUid, partition), target)
  return target
}

function openFor(state: State, pipeline: Pipeline, classUid: number, partition: Partition): Open {
  const known = state.open.get(nameOf(pipeline, classUid, partition))
  return known ?? begin(state, pipeline, classUid, partition, writerFor(state, pipeline, pipeline.classes.get(classUid)!))
}

function seal(state: State): void {
  const { unit, layout, put, part } = state
  for (const { pipeline, classUid, partition, writer } of state.open.values()) {
    const { rows } = writer
    if (rows === 0) continue // opened for an event that did not fit
    const { source } = pipeline
    const key = objectKey({ unit, source, classUid, partition, part }, layout.prefix(source, classUid))
    put({ key, class: `${source.id}/${classUid}`, rows, bytes: writer.finish() })
  }
  state.open.clear()
  state.last = undefined
  state.rows = 0
  state.bytes = 0
  state.part++
}

/** Whether so much more fills the part. */
function isFull({ rows, bytes, open }: State, moreRows: number, moreBytes: number): boolean {
  return rows + moreRows >= PART_ROWS || bytes + moreBytes >= PART_BYTES || open.size >= PART_OBJECTS
}

function count(state: State, rows: number, bytes: number): void {
  state.rows += rows
  state.bytes += bytes
  if (isFull(state, 0, 0)) seal(state)
}

/** Adds offered events from `from` on, as `addMapped` of the parts does. */
function addOffered(state: State, offer: Offer, from: number): number {
  const { events } = offer
  const { early, targets } = state
  if (early.size > 0 && state.earlyOf !== events) early.clear()
  let at = from
  while (at < events.length) {
    const run = early.size > 0 ? at : endOfRun(state, offer, at)
    if (run - at >= RUN) {
      at = addRun(state, offer, at, run)
      if (at < run) return at
      continue
    }
    const end = gather(state, offer, at)
    if (targets.length > 0) {
      const stop = addGathered(state, offer, ask(targets, end))
      if (stop < end) return stop
      at = end
    } else if (end < events.length && addFirst(state, offer, end)) at = end + 1
    else return end
  }
  return at
}

// ---- runs of one object ----

/** Whether an event belongs where the last one went: the same class, account, region and day. */
function isNear(last: Last | undefined, pipeline: Pipeline, { class_uid, time, cloud }: MappedEvent, fallback: Fallback): boolean {
  return (
    last !== undefined &&
    last.day === dayOf(time) &&
    last.region === cloud?.region &&
    last.account === cloud?.account?.uid &&
    last.classUid === class_uid &&
    last.pipeline === pipeline &&
    last.fallback === fallback
  )
}

/** Where those events end, from `from` on, that all belong where the last one went, fit into the part and are asked at once. */
function endOfRun(state: State, { pipeline, events, rawBytes, fallback }: Offer, from: number): number {
  const { last } = state
  // no further: where few events pass, those behind one that does not would be looked at again and again
  const end = Math.min(events.length, from + (last?.target.writer.reach ?? 0))
  let size = 0
  let at = from
  for (; at < end && isNear(last, pipeline, events[at]!, fallback); at++) {
    if (at > from && isFull(state, at - from, size)) break
    size += rawBytes[at]!
  }
  return at
}

/** Adds such a run, as far as it passes; returns where it ended. */
function addRun(state: State, { events, rawBytes }: Offer, from: number, end: number): number {
  const at = from + state.last!.target.writer.addMapped(events, from, end)
  if (at > from) count(state, at - from, sumOf(rawBytes, from, at))
  return at
}

// Apart, since a loop makes the function around it worth compiling, here with a writer inside it that is gone after its object.
function sumOf(numbers: ArrayLike<number>, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at++) sum += numbers[at]!
  return sum
}

// ---- rows of a table ----

function addTableRows(state: State, pipeline: Pipeline, batch: RowBatch, from: number, fallback: Fallback): number {
  let at = from
  while (at < batch.count && state.open.size <= ROW_OBJECTS) {
    const target = targetOf(state, pipeline, batch, at, fallback)
    if (target === undefined) return at
    const end = endOfPlace(state, batch, at)
    const stop = target.writer.addRows(batch, at, end)
    if (stop > at) count(state, stop - at, sumOf(batch.rawBytes, at, stop))
    else if (target.writer.rows === 0) close(state, target)
    if (stop < end) return stop
    at = stop
  }
  return at
}

/** The object of a row, which is opened for it. */
function targetOf(state: State, pipeline: Pipeline, batch: RowBatch, at: number, fallback: Fallback): Open | undefined {
  const { classUid, region, account, time } = batch.table.patterns[batch.patterns[at]!]!
  const uid = typeof account === 'number' ? textOf(batch, idAt(batch, account, at)) : account
  const place = { class_uid: classUid, time: numberAt(batch, time, at), cloud: { region, account: { uid } } }
  if (isNear(state.last, pipeline, place, fallback)) return state.last!.target
  const { layout } = state
  const partition = layout.partition(place, fallback)
  if (pipeline.classes.get(classUid)!.mapped === undefined || layout.refuse(pipeline.source, classUid, partition) !== undefined) return undefined
  const target = openFor(state, pipeline, classUid, partition)
  state.last = lastAt(target, place, fallback)
  return target
}

/** Where the rows end, from `from` on, that belong where that one does, and fit into the part. */
function endOfPlace(state: State, batch: RowBatch, from: number): number {
  const { count: end, table, patterns, rawBytes } = batch
  const first = table.patterns[patterns[from]!]!
  const { classUid, region, account, time } = first
  const day = dayOf(numberAt(batch, time, from))
  const id = typeof account === 'number' ? idAt(batch, account, from) : 0
  let size = rawBytes[from]!
  let at = from + 1
  for (; at < end; at++) {
    const pattern = table.patterns[patterns[at]!]!
    if (pattern !== first && (pattern.classUid !== classUid || pattern.region !== region || pattern.account !== account || pattern.time !== time)) break
    if (typeof account === 'number' && idAt(batch, account, at) !== id) break
    if (dayOf(numberAt(batch, time, at)) !== day || isFull(state, at - from, size)) break
    size += rawBytes[at]!
  }
  return at
}

/** Takes back what was opened for a row that did not pass: it may belong elsewhere, or nowhere. */
function close(state: State, { pipeline, classUid, partition, writer }: Open): void {
  state.open.delete(nameOf(pipeline, classUid, partition))
  state.spare.set(pipeline.classes.get(classUid)!, writer)
  state.last = undefined
}

// ---- events of several objects ----

/** The object of an event, if it is open: an event that does not pass may belong elsewhere, or nowhere. */
function openAt(state: State, pipeline: Pipeline, event: MappedEvent, fallback: Fallback): Open | undefined {
  if (isNear(state.last, pipeline, event, fallback)) return state.last?.target
  const target = state.open.get(nameOf(pipeline, event.class_uid, state.layout.partition(event, fallback)))
  if (target !== undefined) state.last = lastAt(target, event, fallback)
  return target
}

function lastAt(target: Open, { time, cloud }: MappedEvent, fallback: Fallback): Last {
  const { pipeline, classUid } = target
  return { pipeline, classUid, region: cloud?.region, account: cloud?.account?.uid, day: dayOf(time), fallback, target }
}

/**
 * Adds the first event of an object that is not open yet; whether it did. It goes alone: opening an object may fill
 * the part. What does not pass leaves nothing open, since it may belong elsewhere, or nowhere.
 */
function addFirst(state: State, { pipeline, events, rawBytes, fallback }: Offer, at: number): boolean {
  const { layout, spare } = state
  const event = events[at]!
  const { class_uid: classUid } = event
  const compiled = pipeline.classes.get(classUid)
  const partition = layout.partition(event, fallback)
  if (compiled?.mapped === undefined || layout.refuse(pipeline.source, classUid, partition) !== undefined) return false
  const writer = writerFor(state, pipeline, compiled)
  if (writer.askMapped([event], 1) === 0) {
    spare.set(compiled, writer)
    return false
  }
  if (!writer.addAsked(1)) return false // its texts are in the writer
  state.last = lastAt(begin(state, pipeline, classUid, partition, writer), event, fallback)
  count(state, 1, rawBytes[at]!)
  return true
}

/**
 * Shares out events from `from` on among open objects, as many as fit into the part and as are asked at once; returns
 * where it ended. Whatever becomes of them, no part is sealed between them, so only their order in each object counts.
 */
function gather(state: State, { pipeline, events, rawBytes, fallback }: Offer, from: number): number {
  const { early, targets } = state
  let some = 0
  let size = 0
  for (let at = from; at < events.length; at++) {
    if (early.size > 0 && early.has(at)) continue
    if (some > 0 && isFull(state, some, size)) return at
    const target = openAt(state, pipeline, events[at]!, fallback)
    if (target === undefined) return at
    const { next, places, writer } = target
    if (next.length === 0) targets.push(target)
    next.push(events[at]!)
    places.push(at)
    some++
    size += rawBytes[at]!
    if (next.length >= writer.reach) return at + 1
  }
  return events.length
}

/** Where the first gathered event stands that does not pass: it may belong elsewhere, so all behind it wait. */
function ask(targets: readonly Open[], end: number): number {
  let stop = end
  for (const target of targets) {
    const { writer, next, places } = target
    const asked = countBelow(places, stop)
    target.fit = asked === 0 ? 0 : writer.askMapped(next, asked)
    if (target.fit < asked) stop = places[target.fit]!
  }
  return stop
}

/** Adds the gathered events before `until`; returns where the first stands that was not added. */
function addGathered(state: State, { events, rawBytes }: Offer, until: number): number {
  const { early, targets } = state
  let stop = until
  const added: number[] = []
  for (const { writer, places, fit } of targets) {
    const wanted = Math.min(fit, countBelow(places, until))
    if (wanted === 0) continue
    if (writer.addAsked(wanted)) for (let i = 0; i < wanted; i++) added.push(places[i]!)
    else stop = Math.min(stop, places[0]!)
  }
  for (const { next, places } of targets) next.length = places.length = 0
  targets.length = 0
  let size = 0
  for (const at of added) {
    size += rawBytes[at]!
    if (at > stop) early.add(at)
  }
  state.earlyOf = events
  if (added.length > 0) count(state, added.length, size)
  return stop
}

/** How many of ascending numbers are below a limit. */
function countBelow(ascending: readonly number[], limit: number): number {
  let count = ascending.length
  while (count > 0 && ascending[count - 1]! >= limit) count--
  return count
}
