/**
 * Records that are rows of a table of named fields: text with a header line (any order, any subset), header-less text
 * whose field names are known otherwise, CSV, and the same fields as one JSON object a line.
 */
import { OcsfLakeError } from '../errors.js'
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.js'
import { asciiText } from './ascii.js'
import type { Decoder, Emit, Fault } from './decoder.js'
import { emitFault, type LineSink, lineSplitter } from './lines.js'
import { type RowMaker, rowMaker } from './row-maker.js'
import { type SpacedRows, spacedRows } from './spaced-rows.js'

/**
 * How a field is read. `integer` and `long` are counts without sign; a `long` beyond 2^53 is a bigint. Fields of kind
 * `rest` are known, but a record carries them under `rest`, together with the unknown ones.
 */
export type FieldKind = 'text' | 'integer' | 'long' | 'rest'
export type TableFields = Readonly<Record<string, FieldKind>>

const MAX_LONG = 2n ** 63n - 1n

interface Value {
  readonly text: string
  readonly integer: number
  readonly long: number | bigint
}

/** A row: the fields by their names, absent where the log has `-` or nothing. */
export type Row<Fields extends TableFields> = {
  readonly [Name in keyof Fields as Fields[Name] extends 'rest' ? never : Name]?: Fields[Name] extends keyof Value ? Value[Fields[Name]] : never
} & {
  /** What has no name above, by the name the log gives it. */
  readonly rest?: JsonObject
}

export interface Table<Fields extends TableFields> {
  /** What one record is called in a fault, e.g. `a VPC flow log record`. */
  readonly record: string
  /** Every known field by its name, lower case with hyphens. */
  readonly fields: Fields
  /** Field names of header-less text, judged by its first row; `undefined` when that is no known default format. */
  implied?(cells: readonly string[]): readonly string[] | undefined
}

/** The name as the table knows it: `account_id` and `${account-id}` are `account-id`. */
export function fieldName(written: string): string {
  const name = written.startsWith('${') && written.endsWith('}') ? written.slice(2, -1) : written.trim()
  return name.toLowerCase().replaceAll('_', '-')
}

/** The cells of one line: CSV when it has a comma, else separated by runs of spaces and tabs; `undefined` for broken quotes. */
export function cellsOf(line: string): readonly string[] | undefined {
  return line.includes(',') ? csvCells(line) : spacedCells(line)
}

/** Whether a line names fields: at least half of its cells are known names, or is one that has been seen as header. */
export function isHeader(cells: readonly string[], fields: TableFields): boolean {
  let known = 0
  for (const cell of cells) if (Object.hasOwn(fields, fieldName(cell))) known++
  return known > 0 && known * 2 >= cells.length
}

/** A simple line of a table, read in place: valid until the next is read. One object for all lines below a header. */
export interface TableRow {
  /** By column. */
  readonly columns: readonly { readonly name: string; readonly kind: FieldKind }[]
  readonly cells: SpacedRows
  /** The record of such cells. */
  record(values: SpacedValues): object
  /** The record of a line that was offered before. */
  again(raw: Uint8Array): object
}

type SpacedValues = ReturnType<SpacedRows['values']>

/** Whoever takes rows before they become records. */
export interface RowTaker {
  /**
   * Offered a row; whether it is taken, and then not emitted. The raw record is `bytes` from `start` to `end`, which are
   * the same bytes in every call and stay as they are until `hold` is called.
   */
  take(row: TableRow, bytes: Uint8Array, start: number, end: number, line: number): boolean
  hold(): void
}

interface Layout {
  readonly names: readonly string[]
  readonly kinds: readonly FieldKind[]
  readonly csv: boolean
  /** By column: the typed ones of a line give a row in one shape, so that all rows of a file share it. */
  readonly row: RowMaker
  /** Reads simple lines in place; not for CSV. */
  readonly simple: TableRow | undefined
  /** Columns that go to `rest`. */
  readonly rest: readonly number[]
}

