// The page index against the pages themselves, which are decoded by hyparquet.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { type ColumnChunk, type FileMetaData, parquetMetadata, parquetQuery, parquetReadObjects, readColumnIndex, readOffsetIndex } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { readDataPage } from 'hyparquet/src/datapage.js'
import { readPlain } from 'hyparquet/src/plain.js'
import { getMaxDefinitionLevel, getSchemaPath } from 'hyparquet/src/schema.js'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { describe, expect, it } from 'vitest'
import type { Field, FieldKind } from '../ocsf/columns.js'
import { uncompressed, zstd } from './codec.js'
import { PAGE_ROWS } from './levels.js'
import { STATISTICS_BYTES } from './statistics.js'
import { createParquetWriter } from './write.js'

type Obj = Readonly<Record<string, unknown>>
type Value = Buffer | number | bigint | boolean

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}
const time = field('time', 'timestamp')

function write(fields: readonly Field[], events: Iterable<Obj>, codec = uncompressed): { bytes: Uint8Array; metadata: FileMetaData } {
  const writer = createParquetWriter(fields, { codec })
  for (const event of events) writer.add(event)
  const bytes = writer.finish()
  return { bytes, metadata: parquetMetadata(bytes.slice().buffer as ArrayBuffer) }
}
type File = ReturnType<typeof write>

// ---- what is in the pages ----

interface SeenPage {
  readonly offset: number
  readonly bytes: number
  readonly row: number
  readonly nulls: number
  readonly values: readonly Value[]
}

function pagesOf({ bytes, metadata }: File, { meta_data: chunk }: ColumnChunk): SeenPage[] {
  const { type, codec, path_in_schema: path, dictionary_page_offset: first, data_page_offset, total_compressed_size: length } = chunk!
  const schemaPath = getSchemaPath(metadata.schema, path)
  const { element } = schemaPath.at(-1)!
  const start = Number(first ?? data_page_offset)
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset), offset: start }
  const decoder = { type, element, schemaPath, codec, pathInSchema: path, columnName: path[0]!, parsers: undefined as never }
  const pages: SeenPage[] = []
  let dictionary: ArrayLike<unknown> | undefined
  let row = 0
  while (reader.offset < start + Number(length)) {
    const offset = reader.offset
    const header = parquetHeader(reader)
    const body = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size)
    reader.offset += body.length
    if (header.dictionary_page_header !== undefined) {
      dictionary = readPlain({ view: new DataView(body.buffer, body.byteOffset), offset: 0 }, type, header.dictionary_page_header.num_values, undefined)
      continue
    }
    const daph = header.data_page_header!
    const { definitionLevels, repetitionLevels, dataPage } = readDataPage(body, daph, decoder)
    const def = getMaxDefinitionLevel(schemaPath)
    const nulls = definitionLevels!.filter(level => level !== def).length
    const stored = Array.from(dataPage as ArrayLike<unknown>, value => (daph.encoding === 'PLAIN' ? value : dictionary![value as number]))
    const values = stored.map(value => (value instanceof Uint8Array ? Buffer.from(value) : value)) as Value[]
    expect(values).toHaveLength(daph.num_values - nulls)
    pages.push({ offset, bytes: reader.offset - offset, row, nulls, values })
    row += repetitionLevels.length === 0 ? daph.num_values : repetitionLevels.filter(level => level === 0).length
  }
  return pages
}

function compare(a: Value, b: Value): number {
  if (Buffer.isBuffer(a)) return Buffer.compare(a, b as Buffer)
  return a < b ? -1 : a > b ? 1 : 0
}

/** A bound of the index, as the value that its bytes say. */
function bound(type: string, raw: Uint8Array): Value {
  const bytes = Buffer.from(raw)
  if (type === 'BYTE_ARRAY') return bytes
  if (type === 'BOOLEAN') return bytes[0] === 1
  if (type === 'INT32') return bytes.readInt32LE()
  return type === 'INT64' ? bytes.readBigInt64LE() : bytes.readDoubleLE()
}

