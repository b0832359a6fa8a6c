/** The hot path of extended logs: lines of printable ASCII whose cells stand between tabs or single spaces, read in place. */
import { asciiText } from './ascii.js'
import { LONGEST_INTERNED, sharedTexts } from './interner.js'
import { someMembers } from './json-shapes.js'
import type { RowMaker } from './row-maker.js'

/** Where the cells of a line go. */
export interface W3cCells {
  /** By cell, as the log writes it. */
  readonly written: readonly string[]
  /** By cell: where its value stands in a row, or -1 for `rest`. */
  readonly places: readonly number[]
  readonly make: RowMaker
}

export interface W3cRows {
  /**
   * Reads the line at `start` and returns where the next one starts; -1 for a line that is not as simple as that: it
   * says nothing about the line. Needs a line feed, and 4 bytes behind it.
   */
  read(bytes: Uint8Array, view: DataView, start: number): number
  /** End of the line read last, without its line end. */
  end: number
  /** The row of the line read last. */
  row(): object
}

const LF = 10
const CR = 13
const DASH = 45

/** Reads lines whose cells are parted by this byte, a tab or a space; `undefined` where a name is `__proto__`. */
export function w3cRows({ written, places, make }: W3cCells, separator: number): W3cRows | undefined {
  if (written.includes('__proto__')) return undefined
  const texts = sharedTexts()
  const last = places.length - 1
  // cells of `rest` stand behind those that have a place
  const width = Math.max(...places) + 1
  const slots = Int32Array.from(places, (place, cell) => (place < 0 ? width + cell : place))
  const values: (string | undefined)[] = new Array<undefined>(width + places.length).fill(undefined)
  const restOf = someMembers(written.flatMap((name, cell) => (places[cell]! < 0 ? [{ name, at: width + cell }] : [])))

  const rows: W3cRows = {
    end: 0,
    row: () => make(values, restOf(values)),
    read(bytes, view, start) {
      let at = start
      for (let cell = 0; ; cell++) {
        const from = at
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
        at += left
        const length = at - from
        if (length <= 1 && (length === 0 || tail === DASH)) {
          // it could be a blank line
          if (length === 0 && cell === 0) return -1
          values[slots[cell]!] = undefined
        } else values[slots[cell]!] = length > LONGEST_INTERNED ? asciiText(bytes, from, at) : texts.intern(bytes, view, from, at, hash, tail)
        if (cell === last) break
        if (bytes[at] !== separator) return -1
        at++
      }
      while (bytes[at] === separator) at++
      rows.end = at
      if (bytes[at] === LF) return at + 1
      return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : -1
    },
  }
  return rows
}
