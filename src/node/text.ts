/** Reports for people. */
import type { PutOutcome, Report } from '../lake/report.js'

export const number = (value: number): string => value.toLocaleString('en-US')

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

const MOST = 12

/** The report as aligned text; long lists are cut with a note of how many more there are. */
export function reportText(report: Report, rejectsFolder: string | undefined): string {
  const { records, files, objects } = report
  const lines: string[] = []
  const row = (name: string, value: string): number => lines.push(`  ${name.padEnd(12)} ${value}`)
  lines.push(`ocsf-lake ${report.version}, OCSF ${report.ocsf}: ${number(records.in)} records in ${(report.ms / 1000).toFixed(1)} s`)
  row('written', number(records.written))
  row('filtered', number(records.filtered))
  row('duplicates', number(records.duplicates))
  row(
    'rejected',
    number(records.rejected) +
      (records.rejected > 0 ? (rejectsFolder === undefined ? ' (not kept: give --rejects <dir>)' : ` (kept in ${rejectsFolder})`) : ''),
  )
  row('files', `${number(files.read)} read, ${number(files.skipped)} skipped, ${number(files.failed)} failed`)
  if (objects.length > 0) row('objects', `${number(objects.length)}, ${size(objects.reduce((sum, { bytes }) => sum + bytes, 0))}${putsText(objects)}`)
  if (report.resumed > 0) row('resumed', `${number(report.resumed)} finished by an earlier run`)
  const section = (title: string, entries: readonly (readonly [string, number])[]): void => {
    if (entries.length === 0) return
    lines.push(`${title}:`)
    const sorted = [...entries].sort((a, b) => b[1] - a[1])
    for (const [name, value] of sorted.slice(0, MOST)) lines.push(`  ${number(value).padStart(12)}  ${name}`)
    if (sorted.length > MOST) lines.push(`  ${`(${sorted.length - MOST} more, see --json)`.padStart(12)}`)
  }
  const flat = (groups: Readonly<Record<string, Readonly<Record<string, number>>>>): [string, number][] =>
    Object.entries(groups).flatMap(([group, counts]) => Object.entries(counts).map(([name, value]): [string, number] => [`${group} ${name}`, value]))
  section('files by source and what told it', flat(report.recognised))
  section('events by source and class', Object.entries(report.classes))
  section('filtered by reason', flat(report.filtered))
  section('rejected by rule', flat(report.rejected))
  section('warnings', Object.entries(report.warnings))
  section(`moved to unmapped or to 99, since OCSF ${report.ocsf} cannot say it`, Object.entries(report.lowered))
  return `${lines.join('\n')}\n`
}

/** What became of the objects, where not all of them are new. */
function putsText(objects: Report['objects']): string {
  const of = (put: PutOutcome): string => `${number(objects.filter(one => one.put === put).length)} ${put}`
  return objects.every(({ put }) => put === 'written') ? '' : ` (${of('written')}, ${of('replaced')}, ${of('unchanged')})`
}

export function sourcesText(rows: readonly { readonly id: string; readonly title: string; readonly classes: readonly string[] }[]): string {
  const width = Math.max(...rows.map(({ id }) => id.length)) + 2
  const titleWidth = Math.max(...rows.map(({ title }) => title.length)) + 2
  return rows.map(({ id, title, classes }) => `${id.padEnd(width)}${title.padEnd(titleWidth)}${classes.join(', ')}\n`).join('')
}
