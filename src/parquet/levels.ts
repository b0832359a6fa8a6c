/**
 * Where the slots of a row group stand and what their levels are. Columns that are null at the same places, or items
 * of the same lists, share one: an id with its caption, a time with its `*_dt` twin, all columns without nulls.
 */
import { ByteSink } from './bytes.js'
import { beginRow, type ColumnBuffer, rowSlot } from './column.js'
import { bitWidth, writeHybrid, writeRepeated } from './hybrid.js'
import { ofChunk, ofGroup } from './memory.js'

/** Rows of a data page at most, the same in every column, so that the page index narrows a search. */
export const PAGE_ROWS = 20_000

/** The levels of one row group. */
export interface Levels {
  /** Slots: values and nulls. */
  readonly count: number
  readonly valueCount: number
  /**
   * The slot of each value in the column, in the order of the rows. Of a keyed column the row of each value; where rows
   * have `each` values, the slot that it has if every row has its own.
   */
  readonly positions: Int32Array
  /** Inside lists, how many values each row has, without any null; `undefined` where that differs. */
  readonly each: number | undefined
  /** Definition level of each slot; one number for all. */
  readonly defs: Uint8Array | number
  /** Inside lists: repetition level of each slot; absent too where each slot is a row. */
  readonly reps: Uint8Array | undefined
  readonly maxDef: number
  readonly maxRep: number
  /** All slots. */
  readonly whole: Run
  /** The same, cut at every `PAGE_ROWS` rows. */
  readonly cut: readonly Run[]
  /** Levels of the runs above as a page holds them. */
  readonly written: Map<Run, Uint8Array>
}

/** Neighbouring slots, the values among them, and their first row, counted from the start of the row group. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly valueFrom: number
  readonly valueTo: number
  readonly row: number
}

/** Columns whose levels are equal in all rows. */
interface Shape {
  readonly column: ColumnBuffer
  /** The slot that all rows have. */
  readonly slot: number | undefined
  /** Outside lists: whether there is a null. */
  readonly nulls: boolean
  readonly each: number | undefined
  /** Of the row group at hand. */
  levels: Levels | undefined
}

/** The levels of each column, for one row group after another. */
export interface LevelsReader {
  /** Begins the row group of the rows `order[from, to)`. */
  begin(from: number, to: number): void
  levelsOf(index: number): Levels
  /** Whether two columns share their levels in all rows. */
  same(a: number, b: number): boolean
}

/** Writes out the rows that columns left open, all but those of columns with one slot for all rows. */
export function createLevels(columns: readonly ColumnBuffer[], rows: number, order: Int32Array): LevelsReader {
  const shapes = new Map<string, Shape[]>()
  const shapeOf = columns.map(column => {
    const slot = onlySlot(column)
    const each = slot === undefined ? valuesInEach(column, rows) : undefined
    if (slot === undefined && column.keyed === undefined && !isRepeated(column, each)) fillRows(column, rows)
    const { leaf, nested, defs, keyed, slots } = column
    const nulls = slot === undefined && nested === undefined && hasOther(defs, leaf.def, keyed === undefined ? rows : slots)
    const key = `${leaf.def} ${leaf.rep} ${slot ?? ''} ${slot === undefined ? nulls : defs[slot]} ${each ?? ''}`
    const alike = shapes.get(key) ?? []
    shapes.set(key, alike)
    let shape = alike.find(other => slot !== undefined || each !== undefined || (!nulls && nested === undefined) || sameLevels(other.column, column, rows))
    if (shape === undefined) {
      shape = { column, slot, nulls, each, levels: undefined }
      alike.push(shape)
    }
    return shape
  })
  let from = 0
  let to = 0
  return {
    begin(first, end) {
      from = first
      to = end
      for (const shape of shapeOf) shape.levels = undefined
    },
    levelsOf(index) {
      const shape = shapeOf[index]!
      shape.levels ??= gather(shape, order, from, to)
      return shape.levels
    },
    same: (a, b) => shapeOf[a] === shapeOf[b],
  }
}

/** The one slot of a column that is the same in all rows: most columns of an object are constant or empty. */
export function onlySlot({ nested, rows }: ColumnBuffer): number | undefined {
  if (rows !== 1) return undefined
  if (nested === undefined) return 0
  return nested.end[0]! - nested.first[0]! === 1 ? nested.first[0] : undefined
}

/** How many values each row has in a list of depth one, where that is the same and none is null. */
function valuesInEach({ nested, rows, slots, leaf, defs }: ColumnBuffer, all: number): number | undefined {
  if (nested === undefined || leaf.rep !== 1 || (rows !== 1 && rows !== all)) return undefined
  const { first, end } = nested
  const each = end[0]! - first[0]!
  if (each === 0 || first[0] !== 0 || slots !== rows * each) return undefined
  for (let row = 0; row < rows; row++) if (first[row] !== row * each || end[row] !== (row + 1) * each) return undefined
  return hasOther(defs, leaf.def, slots) ? undefined : each // at depth one a row has no second level 0
}

