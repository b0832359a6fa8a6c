/**
 * The benchmarks: makes its data, checks every output, then times.
 *
 *     npm run bench -- --quick               two minutes, before and after a change
 *     npm run bench                          everything
 *     npm run bench -- --write               everything, into bench/RESULTS.md and its charts
 *     npm run bench -- --only contest --kind v2 --rounds 5 --scale 5
 *
 * Sections: contest (end to end beside DuckDB), stages, sources (decode and map of each), writers (the Parquet writer alone), memory,
 * cold-start (importing the doors). Progress goes to stderr.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { barChart, lineChart } from './chart.js'
import { type ColdStart, coldStarts } from './cold-start.js'
import { type Contest, contest, type Pair } from './contest.js'
import { dataset, KINDS, type Kind, TITLES } from './generate.js'
import { machine, say } from './measure.js'
import { type MemoryPoint, memory } from './memory.js'
import { bundleSides, type Contestant, output, type Rate, runRates, runStages } from './run.js'
import { markdownTable, writerTable } from './tables.js'
import { benchWriters, type WriterFigures } from './writers.js'

const SECTIONS = ['contest', 'stages', 'sources', 'writers', 'memory', 'cold-start'] as const

/** Milliseconds per 100,000 records by stage. */
type Stages = Readonly<Record<string, number>>

interface Results {
  readonly contests: readonly Contest[]
  readonly stages: readonly { readonly kind: Kind; readonly stages: Stages }[]
  readonly rates: readonly Rate[]
  readonly writers: readonly WriterFigures[]
  readonly memory: readonly MemoryPoint[]
  readonly coldStarts: readonly ColdStart[]
}

const OURS: Contestant = { name: 'ocsf-lake', side: 'ours', threads: 1 }
const DUCKDB: Contestant = { name: 'DuckDB', side: 'duckdb', threads: 1 }
const NEWER = 'ocsf-lake, Node 22'

interface Line {
  readonly contestants: readonly Contestant[]
  readonly pairs: readonly Pair[]
}

/** Who takes part for a kind of log. `node22` is the path of a Node 22. */
function lineUp(kind: Kind, quick: boolean, node22: string | undefined): Line {
  const contestants = [OURS, DUCKDB]
  const pairs: Pair[] = [[OURS.name, DUCKDB.name]]
  const add = (ours: Contestant, other: Contestant): void => {
    for (const one of [ours, other]) if (!contestants.some(({ name }) => name === one.name)) contestants.push(one)
    pairs.push([ours.name, other.name])
  }
  if (quick) return { contestants, pairs }
  if (process.platform === 'linux') {
    add({ ...OURS, name: 'ocsf-lake, one core', pinned: true }, { ...DUCKDB, name: 'DuckDB, one core', pinned: true })
  }
  const newer = { ...OURS, name: NEWER, node: node22 }
  const sorted = { ...DUCKDB, name: 'DuckDB, ORDER BY time', sorted: true }
  if (node22 !== undefined) {
    add(OURS, newer)
    add(newer, DUCKDB)
  }
  if (kind === 'v2') {
    const jobs = { ...OURS, name: 'ocsf-lake, 2 jobs', threads: 2 }
    add(OURS, sorted)
    if (node22 !== undefined) add(newer, sorted)
    add(jobs, OURS)
    add(jobs, { ...DUCKDB, name: 'DuckDB, 2 threads', threads: 2 })
  }
  return { contestants, pairs }
}

/** With more input each contest is run once more, to tell what a process takes to start from what records take. */
const LONG = { title: 'twice the input', times: 2 } as const

/** The same with more input: ours and DuckDB's, one thread each. */
function longLineUp({ contestants, pairs }: Line): Line {
  const names: readonly string[] = [OURS.name, NEWER, DUCKDB.name]
  return { contestants: contestants.filter(({ name }) => names.includes(name)), pairs: pairs.filter(([, other]) => other === DUCKDB.name) }
}

