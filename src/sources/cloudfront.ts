/** Amazon CloudFront access logs: standard logs (W3C), standard logging v2 (JSON, W3C and plain text), real-time logs. */
import { readObjectKey } from '../decode/object-key.js'
import { fieldsIn, w3cDecoder } from '../decode/w3c.js'
import { type Json, type JsonObject, put } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { isoFromMs } from '../ocsf/time.js'
import { type CloudFrontRecord, log, type Name, nameOf } from './aws/cloudfront-fields.js'
import { agentIn, codeIn, decoded, epochOf, FILE, fileOf, headersOf, MOST_MS, nameIn, secondsIn, timeOf } from './aws/cloudfront-values.js'
import { cookieHeader, redactHeaderLines } from './aws/edge-headers.js'
import { cloudCache, ipIn } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { methodParts, statusId, type UrlParts, urlOf } from './aws/http.js'
import { metricsOf, msOfSeconds, trafficOf } from './aws/load-balancer.js'
import { redactStrings, redactUrl } from './aws/secret-urls.js'
import { redactJson } from './aws/secrets.js'
import { whole } from './aws/values.js'
import type { Head, Source } from './source.js'

export type { CloudFrontRecord }

/** Where the cookies stand in a standard log, for a line that comes without its header. */
const STANDARD_COOKIE = 12

const declared = {
  http_activity: columns('http_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    duration: true,
    status_id: true,
    status_code: true,
    status_detail: true,
    metadata: { product: { name: true, vendor_name: true } },
    cloud: { provider: true, account: { uid: true } },
    src_endpoint: { ip: true, name: true, port: true, svc_name: true, location: { country: true }, autonomous_system: { number: true } },
    dst_endpoint: { hostname: true, uid: true, zone: true, svc_name: true },
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
      referrer: true,
      x_forwarded_for: true,
      uid: true,
      http_headers: { name: true, value: true },
    },
    http_response: { code: true, content_type: true, length: true, latency: true },
    traffic: { bytes_in: true, bytes_out: true, bytes: true },
    tls: { version: true, cipher: true },
    load_balancer: { uid: true, name: true, classification: true, status_detail: true, message: true, metrics: { name: true, value: true } },
    action_id: true,
    disposition_id: true,
  }),
}

const METADATA = { product: { name: 'CloudFront', vendor_name: 'AWS' } }
const cloudOf = cloudCache()
const TIMES = ['time-taken', 'time-to-first-byte', 'origin-fbl', 'origin-lbl'] as const
const INFORMATIONAL = 1
const BLOCKED = 2
const MOST_INT = 2 ** 31 - 1
/** Detailed result types of requests that CloudFront refused by a rule; all other errors are faults of one of the two sides. */
const REFUSED: ReadonlySet<string> = new Set(['ClientGeoBlocked', 'InvalidRequestBlocked'])

/** Names that no other extended log file has; at least one of them tells. */
const TELLING = /(?:^|[\s,"])(?:x[-_]edge[-_][\w-]+|x[-_]host[-_]header|fle[-_]status|timestamp\(ms\)|cache[-_]behavior[-_]path[-_]pattern)(?=$|[\s,"])/

