/**
 * The hot path of tables: lines of printable ASCII with one space between cells, read in place. Equal cells become the
 * very same string, whose hash is known already, so that what follows finds and compares it quickly.
 */
import { asciiText } from './ascii.js'
import { LONGEST_INTERNED, sharedTexts } from './interner.js'

/** How a column is read. */
export type SpacedColumn = 'text' | 'count'

export interface SpacedRows {
  /**
   * Reads the line at `start` and returns where the next one starts; -1 for a line that is not as simple as that or has
   * other columns: it says nothing about the line. Needs a line feed, and 4 bytes behind it.
   */
  read(bytes: Uint8Array, view: DataView, start: number): number
  /** Of the texts read last, by column: where they stand in `texts`, `NO_TEXT` for `-`, `LONG_TEXT` for one that is not there. */
  readonly ids: Int32Array
  /** The counts read last, by column; NaN for `-`. */
  readonly counts: Float64Array
  texts: readonly string[]
  /** The cells read last: text and counts by column, `undefined` for `-`; the same array each time. */
  values(): (string | number | undefined)[]
  /** End of the line read last, without its line end. */
  end: number
}

export const NO_TEXT = -1
export const LONG_TEXT = -2

const LF = 10
const CR = 13
const SPACE = 32
const DASH = 45
/** Every count of so many digits is exact. */
const EXACT_DIGITS = 15
const POWERS = [1, 10, 100, 1000]
/** The texts of a line of so many columns are sure to find room where there are no others. */
const WIDEST = 1000

const made = new Map<string, SpacedRows>()
const MOST_MADE = 64

/**
 * What reads lines of these columns, made once and shared: a line is read and its values taken at once. A function made
 * anew for each file takes a tenth longer, and one time in forty V8 never again runs its optimised code, which costs sevenfold.
 */
export function spacedRows(columns: readonly SpacedColumn[]): SpacedRows {
  const key = columns.join()
  let rows = made.get(key)
  if (rows === undefined) {
    rows = rowsOf(columns)
    if (made.size === MOST_MADE) made.clear()
    made.set(key, rows)
  }
  return rows
}

function rowsOf(columns: readonly SpacedColumn[]): SpacedRows {
  const isCount = Uint8Array.from(columns, column => (column === 'count' ? 1 : 0))
  const interner = sharedTexts()
  const last = columns.length - 1
  const ids = new Int32Array(columns.length)
  const counts = new Float64Array(columns.length)
  const all: (string | number | undefined)[] = columns.map(() => undefined)

  const rows: SpacedRows = {
    ids,
    counts,
    texts: interner.texts,
    end: 0,
    values() {
      const { texts } = rows
      for (let column = 0; column < ids.length; column++) {
        const count = counts[column]!
        const id = ids[column]!
        if (isCount[column] === 1) all[column] = count >= 0 ? count : undefined
        else if (id !== LONG_TEXT) all[column] = id === NO_TEXT ? undefined : texts[id]
      }
      return all
    },
    read(bytes, view, start) {
      rows.texts = interner.texts
      let at = start
      for (let column = 0; ; column++) {
        const from = at
        let word = 0
        let left = 0
        if (isCount[column] === 1) {
          let value = 0
          let digits = 0
          for (;;) {
            word = view.getInt32(at, true)
            digits = word ^ 0x30303030
            // the high bit of each byte that is above 9; exact up to the first of them
            const ends = ((digits + 0x76767676) | digits) & 0x80808080
            if (ends !== 0) {
              left = (31 - Math.clz32(ends & -ends)) >> 3
              break
            }
            value = value * 10_000 + fourDigits(digits)
            at += 4
          }
          if (at === from && left === 0) {
            if ((word & 0xff) !== DASH) return -1
            left = 1
            counts[column] = Number.NaN
          } else counts[column] = left === 0 ? value : value * POWERS[left]! + fourDigits(digits << (32 - (left << 3)))
          at += left
          if (at - from > EXACT_DIGITS) return -1
        } else {
          let hash = 0
          for (;;) {
            word = view.getInt32(at, true)
            // the high bit of each byte that is below 33 or above 127; exact up to the first of them
            const ends = ((word - 0x21212121) | word) & 0x80808080
            if (ends !== 0) {
              left = (31 - Math.clz32(ends & -ends)) >> 3
              break
            }
            hash = Math.imul(hash ^ word, 0x9e3779b1)
            hash ^= hash >>> 15
            at += 4
          }
          const tail = left === 0 ? 0 : word & ((1 << (left << 3)) - 1)
          at += left
          const length = at - from
          if (length === 0) return -1
          if (length === 1 && tail === DASH) ids[column] = NO_TEXT
          else if (length <= LONGEST_INTERNED) ids[column] = interner.numberOf(bytes, view, from, at, hash, tail)
          else {
            ids[column] = LONG_TEXT
            all[column] = asciiText(bytes, from, at)
          }
        }
        // what is behind the cell
        const byte = (word >>> (left << 3)) & 0xff
        if (column < last) {
          if (byte !== SPACE) return -1
          at++
          continue
        }
        rows.end = at
        // there were too many amid the line: those that take their place have room for a whole one
        if (rows.texts !== interner.texts) return columns.length > WIDEST ? -1 : rows.read(bytes, view, start)
        if (byte === LF) return at + 1
        return byte === CR && bytes[at + 1] === LF ? at + 2 : -1
      }
    },
  }
  return rows
}

/** The number that four digits write, one a byte, the first in the lowest. */
function fourDigits(digits: number): number {
  const pairs = Math.imul(digits, 10) + (digits >>> 8)
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff)
}
