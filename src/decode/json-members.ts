/**
 * The members of a record as they stand in its bytes, for those who write it without making an object of it: texts by
 * number, lists and objects as text. What is unusual (space between members, a number, a key twice, lists and objects that
 * are printed otherwise) is left to the readers of whole records.
 */
import type { UnreadJson } from '../json.js'
import { asciiText } from './ascii.js'
import { MAX_RECORD_BYTES } from './decoder.js'
import { type Interner, LONGEST_INTERNED, sharedTexts } from './interner.js'
import { jsonPasser } from './json-late.js'
import { createLeafReader, type LeafNames, type LeafReader, type Leaves } from './json-leaves.js'
import { utf8 } from './json-reader.js'
import { createShapes, knownKeyAt, type Shape } from './json-shapes.js'

/** A record read in place, valid until the next is read. Its members are numbered as they come. */
export interface MemberRow {
  /** The names of the members, by its `mark`, which is above 0 and never that of others, once there is one. */
  shape: Shape
  /** Where a text stands in `texts`, or what else it is. */
  readonly kinds: Int32Array
  /** Of texts without their quotes, and of lists and objects. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** Of lists and objects whose leaves are asked for, until `leavesOf` is called. */
  readonly leaves: (Leaves | undefined)[]
  /** Of other lists and objects: whether a sought member is in it, at any depth. */
  readonly sought: Uint8Array
  /** Texts that are no plain ASCII. */
  readonly odd: (string | undefined)[]
  texts: readonly string[]
  bytes: Uint8Array
  /** The text of a member between its ends. */
  textOf(member: number): string
  /** An object whose leaves are asked for at times, by its name; `undefined` when it is like too many others, or has too many. */
  leavesOf(member: number): Leaves | undefined
  /** An object as it is read late. */
  unreadOf(member: number): UnreadJson | undefined
  /** The number of a text that is no member; -1 when it cannot have one. */
  numberOf(text: string): number
  /** Whether others have taken the place of `texts`. */
  isStale(): boolean
}

/** Whoever takes records before they become objects. */
export interface MemberTaker {
  /**
   * Offered a record, the n-th, which opens at `at`; where it ends, if it is taken and then not emitted, else -1. The bytes stay
   * as they are until `hold` is called. With `watch` a record with the watched member is not taken. `line` is -1 in a list.
   */
  take(bytes: Uint8Array, at: number, end: number, watch: boolean, line: number, record: number): number
  hold(): void
  /** Where the first key of the record ends that was taken last, with its quote. */
  readonly firstKeyEnd: number
}

// What a member is if no text that is remembered.
/** A text of its own. */
export const OWN_TEXT = -1
export const TRUE_MEMBER = -2
export const FALSE_MEMBER = -3
export const NULL_MEMBER = -4
export const OBJECT_MEMBER = -5
export const LIST_MEMBER = -6

export interface MemberReader {
  readonly row: MemberRow
  /** Reads the record that opens at `at` and returns its end; -1 for what is left to others, or does not end here. With `watch`, a record with the watched member is. */
  read(bytes: Uint8Array, at: number, end: number, watch: boolean): number
  /** Where the first key of the record ends, with its quote. */
  readonly firstKeyEnd: number
}

const MOST_MEMBERS = 64
const MOST_SHAPES = 2 ** 12
/** A key whose texts hardly ever repeat is not looked up; now and then it gets another chance. */
const TRIAL = 64
const PATIENCE = 2 ** 16

const TRUE = 0x65757274
const FALS = 0x736c6166
const NULL = 0x6c6c756e

const NO_BYTES = new Uint8Array(0)

export interface MemberOptions {
  /** The member whose list may hold the records. */
  readonly watched: string
  /** Members of which the leaves are asked for, and those of which they are at times. */
  readonly leaves: Readonly<Record<string, LeafNames>>
  readonly lateLeaves: Readonly<Record<string, LeafNames>>
  /** As `jsonPasser` says. */
  readonly sought: readonly string[]
}

