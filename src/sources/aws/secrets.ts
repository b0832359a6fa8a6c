/**
 * The rule `secret_redacted`: credentials that a log can carry are replaced by `REDACTED`. Identifiers (access key ids,
 * ARNs, secret names) stay, and so does what AWS itself has already hidden.
 */
import { isJsonObject, type Json, type JsonObject, put } from '../../json.js'

export const REDACTED = 'REDACTED'

/** Member names, matched whole and without regard to case. */
export const SECRET_KEYS: readonly string[] = [
  // temporary and long-term AWS credentials
  'sessionToken',
  'secretAccessKey',
  'secretKey',
  'securityToken',
  'signinToken',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-credential',
  // passwords
  'password',
  'newPassword',
  'oldPassword',
  'currentPassword',
  'previousPassword',
  'proposedPassword',
  'temporaryPassword',
  'masterUserPassword',
  'adminPassword',
  'userPassword',
  'dbPassword',
  'databasePassword',
  'adminUserPassword',
  'servicePassword',
  'smtpPassword',
  'kmsClientPassword',
  'keyStorePassword',
  'trustStorePassword',
  'passphrase',
  // federation and OAuth
  'SAMLAssertion',
  'webIdentityToken',
  'accessToken',
  'refreshToken',
  'idToken',
  'authToken',
  'authorizationToken',
  'authorizationCode',
  'oauthToken',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'bearerToken',
  'personalAccessToken',
  'clientSecret',
  'secretHash',
  'codeVerifier',
  'deviceCode',
  // one-time codes
  'tokenCode',
  'mfaCode',
  'authenticationCode1',
  'authenticationCode2',
  'confirmationCode',
  'activationCode',
  'secretCode',
  'base32StringSeed',
  // stored secrets and keys
  'secretString',
  'secretBinary',
  'privateKey',
  'keyMaterial',
  'importTokenKeyMaterial',
  'encryptedKeyMaterial',
  'privateKeyPlaintext',
  'plaintext',
  'plaintextDataKey',
  'preSharedKey',
  'sharedSecret',
  'apiKeyValue',
  // instance start-up scripts: AWS removes them from RunInstances for the passwords in them, but not everywhere
  'userData',
]
const LOWER_KEYS = /* @__PURE__ */ new Set(/* @__PURE__ */ SECRET_KEYS.map(key => key.toLowerCase()))

/** Query parameters of URLs. */
export const SECRET_PARAMETERS: readonly string[] = [
  'X-Amz-Security-Token',
  'X-Amz-Signature',
  'X-Amz-Credential',
  'Signature',
  'SigninToken',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
]
const PARAMETER = new RegExp(`((?:[?&]|\\\\u0026)(?:amp;)?(?:${SECRET_PARAMETERS.join('|')})=)([^&#\\s"'<>\\\\]+)`, 'gi')

/** Headers that hold credentials: their values are never kept. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  'cookie',
  'cookie2',
  'set-cookie',
  'authorization',
  'proxy-authorization',
  'x-amz-security-token',
  'x-amz-sso_bearer_token',
  'x-amzn-oidc-data',
  'x-amzn-oidc-accesstoken',
  'x-amzn-mtls-clientcert',
  'x-api-key',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
  'x-id-token',
  'x-refresh-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-session-token',
  'x-vault-token',
  'x-gitlab-token',
  'private-token',
])

/** Whether a header, named in lower case, holds a credential. */
export function isSecretHeader(lower: string): boolean {
  return SECRET_HEADERS.has(lower)
}

// The same few hundred keys come again and again; the bound is for hostile input.
const MOST_REMEMBERED = 4096
const remembered = new Map<string, boolean>()

function isSecretKey(key: string): boolean {
  let secret = remembered.get(key)
  if (secret === undefined) {
    secret = key.length <= 32 && LOWER_KEYS.has(key.toLowerCase())
    if (remembered.size < MOST_REMEMBERED) remembered.set(key, secret)
  }
  return secret
}

const LONGEST_MARK = 30

/** Hidden by AWS, or by us before. */
export function isHidden(value: string): boolean {
  if (value === '' || value === REDACTED) return true
  return (
    (value.length <= LONGEST_MARK || value[0] === '*') &&
    /^(?:\*+|HIDDEN_DUE_TO_SECURITY_REASONS|<?sensitiveDataRemoved>?|<\/?masked>?|\(?redacted\)?)$/i.test(value)
  )
}

/** The value with its secrets replaced, at any depth; the same value when it has none. */
export function redactJson<T extends Json | undefined>(value: T): T
export function redactJson(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) {
    let out: Json[] | undefined
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json
      const redacted = redactJson(item)
      if (redacted !== item) {
        out ??= [...value]
        out[i] = redacted
      }
    }
    return out ?? value
  }
  return isJsonObject(value) ? redactObject(value) : value
}

/** A member's value with its secrets replaced. */
export function redactMember(key: string, value: Json): Json {
  return isSecretKey(key) ? (redactSecret(value) as Json) : redactJson(value) // a value stays a value
}

