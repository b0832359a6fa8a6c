/**
 * Access logs: one line a record, fields in a fixed order with spaces between them, some in quotes or brackets. What
 * clients send stands in the quotes, and not every writer escapes it. A line is read only in the one way that fits the
 * whole of it, from both ends; a line that could be read in two ways is a fault, since either could be a shifted one.
 */
import { OcsfLakeError } from '../errors.js'
import type { Json, JsonObject } from '../json.js'
import { type AccessLog, type AccessRows, accessRows, type Part, type ValueKind } from './access-rows.js'
import type { Decoder, Emit, Fault } from './decoder.js'
import { emitFault, type LineSink, lineSplitter } from './lines.js'
import { clip, count, put } from './table.js'

export type { AccessLog, Part } from './access-rows.js'

/** A bare value, or one in quotes or brackets, where a bare `-` may stand instead. */
export type AccessKind = Exclude<ValueKind, 'word'> | `"${'text' | 'word' | 'rest'}"` | `[${'text' | 'rest'}]`
/** Every field by its name, in the order of the line. */
export type AccessFields = Readonly<Record<string, AccessKind>>

interface Value {
  readonly integer: number
  readonly long: number | bigint
}
/** A record: the fields by their names, absent where the log has `-` or nothing. */
export type AccessRow<Fields extends AccessFields> = {
  readonly [Name in keyof Fields as Fields[Name] extends 'rest' | '"rest"' | '[rest]' ? never : Name]?: Fields[Name] extends keyof Value
    ? Value[Fields[Name]]
    : string
} & {
  /** What has no name above: known fields of kind `rest`, and unknown trailing ones as `field_35`, counted from 1. */
  readonly rest?: JsonObject
}

/** The parts of a line with one space between its fields. */
export function spaced(fields: AccessFields): readonly Part[] {
  return Object.entries(fields).map(([name, kind], index) => {
    const enclosed = kind.startsWith('"') || kind.startsWith('[')
    const open = enclosed ? kind.slice(0, 1) : ''
    // What stands inside the quotes or brackets of an AccessKind is a ValueKind.
    const inner = (enclosed ? kind.slice(1, -1) : kind) as ValueKind
    return { name, kind: inner, lead: `${index === 0 ? '' : ' '}${open}`, close: open === '[' ? ']' : open }
  })
}

/** More quotes than this in one line are an attack, and searching them would take its time. */
const MOST_QUOTES = 4096
const QUOTE = 34
const SPACE = 32
const DASH = 45
const BACKSLASH = 92
const HASH = 35

/**
 * Decodes access log lines. One line is one record; lines that begin with `#` are headers and are not records.
 *
 * @param choose the layout of a line; asked with the bytes and where the line starts in them, so that a file may hold more than one
 */
export function accessLogDecoder<Fields extends AccessFields>(choose: (bytes: Uint8Array, start: number) => AccessLog): Decoder<AccessRow<Fields>> {
  const reading: Reading = { choose, emit: () => {}, inPlace: readInPlace, line: readLine, fault: emitFault }
  const lines = lineSplitter(reading)
  return {
    push(bytes, sink) {
      reading.emit = sink as Emit<object> // the layout gives each name the kind that AccessRow has for it
      lines.push(bytes)
    },
    end(sink) {
      reading.emit = sink as Emit<object> // as in push
      lines.end()
    },
  }
}

interface Reading extends LineSink {
  readonly choose: (bytes: Uint8Array, start: number) => AccessLog
  emit: Emit<object>
}

function readInPlace(this: Reading, bytes: Uint8Array, view: DataView, start: number, line: number): number {
  const { choose, emit } = this
  if (bytes[start] === HASH) return -1
  const rows = rowsOf(choose(bytes, start))
  const next = rows.read(bytes, view, start)
  if (next !== -1) emit({ record: rows.row(), place: { line }, raw: bytes.subarray(start, rows.end) })
  return next
}

function readLine(this: Reading, text: string, raw: Uint8Array, line: number): void {
  const { choose, emit } = this
  if (text.charCodeAt(0) === HASH) return
  const place = { line }
  const read = readAccessLine(text, choose(raw, 0))
  if ('fault' in read) emit({ fault: read.fault, place, raw })
  else emit({ record: read.row, place, raw })
}

const known = new WeakMap<AccessLog, AccessRows>()
let last: AccessLog | undefined
let lastRows: AccessRows | undefined

