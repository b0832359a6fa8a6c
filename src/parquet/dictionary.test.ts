import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createColumn } from './column.js'
import { DICTIONARY_BYTES, dictionaryOf, distinctNumbers } from './dictionary.js'
import type { Leaf } from './schema.js'
import { createTextStore } from './text.js'

const leaf: Leaf = {
  kind: 'leaf',
  name: 'n',
  path: ['n'],
  eventPath: 'n',
  holds: 'integer',
  physical: 'int32',
  annotation: undefined,
  required: false,
  pivot: false,
  twin: undefined,
  def: 1,
  rep: 0,
  index: 0,
}
const texts = createTextStore()
const int32 = createColumn(leaf, texts)
const int64 = createColumn({ ...leaf, physical: 'int64', holds: 'long' }, texts)

describe('the distinct numbers of a column', () => {
  it('are those of a map, in order of first appearance', () => {
    const values = fc.oneof(
      fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 300 }),
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 3000, size: 'max' }),
    )
    fc.assert(
      fc.property(values, fc.constantFrom<1 | 2>(1, 2), fc.integer({ min: 0, max: 4000 }), (list, words, most) => {
        const count = Math.floor(list.length / words)
        const codes = new Map<string, number>()
        const wanted = Array.from({ length: count }, (_, n) => {
          const key = list.slice(n * words, (n + 1) * words).join()
          if (!codes.has(key)) codes.set(key, codes.size)
          return codes.get(key)!
        })
        const found = distinctNumbers(words, Int32Array.from(list), count, most)
        if (codes.size > most) expect(found).toBeUndefined()
        else {
          expect([...found!.codes!]).toEqual(wanted)
          expect(found!.size).toBe(codes.size)
          const keys = Array.from({ length: found!.size }, (_, code) => [...found!.values.slice(code * words, (code + 1) * words)].join())
          expect(keys).toEqual([...codes.keys()])
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('a dictionary of numbers', () => {
  it('is made when it pays: exactly for few values, for many unless they are nearly all distinct', () => {
    for (const [column, bytes] of [
      [int32, 4],
      [int64, 8],
    ] as const) {
      for (const count of [1, 2, 3, 10, 100, 1000, 8000, 50_000, 200_000]) {
        for (const size of [1, 2, 3, 8, 9, 100, 129, 1000, 5000, 16_000, 17_000, 26_000, 28_000, 60_000, 70_000]) {
          if (size > count) continue
          const values = new Int32Array((count * bytes) / 4)
          // every value stands at two places far apart, as far as there is room
          for (let n = 0; n < count; n++) values[(n * bytes) / 4] = (n % size) * 1000
          const width = Math.max(1, Math.ceil(Math.log2(size)))
          const sure = count <= 8192 || size * 4 <= count
          const pays = size * bytes <= DICTIONARY_BYTES && size * bytes + (count * width) / 8 < count * bytes * 0.8
          const found = dictionaryOf(column, values, count)
          if (sure || !pays) expect(found === undefined, `${size} of ${count}, ${bytes} bytes`).toBe(!pays)
          if (found !== undefined) expect([found.size, found.width, found.bytes]).toEqual([size, width, size * bytes])
        }
      }
    }
  })

  it('is found for values that repeat nearby, and for those that repeat far away', () => {
    const near = Int32Array.from({ length: 50_000 }, (_, n) => Math.floor(n / 10))
    const far = Int32Array.from({ length: 50_000 }, (_, n) => Math.imul(n % 5000, 0x9e3779b1))
    expect(dictionaryOf(int32, near, near.length)?.size).toBe(5000)
    expect(dictionaryOf(int32, far, far.length)?.size).toBe(5000)
  })
})
