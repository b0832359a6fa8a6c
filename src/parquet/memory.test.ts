// Memory and texts outlive a file: nothing of one may be seen in the next.
import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it, vi } from 'vitest'
import type { Field, FieldKind } from '../ocsf/columns.js'
import { uncompressed } from './codec.js'
import { free, ints, zeroBytes, zeroInts } from './memory.js'

type Row = Readonly<Record<string, unknown>>

const field = (name: string, kind: FieldKind, extra: Partial<Field> = {}): Field => ({
  name,
  path: name,
  kind,
  list: false,
  attribute: { name, type: 'string_t', requirement: 'optional' },
  origin: 'mapped',
  ...extra,
})
const FIELDS = [
  field('time', 'timestamp'),
  field('uid', 'string'),
  field('name', 'string'),
  field('domain', 'string'), // with a bloom filter
  field('names', 'string', { list: true }),
  field('bytes', 'long'),
  field('id', 'integer'),
]

/** As many rows as fill arrays that are used again, with texts of few or many kinds. */
const file = fc
  .record({
    rows: fc.integer({ min: 0, max: 12_000 }),
    names: fc.integer({ min: 1, max: 9000 }),
    step: fc.integer({ min: 1, max: 97 }),
    nulls: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ rows, names, step, nulls }): Row[] =>
    Array.from({ length: rows }, (_, n) => ({
      time: (n * step) % 7919,
      uid: `uid-${step}-${n}`,
      name: n % nulls === 0 ? undefined : `name ${(n * step) % names}`,
      domain: `${(n * step) % names}.example.com`,
      names: n % 3 === 0 ? undefined : [`name ${n % names}`, `name ${(n * step) % names}`].slice(n % 2),
      bytes: n * step,
      id: n % nulls === 0 ? undefined : (n * step) % names, // with the codes of `name`
    })),
  )

/** A writer of a module that has written nothing yet. */
async function fresh() {
  vi.resetModules()
  return (await import('./write.js')).createParquetWriter
}

type Create = Awaited<ReturnType<typeof fresh>>

function write(create: Create, rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const writer = create(FIELDS, { codec: uncompressed })
  expect(rows.filter(row => writer.add(row) !== undefined)).toEqual([])
  return new Uint8Array(writer.finish())
}

describe('memory that is used again', () => {
  it('is zeros where those are asked for, whatever was in it', () => {
    for (const length of [0, 1, 2047, 2048, 3000, 65_536, 65_537]) {
      const words = ints(length).fill(-1)
      expect(words).toHaveLength(length)
      free(words.subarray(0, length >> 1))
      const zeros = zeroInts(length)
      expect(zeros.buffer === words.buffer).toBe(length >= 2048) // small ones are not kept
      expect(zeros.every(word => word === 0)).toBe(true)
      free(zeros.fill(-1))
      expect(zeroBytes(length * 4).every(byte => byte === 0)).toBe(true)
    }
  })
  it('is used again', () => {
    const words = ints(5000)
    free(words)
    expect(ints(8000).buffer).toBe(words.buffer)
  })
  it('leaves nothing in the next file, nor do its texts: each is the same as if it were the first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 2, maxLength: 5 }), async files => {
        const create = await fresh()
        const inTurn = files.map(rows => write(create, rows))
        for (let at = 0; at < files.length; at++) expect(Buffer.compare(inTurn[at]!, write(await fresh(), files[at]!))).toBe(0)
      }),
      { numRuns: 12 },
    )
  }, 120_000)
  it('is not given back while another column needs it: columns with equal codes each have their own extremes', async () => {
    const rows = Array.from({ length: 30_000 }, (_, n) => ({ time: n, id: (n * 7919) % 3000, name: `name ${10_000 + ((n * 7919) % 3000)}` }))
    const bytes = write(await fresh(), rows)
    const { row_groups: groups } = parquetMetadata(bytes.buffer)
    const found = new Map(groups[0]!.columns.map(({ meta_data: meta }) => [meta!.path_in_schema.join('.'), meta!.statistics]))
    expect(found.get('id')).toMatchObject({ min_value: 0, max_value: 2999 })
    expect(found.get('name')).toMatchObject({ min_value: 'name 10000', max_value: 'name 12999' })
  })
})
