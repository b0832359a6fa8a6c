/** Amazon CloudWatch alarms: changes of their state, as EventBridge and SNS deliver them. */
import { jsonRecords } from '../decode/json-records.js'
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { jsonIn, openDelivery } from './aws/delivery.js'
import { findingCloudColumns, findingMetadataColumns, productCache, type Resource, resourceColumns, resourceOf } from './aws/finding.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { redactJson, redactMember, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { accountInArn, found, text } from './aws/values.js'
import type { Source } from './source.js'

const declared = {
  detection_finding: columns('detection_finding')({
    activity_id: true,
    severity_id: true,
    time: true,
    status_id: true,
    status_code: true,
    status_detail: true,
    metadata: findingMetadataColumns,
    cloud: { ...findingCloudColumns, zone: true },
    finding_info: {
      uid: true,
      title: true,
      desc: true,
      created_time: true,
      modified_time: true,
      analytic: { uid: true, name: true, desc: true, type_id: true },
    },
    evidences: { data: true },
    resources: resourceColumns,
  }),
}

const INFORMATIONAL = 1
const MEDIUM = 3
const RULE = 1

const productOf = productCache('Amazon CloudWatch')
const cloudOf = cloudCache()

/** Amazon CloudWatch alarm state changes: events of EventBridge, and notifications that an alarm sends to SNS. */
export const cloudwatchAlarm: Source<JsonObject, typeof declared> = {
  id: 'cloudwatch-alarm',
  lakeName: 'cw-alarm',
  title: 'Amazon CloudWatch alarms',
  spec: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'A change to ALARM is Create, ALARM again (another reason) is Update, OK is Close, INSUFFICIENT_DATA is Update with an unknown status.',
    'CloudWatch has no severities: ALARM is Medium, any other state Informational.',
    'finding_info.uid is the ARN of the alarm, the same for each time it goes off; the state is status_code, its reason status_detail.',
    'What the alarm measured (reasonData) is in evidences.data. Its configuration is in unmapped.',
    'resources are the dimensions of its metrics (InstanceId, DBInstanceIdentifier and others): type is the dimension’s name, uid its value.',
    'In a notification of SNS the region is that of the ARN: the member Region holds a name such as US East (N. Virginia).',
    'Changes of an alarm’s configuration are skipped as configuration_change: CloudTrail has them with who made them.',
  ],

  recognise(head) {
    const record = firstJson(head)
    return EVENT.test(record) || (NAME.test(record) && STATE.test(record)) ? 'content' : undefined
  },

  decoder: () => jsonRecords(),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    if (delivery.detailType === 'CloudWatch Alarm Configuration Change') return { skip: 'configuration_change' }
    const alarm = take(delivery.message)
    const name = alarm.text('alarmName')
    if (name === undefined) return { fault: { rule: 'required_missing', path: 'alarmName', expected: 'a text', found: found(alarm.peek('alarmName')) } }
    const now = stateOf(alarm)
    const time = now.changed ?? delivery.time
    if (time === undefined)
      return { fault: { rule: 'time_missing', path: 'state.timestamp', expected: 'an ISO 8601 time', found: found(alarm.peek('StateChangeTime')) } }

    const around = delivery.around?.eventbridge
    const arn = alarm.text('AlarmArn') ?? firstText(around?.resources)
    const account = alarm.text('AWSAccountId') ?? delivery.account ?? (arn === undefined ? undefined : accountInArn(arn)) ?? context.account
    const region = delivery.region ?? (arn === undefined ? undefined : text(arn.split(':', 5)[3])) ?? context.region
    const configuration = alarm.at('configuration')
    const resources = resourcesOf(alarm, context.version, account, region)
    const isAlarm = now.state === 'ALARM'
    const uid = arn ?? [account, region, name].filter(part => part !== undefined).join('/')

    return {
      // classification
      class_uid: 2004,
      activity_id: isAlarm ? (now.before === 'ALARM' ? UPDATE : CREATE) : now.state === 'OK' ? CLOSE : UPDATE,
      severity_id: isAlarm ? MEDIUM : INFORMATIONAL,
      // occurrence
      time,
      status_id: isAlarm ? NEW : now.state === 'OK' ? RESOLVED : UNKNOWN,
      status_code: now.state,
      status_detail: redactJson(now.reason),
      // context
      metadata: { uid: delivery.uid, product: productOf(undefined, 'Alarms') },
      cloud: cloudOf(account, region, undefined),
      // primary
      finding_info: {
        uid,
        title: name,
        desc: redactJson(alarm.text('alarmDescription') ?? configuration.text('description')),
        created_time: isAlarm && now.before !== 'ALARM' ? time : undefined,
        modified_time: now.changed,
        analytic: { uid: arn, name, desc: alarm.text('alarmRule') ?? configuration.text('alarmRule'), type_id: RULE },
      },
      evidences: now.data === undefined ? undefined : [{ data: now.data }],
      resources: resources.length > 0 ? resources : undefined,
      // unmapped
      unmapped: redactJson(delivery.around === undefined ? alarm.rest() : { ...alarm.rest(), ...delivery.around }),
    }
  },

  redact: redactText,
}

