/** Amazon VPC flow logs: one record per flow, network interface and capture window. */

import { cellsOf, type Row, tableDecoder } from '../decode/table.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { protocolName } from '../ocsf/protocol.js'
import {
  areFlowLogNames,
  cloudCache,
  directionId,
  durationBetween,
  firstLine,
  flowTime,
  hasFlowLogKey,
  ipIn,
  isTransitGateway,
  isTransitGatewayRow,
  metadataCache,
  milliseconds,
  namesIn,
  protocolVersion,
} from './aws/flow-log.js'
import type { Source } from './source.js'

/** The fields of the log format by the version that brought them. */
const FIELDS = {
  // 2: the default format, in its order
  version: 'text',
  'account-id': 'text',
  'interface-id': 'text',
  srcaddr: 'text',
  dstaddr: 'text',
  srcport: 'integer',
  dstport: 'integer',
  protocol: 'integer',
  packets: 'long',
  bytes: 'long',
  start: 'integer',
  end: 'integer',
  action: 'text',
  'log-status': 'text',
  // 3
  'vpc-id': 'text',
  'subnet-id': 'text',
  'instance-id': 'text',
  'tcp-flags': 'integer',
  type: 'text',
  'pkt-srcaddr': 'text',
  'pkt-dstaddr': 'text',
  // 4
  region: 'text',
  'az-id': 'text',
  'sublocation-type': 'rest',
  'sublocation-id': 'rest',
  // 5
  'pkt-src-aws-service': 'text',
  'pkt-dst-aws-service': 'text',
  'flow-direction': 'text',
  'traffic-path': 'integer',
  // 7
  'ecs-cluster-arn': 'rest',
  'ecs-cluster-name': 'rest',
  'ecs-container-instance-arn': 'rest',
  'ecs-container-instance-id': 'rest',
  'ecs-container-id': 'rest',
  'ecs-second-container-id': 'rest',
  'ecs-service-name': 'rest',
  'ecs-task-definition-arn': 'rest',
  'ecs-task-arn': 'rest',
  'ecs-task-id': 'rest',
  // 8
  'reject-reason': 'text',
  // 9
  'resource-id': 'text',
  // 10
  'encryption-status': 'rest',
  // 11
  'instance-tag': 'rest',
  'instance-tag-2': 'rest',
  'interface-tag': 'rest',
  'interface-tag-2': 'rest',
  'asg-tag': 'rest',
  'asg-tag-2': 'rest',
  'interface-type': 'rest',
  'next-hop-interface-id': 'rest',
  'next-hop-subnet-id': 'rest',
  'next-hop-az-id': 'rest',
  'next-hop-vpc-id': 'rest',
  'next-hop-interface-type': 'rest',
} as const

const DEFAULT_FORMAT = Object.keys(FIELDS).slice(0, 14)

/** A flow log record; fields without an OCSF home are under `rest`. */
export type VpcFlowRecord = Row<typeof FIELDS>

const endpoint = {
  ip: true,
  port: true,
  svc_name: true,
  uid: true,
  interface_uid: true,
  instance_uid: true,
  subnet_uid: true,
  vpc_uid: true,
  intermediate_ips: true,
} as const

const declared = {
  network_activity: columns('network_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    start_time: true,
    end_time: true,
    duration: true,
    status_code: true,
    status_detail: true,
    metadata: { product: { name: true, vendor_name: true, version: true, feature: { name: true } } },
    cloud: { provider: true, region: true, zone: true, account: { uid: true } },
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    network_observation_point: { uid: true, interface_uid: true, instance_uid: true, subnet_uid: true, vpc_uid: true },
    connection_info: {
      direction_id: true,
      direction: true,
      boundary_id: true,
      boundary: true,
      protocol_num: true,
      protocol_name: true,
      protocol_ver_id: true,
      protocol_ver: true,
      tcp_flags: true,
    },
    traffic: { bytes: true, packets: true },
    action_id: true,
    action: true,
    disposition_id: true,
    disposition: true,
  }),
}

/** Traffic and Refuse. */
const ACTIVITY: ReadonlyMap<string, 5 | 6> = new Map([
  ['ACCEPT', 6],
  ['REJECT', 5],
])
/** Allowed and Denied as action, Allowed and Blocked as disposition. */
const VERDICT: ReadonlyMap<string, 1 | 2> = new Map([
  ['ACCEPT', 1],
  ['REJECT', 2],
])

/** `traffic-path` to `boundary_id`. */
const BOUNDARY: Readonly<Record<number, 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11>> = { 1: 4, 2: 5, 3: 6, 4: 7, 5: 8, 6: 9, 7: 10, 8: 11 }

const cloudOf = cloudCache()
const metadataOf = metadataCache('Amazon VPC')

/** Where `network_observation_point` exists: the home of an interface that is on neither side for certain. */
const HAS_OBSERVATION_POINT: ReadonlySet<OcsfVersion> = new Set(['1.8.0'])

