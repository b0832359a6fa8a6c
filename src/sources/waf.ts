/** AWS WAF web ACL logs: one record per request that a web ACL looked at, and what its rules made of it. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { cloudCache, ipIn } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { statusId } from './aws/http.js'
import { redactJson, redactText } from './aws/secrets.js'
import { accountInArn, found, keep, leftOver, text, whole, word } from './aws/values.js'
import { readRequest, redactHeaders, redactRecord, requestColumns } from './aws/waf-request.js'
import type { Source } from './source.js'

const declared = {
  http_activity: columns('http_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    status_id: true,
    metadata: { labels: true, product: { name: true, vendor_name: true, version: true, feature: { name: true, uid: true } } },
    cloud: { provider: true, region: true, account: { uid: true } },
    src_endpoint: { ip: true, name: true, location: { country: true }, autonomous_system: { number: true } },
    dst_endpoint: { svc_name: true, uid: true, hostname: true },
    http_request: requestColumns,
    http_response: { code: true },
    tls: { version: true, ja3_hash: { algorithm_id: true, value: true } },
    ja4_fingerprint_list: { type_id: true, value: true },
    action_id: true,
    action: true,
    disposition_id: true,
    disposition: true,
    firewall_rule: {
      uid: true,
      name: true,
      type: true,
      condition: true,
      match_details: true,
      match_location: true,
      sensitivity: true,
      rate_limit: true,
    },
  }),
}

const INFORMATIONAL = 1
const MD5 = 1
const JA4 = 1

/** A CAPTCHA or challenge that ends the inspection keeps the request from the resource, as a block does. */
const ACTION: ReadonlyMap<string, 1 | 2> = new Map([
  ['ALLOW', 1],
  ['COUNT', 1],
  ['EXCLUDED_AS_COUNT', 1],
  ['BLOCK', 2],
  ['CAPTCHA', 2],
  ['CHALLENGE', 2],
])
const DISPOSITION: ReadonlyMap<string, 1 | 2 | 20 | 22 | 23> = new Map([
  ['ALLOW', 1],
  ['BLOCK', 2],
  ['COUNT', 20],
  ['EXCLUDED_AS_COUNT', 20],
  ['CAPTCHA', 22],
  ['CHALLENGE', 23],
])

/** What WAF answers to a blocked request unless a custom response says otherwise. */
const DEFAULT_BLOCK = 403
/** OCSF requires a response code: here none is known. */
const NO_CODE = 0

const cloudOf = cloudCache()