/** Holds both indexes of a chunk against its pages; returns the boundary order. */
function check(file: File, chunk: ColumnChunk): string {
  const { type, path_in_schema, statistics } = chunk.meta_data!
  const path = path_in_schema.join('.')
  const pages = pagesOf(file, chunk)
  const view = (offset: bigint | undefined, length: number | undefined) => ({
    view: new DataView(file.bytes.buffer, file.bytes.byteOffset + Number(offset), length),
    offset: 0,
  })
  const offsetReader = view(chunk.offset_index_offset, chunk.offset_index_length)
  expect(readOffsetIndex(offsetReader).page_locations, path).toEqual(
    pages.map(({ offset, bytes, row }) => ({ offset: BigInt(offset), compressed_page_size: bytes, first_row_index: BigInt(row) })),
  )
  const columnReader = view(chunk.column_index_offset, chunk.column_index_length)
  // undecoded: a bound need not be a whole text
  const index = deserializeTCompactProtocol(columnReader)
  expect([offsetReader.offset, columnReader.offset], path).toEqual([chunk.offset_index_length, chunk.column_index_length])
  expect(index.field_1, path).toEqual(pages.map(({ values }) => values.length === 0))
  expect(index.field_5, path).toEqual(pages.map(({ nulls }) => BigInt(nulls)))
  expect(pages.reduce((sum, { nulls }) => sum + BigInt(nulls), 0n)).toBe(statistics!.null_count)
  const mins = index.field_2 as Uint8Array[]
  const maxs = index.field_3 as Uint8Array[]
  expect([mins.length, maxs.length]).toEqual([pages.length, pages.length])
  const bounds: { min: Value; max: Value }[] = []
  pages.forEach(({ values }, at) => {
    if (values.length === 0) {
      expect([mins[at]!.length, maxs[at]!.length]).toEqual([0, 0])
      return
    }
    const sorted = values.toSorted(compare)
    const least = sorted[0]!
    const greatest = sorted.at(-1)!
    const min = bound(type, mins[at]!)
    const max = bound(type, maxs[at]!)
    bounds.push({ min, max })
    const isLong = (value: Value) => Buffer.isBuffer(value) && value.length > STATISTICS_BYTES
    if (isLong(least)) {
      expect(compare(min, least), path).toBeLessThan(0)
      expect((min as Buffer).length).toBeLessThanOrEqual(STATISTICS_BYTES)
    } else expect(min, path).toEqual(least)
    if (isLong(greatest)) expect(compare(max, greatest), path).toBeGreaterThanOrEqual(0)
    else expect(max, path).toEqual(greatest)
  })
  const steps = bounds.slice(1).map(({ min, max }, at) => [compare(bounds[at]!.min, min), compare(bounds[at]!.max, max)])
  const order = steps.every(step => Math.max(...step) <= 0) ? 'ASCENDING' : steps.every(step => Math.min(...step) >= 0) ? 'DESCENDING' : 'UNORDERED'
  expect(['UNORDERED', 'ASCENDING', 'DESCENDING'][index.field_4], path).toBe(order)
  return order
}

function checkAll(file: File): Record<string, string[]> {
  const orders: Record<string, string[]> = {}
  for (const group of file.metadata.row_groups) {
    for (const chunk of group.columns) {
      const path = chunk.meta_data!.path_in_schema.join('.')
      orders[path] = [...(orders[path] ?? []), check(file, chunk)]
    }
  }
  return orders
}

// ---- rows ----

const fields = [
  time,
  field('falling', 'long'),
  field('constant', 'integer'),
  field('late', 'string'),
  field('mixed', 'integer'),
  field('long_text', 'string'),
  field('score', 'float'),
  field('flag', 'boolean'),
  field('names', 'string', { list: true }),
  field('device', 'object', { fields: [field('uid', 'string'), field('seen_time_dt', 'datetime')] }),
  field('nothing', 'string'),
  field('unmapped', 'open'),
]
function* rows(count: number): Generator<Obj> {
  for (let n = 0; n < count; n++) {
    yield {
      time: 1_700_000_000_000 + n,
      falling: -n * 2 ** 34,
      constant: 7,
      late: n < 25_000 ? undefined : `late ${n}`,
      mixed: (n * 7919) % 100_003,
      long_text: n % 9 === 0 ? `${'é'.repeat(40)}${n}` : `short ${n % 50}`,
      score: Math.sin(n),
      flag: n < 21_000 ? undefined : n > 45_000,
      names: n % 3 === 0 ? [] : [`a${n % 77}`, null, `漢${n % 5}`],
      device: n % 4 === 0 ? undefined : { uid: `eni-${n % 1000}`, seen_time_dt: new Date(1_700_000_000_000 - n).toISOString() },
      unmapped: n % 2 === 0 ? { [`id${n % 4}`]: String(n) } : undefined,
    }
  }
}

