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

/** What is true of each vulnerability of a finding. */
interface Said extends Pick<Vulnerability, 'affected_code' | 'affected_packages' | 'references' | 'related_vulnerabilities'> {
  readonly common: ReturnType<typeof commonOf>
  readonly kb?: Vulnerability['kb_article_list']
  readonly severity?: string | undefined
  readonly vendor?: string | undefined
}

type Identity = Pick<Vulnerability, 'advisory' | 'cve' | 'cwe'>

function vulnerability({ advisory, cve, cwe }: Identity, said: Said): Vulnerability {
  const { common } = said
  return {
    advisory,
    affected_code: said.affected_code,
    affected_packages: said.affected_packages,
    cve,
    cwe,
    exploit_last_seen_time: common.exploitSeen,
    fix_coverage_id: common.coverage,
    is_exploit_available: common.isExploitable,
    is_fix_available: common.isFixable,
    kb_article_list: said.kb,
    references: said.references,
    related_vulnerabilities: said.related_vulnerabilities,
    remediation: common.remediation,
    severity: said.severity,
    vendor_name: said.vendor,
  }
}

function commonOf(record: Taking, isModern: boolean) {
  const coverage = FIXES.get(record.said('fixAvailable'))
  // before 1.5 nothing else says that it is for some packages only
  if (coverage !== undefined && (isModern || coverage !== PARTIAL)) record.text('fixAvailable')
  return {
    coverage: isModern ? coverage : undefined,
    exploitSeen: isModern ? record.at('exploitabilityDetails').time('lastKnownExploitAt', instant) : undefined,
    isExploitable: record.flag('exploitAvailable'),
    isFixable: coverage === undefined ? undefined : coverage !== NO_FIX,
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
  const isCve = CVE.test(uid)
  const cves = isCve || related === undefined ? [] : [...new Set(related.filter(id => CVE.test(id)))]
  const said = {
    affected_code: undefined,
    affected_packages: packagesOf(details, version),
    common: commonOf(record, isModern),
    kb: !isModern && KB.test(uid) ? [{ uid }] : undefined,
    references: details.texts('referenceUrls'),
    // an advisory that is no attribute of its own
    related_vulnerabilities: !isModern && cves.length > 0 ? [uid, ...(related ?? [])] : related,
    severity: details.text('vendorSeverity'),
    vendor: details.text('source'),
  }
  if (isCve || (!isModern && cves.length < 2)) return [vulnerability({ cve: cveOf(cves[0] ?? uid, details, record, isModern) }, said)]
  const source = details.text('sourceUrl')
  if (!isModern) return cves.map(uid => vulnerability({ cve: { uid, references: source === undefined ? undefined : [source] } }, said))
  const advisory = {
    uid,
    created_time: details.time('vendorCreatedAt', instant),
    modified_time: details.time('vendorUpdatedAt', instant),
    // scores of several would be the highest, and whose is not said
    related_cves: cves.length === 0 ? undefined : cves.map(uid => (cves.length === 1 ? scoredCve(uid, details, record, isModern) : { uid })),
    src_url: source,
  }
  return [vulnerability({ advisory }, said)]
}

function cveOf(uid: string, details: Taking, record: Taking, isModern: boolean): Cve {
  const { cvss, epss } = scoredCve(uid, details, record, isModern)
  const source = details.text('sourceUrl')
  return {
    uid,
    created_time: details.time('vendorCreatedAt', instant),
    cvss,
    epss,
    modified_time: details.time('vendorUpdatedAt', instant),
    references: source === undefined ? undefined : [source],
  }
}

function scoredCve(uid: string, details: Taking, record: Taking, isModern: boolean) {
  const scores: Cvss[] = []
  for (const score of details.list('cvss', 'scoringVector')) {
    const base = baseScore(score, isModern)
    if (base !== undefined) scores.push(base)
  }
  const adjusted = adjustedScore(record, isModern)
  if (adjusted !== undefined) scores.push(adjusted)
  const epss = record.at('epss').number('score')
  return { uid, cvss: scores.length === 0 ? undefined : scores, epss: epss === undefined ? undefined : { score: String(epss) } }
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
  const said = { affected_code: codeOf(code, isModern), common: commonOf(record, isModern), references: code.texts('referenceUrls') }
  if (cwes !== undefined) return cwes.map(uid => vulnerability({ cwe: { uid } }, said))
  return [vulnerability(isModern ? { advisory: { uid: rule! } } : { cwe: { uid: rule! } }, said)]
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
