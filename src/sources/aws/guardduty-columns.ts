/** The attributes that GuardDuty findings fill. */
import { columns, type EventOf } from '../../ocsf/columns.js'
import { findingCloudColumns, findingMetadataColumns, resourceColumns } from './finding.js'
import { locationColumns } from './place.js'

const endpointColumns = {
  ip: true,
  port: true,
  hostname: true,
  svc_name: true,
  instance_uid: true,
  interface_uid: true,
  subnet_uid: true,
  vpc_uid: true,
  intermediate_ips: true,
  location: locationColumns,
  autonomous_system: { number: true, name: true },
  isp: true,
  isp_org: true,
} as const
const hashColumns = { algorithm_id: true, value: true } as const
const fileColumns = { name: true, path: true, type_id: true, hashes: hashColumns } as const
const ownProcessColumns = {
  pid: true,
  uid: true,
  name: true,
  file: fileColumns,
  user: { name: true, uid: true },
  created_time: true,
  working_directory: true,
} as const
const processColumns = { ...ownProcessColumns, parent_process: { ...ownProcessColumns, parent_process: ownProcessColumns } } as const
const userColumns = {
  name: true,
  uid: true,
  uid_alt: true,
  type_id: true,
  type: true,
  account: { uid: true, name: true },
  groups: { name: true },
  credential_uid: true,
  programmatic_credentials: { uid: true },
} as const
const attackColumns = { tactic: { uid: true, name: true }, technique: { uid: true, name: true }, version: true } as const

export const guarddutyColumns = {
  detection_finding: columns('detection_finding')({
    activity_id: true,
    severity_id: true,
    time: true,
    start_time: true,
    end_time: true,
    count: true,
    confidence_score: true,
    is_alert: true,
    status_id: true,
    metadata: findingMetadataColumns,
    cloud: findingCloudColumns,
    finding_info: {
      uid: true,
      title: true,
      desc: true,
      types: true,
      created_time: true,
      modified_time: true,
      first_seen_time: true,
      last_seen_time: true,
      analytic: { name: true, uid: true, type_id: true },
      attacks: attackColumns,
      related_events: {
        uid: true,
        type: true,
        title: true,
        desc: true,
        count: true,
        created_time: true,
        modified_time: true,
        first_seen_time: true,
        last_seen_time: true,
        attacks: attackColumns,
      },
    },
    evidences: {
      actor: { user: userColumns, session: { uid: true, is_mfa: true, created_time: true, issuer: true }, process: processColumns },
      api: { operation: true, service: { name: true }, response: { code: true, error: true } },
      connection_info: { direction_id: true, direction: true, protocol_name: true, protocol_num: true },
      container: { uid: true, name: true, runtime: true, image: { uid: true } },
      data: true,
      database: { name: true, type_id: true },
      dst_endpoint: endpointColumns,
      file: fileColumns,
      http_request: { user_agent: true, url: { path: true } },
      process: processColumns,
      query: { hostname: true },
      src_endpoint: endpointColumns,
      url: { path: true },
    },
    resources: resourceColumns,
    malware: { name: true, classification_ids: true, provider: true },
    action_id: true,
    disposition_id: true,
  }),
}

export type GuardDutyFinding = EventOf<'detection_finding', (typeof guarddutyColumns)['detection_finding']>
export type Evidence = NonNullable<GuardDutyFinding['evidences']>[number]
export type Container = NonNullable<Evidence['container']>
export type Endpoint = NonNullable<Evidence['src_endpoint']>
export type Process = NonNullable<Evidence['process']>
export type File = NonNullable<Evidence['file']>
export type User = NonNullable<NonNullable<Evidence['actor']>['user']>
export type Attack = NonNullable<GuardDutyFinding['finding_info']['attacks']>[number]
export type Malware = NonNullable<GuardDutyFinding['malware']>[number]
