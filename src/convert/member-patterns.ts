/**
 * Which JSON records have one pattern, as `patterns` says of rows: they say the same but for what their source says that
 * it only passes on. Whatever is not said to be passed on, unknown members too, is part of the pattern.
 */
import { asciiText } from '../decode/ascii.js'
import type { Leaves } from '../decode/json-leaves.js'
import { type MemberReader, type MemberRow, memberReader, OBJECT_MEMBER, OWN_TEXT } from '../decode/json-members.js'
import { ipVersion } from '../ocsf/ip.js'
import { msFromIso } from '../ocsf/time.js'
import { MOST_PATTERNS, MOST_TEXTS, type Pattern, type PatternTable } from '../rows.js'
import type { AnySource, Context, LeafCopies, LeafCopy, MemberCopy } from '../sources/source.js'
import { isBlank, learnMembers } from './member-marks.js'
import { hashOf, type PatternWindow, passWindow } from './patterns.js'
import type { Pipeline } from './pipeline.js'

/** A member and where what it copies begins among all copied texts and numbers. */
export interface Member {
  readonly copied: MemberCopy
  readonly leaves: MemberLeaves | undefined
  readonly text: number
  readonly number: number
}

/** Copied leaves: the texts, then what of them is copied as well; counts and times, one like the other. */
export interface MemberLeaves extends LeafCopies {
  /** By place of the name. */
  readonly leaves: readonly Leaf[]
  readonly text: number
  readonly part: number
  readonly number: number
}

interface Leaf extends LeafCopy {
  /** By number of a text: that of its part, plus 1, or -1 for none; and the number that what is seen of it keeps. */
  readonly parts: Int32Array
  readonly seenOf: Int32Array
}

/** By member: what is copied of it. */
type Plan = readonly (Member | undefined)[]

export interface MemberPatterns extends PatternTable, PatternWindow {
  readonly patterns: Pattern[]
  readonly source: AnySource
  readonly reader: MemberReader
  readonly members: ReadonlyMap<string, Member>
  readonly marks: readonly [Map<unknown, number>, Map<unknown, number>]
  /** Counts the marks, of which no two are the same. */
  marked: number
  /** By mark of the shape. */
  readonly plans: (Plan | undefined)[]
  /** Records that were offered. */
  offered: number
  /** The texts that the numbers in what follows are of. */
  known: readonly string[] | undefined
  readonly stable: Int32Array
  readonly facts: Uint8Array
  readonly times: Float64Array
  readonly stableOf: Map<string, number>
  readonly excepts: readonly RegExp[]
  /** What makes the pattern of the record at hand. */
  readonly key: Int32Array
  length: number
  /** By member: whether it is a text that is copied. */
  readonly copied: Uint8Array
  /** By member, and whether the objects that are read late were looked into. */
  readonly leaves: (Leaves | undefined)[]
  isRead: boolean
  /** The keys that were met, one after the other; where each starts, and what it is. */
  keys: Int32Array
  readonly starts: Int32Array
  readonly numbers: Int32Array
  readonly slots: Int32Array
  met: number
}

/** Records of a source before patterns are worth learning. */
const TRIAL_RECORDS = 1024
/** Of two records one must have a pattern: the others are read twice. */
const FEWEST = 2
/** Each is two events, and what they are made of. */
const MOST_LEARNED = 1024
const MOST_KEYS = 2 * MOST_LEARNED
const SLOTS = 4 * MOST_KEYS
const MOST_WORDS = 512
const MOST_STABLE = 2 ** 16
/** Longer texts are nothing to tell patterns apart by. */
const LONGEST_STABLE = 4096
const MOST_PLANS = 2 ** 14

// What a key is, if no pattern.
const NO_PATTERN = -1
/** Records of that kind are looked into: more of them makes their pattern. */
const READ = -2

