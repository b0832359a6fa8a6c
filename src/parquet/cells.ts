/** Values into the slots of their columns. */
import { stringify } from '../json.js'
import { addSlot, type ColumnBuffer, setWord } from './column.js'
import { flatOf, type Path, textAt } from './flatten.js'
import type { Leaf } from './schema.js'
import { textNumber } from './text.js'
import { EXPECTED, isInt32, isInt64, Misfit, timeOf } from './values.js'

/** Stands for the value of the row before where that says nothing; no value is ever the same. */
export const NEVER: unknown = Object.freeze({})

/** Appends an open object to the columns of its keys and values; `levels` are those of the map. */
export function appendMap(
  keys: ColumnBuffer,
  values: ColumnBuffer,
  levels: { readonly def: number; readonly rep: number },
  value: Readonly<Record<string, unknown>>,
  rep: number,
): void {
  const flat = flatOf(value)
  for (let at = 0; at < flat.count; at++) {
    const path = flat.paths[at]!
    const text = textAt(flat.values[at])
    if (typeof text !== 'string') throw misfit(values.leaf, text)
    const level = at === 0 ? rep : levels.rep
    setWord(keys, addSlot(keys, level, keys.leaf.def), keyNumber(keys, path))
    setWord(values, addSlot(values, level, values.leaf.def), valueNumber(values, path, text))
  }
  if (flat.count === 0) {
    addSlot(keys, rep, levels.def)
    addSlot(values, rep, levels.def)
  }
}

/** The number of a path in the column of keys, remembered while it knows its texts. */
function keyNumber(column: ColumnBuffer, path: Path): number {
  const use = column.use!
  if (path.use === use && !use.unique) {
    use.asked++
    return path.number
  }
  path.number = textNumber(column, path.text)
  path.use = use
  path.value = undefined
  return path.number
}

/** The number of a text in the column of values: mostly that of the same path before. */
function valueNumber(column: ColumnBuffer, path: Path, text: string): number {
  const use = column.use!
  if (path.value === text && !use.unique) {
    use.asked++
    return path.valueNumber
  }
  path.valueNumber = textNumber(column, text)
  path.value = text
  return path.valueNumber
}

function misfit({ eventPath, holds }: Leaf, value: unknown): Misfit {
  return new Misfit(eventPath, EXPECTED[holds], value)
}

const doubles = new Float64Array(1)
const doubleWords = new Int32Array(doubles.buffer)

/** Writes a value into its slot. */
export function store(leaf: Leaf, column: ColumnBuffer, slot: number, value: unknown): void {
  switch (leaf.holds) {
    case 'string':
      if (typeof value !== 'string') throw misfit(leaf, value)
      column.data[slot] = textNumberAt(column, slot, value)
      return
    case 'integer':
      if (!isInt32(value)) throw misfit(leaf, value)
      column.data[slot] = value
      return
    case 'long':
    case 'timestamp':
      if (!isInt64(value)) throw misfit(leaf, value)
      storeInt64(column.data, slot * 2, value)
      return
    case 'datetime': {
      const time = timeOf(value)
      if (time === undefined) throw misfit(leaf, value)
      storeInt64(column.data, slot * 2, time)
      return
    }
    case 'float':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw misfit(leaf, value)
      doubles[0] = value + 0 // JSON has no -0
      column.data[slot * 2] = doubleWords[0]!
      column.data[slot * 2 + 1] = doubleWords[1]!
      return
    case 'boolean':
      if (typeof value !== 'boolean') throw misfit(leaf, value)
      column.data[slot] = value ? 1 : 0
      return
    default:
      // always JSON text, a string in quotes too, so that a reader can parse every value of the column
      column.data[slot] = textNumberAt(column, slot, stringify(value))
  }
}

/** A column outside lists is asked once per row, those that repeat the row before included. */
function textNumberAt(column: ColumnBuffer, slot: number, value: string): number {
  if (column.nested === undefined) column.use!.asked = slot
  return textNumber(column, value)
}

/** Writes a 64-bit integer as its low and its high half. */
export function storeInt64(data: Int32Array, at: number, value: number | bigint): void {
  if (typeof value === 'number') {
    data[at] = value | 0 // modulo 2^32, exact for every integer
    data[at + 1] = Math.floor(value / 2 ** 32)
  } else {
    data[at] = Number(BigInt.asIntN(32, value))
    data[at + 1] = Number(value >> 32n)
  }
}
