import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonObject, MAX_DEPTH } from '../json.js'
import { type Emit, KEPT_BYTES, MAX_RECORD_BYTES } from './decoder.js'
import { jsonRecords } from './json-records.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface Seen {
  readonly record?: unknown
  readonly fault?: string
  readonly raw: string
  readonly at: string
}

function collect(seen: Seen[]): Emit<JsonObject> {
  return item => {
    const { place } = item
    seen.push({
      ...('record' in item ? { record: item.record } : { fault: 'fault' in item ? item.fault.rule : 'skip' }),
      raw: decoder.decode(item.raw),
      at: `${place.record}${place.line === undefined ? '' : `:${place.line}`}`,
    })
  }
}

function decode(chunks: readonly Uint8Array[], member: string | undefined = 'Records'): Seen[] {
  const seen: Seen[] = []
  const records = jsonRecords({ member })
  for (const chunk of chunks) records.push(chunk, collect(seen))
  records.end(collect(seen))
  return seen
}

/** Decodes text (or bytes), also cut in two at every byte and into single bytes, and expects the same each time. */
function everySplit(input: string | Uint8Array, member?: string): Seen[] {
  const bytes = typeof input === 'string' ? encoder.encode(input) : input
  const whole = decode([bytes], member)
  for (let cut = 0; cut <= bytes.length; cut++) expect(decode([bytes.subarray(0, cut), bytes.subarray(cut)], member)).toEqual(whole)
  expect(
    decode(
      [...bytes].map(byte => Uint8Array.of(byte)),
      member,
    ),
  ).toEqual(whole)
  return whole
}

const outcomes = (seen: readonly Seen[]): unknown[] => seen.map(item => item.record ?? item.fault)
const read = (input: string | Uint8Array): unknown[] => outcomes(everySplit(input))

