/**
 * What the rows of a pattern are in the columns of a schema. A pattern is learned from its two marked events, written the
 * way of mapped events into columns of their own: what is the same in both rows is the same in all rows of the pattern,
 * and where each has its own mark, the value that it stands for is copied.
 */
import type { MappedClass, MappedField } from '../ocsf/mapped.js'
import { MOST_PATTERNS, MOST_TEXTS, type PatternTable } from '../rows.js'
import type { ColumnBuffer } from './column.js'
import type { Leaf, ParquetSchema } from './schema.js'
import { createShredder, type Shredder } from './shred.js'
import { type TextStore, textBytes } from './text.js'

/** A slot of a row: a value that is the same in all rows, one that they copy, or none. */
interface Slot {
  readonly def: number
  readonly rep: number
  readonly copy: number
  readonly printed: boolean
  readonly text: string | undefined
  readonly low: number
  readonly high: number
}

/** What a column may have in a row: variants of one slot each outside lists, of any number in them. */
export interface PatternColumn {
  /** By pattern: its variant. */
  readonly of: Uint16Array
  variants: number
  /** Of the pattern learned last. */
  last: number
  slots: number
  /** By variant: its first slot; that of the next is where it ends. */
  starts: Int32Array
  // by slot
  defs: Uint8Array
  reps: Uint8Array
  /** Which of the copied values it is; -1 for none. */
  copies: Int32Array
  /** Whether a copied number is written as text. */
  printed: Uint8Array
  /** A text, or the words of any other value, that all rows have. */
  readonly texts: (string | undefined)[]
  lows: Int32Array
  highs: Int32Array
  /** The copied value of all slots that have one; -1 for none, `SEVERAL` for more than one. */
  copy: number
  /** The level of all slots; `SEVERAL` for more than one. */
  level: number
}

export interface PatternColumns {
  readonly table: PatternTable
  readonly schema: ParquetSchema
  readonly columns: readonly PatternColumn[]
  /** By pattern. */
  readonly known: Uint8Array
  /** By copied value: what it must pass wherever it stands. */
  readonly tests: readonly Set<Test>[]
  /** By copied value: whether it is a number that is somewhere written as text. */
  readonly printed: Uint8Array
  readonly passed: Passed
  readonly learning: Learning
}

/** What has passed, of each copied value. */
export interface Passed {
  /** How many tests it was held to. */
  readonly tests: number[]
  /** The array that the numbers of texts are places in. */
  texts: readonly string[] | undefined
  /** By number of a text, `width` words each: as bits the copied values that it may be. */
  readonly values: Int32Array
  readonly width: number
  /** The numbers that passed, all that lie between two of them included. */
  readonly least: Float64Array
  readonly most: Float64Array
}

interface Learning {
  readonly scratch: () => Shredder
  /** By column: what a value must pass to be copied into it; none where other columns follow from it. */
  readonly tests: readonly (Test | undefined)[]
  /** The first row in it that is not learned yet, and how many there are. */
  row: number
  ready: number
  /** The row of the pattern learned last, while it is there. */
  before: number
}

export type Test = (value: unknown) => boolean

export const SEVERAL = -2

export const LEARNED = 1
export const REFUSED = 2

const made = new WeakMap<PatternTable, Map<MappedClass, PatternColumns[]>>()

/** The patterns of a table in the columns of a schema, the same ones for all files. */
export function patternColumns(table: PatternTable, schema: ParquetSchema, mapped: MappedClass, observables: boolean): PatternColumns {
  const byClass = made.get(table) ?? new Map<MappedClass, PatternColumns[]>()
  made.set(table, byClass)
  const some = byClass.get(mapped) ?? []
  byClass.set(mapped, some)
  let found = some[observables ? 1 : 0]
  if (found === undefined) found = some[observables ? 1 : 0] = create(table, schema, mapped, observables)
  return found
}

function create(table: PatternTable, schema: ParquetSchema, mapped: MappedClass, observables: boolean): PatternColumns {
  const fields = new Map<string, MappedField>()
  const note = (some: readonly MappedField[]): void => {
    for (const field of some) {
      fields.set(field.field.path, field)
      if (field.object !== undefined) note(field.object.fields)
    }
  }
  note(mapped.root.fields)
  // columns of their own, thrown away now and then: they are not those of a file
  let scratch: Shredder | undefined
  const values = table.copiedTexts + table.copiedNumbers
  const width = Math.ceil(table.copiedTexts / 32)
  return {
    table,
    schema,
    columns: schema.leaves.map(newColumn),
    known: new Uint8Array(MOST_PATTERNS),
    tests: Array.from({ length: values }, () => new Set()),
    printed: new Uint8Array(values),
    passed: {
      tests: new Array(values).fill(0),
      texts: undefined,
      values: new Int32Array(MOST_TEXTS * width),
      width,
      least: new Float64Array(values).fill(Number.POSITIVE_INFINITY),
      most: new Float64Array(values).fill(Number.NEGATIVE_INFINITY),
    },
    learning: {
      tests: schema.leaves.map(leaf => testOf(fields, leaf)),
      row: 0,
      ready: 0,
      before: -1,
      scratch() {
        if (scratch === undefined || (this.ready === 0 && scratch.rows > SCRATCH_ROWS)) {
          scratch = createShredder({ ...schema }, { mapped, observables })
          this.before = -1
        }
        return scratch
      },
    },
  }
}

