/** Classic Load Balancer access logs: one record per request (HTTP and HTTPS listeners) or connection (TCP and SSL listeners). */
import { type AccessLog, type AccessRow, accessLogDecoder, readAccessLine, spaced } from '../decode/access-log.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { msFromIso } from '../ocsf/time.js'
import { cloudCache, firstLine, protocolVersion } from './aws/flow-log.js'
import { gather, gathered, keep } from './aws/gathered.js'
import { methodParts, requestLine, statusId, urlOf } from './aws/http.js'
import { clientMissing, ipAndPort, metricsOf, msOfSeconds, recogniseBalancer, timeMissing, trafficOf } from './aws/load-balancer.js'
import { redactUrl } from './aws/secret-urls.js'
import type { Context, Source } from './source.js'

const FIELDS = {
  time: 'text',
  elb: 'text',
  'client:port': 'text',
  'backend:port': 'text',
  request_processing_time: 'decimal',
  backend_processing_time: 'decimal',
  response_processing_time: 'decimal',
  elb_status_code: 'integer',
  backend_status_code: 'integer',
  received_bytes: 'long',
  sent_bytes: 'long',
  request: '"text"',
  // behind the 12 of the first format
  user_agent: '"text"',
  ssl_cipher: 'text',
  ssl_protocol: 'text',
} as const

const log: AccessLog = { record: 'a CLB access log record', parts: spaced(FIELDS), least: 12 }

/** A request or a connection. */
export type ClbRecord = AccessRow<typeof FIELDS>

const metadata = { product: { name: true, vendor_name: true, feature: { name: true } } } as const
const cloud = { provider: true, region: true, account: { uid: true } } as const
const endpoint = { ip: true, port: true, name: true } as const
const traffic = { bytes_in: true, bytes_out: true, bytes: true } as const
const tls = { version: true, cipher: true } as const
const metrics = { name: true, value: true } as const
const declared = {
  http_activity: columns('http_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    status_id: true,
    status_code: true,
    metadata,
    cloud,
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
    },
    http_response: { code: true, latency: true },
    traffic,
    tls,
    load_balancer: { name: true, code: true, metrics },
  }),
  network_activity: columns('network_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    metadata,
    cloud,
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    connection_info: { direction_id: true, protocol_num: true, protocol_name: true, protocol_ver_id: true },
    traffic,
    tls,
    load_balancer: { name: true, code: true, metrics },
  }),
}

const METADATA = { product: { name: 'Elastic Load Balancing', vendor_name: 'AWS', feature: { name: 'Classic Load Balancer' } } }
const cloudOf = cloudCache()
const TIMES = ['request_processing_time', 'backend_processing_time', 'response_processing_time']

export const clb: Source<ClbRecord, typeof declared> = {
  id: 'clb',
  title: 'Classic Load Balancer access logs',
  spec: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Records of TCP and SSL listeners, which have neither a status nor a request, are Network Activity; all others are HTTP Activity.',
    'The three processing times are in load_balancer.metrics as logged; the one of the backend also in http_response.latency, in whole milliseconds.',
    'Records of 12 fields (before user agents and TLS were logged) are read too. The files are not compressed.',
    'Without a backend (none was healthy, or the request was malformed) dst_endpoint.name is the balancer.',
  ],

  recognise: head =>
    recogniseBalancer(head.key, ['classic'], () => {
      const line = firstLine(head)
      return /^\d{4}-\d\d-\d\dT[\d:.]+Z? [A-Za-z0-9-]+ \S+:\d+ (?:-|\S+:\d+) -?[\d.]+ -?[\d.]+ -?[\d.]+ /.test(line) && 'row' in readAccessLine(line, log)
    }),
  decoder: () => accessLogDecoder(() => log),

  map(record, context) {
    const line = record.request === undefined ? undefined : requestLine(record.request)
    const http = record.elb_status_code !== undefined || line === undefined || (line.method ?? line.target ?? line.version) !== undefined
    return http ? request(record, context) : connection(record, context)
  },
  redact: redactUrl,
}

function request(record: ClbRecord, context: Context) {
  const { elb, ssl_protocol, elb_status_code: code } = record
  const time = record.time === undefined ? undefined : msFromIso(record.time)
  if (time === undefined) return timeMissing(record.time)
  const client = ipAndPort(record['client:port'])
  if (client === undefined) return clientMissing(record['client:port'])
  const backend = ipAndPort(record['backend:port'])
  const line = record.request === undefined ? undefined : requestLine(record.request)
  const { activity_id, activity_name, http_method } = methodParts(line?.method)
  return {
    // classification
    class_uid: 4002,
    activity_id,
    activity_name,
    severity_id: 1,
    // occurrence
    time,
    status_id: statusId(code),
    status_code: code === undefined ? undefined : String(code),
    // context
    metadata: METADATA,
    cloud: cloudOf(context.account, context.region, undefined),
    // primary
    src_endpoint: client,
    dst_endpoint: backend ?? { name: elb },
    http_request: { http_method, url: urlOf(line === undefined ? record.request : line.target), version: line?.version, user_agent: record.user_agent },
    http_response: { code: code ?? 0, latency: msOfSeconds(record.backend_processing_time) },
    traffic: trafficOf(record.received_bytes, record.sent_bytes),
    tls: ssl_protocol === undefined ? undefined : { version: ssl_protocol, cipher: record.ssl_cipher },
    load_balancer: balancerOf(record),
    // unmapped
    unmapped: leftovers(record, backend === undefined, undefined),
  } as const
}

function connection(record: ClbRecord, context: Context) {
  const { elb, ssl_protocol } = record
  const time = record.time === undefined ? undefined : msFromIso(record.time)
  if (time === undefined) return timeMissing(record.time)
  const client = ipAndPort(record['client:port'])
  if (client === undefined) return clientMissing(record['client:port'])
  const backend = ipAndPort(record['backend:port'])
  return {
    // classification
    class_uid: 4001,
    activity_id: 6,
    severity_id: 1,
    // occurrence
    time,
    // context
    metadata: METADATA,
    cloud: cloudOf(context.account, context.region, undefined),
    // primary
    src_endpoint: client,
    dst_endpoint: backend ?? { name: elb },
    connection_info: { direction_id: 1, protocol_num: 6, protocol_name: 'tcp', protocol_ver_id: protocolVersion(undefined, client.ip) },
    traffic: trafficOf(record.received_bytes, record.sent_bytes),
    tls: ssl_protocol === undefined ? undefined : { version: ssl_protocol, cipher: record.ssl_cipher },
    load_balancer: balancerOf(record),
    // unmapped
    unmapped: leftovers(record, backend === undefined, record.user_agent),
  } as const
}

function balancerOf(record: ClbRecord) {
  return {
    name: record.elb,
    code: record.backend_status_code,
    metrics: metricsOf(TIMES, [record.request_processing_time, record.backend_processing_time, record.response_processing_time]),
  }
}

/** `agent` is given where the class of the event has no place for it. */
function leftovers(record: ClbRecord, noBackend: boolean, agent: string | undefined): JsonObject | undefined {
  gather(record.rest)
  if (noBackend) keep('backend:port', record['backend:port'])
  if (record.ssl_protocol === undefined) keep('ssl_cipher', record.ssl_cipher)
  keep('user_agent', agent)
  return gathered()
}