/** Whether all rows have the values of the first one, which alone are there. */
export function isRepeated({ rows }: ColumnBuffer, each: number | undefined): boolean {
  return each !== undefined && rows === 1
}

function fillRows(column: ColumnBuffer, rows: number): void {
  const last = column.rows - 1
  if (last === rows - 1) return
  if (column.nested !== undefined) {
    beginRow(column, rows - 1)
    const { first, end } = column.nested
    first[rows - 1] = first[last]!
    end[rows - 1] = end[last]!
    return
  }
  const { words } = column
  const slot = rowSlot(column, rows - 1, column.defs[last]!)
  for (let word = 0; word < words; word++) column.data[slot * words + word] = column.data[last * words + word]!
}

function hasOther(levels: Uint8Array, level: number, count: number): boolean {
  for (let at = 0; at < count; at++) if (levels[at] !== level) return true
  return false
}

/** Of columns whose levels say the same of the schema. One that is keyed and one that is not count as different. */
function sameLevels(a: ColumnBuffer, b: ColumnBuffer, rows: number): boolean {
  if (a.keyed !== undefined || b.keyed !== undefined) return a.keyed?.partition === b.keyed?.partition
  if (a.slots !== b.slots || !sameBytes(a.defs, b.defs, a.slots)) return false
  if (a.nested === undefined || b.nested === undefined) return true
  return sameBytes(a.nested.reps, b.nested.reps, a.slots) && sameWords(a.nested.first, b.nested.first, rows) && sameWords(a.nested.end, b.nested.end, rows)
}

function sameBytes(a: Uint8Array, b: Uint8Array, count: number): boolean {
  if (a === b) return true
  const words = count >> 2
  if (!sameWords(new Int32Array(a.buffer, a.byteOffset, words), new Int32Array(b.buffer, b.byteOffset, words), words)) return false
  for (let at = words * 4; at < count; at++) if (a[at] !== b[at]) return false
  return true
}

/** Whether two arrays begin with the same words. */
export function sameWords(a: Int32Array, b: Int32Array, count: number): boolean {
  if (a === b) return true
  for (let at = 0; at < count; at++) if (a[at] !== b[at]) return false
  return true
}

// ---- gathering ----

function gather({ column, slot, nulls, each }: Shape, order: Int32Array, from: number, to: number): Levels {
  const { defs, leaf, nested } = column
  const count = to - from
  if (slot !== undefined) {
    const positions = ofGroup.ints(defs[slot] === leaf.def ? count : 0).fill(slot)
    return levels(column, count, positions, defs[slot]!, undefined)
  }
  if (each !== undefined) return gatherEach(column, each, order, from, to)
  if (nested !== undefined) return gatherNested(column, order, from, to)
  return nulls ? gatherNullable(column, order, from, to) : levels(column, count, order.subarray(from, to), leaf.def, undefined)
}

function gatherNullable(column: ColumnBuffer, order: Int32Array, from: number, to: number): Levels {
  const count = to - from
  const defs = ofGroup.bytes(count)
  const positions = ofGroup.ints(count)
  const take = column.keyed === undefined ? takeSlots : takeKeyed
  const valueCount = take(column, order, from, to, defs, positions)
  return levels(column, count, positions.subarray(0, valueCount), valueCount === count ? column.leaf.def : defs, undefined)
}

function gatherNested(column: ColumnBuffer, order: Int32Array, from: number, to: number): Levels {
  const count = countSlots(column.nested!, order, from, to)
  const defs = ofGroup.bytes(count)
  const reps = ofGroup.bytes(count)
  const positions = ofGroup.ints(count)
  const valueCount = takeNested(column, order, from, to, defs, reps, positions)
  return levels(column, count, positions.subarray(0, valueCount), valueCount === count ? column.leaf.def : defs, reps)
}

function gatherEach(column: ColumnBuffer, each: number, order: Int32Array, from: number, to: number): Levels {
  const count = (to - from) * each
  const positions = ofGroup.ints(count)
  const reps = ofGroup.bytes(count).fill(1)
  placeEach(each, order, from, to, positions, reps)
  return levels(column, count, positions, column.leaf.def, reps, each)
}

// Loops of their own: V8 throws compiled code away where it goes on behind a loop that it has not left before.

function takeSlots({ defs: all, leaf }: ColumnBuffer, order: Int32Array, from: number, to: number, defs: Uint8Array, positions: Int32Array): number {
  const { def } = leaf
  let valueCount = 0
  for (let at = from; at < to; at++) {
    const slot = order[at]!
    const level = all[slot]!
    defs[at - from] = level
    if (level === def) positions[valueCount++] = slot
  }
  return valueCount
}

