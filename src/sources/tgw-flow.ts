/** AWS Transit Gateway flow logs: one record per flow, gateway attachment and capture window. */

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
import { leftOver, NOTHING } from './aws/values.js'
import type { Source } from './source.js'

/** The fields of the log format; their order is that of the default format. */
const FIELDS = {
  version: 'text',
  'resource-type': 'rest',
  'account-id': 'text',
  'tgw-id': 'text',
  'tgw-attachment-id': 'rest',
  'tgw-src-vpc-account-id': 'text',
  'tgw-dst-vpc-account-id': 'text',
  'tgw-src-vpc-id': 'text',
  'tgw-dst-vpc-id': 'text',
  'tgw-src-subnet-id': 'text',
  'tgw-dst-subnet-id': 'text',
  'tgw-src-eni': 'text',
  'tgw-dst-eni': 'text',
  'tgw-src-az-id': 'text',
  'tgw-dst-az-id': 'text',
  'tgw-pair-attachment-id': 'text',
  srcaddr: 'text',
  dstaddr: 'text',
  srcport: 'integer',
  dstport: 'integer',
  protocol: 'integer',
  packets: 'long',
  bytes: 'long',
  start: 'integer',
  end: 'integer',
  'log-status': 'text',
  type: 'text',
  'packets-lost-no-route': 'rest',
  'packets-lost-blackhole': 'rest',
  'packets-lost-mtu-exceeded': 'rest',
  'packets-lost-ttl-expired': 'rest',
  'tcp-flags': 'integer',
  region: 'text',
  'flow-direction': 'text',
  'pkt-src-aws-service': 'text',
  'pkt-dst-aws-service': 'text',
} as const

const DEFAULT_FORMAT = Object.keys(FIELDS)

/** A flow log record; fields without an OCSF home are under `rest`. */
export type TgwFlowRecord = Row<typeof FIELDS>

const endpoint = {
  ip: true,
  port: true,
  svc_name: true,
  interface_uid: true,
  subnet_uid: true,
  vpc_uid: true,
  zone: true,
  owner: { account: { uid: true } },
} as const

const declared = {
  network_activity: columns('network_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    start_time: true,
    end_time: true,
    duration: true,
    status_code: true,
    metadata: { product: { name: true, vendor_name: true, version: true, feature: { name: true } } },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    network_observation_point: { uid: true },
    connection_info: {
      uid: true,
      direction_id: true,
      direction: true,
      protocol_num: true,
      protocol_name: true,
      protocol_ver_id: true,
      protocol_ver: true,
      tcp_flags: true,
    },
    traffic: { bytes: true, packets: true },
  }),
}

const cloudOf = cloudCache()
const metadataOf = metadataCache('AWS Transit Gateway')

/** Where `network_observation_point` exists: the home of the gateway itself. */
const HAS_OBSERVATION_POINT: ReadonlySet<OcsfVersion> = new Set(['1.8.0'])

