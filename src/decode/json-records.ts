/**
 * Records out of a stream of JSON bytes, without parsing the object as a whole: `{"Records":[…]}`, a bare array, one
 * record per line, pretty-printed or concatenated records. The scanner finds where each record ends or breaks;
 * `parseJson` reads its text.
 */

import { isJsonObject, type Json, type JsonObject, MAX_DEPTH, parseJson } from '../json.js'
import { type Decoder, type Emit, type Fault, KEPT_BYTES, MAX_RECORD_BYTES, type Place } from './decoder.js'
import { MORE, recordReader } from './json-reader.js'
import { CLOSE_LIST, COMMA, createScanner, isScalar, isSpace, LF, matches, OPEN, OPEN_LIST, QUOTE } from './json-scanner.js'

export interface JsonRecordsOptions {
  /** Member of a wrapper object whose list holds the records, e.g. `Records`. Its other members are no records. */
  readonly member?: string
  /** Members of a record that end as JSON text: where an object or list is written as `stringify` would, it keeps its text. */
  readonly keepText?: readonly string[]
  /** Members of a record whose objects often repeat, such as who called: the same bytes give the very same object, frozen. */
  readonly share?: readonly string[]
}

/** A record that the bytes so far do not end is read again when as many have come, up to this size. */
const MOST_AWAITED = 2 ** 18
/** A record behind a broken one is recognised by its first key; this much space may stand before that. */
const MAX_SPACE = 64
const BOM = [0xef, 0xbb, 0xbf] as const
const NO_BYTES = new Uint8Array(0)

/**
 * Faults: `json_syntax`, `utf8_invalid`, `not_object`, `record_too_large`, `record_too_deep`, `record_truncated`. Behind
 * a broken record it goes on at the next `{` that starts a line or comes with the first key of the record before. Line
 * ends, space, commas and the wrapper around the list are no records.
 */