function placeEach(each: number, order: Int32Array, from: number, to: number, positions: Int32Array, reps: Uint8Array): void {
  let out = 0
  for (let at = from; at < to; at++) {
    let slot = order[at]! * each
    reps[out] = 0
    for (const stop = slot + each; slot < stop; slot++) positions[out++] = slot
  }
}

function takeKeyed({ defs: all, leaf, keyed }: ColumnBuffer, order: Int32Array, from: number, to: number, defs: Uint8Array, positions: Int32Array): number {
  const { keys, partition } = keyed!
  const { classOf } = partition
  const { def } = leaf
  let valueCount = 0
  for (let at = from; at < to; at++) {
    const row = order[at]!
    const level = all[classOf[keys[row]!]!]!
    defs[at - from] = level
    if (level === def) positions[valueCount++] = row
  }
  return valueCount
}

type Nested = NonNullable<ColumnBuffer['nested']>

function countSlots({ first, end }: Nested, order: Int32Array, from: number, to: number): number {
  let count = 0
  for (let at = from; at < to; at++) {
    const row = order[at]!
    count += end[row]! - first[row]!
  }
  return count
}

/** Also the repetition levels. */
function takeNested(column: ColumnBuffer, order: Int32Array, from: number, to: number, defs: Uint8Array, reps: Uint8Array, positions: Int32Array): number {
  const { defs: all, leaf } = column
  const { first, end, reps: allReps } = column.nested!
  const { def } = leaf
  let valueCount = 0
  let out = 0
  for (let at = from; at < to; at++) {
    const row = order[at]!
    const stop = end[row]!
    for (let slot = first[row]!; slot < stop; slot++) {
      const level = all[slot]!
      defs[out] = level
      reps[out++] = allReps[slot]!
      if (level === def) positions[valueCount++] = slot
    }
  }
  return valueCount
}

function levels({ leaf }: ColumnBuffer, count: number, positions: Int32Array, defs: Uint8Array | number, reps: Uint8Array | undefined, each?: number): Levels {
  const valueCount = positions.length
  const whole: Run = { from: 0, to: count, valueFrom: 0, valueTo: valueCount, row: 0 }
  const cut = valueCount === 0 ? [whole] : cutByRows(count, valueCount, defs, reps, leaf.def, each)
  return { count, valueCount, positions, each, defs, reps, maxDef: leaf.def, maxRep: leaf.rep, whole, cut, written: new Map() }
}

function cutByRows(
  count: number,
  valueCount: number,
  defs: Uint8Array | number,
  reps: Uint8Array | undefined,
  maxDef: number,
  each: number | undefined,
): Run[] {
  const runs: Run[] = []
  let from = 0
  let valueFrom = 0
  let row = 0
  while (from < count) {
    const to = reps === undefined || each !== undefined ? Math.min(count, from + PAGE_ROWS * (each ?? 1)) : rowsEnd(reps, from)
    let valueTo = valueFrom
    if (to === count) valueTo = valueCount
    else if (typeof defs === 'number') valueTo += to - from
    else for (let slot = from; slot < to; slot++) if (defs[slot] === maxDef) valueTo++
    runs.push({ from, to, valueFrom, valueTo, row })
    from = to
    valueFrom = valueTo
    row += PAGE_ROWS
  }
  return runs
}

/** The slot behind `PAGE_ROWS` whole rows. */
function rowsEnd(reps: Uint8Array, from: number): number {
  let rows = 0
  for (let slot = from; slot < reps.length; slot++) if (reps[slot] === 0 && rows++ === PAGE_ROWS) return slot
  return reps.length
}

// ---- writing ----

/** The levels of a run as they begin a version 1 data page. */
export function levelBytes(all: Levels, run: Run): Uint8Array {
  let bytes = all.written.get(run)
  if (bytes === undefined) {
    const sink = new ByteSink(64)
    if (all.maxRep > 0) writeLevels(sink, all.reps ?? 0, run, all.maxRep)
    writeLevels(sink, all.defs, run, all.maxDef)
    bytes = sink.view()
    if (run === all.whole || all.cut.includes(run)) all.written.set(run, bytes)
  }
  return bytes
}

function writeLevels(sink: ByteSink, some: Uint8Array | number, { from, to }: Run, max: number): void {
  const at = sink.size
  sink.uint32(0)
  if (typeof some === 'number') writeRepeated(sink, some, to - from, bitWidth(max))
  else {
    const values = ofChunk.ints(to - from)
    values.set(some.subarray(from, to))
    writeHybrid(sink, values, 0, to - from, bitWidth(max))
  }
  sink.setUint32(at, sink.size - at - 4)
}
