/**
 * Extended log files: a `#Fields:` line names the cells, which stand in any order and number; or the same fields as JSON
 * objects, or cells without names whose order is known otherwise.
 */
import { OcsfLakeError } from '../errors.js'
import type { Json, JsonObject } from '../json.js'
import type { Decoder, Emit, Fault, Place } from './decoder.js'
import { jsonRecords } from './json-records.js'
import { emitFault, type LineSink, lineSplitter } from './lines.js'
import { type RowMaker, rowMaker } from './row-maker.js'
import { clip, put } from './table.js'
import { type W3cCells, type W3cRows, w3cRows } from './w3c-rows.js'

/** A record: its fields by name, absent where the log has `-` or nothing. */
export type W3cRow<Name extends string> = { readonly [N in Name]?: string } & {
  /** What has no name above, or is no text, by the name the log gives it. */
  readonly rest?: JsonObject
}

export interface W3cLog<Name extends string> {
  /** What one record is called in a fault, e.g. `a CloudFront log record`. */
  readonly record: string
  readonly names: readonly Name[]
  /** The name of a field as the log writes it; `undefined` for an unknown one. */
  nameOf(written: string): Name | undefined
}

const HASH = 35
const FIELDS = '#Fields:'
/** White space in front of the first record; more of it is no JSON. */
const MOST_SPACE = 2 ** 16

/** Names of a `#Fields:` line, in order; `undefined` for any other line. */
export function fieldsIn(line: string): readonly string[] | undefined {
  if (!line.startsWith(FIELDS)) return undefined
  return line
    .slice(FIELDS.length)
    .split(/[\s,]+/)
    .filter(name => name !== '')
}

/** What parts the cells of a line: tabs, where it has any, else spaces or commas. */
export function separatorOf(line: string): Separator {
  return line.includes('\t') ? '\t' : line.includes(' ') ? ' ' : ','
}
type Separator = '\t' | ' ' | ','

/** The cells of a line; empty ones behind the last are left out. */
function cellsOf(line: string, separator: Separator, count: number): readonly string[] {
  const cells = line.split(separator)
  while (cells.length > count && cells.at(-1) === '') cells.pop()
  return cells
}

interface Layout extends W3cCells {
  /** What reads its lines in place, by what parts their cells. */
  readonly rows: Map<Separator, W3cRows | undefined>
}

/** What all files of a log share, so that what V8 compiled for one serves the next. */
interface Shared {
  readonly log: W3cLog<string>
  /** Where the value of a name stands in a row. */
  readonly placeOf: ReadonlyMap<string, number>
  /** Makes a row of all names. */
  readonly make: RowMaker
  /** The values of the row at hand. */
  readonly values: (string | undefined)[]
  /** By the names of the cells. */
  readonly layouts: Map<string, Layout>
}

/** What is known of one file, and the sink of its lines. */
interface Reading extends LineSink {
  readonly shared: Shared
  layout: Layout | undefined
  /** For lines like the last one that was read as text. */
  rows: W3cRows | undefined
  header: string | undefined
  /** Places by name as it stands in JSON objects, which repeat the same few; -1 for `rest`. */
  readonly places: Map<string, number>
  emit: Emit<object>
}

type Read = { readonly row: object } | { readonly fault: Fault }

const sharedBy = new WeakMap<W3cLog<string>, Shared>()
const MOST_LAYOUTS = 64

function sharedOf(log: W3cLog<string>): Shared {
  let shared = sharedBy.get(log)
  if (shared === undefined) {
    const { names } = log
    shared = {
      log,
      placeOf: new Map(names.map((name, at) => [name, at])),
      make: rowMaker(names.map((name, at) => ({ name, at }))),
      values: new Array<undefined>(names.length).fill(undefined),
      layouts: new Map(),
    }
    sharedBy.set(log, shared)
  }
  return shared
}

/**
 * Decodes an extended log file or its JSON twin. One line, or one JSON object, is one record; lines that begin with `#`
 * are none.
 *
 * @param fields names of cells without a `#Fields:` line, in order; such a line, where there is one, wins
 * @throws OcsfLakeError `option_invalid` when `fields` names a field twice
 */
export function w3cDecoder<Name extends string>(log: W3cLog<Name>, fields?: readonly string[]): Decoder<W3cRow<Name>> {
  const reading: Reading = {
    shared: sharedOf(log),
    layout: undefined,
    rows: undefined,
    header: undefined,
    places: new Map(),
    emit: () => {},
    inPlace: readInPlace,
    line: readLine,
    fault: emitFault,
  }
  if (fields !== undefined && fields.length > 0) {
    const known = layoutOf(reading.shared, fields)
    if (typeof known === 'string')
      throw new OcsfLakeError('option_invalid', `The field ${known} is named twice: give each field of the log format once, in its order.`)
    reading.layout = known
    reading.header = `${FIELDS} ${fields.join(' ')}`
  }
  const lines = lineSplitter(reading)
  const json = jsonRecords()
  const onJson: Emit<JsonObject> = item => {
    if ('record' in item) give(reading, jsonRow(reading, item.record), item.raw, item.place)
    else reading.emit(item)
  }

  let isJson: boolean | undefined
  let space: Uint8Array[] = []
  let spaceBytes = 0
  const push = (bytes: Uint8Array): void => {
    if (isJson === undefined) {
      const first = firstByte(bytes)
      if (first === undefined && spaceBytes + bytes.length < MOST_SPACE) {
        if (bytes.length > 0) space.push(new Uint8Array(bytes))
        spaceBytes += bytes.length
        return
      }
      isJson = first === 123 || first === 91
      for (const before of space) push(before)
      space = []
    }
    if (isJson) json.push(bytes, onJson)
    else lines.push(bytes)
  }

  return {
    push(bytes, sink) {
      reading.emit = sink as Emit<object> // the row maker has these names
      push(bytes)
    },
    end(sink) {
      reading.emit = sink as Emit<object> // as in push
      if (isJson === undefined) isJson = false
      for (const before of space) push(before)
      space = []
      if (isJson) json.end(onJson)
      else lines.end()
    },
    preface: () => (isJson === true ? undefined : reading.header),
  }
}

