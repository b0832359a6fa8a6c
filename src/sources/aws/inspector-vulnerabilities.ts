/** What an Inspector finding says is wrong with packages or code: CVEs, advisories of vendors, weaknesses. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import type { AffectedPackage, Cve, Cvss, Remediation, Vulnerability } from './inspector-columns.js'
import { instant } from './inspector-time.js'
import type { Taking } from './taking.js'

/** The vulnerabilities of a finding; nothing is taken where there are none. */
export function vulnerabilitiesOf(record: Taking, version: OcsfVersion): readonly Vulnerability[] {
  const details = record.at('packageVulnerabilityDetails')
  const uid = details.said('vulnerabilityId')
  if (uid !== undefined) return inPackages(uid, details, record, version)
  const code = record.at('codeVulnerabilityDetails')
  const rule = code.said('ruleId') ?? code.said('detectorId')
  return inCode(rule, code, record, version)
}

// ---- what both kinds say ----

const FIXES: ReadonlyMap<string | undefined, 1 | 2 | 3> = new Map([
  ['YES', 1],
  ['PARTIAL', 2],
  ['NO', 3],
])
const PARTIAL = 2
const NO_FIX = 3

function commonOf(record: Taking, isModern: boolean) {
  const coverage = FIXES.get(record.said('fixAvailable'))
  // before 1.5 nothing else says that it is for some packages only
  if (coverage !== undefined && (isModern || coverage !== PARTIAL)) record.text('fixAvailable')
  return {
    exploit_last_seen_time: isModern ? record.at('exploitabilityDetails').time('lastKnownExploitAt', instant) : undefined,
    fix_coverage_id: isModern ? coverage : undefined,
    is_exploit_available: record.flag('exploitAvailable'),
    is_fix_available: coverage === undefined ? undefined : coverage !== NO_FIX,
    remediation: remediationOf(record),
  }
}

/** What to do. `None Provided` is none. */
export function remediationOf(record: Taking): Remediation | undefined {
  const recommendation = record.at('remediation').at('recommendation')
  const desc = recommendation.text('text')
  if (desc === undefined || desc === 'None Provided') return undefined
  const url = recommendation.text('url')
  return { desc, references: url === undefined ? undefined : [url] }
}

// ---- packages ----

const CVE = /^CVE-\d{4}-\d{4,}$/
const KB = /^KB\d+$/

function inPackages(uid: string, details: Taking, record: Taking, version: OcsfVersion): readonly Vulnerability[] {
  const isModern = hasModernFindings(version)
  details.text('vulnerabilityId')
  const related = details.texts('relatedVulnerabilities')
  const said = {
    ...commonOf(record, isModern),
    affected_packages: packagesOf(details, version),
    kb_article_list: !isModern && KB.test(uid) ? [{ uid }] : undefined,
    references: details.texts('referenceUrls'),
    related_vulnerabilities: related,
    severity: details.text('vendorSeverity'),
    vendor_name: details.text('source'),
  }
  if (CVE.test(uid)) return [{ ...said, cve: cveOf(uid, details, record, isModern) }]

  const cves = [...new Set(related?.filter(id => CVE.test(id)))]
  if (isModern) {
    const advisory = {
      uid,
      created_time: details.time('vendorCreatedAt', instant),
      modified_time: details.time('vendorUpdatedAt', instant),
      // scores of several would be the highest, and whose is not said
      related_cves: cves.length === 1 ? [scoredCve(cves[0]!, details, record, isModern)] : cves.length === 0 ? undefined : cves.map(uid => ({ uid })),
      src_url: details.text('sourceUrl'),
    }
    return [{ ...said, advisory }]
  }
  if (cves.length === 0) return [{ ...said, cve: cveOf(uid, details, record, isModern) }]
  const others = { ...said, related_vulnerabilities: [uid, ...(related ?? [])] }
  if (cves.length === 1) return [{ ...others, cve: cveOf(cves[0]!, details, record, isModern) }]
  return cves.map(uid => ({ ...others, cve: { uid } }))
}

function cveOf(uid: string, details: Taking, record: Taking, isModern: boolean): Cve {
  const source = details.text('sourceUrl')
  return {
    ...scoredCve(uid, details, record, isModern),
    created_time: details.time('vendorCreatedAt', instant),
    modified_time: details.time('vendorUpdatedAt', instant),
    references: source === undefined ? undefined : [source],
  }
}

