/**
 * Which rows of a table have one pattern: they say the same but for what their source says that it only copies, so one
 * of them is mapped for all. The events of a pattern are made from two rows with marks in place of what is copied: where
 * the two differ, they differ by a mark, which says what stands there.
 */
import { LONG_TEXT, NO_TEXT } from '../decode/spaced-rows.js'
import type { TableRow } from '../decode/table.js'
import { ipVersion } from '../ocsf/ip.js'
import { MOST_PATTERNS, MOST_TEXTS, type Pattern, type PatternTable, type RowBatch } from '../rows.js'
import type { AnySource, Context, Copies, MappedEvent } from '../sources/source.js'
import { uidOf } from './duplicates.js'
import type { Pipeline } from './pipeline.js'

/** Rows of a source before patterns are worth learning: each costs as much as some twenty rows. */
const TRIAL_ROWS = 1024
/** Of so many rows a quarter at most may bring a new pattern, and a 64th may follow one that has none: else rows are not worth it. */
const WINDOW = 2048

/** A value that rows copy, and where they have it. */
interface Copy {
  readonly kind: 'text' | 'count' | 'start' | 'end' | 'between'
  readonly column: number
}

/** What is known of a text by its number. */
const ASKED = 1
const IS_V4 = 2
const IS_V6 = 4
const EXCEPTED = 8

/** How rows have fared of late. */
export interface PatternWindow {
  // of the window at hand
  windowRows: number
  windowKeys: number
  /** Rows that followed others without a pattern: whoever takes both has to begin anew. */
  windowTurns: number
  idle: boolean
}

/** Counts a row; of so many `turns` may be one at most. */
export function passWindow(window: PatternWindow, turns = 64): void {
  if (++window.windowRows < WINDOW) return
  window.idle = window.windowKeys > WINDOW / 4 || window.windowTurns > WINDOW / turns
  window.windowRows = window.windowKeys = window.windowTurns = 0
}

export interface Patterns extends PatternTable, PatternWindow {
  readonly source: AnySource
  readonly tables: Tables
  readonly patterns: Pattern[]
  readonly values: readonly Copy[]
  /** The column of each. */
  readonly columns: Int32Array
  readonly except: ReadonlySet<string>
  // columns, by what of them makes a pattern
  readonly texts: readonly number[]
  readonly counts: readonly number[]
  readonly passedTexts: readonly number[]
  readonly passedCounts: readonly number[]
  readonly addresses: readonly number[]
  /** Of epoch seconds; -1 for none. */
  readonly start: number
  readonly end: number
  /** The texts that the numbers in `facts` and `stable` are of. */
  known: readonly string[] | undefined
  facts: Uint8Array
  /** By number of a text: a number that it keeps. */
  stable: Int32Array
  readonly stableOf: Map<string, number>
  /** What makes the pattern of the row at hand. */
  readonly key: Int32Array
  /** The keys that were met, one after the other, and what they are: a pattern, or -1 for none. */
  readonly keys: Int32Array
  readonly numbers: Int32Array
  /** By hash: a key, plus 1. */
  readonly slots: Int32Array
  met: number
}

const SLOTS = 4 * MOST_PATTERNS
/** Texts that patterns tell apart. */
const MOST_STABLE = 2 ** 16

