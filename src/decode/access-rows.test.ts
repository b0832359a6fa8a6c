import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccessLog, accessLogDecoder, partsOfTemplate, readAccessLine, spaced } from './access-log.js'
import { accessRows } from './access-rows.js'
import type { Decoded } from './decoder.js'

const plain: AccessLog = {
  record: 'a test record',
  parts: spaced({
    owner: 'text',
    time: '[text]',
    request: '"text"',
    status: 'integer',
    bytes: 'long',
    took: 'decimal',
    agent: '"text"',
    reason: '"word"',
    version: 'text',
    host: 'rest',
    offered: 'loose',
    note: '"rest"',
  }),
  least: 9,
}
const escaped: AccessLog = { ...plain, escaped: true }
const lists: AccessLog = {
  record: 'a test record',
  parts: partsOfTemplate('$host:$port $addr|$user "$request" $upstream_addr $upstream_time $status=$last', name =>
    name === 'port' || name === 'status' ? 'integer' : name === 'upstream_time' ? 'rest' : 'text',
  ),
  least: 8,
  escaped: true,
}
const template: AccessLog = {
  record: 'a test record',
  parts: partsOfTemplate('$remote_addr - $remote_user [$time_local] "$request" $status rt=$request_time up="$upstream" $upstream_addr', name =>
    name === 'status' ? 'integer' : name === 'request_time' ? 'decimal' : name === 'upstream' ? 'rest' : 'text',
  ),
  least: 8,
}

const odd = ['"', '" "', '\\"', '\\', '\\\\', ' ', '  ', ' -', '-', '[', ']', '!', '\t', '\r', '\u007f', 'é', '\uFEFF', '#', ', ', ',', '\u0000', ' 200 ']
const common = [
  'x',
  'abc',
  'GET / HTTP/1.1',
  '0',
  '200',
  '123456789',
  '0.001',
  '-1',
  '-',
  '',
  'a'.repeat(47),
  'b'.repeat(300),
  'a\\"b',
  'a\\\\',
  '1, 2',
  '1, 2, 3:4',
]
const value = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...common) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const wide = fc.oneof(fc.constantFrom('9007199254740993', '999999999999999', '1234567890123456', '1.2.3', '.5', '5.', '--1', '1-', '+1', '00012'), value)

/** A line of a layout: in each place a value of its kind, or sometimes any other. */
function lineOf({ parts, least }: AccessLog): fc.Arbitrary<string> {
  const cells = parts.map(({ lead, close, kind }) => {
    const fitting =
      kind === 'integer' || kind === 'long'
        ? fc.constantFrom('0', '200', '-', '123456789')
        : kind === 'decimal'
          ? fc.constantFrom('0.001', '-1', '12', '-')
          : close === ''
            ? fc.constantFrom('x', '-', 'abc:80', 'a'.repeat(50))
            : fc.constantFrom(...common)
    const inside = fc.oneof({ weight: 30, arbitrary: fitting }, { weight: 1, arbitrary: value }, { weight: 1, arbitrary: wide })
    const whole = inside.map(text => `${lead}${text}${close}`)
    return close === '' ? whole : fc.oneof({ weight: 12, arbitrary: whole }, { weight: 1, arbitrary: fc.constant(' -') })
  })
  const end = fc.oneof({ weight: 12, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(' ', ' x', ' "x y"', '"', '\t') })
  const count = fc.oneof({ weight: 4, arbitrary: fc.constant(parts.length) }, { weight: 1, arbitrary: fc.integer({ min: least - 2, max: parts.length }) })
  return fc.tuple(fc.tuple(...cells), count, end).map(([all, most, last]) => all.slice(0, most).join('') + last)
}

const encoder = new TextEncoder()

describe.each([
  ['plain', plain],
  ['escaped', escaped],
  ['template', template],
  ['lists', lists],
] as const)('a line read in place, %s', (_, log) => {
  it('is what the whole way reads, or is left to it', () => {
    const rows = accessRows(log)
    let hits = 0
    let misses = 0
    fc.assert(
      fc.property(lineOf(log), fc.constantFrom('\n', '\r\n'), fc.nat(3), (line, end, shift) => {
        const bytes = new Uint8Array(shift + encoder.encode(line).length + end.length + 8).fill(34)
        bytes.set(encoder.encode(`${line}${end}`), shift)
        const next = rows.read(bytes, new DataView(bytes.buffer), shift)
        if (next === -1) {
          misses++
          return
        }
        hits++
        const slow = readAccessLine(line, log)
        expect(next).toBe(shift + line.length + end.length)
        expect(rows.end).toBe(shift + line.length)
        expect({ row: rows.row() }).toStrictEqual(slow)
      }),
      { numRuns: 6000 },
    )
    expect(hits).toBeGreaterThan(500)
    expect(misses).toBeGreaterThan(200)
  })

  it('gives the same records in a block as alone', () => {
    const lines = fc.array(lineOf(log), { minLength: 60, maxLength: 60 })
    fc.assert(
      fc.property(lines, all => {
        const read = (text: string) => {
          const found: (readonly unknown[])[] = []
          const decoder = accessLogDecoder(() => log)
          const emit: Parameters<typeof decoder.push>[1] = ({ place, raw, ...item }) => found.push([place.line, new TextDecoder().decode(raw), item])
          decoder.push(encoder.encode(text), emit)
          decoder.end(emit)
          return found
        }
        const block = all.filter(line => line.trim() !== '' && !/[\r\uFEFF]/.test(line))
        const alone = block.flatMap((line, i) => read(line).map(([, ...item]) => [i + 1, ...item]))
        expect(read(`${block.join('\n')}\n`)).toEqual(alone)
      }),
      { numRuns: 40 },
    )
  })
})

it('reads lines in place at all', () => {
  const rows = accessRows(plain)
  const bytes = encoder.encode('o [t t] "GET / HTTP/1.1" 200 5 0.1 - "-" v h "h2","http/1.1" "n"\n    ')
  expect(rows.read(bytes, new DataView(bytes.buffer), 0)).toBe(bytes.length - 4)
  expect(rows.row()).toEqual({
    owner: 'o',
    time: 't t',
    request: 'GET / HTTP/1.1',
    status: 200,
    bytes: 5,
    took: '0.1',
    version: 'v',
    offered: '"h2","http/1.1"',
    rest: { host: 'h', note: 'n' },
  })
})

it('reads files side by side as each alone, whatever their layouts', () => {
  const texts = [plain, lists, template, plain].map((log, i) => ({ log, text: `${fc.sample(lineOf(log), { seed: 7 + i, numRuns: 900 }).join('\n')}\n` }))
  const read = (some: typeof texts) => {
    const files = some.map(({ log, text }) => {
      const found: unknown[] = []
      const emit = ({ raw, ...item }: Decoded<object>) => found.push([item, new TextDecoder().decode(raw)])
      return { bytes: encoder.encode(text), decoder: accessLogDecoder(() => ({ ...log })), emit, found }
    })
    for (let at = 0; files.some(({ bytes }) => at < bytes.length); at += 9000)
      for (const { bytes, decoder, emit } of files) decoder.push(bytes.subarray(at, at + 9000), emit)
    for (const { decoder, emit } of files) decoder.end(emit)
    return files.map(({ found }) => found)
  }
  expect(read(texts)).toEqual(texts.flatMap(one => read([one])))
})
