/**
 * The values of one leaf in memory, in the order the rows came. A row that repeats the row before costs nothing: the
 * arrays are only filled up when a different value follows, so a constant column stays one value.
 */
import { bytes, free, ints } from './memory.js'
import type { Leaf } from './schema.js'
import { createTextUse, type TextStore, type TextUse, textMemory } from './text.js'

export interface ColumnBuffer {
  readonly leaf: Leaf
  /** 32-bit words per value: the value, its low and high half, or the number of its text. */
  readonly words: 1 | 2
  /** The texts of the file, of a column of text, and what the column has of them. */
  readonly text: TextStore | undefined
  readonly use: TextUse | undefined
  /** Rows written; the rows behind them repeat the last one. */
  rows: number
  /** Slots written: one per row, or per item of a list. A slot is a value or a null. */
  slots: number
  /** Definition level of each slot. */
  defs: Uint8Array
  data: Int32Array
  /** Of columns inside lists: repetition level of each slot, and the slots of each row. */
  readonly nested: { reps: Uint8Array; first: Int32Array; end: Int32Array } | undefined
  /** Outside lists, of a column that gets no more rows: set where it has one slot for each class of rows instead of one for each row. */
  keyed: Keyed | undefined
  /** Whether `defs` and `data` are those of another column. */
  shared: boolean
}

/** Rows whose values follow from a key. */
export interface Keyed {
  /** By row. */
  readonly keys: Int32Array
  /** The very same one for columns that tell the same rows apart and are null in the same ones. */
  readonly partition: Partition
}

export interface Partition {
  /** By key: the class, which is the slot of its rows. */
  readonly classOf: Uint16Array
  /** By class: the level of a null, or what stands for no null. */
  readonly nulls: Uint8Array
}

const START = 8

/** A column without rows; `texts` are those of all columns of the file. */
export function createColumn(leaf: Leaf, texts: TextStore): ColumnBuffer {
  const words = leaf.physical === 'int64' || leaf.physical === 'double' ? 2 : 1
  const isText = leaf.physical === 'byte_array'
  return {
    leaf,
    words,
    text: isText ? texts : undefined,
    use: isText ? createTextUse() : undefined,
    rows: 0,
    slots: 0,
    defs: new Uint8Array(START),
    data: new Int32Array(START * words),
    nested: leaf.rep === 0 ? undefined : { reps: new Uint8Array(START), first: new Int32Array(START), end: new Int32Array(START) },
    keyed: undefined,
    shared: false,
  }
}

function grown<T extends Uint8Array | Int32Array>(array: T, create: (length: number) => T, needed: number): T {
  const out = create(Math.max(needed, array.length * 2))
  out.set(array)
  free(array)
  return out
}

function growSlots(column: ColumnBuffer, needed: number): void {
  column.defs = grown(column.defs, bytes, needed)
  column.data = grown(column.data, ints, column.defs.length * column.words)
  if (column.nested !== undefined) column.nested.reps = grown(column.nested.reps, bytes, column.defs.length)
}

/** Outside lists: the slot of a row, with its definition level written. Rows must come in order, but may be skipped. */
export function rowSlot(column: ColumnBuffer, row: number, def: number): number {
  if (row >= column.defs.length) growSlots(column, row + 1)
  if (column.rows < row) fillUp(column, row)
  column.defs[row] = def
  column.rows = column.slots = row + 1
  return row
}

/** Repeats the last row up to `row`. */
function fillUp({ rows, defs, data, words }: ColumnBuffer, row: number): void {
  const last = rows - 1
  defs.fill(defs[last]!, rows, row)
  if (words === 1) data.fill(data[last]!, rows, row)
  else
    for (let at = rows; at < row; at++) {
      data[at * 2] = data[last * 2]!
      data[at * 2 + 1] = data[last * 2 + 1]!
    }
}

/**
 * Outside lists: the rows `[row, row + count)` at once, given as words. Where `there` is 0 a row has no value, but the
 * level in `levels`; without `there` all have one.
 */
export function placeRows(column: ColumnBuffer, row: number, count: number, words: Int32Array, there: Uint8Array | undefined, levels: Uint8Array): void {
  const end = row + count
  if (end > column.defs.length) growSlots(column, end)
  if (column.rows < row) fillUp(column, row)
  const { defs, data, leaf } = column
  const from = row * column.words
  if (count < FEW) for (let at = 0; at < count * column.words; at++) data[from + at] = words[at]!
  else data.set(words.subarray(0, count * column.words), from)
  if (there === undefined) defs.fill(leaf.def, row, end)
  else for (let at = 0; at < count; at++) defs[row + at] = there[at] === 1 ? leaf.def : levels[at]!
  column.rows = column.slots = end
}

/** Outside lists: makes the slots of the rows `[row, row + count)`, which the caller fills. */
export function openRows(column: ColumnBuffer, row: number, count: number): void {
  const end = row + count
  if (end > column.defs.length) growSlots(column, end)
  if (column.rows < row) fillUp(column, row)
  column.rows = column.slots = end
}