// In a key: numbers of texts are above these, and what a member is that is neither copied nor a text.
const AS_IT_IS = -10
const LEFT = -11
const NONE = -12
/** A text that is copied; addresses less the bits of their version. */
export const COPIED = -13
/** A member of which leaves are copied, less the key of the rest. */
const LEAVES = -1000

// What is known of a text by its number.
const ASKED = 1
const IS_V4 = 2
const IS_V6 = 4
/** May be looked at. */
const EXCEPTED = 8
const IS_TIME = 16
const BLANK = 32

const made = new WeakMap<Pipeline, MemberPatterns>()

/** The patterns of the records of a source at a version; `undefined` for a source that has none. */
export function memberPatterns(pipeline: Pipeline): MemberPatterns | undefined {
  if (pipeline.source.memberCopies === undefined) return undefined
  let patterns = made.get(pipeline)
  if (patterns === undefined) {
    patterns = create(pipeline.source, pipeline.source.memberCopies)
    made.set(pipeline, patterns)
  }
  return patterns
}

function create(source: AnySource, { list, members: copies }: NonNullable<AnySource['memberCopies']>): MemberPatterns {
  const all = Object.entries(copies)
  const leavesOf = (copied: MemberCopy): LeafCopies | undefined => (copied.as === 'leaves' || copied.as === 'json' ? copied.leaves : undefined)
  const textsOf = (copied: MemberCopy): number => (copied.as === 'leaves' ? 0 : 1) + ((leavesOf(copied)?.most ?? 0) + (leavesOf(copied)?.mostParts ?? 0))
  const numbersOf = (copied: MemberCopy): number => (copied.as === 'time' ? 1 : (leavesOf(copied)?.mostNumbers ?? 0))
  const copiedTexts = all.reduce((sum, [, copied]) => sum + textsOf(copied), 0)
  const members = new Map<string, Member>()
  let text = 0
  let number = copiedTexts
  for (const [name, copied] of all) {
    const own = leavesOf(copied)
    const first = copied.as === 'leaves' ? text : text + 1
    members.set(name, { copied, leaves: own && memberLeaves(own, first, number), text, number })
    text += textsOf(copied)
    number += numbersOf(copied)
  }
  const named = (as: MemberCopy['as']) =>
    Object.fromEntries([...members].flatMap(([name, { copied, leaves }]) => (copied.as === as && leaves !== undefined ? [[name, namesOf(leaves)]] : [])))
  const sought = all.flatMap(([, copied]) => (copied.as === 'json' ? [copied.sought] : []))[0] ?? []
  return {
    source,
    reader: memberReader({ watched: list, leaves: named('leaves'), lateLeaves: named('json'), sought }),
    members,
    patterns: [],
    refused: new Uint8Array(MOST_PATTERNS),
    marks: [new Map(), new Map()],
    marked: 0,
    copiedTexts,
    copiedNumbers: number - copiedTexts,
    plans: [],
    offered: 0,
    known: undefined,
    stable: new Int32Array(MOST_TEXTS),
    facts: new Uint8Array(MOST_TEXTS),
    times: new Float64Array(MOST_TEXTS),
    stableOf: new Map(),
    excepts: all.flatMap(([, copied]) => [copied.as === 'text' ? copied.except : leavesOf(copied)?.except]).filter(except => except !== undefined),
    key: new Int32Array(MOST_WORDS),
    length: 0,
    copied: new Uint8Array(MOST_WORDS),
    leaves: [],
    isRead: false,
    keys: new Int32Array(2 ** 12),
    starts: new Int32Array(MOST_KEYS + 1),
    numbers: new Int32Array(MOST_KEYS),
    slots: new Int32Array(SLOTS),
    met: 0,
    windowRows: 0,
    windowKeys: 0,
    windowTurns: 0,
    idle: false,
  }
}

