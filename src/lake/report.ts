/** The conservation report: what came in, and where each record ended. */

import type { Outcome } from '../convert.js'
import type { Certainty } from '../recognise.js'
import { VERSION } from '../version.js'

export type Counts = Record<string, number>

/** What came in, and how many ended where. */
export type RecordCounts = Record<'in' | 'written' | 'filtered' | 'duplicates' | 'rejected', number>

/** What a put did: nothing was there, something else was, or the same bytes were and stayed. */
export type PutOutcome = 'written' | 'replaced' | 'unchanged'

export interface ReportedObject {
  readonly key: string
  /** `<source>/<class_uid>` of an object of one class. */
  readonly class?: string
  readonly rows: number
  readonly bytes: number
  readonly put: PutOutcome
}

/** One document per run; the `--json` output. */
export interface Report {
  /** Version of ocsf-lake. */
  readonly version: string
  readonly ocsf: string
  readonly records: RecordCounts
  /** The same by source; `unknown` stands for objects that no source recognises. */
  readonly sources: Record<string, RecordCounts>
  /** By source, then reason. */
  readonly filtered: Record<string, Counts>
  /** By source, then rule. */
  readonly rejected: Record<string, Counts>
  /** By rule. */
  readonly warnings: Counts
  /** Events in which a path was lowered to the version, by path. */
  readonly lowered: Counts
  /** Written events by `<source>/<class_uid>`. */
  readonly classes: Counts
  readonly files: { read: number; skipped: number; failed: number }
  /** Files by source, then by what told it: `option`, `key` or `content`. */
  readonly recognised: Record<string, Counts>
  readonly objects: ReportedObject[]
  /** Units whose report was kept by an earlier run, and which were not converted again; it is part of this one. */
  resumed: number
  ms: number
}

function noRecords(): RecordCounts {
  return { in: 0, written: 0, filtered: 0, duplicates: 0, rejected: 0 }
}

export function emptyReport(ocsf: string): Report {
  return {
    version: VERSION,
    ocsf,
    records: noRecords(),
    sources: {},
    filtered: {},
    rejected: {},
    warnings: {},
    lowered: {},
    classes: {},
    files: { read: 0, skipped: 0, failed: 0 },
    recognised: {},
    objects: [],
    resumed: 0,
    ms: 0,
  }
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

function countUnder(groups: Record<string, Counts>, group: string, name: string): void {
  const counts = groups[group] ?? {}
  groups[group] = counts
  count(counts, name)
}

function countsOf(report: Report, source: string): RecordCounts {
  let counts = report.sources[source]
  if (counts === undefined) {
    counts = noRecords()
    report.sources[source] = counts
  }
  return counts
}

/** Counts a file whose source is known, by what told it. */
export function countRecognised(report: Report, source: string, by: Certainty): void {
  countUnder(report.recognised, source, by)
}

/** Counts records that were read. */
export function countIn(report: Report, source: string, records: number): void {
  report.records.in += records
  countsOf(report, source).in += records
}

const COUNTED = { event: 'written', filtered: 'filtered', duplicate: 'duplicates', rejected: 'rejected' } as const satisfies Record<
  Outcome['kind'],
  keyof RecordCounts
>

/** Counts where a record ended; that it came in is counted apart, where it was read. */
export function countOutcome(report: Report, source: string, outcome: Outcome): void {
  const ended = COUNTED[outcome.kind]
  report.records[ended]++
  countsOf(report, source)[ended]++
  if (outcome.kind === 'event') {
    count(report.classes, `${source}/${outcome.event.class_uid}`)
    for (const { rule } of outcome.warnings) count(report.warnings, rule)
    for (const path of outcome.lowered) count(report.lowered, path)
  } else if (outcome.kind === 'filtered') {
    countUnder(report.filtered, source, outcome.reason)
  } else if (outcome.kind === 'rejected') {
    countUnder(report.rejected, source, outcome.issues[0]!.rule)
  }
}

function addCounts(into: Counts, from: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}

function addGroups(into: Record<string, Counts>, from: Readonly<Record<string, Counts>>): void {
  for (const [group, counts] of Object.entries(from)) {
    const target = into[group] ?? {}
    into[group] = target
    addCounts(target, counts)
  }
}

/** Adds the report of some of the inputs to that of the run, objects behind objects; `ms` stays as it is. */
export function mergeReport(into: Report, from: Report): void {
  addCounts(into.records, from.records)
  for (const [source, counts] of Object.entries(from.sources)) addCounts(countsOf(into, source), counts)
  addGroups(into.filtered, from.filtered)
  addGroups(into.rejected, from.rejected)
  addCounts(into.warnings, from.warnings)
  addCounts(into.lowered, from.lowered)
  addCounts(into.classes, from.classes)
  addCounts(into.files, from.files)
  addGroups(into.recognised, from.recognised)
  for (const object of from.objects) into.objects.push(object)
  into.resumed += from.resumed
}

/** Counts mapped events of a class that became rows as they were: written, without a warning, nothing lowered. */
export function countRows(report: Report, source: string, classUid: number, rows: number): void {
  const name = `${source}/${classUid}`
  report.records.written += rows
  countsOf(report, source).written += rows
  report.classes[name] = (report.classes[name] ?? 0) + rows
}

/** `in = written + filtered + duplicates + rejected`, of all records and of those of each source. */
export function addsUp({ records, sources }: Report): boolean {
  return [records, ...Object.values(sources)].every(counts => counts.in === counts.written + counts.filtered + counts.duplicates + counts.rejected)
}
