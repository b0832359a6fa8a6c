/** One construct from buckets of raw logs to the lake. */
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct as IConstruct } from 'constructs'
import { OcsfLakeError } from '../errors.js'
import { type Alarms, makeAlarms } from './alarms.js'
import { announce, makeQueues } from './arrivals.js'
import { makeBackfill, operatorStatements } from './backfill.js'
import { type LogBucket, logBucket, type Written, writtenPlace } from './buckets.js'
import { makeDashboard } from './dashboard.js'
import { functionRole, makeFunction } from './function.js'
import { Construct, core, kms, lambda, logs } from './peer.js'
import { BATCH_SIZE, CONCURRENCY, checkProps, type OcsfLakeProps, plainLake, securityLake } from './props.js'

const MEMORY_MIB = 1769
const TIMEOUT_MINUTES = 5
const VISIBILITY_TIMEOUTS = 6
const ATTEMPTS = 5
const LOG_DAYS = 90
const LAKE_PREFIX = 'ocsf'

/**
 * Raw logs to OCSF events: a queue of new objects, the function that converts them, its dead letters, alarms and
 * dashboard, and the state machine of the backfill. Nothing that holds data is deleted with the stack unless asked for.
 *
 * @example
 * new OcsfLake(stack, 'Lake', { code: { entry: 'handler.ts' } })
 * @throws OcsfLakeError `option_invalid`
 */
export class OcsfLake extends Construct {
  /** The buckets of raw logs, in the order of `logs`. */
  readonly logBuckets: readonly IBucket[]
  /** Undefined for Security Lake. */
  readonly lakeBucket: IBucket | undefined
  /** `s3://bucket/prefix` for `ocsf-lake ddl --location`; undefined for Security Lake. */
  readonly lakeUrl: string | undefined
  readonly deadLetterBucket: IBucket
  /** `s3://bucket/prefix` for `ocsf-lake replay`. */
  readonly deadLettersUrl: string
  readonly queueKey: IKey
  readonly queue: Queue
  readonly deadLetterQueue: Queue
  readonly function: LambdaFunction
  /** Of the metrics. */
  readonly namespace: string
  readonly backfill: StateMachine | undefined
  readonly alarms: Alarms
  readonly dashboard: Dashboard
  readonly #backfillReach: { readonly logs: readonly LogBucket[]; readonly results: Written }

  constructor(scope: IConstruct, id: string, props: OcsfLakeProps) {
    super(scope, id)
    checkProps(props)
    const { timeout = core.Duration.minutes(TIMEOUT_MINUTES), batchSize = BATCH_SIZE, batchWindow, removalPolicy = core.RemovalPolicy.RETAIN } = props
    const stack = core.Stack.of(this)
    this.namespace = props.namespace ?? `OcsfLake/${stack.stackName}/${id}`

    const makeKey = (name: string, description: string): IKey =>
      new kms.Key(this, name, { description: `${description} of ${this.node.path}`, enableKeyRotation: true, removalPolicy })
    this.queueKey = props.queueKey ?? makeKey('QueueKey', 'Queues')
    let madeKey = props.lakeKey
    const lakeKey = (): IKey => {
      madeKey ??= makeKey('LakeKey', 'Lake and dead letters')
      return madeKey
    }

    const rawLogs = (props.logs ?? [{}]).map((one, at) => logBucket(this, numbered('Logs', at), one, removalPolicy))
    const place = plainLake(props)
    const lake = place && writtenPlace(this, 'Lake', { ...place, prefix: place.prefix ?? LAKE_PREFIX }, removalPolicy, lakeKey)
    const letters = writtenPlace(this, 'DeadLetters', props.deadLetters ?? {}, removalPolicy, lakeKey)
    const rejects = { bucket: letters.bucket, prefix: `${letters.prefix}rejects/` }
    const results = { bucket: letters.bucket, prefix: `${letters.prefix}backfill/` }
    checkApart(rawLogs, results)
    this.logBuckets = rawLogs.map(({ bucket }) => bucket)
    this.lakeBucket = lake?.bucket
    this.lakeUrl = lake?.bucket.s3UrlForObject(lake.prefix.replace(/\/$/, ''))
    this.deadLetterBucket = letters.bucket
    this.deadLettersUrl = letters.bucket.s3UrlForObject(`${letters.prefix}rejects`)

    const queues = makeQueues(this, {
      key: this.queueKey,
      visibilityTimeout: core.Duration.seconds(VISIBILITY_TIMEOUTS * timeout.toSeconds() + (batchWindow?.toSeconds() ?? 0)),
      attempts: props.attempts ?? ATTEMPTS,
      removalPolicy,
    })
    this.queue = queues.queue
    this.deadLetterQueue = queues.deadLetterQueue
    announce(this, rawLogs, queues, this.queueKey)

    const logGroup = new logs.LogGroup(this, 'FunctionLog', { retention: props.logDays ?? LOG_DAYS, removalPolicy })
    const role = functionRole(this, { logs: rawLogs, lake, securityLake: securityLake(props), rejects, queue: this.queue, queueKey: this.queueKey, logGroup })
    this.function = makeFunction(this, props.code, {
      description: `Raw logs to OCSF: ${this.node.path}`,
      role: role.withoutPolicyUpdates(),
      logGroup,
      memorySize: props.memory ?? MEMORY_MIB,
      timeout,
      architecture: props.architecture ?? lambda.Architecture.ARM_64,
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: {
        ...(this.lakeUrl === undefined ? {} : { OCSF_LAKE: this.lakeUrl }),
        OCSF_LAKE_DEAD_LETTERS: this.deadLettersUrl,
        OCSF_LAKE_NAMESPACE: this.namespace,
        ...props.environment,
      },
    })
    new lambda.EventSourceMapping(this, 'Messages', {
      target: this.function,
      eventSourceArn: this.queue.queueArn,
      batchSize,
      maxBatchingWindow: batchWindow,
      reportBatchItemFailures: true,
      maxConcurrency: props.concurrency ?? CONCURRENCY,
    })

    this.#backfillReach = { logs: rawLogs, results }
    if (props.backfill !== false) {
      this.backfill = makeBackfill(this, { function: this.function, ...this.#backfillReach, settings: props.backfill ?? {}, removalPolicy })
    }
    const watched = { namespace: this.namespace, function: this.function, queues, backfill: this.backfill }
    this.alarms = makeAlarms(this, watched, props.alarms ?? {})
    this.dashboard = makeDashboard(this, watched, this.alarms)
  }

  /**
   * Lets somebody run `ocsf-lake backfill`: plan, start, follow and take up.
   *
   * @throws OcsfLakeError `option_invalid` without a backfill
   */
  grantBackfill(grantee: IGrantable): void {
    if (this.backfill === undefined) throw new OcsfLakeError('option_invalid', 'There is no backfill to run: leave backfill: false out.')
    for (const statement of operatorStatements(this.backfill, this.#backfillReach)) grantee.grantPrincipal.addToPrincipalPolicy(statement)
  }
}

/** The handler knows its own objects below lake and rejects; those of Map Runs it would take for logs. */
function checkApart(rawLogs: readonly LogBucket[], results: Written): void {
  if (!rawLogs.some(({ bucket, prefix }) => bucket.bucketName === results.bucket.bucketName && results.prefix.startsWith(prefix))) return
  throw new OcsfLakeError(
    'option_invalid',
    `What backfills tell would lie among the raw logs, below ${results.prefix}: give logs a prefix like AWSLogs/, or dead letters another bucket.`,
  )
}

function numbered(name: string, at: number): string {
  return at === 0 ? name : `${name}${at + 1}`
}
