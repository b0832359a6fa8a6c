/** Rows that have a pattern straight into the columns of their events: column by column, what they copy and what all have. */
import type { MappedClass } from '../ocsf/mapped.js'
import { idAt, MOST_PATTERNS, MOST_ROWS, MOST_TEXTS, numberAt, type RowBatch, textOf } from '../rows.js'
import { beginRow, type ColumnBuffer, openRows, openSlots } from './column.js'
import { free, zeroInts } from './memory.js'
import { LEARNED, learnPatterns, type Passed, type PatternColumns, patternColumns, SEVERAL } from './pattern-columns.js'
import { addKeys, closeKeys, createKeys, isKept, leaveKeys, numberTexts, type PatternKeys, type Target } from './pattern-keys.js'
import type { ParquetSchema } from './schema.js'
import { IN_COLUMN, type TextStore, takeKnown, textNumber, theirNumbers } from './text.js'

/** The rows of a table on their way into the columns of a file. */
export interface PatternRows {
  readonly into: PatternColumns
  readonly columns: readonly Target[]
  /** As long as all rows of the file are of this table. */
  keys: PatternKeys | undefined
  /** The texts of the file. */
  readonly store: TextStore
  /** By copied value: of each row of the batch, the number of its text in the file, printed numbers included; -1 while it has none. */
  readonly words: readonly Int32Array[]
  /** By small number: that of its text in the file, plus 1. */
  readonly printed: Int32Array
}

/** Numbers below this have the numbers of their texts kept. */
const SMALL = 2 ** 16

export function patternRows(
  table: RowBatch['table'],
  schema: ParquetSchema,
  mapped: MappedClass,
  observables: boolean,
  columns: readonly ColumnBuffer[],
  store: TextStore,
): PatternRows {
  const into = patternColumns(table, schema, mapped, observables)
  const { copiedTexts, copiedNumbers } = table
  return {
    into,
    columns: columns.map((column, at) => ({ column, pattern: into.columns[at]!, numbers: new Int32Array(0), last: -1, keyed: false, like: undefined })),
    keys: undefined,
    store,
    words: Array.from({ length: copiedTexts + copiedNumbers }, () => new Int32Array(MOST_ROWS)),
    printed: zeroInts(SMALL),
  }
}

/** The columns are as they are encoded; no more rows are added. */
export function closePatternRows({ keys }: PatternRows, row: number): void {
  if (keys !== undefined) closeKeys(keys, row)
}

/** Others write to the columns from `row` on: nothing may be taken for written any more. */
export function leavePatternRows(rows: PatternRows, row: number): void {
  if (rows.keys !== undefined) leaveKeys(rows.keys, row)
  rows.keys = undefined
  for (const target of rows.columns) target.last = -1
}

/** Gives the memory back. Ends it. */
export function freePatternRows({ printed, keys }: PatternRows): void {
  free(printed)
  if (keys !== undefined) free(keys.keys)
}

// ---- asking ----

/** Where the rows of a batch end, from `from` to `to`, that may be written. */
export function checkPatternRows(rows: PatternRows, batch: RowBatch, from: number, to: number): number {
  const { into, store } = rows
  const { passed, tests } = into
  let end = learnedEnd(into, batch.patterns, from, to)
  if (passed.texts !== batch.texts) {
    passed.texts = batch.texts
    passed.values.fill(0)
  }
  const numbers = theirNumbers(store, batch.texts, MOST_TEXTS)
  for (let value = 0; value < tests.length; value++) {
    const { size } = tests[value]!
    if (size === 0) continue
    if (size !== passed.tests[value]) forgetPassed(passed, value, size)
    end = value < batch.table.copiedTexts ? textsEnd(rows, numbers, batch, value, from, end) : numbersEnd(rows, batch, value, from, end)
  }
  return end
}

function learnedEnd(into: PatternColumns, patterns: Int32Array, from: number, to: number): number {
  const { known } = into
  for (let at = from; at < to; at++) {
    const pattern = patterns[at]!
    if (known[pattern] === LEARNED) continue
    if (known[pattern] === 0) learnPatterns(into, patterns, at, to)
    if (known[pattern] !== LEARNED) return at
  }
  return to
}

/** A value stands in a column where it did not before: what is known of it says nothing about that. */
function forgetPassed({ tests, values, width, least, most }: Passed, value: number, size: number): void {
  tests[value] = size
  least[value] = Number.POSITIVE_INFINITY
  most[value] = Number.NEGATIVE_INFINITY
  const bit = 1 << (value & 31)
  for (let at = value >> 5; at < values.length; at += width) values[at]! &= ~bit
}

