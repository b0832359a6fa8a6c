import { expect, it } from 'vitest'
import { CLASS_ENUMS, OBJECT_ENUMS } from '../../ocsf/generated/enums.js'
import * as shapes from './finding-captions.js'

const finding = CLASS_ENUMS.detection_finding
const { data_classification } = OBJECT_ENUMS

it.each([
  ['ACTIVITIES', shapes.ACTIVITIES, finding.activity_id],
  ['SEVERITIES', shapes.SEVERITIES, finding.severity_id],
  ['STATUSES', shapes.STATUSES, finding.status_id],
  ['LEVELS', shapes.LEVELS, finding.confidence_id],
  ['IMPACTS', shapes.IMPACTS, finding.impact_id],
  ['RISKS', shapes.RISKS, finding.risk_level_id],
  ['ACTIONS', shapes.ACTIONS, finding.action_id],
  ['DISPOSITIONS', shapes.DISPOSITIONS, finding.disposition_id],
  ['ACCOUNTS', shapes.ACCOUNTS, OBJECT_ENUMS.account.type_id],
  ['ANALYTICS', shapes.ANALYTICS, OBJECT_ENUMS.analytic.type_id],
  ['CHECKS', shapes.CHECKS, OBJECT_ENUMS.compliance.status_id],
  ['COVERAGES', shapes.COVERAGES, OBJECT_ENUMS.vulnerability.fix_coverage_id],
  ['PACKAGES', shapes.PACKAGES, OBJECT_ENUMS.affected_package.type_id],
  ['BUCKETS', shapes.BUCKETS, OBJECT_ENUMS.databucket.type_id],
  ['DATA_CATEGORIES', shapes.DATA_CATEGORIES, data_classification.category_id],
  ['SECRECY', shapes.SECRECY, data_classification.confidentiality_id],
  ['SCANS', shapes.SCANS, data_classification.status_id],
  ['FILES', shapes.FILES, OBJECT_ENUMS.file.type_id],
  ['USERS', shapes.USERS, OBJECT_ENUMS.user.type_id],
  ['DEVICES', shapes.DEVICES, OBJECT_ENUMS.device.type_id],
  ['DIRECTIONS', shapes.DIRECTIONS, OBJECT_ENUMS.network_connection_info.direction_id],
  ['ALGORITHMS', shapes.ALGORITHMS, OBJECT_ENUMS.fingerprint.algorithm_id],
  ['DATABASES', shapes.DATABASES, OBJECT_ENUMS.database.type_id],
  ['MALWARE', shapes.MALWARE, OBJECT_ENUMS.malware.classification_ids],
  ['OBSERVABLES', shapes.OBSERVABLES, OBJECT_ENUMS.observable.type_id],
])('%s are captions of the schema', (_, captions, schema) => {
  expect(schema).toMatchObject(captions)
})
