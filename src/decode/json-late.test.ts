import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Json, type JsonObject, readWhole, stringify, UnreadJson } from '../json.js'
import { lateReader } from './json-late.js'
import { createRecordReader, LEFT, MORE } from './json-reader.js'
import { BEHIND, document, expectSame, read } from './testing.js'

const encoder = new TextEncoder()

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
