/** `ocsf-lake compact`. */
import { OcsfLakeError } from '../../errors.js'
import { type CompactReport, compact as compactLake } from '../compact/compact.js'
import type { LeftReason, PartitionReport } from '../compact/partition.js'
import { progressBar } from '../progress-bar.js'
import { readSecurityLake } from '../security-lake-file.js'
import { number, size } from '../text.js'
import { parseBytes } from './bytes.js'
import type { CliCommand } from './command.js'

interface CompactFlags {
  readonly olderThan?: number
  readonly targetSize?: number
  readonly securityLake?: string
  readonly kmsKey?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export const compact: CliCommand<CompactFlags> = {
  name: 'compact',
  text: 'merge the small objects of past days into few sorted ones, in a lake of your own',
  argument: { flags: '<lake>', text: 'folder or s3://<bucket>/<prefix> of the lake: what --out said when it was written' },
  options: [
    { flags: '--older-than <days>', text: 'days since the end of the UTC day at least: longer than anything is tried again', default: 15, parse: Number },
    { flags: '--target-size <bytes>', text: 'stored size after which an object is ended (default: 256MB)', parse: parseBytes },
    { flags: '--security-lake <file>', text: 'refuse a lake that holds custom sources which this file describes (see register)' },
    { flags: '--kms-key <arn>', text: 'KMS key for objects in S3 (default: what the bucket says)' },
    { flags: '--dry-run', text: 'read, and say what would be merged, but change nothing' },
    { flags: '--json', text: 'print the report as one JSON document on standard output' },
  ],
  help: `
Only objects of the same source, class, account, region, day, OCSF version, mapping version and columns are merged, and
the old ones are removed after the new ones were read back. A run that was stopped is simply run again. Run one at a
time. What was merged cannot be converted again into the same lake.

Examples:
  $ ocsf-lake compact lake --dry-run
  $ ocsf-lake compact lake
  $ ocsf-lake compact s3://my-lake/ocsf --older-than 30 --target-size 512MB --json

Exit codes: 0 done; 1 something to change in the call; 2 some objects were left as they are, and the report says why.`,

  async run([lake], { json, olderThan: olderThanDays, targetSize: targetBytes, securityLake, kmsKey, dryRun }) {
    if (lake === undefined) throw new OcsfLakeError('option_invalid', 'Say which lake: give a folder or s3://<bucket>/<prefix>.')
    const target = securityLake === undefined ? undefined : await readSecurityLake(securityLake)
    const bar = progressBar()
    let report: CompactReport
    try {
      report = await compactLake({ lake, olderThanDays, targetBytes, dryRun, securityLake: target, s3: { kmsKey }, onProgress: bar.update })
    } finally {
      bar.stop()
    }
    if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else process.stderr.write(compactText(report))
    return report.compacted.some(({ left }) => Object.keys(left).length > 0) ? 2 : 0
  },
}

const REASONS: Readonly<Record<LeftReason, string>> = {
  foreign: 'were not written by ocsf-lake',
  columns_unknown: 'have other columns than their class has in this version of ocsf-lake',
  damaged: 'cannot be read: restore them, or convert what they came from again',
  changed: 'were replaced while they were merged: run the same call again',
  not_sorted: 'are not sorted by time',
  day_other: 'have rows without a time or of another day',
  too_dense: 'have more rows in one second than fit in memory',
  written_again: 'were merged before and have been written again, so their rows are there twice: remove them',
}

function compactText({ version, partitions, objects, bytes, rows, compacted, dryRun, olderThanDays, ms }: CompactReport): string {
  const lines: string[] = []
  const row = (name: string, value: string): number => lines.push(`  ${name.padEnd(12)} ${value}`)
  lines.push(`ocsf-lake ${version}, compact: ${number(partitions.total)} partitions in ${(ms / 1000).toFixed(1)} s${dryRun ? '; nothing was changed' : ''}`)
  for (const state of ['compacted', 'finished', 'planned', 'left'] as const) {
    const count = compacted.filter(one => one.state === state).length
    if (count > 0) row(state, `${number(count)} partitions`)
  }
  row('too young', `${number(partitions.young)} partitions of less than ${olderThanDays} days`)
  row('objects', `${number(objects.before)} before, ${number(objects.after)} after`)
  row('bytes', `${size(bytes.before)} before, ${size(bytes.after)} after`)
  row('rows', `${number(rows.in)} in, ${number(rows.out)} out, ${number(rows.repeats)} repeats dropped, ${number(rows.twins)} kept with the uid of another`)
  for (const one of compacted.slice(0, MOST)) lines.push(...partitionLines(one))
  if (compacted.length > MOST) lines.push(`(${number(compacted.length - MOST)} more partitions, see --json)`)
  return `${lines.join('\n')}\n`
}

const MOST = 12

function partitionLines({ partition, state, merges, left }: PartitionReport): string[] {
  const lines = [`${partition} ${state}`]
  for (const { source, class: name, ocsf, mapping, from, into } of merges)
    lines.push(`  ${number(from)} objects into ${number(into)}: ${source}, ${name}, OCSF ${ocsf}, mapping ${mapping}`)
  for (const [reason, names] of Object.entries(left)) lines.push(`  ${number(names.length)} left, which ${REASONS[reason as LeftReason]}: ${names[0]}`) // its keys are reasons
  return lines
}
