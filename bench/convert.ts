/**
 * Raw gzip files to validated OCSF to Parquet, beside DuckDB writing the same rows and columns with SQL.
 *
 *     npm run bench -- --only v2 --pairs 5 --scale 5
 *
 * First the output of both is checked: the counts, the size of every data page, and that the rows are the same. Then
 * pairs of fresh processes take turns, and medians are printed. Progress goes to stderr.
 */
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { classesOf, compareRows } from './duckdb.js'
import { type Dataset, dataset, KINDS, type Kind } from './generate.js'
import { largestDataPage, MOST_PAGE_BYTES } from './pages.js'
import { bundleSides, outOf, type Run, type RunOptions, run, SIDES, type Side } from './run.js'

interface Figures {
  /** Of the work, without the start of Node and the loading of modules. */
  readonly wallMs: number
  readonly cpuMs: number
  /** From start to exit of the process. */
  readonly processMs: number
  readonly rssMiB: number
  /** Records in per second of wall time. */
  readonly recordsPerSecond: number
  /** Uncompressed input per second of wall time. */
  readonly mibPerSecond: number
}

interface Result {
  readonly kind: Kind
  readonly records: number
  readonly rows: number
  readonly rawMiB: number
  readonly pairs: number
  readonly pinned: boolean
  readonly largestPageBytes: number
  readonly ours: Figures
  readonly duckdb: Figures
  /** DuckDB over ours: medians of the ratios of each pair. Above 1 we are faster. */
  readonly wallRatio: number
  readonly cpuRatio: number
}

const TITLES: Readonly<Record<Kind, string>> = { v2: 'VPC flow v2', v5: 'VPC flow v5, 29 fields', ct: 'CloudTrail' }

const say = (text: string): void => void process.stderr.write(`${text}\n`)

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
}

async function parquetFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter(name => name.endsWith('.parquet')).map(name => join(folder, name))
}

/** Throws unless both sides wrote all that the data set holds, and the same. */
async function check(data: Dataset, { report }: Run): Promise<{ rows: number; largestPageBytes: number }> {
  const { kind, records, nodata, skipdata, files } = data
  if (report === undefined) throw new Error('our side printed no report')
  const rows = records - nodata - skipdata
  expectEqual('records', report.records, { in: records, written: rows, filtered: nodata + skipdata, duplicates: 0, rejected: 0 })
  expectEqual('reasons', report.filtered['vpc-flow'] ?? {}, kind === 'ct' ? {} : { ...(nodata > 0 && { nodata }), ...(skipdata > 0 && { skipdata }) })
  expectEqual('files', report.files, { read: files, skipped: 0, failed: 0 })
  expectEqual(
    'rows of the objects',
    report.objects.reduce((sum, object) => sum + object.rows, 0),
    rows,
  )
  expectEqual('warnings', report.warnings, {})

  const ours = outOf('ours', data)
  const written = await parquetFiles(ours)
  expectEqual('objects', written.length, report.objects.length)
  let largestPageBytes = 0
  for (const path of written) largestPageBytes = Math.max(largestPageBytes, await largestDataPage(path))
  if (largestPageBytes > MOST_PAGE_BYTES) throw new Error(`a data page has ${largestPageBytes} bytes, more than ${MOST_PAGE_BYTES}`)

  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  let compared = 0
  for (const { classUid, folder } of classesOf(kind)) {
    const comparison = await compareRows(connection, join(ours, 'ext', folder, '**/*.parquet'), join(outOf('duckdb', data), `${classUid}.parquet`))
    if (comparison.differences.length > 0) throw new Error(`${kind} ${classUid}: our rows are not DuckDB's\n${comparison.differences.join('\n')}`)
    say(`  ${classUid}: ${comparison.rows} rows, ${comparison.columns} columns, equal to DuckDB's`)
    compared += comparison.rows
  }
  connection.closeSync()
  instance.closeSync()
  expectEqual('compared rows', compared, rows)
  return { rows, largestPageBytes }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function figures({ records, rawBytes }: Dataset, runs: readonly Run[]): Figures {
  const wallMs = median(runs.map(one => one.wallMs))
  return {
    wallMs,
    cpuMs: median(runs.map(one => one.cpuMs)),
    processMs: median(runs.map(one => one.processMs)),
    rssMiB: median(runs.map(one => one.rssBytes)) / 2 ** 20,
    recordsPerSecond: (records / wallMs) * 1000,
    mibPerSecond: (rawBytes / 2 ** 20 / wallMs) * 1000,
  }
}

async function bench(data: Dataset, pairs: number, options: RunOptions): Promise<Result> {
  const { kind, records, rawBytes } = data
  say(`${TITLES[kind]}: ${records} records, ${Math.round(rawBytes / 2 ** 20)} MiB raw in ${data.files} files`)
  const checked = await run('ours', data)
  await run('duckdb', data)
  const { rows, largestPageBytes } = await check(data, checked)
  const runs: Record<Side, Run[]> = { ours: [], duckdb: [] }
  for (let pair = 0; pair < pairs; pair++) {
    // who goes first changes, so that neither always finds the other's warm cache
    for (const side of pair % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const one = await run(side, data, options)
      runs[side].push(one)
      say(`  pair ${pair + 1}/${pairs} ${side}: ${Math.round(one.wallMs)} ms wall, ${Math.round(one.cpuMs)} ms CPU`)
    }
  }
  const ratio = (of: (one: Run) => number): number => median(runs.ours.map((one, at) => of(runs.duckdb[at]!) / of(one)))
  return {
    kind,
    records,
    rows,
    rawMiB: rawBytes / 2 ** 20,
    pairs,
    pinned: options.pin === true,
    largestPageBytes,
    ours: figures(data, runs.ours),
    duckdb: figures(data, runs.duckdb),
    wallRatio: ratio(one => one.wallMs),
    cpuRatio: ratio(one => one.cpuMs),
  }
}

/** What a result needs to be understood later. */
function machine(): { readonly cpu: string; readonly cores: number; readonly node: string; readonly commit: string; readonly date: string } {
  let commit = 'unknown'
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  } catch {
    // no git: the date must do
  }
  const cores = cpus()
  return { cpu: cores[0]?.model ?? 'unknown', cores: cores.length, node: process.version, commit, date: new Date().toISOString().slice(0, 10) }
}

