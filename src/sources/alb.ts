/** Application Load Balancer access logs (one record per request) and connection logs (one per TLS or TCP connection). */
import { type AccessLog, type AccessRow, accessLogDecoder, readAccessLine, spaced } from '../decode/access-log.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { msFromIso } from '../ocsf/time.js'
import { cloudCache, firstLine, ipIn, protocolVersion } from './aws/flow-log.js'
import { gather, gathered, keep } from './aws/gathered.js'
import { methodParts, portIn, requestLine, statusId, urlOf } from './aws/http.js'
import {
  balancedHttp,
  balancerInKey,
  balancerName,
  clientMissing,
  type IpAndPort,
  ipAndPort,
  metricsOf,
  msOfSeconds,
  ownerOf,
  recogniseBalancer,
  spanOf,
  timeMissing,
  trafficOf,
} from './aws/load-balancer.js'
import { redactUrl } from './aws/secret-urls.js'
import type { Context, Source } from './source.js'

const ACCESS = {
  type: 'text',
  time: 'text',
  elb: 'text',
  'client:port': 'text',
  'target:port': 'text',
  request_processing_time: 'decimal',
  target_processing_time: 'decimal',
  response_processing_time: 'decimal',
  elb_status_code: 'integer',
  target_status_code: 'integer',
  received_bytes: 'long',
  sent_bytes: 'long',
  request: '"text"',
  user_agent: '"text"',
  ssl_cipher: 'text',
  ssl_protocol: 'text',
  target_group_arn: 'text',
  trace_id: '"text"',
  domain_name: '"text"',
  chosen_cert_arn: '"word"',
  matched_rule_priority: 'rest',
  request_creation_time: 'text',
  actions_executed: '"word"',
  redirect_url: '"text"',
  error_reason: '"word"',
  'target:port_list': '"word"',
  target_status_code_list: '"word"',
  classification: '"word"',
  classification_reason: '"word"',
  // behind the 29 of 2019
  conn_trace_id: 'text',
  transformed_host: '"rest"',
  transformed_uri: '"text"',
  request_transform_status: '"word"',
  ip_address: 'text',
} as const
const CONNECTION = {
  timestamp: 'text',
  client_ip: 'text',
  client_port: 'integer',
  listener_port: 'integer',
  tls_protocol: 'text',
  tls_cipher: 'text',
  tls_handshake_latency: 'decimal',
  leaf_client_cert_subject: '"rest"',
  leaf_client_cert_validity: 'rest',
  leaf_client_cert_serial_number: 'rest',
  tls_verify_status: 'text',
  conn_trace_id: 'text',
  tls_keyexchange: 'rest',
} as const

const accessLog: AccessLog = { record: 'an ALB access log record', parts: spaced(ACCESS), least: 29, counts: [29, 30, 33, 34] }
const connectionLog: AccessLog = { record: 'an ALB connection log record', parts: spaced(CONNECTION), least: 11 }
const isDigit = (code: number) => code >= 48 && code <= 57
/** A connection log begins with its time, an access log with the type of the request. */
const layoutOf = (bytes: Uint8Array, start: number): AccessLog => (isDigit(bytes[start]!) && bytes[start + 4] === 45 ? connectionLog : accessLog)

type Access = AccessRow<typeof ACCESS>
type Connection = AccessRow<typeof CONNECTION>
/** A request, or a connection, which alone has a `timestamp`. */
export type AlbRecord = Access & Connection

const declared = {
  http_activity: balancedHttp,
  network_activity: columns('network_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    status_id: true,
    status_code: true,
    metadata: { product: { name: true, vendor_name: true, feature: { name: true } }, correlation_uid: true },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: { ip: true, port: true },
    dst_endpoint: { port: true, svc_name: true },
    connection_info: { direction_id: true, protocol_num: true, protocol_name: true, protocol_ver_id: true },
    tls: { version: true, cipher: true, handshake_dur: true },
    load_balancer: { uid: true, name: true },
  }),
}

const PRODUCT = { name: 'Elastic Load Balancing', vendor_name: 'AWS', feature: { name: 'Application Load Balancer' } }
const cloudOf = cloudCache()
const TIMES = ['request_processing_time', 'target_processing_time', 'response_processing_time']

/** The last action decides: `forward` let the request pass; ending with `waf` means that AWS WAF rejected it. */
const VERDICT: ReadonlyMap<string, 1 | 2> = new Map([
  ['forward', 1],
  ['waf', 2],
])

