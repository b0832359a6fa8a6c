/**
 * Extended log files: a `#Fields:` line names the cells, which stand in any order and number; or the same fields as JSON
 * objects, or cells without names whose order is known otherwise.
 */
import { OcsfLakeError } from '../errors.js'
import type { Json, JsonObject } from '../json.js'
import type { Decoder, Emit, Fault } from './decoder.js'
import { jsonRecords } from './json-records.js'
import { lineSplitter } from './lines.js'
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

/**
 * Decodes an extended log file or its JSON twin. One line, or one JSON object, is one record; lines that begin with `#`
 * are none.
 *
 * @param fields names of cells without a `#Fields:` line, in order; such a line, where there is one, wins
 * @throws OcsfLakeError `option_invalid` when `fields` names a field twice
 */
export function w3cDecoder<Name extends string>(log: W3cLog<Name>, fields?: readonly string[]): Decoder<W3cRow<Name>> {
  const { names } = log
  const makeAny = rowMaker(names.map((name, at) => ({ name, at })))
  const placeOf = new Map<string, number>(names.map((name, at) => [name, at]))
  let values: (string | undefined)[] = new Array<undefined>(names.length).fill(undefined)
  let layout: Layout | undefined
  /** For lines like the last one that was read as text. */
  let rows: W3cRows | undefined
  let header: string | undefined
  let emit: Emit<W3cRow<Name>> = () => {}

  const layoutOf = (written: readonly string[]): Layout | string => {
    const seen = new Set<string>()
    const taken = new Set<number>()
    const places: number[] = []
    for (const name of written) {
      if (seen.has(name)) return name
      seen.add(name)
      const known = log.nameOf(name)
      const place = known === undefined ? -1 : placeOf.get(known)!
      places.push(taken.has(place) ? -1 : place)
      taken.add(place)
    }
    return { written, places, make: rowMaker(places.flatMap(at => (at < 0 ? [] : [{ name: names[at]!, at }]))), rows: new Map() }
  }

  /** Simple lines of a layout, read as `cellsRow` would from their text. */
  const rowsOf = (layout: Layout, separator: Separator): W3cRows | undefined => {
    // a lone cell has commas in it
    if (separator === ',') return undefined
    if (!layout.rows.has(separator)) layout.rows.set(separator, w3cRows(layout, separator.charCodeAt(0)))
    return layout.rows.get(separator)
  }

  if (fields !== undefined && fields.length > 0) {
    const known = layoutOf(fields)
    if (typeof known === 'string')
      throw new OcsfLakeError('option_invalid', `The field ${known} is named twice: give each field of the log format once, in its order.`)
    layout = known
    header = `${FIELDS} ${fields.join(' ')}`
  }

  const rowOf = (make: RowMaker, rest: JsonObject | undefined): W3cRow<Name> => {
    const row = make(values, rest) as W3cRow<Name> // the row maker has these names
    values = values.fill(undefined)
    return row
  }

  const cellsRow = (line: string, layout: Layout): W3cRow<Name> | { readonly fault: Fault } => {
    const { written, places, make } = layout
    const separator = separatorOf(line)
    rows = rowsOf(layout, separator)
    const cells = cellsOf(line, separator, places.length)
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
    return rowOf(make, rest)
  }

  // JSON objects repeat the same few names.
  const places = new Map<string, number>()
  const jsonRow = (record: JsonObject): W3cRow<Name> | { readonly fault: Fault } => {
    let rest: Record<string, Json> | undefined
    let some = false
    for (const written of Object.keys(record)) {
      let place = places.get(written)
      if (place === undefined) {
        const name = log.nameOf(written)
        place = name === undefined ? -1 : placeOf.get(name)!
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
    const row = rowOf(makeAny, rest)
    return some ? row : { fault: { rule: 'record_unknown', expected: log.record, found: clip(Object.keys(record).join(' ')) } }
  }

  const lines = lineSplitter({
    inPlace(bytes, view, start, number) {
      if (rows === undefined || bytes[start] === HASH) return -1
      const next = rows.read(bytes, view, start)
      if (next !== -1) emit({ record: rows.row() as W3cRow<Name>, place: { line: number }, raw: bytes.subarray(start, rows.end) }) // as in rowOf
      return next
    },
    line(text, raw, number) {
      const place = { line: number }
      if (text.charCodeAt(0) === HASH) {
        const named = fieldsIn(text)
        if (named === undefined) return
        rows = undefined
        const next = layoutOf(named)
        layout = typeof next === 'string' ? undefined : next
        header = layout === undefined ? undefined : text
        if (typeof next === 'string') emit({ fault: { rule: 'field_duplicate', path: next, expected: 'each field once', found: clip(text) }, place, raw })
        return
      }
      if (layout === undefined) {
        emit({ fault: { rule: 'header_missing', expected: `a #Fields: line, or the names of the fields of ${log.record}`, found: clip(text) }, place, raw })
        return
      }
      const row = cellsRow(text, layout)
      if (isFault(row)) emit({ fault: row.fault, place, raw })
      else emit({ record: row, place, raw })
    },
    fault: (fault, raw, number) => emit({ fault, place: { line: number }, raw }),
  })
  const json = jsonRecords()
  const onJson: Emit<JsonObject> = item => {
    if (!('record' in item)) {
      emit(item)
      return
    }
    const row = jsonRow(item.record)
    if (isFault(row)) emit({ fault: row.fault, place: item.place, raw: item.raw })
    else emit({ record: row, place: item.place, raw: item.raw })
  }

  let isJson: boolean | undefined
  let space: Uint8Array[] = []
  let spaceBytes = 0
  const push = (bytes: Uint8Array): void => {
    if (isJson === undefined) {
      const first = firstByte(bytes)
      if (first === undefined && spaceBytes + bytes.length < MOST_SPACE) {
        if (bytes.length > 0) space.push(bytes.slice())
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
      emit = sink
      push(bytes)
    },
    end(sink) {
      emit = sink
      if (isJson === undefined) isJson = false
      for (const before of space) push(before)
      space = []
      if (isJson) json.end(onJson)
      else lines.end()
    },
    preface: () => (isJson === true ? undefined : header),
  }
}

function isFault(row: object): row is { readonly fault: Fault } {
  return 'fault' in row
}

/** The first byte that is neither white space nor of a byte order mark. */
function firstByte(bytes: Uint8Array): number | undefined {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf) return byte
  return undefined
}
