/** The attributes that Amazon Macie findings fill. */
import { columns, type EventOf } from '../../ocsf/columns.js'
import { findingCloudColumns, findingMetadataColumns, resourceColumns } from './finding.js'
import { actorColumns } from './identity.js'
import { locationColumns } from './place.js'

const fileColumns = {
  name: true,
  path: true,
  type_id: true,
  ext: true,
  size: true,
  mime_type: true,
  modified_time: true,
  version: true,
  storage_class: true,
  is_public: true,
} as const

const findingColumns = {
  uid: true,
  title: true,
  desc: true,
  types: true,
  created_time: true,
  modified_time: true,
  first_seen_time: true,
  last_seen_time: true,
  src_url: true,
  analytic: { name: true, uid: true, desc: true, type_id: true },
} as const

const commonColumns = {
  activity_id: true,
  severity_id: true,
  severity: true,
  time: true,
  count: true,
  is_alert: true,
  status_id: true,
  metadata: { ...findingMetadataColumns, labels: true },
  cloud: findingCloudColumns,
  resources: resourceColumns,
} as const

export const macieColumns = {
  detection_finding: columns('detection_finding')({
    ...commonColumns,
    start_time: true,
    end_time: true,
    risk_score: true,
    finding_info: findingColumns,
    evidences: {
      actor: actorColumns,
      api: { operation: true, service: { name: true } },
      data: true,
      file: fileColumns,
      src_endpoint: { ip: true, hostname: true, location: locationColumns, autonomous_system: { number: true, name: true }, isp: true, isp_org: true },
    },
  }),
  data_security_finding: columns('data_security_finding')({
    ...commonColumns,
    finding_info: findingColumns,
    data_security: {
      category_id: true,
      category: true,
      data_lifecycle_state_id: true,
      detection_pattern: true,
      detection_system_id: true,
      discovery_details: {
        count: true,
        type: true,
        occurrences: {
          cell_name: true,
          column_name: true,
          column_number: true,
          end_line: true,
          json_path: true,
          page_number: true,
          record_index_in_array: true,
          row_number: true,
          start_line: true,
        },
      },
      size: true,
      status_id: true,
      status: true,
      status_details: true,
      total: true,
    },
    databucket: {
      name: true,
      uid: true,
      type_id: true,
      created_time: true,
      is_encrypted: true,
      is_public: true,
      encryption_details: { key_uid: true, type: true },
    },
    file: fileColumns,
  }),
}

type Detection = EventOf<'detection_finding', (typeof macieColumns)['detection_finding']>
type DataFinding = EventOf<'data_security_finding', (typeof macieColumns)['data_security_finding']>

export type MacieFinding = Detection | DataFinding
export type Evidence = NonNullable<Detection['evidences']>[number]
export type File = NonNullable<DataFinding['file']>
export type DataSecurity = NonNullable<DataFinding['data_security']>
export type Databucket = NonNullable<DataFinding['databucket']>
