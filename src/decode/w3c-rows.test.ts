import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decoded } from './decoder.js'
import { type W3cLog, w3cDecoder } from './w3c.js'

const NAMES = ['date', 'cs-host', 'status', 'agent'] as const
const log: W3cLog<(typeof NAMES)[number]> = { record: 'a thing', names: NAMES, nameOf: written => NAMES.find(name => name === written.toLowerCase()) }

/** Less than a decoder reads before it takes the trouble to read in place. */
const CHUNK = 1024
/** More than that. */
const PADDING = 8192

/** What comes of texts read side by side, so many bytes of each in turn; the order of the keys counts. */
function sideBySide(texts: readonly string[], size: number): readonly (readonly string[])[] {
  const files = texts.map(text => {
    const got: string[] = []
    const emit = (item: Decoded<object>) => {
      const { raw, ...rest } = item
      got.push(JSON.stringify([rest, Buffer.from(raw).toString()]))
    }
    return { bytes: new TextEncoder().encode(text), decoder: w3cDecoder(log), emit, got }
  })
  const longest = Math.max(...files.map(({ bytes }) => bytes.length))
  for (let at = 0; at < longest; at += size) for (const { bytes, decoder, emit } of files) decoder.push(bytes.subarray(at, at + size), emit)
  for (const { decoder, emit } of files) decoder.end(emit)
  return files.map(({ got }) => got)
}

const outcomes = (text: string, size: number): readonly string[] => sideBySide([text], size)[0]!

const common = ['a', 'www.example.com', '2024-05-01', '200', '-', 'b'.repeat(56), 'c'.repeat(300), '!"', "x'y", 'Mozilla/5.0%20(X11)']
const odd = ['', ' ', 'x y', '\t', '#', 'é', '\u007f', '\u0000', '\r', ',', 'a,b', '--', '\uFEFF']
const cell = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...common) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const names = fc.uniqueArray(fc.constantFrom(...NAMES, 'Date', 'new', 'other', '7', 'constructor', '__proto__'), { minLength: 1, maxLength: 7 })

/** A header, and lines of about as many cells as it names. */
const part = names.chain(header =>
  fc.record({
    header: fc.constant(`#Fields: ${header.join(' ')}`),
    lines: fc.array(
      fc
        .record({
          cells: fc.array(cell, { minLength: header.length, maxLength: header.length }),
          separator: fc.oneof(
            { weight: 6, arbitrary: fc.constant('\t') },
            { weight: 2, arbitrary: fc.constant(' ') },
            { weight: 1, arbitrary: fc.constant(',') },
          ),
          behind: fc.oneof(
            { weight: 12, arbitrary: fc.constant('') },
            { weight: 1, arbitrary: fc.constantFrom('\t', '\t\t', ' ', '\tx', '\r', '\r\r', '\n', '\n#note\n') },
          ),
        })
        .map(({ cells, separator, behind }) => cells.join(separator) + behind),
      { minLength: 1, maxLength: 12 },
    ),
  }),
)

describe('lines read in place', () => {
  it('give what they give as text, whatever is in them', () => {
    let compared = 0
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), parts => {
        const text = `${parts.map(({ header, lines }) => `${header}\n${lines.join('\n')}\n`).join('')}${'\n'.repeat(PADDING)}`
        const apart = outcomes(text, CHUNK)
        expect(outcomes(text, text.length * 2)).toEqual(apart)
        compared += apart.length
      }),
    )
    expect(compared).toBeGreaterThan(100)
  })

  it('are the rows of one layout, in the order of its names', () => {
    const line = 'x\t200\twww.example.com\t-\n'
    const text = `#Fields: new status cs-host agent\n${line.repeat(400)}`
    const record = { status: '200', 'cs-host': 'www.example.com', rest: { new: 'x' } }
    expect(outcomes(text, text.length)).toEqual(Array.from({ length: 400 }, (_, i) => JSON.stringify([{ record, place: { line: i + 2 } }, line.trimEnd()])))
  })

  it('are those of their own file, whichever others are read at the same time', () => {
    const files = ['date status cs-host', 'status new date', 'new status'].map((names, file) =>
      [
        `#Fields: ${names}`,
        ...Array.from({ length: 900 }, (_, line) => names.split(' ').map(name => `${name}${(line * (file + 3)) % 7}`)).map(cells => cells.join('\t')),
      ].join('\n'),
    )
    const json = '{"date":"1","status":2,"new":{"x":1}}\n'.repeat(700)
    const texts = [...files, files[0]!.replace('date0', '-'), json]
    expect(sideBySide(texts, 5000)).toEqual(texts.map(text => outcomes(text, 5000)))
  })
})
