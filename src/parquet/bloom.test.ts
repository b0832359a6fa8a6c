// Filters probed by hyparquet and DuckDB, and counted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { parquetMetadata, parquetQuery } from 'hyparquet'
import { readBloomFilter, sbbfContains } from 'hyparquet/src/bloom.js'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { classFields, type Field, type FieldKind, leaves } from '../ocsf/columns.js'
import { loadFacts } from '../ocsf/facts.js'
import { FEW_VALUES, FILTER_BYTES, filterBytes } from './bloom.js'
import { type Codec, snappy, uncompressed, zstd } from './codec.js'
import { isPivot } from './pivots.js'
import { createParquetWriter } from './write.js'

type Obj = Readonly<Record<string, unknown>>

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}
const ip = (path: string, extra: Partial<Field> = {}) =>
  field(path.split('.').at(-1)!, 'string', { path, attribute: { name: 'ip', type: 'ip_t', requirement: 'optional' }, ...extra })
const time = field('time', 'timestamp')
const fields = [
  time,
  field('note', 'string'),
  ip('ip'),
  field('src_endpoint', 'object', { fields: [ip('src_endpoint.ip')] }),
  ip('ips', { list: true, path: 'ips[]' }),
  field('region_ip', 'string', { attribute: { name: 'ip', type: 'ip_t', requirement: 'optional' } }),
]

/** Scattered, each once. */
const address = (n: number) => {
  const mixed = Math.imul(n, 0x9e3779b1) >>> 0
  return `${mixed >>> 24}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}.${mixed & 255}`
}
const ROWS = 50_000
const events = Array.from({ length: ROWS }, (_, n) => ({
  time: n,
  note: `note ${address(n)}`,
  ip: n % 10 === 0 ? undefined : address(n),
  src_endpoint: { ip: address(n % 5000) }, // in a dictionary
  ips: n % 2 === 0 ? [address(n), null, address(n + ROWS)] : [],
  region_ip: address(n % FEW_VALUES),
}))

function write(some: readonly Field[], rows: readonly Obj[], codec: Codec = uncompressed): Uint8Array {
  const writer = createParquetWriter(some, { codec })
  for (const row of rows) writer.add(row)
  return writer.finish()
}
const buffer = (bytes: Uint8Array) => bytes.slice().buffer as ArrayBuffer

/** The filters of the first row group, by path. */
function filtersOf(bytes: Uint8Array): Record<string, { bytes: number; has: (text: string) => boolean }> {
  const utf8 = new TextEncoder()
  return Object.fromEntries(
    parquetMetadata(buffer(bytes)).row_groups[0]!.columns.flatMap(({ meta_data: chunk }) => {
      if (chunk!.bloom_filter_offset === undefined) return []
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset + Number(chunk!.bloom_filter_offset), chunk!.bloom_filter_length), offset: 0 }
      const filter = readBloomFilter(reader)!
      expect(reader.offset).toBe(chunk!.bloom_filter_length)
      return [[chunk!.path_in_schema.join('.'), { bytes: filter.numBytes, has: (text: string) => sbbfContains(filter.blocks, xxhash64(utf8.encode(text))) }]]
    }),
  )
}

let folder: string
let duck: DuckDBConnection
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-'))
  duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => {
  duck.closeSync()
  rmSync(folder, { recursive: true })
})

