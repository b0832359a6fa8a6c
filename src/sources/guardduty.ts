/** Amazon GuardDuty findings, from its S3 export, from EventBridge and from its API. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import type { JsonObject } from '../json.js'
import { attackOf } from './aws/attack.js'
import { openDelivery } from './aws/delivery.js'
import { hasModernFindings, lifecycle, productCache, severityOfScore } from './aws/finding.js'
import { type Container, type Evidence, type GuardDutyFinding, guarddutyColumns, type Process, type User } from './aws/guardduty-columns.js'
import { actionOf, callerOf, containerOf, runtimeOf, scanOf, withActor } from './aws/guardduty-evidence.js'
import { resourcesOf } from './aws/guardduty-resources.js'
import { sequenceOf } from './aws/guardduty-sequence.js'
import { firstJson } from './aws/head.js'
import { remembered } from './aws/remembered.js'
import { redactJson, redactText } from './aws/secrets.js'
import { take } from './aws/taking.js'
import { found, moment } from './aws/values.js'
import type { Context, Source, Unmappable } from './source.js'

const productOf = productCache('GuardDuty')
const cloudOf = remembered((uid, region) => ({ provider: 'AWS', region, account: uid === undefined ? undefined : { uid } }))

const MACHINE_LEARNING = 4
const ALLOWED = { action_id: 1, disposition_id: 1 } as const
const BLOCKED = { action_id: 2, disposition_id: 2 } as const
/** OCSF wants an action beside malware; a scan takes none. */
const DETECTED = { action_id: 0, disposition_id: 15 } as const

