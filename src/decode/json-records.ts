/**
 * Records out of a stream of JSON bytes, without parsing the object as a whole: `{"Records":[…]}`, a bare array, one
 * record per line, pretty-printed or concatenated records. The scanner finds where each record ends or breaks;
 * `parseJson` reads its text.
 */

import { isJsonObject, type Json, type JsonObject, MAX_DEPTH, parseJson } from '../json.js'
import { type Decoder, type Emit, type Fault, KEPT_BYTES, MAX_RECORD_BYTES, type Place } from './decoder.js'
import type { LateReader } from './json-late.js'
import type { MemberTaker } from './json-members.js'
import { LEFT, MORE, type RecordReader, recordReader, utf8 } from './json-reader.js'
import { CLOSE_LIST, COMMA, createScanner, isScalar, isSpace, LF, matches, OPEN, OPEN_LIST, QUOTE } from './json-scanner.js'

export interface JsonRecordsOptions {
  /** Member of a wrapper object whose list holds the records, e.g. `Records`. Its other members are no records. */
  readonly member?: string
  /** Members of a record that end as JSON text: where an object or list is written as `stringify` would, it keeps its text. */
  readonly keepText?: readonly string[]
  /** Members of a record whose objects often repeat, such as who called: the same bytes give the very same object, frozen. */
  readonly share?: readonly string[]
  /** Reads objects of `keepText` for those who ask for late ones. */
  readonly late?: LateReader
}

/** A record that the bytes so far do not end is read again when as many have come, up to this size. */
const MOST_AWAITED = 2 ** 18
/** A record behind a broken one is recognised by its first key; this much space may stand before that. */
const MAX_SPACE = 64
const BOM = [0xef, 0xbb, 0xbf] as const

/** Where records stand: on their own. */
const ALONE = 0
/** Behind the list of a wrapper: what is scanned is the rest of the wrapper, not a record. */
const TAIL = 1
/** In a bare list. */
const LIST = 2
/** In the list of a wrapper. */
const WRAPPED = 3

const NO_BYTES = new Uint8Array(0)

/**
 * Faults: `json_syntax`, `utf8_invalid`, `not_object`, `record_too_large`, `record_too_deep`, `record_truncated`. Behind
 * a broken record it goes on at the next `{` that starts a line or comes with the first key of the record before. Line
 * ends, space, commas and the wrapper around the list are no records.
 */