export function jsonRecords({ member, keepText, share }: JsonRecordsOptions = {}): Decoder<JsonObject> {
  const memberKey = member === undefined ? NO_BYTES : new TextEncoder().encode(JSON.stringify(member))
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const scanner = createScanner()
  const reader = recordReader({ watched: member, kept: keepText, shared: share })

  let bytes: Uint8Array = NO_BYTES
  /** `bytes` is ours, not the caller's. */
  let owned = false
  let at = 0
  let end = 0
  /** Bytes of the stream before `bytes[0]`. */
  let base = 0
  let final = false
  let emit: Emit<JsonObject> = () => {}

  let mode: 'between' | 'inside' | 'skipping' = 'between'
  /** Between the brackets of the wrapper's list, or of a bare one. */
  let inList = false
  let inWrapper = false
  /** Behind the wrapper's list: what is scanned is the rest of the wrapper, not a record. */
  let inTail = false
  let line = 1
  let index = 0
  /** The last good record stood on one line, so a broken one is taken to end with its line. */
  let byLine = false
  /** First key of the last good record, with its quotes. */
  let firstKey = NO_BYTES
  /** Where a record started that the reader could not end, and how many bytes of it there were. */
  let awaitedAt = -1
  let awaitedBytes = 0

  // the record, or the run of bytes that is skipped
  let start = -1
  let startAbsolute = 0
  let startLine = 1
  /** What is kept of a record that is too long, once the rest is let go. */
  let kept: Uint8Array | undefined

  // skipping
  let skipFault: Fault = syntax('', '')
  /** Ends with the line. */
  let skipLine = false
  let binary = false
  /** The last byte that is no space. */
  let before = 0
  let atLineStart = false
  let lastError = -1

  const begin = (): void => {
    start = at
    startAbsolute = base + at
    startLine = line
    kept = undefined
  }

  const lengthTo = (to: number): number => base + to - startAbsolute

  const rawTo = (to: number): Uint8Array => {
    if (lengthTo(to) <= MAX_RECORD_BYTES) return bytes.subarray(start, to)
    return kept ?? bytes.subarray(start, start + KEPT_BYTES)
  }

  const place = (): Place => (inList || inTail ? { record: index++ } : { record: index++, line: startLine })

  const emitFault = (fault: Fault, raw: Uint8Array): void => emit({ fault, raw, place: place() })

  const emitRecord = (to: number): void => {
    const raw = rawTo(to)
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
    if (firstKeyStart >= 0 && !inTail) setFirstKey(start + firstKeyStart, start + firstKeyEnd)
  }

  const setFirstKey = (from: number, to: number): void => {
    if (to - from !== firstKey.length || !matches(bytes, from, to, firstKey)) firstKey = bytes.slice(from, to)
  }

  /** The wrapper around the list is no record, but it must be JSON too. */
  const checkWrapper = (to: number, closing: string): void => {
    const raw = rawTo(to)
    if (lengthTo(to) > MAX_RECORD_BYTES) {
      emitFault(tooLarge(lengthTo(to)), raw)
      return
    }
    try {
      parseJson(`${inTail ? '{"":0' : ''}${utf8.decode(raw)}${closing}`)
    } catch (error) {
      emitFault(syntax('valid JSON around the list of records', error instanceof SyntaxError ? error.message : 'bytes that are no UTF-8'), raw)
    }
  }

  const finishValue = (): void => {
    if (inTail) {
      checkWrapper(at, '')
      inTail = false
      inWrapper = false
    } else if (lengthTo(at) > MAX_RECORD_BYTES) emitFault(tooLarge(lengthTo(at)), rawTo(at))
    else {
      learnFirstKey()
      byLine = !inList && line === startLine
      emitRecord(at)
    }
    start = -1
    mode = 'between'
  }

  /** Something is wrong at `at`: what started at `start` is skipped up to the next record. */
  const breakOff = (fault: Fault, again: boolean): void => {
    const large = lengthTo(at) > MAX_RECORD_BYTES
    const error = base + at
    skipFault = large ? tooLarge(lengthTo(at)) : fault
    skipLine = byLine && !large && again && !inList && !inTail && error !== lastError
    binary = false
    before = 0
    atLineStart = false
    if (!large) {
      if (firstKey.length === 0) learnFirstKey()
      // An unclosed string or bracket may have swallowed the next records: look again from the start, but only once.
      if (again && error !== lastError) {
        at = inTail ? start : start + 1
        line = startLine
      }
      let back = at - 1
      atLineStart = back >= start && bytes[back] === LF
      while (back > start && isSpace(bytes[back])) back--
      if (back >= start) before = bytes[back]!
    }
    lastError = error
    mode = 'skipping'
  }

  /** The record at `at` in one pass. `undefined`: it is left to the scanner; `false`: more bytes are needed. */
  const readRecord = (): boolean | undefined => {
    const here = base + at
    if (awaitedAt === here && end - at < 2 * awaitedBytes) return undefined
    const to = reader.read(bytes, at, end, !inList)
    if (to === MORE && !final && end - at <= MOST_AWAITED) {
      awaitedAt = here
      awaitedBytes = end - at
      return false
    }
    if (to < 0) return undefined
    begin()
    if (reader.firstKeyStart >= 0) setFirstKey(reader.firstKeyStart, reader.firstKeyEnd)
    byLine = !inList && reader.lines === 0
    at = to
    line += reader.lines
    emit({ record: reader.value, raw: bytes.subarray(start, to), place: place() })
    start = -1
    return true
  }

  /** `false`: more bytes are needed to tell. */
  const between = (): boolean => {
    while (at < end) {
      const byte = bytes[at]!
      if (byte === OPEN) {
        const read = readRecord()
        if (read === false) return false
        if (read === true) continue
      }
      if (byte === OPEN || (inList && (byte === OPEN_LIST || byte === QUOTE || isScalar(byte)))) {
        begin()
        scanner.begin()
        mode = 'inside'
        return true
      }
      if (isSpace(byte) || byte === COMMA) {
        if (byte === LF) line++
        at++
      } else if (byte === OPEN_LIST) {
        inList = true
        at++
      } else if (byte === CLOSE_LIST && inList) {
        inList = false
        at++
        if (!inWrapper) continue
        inTail = true
        begin()
        scanner.resume()
        mode = 'inside'
        return true
      } else if (matches(bytes, at, end, BOM)) at += 3
      else if (!final && end - at < 3 && matches(bytes, at, end, BOM.slice(0, end - at))) return false
      else {
        begin()
        skipFault = syntax('a JSON object', describe(byte))
        skipLine = !inList
        binary = false
        before = 0
        atLineStart = false
        mode = 'skipping'
        return true
      }
    }
    return true
  }

  const inside = (): void => {
    scanner.at = at
    const found = scanner.scan(bytes, start, end, base + start - startAbsolute, inList ? undefined : memberKey)
    at = scanner.at
    line = startLine + scanner.lines
    switch (found) {
      case 'done':
        finishValue()
        break
      case 'list':
        checkWrapper(at, ']}')
        start = -1
        inTail = false
        inWrapper = true
        inList = true
        mode = 'between'
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
      inList = false
      inTail = false
      inWrapper = false
      return true
    }
    if (before !== 58 /* : */ && firstKey.length > 0 && matches(bytes, next, end, firstKey)) return true
    return atLineStart && (!binary || bytes[next] === QUOTE)
  }

  const finishSkipping = (to: number): void => {
    let last = to
    if (lengthTo(to) <= MAX_RECORD_BYTES) while (last > start + 1 && (isSpace(bytes[last - 1]) || bytes[last - 1] === COMMA)) last--
    emitFault(skipFault, rawTo(last))
    start = -1
    mode = 'between'
    if (inTail) {
      inTail = false
      inList = true
    }
  }

  /** `false`: more bytes are needed to tell. */
  const skip = (): boolean => {
    while (at < end) {
      const byte = bytes[at]!
      if (byte === OPEN) {
        const starts = startsRecord()
        if (starts === undefined) return false
        if (starts) {
          if (skipFault.rule === 'record_truncated') skipFault = syntax('the end of the record', 'the start of another')
          finishSkipping(at)
          return true
        }
      }
      if (byte === LF) {
        if (skipLine && !binary) {
          finishSkipping(at)
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
      if (mode === 'inside') inside()
      else if (!(mode === 'between' ? between() : skip())) return
    }
  }

  /** Keeps what the next bytes continue, and nothing more. */
  const retain = (): void => {
    if (start >= 0 && lengthTo(at) > MAX_RECORD_BYTES) {
      kept ??= bytes.slice(start, start + KEPT_BYTES)
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
    base += from
    at -= from
    end -= from
    if (start >= 0) start = 0
  }

  const append = (chunk: Uint8Array): void => {
    if (end === 0) bytes = chunk
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
    push(chunk, to) {
      emit = to
      append(chunk)
      scan()
      retain()
    },
    end(to) {
      emit = to
      final = true
      for (scan(); mode !== 'between'; scan()) {
        if (mode === 'inside') {
          if (scanner.endsHere()) finishValue()
          else breakOff({ rule: 'record_truncated', expected: 'the end of the record', found: 'the end of the object' }, true)
        } else if (at === end) {
          finishSkipping(end)
          inList = false
        }
      }
      if (inList) {
        begin()
        emitFault({ rule: 'record_truncated', expected: 'the end of the list of records', found: 'the end of the object' }, NO_BYTES)
      }
      retain()
      reader.read(NO_BYTES, 0, 0, false) // it is kept for other objects, and lets go of these bytes
    },
  }
}

function describe(byte: number): string {
  if (byte === LF) return 'unexpected end of line'
  return `unexpected ${byte > 32 && byte < 127 ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`}`
}

function syntax(expected: string, found: string): Fault {
  return { rule: 'json_syntax', expected, found }
}

function tooLarge(length: number): Fault {
  return { rule: 'record_too_large', expected: `at most ${MAX_RECORD_BYTES} bytes`, found: `${length} bytes` }
}