export const alb: Source<AlbRecord, typeof declared> = {
  id: 'alb',
  title: 'Application Load Balancer access and connection logs',
  spec: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Access logs of 29 fields and more are read; unknown trailing fields are in unmapped as field_35 and so on. AWS does not say how quotes in a user agent are escaped, so a line is read from both ends, and one that two readings fit is rejected.',
    'time is when the response was generated, start_time when the request was created; the three processing times are in load_balancer.metrics as logged, and the time to the first byte of the target also in http_response.latency.',
    'http_response.code is what the balancer answered (0 when it answered nothing), load_balancer.code what the target answered.',
    'The last of actions_executed gives action and disposition: forward is Allowed, waf is Denied and Blocked, anything else (redirect, fixed-response, authenticate) is Other with its name. All of them are in load_balancer.message.',
    'Without a target and a target group (redirects, fixed responses) dst_endpoint.name is the balancer.',
    'Connection logs are Open, or Fail where the client certificate was refused. Certificates are in unmapped: OCSF wants an issuer, which AWS does not log.',
    'Health check logs and the test file are skipped by name.',
  ],
  recognise: head =>
    recogniseBalancer(head.key, ['app', 'conn'], () => {
      const line = firstLine(head)
      if (/^(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT\S+Z app\/\S+ /.test(line)) return true
      return /^\d{4}-\d\d-\d\dT\S+Z \S+ \d+ \d+ (?:TLSv\S+|-) /.test(line) && 'row' in readAccessLine(line, connectionLog)
    }),
  decoder: () => accessLogDecoder(layoutOf),
  map(record, context) {
    return record.timestamp === undefined ? request(record, context) : connection(record, context)
  },
  redact: redactUrl,
}

function request(record: Access, context: Context) {
  const { elb, target_group_arn, trace_id, domain_name, chosen_cert_arn, received_bytes, sent_bytes, ssl_protocol, actions_executed } = record
  const time = record.time === undefined ? undefined : msFromIso(record.time)
  if (time === undefined) return timeMissing(record.time)
  const client = ipAndPort(record['client:port'])
  if (client === undefined) return clientMissing(record['client:port'])
  const start = record.request_creation_time === undefined ? undefined : msFromIso(record.request_creation_time)
  const target = ipAndPort(record['target:port'])
  const line = record.request === undefined ? undefined : requestLine(record.request)
  const { activity_id, activity_name, http_method } = methodParts(line?.method)
  const code = record.elb_status_code
  const arn = target_group_arn ?? chosen_cert_arn
  const owner = ownerOf(arn)
  const last =
    actions_executed === undefined
      ? undefined
      : actions_executed.includes(',')
        ? actions_executed.slice(actions_executed.lastIndexOf(',') + 1)
        : actions_executed
  const verdict = last === undefined ? undefined : (VERDICT.get(last) ?? 99)
  const attempts = attemptsOf(record, target)
  return {
    // classification
    class_uid: 4002,
    activity_id,
    activity_name,
    severity_id: 1,
    // occurrence
    time,
    start_time: start,
    duration: spanOf(start, time),
    status_id: statusId(code),
    status_code: code === undefined ? undefined : String(code),
    // context
    metadata: { product: PRODUCT, correlation_uid: record.conn_trace_id },
    cloud: cloudOf(context.account ?? owner.account, context.region ?? owner.region, undefined),
    // primary
    src_endpoint: client,
    dst_endpoint: {
      ip: target?.ip,
      port: target?.port,
      uid: target_group_arn,
      name: target === undefined && target_group_arn === undefined ? elb : undefined,
    },
    http_request: {
      http_method,
      url: urlOf(line === undefined ? record.request : line.target, domain_name),
      version: line?.version,
      user_agent: record.user_agent,
      uid: trace_id,
    },
    http_response: {
      code: code ?? 0,
      latency: msOfSeconds(record.target_processing_time),
      http_headers: record.redirect_url === undefined ? undefined : [{ name: 'Location', value: redactUrl(record.redirect_url) }],
    },
    traffic: trafficOf(received_bytes, sent_bytes),
    tls: ssl_protocol === undefined ? undefined : { version: ssl_protocol, cipher: record.ssl_cipher, sni: domain_name },
    load_balancer: {
      uid: elb,
      name: elb === undefined ? undefined : balancerName(elb),
      ip: context.version === '1.1.0' ? undefined : ipIn(record.ip_address),
      code: record.target_status_code,
      classification: record.classification,
      status_detail: record.classification_reason,
      message: actions_executed,
      error_message: record.error_reason,
      metrics: metricsOf(TIMES, [record.request_processing_time, record.target_processing_time, record.response_processing_time]),
      endpoint_connections: attempts,
    },
    app_protocol_name: context.version === '1.8.0' ? record.type : undefined,
    // security control
    action_id: verdict,
    action: verdict === 99 ? last : undefined,
    disposition_id: verdict,
    disposition: verdict === 99 ? last : undefined,
    // unmapped
    unmapped: leftovers(record, context.version, target === undefined, start === undefined, attempts === undefined),
  } as const
}

