/**
 * Tables over a lake without Security Lake, from the columns that the writer writes: for Athena with partition
 * projection, so that no crawler and no ADD PARTITION is needed, and for DuckDB.
 */
import { OcsfLakeError } from '../errors.js'
import type { Leaf, PhysicalType, SchemaNode } from '../parquet/schema.js'
import { customSourceName } from './object-key.js'
import { isAccountId, isRegion } from './partition.js'
import type { LakeTable } from './tables.js'

export interface DdlOptions {
  /** Where the lake begins, as `--out` said when it was written: `s3://<bucket>/<prefix>`, for DuckDB also a folder. */
  readonly location: string
  /** Database (DuckDB: schema) of the table; without it the one that the query runs in. */
  readonly database?: string
  /** Regions that the lake holds; without them each query must say `region = '…'`. */
  readonly regions?: readonly string[]
  /** Accounts that the lake holds; without them each query must say `accountid = '…'`. */
  readonly accounts?: readonly string[]
  /** First day of the lake, `YYYYMMDD`: 20200101 unless said. Earlier days are not seen by Athena. */
  readonly since?: string
}

/** `vpc_flow_4001`: the name of a table. */
export function tableName({ source, classUid }: LakeTable): string {
  return `${source.id.replaceAll('-', '_')}_${classUid}`
}

/**
 * CREATE EXTERNAL TABLE for Athena and Glue, one statement without its semicolon. A partition column with a list of
 * values is an `enum`; without one it is `injected`, and a query must give its value.
 * https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
 *
 * @throws OcsfLakeError `option_invalid`
 */
export function athenaTable(table: LakeTable, options: DdlOptions): string {
  const { location, database, regions, accounts, since = '20200101' } = options
  checkOptions(options)
  if (!S3.test(location)) refuse(`Athena reads from S3: give the location as s3://<bucket>/<prefix>, not ${location}.`)
  const folder = folderOf(table, location)
  const properties: [string, string][] = [
    ['projection.enabled', 'true'],
    ...projection('region', regions),
    ...projection('accountid', accounts),
    ['projection.eventday.type', 'date'],
    ['projection.eventday.format', 'yyyyMMdd'],
    ['projection.eventday.range', `${since},NOW+1DAY`],
    ['projection.eventday.interval', '1'],
    ['projection.eventday.interval.unit', 'DAYS'],
    // Glue lower-cases names of columns; the folders keep Security Lake's spelling.
    ['storage.location.template', `${folder}region=\${region}/accountId=\${accountid}/eventDay=\${eventday}/`],
  ]
  return [
    `CREATE EXTERNAL TABLE IF NOT EXISTS ${database === undefined ? '' : `${tick(database)}.`}${tick(tableName(table))} (`,
    table.columns.map(column => `  ${tick(column.name)} ${athenaType(column)}`).join(',\n'),
    ')',
    `COMMENT ${hive(`${table.source.id}, ${table.className} (${table.classUid}), OCSF ${table.version}`)}`,
    `PARTITIONED BY (${['region', 'accountid', 'eventday'].map(name => `${tick(name)} string`).join(', ')})`,
    'STORED AS PARQUET',
    `LOCATION ${hive(folder)}`,
    'TBLPROPERTIES (',
    properties.map(([name, value]) => `  ${hive(name)} = ${hive(value)}`).join(',\n'),
    ')',
  ].join('\n')
}

/**
 * The same table as a DuckDB view over the objects, one statement without its semicolon. Every column has its declared
 * type; DuckDB wants at least one object to be there.
 *
 * @throws OcsfLakeError `option_invalid`
 */
export function duckdbView(table: LakeTable, options: DdlOptions): string {
  const { location, database } = options
  checkOptions(options)
  const glob = `${folderOf(table, location).replace(/[*?[]/g, '[$&]')}*/*/*/*.parquet`
  return [
    `CREATE OR REPLACE VIEW ${database === undefined ? '' : `${quote(database)}.`}${quote(tableName(table))} AS SELECT`,
    table.columns
      .map(column => `  CAST(${quote(column.name)} AS ${duckdbType(column)}) AS ${quote(column.name)}`)
      .join(',\n')
      .concat(','),
    '  "region", "accountId" AS "accountid", "eventDay" AS "eventday"',
    `FROM read_parquet(${sql(glob)}, union_by_name = true, hive_partitioning = true,`,
    "  hive_types = {'region': VARCHAR, 'accountId': VARCHAR, 'eventDay': VARCHAR})",
  ].join('\n')
}