/** AWS WAF logs, as JSON lines in S3, CloudWatch Logs or Firehose. */
export const waf: Source<JsonObject, typeof declared> = {
  id: 'waf',
  title: 'AWS WAF',
  spec: 'https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'dst_endpoint is the protected resource (httpSourceName and httpSourceId), where the native mapping puts it on src_endpoint.',
    'http_response.code is responseCodeSent, which WAF logs for custom responses only; else 403 for a block, and 0 where none is known, since OCSF requires a code.',
    'firewall_rule is the rule that ended the inspection: uid terminatingRuleId, name the rule inside a rule group or the rate-based rule. A CAPTCHA or challenge that ended it is Denied.',
    'Rules that matched without ending it (count, CAPTCHA and challenge that were passed), rule groups and rate-based rules are whole in unmapped, under the names of AWS.',
    'tls.version follows from the JA4 fingerprint; without one it is unknown, since OCSF requires it beside the JA3 hash.',
    'Values of cookie, authorization and other credential headers, and of secret parameters in URLs, are replaced by REDACTED. What AWS redacts itself stays REDACTED.',
    'A header that comes twice, Host values that are no host, and X-Forwarded-For with anything but addresses stay in http_request.http_headers.',
  ],

  recognise(head) {
    const file = head.key.slice(head.key.lastIndexOf('/') + 1)
    if (readObjectKey(head.key).service === 'WAFLogs' || file.includes('_waflogs_') || file.startsWith('aws-waf-logs-')) return 'key'
    const record = firstJson(head)
    return /"webaclId"\s*:/i.test(record) && /"(?:httpRequest|terminatingRuleId)"\s*:/.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords(),

  map(record, context) {
    const time = whole(record.timestamp, 8.64e15)
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'timestamp', expected: 'epoch milliseconds', found: found(record.timestamp) } }
    const http = isJsonObject(record.httpRequest) ? record.httpRequest : NOTHING
    const client = text(http.clientIp)
    if (client === undefined)
      return { fault: { rule: 'required_missing', path: 'httpRequest.clientIp', expected: 'the address of a client', found: found(http.clientIp) } }

    const ip = ipIn(client)
    const bodySize = whole(record.requestBodySize, MOST_INT)
    const { method, host, country, request, rest: requestRest } = readRequest(http, bodySize)
    const acl = text(record.webaclId)
    const sourceName = text(record.httpSourceName)
    const sourceId = text(record.httpSourceId)
    const action = text(record.action)
    const sent = whole(record.responseCodeSent, 999)
    const code = sent ?? (action === 'BLOCK' ? DEFAULT_BLOCK : NO_CODE)
    const ja3 = text(record.ja3Fingerprint)
    const ja4 = text(record.ja4Fingerprint)
    const asn = whole(record.clientAsn, MOST_INT)
    const labels = labelsOf(record.labels)
    const rule = ruleOf(record)
    const { account, region, product } = aclOf(acl, word(record.formatVersion))

    // unmapped
    let rest = leftOver(record, isMapped)
    if (bodySize === undefined) rest = keep(rest, 'requestBodySize', record.requestBodySize)
    if (sent === undefined) rest = keep(rest, 'responseCodeSent', record.responseCodeSent)
    if (asn === undefined) rest = keep(rest, 'clientAsn', record.clientAsn)
    rest = keep(rest, 'labels', labels.rest)
    rest = keep(rest, 'terminatingRuleMatchDetails', rule.rest)
    rest = keep(rest, 'requestHeadersInserted', redactHeaders(record.requestHeadersInserted))
    rest = keep(rest, 'httpRequest', http === NOTHING ? record.httpRequest : requestRest)

    return {
      // classification
      class_uid: 4002,
      activity_id: method.activity_id,
      activity_name: method.activity_name,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      status_id: statusId(code),
      // context
      metadata: { labels: labels.mapped, product },
      cloud: cloudOf(account ?? context.account, region ?? context.region, undefined),
      // primary
      src_endpoint: {
        ip,
        name: ip === undefined ? client : undefined,
        location: country === undefined ? undefined : { country },
        autonomous_system: asn === undefined ? undefined : { number: asn },
      },
      // OCSF requires an endpoint: without anything else it is what the web ACL protects
      dst_endpoint: {
        svc_name: sourceName,
        uid: sourceId ?? (sourceName === undefined && host?.hostname === undefined ? acl : undefined),
        hostname: host?.hostname,
      },
      http_request: request,
      http_response: { code },
      tls: ja3 === undefined ? undefined : { version: tlsVersion(ja4), ja3_hash: { algorithm_id: MD5, value: ja3 } },
      ja4_fingerprint_list: ja4 === undefined ? undefined : [{ type_id: JA4, value: ja4 }],
      // security control
      action_id: action === undefined ? 0 : (ACTION.get(action) ?? 99),
      action: action !== undefined && !ACTION.has(action) ? action : undefined,
      disposition_id: action === undefined ? 0 : (DISPOSITION.get(action) ?? 99),
      disposition: action !== undefined && !DISPOSITION.has(action) ? action : undefined,
      firewall_rule: rule.mapped,
      // unmapped
      unmapped: redactJson(rest),
    }
  },

  redact: raw => redactText(redactRecord(raw)),
}

const NOTHING: JsonObject = Object.freeze({})
const MOST_INT = 2 ** 31 - 1

/** Members that are mapped when they are texts. */
const TEXTS = new Set(['webaclId', 'terminatingRuleId', 'terminatingRuleType', 'action', 'httpSourceName', 'httpSourceId', 'ja3Fingerprint', 'ja4Fingerprint'])
/** Looked at one by one. */
const PARTS = new Set([
  'timestamp',
  'httpRequest',
  'requestBodySize',
  'responseCodeSent',
  'clientAsn',
  'labels',
  'terminatingRuleMatchDetails',
  'requestHeadersInserted',
])

function isMapped(key: string, value: Json): boolean {
  if (PARTS.has(key) || (Array.isArray(value) && value.length === 0)) return true
  if (key === 'formatVersion') return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
  return typeof value === 'string' && TEXTS.has(key)
}

// ---- web ACL ----

interface Acl {
  readonly account: string | undefined
  readonly region: string | undefined
  readonly product: {
    readonly name: 'AWS WAF'
    readonly vendor_name: 'AWS'
    readonly version: string | undefined
    readonly feature: { readonly name: string | undefined; readonly uid: string } | undefined
  }
}

// Shared between events, so that they are completed and shredded once.
const MOST_CACHED = 1000
const acls = new Map<string, Acl>()

/** What the ARN of a web ACL says: `arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID`. WAF Classic has an id only. */
function aclOf(uid: string | undefined, version: string | undefined): Acl {
  const key = `${version ?? ''} ${uid ?? ''}`
  let acl = acls.get(key)
  if (acl === undefined) {
    if (acls.size === MOST_CACHED) acls.clear()
    const parts = uid?.startsWith('arn:') ? uid.split(':', 6) : []
    const name = parts[5]?.split('/')[2]
    acl = {
      account: uid === undefined ? undefined : accountInArn(uid),
      region: text(parts[3]),
      product: { name: 'AWS WAF', vendor_name: 'AWS', version, feature: uid === undefined ? undefined : { name: text(name), uid } },
    }
    acls.set(key, acl)
  }
  return acl
}

