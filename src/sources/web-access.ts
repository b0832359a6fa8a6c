/** Access logs of web servers: the common and combined formats of nginx and Apache, and any other by its format string. */
import { type AccessFields, type AccessLog, type AccessRow, accessLogDecoder, partsOfTemplate, readAccessLine, spaced } from '../decode/access-log.js'
import { isApacheFormat, templateOfApache } from '../decode/apache-format.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { msFromCommonLog, msFromIso } from '../ocsf/time.js'
import { cloudCache, firstLine, ipIn } from './aws/flow-log.js'
import { gather, gathered, keep } from './aws/gathered.js'
import { forwardedFor, hostAndPort, methodParts, type RequestLine, requestLine, statusId, urlOf } from './aws/http.js'
import { msOfSeconds, trafficOf } from './aws/load-balancer.js'
import { redactUrl } from './aws/secret-urls.js'
import type { Source } from './source.js'

/** The common format, what combined adds to it, and what the stock configuration of nginx adds to that. */
const COMBINED = {
  remote_addr: 'text',
  remote_logname: 'text',
  remote_user: 'text',
  time_local: '[text]',
  request: '"text"',
  status: 'integer',
  body_bytes_sent: 'long',
  http_referer: '"text"',
  http_user_agent: '"text"',
  http_x_forwarded_for: '"text"',
} as const satisfies AccessFields

/** Variables that have a place in OCSF, by the names of nginx; all others are unmapped. */
const VARIABLES = {
  ...COMBINED,
  remote_port: 'integer',
  time_iso8601: 'text',
  msec: 'decimal',
  request_method: 'text',
  request_uri: 'text',
  server_protocol: 'text',
  bytes_sent: 'long',
  request_length: 'long',
  request_time: 'decimal',
  http_host: 'text',
  host: 'text',
  server_name: 'text',
  server_addr: 'text',
  server_port: 'integer',
  scheme: 'text',
  ssl_protocol: 'text',
  ssl_cipher: 'text',
  ssl_server_name: 'text',
  request_id: 'text',
} as const satisfies AccessFields

/** A request. */
export type WebAccessRecord = AccessRow<typeof VARIABLES>

const NAMES: ReadonlySet<string> = new Set(Object.keys(VARIABLES))
const NUMBERS = new Map(Object.entries(VARIABLES).filter((entry): entry is [string, 'integer' | 'long' | 'decimal'] => /integer|long|decimal/.test(entry[1])))
const RECORD = 'a web access log record'

const combined: AccessLog = {
  record: RECORD,
  // A user name comes from the client and may have spaces; the time behind it cannot be mistaken.
  parts: spaced(COMBINED).map(part => (part.name === 'remote_user' ? { ...part, spaces: 'any' } : part)),
  least: 7,
  escaped: true,
}

const declared = {
  http_activity: columns('http_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    duration: true,
    status_id: true,
    status_code: true,
    metadata: { product: { name: true, vendor_name: true }, original_time: true },
    cloud: { provider: true, region: true, account: { uid: true } },
    actor: { user: { name: true } },
    src_endpoint: { ip: true, hostname: true, port: true },
    dst_endpoint: { ip: true, hostname: true, port: true, svc_name: true },
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
      referrer: true,
      x_forwarded_for: true,
      uid: true,
      length: true,
    },
    http_response: { code: true, length: true },
    traffic: { bytes_in: true, bytes_out: true, bytes: true },
    tls: { version: true, cipher: true, sni: true },
  }),
}

const WEB_SERVER = { product: { name: 'Web server', vendor_name: 'Unknown' }, original_time: undefined }
const NGINX = { product: { name: 'nginx', vendor_name: 'nginx' }, original_time: undefined }
const APACHE = { product: { name: 'Apache HTTP Server', vendor_name: 'Apache Software Foundation' }, original_time: undefined }
const SERVICE = { ip: undefined, hostname: undefined, port: undefined, svc_name: 'http' }
const cloudOf = cloudCache()

