/** Findings of the new AWS Security Hub, which AWS writes as OCSF with an extension of its own: read as records and mapped anew. */
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { openDelivery } from './aws/delivery.js'
import { lifecycle } from './aws/finding.js'
import { findingRecords } from './aws/finding-batches.js'
import { ACTIVITIES } from './aws/finding-captions.js'
import { findingShapes } from './aws/finding-shapes.js'
import { firstJson } from './aws/head.js'
import { columnsOf, type Read, readShape } from './aws/ocsf-shape.js'
import { redactStrings, redactUrl, redactUrls } from './aws/secret-urls.js'
import { redactJson, redactText } from './aws/secrets.js'
import { found, leftOver, text, whole, word } from './aws/values.js'
import type { Context, Mapped, Source, Unmappable } from './source.js'

const declared = {
  vulnerability_finding: columns('vulnerability_finding')(columnsOf(findingShapes.vulnerability_finding)),
  compliance_finding: columns('compliance_finding')(columnsOf(findingShapes.compliance_finding)),
  detection_finding: columns('detection_finding')(columnsOf(findingShapes.detection_finding)),
  data_security_finding: columns('data_security_finding')(columnsOf(findingShapes.data_security_finding)),
}

const CLASSES = { 2002: 'Vulnerability Finding', 2003: 'Compliance Finding', 2004: 'Detection Finding', 2006: 'Data Security Finding' } as const
type ClassUid = keyof typeof CLASSES

const PRODUCT = { uid: undefined, name: 'Security Hub', vendor_name: 'AWS', version: undefined, feature: undefined }
const UNKNOWN = 0
const SUPPRESSED = 3
const RESOLVED = 4
const ARCHIVED = 5

/** Findings of AWS Security Hub in OCSF: EventBridge `Findings Imported V2`, also by SNS, GetFindingsV2, or bare. */
export const securityHubOcsf: Source<JsonObject, typeof declared> = {
  id: 'security-hub-ocsf',
  lakeName: 'sec-hub-ocsf',
  title: 'AWS Security Hub (OCSF)',
  spec: 'https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-v2-cwe-event-formats.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'AWS writes OCSF (1.5 and 1.6 have been seen) with its extension aws. Each attribute is read again at its declared type; metadata.log_version is the version that AWS wrote. What is not OCSF (the extension and its attributes of resources, undeclared attributes, values of another type) is in unmapped under its own name, in lists with the uid of its item.',
    'Captions, class, category and type names, *_dt texts and the profiles cloud and datetime are dropped where they are what the ids and times give anyway, else they are in unmapped.',
    'finding_info.uid is the uid of the service that found it: a GuardDuty finding has the ARN that it has natively. activity_id and status_id are those of AWS, which resolves findings without closing them.',
    'Data Security Findings are Detection Findings at 1.1, which has no such class; what they know of the data is in unmapped there. Other classes than 2002, 2003, 2004 and 2006 are rejected.',
    'Where AWS leaves out what OCSF requires: product.vendor_name is AWS or the company in the ARN of the product, finding_info.title the type or the uid, compliance.standards AWS Security Hub. Before 1.5 the uid of an advisory stands in for a missing CVE.',
    'Several findings in one event are a record each, with the same envelope.',
  ],

  recognise(head) {
    const record = firstJson(head)
    if (DETAIL_TYPE.test(record)) return 'content'
    return /"class_uid"\s*:\s*20\d\d\b/.test(record) && /"finding_info"\s*:\s*\{/.test(record) && /:productv2\//.test(record) ? 'content' : undefined
  },

  decoder: () => findingRecords(),

  map(record, context) {
    const delivery = openDelivery(record)
    if ('fault' in delivery) return delivery
    const { message } = delivery
    const list = message.class_uid === undefined && Array.isArray(message.findings) ? (message.findings as readonly Json[]) : undefined
    if (list?.length === 0) return { skip: 'no_finding' }
    const finding = list === undefined ? message : list[0]
    if (!isJsonObject(finding) || (list !== undefined && list.length > 1))
      return {
        fault: {
          rule: 'finding_invalid',
          path: 'findings',
          expected: 'one finding',
          found: list !== undefined && list.length > 1 ? `${list.length} items` : found(finding),
        },
      }
    const detail = list === undefined ? undefined : leftOver(message, key => key === 'findings')
    const around = { ...(detail === undefined ? undefined : { detail }), ...delivery.around }
    return eventOf(finding, { ...context, account: delivery.account ?? context.account, region: delivery.region ?? context.region }, delivery.time, around)
  },

  redact: raw => redactText(redactStrings(raw, redactUrl)),
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"Findings Imported V2/

type Event = Mapped<typeof declared>
type Around = Readonly<Record<string, Json | undefined>>

function eventOf(finding: JsonObject, context: Context, sent: number | undefined, around: Around): Event | Unmappable {
  const uid = whole(finding.class_uid, 9999)
  const { version } = context
  if (uid === 2002) {
    const { value, rest } = readShape(findingShapes.vulnerability_finding, finding, version)
    const common = commonOf(value, context, sent)
    if ('fault' in common) return common
    const { vulnerabilities } = value
    if (vulnerabilities === undefined) return missing('vulnerabilities', finding.vulnerabilities)
    const unmapped = unmappedOf(finding, rest, 2002, common.activity_id, around)
    return { class_uid: 2002, ...value, ...common, ...resourcesOf(value, context), vulnerabilities, unmapped }
  }
  if (uid === 2003) {
    const { value, rest } = readShape(findingShapes.compliance_finding, finding, version)
    const common = commonOf(value, context, sent)
    if ('fault' in common) return common
    const { compliance } = value
    if (compliance === undefined) return missing('compliance', finding.compliance)
    const unmapped = unmappedOf(finding, rest, 2003, common.activity_id, around)
    return { class_uid: 2003, ...value, ...common, ...resourcesOf(value, context), compliance, unmapped }
  }
  if (uid === 2006 && version !== '1.1.0') {
    const { value, rest } = readShape(findingShapes.data_security_finding, finding, version)
    const common = commonOf(value, context, sent)
    if ('fault' in common) return common
    const unmapped = unmappedOf(finding, rest, 2006, common.activity_id, around)
    return { class_uid: 2006, ...value, ...common, action_id: actionOf(value), unmapped }
  }
  if (uid === 2004 || uid === 2006) {
    const { value, rest } = readShape(findingShapes.detection_finding, finding, version)
    const common = commonOf(value, context, sent)
    if ('fault' in common) return common
    const unmapped = unmappedOf(finding, rest, 2004, common.activity_id, around)
    return { class_uid: 2004, ...value, ...common, action_id: actionOf(value), unmapped }
  }
  const said = word(finding.class_uid) ?? found(finding.class_uid)
  return { fault: { rule: 'class_unsupported', path: 'class_uid', expected: '2002, 2003, 2004 or 2006', found: said } }
}

function missing(path: string, value: Json | undefined): Unmappable {
  return { fault: { rule: 'required_missing', path, expected: `a valid ${path}`, found: found(value) } }
}

type Common = Read<(typeof findingShapes)['vulnerability_finding' | 'compliance_finding' | 'detection_finding' | 'data_security_finding']>

/** What every class requires, from elsewhere where the finding does not say it. */
function commonOf(value: Common, { account, region }: Context, sent: number | undefined) {
  const { finding_info } = value
  if (finding_info === undefined) return missing('finding_info.uid', undefined)
  const { created_time: created, modified_time: modified, last_seen_time: seen } = finding_info
  const time = value.time ?? modified ?? seen ?? created ?? sent
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'time', expected: 'epoch milliseconds', found: 'nothing' } }
  const { status_id: status, cloud } = value
  const life = { created, modified, count: value.count, resolved: status === RESOLVED, suppressed: status === SUPPRESSED || status === ARCHIVED }
  return {
    activity_id: value.activity_id ?? lifecycle(life).activity_id,
    severity_id: value.severity_id ?? UNKNOWN,
    time,
    metadata: value.metadata ?? { product: PRODUCT },
    cloud: {
      ...cloud,
      provider: cloud?.provider ?? 'AWS',
      region: cloud?.region ?? region,
      account: cloud?.account ?? (account === undefined ? undefined : { uid: account }),
    },
    finding_info,
  } as const
}