// ---- parts ----

function labelsOf(value: Json | undefined): { readonly mapped: string[] | undefined; readonly rest: Json | undefined } {
  if (!Array.isArray(value)) return { mapped: undefined, rest: value }
  const mapped: string[] = []
  const rest: Json[] = []
  for (const item of value as readonly Json[]) {
    const name = isJsonObject(item) ? text(item.name) : undefined
    if (name !== undefined) mapped.push(name)
    const left = isJsonObject(item) ? leftOver(item, (key, member) => key === 'name' && typeof member === 'string') : item
    if (left !== undefined && left !== null) rest.push(left)
  }
  return { mapped: mapped.length === 0 ? undefined : mapped, rest: rest.length === 0 ? undefined : rest }
}

/** TLS version of a JA4 fingerprint: `t13d…` is TLS 1.3, `q13…` the same in QUIC. */
function tlsVersion(ja4: string | undefined): string {
  const digits = ja4?.slice(1, 3)
  return digits === '13' ? '1.3' : digits === '12' ? '1.2' : digits === '11' ? '1.1' : digits === '10' ? '1.0' : 'unknown'
}

/** The rule that ended the inspection. */
function ruleOf(record: JsonObject) {
  const uid = text(record.terminatingRuleId)
  const type = text(record.terminatingRuleType)
  const grouped = inGroup(record.ruleGroupList)
  const rate = rateRule(record.rateBasedRuleList, uid, type)
  const details = record.terminatingRuleMatchDetails
  const own = firstDetail(details)
  const detail = own ?? firstDetail(grouped?.ruleMatchDetails)
  const data = detail === undefined ? undefined : textsIn(detail.matchedData)
  const rateName = rate === undefined ? undefined : text(rate.rateBasedRuleName)
  const mapped = {
    uid,
    name: (grouped === undefined ? undefined : text(grouped.ruleId)) ?? (rateName === uid ? undefined : rateName),
    type,
    condition: detail === undefined ? undefined : text(detail.conditionType),
    match_details: data,
    match_location: detail === undefined ? undefined : text(detail.location),
    sensitivity: detail === undefined ? undefined : text(detail.sensitivityLevel),
    rate_limit: rate === undefined ? undefined : whole(rate.maxRateAllowed, MOST_INT),
  }
  const says = uid !== undefined || type !== undefined || mapped.name !== undefined || detail !== undefined || mapped.rate_limit !== undefined
  return { mapped: says ? mapped : undefined, rest: detailsLeft(details, own, data !== undefined) }
}

/** The rule inside a rule group that ended the inspection. */
function inGroup(groups: Json | undefined): JsonObject | undefined {
  if (!Array.isArray(groups)) return undefined
  for (const group of groups as readonly Json[]) if (isJsonObject(group) && isJsonObject(group.terminatingRule)) return group.terminatingRule
  return undefined
}

/** The rate-based rule that ended the inspection, not one that was only evaluated. */
function rateRule(rules: Json | undefined, uid: string | undefined, type: string | undefined): JsonObject | undefined {
  if (!Array.isArray(rules)) return undefined
  const objects = (rules as readonly Json[]).filter(rule => isJsonObject(rule))
  return (
    objects.find(rule => uid !== undefined && (rule.rateBasedRuleName === uid || rule.rateBasedRuleId === uid)) ??
    (type === 'RATE_BASED' ? objects[0] : undefined)
  )
}

function firstDetail(details: Json | undefined): JsonObject | undefined {
  const first = Array.isArray(details) ? (details as readonly Json[])[0] : undefined
  return isJsonObject(first) ? first : undefined
}

/** A list of texts that say something, and of nothing else. */
function textsIn(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const items = value as readonly Json[]
  return items.every((item): item is string => text(item) !== undefined) ? items : undefined
}

const DETAIL_TEXTS = new Set(['conditionType', 'location', 'sensitivityLevel'])

/** What the first match has beyond the attributes of a firewall rule, and the matches behind it. */
function detailsLeft(details: Json | undefined, first: JsonObject | undefined, dataTaken: boolean): Json | undefined {
  if (!Array.isArray(details) || first === undefined) return Array.isArray(details) && details.length === 0 ? undefined : details
  const left = leftOver(first, (key, value) => (typeof value === 'string' && DETAIL_TEXTS.has(key)) || (key === 'matchedData' && dataTaken))
  const more = (details as readonly Json[]).slice(1)
  return left === undefined && more.length === 0 ? undefined : [...(left === undefined ? [] : [left]), ...more]
}
