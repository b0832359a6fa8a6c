/** What the construct can be told, and what is refused before anything is made. */

import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Architecture, Code } from 'aws-cdk-lib/aws-lambda'
import type { BundlingOptions } from 'aws-cdk-lib/aws-lambda-nodejs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import { OcsfLakeError } from '../errors.js'
import type { SecurityLakeTarget } from '../lake/security-lake.js'
import { logs } from './peer.js'

/** A file of yours that calls `createHandler`, bundled with the esbuild of your project; or what is bundled already. */
export type HandlerCode =
  | {
      /** Path of the file; it exports `handler`. */
      readonly entry: string
      readonly bundling?: BundlingOptions
      /** Lock file of the project, where it is not found above the working folder. */
      readonly depsLockFilePath?: string
      readonly projectRoot?: string
    }
  | {
      readonly code: Code
      /** `index.handler` unless said. */
      readonly handler?: string
    }

/** When objects of a bucket move to cheaper storage, and when they go. Days since they were made. */
export interface Lifecycle {
  readonly intelligentTieringDays?: number
  /** Glacier Flexible Retrieval: to be restored before anything, a backfill or a query, can read it. */
  readonly glacierDays?: number
  readonly deepArchiveDays?: number
  /** Kept for ever unless said. */
  readonly expireDays?: number
}

/** Where raw logs arrive. */
export interface RawLogs {
  /** The bucket; one is made unless said. */
  readonly bucket?: IBucket
  /** Keys that begin so are logs, e.g. `AWSLogs/`: the whole bucket unless said. */
  readonly prefix?: string
  /**
   * How new objects are announced. `eventbridge` unless said: a rule, for which the bucket must send its events to
   * EventBridge, as a bucket that is made here does. `s3`: notifications to the queue, set by the function that the CDK
   * adds for it. A topic: one that gets the notifications already, or those of CloudTrail or Config.
   */
  readonly through?: 'eventbridge' | 's3' | ITopic
  /** Whether a given bucket has versions, which are then read by their ids: true unless said. */
  readonly versioned?: boolean
  /**
   * Key of a bucket that is made. Unless said S3's own (SSE-S3), since load balancers and server access logging deliver to
   * no other.
   */
  readonly key?: IKey
  /** Of a bucket that is made: to Glacier after 90 days unless said. */
  readonly lifecycle?: Lifecycle
}

/** A bucket to write to. */
export interface Place {
  /** One is made unless said. Its key is that which the bucket says. */
  readonly bucket?: IBucket
  /** Without a `/` at its ends. */
  readonly prefix?: string
  /** Of a bucket that is made: to Intelligent-Tiering after 30 days unless said. */
  readonly lifecycle?: Lifecycle
}

export interface AlarmSettings {
  /** Told when an alarm goes off and when it is over. */
  readonly topic?: ITopic
  /** Rejected records in five minutes from which on is alarmed: 1 unless said. */
  readonly rejected?: number
  /** Age of the oldest message: 1 hour unless said. */
  readonly oldestMessage?: Duration
}

export interface BackfillSettings {
  /** Most batches under way: 50 unless said. */
  readonly concurrency?: number
  /** Most objects of a batch: 100 unless said. */
  readonly batchItems?: number
  /** Percentage of objects that may fail before a run is stopped: 5 unless said. */
  readonly toleratedFailurePercentage?: number
  /** A bucket with S3 inventories (CSV) of the logs; needed to begin from an inventory. */
  readonly inventory?: { readonly bucket: IBucket; readonly prefix?: string }
}

export interface OcsfLakeProps {
  readonly code: HandlerCode
  /** Where raw logs arrive: one bucket that is made unless said. */
  readonly logs?: readonly RawLogs[]
  /** A bucket, or the Security Lake that `ocsf-lake register` described. The prefix is `ocsf` unless said. */
  readonly lake?: Place | SecurityLakeTarget
  /** Rejected records go below `<prefix>/rejects`, what backfills tell below `<prefix>/backfill`. */
  readonly deadLetters?: Place
  /** Key of the queues; one is made unless said. Whoever announces objects must be allowed to use a key that is given. */
  readonly queueKey?: IKey
  /** Key of the buckets for lake and dead letters that are made; one is made unless said. */
  readonly lakeKey?: IKey
  /** MiB: 1769 unless said, which is one processor. */
  readonly memory?: number
  /** 5 minutes unless said. The visibility timeout of the queue follows: six times as long, and the batch window. */
  readonly timeout?: Duration
  /** ARM_64 unless said. */
  readonly architecture?: Architecture
  /** Most invocations at once by the queue, 2 to 1000: 10 unless said. */
  readonly concurrency?: number
  /** Kept for this function and not exceeded; it must hold `concurrency` and that of backfills. Unreserved unless said. */
  readonly reservedConcurrency?: number
  /** Messages of an invocation, 1 to 10,000: 10 unless said. */
  readonly batchSize?: number
  /** How long messages are gathered: not at all unless said; a batch above 10 needs a second. */
  readonly batchWindow?: Duration
  /** Tries of a message before it goes to the dead-letter queue: 5 unless said. */
  readonly attempts?: number
  /** More variables for the function. */
  readonly environment?: Readonly<Record<string, string>>
  /** Of the metrics. Two constructs in one region want two: `OcsfLake/<stack>/<id>` unless said. */
  readonly namespace?: string
  readonly alarms?: AlarmSettings
  /** The state machine that converts what is stored already; `false` makes none. */
  readonly backfill?: BackfillSettings | false
  /** Days that the function's log is kept: 90 unless said; CloudWatch takes 1, 3, 5, 7, 14, 30, 60, 90 and some above. */
  readonly logDays?: number
  /** What becomes of buckets, keys, queues and logs when the stack goes: RETAIN unless said. */
  readonly removalPolicy?: RemovalPolicy
}

