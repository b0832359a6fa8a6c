/** IAM Access Analyzer: who outside and inside may use a resource, and what of their access roles and users do not use. */
import { jsonRecords } from '../decode/json-records.js'
import { isJsonObject, type JsonObject } from '../json.js'
import { type AccessFinding, accessColumns, type User } from './aws/access-columns.js'
import { accessResultOf, evidencesOf, grantOf, userOf } from './aws/access-granted.js'
import { unusedKeyOf, unusedOf } from './aws/access-unused.js'
import { type Delivery, openDelivery } from './aws/delivery.js'
import { hasModernFindings, lifecycle, productCache, type Resource, resourceOf, type SeverityId } from './aws/finding.js'
import { firstJson } from './aws/head.js'
import { remembered } from './aws/remembered.js'
import { redactJson, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { found, leftOver, moment, text } from './aws/values.js'
import type { Context, Skip, Source, Unmappable } from './source.js'

const productOf = productCache('IAM Access Analyzer')
const cloudOf = remembered((uid, region) => ({ provider: 'AWS', region, account: uid === undefined ? undefined : { uid } }))

/** IAM Access Analyzer findings of external, internal and unused access: from EventBridge, also by SNS, and from the API. */
export const accessAnalyzer: Source<JsonObject, typeof accessColumns> = {
  id: 'access-analyzer',
  lakeName: 'iam-analyzer',
  title: 'IAM Access Analyzer',
  spec: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-eventbridge.html',
  mappingVersion: 1,
  columns: accessColumns,
  notes: [
    'At 1.8 a finding that says who has access, or what is not used, is an IAM Analysis Finding; one that says neither (an error, a summary of ListFindingsV2) and every finding of older versions is a Detection Finding.',
    'finding_info.uid is the id, which EventBridge calls id or findingId. ARCHIVED is a Close, Suppressed; RESOLVED a Close, Resolved; a deleted finding a Close with the status it had, or Deleted (Other before 1.8) when that was ACTIVE.',
    'Access Analyzer has no severities: public access is High, other access and what is not used Low (as external access in Security Hub), an error Informational.',
    'Each action is evidences.api with the service in front of the colon, by the principal; the principal of unused access is the role or user itself.',
    'The analyzer is metadata.product.uid where EventBridge names it.',
    'The accountId of an internal finding is that of the principal; within an organization it is not taken for the owner of the resource.',
    'State changes of access previews are skipped as access_preview, analyzed resources as analyzed_resource.',
  ],

  recognise(head) {
    const record = firstJson(head)
    if (DETAIL_TYPE.test(record)) return 'content'
    return ANALYZED.test(record) && RESOURCE.test(record) && TYPE.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords({ member: 'findings' }),

  map,

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE =
  /\\?"detail-type\\?"\s*:\s*\\?"(?:Access Analyzer Finding|Internal Access Finding|Unused Access Finding for IAM entities|Access Preview State Change)\\?"/i
const ANALYZED = /"analyzedAt"\s*:/
const RESOURCE = /"resource(?:Arn)?"\s*:\s*"arn:/
const TYPE = /"resourceType"\s*:/

const TITLES = { external: 'Access Analyzer Finding', internal: 'Internal Access Finding', unused: 'Unused Access Finding for IAM entities' } as const

function map(record: JsonObject, context: Context): AccessFinding | Skip | Unmappable {
  const delivery = openDelivery(record)
  if ('fault' in delivery) return delivery
  const { message } = delivery
  if (delivery.detailType === 'Access Preview State Change') return { skip: 'access_preview' }
  // GetFinding answers with the finding in a member
  const finding = take(isJsonObject(message.finding) ? message.finding : message)
  const uid = finding.text('id') ?? finding.text('findingId')
  if (uid === undefined) {
    if (Array.isArray(message.analyzedResources) || finding.said('resourceArn') !== undefined) return { skip: 'analyzed_resource' }
    return { fault: { rule: 'required_missing', path: 'id', expected: 'a text', found: found(finding.peek('id')) } }
  }
  const created = finding.time('createdAt', moment)
  const modified = finding.time('updatedAt', moment)
  const analyzed = finding.time('analyzedAt', moment)
  const isDeleted = finding.flag('isDeleted') === true
  const time = (isDeleted ? delivery.time : undefined) ?? modified ?? created ?? analyzed ?? delivery.time
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'updatedAt', expected: 'an ISO 8601 time', found: found(finding.peek('updatedAt')) } }

  const { version } = context
  const type = finding.text('findingType')
  const kind = kindOf(type, delivery.detailType)
  const details = finding.list('findingDetails')
  const parts = [finding]
  for (const detail of details) parts.push(detail.at('externalAccessDetails'), detail.at('internalAccessDetails'))
  const grants = parts.map(grantOf)
  const error = finding.text('error')
  const status = finding.text('status')

  const account = finding.text('accountId') ?? finding.said('resourceOwnerAccount') ?? delivery.account ?? context.account
  const arn = finding.text('resource')
  const region = finding.text('region') ?? delivery.region ?? text(arn?.split(':', 5)[3]) ?? context.region
  const isElsewhere = kind === 'internal' && parts.some(part => part.peek('accessType') === 'INTRA_ORG')
  const resources = resourcesOf(finding, parts, arn, isElsewhere ? undefined : account, region, context)
  const principal = kind === 'unused' && arn !== undefined ? unusedBy(arn, unusedKeyOf(details), context) : undefined
  const isPublic = parts.some(part => part.peek('isPublic') === true)

  const { activity_id, status_id } = lifeOf(finding, status, created, modified, isDeleted)
  const severity_id = severityOf(isPublic, error)
  const metadata = { uid: delivery.uid, product: productOf(analyzerOf(delivery), undefined) }
  const cloud = cloudOf(account, region)
  const title = delivery.detailType ?? TITLES[kind]
  const finding_info = {
    uid,
    title: arn === undefined ? title : `${title}: ${arn}`,
    types: [type ?? 'ExternalAccess'],
    created_time: created,
    modified_time: modified,
    last_seen_time: analyzed,
  }
  const users = grants.flatMap(grant => grant.users)

  const unused = version === '1.8.0' ? unusedOf(finding, details) : undefined
  if (version === '1.8.0' && (users.length > 0 || unused !== undefined))
    return {
      // classification
      class_uid: 2008,
      activity_id,
      severity_id,
      // occurrence
      time,
      status_id,
      status_code: status,
      status_detail: error,
      // context
      metadata,
      cloud,
      // primary
      finding_info,
      resources,
      user: principal ?? users[0],
      access_analysis_result: users.length === 0 ? undefined : accessResultOf(parts, grants),
      identity_activity_metrics: unused?.identity_activity_metrics,
      permission_analysis_results: unused?.permission_analysis_results,
      // unmapped
      unmapped: unmappedOf(finding, delivery),
    }
  const evidences = grants.flatMap(evidencesOf)
  if (principal !== undefined) evidences.unshift({ actor: { user: principal } })
  return {
    // classification
    class_uid: 2004,
    activity_id,
    severity_id,
    is_alert: hasModernFindings(version) ? error === undefined : undefined,
    // occurrence
    time,
    status_id,
    status_code: status,
    status_detail: error,
    // context
    metadata,
    cloud,
    // primary
    finding_info,
    evidences: evidences.length === 0 ? undefined : evidences,
    resources,
    // unmapped
    unmapped: unmappedOf(finding, delivery),
  }
}

function unmappedOf(finding: Taking, { message, around }: Delivery): JsonObject | undefined {
  const response = isJsonObject(message.finding) ? leftOver(message, name => name === 'finding') : undefined
  const rest = finding.rest()
  return redactJson(response === undefined && around === undefined ? rest : { ...rest, ...(response && { response }), ...around })
}

/** External findings had no type before there were others. */
function kindOf(type: string | undefined, detailType: string | undefined): keyof typeof TITLES {
  if (type?.startsWith('Unused') || detailType?.startsWith('Unused')) return 'unused'
  return type === 'InternalAccess' || detailType === TITLES.internal ? 'internal' : 'external'
}

const CLOSE = 3
const UPDATE = 2
const DELETED = 6

function lifeOf(finding: Taking, status: string | undefined, created: number | undefined, modified: number | undefined, isDeleted: boolean) {
  const { activity_id, status_id } = lifecycle({ created, modified, archived: status === 'ARCHIVED', resolved: status === 'RESOLVED' })
  if (isDeleted) return { activity_id: CLOSE, status_id: status_id === 1 ? DELETED : status_id } as const
  const isUpdate = activity_id === 1 && finding.said('previousStatus') !== undefined
  return { activity_id: isUpdate ? UPDATE : activity_id, status_id } as const
}

function severityOf(isPublic: boolean, error: string | undefined): SeverityId {
  return isPublic ? 4 : error === undefined ? 2 : 1
}

/** The resource, and the access points that the access goes through. */
function resourcesOf(
  finding: Taking,
  parts: readonly Taking[],
  arn: string | undefined,
  account: string | undefined,
  region: string | undefined,
  { version }: Context,
): readonly Resource[] | undefined {
  const owner = finding.text('resourceOwnerAccount')
  const type = arn === undefined ? undefined : finding.text('resourceType')
  const own = owner === undefined ? undefined : (text(arn?.split(':', 5)[3]) ?? region)
  const around = owner === undefined ? { version, account, region } : { version, account: owner, region: own, isOwn: true }
  const resource = resourceOf(type, arn, undefined, around)
  const all = resource === undefined ? [] : [resource]
  for (const part of parts)
    for (const source of part.list('sources', 'type')) {
      const uid = source.at('detail').said('accessPointArn')
      const point = all.some(known => known.uid === uid)
        ? undefined
        : resourceOf('AWS::S3::AccessPoint', uid, undefined, { version, account: undefined, region })
      if (point !== undefined) all.push(point)
    }
  return all.length === 0 ? undefined : all
}

/** The role or user that does not use its access. */
function unusedBy(arn: string, key: string | undefined, { version }: Context): User {
  const user = userOf(arn)
  if (key === undefined) return user
  return version === '1.8.0' ? { ...user, programmatic_credentials: [{ uid: key }] } : { ...user, credential_uid: key }
}

/** EventBridge names the analyzer as the only resource of the event. */
function analyzerOf({ around }: Delivery): string | undefined {
  const resources = around?.eventbridge?.resources
  const first: unknown = Array.isArray(resources) ? resources[0] : undefined
  return typeof first === 'string' && first.includes(':analyzer/') ? first : undefined
}
