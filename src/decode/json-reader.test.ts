import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json, type JsonObject, parseJson, readWhole, stringify, UnreadJson } from '../json.js'
import { asciiText, portableAscii } from './ascii.js'
import { createInterner } from './interner.js'
import { type LateReader, lateReader } from './json-late.js'
import { createRecordReader, LEFT, MORE, type RecordReader } from './json-reader.js'

const encoder = new TextEncoder()
/** What follows a record in a list: the reader looks ahead by words. */
const BEHIND = ',{"next":1}]}'

function read(reader: RecordReader, text: string, watch = false, late?: LateReader): JsonObject | number {
  const bytes = encoder.encode(`x${text}${BEHIND}`)
  reader.late = late
  const to = reader.read(bytes, 1, bytes.length, watch)
  if (to < 0) return to
  expect(to).toBe(bytes.length - BEHIND.length)
  return reader.value
}

/** The value as the slow way reads it, and its own way of printing. */
function expectSame(value: unknown, text: string): void {
  const slow = parseJson(text)
  expect(value).toEqual(slow)
  expect(stringify(value)).toBe(stringify(slow))
  if (!isJsonObject(slow)) return
  for (const key of Object.keys(slow)) expect(stringify((value as JsonObject)[key]), key).toBe(stringify(slow[key]))
}

// ---- random JSON, written in any way ----

const KEYS = ['a', 'b', 'key', 'requestParameters', 'responseElements', 'Records', 'x'.repeat(40), '1', '01', '2', 'constructor', 'a b', ':', ' '.repeat(7)]
const ODD_KEYS = ['', '__proto__', 'é', '"', '\\', 'y'.repeat(300)]
const key = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 9 })) },
)
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    'arn:aws:iam::123456789012:role/door',
    '"',
    '\\',
    '/',
    '\n\t',
    '\u2028',
    '\u0000',
    '\u007f',
    'é😀',
    '\ud800',
    'x'.repeat(300),
    '{"a":1}',
    'abcd',
    'abcde',
  ),
)
const numeral = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('0', '-0', '0.0', '1.50', '1e2', '1E+2', '-1e-2', '9007199254740993', '123456789012345', '1234567890123456', '999999999999999', '1e400'),
)

type Written = { readonly write: (choose: (most: number) => number) => string }

const wordOf = (value: string): Written => ({ write: () => value })
/** A text with characters written as they are, with the short escape, or as \u. */
const textOf = (value: string): Written => ({
  write(choose) {
    let out = '"'
    for (const char of value) {
      const plain = JSON.stringify(char).slice(1, -1)
      const style = choose(20)
      const long = [...Array(char.length).keys()].map(at => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
      out += style === 0 ? long : style === 1 && char === '/' ? '\\/' : plain
    }
    return `${out}"`
  },
})
const space = (choose: (most: number) => number): string => [' ', '\n', '\t', '\r\n', ''][choose(60)] ?? ''
const listOf = (items: readonly Written[]): Written => ({
  write: choose => `[${space(choose)}${items.map(item => `${item.write(choose)}${space(choose)}`).join(`,${space(choose)}`)}]`,
})
const objectOf = (members: readonly (readonly [string, Written])[]): Written => ({
  write: choose =>
    `{${space(choose)}${members
      .map(([name, value]) => `${textOf(name).write(choose)}${space(choose)}:${space(choose)}${value.write(choose)}${space(choose)}`)
      .join(`,${space(choose)}`)}}`,
})

const { object } = fc.letrec<{ value: Written; object: Written }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text.map(textOf),
    numeral.map(wordOf),
    fc.constantFrom('true', 'false', 'null').map(wordOf),
    fc.array(tie('value'), { maxLength: 3 }).map(listOf),
    tie('object'),
  ),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(objectOf),
}))

/** `plain`: canonical, but for what the values bring along. */
const document = fc
  .record({ root: object, choices: fc.infiniteStream(fc.nat()), plain: fc.boolean() })
  .map(({ root, choices, plain }) => root.write(most => (plain ? most - 1 : choices.next().value % most)))

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

