/** What each service expects to hear, and what must be said by an error instead. */
import { OcsfLakeError } from '../../errors.js'
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { RecordCounts, Report } from '../../lake/report.js'
import type { Batch, Item, Service } from './triggers.js'

/** `ReportBatchItemFailures` of queues and streams. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** Of a state machine's task and a direct call; other callers do not read it. */
export interface Summary {
  readonly records: RecordCounts
  /** Number of objects written. */
  readonly objects: number
  readonly bytes: number
  /** Work that was none, by reason, and objects without events in them. */
  readonly skipped: Readonly<Record<string, number>>
}

/** What was done of a batch, and the event that does the rest of it. */
export interface Remainder extends Summary {
  readonly Items: readonly Json[]
  readonly BatchInput: JsonObject
}

export interface Failure {
  readonly item: Item
  /** What it was about: an object, or a message. */
  readonly about: string
  readonly cause: unknown
}

/** Items in the order of the event. */
export function batchAnswer(service: Service, items: readonly Item[], failures: readonly Failure[]): BatchAnswer {
  const failed = items.filter(item => failures.some(failure => failure.item === item))
  // A stream goes on behind its checkpoint: the first failure is where it must begin again.
  const named = service === 'kinesis' ? failed.slice(0, 1) : failed
  return { batchItemFailures: named.map(({ id }) => ({ itemIdentifier: id })) }
}

export function summaryOf(report: Report, skipped: Readonly<Record<string, number>>): Summary {
  const bytes = report.objects.reduce((sum, object) => sum + object.bytes, 0)
  return { records: report.records, objects: report.objects.length, bytes, skipped }
}

/**
 * Of a batch that was called for in rounds: what was done in all of them, and what is left for the next. Every round has
 * less to do, since one in which nothing could be done is an error.
 *
 * @throws OcsfLakeError `time_short` or `work_undone` when no item was done
 */
export function batchSummary({ items: came, input }: Batch, items: readonly Item[], failures: readonly Failure[], summary: Summary): Summary | Remainder {
  const left = came.filter((_, at) => failures.some(({ item }) => item === items[at]))
  if (left.length === came.length) throwUndone(failures, items)
  const { before, ...same } = input
  const all = addSummary(summary, before)
  return left.length === 0 ? all : { ...all, Items: left, BatchInput: { ...same, before: { ...all, records: { ...all.records } } } }
}

/** `before` is the summary of earlier rounds, as JSON. */
function addSummary({ records, objects, bytes, skipped }: Summary, before: Json | undefined): Summary {
  const of = (value: Json | undefined, name: string): Json | undefined => (isJsonObject(value) ? value[name] : undefined)
  const count = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)
  const add = <Name extends string>(now: Readonly<Record<Name, number>>, name: string): Readonly<Record<Name, number>> => {
    const sum: Record<string, number> = { ...now }
    const earlier = of(before, name)
    if (isJsonObject(earlier)) for (const [reason, value] of Object.entries(earlier)) sum[reason] = (sum[reason] ?? 0) + count(value)
    return { ...now, ...sum }
  }
  return {
    records: add({ ...records }, 'records'),
    objects: objects + count(of(before, 'objects')),
    bytes: bytes + count(of(before, 'bytes')),
    skipped: add(skipped, 'skipped'),
  }
}

/** @throws OcsfLakeError `time_short` or `work_undone`: callers without partial failure try the whole event again */
export function throwUndone(failures: readonly Failure[], items: readonly Item[]): void {
  const [first] = failures
  if (first === undefined) return
  const { about, cause } = first
  const more = failures.length === 1 ? '' : ` and ${failures.length - 1} more`
  const short = failures.every(failure => failure.cause instanceof OcsfLakeError && failure.cause.code === 'time_short')
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new OcsfLakeError(
    short ? 'time_short' : 'work_undone',
    `${failures.length} of ${items.length} left undone: ${about}${more}. ${why} What was written stays, and is replaced when the event is delivered again.`,
    { cause },
  )
}