function createPatterns(source: AnySource, copies: Copies, { columns }: TableRow, tables: Tables): Patterns {
  const isText = (at: number): boolean => columns[at]!.kind === 'text' || columns[at]!.kind === 'rest'
  const all = columns.map((_, at) => at)
  const named = (names: readonly string[] = []): number[] => all.filter(at => columns[at]!.kind !== 'rest' && names.includes(columns[at]!.name))
  const addresses = named(copies.addresses).filter(isText)
  const [start = -1, end = -1] = (copies.seconds ?? []).map(name => named([name]).find(at => !isText(at)) ?? -1)
  const copied = [...named(copies.fields), ...all.filter(at => columns[at]!.kind === 'rest')]
  const own = all.filter(at => !copied.includes(at) && !addresses.includes(at) && at !== start && at !== end)
  const copiedTexts = copied.filter(isText)
  const copiedCounts = copied.filter(at => !isText(at))
  const values: Copy[] = [
    ...[...copiedTexts, ...addresses].map((column): Copy => ({ kind: 'text', column })),
    ...copiedCounts.map((column): Copy => ({ kind: 'count', column })),
    ...(start === -1 ? [] : [{ kind: 'start', column: start } as const]),
    ...(end === -1 ? [] : [{ kind: 'end', column: end } as const]),
    ...(start === -1 || end === -1 ? [] : [{ kind: 'between', column: end } as const]),
  ]
  const texts = copiedTexts.length + addresses.length
  const words = own.length + bitWords(copiedTexts) + bitWords(copiedCounts) + addresses.length + 1
  return {
    source,
    tables,
    patterns: [],
    refused: new Uint8Array(MOST_PATTERNS),
    marks: [marksOf(values, 0), marksOf(values, 1)],
    copiedTexts: texts,
    copiedNumbers: values.length - texts,
    values,
    columns: Int32Array.from(values, ({ column }) => column),
    except: new Set(copies.except),
    texts: own.filter(isText),
    counts: own.filter(at => !isText(at)),
    passedTexts: copiedTexts,
    passedCounts: copiedCounts,
    addresses,
    start,
    end,
    known: undefined,
    facts: new Uint8Array(0),
    stable: new Int32Array(0),
    stableOf: new Map(),
    key: new Int32Array(words),
    keys: new Int32Array(words * MOST_PATTERNS),
    numbers: new Int32Array(MOST_PATTERNS),
    slots: new Int32Array(SLOTS),
    met: 0,
    windowRows: 0,
    windowKeys: 0,
    windowTurns: 0,
    idle: false,
  }
}

/** Words for a bit of each column. */
const bitWords = (columns: readonly number[]): number => (columns.length >> 5) + 1

interface Tables {
  /** Rows that were read. */
  rows: number
  readonly byKey: Map<string, Patterns>
}

const tables = new WeakMap<Pipeline, Tables>()
/** Tables of a source whose patterns are kept. */
const MOST_TABLES = 8

/** The patterns of the table that a row is of: those of tables with the same columns in the same region. */
export function patternsOf(pipeline: Pipeline, row: TableRow, { region }: Context): Patterns | undefined {
  if (pipeline.source.copies === undefined) return undefined
  const all = tables.get(pipeline) ?? { rows: 0, byKey: new Map<string, Patterns>() }
  tables.set(pipeline, all)
  const { byKey } = all
  const key = JSON.stringify([region, row.columns])
  let patterns = byKey.get(key)
  if (patterns === undefined) {
    if (byKey.size === MOST_TABLES) byKey.clear()
    patterns = createPatterns(pipeline.source, pipeline.source.copies, row, all)
    byKey.set(key, patterns)
  }
  return patterns
}

/** Writes what a row copies into a batch, at `at`. */
export function addCopies(
  { copiedTexts, copiedNumbers, passedCounts, columns, start, end }: Patterns,
  { cells }: TableRow,
  batch: Pick<RowBatch, 'ids' | 'numbers'>,
  at: number,
): void {
  const { ids, counts } = cells
  const { ids: texts, numbers } = batch
  for (let value = 0, to = at * copiedTexts; value < copiedTexts; value++, to++) texts[to] = ids[columns[value]!]!
  let to = at * copiedNumbers
  for (let value = 0; value < passedCounts.length; value++, to++) numbers[to] = counts[passedCounts[value]!]!
  if (start !== -1) numbers[to++] = counts[start]! * 1000
  if (end !== -1) numbers[to++] = counts[end]! * 1000
  if (start !== -1 && end !== -1) numbers[to] = (counts[end]! - counts[start]!) * 1000
}

/** The number of the pattern of a row, learned where it is new; -1 when it has none. */
export function patternOf(patterns: Patterns, row: TableRow, pipeline: Pipeline, context: Context): number {
  if (patterns.idle || ++patterns.tables.rows < TRIAL_ROWS || !setKey(patterns, row)) return -1
  passWindow(patterns)
  const { key, keys, slots, numbers, met } = patterns
  const width = key.length
  let slot = hashOf(key, width) & (SLOTS - 1)
  for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
    if (isKey(keys, (entry - 1) * width, key)) return usable(patterns, numbers[entry - 1]!)
    slot = (slot + 1) & (SLOTS - 1)
  }
  if (met === MOST_PATTERNS) return -1
  patterns.windowKeys++
  keys.set(key, met * width)
  numbers[met] = learn(patterns, row, pipeline, context)
  slots[slot] = ++patterns.met
  return numbers[met]!
}

