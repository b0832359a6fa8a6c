// What the written bytes look like: page sizes, dictionaries, row groups, statistics. Pages are walked by a reader of our own.
import { type ColumnMetaData, type FileMetaData, parquetMetadata, parquetReadObjects, type Statistics } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { stringify } from '../json.js'
import type { Field, FieldKind } from '../ocsf/columns.js'
import { type Codec, snappy, uncompressed, zstd } from './codec.js'
import { DICTIONARY_BYTES } from './dictionary.js'
import { PAGE_BYTES } from './encode.js'
import { ROW_GROUP_BYTES } from './row-groups.js'
import { STATISTICS_BYTES } from './statistics.js'
import { createParquetWriter } from './write.js'

type Obj = Readonly<Record<string, unknown>>

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}
const time = field('time', 'timestamp')

function write(fields: readonly Field[], events: Iterable<Obj>, codec: Codec): { bytes: Uint8Array; metadata: FileMetaData } {
  const writer = createParquetWriter(fields, { codec })
  for (const event of events) writer.add(event)
  const bytes = writer.finish()
  return { bytes, metadata: parquetMetadata(bytes.slice().buffer as ArrayBuffer) }
}

// ---- a reader of page headers ----

interface Page {
  readonly dictionary: boolean
  readonly uncompressed: number
  readonly compressed: number
  readonly values: number
  readonly encoding: number
  readonly body: Uint8Array
}

/** One thrift struct as field id to number or struct; enough for page headers. */
function readStruct(bytes: Uint8Array, start: number): { fields: Map<number, number | Map<number, unknown>>; end: number } {
  const fields = new Map<number, number | Map<number, unknown>>()
  let at = start
  let id = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
  }
  for (;;) {
    const header = bytes[at++]!
    if (header === 0) return { fields, end: at }
    id += header >> 4
    if ((header & 15) === 5) fields.set(id, varint())
    else if ((header & 15) === 12) {
      const inner = readStruct(bytes, at)
      fields.set(id, inner.fields)
      at = inner.end
    } else throw new Error(`unexpected thrift type ${header & 15}`)
  }
}

function pagesOf(bytes: Uint8Array, chunk: ColumnMetaData): Page[] {
  const pages: Page[] = []
  let at = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
  const end = at + Number(chunk.total_compressed_size)
  let uncompressedBytes = 0
  while (at < end) {
    const { fields, end: body } = readStruct(bytes, at)
    const dictionary = fields.get(1) === 2
    const inner = fields.get(dictionary ? 7 : 5) as Map<number, number>
    const page = {
      dictionary,
      uncompressed: fields.get(2) as number,
      compressed: fields.get(3) as number,
      values: inner.get(1)!,
      encoding: inner.get(2)!,
      body: bytes.subarray(body, body + (fields.get(3) as number)),
    }
    if (!dictionary) expect([inner.get(3), inner.get(4)]).toEqual([3, 3])
    if (pages.length === (chunk.dictionary_page_offset === undefined ? 0 : 1)) expect(at).toBe(Number(chunk.data_page_offset))
    uncompressedBytes += body - at + page.uncompressed
    pages.push(page)
    at = body + page.compressed
  }
  expect(at).toBe(end)
  expect(uncompressedBytes).toBe(Number(chunk.total_uncompressed_size))
  expect(pages.filter(page => !page.dictionary).reduce((sum, page) => sum + page.values, 0)).toBe(Number(chunk.num_values))
  return pages
}

/** The first repetition level of an uncompressed page of a list: 0 begins a row. */
function firstLevel(body: Uint8Array): number {
  let at = 4
  const packed = body[at]! & 1
  while (body[at]! >= 0x80) at++
  return packed ? body[at + 1]! & 1 : body[at + 1]!
}

function everyPage({ bytes, metadata }: { bytes: Uint8Array; metadata: FileMetaData }): { path: string; page: Page }[] {
  return metadata.row_groups.flatMap(group =>
    group.columns.flatMap(({ meta_data: chunk }) => pagesOf(bytes, chunk!).map(page => ({ path: chunk!.path_in_schema.join('.'), page }))),
  )
}
function chunkOf(metadata: FileMetaData, path: string, group = 0): ColumnMetaData {
  return metadata.row_groups[group]!.columns.find(c => c.meta_data!.path_in_schema.join('.') === path)!.meta_data!
}

// ---- data ----

