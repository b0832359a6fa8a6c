/** The attributes that Inspector findings fill. */
import { columns, type EventOf } from '../../ocsf/columns.js'
import { findingCloudColumns, resourceColumns } from './finding.js'

const findingColumns = {
  activity_id: true,
  severity_id: true,
  severity: true,
  time: true,
  status_id: true,
  status_code: true,
  metadata: { uid: true, correlation_uid: true, product: { name: true, vendor_name: true } },
  cloud: findingCloudColumns,
} as const
const infoColumns = { uid: true, title: true, desc: true, types: true, modified_time: true, first_seen_time: true, last_seen_time: true } as const
const analyticColumns = { uid: true, name: true, type_id: true } as const
const remediationColumns = { desc: true, references: true } as const
const resourceAnywhereColumns = { ...resourceColumns, provider: true } as const

const cvssColumns = {
  base_score: true,
  depth: true,
  metrics: { name: true, value: true },
  overall_score: true,
  vector_string: true,
  vendor_name: true,
  version: true,
} as const
const scoredCveColumns = { uid: true, cvss: cvssColumns, epss: { score: true } } as const

export const inspectorColumns = {
  vulnerability_finding: columns('vulnerability_finding')({
    ...findingColumns,
    finding_info: { ...infoColumns, analytic: analyticColumns },
    vulnerabilities: {
      advisory: { uid: true, created_time: true, modified_time: true, related_cves: scoredCveColumns, src_url: true },
      affected_code: {
        end_line: true,
        file: { name: true, path: true, type_id: true },
        rule: { uid: true },
        start_line: true,
      },
      affected_packages: {
        architecture: true,
        epoch: true,
        fixed_in_version: true,
        name: true,
        package_manager: true,
        path: true,
        release: true,
        remediation: { desc: true },
        type_id: true,
        version: true,
      },
      cve: { ...scoredCveColumns, created_time: true, modified_time: true, references: true },
      cwe: { uid: true },
      exploit_last_seen_time: true,
      fix_coverage_id: true,
      is_exploit_available: true,
      is_fix_available: true,
      kb_article_list: { uid: true },
      references: true,
      related_vulnerabilities: true,
      remediation: remediationColumns,
      severity: true,
      vendor_name: true,
    },
    resource: resourceAnywhereColumns,
    resources: resourceAnywhereColumns,
  }),
  detection_finding: columns('detection_finding')({
    ...findingColumns,
    finding_info: infoColumns,
    evidences: {
      connection_info: { direction_id: true, protocol_name: true, protocol_num: true },
      data: true,
      dst_endpoint: { ip: true, port: true, instance_uid: true, interface_uid: true, subnet_uid: true, vpc_uid: true },
    },
    remediation: remediationColumns,
    resources: resourceAnywhereColumns,
  }),
}

export type VulnerabilityFinding = EventOf<'vulnerability_finding', (typeof inspectorColumns)['vulnerability_finding']>
export type DetectionFinding = EventOf<'detection_finding', (typeof inspectorColumns)['detection_finding']>
export type Vulnerability = VulnerabilityFinding['vulnerabilities'][number]
export type Cve = NonNullable<Vulnerability['cve']>
export type Cvss = NonNullable<Cve['cvss']>[number]
export type AffectedPackage = NonNullable<Vulnerability['affected_packages']>[number]
export type InspectedResource = NonNullable<VulnerabilityFinding['resources']>[number]
export type Remediation = NonNullable<DetectionFinding['remediation']>
export type Evidence = NonNullable<DetectionFinding['evidences']>[number]
