/**
 * The whole story: bytes are decoded into records, a record is mapped to an event, the event is lowered to the
 * version, completed and validated. Every record ends in exactly one outcome.
 */
import { type Decoded, type Fault, type Place, rawText } from './decode/decoder.js'
import { MAX_OBJECT_BYTES, type ParquetReader, parquetAsLines, type Readable } from './decode/parquet-input.js'
import { OcsfLakeError } from './errors.js'
import { type ClassFields, classFields, columnTree } from './ocsf/columns.js'
import { completer } from './ocsf/complete.js'
import { DEFAULT_VERSION, isVersion, loadFacts, type OcsfVersion, VERSIONS } from './ocsf/facts.js'
import { CLASS_UIDS, type ClassName } from './ocsf/generated/types.js'
import type { Issue } from './ocsf/issue.js'
import { lowerer } from './ocsf/lower.js'
import { type MappedClass, mappedClass } from './ocsf/mapped.js'
import { classValidator } from './ocsf/validate.js'
import type { AnySource, Context, MappedEvent } from './sources/source.js'

/** A completed, valid OCSF event: `class_uid`, `time` (epoch ms), `metadata.version` and all the rest. */
export interface OcsfEvent {
  readonly class_uid: number
  readonly time: number
  readonly [attribute: string]: unknown
}

/** What became of one record. `raw` is its text as logged, bytes where that is no valid UTF-8. */
export type Outcome =
  | EventOutcome
  | { readonly kind: 'filtered'; readonly reason: string; readonly place: Place }
  | { readonly kind: 'duplicate'; readonly uid: string; readonly place: Place }
  | RejectedOutcome

/** A record that became no event. */
export interface RejectedOutcome {
  readonly kind: 'rejected'
  readonly stage: Stage
  readonly issues: readonly Issue[]
  readonly raw: string | Uint8Array
  readonly place: Place
  /** What must stand before `raw` so that it can be read alone: the header line of a table. */
  readonly preface?: string
}

/** A record that became an event. */
export interface EventOutcome {
  readonly kind: 'event'
  readonly event: OcsfEvent
  readonly place: Place
  /** Length of the record as logged. */
  readonly rawBytes: number
  readonly warnings: readonly Issue[]
  /** OCSF paths that the version cannot say and that moved to `unmapped` or became 99. */
  readonly lowered: readonly string[]
}

/** Where a record was lost: reading the bytes, mapping the record, checking the event, or writing it as a row. */
export type Stage = 'decode' | 'map' | 'validate' | 'write'

/** What happens to the raw text: dropped, kept with its secrets replaced, or its SHA-256 kept. */
export type RawPolicy = 'drop' | 'keep' | 'hash'

export interface ConvertOptions {
  readonly source: AnySource
  /** OCSF version to write; 1.1.0 unless said. */
  readonly ocsf?: OcsfVersion
  /** Fills `observables`; on unless said. */
  readonly observables?: boolean
  readonly raw?: RawPolicy
  /** What the log itself does not say: account, region, key, fields. */
  readonly context?: Omit<Context, 'version'>
  /** Returns a reason to leave a valid event out, or `undefined` to keep it. */
  readonly filter?: (event: OcsfEvent) => string | undefined
}

/** A synchronous push converter of one object. `in` is counted where records are read, the outcomes where they end. */
export interface Converter {
  /** Records read so far. */
  readonly in: number
  /** What must stand before a record that was just read so that it can be read alone. */
  readonly preface: string | undefined
  push(bytes: Uint8Array): void
  /** The object is over: what is cut off becomes an outcome too. */
  end(): void
  /** The object cannot be read further: one record in, one rejected, with what was left as its raw text. */
  fail(fault: Fault): void
}

interface ClassPipeline {
  readonly columns: ClassFields
  readonly lower: ReturnType<typeof lowerer>
  readonly complete: ReturnType<typeof completer>
  readonly validate: Awaited<ReturnType<typeof classValidator>>
  /** What lets a mapped event pass without the three steps above; absent for a class with rules it does not know. */
  readonly mapped: MappedClass | undefined
}

/** Everything compiled for one source at one version. */
export interface Pipeline {
  readonly version: OcsfVersion
  readonly source: AnySource
  /** Whether events get `observables`. */
  readonly observables: boolean
  /** By class uid: the classes of the source that the version has. */
  readonly classes: ReadonlyMap<number, ClassPipeline>
}

/** A duplicate is looked for among this many records of the same object, so that memory stays bounded. */
export const DUPLICATE_WINDOW = 2 ** 18

const pipelines = new WeakMap<AnySource, Map<string, Promise<Pipeline>>>()

/**
 * Compiles a source for a version, once.
 *
 * @throws OcsfLakeError `version_unknown`, `columns_invalid`
 */
