/** What findings of every class share in Security Hub's format: severity, status, product, resources, remediation, and where they were found. */
import type { Json } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { type Attack, attackOf } from './attack.js'
import { hasModernFindings, lifecycle, resourceOf, type SeverityId, severityOf, tagsOf } from './finding.js'
import { remembered } from './remembered.js'
import type { Indicator, RelatedEvent, Remediation, Resource } from './security-hub-columns.js'
import { filled, type Taking, take } from './taking.js'
import { accountInArn, NOTHING, nameInArn, whole, word } from './values.js'

// ---- reading ----

/** What `as` makes of the text (or number) at a path of members; taken unless that is nothing. */
export interface Read {
  (path: string): string | undefined
  <T>(path: string, as: (said: string) => T | undefined): T | undefined
}

/** `portProbeDetails.0_`: an item of a list, as the fields of products write it. */
const ITEM = /^(.+)\.(\d{1,3})_$/

const pathOf = remembered((path = '', prefix) => {
  const outer = prefix === undefined ? path.split('/') : [prefix + path]
  return { name: outer.pop()!, outer }
})

/** Reads below an object; with a prefix, from fields that are called by their whole path. */
export function reader(root: Taking, prefix?: string): Read {
  function read(path: string): string | undefined
  function read<T>(path: string, as: (said: string) => T | undefined): T | undefined
  function read<T>(path: string, as?: (said: string) => T | undefined): T | string | undefined {
    const { outer, name } = pathOf(path, prefix)
    let at = root
    for (const part of outer) {
      const item = part.endsWith('_') ? ITEM.exec(part) : null
      at = item === null ? at.at(part) : (at.list(item[1]!)[Number(item[2])] ?? take(NOTHING))
    }
    const value = at.peek(name)
    const said = typeof value === 'boolean' ? String(value) : word(value)
    const made = said === undefined || as === undefined ? said : as(said)
    if (made !== undefined) at.json(name)
    return made
  }
  return read
}

/** What GuardDuty says is in fields of the product, by the whole path of its members. */
export const SERVICE = 'aws/guardduty/service/'

export const int = (said: string): number | undefined => whole(said, 2 ** 31 - 1)

/** The items of a list; none of anything else. */
export function itemsOf(value: Json | undefined): readonly Json[] {
  // isArray forgets the type of the items
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

/** The list, `undefined` for an empty one: OCSF leaves out what says nothing. */
export function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items
}

// ---- severity ----

/** The label wins; without one Security Hub's bounds of the normalized number count. */
export function hubSeverity(record: Taking): { readonly severity_id: SeverityId; readonly severity: string | undefined } {
  const severity = record.at('Severity')
  const label = severity.text('Label') ?? record.at('FindingProviderFields').at('Severity').text('Label')
  const normalized = severity.peek('Normalized')
  const severity_id = label !== undefined ? severityOf(label) : typeof normalized === 'number' ? severityOfNormalized(normalized) : 0
  return { severity_id, severity: severity_id === 99 ? label : undefined }
}

function severityOfNormalized(score: number): SeverityId {
  if (!(score >= 0 && score <= 100)) return 0
  return score >= 90 ? 5 : score >= 70 ? 4 : score >= 40 ? 3 : score >= 1 ? 2 : 1
}

// ---- status ----

const IN_PROGRESS = 2
const SUPPRESSED = 3
const RESOLVED = 4

/** `Workflow.Status`, and the words of the older `WorkflowState`. */
const WORKFLOW: ReadonlyMap<string | undefined, 1 | 2 | 3 | 4> = new Map([
  [undefined, 1],
  ['NEW', 1],
  ['NOTIFIED', IN_PROGRESS],
  ['ASSIGNED', IN_PROGRESS],
  ['IN_PROGRESS', IN_PROGRESS],
  ['SUPPRESSED', SUPPRESSED],
  ['DEFERRED', SUPPRESSED],
  ['RESOLVED', RESOLVED],
])

/** Where the finding is in its life, with the words of Security Hub beside it. */
export function hubStatus(record: Taking, created: number | undefined, modified: number | undefined, count: number | undefined) {
  const workflow = record.at('Workflow').text('Status') ?? record.text('WorkflowState')
  const state = record.text('RecordState')
  const step = WORKFLOW.get(workflow)
  const { activity_id, status_id } = lifecycle({
    created,
    modified,
    count,
    archived: state === 'ARCHIVED' || step === SUPPRESSED,
    resolved: step === RESOLVED,
    inProgress: step === IN_PROGRESS,
  })
  const isOther = step === undefined && activity_id !== 3
  return {
    activity_id,
    status_id: isOther ? (99 as const) : status_id,
    status: isOther ? workflow : undefined,
    status_code: workflow,
    status_detail: state,
  }
}

// ---- product ----

