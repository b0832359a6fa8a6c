import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../ocsf/columns.js'
import { type ColumnBuffer, createColumn, spreadKeyed } from './column.js'
import { groupEnds, timeOrder } from './row-groups.js'
import { parquetSchema } from './schema.js'
import { createShredder } from './shred.js'
import { createTextStore, textNumber } from './text.js'

const time: Field = {
  name: 'time',
  path: 'time',
  kind: 'timestamp',
  list: false,
  attribute: { name: 'time', type: 'timestamp_t', requirement: 'optional' },
  origin: 'mapped',
}

describe('rows by time', () => {
  it('are in the order of a stable sort, those without a time last', () => {
    const times = fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1_790_000_000_000, max: 1_790_003_600_000 }),
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constant(undefined),
    )
    fc.assert(
      fc.property(fc.array(times, { maxLength: 200 }), fc.integer({ min: 0, max: 3 }), (list, repeats) => {
        const rows = list.flatMap(value => Array<typeof value>(repeats + 1).fill(value)) // rows that repeat are not stored
        const shredder = createShredder(parquetSchema([time]))
        for (const row of rows) shredder.add({ time: row })
        const wanted = rows
          .map((value, row) => ({ value, row }))
          .sort((a, b) => {
            if (a.value === undefined || b.value === undefined) return Number(a.value === undefined) - Number(b.value === undefined)
            return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
          })
        expect([...timeOrder(shredder.columns[0]!, rows.length)]).toEqual(wanted.map(({ row }) => row))
      }),
      { numRuns: 300 },
    )
  })
})

describe('row groups', () => {
  it('end where they do with a slot for each row when a column has one for each class of rows', () => {
    const rows = 60_000
    const leaf = parquetSchema([{ ...time, name: 'message', path: 'message', kind: 'string' }]).leaves[0]!
    const keyed = (): ColumnBuffer => {
      const column = createColumn(leaf, createTextStore())
      const texts = ['x'.repeat(8000), 'y', 'z'.repeat(400)]
      column.data = Int32Array.from(texts, text => textNumber(column, text))
      column.defs = Uint8Array.of(leaf.def, leaf.def, leaf.def)
      column.slots = 3
      column.rows = rows
      column.keyed = {
        keys: Int32Array.from({ length: rows }, (_, row) => row % 3),
        partition: { classOf: Uint16Array.of(0, 1, 2), nulls: Uint8Array.of(9, 9, 9) },
      }
      return column
    }
    const spread = keyed()
    spreadKeyed(spread)
    const order = Int32Array.from({ length: rows }, (_, row) => rows - 1 - row)
    const ends = groupEnds([spread], order)
    expect(ends[0]).toBeLessThan(50_000) // else bytes do not count
    expect(groupEnds([keyed()], order)).toEqual(ends)
  })
})
