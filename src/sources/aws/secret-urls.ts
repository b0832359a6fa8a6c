/** The rule `secret_redacted` on URLs: presigned requests, tokens and passwords in queries, fragments and user info. */
import { isJsonObject, type Json, put } from '../../json.js'
import { isHidden, REDACTED, SECRET_KEYS, SECRET_PARAMETERS } from './secrets.js'

/** Names that are secrets in a query, though not as a member of an AWS record. */
const MORE = [
  'token',
  'auth_token',
  'session_token',
  'security_token',
  'api_key',
  'apikey',
  'sig',
  'jwt',
  'passwd',
  'pwd',
  'secret',
  'client_assertion',
  'samlresponse',
]
const NAMES: ReadonlySet<string> = /* @__PURE__ */ new Set(/* @__PURE__ */ [SECRET_KEYS, SECRET_PARAMETERS, MORE].flat().map(name => name.toLowerCase()))
const LONGEST_NAME = 32

const USER_INFO = /(:\/\/[^\s/?#"@:]*:)([^\s/?#"@]*)(?=@)/g
/** One character, percent-encoded once or more. */
const ENCODED = /%(?:25)*([0-9a-f]{2})/gi

/**
 * A URL, a query string or a line of text with the values of secret parameters replaced and nothing else changed. Names
 * count without regard to case, and also percent-encoded, once or more; so do parameters of a URL inside a parameter.
 */
export function redactUrl(text: string): string {
  const out = text.includes('@') ? text.replace(USER_INFO, (whole, lead: string, value: string) => (isHidden(value) ? whole : `${lead}${REDACTED}`)) : text
  return out.includes('=') || out.includes('%') ? redactParameters(out) : out
}

function redactParameters(text: string): string {
  const { length } = text
  let out = ''
  let copied = 0
  let name = 0
  let at = 0
  while (at < length) {
    const code = text.charCodeAt(at)
    let next = at + 1
    let kind = code === PERCENT ? 0 : plain(code)
    if (code === PERCENT) {
      next = endOfEncoded(text, at)
      if (next > at + 1) kind = plain(Number.parseInt(text.slice(next - 2, next), 16))
    }
    if (kind === EQUALS) {
      if (isSecret(text, name, at)) {
        const end = endOfValue(text, next, code === PERCENT)
        if (end > next && !isHidden(text.slice(next, end))) {
          out += text.slice(copied, next) + REDACTED
          copied = end
        }
        next = end
      }
      name = next
    } else if (kind === DELIMITER) name = next
    at = next
  }
  return copied === 0 ? text : out + text.slice(copied)
}

const PERCENT = 37
const DELIMITER = 1
const EQUALS = 2

/** What a character means in a query: `?`, `&`, `;`, `#`, quotes and white space part it. */
function plain(code: number): 0 | typeof DELIMITER | typeof EQUALS {
  if (code === 61) return EQUALS
  return code <= 32 || code === 38 || code === 63 || code === 59 || code === 35 || code === 34 || code === 39 || code === 60 || code === 62 ? DELIMITER : 0
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102)
}

/** Where the encoded character at `at` ends (`%26`, `%2526`); `at + 1` when it is none. */
function endOfEncoded(text: string, at: number): number {
  let hex = at + 1
  while (text.startsWith('25', hex) && isHex(text.charCodeAt(hex + 2)) && isHex(text.charCodeAt(hex + 3))) hex += 2
  return isHex(text.charCodeAt(hex)) && isHex(text.charCodeAt(hex + 1)) ? hex + 2 : at + 1
}

/** The value behind a plain `=` ends at a plain delimiter; behind an encoded one also at an encoded delimiter. */
function endOfValue(text: string, from: number, encoded: boolean): number {
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (plain(code) === DELIMITER) return at
    if (code !== PERCENT) {
      at++
      continue
    }
    const end = endOfEncoded(text, at)
    if (encoded && end > at + 1 && plain(Number.parseInt(text.slice(end - 2, end), 16)) === DELIMITER) return at
    at = end
  }
  return text.length
}

function isSecret(text: string, from: number, to: number): boolean {
  if (to - from < 3 || to - from > LONGEST_NAME * 16) return false
  const written = text.slice(from, to)
  const name = written.includes('%') ? written.replace(ENCODED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : written
  return name.length <= LONGEST_NAME && NAMES.has(name.toLowerCase())
}

/** The value with the secrets in the URLs of its texts replaced, at any depth. */
export function redactUrls<T extends Json | undefined>(value: T): T
export function redactUrls(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return redactUrl(value)
  if (Array.isArray(value)) return value.map(item => redactUrls(item as Json))
  if (!isJsonObject(value)) return value
  let out: Record<string, Json | undefined> | undefined
  for (const key of Object.keys(value)) {
    const member = value[key]
    const redacted = redactUrls(member)
    if (redacted === member) continue
    out ??= { ...value }
    put(out, key, redacted)
  }
  return out ?? value
}

const STRINGS = /"(?:[^"\\]|\\.)*"/g

/** JSON text with each string in it, except keys, redacted by itself and nothing else changed; `key` is the one before it. */
export function redactStrings(json: string, redact: (text: string, key: string) => string): string {
  let key = ''
  return json.replace(STRINGS, (literal, at: number) => {
    let next = at + literal.length
    while (json.charCodeAt(next) <= 32) next++
    const value = stringIn(literal)
    if (value === undefined || value === '') return literal
    if (json[next] === ':') {
      key = value
      return literal
    }
    const redacted = redact(value, key)
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
