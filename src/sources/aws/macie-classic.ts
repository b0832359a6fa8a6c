/** Alerts of Amazon Macie Classic, as EventBridge delivered them. */
import { isJsonObject, type Json } from '../../json.js'
import { isIp } from '../../ocsf/ip.js'
import type { Context, Unmappable } from '../source.js'
import type { Delivery } from './delivery.js'
import { productCache, type Resource, resourceOf, severityOfScore } from './finding.js'
import type { Evidence, MacieFinding } from './macie-columns.js'
import { remembered } from './remembered.js'
import { redactJson } from './secrets.js'
import { take } from './taking.js'
import { accountInArn, found, text } from './values.js'

const productOf = productCache('Macie')
const cloudOf = remembered((uid, region) => ({ provider: 'AWS', region, account: uid === undefined ? undefined : { uid } }))

const NEW = 1
const ACTIVITIES: ReadonlyMap<string, 1 | 2> = new Map([
  ['ALERT_CREATED', 1],
  ['ALERT_UPDATED', 2],
])
/** Rule; Behavioral. */
const ANALYTICS: ReadonlyMap<string | undefined, 1 | 2> = new Map([
  ['basic', 1],
  ['predictive', 2],
])

/** An alert; its summary stays whole in `unmapped`, since its counts belong to the names in it. */
export function alertOf(delivery: Delivery, context: Context): MacieFinding | Unmappable {
  const alert = take(delivery.message)
  const uid = alert.text('alert-arn')
  if (uid === undefined) return { fault: { rule: 'required_missing', path: 'alert-arn', expected: 'an ARN', found: found(alert.peek('alert-arn')) } }
  const created = alert.time('created-at')
  const time = delivery.time ?? created
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'created-at', expected: 'an ISO 8601 time', found: found(alert.peek('created-at')) } }

  const account = delivery.account ?? accountInArn(uid) ?? context.account
  const region = delivery.region ?? text(uid.split(':', 4)[3]) ?? context.region
  const activity = ACTIVITIES.get(alert.said('notification-type') ?? '')
  if (activity !== undefined) alert.text('notification-type')
  const trigger = alert.at('trigger')
  const kind = trigger.text('alert-type')
  const rule = trigger.text('rule-arn')
  const description = trigger.text('description')
  const score = alert.whole('risk-score', 100)
  const summary = alert.at('summary')
  const resources = resourcesOf(summary.peek('Bucket'), summary.peek('Object'), { version: context.version, account, region })
  const evidences = evidencesOf(alert.text('actor'), text(summary.peek('Source ARN')), summary.peek('IP'), summary.peek('Events'))

  return {
    // classification
    class_uid: 2004,
    activity_id: activity ?? 1,
    severity_id: severityOfScore(score === undefined ? undefined : score / 10),
    // occurrence
    time,
    risk_score: score,
    status_id: NEW,
    // context
    metadata: { uid: delivery.uid, product: productOf(undefined, 'Macie Classic') },
    cloud: cloudOf(account, region),
    // primary
    finding_info: {
      uid,
      title: alert.text('name') ?? uid,
      desc: description,
      types: alert.texts('tags'),
      created_time: created,
      modified_time: activity === 2 ? delivery.time : undefined,
      src_url: redactJson(alert.text('url')),
      analytic: kind === undefined && rule === undefined ? undefined : { name: kind, uid: rule, type_id: ANALYTICS.get(kind) ?? 0 },
    },
    evidences: evidences.length === 0 ? undefined : evidences,
    resources: resources.length === 0 ? undefined : resources,
    // unmapped
    unmapped: redactJson(delivery.around === undefined ? alert.rest() : { ...alert.rest(), ...delivery.around }),
  }
}

function namesIn(counted: Json | undefined): readonly string[] {
  return isJsonObject(counted) ? Object.keys(counted).filter(name => name !== '') : []
}

/** Who, from which addresses, by which calls. */
function evidencesOf(actor: string | undefined, arn: string | undefined, addresses: Json | undefined, events: Json | undefined): readonly Evidence[] {
  const who = actor === undefined ? [] : [{ actor: { user: userOf(actor, arn) }, data: { actor } }]
  const where = namesIn(addresses).flatMap(ip => (isIp(ip) ? [{ src_endpoint: { ip } }] : []))
  return [...who, ...where, ...namesIn(events).map(operation => ({ api: { operation } }))]
}

/** `123456789012:assumed-role:name:id`, `123456789012`, or the name of a bucket. */
function userOf(actor: string, arn: string | undefined) {
  const [account = '', type, name, id] = actor.split(':')
  if (!/^\d{12}$/.test(account)) return { name: actor, uid: arn }
  return {
    name: text(name),
    uid: arn,
    uid_alt: text(id),
    type_id: type === undefined || type === '' ? undefined : (99 as const),
    type: text(type),
    account: { uid: account },
  }
}

function resourcesOf(buckets: Json | undefined, objects: Json | undefined, around: Parameters<typeof resourceOf>[3]): readonly Resource[] {
  const named = (type: string, names: readonly string[]) => names.flatMap(name => resourceOf(type, `arn:aws:s3:::${name}`, name, around) ?? [])
  return [...named('AWS::S3::Bucket', namesIn(buckets)), ...named('AWS::S3::Object', namesIn(objects))]
}
