/** Amazon Inspector findings: vulnerable packages and code, and ports that can be reached. */
import { jsonRecords } from '../decode/json-records.js'
import type { JsonObject } from '../json.js'
import { openDelivery } from './aws/delivery.js'
import { lifecycle, severityOf } from './aws/finding.js'
import { cloudCache } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { inspectorColumns } from './aws/inspector-columns.js'
import { reachabilityOf, resourcesOf } from './aws/inspector-resources.js'
import { instant } from './aws/inspector-time.js'
import { remediationOf, vulnerabilitiesOf } from './aws/inspector-vulnerabilities.js'
import { redactJson, redactText } from './aws/secrets.js'
import { type Taking, take } from './aws/taking.js'
import { found, regionInArn } from './aws/values.js'
import type { Skip, Source } from './source.js'

const PRODUCT = { name: 'Inspector', vendor_name: 'AWS' } as const
const cloudOf = cloudCache()

const RULE = 1
const OTHER = 99

/** Amazon Inspector (v2) findings as EventBridge events, findings reports, or the answer of ListFindings. */
export const inspector: Source<JsonObject, typeof inspectorColumns> = {
  id: 'inspector',
  title: 'Amazon Inspector',
  spec: 'https://docs.aws.amazon.com/inspector/latest/user/eventbridge-integration.html',
  mappingVersion: 1,
  columns: inspectorColumns,
  notes: [
    'Package and code vulnerabilities are Vulnerability Findings; network reachability, and any type without a vulnerability, is a Detection Finding.',
    'finding_info.uid is findingArn, which is the Id in Security Hub too. ACTIVE is Create, Update once updatedAt is behind firstObservedAt; SUPPRESSED and CLOSED are Close (Suppressed, Resolved). The word is status_code.',
    'An id that is no CVE (ALAS, GHSA, SNYK, KB) is vulnerabilities.advisory from 1.5, with the related CVEs. Below, OCSF wants a CVE or a CWE: there is one vulnerability for each related CVE, and the advisory among related_vulnerabilities; without a related CVE its own id is cve.uid. A KB is also kb_article_list.',
    'cve.cvss has the scores of the sources (depth Base) and Inspector’s own for the resource (Environmental, adjustments as metrics). Scores of an advisory with several CVEs or none stay in unmapped, since they are nobody’s.',
    'A code vulnerability has one entry for each CWE; the detector is finding_info.analytic. Without a CWE its rule is advisory.uid, below 1.5 cwe.uid.',
    'A fix for some packages only (PARTIAL) is is_fix_available, and fix_coverage_id from 1.5. `NotAvailable` is no fixed_in_version.',
    'Layer hashes, Lambda layers and packages without a version stay in unmapped with the name of the package; resources.data is the details of a resource, which newer findings give twice.',
    'evidences.dst_endpoint of network reachability is the instance and interface at the end of the path, as flow logs and CloudTrail have them; evidences.data is the path.',
    'Scan, coverage and auto-enable events are skipped as scan_complete, coverage_change and auto_enable.',
    'Findings reports are read in JSON; AWS does not say what the columns of its CSV reports hold.',
    'Times are ISO 8601, epoch seconds, or as Java prints them (`Wed Sep 04 16:59:44.356 UTC 2024`; `Nov 19, 2021, 10:46:22 PM`, which is UTC).',
  ],

  recognise(head) {
    const record = firstJson(head)
    if (DETAIL_TYPE.test(record)) return 'content'
    return FINDING_ARN.test(record) && !/"(?:eventVersion|ProductArn)"\s*:/.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords({ member: 'findings' }),

  map(raw, context) {
    const delivery = openDelivery(raw)
    if ('fault' in delivery) return delivery
    const skip = skipOf(delivery.detailType)
    if (skip !== undefined) return skip
    const record = take(delivery.message)
    const uid = record.text('findingArn')
    if (uid === undefined)
      return { fault: { rule: 'required_missing', path: 'findingArn', expected: 'the ARN of a finding', found: found(record.peek('findingArn')) } }
    const first = record.time('firstObservedAt', instant)
    const last = record.time('lastObservedAt', instant)
    const modified = record.time('updatedAt', instant)
    const time = modified ?? last ?? first ?? delivery.time
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'updatedAt', expected: 'a time', found: found(record.peek('updatedAt')) } }

    const { version } = context
    const account = record.text('awsAccountId') ?? delivery.account ?? context.account
    const region = regionInArn(uid) ?? delivery.region ?? context.region
    const type = record.text('type')
    const status = record.text('status')
    const severity = record.said('severity')
    const severity_id = severityOf(severity)
    // Unknown has no text of its own
    if (severity_id !== 0) record.text('severity')
    const vulnerabilities = vulnerabilitiesOf(record, version)
    const evidence = vulnerabilities.length === 0 ? reachabilityOf(record) : undefined
    const isOld = version === '1.1.0' && vulnerabilities.length > 0
    const resources = resourcesOf(record, version, account, isOld ? 1 : undefined)

    const { activity_id, status_id } = lifecycle({
      created: first,
      modified: modified ?? last,
      resolved: status === 'CLOSED',
      suppressed: status === 'SUPPRESSED',
    })
    const severityText = severity_id === OTHER ? severity : undefined
    const metadata = { uid: delivery.uid, correlation_uid: record.text('scanId'), product: PRODUCT }
    const cloud = cloudOf(account, region, undefined)
    const title = record.text('title') ?? type ?? uid
    const desc = record.text('description')
    const types = type === undefined ? undefined : [type]

    if (vulnerabilities.length === 0)
      return {
        // classification
        class_uid: 2004,
        activity_id,
        severity_id,
        severity: severityText,
        // occurrence
        time,
        status_id,
        status_code: status,
        // context
        metadata,
        cloud,
        // primary
        finding_info: { uid, title, desc, types, modified_time: modified, first_seen_time: first, last_seen_time: last },
        remediation: remediationOf(record),
        evidences: evidence === undefined ? undefined : [evidence],
        resources: resources.length === 0 ? undefined : resources,
        // unmapped
        unmapped: unmappedOf(record, delivery.around),
      }
    const analytic = analyticOf(record.at('codeVulnerabilityDetails'))
    return {
      // classification
      class_uid: 2002,
      activity_id,
      severity_id,
      severity: severityText,
      // occurrence
      time,
      status_id,
      status_code: status,
      // context
      metadata,
      cloud,
      // primary
      finding_info: { uid, title, desc, types, modified_time: modified, first_seen_time: first, last_seen_time: last, analytic },
      vulnerabilities,
      resource: isOld ? resources[0] : undefined,
      resources: isOld || resources.length === 0 ? undefined : resources,
      // unmapped
      unmapped: unmappedOf(record, delivery.around),
    }
  },

  redact: redactText,
}