/** What reads records. It learns, so it is kept for all objects of a source. */
export function memberReader(options: MemberOptions): MemberReader {
  const interner: Interner = sharedTexts()
  const passer = jsonPasser(options.sought)
  const readersOf = (named: MemberOptions['leaves']): Map<string, LeafReader> =>
    new Map(Object.entries(named).map(([name, names]) => [name, createLeafReader(names, interner)]))
  const leafReaders = readersOf(options.leaves)
  const lateReaders = readersOf(options.lateLeaves)
  const shapeOptions = { watched: options.watched, shared: [...leafReaders.keys()] }
  const encoder = new TextEncoder()
  const scratch = new Uint8Array(LONGEST_INTERNED + 8)
  const scratchView = new DataView(scratch.buffer)
  let shapes = createShapes(shapeOptions)
  let marks = 0
  let view: DataView = new DataView(NO_BYTES.buffer)

  const kinds = new Int32Array(MOST_MEMBERS)
  const starts = new Int32Array(MOST_MEMBERS)
  const ends = new Int32Array(MOST_MEMBERS)
  const sought = new Uint8Array(MOST_MEMBERS)
  const leavesOf: MemberRow['leaves'] = new Array<undefined>(MOST_MEMBERS).fill(undefined)
  const odd: MemberRow['odd'] = new Array<undefined>(MOST_MEMBERS).fill(undefined)

  /** Reads the text behind the quote at `at`; returns its end, or -1. */
  const readText = (bytes: Uint8Array, at: number, lastWord: number, shape: Shape, member: number): number => {
    const start = at + 1
    let place = start
    let hash = 0
    for (; place <= lastWord; place += 4) {
      const x = view.getInt32(place, true)
      const quote = x ^ 0x22222222
      const escaped = x ^ 0x5c5c5c5c
      const special = (((quote - 0x01010101) & ~quote) | ((escaped - 0x01010101) & ~escaped) | ((x - 0x20202020) & ~x) | x) & 0x80808080
      if (special === 0) {
        hash = Math.imul(hash ^ x, 0x9e3779b1)
        hash ^= hash >>> 15
        continue
      }
      const left = (31 - Math.clz32(special & -special)) & ~7
      const stop = place + (left >> 3)
      if (bytes[stop] !== 34) return readOdd(bytes, start, stop, lastWord + 4, member)
      const length = stop - start
      starts[member] = start
      ends[member] = stop
      if (length === 0 || length > LONGEST_INTERNED || (shape.fresh > TRIAL && shape.fresh > 2 * shape.known)) {
        kinds[member] = OWN_TEXT
        if (++shape.fresh > PATIENCE) shape.fresh = shape.known = 0
        return stop
      }
      kinds[member] = interner.numberOf(bytes, view, start, stop, hash, x & ((1 << left) - 1))
      if (interner.fresh) shape.fresh++
      else shape.known++
      return stop
    }
    return -1
  }

  /** Reads a text with escapes or beyond ASCII. */
  const readOdd = (bytes: Uint8Array, start: number, from: number, end: number, member: number): number => {
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 34) {
        try {
          odd[member] = JSON.parse(utf8.decode(bytes.subarray(start - 1, at + 1))) as string // a string in quotes
        } catch {
          return -1
        }
        kinds[member] = OWN_TEXT
        return at
      }
      if (byte < 32) return -1
      if (byte === 92) at++
    }
    return -1
  }

  const readWord = (bytes: Uint8Array, at: number, lastWord: number, member: number): number => {
    if (at > lastWord) return -1
    const word = view.getInt32(at, true)
    if (word === TRUE) kinds[member] = TRUE_MEMBER
    else if (word === NULL) kinds[member] = NULL_MEMBER
    else if (word === FALS && bytes[at + 4] === 101) {
      kinds[member] = FALSE_MEMBER
      return at + 5
    } else return -1
    return at + 4
  }

  /** Passes over a list or an object; returns its end, or -1. */
  const readJson = (bytes: Uint8Array, at: number, end: number, shape: Shape, member: number): number => {
    const isObject = bytes[at] === 123
    kinds[member] = isObject ? OBJECT_MEMBER : LIST_MEMBER
    starts[member] = at
    const leaves = shape.special ? leafReaders.get(shape.key) : undefined
    if (leaves !== undefined) {
      let past = leaves.read(bytes, view, at, end)
      if (past === -1) {
        past = passer.pass(bytes, view, at, end)
        if (past === -1) return -1
        leaves.learn(asciiText(bytes, at, past))
        past = leaves.read(bytes, view, at, end)
      }
      leavesOf[member] = leaves
      ends[member] = past
      return past
    }
    const past = passer.pass(bytes, view, at, end)
    if (past === -1) return -1
    ends[member] = past
    sought[member] = passer.found.length === 0 ? 0 : 1
    return past
  }

  const readMembers = (bytes: Uint8Array, from: number, end: number, watch: boolean): number => {
    const lastWord = end - 4
    let at = from + 1
    let shape = shapes.root
    for (let member = 0; member < MOST_MEMBERS; member++) {
      if (bytes[at] !== 34) return -1
      at++
      let next = knownKeyAt(shape, view, at, lastWord)
      if (next === undefined) {
        const start = at
        while (at < end && bytes[at]! !== 34 && bytes[at]! > 31 && bytes[at]! < 127 && bytes[at]! !== 92) at++
        if (at + 1 >= end || at - start > LONGEST_INTERNED || bytes[at] !== 34 || bytes[at + 1] !== 58) return -1
        next = shapes.extend(shape, asciiText(bytes, start, at))
        at += 2
      } else at += next.length
      if (next.odd || next.moved || (next.watched && watch)) return -1
      if (member === 0) reader.firstKeyEnd = from + 1 + next.length
      shape = next
      const byte = bytes[at]
      leavesOf[member] = odd[member] = undefined
      if (byte === 34) {
        const stop = readText(bytes, at, lastWord, shape, member)
        if (stop === -1) return -1
        at = stop + 1
      } else if (byte === 123 || byte === 91) at = readJson(bytes, at, end, shape, member)
      else at = readWord(bytes, at, lastWord, member)
      if (at === -1 || at >= end) return -1
      const behind = bytes[at++]
      if (behind === 125) {
        row.shape = shape
        if (shape.mark === 0) shape.mark = ++marks
        return at
      }
      if (behind !== 44) return -1
    }
    return -1
  }

  const row: MemberRow = {
    shape: shapes.root,
    kinds,
    starts,
    ends,
    leaves: leavesOf,
    sought,
    odd,
    texts: interner.texts,
    bytes: NO_BYTES,
    textOf: member => odd[member] ?? asciiText(row.bytes, starts[member]!, ends[member]!),
    leavesOf(member) {
      const { bytes } = row
      const late = lateReaders.get(nameOf(row.shape, member))
      if (late === undefined) return undefined
      // what is behind an object is at hand, too: the record ends there at the earliest
      let past = late.read(bytes, view, starts[member]!, bytes.length)
      if (past === -1) {
        late.learn(asciiText(bytes, starts[member]!, ends[member]!))
        past = late.read(bytes, view, starts[member]!, bytes.length)
      }
      return past === ends[member] ? late : undefined
    },
    // as above
    unreadOf: member => passer.late(row.bytes, view, starts[member]!, row.bytes.length),
    isStale: () => row.texts !== interner.texts,
    numberOf(text) {
      if (text.length > LONGEST_INTERNED) return -1
      const { written } = encoder.encodeInto(text, scratch)
      if (written !== text.length) return -1 // not ASCII
      let hash = 0
      const whole = written & ~3
      for (let at = 0; at < whole; at += 4) {
        hash = Math.imul(hash ^ scratchView.getInt32(at, true), 0x9e3779b1)
        hash ^= hash >>> 15
      }
      const left = (written & 3) * 8
      return interner.numberOf(scratch, scratchView, 0, written, hash, scratchView.getInt32(whole, true) & ((1 << left) - 1))
    },
  }
  const reader = {
    row,
    firstKeyEnd: 0,
    read(bytes: Uint8Array, at: number, end: number, watch: boolean): number {
      if (bytes !== row.bytes) {
        row.bytes = bytes
        view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      }
      if (shapes.count > MOST_SHAPES) shapes = createShapes(shapeOptions)
      row.texts = interner.texts
      let past = readMembers(bytes, at, end, watch)
      if (row.isStale()) {
        // there were too many texts amid the record: those that took their place have room for all of its own
        row.texts = interner.texts
        past = readMembers(bytes, at, end, watch)
      }
      return past - at > MAX_RECORD_BYTES ? -1 : past
    },
  }
  return reader
}

function nameOf(shape: Shape, member: number): string {
  let at = shape
  while (at.size > member + 1) at = at.before!
  return at.key
}
