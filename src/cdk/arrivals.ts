/** How new objects come to the function: announced to a queue, by EventBridge, by S3 itself, or by a topic. */

import type { IRuleTarget } from 'aws-cdk-lib/aws-events'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucketNotificationDestination } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs'
import type { Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { LogBucket } from './buckets.js'
import { core, events, iam, s3, sns, sqs } from './peer.js'
import type { Conditions } from './rights.js'

const QUEUE_DAYS = 7
/** Counted from the first day in the queue: longer than there. */
const DEAD_DAYS = 14

export interface Queues {
  readonly queue: Queue
  /** Messages that were tried often enough, and announcements that could not be delivered. */
  readonly deadLetterQueue: Queue
}

export interface QueueSettings {
  readonly key: IKey
  readonly visibilityTimeout: Duration
  readonly attempts: number
  readonly removalPolicy: RemovalPolicy
}

export function makeQueues(scope: Construct, { key, visibilityTimeout, attempts, removalPolicy }: QueueSettings): Queues {
  const both = { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: key, enforceSSL: true, removalPolicy }
  const deadLetterQueue = new sqs.Queue(scope, 'DeadLetterQueue', { ...both, retentionPeriod: core.Duration.days(DEAD_DAYS) })
  const queue = new sqs.Queue(scope, 'Queue', {
    ...both,
    retentionPeriod: core.Duration.days(QUEUE_DAYS),
    visibilityTimeout,
    deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: attempts },
  })
  return { queue, deadLetterQueue }
}

/** Announces the new objects of the buckets to the queue. `key`: that of the queues. */
export function announce(scope: Construct, logs: readonly LogBucket[], queues: Queues, key: IKey): void {
  for (const one of logs) if (one.through === 'eventbridge') byEventBridge(scope, one, queues)
  if (logs.some(({ through }) => through === 'eventbridge')) allowEventBridge(scope, queues, key)
  for (const one of logs) if (one.through === 's3') byS3(one, queues, key)
  const topics = new Map<ITopic, string>()
  for (const { through, name } of logs) if (typeof through !== 'string' && !topics.has(through)) topics.set(through, name)
  for (const [topic, name] of topics) byTopic(scope, `${name}Announced`, topic, queues, key)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html */
function byEventBridge(scope: Construct, { name, bucket, prefix }: LogBucket, { queue, deadLetterQueue }: Queues): void {
  const target: IRuleTarget = { bind: () => ({ arn: queue.queueArn, deadLetterConfig: { arn: deadLetterQueue.queueArn } }) }
  const object = prefix === '' ? undefined : { key: [{ prefix }] }
  new events.Rule(scope, `${name}Created`, {
    description: `New raw logs for ${scope.node.path}`,
    eventPattern: { source: ['aws.s3'], detailType: ['Object Created'], detail: { bucket: { name: [bucket.bucketName] }, object } },
    targets: [target],
  })
}

function allowEventBridge(scope: Construct, { queue, deadLetterQueue }: Queues, key: IKey): void {
  // Of encrypted queues EventBridge is known by the account, not by the rule.
  const own = { StringEquals: { 'aws:SourceAccount': core.Stack.of(scope).account } }
  for (const one of [queue, deadLetterQueue]) maySend(one, 'EventBridge', 'events.amazonaws.com', own)
  mayUse(key, 'EventBridge', 'events.amazonaws.com', own)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html */
function byS3({ name, bucket, prefix }: LogBucket, { queue }: Queues, key: IKey): void {
  const destination: IBucketNotificationDestination = {
    bind: scope => {
      const own = { StringEquals: { 'aws:SourceAccount': core.Stack.of(scope).account } }
      maySend(queue, `${name}S3`, 's3.amazonaws.com', { ...own, ArnLike: { 'aws:SourceArn': bucket.bucketArn } })
      mayUse(key, `${name}S3`, 's3.amazonaws.com', own) // not by the bucket, which may have the same key
      // S3 tries the queue when it is told of it: what allows that must be there first.
      const dependencies = [queue, key].flatMap(one => one.node.children)
      return { type: s3.BucketNotificationDestinationType.QUEUE, arn: queue.queueArn, dependencies }
    },
  }
  bucket.addEventNotification(s3.EventType.OBJECT_CREATED, destination, ...(prefix === '' ? [] : [{ prefix }]))
}

function byTopic(scope: Construct, id: string, topic: ITopic, { queue, deadLetterQueue }: Queues, key: IKey): void {
  const from = { ArnEquals: { 'aws:SourceArn': topic.topicArn } }
  for (const one of [queue, deadLetterQueue]) maySend(one, id, 'sns.amazonaws.com', from)
  mayUse(key, id, 'sns.amazonaws.com', from)
  new sns.Subscription(scope, id, {
    topic,
    protocol: sns.SubscriptionProtocol.SQS,
    endpoint: queue.queueArn,
    rawMessageDelivery: true,
    deadLetterQueue,
  })
}

function maySend(queue: IQueue, sid: string, service: string, conditions: Conditions): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      sid,
      principals: [new iam.ServicePrincipal(service)],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions,
    }),
  )
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html */
function mayUse(key: IKey, sid: string, service: string, conditions: Conditions): void {
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid,
      principals: [new iam.ServicePrincipal(service)],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'], // of a key policy: this key
      conditions,
    }),
  )
}