export async function loadPipeline(source: AnySource, version: OcsfVersion = DEFAULT_VERSION, observables = true): Promise<Pipeline> {
  if (!isVersion(version)) throw new OcsfLakeError('version_unknown', `OCSF version ${String(version)} is not supported: use one of ${VERSIONS.join(', ')}.`)
  const byVersion = pipelines.get(source) ?? new Map<string, Promise<Pipeline>>()
  pipelines.set(source, byVersion)
  const key = `${version} ${observables}`
  const pipeline = byVersion.get(key) ?? compile(source, version, observables)
  byVersion.set(key, pipeline)
  return pipeline
}

async function compile(source: AnySource, version: OcsfVersion, observables: boolean): Promise<Pipeline> {
  const facts = await loadFacts(version)
  if (!observables) {
    const { classes, ...rest } = await loadPipeline(source, version)
    const without = ([uid, pipeline]: [number, ClassPipeline]) => [uid, { ...pipeline, complete: completer(facts, pipeline.columns, { observables }) }] as const
    return { ...rest, observables, classes: new Map([...classes].map(without)) }
  }
  const classes = new Map<number, ClassPipeline>()
  for (const [name, declared] of Object.entries(source.columns)) {
    const className = name as ClassName // the keys of DeclaredColumns are class names
    const columns = classFields(facts, className, declared)
    if (columns === undefined) continue
    classes.set(CLASS_UIDS[className], {
      columns,
      lower: lowerer(facts, CLASS_UIDS[className], columnTree(declared)),
      complete: completer(facts, columns, { observables }),
      validate: await classValidator(facts, columns),
      mapped: mappedClass(facts, columns),
    })
  }
  return { version, source, observables, classes }
}

/**
 * Offered mapped events, some at a time, before they are lowered, completed and validated: takes those from `from` on
 * that are valid events as they are, and returns the index of the first that it did not take. There are no outcomes for
 * what it took. What may be a duplicate is not offered. Events wait for others across pushes, and with them the outcomes
 * of records behind them.
 */
export type Take = (events: readonly MappedEvent[], rawBytes: readonly number[], from: number) => number

/** Mapped events that are offered at once, at most. */
const OFFERED = 512
/** Bytes of their records, about: an event that is not taken needs its record. */
const OFFERED_BYTES = 2 ** 20

/** Loaded for those who ask for it: it is a tenth of the time that importing the door takes. */
const loadHash = async () => (await import('./sha256.js')).sha256Hex

/** Called once for each record. `raw` is the record as logged, valid during the call only. */
export type EmitOutcome = (outcome: Outcome, raw: Uint8Array) => void