/** What reads the lines of a layout in place and makes their rows, made once. */
function rowsOf(log: AccessLog): AccessRows {
  if (log === last && lastRows !== undefined) return lastRows
  let rows = known.get(log)
  if (rows === undefined) {
    rows = accessRows(log)
    known.set(log, rows)
  }
  last = log
  lastRows = rows
  return rows
}

// Where the values of the line at hand begin and end; one line is read at a time.
let starts = new Int32Array(64)
let ends = new Int32Array(64)

/** Reads one line, or says why it cannot be read. */
export function readAccessLine(written: string, log: AccessLog): { readonly row: object } | { readonly fault: Fault } {
  const { parts } = log
  if (parts.length > starts.length) {
    starts = new Int32Array(parts.length)
    ends = new Int32Array(parts.length)
  }
  const line = written.charCodeAt(written.length - 1) === SPACE ? written.trimEnd() : written
  const at = sequence(line, log)
  const tail = at < 0 ? undefined : tailOf(line, at)
  if (tail !== undefined && (!tail.quoted || log.escaped === true)) return rowOf(line, log, tail)
  // Quotes inside of values and bare dashes for missing ones hardly come together, and a dash fits in too many places.
  const way = search(line, log, false) ?? search(line, log, true)
  if (way === 'several' || (way !== undefined && tail !== undefined))
    return faultOf('quotes_ambiguous', `quotes that leave one way to read ${log.record}`, line)
  if (way === undefined) return tail === undefined ? whyNot(line, log) : rowOf(line, log, tail)
  const rest = way.length < parts.length ? undefined : tailOf(line, way.at(-1)!.at)
  for (let i = 0; i < way.length; i++) {
    starts[i] = way[i]!.from.start
    ends[i] = way[i]!.end
  }
  return rowOf(line, log, { count: way.length, values: rest?.values ?? [] })
}

interface Tail {
  /** Fields in front of it. */
  readonly count: number
  readonly values: readonly string[]
  readonly quoted?: boolean
}

let reached = 0

/**
 * The fast way, for lines whose quotes all open or close a field: returns where the last known field ends, or -1.
 * No other way fits such a line: it would need more quotes than there are.
 */
function sequence(line: string, { parts, least, escaped }: AccessLog): number {
  const { length } = line
  let at = 0
  for (reached = 0; reached < parts.length; reached++) {
    if (at === length && reached >= least) return at
    const { lead, close } = parts[reached]!
    if (!line.startsWith(lead, at)) {
      if (close === '' || !isDash(line, at)) return -1
      starts[reached] = at + 1
      ends[reached] = at + 2
      at += 2
      continue
    }
    const start = at + lead.length
    let end = close === '' ? endOfBare(line, start, parts, reached) : line.indexOf(close, start)
    if (escaped === true && close === '"') while (end > start && isEscaped(line, start, end)) end = line.indexOf(close, end + 1)
    if (end === -1) return -1
    starts[reached] = start
    ends[reached] = end
    at = end + close.length
  }
  return at
}

function isEscaped(line: string, start: number, quote: number): boolean {
  let at = quote
  while (at > start && line.charCodeAt(at - 1) === BACKSLASH) at--
  return (quote - at) % 2 === 1
}

/** A dash in place of a quoted or bracketed value. */
function isDash(line: string, at: number): boolean {
  return line.charCodeAt(at) === SPACE && line.charCodeAt(at + 1) === DASH && (at + 2 === line.length || line.charCodeAt(at + 2) === SPACE)
}

/** Where a bare value ends, or -1 when it is empty, holds a quote or is not of its kind. */
function endOfBare(line: string, start: number, parts: readonly Part[], index: number): number {
  const { kind, spaces } = parts[index]!
  if (spaces === 'any' && index + 1 < parts.length) return endOfText(line, start, parts[index + 1]!.lead)
  const next = index + 1 < parts.length ? parts[index + 1]!.lead.charCodeAt(0) : SPACE
  const loose = kind === 'loose'
  let end = start
  for (; end < line.length; end++) {
    const code = line.charCodeAt(end)
    if (code === next && !(spaces === 'list' && line.charCodeAt(end - 1) === 44) /* , */) break
    if (code === QUOTE && !loose) return -1
  }
  if (end === start) return -1
  if (kind === 'text' || kind === 'rest' || loose || (end === start + 1 && line.charCodeAt(start) === DASH)) return end
  return isNumber(line, start, end, kind) ? end : -1
}

function endOfText(line: string, start: number, lead: string): number {
  const end = line.indexOf(lead, start)
  return end <= start || line.slice(start, end).includes('"') ? -1 : end
}

