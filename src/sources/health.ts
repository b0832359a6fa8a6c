/** AWS Health: abuse reports, exposed credentials and other risks, security notices, and what else AWS says about an account's resources. */
import { jsonRecords } from '../decode/json-records.js'
import type { Json, JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { msFromHttpDate } from '../ocsf/time.js'
import { openDelivery } from './aws/delivery.js'
import {
  findingCloudColumns,
  findingMetadataColumns,
  hasModernFindings,
  lifecycle,
  productCache,
  type Resource,
  resourceColumns,
  resourceOf,
  type SeverityId,
} from './aws/finding.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { redactJson, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { found, ms, text } from './aws/values.js'
import type { Source } from './source.js'

const declared = {
  detection_finding: columns('detection_finding')({
    activity_id: true,
    severity_id: true,
    is_alert: true,
    time: true,
    start_time: true,
    end_time: true,
    status_id: true,
    status_code: true,
    metadata: { ...findingMetadataColumns, event_code: true },
    cloud: { ...findingCloudColumns, zone: true },
    finding_info: { uid: true, title: true, desc: true, types: true, modified_time: true },
    evidences: { actor: { user: { account: { uid: true }, credential_uid: true, programmatic_credentials: { uid: true } } } },
    resources: resourceColumns,
  }),
}

const productOf = productCache('AWS Health')
const cloudOf = cloudCache()

/** AWS Health events, as EventBridge delivers them, also by SNS. */
export const health: Source<JsonObject, typeof declared> = {
  id: 'health',
  title: 'AWS Health',
  spec: 'https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Every event is a Detection Finding; is_alert (from 1.5) tells abuse, risk and security events from the others.',
    'AWS Health has no severities: exposed credentials are Critical, other abuse and risk events High, events of the service SECURITY or for the persona SECURITY Medium, other issues Low, notifications and scheduled changes Informational.',
    'finding_info.uid is the ARN of the event, which accounts share; metadata.correlation_uid is communicationId, which pages and backup messages have in common but for the page.',
    'An event is Create until it is updated after its start (lastUpdatedTime behind startTime: Update) or closed (Close).',
    'time is when the notification was sent; startTime and endTime, which may lie ahead, are start_time and end_time.',
    'The account is affectedAccount, which in an organization’s view is another than the account that received the event; the region is eventRegion.',
    'An access key among the affected entities of a risk event is also evidences.actor.user.credential_uid (programmatic_credentials at 1.8), as CloudTrail has it.',
    'What is said of an affected entity is in resources.data.',
  ],

  recognise: head => (DETAIL_TYPE.test(firstJson(head)) ? 'content' : undefined),

  decoder: () => jsonRecords(),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    const detail = take(delivery.message)
    const arn = detail.text('eventArn')
    const code = detail.text('eventTypeCode')
    if (arn === undefined || code === undefined) {
      const path = arn === undefined ? 'eventArn' : 'eventTypeCode'
      return { fault: { rule: 'required_missing', path, expected: 'a text', found: found(detail.peek(path)) } }
    }
    const start = detail.time('startTime', instant)
    const end = detail.time('endTime', instant)
    const modified = detail.time('lastUpdatedTime', instant)
    const time = delivery.time ?? modified ?? start
    if (time === undefined)
      return {
        fault: {
          rule: 'time_missing',
          path: 'time',
          expected: 'the time of the EventBridge event, or lastUpdatedTime',
          found: found(detail.peek('startTime')),
        },
      }

    const service = detail.text('service')
    const category = detail.text('eventTypeCategory')
    const status = detail.text('statusCode')
    const kind = kindOf(service, code, detail)
    const account = detail.text('affectedAccount') ?? delivery.account ?? context.account
    const region = detail.text('eventRegion') ?? text(arn.split(':', 4)[3]) ?? delivery.region ?? context.region
    const resources = resourcesOf(detail, context.version, account, region)
    const { activity_id, status_id } = lifecycle({ created: start, modified, resolved: status === 'closed' })

    return {
      // classification
      class_uid: 2004,
      activity_id,
      severity_id: severityOf(kind, code, category),
      is_alert: hasModernFindings(context.version) ? kind !== 'other' : undefined,
      // occurrence
      time,
      start_time: start,
      end_time: end,
      status_id,
      status_code: status,
      // context
      metadata: {
        uid: delivery.uid,
        event_code: code,
        correlation_uid: detail.text('communicationId'),
        product: productOf(undefined, service),
      },
      cloud: cloudOf(account, region, undefined),
      // primary
      finding_info: {
        uid: arn,
        title: code,
        desc: redactJson(descriptionOf(detail)),
        types: category === undefined ? undefined : [category],
        modified_time: modified,
      },
      evidences: kind === 'risk' && account !== undefined ? evidencesOf(resources, account, context.version) : undefined,
      resources: resources.length > 0 ? resources : undefined,
      // unmapped
      unmapped: redactJson(delivery.around === undefined ? detail.rest() : { ...detail.rest(), ...delivery.around }),
    }
  },

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"AWS Health (?:Abuse )?Event\\?"/

/** `Fri, 10 Mar 2023 12:03:38 GMT`, or ISO 8601. */
function instant(value: Json | undefined): number | undefined {
  return typeof value === 'string' ? (msFromHttpDate(value) ?? ms(value)) : undefined
}

// ---- how bad it is ----

type Kind = 'abuse' | 'risk' | 'security' | 'other'

function kindOf(service: string | undefined, code: string, detail: Taking): Kind {
  if (service === 'ABUSE' || code.startsWith('AWS_ABUSE_')) return 'abuse'
  if (service === 'RISK' || code.startsWith('AWS_RISK_')) return 'risk'
  const personas = detail.peek('personas')
  return service === 'SECURITY' || (Array.isArray(personas) && personas.includes('SECURITY')) ? 'security' : 'other'
}

function severityOf(kind: Kind, code: string, category: string | undefined): SeverityId {
  if (kind === 'risk' && /CREDENTIALS?_EXPOS/.test(code)) return 5
  if (kind === 'abuse' || kind === 'risk') return 4
  if (kind === 'security') return 3
  return category === 'issue' || category === 'investigation' ? 2 : 1
}

// ---- parts ----

function descriptionOf(detail: Taking): string | undefined {
  const descriptions = detail.list('eventDescription', 'language')
  const english = descriptions.find(item => item.peek('language') === 'en_US' && text(item.peek('latestDescription')) !== undefined)
  return (english ?? descriptions[0])?.text('latestDescription')
}

function resourcesOf(detail: Taking, version: OcsfVersion, account: string | undefined, region: string | undefined): readonly Resource[] {
  const around = { version, account, region }
  return detail.list('affectedEntities').flatMap(entity => {
    const value = entity.text('entityValue')
    const arn = value?.startsWith('arn:') === true ? value : entity.text('entityArn')
    return resourceOf(undefined, arn, value, around, entity) ?? []
  })
}

const ACCESS_KEY = /^A[KS]IA[A-Z0-9]{12,}$/

/** The access keys among the resources, as the callers that they stand for. */
function evidencesOf(resources: readonly Resource[], account: string, version: OcsfVersion) {
  const keys = resources.flatMap(({ uid }) => (uid !== undefined && ACCESS_KEY.test(uid) ? [uid] : []))
  if (keys.length === 0) return undefined
  return keys.map(uid => ({
    actor: {
      user: {
        account: { uid: account },
        credential_uid: version === '1.8.0' ? undefined : uid,
        programmatic_credentials: version === '1.8.0' ? [{ uid }] : undefined,
      },
    },
  }))
}
