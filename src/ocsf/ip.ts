/**
 * Which IP version a text is, or `undefined` when it is no address. Stricter than OCSF's `ip_t` regex, whose dots match
 * anything: dotted quads without leading zeros, RFC 4291 text forms, an optional `%zone` behind IPv6, no CIDR, no brackets.
 * At most 40 characters, the limit of `ip_t`.
 */
export function ipVersion(text: string): 4 | 6 | undefined {
  const { length } = text
  if (length < 2 || length > 40) return undefined
  for (let i = 0; i < 5 && i < length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46 /* . */) return isV4(text, 0, length) ? 4 : undefined
    if (code === 58 /* : */) return isV6(text) ? 6 : undefined
  }
  return undefined
}

/** Whether a text is an IPv4 or IPv6 address. */
export function isIp(text: string): boolean {
  return ipVersion(text) !== undefined
}

function isV4(text: string, from: number, to: number): boolean {
  let octets = 0
  let at = from
  while (at < to) {
    let value = 0
    const start = at
    for (; at < to && at - start < 3; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = at - start
    if (digits === 0 || value > 255 || (digits > 1 && text.charCodeAt(start) === 48)) return false
    octets++
    if (at === to) return octets === 4
    if (octets === 4 || text.charCodeAt(at) !== 46) return false
    at++
  }
  return false
}

function isV6(text: string): boolean {
  let end = text.indexOf('%')
  if (end === -1) end = text.length
  else if (!isZone(text, end + 1)) return false
  let groups = 0
  let gap = false
  let at = 0
  if (text.charCodeAt(0) === 58) {
    if (text.charCodeAt(1) !== 58) return false
    gap = true
    at = 2
  }
  while (at < end) {
    const start = at
    while (at < end && isHex(text.charCodeAt(at))) at++
    if (at < end && text.charCodeAt(at) === 46) return isV4(text, start, end) && fits(groups + 2, gap)
    if (at === start || at - start > 4) return false
    groups++
    if (at === end) break
    if (text.charCodeAt(at) !== 58) return false
    at++
    if (at === end) return false
    if (text.charCodeAt(at) === 58) {
      if (gap) return false
      gap = true
      at++
    }
  }
  return fits(groups, gap)
}

/** `::` stands for at least one group. */
function fits(groups: number, gap: boolean): boolean {
  return gap ? groups < 8 : groups === 8
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)
}

function isZone(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const known = (code >= 45 && code <= 58 && code !== 47) || ((code | 32) >= 97 && (code | 32) <= 122)
    if (!known) return false
  }
  return from < text.length
}
