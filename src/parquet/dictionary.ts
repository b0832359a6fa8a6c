/** Dictionaries of a column chunk: built only where they make it smaller. */
import type { ColumnBuffer, Keyed } from './column.js'
import { bitWidth } from './hybrid.js'
import { isRepeated, type Levels } from './levels.js'
import { ofChunk, ofGroup } from './memory.js'
import { type TextStore, textLength } from './text.js'

/** The largest dictionary page, in uncompressed bytes. */
export const DICTIONARY_BYTES = 512 * 1024

export interface Dictionary {
  /** The distinct values, as words of the column, in order of first appearance. */
  readonly values: Int32Array
  readonly size: number
  /** Dictionary index of each value; absent when all are the same. */
  readonly codes: Int32Array | undefined
  readonly width: number
  /** Bytes of the dictionary page. */
  readonly bytes: number
}

/** Bytes of `count` values from the n-th on as plain Parquet, given their words. */
export function plainBytes({ leaf, words, text }: ColumnBuffer, values: Int32Array, from: number, to: number): number {
  if (leaf.physical === 'boolean') return Math.ceil((to - from) / 8)
  if (text === undefined) return (to - from) * words * 4
  const { ends } = text
  let bytes = (to - from) * 4
  for (let at = from; at < to; at++) {
    const number = values[at]!
    bytes += ends[number]! - (number === 0 ? 0 : ends[number - 1]!)
  }
  return bytes
}

/**
 * The share of the plain bytes that a dictionary with its indices may take. Indices hardly compress, plain values do:
 * a looser rule made flow files 7 to 9 % larger, a stricter one CloudTrail files.
 */
const WORTH = 0.8

/** A dictionary of the values when it pays: a small enough page that, with its indices, is well below their plain bytes. */
export function dictionaryOf(column: ColumnBuffer, values: Int32Array, count: number): Dictionary | undefined {
  if (count === 0 || column.leaf.physical === 'boolean') return undefined
  if (column.text === undefined) return dictionaryOfNumbers(column.words, values, count)
  const found = distinctTexts(column.text, Math.min(count, column.use!.distinct), values, count)
  if (found === undefined) return undefined
  return pays(found.bytes, found.size, count, plainBytes(column, values, 0, count)) ? withWidth(found) : undefined
}

/** The dictionary of one value that stands `count` times, when it pays. */
export function dictionaryOfOne({ leaf, words, text }: ColumnBuffer, value: Int32Array, count: number): Dictionary | undefined {
  if (count === 0 || leaf.physical === 'boolean') return undefined
  const bytes = text === undefined ? words * 4 : 4 + textLength(text, value[0]!)
  return bytes <= DICTIONARY_BYTES && pays(bytes, 1, count, bytes * count) ? { values: value, size: 1, codes: undefined, width: 1, bytes } : undefined
}

function pays(bytes: number, size: number, count: number, plain: number): boolean {
  return bytes + (count * indexWidth(size)) / 8 < plain * WORTH
}

/** Bits of an index; some readers take no index of zero bits. */
function indexWidth(size: number): number {
  return Math.max(1, bitWidth(size - 1))
}

type Distinct = Omit<Dictionary, 'width'>

function withWidth(found: Distinct): Dictionary {
  return { ...found, codes: found.size === 1 ? undefined : found.codes, width: indexWidth(found.size) }
}

function distinctTexts(text: TextStore, most: number, values: Int32Array, count: number): Distinct | undefined {
  const { ends } = text
  const codeOf = ofChunk.zeroInts(text.count) // code + 1
  const distinct = ofChunk.ints(most)
  const codes = ofGroup.ints(count)
  let size = 0
  let bytes = 0
  for (let at = 0; at < count; at++) {
    const number = values[at]!
    let code = codeOf[number]!
    if (code === 0) {
      distinct[size++] = number
      code = codeOf[number] = size
      bytes += 4 + ends[number]! - (number === 0 ? 0 : ends[number - 1]!)
      if (bytes > DICTIONARY_BYTES) return undefined
    }
    codes[at] = code - 1
  }
  return { values: distinct.subarray(0, size), size, codes, bytes }
}