export function jsonRecords({ member, keepText, share, late }: JsonRecordsOptions = {}): Decoder<JsonObject> {
  const memberKey = member === undefined ? NO_BYTES : new TextEncoder().encode(JSON.stringify(member))
  const scanner = createScanner()
  const reader = recordReader({ watched: member, kept: keepText, shared: share })

  let bytes: Uint8Array = NO_BYTES
  /** `bytes` is ours, not the caller's. */
  let owned = false
  let at = 0
  let end = 0
  let final = false
  let lateReader: LateReader | undefined
  let taker: MemberTaker | undefined
  let emit: Emit<JsonObject> = () => {}

  /** One of the places above. */
  let where = ALONE
  let line = 1
  let index = 0
  /** The last good record stood on one line, so a broken one is taken to end with its line. */
  let byLine = false
  /** First key of the last good record, with its quotes. */
  let firstKey: Uint8Array = NO_BYTES
  /** A record that the reader could not end is read again when there are so many bytes of it. */
  let awaited = 0

  /** Where the record starts, or the run of bytes that is skipped; -1 between them. */
  let start = -1
  /** How many of its bytes were let go. */
  let gone = 0
  let startLine = 1
  /** What is kept of a record that is too long, once the rest is let go. */
  let kept: Uint8Array | undefined

  /** Why bytes are skipped, when they are. */
  let skipFault: Fault | undefined
  /** Ends with the line. */
  let skipLine = false
  let binary = false
  /** The last byte that is no space. */
  let before = 0
  let atLineStart = false
  let lastError = -1

  const begin = (): void => {
    start = at
    gone = 0
    startLine = line
    kept = undefined
    skipFault = undefined
  }

  const lengthTo = (to: number): number => to - start + gone

  const rawTo = (to: number): Uint8Array => {
    if (lengthTo(to) <= MAX_RECORD_BYTES) return bytes.subarray(start, to)
    return kept ?? bytes.subarray(start, start + KEPT_BYTES)
  }

  const place = (): Place => (where !== ALONE ? { record: index++ } : { record: index++, line: startLine })

  const emitFault = (fault: Fault, raw: Uint8Array): void => emit({ fault, raw, place: place() })

  const emitRecord = (): void => {
    const raw = rawTo(at)
    let value: Json
    try {
      value = parseJson(utf8.decode(raw))
    } catch (error) {
      if (error instanceof SyntaxError) emitFault(syntax('valid JSON', error.message), raw)
      else emitFault({ rule: 'utf8_invalid', expected: 'UTF-8', found: 'bytes that are no UTF-8' }, raw)
      return
    }
    if (isJsonObject(value)) emit({ record: value, raw, place: place() })
    else emitFault({ rule: 'not_object', expected: 'a JSON object', found: Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value }, raw)
  }

  const learnFirstKey = (): void => {
    const { firstKeyStart, firstKeyEnd } = scanner
    if (firstKeyStart >= 0 && where !== TAIL) firstKey = sliceOf(bytes, start + firstKeyStart, start + firstKeyEnd, firstKey)
  }

  /** The wrapper around the list is no record, but it must be JSON too. */
  const checkWrapper = (closing: string): void => {
    const raw = rawTo(at)
    if (lengthTo(at) > MAX_RECORD_BYTES) {
      emitFault(tooLarge(lengthTo(at)), raw)
      return
    }
    try {
      parseJson(`${where === TAIL ? '{"":0' : ''}${utf8.decode(raw)}${closing}`)
    } catch (error) {
      emitFault(syntax('valid JSON around the list of records', error instanceof SyntaxError ? error.message : 'bytes that are no UTF-8'), raw)
    }
  }

  const finishValue = (): void => {
    if (where === TAIL) {
      checkWrapper('')
      where = ALONE
    } else if (lengthTo(at) > MAX_RECORD_BYTES) emitFault(tooLarge(lengthTo(at)), rawTo(at))
    else {
      learnFirstKey()
      byLine = where === ALONE && line === startLine
      emitRecord()
    }
    start = -1
  }

  /** What started is skipped for this fault. */
  const skipFor = (fault: Fault, onlyLine: boolean): void => {
    skipFault = fault
    skipLine = onlyLine
    binary = false
    before = 0
    atLineStart = false
  }

  /** Something is wrong at `at`: what started at `start` is skipped up to the next record. */
  const breakOff = (fault: Fault, again: boolean): void => {
    const error = at
    const large = lengthTo(at) > MAX_RECORD_BYTES
    // An unclosed string or bracket may have swallowed the next records: look again from the start, but only once.
    const anew = again && !large && error !== lastError
    skipFor(large ? tooLarge(lengthTo(at)) : fault, anew && byLine && where === ALONE)
    if (!large) {
      if (firstKey.length === 0) learnFirstKey()
      if (anew) {
        at = where === TAIL ? start : start + 1
        line = startLine
      }
      let back = at - 1
      atLineStart = back >= start && bytes[back] === LF
      while (back > start && isSpace(bytes[back])) back--
      if (back >= start) before = bytes[back]!
    }
    lastError = error
  }

  /** `false`: more bytes are needed to tell. */
  const between = (): boolean => {
    while (at < end) {
      const enough = end - at >= awaited
      awaited = 0
      if (enough) {
        let stopped: number
        reader.late = lateReader
        ;[stopped, at, line, index, byLine, firstKey] = readRecords(reader, taker, emit, bytes, end, where >= LIST, at, line, index, byLine, firstKey)
        if (at === end) return true
        if (stopped === MORE && !final && end - at <= MOST_AWAITED) {
          awaited = 2 * (end - at)
          return false
        }
      }
      const byte = bytes[at]!
      if (byte === OPEN || (where >= LIST && (byte === OPEN_LIST || byte === QUOTE || isScalar(byte)))) {
        begin()
        scanner.begin(false)
        return true
      }
      if (byte === OPEN_LIST) {
        where = LIST
        at++
      } else if (byte === CLOSE_LIST && where >= LIST) {
        where = where === WRAPPED ? TAIL : ALONE
        at++
        if (where === ALONE) continue
        begin()
        scanner.begin(true)
        return true
      } else if (matches(bytes, at, end, BOM)) at += 3
      else if (!final && end - at < 3 && matches(bytes, at, end, BOM.slice(0, end - at))) return false
      else {
        begin()
        skipFor(syntax('a JSON object', describe(byte)), where < LIST)
        return true
      }
    }
    return true
  }

  const inside = (): void => {
    scanner.at = at
    const found = scanner.scan(bytes, start, end, gone, where >= LIST ? undefined : memberKey)
    at = scanner.at
    line = startLine + scanner.lines
    switch (found) {
      case 'done':
        finishValue()
        break
      case 'list':
        checkWrapper(']}')
        start = -1
        where = WRAPPED
        break
      case 'broken':
        breakOff(syntax('valid JSON', describe(bytes[at]!)), true)
        break
      case 'deep':
        breakOff({ rule: 'record_too_deep', expected: `at most ${MAX_DEPTH} levels`, found: 'more' }, false)
    }
  }

  /** Does a record start with the `{` at `at`? `undefined`: more bytes are needed to tell. */
  const startsRecord = (): boolean | undefined => {
    let next = at + 1
    while (next < end && next - at <= MAX_SPACE && isSpace(bytes[next])) next++
    if (!final && next - at <= MAX_SPACE && next + Math.max(memberKey.length, firstKey.length, 1) > end) return undefined
    if (memberKey.length > 0 && matches(bytes, next, end, memberKey)) {
      where = ALONE
      return true
    }
    if (before !== 58 /* : */ && firstKey.length > 0 && matches(bytes, next, end, firstKey)) return true
    return atLineStart && (!binary || bytes[next] === QUOTE)
  }

  const finishSkipping = (fault: Fault): void => {
    let last = at
    if (lengthTo(at) <= MAX_RECORD_BYTES) while (last > start + 1 && (isSpace(bytes[last - 1]) || bytes[last - 1] === COMMA)) last--
    emitFault(fault, rawTo(last))
    start = -1
    skipFault = undefined
    if (where === TAIL) where = WRAPPED
  }

  /** `false`: more bytes are needed to tell. */
  const skip = (fault: Fault): boolean => {
    while (at < end) {
      const byte = bytes[at]!
      if (byte === OPEN) {
        const starts = startsRecord()
        if (starts === undefined) return false
        if (starts) {
          finishSkipping(fault.rule === 'record_truncated' ? syntax('the end of the record', 'the start of another') : fault)
          return true
        }
      }
      if (byte === LF) {
        if (skipLine && !binary) {
          finishSkipping(fault)
          return true
        }
        line++
      }
      atLineStart = byte === LF
      if (!isSpace(byte)) {
        before = byte
        if (byte < 32) binary = true
      }
      at++
    }
    return true
  }

  const scan = (): void => {
    while (at < end) {
      if (start < 0) {
        if (!between()) return
      } else if (skipFault === undefined) inside()
      else if (!skip(skipFault)) return
    }
  }

  /** Keeps what the next bytes continue, and nothing more. */
  const retain = (): void => {
    if (start >= 0 && lengthTo(at) > MAX_RECORD_BYTES) {
      kept ??= bytes.slice(start, start + KEPT_BYTES)
      gone += at - start
      start = at
    }
    const from = start >= 0 ? start : at
    if (from === end) {
      bytes = NO_BYTES
      owned = false
    } else if (owned) bytes.copyWithin(0, from, end)
    else {
      bytes = bytes.slice(from, end)
      owned = true
    }
    at -= from
    end -= from
    lastError = Math.max(-1, lastError - from)
    if (start >= 0) start = 0
  }

  const append = (chunk: Uint8Array): void => {
    // of a Buffer, which is slower to read beside plain bytes, a slice would be no copy
    if (end === 0) bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    else {
      if (bytes.length < end + chunk.length) {
        const larger = new Uint8Array(Math.max(2 * bytes.length, end + chunk.length))
        larger.set(bytes.subarray(0, end))
        bytes = larger
      }
      bytes.set(chunk, end)
    }
    end += chunk.length
  }

  return {
    readLate() {
      lateReader = late
    },
    offerMembers(to) {
      taker = to
    },
    push(chunk, to) {
      emit = to
      append(chunk)
      scan()
      taker?.hold()
      retain()
    },
    end(to) {
      emit = to
      final = true
      for (scan(); start >= 0; scan()) {
        if (skipFault === undefined) {
          if (scanner.endsHere()) finishValue()
          else breakOff(truncated('the end of the record'), true)
        } else if (at === end) {
          finishSkipping(skipFault)
          where = ALONE
        }
      }
      taker?.hold()
      if (where >= LIST) emitFault(truncated('the end of the list of records'), NO_BYTES)
      retain()
      reader.read(NO_BYTES, 0, 0, false) // it is kept for other objects, and lets go of these bytes
    },
  }
}

