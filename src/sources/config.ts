/** AWS Config: changes of configuration items, history and snapshot files, and what rules make of the resources. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import type { Json, JsonObject } from '../json.js'
import { columns, type EventOf } from '../ocsf/columns.js'
import { type Delivery, jsonIn, openDelivery } from './aws/delivery.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { isEmpty, type Members, membersOf, type Names } from './aws/members.js'
import { remembered } from './aws/remembered.js'
import { redactJson, redactMember, redactText } from './aws/secrets.js'
import { found, isBlank, keep, objectOf, text, word } from './aws/values.js'
import type { Context, Skip, Source, Unmappable } from './source.js'

const metadataColumns = {
  uid: true,
  event_code: true,
  log_version: true,
  logged_time: true,
  correlation_uid: true,
  product: { name: true, vendor_name: true },
} as const
const cloudColumns = { provider: true, region: true, zone: true, account: { uid: true } } as const
const common = {
  activity_id: true,
  activity_name: true,
  severity_id: true,
  time: true,
  status_code: true,
  metadata: metadataColumns,
  cloud: cloudColumns,
} as const
const complianceResource = { uid: true, type: true, region: true } as const

const declared = {
  entity_management: columns('entity_management')({
    ...common,
    entity: { uid: true, name: true, type: true, version: true, data: true },
    src_endpoint: { svc_name: true },
  }),
  compliance_finding: columns('compliance_finding')({
    activity_id: true,
    severity_id: true,
    time: true,
    status_id: true,
    metadata: metadataColumns,
    cloud: cloudColumns,
    finding_info: { uid: true, title: true, created_time: true, modified_time: true, analytic: { uid: true, name: true, type_id: true } },
    compliance: { control: true, standards: true, status_id: true, status: true, status_code: true, status_detail: true, status_details: true },
    resource: complianceResource,
    resources: complianceResource,
  }),
  cloud_resources_inventory_info: columns('cloud_resources_inventory_info')({
    ...common,
    resources: {
      uid: true,
      uid_alt: true,
      name: true,
      type: true,
      version: true,
      region: true,
      zone: true,
      created_time: true,
      tags: { name: true, value: true },
      data: true,
    },
  }),
}

type Change = EventOf<'entity_management', (typeof declared)['entity_management']>
type Inventory = EventOf<'cloud_resources_inventory_info', (typeof declared)['cloud_resources_inventory_info']>
type Finding = EventOf<'compliance_finding', (typeof declared)['compliance_finding']>

const INFORMATIONAL = 1
const MEDIUM = 3
const RULE = 1
const CREATE = 1
const READ = 2
const COLLECT = 2
const OTHER = 99

const PRODUCT = { name: 'AWS Config', vendor_name: 'AWS' } as const
const SERVICE = { svc_name: 'config.amazonaws.com' } as const
const STANDARDS = ['AWS Config Rules'] as const

const cloudOf = cloudCache()

/** AWS Config, as history and snapshot files in S3, notifications by SNS or EventBridge, and items as the API lists them. */
export const config: Source<JsonObject, typeof declared> = {
  id: 'config',
  title: 'AWS Config',
  spec: 'https://docs.aws.amazon.com/config/latest/developerguide/config-concepts.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'A configuration item is Entity Management: CREATE, UPDATE or DELETE as the notification says, else by configurationItemStatus (ResourceDiscovered is Create, OK is Update, ResourceDeleted is Delete, ResourceNotRecorded is Other). That status is status_code.',
    'An item of a snapshot file is Cloud Resources Inventory Info from 1.5, below Entity Management with the activity Read. A snapshot is known by its key, which also gives metadata.correlation_uid, the id of the snapshot.',
    'entity.uid is the ARN, entity.name the resource’s name, else its id; entity.version is the version of the item’s format, as AWS states no other.',
    'entity.data is configuration, parsed where it comes as JSON in a text; secrets in it are replaced by REDACTED. Tags (below 1.5, and of changes), relationships, supplementaryConfiguration and what changed (configurationItemDiff) stay in unmapped.',
    'metadata.uid is configurationStateId, which AWS makes unique only within a resource; 0, as oversized notifications have it, is none.',
    'An oversized notification gives an event without configuration; unmapped.s3DeliverySummary says where the whole of it is.',
    'A compliance change is Create when a resource becomes NON_COMPLIANT, Update when it stays so, Close when it no longer is. AWS Config has no severities: NON_COMPLIANT is Medium, any other result Informational.',
    'finding_info.uid is account, region, resource type, resource id and rule. compliance.standards is AWS Config Rules, since OCSF requires one up to 1.3.',
    'Notes of deliveries, started evaluations and schedules are skipped as delivery_status, evaluation_started and scheduled.',
  ],

  recognise(head) {
    const { service } = readObjectKey(head.key)
    if (service === 'Config') {
      const empty = head.key.endsWith('/') || head.text.trim() === ''
      return empty || head.key.endsWith('ConfigWritabilityCheckFile') ? { skip: 'writability_check' } : 'key'
    }
    const record = firstJson(head)
    if (/"eventVersion"\s*:\s*"1\.\d/.test(record)) return undefined
    return DETAIL_TYPE.test(record) || MESSAGE_TYPE.test(record) || ITEM_MEMBER.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords({ member: 'configurationItems' }),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    const message = membersOf(delivery.message, MESSAGE)
    const item = message.object('item')
    if (item !== undefined) return changeOf(item, message, delivery, context)
    if (message.look('new') !== undefined || message.look('old') !== undefined) return findingOf(message, delivery, context)
    const kind = message.text('kind')
    const skip = kind === undefined ? undefined : skipOf(kind)
    if (skip !== undefined) return skip
    if (message.look('resourceType') !== undefined || message.look('resourceId') !== undefined || message.look('arn') !== undefined)
      return changeOf(delivery.message, undefined, delivery, context)
    return missing('configurationItem', 'a configuration item or the result of a rule', message.look('item'))
  },

  redact: redactText,
}

