/** Amazon Macie: findings about buckets and the sensitive data in them, discovery results, and the alerts of Macie Classic. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import type { JsonObject } from '../json.js'
import { type Delivery, openDelivery } from './aws/delivery.js'
import { hasModernFindings, lifecycle, productCache, severityOf } from './aws/finding.js'
import { firstJson } from './aws/head.js'
import { alertOf } from './aws/macie-classic.js'
import { type MacieFinding, macieColumns } from './aws/macie-columns.js'
import { databucketOf, dataSecurityOf, fileOf, resourcesOf, totalOf } from './aws/macie-data.js'
import { type Policy, policyOf } from './aws/macie-evidence.js'
import { remembered } from './aws/remembered.js'
import { redactJson, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { found, moment } from './aws/values.js'
import type { Context, Source, Unmappable } from './source.js'

const PRODUCT = productCache('Macie')(undefined, undefined)
const cloudOf = remembered((uid, region) => ({ provider: 'AWS', region, account: uid === undefined ? undefined : { uid } }))

const INFORMATIONAL = 1
const OTHER = 99
const SAMPLE = ['sample'] as const
const NO_POLICY: Policy = { evidence: undefined, first: undefined, last: undefined }

/** Amazon Macie findings from EventBridge (also by SNS), GetFindings and S3 discovery results, and alerts of Macie Classic. */
export const macie: Source<JsonObject, typeof macieColumns> = {
  id: 'macie',
  title: 'Amazon Macie',
  spec: 'https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html',
  mappingVersion: 1,
  columns: macieColumns,
  notes: [
    'Sensitive data findings and discovery results are Data Security Findings from 1.3; at 1.1, which has no such class, they are Detection Findings with classificationDetails as evidences.data. Policy findings and alerts of Macie Classic are Detection Findings.',
    'finding_info.uid is the id. A count above 1 or an updatedAt behind createdAt is an Update; archived is a Close, Suppressed.',
    'A discovery result that found nothing is Informational and, from 1.5, no alert. A sample finding has the label sample.',
    'An S3 object has the ARN of its bucket and its key, as in CloudTrail; what Macie says of a bucket is in resources.data.',
    'Places of sensitive data are data_security.discovery_details from 1.5, in unmapped before; byte ranges stay there.',
    'severity_id of an alert of Macie Classic is that of a tenth of its risk score, which is risk_score; its summary stays in unmapped.',
  ],

  recognise(head) {
    if (readObjectKey(head.key).service === 'Macie') return 'key'
    const record = firstJson(head)
    if (DETAIL_TYPE.test(record)) return 'content'
    return CATEGORY.test(record) && DETAILS.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords({ member: 'findings' }),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    return delivery.detailType === 'Macie Alert' ? alertOf(delivery, context) : findingOf(delivery, context)
  },

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"Macie (?:Finding|Alert)\\?"/
const CATEGORY = /"category"\s*:\s*"(?:POLICY|CLASSIFICATION)"/
const DETAILS = /"(?:resourcesAffected|classificationDetails|policyDetails)"\s*:/

function findingOf(delivery: Delivery, context: Context): MacieFinding | Unmappable {
  const finding = take(delivery.message)
  const { version } = context
  const uid = finding.text('id')
  if (uid === undefined) return { fault: { rule: 'required_missing', path: 'id', expected: 'a text', found: found(finding.peek('id')) } }
  const created = finding.time('createdAt', moment)
  const modified = finding.time('updatedAt', moment)
  const time = modified ?? created ?? delivery.time
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'updatedAt', expected: 'an ISO 8601 time', found: found(finding.peek('updatedAt')) } }

  const account = finding.text('accountId') ?? delivery.account ?? context.account
  const region = finding.text('region') ?? delivery.region ?? context.region
  const partition = finding.said('partition')
  const type = finding.text('type')
  const count = finding.whole('count')
  const isSample = finding.flag('sample')
  const isModern = hasModernFindings(version)

  const details = finding.at('classificationDetails')
  const result = details.at('result')
  const isClassified = finding.peek('category') === 'CLASSIFICATION' || details.peek('result') !== undefined
  const analytic = jobOf(details)
  const src_url = redactJson(details.text('detailedResultsLocation'))

  const affected = finding.at('resourcesAffected')
  const bucket = affected.at('s3Bucket')
  const object = affected.at('s3Object')
  const file = fileOf(object, object.said('key') === undefined ? undefined : result.text('mimeType'), version)
  const databucket = isClassified && version !== '1.1.0' ? databucketOf(bucket, version) : undefined
  const resources = resourcesOf(bucket, object, { version, account, region, partition })
  if (resources.length > 0) finding.text('partition')

  const word = finding.at('severity').text('description')
  const isClean = isClassified && word === undefined && totalOf(result) === 0
  const severity_id = isClean ? INFORMATIONAL : severityOf(word)
  const policy = isClassified ? NO_POLICY : policyOf(finding.at('policyDetails'), version)

  const { activity_id, status_id } = lifecycle({ created, modified, count, archived: finding.flag('archived') })
  const severity = severity_id === OTHER ? word : undefined
  const is_alert = isModern ? !isClean : undefined
  const metadata = {
    uid: delivery.uid,
    labels: isSample === true ? SAMPLE : undefined,
    log_version: finding.text('schemaVersion'),
    product: PRODUCT,
  }
  const cloud = cloudOf(account, region)
  const finding_info = {
    uid,
    title: finding.text('title') ?? type ?? uid,
    desc: finding.text('description'),
    types: type === undefined ? undefined : [type],
    created_time: created,
    modified_time: modified,
    first_seen_time: policy.first,
    last_seen_time: policy.last,
    src_url,
    analytic,
  }

  if (isClassified && version !== '1.1.0')
    return {
      // classification
      class_uid: 2006,
      activity_id,
      severity_id,
      severity,
      is_alert,
      // occurrence
      time,
      count,
      status_id,
      // context
      metadata,
      cloud,
      // primary
      finding_info,
      resources: resources.length === 0 ? undefined : resources,
      data_security: dataSecurityOf(result, version),
      databucket,
      file,
      // unmapped
      unmapped: unmappedOf(finding, delivery),
    }
  const data = isClassified ? redactJson(details.handOver()) : undefined
  const evidences = [policy.evidence, file === undefined && data === undefined ? undefined : { file, data }].filter(evidence => evidence !== undefined)
  return {
    // classification
    class_uid: 2004,
    activity_id,
    severity_id,
    severity,
    is_alert,
    // occurrence
    time,
    start_time: policy.first,
    end_time: policy.last,
    count,
    status_id,
    // context
    metadata,
    cloud,
    // primary
    finding_info,
    evidences: evidences.length === 0 ? undefined : evidences,
    resources: resources.length === 0 ? undefined : resources,
    // unmapped
    unmapped: unmappedOf(finding, delivery),
  }
}

/** The job that searched; automated discovery has none. */
function jobOf(details: Taking) {
  const uid = details.text('jobArn')
  const name = details.text('originType')
  // the ARN ends with it
  const id = details.said('jobId')
  if (id !== undefined && uid?.endsWith(`/${id}`)) details.text('jobId')
  return uid === undefined && name === undefined ? undefined : { name, uid, type_id: 0 as const }
}

function unmappedOf(finding: Taking, { around }: Delivery): JsonObject | undefined {
  const rest = finding.rest()
  return redactJson(around === undefined ? rest : { ...rest, ...around })
}
