/** The request in a WAF record: its headers to the attributes that have a name for them, the credentials among them redacted. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import { forwardedFor, type HostAndPort, hostAndPort, type Method, type MethodParts, methodParts, type UrlParts, urlOf } from './http.js'
import { redactUrl } from './secret-urls.js'
import { isHidden, isSecretHeader, REDACTED } from './secrets.js'
import { isBlank, keep, leftOver, text } from './values.js'

export const requestColumns = {
  http_method: true,
  url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
  args: true,
  version: true,
  user_agent: true,
  referrer: true,
  x_forwarded_for: true,
  uid: true,
  body_length: true,
  http_headers: { name: true, value: true },
} as const

export interface Header {
  readonly name: string
  readonly value: string
}

export interface WafRequest {
  readonly method: MethodParts
  /** What the client asked for by `Host`, where it can be a host. */
  readonly host: HostAndPort | undefined
  readonly country: string | undefined
  readonly request: {
    readonly http_method: Method | undefined
    readonly url: UrlParts | undefined
    readonly args: string | undefined
    readonly version: string | undefined
    readonly user_agent: string | undefined
    readonly referrer: string | undefined
    readonly x_forwarded_for: readonly string[] | undefined
    readonly uid: string | undefined
    readonly body_length: number | undefined
    readonly http_headers: readonly Header[] | undefined
  }
  /** Members of `httpRequest` without a home. */
  readonly rest: Record<string, Json | undefined> | undefined
}

type Kind = 'host' | 'user-agent' | 'referer' | 'x-forwarded-for' | 'secret' | 'other'

// Clients spell the same few names in their own case; the bound is for hostile input.
const MOST_REMEMBERED = 4096
const kinds = new Map<string, Kind>()

function kindOf(name: string): Kind {
  let kind = kinds.get(name)
  if (kind === undefined) {
    const lower = name.toLowerCase()
    kind = lower === 'host' || lower === 'user-agent' || lower === 'referer' || lower === 'x-forwarded-for' ? lower : isSecretHeader(lower) ? 'secret' : 'other'
    if (kinds.size < MOST_REMEMBERED && name.length < 100) kinds.set(name, kind)
  }
  return kind
}

interface Headers {
  readonly host: Header | undefined
  readonly userAgent: string | undefined
  readonly referrer: string | undefined
  readonly forwarded: readonly string[] | undefined
  readonly others: Header[] | undefined
  /** What is no header with a name and a value. */
  readonly rest: Json | undefined
}

const NO_HEADERS: Headers = { host: undefined, userAgent: undefined, referrer: undefined, forwarded: undefined, others: undefined, rest: undefined }

/** Of a header that comes twice the first has the attribute; the other stays a header. */
function readHeaders(value: Json | undefined): Headers {
  if (!Array.isArray(value)) return isBlank(value) ? NO_HEADERS : { ...NO_HEADERS, rest: value }
  let host: Header | undefined
  let userAgent: string | undefined
  let referrer: string | undefined
  let forwarded: readonly string[] | undefined
  const others: Header[] = []
  const rest: Json[] = []
  for (const item of value as readonly Json[]) {
    const name = isJsonObject(item) ? text(item.name) : undefined
    const raw = isJsonObject(item) ? text(item.value) : undefined
    if (!isJsonObject(item) || name === undefined || raw === undefined) {
      if (!isBlank(item)) rest.push(item)
      continue
    }
    const left = leftOver(item, isHeaderMember)
    if (left !== undefined) rest.push({ name, ...left })
    const kind = kindOf(name)
    const header = kind === 'secret' ? (isHidden(raw) ? raw : REDACTED) : redactUrl(raw)
    if (kind === 'host' && host === undefined) host = { name, value: header }
    else if (kind === 'user-agent' && userAgent === undefined) userAgent = header
    else if (kind === 'referer' && referrer === undefined) referrer = header
    else {
      if (kind === 'x-forwarded-for' && forwarded === undefined) {
        forwarded = forwardedFor(header)
        if (forwarded !== undefined) continue
      }
      others.push({ name, value: header })
    }
  }
  return { host, userAgent, referrer, forwarded, others: others.length === 0 ? undefined : others, rest: rest.length === 0 ? undefined : rest }
}