// an event of EventBridge stands as JSON in a text where SNS delivers it
const DETAIL_TYPE = /\\?"detail-type\\?"\s*:\s*\\?"(?:Inspector2 (?:Finding|Scan|Coverage|AutoEnable|OnDemand Scan Complete)|OnDemand AMI Scan Findings)\\?"/
const FINDING_ARN = /"[fF]indingArn"\s*:\s*"arn:aws[\w-]*:inspector2:/

const SCANS: ReadonlyMap<string | undefined, string> = new Map([
  ['Inspector2 Scan', 'scan_complete'],
  ['Inspector2 OnDemand Scan Complete', 'scan_complete'],
  ['Inspector2 Coverage', 'coverage_change'],
  ['Inspector2 AutoEnable', 'auto_enable'],
])

function skipOf(detailType: string | undefined): Skip | undefined {
  const skip = SCANS.get(detailType)
  return skip === undefined ? undefined : { skip }
}

/** The detector that found a weakness in code. */
function analyticOf(code: Taking) {
  const uid = code.text('detectorId')
  const name = code.text('detectorName')
  return uid === undefined && name === undefined ? undefined : ({ uid, name, type_id: RULE } as const)
}

function unmappedOf(record: Taking, around: JsonObject | undefined): JsonObject | undefined {
  return redactJson(around === undefined ? record.rest() : { ...record.rest(), ...around })
}
