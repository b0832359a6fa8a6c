/** The attributes that findings of IAM Access Analyzer fill. */
import { columns, type EventOf } from '../../ocsf/columns.js'
import { findingCloudColumns, findingMetadataColumns, resourceColumns } from './finding.js'

const userColumns = {
  name: true,
  uid: true,
  type_id: true,
  type: true,
  account: { uid: true },
  credential_uid: true,
  programmatic_credentials: { uid: true },
} as const

const commonColumns = {
  activity_id: true,
  severity_id: true,
  time: true,
  status_id: true,
  status_code: true,
  status_detail: true,
  metadata: findingMetadataColumns,
  cloud: findingCloudColumns,
  finding_info: { uid: true, title: true, types: true, created_time: true, modified_time: true, last_seen_time: true },
  resources: resourceColumns,
} as const

export const accessColumns = {
  detection_finding: columns('detection_finding')({
    ...commonColumns,
    is_alert: true,
    evidences: { actor: { user: userColumns }, api: { operation: true, service: { name: true } } },
  }),
  iam_analysis_finding: columns('iam_analysis_finding')({
    ...commonColumns,
    user: userColumns,
    access_analysis_result: {
      access_type: true,
      accessors: userColumns,
      additional_restrictions: { policy: { name: true, type: true }, status_id: true, status: true },
      condition_keys: { name: true, value: true },
      granted_privileges: true,
    },
    identity_activity_metrics: {
      last_seen_time: true,
      password_last_used_time: true,
      programmatic_credentials: { uid: true, last_used_time: true },
    },
    permission_analysis_results: {
      policy: { name: true },
      granted_privileges: true,
      service_privilege_analysis_list: { name: true, all_privileges_unused: true, last_used_time: true, unused_privileges_count: true },
      unused_privileges_count: true,
      unused_services_count: true,
    },
  }),
}

type Detection = EventOf<'detection_finding', (typeof accessColumns)['detection_finding']>
type Analysis = EventOf<'iam_analysis_finding', (typeof accessColumns)['iam_analysis_finding']>

export type AccessFinding = Detection | Analysis
export type Evidence = NonNullable<Detection['evidences']>[number]
export type User = NonNullable<Analysis['user']>
export type AccessResult = NonNullable<Analysis['access_analysis_result']>
export type Metrics = NonNullable<Analysis['identity_activity_metrics']>
export type Permissions = NonNullable<Analysis['permission_analysis_results']>[number]
