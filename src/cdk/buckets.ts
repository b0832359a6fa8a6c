/** The buckets: those that are made, and what is said of those that are given. */
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket, LifecycleRule, Transition } from 'aws-cdk-lib/aws-s3'
import type { RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { core, s3 } from './peer.js'
import { LAKE_LIFECYCLE, type Lifecycle, type Place, RAW_LIFECYCLE, type RawLogs } from './props.js'

/** Days that an object which was replaced or deleted can be brought back. */
const NONCURRENT_DAYS = 30
const ABANDONED_UPLOAD_DAYS = 7

/** Raw logs, with what the rest of the construct must know of their bucket. */
export interface LogBucket {
  /** `Logs`, `Logs2` and so on: ids and statements begin so. */
  readonly name: string
  readonly bucket: IBucket
  readonly prefix: string
  readonly versioned: boolean
  readonly through: NonNullable<RawLogs['through']>
}

/** A place to write: everything is below the prefix, which ends with `/` or is empty. */
export interface Written {
  readonly bucket: IBucket
  readonly prefix: string
}

export function logBucket(scope: Construct, name: string, logs: RawLogs, removalPolicy: RemovalPolicy): LogBucket {
  const { prefix = '', through = 'eventbridge', versioned = true, key } = logs
  if (logs.bucket !== undefined) return { name, bucket: logs.bucket, prefix, through, versioned }
  const bucket = makeBucket(scope, name, logs.lifecycle ?? RAW_LIFECYCLE, removalPolicy, key)
  const resource = bucket.node.defaultChild
  // The bucket's own property; eventBridgeEnabled of the CDK would add a function that may change any bucket.
  if (through === 'eventbridge' && resource instanceof s3.CfnBucket) {
    resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } }
  }
  return { name, bucket, prefix, through, versioned: true }
}

export function writtenPlace(scope: Construct, id: string, place: Place, removalPolicy: RemovalPolicy, key: () => IKey): Written {
  const prefix = place.prefix === undefined || place.prefix === '' ? '' : `${place.prefix}/`
  return { bucket: place.bucket ?? makeBucket(scope, id, place.lifecycle ?? LAKE_LIFECYCLE, removalPolicy, key()), prefix }
}

function makeBucket(scope: Construct, id: string, lifecycle: Lifecycle, removalPolicy: RemovalPolicy, key: IKey | undefined): IBucket {
  return new s3.Bucket(scope, id, {
    encryption: key === undefined ? s3.BucketEncryption.S3_MANAGED : s3.BucketEncryption.KMS,
    encryptionKey: key,
    bucketKeyEnabled: key === undefined ? undefined : true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [lifecycleRule(lifecycle)],
    removalPolicy,
  })
}

function lifecycleRule({ intelligentTieringDays, glacierDays, deepArchiveDays, expireDays }: Lifecycle): LifecycleRule {
  const { INTELLIGENT_TIERING, GLACIER, DEEP_ARCHIVE } = s3.StorageClass
  const steps = [
    [INTELLIGENT_TIERING, intelligentTieringDays],
    [GLACIER, glacierDays],
    [DEEP_ARCHIVE, deepArchiveDays],
  ] as const
  const transitions = steps.flatMap(([storageClass, days]): readonly Transition[] =>
    days === undefined ? [] : [{ storageClass, transitionAfter: core.Duration.days(days) }],
  )
  return {
    transitions: transitions.length === 0 ? undefined : [...transitions],
    expiration: expireDays === undefined ? undefined : core.Duration.days(expireDays),
    noncurrentVersionExpiration: core.Duration.days(NONCURRENT_DAYS),
    abortIncompleteMultipartUploadAfter: core.Duration.days(ABANDONED_UPLOAD_DAYS),
  }
}
