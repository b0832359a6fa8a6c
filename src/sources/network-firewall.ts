/** AWS Network Firewall logs: alerts of stateful rules, one-way flows, and TLS inspection, as Suricata's EVE records in an envelope. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { columns, type EventOf } from '../ocsf/columns.js'
import { connectionColumns, connectionOf, dnsOf, endpointColumns, httpOf, long, tlsColumns, tlsOf, urlColumns } from './aws/eve.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { redactUrl } from './aws/secret-urls.js'
import { redactJson, redactText } from './aws/secrets.js'
import { found, keep, leftOver, ms, text, whole, word } from './aws/values.js'
import type { Context, Source, Unmappable } from './source.js'

const metadataColumns = {
  original_time: true,
  logged_time: true,
  product: { name: true, vendor_name: true, feature: { name: true, uid: true } },
} as const
const cloudColumns = { provider: true, region: true, zone: true, account: { uid: true } } as const

const declared = {
  detection_finding: columns('detection_finding')({
    activity_id: true,
    severity_id: true,
    severity: true,
    time: true,
    status_id: true,
    metadata: metadataColumns,
    cloud: cloudColumns,
    finding_info: {
      uid: true,
      title: true,
      created_time: true,
      analytic: { uid: true, name: true, category: true, type_id: true, version: true },
    },
    evidences: {
      src_endpoint: endpointColumns,
      dst_endpoint: endpointColumns,
      connection_info: connectionColumns,
      query: { hostname: true, type: true, packet_uid: true },
      tls: tlsColumns,
      http_request: { http_method: true, url: urlColumns, user_agent: true, referrer: true, version: true },
      http_response: { code: true, content_type: true, length: true },
    },
    action_id: true,
    action: true,
    disposition_id: true,
    disposition: true,
    firewall_rule: { uid: true, name: true, category: true },
  }),
  network_activity: columns('network_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    start_time: true,
    end_time: true,
    duration: true,
    status_id: true,
    status_code: true,
    status_detail: true,
    metadata: metadataColumns,
    cloud: cloudColumns,
    app_name: true,
    app_protocol_name: true,
    src_endpoint: endpointColumns,
    dst_endpoint: endpointColumns,
    connection_info: connectionColumns,
    traffic: { bytes: true, packets: true },
    tls: tlsColumns,
    url: urlColumns,
    action_id: true,
    action: true,
    disposition_id: true,
    disposition: true,
  }),
}

type Finding = EventOf<'detection_finding', (typeof declared)['detection_finding']>
type Activity = EventOf<'network_activity', (typeof declared)['network_activity']>

const INFORMATIONAL = 1
const CREATE = 1
const NEW = 1
const RULE = 1
const TRAFFIC = 6
const FAILURE = 2

/** Suricata counts severities down: 1 is the highest. */
const SEVERITY: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 1: 4, 2: 3, 3: 2, 4: 1 }
const ACTION: ReadonlyMap<string, 1 | 2> = new Map([
  ['allowed', 1],
  ['pass', 1],
  ['alert', 1],
  ['blocked', 2],
  ['drop', 2],
  ['reject', 2],
])
/** Allowed, Blocked, Dropped, Rejected. */
const DISPOSITION: ReadonlyMap<string, 1 | 2 | 6 | 25> = new Map([
  ['allowed', 1],
  ['pass', 1],
  ['alert', 1],
  ['blocked', 2],
  ['drop', 6],
  ['reject', 25],
])

const cloudOf = cloudCache()

