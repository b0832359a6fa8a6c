// Columns that are equal share pages; columns that are nearly equal must not. Read back by hyparquet.
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import type { Field, FieldKind } from '../ocsf/columns.js'
import { uncompressed, zstd } from './codec.js'
import { ROW_GROUP_ROWS } from './row-groups.js'
import { createParquetWriter } from './write.js'

type Row = Readonly<Record<string, unknown>>

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}
const time = field('time', 'timestamp')
const end = field('end_time', 'timestamp')
const id = field('activity_id', 'integer')
const name = field('activity_name', 'string')

const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

async function write(fields: readonly Field[], rows: readonly Row[], codec = uncompressed): Promise<Uint8Array> {
  const writer = createParquetWriter(fields, { codec })
  expect(rows.filter(row => writer.add(row) !== undefined)).toEqual([])
  return writer.finish()
}

/** The rows of a file, absent attributes left out, integers as numbers. */
async function read(bytes: Uint8Array): Promise<Row[]> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value)
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value ?? undefined
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, plain(inner)])
        .filter(([, inner]) => inner !== undefined),
    )
  }
  return (await parquetReadObjects({ file: buffer(bytes), compressors })).map(row => plain(row) as Row)
}

/** The stored data pages of a column in the first row group. */
function dataPages(bytes: Uint8Array, path: string): Uint8Array {
  const chunk = parquetMetadata(buffer(bytes)).row_groups[0]!.columns.find(column => column.meta_data!.path_in_schema.join('.') === path)!.meta_data!
  const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
  return bytes.slice(Number(chunk.data_page_offset), start + Number(chunk.total_compressed_size))
}

const ROWS = 30_000
const numbered = (row: (n: number) => Row): Row[] => Array.from({ length: ROWS }, (_, n) => ({ time: n, ...row(n) }))

describe('columns that are equal', () => {
  it('hold the same pages, and each its own dictionary', async () => {
    const rows = numbered(n => ({ end_time: n, activity_id: (n * 7) % 5, activity_name: `activity ${(n * 7) % 5}` }))
    const bytes = await write([time, end, id, name], rows, await zstd())
    expect(dataPages(bytes, 'end_time')).toEqual(dataPages(bytes, 'time'))
    expect(dataPages(bytes, 'activity_name')).toEqual(dataPages(bytes, 'activity_id'))
    expect(await read(bytes)).toEqual(rows)
  })

  it('are told from a twin that differs in one value, wherever it is', async () => {
    for (const odd of [0, 1, 19_999, 20_000, ROWS - 1]) {
      const rows = numbered(n => ({ end_time: n === odd ? n + 1 : n }))
      expect(await read(await write([time, end], rows)), `row ${odd}`).toEqual(rows)
    }
  })

  it('are told from a twin that differs in the upper word only', async () => {
    const rows = numbered(n => ({ end_time: n === 12_345 ? n + 2 ** 32 : n }))
    expect(await read(await write([time, end], rows))).toEqual(rows)
  })

  it('are told from a twin with one null', async () => {
    for (const odd of [0, 15_000, ROWS - 1]) {
      const rows = numbered(n => (n === odd ? {} : { end_time: n }))
      expect(await read(await write([time, end], rows)), `row ${odd}`).toEqual(rows)
    }
  })

  it('are told from a caption that two ids share, or that one id changes', async () => {
    const captions = ['Unknown', 'Open', 'Open', 'Close']
    const shared = numbered(n => ({ activity_id: n % 4, activity_name: captions[n % 4]! }))
    expect(await read(await write([time, id, name], shared))).toEqual(shared)
    const changed = numbered(n => ({ activity_id: n % 4, activity_name: n === 17_000 ? 'Reset' : `caption ${n % 4}` }))
    expect(await read(await write([time, id, name], changed))).toEqual(changed)
    const swapped = numbered(n => ({ activity_id: n % 4, activity_name: n === 17_000 ? `caption ${(n + 1) % 4}` : `caption ${n % 4}` }))
    expect(await read(await write([time, id, name], swapped))).toEqual(swapped)
  })

  it('are told from a caption that lacks where its id stands', async () => {
    const rows = numbered(n => ({ activity_id: n % 4, ...(n % 1000 !== 999 && { activity_name: `caption ${n % 4}` }) }))
    expect(await read(await write([time, id, name], rows))).toEqual(rows)
  })

  it('are told from a list that all rows have alike, whatever repeats in it', async () => {
    const lists = ['a', 'b', 'c'].map(one => field(one, 'integer', { list: true, path: `${one}[]` }))
    const texts = ['d', 'e'].map(one => field(one, 'string', { list: true, path: `${one}[]` }))
    const alike = { a: [1, 2, 1], c: [3, 4, 3], d: ['x', 'y', 'x'] } // the very same lists in each row
    const rows = numbered(n => ({ ...alike, b: n === 0 ? [1, 2, 1] : [1, 2, n], e: n % 2 === 0 ? alike.d : ['x', 'y', 'z'] }))
    for (const fields of [lists, lists.toReversed()]) {
      const bytes = await write([time, ...fields, ...texts], rows)
      expect(await read(bytes)).toEqual(rows)
      expect(dataPages(bytes, 'c.list.element')).toEqual(dataPages(bytes, 'a.list.element'))
      expect(dataPages(bytes, 'd.list.element')).toEqual(dataPages(bytes, 'a.list.element'))
    }
  })

  it('are found again in every row group', async () => {
    const rows = Array.from({ length: ROW_GROUP_ROWS + 10 }, (_, n) => ({ time: n, end_time: n, activity_id: n % 3, activity_name: `caption ${n % 3}` }))
    const bytes = await write([time, end, id, name], rows)
    expect(parquetMetadata(buffer(bytes)).row_groups).toHaveLength(2)
    expect(await read(bytes)).toEqual(rows)
  })

  it('hold nothing at the same places, whatever their types', async () => {
    const fields = [time, id, name, end, field('flag', 'boolean'), field('names', 'string', { list: true, path: 'names[]' })]
    const rows = numbered(() => ({}))
    expect(await read(await write(fields, rows))).toEqual(rows)
  })

  it('read as what was written, for any rows of few values', async () => {
    const inner = [
      field('items[].uid', 'string', { name: 'uid' }),
      field('items[].kind', 'string', { name: 'kind' }),
      field('items[].size', 'integer', { name: 'size' }),
    ]
    const fields = [
      time,
      end,
      field('start_time', 'timestamp'),
      id,
      name,
      field('other_id', 'integer'),
      field('flag', 'boolean'),
      field('both', 'boolean'),
      field('items', 'object', { list: true, path: 'items[]', fields: inner }),
    ]
    const few = fc.integer({ min: 0, max: 2 })
    const text = fc.constantFrom('a', 'b', '')
    const item = fc.record({ uid: text, kind: text, size: few }, { requiredKeys: [] })
    const row = fc.record(
      {
        end_time: few,
        start_time: few,
        activity_id: few,
        activity_name: text,
        other_id: few,
        flag: fc.boolean(),
        both: fc.boolean(),
        items: fc.array(item, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), fc.boolean(), async (some, backwards) => {
        const rows = some.map((one, n) => ({ time: backwards ? some.length - n : n, ...one }))
        const wanted = backwards ? rows.toReversed() : rows
        expect(await read(await write(fields, rows))).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })
})