/** Gives each row of a keyed column a slot of its own. */
export function spreadKeyed(column: ColumnBuffer): void {
  const { rows, defs, data, keyed, words } = column
  const { keys, partition } = keyed!
  const { classOf } = partition
  column.keyed = undefined
  column.defs = bytes(rows)
  column.data = ints(rows * words)
  column.slots = rows
  for (let row = 0; row < rows; row++) {
    const own = classOf[keys[row]!]!
    column.defs[row] = defs[own]!
    for (let word = 0; word < words; word++) column.data[row * words + word] = data[own * words + word]!
  }
}

/** Makes a column without rows have those of another, in the same memory: no more may be written to either. */
export function shareRows(column: ColumnBuffer, other: ColumnBuffer): void {
  column.defs = other.defs
  column.data = other.data
  column.rows = other.rows
  column.slots = other.slots
  column.shared = true
}

/** Makes a column have the rows of another, in memory of its own. */
export function copyRows(column: ColumnBuffer, { rows, slots, defs, data }: ColumnBuffer): void {
  column.defs = bytes(defs.length)
  column.defs.set(defs)
  column.data = ints(data.length)
  column.data.set(data)
  column.rows = rows
  column.slots = slots
  column.shared = false
}

/** Rows that are quicker written one by one. */
const FEW = 16

/** Inside lists: begins a row; its slots follow by `addSlot`. */
export function beginRow(column: ColumnBuffer, row: number): void {
  const nested = column.nested!
  if (row >= nested.first.length) {
    nested.first = grown(nested.first, ints, row + 1)
    nested.end = grown(nested.end, ints, row + 1)
  }
  const { first, end } = nested
  for (let at = column.rows; at < row; at++) {
    first[at] = first[column.rows - 1]!
    end[at] = end[column.rows - 1]!
  }
  first[row] = column.slots
  end[row] = column.slots
  column.rows = row + 1
}

/** Inside lists: a slot of the row begun last. */
export function addSlot(column: ColumnBuffer, rep: number, def: number): number {
  const slot = column.slots
  if (slot === column.defs.length) growSlots(column, slot + 1)
  const nested = column.nested!
  nested.reps[slot] = rep
  column.defs[slot] = def
  column.slots = slot + 1
  nested.end[column.rows - 1] = slot + 1
  return slot
}

/**
 * Inside lists of depth one: appends rows from `row` on with their values of one word each, which end at `ends`; a row
 * without any is a null of the list.
 */
export function appendRows(
  column: ColumnBuffer,
  row: number,
  ends: readonly number[],
  words: Int32Array,
  list: { readonly def: number; readonly rep: number },
): void {
  const nested = column.nested!
  const most = column.slots + ends.length + (ends[ends.length - 1] ?? 0)
  if (most > column.defs.length) growSlots(column, most)
  const { def } = column.leaf
  const { defs, data } = column
  let from = 0
  for (let at = 0; at < ends.length; at++) {
    beginRow(column, row + at)
    const { reps } = nested
    let slot = column.slots
    const end = ends[at]!
    if (end === from) {
      reps[slot] = 0
      defs[slot++] = list.def - 1
    }
    for (let value = from; value < end; value++) {
      reps[slot] = value === from ? 0 : list.rep
      defs[slot] = def
      data[slot++] = words[value]!
    }
    from = end
    column.slots = slot
    nested.end[row + at] = slot
  }
}

/** Inside lists: room for so many more slots. */
export function openSlots(column: ColumnBuffer, more: number): void {
  if (column.slots + more > column.defs.length) growSlots(column, column.slots + more)
}

/** Sets the value of a slot of one word. A call, since making the slot may have replaced `data`. */
export function setWord(column: ColumnBuffer, slot: number, word: number): void {
  column.data[slot] = word
}

/** Forgets the rows from `row` on. */
export function truncate(column: ColumnBuffer, row: number): void {
  if (column.rows > row) column.rows = row
}

/** The row whose slots hold the values of a row. */
export function storedRow(column: ColumnBuffer, row: number): number {
  return row < column.rows ? row : column.rows - 1
}

/** Gives the memory of a column back: it has no rows any more, and gets none. */
export function freeColumn(column: ColumnBuffer): void {
  const { defs, data, nested, use, shared } = column
  if (!shared) {
    free(defs)
    free(data)
  }
  column.keyed = undefined
  column.defs = NO_BYTES
  column.data = NO_INTS
  column.rows = column.slots = 0
  if (use !== undefined) {
    free(use.known)
    use.known = NO_BYTES
  }
  if (nested === undefined) return
  free(nested.reps)
  free(nested.first)
  free(nested.end)
  nested.reps = NO_BYTES
  nested.first = nested.end = NO_INTS
}

const NO_BYTES = new Uint8Array(0)
const NO_INTS = new Int32Array(0)

/** Bytes held, about. */
export function columnMemory({ defs, data, nested, use }: ColumnBuffer): number {
  const lists = nested === undefined ? 0 : nested.reps.byteLength + nested.first.byteLength + nested.end.byteLength
  return defs.byteLength + data.byteLength + lists + (use === undefined ? 0 : textMemory(use))
}
