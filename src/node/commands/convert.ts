import { OcsfLakeError } from '../../errors.js'
import type { Report } from '../../lake/report.js'
import { DEFAULT_VERSION, VERSIONS } from '../../ocsf/facts.js'
import { SOURCES } from '../../sources/index.js'
import { convertFiles } from '../convert-files.js'
import type { ConvertFilesOptions } from '../options.js'
import { progressBar } from '../progress-bar.js'
import { readSecurityLake } from '../security-lake-file.js'
import { placeBelow } from '../store.js'
import { reportText } from '../text.js'
import { parseBytes } from './bytes.js'
import type { CliCommand } from './command.js'

interface ConvertFlags {
  readonly out?: string
  readonly source: string
  readonly ocsf: ConvertFilesOptions['ocsf']
  readonly region?: string
  readonly account?: string
  readonly fields?: string
  readonly logFormat?: string
  readonly format: 'parquet' | 'ndjson'
  readonly compression: ConvertFilesOptions['compression']
  readonly compressionLevel?: number
  readonly raw: ConvertFilesOptions['raw']
  readonly observables: boolean
  readonly group?: number
  readonly jobs?: number
  readonly json?: boolean
  readonly strict?: boolean
  readonly rejects?: string
  readonly state?: string
  readonly securityLake?: string
  readonly kmsKey?: string
}

export const convert: CliCommand<ConvertFlags> = {
  name: 'convert',
  text: 'convert log files into a lake of Parquet objects, or into NDJSON',
  argument: {
    flags: '<inputs...>',
    text: 'files, folders (walked), globs, s3://<bucket>/<prefix>, or - for standard input; gzip is recognised by its content',
  },
  options: [
    { flags: '-o, --out <dir>', text: 'folder or s3://<bucket>/<prefix> to write below' },
    { flags: '-s, --source <id>', text: 'what the inputs are; auto recognises each by its key, then its content', default: 'auto' },
    { flags: '--ocsf <version>', text: 'OCSF version to write; Security Lake takes 1.1.0 and 1.3.0', choices: VERSIONS, default: DEFAULT_VERSION },
    { flags: '--region <region>', text: 'region where neither the log nor its key says one' },
    { flags: '--account <id>', text: 'account where neither the log nor its key says one' },
    { flags: '--fields <names>', text: 'field names of header-less flow logs, in order, e.g. "version srcaddr dstaddr"' },
    {
      flags: '--log-format <format>',
      text: 'format string of web access logs: the log_format of nginx or the LogFormat of Apache, or the access log format of an API Gateway stage',
    },
    {
      flags: '--format <format>',
      text: 'parquet needs --out; ndjson goes to standard output without it',
      choices: ['parquet', 'ndjson'],
      default: 'parquet',
    },
    { flags: '--compression <codec>', text: 'of the Parquet pages', choices: ['zstd', 'gzip', 'snappy', 'uncompressed'], default: 'zstd' },
    { flags: '--compression-level <n>', text: 'zstd 1 to 19 (default 1), gzip 1 to 9 (default 6)', parse: Number },
    {
      flags: '--raw <policy>',
      text: 'the raw record: left out, kept with its secrets redacted, or its SHA-256',
      choices: ['drop', 'keep', 'hash'],
      default: 'drop',
    },
    { flags: '--no-observables', text: 'leave the observables column empty' },
    { flags: '--group <bytes>', text: 'put inputs together up to this size (e.g. 64MB): fewer, larger objects', parse: parseBytes },
    { flags: '--jobs <n>', text: 'worker threads that convert files side by side, at most one per core (default: 1)', parse: Number },
    { flags: '--json', text: 'print the report as one JSON document on standard output' },
    { flags: '--strict', text: 'exit with 2 when any record was rejected' },
    { flags: '--rejects <dir>', text: 'folder or s3:// prefix for rejected records, unredacted (default: <out>/rejects)' },
    { flags: '--state <dir>', text: 'folder or s3:// prefix that remembers finished inputs: the same call again goes on where it was cut off' },
    { flags: '--security-lake <file>', text: 'write to the custom sources that this file describes (see register) instead of --out' },
    { flags: '--kms-key <arn>', text: 'KMS key for objects in S3 (default: what the bucket says)' },
  ],
  help: `
Examples:
  $ ocsf-lake convert logs/ --out lake
  $ ocsf-lake convert 'logs/**/*.json.gz' --source cloudtrail --ocsf 1.3.0 --out lake --json
  $ zcat flow.log.gz | ocsf-lake convert - --source vpc-flow --format ndjson | head
  $ ocsf-lake convert s3://logs/AWSLogs/ --out s3://lake/ocsf --state s3://lake/state --jobs 2
  $ ocsf-lake convert s3://logs/AWSLogs/ --source vpc-flow --security-lake lake.json --rejects rejects
  $ ocsf-lake convert cwl.txt --source vpc-flow --fields "srcaddr dstaddr start end action" --out lake

Exit codes: 0 done; 1 something to change in the call; 2 rejects under --strict, or nothing usable was read.`,

  async run(inputs, flags) {
    const { source: id, json, strict, fields, securityLake, kmsKey, ...rest } = flags
    const source = id === 'auto' ? undefined : SOURCES.find(one => one.id === id)
    if (id !== 'auto' && source === undefined) {
      throw new OcsfLakeError('source_unknown', `There is no source ${id}: use auto or one of ${SOURCES.map(one => one.id).join(', ')}.`)
    }
    if (json && flags.format === 'ndjson' && flags.out === undefined) {
      throw new OcsfLakeError('option_invalid', '--json and the events would both go to standard output: give --out <dir> for the events.')
    }
    const lake = securityLake === undefined ? undefined : await readSecurityLake(securityLake)
    const bar = progressBar()
    let report: Report
    try {
      report = await convertFiles({
        ...rest,
        inputs,
        source,
        lake,
        s3: { kmsKey },
        fields: fields?.split(/[\s,]+/).filter(name => name !== ''),
        onProgress: bar.update,
      })
    } finally {
      bar.stop()
    }
    if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else process.stderr.write(reportText(report, flags.rejects ?? (flags.out === undefined ? undefined : placeBelow(flags.out, 'rejects'))))
    const { in: read, written, filtered, rejected } = report.records
    if (strict && rejected > 0) return 2
    return read > 0 && written + filtered === 0 ? 2 : 0
  },
}
