/** What findings in OCSF hold, as Security Hub writes them: one shape per class, from which its columns follow. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { account, database, databucket, evidences, file, NAMED, organization, resourceShape, resources, tags, url } from './evidence-shapes.js'
import {
  ACTIONS,
  ACTIVITIES,
  ANALYTICS,
  CHECKS,
  COVERAGES,
  DISPOSITIONS,
  IMPACTS,
  LEVELS,
  MALWARE,
  OBSERVABLES,
  PACKAGES,
  RISKS,
  SEVERITIES,
  STATUSES,
} from './finding-captions.js'
import { boolean, captioned, decimal, integer, leaf, long, object, objects, type Part, string, strings, time } from './ocsf-shape.js'
import { objectOf, text } from './values.js'

// ---- parts with a word of their own ----

/** OCSF requires a vendor up to 1.3: that of the ARN of a product of Security Hub, else AWS. */
const vendor: Part<string> = {
  always: true,
  read(from, key, leave) {
    const said = text(from[key])
    if (said !== undefined) return said
    leave(key, from[key])
    const company = /:productv?2?\/([^/]+)\//.exec(text(from.uid) ?? '')?.[1]
    return company === undefined || company === 'aws' ? 'AWS' : company
  },
}

/** The version that the event was written in is the version of its log. */
const logVersion: Part<string> = {
  also: () => 'version',
  read(from, key, leave, version) {
    const said = text(from[key])
    if (said !== undefined) leave('version', from.version)
    return said ?? string.read(from, 'version', leave, version)
  },
}

/** OCSF requires a name up to 1.3. */
const observableName: Part<string> = {
  always: true,
  read(from, key, leave) {
    const said = text(from[key])
    if (said === undefined) leave(key, from[key])
    return said ?? text(from.type) ?? 'Unknown'
  },
}

/** OCSF requires standards up to 1.3. */
const standards: Part<readonly string[]> = {
  always: true,
  read: (from, key, leave, version) => strings.read(from, key, leave, version) ?? ['AWS Security Hub'],
}

type Classification = keyof typeof MALWARE
const isClassification = (id: Json): id is Classification => typeof id === 'number' && Object.hasOwn(MALWARE, id)

const classificationIds: Part<readonly Classification[]> = leaf(value => {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const ids = value as readonly Json[]
  return ids.every(isClassification) ? ids : undefined
})

const classifications: Part<readonly string[]> = {
  read(from, key, leave) {
    const ids = from.classification_ids
    const said = from[key]
    if (!Array.isArray(ids) || !Array.isArray(said) || ids.length !== said.length) {
      leave(key, said)
      return undefined
    }
    const names = said as readonly Json[]
    const isSame = (ids as readonly Json[]).every((id, at) => isClassification(id) && MALWARE[id] === names[at])
    if (isSame) return undefined
    const isOther = (ids as readonly Json[]).every((id, at) => isClassification(id) && (id === 99 || MALWARE[id] === names[at]))
    if (isOther) return strings.read(from, key, leave, '1.8.0')
    leave(key, said)
    return undefined
  },
}

// ---- objects ----

const product = object(
  { uid: string, name: string, vendor_name: vendor, version: string, feature: object({ name: string, uid: string, version: string }) },
  { need: ['vendor_name'], some: ['name', 'uid'] },
)

/** Every event has a product: what does not say its own is of Security Hub. */
const itsProduct: typeof product = {
  ...product,
  always: true,
  read: (from, key, leave, version) =>
    product.read(from, key, leave, version) ?? { uid: undefined, name: 'Security Hub', vendor_name: 'AWS', version: undefined, feature: undefined },
}

