/** Registrations for people. */
import type { RegistrationPlan } from '../lake/registration.js'
import type { CustomSource, SourceOutcome } from './aws/custom-source.js'

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Rows as columns of equal width; no column is cut. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]!.length))) ?? []
  return rows.map(row => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd().concat('\n')).join('')
}

export function planText({ region, account, ocsf, sources, policies }: RegistrationPlan): string {
  const section = (title: string, body: unknown): string => `\n${title}\n${json(body)}\n`
  return [
    `Plan, nothing was sent to AWS: ${sources.length} custom source${sources.length === 1 ? '' : 's'} in ${region} of account ${account}, OCSF ${ocsf}.\n`,
    'Each gets a prefix in the bucket of the lake, a provider role, a Glue table and a crawler.\n\n',
    table([
      ['custom source', 'source', 'class', 'event class'],
      ...sources.map(({ source, classUid, className, request }) => [request.sourceName, source, `${classUid} ${className}`, request.eventClasses.join(' ')]),
    ]),
    '\nCalls\n  1. securitylake:ListLogSources: what is there already stays as it is, and an account has 50 custom sources at most\n',
    ...sources.map(({ request }, n) => `  ${n + 2}. securitylake:CreateCustomLogSource ${JSON.stringify(request)}\n`),
    section('Trust of the crawler role, which also needs the managed policy service-role/AWSGlueServiceRole', policies.crawlerTrust),
    section('Inline policy of the crawler role', policies.crawler),
    section('Policy of whoever runs this with --yes', policies.registrar),
    section('Policy of the writer (converter or Lambda)', policies.writer),
    section('Trust that Security Lake gives each provider role', policies.providerTrust),
    '\nTo do it, add --yes.\n',
  ].join('')
}

export function customSourcesText(sources: readonly CustomSource[]): string {
  if (sources.length === 0) return 'There are no custom sources.\n'
  const rows = [...sources].sort((a, b) => (`${a.account} ${a.region} ${a.name}` < `${b.account} ${b.region} ${b.name}` ? -1 : 1))
  return table([
    ['custom source', 'version', 'region', 'account', 'location'],
    ...rows.map(({ name, version, region, account, location }) => [name, version ?? '-', region, account, location ?? '-']),
  ])
}

/** `file`: where the target was written. */
export function outcomesText(outcomes: readonly SourceOutcome[], file: string | undefined): string {
  const rows = outcomes.map(({ name, status, registered }) => [name, status.replace('_', ' '), registered?.location ?? '-'])
  const problems = outcomes.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${problem}\n`]))
  return [
    table(rows),
    ...problems,
    ...(outcomes.some(({ status }) => status === 'not_tried') ? ['Run the same command again for the rest, when that is mended.\n'] : []),
    ...(outcomes.some(({ status }) => status === 'deleted')
      ? [
          'Objects, Glue tables, crawlers and roles stay: delete the crawler before the same name is registered again, and take it out of the --security-lake file.\n',
        ]
      : []),
    ...(file === undefined ? [] : [`Written to ${file}, for ocsf-lake convert --security-lake ${file}.\n`]),
  ].join('')
}