function dictionaryOfNumbers(words: 1 | 2, values: Int32Array, count: number): Dictionary | undefined {
  const most = mostNumbers(words * 4, count)
  if (most === 0 || (count > SAMPLE * 4 && seemsDistinct(words, values, count))) return undefined
  const found = distinctNumbers(words, values, count, most)
  return found === undefined ? undefined : withWidth(found)
}

/** How many distinct numbers a dictionary may have to pay. */
function mostNumbers(size: number, count: number): number {
  let most = Math.min(count, DICTIONARY_BYTES / size)
  while (most > 0 && !pays(most * size, most, count, count * size)) {
    // with indices of this width, or else with narrower ones
    const width = indexWidth(most)
    const fit = Math.ceil((count * size * WORTH - (count * width) / 8) / size) - 1
    most = Math.min(most - 1, Math.max(fit, width === 1 ? 0 : 2 ** (width - 1)))
  }
  return Math.max(0, most)
}

const SAMPLE = 2048
const SAMPLE_BLOCK = 16
/**
 * Repeated numbers of a sample below which nearly all are distinct: a dictionary that pays has at most about 30,000
 * of 50,000, which would repeat 70 of 2,048. Blocks show what repeats close by; that each lies anywhere in its
 * share of the values shows what repeats at a distance.
 */
const SAMPLE_REPEATS = 32

function seemsDistinct(words: 1 | 2, values: Int32Array, count: number): boolean {
  const sample = ofChunk.ints(SAMPLE * words)
  const share = (count * SAMPLE_BLOCK) / SAMPLE
  for (let block = 0; block < SAMPLE / SAMPLE_BLOCK; block++) {
    const within = (hash(block + 1, block) >>> 0) / 2 ** 32
    const from = Math.floor(block * share + within * (share - SAMPLE_BLOCK)) * words
    sample.set(values.subarray(from, from + SAMPLE_BLOCK * words), block * SAMPLE_BLOCK * words)
  }
  return distinctNumbers(words, sample, SAMPLE, SAMPLE - SAMPLE_REPEATS) === undefined
}

