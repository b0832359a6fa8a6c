/** What each service expects to hear, and what must be said by an error instead. */
import { OcsfLakeError } from '../../errors.js'
import type { RecordCounts, Report } from '../../lake/report.js'
import type { Item, Service } from './triggers.js'

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
