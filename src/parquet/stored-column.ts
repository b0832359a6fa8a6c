/** Columns that were read from a file, slot by slot: into the columns of another file, and as a checksum of their rows. */
import { addSlot, beginRow, type ColumnBuffer, rowSlot, storedRow } from './column.js'
import { compareTexts, textNumber } from './text.js'

/** The slots of one leaf in one row group of a file. */
export interface StoredColumn {
  readonly rows: number
  /** Definition level of each slot; one number for all. */
  readonly defs: Uint8Array | number
  /** Inside lists: repetition level of each slot, and the first slot of each row with the end of all behind it. */
  readonly nested: { readonly reps: Uint8Array; readonly first: Int32Array } | undefined
  /** Words of each slot as columns hold them, zeros where it is null; of a text its place in `texts`. */
  readonly words: Int32Array
  /** The UTF-8 of distinct texts, or of any. */
  readonly texts: readonly Uint8Array[]
  /** Whether all rows are as the first one, which has one slot. Then that is the only one there is. */
  readonly same: boolean
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Appends the rows `[from, to)` to a column as its rows from `row` on.
 *
 * @throws TypeError for texts that are no UTF-8
 */
export function appendStored(column: ColumnBuffer, row: number, stored: StoredColumn, from: number, to: number): void {
  const numberOf = column.text === undefined ? undefined : numbersOf(column, stored.texts)
  if (stored.same) appendSame(column, row, stored, numberOf)
  else if (stored.nested === undefined) appendFlat(column, row, stored, from, to, numberOf)
  else appendNested(column, row, stored, from, to, numberOf)
}

/** The number in a column of a text of the file. */
type Numbers = (text: number) => number

function numbersOf(column: ColumnBuffer, texts: readonly Uint8Array[]): Numbers {
  const known = new Int32Array(texts.length).fill(-1)
  return text => {
    let number = known[text]!
    if (number < 0) {
      number = textNumber(column, utf8.decode(texts[text]))
      known[text] = number
    }
    return number
  }
}

const levelAt = (defs: Uint8Array | number, slot: number): number => (typeof defs === 'number' ? defs : defs[slot]!)

/** Rows that are all the same, which may be those before them once more. */
function appendSame(column: ColumnBuffer, row: number, { defs, words }: StoredColumn, numberOf: Numbers | undefined): void {
  const def = levelAt(defs, 0)
  const isValue = def === column.leaf.def
  const low = !isValue ? 0 : numberOf === undefined ? words[0]! : numberOf(words[0]!)
  const high = isValue && column.words === 2 ? words[1]! : 0
  if (column.rows > 0 && repeatsLast(column, def, low, high)) return
  if (column.nested !== undefined) beginRow(column, row)
  const slot = column.nested === undefined ? rowSlot(column, row, def) : addSlot(column, 0, def)
  column.data[slot * column.words] = low
  if (column.words === 2) column.data[slot * 2 + 1] = high
}

function repeatsLast(column: ColumnBuffer, def: number, low: number, high: number): boolean {
  const { nested, rows, defs, data, words, leaf } = column
  if (nested !== undefined && nested.end[rows - 1]! - nested.first[rows - 1]! !== 1) return false
  const slot = nested === undefined ? rows - 1 : nested.first[rows - 1]!
  if (defs[slot] !== def) return false
  return def !== leaf.def || (data[slot * words] === low && (words === 1 || data[slot * 2 + 1] === high))
}

function appendFlat(column: ColumnBuffer, row: number, { defs, words }: StoredColumn, from: number, to: number, numberOf: Numbers | undefined): void {
  rowSlot(column, row, 0) // writes out the rows before
  rowSlot(column, row + to - from - 1, 0)
  if (typeof defs === 'number') column.defs.fill(defs, row, row + to - from)
  else column.defs.set(defs.subarray(from, to), row)
  if (numberOf === undefined) {
    column.data.set(words.subarray(from * column.words, to * column.words), row * column.words)
    return
  }
  const { data, leaf } = column
  for (let at = from; at < to; at++) data[row + at - from] = levelAt(defs, at) === leaf.def ? numberOf(words[at]!) : 0
}

function appendNested(column: ColumnBuffer, row: number, { defs, nested, words }: StoredColumn, from: number, to: number, numberOf: Numbers | undefined): void {
  const { reps, first } = nested!
  const { leaf } = column
  for (let at = from; at < to; at++) {
    beginRow(column, row + at - from)
    for (let from = first[at]!; from < first[at + 1]!; from++) {
      const def = levelAt(defs, from)
      const slot = addSlot(column, reps[from]!, def)
      if (numberOf !== undefined) column.data[slot] = def === leaf.def ? numberOf(words[from]!) : 0
      else for (let word = 0; word < column.words; word++) column.data[slot * column.words + word] = words[from * column.words + word]!
    }
  }
}

// ---- checksums ----

/** Two 32-bit hashes for each of some rows. */
export interface RowHashes {
  readonly a: Int32Array
  readonly b: Int32Array
}

const PRIME_A = 0x9e3779b1
const PRIME_B = 0x85ebca6b

const mixA = (hash: number, value: number): number => {
  const mixed = Math.imul(hash ^ value, PRIME_A)
  return mixed ^ (mixed >>> 15)
}
const mixB = (hash: number, value: number): number => {
  const mixed = Math.imul((hash + value) | 0, PRIME_B)
  return mixed ^ (mixed >>> 13)
}

/**
 * Mixes the rows `[from, to)` of one leaf into hashes, from `at` on. It depends on levels and values only, not on how
 * they are encoded, so rows with all leaves equal get equal hashes in whatever file they stand.
 */
export function hashStored(
  hashes: RowHashes,
  at: number,
  { defs, nested, words, texts, same }: StoredColumn,
  leaf: ColumnBuffer['leaf'],
  from: number,
  to: number,
): void {
  const { a, b } = hashes
  const wide = leaf.physical === 'int64' || leaf.physical === 'double'
  const isText = leaf.physical === 'byte_array'
  const known = isText && !same ? textHashes(texts) : undefined
  const end = at + to - from
  if (same) {
    const def = levelAt(defs, 0)
    const isValue = def === leaf.def
    const [lowA, lowB] = !isValue ? [0, 0] : isText ? hashOfText(texts[words[0]!]!) : [words[0]!, words[0]!]
    const high = isValue && wide ? words[1]! : 0
    const hashA = mixA(mixA(def, lowA), high)
    const hashB = mixB(mixB(def, lowB), high)
    for (let row = at; row < end; row++) {
      a[row] = mixA(a[row]!, hashA)
      b[row] = mixB(b[row]!, hashB)
    }
    return
  }
  for (let row = at; row < end; row++) {
    const stored = row - at + from
    const stop = nested === undefined ? stored + 1 : nested.first[stored + 1]!
    let hashA = a[row]!
    let hashB = b[row]!
    for (let slot = nested === undefined ? stored : nested.first[stored]!; slot < stop; slot++) {
      const def = levelAt(defs, slot)
      const level = nested === undefined ? def : def + nested.reps[slot]! * 256
      const isValue = def === leaf.def
      const low = isValue ? words[wide ? slot * 2 : slot]! : 0
      const high = isValue && wide ? words[slot * 2 + 1]! : 0
      hashA = mixA(hashA, mixA(mixA(level, isValue && known !== undefined ? known.a[low]! : low), high))
      hashB = mixB(hashB, mixB(mixB(level, isValue && known !== undefined ? known.b[low]! : low), high))
    }
    a[row] = hashA
    b[row] = hashB
  }
}

function textHashes(texts: readonly Uint8Array[]): RowHashes {
  const a = new Int32Array(texts.length)
  const b = new Int32Array(texts.length)
  for (let text = 0; text < texts.length; text++) [a[text], b[text]] = hashOfText(texts[text]!) as [number, number] // two by its type
  return { a, b }
}

function hashOfText(text: Uint8Array): readonly [number, number] {
  let a = text.length
  let b = ~text.length
  for (let at = 0; at < text.length; at++) {
    a = Math.imul(a ^ text[at]!, 0x01000193)
    b = Math.imul((b + text[at]!) | 0, 0x5bd1e995)
    b ^= b >>> 15
  }
  return [a, b]
}

// ---- equality ----

/** Whether two rows of columns have the same levels and values in each. */
export function sameRows(columns: readonly ColumnBuffer[], one: number, other: number): boolean {
  return columns.every(column => {
    const a = storedRow(column, one)
    const b = storedRow(column, other)
    if (a === b) return true
    const { nested } = column
    if (nested === undefined) return sameSlots(column, a, b)
    const count = nested.end[a]! - nested.first[a]!
    if (count !== nested.end[b]! - nested.first[b]!) return false
    for (let at = 0; at < count; at++) {
      const slotA = nested.first[a]! + at
      const slotB = nested.first[b]! + at
      if (nested.reps[slotA] !== nested.reps[slotB] || !sameSlots(column, slotA, slotB)) return false
    }
    return true
  })
}

function sameSlots({ defs, data, words, leaf, text }: ColumnBuffer, a: number, b: number): boolean {
  if (defs[a] !== defs[b]) return false
  if (defs[a] !== leaf.def) return true
  if (text === undefined) return data[a * words] === data[b * words] && (words === 1 || data[a * 2 + 1] === data[b * 2 + 1])
  return data[a] === data[b] || compareTexts(text, data[a]!, data[b]!) === 0
}