function textsEnd({ into, words }: PatternRows, numbers: Int32Array, batch: RowBatch, value: number, from: number, to: number): number {
  const { ids, texts, own, table } = batch
  const { copiedTexts } = table
  const { values, width } = into.passed
  const out = words[value]!
  const bit = 1 << (value & 31)
  const bits = value >> 5
  for (let at = from; at < to; at++) {
    const id = ids[at * copiedTexts + value]!
    if (id < 0) {
      out[at] = -1
      continue
    }
    if (id >= MOST_TEXTS) {
      for (const test of into.tests[value]!) if (!test(own[id - MOST_TEXTS])) return at
      out[at] = -1
      continue
    }
    const entry = id * width + bits
    if ((values[entry]! & bit) === 0) {
      for (const test of into.tests[value]!) if (!test(texts[id])) return at
      values[entry]! |= bit
    }
    out[at] = numbers[id]! - 1
  }
  return to
}

function numbersEnd({ into, printed, words }: PatternRows, { numbers, table }: RowBatch, value: number, from: number, to: number): number {
  const { copiedTexts, copiedNumbers } = table
  const { least, most } = into.passed
  const out = words[value]!
  let low = least[value]!
  let high = most[value]!
  let end = from
  const isPrinted = into.printed[value] === 1
  for (; end < to; end++) {
    const number = numbers[end * copiedNumbers + value - copiedTexts]!
    if (isPrinted) out[end] = number < SMALL ? printed[number]! - 1 : -1
    if ((number >= low && number <= high) || Number.isNaN(number)) continue
    let passes = true
    for (const test of into.tests[value]!) passes &&= test(number)
    if (!passes) break
    if (number === 0) continue // a time of 0 is unknown, and says nothing about those behind it
    low = Math.min(low, number)
    high = Math.max(high, number)
  }
  least[value] = low
  most[value] = high
  return end
}

// ---- writing ----

/** Writes the rows `[from, to)` of a batch, which may be written, from `row` on. */
export function writePatternRows(rows: PatternRows, batch: RowBatch, from: number, to: number, row: number): void {
  if (from === to) return
  const { columns } = rows
  if (row === 0) rows.keys = createKeys(columns, MOST_PATTERNS)
  else if (rows.keys !== undefined && !isKept(rows.keys)) leavePatternRows(rows, row)
  const firsts = rows.keys === undefined ? NO_ROWS : addKeys(rows.keys, batch, from, to, row)
  for (let at = 0; at < columns.length; at++) {
    const target = columns[at]!
    const { column, pattern, keyed, like } = target
    if (column.use !== undefined && target.numbers.length < pattern.slots) target.numbers = longer(target.numbers, pattern.slots)
    if (keyed) {
      if (column.use !== undefined) for (const first of firsts) numberTexts(target, batch.patterns[first]!, row + first - from)
    } else if (like !== undefined) continue
    else if (column.nested !== undefined) writeLists(rows, target, batch, from, to, row)
    else if (pattern.variants === 1 && pattern.copy === -1 && target.last === 0) continue
    else {
      openRows(column, row, to - from)
      writeLevels(target, batch, from, to, row)
      if (column.use !== undefined) writeTexts(rows, target, batch, from, to, row)
      else if (column.words === 1) writeIntegers(target, batch, from, to, row)
      else writeLongs(target, batch, from, to, row)
      target.last = pattern.of[batch.patterns[to - 1]!]!
    }
  }
}

const NO_ROWS: readonly number[] = []

function longer(from: Int32Array, length: number): Int32Array {
  const to = new Int32Array(length * 2)
  to.set(from)
  return to
}

function writeLevels({ column, pattern }: Target, { patterns }: RowBatch, from: number, to: number, row: number): void {
  const { of, defs: levels, level } = pattern
  const { defs } = column
  if (level !== SEVERAL) defs.fill(level, row, row + to - from)
  else for (let at = from, out = row; at < to; at++, out++) defs[out] = levels[of[patterns[at]!]!]!
}

// What stands in the place of a null is of no account.

function writeIntegers({ column, pattern }: Target, batch: RowBatch, from: number, to: number, row: number): void {
  const { of, copies, lows, copy, variants } = pattern
  const { patterns, numbers, table } = batch
  const { copiedTexts, copiedNumbers } = table
  const { data } = column
  if (copy === -1) for (let at = from, out = row; at < to; at++, out++) data[out] = lows[of[patterns[at]!]!]!
  else if (variants === 1) for (let at = from, out = row; at < to; at++, out++) data[out] = numbers[at * copiedNumbers + copy - copiedTexts]!
  else
    for (let at = from, out = row; at < to; at++, out++) {
      const slot = of[patterns[at]!]!
      const own = copies[slot]!
      data[out] = own === -1 ? lows[slot]! : numbers[at * copiedNumbers + own - copiedTexts]!
    }
}

function writeLongs({ column, pattern }: Target, batch: RowBatch, from: number, to: number, row: number): void {
  const { of, copies, lows, highs, copy, variants } = pattern
  const { patterns, numbers, table } = batch
  const { copiedTexts, copiedNumbers } = table
  const { data } = column
  const only = variants === 1 ? copy : -1
  for (let at = from, out = row; at < to; at++, out++) {
    const slot = only === -1 ? of[patterns[at]!]! : 0
    const own = only === -1 ? copies[slot]! : only
    if (own === -1) {
      data[2 * out] = lows[slot]!
      data[2 * out + 1] = highs[slot]!
    } else {
      const number = numbers[at * copiedNumbers + own - copiedTexts]!
      data[2 * out] = number | 0
      data[2 * out + 1] = Math.floor(number / 2 ** 32)
    }
  }
}

