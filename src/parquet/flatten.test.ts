import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flatten } from './flatten.js'

const flat = (value: Record<string, unknown>) => [...flatten(value)]

describe('flatten', () => {
  it('joins names with dots and marks arrays', () => {
    expect(flat({ requestParameters: { instancesSet: { items: [{ instanceId: 'i-1' }, { instanceId: 'i-2' }] } }, tags: ['a'] })).toEqual([
      ['requestParameters.instancesSet.items[].instanceId', '["i-1","i-2"]'],
      ['tags[]', 'a'],
    ])
  })

  it('keeps a string as it is and writes numbers and booleans as JSON text', () => {
    expect(flat({ text: 'a "b", c', n: 1.5, big: 9007199254740993n, yes: true, empty: '' })).toEqual([
      ['text', 'a "b", c'],
      ['n', '1.5'],
      ['big', '9007199254740993'],
      ['yes', 'true'],
      ['empty', ''],
    ])
  })

  it('writes several values of one path as a JSON array, whatever their kinds', () => {
    expect(flat({ a: [1, 'x, y', true, 2n ** 60n, [2]], 'b.c': 1, b: { c: 2 } })).toEqual([
      ['a[]', '[1,"x, y",true,1152921504606846976]'],
      ['a[][]', '2'],
      ['b.c', '[1,2]'],
    ])
  })

  it('leaves nulls out and keeps empty arrays and objects', () => {
    expect(flat({ none: null, gone: undefined, list: [null, 'x'], nothing: [], object: {}, objects: [{}, {}] })).toEqual([
      ['list[]', 'x'],
      ['nothing[]', '[]'],
      ['object', '{}'],
      ['objects[]', '[{},{}]'],
    ])
    expect(flat({ a: [[], [1]] })).toEqual([['a[][]', '1']])
  })

  it('keeps one value among empty lists of the same path as it is', () => {
    expect([...flatten({ items: [{ tags: [] }, { tags: ['a'] }, { tags: [] }] })]).toEqual([['items[].tags[]', 'a']])
    expect([...flatten({ items: [{ tags: ['a'] }, { tags: [] }] })]).toEqual([['items[].tags[]', 'a']])
  })

  it('names any number of paths', () => {
    for (let n = 0; n < 10_000; n++) {
      const name = `name ${n % 6000}`
      expect([...flatten({ [name]: { a: [n] }, list: [{ [name]: 'x' }] })]).toEqual([
        [`${name}.a[]`, String(n)],
        [`list[].${name}`, 'x'],
      ])
    }
  })

  it('treats __proto__ and other inherited names like any name', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"polluted":"yes"},"constructor":"c","toString":["t"]}')
    expect(flat(hostile as Record<string, unknown>)).toEqual([
      ['__proto__.polluted', 'yes'],
      ['constructor', 'c'],
      ['toString[]', 't'],
    ])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('loses no leaf but null', () => {
    const leaves = (value: unknown): string[] => {
      if (value === null) return []
      if (typeof value !== 'object') return [JSON.stringify(value)]
      const inner = Object.values(value as object)
      return inner.flatMap(leaves)
    }
    // names without dots and brackets, so that the paths can be told apart
    const name = fc.stringMatching(/^[a-z]{1,3}$/)
    const { object } = fc.letrec(tie => ({
      leaf: fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.stringMatching(/^[A-Z]{1,8}$/)),
      value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), fc.array(tie('value'), { maxLength: 4 }), tie('object')),
      object: fc.dictionary(name, tie('value'), { maxKeys: 5 }),
    }))
    fc.assert(
      fc.property(object, value => {
        const found: string[] = []
        for (const [path, text] of flatten(value as Record<string, unknown>)) {
          expect(path).toMatch(/^[a-z]+(\[\])*(\.[a-z]+(\[\])*)*$/)
          const parsed: unknown = /^[A-Z]/.test(text) ? text : JSON.parse(text)
          found.push(...leaves(parsed))
        }
        expect(found.sort()).toEqual(leaves(value).sort())
      }),
    )
  })
})