const tactic = object({ uid: string, name: string, src_url: url }, NAMED)
const technique = object({ uid: string, name: string, src_url: url }, NAMED)
const attacks = objects({ tactic, technique, sub_technique: technique, version: string }, { some: ['tactic', 'technique', 'sub_technique'] })
const traits = objects({ name: string, uid: string, category: string, type: string, values: strings }, { ...NAMED, by: 'name' })
const related_events = objects(
  {
    uid: string,
    title: string,
    desc: string,
    type: string,
    type_name: string,
    type_uid: long,
    product,
    ...captioned('severity_id', 'severity', SEVERITIES),
    status: string,
    count: integer,
    created_time: time,
    modified_time: time,
    first_seen_time: time,
    last_seen_time: time,
    tags,
    traits,
    attacks,
    observables: objects({ name: observableName, ...captioned('type_id', 'type', OBSERVABLES, 0), value: string }, { need: ['name', 'type_id'] }),
  },
  { need: ['uid'], by: 'uid' },
)
const remediation = object({ desc: string, references: strings }, { need: ['desc'] })
const cwes = { uid: string, caption: string, src_url: url } as const
const cve = object(
  {
    uid: string,
    title: string,
    desc: string,
    type: string,
    created_time: time,
    modified_time: time,
    cvss: objects(
      { base_score: decimal, overall_score: decimal, version: string, vector_string: string, severity: string, vendor_name: string, src_url: url },
      { need: ['base_score', 'version'] },
    ),
    epss: object({ score: string, percentile: decimal, version: string, created_time: time }, { need: ['score'] }),
    related_cwes: objects(cwes, { need: ['uid'] }),
    references: strings,
  },
  { need: ['uid'] },
)
const cwe = object(cwes, { need: ['uid'] })
const advisory = object(
  { uid: string, title: string, desc: string, src_url: url, created_time: time, modified_time: time, references: strings },
  { need: ['uid'] },
)

const isOld = (version: OcsfVersion): boolean => version === '1.1.0' || version === '1.3.0'
const hasUid = (value: Json | undefined): boolean => isJsonObject(value) && text(value.uid) !== undefined

/** From 1.5 one of CVE, CWE and advisory; before that a CVE or CWE, for which the uid of an advisory stands in. */
const oneCve: typeof cve = {
  ...cve,
  also: () => 'advisory',
  read(from, key, leave, version) {
    const said = cve.read(from, key, leave, version)
    if (said !== undefined || !isOld(version) || hasUid(from.cwe) || !hasUid(from.advisory)) return said
    return cve.read({ cve: { uid: objectOf(from.advisory).uid } }, 'cve', leave, version)
  },
}

/** A part that the version takes only where none of the others is there. */
function unless<P extends Part<unknown>>(others: readonly string[], part: P): P {
  return {
    ...part,
    read(from: JsonObject, key: string, leave: Parameters<P['read']>[2], version: OcsfVersion) {
      if (isOld(version) || !others.some(other => hasUid(from[other]))) return part.read(from, key, leave, version)
      leave(key, from[key])
      return undefined
    },
  }
}

