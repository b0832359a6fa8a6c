/**
 * Front door: what a service imports, in the order data flows. The sources come by one line, so that a new one is named
 * in one place only.
 */

// the whole way
export {
  type Converter,
  type ConvertInputOptions,
  type ConvertOptions,
  convert,
  createConverter,
  type EmitOutcome,
  type EventOutcome,
  loadPipeline,
  type OcsfEvent,
  type Outcome,
  type Pipeline,
  type RawPolicy,
  type RejectedOutcome,
  type Stage,
} from './convert.js'
// bytes -> records
export { type AccessFields, type AccessLog, type AccessRow, accessLogDecoder, spaced } from './decode/access-log.js'
export type { Decoded, Decoder, Emit, Fault, Place } from './decode/decoder.js'
export { type LateReader, lateReader } from './decode/json-late.js'
export { type JsonRecordsOptions, jsonRecords } from './decode/json-records.js'
export { type LineSink, type LineSplitter, lineSplitter } from './decode/lines.js'
export { type ObjectKey, readObjectKey } from './decode/object-key.js'
export type { ParquetReader } from './decode/parquet-input.js'
export { type Row, type Table, type TableFields, tableDecoder } from './decode/table.js'
export { type ErrorCode, OcsfLakeError } from './errors.js'
export { type Json, type JsonObject, parseJson, readWhole, stringify, UnreadJson } from './json.js'
// events, typed, completed and checked
export { type ClassFields, type Columns, classFields, columns, type EventOf, type Field } from './ocsf/columns.js'
export { DEFAULT_VERSION, type Facts, loadFacts, type OcsfVersion, VERSIONS } from './ocsf/facts.js'
export { CLASS_ENUMS, OBJECT_ENUMS, OBSERVABLE_TYPES } from './ocsf/generated/enums.js'
export { CLASS_UIDS, type ClassName, type EventByClass } from './ocsf/generated/types.js'
export { isIp } from './ocsf/ip.js'
export type { Issue, Validation } from './ocsf/issue.js'
export { findingKey, type LatestFinding, type LatestFindingsOptions, latestFindings } from './ocsf/latest-findings.js'
export { isoFromMs, msFromCommonLog, msFromIso } from './ocsf/time.js'
export { validate } from './ocsf/validate.js'
export { chooseSource } from './recognise.js'
export * from './sources/index.js'
// records -> events
export type { AnySource, Context, Copies, DeclaredColumns, Head, Mapped, MappedEvent, Recognition, Skip, Source, Unmappable } from './sources/source.js'
export { HEAD_BYTES } from './sources/source.js'
export { VERSION } from './version.js'
