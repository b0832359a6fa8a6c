/**
 * The whole story: bytes are decoded into records, a record is mapped to an event, the event is lowered to the
 * version, completed and validated. Every record ends in exactly one outcome.
 */
import type { OcsfEvent, Outcome, RawPolicy } from './convert/outcome.js'
import { loadPipeline } from './convert/pipeline.js'
import type { EmitOutcome, Take } from './convert/record.js'
import { createConversion, memberTaker, offer, prefaceNow, takeDecoded, takeRow } from './convert/record.js'
import { holdRows, type RowSink } from './convert/waiting-rows.js'
import type { Decoded, Fault } from './decode/decoder.js'
import { MAX_OBJECT_BYTES, type ParquetReader, parquetAsLines, type Readable } from './decode/parquet-input.js'
import type { RowTaker } from './decode/table.js'
import type { OcsfVersion } from './ocsf/facts.js'
import type { AnySource, Context } from './sources/source.js'

export { DUPLICATE_WINDOW } from './convert/duplicates.js'
export type { EventOutcome, OcsfEvent, Outcome, RawPolicy, RejectedOutcome, Stage } from './convert/outcome.js'
export { loadPipeline, type Pipeline } from './convert/pipeline.js'
export type { EmitOutcome, Take } from './convert/record.js'
export type { RowSink, TakeRows } from './convert/waiting-rows.js'

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

/** Loaded for those who ask for it: it is a tenth of the time that importing the door takes. */
const loadHash = async () => (await import('./sha256.js')).sha256Hex

/** Creates a converter that calls `emit` once for each record, in order, but for those that `take` or `rows` took. */
export async function createConverter(options: ConvertOptions, emit: EmitOutcome, take?: Take, rows?: RowSink): Promise<Converter> {
  const { source, ocsf, observables, raw: rawPolicy = 'drop', filter } = options
  const pipeline = await loadPipeline(source, ocsf, observables)
  const { account, region, key, logGroup, fileTime, fields, logFormat } = options.context ?? {}
  // none left out, and no spread: see createConversion
  const context = { version: pipeline.version, account, region, key, logGroup, fileTime, fields, logFormat } satisfies Record<keyof Context, unknown>
  const hash = rawPolicy === 'hash' ? await loadHash() : undefined
  const decoder = source.decoder(context)
  const conversion = createConversion({ source, pipeline, context, decoder }, { rawPolicy, hash, filter, emit, take }, rows)
  const { rows: waiting } = conversion
  const hold = (): void => waiting && holdRows(waiting)
  const takeOne: RowTaker['take'] = (row, bytes, start, end, line) => takeRow(conversion, row, bytes, start, end, line)
  if (waiting !== undefined) decoder.offerRows?.({ take: takeOne, hold })
  decoder.offerMembers?.(memberTaker(conversion))
  if (take !== undefined && filter === undefined) decoder.readLate?.()
  const onDecoded = (item: Decoded<unknown>): void => takeDecoded(conversion, item)

  return {
    get in() {
      return conversion.read
    },
    get preface() {
      return prefaceNow(conversion)
    },
    push(bytes) {
      decoder.push(bytes, onDecoded)
    },
    end() {
      decoder.end(onDecoded)
      offer(conversion)
    },
    fail(fault) {
      // The last thing a cut-off object gives cannot be trusted, whole as it may look: it is what the fault keeps.
      let last: Decoded<unknown> | undefined
      decoder.offerRows?.({ take: () => false, hold })
      decoder.offerMembers?.(undefined)
      decoder.end(item => {
        if (last !== undefined) onDecoded(last)
        last = { ...item, raw: item.raw.slice() }
      })
      onDecoded({ fault, place: last?.place ?? {}, raw: last?.raw ?? new Uint8Array(0) })
      offer(conversion)
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