export const webAccess: Source<WebAccessRecord, typeof declared> = {
  id: 'web-access',
  title: 'nginx and Apache access logs',
  spec: 'https://nginx.org/en/docs/http/ngx_http_log_module.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'The common and the combined format need no option, nor does the main format of the stock nginx configuration (combined and X-Forwarded-For). Any other is read by its format string: the log_format of nginx or the LogFormat of Apache, given as context.logFormat or --log-format.',
    'Both servers escape quotes in what clients send (as \\x22 or \\"); values stay as they were logged. nginx with escape=none is not safe to read.',
    'The servers write local times with their zone; time is UTC, and metadata.original_time has the text where the zone is not +0000.',
    'Without a host in the log or the URL dst_endpoint.svc_name is `http`: OCSF 1.1 wants a destination.',
    'bytes_sent is traffic.bytes_out, body_bytes_sent (%b) http_response.length, request_length traffic.bytes_in.',
    'A request that is no request line (a TLS handshake on a plain port) has no method and stands in url_string as a whole; where nothing was received at all, http_request.length is 0.',
  ],

  recognise(head) {
    const row = readAccessLine(firstLine(head), combined)
    return 'row' in row && / \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/.test(firstLine(head)) ? 'content' : undefined
  },
  decoder({ logFormat }) {
    const log = logFormat === undefined ? combined : layoutOf(logFormat)
    return accessLogDecoder(() => log)
  },

  map(record, context) {
    const { status, remote_addr, remote_user, request_time, ssl_protocol, body_bytes_sent } = record
    const written = record.time_local ?? record.time_iso8601 ?? record.msec
    const time = timeOf(record)
    if (time === undefined) return missing('time', 'time_missing', 'time_local, time_iso8601 or msec', written)
    if (remote_addr === undefined) return missing('src_endpoint', 'required_missing', 'remote_addr', undefined)
    const line = record.request === undefined ? undefined : requestLine(record.request)
    const method = line?.method ?? record.request_method
    const { activity_id, activity_name, http_method } = methodParts(method)
    const host = record.http_host ?? record.host ?? record.server_name
    const target = record.request !== undefined && line === undefined ? record.request : (line?.target ?? record.request_uri)
    const url = urlOf(target, host, record.scheme)
    const ip = ipIn(remote_addr)
    const forwarded = forwardedFor(record.http_x_forwarded_for)
    const version = line?.version ?? record.server_protocol
    const agent = record.http_user_agent
    const referrer = record.http_referer === undefined ? undefined : redactUrl(record.http_referer)
    const metadata = metadataOf(context.logFormat)
    return {
      // classification
      class_uid: 4002,
      activity_id,
      activity_name,
      severity_id: 1,
      // occurrence
      time,
      duration: msOfSeconds(request_time),
      status_id: statusId(status),
      status_code: status === undefined ? undefined : String(status),
      // context
      metadata: written === undefined || isUtc(written) ? metadata : { product: metadata.product, original_time: written },
      cloud: context.account === undefined && context.region === undefined ? undefined : cloudOf(context.account, context.region, undefined),
      actor: remote_user === undefined ? undefined : { user: { name: remote_user } },
      // primary
      src_endpoint: { ip, hostname: ip === undefined ? remote_addr : undefined, port: record.remote_port },
      dst_endpoint: destinationOf(record, url?.hostname ?? (host === undefined ? undefined : hostAndPort(host).hostname)),
      http_request: {
        http_method,
        url,
        version,
        user_agent: agent,
        referrer,
        x_forwarded_for: forwarded,
        uid: record.request_id,
        length: (http_method ?? url ?? version ?? agent ?? referrer ?? forwarded ?? record.request_id) === undefined ? 0 : undefined,
      },
      http_response: { code: status ?? 0, length: typeof body_bytes_sent === 'number' && body_bytes_sent < 2 ** 31 ? body_bytes_sent : undefined },
      traffic: trafficOf(record.request_length, record.bytes_sent),
      tls: ssl_protocol === undefined ? undefined : { version: ssl_protocol, cipher: record.ssl_cipher, sni: record.ssl_server_name },
      // unmapped
      unmapped: leftovers(record, line, forwarded === undefined, url?.hostname, host),
    }
  },
  redact: redactUrl,
}