function isHeaderMember(key: string, value: Json): boolean {
  return typeof value === 'string' && (key === 'name' || key === 'value')
}

/** Headers as WAF lists those that it inserted, without the values of credentials. */
export function redactHeaders(value: Json | undefined): Json | undefined {
  if (!Array.isArray(value)) return value
  return (value as readonly Json[]).map(item => {
    if (!isJsonObject(item) || typeof item.name !== 'string' || typeof item.value !== 'string' || kindOf(item.name) !== 'secret') return item
    return isHidden(item.value) ? item : { ...item, value: REDACTED }
  })
}

const TEXTS = new Set(['clientIp', 'country', 'uri', 'args', 'httpVersion', 'httpMethod', 'requestId', 'scheme'])

function isMapped(key: string, value: Json): boolean {
  return key === 'headers' || key === 'host' || (typeof value === 'string' && TEXTS.has(key))
}

/** Reads `httpRequest`; `bodySize` is what the record says beside it. */
export function readRequest(http: JsonObject, bodySize: number | undefined): WafRequest {
  const headers = readHeaders(http.headers)
  const method = methodParts(text(http.httpMethod))
  const uri = text(http.uri)
  const rawArgs = text(http.args)
  const args = rawArgs === undefined ? undefined : redactUrl(rawArgs)
  const scheme = text(http.scheme)
  const given = text(http.host)
  const hostText = headers.host?.value ?? given
  const url = urlOf(uri === undefined && args === undefined ? undefined : `${uri ?? ''}${args === undefined ? '' : `?${args}`}`, hostText, scheme)
  const host = hostText === undefined ? undefined : hostAndPort(hostText)
  // what cannot be a host, or is another one than that of an absolute URL, stays a header
  const shown = hostText !== undefined && url !== undefined && host?.hostname !== undefined && url.hostname === host.hostname && url.port === host.port
  const whole = shown && hostText === (host.port === undefined ? host.hostname : `${host.hostname}:${host.port}`)
  let others = headers.others
  if (headers.host !== undefined && !whole) others = [headers.host, ...(others ?? [])]

  // WAF writes the word null where it has no id
  const requestId = http.requestId === 'null' ? undefined : text(http.requestId)

  let rest = leftOver(http, isMapped)
  if (requestId === undefined) rest = keep(rest, 'requestId', text(http.requestId))
  if (given !== hostText || (headers.host === undefined && !whole)) rest = keep(rest, 'host', http.host)
  if (method.activity_id === 99) rest = keep(rest, 'httpMethod', http.httpMethod)
  if (url?.scheme !== scheme) rest = keep(rest, 'scheme', scheme)
  rest = keep(rest, 'headers', headers.rest)
  return {
    method,
    host,
    country: text(http.country),
    request: {
      http_method: method.http_method,
      url,
      args,
      version: text(http.httpVersion),
      user_agent: headers.userAgent,
      referrer: headers.referrer,
      x_forwarded_for: headers.forwarded,
      uid: requestId,
      body_length: bodySize,
      http_headers: others,
    },
    rest,
  }
}

// ---- raw text ----

const STRINGS = /"(?:[^"\\]|\\.)*"/g

/** The record's text without the credentials in its headers and URLs: each JSON string by itself, nothing else changed. */
export function redactRecord(raw: string): string {
  const strings = raw.match(STRINGS) ?? []
  let index = 0
  return raw.replace(STRINGS, literal => {
    const at = index++
    const name =
      strings[at - 1] !== '"value"' ? undefined : strings[at - 3] === '"name"' ? strings[at - 2] : strings[at + 1] === '"name"' ? strings[at + 2] : undefined
    const value = stringIn(literal)
    if (value === undefined) return literal
    const redacted = name !== undefined && kindOf(stringIn(name) ?? '') === 'secret' ? (isHidden(value) ? value : REDACTED) : redactUrl(value)
    return redacted === value ? literal : JSON.stringify(redacted)
  })
}

function stringIn(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string // a JSON string
  } catch {
    return undefined
  }
}