/** One connection per target that was tried, where both lists say the same number of them. */
function attemptsOf(record: Access, target: IpAndPort | undefined) {
  const targets = record['target:port_list']
  const codes = record.target_status_code_list
  if (targets === undefined || codes === undefined) return undefined
  if (targets === record['target:port'] && codes.length === 3) {
    const code = statusIn(codes)
    return target === undefined || code === undefined ? undefined : [{ code, network_endpoint: target }]
  }
  const at = targets.split(' ')
  const status = codes.split(' ')
  if (at.length !== status.length) return undefined
  const attempts = []
  for (let i = 0; i < at.length; i++) {
    const endpoint = ipAndPort(at[i])
    const code = statusIn(status[i]!)
    if (endpoint === undefined || (code === undefined && status[i] !== '-')) return undefined
    attempts.push({ code, network_endpoint: endpoint })
  }
  return attempts
}

/** Three digits. */
function statusIn(text: string): number | undefined {
  return text.length === 3 && isDigit(text.charCodeAt(0)) && isDigit(text.charCodeAt(1)) && isDigit(text.charCodeAt(2)) ? Number(text) : undefined
}

function leftovers(record: Access, version: OcsfVersion, noTarget: boolean, noStart: boolean, noAttempts: boolean): JsonObject | undefined {
  gather(record.rest)
  if (version !== '1.8.0') keep('type', record.type)
  if (noTarget) keep('target:port', record['target:port'])
  if (noStart) keep('request_creation_time', record.request_creation_time)
  if (record.ssl_protocol === undefined) {
    keep('ssl_cipher', record.ssl_cipher)
    keep('domain_name', record.domain_name)
  }
  keep('chosen_cert_arn', record.chosen_cert_arn)
  if (noAttempts) {
    keep('target:port_list', record['target:port_list'])
    keep('target_status_code_list', record.target_status_code_list)
  }
  if (record.transformed_uri !== undefined) keep('transformed_uri', redactUrl(record.transformed_uri))
  keep('request_transform_status', record.request_transform_status)
  if (version === '1.1.0' || ipIn(record.ip_address) === undefined) keep('ip_address', record.ip_address)
  return gathered()
}

function connection(record: Connection, context: Context) {
  const { client_port, listener_port, tls_protocol, tls_verify_status } = record
  const time = record.timestamp === undefined ? undefined : msFromIso(record.timestamp)
  if (time === undefined) return timeMissing(record.timestamp)
  const ip = ipIn(record.client_ip)
  if (ip === undefined || client_port === undefined || portIn(String(client_port)) === undefined)
    return clientMissing(`${record.client_ip ?? '-'} ${client_port ?? '-'}`)
  const refused = tls_verify_status?.startsWith('Failed') === true
  const elb = balancerInKey(context.key)
  const duration = msOfSeconds(record.tls_handshake_latency)
  return {
    // classification
    class_uid: 4001,
    activity_id: refused ? 4 : 1,
    severity_id: 1,
    // occurrence
    time,
    status_id: refused ? 2 : (tls_protocol ?? tls_verify_status) === undefined ? 0 : 1,
    status_code: tls_verify_status,
    // context
    metadata: { product: PRODUCT, correlation_uid: record.conn_trace_id },
    cloud: cloudOf(context.account, context.region, undefined),
    // primary
    src_endpoint: { ip, port: client_port },
    dst_endpoint: { port: listener_port, svc_name: 'elasticloadbalancing' },
    connection_info: { direction_id: 1, protocol_num: 6, protocol_name: 'tcp', protocol_ver_id: protocolVersion(undefined, ip) },
    tls: tls_protocol === undefined ? undefined : { version: tls_protocol, cipher: record.tls_cipher, handshake_dur: duration },
    load_balancer: elb === undefined ? undefined : { uid: elb, name: balancerName(elb) },
    // unmapped
    unmapped: connectionLeftovers(record),
  } as const
}

function connectionLeftovers(record: Connection): JsonObject | undefined {
  gather(record.rest)
  // Exact, where OCSF has whole milliseconds.
  keep('tls_handshake_latency', record.tls_handshake_latency)
  if (record.tls_protocol === undefined) keep('tls_cipher', record.tls_cipher)
  return gathered()
}
