/** Amazon Route 53 query logs of public hosted zones: one line per query that an edge location answered. */
import { spaced } from '../decode/access-log.js'
import { accessRows } from '../decode/access-rows.js'
import type { Decoder, Emit } from '../decode/decoder.js'
import { lineSplitter } from '../decode/lines.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { domainName, rcodeId, transportOf } from './aws/dns.js'
import { cloudCache, ipIn, metadataCache } from './aws/flow-log.js'
import { ms, text } from './aws/values.js'
import type { Source } from './source.js'

/** The fields of a line, in order; each stands between single spaces, and none holds one: AWS escapes them in names. */
const FIELDS = [
  'version',
  'query_timestamp',
  'hosted_zone_id',
  'query_name',
  'query_type',
  'response_code',
  'layer_4_protocol',
  'route_53_edge_location',
  'resolver_ip_address',
  'edns_client_subnet',
] as const

/** A line of the log: the fields that say something, and those behind the last known one by their number. */
export interface Route53PublicRecord extends Readonly<Partial<Record<(typeof FIELDS)[number], string>>> {
  /** Epoch milliseconds that an export of CloudWatch Logs puts before the line. */
  readonly logged_time?: number | undefined
  readonly rest?: JsonObject | undefined
}

const declared = {
  dns_activity: columns('dns_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    metadata: { logged_time: true, product: { name: true, vendor_name: true, version: true, feature: { name: true } } },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: { ip: true },
    dst_endpoint: { uid: true, name: true },
    connection_info: { direction_id: true, protocol_name: true, protocol_num: true },
    query: { hostname: true, type: true },
    rcode_id: true,
    rcode: true,
  }),
}

const TRAFFIC = 6
const INFORMATIONAL = 1

const cloudOf = cloudCache()
const metadataOf = metadataCache('Route 53', 'Public DNS Query Logs')

/** `1.0 2026-03-14T09:26:53.130Z Z0123456789ABCDEFGHIJ example.com A …`; an export of CloudWatch Logs puts a time before it. */
const LINE = /^(?:\d{4}-\d\d-\d\dT[\d:.]+Z )?\d+\.\d+ \d{4}-\d\d-\d\dT[\d:.]+Z Z[A-Z0-9]{5,31} \S+ \S+ \S+ \S+ \S+ [0-9A-Fa-f.:]+ \S/m

/** Amazon Route 53 query logs of public hosted zones, from CloudWatch Logs or an export of it. */
export const route53Public: Source<Route53PublicRecord, typeof declared> = {
  id: 'route53-public',
  lakeName: 'r53-public',
  title: 'Amazon Route 53 public DNS query logs',
  spec: 'https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'src_endpoint.ip is the resolver that asked, not its client; what EDNS says of the client’s network is in unmapped.edns_client_subnet.',
    'dst_endpoint is what was asked: uid the hosted zone, name the edge location that answered.',
    'The log has no account and region: they come from the key, the log group or the options.',
    'The time that an export of CloudWatch Logs puts before each line is metadata.logged_time.',
  ],

  recognise(head) {
    const text = head.text.charCodeAt(0) === 0xfeff ? head.text.slice(1) : head.text
    const end = text.search(/\S[^\r\n]*/)
    return end !== -1 && LINE.test(text.slice(end, end + 4096).split('\n', 1)[0]!) ? 'content' : undefined
  },

  decoder: () => lines(),

  map(record, context) {
    const time = ms(record.query_timestamp)
    if (time === undefined)
      return { fault: { rule: 'time_missing', path: 'query_timestamp', expected: 'an ISO 8601 time', found: record.query_timestamp ?? 'nothing' } }
    const ip = ipIn(record.resolver_ip_address)
    if (ip === undefined)
      return {
        fault: {
          rule: 'required_missing',
          path: 'src_endpoint',
          expected: 'an address in the field resolver IP address',
          found: record.resolver_ip_address ?? 'nothing',
        },
      }
    const name = record.query_name
    const rcode = record.response_code
    const rcode_id = rcodeId(rcode)
    const zone = record.hosted_zone_id
    const edge = record.route_53_edge_location
    return {
      // classification
      class_uid: 4003,
      activity_id: TRAFFIC,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      // context
      metadata: record.logged_time === undefined ? metadataOf(record.version) : { ...metadataOf(record.version), logged_time: record.logged_time },
      cloud: cloudOf(context.account, context.region, undefined),
      // primary
      src_endpoint: { ip },
      dst_endpoint: zone === undefined && edge === undefined ? undefined : { uid: zone, name: edge },
      connection_info: transportOf(record.layer_4_protocol),
      query: name === undefined ? undefined : { hostname: domainName(name), type: record.query_type },
      rcode_id,
      rcode: rcode_id === 99 ? rcode : undefined,
      // unmapped
      unmapped: leftOvers(record),
    }
  },
}

function leftOvers({ rest, edns_client_subnet, query_name, query_type }: Route53PublicRecord): JsonObject | undefined {
  const nameless = query_name === undefined && query_type !== undefined
  if (edns_client_subnet === undefined && !nameless) return rest
  return { edns_client_subnet, query_type: nameless ? query_type : undefined, ...rest }
}

const DOT = 46
/** Lines with all known fields and no more, in printable ASCII. */
const usual = accessRows({
  record: 'a Route 53 query log record',
  parts: spaced(Object.fromEntries(FIELDS.map(name => [name, 'text' as const]))),
  least: FIELDS.length,
})

function lines(): Decoder<Route53PublicRecord> {
  let emit: Emit<Route53PublicRecord> = () => {}
  const splitter = lineSplitter({
    inPlace(bytes, view, start, number) {
      // an exported line starts with its time, any other with `1.0`
      const next = bytes[start + 1] === DOT ? usual.read(bytes, view, start) : -1
      if (next === -1) return -1
      emit({ record: usual.row() as Route53PublicRecord, raw: bytes.subarray(start, usual.end), place: { line: number } }) // of the fields above
      return next
    },
    line(line, raw, number) {
      const place = { line: number }
      const record = recordOf(line.split(' '))
      if (typeof record === 'object') emit({ record, raw, place })
      else emit({ fault: { rule: 'field_count', expected: `at least ${FIELDS.length} fields`, found: `${record}` }, raw, place })
    },
    fault: (fault, raw, number) => emit({ fault, raw, place: { line: number } }),
  })
  return {
    push(bytes, to) {
      emit = to
      splitter.push(bytes)
    },
    end(to) {
      emit = to
      splitter.end()
    },
  }
}

/** The number of fields when they are too few. */
function recordOf(cells: readonly string[]): Route53PublicRecord | number {
  // an exported line starts with its own time; a record starts with its version
  const loggedTime = ms(cells[0])
  const first = loggedTime === undefined ? 0 : 1
  const count = cells.length - first
  if (count < FIELDS.length) return count
  const record: { -readonly [K in keyof Route53PublicRecord]: Route53PublicRecord[K] } = { logged_time: loggedTime, rest: undefined }
  for (let at = 0; at < FIELDS.length; at++) record[FIELDS[at]!] = text(cells[first + at])
  if (count > FIELDS.length) {
    const rest: Record<string, string> = {}
    for (let at = FIELDS.length; at < count; at++) {
      const cell = text(cells[first + at])
      if (cell !== undefined) rest[`field_${at + 1}`] = cell
    }
    record.rest = Object.keys(rest).length === 0 ? undefined : rest
  }
  return record
}
