import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { literalRows, portableRows } from './row-maker.js'
import { spacedRows } from './spaced-rows.js'
import { type Table, tableDecoder } from './table.js'

const FIELDS = { version: 'text', name: 'text', port: 'integer', bytes: 'long', colour: 'rest' } as const
const table: Table<typeof FIELDS> = { record: 'a thing', fields: FIELDS }

/** Everything that comes out, the raw bytes as text. */
function decode(whole: Uint8Array, cuts: readonly number[]): unknown[] {
  const out: unknown[] = []
  const decoder = tableDecoder(table)
  const emit: Parameters<typeof decoder.push>[1] = ({ raw, ...item }) => out.push([new TextDecoder('latin1').decode(raw), item])
  const at = [0, ...cuts, whole.length]
  for (let i = 1; i < at.length; i++) {
    const chunk = whole.slice(at[i - 1], at[i])
    decoder.push(chunk, emit)
    chunk.fill(88)
  }
  decoder.end(emit)
  return out
}

/** Byte by byte: every line is then pieced together, and none is read in place. */
const simply = (whole: Uint8Array): unknown[] =>
  decode(
    whole,
    Array.from({ length: whole.length }, (_, at) => at),
  )

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

const HEADER = 'version name port bytes colour Weird\n'
const cell = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('-', 'a', 'eni-0123456789abcdef0', '192.0.2.1', '198.51.100.200', '2001:db8::1', 'name', 'version', 'Weird', '--', '0', '007'),
  },
  { weight: 4, arbitrary: fc.constantFrom('2147483647', '2147483648', '9007199254740991', '9007199254740992', '9223372036854775807', '9223372036854775808') },
  { weight: 4, arbitrary: fc.nat().map(String) },
  { weight: 2, arbitrary: fc.stringMatching(/^[!-~]{1,70}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '1.5',
      '-1',
      '1e3',
      '{',
      '{}',
      '"',
      'a,b',
      '\u00e9',
      '\u00c3\u00a9',
      '\u0000',
      'a\u0000',
      '\u007f',
      '\u001f',
      'x'.repeat(300),
    ),
  },
)
const between = fc.oneof({ weight: 30, arbitrary: fc.constant(' ') }, { weight: 1, arbitrary: fc.constantFrom('  ', '\t', '', ' \t ', '\u00a0') })
const lineEnd = fc.oneof(
  { weight: 20, arbitrary: fc.constant('\n') },
  { weight: 2, arbitrary: fc.constantFrom('\r\n', ' \n', '\n\n', '\r', '\r\r\n', ` \n${HEADER}`) },
)
const line = fc
  .tuple(fc.array(fc.tuple(cell, between), { minLength: 5, maxLength: 7 }), lineEnd)
  .map(([cells, end]) => `${cells.map(([text, gap], at) => (at === cells.length - 1 ? text : text + gap)).join('')}${end}`)
const fitting = fc
  .tuple(fc.array(cell, { minLength: 6, maxLength: 6 }), fc.constantFrom('\n', '\r\n'))
  .map(([cells, end]) => cells.map((text, at) => (at === 2 || at === 3 ? String(text.length * 1e9) : text)).join(' ') + end)
const log = fc.tuple(
  fc.constantFrom(HEADER, HEADER.replace('\n', '\r\n'), `\u00ef\u00bb\u00bf${HEADER}`),
  fc.array(fc.oneof(line, fitting), { maxLength: 12 }),
  fc.boolean(),
)
const whole = log.map(([header, lines, cut]) => bytesOf(cut ? (header + lines.join('')).trimEnd() : header + lines.join('')))