describe('the page index', () => {
  it('says of every page of every column what is in it', () => {
    const file = write(fields, rows(70_000))
    expect(file.metadata.row_groups).toHaveLength(2)
    const orders = checkAll(file)
    expect(Object.fromEntries(Object.entries(orders).map(([path, groups]) => [path, groups[0]]))).toMatchObject({
      time: 'ASCENDING',
      falling: 'DESCENDING',
      constant: 'ASCENDING',
      late: 'ASCENDING', // the null page before does not count
      flag: 'ASCENDING',
      mixed: 'UNORDERED',
      nothing: 'ASCENDING',
      'device.seen_time_dt': 'DESCENDING',
    })
  })

  it('says so for pages that were cut by bytes, and for whole rows of lists', () => {
    const text = 'x'.repeat(400)
    const events = Array.from({ length: 6000 }, (_, n) => ({
      time: n,
      late: `${n}${text}`,
      names: Array.from({ length: n % 7 }, (_, at) => `${n} ${at} ${text.slice(0, 200)}`),
    }))
    const file = write(fields, events)
    checkAll(file)
    for (const path of ['late', 'names.list.element']) {
      const chunk = file.metadata.row_groups[0]!.columns.find(c => c.meta_data!.path_in_schema.join('.') === path)!
      expect(pagesOf(file, chunk).length, path).toBeGreaterThan(2)
    }
  })

  it('holds for any values', () => {
    const value = fc.record(
      {
        time: fc.integer(),
        text: fc.string({ unit: 'binary', maxLength: 90 }),
        long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        float: fc.double({ noNaN: true, noDefaultInfinity: true }),
      },
      { requiredKeys: ['time'] },
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), events => {
        checkAll(write([time, field('text', 'string'), field('long', 'long'), field('float', 'float')], events))
      }),
    )
  })

  it('cuts columns at the same rows, unless they hold one value or none', () => {
    const file = write(fields, rows(50_000))
    const cuts: Record<string, number[]> = {}
    for (const chunk of file.metadata.row_groups[0]!.columns) cuts[chunk.meta_data!.path_in_schema.join('.')] = pagesOf(file, chunk).map(({ row }) => row)
    const { constant, nothing, ...others } = cuts
    expect([constant, nothing]).toEqual([[0], [0]])
    expect(Object.keys(others)).toHaveLength(fields.length - 2 + 2) // device has two columns, unmapped has two
    for (const [path, starts] of Object.entries(others)) expect(starts, path).toEqual([0, PAGE_ROWS, 2 * PAGE_ROWS])
  })

  it('stands behind the row groups and before the footer', () => {
    const { bytes, metadata } = write(fields, rows(60_000))
    const chunks = metadata.row_groups.flatMap(group => group.columns)
    const pagesEnd = Math.max(...chunks.map(({ meta_data: m }) => Number(m!.dictionary_page_offset ?? m!.data_page_offset) + Number(m!.total_compressed_size)))
    const spans = [
      ...chunks.map(chunk => [Number(chunk.column_index_offset), chunk.column_index_length!] as const),
      ...chunks.map(chunk => [Number(chunk.offset_index_offset), chunk.offset_index_length!] as const),
    ]
    let at = pagesEnd
    for (const [offset, length] of spans) {
      expect(offset).toBe(at)
      at += length
    }
    expect(at).toBe(bytes.length - 8 - metadata.metadata_length)
  })

  it('lets hyparquet read only the pages that a filter needs', async () => {
    const { bytes } = write(fields, rows(50_000), await zstd())
    let read = 0
    const file = {
      byteLength: bytes.length,
      slice(start: number, end = bytes.length): ArrayBuffer {
        read += end - start
        return bytes.slice(start, end).buffer as ArrayBuffer
      },
    }
    const { compressors } = await import('hyparquet-compressors')
    const options = {
      file,
      compressors,
      columns: ['time', 'mixed'],
      filter: { time: { $gte: 1_700_000_000_000n + 41_000n, $lt: 1_700_000_000_000n + 41_003n } },
    }
    const whole = await parquetQuery(options)
    const readWhole = read
    read = 0
    const narrowed = await parquetReadObjects({ ...options, usePageIndex: true, useOffsetIndex: true })
    expect(narrowed).toEqual(whole)
    expect(narrowed.map(row => row.mixed)).toEqual([41_000, 41_001, 41_002].map(n => (n * 7919) % 100_003))
    expect(read).toBeLessThan(readWhole / 2)
  })

  it('reads as values with hyparquet', () => {
    const { bytes, metadata } = write([time, field('text', 'string')], [{ time: 3, text: 'b' }, { time: 1, text: 'a' }, { time: 2 }])
    const [group] = metadata.row_groups
    const read = (at: number) => {
      const chunk = group!.columns[at]!
      const view = new DataView(bytes.buffer, bytes.byteOffset + Number(chunk.column_index_offset), chunk.column_index_length)
      return readColumnIndex({ view, offset: 0 }, metadata.schema[at + 1]!)
    }
    expect(read(0)).toMatchObject({ null_pages: [false], min_values: [1n], max_values: [3n], boundary_order: 'ASCENDING', null_counts: [0n] })
    expect(read(1)).toMatchObject({ null_pages: [false], min_values: ['a'], max_values: ['b'], boundary_order: 'ASCENDING', null_counts: [1n] })
  })

  it('gives DuckDB the same rows under a filter as without one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-'))
    try {
      const path = join(folder, 'pages.parquet')
      writeFileSync(path, write(fields, rows(70_000), await zstd()).bytes)
      const duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
      const sql = `SELECT count(*) AS n, min(time) AS first FROM '${path}' WHERE time BETWEEN 1700000055000 AND 1700000055999 AND late = 'late 55123' AND device.uid = 'eni-123'`
      expect((await duck.runAndReadAll(sql)).getRowObjects()).toEqual([{ n: 1n, first: 1_700_000_055_123n }])
      duck.closeSync()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
