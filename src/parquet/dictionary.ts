/** Dictionaries of a column chunk: built only where they make it smaller. */
import type { ColumnBuffer } from './column.js'
import { bitWidth } from './hybrid.js'
import { textLength } from './text.js'

/** The largest dictionary page, in uncompressed bytes. */
export const DICTIONARY_BYTES = 512 * 1024

export interface Dictionary {
  /** The distinct values, as words of the column, in order of first appearance. */
  readonly values: Int32Array
  readonly size: number
  /** Dictionary index of each value. */
  readonly codes: Int32Array
  readonly width: number
  /** Bytes of the dictionary page. */
  readonly bytes: number
}

/** Bytes of `count` values as plain Parquet. */
export function plainBytes({ leaf, words, text }: ColumnBuffer, values: Int32Array, count: number): number {
  if (leaf.physical === 'boolean') return Math.ceil(count / 8)
  if (text === undefined) return count * words * 4
  let bytes = count * 4
  for (let at = 0; at < count; at++) bytes += textLength(text, values[at]!)
  return bytes
}

/**
 * The share of the plain bytes that a dictionary with its indices may take. Indices hardly compress, plain values do:
 * a looser rule made flow files 7 to 9 % larger, a stricter one CloudTrail files.
 */
const WORTH = 0.8

/** A dictionary of `count` values when it pays: a small enough page that, with its indices, is well below `plain` bytes. */
export function dictionaryOf(column: ColumnBuffer, values: Int32Array, count: number, plain: number): Dictionary | undefined {
  if (count === 0 || column.leaf.physical === 'boolean') return undefined
  const found = column.text === undefined ? distinctNumbers(column.words, values, count) : distinctTexts(column, values, count)
  if (found === undefined) return undefined
  const width = Math.max(1, bitWidth(found.size - 1)) // some readers take no index of zero bits
  if (found.bytes > DICTIONARY_BYTES || found.bytes + (count * width) / 8 >= plain * WORTH) return undefined
  return { ...found, width }
}

type Distinct = Omit<Dictionary, 'width'>

function distinctTexts({ text }: ColumnBuffer, values: Int32Array, count: number): Distinct | undefined {
  const codeOf = new Int32Array(text!.count) // code + 1
  const distinct = new Int32Array(Math.min(count, text!.count))
  const codes = new Int32Array(count)
  let size = 0
  let bytes = 0
  for (let at = 0; at < count; at++) {
    const number = values[at]!
    let code = codeOf[number]!
    if (code === 0) {
      distinct[size++] = number
      code = codeOf[number] = size
      bytes += 4 + textLength(text!, number)
      if (bytes > DICTIONARY_BYTES) return undefined
    }
    codes[at] = code - 1
  }
  return { values: distinct.subarray(0, size), size, codes, bytes }
}

function distinctNumbers(words: 1 | 2, values: Int32Array, count: number): Distinct | undefined {
  const most = Math.min(count, DICTIONARY_BYTES / (words * 4))
  const mask = 2 ** bitWidth(most * 2) - 1
  const table = new Int32Array(mask + 1) // code + 1
  const distinct = new Int32Array(most * words)
  const codes = new Int32Array(count)
  let size = 0
  for (let at = 0; at < count; at++) {
    const low = values[at * words]!
    const high = words === 2 ? values[at * 2 + 1]! : 0
    let hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
    hash ^= hash >>> 15
    let slot = hash & mask
    let code = table[slot]!
    while (code !== 0 && (distinct[(code - 1) * words] !== low || (words === 2 && distinct[code * 2 - 1] !== high))) {
      slot = (slot + 1) & mask
      code = table[slot]!
    }
    if (code === 0) {
      if (size === most) return undefined
      distinct[size * words] = low
      if (words === 2) distinct[size * 2 + 1] = high
      code = table[slot] = ++size
    }
    codes[at] = code - 1
  }
  return { values: distinct.subarray(0, size * words), size, codes, bytes: size * words * 4 }
}