/** A small generator, so that a run can be repeated. */
function random(start: number): (below: number) => number {
  let state = start
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const endpoint = (name: string) => field(name, 'object', { fields: [field('ip', 'string'), field('port', 'integer'), field('uid', 'string')] })
const flowFields = [
  time,
  field('class_uid', 'integer'),
  endpoint('src_endpoint'),
  endpoint('dst_endpoint'),
  field('traffic', 'object', { fields: [field('bytes', 'long'), field('packets', 'long')] }),
  field('boundary', 'boolean'),
  field('score', 'float'),
  field('observables', 'object', { list: true, fields: [field('name', 'string'), field('value', 'string'), field('type_id', 'integer')] }),
  field('unmapped', 'open'),
]
function* flowRows(count: number): Generator<Obj> {
  const next = random(7)
  for (let n = 0; n < count; n++) {
    const src = { ip: `10.${next(256)}.${next(256)}.${next(256)}`, port: next(65536), uid: `eni-${next(100)}` }
    const dst = { ip: `192.0.2.${next(256)}`, port: 443, uid: n % 5 === 0 ? undefined : `eni-${next(100_000)}` }
    yield {
      time: 1_700_000_000_000 + next(3_600_000),
      class_uid: 4001,
      src_endpoint: src,
      dst_endpoint: dst,
      traffic: { bytes: next(2 ** 31), packets: next(1000) },
      boundary: next(3) === 0 ? undefined : next(2) === 0,
      score: next(1000) / 7,
      observables: [
        { name: 'src_endpoint.ip', value: src.ip, type_id: 2 },
        { name: 'dst_endpoint.ip', value: dst.ip, type_id: 2 },
      ],
      unmapped: next(4) === 0 ? { 'flow-direction': 'egress', id: String(next(1e9)) } : undefined,
    }
  }
}

const trailFields = [
  time,
  field('uid', 'string'),
  field('api', 'object', { fields: [field('operation', 'string'), field('request', 'object', { fields: [field('data', 'json')] })] }),
  field('raw_data', 'string'),
  field('unmapped', 'open'),
]
function* trailRows(count: number): Generator<Obj> {
  const next = random(11)
  for (let n = 0; n < count; n++) {
    const items = Array.from({ length: 40 + next(60) }, () => ({ instanceId: `i-${next(2 ** 31).toString(16)}`, note: 'x'.repeat(next(60)) }))
    const data = { instancesSet: { items }, id: n }
    yield {
      time: 1_700_000_000_000 + n,
      uid: `${n}-${next(2 ** 31).toString(36)}`,
      api: { operation: `Operation${next(40)}`, request: { data } },
      raw_data: n % 2 === 0 ? stringify(data) : undefined,
      unmapped: { eventVersion: '1.11', requestParameters: data },
    }
  }
}

describe('the pages of a file', () => {
  it('stay below 1 MiB, dictionaries below their cap, on large JSON', async () => {
    const file = write(trailFields, trailRows(3000), await zstd())
    const pages = everyPage(file)
    for (const { path, page } of pages) expect(page.uncompressed, path).toBeLessThanOrEqual(page.dictionary ? DICTIONARY_BYTES : PAGE_BYTES)
    const data = pages.filter(({ path }) => path === 'api.request.data')
    expect(data.length).toBeGreaterThan(10)
    expect(data.every(({ page }) => page.encoding === 0)).toBe(true)
    expect(pages.filter(({ path, page }) => path === 'api.operation' && page.dictionary)).toHaveLength(file.metadata.row_groups.length)
    const events = [...trailRows(3000)]
    const rows = await parquetReadObjects({ file: file.bytes.slice().buffer as ArrayBuffer, compressors })
    expect(rows.map(row => (row.api as { request: { data: string } }).request.data)).toEqual(
      events.map(event => stringify((event.api as { request: { data: unknown } }).request.data)),
    )
  })

  it('stay below 1 MiB, dictionaries below their cap, on 100,000 rows', async () => {
    const file = write(flowFields, flowRows(100_000), await snappy())
    expect(file.metadata.row_groups.length).toBe(2)
    let dictionaries = 0
    for (const { path, page } of everyPage(file)) {
      expect(page.uncompressed, path).toBeLessThanOrEqual(page.dictionary ? DICTIONARY_BYTES : PAGE_BYTES)
      if (page.dictionary) dictionaries++
    }
    expect(dictionaries).toBeGreaterThan(10)
    // random addresses do not repeat enough for a dictionary
    expect(chunkOf(file.metadata, 'src_endpoint.ip').encodings).toContain('PLAIN')
    expect(chunkOf(file.metadata, 'src_endpoint.uid').encodings).toContain('PLAIN_DICTIONARY')
    const [wanted] = flowRows(1)
    const rows = await parquetReadObjects({ file: file.bytes.slice().buffer as ArrayBuffer, compressors, columns: ['time', 'src_endpoint', 'traffic'] })
    expect(rows.filter(row => (row.src_endpoint as Obj).ip === (wanted!.src_endpoint as Obj).ip && row.time === BigInt(wanted!.time as number))).toEqual([
      {
        time: BigInt(wanted!.time as number),
        src_endpoint: wanted!.src_endpoint,
        traffic: { bytes: BigInt((wanted!.traffic as { bytes: number }).bytes), packets: BigInt((wanted!.traffic as { packets: number }).packets) },
      },
    ])
  })

  it('grow beyond 1 MiB only for a row that is larger by itself', async () => {
    const big = 'b'.repeat(3 * 2 ** 20)
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`key-${n}`, `some value ${n}`]))
    const events = Array.from({ length: 9 }, (_, n) => ({
      time: n,
      text: n % 4 === 1 ? `${n}${big}` : `small ${n}`,
      unmapped: n % 4 === 1 ? { ...many, n } : { n },
    }))
    const file = write([time, field('text', 'string'), field('unmapped', 'open')], events, uncompressed)
    const pages = everyPage(file)
    const oversized = pages.filter(({ page }) => page.uncompressed > PAGE_BYTES)
    const texts = pages.filter(({ path }) => path === 'text').map(({ page }) => page.values)
    expect(texts).toEqual([1, 1, 3, 1, 3])
    expect(oversized.filter(({ path }) => path === 'text').map(({ page }) => page.values)).toEqual([1, 1])
    expect(oversized.filter(({ path }) => path === 'unmapped.key_value.value').map(({ page }) => page.values)).toEqual([60_001, 60_001])
    for (const { path, page } of pages.filter(p => p.path.startsWith('unmapped'))) expect(firstLevel(page.body), path).toBe(0)
    const rows = await parquetReadObjects({ file: file.bytes.slice().buffer as ArrayBuffer })
    expect(rows.map(row => [row.text, Object.keys(row.unmapped as Obj).length])).toEqual(events.map(event => [event.text, Object.keys(event.unmapped).length]))
  })

  it('hold whole rows, as many as fit', () => {
    const next = random(3)
    const sizes = Array.from({ length: 300_000 }, () => BigInt(next(2 ** 31)) * 4_294_967_291n)
    // 30,000 items of 8 bytes, with up to a byte for each of two levels: three rows fit
    const rows = Array.from({ length: 10 }, (_, n) => ({ time: n, sizes: sizes.slice(n * 30_000, (n + 1) * 30_000) }))
    const file = write([time, field('sizes', 'long', { list: true })], rows, uncompressed)
    const pages = everyPage(file).filter(({ path }) => path === 'sizes.list.element')
    expect(pages.map(({ page }) => page.values)).toEqual([90_000, 90_000, 90_000, 30_000])
    for (const { page } of pages) expect(page.uncompressed).toBeLessThanOrEqual(PAGE_BYTES)
  })

  it('close a row group at counted bytes', async () => {
    const text = 'x'.repeat(2 ** 20)
    const file = write(
      [time, field('text', 'string')],
      Array.from({ length: 100 }, (_, n) => ({ time: n, text: `${n}${text}` })),
      await zstd(1),
    )
    expect(file.metadata.row_groups.map(group => Number(group.num_rows))).toEqual([63, 37])
    for (const group of file.metadata.row_groups) expect(Number(group.total_byte_size)).toBeLessThanOrEqual(ROW_GROUP_BYTES + 4096)
  })
})

