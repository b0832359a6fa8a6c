/** Rows of a table as objects of one shape. */

/** Makes a row of the values of a line; they are copied. */
export type RowMaker = (values: readonly unknown[], rest: unknown) => object

/** The columns of a row, by name and by where their values stand, in the order of the keys; `rest` is the last key. */
export interface RowColumn {
  readonly name: string
  readonly at: number
}

/**
 * A row maker as one object literal, which costs a third of setting keys by name: its code is generated, so there is
 * none where a content security policy forbids that. Names are those of a table's fields, never a log's own.
 */
export function literalRows(columns: readonly RowColumn[]): RowMaker | undefined {
  const keys = columns.map(({ name, at }) => `${keyOf(name)}: values[${at}], `)
  try {
    return new Function('values', 'rest', `return { ${keys.join('')}rest }`) as RowMaker // a literal of these keys
  } catch {
    return undefined
  }
}

/** A key in brackets makes the literal four times as slow; but without them this one would be no key. */
function keyOf(name: string): string {
  const text = JSON.stringify(name)
  return name === '__proto__' ? `[${text}]` : text
}

const made = new Map<string, RowMaker>()
const MOST_MADE = 64

/** The row maker of these columns, made once. */
export function rowMaker(columns: readonly RowColumn[]): RowMaker {
  const key = JSON.stringify(columns)
  let maker = made.get(key)
  if (maker === undefined) {
    maker = literalRows(columns) ?? portableRows(columns)
    if (made.size === MOST_MADE) made.clear()
    made.set(key, maker)
  }
  return maker
}

/** The same rows, without generated code. */
export function portableRows(columns: readonly RowColumn[]): RowMaker {
  const blank = { ...Object.fromEntries(columns.map(({ name }) => [name, undefined])), rest: undefined as unknown }
  return (values, rest) => {
    const row: Record<string, unknown> = { ...blank }
    for (let i = 0; i < columns.length; i++) row[columns[i]!.name] = values[columns[i]!.at]
    row.rest = rest
    return row
  }
}
