/**
 * Reads a JSON object in one pass over its bytes, as `parseJson` would: keys as they were learned, short texts interned.
 * What is unusual (a key with escapes or twice, a fault, deep nesting) it leaves to the slow way.
 */
import { type Json, type JsonObject, parseJson, rememberText } from '../json.js'
import { asciiText } from './ascii.js'
import { MAX_RECORD_BYTES } from './decoder.js'
import { LONGEST_INTERNED, sharedTexts } from './interner.js'
import type { LateReader } from './json-late.js'
import { build, createShapes, knownKeyAt, type Shape } from './json-shapes.js'
import { createSharedValues } from './shared-values.js'

export interface RecordReader {
  /** The object read last. */
  readonly value: JsonObject
  /** Line feeds in it. */
  readonly lines: number
  /** Its first key with the quotes: offsets in the bytes. -1 when it has none. */
  readonly firstKeyStart: number
  readonly firstKeyEnd: number
  /**
   * Reads the object that opens at `at` and returns its end, `MORE` when the bytes end before it, or `LEFT` for what is
   * left to the slow way. With `watch`, an object with the watched member is.
   */
  read(bytes: Uint8Array, at: number, end: number, watch: boolean): number
  /** Whoever shares the reader sets it first: reads objects of which the text is kept, as far as it can. */
  late: LateReader | undefined
}

export interface RecordReaderOptions {
  readonly watched?: string | undefined
  /** Top members whose objects and lists keep their text, where it is what `stringify` would print. */
  readonly kept?: readonly string[] | undefined
  /** Top members whose objects often repeat: the same bytes give the very same object, frozen. */
  readonly shared?: readonly string[] | undefined
}

export const MORE = -1
export const LEFT = -2

const MOST_LEVELS = 64
const MOST_KEYS = 256
/** Keys that are data would fill memory: at this many shapes all is learned anew. */
const MOST_SHAPES = 2 ** 14
/** A key whose texts hardly ever repeat is not looked up; now and then it gets another chance. */
const TRIAL = 64
const PATIENCE = 2 ** 16

/** Throws for what is no UTF-8. */
export const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const TRUE = 0x65757274
const FALS = 0x736c6166
const NULL = 0x6c6c756e

/** What a reader learned serves the next object of the same log, so readers are kept: a few, since options are few. */
const MOST_READERS = 8
const readers = new Map<string, RecordReader>()

/** The reader for these options. Nothing of one object is left when the next is read. */
export function recordReader(options: RecordReaderOptions): RecordReader {
  const name = JSON.stringify([options.watched, options.kept, options.shared])
  let reader = readers.get(name)
  if (reader === undefined) {
    if (readers.size === MOST_READERS) readers.clear()
    reader = createRecordReader(options)
    readers.set(name, reader)
  }
  return reader
}