export const RAW_LIFECYCLE: Lifecycle = { glacierDays: 90 }
export const LAKE_LIFECYCLE: Lifecycle = { intelligentTieringDays: 30 }
export const CONCURRENCY = 10
export const BACKFILL_CONCURRENCY = 50
export const BATCH_SIZE = 10
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MOST_SECONDS = 900

function refuse(sentence: string): never {
  throw new OcsfLakeError('option_invalid', sentence)
}

/** @throws OcsfLakeError `option_invalid` */
export function checkProps(props: OcsfLakeProps): void {
  const {
    logs: rawLogs = [{}],
    logDays,
    timeout,
    deadLetters,
    concurrency = CONCURRENCY,
    reservedConcurrency,
    batchSize = BATCH_SIZE,
    batchWindow,
    backfill = {},
  } = props
  const lake = plainLake(props)
  if (rawLogs.length === 0) refuse('No logs: leave logs out for a bucket that is made, or give at least one.')
  for (const { bucket, key, lifecycle, prefix = '' } of rawLogs) {
    if (bucket !== undefined && key !== undefined) refuse('key is for a bucket that is made: a given bucket says its own.')
    if (bucket !== undefined && lifecycle !== undefined) refuse('lifecycle is for a bucket that is made: set that of a given bucket where the bucket is made.')
    if (prefix.startsWith('/') || prefix.includes('*')) refuse(`${prefix} is no prefix of keys: give the beginning of the keys, e.g. AWSLogs/.`)
    checkLifecycle(lifecycle)
  }
  for (const place of [lake, deadLetters]) {
    if (place === undefined) continue
    if (place.bucket !== undefined && place.lifecycle !== undefined)
      refuse('lifecycle is for a bucket that is made: set that of a given bucket where the bucket is made.')
    if (/^\/|\/$|\*/.test(place.prefix ?? '')) refuse(`${place.prefix} is no prefix: give folders without a / at the ends, e.g. security/ocsf.`)
    checkLifecycle(place.lifecycle)
  }
  if (timeout !== undefined && timeout.toSeconds() > MOST_SECONDS) refuse(`A function runs for ${MOST_SECONDS} seconds at most: lower timeout.`)
  if (logDays !== undefined && logs.RetentionDays[logDays] === undefined)
    refuse(`CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90 days and some above, not for ${logDays}.`)
  if (!(Number.isInteger(concurrency) && concurrency >= 2 && concurrency <= 1000)) refuse('concurrency takes a whole number from 2 to 1000.')
  if (batchSize > 10 && batchWindow === undefined) refuse('A batchSize above 10 needs a batchWindow of at least one second.')
  const wanted = concurrency + (backfill === false ? 0 : (backfill.concurrency ?? BACKFILL_CONCURRENCY))
  if (reservedConcurrency !== undefined && reservedConcurrency < wanted) {
    refuse(
      `reservedConcurrency is ${reservedConcurrency}, and the queue with backfills may want ${wanted}: raise it, or lower concurrency or backfill.concurrency.`,
    )
  }
}

/** Undefined for Security Lake. */
export function plainLake({ lake = {} }: Pick<OcsfLakeProps, 'lake'>): Place | undefined {
  return 'sources' in lake ? undefined : lake
}

export function securityLake({ lake = {} }: Pick<OcsfLakeProps, 'lake'>): SecurityLakeTarget | undefined {
  return 'sources' in lake ? lake : undefined
}

function checkLifecycle(lifecycle: Lifecycle | undefined): void {
  const { intelligentTieringDays, glacierDays, deepArchiveDays, expireDays } = lifecycle ?? {}
  const days = [intelligentTieringDays, glacierDays, deepArchiveDays, expireDays].filter(day => day !== undefined)
  if (days.some((day, at) => !Number.isInteger(day) || day < 0 || (at > 0 && day <= days[at - 1]!))) {
    refuse(`A lifecycle has whole days that grow from Intelligent-Tiering to Glacier, Deep Archive and the end, and these are ${days.join(', ')}.`)
  }
}
