/** The `ocsf-lake/lake` door: where bytes belong. */
export { type BackfillDefinitionOptions, type BackfillInput, backfillDefinition, type State, type StateField, type StateMachine } from './backfill.js'
export { athenaTable, type DdlOptions, duckdbView, tableName } from './ddl.js'
export { type Layout, plainLayout, securityLakeLayout } from './layout.js'
export { customSourceName, MAX_SOURCE_NAME, type ObjectName, objectKey } from './object-key.js'
export { type Fallback, isAccountId, isRegion, type Partition, partitionOf } from './partition.js'
export { createParts, type LakeObject, PART_BYTES, PART_OBJECTS, PART_ROWS, type Parts, type PartsOptions } from './parts.js'
export {
  type CreateRequest,
  MAX_CUSTOM_SOURCES,
  type PlannedSource,
  type Policies,
  planRegistration,
  type RegistrationOptions,
  type RegistrationPlan,
} from './registration.js'
export { addsUp, countIn, countOutcome, emptyReport, type PutOutcome, type RecordCounts, type Report, type ReportedObject } from './report.js'
export { isS3Url, parseS3Url, type S3ObjectId, type S3Url, s3Place, s3Unit } from './s3-url.js'
export {
  type CustomSourceLocation,
  checkSecurityLakeVersion,
  customSourceOf,
  EVENT_CLASSES,
  eventClassName,
  type SecurityLakeTarget,
  securityLakeTarget,
} from './security-lake.js'
export { type LakeTable, lakeTables, type TableSource } from './tables.js'