function memberLeaves(copies: LeafCopies, text: number, number: number): MemberLeaves {
  const ints = (wanted: unknown): Int32Array => new Int32Array(wanted === undefined ? 0 : MOST_TEXTS)
  const leaves = Object.values(copies.texts).map(leaf => ({ ...leaf, parts: ints(leaf.part), seenOf: ints(leaf.seen) }))
  return { ...copies, leaves, text, part: text + copies.most, number }
}

const namesOf = ({ texts, counts = [], never }: LeafCopies) => ({ texts: Object.keys(texts), counts, never })

// ---- finding ----

/** A record could not be read in place. */
export function countUnread(patterns: MemberPatterns): void {
  passWindow(patterns, FEWEST)
  patterns.windowTurns++
}

/**
 * The number of the pattern of a record, which stands there in the bytes of the row; learned where it is new, -1 when it
 * has none. Where few records have one, patterns are `idle`: then records need not be read in place.
 */
export function memberPatternOf(patterns: MemberPatterns, row: MemberRow, start: number, end: number, pipeline: Pipeline, context: Context): number {
  if (++patterns.offered < TRIAL_RECORDS) return -1
  passWindow(patterns, FEWEST)
  patterns.isRead = false
  let number = setKey(patterns, row) ? keyNumber(patterns, row, start, end, pipeline, context) : NO_PATTERN
  if (number === READ) {
    patterns.isRead = true
    number = setReadKey(patterns, row) ? keyNumber(patterns, row, start, end, pipeline, context) : NO_PATTERN
  }
  if (number >= 0 && patterns.refused[number] === 0) return number
  patterns.windowTurns++
  return -1
}

function keyNumber(patterns: MemberPatterns, row: MemberRow, from: number, to: number, pipeline: Pipeline, context: Context): number {
  const { key, length, slots, numbers, starts, met } = patterns
  let slot = hashOf(key, length) & (SLOTS - 1)
  for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
    if (isKey(patterns, entry - 1)) return numbers[entry - 1]!
    slot = (slot + 1) & (SLOTS - 1)
  }
  if (met === MOST_KEYS || patterns.patterns.length === MOST_LEARNED) return NO_PATTERN
  patterns.windowKeys++
  const start = starts[met]!
  if (start + length > patterns.keys.length) {
    const keys = new Int32Array(patterns.keys.length * 2)
    keys.set(patterns.keys)
    patterns.keys = keys
  }
  patterns.keys.set(key.subarray(0, length), start)
  starts[met + 1] = start + length
  const learned = learnMembers(patterns, planOf(patterns, row)!, row, row.bytes.subarray(from, to), pipeline, context)
  numbers[met] = learned === undefined ? NO_PATTERN : learned === 'read' ? (patterns.isRead ? NO_PATTERN : READ) : patterns.patterns.push(learned) - 1
  slots[slot] = ++patterns.met
  return numbers[met]!
}

function isKey({ keys, starts, key, length }: MemberPatterns, entry: number): boolean {
  const start = starts[entry]!
  if (starts[entry + 1]! - start !== length) return false
  for (let at = 0; at < length; at++) if (keys[start + at] !== key[at]) return false
  return true
}

/** What is copied of each member. */
export function planOf(patterns: MemberPatterns, { shape }: MemberRow): Plan | undefined {
  const { plans, members } = patterns
  const known = plans[shape.mark]
  if (known !== undefined || shape.mark >= MOST_PLANS) return known
  const plan: (Member | undefined)[] = []
  for (let at = shape; at.before !== undefined; at = at.before) plan.push(members.get(at.key))
  plan.reverse()
  plans[shape.mark] = plan
  return plan
}

// ---- keys ----

