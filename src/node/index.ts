/** The `ocsf-lake/node` door: files, gzip, Security Lake's custom sources and the command. */
export {
  type ApiOptions,
  type CustomSource,
  deleteCustomSource,
  listCustomSources,
  type Registration,
  registerCustomSource,
  type SourceOutcome,
  type SourceStatus,
  type Step,
} from './aws/custom-source.js'
export type { S3Settings } from './aws/s3.js'
export { main } from './cli.js'
export { nodeCodec } from './codecs.js'
export { type CompactOptions, type CompactReport, compact } from './compact/compact.js'
export type { LeftReason, PartitionReport } from './compact/partition.js'
export { isCompacted } from './compacted.js'
export { convertFiles } from './convert-files.js'
export { gunzip, isGzip } from './gunzip.js'
export { findInputs, type Input } from './inputs.js'
export type { ConvertFilesOptions, Progress } from './options.js'
export { readParquet } from './read-parquet.js'
export { type ReplayOptions, type ReplayReport, replay } from './replay.js'
export { type Listed, type OwnStore, openStore, type Store, type Stored } from './store.js'
export { reportText } from './text.js'
