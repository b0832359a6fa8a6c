import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../ocsf/columns.js'
import { timeOrder } from './row-groups.js'
import { parquetSchema } from './schema.js'
import { createShredder } from './shred.js'

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
