/** Vulnerabilities as Security Hub states them. */
import { isJsonObject, type Json } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import { fileOf } from './guardduty-parts.js'
import type { Vulnerability } from './security-hub-columns.js'
import { itemsOf, some } from './security-hub-parts.js'
import type { Taking } from './taking.js'

const CVE = /^CVE-\d{4}-\d{4,}$/
const CWE = /^CWE-\d+$/

const FIXES: ReadonlyMap<string | undefined, 1 | 2 | 3> = new Map([
  ['YES', 1],
  ['PARTIAL', 2],
  ['NO', 3],
])

/**
 * The vulnerabilities that the version can tell. Each is a CVE, else a weakness (CWE); else from 1.5 an advisory, and
 * below the first CVE that it covers. What is none of these stays in the rest.
 */
export function vulnerabilitiesOf(record: Taking, version: OcsfVersion): readonly Vulnerability[] {
  return record.list('Vulnerabilities', 'Id').flatMap(item => vulnerabilityOf(item, hasModernFindings(version)) ?? [])
}

function vulnerabilityOf(item: Taking, isModern: boolean): Vulnerability | undefined {
  const id = item.said('Id') ?? ''
  const weaknesses = itemsOf(item.peek('CodeVulnerabilities')).flatMap(code => (isJsonObject(code) ? itemsOf(code.Cwes) : []))
  const own = textLike(CVE, [id])
  const cwe = own === undefined ? textLike(CWE, [id, ...weaknesses]) : undefined
  const covered = isModern || cwe !== undefined ? undefined : textLike(CVE, itemsOf(item.peek('RelatedVulnerabilities')))
  const cve = own ?? covered
  const isAdvisory = isModern && id !== '' && (cve ?? cwe) === undefined
  if ((cve ?? cwe) === undefined && !isAdvisory) return undefined
  if (id === (cve ?? cwe) || isAdvisory) item.text('Id')

  const vendor = item.at('Vendor')
  const url = cwe === undefined ? vendor.text('Url') : undefined
  const dated =
    cwe === undefined
      ? {
          created_time: vendor.time('VendorCreatedAt'),
          modified_time: vendor.time('VendorUpdatedAt'),
          references: url === undefined ? undefined : [url],
        }
      : undefined
  const score = cve === undefined ? undefined : item.word('EpssScore')
  const coverage = FIXES.get(item.said('FixAvailable'))
  // before 1.5 nothing else says that it is for some packages only
  if (coverage !== undefined && (isModern || coverage !== 2)) item.text('FixAvailable')
  return {
    cve: cve === undefined ? undefined : { uid: cve, ...dated, cvss: scoresOf(item, isModern), epss: score === undefined ? undefined : { score } },
    cwe: cwe === undefined ? undefined : { uid: cwe },
    advisory: isAdvisory ? { uid: id, ...dated } : undefined,
    affected_code: codeOf(item),
    affected_packages: packagesOf(item),
    exploit_last_seen_time: isModern ? item.time('LastKnownExploitAt') : undefined,
    fix_coverage_id: isModern ? coverage : undefined,
    is_exploit_available: item.flag('ExploitAvailable'),
    is_fix_available: coverage === undefined ? undefined : coverage !== 3,
    references: item.texts('ReferenceUrls'),
    related_vulnerabilities: item.texts('RelatedVulnerabilities'),
    severity: vendor.text('VendorSeverity'),
    vendor_name: vendor.text('Name'),
  }
}

function textLike(pattern: RegExp, items: readonly Json[]): string | undefined {
  return items.find((item): item is string => typeof item === 'string' && pattern.test(item))
}

/** OCSF requires a score and a version; others stay in the rest. */
function scoresOf(item: Taking, isModern: boolean) {
  return some(
    item.list('Cvss').flatMap(cvss => {
      if (typeof cvss.peek('BaseScore') !== 'number' || cvss.said('Version') === undefined) return []
      return {
        base_score: cvss.number('BaseScore')!,
        version: cvss.text('Version')!,
        vector_string: cvss.text('BaseVector'),
        vendor_name: isModern ? cvss.text('Source') : undefined,
      }
    }),
  )
}

/** OCSF requires a name and a version; others stay in the rest. */
function packagesOf(item: Taking) {
  return some(
    item.list('VulnerablePackages', 'Name').flatMap(software => {
      if (software.said('Name') === undefined || software.said('Version') === undefined) return []
      const desc = software.text('Remediation')
      return {
        name: software.text('Name')!,
        version: software.text('Version')!,
        architecture: software.text('Architecture'),
        epoch: software.whole('Epoch'),
        release: software.text('Release'),
        path: software.text('FilePath'),
        package_manager: software.text('PackageManager'),
        fixed_in_version: software.text('FixedInVersion'),
        remediation: desc === undefined ? undefined : { desc },
      }
    }),
  )
}

function codeOf(item: Taking) {
  return some(
    item.list('CodeVulnerabilities').flatMap(part => {
      const place = part.at('FilePath')
      const file = fileOf(place.said('FilePath'), undefined, place.said('FileName'))
      if (file === undefined) return []
      for (const key of ['FilePath', 'FileName']) place.text(key)
      return { file: { ...file, uid: part.text('SourceArn') }, start_line: place.whole('StartLine'), end_line: place.whole('EndLine') }
    }),
  )
}