const DETAIL_TYPE = /"detail-type"\s*:\s*"Config (?:Configuration|Rules) /
// in a notification of SNS the message stands as JSON in a text
const MESSAGE_TYPE =
  /\\?"messageType\\?"\s*:\s*\\?"(?:(?:Oversized)?Configuration(?:Item|Snapshot|History)\w*|ComplianceChangeNotification|ConfigRulesEvaluationStarted)\\?"/
const ITEM_MEMBER = /\\?"configurationItemCaptureTime\\?"\s*:/i

function skipOf(kind: string): Skip | undefined {
  if (kind === 'ConfigRulesEvaluationStarted') return { skip: 'evaluation_started' }
  if (kind === 'ScheduledNotification') return { skip: 'scheduled' }
  return /Delivery(?:Started|Completed|Failed)$/.test(kind) ? { skip: 'delivery_status' } : undefined
}

function missing(path: string, expected: string, value: Json | undefined): Unmappable {
  return { fault: { rule: 'required_missing', path, expected, found: found(value) } }
}

function timeMissing(path: string, value: Json | undefined): Unmappable {
  return { fault: { rule: 'time_missing', path, expected: 'an ISO 8601 time or epoch seconds', found: found(value) } }
}

// ---- messages ----

type MessageRole =
  | 'item'
  | 'diff'
  | 'new'
  | 'old'
  | 'kind'
  | 'created'
  | 'recordVersion'
  | 'account'
  | 'region'
  | 'ruleName'
  | 'ruleArn'
  | 'resourceType'
  | 'resourceId'
  | 'arn'

const MESSAGE: Names<MessageRole> = new Map([
  ['configurationitem', 'item'],
  ['configurationitemsummary', 'item'],
  ['configurationitemdiff', 'diff'],
  ['newevaluationresult', 'new'],
  ['oldevaluationresult', 'old'],
  ['messagetype', 'kind'],
  ['notificationcreationtime', 'created'],
  ['recordversion', 'recordVersion'],
  ['awsaccountid', 'account'],
  ['accountid', 'account'],
  ['awsregion', 'region'],
  ['configrulename', 'ruleName'],
  ['configrulearn', 'ruleArn'],
  ['resourcetype', 'resourceType'],
  ['resourceid', 'resourceId'],
  ['arn', 'arn'],
])

function aroundOf(delivery: Delivery): Readonly<Record<string, Json | undefined>> | undefined {
  return delivery.around === undefined ? undefined : { ...delivery.around }
}

