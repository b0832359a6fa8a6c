/** The parts of Suricata's EVE records that AWS Network Firewall writes: endpoints, TLS, HTTP and DNS. */
import { isJsonObject, type Json, type JsonObject, put } from '../../json.js'
import { domainName } from './dns.js'
import { ipIn } from './flow-log.js'
import { methodParts, urlOf } from './http.js'
import { redactUrl } from './secret-urls.js'
import { keep, leftOver, ms, text, whole, word } from './values.js'

type Rest = Record<string, Json | undefined> | undefined

export const endpointColumns = { ip: true, port: true } as const
export const connectionColumns = {
  uid: true,
  direction_id: true,
  protocol_name: true,
  protocol_num: true,
  protocol_ver_id: true,
  tcp_flags: true,
} as const
export const tlsColumns = {
  version: true,
  sni: true,
  ja3_hash: { algorithm_id: true, value: true },
  ja3s_hash: { algorithm_id: true, value: true },
  certificate: {
    subject: true,
    issuer: true,
    serial_number: true,
    created_time: true,
    expiration_time: true,
    fingerprints: { algorithm_id: true, value: true },
  },
} as const
export const urlColumns = { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true } as const

const MD5 = 1
const SHA1 = 2
const MOST_LONG = 2n ** 63n - 1n

/** A count, also beyond 2^53. */
export function long(value: Json | undefined): number | bigint | undefined {
  if (typeof value === 'bigint') return value >= 0n && value <= MOST_LONG ? value : undefined
  return whole(value, Number.MAX_SAFE_INTEGER)
}

// ---- connection ----

const PROTOCOL: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['icmp', 1],
  ['ipv6-icmp', 58],
  ['sctp', 132],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
])

/** The bits of `tcp_flags` that Suricata also writes as members. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ['fin', 1],
  ['syn', 2],
  ['rst', 4],
  ['psh', 8],
  ['ack', 16],
  ['urg', 32],
  ['ecn', 64],
  ['cwr', 128],
])

/** What both classes say of a connection, and the members of the record that this leaves. */
export function connectionOf(event: JsonObject) {
  const srcIp = ipIn(text(event.src_ip))
  const dstIp = ipIn(text(event.dest_ip))
  const srcPort = whole(event.src_port, 65535)
  const dstPort = whole(event.dest_port, 65535)
  const protocol = text(event.proto)
  const name = protocol?.toLowerCase()
  const tcp = isJsonObject(event.tcp) ? event.tcp : undefined
  const flags = hex(tcp?.tcp_flags)
  const ip = srcIp ?? dstIp
  let rest = leftOver(event, isOfConnection)
  if (srcIp === undefined) rest = keep(rest, 'src_ip', event.src_ip)
  if (dstIp === undefined) rest = keep(rest, 'dest_ip', event.dest_ip)
  if (srcPort === undefined || srcIp === undefined) rest = keep(rest, 'src_port', event.src_port)
  if (dstPort === undefined || dstIp === undefined) rest = keep(rest, 'dest_port', event.dest_port)
  if (tcp === undefined) rest = keep(rest, 'tcp', event.tcp)
  else {
    // a flag that the bits say is not said again
    const more = leftOver(tcp, (key, value) => (key === 'tcp_flags' && flags !== undefined) || (value === true && ((flags ?? 0) & (FLAGS.get(key) ?? 0)) !== 0))
    rest = keep(rest, 'tcp', more)
  }
  return {
    // a port alone is no endpoint
    src_endpoint: srcIp === undefined ? undefined : { ip: srcIp, port: srcPort },
    dst_endpoint: dstIp === undefined ? undefined : { ip: dstIp, port: dstPort },
    connection_info: {
      uid: word(event.flow_id),
      direction_id: 0,
      protocol_name: name,
      protocol_num: name === undefined ? undefined : PROTOCOL.get(name),
      protocol_ver_id: ip === undefined ? undefined : ip.includes(':') ? 6 : 4,
      tcp_flags: flags,
    },
    rest,
  } as const
}

function isOfConnection(key: string, value: Json): boolean {
  switch (key) {
    case 'src_ip':
    case 'dest_ip':
    case 'src_port':
    case 'dest_port':
    case 'tcp':
      return true
    case 'proto':
      return typeof value === 'string'
    case 'flow_id':
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    default:
      return false
  }
}

/** `1b` is 27. */
function hex(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > 4) return undefined
  let number = 0
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i) | 32
    const digit = code >= 97 ? code - 87 : code - 48
    if (digit < 0 || digit > 15) return undefined
    number = number * 16 + digit
  }
  return number
}

// ---- TLS ----

export interface TlsParts {
  readonly mapped: ReturnType<typeof mappedTls> | undefined
  readonly rest: Json | undefined
}

