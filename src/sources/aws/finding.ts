/** What findings of all AWS services share: how they begin, change and end, how severe they are, and what they are about. */
import { isJsonObject, type JsonObject } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { remembered } from './remembered.js'
import { redactJson, redactMember } from './secrets.js'
import type { Taking } from './taking.js'
import { accountInArn, regionInArn, text } from './values.js'

// ---- columns ----

export const findingMetadataColumns = {
  uid: true,
  correlation_uid: true,
  log_provider: true,
  log_version: true,
  product: { uid: true, name: true, vendor_name: true, feature: { name: true } },
} as const

export const findingCloudColumns = { provider: true, region: true, account: { uid: true } } as const

export const resourceColumns = {
  cloud_partition: true,
  data: true,
  name: true,
  owner: { account: { uid: true } },
  region: true,
  tags: { name: true, value: true },
  type: true,
  uid: true,
} as const

/** Whether the version has what 1.4 and 1.5 added to findings: tags of resources, `is_alert`, requests in evidences. */
export function hasModernFindings(version: OcsfVersion): boolean {
  return version !== '1.1.0' && version !== '1.3.0'
}

// ---- lifecycle ----

export interface Life {
  /** Epoch milliseconds. */
  readonly created: number | undefined
  readonly modified: number | undefined
  /** How often it was seen. */
  readonly count?: number | undefined
  /** Who looked after it put it away, or a rule did. */
  readonly archived?: boolean | undefined
  readonly resolved?: boolean | undefined
  readonly suppressed?: boolean | undefined
  readonly inProgress?: boolean | undefined
}

export interface Lifecycle {
  /** Create, Update, Close. */
  readonly activity_id: 1 | 2 | 3
  /** New, In Progress, Suppressed, Resolved. */
  readonly status_id: 1 | 2 | 3 | 4
}

/**
 * Where a finding is in its life. Services send the same finding again with a later time of change and a higher count: an
 * Update. What is archived, suppressed or resolved is closed; archived reads Suppressed, since 1.1 has no Archived.
 */
export function lifecycle({ created, modified, count, archived, resolved, suppressed, inProgress }: Life): Lifecycle {
  if (resolved === true) return RESOLVED
  if (archived === true || suppressed === true) return SUPPRESSED
  const changed = (count !== undefined && count > 1) || (created !== undefined && modified !== undefined && modified > created)
  return { activity_id: changed ? 2 : 1, status_id: inProgress === true ? 2 : 1 }
}

const RESOLVED: Lifecycle = { activity_id: 3, status_id: 4 }
const SUPPRESSED: Lifecycle = { activity_id: 3, status_id: 3 }

// ---- severity ----

export type SeverityId = 0 | 1 | 2 | 3 | 4 | 5 | 99

const SEVERITIES: ReadonlyMap<string, SeverityId> = new Map([
  ['INFORMATIONAL', 1],
  ['INFO', 1],
  ['LOW', 2],
  ['MEDIUM', 3],
  ['HIGH', 4],
  ['CRITICAL', 5],
  ['UNTRIAGED', 0],
])

/** The id of a severity in AWS's words, in any case: Unknown without one, Other for a word that AWS has added since. */
export function severityOf(word: string | undefined): SeverityId {
  return word === undefined ? 0 : (SEVERITIES.get(word.toUpperCase()) ?? 99)
}

/** The id of a severity from 1 to 10, by GuardDuty's own bounds. */
export function severityOfScore(score: number | undefined): SeverityId {
  if (score === undefined || !(score >= 0 && score <= 10)) return 0
  return score >= 9 ? 5 : score >= 7 ? 4 : score >= 4 ? 3 : score >= 1 ? 2 : 1
}

// ---- product ----

export interface FindingProduct {
  readonly name: string
  readonly vendor_name: 'AWS'
  readonly uid: string | undefined
  readonly feature: { readonly name: string } | undefined
}

/** One `metadata.product` for each detector (or analyzer) and feature of a service. */
export function productCache(name: string): (uid: string | undefined, feature: string | undefined) => FindingProduct {
  return remembered((uid, feature) => ({ name, vendor_name: 'AWS', uid, feature: feature === undefined ? undefined : { name: feature } }))
}

// ---- resources ----

/** What a finding says of all its resources. */
export interface Surroundings {
  readonly version: OcsfVersion
  readonly account: string | undefined
  readonly region: string | undefined
  readonly partition?: string | undefined
  /** That account and region are said of the very resource, not of the finding: then they win over those in an ARN. */
  readonly isOwn?: boolean
}

export interface Resource {
  readonly cloud_partition: string | undefined
  readonly data: JsonObject | undefined
  readonly name: string | undefined
  readonly owner: { readonly account: { readonly uid: string } } | undefined
  readonly region: string | undefined
  readonly tags: readonly { readonly name: string; readonly value: string | undefined }[] | undefined
  readonly type: string | undefined
  readonly uid: string | undefined
}

const ownerOf = /* @__PURE__ */ remembered((uid = '') => ({ account: { uid } }))

/**
 * A resource by its ARN, or by the id that the service has for it. What is left of `details` becomes `data`, without its
 * secrets, so that it stays with the resource. `undefined` without a name or an id: then nothing is taken for `data`.
 */
export function resourceOf(
  type: string | undefined,
  arn: string | undefined,
  name: string | undefined,
  around: Surroundings,
  details?: Taking,
): Resource | undefined {
  const uid = arn ?? name
  if (uid === undefined) return undefined
  const tags = details !== undefined && hasModernFindings(around.version) ? tagsOf(details) : undefined
  const isArn = uid.startsWith('arn:')
  const inArn = isArn ? { account: accountInArn(uid), region: regionInArn(uid) } : undefined
  const account = around.isOwn === true ? (around.account ?? inArn?.account) : (inArn?.account ?? around.account)
  return {
    cloud_partition: around.partition,
    data: redactJson(details?.handOver()),
    name: name === uid ? undefined : name,
    owner: account === undefined ? undefined : ownerOf(account, undefined),
    region: around.isOwn === true ? (around.region ?? inArn?.region) : (inArn?.region ?? around.region),
    tags,
    type,
    uid,
  }
}

/** A tag that is called like a secret is taken for one. */
function tagOf(name: string, value: string | undefined) {
  const kept = value === undefined ? undefined : redactMember(name, value)
  return { name, value: typeof kept === 'string' ? kept : value }
}

/** Tags, which AWS writes as a list of `key` and `value`, or as an object. */
export function tagsOf(details: Taking): Resource['tags'] {
  const map = details.peek('tags')
  if (isJsonObject(map)) {
    const taking = details.at('tags')
    const tags = Object.keys(map).flatMap(name => {
      const value = taking.text(name)
      return value === undefined ? [] : [tagOf(name, value)]
    })
    return tags.length === 0 ? undefined : tags
  }
  const tags = details.list('tags').flatMap(tag => {
    const name = text(tag.peek('key'))
    const value = tag.peek('value')
    if (name === undefined || (value !== undefined && typeof value !== 'string')) return []
    tag.text('key')
    return [tagOf(name, tag.text('value'))]
  })
  return tags.length === 0 ? undefined : tags
}
