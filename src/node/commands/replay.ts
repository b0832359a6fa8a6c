/** `ocsf-lake replay`. */
import { OcsfLakeError } from '../../errors.js'
import { DEFAULT_VERSION, type OcsfVersion, VERSIONS } from '../../ocsf/facts.js'
import { type ReplayReport, replay as replayRejects } from '../replay.js'
import { readSecurityLake } from '../security-lake-file.js'
import { reportText } from '../text.js'
import type { CliCommand } from './command.js'

interface ReplayFlags {
  readonly out?: string
  readonly ocsf: OcsfVersion
  readonly region?: string
  readonly account?: string
  readonly fields?: string
  readonly logFormat?: string
  readonly securityLake?: string
  readonly kmsKey?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export const replay: CliCommand<ReplayFlags> = {
  name: 'replay',
  text: 'convert rejected records again, after a fix: rejects of convert, or dead letters of a Lambda function',
  argument: { flags: '<rejects>', text: 'folder or s3://<bucket>/<prefix> of rejects, or one of its files' },
  options: [
    { flags: '-o, --out <dir>', text: 'folder or s3://<bucket>/<prefix> of the lake to write to' },
    { flags: '--ocsf <version>', text: 'OCSF version to write, as the lake has it', choices: VERSIONS, default: DEFAULT_VERSION },
    { flags: '--region <region>', text: 'region where neither the log, its key nor its envelope says one' },
    { flags: '--account <id>', text: 'account where neither the log, its key nor its envelope says one' },
    { flags: '--fields <names>', text: 'field names of header-less flow logs, in order' },
    { flags: '--log-format <format>', text: 'format string of web access logs, or the access log format of an API Gateway stage' },
    { flags: '--security-lake <file>', text: 'write to the custom sources that this file describes (see register) instead of --out' },
    { flags: '--kms-key <arn>', text: 'KMS key for objects in S3 (default: what the bucket says)' },
    { flags: '--dry-run', text: 'convert, but write nothing and leave the rejects as they are' },
    { flags: '--json', text: 'print the report as one JSON document on standard output' },
  ],
  help: `
A record that now succeeds leaves the rejects once it is in the lake; what still fails stays there, with what is wrong
with it now. A run that was stopped is simply run again. Replay, or convert the whole input again, but not both: its
records would be in the lake twice.

Examples:
  $ ocsf-lake replay lake/rejects --out lake --dry-run
  $ ocsf-lake replay lake/rejects --out lake
  $ ocsf-lake replay s3://my-bucket/dead-letters --out s3://my-lake --json
  $ ocsf-lake replay s3://my-bucket/dead-letters --security-lake lake.json

Exit codes: 0 nothing is left; 1 something to change in the call; 2 some rejects are left.`,

  async run([from], { json, fields, securityLake, kmsKey, ...flags }) {
    if (from === undefined) throw new OcsfLakeError('option_invalid', 'Say which rejects: give a folder or s3://<bucket>/<prefix>.')
    const lake = securityLake === undefined ? undefined : await readSecurityLake(securityLake)
    const report = await replayRejects({ ...flags, from, lake, s3: { kmsKey }, fields: fields?.split(/[\s,]+/).filter(name => name !== '') })
    if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else process.stderr.write(`${reportText(report, from)}${rejectsText(report, flags.dryRun === true)}`)
    return report.rejects.kept > 0 ? 2 : 0
  },
}

function rejectsText({ rejects }: ReplayReport, dryRun: boolean): string {
  const { files, records, settled, kept, untried } = rejects
  const some = Object.entries(untried).map(([reason, count]) => `${count} ${reason}`)
  const notTried = some.length === 0 ? '' : `, of which not tried: ${some.join(', ')} (convert their objects again)`
  return `rejects: ${records} in ${files} files, ${settled} settled, ${kept} left${notTried}${dryRun ? '; nothing was written' : ''}\n`
}
