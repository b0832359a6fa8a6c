/** `ocsf-lake ddl --dialect duckdb` over lakes of every source: its declared types against the files, and queries. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duckdbView, tableName } from '../lake/ddl.js'
import { lakeTables } from '../lake/tables.js'
import { SOURCES } from '../sources/index.js'
import { convertFiles } from './convert-files.js'
import { bin } from './testing.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
let connection: DuckDBConnection
let closeInstance: () => void
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-ddl-'))
  const instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
  closeInstance = () => instance.closeSync()
})
afterAll(() => {
  connection.closeSync()
  closeInstance()
  rmSync(folder, { recursive: true, force: true })
})

const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjects()
const types = async (what: string) => (await rows(`DESCRIBE SELECT * FROM ${what}`)).map(row => `${String(row.column_name)} ${String(row.column_type)}`)

function ocsfLake(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** The logs among the fixtures of a source. */
const logs = (id: string) =>
  readdirSync(join(root, 'fixtures', id))
    .filter(name => !/\.(expected|options)\.json$|^mapping\.json$/.test(name))
    .map(name => join(root, 'fixtures', id, name))

describe.each(SOURCES.map(source => [source.id, source] as const))('the DuckDB views of %s', (id, source) => {
  it.each(['1.1.0', '1.8.0'] as const)('have the columns and types of the files at %s, and all their rows', async ocsf => {
    const out = join(folder, `${id}-${ocsf}`)
    const report = await convertFiles({ inputs: logs(id), source, out, ocsf, account: '123456789012', region: 'eu-central-1' })
    const tables = (await lakeTables(source, ocsf)).filter(table => report.classes[`${id}/${table.classUid}`] !== undefined)
    expect(tables.length).toBeGreaterThan(0)
    let read = 0
    for (const table of tables) {
      const view = tableName(table)
      await connection.run(duckdbView(table, { location: out }))
      const files = `read_parquet('${out}/ext/*-${table.classUid}/**/*.parquet', union_by_name = true, hive_partitioning = false)`
      expect(await types(view)).toEqual([...(await types(files)), 'region VARCHAR', 'accountid VARCHAR', 'eventday VARCHAR'])
      const [row] = await rows(`SELECT count(*) AS n, count(DISTINCT class_uid) AS classes, min(class_uid) AS class FROM ${view}
        WHERE region <> '' AND accountid <> '' AND eventday = strftime(make_timestamp("time" * 1000), '%Y%m%d')`)
      expect(row).toEqual({ n: BigInt(report.classes[`${id}/${table.classUid}`]!), classes: 1n, class: table.classUid })
      read += Number(row!.n)
    }
    expect(read).toBe(report.records.written)
  })
})

describe('ocsf-lake ddl', () => {
  it('prints a view that a query can narrow by partition and by struct', async () => {
    await convertFiles({ inputs: logs('vpc-flow'), source: SOURCES.find(({ id }) => id === 'vpc-flow'), out: join(folder, 'lake'), region: 'eu-central-1' })
    const { stdout, status } = ocsfLake('ddl', '--location', join(folder, 'lake'), '--source', 'vpc-flow', '--dialect', 'duckdb')
    expect(status).toBe(0)
    await connection.run(stdout)
    const [plan] = await rows(`EXPLAIN SELECT src_endpoint.ip FROM vpc_flow_4001 WHERE accountid = '123456789012' AND class_uid = 4001`)
    expect(String(plan!.explain_value)).toMatch(/Filters:\s*│\s*│\s*class_uid\s*=\s*4001/i) // the casts hide nothing from the reader
    const found = await rows("SELECT DISTINCT accountid FROM vpc_flow_4001 WHERE accountid = '123456789012' AND src_endpoint.ip IS NOT NULL")
    expect(found).toEqual([{ accountid: '123456789012' }])
  })

  it('prints one statement for each class, for Athena, and as JSON', () => {
    const text = ocsfLake(
      'ddl',
      '-l',
      's3://example-lake/ocsf',
      '-s',
      'vpc-flow',
      'tgw-flow',
      '--database',
      'security',
      '--region',
      'eu-central-1',
      'us-east-1',
    )
    expect(text.status).toBe(0)
    expect(text.stdout.match(/CREATE EXTERNAL TABLE IF NOT EXISTS `security`\.`(vpc|tgw)_flow_4001`/g)).toHaveLength(2)
    expect(text.stdout).toContain("'projection.region.values' = 'eu-central-1,us-east-1'")
    const json = ocsfLake('ddl', '-l', 's3://example-lake/ocsf', '-s', 'cloudtrail', '-c', 'api_activity', '3002', '--json')
    const tables = JSON.parse(json.stdout) as { table: string; statement: string }[]
    expect(tables.map(({ table }) => table).sort()).toEqual(['cloudtrail_3002', 'cloudtrail_6003'])
    expect(tables[0]!.statement).toMatch(/^CREATE EXTERNAL TABLE/)
  })

  it.each([
    [['ddl'], 'Say where the lake begins'],
    [['ddl', '-l', 'lake', '-s', 'vpc-flow'], 'Athena reads from S3'],
    [['ddl', '-l', 's3://example-lake', '-s', 'vpc-flow', '-c', '6003'], 'Class 6003 is in no table of these sources at OCSF 1.1.0: use one of 4001.'],
    [['ddl', '-l', 's3://example-lake', '-s', 'nosuch'], 'There is no source nosuch'],
  ])('refuses %j in one sentence', (args, sentence) => {
    const { status, stderr } = ocsfLake(...args)
    expect(status).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
