/** The `ocsf-lake` command. */
import { Presets, SingleBar } from 'cli-progress'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { OcsfLakeError } from '../errors.js'
import type { Report } from '../lake/report.js'
import { DEFAULT_VERSION, VERSIONS } from '../ocsf/facts.js'
import { SOURCES } from '../sources/index.js'
import { VERSION } from '../version.js'
import { convertFiles } from './convert-files.js'
import type { ConvertFilesOptions, Progress } from './options.js'
import { reportText, sourcesText } from './text.js'

interface ConvertFlags {
  readonly out?: string
  readonly source: string
  readonly ocsf: ConvertFilesOptions['ocsf']
  readonly region?: string
  readonly account?: string
  readonly fields?: string
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
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

function parseBytes(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text)
  if (found === null) throw new InvalidArgumentError('Give a number of bytes, e.g. 64MB.')
  return Math.floor(Number(found[1]) * UNITS[found[2]!.toLowerCase()]!)
}

/** A bar on a terminal, nothing where stderr is piped. */
function progressBar(): { readonly update: (progress: Progress) => void; readonly stop: () => void } {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const bar = new SingleBar(
    { stream: process.stderr, format: '{bar} {percentage}% | {filesDone}/{files} files | {records} records', clearOnComplete: true, hideCursor: true },
    Presets.shades_classic,
  )
  let started = false
  return {
    update({ bytes, bytesDone, files, filesDone, records }) {
      if (!started) bar.start(bytes, 0, { files, filesDone, records })
      started = true
      bar.update(bytesDone, { files, filesDone, records })
    },
    stop() {
      if (started) bar.stop()
    },
  }
}

async function runConvert(inputs: readonly string[], flags: ConvertFlags): Promise<number> {
  const { source: id, json, strict, fields, ...rest } = flags
  const source = id === 'auto' ? undefined : SOURCES.find(one => one.id === id)
  if (id !== 'auto' && source === undefined) {
    throw new OcsfLakeError('source_unknown', `There is no source ${id}: use auto or one of ${SOURCES.map(one => one.id).join(', ')}.`)
  }
  if (json && flags.format === 'ndjson' && flags.out === undefined) {
    throw new OcsfLakeError('option_invalid', '--json and the events would both go to standard output: give --out <dir> for the events.')
  }
  const bar = progressBar()
  let report: Report
  try {
    report = await convertFiles({ ...rest, inputs, source, fields: fields?.split(/[\s,]+/).filter(name => name !== ''), onProgress: bar.update })
  } finally {
    bar.stop()
  }
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else process.stderr.write(reportText(report, flags.rejects ?? (flags.out === undefined ? undefined : `${flags.out}/rejects`)))
  const { in: read, written, filtered, rejected } = report.records
  if (strict && rejected > 0) return 2
  return read > 0 && written + filtered === 0 ? 2 : 0
}

/**
 * Runs the command and gives its exit code: 0 done, 1 operator fault, 2 rejects under `--strict` or nothing usable
 * in what was read.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = new Command('ocsf-lake')
    .description('AWS logs in, validated OCSF events and Security Lake Parquet out.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('Run ocsf-lake --help for the commands and their options.')
  program
    .command('convert')
    .description('convert log files into a lake of Parquet objects, or into NDJSON')
    .argument('<inputs...>', 'files, folders (walked), globs, or - for standard input; gzip is recognised by its content')
    .option('-o, --out <dir>', 'folder to write below')
    .option('-s, --source <id>', 'what the inputs are; auto recognises each by its key, then its content', 'auto')
    .addOption(new Option('--ocsf <version>', 'OCSF version to write; Security Lake takes 1.1.0 and 1.3.0').choices(VERSIONS).default(DEFAULT_VERSION))
    .option('--region <region>', 'region where neither the log nor its key says one')
    .option('--account <id>', 'account where neither the log nor its key says one')
    .option('--fields <names>', 'field names of header-less flow logs, in order, e.g. "version srcaddr dstaddr"')
    .addOption(
      new Option('--format <format>', 'parquet needs --out; ndjson goes to standard output without it').choices(['parquet', 'ndjson']).default('parquet'),
    )
    .addOption(new Option('--compression <codec>', 'of the Parquet pages').choices(['zstd', 'gzip', 'snappy', 'uncompressed']).default('zstd'))
    .option('--compression-level <n>', 'zstd 1 to 19 (default 1), gzip 1 to 9 (default 6)', Number)
    .addOption(
      new Option('--raw <policy>', 'the raw record: left out, kept with its secrets redacted, or its SHA-256')
        .choices(['drop', 'keep', 'hash'])
        .default('drop'),
    )
    .option('--no-observables', 'leave the observables column empty')
    .option('--group <bytes>', 'put inputs together up to this size (e.g. 64MB): fewer, larger objects', parseBytes)
    .option('--jobs <n>', 'worker threads that convert files side by side, at most one per core (default: 1)', Number)
    .option('--json', 'print the report as one JSON document on standard output')
    .option('--strict', 'exit with 2 when any record was rejected')
    .option('--rejects <dir>', 'folder for rejected records, unredacted (default: <out>/rejects)')
    .addHelpText(
      'after',
      `
Examples:
  $ ocsf-lake convert logs/ --out lake
  $ ocsf-lake convert 'logs/**/*.json.gz' --source cloudtrail --ocsf 1.3.0 --out lake --json
  $ zcat flow.log.gz | ocsf-lake convert - --source vpc-flow --format ndjson | head
  $ ocsf-lake convert cwl.txt --source vpc-flow --fields "srcaddr dstaddr start end action" --out lake

Exit codes: 0 done; 1 something to change in the call; 2 rejects under --strict, or nothing usable was read.`,
    )
    .action(async (inputs: string[], flags: ConvertFlags) => {
      code = await runConvert(inputs, flags)
    })
  program
    .command('sources')
    .description('list the sources that are supported')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const rows = SOURCES.map(({ id, title, spec, columns }) => ({ id, title, classes: Object.keys(columns), spec }))
      process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : sourcesText(rows))
    })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
    if (error instanceof OcsfLakeError) {
      process.stderr.write(`ocsf-lake: ${error.message}\n`)
      return 1
    }
    throw error
  }
}
