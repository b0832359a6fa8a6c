/** One invocation: what came, what became of it, and what is told about it. */
import { OcsfLakeError } from '../../errors.js'
import { addsUp, type Report } from '../../lake/report.js'
import type { Failure } from './answers.js'
import { type Log, logLine, metricLines } from './metrics.js'
import type { Item, Trigger } from './triggers.js'
import type { Watch } from './watch.js'

export interface Run {
  readonly trigger: Trigger
  readonly watch: Watch
  readonly report: Report
  readonly failures: Failure[]
  readonly skipped: Record<string, number>
  readonly log: Log
  /** Places that the function writes itself. */
  readonly own: readonly string[]
  readonly requestId: string | undefined
}

export function skip({ skipped }: Run, reason: string): void {
  skipped[reason] = (skipped[reason] ?? 0) + 1
}

export function fail(run: Run, item: Item, about: string, cause: unknown): void {
  run.failures.push({ item, about, cause })
  run.log(logLine('error', 'left undone', { requestId: run.requestId, service: run.trigger.service, item: item.id, about, reason: reasonOf(cause) }))
}

/** A sentence of ours, or the name of what was thrown: its text could quote a record. */
export function reasonOf(cause: unknown): { readonly code: string; readonly sentence?: string } {
  if (cause instanceof OcsfLakeError) return { code: cause.code, sentence: cause.message }
  return { code: cause instanceof Error ? cause.name : typeof cause }
}

/** @throws Error when the records do not add up, which is a fault of this package */
export function finish(run: Run, started: number, namespace: string): void {
  const { trigger, report, failures, skipped, log, requestId } = run
  const duration = Math.round(performance.now() - started)
  report.ms = duration
  const { records, rejected, filtered, files } = report
  if (!addsUp(report)) throw new Error(`records do not add up: ${JSON.stringify(records)}`)
  if (files.skipped > 0) skipped.no_events = files.skipped
  const failed = new Set(failures.map(({ item }) => item)).size
  const bytes = report.objects.reduce((sum, object) => sum + object.bytes, 0)
  const values = {
    requestId,
    service: trigger.service,
    items: trigger.items.length,
    failed,
    records,
    filtered,
    rejected,
    skipped,
    files,
    objects: report.objects.length,
    bytes,
    ms: duration,
  }
  log(logLine(failed > 0 ? 'error' : records.rejected > 0 ? 'warn' : 'info', 'invocation', values))
  const none = Object.values(skipped).reduce((sum, count) => sum + count, 0)
  for (const line of metricLines({ report, items: trigger.items.length, failed, skipped: none, duration }, { namespace, timestamp: Date.now() })) log(line)
}
