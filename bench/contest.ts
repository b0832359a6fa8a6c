/**
 * Raw gzip files to validated OCSF to Parquet, beside DuckDB writing the same rows and columns with SQL.
 *
 * First the output of everyone is checked: the counts, the size of every data page, and that the rows are the same. Then
 * rounds of fresh processes take turns; a ratio is the median of the ratios within each round.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { classesOf, compareRows } from './duckdb.js'
import type { Dataset } from './generate.js'
import { median, say } from './measure.js'
import { largestDataPage, MOST_PAGE_BYTES } from './pages.js'
import { type Contestant, outOf, type Run, run } from './run.js'

/** What one contestant took, medians over the rounds. */
export interface Figures {
  readonly contestant: string
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

/** The other's time over ours: above 1 ours is faster. */
export interface Ratio {
  readonly ours: string
  readonly other: string
  readonly wall: number
  readonly cpu: number
}

export interface Contest {
  /** What is converted. */
  readonly title: string
  readonly data: Dataset
  readonly rows: number
  readonly rounds: number
  readonly largestPageBytes: number
  readonly figures: readonly Figures[]
  readonly ratios: readonly Ratio[]
}

/** `[ours, other]` by name. */
export type Pair = readonly [string, string]

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
}

async function parquetFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter(name => name.endsWith('.parquet')).sort()
}

/** Names and bytes of all objects. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of await parquetFiles(folder)) hash.update(name).update(await readFile(join(folder, name)))
  return hash.digest('hex')
}

/** Throws unless our report and pages are as they must be. */
async function checkOurs(contestant: Contestant, data: Dataset, { report }: Run): Promise<{ rows: number; largestPageBytes: number }> {
  const { kind, records, nodata, skipdata, files } = data
  if (report === undefined) throw new Error(`${contestant.name} printed no report`)
  const rows = records - nodata - skipdata
  expectEqual('records', report.records, { in: records, written: rows, filtered: nodata + skipdata, duplicates: 0, rejected: 0 })
  expectEqual('reasons', report.filtered['vpc-flow'] ?? {}, kind === 'ct' ? {} : { ...(nodata > 0 && { nodata }), ...(skipdata > 0 && { skipdata }) })
  expectEqual('files', { read: report.files.read, failed: report.files.failed }, { read: files, failed: 0 })
  expectEqual(
    'rows of the objects',
    report.objects.reduce((sum, object) => sum + object.rows, 0),
    rows,
  )
  expectEqual('warnings', report.warnings, {})
  const out = outOf(contestant, data)
  const written = await parquetFiles(out)
  expectEqual('objects', written.length, report.objects.length)
  let largestPageBytes = 0
  for (const name of written) largestPageBytes = Math.max(largestPageBytes, await largestDataPage(join(out, name)))
  if (largestPageBytes > MOST_PAGE_BYTES) throw new Error(`a data page has ${largestPageBytes} bytes, more than ${MOST_PAGE_BYTES}`)
  return { rows, largestPageBytes }
}

/** Throws unless DuckDB wrote the rows that we wrote. */
async function checkRows(ours: Contestant, duckdb: Contestant, data: Dataset, rows: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  let compared = 0
  for (const { classUid, folder } of classesOf(data.kind)) {
    const comparison = await compareRows(connection, join(outOf(ours, data), 'ext', folder, '**/*.parquet'), join(outOf(duckdb, data), `${classUid}.parquet`))
    if (comparison.differences.length > 0) throw new Error(`${data.kind} ${classUid}: our rows are not ${duckdb.name}'s\n${comparison.differences.join('\n')}`)
    say(`  ${classUid}: ${comparison.rows} rows, ${comparison.columns} columns, equal to those of ${duckdb.name}`)
    compared += comparison.rows
  }
  connection.closeSync()
  instance.closeSync()
  expectEqual('compared rows', compared, rows)
}

async function check(contestants: readonly Contestant[], data: Dataset): Promise<{ rows: number; largestPageBytes: number }> {
  const first = contestants.find(({ side }) => side === 'ours')!
  const result = await checkOurs(first, data, await run(first, data))
  const bytes = await fingerprint(outOf(first, data))
  for (const contestant of contestants) {
    // one core more or less changes nothing that is written
    if (contestant === first || contestant.pinned) continue
    const done = await run(contestant, data)
    if (contestant.side === 'duckdb') await checkRows(first, contestant, data, result.rows)
    else {
      await checkOurs(contestant, data, done)
      // another Node may compress with another zstd
      if (contestant.node === undefined) expectEqual(`objects of ${contestant.name}`, await fingerprint(outOf(contestant, data)), bytes)
    }
  }
  return result
}

function figuresOf({ name }: Contestant, { records, rawBytes }: Dataset, runs: readonly Run[]): Figures {
  const wallMs = median(runs.map(one => one.wallMs))
  return {
    contestant: name,
    wallMs,
    cpuMs: median(runs.map(one => one.cpuMs)),
    processMs: median(runs.map(one => one.processMs)),
    rssMiB: median(runs.map(one => one.rssBytes)) / 2 ** 20,
    recordsPerSecond: (records / wallMs) * 1000,
    mibPerSecond: (rawBytes / 2 ** 20 / wallMs) * 1000,
  }
}

/** Checks the output of all contestants, then lets them take turns. */
export async function contest(
  title: string,
  data: Dataset,
  { contestants, pairs }: { readonly contestants: readonly Contestant[]; readonly pairs: readonly Pair[] },
  rounds: number,
): Promise<Contest> {
  say(`${title}: ${data.records} records, ${Math.round(data.rawBytes / 2 ** 20)} MiB raw in ${data.files} files`)
  const { rows, largestPageBytes } = await check(contestants, data)
  const runs = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // who goes first changes, so that nobody always finds the other's warm cache
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const one = await run(contestant, data)
      runs.get(contestant.name)!.push(one)
      say(`  round ${round + 1}/${rounds} ${contestant.name}: ${Math.round(one.wallMs)} ms wall, ${Math.round(one.cpuMs)} ms CPU`)
    }
  }
  const ratio = (ours: string, other: string, of: (one: Run) => number): number => median(runs.get(ours)!.map((one, at) => of(runs.get(other)![at]!) / of(one)))
  return {
    title,
    data,
    rows,
    rounds,
    largestPageBytes,
    figures: contestants.map(contestant => figuresOf(contestant, data, runs.get(contestant.name)!)),
    ratios: pairs.map(([ours, other]) => ({ ours, other, wall: ratio(ours, other, one => one.wallMs), cpu: ratio(ours, other, one => one.cpuMs) })),
  }
}
