/** For tests: lakes of flow logs and of fixtures, and what DuckDB finds in them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { OcsfVersion } from '../../ocsf/facts.js'
import type { AnySource } from '../../sources/source.js'
import { convertFiles } from '../convert-files.js'

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
/** 2024-05-01 */
export const DAY = '20240501'
export const DAY_MS = Date.parse('2024-05-01T00:00:00Z')
export const FLOW_PARTITION = `ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=${DAY}/`

/** Files of flow logs, each with the rows of some minutes, in no order; they overlap. */
export function writeFlows(folder: string, files: number, rows: number, seed = 1): string[] {
  mkdirSync(folder, { recursive: true })
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % below
  }
  return Array.from({ length: files }, (_, file) => {
    const lines = Array.from({ length: rows }, () => {
      const start = DAY_MS / 1000 + Math.min(86_399, Math.floor((file * 86_400) / files) + random(2000))
      const action = random(9) === 0 ? 'REJECT' : 'ACCEPT'
      return `2 123456789012 eni-0a1b2c3d4e5f6071${random(9)} 192.0.2.${random(250)} 198.51.100.${random(250)} ${random(60_000)} 443 6 ${random(99)} ${random(99_999)} ${start} ${start + 60} ${action} OK`
    })
    const path = join(folder, `${file}.log`)
    writeFileSync(path, `${[HEADER, ...lines].join('\n')}\n`)
    return path
  })
}

export const convertFlows = (inputs: readonly string[], out: string, source: AnySource) => convertFiles({ inputs, out, source, region: 'eu-central-1' })

const fixtures = fileURLToPath(new URL('../../../fixtures', import.meta.url))

/**
 * A lake of all fixtures of a source, each once more as another file, so that all rows are there twice.
 */
export async function fixtureLake(source: AnySource, ocsf: OcsfVersion, folder: string): Promise<string> {
  const lake = join(folder, `lake-${source.id}`)
  const copies = join(folder, `copies-${source.id}`)
  mkdirSync(copies)
  const cases = readdirSync(join(fixtures, source.id)).filter(name => !/\.(expected|options)\.json$|^(mapping|readings)\.json$/.test(name))
  for (const [at, name] of cases.entries()) {
    const path = join(fixtures, source.id, name)
    const copy = join(copies, `${name}.gz`)
    writeFileSync(copy, gzipSync(readFileSync(path), { level: 1 }))
    await convertFiles({ inputs: [path, copy], source, out: lake, account: '123456789012', region: 'eu-central-1', ocsf, raw: at % 2 === 0 ? 'keep' : 'drop' })
  }
  return lake
}

export interface Duck {
  rows(sql: string): Promise<Record<string, unknown>[]>
  /** Reads a query once and keeps its rows under a name: the query of these. Many small files take longer to open than to read. */
  keep(name: string, sql: string): Promise<string>
  /** Rows of one that are not in the other, each as often as it is there too often: both ways. */
  difference(one: string, other: string): Promise<[number, number]>
  close(): void
}

export async function startDuck(): Promise<Duck> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection: DuckDBConnection = await instance.connect()
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjects()
  const minus = async (one: string, other: string): Promise<number> => Number((await rows(`SELECT count(*) AS n FROM ((${one}) EXCEPT ALL (${other}))`))[0]!.n)
  const keep = async (name: string, sql: string): Promise<string> => {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} AS ${sql}`)
    return `SELECT * FROM ${name}`
  }
  return {
    rows,
    keep,
    async difference(one, other) {
      const [a, b] = [await keep('one', one), await keep('other', other)]
      return [await minus(a, b), await minus(b, a)]
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** The rows of a folder of the lake as every reader lists them. */
export const listed = (folder: string): string => `SELECT * FROM read_parquet('${folder}/**/*.parquet', hive_partitioning = false, union_by_name = true)`