function newColumn(): PatternColumn {
  return {
    of: new Uint16Array(MOST_PATTERNS),
    variants: 0,
    last: 0,
    slots: 0,
    starts: new Int32Array(2),
    defs: new Uint8Array(1),
    reps: new Uint8Array(1),
    copies: new Int32Array(1),
    printed: new Uint8Array(1),
    texts: [],
    lows: new Int32Array(1),
    highs: new Int32Array(1),
    copy: -1,
    level: -1,
  }
}

/** Rows of it after which a scratch is thrown away. */
const SCRATCH_ROWS = 1000

const utf8 = new TextDecoder()

/**
 * Learns the patterns of rows, as far as they are new. Where the events of one are not valid as they are, or what they copy
 * stands where more depends on it, it is refused.
 */
export function learnPatterns(into: PatternColumns, patterns: Int32Array, from: number, to: number): void {
  const { table, known, learning } = into
  const some = new Set<number>()
  for (let at = from; at < to; at++) if (known[patterns[at]!] === 0) some.add(patterns[at]!)
  const events = [...some].flatMap(number => table.patterns[number]!.events)
  let at = 0
  for (const number of some) {
    known[number] = REFUSED
    const scratch = learning.scratch()
    // all that are left at once: one by one they cost five times as much
    if (learning.ready === 0) {
      learning.row = scratch.rows
      learning.ready = scratch.addMapped(events, at, events.length)
    }
    at += 2
    if (learning.ready < 2) learning.ready = 0
    else {
      learning.ready -= 2
      if (learnPattern(into, scratch, learning.row, number)) known[number] = LEARNED
      learning.row += 2
    }
    if (known[number] === REFUSED) table.refused[number] = 1
  }
}

function learnPattern({ table, columns, tests, printed, learning }: PatternColumns, scratch: Shredder, row: number, number: number): boolean {
  const { before } = learning
  const changed: [PatternColumn, readonly Slot[]][] = []
  const asked: [number, Test][] = []
  for (let at = 0; at < columns.length; at++) {
    const column = scratch.columns[at]!
    if (before !== -1 && isAlike(column, before, row) && isAlike(column, before + 1, row + 1)) continue
    const slots = slotsOf(column, table, row)
    if (slots === undefined) return false
    changed.push([columns[at]!, slots])
    for (let i = 0; i < slots.length; i++) {
      const { copy } = slots[i]!
      if (copy === -1) continue
      const test = learning.tests[at]
      if (test === undefined) return false
      asked.push([copy, test])
    }
  }
  for (const [copy, test] of asked) tests[copy]!.add(test)
  for (const [, slots] of changed) for (const slot of slots) if (slot.printed) printed[slot.copy] = 1
  for (const [column, slots] of changed) column.last = variantLike(column, slots) ?? addVariant(column, slots)
  for (let at = 0; at < columns.length; at++) columns[at]!.of[number] = columns[at]!.last
  learning.before = row
  return true
}

/** Whether two rows of a column have the same. */
function isAlike({ rows, nested, defs, data, words }: ColumnBuffer, one: number, other: number): boolean {
  if (other >= rows) return one >= rows - 1
  if (nested !== undefined) return false
  if (one >= rows) return false
  return defs[one] === defs[other] && data[one * words] === data[other * words] && (words === 1 || data[one * 2 + 1] === data[other * 2 + 1])
}

/** The variant of a column that has these slots; mostly that of the pattern learned last. */
function variantLike(column: PatternColumn, slots: readonly Slot[]): number | undefined {
  const { last } = column
  if (column.variants > last && isVariant(column, last, slots)) return last
  for (let variant = 0; variant < column.variants; variant++) if (isVariant(column, variant, slots)) return variant
  return undefined
}

function isVariant({ starts, defs, reps, copies, printed, texts, lows, highs }: PatternColumn, variant: number, slots: readonly Slot[]): boolean {
  const start = starts[variant]!
  if (starts[variant + 1]! - start !== slots.length) return false
  for (let at = 0; at < slots.length; at++) {
    const own = slots[at]!
    const slot = start + at
    if (defs[slot] !== own.def || reps[slot] !== own.rep || copies[slot] !== own.copy || texts[slot] !== own.text) return false
    if (lows[slot] !== own.low || highs[slot] !== own.high || printed[slot] !== (own.printed ? 1 : 0)) return false
  }
  return true
}