export const cloudfront: Source<CloudFrontRecord, typeof declared> = {
  id: 'cloudfront',
  title: 'Amazon CloudFront standard and real-time logs',
  spec: 'https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Standard logs name their fields in a header, in any order and number; so do JSON records. Real-time logs have no header: give their fields in the order of the configuration as context.fields or --fields.',
    'dst_endpoint is the distribution: uid from the record or the key, hostname its own domain name, zone the edge location. http_request.url.hostname is what the viewer asked for.',
    'sc-status 000 (the viewer went away before an answer) is http_response.code 0 with status Unknown; status_code keeps the text.',
    'The user agent, the content type and headers are percent-decoded, a user agent that was encoded twice (%2520) twice; URLs and the referrer stay as they were logged.',
    'load_balancer.classification is x-edge-result-type, message x-edge-response-result-type, status_detail x-edge-detailed-result-type; metrics are the times as logged.',
    'Requests that a geographic restriction or CloudFront itself blocked (ClientGeoBlocked, InvalidRequestBlocked) are Denied and Blocked. What AWS WAF blocked is known to the WAF log only: here it is a 403.',
    'Cookies and credential headers are REDACTED, secret parameters of URLs too. Of real-time headers (cs-headers) each is an http_header.',
    'Without c-ip (fields can be chosen) src_endpoint.svc_name is `viewer`: OCSF 1.1 wants a source. Without any time field, time is the hour in the name of the file.',
  ],

  recognise(head) {
    if (readObjectKey(head.key).service === 'CloudFront' || FILE.test(head.key)) return 'key'
    const names = namesIn(head)
    const known = names.filter(name => nameOf(name) !== undefined).length
    return known >= 3 && known * 2 >= names.length && names.some(name => TELLING.test(name)) ? 'content' : undefined
  },

  decoder: ({ fields }) => w3cDecoder(log, fields),

  map(record, context) {
    const time = timeOf(record, context)
    if (time === undefined) {
      const found = record.date ?? record['timestamp(ms)'] ?? record.timestamp ?? 'none'
      return { fault: { rule: 'time_missing', path: 'time', expected: 'date and time, timestamp(ms) or timestamp', found } }
    }
    const method = record['cs-method']
    const { activity_id, activity_name, http_method } = methodParts(method)
    const host = record['x-host-header'] ?? record['cs-host']
    const url = urlIn(record, host)
    const agent = record['cs-user-agent']
    const { headers, forwarded, homeless } = headersOf(record)
    const status = record['sc-status']
    const code = codeIn(status)
    const detail = record['x-edge-detailed-result-type']
    const uid = record.distributionid ?? record['primary-distribution-id'] ?? fileOf(context.key).distribution
    const result = record['x-edge-result-type']
    const response = record['x-edge-response-result-type']
    const metrics = metricsOf(TIMES, [
      secondsIn(record['time-taken']),
      secondsIn(record['time-to-first-byte']),
      secondsIn(record['origin-fbl']),
      secondsIn(record['origin-lbl']),
    ])
    const hostname = nameIn(record['cs-host'])
    const refused = detail !== undefined && REFUSED.has(detail)
    const type = record['sc-content-type']
    const request = {
      http_method,
      url,
      version: record['cs-protocol-version'],
      user_agent: agent === undefined ? undefined : agentIn(agent),
      referrer: record['cs-referer'] === undefined ? undefined : redactUrl(record['cs-referer']),
      x_forwarded_for: forwarded,
      uid: record['x-edge-request-id'],
      http_headers: headers,
    }
    if ((method ?? url ?? request.version ?? agent ?? request.referrer ?? forwarded ?? request.uid ?? headers) === undefined)
      return { fault: { rule: 'required_missing', path: 'http_request', expected: 'a field of the request', found: 'none' } }
    return {
      // classification
      class_uid: 4002,
      activity_id,
      activity_name,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      duration: msOfSeconds(record['time-taken']),
      status_id: statusId(code),
      status_code: status,
      status_detail: detail,
      // context
      metadata: METADATA,
      cloud: cloudOf(context.account, undefined, undefined),
      // primary
      src_endpoint: viewerOf(record),
      dst_endpoint: {
        hostname,
        uid,
        zone: record['x-edge-location'],
        svc_name: hostname === undefined && uid === undefined ? 'cloudfront' : undefined,
      },
      http_request: request,
      http_response: {
        code: code ?? 0,
        content_type: type === undefined ? undefined : decoded(type),
        length: whole(record['sc-content-len'], MOST_INT),
        latency: msOfSeconds(record['time-to-first-byte']),
      },
      traffic: trafficOf(bytesIn(record['cs-bytes']), bytesIn(record['sc-bytes'])),
      tls: record['ssl-protocol'] === undefined ? undefined : { version: record['ssl-protocol'], cipher: record['ssl-cipher'] },
      load_balancer:
        (result ?? response ?? detail ?? metrics) === undefined
          ? undefined
          : {
              uid,
              name: hostname ?? (uid === undefined ? 'cloudfront' : undefined),
              classification: result,
              status_detail: detail,
              message: response,
              metrics,
            },
      // security control
      action_id: refused ? BLOCKED : undefined,
      disposition_id: refused ? BLOCKED : undefined,
      // unmapped
      unmapped: leftovers(record, time, url, host, uid, hostname, activity_id === 99, code === undefined, homeless),
    }
  },

  redact: redactRaw,
}

// ---- recognition ----

function namesIn(head: Head): readonly string[] {
  const json = firstJson(head)
  if (json !== '') return Array.from(json.slice(0, 16384).matchAll(/"([\w() -]+)"\s*:/g), match => match[1]!)
  for (const line of head.text.split('\n', 5)) {
    const names = fieldsIn(line.trim().replace(/^\uFEFF/, ''))
    if (names !== undefined) return names
  }
  return []
}

function bytesIn(text: string | undefined): number | undefined {
  return whole(text, Number.MAX_SAFE_INTEGER)
}

function viewerOf(record: CloudFrontRecord) {
  const written = record['c-ip']
  const ip = ipIn(written)
  const asn = whole(record.asn, MOST_INT)
  return {
    ip,
    name: ip === undefined ? written : undefined,
    port: whole(record['c-port'], 65535),
    svc_name: written === undefined ? 'viewer' : undefined,
    location: record['c-country'] === undefined ? undefined : { country: record['c-country'] },
    autonomous_system: asn === undefined ? undefined : { number: asn },
  }
}

/** Real-time logs have the query in `cs-uri-stem` already. */
function urlIn(record: CloudFrontRecord, host: string | undefined): UrlParts | undefined {
  const stem = record['cs-uri-stem']
  const query = record['cs-uri-query']
  const scheme = record['cs-protocol']
  if (stem === undefined && query === undefined) return scheme === undefined || host === undefined ? undefined : urlOf(`${scheme}://${host}`)
  return urlOf(query === undefined || stem?.includes('?') === true ? stem : `${stem ?? ''}?${query}`, host, scheme)
}

