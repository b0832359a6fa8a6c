import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from './bytes.js'
import { bitWidth, hybridBound, writeHybrid, writeRepeated } from './hybrid.js'

/** Decodes bit by bit, after the specification. */
function decode(bytes: Uint8Array, width: number, count: number): number[] {
  const out: number[] = []
  let at = 0
  while (out.length < count) {
    let header = 0
    let shift = 0
    for (;;) {
      const byte = bytes[at++]!
      header += (byte & 0x7f) * 2 ** shift
      shift += 7
      if (byte < 0x80) break
    }
    if (header & 1) {
      const groups = header >> 1
      for (let i = 0; i < groups * 8; i++) {
        let value = 0
        for (let bit = 0; bit < width; bit++) {
          const position = i * width + bit
          value += ((bytes[at + (position >> 3)]! >> (position & 7)) & 1) * 2 ** bit
        }
        out.push(value)
      }
      at += groups * width
    } else {
      let value = 0
      for (let byte = 0; byte < Math.ceil(width / 8); byte++) value += bytes[at++]! * 2 ** (8 * byte)
      for (let i = 0; i < header / 2; i++) out.push(value)
    }
  }
  expect(at).toBe(bytes.length)
  return out.slice(0, count)
}

describe('the RLE and bit-packing hybrid', () => {
  it('is read back by a decoder written after the specification, within its bound', () => {
    const runs = fc.integer({ min: 1, max: 31 }).chain(width =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** width - 1 }), fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 4, max: 300 }))), {
          maxLength: 60,
        }),
      ),
    )
    fc.assert(
      fc.property(runs, ([width, list]) => {
        const values = Int32Array.from(list.flatMap(([value, times]) => Array<number>(times).fill(value)))
        const sink = new ByteSink(1)
        writeHybrid(sink, values, 0, values.length, width)
        expect(decode(sink.view(), width, values.length)).toEqual([...values])
        expect(sink.size).toBeLessThanOrEqual(hybridBound(values.length, width))
      }),
      { numRuns: 300 },
    )
  })

  it('packs runs longer than a block at every width', () => {
    for (let width = 1; width <= 31; width++) {
      const values = Int32Array.from({ length: 9_005 }, (_, n) => Math.imul(n + 1, 0x9e3779b1) >>> (32 - width))
      const sink = new ByteSink(1)
      writeHybrid(sink, values, 3, values.length, width)
      expect(decode(sink.view(), width, values.length - 3), `width ${width}`).toEqual([...values.subarray(3)])
    }
  })

  it('writes a repeated value like an array of it', () => {
    for (const count of [0, 1, 7, 8, 9, 20_000]) {
      const [one, all] = [new ByteSink(), new ByteSink()]
      writeRepeated(one, 5, count, 3)
      writeHybrid(all, new Int32Array(count).fill(5), 0, count, 3)
      expect(one.view(), `${count}`).toEqual(all.view())
    }
  })

  it('takes at most one byte per level and 64 beside them', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 127 }), { maxLength: 500 }), values => {
        const sink = new ByteSink()
        writeHybrid(sink, Int32Array.from(values), 0, values.length, 7)
        expect(sink.size).toBeLessThanOrEqual(values.length + 16)
      }),
    )
  })

  it('counts the bits of the greatest value', () => {
    expect([0, 1, 2, 3, 4, 255, 256].map(bitWidth)).toEqual([0, 1, 2, 2, 3, 8, 9])
  })
})