/** AWS Network Firewall alert, flow and TLS logs, as JSON lines in S3, CloudWatch Logs or Firehose. */
export const networkFirewall: Source<JsonObject, typeof declared> = {
  id: 'network-firewall',
  lakeName: 'net-firewall',
  title: 'AWS Network Firewall',
  spec: 'https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'An alert is a Detection Finding; flows, TLS inspection and all other event types are Network Activity.',
    'Netflow events go one way: a connection has two of them, joined by connection_info.uid (flow_id).',
    'finding_info.uid is flow_id, tx_id, signature_id and the time of the alert.',
    'Suricata’s severities 1, 2, 3 and 4 are High, Medium, Low and Informational.',
    'A verdict of drop or reject is what became of the packet: Dropped or Rejected, also where the rule that matched only allowed it; what that rule says stays in unmapped.event.alert.action.',
    'The firewall is metadata.product.feature.uid, and app_name of Network Activity. event_timestamp is metadata.logged_time; event.timestamp keeps its microseconds in metadata.original_time.',
    'The region follows from the Availability Zone; the account comes from the key or the options.',
    'tls.version is unknown where the log has none, since OCSF requires it.',
  ],

  recognise(head) {
    if (readObjectKey(head.key).service === 'network-firewall' || head.key.includes('_network-firewall_')) return 'key'
    const record = firstJson(head)
    return /"firewall_name"\s*:/.test(record) && /"event"\s*:\s*\{/.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords(),

  map(record, context) {
    const event = isJsonObject(record.event) ? record.event : undefined
    if (event === undefined) return missing('event', 'an object', record.event)
    const logged = seconds(record.event_timestamp)
    const time = ms(event.timestamp) ?? logged
    if (time === undefined)
      return {
        fault: {
          rule: 'time_missing',
          path: 'event.timestamp',
          expected: 'an ISO 8601 time, or epoch seconds in event_timestamp',
          found: found(event.timestamp),
        },
      }
    return isJsonObject(event.alert) ? finding(record, event, event.alert, time, logged, context) : activity(record, event, time, logged, context)
  },

  redact: raw => redactText(raw.includes('=') ? redactUrl(raw) : raw),
}

function missing(path: string, expected: string, value: Json | undefined): Unmappable {
  return { fault: { rule: 'required_missing', path, expected, found: found(value) } }
}

// ---- alert ----

function finding(record: JsonObject, event: JsonObject, alert: JsonObject, time: number, logged: number | undefined, context: Context): Finding {
  const connection = connectionOf(event)
  const tls = tlsOf(event.tls)
  const http = httpOf(event.http)
  const dns = dnsOf(event.dns)
  const signature = word(alert.signature_id)
  const name = text(alert.signature)
  const category = text(alert.category)
  const level = whole(alert.severity, 2 ** 31 - 1)
  const severity = level === undefined ? 0 : (SEVERITY[level] ?? 99)
  const verdict = isJsonObject(event.verdict) ? text(event.verdict.action) : undefined
  const action = text(alert.action)
  // the verdict is what became of the packet, also where another rule or the default action gave it
  const decided = verdict === 'drop' || verdict === 'reject' ? verdict : (action ?? verdict)
  const action_id = decided === undefined ? 0 : (ACTION.get(decided) ?? 99)
  const disposition_id = decided === undefined ? 0 : (DISPOSITION.get(decided) ?? 99)

  let left = without(connection.rest, isFindingMember)
  let alertLeft = leftOver(alert, (key, value) => (key === 'severity' && level !== undefined) || isAlertMember(key, value))
  // a verdict that says otherwise than the rule
  if (decided !== action && (action === undefined || ACTION.get(action) !== action_id)) alertLeft = keep(alertLeft, 'action', action)
  left = keep(left, 'alert', alertLeft)
  left = keep(left, 'tls', tls.rest)
  left = keep(left, 'http', http.rest)
  left = keep(left, 'dns', dns.rest)
  const { uid, protocol_name, tcp_flags } = connection.connection_info
  const hasEvidence =
    (connection.src_endpoint ?? connection.dst_endpoint ?? uid ?? protocol_name ?? tcp_flags ?? dns.query ?? tls.mapped ?? http.request) !== undefined

  return {
    // classification
    class_uid: 2004,
    activity_id: CREATE,
    severity_id: severity,
    severity: severity === 99 ? String(level) : undefined,
    // occurrence
    time,
    status_id: NEW,
    // context
    metadata: metadataOf(record, event, text(event.event_type) ?? 'alert', logged),
    cloud: cloudFor(record, context),
    // primary
    finding_info: {
      uid: [word(event.flow_id), word(event.tx_id), signature, text(event.timestamp) ?? word(record.event_timestamp)]
        .filter(part => part !== undefined)
        .join('/'),
      title: name ?? (signature === undefined ? 'alert' : `signature ${signature}`),
      created_time: time,
      analytic: signature === undefined && name === undefined ? undefined : { uid: signature, name, category, type_id: RULE, version: word(alert.rev) },
    },
    evidences: hasEvidence
      ? [
          {
            src_endpoint: connection.src_endpoint,
            dst_endpoint: connection.dst_endpoint,
            connection_info: connection.connection_info,
            query: dns.query,
            tls: tls.mapped,
            http_request: http.request,
            http_response: http.response,
          },
        ]
      : undefined,
    // security control
    action_id,
    action: action_id === 99 ? decided : undefined,
    disposition_id,
    disposition: disposition_id === 99 ? decided : undefined,
    firewall_rule: signature === undefined && name === undefined && category === undefined ? undefined : { uid: signature, name, category },
    // unmapped
    unmapped: unmappedOf(record, left),
  }
}

const ALERT_TEXTS = new Set(['action', 'signature', 'category'])
const ALERT_WORDS = new Set(['signature_id', 'rev'])

function isAlertMember(key: string, value: Json): boolean {
  if (typeof value === 'string') return ALERT_TEXTS.has(key) || ALERT_WORDS.has(key)
  return (typeof value === 'number' || typeof value === 'bigint') && ALERT_WORDS.has(key)
}

function isFindingMember(key: string, value: Json): boolean {
  if (key === 'alert' || key === 'tls' || key === 'http' || key === 'dns') return true
  if (key === 'tx_id') return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
  return isEventMember(key, value)
}

// ---- flow, TLS inspection, and what else Suricata logs ----

function activity(record: JsonObject, event: JsonObject, time: number, logged: number | undefined, context: Context): Activity | Unmappable {
  const connection = connectionOf(event)
  const { src_endpoint, dst_endpoint } = connection
  if (src_endpoint === undefined) return missing('event.src_ip', 'an address', event.src_ip)
  if (dst_endpoint === undefined) return missing('event.dest_ip', 'an address', event.dest_ip)
  const flow = isJsonObject(event.netflow) ? event.netflow : isJsonObject(event.flow) ? event.flow : undefined
  const flowName = isJsonObject(event.netflow) ? 'netflow' : 'flow'
  const start = ms(flow?.start)
  const end = ms(flow?.end)
  const bytes = long(flow?.bytes)
  const packets = long(flow?.pkts)
  const tls = tlsOf(event.tls)
  const http = httpOf(event.http)
  // TLS inspection logs name the server beside the record, not in it
  const sni = text(event.sni)
  const error = isJsonObject(event.tls_error) ? text(event.tls_error.error_message) : undefined
  const check = isJsonObject(event.revocation_check) ? event.revocation_check : undefined
  const checkStatus = check === undefined ? undefined : text(check.status)
  const decided = (check === undefined ? undefined : text(check.action)) ?? (isJsonObject(event.verdict) ? text(event.verdict.action) : undefined)
  const verb = decided?.toLowerCase()
  const action_id = verb === undefined ? undefined : (ACTION.get(verb) ?? 99)
  const application = text(event.app_proto)
  const kind = text(event.event_type) ?? (error === undefined && check === undefined && sni === undefined ? undefined : 'tls')

  let left = without(connection.rest, isActivityMember)
  if (flow !== undefined) {
    left = keep(
      left,
      flowName,
      leftOver(
        flow,
        key =>
          (key === 'start' && start !== undefined) ||
          (key === 'end' && end !== undefined) ||
          (key === 'bytes' && bytes !== undefined) ||
          (key === 'pkts' && packets !== undefined),
      ),
    )
    if (flowName === 'netflow') left = keep(left, 'flow', event.flow)
  } else {
    left = keep(left, 'netflow', event.netflow)
    left = keep(left, 'flow', event.flow)
  }
  left = keep(left, 'tls', tls.mapped === undefined || sni === undefined || tls.mapped.sni === undefined ? tls.rest : event.tls)
  left = keep(left, 'http', http.request === undefined ? http.rest : httpLeft(http.value, http.request.url !== undefined))
  left = keep(
    left,
    'tls_error',
    isJsonObject(event.tls_error) ? leftOver(event.tls_error, (key, value) => key === 'error_message' && typeof value === 'string') : event.tls_error,
  )
  left = keep(left, 'revocation_check', check === undefined ? event.revocation_check : leftOver(check, isCheckMember))

  return {
    // classification
    class_uid: 4001,
    activity_id: TRAFFIC,
    severity_id: INFORMATIONAL,
    // occurrence
    time,
    start_time: start,
    end_time: end,
    duration: start !== undefined && end !== undefined && end >= start && end - start < 2 ** 31 ? end - start : undefined,
    status_id: error === undefined ? undefined : FAILURE,
    status_code: checkStatus,
    status_detail: error,
    // context
    metadata: metadataOf(record, event, kind, logged),
    cloud: cloudFor(record, context),
    app_name: text(record.firewall_name),
    app_protocol_name: application,
    // primary
    src_endpoint,
    dst_endpoint,
    connection_info: connection.connection_info,
    traffic: bytes === undefined && packets === undefined ? undefined : { bytes, packets },
    tls: sni === undefined ? tls.mapped : { version: 'unknown', ...tls.mapped, sni },
    url: http.request?.url,
    // security control
    action_id,
    action: action_id === 99 ? decided : undefined,
    disposition_id: verb === undefined ? undefined : (DISPOSITION.get(verb) ?? 99),
    disposition: action_id === 99 ? decided : undefined,
    // unmapped
    unmapped: unmappedOf(record, left),
  }
}

const PARTS = new Set(['netflow', 'flow', 'tls', 'http', 'tls_error', 'revocation_check'])

function isActivityMember(key: string, value: Json): boolean {
  return PARTS.has(key) || (typeof value === 'string' && (key === 'sni' || key === 'app_proto')) || isEventMember(key, value)
}

function isCheckMember(key: string, value: Json): boolean {
  return typeof value === 'string' && (key === 'status' || key === 'action')
}

/** Network Activity has a URL and no request: the rest of `http` stays. */
function httpLeft(http: JsonObject, hasUrl: boolean): Json | undefined {
  return leftOver(http, (key, value) => key === 'url' && hasUrl && typeof value === 'string')
}

// ---- parts of both ----

/** Members of `event` that every class maps. */
function isEventMember(key: string, value: Json): boolean {
  return typeof value === 'string' && (key === 'event_type' || key === 'timestamp')
}

function without(rest: JsonObject | undefined, taken: (key: string, value: Json) => boolean): Record<string, Json | undefined> | undefined {
  return rest === undefined ? undefined : leftOver(rest, taken)
}

function unmappedOf(record: JsonObject, event: JsonObject | undefined): JsonObject | undefined {
  let rest = leftOver(record, isRecordMember)
  if (seconds(record.event_timestamp) === undefined) rest = keep(rest, 'event_timestamp', record.event_timestamp)
  rest = keep(rest, 'event', event)
  return redactJson(rest)
}

function isRecordMember(key: string, value: Json): boolean {
  return key === 'event' || key === 'event_timestamp' || (typeof value === 'string' && (key === 'firewall_name' || key === 'availability_zone'))
}

/** Epoch milliseconds of epoch seconds, which are a number in some logs and a text in others. */
function seconds(value: Json | undefined): number | undefined {
  const number = whole(value, 8.64e12)
  return number === undefined ? undefined : number * 1000
}

interface Product {
  readonly name: 'AWS Network Firewall'
  readonly vendor_name: 'AWS'
  readonly feature: { readonly name: string | undefined; readonly uid: string | undefined } | undefined
}

// Shared between events; the bounds are for hostile input.
const MOST_CACHED = 1000
const products = new Map<string, Product>()
const regions = new Map<string, string | undefined>()

function metadataOf(record: JsonObject, event: JsonObject, kind: string | undefined, logged: number | undefined) {
  const firewall = text(record.firewall_name)
  const key = `${kind ?? ''} ${firewall ?? ''}`
  let product = products.get(key)
  if (product === undefined) {
    if (products.size === MOST_CACHED) products.clear()
    product = {
      name: 'AWS Network Firewall',
      vendor_name: 'AWS',
      feature: kind === undefined && firewall === undefined ? undefined : { name: kind, uid: firewall },
    }
    products.set(key, product)
  }
  return { original_time: text(event.timestamp), logged_time: logged, product }
}

const ZONE = /^[a-z]{2,4}(?:-[a-z]+)+-\d+(?=[a-z]$)/

function cloudFor(record: JsonObject, context: Context) {
  const zone = text(record.availability_zone)
  if (zone === undefined) return cloudOf(context.account, context.region, undefined)
  if (!regions.has(zone)) {
    if (regions.size === MOST_CACHED) regions.clear()
    regions.set(zone, ZONE.exec(zone)?.[0])
  }
  return cloudOf(context.account, regions.get(zone) ?? context.region, zone)
}