/** What is known of the table of one object, and the sink of its lines: with the same functions for all, as the architecture asks. */
interface Reading extends LineSink {
  readonly table: Table<TableFields>
  /** Names of header-less text that were given. */
  readonly given: readonly string[] | undefined
  layout: Layout | undefined
  header: string
  /** First cells of rows that are known to be none of a header. */
  readonly values: Set<string>
  /** Names as they stand in JSON lines, which repeat in each. */
  readonly names: Map<string, string>
  emit: Emit<object>
  taker: RowTaker | undefined
}

type Read = { readonly row: object } | { readonly fault: Fault }

/**
 * Decodes rows. One line is one record or, for a header or a blank line, none.
 *
 * @param fields names of header-less text in order; a header line, where there is one, wins
 * @throws OcsfLakeError `option_invalid` when `fields` names a field twice
 */
export function tableDecoder<const Fields extends TableFields>(table: Table<Fields>, fields?: readonly string[]): Decoder<Row<Fields>> {
  const given = fields === undefined || fields.length === 0 ? undefined : fields
  const twice = given === undefined ? undefined : duplicate(given)
  if (twice !== undefined) throw new OcsfLakeError('option_invalid', `The field ${twice} is named twice: give each field of the log format once, in its order.`)
  const reading: Reading = {
    table,
    given,
    layout: undefined,
    header: '',
    values: new Set(),
    names: new Map(),
    emit: () => {},
    taker: undefined,
    inPlace: readInPlace,
    overwrite,
    line: readLine,
    fault: emitFault,
  }
  const lines = lineSplitter(reading)
  return {
    push(bytes, sink) {
      reading.emit = sink as Emit<object> // the layout gives each name the kind that Row has for it
      lines.push(bytes)
    },
    end(sink) {
      reading.emit = sink as Emit<object> // as in push
      lines.end()
    },
    offerRows(taker) {
      reading.taker = taker
    },
    preface: () => (reading.header === '' ? undefined : reading.header),
  }
}

function readLine(this: Reading, text: string, raw: Uint8Array, line: number): void {
  const row = read(this, text)
  if (row === undefined) return
  const place = { line }
  if ('fault' in row) this.emit({ fault: row.fault, place, raw })
  else this.emit({ record: row.row, place, raw })
}

function read(reading: Reading, text: string): Read | undefined {
  const { table, given } = reading
  if (text.charCodeAt(0) === 123 /* { */) return jsonRow(reading, text)
  if (reading.layout === undefined || mayBeHeader(reading, text)) {
    const cells = cellsOf(text)
    if (cells !== undefined && (text === reading.header || isHeader(cells, table.fields))) return readHeader(reading, text, cells)
    if (reading.layout === undefined) {
      if (cells === undefined) return broken(text)
      const names = given ?? table.implied?.(cells)
      if (names === undefined) return { fault: { rule: 'header_missing', expected: `a header line, field names, or ${table.record}`, found: clip(text) } }
      reading.layout = layoutOf(names, table.fields, text.includes(','))
    }
  }
  const cells = reading.layout.csv ? csvCells(text) : spacedCells(text)
  return cells === undefined ? broken(text) : cellsRow(cells, reading.layout)
}

function readHeader(reading: Reading, text: string, cells: readonly string[]): { readonly fault: Fault } | undefined {
  const twice = duplicate(cells)
  if (twice !== undefined) {
    reading.layout = undefined
    reading.header = ''
    return { fault: { rule: 'field_duplicate', path: twice, expected: 'each field once', found: clip(text) } }
  }
  reading.header = text
  reading.values.clear()
  reading.layout = layoutOf(cells, reading.table.fields, text.includes(','))
  return undefined
}

/** Reads a simple line in place, as `read` would from its text. */
function readInPlace(this: Reading, bytes: Uint8Array, view: DataView, start: number, line: number): number {
  const { layout } = this
  const simple = layout?.simple
  if (layout === undefined || simple === undefined) return -1
  const { cells } = simple
  const next = cells.read(bytes, view, start)
  if (next === -1 || !isRow(this, cells, bytes[start]!)) return -1
  if (this.taker?.take(simple, bytes, start, cells.end, line) === true) return next
  this.emit({ record: simple.record(cells.values()), place: { line }, raw: bytes.subarray(start, cells.end) })
  return next
}

function overwrite(this: Reading): void {
  this.taker?.hold()
}