/** `tls` of an EVE record. OCSF requires a version: `unknown` where the log has none. */
export function tlsOf(value: Json | undefined): TlsParts {
  if (!isJsonObject(value)) return { mapped: undefined, rest: value }
  const mapped = mappedTls(value)
  const { certificate } = mapped
  const says = certificate !== undefined || (mapped.sni ?? mapped.ja3_hash ?? mapped.ja3s_hash ?? text(value.version)) !== undefined
  let rest: Rest = leftOver(
    value,
    (key, member) => typeof member === 'string' && (key === 'sni' || key === 'version' || (certificate !== undefined && isOfCertificate(key, member))),
  )
  if (rest?.ja3 !== undefined) rest = hashLeft(rest, 'ja3', mapped.ja3_hash !== undefined)
  if (rest?.ja3s !== undefined) rest = hashLeft(rest, 'ja3s', mapped.ja3s_hash !== undefined)
  return { mapped: says ? mapped : undefined, rest }
}

function mappedTls(tls: JsonObject) {
  const issuer = text(tls.issuerdn)
  const serial = text(tls.serial)
  const fingerprint = text(tls.fingerprint)
  return {
    version: text(tls.version) ?? 'unknown',
    sni: text(tls.sni),
    ja3_hash: hashOf(tls.ja3),
    ja3s_hash: hashOf(tls.ja3s),
    // OCSF 1.1 requires all three
    certificate:
      issuer === undefined || serial === undefined || fingerprint === undefined
        ? undefined
        : {
            subject: text(tls.subject),
            issuer,
            serial_number: serial,
            created_time: ms(tls.notbefore),
            expiration_time: ms(tls.notafter),
            fingerprints: [{ algorithm_id: SHA1 as typeof SHA1, value: fingerprint.replaceAll(':', '').toLowerCase() }],
          },
  }
}

function isOfCertificate(key: string, value: Json): boolean {
  if (key === 'notbefore' || key === 'notafter') return ms(value) !== undefined
  return key === 'subject' || key === 'issuerdn' || key === 'serial' || key === 'fingerprint'
}

function hashOf(value: Json | undefined): { readonly algorithm_id: typeof MD5; readonly value: string } | undefined {
  const hash = isJsonObject(value) ? text(value.hash) : undefined
  return hash === undefined ? undefined : { algorithm_id: MD5, value: hash }
}

function hashLeft(rest: Record<string, Json | undefined>, name: string, taken: boolean): Rest {
  const value = rest[name]
  if (!taken || !isJsonObject(value)) return rest
  const { [name]: _, ...others } = rest
  return keep(
    Object.keys(others).length === 0 ? undefined : others,
    name,
    leftOver(value, (key, member) => key === 'hash' && typeof member === 'string'),
  )
}

// ---- HTTP and DNS ----

/** The same texts without the secrets of the URLs in them. */
function redactTexts(object: JsonObject): JsonObject {
  let out: Record<string, Json | undefined> | undefined
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (typeof value !== 'string') continue
    const redacted = redactUrl(value)
    if (redacted === value) continue
    out ??= { ...object }
    put(out, key, redacted)
  }
  return out ?? object
}

/** `http` of an EVE record, the secrets in its URLs redacted. */
export function httpOf(http: Json | undefined) {
  if (!isJsonObject(http)) return { request: undefined, response: undefined, value: undefined, rest: http }
  const value = redactTexts(http)
  const method = methodParts(text(value.http_method))
  const target = text(value.url)
  const hostname = text(value.hostname)
  const url = urlOf(target, hostname)
  const code = whole(value.status, 999)
  const length = whole(value.length, 2 ** 31 - 1)
  const contentType = text(value.http_content_type)
  const taken = (key: string, member: Json): boolean => {
    if (key === 'status') return code !== undefined
    if (key === 'length') return code !== undefined && length !== undefined
    if (typeof member !== 'string') return false
    if (key === 'http_method') return method.http_method !== undefined
    if (key === 'hostname') return url?.hostname === hostname
    if (key === 'http_content_type') return code !== undefined
    return key === 'url' || key === 'http_user_agent' || key === 'http_refer' || key === 'protocol'
  }
  return {
    request: {
      http_method: method.http_method,
      url,
      user_agent: text(value.http_user_agent),
      referrer: text(value.http_refer),
      version: text(value.protocol),
    },
    response: code === undefined ? undefined : { code, content_type: contentType, length },
    value,
    rest: leftOver(value, taken),
  }
}

/** `dns` of an EVE record: the question, where it stands as one. */
export function dnsOf(value: Json | undefined) {
  const name = isJsonObject(value) ? text(value.rrname) : undefined
  if (!isJsonObject(value) || name === undefined) return { query: undefined, rest: value }
  const id = whole(value.id, 65535)
  return {
    query: { hostname: domainName(name), type: text(value.rrtype), packet_uid: id },
    rest: leftOver(value, (key, member) => (key === 'id' && id !== undefined) || (typeof member === 'string' && (key === 'rrname' || key === 'rrtype'))),
  }
}