const UNKNOWN = 0
const CREATE = 1
const UPDATE = 2
const CLOSE = 3
const NEW = 1
const RESOLVED = 4

// an event of EventBridge, or what an alarm itself sends to SNS, stands as JSON in a text where SNS delivers it
const EVENT = /\\?"detail-type\\?"\s*:\s*\\?"CloudWatch Alarm (?:State|Configuration) Change\\?"/
const NAME = /\\?"AlarmName\\?"\s*:/
const STATE = /\\?"NewStateValue\\?"\s*:/

/** The state that the alarm has now, in either spelling: `state.value`, or `NewStateValue`. */
function stateOf(alarm: Taking) {
  const state = alarm.at('state')
  const previous = alarm.at('previousState').peek('value') ?? alarm.peek('OldStateValue')
  const data = jsonIn(state.peek('reasonData'))
  const isData = isJsonObject(data) && Object.keys(data).length > 0
  if (isData) state.json('reasonData')
  return {
    state: state.text('value') ?? alarm.text('NewStateValue'),
    before: text(previous),
    reason: state.text('reason') ?? alarm.text('NewStateReason'),
    changed: state.time('timestamp') ?? alarm.time('StateChangeTime'),
    data: isData ? redactJson(data) : undefined,
  }
}

// ---- what the alarm watches ----

const MOST_RESOURCES = 100

/** The dimensions of the metrics, each once: an object by name, or in SNS a list of names and values. They stay in the configuration too. */
function resourcesOf(alarm: Taking, version: OcsfVersion, account: string | undefined, region: string | undefined): readonly Resource[] {
  const seen = new Map<string, Resource>()
  const add = (name: string | undefined, value: string | undefined): void => {
    // a dimension with the name of a secret is none to search for
    if (name !== undefined && value !== undefined && redactMember(name, value) !== value) return
    const resource = resourceOf(name, undefined, value, { version, account, region })
    if (resource !== undefined && seen.size < MOST_RESOURCES) seen.set(`${name ?? ''} ${value}`, resource)
  }
  const addAll = (dimensions: Json | undefined): void => {
    if (isJsonObject(dimensions)) for (const name in dimensions) add(name, text(dimensions[name]))
    else if (Array.isArray(dimensions))
      for (const item of dimensions as readonly Json[]) if (isJsonObject(item)) add(text(item.name) ?? text(item.Name), text(item.value) ?? text(item.Value))
  }
  const trigger = alarm.peek('Trigger')
  if (isJsonObject(trigger)) {
    addAll(trigger.Dimensions)
    eachObject(trigger.Metrics, metric => addAll(at(metric, 'MetricStat', 'Metric')?.Dimensions))
  }
  const configuration = alarm.peek('configuration')
  if (isJsonObject(configuration)) eachObject(configuration.metrics, metric => addAll(at(metric, 'metricStat', 'metric')?.dimensions))
  return [...seen.values()]
}

function eachObject(list: Json | undefined, visit: (object: JsonObject) => void): void {
  if (Array.isArray(list)) for (const item of list as readonly Json[]) if (isJsonObject(item)) visit(item)
}

function at(object: JsonObject, outer: string, inner: string): JsonObject | undefined {
  const first = object[outer]
  const second = isJsonObject(first) ? first[inner] : undefined
  return isJsonObject(second) ? second : undefined
}

function firstText(list: Json | undefined): string | undefined {
  return Array.isArray(list) ? text(list[0]) : undefined
}
