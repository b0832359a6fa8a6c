/**
 * Columns that follow from the pattern of a row alone. As long as all rows of a file have patterns of one table, nothing is
 * written into them: the pattern of each row is kept once for all, and each column has one slot for every variant that is met.
 */
import type { RowBatch } from '../rows.js'
import { type ColumnBuffer, copyRows, type Partition, shareRows, spreadKeyed } from './column.js'
import { free, ints } from './memory.js'
import type { PatternColumn } from './pattern-columns.js'
import { textNumber } from './text.js'

/** A column of a file beside what the patterns of a table say of it. */
export interface Target {
  readonly column: ColumnBuffer
  readonly pattern: PatternColumn
  /** By slot of the pattern: the number of its text in the file, plus 1. */
  numbers: Int32Array
  /** The variant of the row written last; -1 when that is not known. */
  last: number
  /** Whether its values follow from the patterns of the rows. */
  keyed: boolean
  /** The column before it with the same numbers in all rows, which is written instead. */
  like: Target | undefined
}

/** The patterns of all rows of a file. */
export interface PatternKeys {
  readonly targets: readonly Target[]
  /** By row. */
  keys: Int32Array
  /** The patterns that rows have, in the order of their first one; and by pattern, whether it is among them. */
  readonly met: number[]
  readonly isMet: Uint8Array
}

const FIRST_ROWS = 2 ** 12

/** Begins a file without rows. */
export function createKeys(targets: readonly Target[], patterns: number): PatternKeys {
  for (const [at, target] of targets.entries()) {
    target.keyed = target.column.nested === undefined && target.pattern.copy === -1
    target.like = targets.slice(0, at).find(other => isLike(target, other))
  }
  return { targets, keys: ints(FIRST_ROWS), met: [], isMet: new Uint8Array(patterns) }
}

/** Whether a column of numbers has those of another in all rows. */
function isLike({ column, pattern }: Target, { column: other, pattern: otherPattern, like }: Target): boolean {
  if (like !== undefined || column.text !== undefined || other.text !== undefined) return false
  if (column.words !== other.words || column.leaf.def !== other.leaf.def || pattern.copy !== otherPattern.copy) return false
  return isCopied(column, pattern) && isCopied(other, otherPattern)
}

/** Whether all rows copy the same value. */
function isCopied({ nested, leaf }: ColumnBuffer, { variants, copy, level }: PatternColumn): boolean {
  return nested === undefined && variants === 1 && copy >= 0 && level === leaf.def
}

/** Whether what was said of the columns still holds with the patterns that were learned since. */
export function isKept({ targets }: PatternKeys): boolean {
  for (let at = 0; at < targets.length; at++) {
    const { keyed, like, pattern, column } = targets[at]!
    if (keyed && pattern.copy !== -1) return false
    if (like !== undefined && !(isCopied(column, pattern) && isCopied(like.column, like.pattern))) return false
  }
  return true
}

/** Adds the patterns of the rows `[from, to)` of a batch, which stand from `row` on; returns which of them are the first of theirs. */
export function addKeys(into: PatternKeys, { patterns }: RowBatch, from: number, to: number, row: number): readonly number[] {
  const { met, isMet } = into
  const end = row + to - from
  if (end > into.keys.length) {
    const keys = ints(Math.max(end, into.keys.length * 2))
    keys.set(into.keys)
    free(into.keys)
    into.keys = keys
  }
  const { keys } = into
  const firsts: number[] = []
  for (let at = from, out = row; at < to; at++, out++) {
    const pattern = patterns[at]!
    keys[out] = pattern
    if (isMet[pattern] === 1) continue
    isMet[pattern] = 1
    met.push(pattern)
    firsts.push(at)
  }
  return firsts
}

/** Gives the texts of a pattern's first row, which stands at `row`, their numbers. */
export function numberTexts({ column, pattern, numbers }: Target, key: number, row: number): void {
  const slot = pattern.of[key]!
  if (numbers[slot] !== 0 || pattern.defs[slot] !== column.leaf.def) return
  column.use!.asked = row
  numbers[slot] = textNumber(column, pattern.texts[slot]!) + 1
}

/** Brings the columns of a file with so many rows into the form in which they are encoded. */
export function closeKeys({ targets, keys, met }: PatternKeys, rows: number): void {
  const partitions: Partition[] = []
  for (let at = 0; at < targets.length; at++) {
    const { column, like, keyed } = targets[at]!
    if (like !== undefined) shareRows(column, like.column)
    else if (keyed) closeColumn(targets[at]!, keys, met, rows, partitions)
  }
}

function closeColumn({ column, pattern, numbers }: Target, keys: Int32Array, met: readonly number[], rows: number, partitions: Partition[]): void {
  const { of, defs, lows, highs } = pattern
  const { text, words, leaf } = column
  const classes = new Map<number, number>() // by slot of the pattern
  for (const key of met) if (!classes.has(of[key]!)) classes.set(of[key]!, classes.size)
  const { size } = classes
  column.defs = new Uint8Array(size)
  column.data = new Int32Array(size * words)
  column.slots = size
  column.rows = size === 1 ? 1 : rows
  for (const [slot, own] of classes) {
    column.defs[own] = defs[slot]!
    column.data[own * words] = text === undefined ? lows[slot]! : numbers[slot]! - 1
    if (words === 2) column.data[own * 2 + 1] = highs[slot]!
  }
  if (size === 1) return
  const classOf = new Uint16Array(of.length)
  for (const key of met) classOf[key] = classes.get(of[key]!)!
  column.keyed = { keys, partition: partitionLike(partitions, met, classOf, column.defs, leaf.def) }
}

/** A partition that tells the same rows apart and has nulls in the same ones. */
function partitionLike(partitions: Partition[], met: readonly number[], classOf: Uint16Array, defs: Uint8Array, def: number): Partition {
  const nulls = defs.map(level => (level === def ? ALL : level))
  let partition = partitions.find(
    other =>
      other.nulls.length === nulls.length && nulls.every((level, own) => level === other.nulls[own]) && met.every(key => classOf[key] === other.classOf[key]),
  )
  if (partition === undefined) {
    partition = { classOf, nulls }
    partitions.push(partition)
  }
  return partition
}

/** Stands for a level that is not one of a null. */
const ALL = 255

/** Writes all columns out: rows without a pattern follow. */
export function leaveKeys(keys: PatternKeys, rows: number): void {
  closeKeys(keys, rows)
  for (const target of keys.targets) {
    const { column, like } = target
    if (like !== undefined) copyRows(column, like.column)
    else if (column.keyed !== undefined) spreadKeyed(column)
    target.keyed = false
    target.like = undefined
    target.last = -1
  }
  free(keys.keys)
}