/** Fetched by npm when it is not there yet. */
async function node22(): Promise<string> {
  return (await output(['npm', 'exec', '--yes', '--package=node@22', '--', 'node', '-p', 'process.execPath'])).trim()
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

function report(results: Results): string {
  const lines: string[] = []
  const section = (title: string, ...texts: readonly string[]): void => void lines.push(`### ${title}`, '', ...texts.flatMap(text => [text, '']))
  if (results.contests.length > 0) {
    section(
      'End to end',
      markdownTable(
        ['ratio', 'wall', 'CPU'],
        results.contests.flatMap(({ title, ratios }) =>
          ratios.map(({ ours, other, wall, cpu }) => [`${title}: ${other} over ${ours}`, `${wall.toFixed(2)}x`, `${cpu.toFixed(2)}x`]),
        ),
      ),
      markdownTable(
        ['', 'records', 'raw MiB', 'wall ms', 'CPU ms', 'process ms', 'records/s', 'MiB/s', 'peak RSS MiB'],
        results.contests.flatMap(({ title, data, figures }) =>
          figures.map(it => [
            `${title}: ${it.contestant}`,
            whole(data.records),
            whole(data.rawBytes / 2 ** 20),
            ...[it.wallMs, it.cpuMs, it.processMs, it.recordsPerSecond].map(whole),
            it.mibPerSecond.toFixed(1),
            whole(it.rssMiB),
          ]),
        ),
      ),
      `Largest data page, uncompressed: ${results.contests.map(({ title, largestPageBytes }) => `${title} ${whole(largestPageBytes)} bytes`).join(', ')}.`,
    )
  }
  if (results.stages.length > 0) {
    const names = [...new Set(results.stages.flatMap(({ stages }) => Object.keys(stages)))]
    const share = ({ 'JSON.parse': _, ...stages }: Stages): string => {
      const sum = Object.values(stages).reduce((total, ms) => total + ms, 0)
      return `${((stages.validate! / sum) * 100).toFixed(0)} %`
    }
    section(
      'Stages',
      'Milliseconds per 100,000 records, each stage alone in one process; `JSON.parse` of whole files stands beside for scale.',
      markdownTable(
        ['', ...names, 'share of validate'],
        results.stages.map(({ kind, stages }) => [TITLES[kind], ...names.map(name => (stages[name] === undefined ? '' : whole(stages[name]))), share(stages)]),
      ),
    )
  }
  if (results.rates.length > 0) {
    const base = results.rates.find(({ source }) => source === 'cloudtrail')!.mbPerSecond
    section(
      'Sources',
      'Decoding and mapping of the fixtures, each repeated to half a megabyte, in CPU time; beside it the bytes per second of CloudTrail.',
      markdownTable(
        ['', 'records/s', 'MB/s', 'of CloudTrail'],
        results.rates.map(({ source, recordsPerSecond, mbPerSecond }) => [
          source,
          whole(recordsPerSecond),
          mbPerSecond.toFixed(1),
          `${(mbPerSecond / base).toFixed(2)}x`,
        ]),
      ),
    )
  }
  if (results.writers.length > 0) section('Writers alone', writerTable(results.writers))
  if (results.memory.length > 0) {
    const names = Object.keys(results.memory[0]!.rssMiB)
    section(
      'Memory',
      markdownTable(
        ['VPC flow v2, raw MiB', ...names.map(name => `${name}, peak RSS MiB`)],
        results.memory.map(({ rawMiB, rssMiB }) => [whole(rawMiB), ...names.map(name => whole(rssMiB[name]!))]),
      ),
    )
  }
  if (results.coldStarts.length > 0) {
    section(
      'Cold start',
      markdownTable(
        ['import in a fresh process', 'median ms', 'best ms'],
        results.coldStarts.map(({ door, medianMs, bestMs }) => [door, medianMs.toFixed(1), bestMs.toFixed(1)]),
      ),
    )
  }
  return lines.join('\n')
}

const MARK = '<!-- results -->'

/** Replaces what stands behind the mark of RESULTS.md, and the charts. */
async function write(results: Results, text: string): Promise<void> {
  const at = (path: string): URL => new URL(path, import.meta.url)
  await mkdir(at('charts/'), { recursive: true })
  if (results.contests.length > 0) {
    const groups = results.contests
      .filter(({ title, data }) => title === TITLES[data.kind])
      .map(({ title, figures }) => ({
        label: title,
        values: Object.fromEntries(
          figures.filter(({ contestant }) => contestant === OURS.name || contestant === DUCKDB.name).map(it => [it.contestant, it.recordsPerSecond]),
        ),
      }))
    await writeFile(at('charts/throughput.svg'), barChart('Raw .gz to Parquet, one thread: records per second', 'records/s', groups))
  }
  if (results.memory.length > 0) {
    const points = results.memory.map(({ rawMiB, rssMiB }) => ({ x: rawMiB, values: rssMiB }))
    await writeFile(at('charts/memory.svg'), lineChart('Peak memory against input', 'MiB of raw VPC flow logs', 'MiB resident', points))
  }
  const [head] = (await readFile(at('RESULTS.md'), 'utf8')).split(MARK)
  await writeFile(at('RESULTS.md'), `${head}${MARK}\n\n${text}`)
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    kind: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    scale: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const oneOf = (option: string, given: readonly string[] | undefined, known: readonly string[]): void => {
  const unknown = given?.find(one => !known.includes(one))
  if (unknown !== undefined) throw new Error(`--${option} ${unknown}: use ${known.join(', ')}`)
}
oneOf('only', values.only, SECTIONS)
oneOf('kind', values.kind, KINDS)
const { quick } = values
const rounds = Number(values.rounds ?? (quick ? 1 : 3))
if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds ${values.rounds}: a whole number above 0`)
const scale = Number(values.scale ?? (quick ? 0.5 : 5)) // 5: two million, one million and 200,000 records
if (!(scale > 0)) throw new Error(`--scale ${values.scale}: a number above 0`)
const seed = Number(values.seed)
const wants = (section: (typeof SECTIONS)[number]): boolean => values.only?.includes(section) ?? !(quick && (section === 'memory' || section === 'cold-start'))
const kinds = KINDS.filter(one => values.kind?.includes(one) ?? true)

await bundleSides()
const other = wants('contest') && !quick ? await node22() : undefined
const contests: Contest[] = []
if (wants('contest')) {
  for (const kind of kinds) {
    const line = lineUp(kind, quick, other)
    contests.push(await contest(TITLES[kind], await dataset({ kind, scale, seed }), line, rounds))
    if (quick) continue
    const title = `${TITLES[kind]}, ${LONG.title}`
    contests.push(await contest(title, await dataset({ kind, scale: scale * LONG.times, seed }), longLineUp(line), rounds))
  }
}
const stages: { kind: Kind; stages: Stages }[] = []
if (wants('stages')) {
  for (const kind of kinds) {
    say(`${TITLES[kind]}: stages`)
    stages.push({ kind, stages: JSON.parse(await runStages(await dataset({ kind, scale, seed }))) as Stages }) // printed by our own child
  }
}
const results: Results = {
  contests,
  stages,
  rates: wants('sources') ? await runRates() : [],
  writers: wants('writers') ? await benchWriters(quick ? 5_000 : 20_000, quick ? 2 : 5) : [],
  memory: wants('memory') ? await memory([OURS, DUCKDB], quick ? [1, 2] : [1, 2.5, 5, 10], seed, rounds) : [],
  coldStarts: wants('cold-start') ? await coldStarts(quick ? 5 : 15) : [],
}
const on = machine()
const where = `${on.cpu}, ${on.cores} cores, Node ${on.node}, commit ${on.commit}, ${on.date}; medians of ${rounds} rounds, scale ${scale}`
const text = `${where}.\n\n${report(results)}`
if (values.write) await write(results, text)
console.log(values.json ? JSON.stringify({ machine: on, ...results }, null, 2) : text)
