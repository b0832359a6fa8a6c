/** Flow logs that AWS delivers as Parquet: the same events, values and addresses as from the text delivery, whoever wrote the file. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { convert, type Outcome } from '../convert.js'
import { addsUp } from '../lake/report.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { convertFiles } from './convert-files.js'
import type { ConvertFilesOptions } from './options.js'
import { readParquet } from './read-parquet.js'
import { bin } from './testing.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-parquet-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const KEY = 'AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/03/14/123456789012_vpcflowlogs_eu-west-1_fl-0a1b2c3d4e5f60718_20260314T0925Z_8b5c7e2d.log'
const HIVE_KEY =
  'AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=03/day=14/123456789012_vpcflowlogs_eu-west-1_fl-0a1b2c3d4e5f60718_20260314T0925Z_8b5c7e2d.log'

function put(key: string, content: string | Uint8Array): string {
  const path = join(folder, key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

// ---- the types that AWS documents for the fields ----

const INT_32 = new Set(['version', 'srcport', 'dstport', 'tcp_flags', 'traffic_path'])
const INT_64 = new Set(['protocol', 'packets', 'bytes', 'start', 'end'])
type Kind = 'INT32' | 'INT64' | 'STRING'
const kindOf = (name: string): Kind => (INT_32.has(name) ? 'INT32' : INT_64.has(name) || name.startsWith('packets_lost_') ? 'INT64' : 'STRING')

interface Delivery {
  readonly names: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The table of a text delivery: one header line, then rows. */
function deliveryOf(text: string): Delivery {
  const [header, ...rows] = text.trimEnd().split('\n')
  return { names: header!.split(' ').map(name => name.replaceAll('-', '_')), rows: rows.map(row => row.split(' ')) }
}

const textOf = ({ names, rows }: Delivery) => [names.map(name => name.replaceAll('_', '-')), ...rows].map(cells => cells.join(' ')).join('\n')

function cellOf(cell: string, kind: Kind): string | number | bigint | null {
  if (kind === 'STRING') return cell
  if (cell === '-') return null
  return kind === 'INT64' ? BigInt(cell) : Number(cell)
}

function byHyparquet({ names, rows }: Delivery, rowGroupSize = 3): Uint8Array {
  const columnData = names.map((name, at) => ({ name, type: kindOf(name), nullable: true, data: rows.map(row => cellOf(row[at]!, kindOf(name))) }))
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize, codec: 'GZIP', compressors: { GZIP: page => gzipSync(page) } }))
}

async function byDuckDb({ names, rows }: Delivery, more = ''): Promise<Uint8Array> {
  const json = put('rows.json', rows.map(row => JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at]])))).join('\n'))
  const path = join(folder, 'rows.parquet')
  const columns = names.map(name => `"${name}": 'VARCHAR'`).join(', ')
  const types = { INT32: 'INTEGER', INT64: 'BIGINT', STRING: 'VARCHAR' }
  const select = names.map(name => (kindOf(name) === 'STRING' ? `"${name}"` : `CAST(nullif("${name}", '-') AS ${types[kindOf(name)]}) AS "${name}"`))
  const duckdb = await DuckDBInstance.create()
  const connection = await duckdb.connect()
  await connection.run(
    `COPY (SELECT ${select.join(', ')} FROM read_json('${json}', format = 'newline_delimited', columns = {${columns}})) TO '${path}' (FORMAT parquet, COMPRESSION gzip${more})`,
  )
  connection.closeSync()
  return new Uint8Array(readFileSync(path))
}

// ---- lakes ----

async function convertOne(key: string, content: string | Uint8Array, options: Partial<ConvertFilesOptions> = {}) {
  rmSync(join(folder, 'in'), { recursive: true, force: true })
  put(`in/${key}`, content)
  const out = mkdtempSync(join(folder, 'lake-'))
  const report = await convertFiles({ inputs: [join(folder, 'in')], out, ...options })
  expect(addsUp(report)).toBe(true)
  const objects: Record<string, unknown> = {}
  for (const object of report.objects) {
    const bytes = readFileSync(join(out, object.key))
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer // a file of ours is in no shared memory
    objects[dirname(object.key)] = await parquetReadObjects({ file, compressors })
  }
  const rejects = Object.keys(report.rejected).flatMap(source => {
    const root = join(out, 'rejects', source)
    return readLines(root)
  })
  return { report, objects, rejects }
}

function readLines(
  root: string,
): { readonly place?: unknown; readonly raw?: string; readonly issues?: readonly { readonly rule: string }[]; readonly line?: number }[] {
  const list = spawnSync('find', [root, '-type', 'f'], { encoding: 'utf8' }).stdout.trim().split('\n')
  return list.flatMap(path => (path === '' ? [] : readFileSync(path, 'utf8').trimEnd().split('\n'))).map(line => JSON.parse(line) as { raw?: string })
}

const fixture = (path: string) => readFileSync(fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url)), 'utf8')

