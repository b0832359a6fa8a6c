/** What DNS logs of AWS have in common: names, response codes and the transport. */

/** `rcode_id` of OCSF by the words of DNS, upper case. */
const RCODE: ReadonlyMap<string, RcodeId> = new Map<string, RcodeId>([
  ['NOERROR', 0],
  ['FORMERR', 1],
  ['SERVFAIL', 2],
  ['NXDOMAIN', 3],
  ['NOTIMP', 4],
  ['REFUSED', 5],
  ['YXDOMAIN', 6],
  ['YXRRSET', 7],
  ['NXRRSET', 8],
  ['NOTAUTH', 9],
  ['NOTZONE', 10],
  ['DSOTYPENI', 11],
  ['BADVERS', 16],
  ['BADSIG', 16],
  ['BADKEY', 17],
  ['BADTIME', 18],
  ['BADMODE', 19],
  ['BADNAME', 20],
  ['BADALG', 21],
  ['BADTRUNC', 22],
  ['BADCOOKIE', 23],
])

export type RcodeId = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 99

/** `rcode_id` of a response code as logged; 99 for one that OCSF does not know. */
export function rcodeId(rcode: string | undefined): RcodeId | undefined {
  return rcode === undefined ? undefined : (RCODE.get(rcode) ?? RCODE.get(rcode.toUpperCase()) ?? 99)
}

/** A domain name without the dot that only says it is complete; the root stays a dot. */
export function domainName(name: string): string {
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name
}

export interface DnsTransport {
  readonly direction_id: 0
  readonly protocol_name: string
  readonly protocol_num: 6 | 17 | undefined
}

const MOST_CACHED = 256
const transports = new Map<string, DnsTransport>()

/** One `connection_info` per transport (`UDP`, `TCP`), so that equal ones are the same object. */
export function transportOf(word: string | undefined): DnsTransport | undefined {
  if (word === undefined) return undefined
  let transport = transports.get(word)
  if (transport === undefined) {
    if (transports.size === MOST_CACHED) transports.clear()
    const name = word.toLowerCase()
    transport = { direction_id: 0, protocol_name: name, protocol_num: name === 'udp' ? 17 : name === 'tcp' ? 6 : undefined }
    transports.set(word, transport)
  }
  return transport
}