describe('a bloom filter', () => {
  it('holds every value, and lets about one absent value in a hundred pass', () => {
    const filters = filtersOf(write(fields, events))
    expect(Object.keys(filters)).toEqual(['ip', 'src_endpoint.ip', 'ips.list.element'])
    const present: Record<string, Set<string>> = {
      ip: new Set(events.flatMap(event => event.ip ?? [])),
      'src_endpoint.ip': new Set(events.map(event => event.src_endpoint.ip)),
      'ips.list.element': new Set(events.flatMap(event => event.ips.filter(value => value !== null))),
    }
    for (const [path, { bytes, has }] of Object.entries(filters)) {
      const values = present[path]!
      expect(bytes, path).toBe(filterBytes(values.size))
      expect(
        [...values].filter(value => !has(value)),
        path,
      ).toEqual([])
      let passed = 0
      const probes = 50_000
      for (let n = 0; n < probes; n++) if (has(address(1_000_000 + n))) passed++
      expect(passed / probes, path).toBeLessThan(0.0102 + 0.0018) // and four times what chance adds
    }
  })

  it('has the fewest bytes, a power of two, that keep the rate', () => {
    expect([65, 97, 98, 195, 196, 1000, 25_000, 50_000, 50_100, 200_000].map(filterBytes)).toEqual([
      128, 128, 256, 256, 512, 2048, 32_768, 65_536, 131_072, 262_144,
    ])
    expect(filterBytes(340_000)).toBe(FILTER_BYTES)
    expect(filterBytes(350_000)).toBeUndefined()
    expect(filterBytes(FEW_VALUES)).toBeUndefined()
  })

  it('is probed by DuckDB without a false negative', async () => {
    const path = join(folder, 'probe.parquet')
    writeFileSync(path, write(fields, events.slice(0, 1500), await zstd()))
    const probe = async (value: string) => {
      const [row] = (await duck.runAndReadAll(`SELECT bloom_filter_excludes AS excludes FROM parquet_bloom_probe('${path}', 'ip', '${value}')`)).getRowObjects()
      return row!.excludes
    }
    for (let n = 0; n < 1500; n++) if (n % 10 !== 0) expect(await probe(address(n)), address(n)).toBe(false)
    let excluded = 0
    for (let n = 0; n < 500; n++) if (await probe(address(50_000 + n))) excluded++
    expect(excluded).toBeGreaterThan(485)
    const metadata = await duck.runAndReadAll(
      `SELECT path_in_schema AS path, bloom_filter_length AS length FROM parquet_metadata('${path}') WHERE bloom_filter_offset IS NOT NULL ORDER BY path`,
    )
    expect(metadata.getRowObjects()).toEqual([
      { path: 'ip', length: 2048n + 16n },
      { path: 'ips, list, element', length: 2048n + 16n },
      { path: 'src_endpoint, ip', length: 2048n + 16n },
    ])
    const found = await duck.runAndReadAll(`SELECT time FROM '${path}' WHERE ip = '${address(1234)}' OR src_endpoint.ip = '${address(77)}' ORDER BY time`)
    expect(found.getRowObjects()).toEqual([{ time: 77n }, { time: 1234n }])
    const none = await duck.runAndReadAll(`SELECT time FROM '${path}' WHERE ip = '203.0.113.1'`)
    expect(none.getRowObjects()).toEqual([])
  })

  it('lets hyparquet answer without reading a page', async () => {
    const bytes = write(fields, events, await snappy())
    let read = 0
    const file = {
      byteLength: bytes.length,
      slice(start: number, end = bytes.length): ArrayBuffer {
        read += end - start
        return bytes.slice(start, end).buffer as ArrayBuffer
      },
    }
    const ask = (value: string) => parquetQuery({ file, compressors, columns: ['time', 'ip'], filter: { ip: { $eq: value } }, useBloomFilters: true })
    expect(await ask(address(12_345))).toEqual([{ time: 12_345n, ip: address(12_345) }])
    const readWhole = read
    read = 0
    expect(await ask('203.0.113.1')).toEqual([])
    expect(read).toBeLessThan(readWhole - 200_000)
  })

  it('is left out where the dictionary or the chunk itself is as small, and where a column is no pivot', () => {
    const few = events.slice(0, 100).map(event => ({ ...event, src_endpoint: { ip: address(1) } }))
    expect(Object.keys(filtersOf(write(fields, few)))).toEqual(['ip', 'ips.list.element'])
    expect(filtersOf(write(fields, few.slice(0, FEW_VALUES + 2)))).toHaveProperty('ips.list.element')
    expect(filtersOf(write(fields, few.slice(0, 40)))).toEqual({})
    // counting addresses pack into less than their filter
    const counted = Array.from({ length: 50_000 }, (_, n) => ({ time: n, ip: `10.0.${n >> 8}.${n & 255}` }))
    const tiny: Codec = { name: 'uncompressed', compress: bytes => bytes.subarray(0, 100) }
    expect(filtersOf(write([time, ip('ip')], counted))).toHaveProperty('ip')
    expect(filtersOf(write([time, ip('ip')], counted, tiny))).toEqual({})
  })

  it('changes nothing in a file without pivots: the page index follows the pages', () => {
    const bytes = write([time, field('note', 'string')], events)
    const { row_groups } = parquetMetadata(buffer(bytes))
    const chunks = row_groups[0]!.columns
    for (const { meta_data: chunk } of chunks) expect([chunk!.bloom_filter_offset, chunk!.bloom_filter_length]).toEqual([undefined, undefined])
    const last = chunks.at(-1)!.meta_data!
    expect(Number(last.dictionary_page_offset ?? last.data_page_offset) + Number(last.total_compressed_size)).toBe(Number(chunks[0]!.column_index_offset))
  })

  it('is the same in every run', async () => {
    expect(Buffer.compare(write(fields, events, await zstd()), write(fields, events, await zstd()))).toBe(0)
  })
})

describe('the pivots', () => {
  it('are addresses, host names, and what names a caller, an account, a resource or an interface', async () => {
    const pivotsOf = async (version: '1.1.0' | '1.8.0') => {
      const facts = await loadFacts(version)
      const { fields: some } = classFields(facts, 'api_activity', {
        activity_id: true,
        time: true,
        severity_id: true,
        metadata: { uid: true, product: { name: true, vendor_name: true } },
        actor: { user: { name: true, uid: true, uid_alt: true, type: true, account: { uid: true, name: true } }, session: { uid: true, issuer: true } },
        api: { operation: true, request: { uid: true, data: true }, version: true },
        cloud: { provider: true, region: true, account: { uid: true } },
        http_request: { user_agent: true },
        resources: { uid: true, name: true, type: true, owner: { account: { uid: true } } },
        src_endpoint: {
          ip: true,
          intermediate_ips: true,
          hostname: true,
          domain: true,
          uid: true,
          instance_uid: true,
          interface_uid: true,
          subnet_uid: true,
          vpc_uid: true,
          port: true,
        },
      })!
      return [...leaves(some)].filter(isPivot).map(leaf => leaf.path)
    }
    const expected = [
      'actor.session.uid',
      'actor.user.account.uid',
      'actor.user.name',
      'actor.user.uid',
      'actor.user.uid_alt',
      'api.operation',
      'cloud.account.uid',
      'resources[].owner.account.uid',
      'resources[].uid',
      'src_endpoint.domain',
      'src_endpoint.hostname',
      'src_endpoint.instance_uid',
      'src_endpoint.interface_uid',
      'src_endpoint.intermediate_ips[]',
      'src_endpoint.ip',
      'src_endpoint.uid',
    ]
    expect((await pivotsOf('1.1.0')).toSorted()).toEqual(expected)
    expect((await pivotsOf('1.8.0')).toSorted()).toEqual(expected)
  })

  it('leave out the hash of the raw data, one value per event', () => {
    const hash = { name: 'value', type: 'file_hash_t', requirement: 'optional' } as const
    expect(isPivot(field('value', 'string', { path: 'raw_data_hash.value', attribute: hash }))).toBe(false)
    expect(isPivot(field('value', 'string', { path: 'file.hashes[].value', attribute: hash }))).toBe(true)
  })
})