function writeTexts(rows: PatternRows, target: Target, batch: RowBatch, from: number, to: number, row: number): void {
  const { column, pattern, numbers } = target
  const { of, defs: levels, copies, copy } = pattern
  const { patterns } = batch
  const { words } = rows
  const { data, leaf } = column
  const { def } = leaf
  const use = column.use!
  const single = words[Math.max(copy, 0)]!
  let { known, unique } = use
  if (pattern.variants === 1 && copy >= 0)
    for (let at = from, out = row; at < to; at++, out++) {
      const word = single[at]!
      if (word >= 0 && (known[word]! & IN_COLUMN) !== 0 && !unique) data[out] = word
      else {
        use.asked = out
        data[out] = numberOf(rows, target, batch, 0, at)
        known = use.known
        unique = use.unique
      }
    }
  else
    for (let at = from, out = row; at < to; at++, out++) {
      const slot = of[patterns[at]!]!
      if (levels[slot] !== def) continue
      const own = copies[slot]!
      const word = own === -1 ? numbers[slot]! - 1 : copy === SEVERAL ? words[own]![at]! : single[at]!
      // a number that is kept is one that the column has
      if (word >= 0 && (own === -1 || (known[word]! & IN_COLUMN) !== 0) && !unique) data[out] = word
      else {
        use.asked = out
        data[out] = numberOf(rows, target, batch, slot, at)
        known = use.known
        unique = use.unique
      }
    }
}

function writeLists(rows: PatternRows, target: Target, batch: RowBatch, from: number, to: number, row: number): void {
  const { column, pattern, numbers } = target
  const { of, starts, defs: levels, reps: repeats, copies, lows } = pattern
  const { patterns } = batch
  const { words } = rows
  const { use, leaf } = column
  const { def } = leaf
  const nested = column.nested!
  let { last } = target
  let known = use?.known
  if (pattern.variants === 1 && pattern.copy === -1 && last === 0) {
    if (use !== undefined) use.asked += (to - from) * levels.subarray(0, pattern.slots).filter(level => level === def).length
    return
  }
  for (let at = from, out = row; at < to; at++, out++) {
    const variant = of[patterns[at]!]!
    const start = starts[variant]!
    const end = starts[variant + 1]!
    const isSame = variant === last && pattern.copy === -1
    last = variant
    if (isSame) {
      if (use !== undefined) for (let slot = start; slot < end; slot++) if (levels[slot] === def) use.asked++
      continue
    }
    beginRow(column, out)
    openSlots(column, end - start)
    const { defs, data } = column
    const { reps } = nested
    let into = column.slots
    for (let slot = start; slot < end; slot++, into++) {
      const level = levels[slot]!
      reps[into] = repeats[slot]!
      defs[into] = level
      if (level !== def) continue
      const copy = copies[slot]!
      if (use === undefined) {
        data[into] = copy === -1 ? lows[slot]! : numberAt(batch, copy, at)
        continue
      }
      const word = copy === -1 ? numbers[slot]! - 1 : words[copy]![at]!
      // a number that is kept is one that the column has
      if (word >= 0 && (copy === -1 || (known![word]! & IN_COLUMN) !== 0) && !use.unique) {
        use.asked++
        data[into] = word
      } else {
        data[into] = numberOf(rows, target, batch, slot, at)
        known = use.known
      }
    }
    column.slots = into
    nested.end[out] = into
  }
  target.last = last
}

/** The number of a text in the column, which may not have had it before; kept for the next time. */
function numberOf({ words, printed, store }: PatternRows, { column, pattern, numbers }: Target, batch: RowBatch, slot: number, at: number): number {
  const copy = pattern.copies[slot]!
  const use = column.use!
  if (copy === -1) {
    const word = textNumber(column, pattern.texts[slot]!)
    if (!use.unique) numbers[slot] = word + 1
    return word
  }
  const own = words[copy]!
  if (copy >= batch.table.copiedTexts) {
    const number = numberAt(batch, copy, at)
    const word = textNumber(column, String(number))
    if (!use.unique && number < SMALL) {
      printed[number] = word + 1
      own[at] = word
    }
    return word
  }
  const id = idAt(batch, copy, at)
  const text = textOf(batch, id)
  if (id >= MOST_TEXTS) {
    const word = textNumber(column, text)
    if (!use.unique) own[at] = word
    return word
  }
  const known = use.unique ? 0 : store.theirs!.numbers[id]!
  if (known !== 0) {
    takeKnown(column, text, known - 1)
    own[at] = known - 1
    return known - 1
  }
  const word = textNumber(column, text)
  if (!use.unique) {
    store.theirs!.numbers[id] = word + 1
    own[at] = word
  }
  return word
}
