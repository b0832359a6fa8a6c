/** Equal bytes to the very same string, so that whoever looks it up meets a hash that is known and often the same pointer. */
import { MOST_TEXTS } from '../rows.js'
import { asciiText } from './ascii.js'

export interface Interner {
  /** The text of the ASCII bytes from `from` to `to`: `hash` is any hash of their whole words, `tail` what is behind those. */
  intern(bytes: Uint8Array, view: DataView, from: number, to: number, hash: number, tail: number): string
  /** Where that text stands in `texts`. */
  numberOf(bytes: Uint8Array, view: DataView, from: number, to: number, hash: number, tail: number): number
  /** Whether the last text was not known before. */
  fresh: boolean
  /** An array is only ever appended to: once there are too many, others take their place in a new one. */
  texts: readonly string[]
}

/** Longer texts hardly ever repeat, and comparing them costs more than making them. */
export const LONGEST_INTERNED = 256

const NUMBER_BITS = Math.log2(MOST_TEXTS)
/** Once there are so many words or `MOST_TEXTS`, all is forgotten: memory stays bounded, and what repeats comes back. */
const WORDS = 2 ** 18
const SLOTS = 2 * MOST_TEXTS

let shared: Interner | undefined

/** One memory for all that read: what it holds is text by its bytes, whoever reads it. */
export function sharedTexts(): Interner {
  shared ??= createInterner()
  return shared
}

export function createInterner(): Interner {
  /** By slot: where its entry begins; 0 is free. */
  const slots = new Int32Array(SLOTS)
  /** Hash, length and number of each text, and its words: a look-up reads one or two lines of memory. */
  const entries = new Int32Array(WORDS)
  let used = 1
  let texts: string[] = []

  const add = (bytes: Uint8Array, view: DataView, from: number, to: number, hash: number, free: number, tail: number): number => {
    let slot = free
    if (texts.length === MOST_TEXTS || used > WORDS - LONGEST_INTERNED) {
      slots.fill(0)
      used = 1
      interner.texts = texts = []
      slot = hash & (SLOTS - 1)
    }
    slots[slot] = used
    entries[used++] = hash
    entries[used++] = ((to - from) << NUMBER_BITS) | texts.length
    let at = from
    for (; at + 4 <= to; at += 4) entries[used++] = view.getInt32(at, true)
    if (at < to) entries[used++] = tail
    return texts.push(asciiText(bytes, from, to)) - 1
  }

  const interner: Interner = {
    fresh: false,
    texts,
    intern(bytes, view, from, to, given, tail) {
      const number = interner.numberOf(bytes, view, from, to, given, tail) // which may begin anew
      return texts[number]!
    },
    numberOf(bytes, view, from, to, given, tail) {
      const length = to - from
      const whole = from + (length & ~3)
      let hash = Math.imul(given ^ tail ^ (length << 24), 0x85ebca6b)
      hash ^= hash >>> 13
      let slot = hash & (SLOTS - 1)
      for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
        const head = entries[entry + 1]!
        if (entries[entry] === hash && head >>> NUMBER_BITS === length) {
          let word = entry + 2
          let at = from
          while (at < whole && entries[word] === view.getInt32(at, true)) {
            at += 4
            word++
          }
          if (at === whole && (whole === to || entries[word] === tail)) {
            interner.fresh = false
            return head & (MOST_TEXTS - 1)
          }
        }
        slot = (slot + 1) & (SLOTS - 1)
      }
      interner.fresh = true
      return add(bytes, view, from, to, hash, slot, tail)
    },
  }
  return interner
}
