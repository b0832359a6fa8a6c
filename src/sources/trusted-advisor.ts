/** AWS Trusted Advisor: what its checks make of single resources, as EventBridge delivers it. */
import { jsonRecords } from '../decode/json-records.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { openDelivery } from './aws/delivery.js'
import {
  findingCloudColumns,
  findingMetadataColumns,
  hasModernFindings,
  lifecycle,
  productCache,
  resourceColumns,
  resourceOf,
  type SeverityId,
} from './aws/finding.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { redactJson, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { found, text } from './aws/values.js'
import type { Source } from './source.js'

const declared = {
  compliance_finding: columns('compliance_finding')({
    activity_id: true,
    severity_id: true,
    time: true,
    status_id: true,
    metadata: findingMetadataColumns,
    cloud: { ...findingCloudColumns, zone: true },
    finding_info: { uid: true, title: true, modified_time: true },
    compliance: { control: true, standards: true, status_id: true, status: true, status_code: true },
    resource: resourceColumns,
    resources: resourceColumns,
    evidences: { actor: { user: { name: true, account: { uid: true }, credential_uid: true, programmatic_credentials: { uid: true } } } },
  }),
}

const OTHER = 99
const STANDARDS = ['AWS Trusted Advisor'] as const

/** Pass, Warning, Fail; INFO is no verdict. */
const COMPLIANCE: ReadonlyMap<string, 0 | 1 | 2 | 3> = new Map([
  ['OK', 1],
  ['WARN', 2],
  ['ERROR', 3],
  ['INFO', 0],
])
const SEVERITY: ReadonlyMap<string, SeverityId> = new Map([
  ['OK', 1],
  ['INFO', 1],
  ['WARN', 3],
  ['ERROR', 4],
])

const productOf = productCache('AWS Trusted Advisor')
const cloudOf = cloudCache()

/** AWS Trusted Advisor check results, as EventBridge delivers them, also by SNS. */
export const trustedAdvisor: Source<JsonObject, typeof declared> = {
  id: 'trusted-advisor',
  lakeName: 'trust-advisor',
  title: 'AWS Trusted Advisor',
  spec: 'https://docs.aws.amazon.com/awssupport/latest/user/cloudwatch-events-ta.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'A check item is a Compliance Finding: ERROR is Fail and High, WARN is Warning and Medium, OK is Pass and closes the finding, INFO is no verdict. What is not OK is Create, since Trusted Advisor does not say whether it was so before.',
    'compliance.standards is AWS Trusted Advisor, since OCSF requires one up to 1.3.',
    'finding_info.uid is the uuid, else account, region, check and resource.',
    'An item without resource_id is named by the access key or the user in its details; check-item-detail is the data of the resource, and stays in unmapped where there is none.',
    'From 1.5 an exposed access key and its user are also evidences.actor.user, as CloudTrail has them.',
    'The region is that of the ARN or of the details, not the one that Trusted Advisor reports to.',
    'Digests of Trusted Advisor Priority are skipped as pursuit_digest.',
  ],

  recognise: head => (DETAIL_TYPE.test(firstJson(head)) ? 'content' : undefined),

  decoder: () => jsonRecords(),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    if (delivery.detailType !== undefined && /^Trusted Advisor Pursuit .*Digest$/.test(delivery.detailType)) return { skip: 'pursuit_digest' }
    const item = take(delivery.message)
    const check = item.text('check-name')
    if (check === undefined) return { fault: { rule: 'required_missing', path: 'check-name', expected: 'a text', found: found(item.peek('check-name')) } }
    const { time } = delivery
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'time', expected: 'the time of the EventBridge event', found: 'nothing' } }

    const status = item.text('status')
    const status_id = status === undefined ? 0 : (COMPLIANCE.get(status) ?? OTHER)
    const details = item.at('check-item-detail')
    const id = item.text('resource_id')
    const key = text(details.peek('Access Key ID'))
    const user = text(details.peek('User Name (IAM or Root)'))
    const account = delivery.account ?? context.account
    const region = regionOf(id, details) ?? delivery.region ?? context.region
    const evidences = evidencesOf(key, user, account, context.version)
    const named = id ?? key ?? user
    const resource = resourceOf(undefined, id, named, { version: context.version, account, region }, details)
    const isOld = context.version === '1.1.0'
    const { activity_id, status_id: finding_status } = lifecycle({ created: undefined, modified: undefined, resolved: status === 'OK' })

    return {
      // classification
      class_uid: 2003,
      activity_id,
      severity_id: status === undefined ? 0 : (SEVERITY.get(status) ?? 0),
      // occurrence
      time,
      status_id: finding_status,
      // context
      metadata: { uid: delivery.uid, product: productOf(undefined, undefined) },
      cloud: cloudOf(account, region, undefined),
      // primary
      finding_info: {
        uid: item.text('uuid') ?? [account, region, check, named].filter(part => part !== undefined).join('/'),
        title: check,
        modified_time: time,
      },
      compliance: { control: check, standards: STANDARDS, status_id, status: status_id === OTHER ? status : undefined, status_code: status },
      resource: isOld ? resource : undefined,
      resources: isOld || resource === undefined ? undefined : [resource],
      evidences,
      // unmapped
      unmapped: redactJson(delivery.around === undefined ? item.rest() : { ...item.rest(), ...delivery.around }),
    }
  },

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"Trusted Advisor (?:Check Item Refresh Notification|Pursuit )/

const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d+/

function regionOf(id: string | undefined, details: Taking): string | undefined {
  const inArn = id?.startsWith('arn:') === true ? text(id.split(':', 4)[3]) : undefined
  // some checks say `Region/AZ`
  return inArn ?? REGION.exec(text(details.peek('Region')) ?? text(details.peek('Region/AZ')) ?? '')?.[0]
}

/** The caller that an exposed access key stands for. */
function evidencesOf(key: string | undefined, name: string | undefined, account: string | undefined, version: OcsfVersion) {
  // before 1.5 this class has no evidences; a user needs a name or an account
  if (key === undefined || !hasModernFindings(version) || (name === undefined && account === undefined)) return undefined
  const isNewest = version === '1.8.0'
  return [
    {
      actor: {
        user: {
          name,
          account: account === undefined ? undefined : { uid: account },
          credential_uid: isNewest ? undefined : key,
          programmatic_credentials: isNewest ? [{ uid: key }] : undefined,
        },
      },
    },
  ]
}
