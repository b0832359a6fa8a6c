/**
 * XXH64 with seed 0, the hash of Parquet's bloom filters, in pairs of 32-bit words, since BigInt arithmetic allocates.
 * Words live in locals and each product is spelled out, since a function cannot return two words without a place to
 * put them: through an array of registers short texts took twice as long.
 *
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */

// the five primes, low and high word
const P1_LOW = 0x85ebca87 | 0
const P1_HIGH = 0x9e3779b1 | 0
const P2_LOW = 0x27d4eb4f
const P2_HIGH = 0xc2b2ae3d | 0
const P3_LOW = 0x9e3779f9 | 0
const P3_HIGH = 0x165667b1
const P4_LOW = 0xc2b2ae63 | 0
const P4_HIGH = 0x85ebca77 | 0
const P5_LOW = 0x165667c5
const P5_HIGH = 0x27d4eb2f

/** The upper word of the product of two unsigned words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) >>> 0
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0
}

/** The upper word of the product of two pairs, modulo 2^64; the lower one is that of the lower words. */
function productHigh(low: number, high: number, otherLow: number, otherHigh: number): number {
  return (multiplyHigh(low, otherLow) + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) | 0
}

/** The upper word of a sum, given the lower word of the sum and of one side. */
function sumHigh(high: number, otherHigh: number, sumLow: number, otherLow: number): number {
  return (high + otherHigh + (sumLow >>> 0 < otherLow >>> 0 ? 1 : 0)) | 0
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

const LANE_ROTATIONS = Int32Array.of(1, 7, 12, 18)
/** Four lanes and the hash made of them, low word first. */
const lanes = new Int32Array(10)

/** Hashes `bytes[from, to)` and writes the low word to `out[at]`, the high one to `out[at + 1]`. */
export function xxh64(bytes: Uint8Array, from: number, to: number, out: Uint32Array, at: number): void {
  let low = P5_LOW
  let high = P5_HIGH
  let read = from
  if (to - from >= 32) {
    read = stripes(bytes, from, to)
    low = lanes[8]!
    high = lanes[9]!
  }
  let before = low
  low = (low + to - from) | 0
  high = sumHigh(high, 0, low, before)

  for (; read + 8 <= to; read += 8) {
    let nextLow = word(bytes, read)
    let nextHigh = productHigh(nextLow, word(bytes, read + 4), P2_LOW, P2_HIGH)
    nextLow = Math.imul(nextLow, P2_LOW)
    const turned = (nextLow << 31) | (nextHigh >>> 1)
    nextHigh = (nextHigh << 31) | (nextLow >>> 1)
    low ^= Math.imul(turned, P1_LOW)
    high ^= productHigh(turned, nextHigh, P1_LOW, P1_HIGH)
    before = (low << 27) | (high >>> 5)
    high = productHigh(before, (high << 27) | (low >>> 5), P1_LOW, P1_HIGH)
    low = (Math.imul(before, P1_LOW) + P4_LOW) | 0
    high = sumHigh(high, P4_HIGH, low, P4_LOW)
  }
  if (read + 4 <= to) {
    const next = word(bytes, read)
    low ^= Math.imul(next, P1_LOW)
    high ^= productHigh(next, 0, P1_LOW, P1_HIGH)
    before = (low << 23) | (high >>> 9)
    high = productHigh(before, (high << 23) | (low >>> 9), P2_LOW, P2_HIGH)
    low = (Math.imul(before, P2_LOW) + P3_LOW) | 0
    high = sumHigh(high, P3_HIGH, low, P3_LOW)
    read += 4
  }
  for (; read < to; read++) {
    const next = bytes[read]!
    low ^= Math.imul(next, P5_LOW)
    high ^= productHigh(next, 0, P5_LOW, P5_HIGH)
    before = (low << 11) | (high >>> 21)
    high = productHigh(before, (high << 11) | (low >>> 21), P1_LOW, P1_HIGH)
    low = Math.imul(before, P1_LOW)
  }

  low ^= high >>> 1 // h ^= h >> 33
  high = productHigh(low, high, P2_LOW, P2_HIGH)
  low = Math.imul(low, P2_LOW)
  low ^= (low >>> 29) | (high << 3) // h ^= h >> 29
  high ^= high >>> 29
  high = productHigh(low, high, P3_LOW, P3_HIGH)
  low = Math.imul(low, P3_LOW)
  out[at] = low ^ high // h ^= h >> 32
  out[at + 1] = high
}

/** Mixes all whole stripes of 32 bytes into the lanes, and these into one hash; returns where it stopped. */
function stripes(bytes: Uint8Array, from: number, to: number): number {
  lanes[0] = P1_LOW + P2_LOW
  lanes[1] = 0x60ea27ee
  lanes[2] = P2_LOW
  lanes[3] = P2_HIGH
  lanes[4] = lanes[5] = 0
  lanes[6] = -P1_LOW
  lanes[7] = ~P1_HIGH
  let read = from
  for (; read + 32 <= to; read += 32) {
    for (let lane = 0; lane < 8; lane += 2) {
      const nextLow = word(bytes, read + lane * 4)
      const nextHigh = productHigh(nextLow, word(bytes, read + lane * 4 + 4), P2_LOW, P2_HIGH)
      const product = Math.imul(nextLow, P2_LOW)
      const low = (lanes[lane]! + product) | 0
      const high = sumHigh(lanes[lane + 1]!, nextHigh, low, product)
      const turned = (low << 31) | (high >>> 1)
      lanes[lane] = Math.imul(turned, P1_LOW)
      lanes[lane + 1] = productHigh(turned, (high << 31) | (low >>> 1), P1_LOW, P1_HIGH)
    }
  }
  let low = 0
  let high = 0
  for (let lane = 0; lane < 4; lane++) {
    const bits = LANE_ROTATIONS[lane]!
    const laneLow = lanes[lane * 2]!
    const laneHigh = lanes[lane * 2 + 1]!
    const turned = (laneLow << bits) | (laneHigh >>> (32 - bits))
    low = (low + turned) | 0
    high = sumHigh(high, (laneHigh << bits) | (laneLow >>> (32 - bits)), low, turned)
  }
  for (let lane = 0; lane < 8; lane += 2) {
    const product = Math.imul(lanes[lane]!, P2_LOW)
    const productUp = productHigh(lanes[lane]!, lanes[lane + 1]!, P2_LOW, P2_HIGH)
    const turned = (product << 31) | (productUp >>> 1)
    low ^= Math.imul(turned, P1_LOW)
    high ^= productHigh(turned, (productUp << 31) | (product >>> 1), P1_LOW, P1_HIGH)
    high = productHigh(low, high, P1_LOW, P1_HIGH)
    low = (Math.imul(low, P1_LOW) + P4_LOW) | 0
    high = sumHigh(high, P4_HIGH, low, P4_LOW)
  }
  lanes[8] = low
  lanes[9] = high
  return read
}