// ---- configuration items ----

type ItemRole =
  | 'account'
  | 'arn'
  | 'captured'
  | 'delivered'
  | 'status'
  | 'change'
  | 'state'
  | 'version'
  | 'type'
  | 'id'
  | 'name'
  | 'region'
  | 'zone'
  | 'created'
  | 'tags'
  | 'configuration'

/** Files, notifications and the API spell these differently; `availibilityZone` is AWS's own. */
const ITEM: Names<ItemRole> = new Map([
  ['awsaccountid', 'account'],
  ['accountid', 'account'],
  ['arn', 'arn'],
  ['configurationitemcapturetime', 'captured'],
  ['configurationitemdeliverytime', 'delivered'],
  ['configurationitemstatus', 'status'],
  ['changetype', 'change'],
  ['configurationstateid', 'state'],
  ['configurationitemstate', 'state'],
  ['configurationitemversion', 'version'],
  ['snapshotversion', 'version'],
  ['version', 'version'],
  ['resourcetype', 'type'],
  ['resourceid', 'id'],
  ['resourcename', 'name'],
  ['awsregion', 'region'],
  ['availabilityzone', 'zone'],
  ['availibilityzone', 'zone'],
  ['resourcecreationtime', 'created'],
  ['tags', 'tags'],
  ['configuration', 'configuration'],
])

const ACTIVITY: ReadonlyMap<string, 1 | 3 | 4> = new Map([
  ['create', 1],
  ['update', 3],
  ['delete', 4],
  ['resourcediscovered', 1],
  ['discovered', 1],
  ['ok', 3],
  ['resourcedeleted', 4],
  ['resourcedeletednotrecorded', 4],
  ['deleted', 4],
])

function changeOf(item: JsonObject, message: Members<MessageRole> | undefined, delivery: Delivery, context: Context): Change | Inventory | Unmappable {
  const members = membersOf(item, ITEM)
  const time = members.time('captured')
  if (time === undefined) return timeMissing('configurationItemCaptureTime', members.look('captured'))
  const resource = resourceOf(members)
  if (resource.uid === undefined && resource.name === undefined)
    return missing('resourceId', 'an ARN, a resource id or a name', members.look('id') ?? members.look('arn'))

  const status = members.text('status')
  const change = text(objectOf(message?.look('diff')).changeType) ?? text(members.look('change'))
  const verb = change ?? status
  const activity = verb === undefined ? 0 : (ACTIVITY.get(verb.toLowerCase()) ?? OTHER)
  const state = members.take('state', value => (value === 0 || value === '0' ? undefined : word(value)))
  const { isSnapshot, uid: snapshotUid } = snapshotIn(message === undefined ? context.key : undefined, undefined)
  const version = members.word('version')
  const data = members.take('configuration', dataOf)
  const zone = members.take('zone', value => (typeof value === 'string' && ZONE.test(value) ? value : undefined))
  const cloud = cloudOf(
    members.text('account') ?? delivery.account ?? context.account,
    members.text('region') ?? regionIn(resource.uid) ?? delivery.region ?? context.region,
    zone,
  )
  const metadata = {
    uid: state,
    event_code: message?.text('kind'),
    log_version: message?.word('recordVersion'),
    logged_time: members.time('delivered') ?? message?.time('created'),
    correlation_uid: snapshotUid,
    product: PRODUCT,
  }
  const whole = (left: Record<string, Json | undefined> | undefined) =>
    redactJson(message === undefined ? withAround(left, delivery) : message.left({ [nameOfItem(delivery.message)]: left, ...aroundOf(delivery) }))

  if (isSnapshot && (context.version === '1.5.0' || context.version === '1.8.0')) {
    const tags = members.take('tags', tagsOf)
    const created = members.time('created')
    return {
      // classification
      class_uid: 5023,
      activity_id: COLLECT,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      status_code: status,
      // context
      metadata,
      cloud,
      // primary
      resources: [{ ...resource, version, region: cloud.region, zone, created_time: created, tags, data }],
      // unmapped
      unmapped: whole(members.left()),
    }
  }
  const { uid, uid_alt, name, type } = resource
  const left = members.left()
  return {
    // classification
    class_uid: 3004,
    activity_id: isSnapshot ? READ : activity,
    activity_name: !isSnapshot && activity === OTHER ? verb : undefined,
    severity_id: INFORMATIONAL,
    // occurrence
    time,
    status_code: status,
    // context
    metadata,
    cloud,
    src_endpoint: context.version === '1.1.0' ? undefined : SERVICE,
    // primary
    entity: { uid, name, type, version, data },
    // unmapped
    unmapped: whole(uid_alt === undefined || uid_alt === name ? left : keep(left, 'resourceId', uid_alt)),
  }
}