// ---- types ----

const ATHENA: Readonly<Record<PhysicalType, string>> = { boolean: 'boolean', int32: 'int', int64: 'bigint', double: 'double', byte_array: 'string' }
const DUCKDB: Readonly<Record<PhysicalType, string>> = { boolean: 'BOOLEAN', int32: 'INTEGER', int64: 'BIGINT', double: 'DOUBLE', byte_array: 'VARCHAR' }

function athenaType(node: SchemaNode): string {
  if (node.kind === 'leaf') return athenaLeaf(node)
  if (node.kind === 'list') return `array<${athenaType(node.element)}>`
  if (node.kind === 'map') return `map<${athenaLeaf(node.key)},${athenaLeaf(node.value)}>`
  return `struct<${node.children.map(child => `${tick(child.name)}:${athenaType(child)}`).join(',')}>`
}

const athenaLeaf = ({ annotation, physical }: Leaf): string => (annotation === 'timestamp_millis' ? 'timestamp' : ATHENA[physical])

function duckdbType(node: SchemaNode): string {
  if (node.kind === 'leaf') return duckdbLeaf(node)
  if (node.kind === 'list') return `${duckdbType(node.element)}[]`
  if (node.kind === 'map') return `MAP(${duckdbLeaf(node.key)}, ${duckdbLeaf(node.value)})`
  return `STRUCT(${node.children.map(child => `${quote(child.name)} ${duckdbType(child)}`).join(', ')})`
}

// The times of the objects are UTC by their annotation.
const duckdbLeaf = ({ annotation, physical }: Leaf): string => (annotation === 'timestamp_millis' ? 'TIMESTAMP WITH TIME ZONE' : DUCKDB[physical])

// ---- text ----

/** A Hive identifier; always quoted, since `time`, `end` and `user` are words of its grammar. */
const tick = (name: string): string => `\`${name.replaceAll('`', '``')}\``
const hive = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
const sql = (text: string): string => `'${text.replaceAll("'", "''")}'`

function projection(column: string, values: readonly string[] | undefined): [string, string][] {
  if (values === undefined || values.length === 0) return [[`projection.${column}.type`, 'injected']]
  return [
    [`projection.${column}.type`, 'enum'],
    [`projection.${column}.values`, values.join(',')],
  ]
}

const folderOf = ({ source, classUid }: LakeTable, location: string): string => `${location.replace(/\/+$/, '')}/ext/${customSourceName(source, classUid)}/`

const S3 = /^s3:\/\/[a-z0-9][a-z0-9.-]+(?:\/|$)/
const NAME = /^[a-z_][a-z0-9_]{0,254}$/
const DAY = /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/

function refuse(sentence: string): never {
  throw new OcsfLakeError('option_invalid', sentence)
}

function checkOptions({ location, database, regions = [], accounts = [], since }: DdlOptions): void {
  if (location === '') refuse('The location is empty: give what --out said when the lake was written.')
  if (location.includes('${')) refuse(`The location ${location} holds \${, which partition projection would take for a column.`)
  if (database !== undefined && !NAME.test(database)) refuse(`${database} is no name for a database: use small letters, digits and _.`)
  const region = regions.find(one => !isRegion(one))
  if (region !== undefined) refuse(`${region} is no region: give names like us-east-1.`)
  const account = accounts.find(one => !isAccountId(one) && one !== 'unknown')
  if (account !== undefined) refuse(`${account} is no account: give twelve digits, external, or external_<id>.`)
  if (since !== undefined && !DAY.test(since)) refuse(`${since} is no day: give it as YYYYMMDD, e.g. 20260101.`)
}
