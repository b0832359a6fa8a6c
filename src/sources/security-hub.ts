/** AWS Security Hub findings in its own format (ASFF), from EventBridge, from its API and as files. */
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { jsonObject } from './aws/delivery.js'
import { hasModernFindings } from './aws/finding.js'
import { findingRecords } from './aws/finding-batches.js'
import { firstJson } from './aws/head.js'
import { redactJson, redactText } from './aws/secrets.js'
import { securityHubColumns } from './aws/security-hub-columns.js'
import { complianceOf } from './aws/security-hub-compliance.js'
import { dataOf } from './aws/security-hub-data.js'
import { seenIn } from './aws/security-hub-evidence.js'
import {
  attacksOf,
  cloudOf,
  hubProduct,
  hubResources,
  hubSeverity,
  hubStatus,
  indicatorsOf,
  int,
  itemsOf,
  reader,
  relatedOf,
  remediationOf,
  SERVICE,
  some,
  webAddress,
} from './aws/security-hub-parts.js'
import { vulnerabilitiesOf } from './aws/security-hub-vulnerabilities.js'
import { filled, take } from './aws/taking.js'
import { found, ms, text } from './aws/values.js'
import type { Context, Mapped, Source, Unmappable } from './source.js'

type Finding = Mapped<typeof securityHubColumns>

/** Security Hub findings as EventBridge events, answers of GetFindings, batches for BatchImportFindings, lists or lines. */
export const securityHub: Source<JsonObject, typeof securityHubColumns> = {
  id: 'security-hub',
  title: 'AWS Security Hub (ASFF)',
  spec: 'https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html',
  mappingVersion: 1,
  columns: securityHubColumns,
  notes: [
    'Findings with Compliance are Compliance Findings, with Vulnerabilities Vulnerability Findings, of sensitive data (from 1.3) Data Security Findings.',
    'finding_info.uid is Id: of GuardDuty the ARN, as in guardduty.',
    'status_code is Workflow.Status, status_detail RecordState; ARCHIVED is Suppressed.',
    'Below 1.5 an advisory is its first CVE; without one the finding is a Detection Finding.',
  ],

  recognise(head) {
    const record = firstJson(head)
    // in a notification of SNS the event stands as JSON in a text
    if (/\\?"detail-type\\?"\s*:/.test(record)) return DETAIL_TYPE.test(record) ? 'content' : undefined
    return /"ProductArn"\s*:\s*"arn:[^"]*:securityhub:/.test(record) && !/"(?:class_uid|eventVersion)"\s*:/.test(record) ? 'content' : undefined
  },

  decoder: findingRecords,

  map(record, context) {
    const delivery = open(record, context)
    const { message } = delivery
    const [finding] = Array.isArray(message.findings) ? itemsOf(message.findings) : [message]
    if (message.insightArn !== undefined) return insightOf(delivery)
    if (isJsonObject(finding)) return findingOf(finding, delivery, context)
    return finding === undefined ? { skip: 'no_findings' } : missing('findings', 'a finding', finding)
  },

  redact: redactText,
}

const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"Security Hub (?:Findings - (?:Imported|Custom Action)|Insight Results)/

function missing(path: string, expected: string, value: Json | undefined, rule = 'required_missing'): Unmappable {
  return { fault: { rule, path, expected, found: found(value) } }
}

// ---- delivery ----

type Delivery = ReturnType<typeof open>

/** A finding, or what EventBridge brings, also through SNS. */
function open(record: JsonObject, context: Context) {
  const sns = jsonObject(record.Message)
  const event = sns ?? record
  const kind = text(event['detail-type'])
  const message = kind !== undefined && isJsonObject(event.detail) ? event.detail : event
  return {
    message,
    kind,
    uid: kind === undefined ? undefined : text(event.id),
    time: ms(event.time ?? record.Timestamp),
    account: text(event.account) ?? context.account,
    region: text(event.region) ?? context.region,
    /** What stands around a finding, for `unmapped`. */
    around: (finding: JsonObject): JsonObject => ({
      detail: message === finding ? undefined : restOf(message, 'findings'),
      eventbridge: event === message ? undefined : restOf(event, 'detail'),
      sns: sns === undefined ? undefined : restOf(record, 'Message'),
    }),
  }
}

function restOf(object: JsonObject, taken: string): JsonObject | undefined {
  const taking = take(object)
  taking.json(taken)
  return taking.rest()
}

// ---- findings ----