/** What names a resource: its ARN, else its id; its name, else its id. */
function resourceOf(members: Members<ItemRole>) {
  const arn = members.text('arn')
  const id = members.text('id')
  return { uid: arn ?? id, uid_alt: arn === undefined ? undefined : id, name: members.text('name') ?? id, type: members.text('type') }
}

const ZONE = /^[a-z]{2,4}(?:-[a-z]+)+-\d+[a-z]$/
const REGION_IN_ARN = /^arn:[^:]*:[^:]*:([a-z]{2,4}(?:-[a-z]+)+-\d+):/

function regionIn(arn: string | undefined): string | undefined {
  return arn === undefined ? undefined : REGION_IN_ARN.exec(arn)?.[1]
}

/** Some deliveries write the configuration as JSON in a text. */
function dataOf(value: Json): NonNullable<Json> | undefined {
  const data = redactJson(jsonIn(value))
  return data === undefined || data === null || isBlank(data) || isEmpty(data) ? undefined : data
}

/** Tags as an object; `undefined` where not every one is a text. */
function tagsOf(value: Json): { readonly name: string; readonly value: string }[] | undefined {
  const tags: { name: string; value: string }[] = []
  const members = objectOf(value)
  for (const name in members) {
    const member = members[name]
    const value = member === undefined ? undefined : redactMember(name, member)
    if (typeof value !== 'string') return undefined
    tags.push({ name, value })
  }
  return tags.length === 0 ? undefined : tags
}

// ACCOUNT_Config_REGION_ConfigSnapshot_20260314T092653Z_UUID.json.gz, in a folder ConfigSnapshot
const SNAPSHOT = /(?:^|[/_])ConfigSnapshot[/_]/
const SNAPSHOT_UID = /_ConfigSnapshot_\d{8}T\d{6}Z_([0-9a-f-]{36})(?=\.|$)/

/** Whether an object is a snapshot, and which one, by its key. */
const snapshotIn = remembered(key => ({
  isSnapshot: key !== undefined && SNAPSHOT.test(key),
  uid: key === undefined ? undefined : SNAPSHOT_UID.exec(key)?.[1],
}))

function nameOfItem(message: JsonObject): string {
  for (const key in message) if (MESSAGE.get(key.toLowerCase()) === 'item') return key
  return 'configurationItem'
}

function withAround(left: Record<string, Json | undefined> | undefined, delivery: Delivery): Record<string, Json | undefined> | undefined {
  return delivery.around === undefined ? left : { ...left, ...delivery.around }
}

// ---- results of rules ----

type ResultRole = 'result' | 'recorded' | 'annotation' | 'identifier'

const RESULT: Names<ResultRole> = new Map([
  ['compliancetype', 'result'],
  ['resultrecordedtime', 'recorded'],
  ['annotation', 'annotation'],
  ['evaluationresultidentifier', 'identifier'],
])

const PASS = 1
const FAIL = 3
const COMPLIANCE: ReadonlyMap<string, 0 | 1 | 3> = new Map([
  ['COMPLIANT', PASS],
  ['NON_COMPLIANT', FAIL],
  ['INSUFFICIENT_DATA', 0],
])

