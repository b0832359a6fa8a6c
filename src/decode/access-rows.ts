/** Layouts of access logs, and the hot path through them: lines of printable ASCII whose quotes all open or close a field, read in place. */
import { asciiText } from './ascii.js'
import { LONGEST_INTERNED, sharedTexts } from './interner.js'
import { someMembers } from './json-shapes.js'
import { rowMaker } from './row-maker.js'

/**
 * How a value is read. `integer` and `long` as in tables; `decimal` is a number with a fraction or a sign, kept as
 * text. `loose` is text that may hold quotes; `word`, in quotes, is the service's own and holds none. `rest` has no member of its own: the record carries it under `rest`.
 */
export type ValueKind = 'text' | 'integer' | 'long' | 'decimal' | 'loose' | 'word' | 'rest'

/** A field in its place on the line. */
export interface Part {
  readonly name: string
  readonly kind: ValueKind
  /** The text between the field before (or the start of the line) and this one, opening quote included. */
  readonly lead: string
  /** The quote or bracket behind the value; empty when it is bare. */
  readonly close: string
  /** A bare value with spaces in it: a list with `, `, or any text up to the lead of the next field. */
  readonly spaces?: 'list' | 'any'
}

export interface AccessLog {
  /** What one record is called in a fault, e.g. `an ALB access log record`. */
  readonly record: string
  readonly parts: readonly Part[]
  /** Fields that the oldest format of the log has; a line may end behind any later one. */
  readonly least: number
  /** The counts of fields that formats of this log have had, for lines with quotes inside of values: all from `least` unless given. */
  readonly counts?: readonly number[]
  /** The writer is known to put a backslash before a quote in a value, so that such a quote never ends one. */
  readonly escaped?: boolean
}

type Cell = string | number | bigint | undefined

export interface AccessRows {
  /**
   * Reads the line at `start` and returns where the next one starts; -1 for a line that is not as simple as that: it
   * says nothing about the line. Needs a line feed, and 4 bytes behind it.
   */
  read(bytes: Uint8Array, view: DataView, start: number): number
  /** End of the line read last, without its line end. */
  end: number
  /** The row of the line read last. */
  row(): object
  /** A row of one value per part; those of kind `rest` stand in `rest`. */
  make(cells: readonly Cell[], rest: object | undefined): object
}

const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const DASH = 45
const DOT = 46
const BACKSLASH = 92
const COMMA = 44
const HIGH = 0x80808080
// Below them are, byte by byte: what is not printable, that and the space, that and the quote.
const PRINTABLE = 0x20202020
const PRINTABLE_UNSPACED = 0x21212121
const UNQUOTED = 0x23232323
/** Every count of so many digits is exact. */
const EXACT_DIGITS = 15

const ENCLOSED = 1
const COUNT = 2
const DECIMAL = 3
const LOOSE = 4

const made = new Map<string, AccessRows>()
const MOST_MADE = 64

/** What reads and makes the rows of a layout, made once and shared, since V8 forgets what it compiled of functions made for each file. */
export function accessRows(log: AccessLog): AccessRows {
  const key = JSON.stringify(log)
  let rows = made.get(key)
  if (rows === undefined) {
    rows = rowsOf(log)
    if (made.size === MOST_MADE) made.clear()
    made.set(key, rows)
  }
  return rows
}

