/** What the texts of CloudFront logs say: the name of the file, times, user agents, statuses, headers. */
import { msFromIso } from '../../ocsf/time.js'
import type { Context } from '../source.js'
import type { CloudFrontRecord } from './cloudfront-fields.js'
import { cookieHeader, type Header, headersIn, redactHeaderLines, redactHeaderValue } from './edge-headers.js'
import { forwardedFor, hostAndPort } from './http.js'
import { redactUrl } from './secret-urls.js'
import { whole } from './values.js'

// ---- the name of the file ----

// [prefix/]DISTRIBUTION.YYYY-MM-DD-HH.hash[.gz]
export const FILE = /(?:^|\/)(E[0-9A-Z]{9,20})\.(\d{4}-\d\d-\d\d)-(\d\d)\.[0-9A-Za-z]{6,16}(?:\.|$)/

interface NamedFile {
  readonly distribution: string | undefined
  /** Epoch milliseconds of the hour. */
  readonly hour: number | undefined
}

// The key is the same for all records of an object.
let lastKey: string | undefined
let lastFile: NamedFile = { distribution: undefined, hour: undefined }

/** What the name of a file says. */
export function fileOf(key: string | undefined): NamedFile {
  if (key !== lastKey) {
    const file = key === undefined ? null : FILE.exec(key)
    lastFile = { distribution: file?.[1], hour: file === null ? undefined : msFromIso(`${file[2]}T${file[3]}:00:00Z`) }
    lastKey = key
  }
  return lastFile
}

// ---- cells ----

export const MOST_MS = 8.64e15

/** `date` and `time`, or one of the epoch times, or the hour in the name of the file. */
export function timeOf(record: CloudFrontRecord, { key }: Context): number | undefined {
  const { date, time, timestamp } = record
  const exact = whole(record['timestamp(ms)'], MOST_MS)
  if (exact !== undefined) return exact
  if (date !== undefined && time !== undefined) return timeOfDay(date, time)
  if (timestamp !== undefined) return epochOf(timestamp)
  if (record['timestamp(ms)'] !== undefined || date !== undefined || time !== undefined) return undefined
  return fileOf(key).hour
}

// Many requests come within a second.
let knownDate = ''
let knownClock = ''
let knownMs: number | undefined

function timeOfDay(date: string, clock: string): number | undefined {
  if (clock !== knownClock || date !== knownDate) {
    knownMs = msFromIso(`${date}T${clock}Z`)
    knownDate = date
    knownClock = clock
  }
  return knownMs
}

/** Epoch milliseconds of `1607374218.390`, of whole seconds or milliseconds, or of an ISO time. */
export function epochOf(text: string): number | undefined {
  const point = text.indexOf('.')
  const digits = point === -1 ? text.length : point
  if (secondsIn(text) === undefined || digits > 13 || text.length - digits > 10) return msFromIso(text)
  const number = Number(text)
  return Math.round(number >= 1e11 ? number : number * 1000)
}

const ENCODED = /%[0-9a-fA-F]{2}/

/** Percent-decoded once; as it was, where that is not UTF-8. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A user agent, which some logs have encoded twice: one that still has no space, only `%20`, is decoded again. */
function agentText(text: string): string {
  const once = decoded(text)
  return once !== text && ENCODED.test(once) && once.includes('%20') && !once.includes(' ') ? decoded(once) : once
}

// Many requests come from few user agents; the bound is for hostile ones.
const MOST_AGENTS = 4096
const agents = new Map<string, string>()

export function agentIn(text: string): string {
  let agent = agents.get(text)
  if (agent === undefined) {
    agent = redactUrl(agentText(text))
    if (agents.size === MOST_AGENTS) agents.clear()
    if (text.length < 1024) agents.set(text, agent)
  }
  return agent
}

/** Seconds with a fraction, as they were logged. */
export function secondsIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  let point = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46 && point === -1) point = i
    else if (code < 48 || code > 57) return undefined
  }
  return point === 0 || point === text.length - 1 || text === '' ? undefined : text
}

/** A status of three digits. */
export function codeIn(text: string | undefined): number | undefined {
  if (text?.length !== 3) return undefined
  const code = Number(text)
  return code >= 0 && code <= 999 && secondsIn(text) !== undefined && !text.includes('.') ? code : undefined
}

// A log is one distribution's, which has few names.
let lastWritten: string | undefined
let lastName: string | undefined

/** A host name without a port. */
export function nameIn(written: string | undefined): string | undefined {
  if (written !== lastWritten) {
    lastName = written !== undefined && hostAndPort(written).hostname === written ? written : undefined
    lastWritten = written
  }
  return lastName
}

// ---- headers ----

interface Headers {
  readonly headers: readonly Header[] | undefined
  readonly forwarded: readonly string[] | undefined
  /** Header lines that are none. */
  readonly homeless: string | undefined
}
const NO_HEADERS: Headers = { headers: undefined, forwarded: undefined, homeless: undefined }

export function headersOf(record: CloudFrontRecord): Headers {
  const cookie = record['cs-cookie']
  const accept = record['cs-accept']
  const encoding = record['cs-accept-encoding']
  const written = record['x-forwarded-for']
  const all = record['cs-headers']
  if ((cookie ?? accept ?? encoding ?? written ?? all) === undefined) return NO_HEADERS
  const headers: Header[] = []
  if (cookie !== undefined) headers.push(cookieHeader(cookie))
  const lines = all === undefined ? undefined : headersIn(decoded(all))
  addHeader(headers, lines, 'Accept', accept)
  addHeader(headers, lines, 'Accept-Encoding', encoding)
  const forwarded = forwardedFor(written === undefined ? undefined : decoded(written))
  if (forwarded === undefined) addHeader(headers, lines, 'X-Forwarded-For', written)
  if (lines !== undefined) for (const header of lines) headers.push(header)
  return {
    headers: headers.length === 0 ? undefined : headers,
    forwarded,
    homeless: all !== undefined && lines === undefined ? redactHeaderLines(all) : undefined,
  }
}

/** Adds a header that the lines do not have. */
function addHeader(headers: Header[], lines: readonly Header[] | undefined, name: string, written: string | undefined): void {
  if (written === undefined) return
  const lower = name.toLowerCase()
  const value = redactHeaderValue(lower, decoded(written))
  if (lines?.some(line => line.name.toLowerCase() === lower && line.value === value) !== true) headers.push({ name, value })
}
