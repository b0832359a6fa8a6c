/** Seeded random numbers and the invented names made of them: the same seed gives the same data. */

export interface Random {
  /** From 0 up to 1. */
  unit(): number
  /** A whole number from 0 up to `below`. */
  below(below: number): number
  /** From 0 up to `below`, small ones far more often: the skew of hosts, roles and keys in real logs. */
  skewed(below: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** Picks by skew: the first are the popular ones. */
  popular<T>(from: readonly T[]): T
  hex(length: number): string
  /** Upper-case letters and digits, as in AWS's unique ids. */
  id(length: number): string
  uuid(): string
}

/** xoshiro128**, seeded by splitmix32. */
export function createRandom(seed: number): Random {
  let s = seed | 0
  const split = (): number => {
    s = (s + 0x9e3779b9) | 0
    let z = Math.imul(s ^ (s >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) | 0
  }
  let a = split()
  let b = split()
  let c = split()
  let d = split()
  const next = (): number => {
    const five = Math.imul(b, 5)
    const out = Math.imul((five << 7) | (five >>> 25), 9)
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return out >>> 0
  }
  const unit = (): number => next() / 2 ** 32
  const below = (n: number): number => Math.floor(unit() * n)
  const skewed = (n: number): number => Math.min(n - 1, Math.floor(n ** unit() - 1 + unit()))
  const hex = (length: number): string => {
    let out = ''
    while (out.length < length) out += next().toString(16).padStart(8, '0')
    return out.slice(0, length)
  }
  const id = (length: number): string => {
    let out = ''
    while (out.length < length) out += ID_ALPHABET[next() & 31]!
    return out
  }
  return {
    unit,
    below,
    skewed,
    chance: probability => unit() < probability,
    pick: from => from[below(from.length)]!,
    popular: from => from[skewed(from.length)]!,
    hex,
    id,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[next() & 3]}${hex(3)}-${hex(12)}`,
  }
}

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export const ACCOUNT = '123456789012'
export const REGION = 'us-east-1'
/** When all generated logs start: epoch seconds, midnight UTC. Each file covers five minutes. */
export const START = Date.UTC(2024, 4, 1) / 1000
export const FILE_SECONDS = 300

/** `20240501T0005Z`, as in the names of AWS's log files. */
export function stamp(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace(/[-:]/g, '')}Z`
}

/** A made-up public address; the documentation networks are too small for realistic cardinality. */
export function publicIp(random: Random): string {
  return `${random.pick([13, 18, 34, 44, 52, 54, 63, 78, 91, 103, 142, 151, 185, 203])}.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`
}