/** Distinct numbers of one or two words, unless there are more than `most`. */
export function distinctNumbers(words: 1 | 2, values: Int32Array, count: number, most: number): Distinct | undefined {
  const codes = ofGroup.ints(count)
  let slots = 1 << 10
  let table = ofChunk.zeroInts(slots) // code + 1
  let distinct = ofChunk.ints((slots / 2) * words)
  let size = 0
  let code = 0
  let lastLow = 0
  let lastHigh = 0
  for (let at = 0; at < count; at++) {
    const low = values[at * words]!
    const high = words === 2 ? values[at * 2 + 1]! : 0
    if (code !== 0 && low === lastLow && high === lastHigh) {
      codes[at] = code - 1
      continue
    }
    lastLow = low
    lastHigh = high
    let slot = hash(low, high) & (slots - 1)
    code = table[slot]!
    while (code !== 0 && (distinct[(code - 1) * words] !== low || (words === 2 && distinct[code * 2 - 1] !== high))) {
      slot = (slot + 1) & (slots - 1)
      code = table[slot]!
    }
    if (code === 0) {
      if (size === most) return undefined
      if (size * 2 === slots) {
        slots *= 4
        const grown = ofChunk.ints((slots / 2) * words)
        grown.set(distinct)
        distinct = grown
        table = tableOf(words, distinct, size, slots)
        slot = hash(low, high) & (slots - 1)
        while (table[slot] !== 0) slot = (slot + 1) & (slots - 1)
      }
      distinct[size * words] = low
      if (words === 2) distinct[size * 2 + 1] = high
      code = table[slot] = ++size
    }
    codes[at] = code - 1
  }
  return { values: distinct.subarray(0, size * words), size, codes, bytes: size * words * 4 }
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

function tableOf(words: 1 | 2, distinct: Int32Array, size: number, slots: number): Int32Array {
  const table = ofChunk.zeroInts(slots)
  for (let code = 0; code < size; code++) {
    let slot = hash(distinct[code * words]!, words === 2 ? distinct[code * 2 + 1]! : 0) & (slots - 1)
    while (table[slot] !== 0) slot = (slot + 1) & (slots - 1)
    table[slot] = code + 1
  }
  return table
}

/** Values that fall into few classes: those of keyed columns, and of lists that are the same in all rows. */
export interface ClassCodes {
  /** A slot for each class, in the order in which they are met, and how many values each has. */
  readonly classes: readonly number[]
  readonly counts: readonly number[]
  /** Where the class of each value stands among them. */
  readonly codes: Int32Array
}

export function classCodes({ keys, partition }: Keyed, { positions, valueCount }: Levels): ClassCodes {
  const { classOf, nulls } = partition
  const codes = ofGroup.ints(valueCount)
  const codeOf = new Int32Array(nulls.length).fill(-1)
  const counts = new Int32Array(nulls.length)
  const classes: number[] = []
  for (let at = 0; at < valueCount; at++) {
    const own = classOf[keys[positions[at]!]!]!
    let code = codeOf[own]!
    if (code === -1) {
      code = codeOf[own] = classes.length
      classes.push(own)
    }
    codes[at] = code
    counts[code]!++
  }
  return { classes, counts: Array.from(counts.subarray(0, classes.length)), codes }
}

/** Which value of a list that is the same in all rows stands where; `known` has the codes of other lists of as many values. */
export function listCodes({ data, words }: ColumnBuffer, { each, valueCount }: Levels, known: Map<string, Int32Array>): ClassCodes {
  const classes: number[] = []
  const own: number[] = []
  for (let slot = 0; slot < each!; slot++) {
    const same = classes.findIndex(other => data[other * words] === data[slot * words] && data[(other + 1) * words - 1] === data[(slot + 1) * words - 1])
    if (same === -1) classes.push(slot)
    own.push(same === -1 ? classes.length - 1 : same)
  }
  const key = own.join()
  const codes = known.get(key) ?? repeated(own, valueCount)
  known.set(key, codes)
  return { classes, counts: classes.map((_, code) => (own.filter(other => other === code).length * valueCount) / each!), codes }
}

function repeated(some: readonly number[], count: number): Int32Array {
  const out = ofGroup.ints(count)
  for (let at = 0; at < count; at += some.length) for (let n = 0; n < some.length; n++) out[at + n] = some[n]!
  return out
}

/** Classes that surely repeat in any sample that `seemsDistinct` takes. */
const FEW_CLASSES = 256

/** The dictionary of such values, as `dictionaryOf` says; `undefined` also when there are too many classes to say so at once. */
export function dictionaryOfClasses(column: ColumnBuffer, { classes, counts, codes }: ClassCodes): Dictionary | undefined {
  const { words, text, data, leaf } = column
  const size = classes.length
  if (size === 0 || size > FEW_CLASSES || leaf.physical === 'boolean') return undefined
  const values = ofChunk.ints(size * words)
  let bytes = 0
  let plain = 0
  for (let code = 0; code < size; code++) {
    const own = classes[code]!
    for (let word = 0; word < words; word++) values[code * words + word] = data[own * words + word]!
    const length = text === undefined ? words * 4 : 4 + textLength(text, data[own]!)
    bytes += length
    plain += length * counts[code]!
  }
  return bytes <= DICTIONARY_BYTES && pays(bytes, size, codes.length, plain) ? withWidth({ values, size, codes, bytes }) : undefined
}

/** The words of the values, in the order of the rows. */
export function valuesOf(column: ColumnBuffer, { positions, valueCount, each }: Levels): Int32Array {
  const { data, words, keyed } = column
  const values = ofChunk.ints(valueCount * words)
  if (isRepeated(column, each)) {
    for (let at = 0; at < valueCount * words; at++) values[at] = data[at % (each! * words)]!
    return values
  }
  if (keyed !== undefined) {
    const { keys, partition } = keyed
    for (let at = 0; at < valueCount; at++) {
      const own = partition.classOf[keys[positions[at]!]!]!
      for (let word = 0; word < words; word++) values[at * words + word] = data[own * words + word]!
    }
    return values
  }
  if (words === 1) for (let at = 0; at < valueCount; at++) values[at] = data[positions[at]!]!
  else
    for (let at = 0; at < valueCount; at++) {
      const slot = positions[at]!
      values[at * 2] = data[slot * 2]!
      values[at * 2 + 1] = data[slot * 2 + 1]!
    }
  return values
}