/** Sets the key of a record; whether it can have a pattern. */
function setKey(patterns: MemberPatterns, row: MemberRow): boolean {
  const plan = planOf(patterns, row)
  if (plan === undefined) return false
  if (patterns.known !== row.texts) forgetTexts(patterns, row.texts)
  const { key } = patterns
  key[0] = row.shape.mark
  patterns.length = 1
  for (let member = 0; member < plan.length; member++) {
    const own = plan[member]
    let word = AS_IT_IS
    if (own?.copied.as === 'leaves' && row.kinds[member]! <= OBJECT_MEMBER) {
      const leaves = row.leaves[member]!
      if (!addLeaves(patterns, row, own.leaves!, leaves)) return false
      patterns.leaves[member] = leaves
      continue
    }
    if (own !== undefined) word = copiedWord(patterns, row, member, own.copied)
    patterns.copied[member] = word <= COPIED ? 1 : 0
    if (word === AS_IT_IS) word = wordOf(patterns, row, member)
    if (word === LEFT) return false
    key[patterns.length++] = word
  }
  return true
}

/** Adds what is looked at of objects that are mostly passed on; whether there can be a pattern. */
function setReadKey(patterns: MemberPatterns, row: MemberRow): boolean {
  const plan = planOf(patterns, row)!
  for (let member = 0; member < plan.length; member++) {
    const own = plan[member]
    if (own?.copied.as !== 'json' || row.kinds[member] !== OBJECT_MEMBER) continue
    const leaves = own.leaves === undefined ? undefined : row.leavesOf(member)
    if (leaves === undefined || row.isStale() || !addLeaves(patterns, row, own.leaves!, leaves)) return false
    patterns.leaves[member] = leaves
  }
  return true
}

/** What stands in a key for a member that is copied; `AS_IT_IS` for one that is not. */
export function copiedWord(patterns: MemberPatterns, row: MemberRow, member: number, copied: MemberCopy): number {
  const kind = row.kinds[member]!
  switch (copied.as) {
    case 'leaves':
      return AS_IT_IS
    case 'json':
      return kind === OBJECT_MEMBER ? COPIED : AS_IT_IS
    case 'text': {
      if (kind < OWN_TEXT) return AS_IT_IS
      const { except } = copied
      if (kind === OWN_TEXT) return isBlankMember(row, member) || except?.test(row.textOf(member)) === true ? AS_IT_IS : COPIED
      return (factsOf(patterns, row, kind) & (except === undefined ? BLANK : BLANK | EXCEPTED)) === 0 ? COPIED : AS_IT_IS
    }
    case 'time':
      if (kind < OWN_TEXT) return AS_IT_IS
      return (kind === OWN_TEXT ? msFromIso(row.textOf(member)) !== undefined : (factsOf(patterns, row, kind) & IS_TIME) !== 0) ? COPIED : AS_IT_IS
    case 'address': {
      if (kind < OWN_TEXT) return AS_IT_IS
      const version = kind === OWN_TEXT ? versionBit(row.textOf(member)) : factsOf(patterns, row, kind) & (IS_V4 | IS_V6)
      return version === 0 ? AS_IT_IS : COPIED - version
    }
  }
}

function versionBit(text: string): number {
  const version = ipVersion(text)
  return version === 4 ? IS_V4 : version === 6 ? IS_V6 : 0
}

/** What stands in a key for a member of which all records of a pattern have the same. */
function wordOf(patterns: MemberPatterns, row: MemberRow, member: number): number {
  const kind = row.kinds[member]!
  if (kind >= 0) {
    const { stable } = patterns
    if (stable[kind] === 0) stable[kind] = stableText(patterns, row.texts[kind]!)
    return stable[kind]!
  }
  if (kind === OWN_TEXT) return stableText(patterns, row.textOf(member))
  return kind > OBJECT_MEMBER ? kind : stableText(patterns, `\u0000${row.textOf(member)}`)
}