const CASES = [
  'vpc-flow/v2-default.log',
  'vpc-flow/v5-nat.log',
  'vpc-flow/v7-ecs.log',
  'vpc-flow/v8-reject-reason.log',
  'vpc-flow/v11-full.log',
  'vpc-flow/ipv6.log',
  'vpc-flow/nodata-skipdata.log',
  'tgw-flow/default.log',
  'tgw-flow/minimal.log',
  'tgw-flow/nodata-skipdata.log',
]

describe('a Parquet delivery of flow logs', () => {
  it.each(CASES)('gives the rows and addresses of the text delivery: %s', async path => {
    const delivery = deliveryOf(fixture(path))
    const source = dirname(path)
    const text = await convertOne(`${KEY}.gz`, gzipSync(textOf(delivery)))
    expect(text.report.records.in).toBe(delivery.rows.length)
    const written = [byHyparquet(delivery), await byDuckDb(delivery), await byDuckDb(delivery, ', PARQUET_VERSION V2')]
    for (const parquet of written) {
      for (const [key, content] of [
        [`${KEY}.parquet`, parquet] as const,
        [`${HIVE_KEY}.parquet`, parquet] as const,
        [`${KEY}.parquet.gz`, gzipSync(parquet)] as const,
      ]) {
        const { report, objects } = await convertOne(key, content)
        expect(objects).toEqual(text.objects)
        expect(report.records).toEqual(text.report.records)
        expect(report.filtered).toEqual(text.report.filtered)
        expect(report.recognised).toEqual({ [source]: { key: 1 } })
      }
    }
  })

  it('gives the same events for any flows', async () => {
    const dash = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: value.map(String) }, { weight: 1, arbitrary: fc.constant('-') })
    const row = fc.tuple(
      fc.constant('5'),
      fc.constantFrom('123456789012', '210987654321', 'unknown'),
      dash(fc.ipV4()),
      dash(fc.oneof(fc.ipV4(), fc.ipV6())),
      dash(fc.integer({ min: 0, max: 65535 })),
      dash(fc.integer({ min: 0, max: 255 })),
      dash(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
      fc.integer({ min: 1773440000, max: 1773540000 }).map(String),
      fc.constantFrom('ACCEPT', 'REJECT', '-'),
      fc.constantFrom('OK', 'OK', 'NODATA', 'SKIPDATA'),
      dash(fc.integer({ min: 0, max: 63 })),
      fc.constantFrom('ingress', 'egress', '-'),
      fc.constantFrom('something', '"quoted"', '-', '\\u0000', 'é'),
    )
    const names = [
      'version',
      'account_id',
      'srcaddr',
      'dstaddr',
      'srcport',
      'protocol',
      'bytes',
      'start',
      'action',
      'log_status',
      'tcp_flags',
      'flow_direction',
      'novelty',
    ]
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 50 }), async (rows, rowGroupSize) => {
        const delivery = { names, rows }
        const text = await convertOne(KEY, textOf(delivery))
        const parquet = await convertOne(`${KEY}.parquet`, byHyparquet(delivery, rowGroupSize))
        expect(parquet.objects).toEqual(text.objects)
        expect(parquet.report.records).toEqual(text.report.records)
        expect(parquet.report.rejected).toEqual(text.report.rejected)
        expect(parquet.rejects.map(reject => reject.line)).toEqual(text.rejects.map(reject => reject.line! - 1)) // no header line
      }),
      { numRuns: 12 },
    )
  })

  it('keeps columns that nobody knows, nested ones too, in unmapped', async () => {
    const duckdb = await DuckDBInstance.create()
    const connection = await duckdb.connect()
    const path = join(folder, 'nested.parquet')
    await connection.run(
      `COPY (SELECT 5 AS version, '123456789012' AS account_id, 'eni-0a1b2c3d4e5f60718' AS interface_id, '192.0.2.1' AS srcaddr, '198.51.100.7' AS dstaddr,
       1773480300::BIGINT AS start, 1773480360::BIGINT AS "end", 9007199254740993::BIGINT AS bytes, 'OK' AS log_status,
       [1, 2] AS shards, {stream: 'flows', seq: 9007199254740993::BIGINT} AS ingested_by) TO '${path}' (FORMAT parquet, COMPRESSION gzip)`,
    )
    connection.closeSync()
    const { objects } = await convertOne(`${KEY}.parquet`, readFileSync(path))
    const rows = Object.values(objects).flat() as { traffic: { bytes: bigint }; unmapped: Record<string, string> }[]
    expect(rows).toHaveLength(1)
    expect(rows[0]!.traffic.bytes).toBe(9007199254740993n)
    expect(rows[0]!.unmapped).toMatchObject({ 'ingested_by.seq': '9007199254740993', 'ingested_by.stream': 'flows', 'shards[]': '[1,2]' })
  })

  it('is skipped when it has no rows, as an empty file is', async () => {
    const { report } = await convertOne(`${KEY}.parquet`, await byDuckDb({ names: ['version', 'srcaddr', 'dstaddr', 'log_status'], rows: [] }))
    expect(report.files).toEqual({ read: 0, skipped: 1, failed: 0 })
  })

  it('is one reject when it is cut off, and when no source knows its rows', async () => {
    const delivery = deliveryOf(fixture('vpc-flow/v5-nat.log'))
    const whole = byHyparquet(delivery)
    const cut = await convertOne(`${KEY}.parquet`, whole.subarray(0, whole.length - 1))
    expect(cut.report.records).toMatchObject({ in: 1, rejected: 1 })
    expect(cut.rejects.map(reject => reject.issues![0]!.rule)).toEqual(['parquet_damaged'])
    const other = await convertOne(
      'other.parquet',
      byHyparquet({
        names: ['a', 'b'],
        rows: [
          ['1', '2'],
          ['3', '4'],
        ],
      }),
    )
    expect(other.report.records).toMatchObject({ in: 1, rejected: 1 })
    expect(other.rejects.map(reject => reject.issues![0]!.rule)).toEqual(['source_unknown'])
  })

  it('gives the rows before a damaged row group, then one reject', async () => {
    const delivery = deliveryOf(fixture('vpc-flow/v5-nat.log'))
    const rows = [...delivery.rows, ...delivery.rows, ...delivery.rows]
    const whole = byHyparquet({ ...delivery, rows }, delivery.rows.length)
    // the pages of the last row group lie before the footer, whose length stands before the last magic
    const footer = new DataView(whole.buffer, whole.byteOffset + whole.length - 8, 4).getUint32(0, true)
    whole.fill(0xee, whole.length - 8 - footer - 600, whole.length - 8 - footer - 500)
    const { report } = await convertOne(`${KEY}.parquet`, whole)
    expect(report.records.in).toBe(delivery.rows.length * 2 + 1)
    expect(report.rejected).toEqual({ 'vpc-flow': { parquet_damaged: 1 } })
    expect(report.files).toEqual({ read: 0, skipped: 0, failed: 1 })
  })

  it('is cut off at --max-bytes of its rows', async () => {
    const { report } = await convertOne(`${KEY}.parquet`, byHyparquet(deliveryOf(fixture('vpc-flow/v5-nat.log'))), { maxBytes: 1000 })
    expect(report.rejected).toMatchObject({ 'vpc-flow': {} })
    expect(Object.keys(report.rejected['vpc-flow']!)[0]).toMatch(/_too_large$/)
  })

  it('gives convert the outcomes of the text delivery, in whatever chunks it comes', async () => {
    const delivery = deliveryOf(fixture('vpc-flow/v5-nat.log'))
    const options = { source: vpcFlow, context: { account: '123456789012' } } as const
    const outcomesOf = async (input: Parameters<typeof convert>[0], more: Partial<Parameters<typeof convert>[1]> = {}) => {
      const outcomes: Outcome[] = []
      for await (const outcome of convert(input, { ...options, ...more })) outcomes.push(outcome)
      return outcomes
    }
    const events = (outcomes: readonly Outcome[]) => outcomes.map(outcome => (outcome.kind === 'event' ? outcome.event : outcome))
    const text = await outcomesOf(textOf(delivery))
    expect(text.length).toBe(delivery.rows.length)
    const whole = byHyparquet(delivery)
    for (const chunks of [[whole], Array.from(whole, byte => Uint8Array.of(byte))])
      expect(events(await outcomesOf(chunks, { parquet: readParquet }))).toEqual(events(text))
    const damaged = await outcomesOf(whole.subarray(0, whole.length - 1), { parquet: readParquet })
    expect(damaged).toMatchObject([{ kind: 'rejected', stage: 'decode', issues: [{ rule: 'parquet_damaged' }] }])
  })

  it('is one reject of convert that says what to do, where no reader is given', async () => {
    const outcomes: Outcome[] = []
    const whole = byHyparquet(deliveryOf(fixture('vpc-flow/v5-nat.log')))
    for await (const outcome of convert(whole, { source: vpcFlow })) outcomes.push(outcome)
    const issue = { path: '', rule: 'parquet_unsupported', expected: 'the option parquet: readParquet', found: 'a Parquet object' }
    expect(outcomes).toEqual([{ kind: 'rejected', stage: 'decode', issues: [issue], raw: '', place: {}, preface: undefined }])
  })

  it('is read by the command', async () => {
    put(`in/${KEY}.parquet`, await byDuckDb(deliveryOf(fixture('tgw-flow/default.log'))))
    const { status, stdout } = spawnSync(process.execPath, [bin, 'convert', 'in', '--out', 'lake', '--json'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as { records: { written: number }; recognised: unknown }
    expect(report.records.written).toBeGreaterThan(0)
    expect(report.recognised).toEqual({ 'tgw-flow': { key: 1 } })
  })
})