function rowsOf({ parts, least, escaped }: AccessLog): AccessRows {
  const columns = parts.flatMap(({ name, kind }, at) => (kind === 'rest' ? [] : [{ name, at }]))
  const make = rowMaker(columns)
  const rests = parts.flatMap(({ name, kind }, at) => (kind === 'rest' ? [{ name, at }] : []))
  const isSimple =
    rests.every(({ name }) => name !== '__proto__') &&
    parts.every(({ lead, close }, at) => (at === 0 || lead !== '') && /^[ -~]*$/.test(lead) && (close === '' || close === '"' || close === ']'))
  const ways = Uint8Array.from(parts, ({ kind, close }) =>
    close !== '' ? ENCLOSED : kind === 'integer' || kind === 'long' ? COUNT : kind === 'decimal' ? DECIMAL : kind === 'loose' ? LOOSE : 0,
  )
  const closes = Uint8Array.from(parts, ({ close }) => (close === '' ? 0 : close.charCodeAt(0)))
  const lists = Uint8Array.from(parts, ({ spaces }) => (spaces === 'list' ? 1 : 0))
  // where bare values end
  const nexts = Uint8Array.from(parts, (_, at) => parts[at + 1]?.lead.charCodeAt(0) ?? SPACE)
  // behind any text stands its end, in full
  const follows = Uint8Array.from(parts, (_, at) => (parts[at - 1]?.spaces === 'any' ? 1 : 0))
  const leads = parts.map(({ lead }) => Uint8Array.from(lead, char => char.charCodeAt(0)))
  const values: Cell[] = parts.map(() => undefined)
  // of kind rest, which is text
  const restOf = someMembers(rests)
  // where the value read last stops
  let stop = 0
  const texts = sharedTexts()

  /** The bare value at `start`, up to a byte that is no part of one. */
  const bareAt = (bytes: Uint8Array, view: DataView, start: number, below: number): string | undefined => {
    let at = start
    let hash = 0
    let word = 0
    let ends = 0
    for (;;) {
      word = view.getInt32(at, true)
      // the high bit of each byte that is below or above the printable ones; exact up to the first of them
      ends = ((word - below) | word) & HIGH
      if (ends !== 0) break
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
      at += 4
    }
    return textAt(bytes, view, start, at, word, ends, hash)
  }

  /** The value at `start` up to `close`, or up to a byte that is no part of one. */
  const enclosedAt = (bytes: Uint8Array, view: DataView, start: number, close: number, below: number): string | undefined => {
    const closing = close * 0x01010101
    let at = start
    let hash = 0
    let word = 0
    let ends = 0
    for (;;) {
      word = view.getInt32(at, true)
      const same = word ^ closing
      ends = (((same - 0x01010101) & ~same) | (word - below) | word) & HIGH
      if (ends !== 0) break
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
      at += 4
    }
    return textAt(bytes, view, start, at, word, ends, hash)
  }

  const textAt = (bytes: Uint8Array, view: DataView, start: number, at: number, word: number, ends: number, hash: number): string | undefined => {
    const left = (31 - Math.clz32(ends & -ends)) >> 3
    const tail = left === 0 ? 0 : word & ((1 << (left << 3)) - 1)
    stop = at + left
    const length = stop - start
    if (length === 0 || (length === 1 && tail === DASH)) return undefined
    return length > LONGEST_INTERNED ? asciiText(bytes, start, stop) : texts.intern(bytes, view, start, stop, hash, tail)
  }

  const rows: AccessRows = {
    end: 0,
    make,
    read(bytes, view, start) {
      if (!isSimple) return -1
      let at = start
      let part = 0
      for (; part < values.length; part++) {
        if (part >= least && isEnd(bytes, at)) break
        const lead = leads[part]!
        let same = 0
        while (same < lead.length && bytes[at + same] === lead[same]) same++
        const close = closes[part]!
        if (same < lead.length) {
          // a dash in place of a quoted value
          if (close === 0 || follows[part] === 1 || bytes[at] !== SPACE || bytes[at + 1] !== DASH || !(bytes[at + 2] === SPACE || isEnd(bytes, at + 2)))
            return -1
          values[part] = undefined
          at += 2
          continue
        }
        at += lead.length
        const from = at
        const way = ways[part]!
        if (way === ENCLOSED) {
          values[part] = enclosedAt(bytes, view, at, close, PRINTABLE)
          if (escaped === true && close === QUOTE && stop > from && bytes[stop - 1] === BACKSLASH) {
            while (bytes[stop] === QUOTE && isEscaped(bytes, from, stop)) enclosedAt(bytes, view, stop + 1, close, PRINTABLE)
            values[part] = asciiText(bytes, from, stop)
          }
          if (bytes[stop] !== close) return -1
          at = stop + 1
          continue
        }
        if (way === COUNT) {
          let byte = bytes[at]!
          if (byte === DASH) {
            values[part] = undefined
            at++
          } else {
            let value = 0
            while (byte >= 48 && byte <= 57) {
              value = value * 10 + byte - 48
              byte = bytes[++at]!
            }
            if (at === from || at - from > EXACT_DIGITS) return -1
            values[part] = value
          }
        } else {
          const below = way === LOOSE ? PRINTABLE_UNSPACED : UNQUOTED
          const next = nexts[part]!
          values[part] = next === SPACE ? bareAt(bytes, view, at, below) : enclosedAt(bytes, view, at, next, below)
          if (lists[part] === 1 && next === SPACE && stop > from && bytes[stop - 1] === COMMA && bytes[stop] === SPACE) {
            while (bytes[stop - 1] === COMMA && bytes[stop] === SPACE) bareAt(bytes, view, stop + 1, below)
            // a space at the end of the line is none of the value
            if (bytes[stop - 1] === SPACE) return -1
            values[part] = asciiText(bytes, from, stop)
          }
          at = stop
          if (at === from || (way === DECIMAL && values[part] !== undefined && !isDecimal(bytes, from, at))) return -1
        }
        if (bytes[at] !== nexts[part] && !isEnd(bytes, at)) return -1
      }
      if (!isEnd(bytes, at)) return -1
      for (; part < values.length; part++) values[part] = undefined
      rows.end = at
      return bytes[at] === LF ? at + 1 : at + 2
    },
    row() {
      return make(values, restOf(values))
    },
  }
  return rows
}

function isEnd(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]
  return byte === LF || (byte === CR && bytes[at + 1] === LF)
}

/** Whether an odd number of backslashes stands before the quote. */
function isEscaped(bytes: Uint8Array, from: number, quote: number): boolean {
  let at = quote
  while (at > from && bytes[at - 1] === BACKSLASH) at--
  return (quote - at) % 2 === 1
}

/** Digits with a dot between them, a sign before them. */
function isDecimal(bytes: Uint8Array, from: number, to: number): boolean {
  let dots = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte >= 48 && byte <= 57) continue
    if (byte === DOT ? dots++ > 0 || at === from || at === to - 1 : byte !== DASH || at !== from) return false
  }
  return true
}