export const tgwFlow: Source<TgwFlowRecord, typeof declared> = {
  id: 'tgw-flow',
  title: 'AWS Transit Gateway flow logs',
  spec: 'https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Delivered under the same vpcflowlogs keys as VPC flow logs: told apart by the tgw- names of the header.',
    'The log has no action: every event is Traffic, without the security_control profile. Lost packets are counted in unmapped.',
    'The accounts of the two VPCs are endpoint owners, which OCSF has from 1.3; the gateway is network_observation_point.uid from 1.8, in unmapped as tgw-id before.',
    'The Parquet delivery is read as well and gives the same rows of the lake as the text; its packets-lost counts are numbers in unmapped of the events, as in JSON lines.',
  ],

  recognise(head) {
    const line = firstLine(head)
    const names = namesIn(line, FIELDS)
    if (!isTransitGateway(names) && !isTransitGatewayRow(cellsOf(line) ?? [])) return undefined
    if (hasFlowLogKey(head.key)) return 'key'
    return names.length === 0 || areFlowLogNames(names, FIELDS) ? 'content' : undefined
  },

  decoder: ({ fields }) =>
    tableDecoder(
      {
        record: 'a Transit Gateway flow log record',
        fields: FIELDS,
        implied: cells => (isTransitGatewayRow(cells) ? DEFAULT_FORMAT.slice(0, cells.length) : undefined),
      },
      fields,
    ),

  copies: {
    fields: [
      ...['account-id', 'tgw-id', 'tgw-src-vpc-account-id', 'tgw-dst-vpc-account-id', 'tgw-src-vpc-id', 'tgw-dst-vpc-id'],
      ...['tgw-src-subnet-id', 'tgw-dst-subnet-id', 'tgw-src-eni', 'tgw-dst-eni', 'tgw-src-az-id', 'tgw-dst-az-id', 'tgw-pair-attachment-id'],
      ...['srcport', 'dstport', 'packets', 'bytes', 'tcp-flags', 'pkt-src-aws-service', 'pkt-dst-aws-service'],
    ],
    except: ['unknown'],
    addresses: ['srcaddr', 'dstaddr'],
    seconds: ['start', 'end'],
  },

  map(record, context) {
    const { start, end, srcaddr, dstaddr } = record
    const status = record['log-status']
    if (status === 'NODATA') return { skip: 'nodata' }
    if (status === 'SKIPDATA') return { skip: 'skipdata' }
    if (status === undefined && !hasFlow(record)) return { skip: 'no_flow' }
    const time = flowTime(start, end, context)
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'time', expected: 'start, end or a time in the file name', found: 'none of them' } }

    const srcIp = ipIn(srcaddr)
    const dstIp = ipIn(dstaddr)
    const srcEni = record['tgw-src-eni']
    const dstEni = record['tgw-dst-eni']
    const srcService = record['pkt-src-aws-service']
    const dstService = record['pkt-dst-aws-service']
    if ((srcIp ?? srcEni ?? srcService) === undefined) return endpointMissing('src', srcaddr)
    if ((dstIp ?? dstEni ?? dstService) === undefined) return endpointMissing('dst', dstaddr)

    const versionId = protocolVersion(record.type, srcIp ?? dstIp)
    const direction = directionId(record['flow-direction'])
    const gateway = record['tgw-id']
    const observed = gateway !== undefined && HAS_OBSERVATION_POINT.has(context.version)
    const account = record['account-id']
    return {
      // classification
      class_uid: 4001,
      activity_id: 6,
      severity_id: 1,
      // occurrence
      time,
      start_time: milliseconds(start),
      end_time: milliseconds(end),
      duration: durationBetween(start, end),
      status_code: status,
      // context
      metadata: metadataOf(record.version),
      cloud: cloudOf(account === undefined || account === 'unknown' ? context.account : account, record.region ?? context.region, undefined),
      // primary
      src_endpoint: {
        ip: srcIp,
        port: record.srcport,
        svc_name: srcService,
        interface_uid: srcEni,
        subnet_uid: record['tgw-src-subnet-id'],
        vpc_uid: record['tgw-src-vpc-id'],
        zone: record['tgw-src-az-id'],
        owner: ownerOf(record['tgw-src-vpc-account-id']),
      },
      dst_endpoint: {
        ip: dstIp,
        port: record.dstport,
        svc_name: dstService,
        interface_uid: dstEni,
        subnet_uid: record['tgw-dst-subnet-id'],
        vpc_uid: record['tgw-dst-vpc-id'],
        zone: record['tgw-dst-az-id'],
        owner: ownerOf(record['tgw-dst-vpc-account-id']),
      },
      network_observation_point: observed ? { uid: gateway } : undefined,
      connection_info: {
        uid: record['tgw-pair-attachment-id'],
        direction_id: direction,
        direction: direction === 99 ? record['flow-direction'] : undefined,
        protocol_num: record.protocol,
        protocol_name: protocolName(record.protocol),
        protocol_ver_id: versionId,
        protocol_ver: versionId === 99 ? record.type : undefined,
        tcp_flags: record['tcp-flags'],
      },
      traffic: record.bytes === undefined && record.packets === undefined ? undefined : { bytes: record.bytes, packets: record.packets },
      // unmapped
      unmapped: leftovers(record, observed, srcIp, dstIp),
    }
  },
}

/** A window without traffic has `-` in all of these. */
function hasFlow({ srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes }: TgwFlowRecord): boolean {
  return (srcaddr ?? dstaddr ?? srcport ?? dstport ?? protocol ?? packets ?? bytes) !== undefined
}

function endpointMissing(side: 'src' | 'dst', found: string | undefined) {
  const expected = `${side}addr, tgw-${side}-eni or pkt-${side}-aws-service`
  return { fault: { rule: 'required_missing', path: `${side}_endpoint`, expected, found: found ?? 'none of them' } }
}

function ownerOf(account: string | undefined) {
  return account === undefined ? undefined : { account: { uid: account } }
}

/** What found no home in the event. */
function leftovers(record: TgwFlowRecord, observed: boolean, srcIp: string | undefined, dstIp: string | undefined): JsonObject | undefined {
  return leftOver(record.rest ?? NOTHING, () => false, {
    'tgw-id': observed ? undefined : record['tgw-id'],
    'account-id': record['account-id'] === 'unknown' ? 'unknown' : undefined,
    srcaddr: record.srcaddr === srcIp ? undefined : record.srcaddr,
    dstaddr: record.dstaddr === dstIp ? undefined : record.dstaddr,
  })
}
