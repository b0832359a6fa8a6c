/** Parquet objects as JSON lines: every value as it is stored, and no object that takes the process down. */
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { Fault } from './decoder.js'
import { type Decompressors, parquetLines } from './parquet-lines.js'

const GZIP: Decompressors = { GZIP: (page, length) => gunzipSync(page, { maxOutputLength: Math.max(length, 1) }) }

async function read(bytes: Uint8Array, decompressors = GZIP, maxBytes = 2 ** 30) {
  let text = ''
  const faults: Fault[] = []
  for await (const item of parquetLines(bytes, decompressors, maxBytes)) {
    expect(faults).toEqual([])
    if (item instanceof Uint8Array) text += new TextDecoder().decode(item)
    else faults.push(item)
  }
  return { lines: text.split('\n').slice(0, -1), rules: faults.map(fault => fault.rule), faults }
}

const write = (columnData: ColumnSource[], more: { rowGroupSize?: number; codec?: 'GZIP' | 'UNCOMPRESSED' } = {}): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ codec: 'GZIP', compressors: { GZIP: page => gzipSync(page) }, columnData, ...more }))

const FLOWS: ColumnSource[] = [
  { name: 'srcaddr', type: 'STRING', data: ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.3'] },
  { name: 'srcport', type: 'INT32', nullable: true, data: [443, null, 53, 443, 443] },
  { name: 'bytes', type: 'INT64', data: [9007199254740993n, 1n, 2n ** 63n - 1n, -1n, 0n] },
]

// ---- Thrift's compact protocol, as much as lies need ----

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))])
const zigzag = (value: number): number[] => varint(value * 2)
const text = (value: string): number[] => [...varint(value.length), ...Buffer.from(value)]
/** Fields 1, 2, 3 …: `[type, bytes]`, or `undefined` for one that is not there. */
function struct(...fields: readonly (readonly [number, readonly number[]] | undefined)[]): number[] {
  let gap = 1
  const out: number[] = []
  for (const field of fields) {
    if (field === undefined) gap++
    else {
      out.push((gap << 4) | field[0], ...field[1])
      gap = 1
    }
  }
  return [...out, 0]
}
const i32 = (value: number) => [5, zigzag(value)] as const
const i64 = (value: number) => [6, zigzag(value)] as const
const list = (type: number, ...items: readonly (readonly number[])[]) => [9, [0xf0 | type, ...varint(items.length), ...items.flat()]] as const
const binary = (value: string) => [8, text(value)] as const

const object = (pages: readonly number[], footer: readonly number[]) =>
  Uint8Array.from([...Buffer.from('PAR1'), ...pages, ...footer, ...new Uint8Array(Uint32Array.of(footer.length).buffer), ...Buffer.from('PAR1')])

interface Lie {
  readonly rows?: number
  readonly values?: number
  readonly uncompressed?: number
  readonly encoding?: number
  readonly optional?: boolean
  readonly chunk?: number
  readonly codec?: number
  /** A second version page, with so many nulls. */
  readonly nulls?: number
  /** Numbers in a page before it. */
  readonly dictionary?: readonly number[]
}

/** An object with one INT32 column `a`, whose single page says what it likes. */
function lying(
  page: readonly number[],
  { rows = 1, values = rows, uncompressed = page.length, encoding = 0, optional = false, chunk, codec = 0, nulls, dictionary }: Lie,
): Uint8Array {
  const v1 = [12, struct(i32(values), i32(encoding), i32(3), i32(3))] as const
  const levels = optional ? 2 : 0
  const v2 = [12, struct(i32(values), i32(nulls ?? 0), i32(rows), i32(encoding), i32(levels), i32(0), [2, []])] as const
  const header =
    nulls === undefined
      ? struct(i32(0), i32(uncompressed), i32(page.length), undefined, v1)
      : struct(i32(3), i32(uncompressed), i32(page.length), undefined, undefined, undefined, undefined, v2)
  const numbers = [...new Uint8Array(Int32Array.from(dictionary ?? []).buffer)]
  const before =
    dictionary === undefined
      ? []
      : [...struct(i32(2), i32(numbers.length), i32(numbers.length), undefined, undefined, undefined, [12, struct(i32(dictionary.length), i32(0))]), ...numbers]
  const length = chunk ?? before.length + header.length + page.length
  const column = struct(i32(1), list(5, zigzag(encoding)), list(8, text('a')), i32(codec), i64(values), i64(length), i64(length), undefined, i64(4))
  const footer = struct(
    i32(1),
    list(12, struct(undefined, undefined, undefined, binary('schema'), i32(1)), struct(i32(1), undefined, i32(optional ? 1 : 0), binary('a'))),
    i64(rows),
    list(12, struct(list(12, struct(undefined, i64(4), [12, column])), i64(length), i64(rows))),
  )
  return object([...before, ...header, ...page], footer)
}

