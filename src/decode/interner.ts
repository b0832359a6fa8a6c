/** Equal bytes to the very same string, so that whoever looks it up meets a hash that is known and often the same pointer. */
import { asciiText } from './ascii.js'

export interface Interner {
  /** The text of the ASCII bytes from `from` to `to`: `hash` is any hash of their whole words, `tail` what is behind those. */
  intern(bytes: Uint8Array, view: DataView, from: number, to: number, hash: number, tail: number): string
  /** Whether the last text was not known before. */
  fresh: boolean
}

/** Longer texts hardly ever repeat, and comparing them costs more than making them. */
export const LONGEST_INTERNED = 256

const NUMBER_BITS = 15
/** Once there are so many texts or words, all is forgotten: memory stays bounded, and what repeats comes back. */
const MOST_TEXTS = 2 ** NUMBER_BITS
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

  const add = (bytes: Uint8Array, view: DataView, from: number, to: number, hash: number, slot: number, tail: number): string => {
    const text = asciiText(bytes, from, to)
    slots[slot] = used
    entries[used++] = hash
    entries[used++] = ((to - from) << NUMBER_BITS) | texts.length
    texts.push(text)
    let at = from
    for (; at + 4 <= to; at += 4) entries[used++] = view.getInt32(at, true)
    if (at < to) entries[used++] = tail
    if (texts.length === MOST_TEXTS || used > WORDS - LONGEST_INTERNED) {
      slots.fill(0)
      used = 1
      texts = []
    }
    return text
  }

  const interner: Interner = {
    fresh: false,
    intern(bytes, view, from, to, given, tail) {
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
            return texts[head & (MOST_TEXTS - 1)]!
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
