/**
 * XXH64 with seed 0, the hash of Parquet's bloom filters, in pairs of 32-bit words, since BigInt arithmetic allocates.
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

// 64-bit registers, low word first: one typed array keeps them unboxed
const HASH = 0
const INPUT = 2
const LANES = 4
const registers = new Int32Array(12)
const ROTATIONS = Int32Array.of(1, 7, 12, 18)

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

function multiply(at: number, low: number, high: number): void {
  const ownLow = registers[at]!
  const ownHigh = registers[at + 1]!
  registers[at] = Math.imul(ownLow, low)
  registers[at + 1] = (multiplyHigh(ownLow, low) + Math.imul(ownHigh, low) + Math.imul(ownLow, high)) | 0
}

function add(at: number, low: number, high: number): void {
  const sum = (registers[at]! + low) | 0
  const carry = sum >>> 0 < low >>> 0 ? 1 : 0
  registers[at] = sum
  registers[at + 1] = (registers[at + 1]! + high + carry) | 0
}

/** By 1 to 31 bits. */
function rotateLeft(at: number, bits: number): void {
  const low = registers[at]!
  const high = registers[at + 1]!
  registers[at] = (low << bits) | (high >>> (32 - bits))
  registers[at + 1] = (high << bits) | (low >>> (32 - bits))
}

function set(at: number, low: number, high: number): void {
  registers[at] = low
  registers[at + 1] = high
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Mixes eight bytes of input into a lane. */
function round(lane: number, low: number, high: number): void {
  set(INPUT, low, high)
  multiply(INPUT, P2_LOW, P2_HIGH)
  add(lane, registers[INPUT]!, registers[INPUT + 1]!)
  rotateLeft(lane, 31)
  multiply(lane, P1_LOW, P1_HIGH)
}

/** Mixes eight bytes, already a round of their own or a lane, into the hash. */
function merge(low: number, high: number): void {
  set(INPUT, low, high)
  multiply(INPUT, P2_LOW, P2_HIGH)
  rotateLeft(INPUT, 31)
  multiply(INPUT, P1_LOW, P1_HIGH)
  registers[HASH]! ^= registers[INPUT]!
  registers[HASH + 1]! ^= registers[INPUT + 1]!
}

/** Hashes `bytes[from, to)` and writes the low word to `out[at]`, the high one to `out[at + 1]`. */
export function xxh64(bytes: Uint8Array, from: number, to: number, out: Uint32Array, at: number): void {
  let read = from
  if (to - from >= 32) {
    set(LANES, (P1_LOW + P2_LOW) | 0, 0x60ea27ee)
    set(LANES + 2, P2_LOW, P2_HIGH)
    set(LANES + 4, 0, 0)
    set(LANES + 6, -P1_LOW | 0, ~P1_HIGH)
    for (; read + 32 <= to; read += 32)
      for (let lane = 0; lane < 4; lane++) round(LANES + lane * 2, word(bytes, read + lane * 8), word(bytes, read + lane * 8 + 4))
    mergeLanes()
  } else set(HASH, P5_LOW, P5_HIGH)

  add(HASH, to - from, 0)
  for (; read + 8 <= to; read += 8) {
    merge(word(bytes, read), word(bytes, read + 4))
    rotateLeft(HASH, 27)
    multiply(HASH, P1_LOW, P1_HIGH)
    add(HASH, P4_LOW, P4_HIGH)
  }
  if (read + 4 <= to) {
    mix(word(bytes, read), P1_LOW, P1_HIGH)
    rotateLeft(HASH, 23)
    multiply(HASH, P2_LOW, P2_HIGH)
    add(HASH, P3_LOW, P3_HIGH)
    read += 4
  }
  for (; read < to; read++) {
    mix(bytes[read]!, P5_LOW, P5_HIGH)
    rotateLeft(HASH, 11)
    multiply(HASH, P1_LOW, P1_HIGH)
  }
  avalanche()
  out[at] = registers[HASH]!
  out[at + 1] = registers[HASH + 1]!
}

function mergeLanes(): void {
  set(HASH, 0, 0)
  for (let lane = 0; lane < 4; lane++) {
    const from = LANES + lane * 2
    set(INPUT, registers[from]!, registers[from + 1]!)
    rotateLeft(INPUT, ROTATIONS[lane]!)
    add(HASH, registers[INPUT]!, registers[INPUT + 1]!)
  }
  for (let lane = 0; lane < 4; lane++) {
    merge(registers[LANES + lane * 2]!, registers[LANES + lane * 2 + 1]!)
    multiply(HASH, P1_LOW, P1_HIGH)
    add(HASH, P4_LOW, P4_HIGH)
  }
}

/** Mixes up to four bytes, times a prime, into the hash. */
function mix(value: number, low: number, high: number): void {
  set(INPUT, value, 0)
  multiply(INPUT, low, high)
  registers[HASH]! ^= registers[INPUT]!
  registers[HASH + 1]! ^= registers[INPUT + 1]!
}

function avalanche(): void {
  registers[HASH]! ^= registers[HASH + 1]! >>> 1 // h ^= h >> 33
  multiply(HASH, P2_LOW, P2_HIGH)
  const low = registers[HASH]!
  const high = registers[HASH + 1]!
  set(HASH, low ^ ((low >>> 29) | (high << 3)), high ^ (high >>> 29)) // h ^= h >> 29
  multiply(HASH, P3_LOW, P3_HIGH)
  registers[HASH]! ^= registers[HASH + 1]! // h ^= h >> 32
}
