/** DuckDB as the yardstick: its statements for a data set, and the check that its rows are ours. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { CLOUDTRAIL_CLASSES, cloudTrailSelect, cloudTrailTable } from './duckdb-cloudtrail.js'
import { flowSelect } from './duckdb-flow.js'
import type { Kind } from './generate.js'

export interface DuckDbOptions {
  readonly threads: number
  /** ORDER BY time, over all rows of a class; else it is free to order rows as it likes, which is faster. */
  readonly sorted: boolean
}

/** What we write, by the folder of each class: one comparison and one file of DuckDB's each. */
export function classesOf(kind: Kind): readonly { readonly classUid: number; readonly folder: string }[] {
  return kind === 'ct' ? CLOUDTRAIL_CLASSES.map(classUid => ({ classUid, folder: `cloudtrail-${classUid}` })) : [{ classUid: 4001, folder: 'vpc-flow-4001' }]
}

/** From gzip files to Parquet, `<out>/<class uid>.parquet` per class. */
export function duckdbStatements(kind: Kind, logs: string, out: string, { threads, sorted }: DuckDbOptions): readonly string[] {
  const settings = [`SET threads = ${threads}`, `SET preserve_insertion_order = ${sorted}`, `SET TimeZone = 'UTC'`]
  const copy = (select: string, classUid: number): string =>
    `COPY (${select}${sorted ? ' ORDER BY time' : ''}) TO '${out}/${classUid}.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)`
  if (kind !== 'ct') return [...settings, copy(flowSelect(kind === 'v2' ? 2 : 5, `${logs}/**/*.gz`), 4001)]
  return [...settings, cloudTrailTable(`${logs}/**/*.gz`), ...CLOUDTRAIL_CLASSES.map(classUid => copy(cloudTrailSelect(classUid), classUid))]
}

/** How two sets of rows compare; equal when `differences` is empty. */
export interface Comparison {
  readonly rows: number
  readonly columns: number
  readonly differences: readonly string[]
}

interface Column {
  readonly name: string
  readonly type: string
}

/**
 * Compares two Parquet globs as multisets of rows, all columns and nested values included: names, types and order of
 * the columns, the number of rows, and over all rows the sum of a 64-bit hash of the row and of each column. Map
 * entries are taken in key order.
 */
export async function compareRows(connection: DuckDBConnection, ours: string, theirs: string): Promise<Comparison> {
  const read = async (sql: string): Promise<readonly (readonly unknown[])[]> => (await connection.runAndReadAll(sql)).getRows()
  const from = (glob: string): string => `read_parquet('${glob}', hive_partitioning = false)`
  const describe = async (glob: string): Promise<readonly Column[]> =>
    (await read(`DESCRIBE SELECT * FROM ${from(glob)}`)).map(([name, type]) => ({ name: String(name), type: String(type) }))
  await connection.run(`SET TimeZone = 'UTC'`)
  const columns = await describe(ours)
  const others = await describe(theirs)
  const differences: string[] = []
  for (let at = 0; at < Math.max(columns.length, others.length); at++) {
    const [a, b] = [columns[at], others[at]]
    if (a?.name !== b?.name || a?.type !== b?.type) differences.push(`column ${at}: ${a?.name} ${a?.type}, DuckDB ${b?.name} ${b?.type}`)
  }
  const plain = ({ name, type }: Column): string => (type.startsWith('MAP') ? `list_sort(map_entries("${name}"))` : `"${name}"`)
  const sum = (what: string): string => `sum(hash(${what})::HUGEINT)::VARCHAR`
  const sums = [
    `count(*)::VARCHAR`,
    sum(`struct_pack(${columns.map((column, at) => `c${at} := ${plain(column)}`).join(', ')})`),
    ...columns.map(column => sum(plain(column))),
  ]
  const hashes = async (glob: string): Promise<readonly unknown[]> => (await read(`SELECT ${sums.join(', ')} FROM ${from(glob)}`))[0]!
  if (differences.length > 0) return { rows: 0, columns: columns.length, differences }
  const a = await hashes(ours)
  const b = await hashes(theirs)
  if (a[0] !== b[0]) differences.push(`rows: ${a[0]}, DuckDB ${b[0]}`)
  for (const [at, column] of columns.entries()) {
    if (a[at + 2] === b[at + 2]) continue
    const only = async (one: string, other: string): Promise<string> => {
      const values = (glob: string): string => `SELECT to_json(${plain(column)})::VARCHAR FROM ${from(glob)}`
      return (await read(`${values(one)} EXCEPT ${values(other)} LIMIT 2`)).map(([value]) => String(value)).join(' and ') || 'no other value'
    }
    differences.push(`column ${column.name}: ours has ${await only(ours, theirs)}; DuckDB has ${await only(theirs, ours)}`)
  }
  if (a[1] !== b[1] && differences.length === 0) differences.push('the columns are equal, the rows are not')
  return { rows: Number(a[0]), columns: columns.length, differences }
}
