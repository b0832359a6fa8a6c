import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Json, type JsonObject, parseJson, put, stringify } from '../json.js'
import { createInterner } from './interner.js'
import { createLeafReader, type LeafNames } from './json-leaves.js'
import { FALSE_MEMBER, type MemberReader, memberReader, NULL_MEMBER, OWN_TEXT, TRUE_MEMBER } from './json-members.js'
import { createRecordReader } from './json-reader.js'
import { BEHIND, document, read } from './testing.js'

const encoder = new TextEncoder()
const LEAVES: LeafNames = { texts: ['a', 'key', 'x'.repeat(40)], counts: ['b', '1'] }
const OPTIONS = { watched: 'Records', leaves: { b: LEAVES, requestParameters: LEAVES }, lateLeaves: { a: LEAVES }, sought: ['key'] }

/** The record as its members say; `undefined` for what is left to others. */
function recordOf(reader: MemberReader, json: string, end?: number): JsonObject | undefined {
  const bytes = encoder.encode(`x${json}${BEHIND}`)
  const past = reader.read(bytes, 1, end ?? bytes.length, false)
  if (past === -1) return undefined
  expect(past).toBe(bytes.length - BEHIND.length)
  const { row } = reader
  const names: string[] = []
  for (let at = row.shape; at.before !== undefined; at = at.before) names.unshift(at.key)
  const record: Record<string, Json | undefined> = {}
  for (const [member, name] of names.entries()) {
    const kind = row.kinds[member]!
    const text = kind >= OWN_TEXT ? row.textOf(member) : ''
    if (kind >= 0) expect(row.texts[kind]).toBe(text)
    put(
      record,
      name,
      kind >= OWN_TEXT ? text : kind === TRUE_MEMBER ? true : kind === FALSE_MEMBER ? false : kind === NULL_MEMBER ? null : parseJson(row.textOf(member)),
    )
  }
  return record
}

describe('members of records that are read in place', () => {
  it('are those of the record, as it is printed', () => {
    const reader = memberReader(OPTIONS)
    const whole = createRecordReader({})
    let some = 0
    fc.assert(
      fc.property(document, json => {
        for (let times = 0; times < 2; times++) {
          const record = recordOf(reader, json)
          if (record === undefined) continue
          some++
          expect(stringify(record)).toBe(stringify(read(whole, json)))
        }
      }),
      { numRuns: 3000 },
    )
    expect(some).toBeGreaterThan(500)
  })

  it('are those of the whole record, at every cut', () => {
    const reader = memberReader(OPTIONS)
    fc.assert(
      fc.property(document, json => {
        const { length } = encoder.encode(json)
        for (let end = 1; end <= length; end++) expect(recordOf(reader, json, end)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('leave the watched member, numbers, space and what stands twice to others', () => {
    const reader = memberReader(OPTIONS)
    for (const json of ['{"a":1}', '{"a": "x"}', '{"a":"x","a":"y"}', '{"__proto__":"x"}', '{"1":"x"}', '{"a":"\\ud800"', '{}', '{"a":{"b":1,"b":2}}'])
      expect(recordOf(reader, json), json).toBeUndefined()
    expect(recordOf(reader, '{"a":"é","b":"\\n","c":{"d":[1]}}')).toEqual({ a: 'é', b: '\n', c: { d: [1] } })
    const bytes = encoder.encode('{"Records":[{"a":"x"}]}     ')
    expect(reader.read(bytes, 0, bytes.length, true)).toBe(-1)
    expect(reader.read(bytes, 0, bytes.length, false)).toBe(bytes.length - 5)
  })
})

describe('leaves', () => {
  const value = fc.constantFrom('"x"', '"y"', '""', '"-"', '0', '7', '12', '1.5', '-3', 'null', 'true', '[]', '["x",7]', '{}', `"${'z'.repeat(300)}"`)
  const { object } = fc.letrec<{ object: string; any: string }>(tie => ({
    any: fc.oneof({ maxDepth: 2 }, value, tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'key'), tie('any'), { maxKeys: 4 }).map(members => {
      const list = Object.entries(members).map(([key, member]) => `"${key}":${member}`)
      return `{${list.join(',')}}`
    }),
  }))
  /** With what is a leaf left out, and the leaves. */
  const apart = (json: string): { readonly rest: string; readonly texts: string[]; readonly counts: number[] } => {
    const texts: string[] = []
    const counts: number[] = []
    const walk = (one: Json, name: string, inObject: boolean): Json => {
      if (Array.isArray(one)) return one.map(item => walk(item as Json, '', false))
      if (typeof one === 'object' && one !== null) return Object.fromEntries(Object.entries(one).map(([key, member]) => [key, walk(member as Json, key, true)]))
      if (inObject && typeof one === 'string' && one !== '' && one !== '-' && LEAVES.texts.includes(name)) return `\u0000${texts.push(one)}`
      if (inObject && typeof one === 'number' && Number.isInteger(one) && one >= 0 && LEAVES.counts.includes(name)) return `\u0001${counts.push(one)}`
      return one
    }
    return { rest: JSON.stringify(walk(JSON.parse(json) as Json, '', false)), texts, counts }
  }

  it('are those of the names that are asked for, under one key where nothing else differs', () => {
    const reader = createLeafReader(LEAVES, createInterner())
    const rests = new Map<number, string>()
    let some = 0
    fc.assert(
      fc.property(object, json => {
        const bytes = encoder.encode(`${json},     `)
        const view = new DataView(bytes.buffer)
        const readIt = (): number => reader.read(bytes, view, 0, bytes.length)
        if (readIt() === -1) reader.learn(json)
        if (readIt() === -1) return
        some++
        const { rest, texts, counts } = apart(json)
        const same = texts.map(text => texts.indexOf(text))
        const said = Array.from({ length: reader.texts }, (_, at) => json.slice(reader.starts[at], reader.ends[at]))
        expect(said).toEqual(texts)
        expect([...reader.numbers.subarray(0, reader.counts)]).toEqual(counts)
        const whole = `${rest} ${same.join()}`
        expect(rests.get(reader.key) ?? whole).toBe(whole)
        rests.set(reader.key, whole)
      }),
      { numRuns: 5000 },
    )
    expect(some).toBeGreaterThan(500)
    expect(new Set(rests.values()).size).toBe(rests.size)
  })

  it('are not read of what is never to be', () => {
    const reader = createLeafReader({ ...LEAVES, never: /"c":/ }, createInterner())
    const bytes = encoder.encode('{"a":"x","c":1},    ')
    reader.learn('{"a":"x","c":1}')
    expect(reader.read(bytes, new DataView(bytes.buffer), 0, bytes.length)).toBe(-1)
  })
})