export function createRecordReader(options: RecordReaderOptions): RecordReader {
  const interner = sharedTexts()
  const values: Json[] = []
  const sharedValues = new Map((options.shared ?? []).map(key => [key, createSharedValues()]))
  let shapes = createShapes(options)

  let bytes: Uint8Array = new Uint8Array(0)
  let view = new DataView(bytes.buffer)
  let end = 0
  /** The last place where a word can be read. */
  let lastWord = 0
  let at = 0
  let top = 0
  let levels = 0
  let watch = false
  /** Why reading stops when it does. */
  let stopped = LEFT
  /** Whether `stringify` would print what was read as it stands. */
  let canonical = true
  let ascii = true
  let hash = 0
  let tail = 0

  // These make no call to say why they stop: the engine gives up compiled code at a call that it has not seen made.
  /** Goes to the next byte that is no space; `false` when there is none. */
  const skipSpace = (): boolean => {
    if (at < end) return bytes[at]! > 32 || skipSpaces()
    stopped = MORE
    return false
  }

  const skipSpaces = (): boolean => {
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte > 32) return true
      if (byte === 10) reader.lines++
      else if (byte !== 32 && byte !== 13 && byte !== 9) return false
      canonical = false
    }
    stopped = MORE
    return false
  }

  /** From behind a quote to the closing one, if only plain ASCII stands between; else to what is not. Leaves `hash` and `tail`. */
  const plainEnd = (): boolean => {
    const words = view
    const last = lastWord
    let place = at
    let h = 0
    for (; place <= last; place += 4) {
      const x = words.getInt32(place, true)
      const quote = x ^ 0x22222222
      const escaped = x ^ 0x5c5c5c5c
      const special = (((quote - 0x01010101) & ~quote) | ((escaped - 0x01010101) & ~escaped) | ((x - 0x20202020) & ~x) | x) & 0x80808080
      if (special !== 0) {
        const left = (31 - Math.clz32(special & -special)) & ~7
        at = place + (left >> 3)
        hash = h
        tail = x & ((1 << left) - 1)
        return true
      }
      h = Math.imul(h ^ x, 0x9e3779b1)
      h ^= h >>> 15
    }
    stopped = MORE
    return false
  }

  /** A text with escapes or beyond ASCII; `at` is at the first of them. */
  const oddText = (start: number): boolean => {
    let escaped = false
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 34) {
        try {
          values[top++] = escaped ? (JSON.parse(utf8.decode(bytes.subarray(start - 1, at + 1))) as string) : utf8.decode(bytes.subarray(start, at)) // a string in quotes
        } catch {
          return false
        }
        at++
        return true
      }
      if (byte < 32) return false
      if (byte > 127) ascii = false
      if (byte !== 92) continue
      escaped = true
      at++
      const next = bytes[at]
      // \u and \/ say what other characters say shorter
      if (next === 117 || next === 47) canonical = false
    }
    stopped = MORE
    return false
  }

  const readText = (shape: Shape): boolean => {
    const start = ++at
    if (!plainEnd()) return false
    if (bytes[at] !== 34) return oddText(start)
    const length = at - start
    if (length === 0) values[top++] = ''
    else if (length > LONGEST_INTERNED || (shape.fresh > TRIAL && shape.fresh > 2 * shape.known)) {
      values[top++] = asciiText(bytes, start, at)
      if (++shape.fresh > PATIENCE) shape.fresh = shape.known = 0
    } else {
      values[top++] = interner.intern(bytes, view, start, at, hash, tail)
      if (interner.fresh) shape.fresh++
      else shape.known++
    }
    at++
    return true
  }

  const readNumber = (): boolean => {
    const start = at
    const there = bytes
    const last = end
    const negative = there[start] === 45
    const first = negative ? start + 1 : start
    let place = first
    let value = 0
    let byte = 0
    for (; place < last; place++) {
      byte = there[place]!
      if (byte < 48 || byte > 57) break
      value = value * 10 + byte - 48
    }
    const digits = place - first
    at = place
    if (place === last) {
      stopped = MORE
      return false
    }
    if (digits > 0 && digits < 16 && byte !== 46 && (byte | 32) !== 101 && (digits === 1 || there[first] !== 48)) {
      if (negative && value === 0) canonical = false
      values[top++] = negative ? -value : value
      return true
    }
    while (at < end && (byte === 45 || byte === 43 || byte === 46 || (byte | 32) === 101 || (byte >= 48 && byte <= 57))) byte = bytes[++at]!
    if (at === end) {
      stopped = MORE
      return false
    }
    canonical = false
    try {
      values[top++] = parseJson(asciiText(bytes, start, at))
      return true
    } catch {
      return false
    }
  }

  const readWord = (word: number, length: number, value: Json): boolean => {
    if (at > lastWord || at + length > end) {
      stopped = MORE
      return false
    }
    if (view.getInt32(at, true) !== word || (length === 5 && bytes[at + 4] !== 101)) return false
    values[top++] = value
    at += length
    return true
  }

  const readValue = (shape: Shape): boolean => {
    switch (bytes[at]) {
      case 34:
        return readText(shape)
      case 123:
        return readObject(shapes.innerOf(shape))
      case 91:
        return readList(shape)
      case 116:
        return readWord(TRUE, 4, true)
      case 102:
        return readWord(FALS, 5, false)
      case 110:
        return readWord(NULL, 4, null)
      default:
        return readNumber()
    }
  }

  const readList = (shape: Shape): boolean => {
    if (++levels > MOST_LEVELS) return false
    const from = top
    at++
    if (!skipSpace()) return false
    if (bytes[at] !== 93)
      for (;;) {
        if (!readValue(shape) || !skipSpace()) return false
        const byte = bytes[at]
        if (byte === 93) break
        if (byte !== 44) return false
        at++
        if (!skipSpace()) return false
      }
    at++
    const list = values.slice(from, top)
    top = from
    values[top++] = list
    levels--
    return true
  }

  /** From a key's quote to its value; the shape with the key. */
  const readKey = (shape: Shape): Shape | undefined => {
    at++
    const known = knownKeyAt(shape, view, at, lastWord)
    if (known !== undefined) {
      at += known.length
      return known
    }
    const start = at
    if (!plainEnd()) return undefined
    if (bytes[at] !== 34 || at - start > LONGEST_INTERNED || shape.size >= MOST_KEYS || shapes.count > 2 * MOST_SHAPES) return undefined
    const next = shapes.extend(shape, interner.intern(bytes, view, start, at, hash, tail))
    at++
    if (!skipSpace()) return undefined
    if (bytes[at] !== 58) return undefined
    at++
    return next
  }

  const readObject = (empty: Shape): boolean => {
    if (++levels > MOST_LEVELS) return false
    const from = top
    let shape = empty
    at++
    if (!skipSpace()) return false
    if (bytes[at] !== 125)
      for (;;) {
        if (bytes[at] !== 34) return false
        const quote = at
        const next = readKey(shape)
        if (next === undefined) return false
        if (next.odd || (next.watched && watch)) return false
        if (levels === 1 && shape === empty) {
          reader.firstKeyStart = quote
          reader.firstKeyEnd = quote + next.length
        }
        shape = next
        if (!skipSpace() || !(next.special ? readSpecial(next) : readValue(next)) || !skipSpace()) return false
        const byte = bytes[at]
        if (byte === 125) break
        if (byte !== 44) return false
        at++
        if (!skipSpace()) return false
      }
    at++
    if (shape.moved) canonical = false
    const object = build(shape, values, from)
    top = from
    values[top++] = object
    levels--
    return true
  }

  const readSpecial = (shape: Shape): boolean => {
    const start = at
    if (shape.kept && reader.late !== undefined) {
      const unread = reader.late(bytes, view, at, end)
      if (unread !== undefined) {
        values[top++] = unread as unknown as JsonObject // whoever asks for late ones knows
        at += unread.text.length
        return true
      }
    }
    const known = bytes[at] === 123 ? sharedValues.get(shape.key) : undefined
    if (known !== undefined) {
      const linesBefore = reader.lines
      const same = known.find(view, at, end)
      if (same === undefined) {
        if (!readValue(shape)) return false
        known.keep(bytes, start, at, values[top - 1]!, reader.lines - linesBefore)
        return true
      }
      values[top++] = same.value
      at += same.length
      reader.lines += same.lines
      return true
    }
    canonical = true
    ascii = true
    if (!readValue(shape)) return false
    const value = values[top - 1]
    if (shape.kept && canonical && typeof value === 'object' && value !== null)
      rememberText(value, ascii ? asciiText(bytes, start, at) : utf8.decode(bytes.subarray(start, at)))
    return true
  }

  const reader: { -readonly [Name in keyof RecordReader]: RecordReader[Name] } = {
    late: undefined,
    value: {},
    lines: 0,
    firstKeyStart: -1,
    firstKeyEnd: 0,
    read(given: Uint8Array, from: number, to: number, watching: boolean): number {
      if (given !== bytes) {
        bytes = given
        view = new DataView(given.buffer, given.byteOffset, given.length)
      }
      if (shapes.count > MOST_SHAPES) shapes = createShapes(options)
      end = to
      lastWord = to - 4
      at = from
      top = 0
      levels = 0
      stopped = LEFT
      watch = watching
      reader.lines = 0
      reader.firstKeyStart = -1
      if (!readObject(shapes.root)) return stopped
      if (at - from > MAX_RECORD_BYTES) return LEFT
      reader.value = values[0] as JsonObject // an object was read
      return at
    },
  }
  return reader
}