function findingOf(message: Members<MessageRole>, delivery: Delivery, context: Context): Finding | Unmappable {
  const result = membersOf(objectOf(message.look('new')), RESULT)
  const recorded = result.time('recorded')
  const created = message.time('created')
  const time = recorded ?? created ?? delivery.time
  if (time === undefined) return timeMissing('newEvaluationResult.resultRecordedTime', result.look('recorded'))
  const rule = message.text('ruleName')
  const type = message.text('resourceType')
  const id = message.text('resourceId')
  if (rule === undefined || id === undefined)
    return missing(rule === undefined ? 'configRuleName' : 'resourceId', 'a text', message.look(rule === undefined ? 'ruleName' : 'resourceId'))

  const state = result.text('result')
  const before = text(objectOf(message.look('old')).complianceType)
  const status_id = state === undefined ? 0 : (COMPLIANCE.get(state) ?? OTHER)
  const ruleArn = message.text('ruleArn')
  const cloud = cloudOf(message.text('account') ?? delivery.account ?? context.account, message.text('region') ?? delivery.region ?? context.region, undefined)
  const identifier = result.take('identifier', value => identifierLeft(value, rule, type, id))
  const resource = { uid: id, type, region: cloud.region }
  const isOld = context.version === '1.1.0'
  const isDetailOne = isOld || context.version === '1.3.0'
  const kind = message.text('kind')
  const log_version = message.word('recordVersion')
  const isResult = objectOf(message.look('new')) === message.object('new')
  const detail = redactJson(result.text('annotation'))
  const { activity_id, finding_status } = lifecycleOf(state, before)

  return {
    // classification
    class_uid: 2003,
    activity_id,
    severity_id: status_id === FAIL ? MEDIUM : INFORMATIONAL,
    // occurrence
    time,
    status_id: finding_status,
    // context
    metadata: { uid: delivery.uid, event_code: kind, log_version, logged_time: created, product: PRODUCT },
    cloud,
    // primary
    finding_info: {
      uid: [cloud.account?.uid, cloud.region, type, id, rule].filter(part => part !== undefined).join('/'),
      title: rule,
      created_time: activity_id === CREATE ? recorded : undefined,
      modified_time: recorded,
      analytic: { uid: ruleArn, name: rule, type_id: RULE },
    },
    compliance: {
      control: rule,
      standards: STANDARDS,
      status_id,
      status: status_id === OTHER ? state : undefined,
      status_code: state,
      status_detail: isDetailOne ? detail : undefined,
      status_details: isDetailOne || detail === undefined ? undefined : [detail],
    },
    resource: isOld ? resource : undefined,
    resources: isOld ? undefined : [resource],
    // unmapped
    unmapped: redactJson(message.left({ ...(isResult ? { newEvaluationResult: result.left(identifier?.left) } : {}), ...aroundOf(delivery) })),
  }
}

/** What became of the finding: a resource that fails opens it, one that no longer does closes it. */
function lifecycleOf(state: string | undefined, before: string | undefined): { readonly activity_id: 1 | 2 | 3; readonly finding_status: 0 | 1 | 2 | 4 } {
  if (state === 'NON_COMPLIANT') return before === 'NON_COMPLIANT' ? { activity_id: 2, finding_status: 2 } : { activity_id: 1, finding_status: 1 }
  if (state === 'INSUFFICIENT_DATA') return { activity_id: before === undefined ? 1 : 2, finding_status: 0 }
  return { activity_id: before === undefined && state !== undefined ? 1 : 3, finding_status: 4 }
}

/** The identifier of a result without what it repeats: the rule and the resource. */
function identifierLeft(
  value: Json,
  rule: string,
  type: string | undefined,
  id: string,
): { readonly left: Record<string, Json | undefined> | undefined } | undefined {
  const identifier = objectOf(value)
  if (identifier !== value) return undefined
  const names = membersOf(identifier, QUALIFIER)
  const qualifier = names.object('qualifier')
  if (qualifier === undefined) return undefined
  const repeated = membersOf(qualifier, QUALIFIED)
  repeated.take('rule', member => (member === rule ? rule : undefined))
  repeated.take('type', member => (member === type ? type : undefined))
  repeated.take('id', member => (member === id ? id : undefined))
  const left = names.left({ evaluationResultQualifier: repeated.left() })
  return { left: left === undefined ? undefined : { evaluationResultIdentifier: left } }
}

const QUALIFIER: Names<'qualifier'> = new Map([['evaluationresultqualifier', 'qualifier']])
const QUALIFIED: Names<'rule' | 'type' | 'id'> = new Map([
  ['configrulename', 'rule'],
  ['resourcetype', 'type'],
  ['resourceid', 'id'],
])
