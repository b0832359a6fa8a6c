/** The attributes that Security Hub findings fill, in each of the classes that they become. */
import { columns, type EventOf } from '../../ocsf/columns.js'
import { resourceColumns } from './finding.js'
import { locationColumns } from './place.js'

const named = { uid: true, name: true } as const
const remediation = { desc: true, references: true } as const
const file = { ...named, path: true, type_id: true, hashes: { algorithm_id: true, value: true } } as const
const resource = { ...resourceColumns, criticality: true } as const

const common = {
  activity_id: true,
  activity_name: true,
  severity_id: true,
  severity: true,
  time: true,
  start_time: true,
  end_time: true,
  confidence_score: true,
  count: true,
  comment: true,
  status_id: true,
  status: true,
  status_code: true,
  status_detail: true,
  metadata: {
    uid: true,
    correlation_uid: true,
    event_code: true,
    log_version: true,
    processed_time: true,
    product: { ...named, vendor_name: true, feature: named },
  },
  cloud: { provider: true, region: true, account: named },
  finding_info: {
    uid: true,
    title: true,
    desc: true,
    types: true,
    src_url: true,
    created_time: true,
    modified_time: true,
    first_seen_time: true,
    last_seen_time: true,
    attacks: { tactic: named, technique: named },
    related_events: { uid: true, product_uid: true, product: { uid: true, vendor_name: true } },
  },
  osint: { type_id: true, type: true, value: true, vendor_name: true, category: true, src_url: true },
  resources: resource,
} as const

const endpoint = {
  ip: true,
  port: true,
  hostname: true,
  svc_name: true,
  instance_uid: true,
  subnet_uid: true,
  vpc_uid: true,
  location: locationColumns,
  autonomous_system: { number: true, name: true },
} as const
const ownProcess = { ...named, pid: true, file, user: named, created_time: true, terminated_time: true } as const
const process = { ...ownProcess, parent_process: { uid: true, pid: true } } as const
const advisory = { uid: true, created_time: true, modified_time: true, references: true } as const

export const securityHubColumns = {
  vulnerability_finding: columns('vulnerability_finding')({
    ...common,
    vulnerabilities: {
      cve: { ...advisory, cvss: { base_score: true, version: true, vector_string: true, vendor_name: true }, epss: { score: true } },
      cwe: { uid: true },
      advisory,
      affected_code: { file, start_line: true, end_line: true },
      affected_packages: {
        name: true,
        version: true,
        architecture: true,
        epoch: true,
        release: true,
        path: true,
        package_manager: true,
        fixed_in_version: true,
        remediation,
      },
      exploit_last_seen_time: true,
      fix_coverage_id: true,
      is_exploit_available: true,
      is_fix_available: true,
      references: true,
      related_vulnerabilities: true,
      remediation,
      severity: true,
      vendor_name: true,
    },
    resource,
  }),
  compliance_finding: columns('compliance_finding')({
    ...common,
    compliance: {
      control: true,
      requirements: true,
      standards: true,
      status: true,
      status_id: true,
      status_code: true,
      status_detail: true,
      status_details: true,
    },
    remediation,
    resource,
  }),
  detection_finding: columns('detection_finding')({
    ...common,
    is_alert: true,
    evidences: {
      actor: {
        user: {
          ...named,
          uid_alt: true,
          type_id: true,
          type: true,
          account: named,
          credential_uid: true,
          programmatic_credentials: { uid: true },
        },
        process,
      },
      api: { operation: true, service: { name: true }, response: { error: true } },
      connection_info: { direction_id: true, direction: true, protocol_name: true, protocol_num: true },
      data: true,
      dst_endpoint: endpoint,
      file,
      process,
      query: { hostname: true },
      src_endpoint: endpoint,
    },
    remediation,
    malware: { name: true, classification_ids: true, path: true, num_infected: true, files: file },
    action_id: true,
    disposition_id: true,
  }),
  data_security_finding: columns('data_security_finding')({
    ...common,
    data_security: { category_id: true, detection_system_id: true, discovery_details: { type: true, count: true }, size: true },
    databucket: { ...named, type_id: true },
    file: { ...file, mime_type: true },
  }),
}

type Declared = typeof securityHubColumns
export type VulnerabilityFinding = EventOf<'vulnerability_finding', Declared['vulnerability_finding']>
export type ComplianceFinding = EventOf<'compliance_finding', Declared['compliance_finding']>
export type DetectionFinding = EventOf<'detection_finding', Declared['detection_finding']>
export type DataSecurityFinding = EventOf<'data_security_finding', Declared['data_security_finding']>

export type Vulnerability = VulnerabilityFinding['vulnerabilities'][number]
export type Compliance = ComplianceFinding['compliance']
export type Evidence = NonNullable<DetectionFinding['evidences']>[number]
export type Endpoint = NonNullable<Evidence['src_endpoint']>
export type Process = NonNullable<Evidence['process']>
export type User = NonNullable<NonNullable<Evidence['actor']>['user']>
export type Malware = NonNullable<DetectionFinding['malware']>[number]
export type Resource = NonNullable<DetectionFinding['resources']>[number]
export type Indicator = NonNullable<DetectionFinding['osint']>[number]
export type Remediation = NonNullable<DetectionFinding['remediation']>
export type RelatedEvent = NonNullable<DetectionFinding['finding_info']['related_events']>[number]