describe('objects that are read late', () => {
  const SOUGHT = ['Key', 'x'.repeat(40), 'constructor', '01', 'é']
  const options = { kept: ['requestParameters', 'responseElements', 'a'], shared: ['b'] }
  const late = lateReader(SOUGHT)

  /** The values of the members with these names, in the order of the text, without those within another. */
  const valuesSought = (value: Json | undefined): string[] => {
    if (typeof value !== 'object' || value === null) return []
    const isSought = (key: string): boolean => !Array.isArray(value) && SOUGHT.some(name => name.toLowerCase() === key.toLowerCase())
    return Object.entries(value).flatMap(([key, member]) => (isSought(key) ? [stringify(member)] : valuesSought(member as Json)))
  }

  it('are what is read at once, and say where the members stand that were sought', () => {
    const reader = createRecordReader(options)
    let [unread, places] = [0, 0]
    fc.assert(
      fc.property(document, document, (one, other) => {
        const json = `{"requestParameters":${one},"b":1,"a":${other}}`
        for (let times = 0; times < 2; times++) {
          const value = read(reader, json, false, late)
          const atOnce = read(reader, json)
          if (value === LEFT || typeof value === 'number') {
            expect(atOnce).toBe(value)
            return
          }
          expectSame(readWhole(value), json)
          for (const [key, member] of Object.entries(value)) {
            if (!(member instanceof UnreadJson)) continue
            unread++
            const { text, found } = member as UnreadJson
            expect(options.kept).toContain(key)
            expect(stringify(member)).toBe(text)
            expect(JSON.stringify(member)).toBe(text)
            expect(text).toBe(stringify((atOnce as JsonObject)[key]))
            const said = Array.from({ length: found.length / 2 }, (_, at) => text.slice(found[2 * at], found[2 * at + 1]))
            expect(said).toEqual(valuesSought((atOnce as JsonObject)[key]))
            places += said.length
          }
        }
      }),
      { numRuns: 3000 },
    )
    expect(unread).toBeGreaterThan(300)
    expect(places).toBeGreaterThan(100)
  })

  it('are as whole as others, at every cut', () => {
    fc.assert(
      fc.property(document, json => {
        const bytes = encoder.encode(json)
        const reader = createRecordReader(options)
        const whole = read(reader, json, false, late)
        for (let end = 0; end < bytes.length; end++) {
          // what stands behind the end is what would come next, or anything else
          for (const rest of [bytes.slice(end), encoder.encode('"}]}1,"}}}}')]) {
            const there = Uint8Array.of(...bytes.subarray(0, end), ...rest)
            const found = reader.read(there, 0, end, false)
            expect(found === MORE || (found === LEFT && whole === LEFT), `${json.slice(0, end)}: ${found}`).toBe(true)
            expect(late(there, new DataView(there.buffer), 0, end)).toBeUndefined()
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('hide nothing that the slow way refuses', () => {
    const reader = createRecordReader(options)
    reader.late = late
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    let unread = 0
    fc.assert(
      fc.property(document, fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 2 }), (json, where, drop, insert) => {
        const good = encoder.encode(`{"a":${json}}`)
        const at = where % (good.length + 1)
        const bytes = Uint8Array.of(...good.subarray(0, at), ...insert, ...good.subarray(at + drop), ...encoder.encode(BEHIND))
        if (bytes[0] !== 123) return
        const to = reader.read(bytes, 0, bytes.length, false)
        if (to < 0) return
        if (reader.value.a instanceof UnreadJson) unread++
        expectSame(readWhole(reader.value), utf8.decode(bytes.subarray(0, to)))
      }),
      { numRuns: 3000 },
    )
    expect(unread).toBeGreaterThan(50)
  })

  it.each([
    '{}',
    '[{"b":1}]',
    '"b"',
    'null',
    '1',
    '{"b":1 }',
    '{"b" :1}',
    '{ "b":1}',
    '{"b":"\\u0041"}',
    '{"b":"\\""}',
    '{"b":"é"}',
    '{"é":1}',
    '{"b":1.0}',
    '{"b":1e2}',
    '{"b":-0}',
    '{"b":01}',
    '{"b":-}',
    '{"b":}',
    '{"b":tru}',
    '{"b":truf}',
    '{"b":falsy}',
    '{"b":nulL}',
    '{"b":[1,]}',
    '{"b":[1 2]}',
    '{"b":1,}',
    '{"b"1}',
    '{b:1}',
    '{"b":"\u0001"}',
    '{"b":1]',
    '{"b":[1}}',
    '{"b":100000000000000000000}',
    '{"b":1,"1":2}',
    '{"b":1,"b":2}',
    '{"c":[{"__proto__":1}]}',
    `{"b":${'['.repeat(70)}${']'.repeat(70)}}`,
  ])('are never %s', json => {
    const value = read(createRecordReader(options), `{"z":0,"a":${json},"y":1}`, false, late)
    if (value !== LEFT) expect((value as JsonObject).a).not.toBeInstanceOf(UnreadJson)
    if (value !== LEFT) expectSame(value, `{"z":0,"a":${json},"y":1}`)
  })

  it.each(['{"b":1}', '{"b":{},"c":[]}', '{"b":[1,true,null,{"d":"e"}],"c":-1}'])('may be %s, when asked for', json => {
    const reader = createRecordReader(options)
    const value = read(reader, `{"z":0,"a":${json},"y":{"a":{"b":1}}}`, false, late) as JsonObject
    expect(value.a).toBeInstanceOf(UnreadJson)
    expect((value.y as JsonObject).a).not.toBeInstanceOf(UnreadJson)
    expect((read(reader, `{"z":0,"a":${json}}`) as JsonObject).a).toEqual(JSON.parse(json))
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