describe('lines read in place', () => {
  it('give what their texts give, wherever the stream is cut', () => {
    fc.assert(
      fc.property(whole, fc.array(fc.nat(), { maxLength: 4 }), (bytes, cuts) => {
        const expected = simply(bytes)
        expect(decode(bytes, [])).toEqual(expected)
        expect(
          decode(
            bytes,
            cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b),
          ),
        ).toEqual(expected)
      }),
      { numRuns: 600 },
    )
  })

  it('give the same at every single cut', () => {
    const bytes = bytesOf(
      `${HEADER}2 a 1 9007199254740993 - x\r\n- - - - - -\n5 \u00c3\u00bc 65535 12 red y\n7  b\t1 2 - -\nversion name port\n2 a 3\nname port\nb 4`,
    )
    const expected = simply(bytes)
    expect(expected).toHaveLength(6)
    for (let cut = 0; cut <= bytes.length; cut++) expect(decode(bytes, [cut])).toEqual(expected)
  })

  it('give the same in noise', () => {
    const noise = fc.uint8Array({ maxLength: 200 }).map(bytes => Uint8Array.of(...bytesOf(HEADER), ...bytes))
    const nearly = fc
      .array(fc.constantFrom(32, 32, 9, 10, 13, 45, 48, 49, 57, 97, 123, 44, 34, 0, 127, 128, 195, 169), { maxLength: 200 })
      .map(bytes => Uint8Array.of(...bytesOf(HEADER), ...bytes))
    fc.assert(
      fc.property(fc.oneof(noise, nearly), bytes => {
        expect(decode(bytes, [])).toEqual(simply(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('keep apart many cells, forgotten ones too, and give equal ones as the same text', () => {
    const rows = spacedRows(['text'])
    let forgotten = 0
    const read = (text: string): unknown => {
      const bytes = bytesOf(`${text}\n    `)
      const { texts } = rows
      expect(rows.read(bytes, new DataView(bytes.buffer), 0)).toBe(text.length + 1)
      if (rows.texts !== texts) forgotten++
      return rows.values()[0]
    }
    for (let n = 0; n < 200_000; n++) {
      const text = `${(n * 2654435761) % 2 ** 32}.${n}`
      if (read(text) !== text) throw new Error(`${text} was read as ${String(rows.values()[0])}`)
    }
    for (const length of [1, 3, 4, 5, 47, 48, 49, 255, 256, 257, 400]) expect(read('y'.repeat(length))).toBe('y'.repeat(length))
    expect(forgotten).toBeGreaterThan(1)
    expect(forgotten).toBeLessThan(20)
  })

  it.each([4, 1000, 1001, 5000])('give all of a line of %i cells amid which others are forgotten', width => {
    const rows = spacedRows(Array.from({ length: width }, () => 'text'))
    let forgotten = 0
    let left = 0
    for (let n = 0; forgotten < 3; n++) {
      const cells = Array.from({ length: width }, (_, at) => `${n}-${at}`.padEnd(width > 1000 ? 256 : 8, 'x'))
      const bytes = bytesOf(`${cells.join(' ')}\n    `)
      const { texts } = rows
      const next = rows.read(bytes, new DataView(bytes.buffer), 0)
      if (rows.texts !== texts) forgotten++
      if (next === -1) left++
      else expect([next, [...rows.values()]]).toEqual([bytes.length - 4, cells])
    }
    // a line that may have more than is remembered is left to others
    if (width <= 1000) expect(left).toBe(0)
    else expect(left).toBeGreaterThan(0)
  })
})

describe('rows', () => {
  it('are the same with and without generated code', () => {
    const name = fc.oneof(fc.constantFrom('version', 'pkt-srcaddr', '__proto__', 'constructor', 'a"b', 'a`b', "'"), fc.string())
    fc.assert(
      fc.property(
        fc.uniqueArray(
          name.filter(one => one !== 'rest'),
          { maxLength: 8 },
        ),
        fc.array(fc.anything(), { minLength: 8, maxLength: 8 }),
        (names, values) => {
          const columns = names.map((one, at) => ({ name: one, at }))
          const [literal, portable] = [literalRows(columns)!(values, 'r'), portableRows(columns)(values, 'r')]
          expect(Object.entries(literal)).toEqual(Object.entries(portable))
          expect(Object.keys(literal)).toEqual([...Object.keys(Object.fromEntries(names.map(one => [one, 1]))), 'rest'])
        },
      ),
    )
  })
})
