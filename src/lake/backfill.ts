/**
 * The state machine of a backfill, as plain data: a Distributed Map hands the objects below a prefix, or of an S3
 * inventory, in batches to the function that live traffic calls.
 * https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
 */
import { OcsfLakeError } from '../errors.js'

/** A JSON value as the Amazon States Language has it. */
export type StateField = string | number | boolean | readonly StateField[] | { readonly [name: string]: StateField }

/** One state: a `Type` and what belongs to it. https://states-language.net/spec.html */
export interface State {
  readonly Type: 'Task' | 'Choice' | 'Pass' | 'Map' | 'Succeed' | 'Fail'
  readonly [field: string]: StateField
}

export interface StateMachine {
  readonly Comment?: string
  readonly StartAt: string
  readonly States: { readonly [name: string]: State }
}

export interface BackfillDefinitionOptions {
  /** The function, version or alias that makes objects of live traffic, so that names are the same. */
  readonly functionArn: string
  /** Where the Map Run writes what became of each batch. */
  readonly results: { readonly bucket: string; readonly prefix?: string }
  /** Most batches under way at once: 100 unless said. What is left of the account's concurrency is for live traffic. */
  readonly concurrency?: number
  /** Most objects of a batch: 100 unless said. */
  readonly batchItems?: number
  /** Most bytes of a batch as JSON: 200,000 unless said, 256,000 at most. */
  readonly batchBytes?: number
  /** Percentage of objects that may fail before the run is stopped: 5 unless said. Any that failed fail the execution at its end. */
  readonly toleratedFailurePercentage?: number
  /** `aws` unless said; `aws-cn`, `aws-us-gov`. */
  readonly partition?: string
}

/**
 * What an execution is started with: the objects below a prefix; those of an inventory (`inventory` is its
 * manifest.json, in CSV) below a prefix of its bucket; or the batches that an earlier execution left undone (`undone`
 * is one of the `FAILED_<n>.json` of its results).
 */
export type BackfillInput =
  | { readonly bucket: string; readonly prefix: string }
  | { readonly bucket: string; readonly prefix: string; readonly inventory: { readonly bucket: string; readonly key: string } }
  | { readonly undone: { readonly bucket: string; readonly key: string } }

/** Step Functions hands on 262,144 bytes from state to state; the counts of what was done go along. */
const MAX_BATCH_BYTES = 256_000
/** https://docs.aws.amazon.com/step-functions/latest/dg/limits-overview.html */
const MAX_CONCURRENCY = 10_000
/** Of one Map Run, which stops reading there without a word. */
export const MAX_BACKFILL_OBJECTS = 100_000_000
/** Longer than a function may run, so that a lost answer ends, too. */
const TASK_SECONDS = 960

/**
 * The state machine that converts what is stored already, as `CreateStateMachine` takes it once it is JSON. Type
 * STANDARD: an execution may last a year and can be redriven.
 *
 * A batch that is done in part goes round again with the rest of it; one of which nothing can be done is tried again
 * with growing pauses, then fails, is written to the results with its objects, and fails the execution at its end.
 *
 * @throws OcsfLakeError `option_invalid`
 */
