import fc from 'fast-check'
import { expect, it } from 'vitest'
import { appendMap } from './cells.js'
import { beginRow, type ColumnBuffer, createColumn } from './column.js'
import { flatten } from './flatten.js'
import type { Leaf } from './schema.js'
import { createTextStore, textBytes } from './text.js'

const leaf = (name: string): Leaf => ({
  kind: 'leaf',
  name,
  path: ['unmapped', 'key_value', name],
  eventPath: 'unmapped',
  holds: 'string',
  physical: 'byte_array',
  annotation: 'string',
  required: name === 'key',
  pivot: false,
  twin: undefined,
  def: 2,
  rep: 1,
  index: 0,
})

const utf8 = new TextDecoder()
const textsOf = ({ nested, text, data, defs }: ColumnBuffer, row: number): string[] => {
  const slots = Array.from({ length: nested!.end[row]! - nested!.first[row]! }, (_, at) => nested!.first[row]! + at)
  return slots.filter(slot => defs[slot] === 2).map(slot => utf8.decode(textBytes(text!, data[slot]!)))
}

it('appends what flattening gives, whichever columns were appended to before', () => {
  const name = fc.constantFrom('a', 'b', 'a.b', 'c[]', '__proto__')
  const scalar = fc.oneof(fc.boolean(), fc.constantFrom(1, -0, 1e21, 2n ** 60n, null), fc.constantFrom('x', 'y', ''), fc.string({ unit: 'grapheme-ascii' }))
  const members = (value: fc.Arbitrary<unknown>) => fc.dictionary(name, value, { maxKeys: 4 })
  const object = members(fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), members(scalar), fc.array(members(scalar), { maxLength: 2 })))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), object), { maxLength: 30 }), rows => {
      const texts = createTextStore()
      const files = [0, 1].map(() => ({
        keys: createColumn(leaf('key'), texts),
        values: createColumn(leaf('value'), texts),
        rows: [] as (readonly [string, string])[][],
      }))
      for (const [second, value] of rows) {
        const { keys, values, rows } = files[second ? 1 : 0]!
        beginRow(keys, rows.length)
        beginRow(values, rows.length)
        appendMap(keys, values, { def: 1, rep: 1 }, value, 0)
        rows.push([...flatten(value)])
      }
      for (const { keys, values, rows } of files) {
        for (const [row, pairs] of rows.entries()) {
          expect(textsOf(keys, row)).toEqual(pairs.map(([key]) => key))
          expect(textsOf(values, row)).toEqual(pairs.map(([, text]) => text))
        }
      }
    }),
  )
})

it('numbers texts anew where a column no longer knows them', () => {
  const texts = createTextStore()
  const keys = createColumn(leaf('key'), texts)
  const values = createColumn(leaf('value'), texts)
  for (let row = 0; row < 6000; row++) {
    beginRow(keys, row)
    beginRow(values, row)
    appendMap(keys, values, { def: 1, rep: 1 }, { id: `id ${row}`, same: 'x' }, 0)
    if (row === 3000) values.use!.unique = true
  }
  expect(textsOf(values, 2999)).toEqual(['id 2999', 'x'])
  expect(textsOf(values, 5999)).toEqual(['id 5999', 'x'])
  expect(keys.use!.distinct).toBe(2)
})