function isNumber(line: string, start: number, end: number, kind: ValueKind): boolean {
  let dots = 0
  for (let at = start; at < end; at++) {
    const code = line.charCodeAt(at)
    if (code >= 48 && code <= 57) continue
    if (kind !== 'decimal') return false
    if (code === 46 ? dots++ > 0 || at === start || at === end - 1 : code !== DASH || at !== start) return false
  }
  return true
}

/** What stands behind the last known field; `undefined` when it is not apart by spaces or its quotes do not match. */
function tailOf(line: string, from: number): (Tail & { readonly quoted: boolean }) | undefined {
  const values: string[] = []
  let quoted = false
  let at = from
  while (at < line.length) {
    if (line.charCodeAt(at) !== SPACE) return undefined
    const quote = line.charCodeAt(at + 1) === QUOTE
    let end = quote ? line.indexOf('"', at + 2) : line.indexOf(' ', at + 1)
    if (end === -1 && quote) return undefined
    end = end === -1 ? line.length : end
    const value = line.slice(at + (quote ? 2 : 1), end)
    if (!quote && value.includes('"')) return undefined
    quoted ||= quote
    values.push(value)
    at = quote ? end + 1 : end
  }
  return { count: reached, values, quoted }
}

interface Start {
  readonly start: number
  readonly ways: number
  readonly from: End | undefined
}
interface End {
  /** End of the value. */
  readonly end: number
  /** End of its closing quote or bracket. */
  readonly at: number
  readonly ways: number
  readonly from: Start
}

/**
 * Every way to read a line whose quoted values may hold quotes: a quoted value may end at any quote, a bare one in one
 * place only. Counts the ways to each place, two standing for many, so that the time is linear in the line.
 */
function search(line: string, { parts, least, counts }: AccessLog, dashes: boolean): readonly End[] | 'several' | undefined {
  let quotes = 0
  for (let at = line.indexOf('"'); at !== -1; at = line.indexOf('"', at + 1)) if (++quotes > MOST_QUOTES) return 'several'
  let open: readonly Start[] = line.startsWith(parts[0]!.lead) ? [{ start: parts[0]!.lead.length, ways: 1, from: undefined }] : []
  let whole: End | undefined
  let ways = 0
  for (let index = 0; index < parts.length && open.length > 0; index++) {
    const last = index === parts.length - 1
    const closed = endsOf(line, parts, index, open)
    const following: Start[] = []
    for (const end of closed) {
      const complete = end.at === line.length ? (counts?.includes(index + 1) ?? index + 1 >= least) : last && tailOf(line, end.at)?.quoted === false
      if (complete) {
        ways += end.ways
        whole = end
      }
      if (last) continue
      const { lead, close } = parts[index + 1]!
      if (line.startsWith(lead, end.at)) following.push({ start: end.at + lead.length, ways: end.ways, from: end })
      else if (dashes && close !== '' && isDash(line, end.at)) following.push({ start: end.at + 1, ways: end.ways, from: end })
    }
    open = following
  }
  if (whole === undefined) return undefined
  if (ways > 1) return 'several'
  const way: End[] = []
  for (let end: End | undefined = whole; end !== undefined; end = end.from.from) way.unshift(end)
  return way
}

/** Where the values of one field that begin at `open` may end, in the order of the line. */
function endsOf(line: string, parts: readonly Part[], index: number, open: readonly Start[]): readonly End[] {
  const { lead, close } = parts[index]!
  const closed: End[] = []
  if (close === '') {
    for (const from of open) {
      const end = endOfBare(line, from.start, parts, index)
      if (end !== -1) closed.push({ end, at: end, ways: from.ways, from })
    }
    return closed
  }
  if (parts[index]!.kind === 'word') {
    for (const from of open) {
      const dash = index > 0 && !line.startsWith(lead, from.start - lead.length)
      const end = dash ? from.start + 1 : line.indexOf(close, from.start)
      if (end !== -1) closed.push({ end, at: dash ? end : end + close.length, ways: from.ways, from })
    }
    return merged(closed)
  }
  let ways = 0
  let from: Start | undefined
  let next = 0
  let at = open[0]!.start
  for (;;) {
    const end = line.indexOf(close, at)
    const until = end === -1 ? line.length : end
    for (; next < open.length && open[next]!.start <= until; next++) {
      const { start } = open[next]!
      // A dash stands for the value, without quotes.
      if (index > 0 && !line.startsWith(lead, start - lead.length)) closed.push({ end: start + 1, at: start + 1, ways: open[next]!.ways, from: open[next]! })
      else {
        ways = Math.min(2, ways + open[next]!.ways)
        from = open[next]!
      }
    }
    if (end === -1) return closed
    if (from !== undefined) closed.push({ end, at: end + close.length, ways, from })
    at = end + 1
  }
}

