/** Objects that come again and again in a log: the same bytes are the very same object, frozen, and are not read twice. */
import type { Json } from '../json.js'

export interface SharedValue {
  readonly bytes: DataView
  readonly length: number
  readonly value: Json
  /** Line feeds in its bytes. */
  readonly lines: number
}

export interface SharedValues {
  /** What the bytes from `at` on start with; they start an object. */
  find(view: DataView, at: number, end: number): SharedValue | undefined
  /** Keeps the object that `find` just looked for in vain. */
  keep(bytes: Uint8Array, from: number, to: number, value: Json, lines: number): void
}

const SETS = 512
/** Objects with the same hash. The oldest makes room. */
const WAYS = 4
const LONGEST = 2048
/** So many bytes are hashed at most. */
const TELLING = 256
/** Objects that hardly ever repeat are not looked for; now and then they get another chance. */
const TRIAL = 256
const PATIENCE = 2 ** 14

export function createSharedValues(): SharedValues {
  const sets: (SharedValue | undefined)[] = new Array<SharedValue | undefined>(SETS * WAYS).fill(undefined)
  const oldest = new Uint8Array(SETS)
  let set = 0
  let looked = 0
  let found = 0

  return {
    find(view, at, end) {
      set = -1
      if (++looked > TRIAL && found * 2 < looked) {
        if (looked > PATIENCE) looked = found = 0
        return undefined
      }
      set = setOf(view, at, end)
      if (set < 0) return undefined
      for (let way = set * WAYS; way < (set + 1) * WAYS; way++) {
        const shared = sets[way]
        if (shared === undefined) return undefined
        if (!startsWith(view, at, end, shared)) continue
        found++
        return shared
      }
      return undefined
    },
    keep(bytes, from, to, value, lines) {
      if (set < 0 || to - from > LONGEST || to - from < 4) return
      const way = oldest[set]!
      oldest[set] = (way + 1) % WAYS
      sets[set * WAYS + way] = { bytes: new DataView(bytes.slice(from, to).buffer), length: to - from, value: frozen(value), lines }
    },
  }
}

/** A hash up to the first closing brace, which every object has, or of as much as tells most apart; -1 when that is not there yet. */
function setOf(view: DataView, at: number, end: number): number {
  let hash = 0
  const enough = at + TELLING
  for (; at + 4 <= end; at += 4) {
    if (at >= enough) return (hash ^ (hash >>> 13)) & (SETS - 1)
    const word = view.getInt32(at, true)
    const brace = word ^ 0x7d7d7d7d
    const special = (brace - 0x01010101) & ~brace & 0x80808080
    if (special !== 0) {
      const left = (31 - Math.clz32(special & -special)) & ~7
      hash = Math.imul(hash ^ (word & ((1 << left) - 1)), 0x85ebca6b)
      return (hash ^ (hash >>> 13)) & (SETS - 1)
    }
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return -1
}

/** From the end, where objects that begin alike differ. */
function startsWith(view: DataView, at: number, end: number, { bytes, length }: SharedValue): boolean {
  if (at + length > end) return false
  let place = length - 4
  for (; place > 0; place -= 4) if (view.getInt32(at + place, true) !== bytes.getInt32(place, true)) return false
  return view.getInt32(at, true) === bytes.getInt32(0, true)
}

function frozen(value: Json): Json {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) if (item !== undefined) frozen(item)
    Object.freeze(value)
  }
  return value
}