/**
 * Emits the records that the reader reads, up to what is none; `stopped` is what the reader says of that, and the rest are
 * the variables above. It is a function of the module, since V8 forgets what it compiled of functions made anew for a file.
 */
function readRecords(
  reader: RecordReader,
  taker: MemberTaker | undefined,
  emit: Emit<JsonObject>,
  bytes: Uint8Array,
  end: number,
  inList: boolean,
  at: number,
  line: number,
  index: number,
  byLine: boolean,
  firstKey: Uint8Array,
): [stopped: number, at: number, line: number, index: number, byLine: boolean, firstKey: Uint8Array] {
  let stopped = LEFT
  while (at < end) {
    const byte = bytes[at]!
    if (byte === OPEN) {
      const past = taker?.take(bytes, at, end, !inList, inList ? -1 : line, index) ?? -1
      if (past !== -1) {
        firstKey = sliceOf(bytes, at + 1, taker!.firstKeyEnd, firstKey)
        index++
        byLine = !inList
        at = past
        continue
      }
      const to = reader.read(bytes, at, end, !inList)
      if (to < 0) {
        stopped = to
        break
      }
      const { value, lines, firstKeyStart, firstKeyEnd } = reader
      if (firstKeyStart >= 0) firstKey = sliceOf(bytes, firstKeyStart, firstKeyEnd, firstKey)
      byLine = !inList && lines === 0
      emit({ record: value, raw: bytes.subarray(at, to), place: inList ? { record: index++ } : { record: index++, line } })
      line += lines
      at = to
    } else if (byte === COMMA || isSpace(byte)) {
      if (byte === LF) line++
      at++
    } else break
  }
  return [stopped, at, line, index, byLine, firstKey]
}

/** The bytes between, as `known` where they are the same. */
function sliceOf(bytes: Uint8Array, from: number, to: number, known: Uint8Array): Uint8Array {
  return to - from === known.length && matches(bytes, from, to, known) ? known : bytes.slice(from, to)
}

function describe(byte: number): string {
  if (byte === LF) return 'unexpected end of line'
  return `unexpected ${byte > 32 && byte < 127 ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`}`
}

function syntax(expected: string, found: string): Fault {
  return { rule: 'json_syntax', expected, found }
}

function truncated(expected: string): Fault {
  return { rule: 'record_truncated', expected, found: 'the end of the object' }
}

function tooLarge(length: number): Fault {
  return { rule: 'record_too_large', expected: `at most ${MAX_RECORD_BYTES} bytes`, found: `${length} bytes` }
}
