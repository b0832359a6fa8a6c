/**
 * What compaction takes and gives: objects, bytes, and the time of queries by DuckDB, before and after.
 *
 *     npx tsx bench/compact.ts --kind v2 --files 288 --records 5000
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { type CompactReport, compact } from '../src/node/compact/compact.js'
import { convertFiles } from '../src/node/convert-files.js'
import { dataset, KINDS, type Kind } from './generate.js'
import { type Cost, machine, measured, median, say } from './measure.js'

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'v2' },
    files: { type: 'string', default: '288' },
    records: { type: 'string', default: '5000' },
    lake: { type: 'string' },
  },
})

/** Queries as investigations have them: everything counted, one address, one hour. */
const queries = (lake: string): Readonly<Record<string, string>> => {
  const table = `read_parquet('${lake}/ext/**/*.parquet', hive_partitioning = true)`
  return {
    count: `SELECT class_uid, count(*) FROM ${table} GROUP BY 1`,
    address: `SELECT count(*), min(time) FROM ${table} WHERE src_endpoint.ip = (SELECT min(src_endpoint.ip) FROM ${table} WHERE time = (SELECT min(time) FROM ${table}))`,
    hour: `SELECT count(*), count(DISTINCT src_endpoint.ip) FROM ${table} WHERE time >= (SELECT min(time) FROM ${table}) AND time < (SELECT min(time) FROM ${table}) + 3600000`,
  }
}

async function timed(lake: string): Promise<Record<string, { readonly ms: number; readonly answer: string }>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const found: Record<string, { ms: number; answer: string }> = {}
  for (const [name, sql] of Object.entries(queries(lake))) {
    const times: number[] = []
    let answer = ''
    for (let run = 0; run < 5; run++) {
      const started = performance.now()
      answer = String(await (await connection.runAndReadAll(sql)).getRowsJson().map(row => row.join(' ')))
      times.push(performance.now() - started)
    }
    found[name] = { ms: median(times), answer }
  }
  connection.closeSync()
  instance.closeSync()
  return found
}

if (values.lake !== undefined) {
  // a process of its own, so that its memory is that of compaction
  const { result, cost } = await measured(() => compact({ lake: values.lake! }))
  process.stdout.write(JSON.stringify({ result, cost }))
} else {
  const kind = KINDS.find(one => one === values.kind) ?? ('v2' satisfies Kind)
  const data = await dataset({ kind, files: Number(values.files), records: Number(values.records) })
  const lake = await mkdtemp(join(tmpdir(), 'ocsf-lake-bench-'))
  try {
    await convertFiles({ inputs: [data.folder], out: lake, region: 'eu-central-1' })
    const before = await timed(lake)
    const child = execFileSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), '--lake', lake], { encoding: 'utf8', maxBuffer: 2 ** 28 })
    const { result, cost } = JSON.parse(child) as { readonly result: CompactReport; readonly cost: Cost } // printed above
    const after = await timed(lake)
    if (result.rows.in !== result.rows.out + result.rows.repeats || result.rows.in === 0) throw new Error('rows do not add up')
    for (const name of Object.keys(before)) if (before[name]!.answer !== after[name]!.answer) throw new Error(`${name} gives another answer`)
    const { objects, bytes, rows } = result
    const MiB = (size: number): string => `${(size / 2 ** 20).toFixed(1)} MiB`
    say(`${JSON.stringify(machine())}`)
    say(`rows ${rows.in}, objects ${objects.before} -> ${objects.after}, ${MiB(bytes.before)} -> ${MiB(bytes.after)}`)
    say(`${Math.round(rows.in / (cost.wallMs / 1000))} rows/s, ${Math.round(cost.cpuMs)} ms of CPU, peak ${MiB(cost.rssBytes)}`)
    for (const name of Object.keys(before)) say(`${name}: ${before[name]!.ms.toFixed(0)} ms -> ${after[name]!.ms.toFixed(0)} ms`)
  } finally {
    await rm(lake, { recursive: true, force: true })
  }
}
