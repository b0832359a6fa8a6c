/** Amazon Route 53 Resolver query logs: DNS queries of VPCs and Resolver endpoints, and what DNS Firewall did to them. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import { isJsonObject, type Json, type JsonObject, parseJson, put } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { domainName, rcodeId, transportOf } from './aws/dns.js'
import { cloudCache, ipIn, metadataCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { found, keep, leftOver, ms, text, whole, word } from './aws/values.js'
import type { Source } from './source.js'

const declared = {
  dns_activity: columns('dns_activity')({
    activity_id: true,
    severity_id: true,
    time: true,
    metadata: { product: { name: true, vendor_name: true, version: true, feature: { name: true } } },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: { ip: true, port: true, instance_uid: true, vpc_uid: true },
    dst_endpoint: { instance_uid: true, interface_uid: true },
    connection_info: { direction_id: true, protocol_name: true, protocol_num: true },
    query: { hostname: true, type: true, class: true },
    answers: { rdata: true, type: true, class: true },
    rcode_id: true,
    rcode: true,
    action_id: true,
    action: true,
    disposition_id: true,
    disposition: true,
    firewall_rule: { uid: true, condition: true },
  }),
}

const TRAFFIC = 6
const INFORMATIONAL = 1

/** What DNS Firewall did: an alert lets the query through. */
const ACTION: ReadonlyMap<string, 1 | 2> = new Map([
  ['ALLOW', 1],
  ['ALERT', 1],
  ['BLOCK', 2],
])
const DISPOSITION: ReadonlyMap<string, 1 | 2 | 19> = new Map([
  ['ALLOW', 1],
  ['ALERT', 19],
  ['BLOCK', 2],
])

const cloudOf = cloudCache()
const metadataOf = metadataCache('Route 53', 'Resolver Query Logs')

/** Amazon Route 53 Resolver query logs, as JSON lines in S3, CloudWatch Logs or Firehose. */
export const route53Resolver: Source<JsonObject, typeof declared> = {
  id: 'route53-resolver',
  lakeName: 'r53-resolver',
  title: 'Amazon Route 53 Resolver query logs',
  spec: 'https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'query.hostname has no trailing dot, where the native mapping keeps it; the root stays a dot.',
    'DNS Firewall: firewall_rule.uid is the rule group, firewall_rule.condition the domain list. ALERT lets the query through: action Allowed, disposition Alert.',
    'A query without a matching firewall rule has no action and disposition.',
    'Members spelled with hyphens (query-name) are read as those with underscores and are in unmapped with underscores.',
    'NODATA is rcode NoError without answers. Answers that the Resolver gives from its cache are not in these logs.',
  ],

  recognise(head) {
    if (readObjectKey(head.key).service === 'vpcdnsquerylogs' || head.key.includes('_vpcdnsquerylogs_')) return 'key'
    const record = firstJson(head)
    return /"query[_-]name"\s*:/.test(record) && /"(?:query[_-]timestamp|vpc[_-]id)"\s*:/.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords(),

  map(raw, context) {
    const record = raw.query_timestamp === undefined ? underscored(raw) : raw
    const time = ms(record.query_timestamp)
    if (time === undefined)
      return { fault: { rule: 'time_missing', path: 'query_timestamp', expected: 'an ISO 8601 time', found: found(record.query_timestamp) } }
    const ids = isJsonObject(record.srcids) ? underscored(record.srcids) : NOTHING
    const ip = ipIn(text(record.srcaddr))
    const instance = text(ids.instance)
    if (ip === undefined && instance === undefined)
      return {
        fault: {
          rule: 'required_missing',
          path: 'src_endpoint',
          expected: 'an address in srcaddr, or srcids.instance',
          found: found(record.srcaddr),
        },
      }

    const port = whole(record.srcport, 65535)
    const endpoint = text(ids.resolver_endpoint)
    const networkInterface = text(ids.resolver_network_interface)
    const name = text(record.query_name)
    const answers = answersOf(record.answers)
    const rcode = word(record.rcode)
    const rcode_id = rcodeId(rcode)
    const action = text(record.firewall_rule_action)
    const group = text(record.firewall_rule_group_id)
    const list = text(record.firewall_domain_list_id)
    const guarded = action !== undefined || group !== undefined || list !== undefined
    const verdict = action === undefined ? 0 : (ACTION.get(action) ?? 99)

    // unmapped
    let rest = leftOver(record, isMapped)
    if (port === undefined) rest = keep(rest, 'srcport', record.srcport)
    if (ip === undefined) rest = keep(rest, 'srcaddr', text(record.srcaddr))
    if (name === undefined) {
      rest = keep(rest, 'query_type', word(record.query_type))
      rest = keep(rest, 'query_class', word(record.query_class))
    }
    rest = keep(rest, 'answers', answers.rest)
    rest = keep(rest, 'srcids', ids === NOTHING ? record.srcids : leftOver(ids, isMappedId))

    return {
      // classification
      class_uid: 4003,
      activity_id: TRAFFIC,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      // context
      metadata: metadataOf(word(record.version)),
      cloud: cloudOf(text(record.account_id) ?? context.account, text(record.region) ?? context.region, undefined),
      // primary
      src_endpoint: { ip, port, instance_uid: instance, vpc_uid: text(record.vpc_id) },
      dst_endpoint: endpoint === undefined && networkInterface === undefined ? undefined : { instance_uid: endpoint, interface_uid: networkInterface },
      connection_info: transportOf(text(record.transport)),
      query: name === undefined ? undefined : { hostname: domainName(name), type: word(record.query_type), class: word(record.query_class) },
      answers: answers.mapped,
      rcode_id,
      rcode: rcode_id === 99 ? rcode : undefined,
      // security control
      action_id: guarded ? verdict : undefined,
      action: verdict === 99 ? action : undefined,
      disposition_id: !guarded ? undefined : action === undefined ? 0 : (DISPOSITION.get(action) ?? 99),
      disposition: verdict === 99 ? action : undefined,
      firewall_rule: group === undefined && list === undefined ? undefined : { uid: group, condition: list },
      // unmapped
      unmapped: rest,
    }
  },
}