let lastFormat: string | undefined
let lastMetadata = WEB_SERVER

/** Who writes such a format; the records of one object share theirs. */
function metadataOf(format: string | undefined): typeof WEB_SERVER {
  if (format !== lastFormat) {
    lastFormat = format
    lastMetadata = format === undefined ? WEB_SERVER : isApacheFormat(format) ? APACHE : NGINX
  }
  return lastMetadata
}

/** The layout of a format string; the decoder of one object asks once. */
function layoutOf(format: string): AccessLog {
  const apache = isApacheFormat(format)
  const parts = partsOfTemplate(apache ? templateOfApache(format) : format, name => NUMBERS.get(name) ?? (NAMES.has(name) ? 'text' : 'rest'))
  return { record: RECORD, parts, least: parts.length, escaped: true }
}

function timeOf({ time_local, time_iso8601, msec }: WebAccessRecord): number | undefined {
  if (time_local !== undefined) return msFromCommonLog(time_local)
  if (time_iso8601 !== undefined) return msFromIso(time_iso8601)
  const ms = msec === undefined ? Number.NaN : Math.round(Number(msec) * 1000)
  return Number.isSafeInteger(ms) ? ms : undefined
}

/** Whether a time says nothing that epoch milliseconds do not. */
function isUtc(time: string): boolean {
  return time.endsWith(' +0000') || time.endsWith('+00:00') || time.endsWith('Z') || !time.includes(':')
}

function missing(path: string, rule: string, expected: string, found: string | undefined) {
  return { fault: { rule, path, expected, found: found ?? 'none' } }
}

function destinationOf({ server_addr, server_port }: WebAccessRecord, hostname: string | undefined) {
  const ip = ipIn(server_addr)
  if (ip === undefined && hostname === undefined) return server_port === undefined ? SERVICE : { ...SERVICE, port: server_port }
  return { ip, hostname, port: server_port, svc_name: undefined }
}

function leftovers(
  record: WebAccessRecord,
  line: RequestLine | undefined,
  noForwarded: boolean,
  hostname: string | undefined,
  host: string | undefined,
): JsonObject | undefined {
  gather(record.rest)
  keep('remote_logname', record.remote_logname)
  if (noForwarded) keep('http_x_forwarded_for', record.http_x_forwarded_for)
  if (typeof record.body_bytes_sent === 'bigint' || (record.body_bytes_sent ?? 0) >= 2 ** 31) keep('body_bytes_sent', record.body_bytes_sent)
  // Exact, where OCSF has whole milliseconds.
  keep('request_time', record.request_time)
  if (record.ssl_protocol === undefined) {
    keep('ssl_cipher', record.ssl_cipher)
    keep('ssl_server_name', record.ssl_server_name)
  }
  if (host !== undefined) {
    const shown = hostname !== undefined && hostAndPort(host).hostname === hostname
    if (!shown || record.http_host !== host) keep('http_host', record.http_host)
    if (!shown || record.host !== host) keep('host', record.host)
    if (!shown || record.server_name !== host) keep('server_name', record.server_name)
  }
  if (record.server_addr !== undefined && ipIn(record.server_addr) === undefined) keep('server_addr', record.server_addr)
  if (record.time_local !== undefined) keep('time_iso8601', record.time_iso8601)
  if (record.time_local !== undefined || record.time_iso8601 !== undefined) keep('msec', record.msec)
  if (line?.method !== undefined && record.request_method !== line.method) keep('request_method', record.request_method)
  if (line?.version !== undefined && record.server_protocol !== line.version) keep('server_protocol', record.server_protocol)
  if (line?.target !== undefined && record.request_uri !== undefined && record.request_uri !== line.target) keep('request_uri', redactUrl(record.request_uri))
  return gathered()
}