/** Builds a converter that calls `emit` once for each record, in order, but for those that `take` took. */
export async function createConverter(options: ConvertOptions, emit: EmitOutcome, take?: Take): Promise<Converter> {
  const { source, ocsf, observables, raw: rawPolicy = 'drop', filter } = options
  const pipeline = await loadPipeline(source, ocsf, observables)
  const context: Context = { ...options.context, version: pipeline.version }
  const decoder = source.decoder(context)
  const hash = rawPolicy === 'hash' ? await loadHash() : undefined
  const seen = new Map<string, number>()
  let read = 0

  const reject = (stage: Stage, issues: readonly Issue[], raw: Uint8Array, place: Place): Outcome => ({
    kind: 'rejected',
    stage,
    issues,
    raw: rawText(raw) ?? raw.slice(),
    place,
    preface: prefaceNow(),
  })

  // Mapped events that wait for `take`, and the outcomes of records between them, with their records end to end.
  let waiting: MappedEvent[] = []
  let sizes: number[] = []
  let starts: number[] = []
  let places: Place[] = []
  let between: { readonly at: number; readonly outcome: Outcome; readonly start: number; readonly end: number }[] = []
  let kept = new Uint8Array(0)
  let used = 0
  const uids = new Set<string>()
  /** What stands before the records that wait; a decoder may have read on since. */
  let preface: string | undefined
  let offering = false
  const prefaceNow = (): string | undefined => (offering ? preface : decoder.preface?.())

  /** Keeps the bytes of a record that waits and returns where they start. */
  const keep = (raw: Uint8Array): number => {
    if (used + raw.length > kept.length) {
      const grown = new Uint8Array(Math.max((used + raw.length) * 2, 2 ** 12))
      grown.set(kept.subarray(0, used))
      kept = grown
    }
    kept.set(raw, used)
    used += raw.length
    return used - raw.length
  }

  /** Emits an outcome in its turn. */
  const settle = (outcome: Outcome, raw: Uint8Array): void => {
    if (waiting.length === 0) emit(outcome, raw)
    else between.push({ at: waiting.length, outcome, start: keep(raw), end: used })
  }

  const wait = (event: MappedEvent, raw: Uint8Array, place: Place, uid: string | undefined): void => {
    const before = decoder.preface?.()
    if (before !== preface) offer()
    preface = before
    starts.push(keep(raw))
    waiting.push(event)
    sizes.push(raw.length)
    places.push(place)
    if (uid !== undefined) uids.add(uid)
    if (waiting.length === OFFERED || used >= OFFERED_BYTES) offer()
  }

  /** Offers what waits; what is not taken gets its outcome. */
  const offer = (): void => {
    if (take === undefined || waiting.length === 0) return
    offering = true
    const rawOf = (at: number): Uint8Array => kept.subarray(starts[at]!, starts[at]! + sizes[at]!)
    let next = 0
    const emitUntil = (at: number): void => {
      for (; next < between.length && between[next]!.at <= at; next++) emit(between[next]!.outcome, kept.subarray(between[next]!.start, between[next]!.end))
    }
    for (let at = 0; at < waiting.length; at++) {
      const end = take(waiting, sizes, at)
      for (; at < end; at++) {
        const uid = uids.size === 0 ? undefined : uidOf(waiting[at]!)
        if (uid !== undefined) remember(seen, uid, hash53(rawOf(at)))
      }
      emitUntil(at)
      if (at < waiting.length) emit(wholeOutcome(waiting[at]!, rawOf(at), places[at]!), rawOf(at))
    }
    emitUntil(waiting.length)
    waiting = []
    sizes = []
    starts = []
    places = []
    between = []
    used = 0
    uids.clear()
    offering = false
  }

  const onRecord = (record: unknown, raw: Uint8Array, place: Place): void => {
    let mapped: ReturnType<AnySource['map']>
    try {
      mapped = source.map(record, context)
      if (typeof mapped !== 'object' || mapped === null) throw new TypeError(`map returned ${String(mapped)}`) // an untyped source
    } catch (error) {
      settle(reject('map', [{ path: '', rule: 'map_error', expected: 'a record that the mapper understands', found: String(error) }], raw, place), raw)
      return
    }
    if ('skip' in mapped) settle({ kind: 'filtered', reason: String(mapped.skip), place }, raw)
    else if ('fault' in mapped) settle(reject('map', [issueOf(mapped.fault as Fault)], raw, place), raw)
    else onEvent(rawPolicy === 'drop' ? (mapped as MappedEvent) : withRaw(mapped as MappedEvent, raw), raw, place)
  }

  const onEvent = (event: MappedEvent, raw: Uint8Array, place: Place): void => {
    if (!pipeline.classes.has(event.class_uid)) {
      const expected = `a class of ${source.id} at OCSF ${pipeline.version}: ${[...pipeline.classes.keys()].join(', ')}`
      settle(reject('map', [{ path: 'class_uid', rule: 'class_uid_unknown', expected, found: String(event.class_uid) }], raw, place), raw)
      return
    }
    if (take === undefined || filter !== undefined) {
      emit(wholeOutcome(event, raw, place), raw)
      return
    }
    const uid = uidOf(event)
    if (uid !== undefined) {
      if (uids.has(uid)) offer() // only then it is known whether the first of the two is an event
      if (seen.has(uid) && seen.get(uid) === hash53(raw)) {
        offer()
        emit(wholeOutcome(event, raw, place), raw)
        return
      }
    }
    wait(event, raw, place, uid)
  }

  /** Lowers, completes and validates an event. */
  const wholeOutcome = (event: MappedEvent, raw: Uint8Array, place: Place): Outcome => {
    const { lower, complete, validate } = pipeline.classes.get(event.class_uid)!
    const lowered = lower(event)
    const full = complete(lowered.event) as OcsfEvent
    const { valid, issues, warnings } = validate(full)
    if (!valid) return reject('validate', issues, raw, place)
    const uid = (full.metadata as { readonly uid?: string }).uid
    if (uid !== undefined && isDuplicate(seen, uid, raw)) return { kind: 'duplicate', uid, place }
    const reason = filter?.(full)
    if (reason !== undefined) return { kind: 'filtered', reason, place }
    return { kind: 'event', event: full, place, rawBytes: raw.length, warnings, lowered: lowered.paths }
  }

  const withRaw = (event: MappedEvent, raw: Uint8Array): MappedEvent => {
    if (hash !== undefined) return { ...event, raw_data_hash: { algorithm_id: 3, value: hash(raw) } }
    const text = rawPolicy === 'keep' ? rawText(raw) : undefined
    return text === undefined ? event : { ...event, raw_data: source.redact?.(text, decoder.preface?.()) ?? text }
  }

  const onDecoded = (item: Decoded<unknown>): void => {
    read++
    if ('record' in item) onRecord(item.record, item.raw, item.place)
    else if ('fault' in item) settle(reject('decode', [issueOf(item.fault)], item.raw, item.place), item.raw)
    else settle({ kind: 'filtered', reason: item.skip, place: item.place }, item.raw)
  }

  return {
    get in() {
      return read
    },
    get preface() {
      return prefaceNow()
    },
    push(bytes) {
      decoder.push(bytes, onDecoded)
    },
    end() {
      decoder.end(onDecoded)
      offer()
    },
    fail(fault) {
      // The last thing a cut-off object gives cannot be trusted, whole as it may look: it is what the fault keeps.
      let last: Decoded<unknown> | undefined
      decoder.end(item => {
        if (last !== undefined) onDecoded(last)
        last = { ...item, raw: item.raw.slice() }
      })
      onDecoded({ fault, place: last?.place ?? {}, raw: last?.raw ?? new Uint8Array(0) })
      offer()
    },
  }
}

