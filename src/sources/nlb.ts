/** Network Load Balancer access logs: one record per TLS connection. */
import { type AccessLog, type AccessRow, accessLogDecoder, spaced } from '../decode/access-log.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { msFromIso } from '../ocsf/time.js'
import { cloudCache, firstLine, protocolVersion } from './aws/flow-log.js'
import { gather, gathered, keep } from './aws/gathered.js'
import { balancerName, clientMissing, ipAndPort, ownerOf, recogniseBalancer, timeMissing, trafficOf } from './aws/load-balancer.js'
import { remembered } from './aws/remembered.js'
import type { Source } from './source.js'

const FIELDS = {
  type: 'text',
  version: 'text',
  time: 'text',
  elb: 'text',
  listener: 'text',
  'client:port': 'text',
  'destination:port': 'text',
  connection_time: 'integer',
  tls_handshake_time: 'integer',
  received_bytes: 'long',
  sent_bytes: 'long',
  incoming_tls_alert: 'integer',
  chosen_cert_arn: 'text',
  chosen_cert_serial: 'rest',
  tls_cipher: 'text',
  tls_protocol_version: 'text',
  tls_named_group: 'rest',
  domain_name: 'text',
  alpn_fe_protocol: 'rest',
  alpn_be_protocol: 'rest',
  alpn_client_preference_list: 'loose',
  // behind the 21 of version 2.0
  tls_connection_creation_time: 'text',
} as const

const log: AccessLog = { record: 'an NLB access log record', parts: spaced(FIELDS), least: 21 }

/** A TLS connection. */
export type NlbRecord = AccessRow<typeof FIELDS>

const declared = {
  network_activity: columns('network_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    start_time: true,
    end_time: true,
    duration: true,
    metadata: { product: { name: true, vendor_name: true, feature: { name: true } }, log_version: true },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: { ip: true, port: true },
    dst_endpoint: { ip: true, port: true, uid: true },
    connection_info: { direction_id: true, protocol_num: true, protocol_name: true, protocol_ver_id: true },
    traffic: { bytes_in: true, bytes_out: true, bytes: true },
    tls: {
      version: true,
      cipher: true,
      sni: true,
      alert: true,
      handshake_dur: true,
      tls_extension_list: { type_id: true, data: true },
    },
    load_balancer: { uid: true, name: true },
    app_protocol_name: true,
  }),
}

const PRODUCT = { name: 'Elastic Load Balancing', vendor_name: 'AWS', feature: { name: 'Network Load Balancer' } }
const cloudOf = cloudCache()

/** As other logs write them; anything else stays as it is. */
const TLS_VERSION: ReadonlyMap<string, string> = new Map([
  ['tlsv10', 'TLSv1'],
  ['tlsv11', 'TLSv1.1'],
  ['tlsv12', 'TLSv1.2'],
  ['tlsv13', 'TLSv1.3'],
])

export const nlb: Source<NlbRecord, typeof declared> = {
  id: 'nlb',
  title: 'Network Load Balancer access logs',
  spec: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Only TLS listeners write access logs. Records of 21 fields and more are read; unknown trailing fields are in unmapped as field_23 and so on.',
    'time and end_time are the end of the connection, which AWS logs without a zone and means as UTC. dst_endpoint is the listener that the client reached.',
    'tls.version is spelled as in the other logs (TLSv1.2 for tlsv12), tls.sni is the URL-decoded domain_name, and the ALPN list of the client is the TLS extension 16.',
    'A handshake that failed has no TLS version, which OCSF requires: its tls fields are in unmapped.',
  ],

  recognise: head => recogniseBalancer(head.key, ['net'], () => /^tls \d+\.\d+ \d{4}-\d\d-\d\dT\S+ net\/\S+ /.test(firstLine(head))),
  decoder: () => accessLogDecoder(() => log),

  map(record, context) {
    const { elb, listener, chosen_cert_arn: arn, connection_time, tls_connection_creation_time: created } = record
    const time = record.time === undefined ? undefined : msFromIso(record.time)
    if (time === undefined) return timeMissing(record.time)
    const client = ipAndPort(record['client:port'])
    if (client === undefined) return clientMissing(record['client:port'])
    const destination = ipAndPort(record['destination:port'])
    const version = record.tls_protocol_version
    const start = created === undefined ? undefined : msFromIso(created)
    const owner = ownerOf(arn)
    const offered = alpnOf(record.alpn_client_preference_list)
    return {
      // classification
      class_uid: 4001,
      activity_id: 6,
      severity_id: 1,
      // occurrence
      time,
      start_time: start,
      end_time: time,
      duration: connection_time !== undefined && connection_time < 2 ** 31 ? connection_time : undefined,
      // context
      metadata: { product: PRODUCT, log_version: record.version },
      cloud: cloudOf(context.account ?? owner.account, context.region ?? owner.region, undefined),
      // primary
      src_endpoint: client,
      dst_endpoint: { ip: destination?.ip, port: destination?.port, uid: listener ?? (destination === undefined ? elb : undefined) },
      connection_info: { direction_id: 1, protocol_num: 6, protocol_name: 'tcp', protocol_ver_id: protocolVersion(undefined, client.ip) },
      traffic: trafficOf(record.received_bytes, record.sent_bytes),
      tls:
        version === undefined
          ? undefined
          : {
              version: TLS_VERSION.get(version) ?? version,
              cipher: record.tls_cipher,
              sni: decoded(record.domain_name),
              alert: record.incoming_tls_alert,
              handshake_dur: record.tls_handshake_time,
              tls_extension_list: offered,
            },
      load_balancer: { uid: elb, name: elb === undefined ? undefined : balancerName(elb) },
      app_protocol_name: context.version === '1.8.0' ? record.type : undefined,
      // unmapped
      unmapped: leftovers(record, context.version, destination === undefined, start === undefined, offered === undefined),
    }
  },
}

/** The text, URL-decoded where it can be. */
function decoded(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The list of protocols that the client offered, as a TLS extension. */
function alpnOf(list: string | undefined): ReturnType<typeof extensions> | undefined {
  return list === undefined ? undefined : extensions(list, undefined)
}

const extensions = remembered(list => [{ type_id: 16 as const, data: alpnList(list ?? '') }])

/** The protocols in `"h2","http/1.1"`. */
function alpnList(list: string): readonly string[] {
  return list.split(',').map(item => decoded(item.length > 1 && item.startsWith('"') && item.endsWith('"') ? item.slice(1, -1) : item) ?? item)
}

function leftovers(record: NlbRecord, version: OcsfVersion, noDestination: boolean, noStart: boolean, noList: boolean): JsonObject | undefined {
  gather(record.rest)
  if (version !== '1.8.0') keep('type', record.type)
  keep('chosen_cert_arn', record.chosen_cert_arn)
  if (noDestination) keep('destination:port', record['destination:port'])
  if (noStart) keep('tls_connection_creation_time', record.tls_connection_creation_time)
  if (record.tls_protocol_version === undefined) {
    keep('tls_cipher', record.tls_cipher)
    keep('domain_name', record.domain_name)
    keep('incoming_tls_alert', record.incoming_tls_alert)
    keep('tls_handshake_time', record.tls_handshake_time)
    if (!noList) keep('alpn_client_preference_list', record.alpn_client_preference_list)
  }
  if (record.connection_time !== undefined && record.connection_time >= 2 ** 31) keep('connection_time', record.connection_time)
  return gathered()
}
