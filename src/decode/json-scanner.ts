/** Finds where a JSON value ends in a stream of bytes, and where its grammar breaks, without building anything. */

import { MAX_DEPTH } from '../json.js'
import { MAX_RECORD_BYTES } from './decoder.js'

export const LF = 10
export const QUOTE = 34
export const COMMA = 44
export const OPEN_LIST = 91
export const CLOSE_LIST = 93
export const OPEN = 123
const BACKSLASH = 92
const CLOSE = 125

/** A byte that a number, `true`, `false` or `null` is made of: `+ - .`, digits, letters. */
export function isScalar(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte === 45 || byte === 43 || byte === 46
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === LF || byte === 13 || byte === 9
}

/** Whether `expected` stands at `at`, all of it before `end`. */
export function matches(bytes: Uint8Array, at: number, end: number, expected: ArrayLike<number>): boolean {
  if (at + expected.length > end) return false
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

// What the grammar allows next.
const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const COLON = 4
const COMMA_OR_END = 5

/**
 * `more`: the bytes are used up. `done`: the value ends before `at`. `broken`, `deep`: the byte at `at` cannot stand
 * there, or opens a level too many. `list`: the list of the watched member was opened by the byte before `at`.
 */
export type Scan = 'more' | 'done' | 'broken' | 'deep' | 'list'

export interface Scanner {
  /** Where the scan stopped. */
  at: number
  /** Line feeds seen since the last `begin`. */
  lines: number
  /** The first key of the object, quotes included: offsets from its start. -1 while there is none. */
  firstKeyStart: number
  firstKeyEnd: number
  /** A value starts; or `inObject`, the scan goes on behind the value of a member. */
  begin(inObject: boolean): void
  /**
   * Scans on from `at`. `start` is where the value (or what is left of it, `dropped` bytes being gone) starts in
   * `bytes`; `watched` is the key, with its quotes, whose list is asked for.
   */
  scan(bytes: Uint8Array, start: number, end: number, dropped: number, watched?: Uint8Array): Scan
  /** The bytes are over: was it a number or word that only its end could complete? */
  endsHere(): boolean
}

export function createScanner(): Scanner {
  const stack = new Uint8Array(MAX_DEPTH + 1)
  let depth = 0
  let expect = VALUE
  let inString = false
  let escaped = false
  let inScalar = false
  let keyStart = 0
  let watchedNext = false

  const stop = (at: number, scan: Scan): Scan => {
    scanner.at = at
    return scan
  }

  // Strings are most of a log, so they have a loop of their own.
  const scan = (bytes: Uint8Array, start: number, end: number, dropped: number, watched?: Uint8Array): Scan => {
    let at = scanner.at
    while (at < end) {
      let byte = bytes[at]!
      if (inString) {
        if (escaped && byte >= 32) {
          escaped = false
          if (++at === end) break
          byte = bytes[at]!
        }
        while (byte !== QUOTE && byte !== BACKSLASH && byte >= 32) {
          if (++at === end) break
          byte = bytes[at]!
        }
        if (at === end) break
        if (byte < 32) return stop(at, 'broken')
        at++
        if (byte === BACKSLASH) {
          escaped = true
          continue
        }
        inString = false
        if (expect === KEY || expect === KEY_OR_END) {
          if (depth === 1) {
            const keyEnd = at - start + dropped
            if (scanner.firstKeyStart < 0) {
              scanner.firstKeyStart = keyStart
              scanner.firstKeyEnd = keyEnd
            }
            watchedNext = watched?.length === keyEnd - keyStart && keyEnd <= MAX_RECORD_BYTES && matches(bytes, start + keyStart - dropped, end, watched)
          }
          expect = COLON
        } else {
          expect = COMMA_OR_END
          if (depth === 0) return stop(at, 'done')
        }
        continue
      }
      if (inScalar) {
        if (isScalar(byte)) {
          at++
          continue
        }
        inScalar = false
        if (depth === 0) return stop(at, 'done')
      }
      switch (byte) {
        case LF:
          scanner.lines++
          break
        case 32:
        case 13:
        case 9:
          break
        case QUOTE:
          if (expect > KEY_OR_END) return stop(at, 'broken')
          inString = true
          keyStart = at - start + dropped
          break
        case OPEN:
        case OPEN_LIST:
          if (expect > VALUE_OR_END) return stop(at, 'broken')
          if (watchedNext && depth === 1) {
            watchedNext = false
            if (byte === OPEN_LIST) return stop(at + 1, 'list')
          }
          if (depth === MAX_DEPTH) return stop(at, 'deep')
          stack[++depth] = byte
          expect = byte === OPEN ? KEY_OR_END : VALUE_OR_END
          break
        case CLOSE:
        case CLOSE_LIST:
          if (expect !== COMMA_OR_END && expect !== (byte === CLOSE ? KEY_OR_END : VALUE_OR_END)) return stop(at, 'broken')
          if (stack[depth] !== byte - 2) return stop(at, 'broken')
          expect = COMMA_OR_END
          if (--depth === 0) return stop(at + 1, 'done')
          break
        case COMMA:
          if (expect !== COMMA_OR_END) return stop(at, 'broken')
          watchedNext = false
          expect = stack[depth] === OPEN ? KEY : VALUE
          break
        case 58 /* : */:
          if (expect !== COLON) return stop(at, 'broken')
          expect = VALUE
          break
        default:
          if (expect > VALUE_OR_END || !isScalar(byte)) return stop(at, 'broken')
          inScalar = true
          expect = COMMA_OR_END
      }
      at++
    }
    return stop(at, 'more')
  }

  const scanner: Scanner = {
    at: 0,
    lines: 0,
    firstKeyStart: -1,
    firstKeyEnd: 0,
    begin(inObject) {
      inString = false
      escaped = false
      inScalar = false
      watchedNext = false
      scanner.lines = 0
      scanner.firstKeyStart = -1
      stack[1] = OPEN
      depth = inObject ? 1 : 0
      expect = inObject ? COMMA_OR_END : VALUE
    },
    scan,
    endsHere: () => inScalar && depth === 0,
  }
  return scanner
}
