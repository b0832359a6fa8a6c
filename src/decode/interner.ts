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

const SLOTS = 2 ** 15
/** Once half the slots or this many words of bytes are taken, all is forgotten: memory stays bounded, and what repeats comes back. */
const MOST_TEXTS = SLOTS / 2
const WORDS = 2 ** 18

let shared: Interner | undefined

/** One memory for all layouts: what it holds is text by its bytes, whoever reads it. */
export function sharedTexts(): Interner {
  shared ??= createInterner()
  return shared
}

export function createInterner(): Interner {
  /** Number of the text in each slot, from 1; 0 is free. */
  const slots = new Int32Array(SLOTS)
  const hashes = new Int32Array(MOST_TEXTS + 1)
  const starts = new Int32Array(MOST_TEXTS + 1)
  const lengths = new Int32Array(MOST_TEXTS + 1)
  const words = new Int32Array(WORDS)
  let texts: string[] = ['']
  let used = 0

  const clear = (): void => {
    slots.fill(0)
    texts = ['']
    used = 0
  }

  const interner: Interner = {
    fresh: false,
    intern(bytes, view, from, to, given, tail) {
      const length = to - from
      const whole = from + (length & ~3)
      let hash = Math.imul(given ^ tail ^ (length << 24), 0x85ebca6b)
      hash ^= hash >>> 13
      let slot = hash & (SLOTS - 1)
      for (let number = slots[slot]!; number !== 0; number = slots[slot]!) {
        if (hashes[number] === hash && lengths[number] === length) {
          let word = starts[number]!
          let at = from
          while (at < whole && words[word] === view.getInt32(at, true)) {
            at += 4
            word++
          }
          if (at === whole && (whole === to || words[word] === tail)) {
            interner.fresh = false
            return texts[number]!
          }
        }
        slot = (slot + 1) & (SLOTS - 1)
      }
      const text = asciiText(bytes, from, to)
      interner.fresh = true
      if (texts.length > MOST_TEXTS || used + (length >> 2) + 1 > WORDS) {
        clear()
        slot = hash & (SLOTS - 1)
      }
      const number = texts.length
      texts.push(text)
      slots[slot] = number
      hashes[number] = hash
      starts[number] = used
      lengths[number] = length
      for (let at = from; at < whole; at += 4) words[used++] = view.getInt32(at, true)
      if (whole !== to) words[used++] = tail
      return text
    },
  }
  return interner
}