/** What `convert` can be told beside what a converter can. */
export interface ConvertInputOptions extends ConvertOptions {
  /** `readParquet` of `ocsf-lake/node`, for flow logs that are delivered as Parquet; without it a Parquet object is one reject. */
  readonly parquet?: ParquetReader
}

/**
 * Converts the (unzipped) bytes of one object into outcomes: an event, or what else became of the record. A Parquet
 * object is held as a whole, up to 256 MiB, and is read when `parquet` says how.
 *
 * @example
 * for await (const outcome of convert(bytes, { source: vpcFlow })) {
 *   if (outcome.kind === 'event') send(outcome.event)
 *   else if (outcome.kind === 'rejected') keep(outcome.raw, outcome.issues)
 * }
 * @throws OcsfLakeError `version_unknown`, `columns_invalid`
 */
export async function* convert(
  input: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: ConvertInputOptions,
): AsyncGenerator<Outcome, void, undefined> {
  let outcomes: Outcome[] = []
  const converter = await createConverter(options, outcome => outcomes.push(outcome))
  const chunks = typeof input === 'string' ? [new TextEncoder().encode(input)] : input instanceof Uint8Array ? [input] : input
  let fault: Fault | undefined
  for await (const item of parquetAsLines(inOrder(chunks), MAX_OBJECT_BYTES, options.parquet)) {
    if (item instanceof Uint8Array) converter.push(item)
    else fault = item
    yield* outcomes
    outcomes = []
  }
  if (fault === undefined) converter.end()
  else converter.fail(fault)
  yield* outcomes
}

async function* inOrder(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Readable, void, undefined> {
  yield* chunks
}

function issueOf({ path = '', rule, expected, found }: Fault): Issue {
  return { path, rule, expected, found }
}

/** The id that the log gave an event. */
function uidOf({ metadata }: MappedEvent): string | undefined {
  const uid = (metadata as { readonly uid?: unknown } | undefined)?.uid
  return typeof uid === 'string' ? uid : undefined
}

/** The same id and the same bytes: at-least-once delivery. Twins and addenda share an id but not their bytes. */
function isDuplicate(seen: Map<string, number>, uid: string, raw: Uint8Array): boolean {
  const hash = hash53(raw)
  if (seen.get(uid) === hash) return true
  remember(seen, uid, hash)
  return false
}

/** The first record of an id stays the one to compare with. */
function remember(seen: Map<string, number>, uid: string, hash: number): void {
  if (seen.has(uid)) return
  seen.set(uid, hash)
  if (seen.size > DUPLICATE_WINDOW) seen.delete(seen.keys().next().value!)
}

/** 53 bits over the bytes: four hashes side by side, each over every fourth word. Only records with the same AWS-assigned id are compared. */
function hash53(bytes: Uint8Array): number {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  let a = 0xdeadbeef ^ length
  let b = 0x41c6ce57 ^ length
  let c = 0x2545f491 ^ length
  let d = 0x6c078965 ^ length
  let at = 0
  for (; at + 16 <= length; at += 16) {
    // turned, since a product carries nothing down to its lower bits
    a = Math.imul(((a << 13) | (a >>> 19)) ^ view.getInt32(at, true), 0x9e3779b1)
    b = Math.imul(((b << 13) | (b >>> 19)) ^ view.getInt32(at + 4, true), 0x5f356495)
    c = Math.imul(((c << 13) | (c >>> 19)) ^ view.getInt32(at + 8, true), 0x85ebca6b)
    d = Math.imul(((d << 13) | (d >>> 19)) ^ view.getInt32(at + 12, true), 0xc2b2ae35)
  }
  for (; at < length; at++) {
    const byte = bytes[at]!
    a = Math.imul(a ^ byte, 0x9e3779b1)
    b = Math.imul(b ^ byte, 0x5f356495)
  }
  a ^= Math.imul(c ^ (c >>> 15), 0x27d4eb2f)
  b ^= Math.imul(d ^ (d >>> 15), 0x165667b1)
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}