/** Amazon GuardDuty findings as JSON lines in S3, EventBridge events (also by SNS), or the answer of GetFindings. */
export const guardduty: Source<JsonObject, typeof guarddutyColumns> = {
  id: 'guardduty',
  title: 'Amazon GuardDuty',
  spec: 'https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html',
  mappingVersion: 1,
  columns: guarddutyColumns,
  notes: [
    'finding_info.uid is the ARN, as in Security Hub. A later updatedAt or a count above 1 is an Update; archived is a Close, Suppressed.',
    'Kubernetes roles and bindings are resources, a checked permission is an evidence. From 1.3 an evidence names the container where it is the only one. requestUri is http_request.url from 1.5, url in 1.3.',
    'The number behind severity_id stays in unmapped.severity.',
    'MITRE tactics come from the type and from the indicators of attack sequences, whose signals are finding_info.related_events.',
  ],

  recognise(head) {
    if (readObjectKey(head.key).service === 'GuardDuty') return 'key'
    const record = firstJson(head)
    if (DETAIL_TYPE.test(record)) return 'content'
    if (/"(?:eventVersion|ProductArn|class_uid)"\s*:/.test(record)) return undefined
    const isFinding = /"[sS]ervice"\s*:\s*\{/.test(record) && /"[rR]esource"\s*:\s*\{/.test(record)
    return isFinding && (/"[dD]etectorId"\s*:/.test(record) || /"arn:aws[\w-]*:guardduty:[^"]*\/finding\//.test(record)) ? 'content' : undefined
  },

  decoder: () => jsonRecords({ member: 'Findings' }),

  map,

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"GuardDuty Finding\\?"/

function map(raw: JsonObject, context: Context): GuardDutyFinding | Unmappable {
  const delivery = openDelivery(raw)
  if ('fault' in delivery) return delivery
  const record = take(delivery.message)
  const { version } = context
  const uid = record.text('arn') ?? record.text('id')
  if (uid === undefined) return { fault: { rule: 'required_missing', path: 'arn', expected: 'an ARN or an id', found: found(record.peek('arn')) } }
  // the ARN ends with it
  const id = record.peek('id')
  if (typeof id === 'string' && uid.endsWith(`/${id}`)) record.text('id')
  const service = record.at('service')
  const resource = record.at('resource')
  const created = record.time('createdAt', moment)
  const modified = record.time('updatedAt', moment)
  const first = service.time('eventFirstSeen', moment)
  const last = service.time('eventLastSeen', moment)
  const time = modified ?? created ?? last
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'updatedAt', expected: 'an ISO 8601 time', found: found(record.peek('updatedAt')) } }

  const account = record.text('accountId') ?? delivery.account ?? context.account
  const region = record.text('region') ?? delivery.region ?? context.region
  const partition = record.said('partition')
  const around = { version, account, region, partition }
  const type = record.text('type')
  const severity = record.peek('severity')
  const count = service.whole('count')
  const archived = service.flag('archived')
  const confidence = record.whole('confidence', 100)

  const remoteAccount = service.at('action').at('awsApiCallAction').at('remoteAccountDetails').text('accountId')
  const user = callerOf(resource, remoteAccount, account, version)
  const runtime = runtimeOf(service, version)
  const scan = scanOf(service)
  const sequence = sequenceOf(service, around)
  const action = actionOf(service, resource, version)
  const evidences = evidencesOf(action.evidences, user, runtime.process, containerOf(resource, version))
  const all = [...evidences, ...runtime.evidences, ...scan.evidences, ...sequence.evidences]
  const resources = [...resourcesOf(resource, service, around), ...sequence.resources]

  if (resources.some(({ cloud_partition }) => cloud_partition === partition)) record.text('partition')

  const purpose = type?.split(':', 1)[0]
  const tactic = purpose === undefined ? undefined : attackOf(purpose)
  const attacks = tactic === undefined || sequence.attacks.some(known => known.tactic === tactic.tactic) ? sequence.attacks : [tactic, ...sequence.attacks]
  const isAnomaly = type !== undefined && /AnomalousBehavior/.test(type)

  return {
    // classification
    class_uid: 2004,
    ...lifecycle({ created, modified, count, archived }),
    severity_id: severityOfScore(typeof severity === 'number' ? severity : undefined),
    // occurrence
    time,
    start_time: first,
    end_time: last,
    count,
    confidence_score: confidence,
    is_alert: hasModernFindings(version) ? true : undefined,
    // context
    metadata: {
      uid: delivery.uid,
      correlation_uid: record.text('associatedAttackSequenceArn'),
      log_provider: service.text('serviceName'),
      log_version: record.text('schemaVersion'),
      product: productOf(service.text('detectorId'), service.text('featureName')),
    },
    cloud: cloudOf(account, region),
    // primary
    finding_info: {
      uid,
      title: record.text('title') ?? type ?? uid,
      desc: record.text('description'),
      types: type === undefined ? undefined : [type],
      created_time: created,
      modified_time: modified,
      first_seen_time: first,
      last_seen_time: last,
      analytic: isAnomaly ? { name: type, uid: type, type_id: MACHINE_LEARNING } : undefined,
      attacks: attacks.length === 0 ? undefined : attacks,
      related_events: sequence.signals.length === 0 ? undefined : sequence.signals,
    },
    evidences: all.length === 0 ? undefined : all,
    resources: resources.length === 0 ? undefined : resources,
    malware: scan.malware.length === 0 ? undefined : scan.malware,
    // security control
    ...(action.blocked === undefined ? (scan.malware.length === 0 ? undefined : DETECTED) : action.blocked ? BLOCKED : ALLOWED),
    // unmapped
    unmapped: redactJson(delivery.around === undefined ? record.rest() : { ...record.rest(), ...delivery.around }),
  }
}

function evidencesOf(
  actions: readonly Evidence[],
  user: User | undefined,
  process: Process | undefined,
  container: Container | undefined,
): readonly Evidence[] {
  if (actions.length > 0) {
    const all = actions.map(evidence => withActor(evidence, user, process, container))
    return user === undefined || all.some(({ actor }) => actor?.user === user) ? all : [...all, { actor: { user } }]
  }
  return user === undefined && process === undefined ? [] : [withActor({}, user, process, container)]
}