/** Whether a line with this first cell is surely no header and no JSON. */
function isRow(reading: Reading, cells: SpacedRows, first: number): boolean {
  const { values, header } = reading
  if (first >= 48 && first <= 57) return true
  const cell = cells.values()[0]
  if (cell === undefined || typeof cell === 'number' || values.has(cell)) return true
  if (first === 123 || header.startsWith(cell) || mayBeHeader(reading, cell)) return false
  if (values.size === MOST_VALUES) values.clear()
  values.add(cell)
  return true
}

/** Cheap, for every row: a header's first cell is a name, and a value hardly ever is one. */
function mayBeHeader({ table, header }: Reading, text: string): boolean {
  const first = text.charCodeAt(0)
  if (first >= 48 && first <= 57) return false
  if (text === header) return true
  let end = 0
  while (end < text.length && !isSeparator(text.charCodeAt(end))) end++
  return Object.hasOwn(table.fields, fieldName(unquoted(text.slice(0, end))))
}

function nameOf({ names }: Reading, written: string): string {
  let name = names.get(written)
  if (name === undefined) {
    name = fieldName(written)
    if (names.size < MOST_VALUES) names.set(written, name)
  }
  return name
}

function jsonRow(reading: Reading, text: string): Read {
  const { fields: known, record: what } = reading.table
  let value: Json
  try {
    value = parseJson(text)
  } catch {
    return { fault: { rule: 'json_syntax', expected: 'one JSON object a line', found: clip(text) } }
  }
  if (!isJsonObject(value)) return { fault: { rule: 'json_syntax', expected: 'one JSON object a line', found: clip(text) } }
  const row: Record<string, unknown> = {}
  let rest: Record<string, Json> | undefined
  let some = false
  for (const written of Object.keys(value)) {
    const item = value[written]
    const name = nameOf(reading, written)
    const kind = Object.hasOwn(known, name) ? known[name]! : undefined
    some ||= kind !== undefined
    if (item === undefined || item === null || item === '' || item === '-') continue
    if (kind === undefined) {
      rest ??= {}
      put(rest, written, item)
      continue
    }
    if (Object.hasOwn(kind === 'rest' ? (rest ?? {}) : row, name))
      return { fault: { rule: 'field_duplicate', path: name, expected: 'each field once', found: clip(text) } }
    if (kind === 'rest') {
      rest ??= {}
      rest[name] = item
      continue
    }
    const typed = kind === 'text' ? textFrom(item) : countFrom(item, kind)
    if (typed === undefined) return wrongType(name, kind, typeof item === 'object' ? 'a JSON structure' : String(item))
    row[name] = typed
  }
  if (!some) return { fault: { rule: 'record_unknown', expected: what, found: clip(text) } }
  if (rest !== undefined) row.rest = rest
  return { row }
}

/** More first cells, or names in JSON lines, than this are not remembered. */
const MOST_VALUES = 256

function layoutOf(written: readonly string[], known: TableFields, csv: boolean): Layout {
  const names: string[] = []
  const kinds: FieldKind[] = []
  for (const cell of written) {
    const name = fieldName(cell)
    const kind = Object.hasOwn(known, name) ? known[name]! : undefined
    names.push(kind === undefined ? cell : name)
    kinds.push(kind ?? 'rest')
  }
  const typed = names.flatMap((name, at) => (kinds[at] === 'rest' ? [] : [{ name, at }]))
  const row = rowMaker(typed)
  const rest = names.flatMap((_, at) => (kinds[at] === 'rest' ? [at] : []))
  const layout: Layout = { names, kinds, csv, row, simple: undefined, rest }
  return csv ? layout : { ...layout, simple: simpleRow(layout) }
}

function simpleRow(layout: Layout): TableRow {
  const { names, kinds, row, rest } = layout
  return {
    columns: names.map((name, at) => ({ name, kind: kinds[at]! })),
    cells: spacedRows(kinds.map(kind => (kind === 'integer' || kind === 'long' ? 'count' : 'text'))),
    record: values => row(values, rest.length === 0 ? undefined : restOf(layout, values)),
    again(raw) {
      const read = cellsRow(asciiText(raw, 0, raw.length).split(' '), layout)
      if ('fault' in read) throw new Error(`a line that was read in place is ${read.fault.expected}`)
      return read.row
    },
  }
}