/** Adds what is looked at of the leaves of a member; whether there can be a pattern. */
function addLeaves(patterns: MemberPatterns, row: MemberRow, own: MemberLeaves, leaves: Leaves): boolean {
  const { key } = patterns
  const { leaves: copies, most, mostParts = 0, mostNumbers = 0, except } = own
  if (leaves.texts > most || patterns.length + 2 * leaves.texts + 1 > MOST_WORDS) return false
  key[patterns.length++] = LEAVES - leaves.key
  let numbers = leaves.counts
  let parted = 0
  for (let at = 0; at < leaves.texts; at++) {
    const id = leaves.ids[at]!
    const { isTime, part, seen, parts, seenOf } = copies[leaves.names[at]!]!
    if (part !== undefined) parted++
    if (id < 0) {
      const text = textOfLeaf(row, leaves, at)
      leaves.own[at] = text
      if (except?.test(text) === true) return false
      if (isTime === true) {
        if (msFromIso(text) === undefined) return false
        numbers++
      }
      if (part !== undefined) key[patterns.length++] = part(text) === undefined ? NONE : COPIED
      if (seen !== undefined) {
        const word = seenWord(patterns, seen(text))
        if (word === LEFT) return false
        key[patterns.length++] = word
      }
      continue
    }
    const facts = isTime === true || except !== undefined ? factsOf(patterns, row, id) : 0
    if (except !== undefined && (facts & EXCEPTED) !== 0) return false
    if (isTime === true) {
      if ((facts & IS_TIME) === 0) return false
      numbers++
    }
    if (part !== undefined) {
      if (parts[id] === 0) {
        const text = part(row.texts[id]!)
        parts[id] = text === undefined ? -1 : row.numberOf(text) + 1
        if (row.isStale()) return false
        if (parts[id] === 0) return false // not ASCII: nothing that a number could be kept for
      }
      key[patterns.length++] = parts[id] === -1 ? NONE : COPIED
    }
    if (seen !== undefined) {
      if (seenOf[id] === 0) seenOf[id] = seenWord(patterns, seen(row.texts[id]!))
      if (seenOf[id] === LEFT) return false
      key[patterns.length++] = seenOf[id]!
    }
  }
  return numbers <= mostNumbers && parted <= mostParts
}

function seenWord(patterns: MemberPatterns, text: string | undefined): number {
  return text === undefined ? NONE : stableText(patterns, text)
}

function textOfLeaf({ bytes }: MemberRow, { starts, ends }: Leaves, at: number): string {
  return asciiText(bytes, starts[at]!, ends[at]!)
}

function isBlankMember({ odd, starts, ends, bytes }: MemberRow, member: number): boolean {
  const text = odd[member]
  if (text !== undefined) return isBlank(text)
  const length = ends[member]! - starts[member]!
  return length === 0 || (length === 1 && bytes[starts[member]!] === 45)
}

function forgetTexts(patterns: MemberPatterns, texts: readonly string[]): void {
  if (patterns.known !== undefined) {
    patterns.facts.fill(0)
    patterns.stable.fill(0)
    for (const { leaves } of patterns.members.values())
      for (const { parts, seenOf } of leaves?.leaves ?? []) {
        parts.fill(0)
        seenOf.fill(0)
      }
  }
  patterns.known = texts
}

/** A number that a text keeps; `LEFT` when there are too many. */
function stableText({ stableOf }: MemberPatterns, text: string): number {
  const known = stableOf.get(text)
  if (known !== undefined) return known
  if (stableOf.size === MOST_STABLE || text.length > LONGEST_STABLE) return LEFT
  const number = stableOf.size + 1
  stableOf.set(text, number)
  return number
}

function factsOf(patterns: MemberPatterns, row: MemberRow, id: number): number {
  return patterns.facts[id]! || ask(patterns, row.texts[id]!, id)
}

function ask(patterns: MemberPatterns, text: string, id: number): number {
  const time = msFromIso(text)
  if (time !== undefined) patterns.times[id] = time
  patterns.facts[id] =
    ASKED |
    (isBlank(text) ? BLANK : 0) |
    (patterns.excepts.some(except => except.test(text)) ? EXCEPTED : 0) |
    (time === undefined ? 0 : IS_TIME) |
    versionBit(text)
  return patterns.facts[id]!
}