export function backfillDefinition(options: BackfillDefinitionOptions): StateMachine {
  const { functionArn, results, concurrency = 100, batchItems = 100, batchBytes = 200_000, toleratedFailurePercentage = 5, partition = 'aws' } = options
  inRange('concurrency', concurrency, 1, MAX_CONCURRENCY)
  inRange('batchItems', batchItems, 1, 100_000)
  inRange('batchBytes', batchBytes, 1_000, MAX_BATCH_BYTES)
  inRange('toleratedFailurePercentage', toleratedFailurePercentage, 0, 100)
  const integration = (action: string): string => `arn:${partition}:states:::${action}`

  const map = (label: string, from: { readonly [field: string]: StateField }): State => ({
    Type: 'Map',
    Label: label,
    ...from,
    MaxConcurrency: concurrency,
    ToleratedFailurePercentage: toleratedFailurePercentage,
    ItemProcessor: {
      // Express workflows end after five minutes, a function may run for fifteen.
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      ...batch(label, functionArn, integration('lambda:invoke')),
    },
    ResultWriter: {
      Resource: integration('s3:putObject'),
      Parameters: { Bucket: results.bucket, Prefix: results.prefix ?? 'backfill' },
    },
    Next: 'Count',
  })
  const batches = (batchInput: { readonly [name: string]: StateField }): { readonly [name: string]: StateField } => ({
    MaxItemsPerBatch: batchItems,
    MaxInputBytesPerBatch: batchBytes,
    BatchInput: { 'bucket.$': '$.bucket', 'prefix.$': '$.prefix', undone: 'return', ...batchInput },
  })

  return {
    Comment: 'Backfill of ocsf-lake',
    StartAt: 'From',
    States: {
      From: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.undone', IsPresent: true, Next: 'Undone' },
          { Variable: '$.inventory', IsPresent: true, Next: 'Inventory' },
        ],
        Default: 'Listing',
      },
      Listing: map('Listing', {
        ItemReader: { Resource: integration('s3:listObjectsV2'), Parameters: { 'Bucket.$': '$.bucket', 'Prefix.$': '$.prefix' } },
        ItemBatcher: batches({}),
      }),
      Inventory: map('Inventory', {
        ItemReader: {
          Resource: integration('s3:getObject'),
          ReaderConfig: { InputType: 'MANIFEST' },
          Parameters: { 'Bucket.$': '$.inventory.bucket', 'Key.$': '$.inventory.key' },
        },
        // Keys of an inventory in CSV are URL-encoded: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
        ItemBatcher: batches({ keys: 'encoded' }),
      }),
      Undone: map('Undone', {
        ItemReader: {
          Resource: integration('s3:getObject'),
          ReaderConfig: { InputType: 'JSON' },
          Parameters: { 'Bucket.$': '$.undone.bucket', 'Key.$': '$.undone.key' },
        },
        ItemSelector: { 'batch.$': 'States.StringToJson($$.Map.Item.Value.Input)' },
      }),
      Count: {
        Type: 'Task',
        Resource: integration('aws-sdk:sfn:describeMapRun'),
        Parameters: { 'MapRunArn.$': '$.MapRunArn' },
        ResultSelector: { 'total.$': '$.ItemCounts.Total', 'succeeded.$': '$.ItemCounts.Succeeded' },
        ResultPath: '$.items',
        Retry: [backoff(['States.ALL'], 5)],
        Next: 'All',
      },
      All: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.items.total', NumericGreaterThanEquals: MAX_BACKFILL_OBJECTS, Next: 'Cut' },
          { Variable: '$.items.succeeded', NumericEqualsPath: '$.items.total', Next: 'Done' },
        ],
        Default: 'Left',
      },
      Cut: {
        Type: 'Fail',
        Error: 'ItemsCutOff',
        Cause: 'A Map Run reads at most 100,000,000 items: there may be more. Run a backfill for each of some longer prefixes.',
      },
      Left: {
        Type: 'Fail',
        Error: 'ItemsLeftUndone',
        CausePath:
          "States.Format('{} of {} items done. What is left stands in s3://{}/{}', $.items.succeeded, $.items.total, $.ResultWriterDetails.Bucket, $.ResultWriterDetails.Key)",
      },
      Done: { Type: 'Succeed' },
    },
  }
}

/** The states of one batch. Names must be unique in the whole machine, so they end with that of their map. */
function batch(label: string, functionArn: string, invoke: string): StateMachine {
  const named = (name: string): string => `${name} ${label}`
  const [convert, rest, done] = [named('Convert'), named('Rest'), named('Converted')]
  const own: StateMachine['States'] = {
    [convert]: {
      Type: 'Task',
      Resource: invoke,
      Parameters: { FunctionName: functionArn, 'Payload.$': '$' },
      OutputPath: '$.Payload',
      TimeoutSeconds: TASK_SECONDS,
      Retry: [
        // Live traffic comes first: a throttled batch waits for some fifteen minutes.
        backoff(['Lambda.TooManyRequestsException'], 20),
        backoff(['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.ClientExecutionTimeoutException'], 8),
        backoff(['States.ALL'], 4),
      ],
      Next: rest,
    },
    // The answer of a batch that was done in part is the next event.
    [rest]: { Type: 'Choice', Choices: [{ Variable: '$.Items', IsPresent: true, Next: convert }], Default: done },
    [done]: { Type: 'Succeed' },
  }
  if (label !== 'Undone') return { StartAt: convert, States: own }
  // What was left by a run over what was left is wrapped once more.
  const [open, unwrap] = [named('Open'), named('Unwrap')]
  return {
    StartAt: open,
    States: {
      [open]: { Type: 'Choice', Choices: [{ Variable: '$.batch', IsPresent: true, Next: unwrap }], Default: convert },
      [unwrap]: { Type: 'Pass', InputPath: '$.batch', Next: open },
      ...own,
    },
  }
}

function backoff(errors: readonly string[], attempts: number): { readonly [field: string]: StateField } {
  return { ErrorEquals: errors, IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 120, MaxAttempts: attempts, JitterStrategy: 'FULL' }
}

function inRange(name: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return
  throw new OcsfLakeError('option_invalid', `${name} takes a whole number from ${from} to ${to}.`)
}