// ---- unmapped ----

function leftovers(
  record: CloudFrontRecord,
  time: number,
  url: UrlParts | undefined,
  host: string | undefined,
  uid: string | undefined,
  hostname: string | undefined,
  odd: boolean,
  noCode: boolean,
  headers: string | undefined,
): JsonObject | undefined {
  let out: Leftovers
  const { rest, date, timestamp } = record
  if (rest !== undefined) for (const name of Object.keys(rest)) out = kept(out, name, rest[name])
  // the other times, where they say another one
  const exact = record['timestamp(ms)']
  const iso = (exact === undefined && date !== undefined) || (date ?? record.time) === undefined ? undefined : isoFromMs(time)
  if (iso !== undefined && date !== iso.slice(0, 10)) out = kept(out, 'date', date)
  if (record.time !== undefined && (iso === undefined ? record.time.length !== 8 : record.time !== iso.slice(11, 19))) out = kept(out, 'time', record.time)
  if (exact !== undefined && whole(exact, MOST_MS) === undefined) out = kept(out, 'timestamp(ms)', exact)
  if (timestamp !== undefined && (epochOf(timestamp) !== time || /\.\d{4}/.test(timestamp))) out = kept(out, 'timestamp', timestamp)
  out = keptUnlessCount(out, 'c-port', record['c-port'], 65535)
  out = keptUnlessCount(out, 'asn', record.asn, MOST_INT)
  out = keptUnlessCount(out, 'cs-bytes', record['cs-bytes'], Number.MAX_SAFE_INTEGER)
  out = keptUnlessCount(out, 'sc-bytes', record['sc-bytes'], Number.MAX_SAFE_INTEGER)
  out = keptUnlessCount(out, 'sc-content-len', record['sc-content-len'], MOST_INT)
  out = keptUnlessSeconds(out, 'time-taken', record['time-taken'])
  out = keptUnlessSeconds(out, 'time-to-first-byte', record['time-to-first-byte'])
  out = keptUnlessSeconds(out, 'origin-fbl', record['origin-fbl'])
  out = keptUnlessSeconds(out, 'origin-lbl', record['origin-lbl'])
  if (noCode) out = kept(out, 'sc-status', record['sc-status'])
  if (odd) out = kept(out, 'cs-method', record['cs-method'])
  if (record['ssl-protocol'] === undefined) out = kept(out, 'ssl-cipher', record['ssl-cipher'])
  if (record['cs-host'] !== hostname) out = kept(out, 'cs(Host)', record['cs-host'])
  if (host !== undefined && record['x-host-header'] === host && !saysHost(url, host)) out = kept(out, 'x-host-header', host)
  if (url?.scheme !== record['cs-protocol']) out = kept(out, 'cs-protocol', record['cs-protocol'])
  const query = record['cs-uri-query']
  const stem = record['cs-uri-stem']
  if (query !== undefined && stem?.includes('?') === true && !stem.endsWith(`?${query}`)) out = kept(out, 'cs-uri-query', query)
  if (record['primary-distribution-id'] !== uid) out = kept(out, 'primary-distribution-id', record['primary-distribution-id'])
  return kept(out, 'cs-headers', headers)
}

type Leftovers = Record<string, Json | undefined> | undefined

function kept(out: Leftovers, name: string, value: Json | undefined): Leftovers {
  if (value === undefined) return out
  const all = out ?? {}
  put(all, name, typeof value === 'string' ? redactUrl(value) : redactJson(value))
  return all
}

function keptUnlessCount(out: Leftovers, name: Name, value: string | undefined, most: number): Leftovers {
  return value === undefined || whole(value, most) !== undefined ? out : kept(out, name, value)
}

function keptUnlessSeconds(out: Leftovers, name: Name, value: string | undefined): Leftovers {
  return value === undefined || secondsIn(value) !== undefined ? out : kept(out, name, value)
}

function saysHost(url: UrlParts | undefined, host: string): boolean {
  if (url?.hostname === undefined) return false
  return host === url.hostname || host === `${url.hostname}:${url.port}` || host === `[${url.hostname}]:${url.port}`
}

// ---- raw text ----

function redactCell(name: Name | undefined, cell: string): string {
  if (name === 'cs-cookie') return cookieHeader(cell).value
  return name === 'cs-headers' ? redactHeaderLines(cell) : redactUrl(cell)
}

function redactRaw(raw: string, preface?: string): string {
  if (raw.startsWith('{')) return redactStrings(raw, (text, key) => (text === '-' ? text : redactCell(nameOf(key), text)))
  const names = preface === undefined ? undefined : fieldsIn(preface)
  const separator = raw.includes('\t') ? '\t' : raw.includes(' ') ? ' ' : ','
  return raw
    .split(separator)
    .map((cell, i) => {
      if (cell === '-' || cell === '') return cell
      return redactCell(names === undefined ? (i === STANDARD_COOKIE ? 'cs-cookie' : undefined) : nameOf(names[i] ?? ''), cell)
    })
    .join(separator)
}