export const vpcFlow: Source<VpcFlowRecord, typeof declared> = {
  id: 'vpc-flow',
  title: 'Amazon VPC flow logs',
  spec: 'https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'The ids of interface, instance, subnet, VPC and resource go to the endpoint on the side of the interface: dst_endpoint for ingress, src_endpoint for egress. Without flow-direction the side is known only when exactly one address differs from its pkt- twin, since AWS replaces only the address of the interface itself. Else they are in network_observation_point (OCSF 1.8) or under their own names in unmapped.',
    'Placeholders (-) are left out, where the native mapping writes them on (boundary "-", svc_name "-").',
    'Without an action field the event has no action and disposition and is Traffic.',
    'Text without a header line is read by the field names given or, when it fits, as the default format.',
    'Rows without any flow in a format without log-status are filtered as no_flow.',
    'The unknown account of some AWS-made interfaces is replaced by the account of the key or option and kept in unmapped.',
    'Text, CSV, JSON lines, and the Parquet delivery (gzip pages, names with underscores), which gives the same rows of the lake as the text. Counts without an attribute of their own are numbers in unmapped of its events, as in JSON lines.',
  ],

  recognise(head) {
    const line = firstLine(head)
    const names = namesIn(line, FIELDS)
    const cells = cellsOf(line) ?? []
    if (isTransitGateway(names) || isTransitGatewayRow(cells)) return undefined
    if (hasFlowLogKey(head.key)) return 'key'
    return areFlowLogNames(names, FIELDS) || isDefaultRow(cells) ? 'content' : undefined
  },

  decoder: ({ fields }) =>
    tableDecoder({ record: 'a VPC flow log record', fields: FIELDS, implied: cells => (isDefaultRow(cells) ? DEFAULT_FORMAT : undefined) }, fields),

  copies: {
    fields: [
      ...['account-id', 'interface-id', 'instance-id', 'subnet-id', 'vpc-id', 'resource-id', 'az-id', 'reject-reason'],
      ...['srcport', 'dstport', 'packets', 'bytes', 'tcp-flags', 'pkt-src-aws-service', 'pkt-dst-aws-service'],
    ],
    except: ['unknown'],
    addresses: ['srcaddr', 'dstaddr', 'pkt-srcaddr', 'pkt-dstaddr'],
    seconds: ['start', 'end'],
  },

  map(record, context) {
    const { start, end, srcaddr, dstaddr, action, rest } = record
    const status = record['log-status']
    if (status === 'NODATA') return { skip: 'nodata' }
    if (status === 'SKIPDATA') return { skip: 'skipdata' }
    if (status === undefined && !hasFlow(record)) return { skip: 'no_flow' }
    const time = flowTime(start, end, context)
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'time', expected: 'start, end or a time in the file name', found: 'none of them' } }

    const pktSrcaddr = record['pkt-srcaddr']
    const pktDstaddr = record['pkt-dstaddr']
    const srcIp = ipIn(pktSrcaddr) ?? ipIn(srcaddr)
    const dstIp = ipIn(pktDstaddr) ?? ipIn(dstaddr)
    const srcVia = srcaddr !== srcIp ? ipIn(srcaddr) : undefined
    const dstVia = dstaddr !== dstIp ? ipIn(dstaddr) : undefined
    const srcService = record['pkt-src-aws-service']
    const dstService = record['pkt-dst-aws-service']
    const side = interfaceSide(record)
    const identified = record['interface-id'] ?? record['instance-id'] ?? record['resource-id']
    if ((srcIp ?? srcService ?? (side === 'src' ? identified : undefined)) === undefined) return endpointMissing('src', pktSrcaddr ?? srcaddr)
    if ((dstIp ?? dstService ?? (side === 'dst' ? identified : undefined)) === undefined) return endpointMissing('dst', pktDstaddr ?? dstaddr)

    const activity = action === undefined ? 6 : (ACTIVITY.get(action) ?? 99)
    const verdict = action === undefined ? undefined : (VERDICT.get(action) ?? 99)
    const versionId = protocolVersion(record.type, srcIp ?? dstIp)
    const direction = directionId(record['flow-direction'])
    const path = record['traffic-path']
    const boundary = path === undefined ? undefined : (BOUNDARY[path] ?? 99)
    const account = record['account-id']
    const observed = side === undefined && identified !== undefined && HAS_OBSERVATION_POINT.has(context.version)
    const other = verdict === 99 ? action : undefined
    return {
      // classification
      class_uid: 4001,
      activity_id: activity,
      activity_name: other,
      severity_id: 1,
      // occurrence
      time,
      start_time: milliseconds(start),
      end_time: milliseconds(end),
      duration: durationBetween(start, end),
      status_code: status,
      status_detail: record['reject-reason'],
      // context
      metadata: metadataOf(record.version),
      cloud: cloudOf(account === undefined || account === 'unknown' ? context.account : account, record.region ?? context.region, record['az-id']),
      // primary
      src_endpoint: endpointOf(srcIp, record.srcport, srcService, srcVia, side === 'src' ? record : undefined),
      dst_endpoint: endpointOf(dstIp, record.dstport, dstService, dstVia, side === 'dst' ? record : undefined),
      network_observation_point: observed ? endpointOf(undefined, undefined, undefined, undefined, record) : undefined,
      connection_info: {
        direction_id: direction,
        direction: direction === 99 ? record['flow-direction'] : undefined,
        boundary_id: boundary,
        boundary: boundary === 99 ? String(path) : undefined,
        protocol_num: record.protocol,
        protocol_name: protocolName(record.protocol),
        protocol_ver_id: versionId,
        protocol_ver: versionId === 99 ? record.type : undefined,
        tcp_flags: record['tcp-flags'],
      },
      traffic: record.bytes === undefined && record.packets === undefined ? undefined : { bytes: record.bytes, packets: record.packets },
      // security control
      action_id: verdict,
      action: other,
      disposition_id: verdict,
      disposition: other,
      // unmapped
      unmapped: leftovers(record, rest, side === undefined && !observed, srcIp, srcVia, dstIp, dstVia),
    }
  },
}

