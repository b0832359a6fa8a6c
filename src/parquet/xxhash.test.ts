import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { xxh64 } from './xxhash.js'

const out = new Uint32Array(2)
function hex(bytes: Uint8Array): string {
  xxh64(bytes, 0, bytes.length, out, 0)
  return [out[1]!, out[0]!].map(word => word.toString(16).padStart(8, '0')).join('')
}
const ofText = (text: string) => hex(new TextEncoder().encode(text))

/** The specification with 64-bit integers, slow and plain. */
function reference(bytes: Uint8Array): string {
  const mask = 2n ** 64n - 1n
  const [p1, p2, p3, p4, p5] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n] as const
  const rotate = (x: bigint, bits: bigint) => ((x << bits) | (x >> (64n - bits))) & mask
  const read = (at: number, length: number) => bytes.subarray(at, at + length).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const round = (lane: bigint, input: bigint) => (rotate((lane + input * p2) & mask, 31n) * p1) & mask
  let at = 0
  let hash: bigint = p5
  if (bytes.length >= 32) {
    const lanes = [p1 + p2, p2, 0n, -p1].map(lane => lane & mask)
    for (; at + 32 <= bytes.length; at += 32) for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane]!, read(at + lane * 8, 8))
    hash = [1n, 7n, 12n, 18n].reduce((sum, bits, lane) => sum + rotate(lanes[lane]!, bits), 0n) & mask
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * p1 + p4) & mask
  }
  hash = (hash + BigInt(bytes.length)) & mask
  for (; at + 8 <= bytes.length; at += 8) hash = (rotate(hash ^ round(0n, read(at, 8)), 27n) * p1 + p4) & mask
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((read(at, 4) * p1) & mask), 23n) * p2 + p3) & mask
    at += 4
  }
  for (; at < bytes.length; at++) hash = (rotate(hash ^ ((read(at, 1) * p5) & mask), 11n) * p1) & mask
  hash = ((hash ^ (hash >> 33n)) * p2) & mask
  hash = ((hash ^ (hash >> 29n)) * p3) & mask
  return (hash ^ (hash >> 32n)).toString(16).padStart(16, '0')
}

describe('xxh64', () => {
  it('gives the published hashes', () => {
    expect(ofText('')).toBe('ef46db3751d8e999')
    expect(ofText('a')).toBe(15154266338359012955n.toString(16))
    expect(ofText('abc')).toBe('44bc2cf5ad770999')
    expect(ofText('ABC')).toBe('e66ae7354fcfee98')
    expect(ofText('xxhash')).toBe('32dd38952c4bc720')
    expect(ofText('0123')).toBe('4c33072b45647dcb')
    expect(hex(Uint8Array.of(0))).toBe(16804241149081757544n.toString(16))
    expect(hex(Uint8Array.of(3, 0, 0, 0))).toBe(13361037350151369407n.toString(16))
  })

  it('follows the specification at every length, and in the middle of other bytes', () => {
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, n) => (n * 151 + length * 7) & 255)
      expect(hex(bytes), `${length} bytes`).toBe(reference(bytes))
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 5 }), (bytes, around) => {
        const whole = Uint8Array.of(...around, ...bytes, ...around)
        const words = new Uint32Array(5)
        xxh64(whole, around.length, around.length + bytes.length, words, 3)
        expect([words[4]!, words[3]!].map(word => word.toString(16).padStart(8, '0')).join('')).toBe(reference(bytes))
      }),
    )
  })
})
