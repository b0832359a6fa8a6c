/**
 * Rows of a table on their way into columns without an event each. Many rows of a table give the same event but for the
 * values that they copy: such rows have one pattern, and only what they copy is kept of them.
 */

/** By mark, which of the copied values stands in its place in the rows of a pattern. */
export type Marks = ReadonlyMap<unknown, number>

/** Two mapped events with marks in place of the values that the rows of a pattern copy, each with marks of its own. */
export interface Pattern {
  readonly events: readonly [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]
  readonly classUid: number
  readonly region: string | undefined
  /** The account of all, or which of the copied values it is. */
  readonly account: string | number | undefined
  /** Which of the copied values the time is. */
  readonly time: number
  /** Which of them the id of the record is, if it has one. */
  readonly uid?: number | undefined
}

/** All patterns of tables with the same columns; pattern and value are numbered. */
export interface PatternTable {
  readonly patterns: readonly Pattern[]
  /** By pattern: whether its rows must become records, which whoever takes them finds out. */
  readonly refused: Uint8Array
  /** Of the first and of the second event of each. */
  readonly marks: readonly [Marks, Marks]
  /** How many texts and numbers a row copies at most. */
  readonly copiedTexts: number
  readonly copiedNumbers: number
}

/** Most patterns of a table. */
export const MOST_PATTERNS = 4096
/** Rows that are offered at once, at most. */
export const MOST_ROWS = 256
/** Numbers of texts are below this. */
export const MOST_TEXTS = 2 ** 15

/** Rows that have a pattern, in the order of the log. Copied values are numbered: the texts first, then the numbers. */
export interface RowBatch {
  readonly table: PatternTable
  readonly count: number
  /** Bytes of each row as logged. */
  readonly rawBytes: Int32Array
  /** Of each row. */
  readonly patterns: Int32Array
  /** Row by row, where the texts that it copies stand in `texts`, or in `own` from `MOST_TEXTS` on; -1 for none. */
  readonly ids: Int32Array
  /** Row by row, the numbers that it copies; NaN for none. */
  readonly numbers: Float64Array
  /** An array is only ever appended to: once there are too many, others take their place in a new one. */
  readonly texts: readonly string[]
  /** Texts of the batch that hardly come again. */
  readonly own: readonly string[]
}

/** The text of a number. */
export function textOf({ texts, own }: Pick<RowBatch, 'texts' | 'own'>, id: number): string {
  return id < MOST_TEXTS ? texts[id]! : own[id - MOST_TEXTS]!
}

/** Where the text stands that a row copies as the value `copy`. */
export function idAt({ ids, table }: RowBatch, copy: number, row: number): number {
  return ids[row * table.copiedTexts + copy]!
}

/** The number that a row copies as the value `copy`. */
export function numberAt({ numbers, table }: RowBatch, copy: number, row: number): number {
  return numbers[row * table.copiedNumbers + copy - table.copiedTexts]!
}
