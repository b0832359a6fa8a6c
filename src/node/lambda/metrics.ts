/**
 * What an invocation tells CloudWatch: metrics in the embedded metric format, and log lines. Both are one JSON object a
 * line; neither carries a raw record.
 */
import type { RecordCounts, Report } from '../../lake/report.js'

/** Writes one line to the log of the function. */
export type Log = (line: string) => void

type Unit = 'Count' | 'Bytes' | 'Milliseconds'

/** Of each source, by the dimension `source`. */
export const SOURCE_METRICS = {
  in: 'Count',
  written: 'Count',
  filtered: 'Count',
  duplicates: 'Count',
  rejected: 'Count',
  bytes: 'Bytes',
  duration: 'Milliseconds',
} as const
/** Of each class, by the dimensions `source` and `class`. */
export const CLASS_METRICS = { written: 'Count', bytes: 'Bytes' } as const
/** Of the whole function, without a dimension, so that an alarm needs no list of sources. */
export const FUNCTION_METRICS = { items: 'Count', failed: 'Count', skipped: 'Count', rejected: 'Count', duration: 'Milliseconds' } as const

/**
 * One document of the embedded metric format.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function document<Name extends string>(
  { namespace, timestamp }: Clock,
  dimensions: Readonly<Record<string, string>>,
  units: Readonly<Record<Name, Unit>>,
  values: Readonly<Record<Name, number>>,
): string {
  const metrics = Object.entries(units).map(([name, unit]) => ({ Name: name, Unit: unit }))
  const directive = { Namespace: namespace, Dimensions: [Object.keys(dimensions)], Metrics: metrics }
  return JSON.stringify({ _aws: { Timestamp: timestamp, CloudWatchMetrics: [directive] }, ...dimensions, ...values })
}

interface Clock {
  readonly namespace: string
  /** Epoch milliseconds. */
  readonly timestamp: number
}

export interface Invocation {
  readonly report: Report
  /** Messages, stream records, notifications. */
  readonly items: number
  /** Items that were handed back. */
  readonly failed: number
  /** Work that is none, or not ours: test events, own output. */
  readonly skipped: number
  /** Milliseconds. */
  readonly duration: number
}

/** The metrics of one invocation: a line for the function, one for each source, one for each source and class. */
export function metricLines({ report, items, failed, skipped, duration }: Invocation, clock: Clock): readonly string[] {
  const bytesOf = (belongs: (name: string) => boolean): number =>
    report.objects.reduce((sum, object) => sum + (object.class !== undefined && belongs(object.class) ? object.bytes : 0), 0)
  const bySource = Object.entries(report.sources).map(([source, counts]: [string, RecordCounts]) =>
    document(clock, { source }, SOURCE_METRICS, { ...counts, bytes: bytesOf(name => name.startsWith(`${source}/`)), duration }),
  )
  const byClass = Object.entries(report.classes).map(([name, written]) => {
    const slash = name.lastIndexOf('/')
    return document(clock, { source: name.slice(0, slash), class: name.slice(slash + 1) }, CLASS_METRICS, { written, bytes: bytesOf(one => one === name) })
  })
  const whole = { items, failed, skipped, rejected: report.records.rejected, duration }
  return [document(clock, {}, FUNCTION_METRICS, whole), ...bySource, ...byClass]
}

/** A log line: a level, what happened, and named values. */
export function logLine(level: 'info' | 'warn' | 'error', message: string, values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ level, message, ...values })
}