function addVariant(column: PatternColumn, slots: readonly Slot[]): number {
  const { variants, slots: first } = column
  const end = first + slots.length
  if (end > column.defs.length) {
    const length = end * 2
    column.defs = longer(column.defs, new Uint8Array(length))
    column.reps = longer(column.reps, new Uint8Array(length))
    column.copies = longer(column.copies, new Int32Array(length))
    column.printed = longer(column.printed, new Uint8Array(length))
    column.lows = longer(column.lows, new Int32Array(length))
    column.highs = longer(column.highs, new Int32Array(length))
  }
  if (variants + 2 > column.starts.length) column.starts = longer(column.starts, new Int32Array((variants + 2) * 2))
  for (const [at, { def, rep, copy, printed, text, low, high }] of slots.entries()) {
    const slot = first + at
    column.defs[slot] = def
    column.reps[slot] = rep
    column.copies[slot] = copy
    column.printed[slot] = printed ? 1 : 0
    column.texts.push(text)
    column.lows[slot] = low
    column.highs[slot] = high
    column.level = column.level === -1 || column.level === def ? def : SEVERAL
    if (copy !== -1) column.copy = column.copy === -1 || column.copy === copy ? copy : SEVERAL
  }
  column.slots = column.starts[variants + 1] = end
  column.variants++
  return variants
}

function longer<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** What a column has in the rows of a pattern, from two of them; `undefined` when the marks do not say. */
function slotsOf(column: ColumnBuffer, { marks }: PatternTable, row: number): readonly Slot[] | undefined {
  const { leaf, defs, data, words, text, nested } = column
  const [one, other] = [Math.min(row, column.rows - 1), Math.min(row + 1, column.rows - 1)]
  const [from, end] = nested === undefined ? [one, one + 1] : [nested.first[one]!, nested.end[one]!]
  const from2 = nested === undefined ? other : nested.first[other]!
  if (nested !== undefined && nested.end[other]! - from2 !== end - from) return undefined
  const slots: Slot[] = []
  for (let slot = from, slot2 = from2; slot < end; slot++, slot2++) {
    const def = defs[slot]!
    const rep = nested?.reps[slot] ?? 0
    if (def !== defs[slot2] || rep !== (nested?.reps[slot2] ?? 0)) return undefined
    const there = def === leaf.def
    if (there && nested !== undefined && words === 2) return undefined // lists are written a word a value
    const low = there ? data[slot * words]! : 0
    const high = there && words === 2 ? data[slot * 2 + 1]! : 0
    // texts that a column does not look up have two numbers
    const isSame = !there || (low === data[slot2 * words] && (words === 1 || high === data[slot2 * 2 + 1]))
    const value = isSame ? undefined : plainOf(column, slot)
    const value2 = isSame ? undefined : plainOf(column, slot2)
    if (value === value2) {
      slots.push({
        def,
        rep,
        copy: -1,
        printed: false,
        text: there && text !== undefined ? textOf(text, low) : undefined,
        low: text === undefined ? low : 0,
        high,
      })
      continue
    }
    const plain = marks[0].get(value)
    const printed = plain === undefined && text !== undefined ? marks[0].get(Number(value)) : undefined
    const copy = plain ?? printed
    if (copy === undefined || marks[1].get(printed === undefined ? value2 : Number(value2)) !== copy) return undefined
    slots.push({ def, rep, copy, printed: printed !== undefined, text: undefined, low: 0, high: 0 })
  }
  return slots
}

function textOf(store: TextStore, number: number): string {
  return utf8.decode(textBytes(store, number))
}

function plainOf({ data, words, text }: ColumnBuffer, slot: number): string | number {
  const low = data[slot * words]!
  if (text !== undefined) return textOf(text, low)
  return words === 2 ? data[slot * 2 + 1]! * 2 ** 32 + (low >>> 0) : low
}

const ANY = (): boolean => true

/** What a value must pass to be copied into a column; `undefined` where other columns follow from it. */
function testOf(fields: ReadonlyMap<string, MappedField>, { eventPath, name }: Leaf): Test | undefined {
  const field = fields.get(eventPath)
  // what is derived follows from what is tested where it stands itself
  if (eventPath.startsWith('unmapped') || eventPath.startsWith('observables[]') || field?.derived === true) return ANY
  if (field === undefined) return undefined
  const above = eventPath.slice(0, eventPath.length - name.length)
  const isBeside = [...fields.values()].some(({ captions, field: other }) => captions !== undefined && `${above}${other.attribute.sibling}` === eventPath)
  // a text that is copied into it whole, without quotes of its own, is JSON
  if (field.field.kind === 'json') return ANY
  return field.field.attribute.enum !== undefined || isBeside || field.field.kind === 'float' ? undefined : field.accepts
}