describe('the statistics of a column', () => {
  it('are the least and greatest value and the number of nulls, in every row group', () => {
    const events = [...flowRows(60_000)].sort((a, b) => Number(a.time) - Number(b.time))
    const { metadata } = write(flowFields, events, uncompressed)
    const groups = [events.slice(0, 50_000), events.slice(50_000)]
    const columns: [string, (event: Obj) => unknown][] = [
      ['time', event => BigInt(event.time as number)],
      ['class_uid', event => event.class_uid],
      ['src_endpoint.port', event => (event.src_endpoint as Obj).port],
      ['src_endpoint.ip', event => (event.src_endpoint as Obj).ip],
      ['dst_endpoint.uid', event => (event.dst_endpoint as Obj).uid],
      ['traffic.bytes', event => BigInt((event.traffic as { bytes: number }).bytes)],
      ['score', event => event.score],
      ['boundary', event => event.boundary],
    ]
    groups.forEach((rows, group) => {
      for (const [path, cellOf] of columns) {
        // ASCII: the order of JavaScript strings is that of their bytes
        const values = rows.map(cellOf).filter(value => value !== undefined) as (string | number | bigint | boolean)[]
        values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        const [least] = values
        const greatest = values.at(-1)
        const { statistics } = chunkOf(metadata, path, group)
        expect(statistics, path).toMatchObject({
          null_count: BigInt(rows.length - values.length),
          min_value: least,
          max_value: greatest,
          is_min_value_exact: true,
          is_max_value_exact: true,
        })
      }
    })
  })

  it('have no range where there is no value', () => {
    const { metadata } = write([time, field('text', 'string')], [{ time: 1 }, { time: 2 }], uncompressed)
    const { statistics } = chunkOf(metadata, 'text')
    expect(statistics?.null_count).toBe(2n)
    expect(statistics?.min_value).toBeUndefined()
    expect(statistics?.max_value).toBeUndefined()
  })

  it('order 64-bit integers and doubles by value', () => {
    const fields = [time, field('long', 'long'), field('float', 'float')]
    const longs = [5n, -1n, 2n ** 40n, -(2n ** 40n) - 3n, 4294967295n, -(2n ** 63n), 2n ** 63n - 1n]
    const floats = [0.5, -0.25, 1e300, -1e-300, 3, -7.5, 0]
    const { metadata } = write(
      fields,
      longs.map((long, n) => ({ time: n, long, float: floats[n] })),
      uncompressed,
    )
    expect(chunkOf(metadata, 'long').statistics).toMatchObject({ min_value: -(2n ** 63n), max_value: 2n ** 63n - 1n })
    expect(chunkOf(metadata, 'float').statistics).toMatchObject({ min_value: -7.5, max_value: 1e300 })
  })

  const range = (...texts: string[]): Statistics => {
    const { metadata } = write(
      [time, field('text', 'string')],
      texts.map((text, n) => ({ time: n, text })),
      uncompressed,
    )
    return chunkOf(metadata, 'text').statistics!
  }
  const utf8 = (text: unknown): Buffer => Buffer.from(String(text))

  it('order strings by UTF-8 bytes, not by UTF-16 units', () => {
    // U+FF5E sorts after U+1F986 in UTF-16, before it in UTF-8
    expect(range('～', '🦆', 'z')).toMatchObject({ min_value: 'z', max_value: '🦆' })
    expect(range('é', 'z', 'a\u0000')).toMatchObject({ min_value: 'a\u0000', max_value: 'é' })
  })

  it('keep a byte order mark that begins a long string', () => {
    const writer = createParquetWriter([time, field('text', 'string')], { codec: uncompressed })
    writer.add({ time: 1, text: `\ufeff${'a'.repeat(100)}` })
    const footer = Buffer.from(writer.finish())
    expect(footer.includes(`\ufeff${'a'.repeat(60)}b`)).toBe(true) // max: 3 bytes of mark and 61 more
  })

  it('cut long strings to bounds that hold', () => {
    const cases = [
      'a'.repeat(100),
      'é'.repeat(50),
      `${'a'.repeat(63)}é and more`,
      '🦆'.repeat(20),
      `${'a'.repeat(60)}\u{10ffff}\u{10ffff}`,
      `${'b'.repeat(61)}\ud7ff tail`,
      `a${'\u007f'.repeat(99)}`,
    ]
    for (const text of cases) {
      const { min_value: min, max_value: max, is_min_value_exact: minExact, is_max_value_exact: maxExact } = range(text)
      expect([minExact, maxExact]).toEqual([false, false])
      expect(utf8(min).length).toBeLessThanOrEqual(STATISTICS_BYTES)
      expect(utf8(max).length).toBeLessThanOrEqual(STATISTICS_BYTES + 1)
      expect(Buffer.compare(utf8(min), utf8(text))).toBeLessThan(0)
      expect(Buffer.compare(utf8(max), utf8(text))).toBeGreaterThan(0)
      expect(`${min}${max}`).not.toContain('\ufffd')
    }
    expect(range('a'.repeat(64))).toMatchObject({ min_value: 'a'.repeat(64), is_min_value_exact: true, is_max_value_exact: true })
    const highest = '\u{10ffff}'.repeat(20)
    expect(range(highest)).toMatchObject({ max_value: highest, is_max_value_exact: true })
  })
})