/** The product that found it: its ARN, its name and company, and what of it generated the finding. */
export function hubProduct(record: Taking, fields: Taking) {
  const uid = record.text('ProductArn')
  const feature = filled({ uid: record.text('GeneratorId'), name: fields.text('aws/guardduty/service/featureName') })
  return {
    uid,
    name: said('ProductName') ?? productIn(uid)?.[2] ?? 'Security Hub',
    vendor_name: said('CompanyName') ?? 'AWS',
    feature,
  }

  /** A name that older findings have only in the fields of the product, newer ones twice. */
  function said(name: string): string | undefined {
    const key = `aws/securityhub/${name}`
    const own = record.text(name) ?? fields.text(key)
    if (fields.said(key) === own) fields.text(key)
    return own
  }
}

/** Company and product in an ARN `…::product/acme/sentry`. */
function productIn(arn = ''): RegExpExecArray | null {
  return /:product\/([^/]+)\/(.+)$/.exec(arn)
}

// ---- resources ----

/**
 * The resources, at most so many; the details of each are its `data`. Tags and what else is said of a resource stay in the
 * rest where the version has no attribute for it.
 */
export function hubResources(
  record: Taking,
  version: OcsfVersion,
  account: string | undefined,
  region: string | undefined,
  most?: number,
): readonly Resource[] {
  const items = record.list('Resources', 'Id').filter(item => item.said('Id') !== undefined)
  const criticality = items.length === 0 ? undefined : record.whole('Criticality', 100)?.toString()
  return items.slice(0, most).flatMap(item => {
    const id = item.text('Id')!
    const own = item.text('Region')
    const around = { version, account: accountInArn(id) ?? account, region: own ?? region, partition: item.text('Partition'), isOwn: own !== undefined }
    const name = nameInArn(id)
    const resource = resourceOf(item.text('Type'), id, name === '*' ? undefined : name, around, item.at('Details'))
    return resource === undefined ? [] : { ...resource, tags: hasModernFindings(version) ? tagsOf(item) : undefined, criticality }
  })
}

// ---- what it is ----

/** MITRE tactics and techniques among the types: `TTPs/Initial Access/…`. */
export function attacksOf(types: readonly string[] = []): readonly Attack[] | undefined {
  const attacks = new Map<string | undefined, Attack>()
  for (const type of types) {
    for (const part of type.startsWith('TTPs/') ? type.split('/', 3) : []) {
      const attack = attackOf(part)
      if (attack !== undefined) attacks.set((attack.technique ?? attack.tactic)?.uid, attack)
    }
  }
  return some([...attacks.values()])
}

/** Findings that the product relates to this one. */
export function relatedOf(record: Taking, version: OcsfVersion): readonly RelatedEvent[] | undefined {
  return some(
    record.list('RelatedFindings', 'Id').flatMap((item): RelatedEvent | readonly [] => {
      const uid = item.text('Id')
      if (uid === undefined) return []
      const arn = item.text('ProductArn')
      if (arn === undefined || !hasModernFindings(version)) return { uid, product_uid: arn }
      return { uid, product: { uid: arn, vendor_name: productIn(arn)?.[1] ?? 'AWS' } }
    }),
  )
}

/** OCSF requires a description; where there is none, the address stands for it. */
export function remediationOf(record: Taking): Remediation | undefined {
  const recommendation = record.at('Remediation').at('Recommendation')
  const text = recommendation.text('Text')
  const url = recommendation.text('Url')
  const desc = text ?? url
  return desc === undefined ? undefined : { desc, references: url === undefined ? undefined : [url] }
}

export const webAddress = (text: string): string | undefined => (/^https?:\/\/\S+$/.test(text) ? text : undefined)

// ---- indicators ----

const INDICATORS: readonly (readonly [RegExp, Indicator['type_id']])[] = [
  [/^IPV/, 1],
  [/^DOMAIN/, 2],
  [/^HASH_/, 4],
  [/^URL/, 5],
  [/^EMAIL_/, 9],
]

/** Indicators of threat intelligence; OCSF has a place for them from 1.5. Their type in Security Hub's words stays in the rest. */
export function indicatorsOf(record: Taking): readonly Indicator[] | undefined {
  return some(
    record.list('ThreatIntelIndicators', 'Value').flatMap((item): Indicator | readonly [] => {
      const value = item.text('Value')
      if (value === undefined) return []
      const type = item.said('Type') ?? 'UNKNOWN'
      const type_id = INDICATORS.find(([word]) => word.test(type))?.[1] ?? 99
      return {
        type_id,
        type: type_id === 99 ? type : undefined,
        value,
        vendor_name: item.text('Source'),
        category: item.text('Category'),
        src_url: reader(item)('SourceUrl', webAddress),
      }
    }),
  )
}

export function cloudOf(uid: string | undefined, name: string | undefined, region: string | undefined) {
  return { provider: 'AWS', region, account: filled({ uid, name }) }
}
