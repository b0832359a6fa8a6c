import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KEPT_BYTES, MAX_RECORD_BYTES } from './decoder.js'
import { lineSplitter } from './lines.js'

interface Got {
  readonly line: number
  readonly text?: string
  readonly rule?: string
  readonly found?: string
  readonly raw: readonly number[] | number
}

function split(chunks: readonly Uint8Array[]): Got[] {
  const got: Got[] = []
  const size = (raw: Uint8Array) => (raw.length > 1000 ? raw.length : [...raw])
  const lines = lineSplitter({
    line: (text, raw, line) => got.push({ line, text, raw: size(raw) }),
    fault: ({ rule, found }, raw, line) => got.push({ line, rule, found, raw: size(raw) }),
  })
  for (const chunk of chunks) lines.push(chunk)
  lines.end()
  return got
}

const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [...part])))
const texts = (got: readonly Got[]) => got.map(({ line, text, rule }) => [line, text ?? rule])

/** Cuts at the given positions (taken modulo the length) and scribbles over each chunk once it has been pushed. */
function splitAt(whole: Uint8Array, cuts: readonly number[]): Got[] {
  const got: Got[] = []
  const size = (raw: Uint8Array) => (raw.length > 1000 ? raw.length : [...raw])
  const lines = lineSplitter({
    line: (text, raw, line) => got.push({ line, text, raw: size(raw) }),
    fault: ({ rule, found }, raw, line) => got.push({ line, rule, found, raw: size(raw) }),
  })
  const at = [0, ...cuts.map(cut => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  for (let i = 1; i < at.length; i++) {
    const chunk = whole.slice(at[i - 1], at[i])
    lines.push(chunk)
    chunk.fill(88)
  }
  lines.end()
  return got
}

describe('lineSplitter', () => {
  it('numbers lines from 1, counts blank ones and passes none of them on', () => {
    expect(texts(split([bytes('a\n\n \t\r\n b\r\nc')]))).toEqual([
      [1, 'a'],
      [4, ' b'],
      [5, 'c'],
    ])
  })

  it('gives nothing for nothing', () => expect(split([bytes('')])).toEqual([]))

  it('keeps a CR that ends no line', () =>
    expect(texts(split([bytes('a\rb\r\nc\r')]))).toEqual([
      [1, 'a\rb'],
      [2, 'c'],
    ]))

  it('drops a byte order mark from the first line only', () => {
    const mark = [0xef, 0xbb, 0xbf]
    expect(split([bytes(mark, 'a\n', mark, 'b')])).toEqual([
      { line: 1, text: 'a', raw: [97] },
      { line: 2, text: '\uFEFFb', raw: [...mark, 98] },
    ])
  })

  it('reports invalid UTF-8 with its bytes and reads on', () => {
    expect(split([bytes('ok\n', [0xff, 0x61], '\nü\n')])).toEqual([
      { line: 1, text: 'ok', raw: [111, 107] },
      { line: 2, rule: 'utf8_invalid', found: 'bytes that are no UTF-8', raw: [0xff, 0x61] },
      { line: 3, text: 'ü', raw: [0xc3, 0xbc] },
    ])
  })

  it.each([
    ['in one piece', 1],
    ['in many pieces', 7],
  ])('reports a line over the limit that comes %s, keeps its start and reads on', (_, pieces) => {
    const long = new Uint8Array(MAX_RECORD_BYTES + 1).fill(97)
    const whole = bytes('first\n')
    const all = new Uint8Array(whole.length + long.length + 8)
    all.set(whole)
    all.set(long, whole.length)
    all.set(bytes('\r\nlast\r\n'), whole.length + long.length)
    const step = Math.ceil(all.length / pieces)
    const chunks = Array.from({ length: pieces }, (_, i) => all.subarray(i * step, (i + 1) * step))
    expect(split(chunks)).toEqual([
      { line: 1, text: 'first', raw: [...bytes('first')] },
      { line: 2, rule: 'record_too_large', found: `${MAX_RECORD_BYTES + 1} bytes`, raw: KEPT_BYTES },
      { line: 3, text: 'last', raw: [...bytes('last')] },
    ])
  })

  it('reads a line of exactly the limit', () => {
    const line = new Uint8Array(MAX_RECORD_BYTES + 2).fill(97)
    line.set([13, 10], MAX_RECORD_BYTES)
    expect(split([line]).map(({ text }) => text?.length)).toEqual([MAX_RECORD_BYTES])
    expect(split([line.subarray(0, 99), line.subarray(99)]).map(({ text }) => text?.length)).toEqual([MAX_RECORD_BYTES])
  })

  it('keeps a copy of what a Buffer holds of a line, and of a line with a fault', () => {
    const got: (string | Uint8Array)[] = []
    const lines = lineSplitter({ line: text => got.push(text), fault: (_, raw) => got.push(raw.slice()) })
    const chunk = Buffer.from([...bytes('one\n'), 0xff, 10, ...bytes('tw')])
    lines.push(chunk)
    chunk.fill('x')
    lines.push(Buffer.from('o\n'))
    expect(got).toEqual(['one', new Uint8Array([0xff]), 'two'])
  })

  it('reads files that are larger than a block', () => {
    const row = 'x'.repeat(999)
    const got = split([bytes(`${row}\n`.repeat(2000))])
    expect(got).toHaveLength(2000)
    expect(got.every(({ text, line }, i) => text === row && line === i + 1)).toBe(true)
  })

  it('gives the same lines wherever the stream is cut, also when the caller reuses its buffer', () => {
    const part = fc.oneof(
      fc.constantFrom([10], [13, 10], [13], [32], [9], [0xef, 0xbb, 0xbf], [0xff], [0xc3], [0]),
      fc.string({ unit: 'grapheme', maxLength: 6 }).map(text => [...new TextEncoder().encode(text)]),
    )
    const stream = fc.array(part, { maxLength: 30 }).map(parts => Uint8Array.from(parts.flat()))
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200), { maxLength: 12 }), (whole, cuts) => {
        expect(splitAt(whole, cuts)).toEqual(split([whole]))
      }),
      { numRuns: 500 },
    )
  })
})