describe('jsonRecords', () => {
  it('reads the list of a wrapper, whatever stands around it', () => {
    expect(read('{"Records":[{"a":1},{"a":2}]}')).toEqual([{ a: 1 }, { a: 2 }])
    expect(read(' \n{ "x" : {"Records":[{"no":1}]}, "Records" :\r\n[ {"a":1} ,\t{"a":2}\n] , "y":[1,{}] }\n ')).toEqual([{ a: 1 }, { a: 2 }])
    expect(read('{"Records":[]}')).toEqual([])
    expect(read('{"Records":[{"a":1}],"Records":[{"a":2}]}')).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('reads records line by line, concatenated, pretty-printed, as one object or as a bare list', () => {
    expect(read('{"a":1}\n\n{"a":2}\r\n{"a":3}')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
    expect(read('{"a":1}{"a":2} {"a":3}')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
    expect(read(JSON.stringify({ a: { b: [1, { c: '}' }] } }, null, 2))).toEqual([{ a: { b: [1, { c: '}' }] } }])
    expect(read('[{"a":1},\n{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }])
    expect(read('{"Records":[{"a":1}]}\n{"Records":[{"a":2}]}\n{"a":3}\n[{"a":4}]')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }])
    expect(read('')).toEqual([])
    expect(read(' \n\t ')).toEqual([])
    expect(read('{}')).toEqual([{}])
  })

  it('takes no member for a wrapper unless asked, and none that holds no list', () => {
    expect(outcomes(decode([encoder.encode('{"Records":[{"a":1}]}')], 'events'))).toEqual([{ Records: [{ a: 1 }] }])
    expect(read('{"Records":{"a":1}}')).toEqual([{ Records: { a: 1 } }])
    expect(read('{"Records":null,"a":[2]}')).toEqual([{ Records: null, a: [2] }])
    expect(read('{"a":{"Records":[1]},"b":"Records"}')).toEqual([{ a: { Records: [1] }, b: 'Records' }])
  })

  it('numbers records, and lines where records have lines', () => {
    expect(everySplit('{"a":1}\n\nnope\n{"a":\n2}\n{"a":3}').map(item => item.at)).toEqual(['0:1', '1:3', '2:4', '3:6'])
    expect(everySplit('{"Records":[\n{"a":1},\n{"a":2}]}').map(item => item.at)).toEqual(['0', '1'])
  })

  it('hands over the record as it stood', () => {
    expect(everySplit('{"Records":[{"a" : 1.50},\n {"b":"é\\u00e9"}  ]}').map(item => item.raw)).toEqual(['{"a" : 1.50}', '{"b":"é\\u00e9"}'])
  })

  it('tolerates a byte order mark', () => {
    expect(read('\ufeff{"a":1}\n\ufeff{"a":2}')).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('keeps both neighbours of a broken record in a minified list', () => {
    const good = '{"v":"1","n":{"v":"x"}}'
    const broken = [
      '{"v":"1","n":{"v":"x"}', // a brace short
      '{"v":"1","n":"x',
      '{"v":"1,"n":"x"}',
      '{"v":"1","n":[1,2}',
      '{"v":"1","n":[1,2}]}',
      '{"v":tru}',
      '{"v":01}',
      '{"v" "1"}',
      '{"v":"1",}',
      '{v:1}',
      '{"v":"\\x"}',
      '{"v":"1"]',
      'garbage',
    ]
    for (const bad of broken) {
      const seen = everySplit(`{"Records":[${good},${bad},${good}]}`)
      expect(seen.filter(item => item.record !== undefined).length, bad).toBe(2)
      expect(
        seen.filter(item => item.fault !== undefined).map(item => item.fault),
        bad,
      ).toEqual(['json_syntax'])
    }
  })

  it('keeps both neighbours of a broken line', () => {
    for (const bad of ['{"v":1', '{"v":{"w":1}', '{"v":[', '{"v":"x', '{"v":', '{"v"', '{', 'x', '{"v":1,', '{"v":"\\']) {
      const seen = everySplit(`{"v":1}\n${bad}\n{"v":2}\n{"v":3}\n`)
      expect(
        seen.flatMap(item => item.record ?? []),
        bad,
      ).toEqual([{ v: 1 }, { v: 2 }, { v: 3 }])
      expect(seen.filter(item => item.fault === 'json_syntax').length, bad).toBe(1)
      expect(seen.length).toBe(4)
    }
  })

  it('counts every broken line of a file of lines', () => {
    expect(read('{"v":1}\n{"v":[\nnot json\n{"v":"x\n"v":2}\n\n{"v":3}')).toEqual([
      { v: 1 },
      'json_syntax',
      'json_syntax',
      'json_syntax',
      'json_syntax',
      { v: 3 },
    ])
  })

  it('calls a broken pretty-printed record one fault', () => {
    const pretty = (value: unknown): string => JSON.stringify(value, null, 2)
    expect(read(`${pretty({ v: 1, w: { x: 2 } })}\n${pretty({ v: 1, w: { x: 2 } }).replace('2', '2 2')}\n${pretty({ v: 3 })}`)).toEqual([
      { v: 1, w: { x: 2 } },
      'json_syntax',
      { v: 3 },
    ])
  })

  it('calls a bracket too many a fault of its own', () => {
    expect(read('{"Records":[{"v":1},{"v":2}},{"v":3}]}')).toEqual([{ v: 1 }, { v: 2 }, 'json_syntax', { v: 3 }])
    expect(read('{"Records":[{"v":1},{"v":2}],{"v":3}]}')).toEqual([{ v: 1 }, { v: 2 }, 'json_syntax', { v: 3 }])
    expect(read('{"v":1}}\n{"v":2}]{"v":3}')).toEqual([{ v: 1 }, 'json_syntax', { v: 2 }, 'json_syntax', { v: 3 }])
  })

  it('goes on behind a broken first record and a broken wrapper', () => {
    expect(read('{"Records":[{"v":1 "w":2},{"v":2}]}')).toEqual(['json_syntax', { v: 2 }])
    expect(read('{"Records":[{"v":1 oops')).toEqual(['json_syntax'])
    expect(read('{"Records":[{"v":1}] oops {"v":2}]}\n{"Records":[{"v":3}]}')).toEqual([{ v: 1 }, 'json_syntax', { v: 2 }, { v: 3 }])
    expect(read('{"x":nope,"Records":[{"v":1}]}')).toEqual(['json_syntax', { v: 1 }])
    expect(read('{"Records":[{"v":1}],"x":nope}')).toEqual([{ v: 1 }, 'json_syntax'])
    expect(read('{"Records":[{"v":1}\n{"Records":[{"v":2}]}')).toEqual([{ v: 1 }, { Records: [{ v: 2 }] }, 'record_truncated'])
  })

  it('calls values that are no objects faults', () => {
    expect(read('{"Records":[1,"x",null,true,[{"a":1}],-1.5e3,{"a":1}]}')).toEqual([...Array(6).fill('not_object'), { a: 1 }])
    expect(read('1\n"x"\n{"a":1}')).toEqual(['json_syntax', 'json_syntax', { a: 1 }])
  })

  it('calls a cut-off end one fault', () => {
    const text = '{"Records":[{"v":"1","w":{"x":[1,2]}},{"v":"2","w":"é"}],"z":1}'
    const bytes = encoder.encode(text)
    for (let cut = 1; cut < bytes.length; cut++) {
      const seen = outcomes(decode([bytes.subarray(0, cut)]))
      expect(seen.at(-1), text.slice(0, cut)).toBe('record_truncated')
      expect(seen.filter(item => typeof item === 'string')).toHaveLength(1)
    }
    expect(read('{"v":1}\n{"v":2')).toEqual([{ v: 1 }, 'record_truncated'])
    expect(read('{"v":[\n{"v":2}')).toEqual(['json_syntax', { v: 2 }])
  })

  it('refuses bytes that are no UTF-8 in one record only', () => {
    const bytes = encoder.encode('{"a":"X"}\n{"a":"ok"}')
    bytes[6] = 0xff
    expect(read(bytes)).toEqual(['utf8_invalid', { a: 'ok' }])
  })

  it('bounds the faults of noise', () => {
    let state = 1
    const noise = Uint8Array.from({ length: 200_000 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state >>> 16
    })
    expect(decode([noise]).length).toBeLessThan(5)
    const text = encoder.encode('\n{"a":1}\n')
    const mixed = new Uint8Array(noise.length + text.length)
    mixed.set(noise)
    mixed.set(text, noise.length)
    expect(outcomes(decode([mixed])).at(-1)).toEqual({ a: 1 })
    expect(read('one\ntwo\n')).toEqual(['json_syntax', 'json_syntax'])
  })

  it('refuses a record that is nested too deeply and reads the next', () => {
    const deep = `{"a":${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}}`
    expect(outcomes(decode([encoder.encode(`{"a":1}\n${deep}\n{"a":2}`)]))).toEqual([{ a: 1 }, 'record_too_deep', { a: 2 }])
    const most = `{"a":${'['.repeat(MAX_DEPTH - 1)}${']'.repeat(MAX_DEPTH - 1)}}`
    expect(decode([encoder.encode(most)])[0]?.record).toBeDefined()
  })

  it('refuses a record that is too long, keeps its start and reads the next', () => {
    const long = encoder.encode(`{"Records":[{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"},{"a":2}]}`)
    const chunks = (size: number): Uint8Array[] => Array.from({ length: Math.ceil(long.length / size) }, (_, i) => long.subarray(i * size, (i + 1) * size))
    for (const size of [long.length, 65_536, 1_000_003]) {
      const seen = decode(chunks(size))
      expect(outcomes(seen)).toEqual(['record_too_large', { a: 2 }])
      expect(seen[0]?.raw.length).toBe(KEPT_BYTES)
    }
    const most = encoder.encode(`{"a":"${'x'.repeat(MAX_RECORD_BYTES - 8)}"}`)
    expect(decode([most.subarray(0, 9_000_000), most.subarray(9_000_000)])[0]?.record).toBeDefined()
  })

  it('scans hostile input in linear time', () => {
    const hostile = ['{"a":[\n', '{"a":"', '[', '{', '"', '{"a":{"a":', '{"a":1,{"a":1,', '{"Records":[', '}', ']', '\\', '{"a":[0,']
    for (const piece of hostile) {
      const bytes = encoder.encode(piece.repeat(400_000 / piece.length))
      const began = performance.now()
      decode([bytes])
      expect(performance.now() - began, piece).toBeLessThan(2000)
    }
  })

  const member = fc.oneof(fc.string(), fc.constantFrom('a', 'Records', '__proto__', '\\"', '{', '}', '[{"a":1}]', '\n', '\u2028', 'é😀'))
  const value: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>(tie => ({
    any: fc.oneof(
      { maxDepth: 4 },
      member,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(member, tie('any'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).any
  const object = fc.dictionary(
    member.filter(key => key !== 'Records'),
    value,
    { maxKeys: 4, noNullPrototype: true },
  )

  it('reads objects side by side, and one within another, as each alone', () => {
    const who = '"who":{"name":"door","n":[1,2]}'
    const inputs = [
      `{"Records":[{"a":1,${who}},{"a":2,${who}},{"a":oops},\n{"a":4,${who}}],"x":1}`,
      `{"b":1,${who}}\n{"b":2,${who}\n{"b":"é",${who}}\n{"b":4}`,
      `[{"c" : 1, ${who}} , {"c":2} , "no", {"c":3,${who}}`,
    ].map(text => encoder.encode(text))
    const alone = inputs.map(input => decode([input]))
    for (const size of [1, 7, 40, 1000]) {
      const streams = inputs.map(input => ({ input, records: jsonRecords({ member: 'Records', share: ['who'] }), seen: [] as Seen[] }))
      const emits = streams.map(({ seen }) => collect(seen))
      for (let at = 0; at < 1000; at += size) for (const [i, { input, records }] of streams.entries()) records.push(input.slice(at, at + size), emits[i]!)
      for (const [i, { records }] of streams.entries()) records.end(emits[i]!)
      expect(streams.map(({ seen }) => seen)).toEqual(alone)
    }
    const outer = jsonRecords({ member: 'Records' })
    const seen: Seen[] = []
    const inner: Seen[][] = []
    const emit: Emit<JsonObject> = item => {
      collect(seen)(item)
      inner.push(decode([inputs[1]!.subarray(0, 50), inputs[1]!.subarray(50)]))
    }
    outer.push(inputs[0]!, emit)
    outer.end(emit)
    expect(seen).toEqual(alone[0])
    expect(inner).toEqual(seen.map(() => alone[1]))
  })

  it('keeps nothing of a buffer that is filled anew', () => {
    const text = `{"Records":[{"a":1,"who":{"name":"door"}},{"a":"${'x'.repeat(100)}","who":{"name":"door"}},{"a":3,"who":{"name":"door"}}]}`
    const bytes = encoder.encode(text)
    const buffer = Buffer.alloc(64)
    const seen: Seen[] = []
    const records = jsonRecords({ member: 'Records', share: ['who'] })
    for (let at = 0; at < bytes.length; at += 60) {
      buffer.fill(0x7b)
      records.push(buffer.subarray(4, 4 + buffer.subarray(4).write(text.slice(at, at + 60))), collect(seen))
    }
    records.end(collect(seen))
    expect(seen).toEqual(decode([bytes]))
    expect(outcomes(seen)).toHaveLength(3)
  })

  it('emits the same for every cut, every layout and every spacing', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 5 }), fc.constantFrom('', '  ', '\t'), fc.array(fc.nat(400), { maxLength: 6 }), (objects, space, cuts) => {
        const texts = objects.map(item => JSON.stringify(item, undefined, space))
        const expected = texts.map(text => JSON.parse(text) as unknown)
        const documents = [
          `{"before":${JSON.stringify(objects)},"Records":[${texts.join(`${space},${space}`)}]${space}}`,
          texts.join('\n'),
          texts.join(''),
          `[${texts.join(',\n')}]`,
        ]
        for (const text of documents) {
          const bytes = encoder.encode(text)
          const sorted = [0, ...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const seen = decode(sorted.slice(1).map((cut, i) => bytes.subarray(sorted[i], cut)))
          expect(seen.map(item => item.record)).toEqual(expected)
          expect(seen.map(item => item.raw)).toEqual(texts)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('never throws, and emits the same for every cut, when bytes are dropped or bent', () => {
    fc.assert(
      fc.property(
        fc.array(object, { minLength: 1, maxLength: 4 }),
        fc.nat(300),
        fc.nat(4),
        fc.constantFrom('', '"', '{', '}', ']', '\n', 'x', '\u0000'),
        (objects, where, drop, insert) => {
          for (const text of [`{"Records":[${objects.map(item => JSON.stringify(item)).join(',')}]}`, objects.map(item => JSON.stringify(item)).join('\n')]) {
            const bent = encoder.encode(text.slice(0, where) + insert + text.slice(where + drop))
            const whole = decode([bent])
            expect(decode([...bent].map(byte => Uint8Array.of(byte)))).toEqual(whole)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