/** Where the cells of these names go; a name that stands twice is returned instead. */
function layoutOf({ log, placeOf, layouts }: Shared, written: readonly string[]): Layout | string {
  const key = JSON.stringify(written)
  const known = layouts.get(key)
  if (known !== undefined) return known
  const seen = new Set<string>()
  const taken = new Set<number>()
  const places: number[] = []
  for (const name of written) {
    if (seen.has(name)) return name
    seen.add(name)
    const place = placeIn(log, placeOf, name)
    places.push(taken.has(place) ? -1 : place)
    taken.add(place)
  }
  const columns = places.flatMap(at => (at < 0 ? [] : [{ name: log.names[at]!, at }]))
  const layout: Layout = { written, places, make: rowMaker(columns), rows: new Map() }
  if (layouts.size === MOST_LAYOUTS) layouts.clear()
  layouts.set(key, layout)
  return layout
}

function readInPlace(this: Reading, bytes: Uint8Array, view: DataView, start: number, line: number): number {
  const { rows, emit } = this
  if (rows === undefined || bytes[start] === HASH) return -1
  const next = rows.read(bytes, view, start)
  if (next !== -1) emit({ record: rows.row(), place: { line }, raw: bytes.subarray(start, rows.end) })
  return next
}

function readLine(this: Reading, text: string, raw: Uint8Array, line: number): void {
  const { shared, layout } = this
  const place = { line }
  if (text.charCodeAt(0) === HASH) {
    const named = fieldsIn(text)
    if (named === undefined) return
    const next = layoutOf(shared, named)
    const twice = typeof next === 'string'
    this.rows = undefined
    this.layout = twice ? undefined : next
    this.header = twice ? undefined : text
    if (twice) this.emit({ fault: { rule: 'field_duplicate', path: next, expected: 'each field once', found: clip(text) }, place, raw })
    return
  }
  if (layout === undefined) {
    const expected = `a #Fields: line, or the names of the fields of ${shared.log.record}`
    this.emit({ fault: { rule: 'header_missing', expected, found: clip(text) }, place, raw })
    return
  }
  const separator = separatorOf(text)
  this.rows = rowsOf(layout, separator)
  give(this, cellsRow(shared, layout, cellsOf(text, separator, layout.places.length)), raw, place)
}

function give({ emit }: Reading, read: Read, raw: Uint8Array, place: Place): void {
  if ('fault' in read) emit({ fault: read.fault, place, raw })
  else emit({ record: read.row, place, raw })
}

/** Simple lines of a layout, read as `cellsRow` would from their text. */
function rowsOf(layout: Layout, separator: Separator): W3cRows | undefined {
  // a lone cell has commas in it
  if (separator === ',') return undefined
  if (!layout.rows.has(separator)) layout.rows.set(separator, w3cRows(layout, separator.charCodeAt(0)))
  return layout.rows.get(separator)
}

function cellsRow({ values }: Shared, { written, places, make }: Layout, cells: readonly string[]): Read {
  if (cells.length !== places.length) return { fault: { rule: 'field_count', expected: String(places.length), found: String(cells.length) } }
  let rest: Record<string, Json> | undefined
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!
    if (cell === '-' || cell === '') continue
    const place = places[i]!
    if (place >= 0) values[place] = cell
    else {
      rest ??= {}
      put(rest, written[i]!, cell)
    }
  }
  const row = make(values, rest)
  values.fill(undefined)
  return { row }
}

function jsonRow({ shared, places }: Reading, record: JsonObject): Read {
  const { log, placeOf, make, values } = shared
  let rest: Record<string, Json> | undefined
  let some = false
  for (const written of Object.keys(record)) {
    let place = places.get(written)
    if (place === undefined) {
      place = placeIn(log, placeOf, written)
      if (places.size < 1024) places.set(written, place)
    }
    some ||= place >= 0
    const value = record[written]
    if (value === undefined || value === null || value === '' || value === '-') continue
    const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
    if (place >= 0 && text !== undefined && values[place] === undefined) values[place] = text
    else {
      rest ??= {}
      put(rest, written, value)
    }
  }
  const row = make(values, rest)
  values.fill(undefined)
  return some ? { row } : { fault: { rule: 'record_unknown', expected: log.record, found: clip(Object.keys(record).join(' ')) } }
}

/** Where the value of a field stands in a row; -1 for an unknown one. */
function placeIn(log: W3cLog<string>, placeOf: ReadonlyMap<string, number>, written: string): number {
  const name = log.nameOf(written)
  return name === undefined ? -1 : placeOf.get(name)!
}

/** The first byte that is neither white space nor of a byte order mark. */
function firstByte(bytes: Uint8Array): number | undefined {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf) return byte
  return undefined
}
