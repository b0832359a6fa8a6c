/** Headers in CloudFront logs: cookies, and the header lines of real-time logs, without their credentials. */
import { redactUrl } from './secret-urls.js'
import { isHidden, isSecretHeader, REDACTED } from './secrets.js'

export interface Header {
  readonly name: string
  readonly value: string
}

/** The cookie header: that there was one, not what it says. */
export function cookieHeader(cookie: string): Header {
  return { name: 'Cookie', value: isHidden(cookie) ? cookie : REDACTED }
}

/** The value of a header, named in lower case, without its secrets. */
export function redactHeaderValue(lower: string, value: string): string {
  return isSecretHeader(lower) ? (isHidden(value) ? value : REDACTED) : redactUrl(value)
}

/** Headers of `Name:value` lines; `undefined` when a line is none. */
export function headersIn(text: string): readonly Header[] | undefined {
  const headers: Header[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    const name = line.slice(0, colon)
    headers.push({ name, value: redactHeaderValue(name.trim().toLowerCase(), line.slice(colon + 1).trim()) })
  }
  return headers.length === 0 ? undefined : headers
}

const LINE_END = /((?:%(?:25)*0d)?%(?:25)*0a|\r?\n)/i

/** Percent-encoded header lines with the credentials in them replaced and nothing else changed. */
export function redactHeaderLines(encoded: string): string {
  return encoded
    .split(LINE_END)
    .map(line => {
      const colon = /:|%(?:25)*3a/i.exec(line)
      if (colon === null) return redactUrl(line)
      const end = colon.index + colon[0].length
      return line.slice(0, end) + redactHeaderValue(line.slice(0, colon.index).trim().toLowerCase(), line.slice(end))
    })
    .join('')
}