/** One resource until 1.1; lowering moves the others to `unmapped`. */
function resourcesOf({ resource, resources }: Pick<Read<(typeof findingShapes)['compliance_finding']>, 'resource' | 'resources'>, { version }: Context) {
  const all = [...(resource === undefined ? [] : [resource]), ...(resources ?? [])]
  const [first, ...others] = all
  if (version !== '1.1.0') return { resource: undefined, resources: first === undefined ? undefined : all }
  return { resource: first, resources: others.length === 0 ? undefined : others }
}

/** OCSF requires an action up to 1.3 beside what the profile security_control adds. */
function actionOf(value: Read<(typeof findingShapes)['detection_finding' | 'data_security_finding']>) {
  const isControl = value.disposition_id !== undefined || ('malware' in value && value.malware !== undefined)
  return value.action_id ?? (isControl ? UNKNOWN : undefined)
}

// ---- unmapped ----

const CATEGORY = 2
const CATEGORY_NAME = 'Findings'
/** Profiles that completion names anyway. */
const PROFILES: ReadonlySet<Json> = new Set(['cloud', 'datetime'])

function unmappedOf(
  finding: JsonObject,
  rest: Readonly<Record<string, Json | undefined>> | undefined,
  classUid: ClassUid,
  activity: keyof typeof ACTIVITIES,
  around: Around,
): JsonObject | undefined {
  const isDerived = (key: string, value: Json): boolean => {
    if (key === 'class_uid') return value === classUid
    if (key === 'class_name') return value === CLASSES[classUid]
    if (key === 'category_uid') return value === CATEGORY
    if (key === 'category_name') return value === CATEGORY_NAME
    if (key === 'type_uid') return value === classUid * 100 + activity
    if (key === 'type_name') return value === `${CLASSES[classUid]}: ${ACTIVITIES[activity]}`
    return key === 'metadata'
  }
  const metadata = isJsonObject(rest?.metadata)
    ? leftOver(rest.metadata, key => key === 'profiles', { profiles: profilesOf(finding.metadata) })
    : rest?.metadata
  const left = leftOver(rest ?? {}, isDerived, metadata === undefined ? around : { metadata, ...around })
  return left === undefined ? undefined : redactJson(redactUrls(left))
}

function profilesOf(metadata: Json | undefined): Json | undefined {
  const profiles = isJsonObject(metadata) ? metadata.profiles : undefined
  if (!Array.isArray(profiles)) return text(profiles)
  const others = (profiles as readonly Json[]).filter(profile => !PROFILES.has(profile))
  return others.length === 0 ? undefined : others
}
