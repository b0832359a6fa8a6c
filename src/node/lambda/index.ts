/** The `ocsf-lake/lambda` door: one handler for every trigger. */
export type { ParquetReader } from '../../decode/parquet-input.js'
export { readParquet } from '../read-parquet.js'
export type { BatchAnswer, Remainder, Summary } from './answers.js'
export type { FirehoseAnswer, FirehoseRecord } from './firehose.js'
export { type Answer, createHandler, type Handler } from './handler.js'
export type { HandlerOptions } from './options.js'
export type { LambdaContext } from './watch.js'