function scoredCve(uid: string, details: Taking, record: Taking, isModern: boolean) {
  const scores = details.list('cvss', 'scoringVector').flatMap(score => baseScore(score, isModern) ?? [])
  const adjusted = adjustedScore(record, isModern)
  const cvss = adjusted === undefined ? scores : [...scores, adjusted]
  const epss = record.at('epss').number('score')
  return { uid, cvss: cvss.length === 0 ? undefined : cvss, epss: epss === undefined ? undefined : { score: String(epss) } }
}

function baseScore(score: Taking, isModern: boolean): Cvss | undefined {
  if (typeof score.peek('baseScore') !== 'number' || score.said('version') === undefined) return undefined
  return {
    base_score: score.number('baseScore')!,
    depth: 'Base',
    metrics: undefined,
    overall_score: undefined,
    vector_string: score.text('scoringVector'),
    vendor_name: isModern ? score.text('source') : undefined,
    version: score.text('version')!,
  }
}

/** The score that Inspector works out for the very resource, by a vector of its own. */
function adjustedScore(record: Taking, isModern: boolean): Cvss | undefined {
  const adjusted = record.at('inspectorScoreDetails').at('adjustedCvss')
  const score = adjusted.peek('score')
  if (typeof score !== 'number' || adjusted.said('version') === undefined) return undefined
  adjusted.number('score')
  if (record.peek('inspectorScore') === score) record.number('inspectorScore')
  const metrics = adjusted.list('adjustments').flatMap(adjustment => {
    if (adjustment.said('metric') === undefined || adjustment.said('reason') === undefined) return []
    return [{ name: adjustment.text('metric')!, value: adjustment.text('reason')! }]
  })
  if (isModern && adjusted.peek('cvssSource') === adjusted.peek('scoreSource')) adjusted.text('cvssSource')
  return {
    base_score: score,
    depth: 'Environmental',
    metrics: metrics.length === 0 ? undefined : metrics,
    overall_score: score,
    vector_string: adjusted.text('scoringVector'),
    vendor_name: isModern ? adjusted.text('scoreSource') : undefined,
    version: adjusted.text('version')!,
  }
}

const APPLICATION = 1
const OPERATING_SYSTEM = 2

function packagesOf(details: Taking, version: OcsfVersion): readonly AffectedPackage[] | undefined {
  const packages: AffectedPackage[] = []
  for (const item of details.list('vulnerablePackages', 'name')) {
    // OCSF requires both
    if (item.said('name') === undefined || item.said('version') === undefined) continue
    const manager = item.text('packageManager')
    const remediation = item.text('remediation')
    packages.push({
      architecture: item.text('arch'),
      epoch: item.whole('epoch'),
      fixed_in_version: item.peek('fixedInVersion') === 'NotAvailable' ? undefined : item.text('fixedInVersion'),
      name: item.text('name')!,
      package_manager: manager,
      path: item.text('filePath'),
      release: item.text('release'),
      remediation: remediation === undefined ? undefined : { desc: remediation },
      type_id: version === '1.1.0' || manager === undefined ? undefined : manager === 'OS' ? OPERATING_SYSTEM : APPLICATION,
      version: item.text('version')!,
    })
  }
  return packages.length === 0 ? undefined : packages
}

// ---- code ----

const REGULAR_FILE = 1

function inCode(rule: string | undefined, code: Taking, record: Taking, version: OcsfVersion): readonly Vulnerability[] {
  const isModern = hasModernFindings(version)
  const cwes = code.texts('cwes')
  if (cwes === undefined && rule === undefined) return []
  const said = {
    ...commonOf(record, isModern),
    affected_code: codeOf(code, isModern),
    references: code.texts('referenceUrls'),
  }
  if (cwes !== undefined) return cwes.map(uid => ({ ...said, cwe: { uid } }))
  return [isModern ? { ...said, advisory: { uid: rule! } } : { ...said, cwe: { uid: rule! } }]
}

function codeOf(code: Taking, isModern: boolean): Vulnerability['affected_code'] {
  const place = code.at('filePath')
  const path = place.text('filePath')
  const name = place.text('fileName') ?? path?.slice(path.lastIndexOf('/') + 1)
  if (name === undefined || name === '') return undefined
  const rule = isModern ? code.text('ruleId') : undefined
  return [
    {
      end_line: place.whole('endLine'),
      file: { name, path, type_id: REGULAR_FILE },
      rule: rule === undefined ? undefined : { uid: rule },
      start_line: place.whole('startLine'),
    },
  ]
}