const NOTHING: JsonObject = Object.freeze({})

/** Members that are mapped when they are texts. */
const TEXTS = new Set([
  'account_id',
  'region',
  'vpc_id',
  'query_timestamp',
  'query_name',
  'srcaddr',
  'transport',
  'firewall_rule_action',
  'firewall_rule_group_id',
  'firewall_domain_list_id',
])

/** Members that are mapped when they are texts or numbers: a query type without a name is logged as its number. */
const WORDS = new Set(['version', 'query_type', 'query_class', 'rcode'])
/** Looked at one by one. */
const PARTS = new Set(['srcport', 'answers', 'srcids'])

function isMapped(key: string, value: Json): boolean {
  if (typeof value === 'string') return TEXTS.has(key) || WORDS.has(key) || PARTS.has(key)
  return PARTS.has(key) || ((typeof value === 'number' || typeof value === 'bigint') && WORDS.has(key))
}

function isMappedId(key: string, value: Json): boolean {
  return typeof value === 'string' && (key === 'instance' || key === 'resolver_endpoint' || key === 'resolver_network_interface')
}

/** The same members under the names that have underscores, where those are free. */
function underscored(object: JsonObject): JsonObject {
  let out: Record<string, Json | undefined> | undefined
  for (const key of Object.keys(object)) {
    if (!key.includes('-')) continue
    const name = key.replaceAll('-', '_')
    if (Object.hasOwn(out ?? object, name)) continue
    out ??= { ...object }
    delete out[key]
    put(out, name, object[key])
  }
  return out ?? object
}

interface Answers {
  readonly mapped: { readonly rdata: string; readonly type: string | undefined; readonly class: string | undefined }[] | undefined
  readonly rest: Json | undefined
}
const NO_ANSWERS: Answers = { mapped: undefined, rest: undefined }

/** A list of objects or texts; some deliveries write the list, or an answer, as a text of JSON. */
function answersOf(value: Json | undefined): Answers {
  const list = jsonIn(value, '[') ?? value
  if (typeof list === 'string') return text(list) === undefined ? NO_ANSWERS : { mapped: [{ rdata: list, type: undefined, class: undefined }], rest: undefined }
  if (!Array.isArray(list)) return isJsonObject(list) && Object.keys(list).length === 0 ? NO_ANSWERS : { mapped: undefined, rest: list }
  if (list.length === 0) return NO_ANSWERS
  const mapped: NonNullable<Answers['mapped']> = []
  const rest: Json[] = []
  for (const item of list as readonly Json[]) {
    const answer = jsonIn(item, '{') ?? item
    if (typeof answer === 'string') {
      if (text(answer) !== undefined) mapped.push({ rdata: answer, type: undefined, class: undefined })
      continue
    }
    const rdata = isJsonObject(answer) ? text(answer.Rdata) : undefined
    if (!isJsonObject(answer) || rdata === undefined) {
      if (answer !== null) rest.push(answer)
      continue
    }
    mapped.push({ rdata, type: text(answer.Type), class: text(answer.Class) })
    const left = leftOver(answer, isMappedAnswer)
    if (left !== undefined) rest.push({ Rdata: rdata, ...left })
  }
  return { mapped: mapped.length === 0 ? undefined : mapped, rest: rest.length === 0 ? undefined : rest }
}

function isMappedAnswer(key: string, value: Json): boolean {
  return typeof value === 'string' && (key === 'Rdata' || key === 'Type' || key === 'Class')
}

/** The JSON in a text that starts like it. */
function jsonIn(value: Json | undefined, start: '[' | '{'): Json | undefined {
  if (typeof value !== 'string' || value[0] !== start) return undefined
  try {
    return parseJson(value)
  } catch {
    return undefined
  }
}
