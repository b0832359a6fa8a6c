/** Values into the slots of their columns. */
import { stringify } from '../json.js'
import { addSlot, type ColumnBuffer } from './column.js'
import { flatten } from './flatten.js'
import type { Leaf } from './schema.js'
import { textNumber } from './text.js'
import { EXPECTED, isInt32, isInt64, Misfit, timeOf } from './values.js'

/** Stands for the value of the row before where that says nothing; no value is ever the same. */
export const NEVER: unknown = Symbol('never')

/** Appends an open object to the columns of its keys and values; `levels` are those of the map. */
export function appendMap(
  keys: ColumnBuffer,
  values: ColumnBuffer,
  levels: { readonly def: number; readonly rep: number },
  value: Readonly<Record<string, unknown>>,
  rep: number,
): void {
  let level = rep
  if (isFlat(value)) {
    for (const key in value) {
      const text = value[key]
      if (text === undefined || text === null || !Object.hasOwn(value, key)) continue
      appendPair(keys, values, key, text, level)
      level = levels.rep
    }
  } else {
    for (const [key, text] of flatten(value)) {
      appendPair(keys, values, key, text, level)
      level = levels.rep
    }
  }
  if (level === rep) {
    addSlot(keys, rep, levels.def)
    addSlot(values, rep, levels.def)
  }
}

function appendPair(keys: ColumnBuffer, values: ColumnBuffer, key: string, text: unknown, rep: number): void {
  store(keys.leaf, keys, addSlot(keys, rep, keys.leaf.def), key)
  store(values.leaf, values, addSlot(values, rep, values.leaf.def), text)
}

/** Whether flattening would leave an object as it is: nothing but texts. */
function isFlat(value: Readonly<Record<string, unknown>>): boolean {
  for (const key in value) {
    const item = value[key]
    if (typeof item !== 'string' && item !== undefined && item !== null) return false
  }
  return true
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
function textNumberAt({ text, nested }: ColumnBuffer, slot: number, value: string): number {
  if (nested === undefined) text!.asked = slot
  return textNumber(text!, value)
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