/** Ends at the same place as one, with the ways of all. */
function merged(closed: readonly End[]): readonly End[] {
  const out: End[] = []
  for (const end of closed) {
    const same = out.at(-1)
    if (same?.at === end.at) out[out.length - 1] = { ...end, ways: Math.min(2, same.ways + end.ways) }
    else out.push(end)
  }
  return out
}

function rowOf(line: string, log: AccessLog, { count: known, values }: Tail): { readonly row: object } | { readonly fault: Fault } {
  const { parts } = log
  const cells: (string | number | bigint | undefined)[] = []
  let rest: Record<string, Json> | undefined
  for (let i = 0; i < parts.length; i++) {
    const { name, kind } = parts[i]!
    const start = starts[i]!
    const end = ends[i]!
    const blank = i >= known || end === start || (end === start + 1 && line.charCodeAt(start) === DASH)
    if (kind === 'rest') {
      cells[i] = undefined
      if (blank) continue
      rest ??= {}
      put(rest, name, line.slice(start, end))
    } else if (blank) cells[i] = undefined
    else if (kind === 'integer' || kind === 'long') {
      const value = count(line.slice(start, end), kind)
      if (value === undefined)
        return faultOf(
          'wrong_type',
          kind === 'integer' ? `a whole number up to ${Number.MAX_SAFE_INTEGER}` : 'a whole number below 2^63',
          line.slice(start, end),
          name,
        )
      cells[i] = value
    } else cells[i] = line.slice(start, end)
  }
  for (let i = 0; i < values.length; i++) {
    if (values[i] === '' || values[i] === '-') continue
    rest ??= {}
    rest[`field_${known + i + 1}`] = values[i]!
  }
  return { row: rowsOf(log).make(cells, rest) }
}

/** Where reading in order came to an end. */
function whyNot(line: string, log: AccessLog): { readonly fault: Fault } {
  sequence(line, log)
  const part = log.parts[reached]
  if (part === undefined) return faultOf('field_syntax', `${log.record}, its last fields apart by spaces`, line)
  const at = reached === 0 ? 0 : ends[reached - 1]! + log.parts[reached - 1]!.close.length
  if (at >= line.length) return faultOf('field_count', `at least ${log.least}`, String(reached))
  const what =
    part.close === '' ? (part.kind === 'rest' || part.kind === 'loose' ? 'text' : part.kind) : `text in ${part.close === ']' ? 'brackets' : 'quotes'}`
  return faultOf('field_syntax', what, line.slice(at).trimStart(), part.name)
}

function faultOf(rule: string, expected: string, found: string, path?: string): { readonly fault: Fault } {
  return { fault: { rule, path, expected, found: clip(found) } }
}

/**
 * The parts of a line by a template of `$name` or `${name}` and the text around them, as nginx writes its formats.
 *
 * @throws OcsfLakeError `option_invalid` when it names no field, one twice, or two with nothing between them
 */
export function partsOfTemplate(template: string, kindOf: (name: string) => ValueKind): readonly Part[] {
  const parts: Part[] = []
  const seen = new Set<string>()
  const text = template.split(/\$(?:\{(\w+)\}|(\w+))/)
  for (let i = 0; i + 2 < text.length; i += 3) {
    const name = (text[i + 1] ?? text[i + 2])!
    if (seen.has(name)) throw invalidTemplate(template, `names ${name} twice`)
    seen.add(name)
    const before = text[i]!
    const after = text[i + 3]!
    const close = after.startsWith('"') || after.startsWith(']') ? after.slice(0, 1) : ''
    const lead = i === 0 ? before : before.slice(parts.at(-1)!.close.length)
    if (i > 0 && before === '') throw invalidTemplate(template, `has nothing between ${parts.at(-1)!.name} and ${name}`)
    parts.push({
      name,
      kind: kindOf(name),
      lead,
      close,
      spaces: close !== '' ? undefined : name.startsWith('upstream_') ? 'list' : name === 'remote_user' ? 'any' : undefined,
    })
  }
  if (parts.length === 0) throw invalidTemplate(template, 'names no field')
  return parts
}

function invalidTemplate(template: string, why: string): OcsfLakeError {
  return new OcsfLakeError('option_invalid', `The log format ${clip(template)} ${why}: write each field once as $name, with the text of the log between them.`)
}