function redactObject(object: JsonObject): JsonObject {
  let out: Record<string, Json | undefined> | undefined
  for (const key in object) {
    const member = object[key]
    const redacted = isSecretKey(key) ? redactSecret(member) : redactJson(member)
    if (redacted !== member) {
      out ??= { ...object }
      put(out, key, redacted)
    }
  }
  return out ?? object
}

function redactSecret(value: Json | undefined): Json | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (typeof value === 'string' && isHidden(value)) return value
  return REDACTED
}

// A key and what leads to its value. The quotes are escaped as often as the JSON stands inside JSON strings; one of
// them, or the colon, may be missing where the JSON is broken. Each letter may be written as \u00xx.
const letter = (char: string): string => {
  const codes = [...new Set([char.toLowerCase(), char.toUpperCase()])].map(c => c.charCodeAt(0).toString(16)).join('|')
  return `(?:${char}|\\\\+u00(?:${codes}))`
}
function keyPattern(keys: readonly string[]): RegExp {
  const space = String.raw`(?:\s|\\+[nrt])*`
  return new RegExp(String.raw`(?<![\w-])(?:${keys.join('|')})(?:(\\*)"(?:${space}:${space}|${space}(?=\\*"))|\\*${space}:${space}(?=\\*"))`, 'gi')
}
const PLAIN_KEY = /* @__PURE__ */ keyPattern(SECRET_KEYS)
// made when first needed: whoever imports a mapper would wait for its thousand letters
let escapedKey: RegExp | undefined
const ESCAPED_QUOTE = /(\\+)u0022/g

/**
 * Text with its secrets replaced and nothing else changed: JSON, JSON inside strings, URLs, and JSON that is broken.
 * Where the end of a secret cannot be found, everything behind it goes too.
 */
export function redactText(text: string): string {
  // a quote written as \u0022 says the same as \"
  const quoted =
    text.includes('\\') && text.includes('u0022') ? text.replace(ESCAPED_QUOTE, (_, escapes: string) => `${'\\'.repeat(2 * escapes.length - 1)}"`) : text
  const out = quoted.includes('"') ? redactMembers(quoted) : quoted
  return mayHaveParameters(out) ? out.replace(PARAMETER, (whole, name: string, value: string) => (isHidden(value) ? whole : `${name}${REDACTED}`)) : out
}

/** Whether a text may hold parameters of a URL. */
export function mayHaveParameters(text: string): boolean {
  return text.includes('=') && (text.includes('&') || text.includes('?') || text.includes('\\'))
}

function redactMembers(text: string): string {
  let keys = PLAIN_KEY
  if (text.includes('\\u00')) keys = escapedKey ??= keyPattern(SECRET_KEYS.map(key => [...key].map(letter).join('')))
  let out = ''
  let copied = 0
  keys.lastIndex = 0
  for (let match = keys.exec(text); match !== null; match = keys.exec(text)) {
    const from = match.index + match[0].length
    const to = endOfValue(text, from)
    if (to === from) continue
    const value = text.slice(from, to)
    keys.lastIndex = to
    if (value === 'null' || value === 'true' || value === 'false') continue
    let quote = `${match[1] ?? ''}"`
    const own = /^\\*"/.exec(value)
    if (own !== null) {
      quote = own[0]
      if (value.endsWith(quote) && value.length >= 2 * quote.length && isHidden(value.slice(quote.length, -quote.length))) continue
    }
    out += `${text.slice(copied, from)}${quote}${REDACTED}${quote}`
    copied = to
  }
  return copied === 0 ? text : out + text.slice(copied)
}

/** Where the value at `from` ends: a string, an object or list with all in it, or a bare word. */
function endOfValue(text: string, from: number): number {
  const first = text[from]
  if (first === '{' || first === '[') {
    let depth = 0
    for (let at = from; at < text.length; at++) {
      const char = text[at]
      if (char === '{' || char === '[') depth++
      else if (char === '}' || char === ']') {
        if (--depth === 0) return at + 1
      } else if (char === '"' || char === '\\') {
        const end = endOfString(text, at)
        if (end === at) continue
        at = end - 1
      }
    }
    return text.length
  }
  if (first === '"' || first === '\\') return endOfString(text, from)
  let at = from
  while (at < text.length && !' \t\r\n,}]\\"'.includes(text[at]!)) at++
  return at
}

/** Where the string that opens at `from` ends, its quotes escaped as often as the opening one; `from` when none opens. */
function endOfString(text: string, from: number): number {
  let at = from
  while (text[at] === '\\') at++
  if (text[at] !== '"') return from
  const level = at - from
  let run = 0
  for (at++; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') run++
    else {
      // what is escaped inside the string stands behind more backslashes than the quotes around it
      if (char === '"' && (run < level || (run - level) % (2 * (level + 1)) === 0)) return at + 1
      run = 0
    }
  }
  return text.length
}