function table(results: readonly Result[]): string {
  const head = ['', 'wall ms', 'CPU ms', 'process ms', 'records/s', 'MiB/s', 'RSS MiB', 'wall ratio', 'CPU ratio']
  const whole = (value: number): string => String(Math.round(value))
  const lines = results.flatMap(({ kind, ours, duckdb, wallRatio, cpuRatio, pinned }) =>
    SIDES.map(side => {
      const it = side === 'ours' ? ours : duckdb
      const ratios = side === 'ours' ? [`${wallRatio.toFixed(2)}x`, `${cpuRatio.toFixed(2)}x`] : ['', '']
      const name = `${TITLES[kind]}${pinned ? ', one core' : ''}: ${side === 'ours' ? 'ocsf-lake' : 'DuckDB'}`
      return [name, whole(it.wallMs), whole(it.cpuMs), whole(it.processMs), whole(it.recordsPerSecond), it.mibPerSecond.toFixed(1), whole(it.rssMiB), ...ratios]
    }),
  )
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [row(head), row(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...lines.map(row)].join('\n')
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    pairs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    pin: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const unknown = values.only?.find(kind => !KINDS.some(known => known === kind))
if (unknown !== undefined) throw new Error(`--only ${unknown}: use ${KINDS.join(', ')}`)
const pairs = Number(values.pairs)
if (!(Number.isInteger(pairs) && pairs > 0)) throw new Error(`--pairs ${values.pairs}: a whole number above 0`)
const scale = Number(values.scale)
if (!(scale > 0)) throw new Error(`--scale ${values.scale}: a number above 0`)

await bundleSides()
const results: Result[] = []
for (const kind of KINDS.filter(one => values.only?.includes(one) ?? true)) {
  results.push(await bench(await dataset({ kind, scale, seed: Number(values.seed) }), pairs, { pin: values.pin }))
}
const on = machine()
if (values.json) console.log(JSON.stringify({ machine: on, results }, null, 2))
else {
  console.log(`${on.cpu}, ${on.cores} cores, Node ${on.node}, commit ${on.commit}, ${on.date}; medians of ${pairs} pairs, DuckDB with one thread\n`)
  console.log(table(results))
  console.log('\nRatios are DuckDB over ocsf-lake: above 1 ocsf-lake is faster.')
}