function findingOf(finding: JsonObject, delivery: Delivery, { version }: Context): Finding | Unmappable {
  const record = take(finding)
  const uid = record.text('Id')
  if (uid === undefined) return missing('Id', 'the id of a finding', finding.Id)
  const created_time = record.time('CreatedAt')
  const modified_time = record.time('UpdatedAt')
  const first_seen_time = record.time('FirstObservedAt')
  const last_seen_time = record.time('LastObservedAt')
  const time = modified_time ?? created_time ?? last_seen_time ?? delivery.time
  if (time === undefined) return missing('UpdatedAt', 'an ISO 8601 time', finding.UpdatedAt, 'time_missing')

  const isModern = hasModernFindings(version)
  const fields = record.at('ProductFields')
  const product = hubProduct(record, fields)
  const account = record.text('AwsAccountId') ?? delivery.account
  const region = record.text('Region') ?? text(product.uid?.split(':', 4)[3]) ?? delivery.region
  const types = record.texts('Types') ?? record.at('FindingProviderFields').texts('Types')
  const isBatch = delivery.kind === 'Security Hub Findings - Custom Action'
  const count = reader(fields, SERVICE)('count', int)
  const { severity_id, severity } = hubSeverity(record)
  const { activity_id, status_id, status, status_code, status_detail } = hubStatus(record, created_time, modified_time, count)
  const isCompliance = isJsonObject(finding.Compliance)
  const vulnerabilities = isCompliance ? [] : vulnerabilitiesOf(record, version)
  const hasOne = version === '1.1.0' && (isCompliance || vulnerabilities.length > 0)
  const all = some(hubResources(record, version, account, region, hasOne ? 1 : undefined))
  const common = {
    // classification
    class_uid: undefined,
    activity_id,
    severity_id,
    severity,
    // occurrence
    time,
    start_time: first_seen_time,
    end_time: last_seen_time,
    confidence_score: record.whole('Confidence', 100),
    count,
    comment: record.at('Note').text('Text'),
    status_id,
    status,
    status_code,
    status_detail,
    // context
    metadata: {
      // a custom action sends several findings in one event
      uid: isBatch ? undefined : delivery.uid,
      correlation_uid: isBatch ? delivery.uid : undefined,
      event_code: delivery.kind,
      log_version: record.text('SchemaVersion'),
      processed_time: record.time('ProcessedAt'),
      product,
    },
    cloud: cloudOf(account, record.text('AwsAccountName'), region),
    osint: isModern ? indicatorsOf(record) : undefined,
    // primary
    finding_info: {
      uid,
      title: record.text('Title') ?? types?.[0] ?? uid,
      desc: record.text('Description'),
      types,
      src_url: reader(record)('SourceUrl', webAddress),
      created_time,
      modified_time,
      first_seen_time,
      last_seen_time,
      attacks: attacksOf(types),
      related_events: relatedOf(record, version),
    },
    resource: hasOne ? all?.[0] : undefined,
    resources: hasOne ? undefined : all,
    // of one class or another; all are named here, since members added behind a spread take twice the time of a finding
    compliance: undefined,
    vulnerabilities: undefined,
    is_alert: undefined,
    evidences: undefined,
    remediation: undefined,
    malware: undefined,
    action_id: undefined,
    disposition_id: undefined,
    unmapped: undefined,
  }
  const unmapped = () => redactJson(filled({ ...record.rest(), ...delivery.around(finding) }))

  if (isCompliance) {
    const compliance = complianceOf(record.at('Compliance'), fields, version, product.name)
    return { ...common, class_uid: 2003, compliance, remediation: remediationOf(record), unmapped: unmapped() }
  }

  if (vulnerabilities.length > 0) {
    const remediation = remediationOf(record)
    return {
      ...common,
      class_uid: 2002,
      vulnerabilities: vulnerabilities.map(vulnerability => ({ ...vulnerability, remediation })),
      unmapped: unmapped(),
    }
  }

  const data = version === '1.1.0' ? undefined : dataOf(record, types, version)
  if (data !== undefined) return { ...common, ...data, class_uid: 2006, unmapped: unmapped() }

  const { evidences, malware, control } = seenIn(record, version, account)
  return {
    ...common,
    class_uid: 2004,
    is_alert: isModern && types?.some(type => /^(?:TTPs|Effects|Unusual Behaviors)\b/.test(type)) === true ? true : undefined,
    evidences,
    remediation: remediationOf(record),
    malware,
    // security control
    action_id: control?.action_id,
    disposition_id: control?.disposition_id,
    // unmapped
    unmapped: unmapped(),
  }
}

// ---- insights ----

function insightOf(delivery: Delivery): Finding | Unmappable {
  const { message } = delivery
  const record = take(message)
  const uid = record.text('insightArn')
  if (uid === undefined) return missing('insightArn', 'the ARN of an insight', message.insightArn)
  const { time } = delivery
  if (time === undefined) return missing('time', 'the time of the event', undefined, 'time_missing')
  const type = record.text('resultType')
  const results = record.json('insightResults') ?? undefined
  return {
    // classification
    class_uid: 2004,
    activity_id: 99,
    activity_name: 'Insight Results',
    severity_id: 1,
    // occurrence
    time,
    // context
    metadata: { uid: delivery.uid, event_code: delivery.kind, product: { name: 'Security Hub', vendor_name: 'AWS' } },
    cloud: cloudOf(delivery.account, undefined, delivery.region),
    // primary
    finding_info: { uid, title: record.text('insightName') ?? uid, types: type === undefined ? undefined : [type] },
    evidences: results === undefined ? undefined : [{ data: redactJson(results) }],
    // unmapped
    unmapped: redactJson(filled({ ...record.rest(), ...delivery.around(message) })),
  }
}