function isDefaultRow(cells: readonly string[]): boolean {
  const status = cells[13]
  return cells.length === 14 && cells[0] === '2' && (status === 'OK' || status === 'NODATA' || status === 'SKIPDATA')
}

/** A window without traffic has `-` in all of these. */
function hasFlow(record: VpcFlowRecord): boolean {
  const { srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, action } = record
  return (srcaddr ?? dstaddr ?? record['pkt-srcaddr'] ?? record['pkt-dstaddr'] ?? srcport ?? dstport ?? protocol ?? packets ?? bytes ?? action) !== undefined
}

/**
 * The side of the interface that recorded the flow: where the traffic went. Else an address tells: AWS writes the
 * interface's own address in place of the packet's, and never changes the far one.
 */
function interfaceSide(record: VpcFlowRecord): 'src' | 'dst' | undefined {
  const direction = record['flow-direction']
  if (direction === 'ingress') return 'dst'
  if (direction === 'egress') return 'src'
  const packetSrc = record['pkt-srcaddr']
  const packetDst = record['pkt-dstaddr']
  const src = packetSrc !== undefined && record.srcaddr !== undefined && packetSrc !== record.srcaddr
  const dst = packetDst !== undefined && record.dstaddr !== undefined && packetDst !== record.dstaddr
  return src === dst ? undefined : src ? 'src' : 'dst'
}

function endpointMissing(side: 'src' | 'dst', found: string | undefined) {
  const expected = `${side}addr, pkt-${side}addr, pkt-${side}-aws-service or an interface on that side`
  return { fault: { rule: 'required_missing', path: `${side}_endpoint`, expected, found: found ?? 'none of them' } }
}

/** `own` is given for the side of the interface that recorded the flow. */
function endpointOf(ip: string | undefined, port: number | undefined, service: string | undefined, via: string | undefined, own: VpcFlowRecord | undefined) {
  return {
    ip,
    port,
    svc_name: service,
    uid: own?.['resource-id'],
    interface_uid: own?.['interface-id'],
    instance_uid: own?.['instance-id'],
    subnet_uid: own?.['subnet-id'],
    vpc_uid: own?.['vpc-id'],
    intermediate_ips: via === undefined ? undefined : [via],
  }
}

/** What found no home in the event; most records of the newer formats have nothing but `rest`. */
function leftovers(
  record: VpcFlowRecord,
  rest: JsonObject | undefined,
  homeless: boolean,
  srcIp: string | undefined,
  srcVia: string | undefined,
  dstIp: string | undefined,
  dstVia: string | undefined,
): JsonObject | undefined {
  const { srcaddr, dstaddr } = record
  const account = record['account-id'] === 'unknown'
  const src = srcaddr !== undefined && srcaddr !== srcIp && srcaddr !== srcVia
  const dst = dstaddr !== undefined && dstaddr !== dstIp && dstaddr !== dstVia
  const pktSrc = record['pkt-srcaddr'] !== undefined && record['pkt-srcaddr'] !== srcIp
  const pktDst = record['pkt-dstaddr'] !== undefined && record['pkt-dstaddr'] !== dstIp
  if (!(homeless || account || src || dst || pktSrc || pktDst)) return rest
  const out: Record<string, JsonObject[string]> = rest === undefined ? {} : { ...rest }
  if (homeless) {
    // each by its name: the default format has an interface without a side in every record
    if (record['interface-id'] !== undefined) out['interface-id'] = record['interface-id']
    if (record['instance-id'] !== undefined) out['instance-id'] = record['instance-id']
    if (record['subnet-id'] !== undefined) out['subnet-id'] = record['subnet-id']
    if (record['vpc-id'] !== undefined) out['vpc-id'] = record['vpc-id']
    if (record['resource-id'] !== undefined) out['resource-id'] = record['resource-id']
  }
  if (account) out['account-id'] = 'unknown'
  if (src) out.srcaddr = srcaddr
  if (dst) out.dstaddr = dstaddr
  if (pktSrc) out['pkt-srcaddr'] = record['pkt-srcaddr']
  if (pktDst) out['pkt-dstaddr'] = record['pkt-dstaddr']
  return Object.keys(out).length === 0 ? undefined : out
}