describe('parquetLines', () => {
  it('gives every row with all columns, nulls and digits, row group by row group', async () => {
    for (const rowGroupSize of [1, 2, 5, 100]) {
      expect(await read(write(FLOWS, { rowGroupSize }))).toMatchObject({
        rules: [],
        lines: [
          '{"srcaddr":"192.0.2.1","srcport":443,"bytes":9007199254740993}',
          '{"srcaddr":"192.0.2.1","srcport":null,"bytes":1}',
          '{"srcaddr":"192.0.2.2","srcport":53,"bytes":9223372036854775807}',
          '{"srcaddr":"192.0.2.1","srcport":443,"bytes":-1}',
          '{"srcaddr":"192.0.2.3","srcport":443,"bytes":0}',
        ],
      })
    }
  })

  it('gives times as they are stored, and bytes that are no text in hex', async () => {
    const bytes = write([
      { name: 'at', type: 'TIMESTAMP', data: [new Date(1773480300123)] },
      { name: 'text', type: 'BYTE_ARRAY', data: [Uint8Array.of(0x61, 0xff)] },
      { name: 'ratio', type: 'DOUBLE', data: [Number.NaN] },
      { name: 'flag', type: 'BOOLEAN', data: [true] },
      { name: 'quoted "name"', type: 'STRING', data: ['line\nbreak'] },
    ])
    expect(await read(bytes)).toMatchObject({
      rules: [],
      lines: ['{"at":1773480300123,"text":{"hex":"61ff"},"ratio":"NaN","flag":true,"quoted \\"name\\"":"line\\nbreak"}'],
    })
  })

  it('says which codec it cannot read', async () => {
    const { lines, faults } = await read(write(FLOWS), {})
    expect(lines).toEqual([])
    expect(faults[0]).toMatchObject({ rule: 'parquet_unsupported', found: expect.stringContaining('GZIP') })
  })

  it('says so when the end is missing, wherever it is cut', async () => {
    const whole = write(FLOWS, { rowGroupSize: 2 })
    for (let length = 0; length < whole.length; length++) expect((await read(whole.subarray(0, length))).rules, `${length} bytes`).toEqual(['parquet_damaged'])
  })

  it('ends in rows or a fault whatever byte is changed', async () => {
    const whole = write(FLOWS, { rowGroupSize: 2, codec: 'UNCOMPRESSED' })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async changes => {
        const bytes = whole.slice()
        for (const [at, byte] of changes) bytes[at] = byte
        const { lines, rules } = await read(bytes)
        expect(lines.length === 5 || rules.length === 1).toBe(true)
        for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
        for (const rule of rules) expect(rule).toMatch(/^parquet_(damaged|too_large|unsupported)$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('reads the hand-made object that the lies below are told with', async () => {
    expect(await read(lying([7, 0, 0, 0], {}))).toMatchObject({ rules: [], lines: ['{"a":7}'] })
    expect(await read(lying([2, 0, 0, 0, 2, 1, 7, 0, 0, 0], { optional: true }))).toMatchObject({ rules: [], lines: ['{"a":7}'] })
  })

  // one run of one index; behind it in a group of eight is what does not count
  const RUN = (index: number) => [2, 2, index]
  const PACKED = [2, 3, 0b11_11_11_01, 0b11111111]
  const DEFINED = [2, 0, 0, 0, 2, 1]

  it('reads values by their indexes, whatever stands behind those that count', async () => {
    const dictionary = [7, 8]
    const one = { rules: [], lines: ['{"a":8}'] }
    expect(await read(lying(RUN(1), { encoding: 8, dictionary }))).toMatchObject(one)
    expect(await read(lying(PACKED, { encoding: 8, dictionary }))).toMatchObject(one)
    expect(await read(lying([...DEFINED, ...PACKED], { encoding: 8, dictionary, optional: true }))).toMatchObject(one)
    expect(await read(lying(PACKED, { encoding: 8, dictionary, nulls: 0 }))).toMatchObject(one)
    expect(await read(lying([2, 1, ...PACKED], { encoding: 8, dictionary, nulls: 0, optional: true }))).toMatchObject(one)
    const two = { rules: [], lines: ['{"a":null}', '{"a":8}'] }
    expect(await read(lying([3, 2, ...PACKED], { rows: 2, encoding: 8, dictionary, nulls: 1, optional: true }))).toMatchObject(two)
    expect(await read(lying([2, 0, 0, 0, 3, 2, ...PACKED], { rows: 2, encoding: 8, dictionary, optional: true }))).toMatchObject(two)
    expect(await read(lying([0], { encoding: 8, dictionary }))).toMatchObject({ rules: [], lines: ['{"a":7}'] })
    expect(await read(lying([2, 0, 0, 0, 2, 0, 1], { encoding: 8, dictionary: [], optional: true }))).toMatchObject({ rules: [], lines: ['{"a":null}'] })
  })

  const GIGA = 2 ** 30
  const lies: Record<string, readonly [string, Uint8Array]> = {
    'a footer longer than the object': ['parquet_damaged', Uint8Array.from([...Buffer.from('PAR1'), 0, 0, 0, 0, 255, 255, 255, 127, ...Buffer.from('PAR1')])],
    'a list of a billion items': ['parquet_damaged', object([], [0x19, 0xfc, ...varint(GIGA), 0])],
    'lists in lists of a billion items': ['parquet_damaged', object([], [0x19, ...Array.from({ length: 4000 }, () => [0xf9, ...varint(GIGA)]).flat(), 0])],
    'structures a thousand deep': [
      'parquet_damaged',
      object(
        [],
        Array.from({ length: 1000 }, () => 0x1c),
      ),
    ],
    'a number without end': ['parquet_damaged', object([], [0x16, ...Array.from({ length: 100_000 }, () => 0x80), 0])],
    'a billion rows': ['parquet_too_large', lying([7, 0, 0, 0], { rows: GIGA })],
    'more values than rows': ['parquet_damaged', lying([7, 0, 0, 0], { values: GIGA })],
    'a page of a gigabyte': ['parquet_too_large', lying([7, 0, 0, 0], { uncompressed: GIGA })],
    'a column behind the end': ['parquet_damaged', lying([7, 0, 0, 0], { chunk: GIGA })],
    'a billion nulls from a run': ['parquet_damaged', lying([6, 0, 0, 0, ...varint(GIGA), 1, 7, 0, 0, 0], { optional: true })],
    'a billion packed levels': ['parquet_damaged', lying([6, 0, 0, 0, ...varint(GIGA + 1), 1, 7, 0, 0, 0], { optional: true })],
    'indexes without a dictionary': ['parquet_damaged', lying([1, 2, 0], { encoding: 8 })],
    'an index behind the dictionary': ['parquet_damaged', lying(RUN(2), { encoding: 8, dictionary: [7, 8] })],
    'packed indexes behind the dictionary': ['parquet_damaged', lying(PACKED, { rows: 2, encoding: 8, dictionary: [7, 8] })],
    'an index behind the dictionary of an optional column': [
      'parquet_damaged',
      lying([...DEFINED, ...RUN(2)], { encoding: 8, dictionary: [7, 8], optional: true }),
    ],
    'an index behind the dictionary of a second version page': ['parquet_damaged', lying(RUN(3), { encoding: 8, dictionary: [7, 8], nulls: 0 })],
    'an index of 32 bits': ['parquet_damaged', lying([32, 2, 0, 0, 0, 128], { encoding: 8, dictionary: [7, 8] })],
    'indexes of an empty dictionary': ['parquet_damaged', lying([0], { encoding: 8, dictionary: [] })],
    'no indexes for a value': ['parquet_damaged', lying(DEFINED, { encoding: 8, dictionary: [7, 8], optional: true })],
    'a billion indexes of no bits': ['parquet_damaged', lying([0, ...varint(GIGA)], { encoding: 8, dictionary: [7], nulls: 0 })],
    'deltas in no blocks': ['parquet_damaged', lying([0, 0, 2, 0, 0, 0], { rows: 2, encoding: 5 })],
    'delta blocks that go backwards': ['parquet_damaged', lying([128, 1, ...varint(2 ** 32 - 4), 2, 0, 0, 0], { rows: 2, encoding: 5 })],
    'an unknown encoding': ['parquet_unsupported', lying([7, 0, 0, 0], { encoding: 9 })],
    'columns that are not there': ['parquet_damaged', object([], struct(i32(1), list(12, struct(undefined, undefined, undefined, binary('s'), i32(9)))))],
  }
  it.each(Object.keys(lies))('refuses %s, at once', async lie => {
    const [rule, bytes] = lies[lie]!
    const started = performance.now()
    expect(await read(bytes)).toMatchObject({ lines: [], rules: [rule] })
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('refuses a page that unzips to more than it says', async () => {
    const zipped = [...gzipSync(Uint8Array.of(7, 0, 0, 0))]
    expect(await read(lying(zipped, { codec: 2, uncompressed: 4 }))).toMatchObject({ lines: ['{"a":7}'], rules: [] })
    const bomb = [...gzipSync(new Uint8Array(2 ** 26))]
    expect(await read(lying(bomb, { codec: 2, uncompressed: 4 }))).toMatchObject({ lines: [], rules: ['parquet_damaged'] })
  })

  it('stops where the pages of all row groups hold more bytes than allowed', async () => {
    const { lines, rules } = await read(write(FLOWS, { rowGroupSize: 1 }), GZIP, 150)
    expect(rules).toEqual(['parquet_too_large'])
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThan(5)
  })
})
