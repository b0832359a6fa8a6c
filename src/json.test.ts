import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Json, MAX_DEPTH, parseJson, readWhole, stringify, UnreadJson } from './json.js'

/** What JSON.stringify printed without an exponent is an integer of those digits. */
function exact(_key: string, value: unknown): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(Number(value)) < 1e21 ? BigInt(String(value)) : value
}

describe('parseJson', () => {
  it('keeps every digit of integers beyond 2^53', () => {
    expect(parseJson('[9007199254740993,-9007199254740993,9007199254740991,18446744073709551615]')).toEqual([
      9007199254740993n,
      -9007199254740993n,
      9007199254740991,
      18446744073709551615n,
    ])
  })

  it('keeps a numeral that no double holds as its text', () => {
    expect(parseJson('{"a":1e400,"b":-1e400,"c":0.12345678901234567890,"d":1e-400}')).toEqual({
      a: '1e400',
      b: '-1e400',
      c: '0.12345678901234567890',
      d: '1e-400',
    })
  })

  it('keeps a numeral of absurd length as its text', () => {
    const digits = `1${'0'.repeat(100_000)}1`
    expect(parseJson(digits)).toBe(digits)
  })

  it('reads numerals that a double holds as numbers', () => {
    expect(parseJson('[9.82222e-05,5.0,1E2,-0.5,0e1,1.500,100000000000000000000e-20,0.1]')).toEqual([9.82222e-5, 5, 100, -0.5, 0, 1.5, 1, 0.1])
  })

  it('makes __proto__ an own property that pollutes nothing, on both paths', () => {
    for (const more of ['1', '9007199254740993']) {
      const value = parseJson(`{"__proto__":{"polluted":true},"n":${more}}`)
      expect(Object.keys(value as object)).toEqual(['__proto__', 'n'])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    }
  })

  it('throws SyntaxError for what is no JSON, on both paths', () => {
    const bad = [
      '',
      '{',
      '[1,]',
      '{"a":1,}',
      '{a:1}',
      '"\n"',
      '01',
      '1.',
      '.5',
      '+1',
      '1e',
      'nul',
      '[1 2]',
      '{"a" 1}',
      '"\\x"',
      '[1]x',
      '"abc',
      '\u00a01',
      '- 1',
      '{"a":tru}',
    ]
    for (const text of bad) {
      expect(() => parseJson(text), text).toThrow(SyntaxError)
      expect(() => parseJson(`[12345678901234567890,${text}]`), text).toThrow(SyntaxError)
    }
  })

  it('refuses nesting that would exhaust the stack', () => {
    const deep = (depth: number): string => `${'['.repeat(depth)}1e1${']'.repeat(depth)}`
    expect(() => parseJson(deep(MAX_DEPTH))).not.toThrow()
    expect(() => parseJson(deep(100_000))).toThrow(SyntaxError)
    expect(() => parseJson(`${'{"a":'.repeat(MAX_DEPTH + 1)}1e1${'}'.repeat(MAX_DEPTH + 1)}`)).toThrow(SyntaxError)
  })

  it('agrees with JSON.parse wherever JSON.parse loses nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom('', ' ', '\n\t'), (value, space) => {
        const text = `${space}${JSON.stringify(value, undefined, space)}${space}`
        const expected: unknown = JSON.parse(text, exact)
        expect(parseJson(text)).toEqual(expected)
        // the second element forces the slow path
        expect(parseJson(`[${text},1e1]`)).toEqual([expected, 10])
      }),
    )
  })

  it('reads back every integer and every double', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.double({ noNaN: true, noDefaultInfinity: true }), (integer, double) => {
        const [i, d] = parseJson(`[${integer},${JSON.stringify(double)}]`) as [number | bigint, number | bigint]
        expect(BigInt(i)).toBe(integer)
        expect(Number(d)).toBe(double === 0 ? 0 : double)
      }),
    )
  })
})

describe('readWhole', () => {
  const unread = (text: string): Json => new UnreadJson(text, [], []) as UnreadJson & Json

  it('reads what nobody has read, at any depth, and prints it as before', () => {
    const value = { a: [1, { b: unread('{"c":{"d":null}}') }], e: unread('{"f":1}'), g: undefined, ['__proto__']: unread('{"h":2}') }
    const whole = readWhole(value)
    expect(whole).toEqual({ a: [1, { b: { c: { d: null } } }], e: { f: 1 }, g: undefined, ['__proto__']: { h: 2 } })
    expect(Object.getPrototypeOf(whole)).toBe(Object.prototype)
    expect(stringify(whole)).toBe(stringify(value))
    expect(structuredClone(whole)).toEqual(whole)
    expect(readWhole(unread('{"f":1}'))).toEqual({ f: 1 })
  })

  it('gives the same value where all is read', () => {
    const value = Object.freeze({ a: [1, { b: 'c' }], d: null })
    expect(readWhole(value)).toBe(value)
    for (const scalar of [null, undefined, 1, 2n, 'a', true]) expect(readWhole(scalar)).toBe(scalar)
  })
})