/** A hash of the first words of a key. */
export function hashOf(key: Int32Array, length: number): number {
  let hash = 0
  for (let at = 0; at < length; at++) {
    hash = Math.imul(hash ^ key[at]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

function usable({ refused }: Patterns, number: number): number {
  return number !== -1 && refused[number] === 1 ? -1 : number
}

function isKey(keys: Int32Array, start: number, key: Int32Array): boolean {
  for (let at = 0; at < key.length; at++) if (keys[start + at] !== key[at]) return false
  return true
}

/** Sets the key of a row; whether it can have a pattern. */
function setKey(patterns: Patterns, { cells }: TableRow): boolean {
  const { key, texts, counts: inspected, passedTexts, passedCounts, addresses } = patterns
  if (patterns.known !== cells.texts) forgetTexts(patterns, cells.texts)
  const { ids, counts } = cells
  const { stable, facts } = patterns
  let word = 0
  for (let at = 0; at < texts.length; at++) {
    const id = ids[texts[at]!]!
    if (id >= 0) {
      const number = stable[id]! || stableNumber(patterns, id)
      if (number === 0) return false
      key[word++] = number
    } else if (id === NO_TEXT) key[word++] = 0
    else return false
  }
  for (let at = 0; at < inspected.length; at++) {
    const count = counts[inspected[at]!]!
    if (count >= 2 ** 31) return false
    key[word++] = count >= 0 ? count : -1
  }
  const textBits = word
  const countBits = textBits + bitWords(passedTexts)
  word = countBits + bitWords(passedCounts)
  for (let at = textBits; at < word; at++) key[at] = 0
  for (let at = 0; at < passedTexts.length; at++) {
    const id = ids[passedTexts[at]!]!
    if (id === NO_TEXT) continue
    if (id === LONG_TEXT || ((facts[id]! || ask(patterns, id)) & EXCEPTED) !== 0) return false
    key[textBits + (at >> 5)]! |= 1 << (at & 31)
  }
  for (let at = 0; at < passedCounts.length; at++) {
    const count = counts[passedCounts[at]!]!
    if (count >= 0) key[countBits + (at >> 5)]! |= 1 << (at & 31)
  }
  for (let at = 0; at < addresses.length; at++) {
    const id = ids[addresses[at]!]!
    if (id === LONG_TEXT) return false
    const version = id < 0 ? 0 : (facts[id]! || ask(patterns, id)) & (IS_V4 | IS_V6)
    if (id >= 0 && version === 0) return false
    let first = at // the first that is the same
    for (let other = 0; other < at; other++) {
      if (ids[addresses[other]!] !== id) continue
      first = other
      break
    }
    key[word++] = (first << 4) | version
  }
  const start = patterns.start === -1 ? Number.NaN : counts[patterns.start]!
  const end = patterns.end === -1 ? Number.NaN : counts[patterns.end]!
  if (end < start || end - start > MOST_SECONDS || start > LATEST_SECOND || end > LATEST_SECOND) return false
  key[word] = (start >= 0 ? 1 : 0) | (end >= 0 ? 2 : 0)
  return true
}

/** Of a span, so that its milliseconds fit into 32 bits; and of a time, so that they are exact. */
const MOST_SECONDS = 2 ** 21
const LATEST_SECOND = 2 ** 40

function forgetTexts(patterns: Patterns, texts: readonly string[]): void {
  if (patterns.facts.length === 0) {
    patterns.facts = new Uint8Array(MOST_TEXTS)
    patterns.stable = new Int32Array(MOST_TEXTS)
  } else {
    patterns.facts.fill(0)
    patterns.stable.fill(0)
  }
  patterns.known = texts
}

function stableNumber({ known, stable, stableOf }: Patterns, id: number): number {
  const text = known![id]!
  let number = stableOf.get(text)
  if (number === undefined) {
    if (stableOf.size === MOST_STABLE) return 0
    number = stableOf.size + 1
    stableOf.set(text, number)
  }
  stable[id] = number
  return number
}

function ask({ known, facts, except }: Patterns, id: number): number {
  const text = known![id]!
  const version = ipVersion(text)
  facts[id] = ASKED | (version === 4 ? IS_V4 : version === 6 ? IS_V6 : 0) | (except.has(text) ? EXCEPTED : 0)
  return facts[id]!
}

// ---- learning ----

/** Learns the pattern of a row; -1 when it has none. */
function learn(patterns: Patterns, row: TableRow, pipeline: Pipeline, context: Context): number {
  const asked = new Set<PropertyKey>()
  const watched = new Proxy(context, {
    get(target, name) {
      asked.add(name)
      return target[name as keyof Context]
    },
  })
  const one = eventOf(patterns.source, row.record(marked(patterns, row, 0)), watched)
  const other = one && eventOf(patterns.source, row.record(marked(patterns, row, 1)), watched)
  if (one === undefined || other === undefined || !pipeline.classes.has(one.class_uid) || uidOf(one) !== undefined) return -1
  for (const name of asked) if (name !== 'version' && name !== 'region') return -1
  const pattern = patternFrom([one, other], patterns.marks)
  return pattern === undefined ? -1 : patterns.patterns.push(pattern) - 1
}

/** The event of a record; `undefined` when it has none. */
export function eventOf(source: AnySource, record: object, context: Context): MappedEvent | undefined {
  try {
    const mapped = source.map(record, context)
    return 'skip' in mapped || 'fault' in mapped ? undefined : (mapped as MappedEvent)
  } catch {
    return undefined // the rows themselves will say why
  }
}

// The marks of a value, in the first and in the second event of a pattern: no two values share one, and no two events.
const textMark = (which: number, at: number): string => `\u0001${which}.${at}`
const v4Mark = (which: number, at: number): string => `203.0.${which}.${at}`
const v6Mark = (which: number, at: number): string => `2001:db8::${which}:${at}`
const countMark = (which: number, at: number): number => 20_001 + 10_000 * which + at
const START_MARKS = [1_500_000_001, 1_600_000_003]
const SPAN_MARKS = [61, 83]

function marksOf(values: readonly Copy[], which: number): Map<unknown, number> {
  const marks = new Map<unknown, number>()
  for (const [at, { kind }] of values.entries()) {
    if (kind === 'text') for (const mark of [textMark(which, at), v4Mark(which, at), v6Mark(which, at)]) marks.set(mark, at)
    else if (kind === 'count') marks.set(countMark(which, at), at)
    else if (kind === 'start') marks.set(START_MARKS[which]! * 1000, at)
    else if (kind === 'end') marks.set((START_MARKS[which]! + SPAN_MARKS[which]!) * 1000, at)
    else marks.set(SPAN_MARKS[which]! * 1000, at)
  }
  return marks
}

/** The values of a row, with marks in place of what is copied. */
function marked({ values, addresses }: Patterns, { cells }: TableRow, which: number): ReturnType<TableRow['cells']['values']> {
  const out = cells.values().slice()
  for (const [at, { kind, column }] of values.entries()) {
    const value = out[column]
    if (value === undefined) continue
    if (kind === 'start') out[column] = START_MARKS[which]
    else if (kind === 'end') out[column] = START_MARKS[which]! + SPAN_MARKS[which]!
    else if (kind === 'count') out[column] = countMark(which, at)
    else if (kind === 'text' && !addresses.includes(column)) out[column] = textMark(which, at)
    else if (kind === 'text') {
      const same = addresses.find(other => cells.ids[other] === cells.ids[column])!
      out[column] = same !== column ? out[same] : ipVersion(value as string) === 4 ? v4Mark(which, at) : v6Mark(which, at)
    }
  }
  return out
}

/** Where and when the events of a pattern are must be the same in all, or one of the values that they copy. */
export function patternFrom(events: readonly [MappedEvent, MappedEvent], marks: PatternTable['marks']): Pattern | undefined {
  const [one, other] = events as readonly [Placed, Placed]
  const copyOf = (a: unknown, b: unknown): number | undefined => {
    const at = marks[0].get(a)
    return a !== b && at !== undefined && marks[1].get(b) === at ? at : undefined
  }
  const time = copyOf(one.time, other.time)
  const accounts = [one.cloud?.account?.uid, other.cloud?.account?.uid] as const
  const account = accounts[0] === accounts[1] ? accounts[0] : copyOf(...accounts)
  const region = one.cloud?.region
  if (time === undefined || region !== other.cloud?.region || one.class_uid !== other.class_uid) return undefined
  if (accounts[0] !== accounts[1] && account === undefined) return undefined
  return { events, classUid: one.class_uid, region, account, time }
}

type Placed = MappedEvent & { readonly cloud?: { readonly region?: string; readonly account?: { readonly uid?: string } } }