const vulnerabilityShape = {
  title: string,
  desc: string,
  severity: string,
  vendor_name: string,
  category: string,
  cve: oneCve,
  cwe: unless(['cve'], cwe),
  advisory: unless(['cve', 'cwe'], advisory),
  affected_packages: objects(
    {
      name: string,
      version: string,
      architecture: string,
      epoch: integer,
      fixed_in_version: string,
      package_manager: string,
      path: string,
      purl: string,
      release: string,
      ...captioned('type_id', 'type', PACKAGES),
      uid: string,
      vendor_name: string,
      src_url: url,
      remediation,
    },
    { need: ['name', 'version'], by: 'name' },
  ),
  affected_code: objects({ file, start_line: integer, end_line: integer, remediation }, { need: ['file'] }),
  dependency_chain: string,
  exploit_last_seen_time: time,
  exploit_ref_url: url,
  exploit_requirement: string,
  exploit_type: string,
  first_seen_time: time,
  last_seen_time: time,
  ...captioned('fix_coverage_id', 'fix_coverage', COVERAGES),
  is_exploit_available: boolean,
  is_fix_available: boolean,
  references: strings,
  related_vulnerabilities: strings,
  remediation,
} as const
const vulnerabilities = objects(vulnerabilityShape, { some: version => (isOld(version) ? ['cve', 'cwe'] : ['cve', 'cwe', 'advisory']) })
const compliance = object(
  {
    control: string,
    standards,
    requirements: strings,
    ...captioned('status_id', 'status', CHECKS),
    status_code: string,
    status_details: strings,
    category: string,
    desc: string,
    control_parameters: tags,
    assessments: objects({ name: string, uid: string, desc: string, category: string, meets_criteria: boolean }, { need: ['meets_criteria'], by: 'name' }),
    checks: objects(
      { name: string, uid: string, desc: string, version: string, standards: strings, ...captioned('status_id', 'status', CHECKS) },
      { by: 'uid' },
    ),
  },
  { need: ['standards'] },
)
const malware = objects(
  { name: string, uid: string, classification_ids: classificationIds, classifications, provider: string, path: string },
  { need: ['classification_ids'], some: ['name', 'uid'] },
)
const analytic = object(
  {
    name: string,
    uid: string,
    ...captioned('type_id', 'type', ANALYTICS, 0),
    category: string,
    desc: string,
    version: string,
    algorithm: string,
  },
  { need: ['type_id'], some: ['name', 'uid'] },
)

// ---- classes ----

/** A title is required up to 1.3. */
const title: Part<string> = {
  always: true,
  read(from, key, leave, version) {
    const types = from.types
    const first = Array.isArray(types) ? text((types as readonly Json[])[0]) : undefined
    return string.read(from, key, leave, version) ?? first ?? text(from.uid)
  },
}

const shared = {
  ...captioned('activity_id', 'activity_name', ACTIVITIES),
  ...captioned('severity_id', 'severity', SEVERITIES, 0),
  time,
  start_time: time,
  end_time: time,
  duration: long,
  count: integer,
  message: string,
  comment: string,
  ...captioned('status_id', 'status', STATUSES),
  status_code: string,
  status_detail: string,
  confidence_score: integer,
  ...captioned('confidence_id', 'confidence', LEVELS),
  metadata: object(
    {
      uid: string,
      correlation_uid: string,
      event_code: string,
      labels: strings,
      log_name: string,
      log_provider: string,
      log_version: logVersion,
      logged_time: time,
      modified_time: time,
      original_time: string,
      processed_time: time,
      product: itsProduct,
      tenant_uid: string,
    },
    { need: ['product'] },
  ),
  cloud: object({ provider: string, region: string, zone: string, cloud_partition: string, account, org: organization }, { need: ['provider'] }),
  finding_info: object(
    {
      uid: string,
      uid_alt: string,
      title,
      desc: string,
      types: strings,
      created_time: time,
      modified_time: time,
      first_seen_time: time,
      last_seen_time: time,
      src_url: url,
      data_sources: strings,
      analytic,
      attacks,
      product,
      related_events,
      related_events_count: integer,
      tags,
      traits,
    },
    { need: ['uid', 'title'] },
  ),
  resources,
  vendor_attributes: object(captioned('severity_id', 'severity', SEVERITIES)),
} as const

const alert = {
  is_alert: boolean,
  ...captioned('impact_id', 'impact', IMPACTS),
  impact_score: integer,
  ...captioned('risk_level_id', 'risk_level', RISKS),
  risk_score: integer,
  ...captioned('action_id', 'action', ACTIONS),
  ...captioned('disposition_id', 'disposition', DISPOSITIONS),
} as const

const resource = object(resourceShape, NAMED)

/** Vulnerability, Compliance, Detection and Data Security Finding. */
export const findingShapes = {
  vulnerability_finding: { ...shared, resource, vulnerabilities },
  compliance_finding: { ...shared, resource, compliance, remediation },
  detection_finding: { ...shared, ...alert, evidences, malware, remediation },
  data_security_finding: { ...shared, ...alert, databucket, database, file },
} as const
