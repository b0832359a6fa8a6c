/** Bytes that no service would write: bent fixtures of every source give events or rejects, one for each record, and never a throw. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, casesOf, convertAs } from '../../fixtures/cases.js'
import { drawn } from '../../fixtures/seed.js'
import { VERSIONS } from '../ocsf/facts.js'
import { validate } from '../ocsf/validate.js'
import { SOURCES } from './index.js'
import type { AnySource } from './source.js'

const MOST_BYTES = 2 ** 14
/** What parsers trip over: quotes, separators, line ends, brackets, escapes, NUL, broken and overlong UTF-8, a byte order mark. */
const ODD = [
  '"',
  "'",
  ' ',
  '\t',
  ',',
  '\n',
  '\r\n',
  '{',
  '}',
  '[',
  ']',
  ':',
  '-',
  '\\',
  '\\u0000',
  '\\"',
  '\0',
  '%00',
  '=',
  '&',
  '__proto__',
  '9'.repeat(40),
  '-1',
  '1e999',
]
const PIECES: readonly Uint8Array[] = [
  ...ODD.map(text => new TextEncoder().encode(text)),
  ...[[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf]].map(bytes => Uint8Array.from(bytes)),
]

const bend = fc.record({
  how: fc.constantFrom('insert', 'replace', 'cut', 'repeat', 'flip', 'end'),
  at: fc.nat(),
  length: fc.nat(40),
  piece: fc.constantFrom(...PIECES),
})
type Bend = typeof bend extends fc.Arbitrary<infer T> ? T : never

function bent(bytes: Uint8Array, { how, at, length, piece }: Bend): Uint8Array {
  const from = at % (bytes.length + 1)
  const to = Math.min(bytes.length, from + length)
  const before = bytes.subarray(0, from)
  const after = bytes.subarray(to)
  switch (how) {
    case 'insert':
      return Buffer.concat([before, piece, bytes.subarray(from)])
    case 'replace':
      return Buffer.concat([before, piece, after])
    case 'cut':
      return Buffer.concat([before, after])
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
    case 'flip':
      return bytes.map((byte, i) => (i === from ? byte ^ (1 << (length % 8)) : byte))
    case 'end':
      return before
  }
}

/** The bytes in pieces of a few lengths. */
function chunksOf(bytes: Uint8Array, size: number): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
  return chunks
}

const cases = (source: AnySource) => casesOf(source).filter(file => bytesOf(source, file).length <= MOST_BYTES)

describe.each(SOURCES.map(source => ({ id: source.id, source })))('$id', ({ source }) => {
  it('gives each record of bent bytes one outcome, valid where it is an event', async () => {
    const files = cases(source)
    let events = 0
    let others = 0
    const size = fc.constantFrom(1, 7, 64, MOST_BYTES * 2)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(bend, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...VERSIONS),
        size,
        async (file, bends, version, chunk) => {
          const bytes = bends.reduce(bent, bytesOf(source, file))
          const { in: records, outcomes } = await convertAs(source, file, version, chunksOf(bytes, chunk), { raw: 'keep' })
          expect(outcomes).toHaveLength(records)
          for (const outcome of outcomes) {
            if (outcome.kind !== 'event') {
              others++
              if (outcome.kind === 'rejected') {
                expect(outcome.issues.length).toBeGreaterThan(0)
                expect(outcome.issues.filter(({ rule }) => rule === 'map_error')).toEqual([])
              }
              continue
            }
            events++
            expect((await validate(outcome.event)).issues).toEqual([])
          }
        },
      ),
      { numRuns: drawn(200) },
    )
    expect(events).toBeGreaterThan(0)
    expect(others).toBeGreaterThan(0)
  }, 180_000)

  it('takes any head for recognition', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases(source)), fc.array(bend, { minLength: 1, maxLength: 6 }), (file, bends) => {
        const bytes = bends.reduce(bent, bytesOf(source, file))
        for (const key of [file, 'AWSLogs/', '__proto__/%00/\\'])
          expect(() => source.recognise({ key, bytes, text: new TextDecoder().decode(bytes) })).not.toThrow()
      }),
      { numRuns: drawn(100) },
    )
  })
})
