// Read back by apache-arrow itself; DuckDB reads Arrow IPC only with an extension from the network.
import { type Table, tableFromIPC } from 'apache-arrow'
import { describe, expect, it, vi } from 'vitest'
import { classFields, type Field, type FieldKind } from '../ocsf/columns.js'
import { completer } from '../ocsf/complete.js'
import { loadFacts } from '../ocsf/facts.js'
import { toArrowIpc, toArrowTable } from './arrow.js'

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}
const fields = [
  field('time', 'timestamp', { twin: 'time_dt' }),
  field('time_dt', 'datetime', { twin: 'time' }),
  field('type_uid', 'integer'),
  field('count', 'integer'),
  field('score', 'float'),
  field('flag', 'boolean'),
  field('data', 'json'),
  field('names', 'string', { list: true }),
  field('resources', 'object', { list: true, fields: [field('uid', 'string'), field('sizes', 'long', { list: true })] }),
  field('device', 'object', { fields: [field('owner', 'object', { fields: [field('uid', 'string')] })] }),
  field('unmapped', 'open'),
]
const rowOf = (values: Record<string, unknown>) => ({ ...Object.fromEntries(fields.map(f => [f.name, null])), ...values })
/** Rows as plain values: bigint as it is, structs and maps as objects, lists as arrays. */
const plain = (value: unknown): unknown => {
  if (value === null || typeof value !== 'object') return value
  if (Symbol.iterator in value && !('toJSON' in value && !('get' in value))) {
    const { toJSON } = value as { toJSON?: () => unknown }
    const json = toJSON?.call(value)
    if (json !== undefined && !Array.isArray(json)) return plain(json)
    return [...(value as Iterable<unknown>)].map(plain)
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
const rowsOf = (table: Table) => table.toArray().map(row => plain(row?.toJSON()))

describe('toArrowTable and toArrowIpc', () => {
  it('carry the types of the Parquet files', async () => {
    const table = await toArrowTable(fields, [])
    expect(table.numRows).toBe(0)
    expect(table.schema.fields.map(String)).toEqual([
      'time: Int64',
      'time_dt: Timestamp<MILLISECOND, UTC>',
      'type_uid: Int64',
      'count: Int32',
      'score: Float64',
      'flag: Bool',
      'data: Utf8',
      'names: List<Utf8>',
      'resources: List<Struct<{uid:Utf8, sizes:List<Int64>}>>',
      'device: Struct<{owner:Struct<{uid:Utf8}>}>',
      'unmapped: Map<{key:Utf8, value:Utf8}>',
    ])
  })

  it.each(['file', 'stream'] as const)('keep every edge case, through an IPC %s', async format => {
    const events = [
      {
        time: 1_700_000_000_001,
        time_dt: '2023-11-14T22:13:20.001Z',
        type_uid: 400106,
        count: -1,
        score: 0.5,
        flag: true,
        data: { a: [1, null] },
        names: ['a', null, '🦆'],
      },
      {},
      { names: [], resources: [], unmapped: {}, device: {} },
      {
        time: 2n ** 62n,
        resources: [{ uid: 'r', sizes: [2n ** 53n + 1n, null] }, null, { sizes: [] }, {}],
        device: { owner: { uid: 'o' } },
        data: 'text',
        unmapped: { a: { b: 1 }, c: ['x', 'y'] },
      },
    ]
    const rows = [
      rowOf({
        time: 1_700_000_000_001n,
        time_dt: 1_700_000_000_001,
        type_uid: 400106n,
        count: -1,
        score: 0.5,
        flag: true,
        data: '{"a":[1,null]}',
        names: ['a', null, '🦆'],
      }),
      rowOf({}),
      rowOf({ names: [], resources: [], unmapped: {}, device: { owner: null } }),
      rowOf({
        time: 2n ** 62n,
        resources: [{ uid: 'r', sizes: [2n ** 53n + 1n, null] }, null, { uid: null, sizes: [] }, { uid: null, sizes: null }],
        device: { owner: { uid: 'o' } },
        data: '"text"',
        unmapped: { 'a.b': '1', 'c[]': '["x","y"]' },
      }),
    ]
    expect(rowsOf(await toArrowTable(fields, events))).toEqual(rows)
    expect(rowsOf(tableFromIPC(await toArrowIpc(fields, events, format)))).toEqual(rows)
  })

  it('take completed events of a class', async () => {
    const facts = await loadFacts('1.1.0')
    const columns = classFields(facts, 'network_activity', {
      activity_id: true,
      severity_id: true,
      time: true,
      metadata: { product: { name: true } },
      src_endpoint: { ip: true },
    })!
    const complete = completer(facts, columns)
    const events = Array.from({ length: 500 }, (_, n) =>
      complete({ class_uid: 4001, activity_id: 6, severity_id: 1, time: n, metadata: { product: { name: 'x' } }, src_endpoint: { ip: `192.0.2.${n % 9}` } }),
    )
    const table = tableFromIPC(await toArrowIpc(columns.fields, events))
    expect(table.numRows).toBe(500)
    expect([...table.getChild('time')!]).toEqual(events.map(event => BigInt(event.time as number)))
    expect([...table.getChild('activity_name')!]).toEqual(events.map(() => 'Traffic'))
    expect([...table.getChild('src_endpoint')!].map(row => row.ip)).toEqual(events.map(event => (event.src_endpoint as { ip: string }).ip))
  })

  it.each([
    ['names', { names: 'x' }],
    ['names', { names: [5] }],
    ['count', { count: 2 ** 31 }],
    ['time', { time: 1.5 }],
    ['score', { score: '1' }],
    ['flag', { flag: 1 }],
    ['time_dt', { time_dt: 'today' }],
    ['device', { device: 'x' }],
    ['unmapped', { unmapped: ['x'] }],
  ])('throw for a value that does not fit %s', async (path, event) => {
    await expect(toArrowTable(fields, [event])).rejects.toThrow(`at ${path}, found`)
  })

  it('say what to install when apache-arrow is missing', async () => {
    vi.doMock('apache-arrow', () => {
      throw new Error('not installed')
    })
    await expect(toArrowTable(fields, [])).rejects.toMatchObject({ code: 'peer_missing' })
    vi.doUnmock('apache-arrow')
  })
})
