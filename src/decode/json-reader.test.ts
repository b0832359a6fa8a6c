import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json, type JsonObject, parseJson, stringify } from '../json.js'
import { asciiText, portableAscii } from './ascii.js'
import { createInterner } from './interner.js'
import { createRecordReader, LEFT, MORE } from './json-reader.js'
import { BEHIND, document, expectSame, read } from './testing.js'

const encoder = new TextEncoder()

describe('the reader of records', () => {
  it('reads what the slow way reads, and prints it the same', () => {
    const reader = createRecordReader({ kept: ['requestParameters', 'responseElements', 'a'], shared: ['b', 'key'] })
    let done = 0
    let all = 0
    fc.assert(
      fc.property(document, json => {
        all++
        for (let times = 0; times < 2; times++) {
          const value = read(reader, json)
          if (value === LEFT) return
          expectSame(value, json)
        }
        done++
      }),
      { numRuns: 3000 },
    )
    expect(done / all).toBeGreaterThan(0.4) // about 0.52
  })

  it('reads objects of the same keys again and again', () => {
    const reader = createRecordReader({ kept: ['c'] })
    for (let at = 0; at < 400; at++) {
      const records = [
        { a: `v${at}`, b: { x: at, y: [at, `t${at % 3}`, { z: null }] }, c: { q: 'r', n: -at } },
        { a: 'same', b: { x: true }, c: [] },
        { b: { x: 'y' }, a: '' },
        { c: { '7': 1, q: 2 }, d: `${at}`.repeat(at) },
        {},
      ]
      for (const record of records) expectSame(read(reader, JSON.stringify(record)), JSON.stringify(record))
    }
  })

  it('asks for more as long as the object is not whole, and gives no value before', () => {
    fc.assert(
      fc.property(document, json => {
        const bytes = encoder.encode(json)
        const reader = createRecordReader({ kept: ['a'] })
        const whole = read(reader, json)
        for (let end = 0; end < bytes.length; end++) {
          const found = reader.read(bytes.slice(0, end), 0, end, false)
          expect(found === MORE || (found === LEFT && whole === LEFT), `${json.slice(0, end)}: ${found}`).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes nothing that the slow way refuses', () => {
    const reader = createRecordReader({ kept: ['a'] })
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    let taken = 0
    fc.assert(
      fc.property(document, fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 2 }), (json, where, drop, insert) => {
        const good = encoder.encode(json)
        const at = where % (good.length + 1)
        const bytes = Uint8Array.of(...good.subarray(0, at), ...insert, ...good.subarray(at + drop), ...encoder.encode(BEHIND))
        if (bytes[0] !== 123) return
        const to = reader.read(bytes, 0, bytes.length, false)
        if (to < 0) return
        taken++
        expectSame(reader.value, utf8.decode(bytes.subarray(0, to)))
      }),
      { numRuns: 3000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  it('leaves to the slow way what only that reads right', () => {
    const reader = createRecordReader({ watched: 'Records' })
    for (const json of [
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1}}',
      '{"a":{"b":1,"c":2,"b":3}}',
      '{"\\u0061":1}',
      '{"é":1}',
      `{"a":${'['.repeat(80)}${']'.repeat(80)}}`,
      '{"a":"\u0001"}',
      '{"a":01}',
      '{"a":tru}',
      '{"a":truf}',
      '{"a":falsy}',
      '{"a":nulL}',
      '{"a":"\\x"}',
      '{"a":1,}',
      '{"a":[1,]}',
      '{"a":[1 2]}',
      '{"a" 1}',
      '{a:1}',
      '{"a":}',
      '{"a":\u000b1}',
      '{"a":-}',
      '{"a":1.}',
    ])
      expect(read(reader, json), json).toBe(LEFT)
    expect(read(reader, '{"Records":[]}', true)).toBe(LEFT)
    expect(read(reader, '{"a":1,"Records":1}', true)).toBe(LEFT)
    expect(read(reader, '{"Records":[]}')).toEqual({ Records: [] })
    expect(read(reader, '{"a":{"Records":[]}}', true)).toEqual({ a: { Records: [] } })
    const bad = encoder.encode('{"a":"X"}   ')
    bad[6] = 0xff
    expect(reader.read(bad, 0, bad.length, false)).toBe(LEFT)
  })

  it('counts lines and says where the first key stands', () => {
    const reader = createRecordReader({})
    for (let times = 0; times < 2; times++) {
      const bytes = encoder.encode('  {\n "key" : [1,\n2],"b":"\\n"\n}    ')
      expect(reader.read(bytes, 2, bytes.length, false)).toBe(30)
      expect(reader.lines).toBe(3)
      expect(asciiText(bytes, reader.firstKeyStart, reader.firstKeyEnd)).toBe('"key"')
      expect(reader.read(encoder.encode('{"key":1}    '), 0, 13, false)).toBe(9)
      expect([reader.firstKeyStart, reader.firstKeyEnd, reader.lines]).toEqual([1, 6, 0])
      expect(reader.read(encoder.encode('{ }    '), 0, 7, false)).toBe(3)
      expect(reader.firstKeyStart).toBe(-1)
    }
  })

  it('stays right when keys are data', () => {
    const reader = createRecordReader({ kept: ['m'] })
    for (let at = 0; at < 40_000; at++) {
      const json = `{"m":{"k${at}":${at},"${at}k":"v"},"n":"w"}`
      const value = read(reader, json)
      if (at % 97 === 0) expectSame(value, json)
      else expect((value as { m: Record<string, Json> }).m[`k${at}`]).toBe(at)
    }
    const wide = `{${Array.from({ length: 5000 }, (_, at) => `"k${at}":${at}`).join(',')}}`
    expect(read(reader, wide)).toBe(LEFT)
  })

  it('gives the same object for the same bytes, and never for others', () => {
    const reader = createRecordReader({ shared: ['who'] })
    const who = {
      type: 'AssumedRole',
      arn: 'arn:aws:iam::123456789012:role/door',
      session: { issuer: { a: '}' }, created: '2024-05-01T00:00:00Z' },
      n: [1, { x: 2 }],
    }
    const texts = [JSON.stringify(who), JSON.stringify(who, undefined, 1)]
    for (const text of [...texts])
      for (let at = 0; at < text.length; at++) if (/[\da-zA-Z]/.test(text[at]!)) texts.push(`${text.slice(0, at)}7${text.slice(at + 1)}`)
    texts.push('{}', '{"a":{}}', '{"a":{} }', '{"a":1}', '{"a":{},"b":1}', '{"a":{},"b":12}')
    const good = texts.filter(text => {
      try {
        return parseJson(text) !== undefined
      } catch {
        return false
      }
    })
    expect(good.length).toBeGreaterThan(100)
    let same = 0
    for (let round = 0; round < 8; round++) {
      for (const text of good) {
        const [one, two] = [read(reader, `{"z":1,"who":${text}}`), reader.lines, read(reader, `{"who":${text},"z":[2]}`)].filter(isJsonObject)
        if (one === undefined || two === undefined) throw new Error(`not read: ${text}`)
        expectSame(one.who, text)
        expectSame(two.who, text)
        expect(reader.lines).toBe(text.split('\n').length - 1)
        expect(Object.isFrozen(two.who)).toBe(one.who === two.who || Object.isFrozen(one.who))
        if (one.who === two.who) same++
      }
    }
    expect(same).toBeGreaterThan(200)
  })

  it('tells objects apart that differ in their first bytes only', () => {
    const reader = createRecordReader({ shared: ['who'] })
    const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789']
    const keys = letters.flatMap(one => letters.map(two => `${one}${two}`))
    for (let times = 0; times < 2; times++) for (const name of keys) expect(read(reader, `{"who":{"${name}":1}}`)).toEqual({ who: { [name]: 1 } })
  })

  it('freezes what it shares, down to the last list', () => {
    const reader = createRecordReader({ shared: ['who'] })
    const { who } = read(reader, '{"who":{"a":{"b":[1,{"c":2}]}}}') as { readonly who: { readonly a: { readonly b: readonly Json[] } } }
    for (const value of [who, who.a, who.a.b, who.a.b[1]]) expect(Object.isFrozen(value)).toBe(true)
  })

  it('reads what it shares at every cut', () => {
    const reader = createRecordReader({ shared: ['who'] })
    const bytes = encoder.encode('{"who":{"a":"x","b":{"c":"y"},"d":[1,2,3]},"n":1}    ')
    for (let times = 0; times < 3; times++) {
      expect(reader.read(bytes, 0, bytes.length, false)).toBe(bytes.length - 4)
      for (let end = 0; end < bytes.length - 5; end++) {
        expect(reader.read(bytes, 0, end, false)).toBe(MORE) // the bytes behind the end are still there
        expect(reader.read(bytes.slice(0, end), 0, end, false)).toBe(MORE)
      }
    }
  })

  it('prints no text that is not what stringify prints', () => {
    const reader = createRecordReader({ kept: ['a'] })
    for (const json of [
      '{"b":1 }',
      '[1, 2]',
      '{"b":"\\u0041"}',
      '{"b":"\\/"}',
      '[1.0]',
      '[1e2]',
      '[-0]',
      '[100000000000000000000]',
      '{"b":1,"1":2}',
      '{"b":{"c":"é","d":"\\"\\\\\\n"}}',
      '{"b":[]}',
      '[]',
      '{}',
    ]) {
      const value = read(reader, `{"z":0,"a":${json},"y":{"c": 1}}`)
      expect(stringify((value as JsonObject).a)).toBe(stringify(parseJson(json)))
    }
  })

  it('lets a text go with the object that it belongs to', () => {
    const reader = createRecordReader({ kept: ['a'] })
    const { a } = read(reader, '{"a":{"b":1}}') as { readonly a: JsonObject }
    expect(stringify({ ...a, c: 2 })).toBe('{"b":1,"c":2}')
    expect(Reflect.ownKeys(a)).toEqual(['b'])
    expect(stringify(structuredClone(a))).toBe('{"b":1}')
  })
})

describe('the interner', () => {
  it('gives the text of the bytes, however many there were', () => {
    const interner = createInterner()
    for (let round = 0; round < 2; round++)
      for (let at = 0; at < 40_000; at++) {
        const expected = `${(at * 7919) % 30_011}`.padStart(at % 23, '-')
        const bytes = encoder.encode(`${expected}"   `)
        const view = new DataView(bytes.buffer)
        const { length } = expected
        let tail = 0
        for (let back = length - 1; back >= (length & ~3); back--) tail = (tail << 8) | bytes[back]!
        // few hashes, so that many texts share one
        expect(interner.intern(bytes, view, 0, length, at % 50, tail)).toBe(expected)
      }
  })

  it('forgets, so that memory stays bounded', () => {
    const interner = createInterner()
    const isFresh = (text: string): boolean => {
      const bytes = encoder.encode(`${text}"   `)
      interner.intern(bytes, new DataView(bytes.buffer), 0, 8, Number(text), 0)
      return interner.fresh
    }
    expect([isFresh('10000000'), isFresh('10000000')]).toEqual([true, false])
    for (let at = 0; at < 40_000; at++) isFresh(String(20_000_000 + at))
    expect(isFresh('10000000')).toBe(true)
  })
})

describe('asciiText', () => {
  it('is the same everywhere', () => {
    const bytes = encoder.encode('arn:aws:iam::123456789012:role/door\u007f')
    for (let from = 0; from < 8; from++) expect(portableAscii(bytes, from, bytes.length - 1)).toBe(asciiText(bytes, from, bytes.length - 1))
  })
})
