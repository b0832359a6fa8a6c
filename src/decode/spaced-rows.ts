/**
 * The hot path of tables: lines of printable ASCII with one space between cells, read in place. Equal cells become the
 * very same string, whose hash is known already, so that what follows finds and compares it quickly.
 */
import { asciiText } from './ascii.js'

/** How a column is read. */
export type SpacedColumn = 'text' | 'count'

export interface SpacedRows {
  /**
   * Reads the line at `start` and returns where the next one starts; -1 for a line that is not as simple as that or has
   * other columns: it says nothing about the line. Needs a line feed, and 4 bytes behind it.
   */
  read(bytes: Uint8Array, view: DataView, start: number): number
  /** The cells read last: text and counts by column, `undefined` for `-`. */
  readonly values: readonly (string | number | undefined)[]
  /** End of the line read last, without its line end. */
  readonly end: number
}

/** Slots of the memory of cells; a new cell takes the slot of an old one. */
const SLOTS = 2 ** 15
/** Longer cells are not remembered. */
const MOST_WORDS = 12
const LF = 10
const CR = 13
const SPACE = 32
const DASH = 45
/** Every count of so many digits is exact. */
const EXACT_DIGITS = 15

/** Cells met before, by their bytes. */
export interface CellMemory {
  readonly hashes: Int32Array
  readonly words: Int32Array
  readonly texts: string[]
}

export function cellMemory(): CellMemory {
  return { hashes: new Int32Array(SLOTS), words: new Int32Array(SLOTS * MOST_WORDS), texts: new Array<string>(SLOTS).fill('') }
}

export function spacedRows(columns: readonly SpacedColumn[], { hashes, words, texts }: CellMemory): SpacedRows {
  const counts = Uint8Array.from(columns, column => (column === 'count' ? 1 : 0))
  const last = columns.length - 1
  const values: (string | number | undefined)[] = columns.map(() => undefined)
  let end = 0
  // where the text read last stops
  let stop = 0

  /** The text at `start`, up to a byte that is not printable ASCII. */
  const textAt = (bytes: Uint8Array, view: DataView, start: number): string | undefined => {
    let at = start
    let hash = 0
    let word = 0
    let ends = 0
    for (;;) {
      word = view.getInt32(at, true)
      // the high bit of each byte that is below 33 or above 127; exact up to the first of them
      ends = ((word - 0x21212121) | word) & 0x80808080
      if (ends !== 0) break
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
      at += 4
    }
    const left = (31 - Math.clz32(ends & -ends)) >> 3
    const tail = left === 0 ? 0 : word & ((1 << (left << 3)) - 1)
    stop = at + left
    const length = stop - start
    if (length === 1 && tail === DASH) return undefined
    const whole = (at - start) >> 2
    if (whole >= MOST_WORDS) return asciiText(bytes, start, stop)
    hash = Math.imul(hash ^ tail ^ (length << 24), 0x85ebca6b)
    hash ^= hash >>> 13
    const slot = hash & (SLOTS - 1)
    const first = slot * MOST_WORDS
    if (hashes[slot] === hash && words[first + whole] === tail) {
      const text = texts[slot]!
      if (text.length === length) {
        let same = 0
        while (same < whole && words[first + same] === view.getInt32(start + same * 4, true)) same++
        if (same === whole) return text
      }
    }
    hashes[slot] = hash
    for (let i = 0; i < whole; i++) words[first + i] = view.getInt32(start + i * 4, true)
    words[first + whole] = tail
    const text = asciiText(bytes, start, stop)
    texts[slot] = text
    return text
  }

  return {
    values,
    get end() {
      return end
    },
    read(bytes, view, start) {
      let at = start
      for (let column = 0; ; column++) {
        if (counts[column] === 1) {
          const from = at
          let byte = bytes[at]!
          if (byte === DASH) {
            values[column] = undefined
            at++
          } else {
            let value = 0
            while (byte >= 48 && byte <= 57) {
              value = value * 10 + byte - 48
              byte = bytes[++at]!
            }
            if (at - from > EXACT_DIGITS) return -1
            values[column] = value
          }
          if (at === from) return -1
        } else {
          values[column] = textAt(bytes, view, at)
          if (stop === at) return -1
          at = stop
        }
        const byte = bytes[at]!
        if (column < last) {
          if (byte !== SPACE) return -1
          at++
          continue
        }
        end = at
        if (byte === LF) return at + 1
        return byte === CR && bytes[at + 1] === LF ? at + 2 : -1
      }
    },
  }
}