function restOf({ names, rest }: Layout, values: SpacedValues): JsonObject | undefined {
  let out: Record<string, Json> | undefined
  for (const at of rest) {
    const value = values[at]
    if (value === undefined) continue
    out ??= {}
    put(out, names[at]!, value)
  }
  return out
}

function duplicate(written: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const cell of written) {
    const name = fieldName(cell)
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

function cellsRow(cells: readonly string[], layout: Layout): Read {
  const { names, kinds } = layout
  if (cells.length !== names.length) return fieldCount(names.length, cells.length)
  const values: (string | number | bigint | undefined)[] = []
  let rest: Record<string, Json> | undefined
  for (let index = 0; index < cells.length; index++) {
    const cell = cells[index]!
    const kind = kinds[index]!
    const name = names[index]!
    values.push(undefined)
    if (cell === '' || cell === '-') continue
    if (kind === 'text') values[index] = cell
    else if (kind === 'rest') {
      rest ??= {}
      put(rest, name, cell)
    } else {
      const value = count(cell, kind)
      if (value === undefined) return wrongType(name, kind, cell)
      values[index] = value
    }
  }
  return { row: layout.row(values, rest) }
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9
}

function isSeparator(code: number): boolean {
  return isSpace(code) || code === 44
}

function spacedCells(line: string): readonly string[] {
  return line.split(/[ \t]+/).filter(cell => cell !== '')
}

/** RFC 4180, one line; `undefined` when quotes do not match. */
function csvCells(line: string): readonly string[] | undefined {
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (line.charCodeAt(at) !== 34) {
      const comma = line.indexOf(',', at)
      cells.push(line.slice(at, comma === -1 ? line.length : comma))
      if (comma === -1) return cells
      at = comma + 1
      continue
    }
    let text = ''
    for (at++; ; at++) {
      const quote = line.indexOf('"', at)
      if (quote === -1) return undefined
      text += line.slice(at, quote)
      at = quote + 1
      if (line.charCodeAt(at) !== 34) break
      text += '"'
    }
    cells.push(text)
    if (at === line.length) return cells
    if (line.charCodeAt(at) !== 44) return undefined
    at++
  }
}

function unquoted(cell: string): string {
  return cell.length > 1 && cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1) : cell
}

/** A number written in digits; `undefined` when there is anything else, or more than the kind can hold. */
export function count(text: string, kind: 'integer' | 'long'): number | bigint | undefined {
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  if (value <= Number.MAX_SAFE_INTEGER) return text === '' ? undefined : value
  if (kind === 'integer' || value > 1e19) return undefined
  const exact = BigInt(text)
  return exact > MAX_LONG ? undefined : exact
}

function countFrom(item: Json, kind: 'integer' | 'long'): number | bigint | undefined {
  if (typeof item === 'string') return count(item, kind)
  if (typeof item === 'number') return Number.isSafeInteger(item) && item >= 0 ? item : undefined
  return typeof item === 'bigint' && kind === 'long' && item >= 0n && item <= MAX_LONG ? item : undefined
}

function textFrom(item: Json): string | undefined {
  if (typeof item === 'string') return item
  return typeof item === 'number' || typeof item === 'bigint' ? String(item) : undefined
}

/** An own property, also when a hostile log names it `__proto__`. */
export function put(target: Record<string, Json>, name: string, value: Json): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  else target[name] = value
}

function broken(line: string): { readonly fault: Fault } {
  return { fault: { rule: 'csv_syntax', expected: 'matching quotes', found: clip(line) } }
}

function fieldCount(expected: number, found: number): { readonly fault: Fault } {
  return { fault: { rule: 'field_count', expected: String(expected), found: String(found) } }
}

function wrongType(path: string, kind: FieldKind, found: string): { readonly fault: Fault } {
  const expected = kind === 'text' ? 'text' : `a whole number up to ${kind === 'long' ? MAX_LONG : Number.MAX_SAFE_INTEGER}`
  return { fault: { rule: 'wrong_type', path, expected, found: clip(found) } }
}

/** Enough of a value to recognise it; the whole stands in the raw record. */
export function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
