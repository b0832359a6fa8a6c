/** Parts of HTTP events that every access log has: the request line, the URL, the method, the status. */
import { ipIn } from './flow-log.js'
import { remember } from './remembered.js'
import { redactUrl } from './secret-urls.js'

// ---- request ----

const METHODS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'TRACE', 'PATCH'] as const
export type Method = (typeof METHODS)[number]

export interface MethodParts {
  /** Of HTTP Activity: the method, 99 for one that OCSF does not name, 0 without any. */
  readonly activity_id: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 99
  /** The method as it was sent, where the id is 99. */
  readonly activity_name: string | undefined
  readonly http_method: Method | undefined
}

const BY_METHOD: ReadonlyMap<string, MethodParts> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ METHODS.map((method, index) => [
    method,
    // The ids of HTTP Activity count the methods from 1 in this order.
    { activity_id: (index + 1) as MethodParts['activity_id'], activity_name: undefined, http_method: method },
  ]),
)
const NO_METHOD: MethodParts = { activity_id: 0, activity_name: undefined, http_method: undefined }

/** Activity and method of a request. Methods are case-sensitive; what is none of OCSF's becomes the name of activity 99. */
export function methodParts(method: string | undefined): MethodParts {
  if (method === undefined) return NO_METHOD
  return BY_METHOD.get(method) ?? { activity_id: 99, activity_name: method, http_method: undefined }
}

export interface RequestLine {
  readonly method: string | undefined
  /** As it was sent, with any spaces in it. */
  readonly target: string | undefined
  /** `HTTP/1.1`. */
  readonly version: string | undefined
}

/**
 * The parts of `GET /index.html HTTP/1.1`, read from both ends; `-` stands for what is missing. `undefined` for bytes
 * that are no request line (a TLS handshake on a plain port, say).
 */
export function requestLine(line: string): RequestLine | undefined {
  let request = requests.get(line)
  if (request === undefined) {
    request = readRequestLine(line)
    if (request !== undefined) remember(requests, line, request)
  }
  return request
}

// What clients ask for, they ask for again.
const requests = new Map<string, RequestLine>()
const urls = new Map<string, KnownUrl>()

interface KnownUrl {
  readonly host: string | undefined
  readonly scheme: string | undefined
  readonly parts: UrlParts
}

function readRequestLine(line: string): RequestLine | undefined {
  const first = line.indexOf(' ')
  if (first < 1) return undefined
  const method = line.slice(0, first)
  if (!isToken(method)) return undefined
  const trimmed = line.charCodeAt(line.length - 1) === 32 ? line.trimEnd() : line
  const last = trimmed.lastIndexOf(' ')
  const word = trimmed.slice(last + 1)
  const versioned = last > first && (word === '-' || word.startsWith('HTTP/'))
  const target = versioned ? trimmed.slice(first + 1, last) : trimmed.slice(first + 1)
  return {
    method: method === '-' ? undefined : method,
    target: target === '-' || target === '' ? undefined : target,
    version: versioned && word !== '-' ? word : undefined,
  }
}

/** RFC 9110 token of a method that anyone uses: letters, digits, `-`, `_`. */
function isToken(text: string): boolean {
  if (text.length > 32) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const letter = (code | 32) >= 97 && (code | 32) <= 122
    if (!letter && !(code >= 48 && code <= 57) && code !== 45 && code !== 95) return false
  }
  return true
}

// ---- URL ----

export interface UrlParts {
  readonly url_string: string | undefined
  readonly scheme: string | undefined
  readonly hostname: string | undefined
  readonly port: number | undefined
  readonly path: string | undefined
  readonly query_string: string | undefined
}

/**
 * The parts of a request target, absolute (`https://host:443/path?query`) or not (`/path?query`), secrets redacted.
 * `url_string` is the target as it was sent. `host` and `scheme` are what the log says beside it.
 */
export function urlOf(target: string | undefined, host?: string, scheme?: string): UrlParts | undefined {
  if (target === undefined) return undefined
  const known = urls.get(target)
  if (known !== undefined && known.host === host && known.scheme === scheme) return known.parts
  const parts = readUrl(target, host, scheme)
  remember(urls, target, { host, scheme, parts })
  return parts
}

function readUrl(target: string, host: string | undefined, scheme: string | undefined): UrlParts {
  const url = redactUrl(target)
  const colon = url.indexOf('://')
  const absolute = colon > 0 && colon < 12 && isToken(url.slice(0, colon))
  const from = absolute ? colon + 3 : 0
  let path = from
  if (absolute) while (path < url.length && !isEndOfAuthority(url.charCodeAt(path))) path++
  const authority = absolute ? hostAndPort(url.slice(url.lastIndexOf('@', path) > from ? url.lastIndexOf('@', path) + 1 : from, path)) : undefined
  const hash = url.indexOf('#', path)
  const end = hash === -1 ? url.length : hash
  const mark = url.indexOf('?', path)
  const query = mark === -1 || mark > end ? -1 : mark
  const pathText = url.slice(path, query === -1 ? end : query)
  const given = authority === undefined && host !== undefined ? hostAndPort(host) : authority
  return {
    url_string: url,
    scheme: absolute ? url.slice(0, colon) : scheme,
    hostname: given?.hostname,
    port: given?.port,
    path: pathText.startsWith('/') ? pathText : undefined,
    query_string: query === -1 || query + 1 === end ? undefined : url.slice(query + 1, end),
  }
}

function isEndOfAuthority(code: number): boolean {
  return code === 47 || code === 63 || code === 35
}

export interface HostAndPort {
  readonly hostname: string | undefined
  readonly port: number | undefined
}

/** `example.com:443`, `[2001:db8::1]:443`, or an IPv6 address without brackets, whose last colon is before the port. */
export function hostAndPort(text: string): HostAndPort {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    if (end > 0 && ipIn(text.slice(1, end)) !== undefined)
      return { hostname: text.slice(1, end), port: text.charAt(end + 1) === ':' ? portIn(text.slice(end + 2)) : undefined }
  }
  const colon = text.lastIndexOf(':')
  const port = colon === -1 ? undefined : portIn(text.slice(colon + 1))
  const name = port === undefined ? text : text.slice(0, colon)
  return { hostname: isHostLike(name) ? name : undefined, port }
}

/** Something that could be a host: letters, digits, `.`, `-`, `_`, or an IPv6 address. What clients else send stays in the URL. */
function isHostLike(text: string): boolean {
  if (text === '' || text.length > 255) return false
  if (text.includes(':')) return ipIn(text) !== undefined
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const known = (code >= 45 && code <= 57 && code !== 47) || code === 95 || ((code | 32) >= 97 && (code | 32) <= 122)
    if (!known) return false
  }
  return true
}

/** A port, 0 to 65535. */
export function portIn(text: string): number | undefined {
  if (text === '' || text.length > 5) return undefined
  let port = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    port = port * 10 + digit
  }
  return port <= 65535 ? port : undefined
}

/** The addresses of an `X-Forwarded-For` header, client first; `undefined` when anything in it is no address. */
export function forwardedFor(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return undefined
  const ips = header.split(',').map(part => part.trim())
  return ips.every(ip => ipIn(ip) !== undefined) ? ips : undefined
}

// ---- response ----

/** Success below 400, Failure from there, Unknown (0) where no status was logged. */
export function statusId(code: number | undefined): 0 | 1 | 2 {
  if (code === undefined || code < 100) return 0
  return code < 400 ? 1 : 2
}
