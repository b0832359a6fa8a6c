/**
 * What a Lambda event is: told apart by its shape, and taken apart into the items that its service counts and the work
 * in each. Pure. https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
 */
import { OcsfLakeError } from '../../errors.js'
import { isJsonObject, type Json, type JsonObject, parseJson, stringify } from '../../json.js'
import { isGzip } from '../gunzip.js'
import type { Said } from '../inputs.js'
import { subscriptionOf } from './subscription.js'

/** Who called, which decides what the answer looks like and what happens to an item that failed. */
export type Service = 's3' | 'sns' | 'sqs' | 'eventbridge' | 'kinesis' | 'logs' | 'firehose' | 'step-functions' | 'direct'

/** An object in S3 that holds a log. */
export interface ObjectWork {
  readonly kind: 'object'
  readonly bucket: string
  /** As S3 knows it: not URL-encoded. */
  readonly key: string
  readonly versionId?: string
  /** Without quotes; absent where the event does not say it. */
  readonly etag?: string
  /** Stored bytes. */
  readonly size?: number
}

/** A raw record, or a few, that came in the event itself. */
export interface RecordWork {
  readonly kind: 'record'
  /**
   * What stands in for an object key in reports and rejects, e.g. `sqs/my-queue/<message id>`: the same when it is
   * delivered again. Records of a direct call have a number only.
   */
  readonly key: string
  readonly bytes: Uint8Array
  readonly said: Said
}

/** Nothing to convert, by definition. */
export interface NoWork {
  readonly kind: 'none'
  readonly reason: 'test_event' | 'control_message' | 'not_created' | 'not_latest' | 'other_prefix'
}

export type Work = ObjectWork | RecordWork | NoWork

/** What the service counts: a message, a stream record, a Firehose record. */
export interface Item {
  /** What its service calls it in an answer. */
  readonly id: string
  readonly work: readonly Work[]
}

export interface Trigger {
  readonly service: Service
  readonly items: readonly Item[]
  /** Id of the one source that the caller says the records are of; direct invocations only. */
  readonly source?: string
  /** Of a Distributed Map that takes back what is left undone of a batch, instead of an error. */
  readonly batch?: Batch
}

/** A batch as it came: its items one by one, and what goes along with each batch. */
export interface Batch {
  readonly items: readonly Json[]
  readonly input: JsonObject
}

/**
 * Reads an event. `functionRegion`: where the function runs, which is where a log group that calls it directly lies.
 *
 * @throws OcsfLakeError `event_unknown` for a shape that is none of the documented ones, saying what was seen
 */
export function readTrigger(event: unknown, functionRegion?: string): Trigger {
  if (Array.isArray(event)) return { service: 'step-functions', items: event.map((item, at) => taskItem(item, {}, at)) }
  if (!isObject(event)) throw unknownShape(event)
  if (event.Event === 's3:TestEvent') return { service: 's3', items: [nothing('s3:TestEvent', 'test_event')] }
  if (Array.isArray(event.Records)) return recordsTrigger(event, event.Records)
  if (Array.isArray(event.records)) return 'deliveryStreamArn' in event ? firehoseTrigger(event, event.records) : directTrigger(event, event.records)
  if (isObject(event.awslogs) && typeof event.awslogs.data === 'string') return logsTrigger(event.awslogs.data, functionRegion)
  if (isEventBridge(event)) return { service: 'eventbridge', items: [{ id: textOf(event.id), work: [eventWork(event) ?? refuse(event)] }] }
  if (Array.isArray(event.Items)) return batchTrigger(event, event.Items)
  if (bucketIn(event) !== undefined && keyIn(event) !== undefined) return { service: 'step-functions', items: [taskItem(event, {}, 0)] }
  const named = deliveryNotice(event)
  if (named !== undefined) return { service: 's3', items: [{ id: '', work: named }] }
  throw unknownShape(event)
}

function recordsTrigger(event: JsonObject, records: readonly unknown[]): Trigger {
  const first = records[0]
  if (first === undefined) return { service: 's3', items: [] }
  if (!isObject(first)) throw unknownShape(event)
  const service = textOf(first.eventSource ?? first.EventSource)
  const own = records.filter(isObject).filter(record => (record.eventSource ?? record.EventSource) === service)
  if (own.length !== records.length) throw unknownShape(event)
  if (service === 'aws:sqs') return { service: 'sqs', items: own.map(sqsItem) }
  if (service === 'aws:kinesis') return { service: 'kinesis', items: own.map(kinesisItem) }
  if (service === 'aws:sns') return { service: 'sns', items: own.map(snsItem) }
  if (service === 'aws:s3') return { service: 's3', items: own.map(record => ({ id: '', work: [s3Work(record) ?? refuse(record)] })) }
  throw unknownShape(event)
}

// ---- S3 ----

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
function s3Work(record: JsonObject): Work | undefined {
  const s3 = isObject(record.s3) ? record.s3 : {}
  const bucket = isObject(s3.bucket) ? s3.bucket.name : undefined
  const object = isObject(s3.object) ? s3.object : {}
  if (typeof record.eventName !== 'string') return undefined
  if (!record.eventName.includes('ObjectCreated:')) return { kind: 'none', reason: 'not_created' }
  if (typeof bucket !== 'string' || typeof object.key !== 'string') return undefined
  return {
    kind: 'object',
    bucket,
    key: fromNotification(object.key),
    versionId: versionOf(object.versionId),
    etag: etagOf(object.eTag),
    size: sizeOf(object.size),
  }
}

/** Notifications encode keys as a form does: `+` is a space. */
function fromNotification(key: string): string {
  const spaced = key.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return key // not S3's own encoding
  }
}

/** Buckets without versions say `null`, or nothing. */
function versionOf(version: unknown): string | undefined {
  return typeof version === 'string' && version !== '' && version !== 'null' ? version : undefined
}

function etagOf(etag: unknown): string | undefined {
  return optional(etag)?.replaceAll('"', '')
}

function sizeOf(size: unknown): number | undefined {
  return typeof size === 'number' ? size : undefined
}

/** CloudTrail and Config say through SNS which objects they have delivered; their keys are not encoded. */
function deliveryNotice(message: JsonObject): readonly Work[] | undefined {
  const { s3Bucket: bucket, s3ObjectKey } = message
  const keys = Array.isArray(s3ObjectKey) ? s3ObjectKey : [s3ObjectKey]
  if (typeof bucket !== 'string' || !keys.every(key => typeof key === 'string')) return undefined
  return keys.map((key): Work => ({ kind: 'object', bucket, key }))
}

// ---- queues and topics ----

function sqsItem(record: JsonObject): Item {
  const id = textOf(record.messageId)
  const queue = lastOf(textOf(record.eventSourceARN), ':')
  return { id, work: messageWork(textOf(record.body), { key: `sqs/${queue}/${id}`, said: {} }) }
}

function snsItem(record: JsonObject): Item {
  const sns = isObject(record.Sns) ? record.Sns : {}
  const id = textOf(sns.MessageId)
  const topic = lastOf(textOf(sns.TopicArn), ':')
  return { id, work: messageWork(textOf(sns.Message), { key: `sns/${topic}/${id}`, said: {} }) }
}

type Origin = Omit<RecordWork, 'kind' | 'bytes'>

/** A message body: a notification, plain, in SNS or of EventBridge; a subscription's envelope; or else raw records. */
function messageWork(body: string, origin: Origin): readonly Work[] {
  const json = jsonIn(body)
  if (json !== undefined) {
    if (json.Event === 's3:TestEvent') return [{ kind: 'none', reason: 'test_event' }]
    if (json.Type === 'Notification' && typeof json.Message === 'string' && typeof json.TopicArn === 'string') return messageWork(json.Message, origin)
    const objects = notifiedObjects(json)
    if (objects !== undefined) return objects
    const named = deliveryNotice(json)
    if (named !== undefined) return named
    if (isEventBridge(json)) return [(isS3Event(json) ? eventWork(json) : undefined) ?? { kind: 'record', ...origin, bytes: utf8(body), said: saidBy(json) }]
  }
  return payloadWork(utf8(body), origin)
}

/** What an S3 notification announces; a message that only looks like one is a record, and no obstacle to its neighbours. */
function notifiedObjects({ Records: records }: JsonObject): readonly Work[] | undefined {
  if (!Array.isArray(records) || records.length === 0) return undefined
  const work: Work[] = []
  for (const record of records) {
    const one = isObject(record) && record.eventSource === 'aws:s3' ? s3Work(record) : undefined
    if (one === undefined) return undefined
    work.push(one)
  }
  return work
}

// ---- EventBridge ----

function isEventBridge(event: JsonObject): boolean {
  return typeof event['detail-type'] === 'string' && typeof event.source === 'string' && 'detail' in event
}

/** Not `AWS API Call via CloudTrail` from aws.s3, which is a CloudTrail event. */
function isS3Event(event: JsonObject): boolean {
  return event.source === 'aws.s3' && textOf(event['detail-type']).startsWith('Object ')
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html: keys are not encoded here. */
function eventWork(event: JsonObject): Work | undefined {
  if (!isS3Event(event)) {
    const id = textOf(event.id)
    return { kind: 'record', key: `eventbridge/${textOf(event.source)}/${id}`, bytes: utf8(stringify(event)), said: saidBy(event) }
  }
  if (event['detail-type'] !== 'Object Created') return { kind: 'none', reason: 'not_created' }
  const detail = isObject(event.detail) ? event.detail : {}
  const bucket = isObject(detail.bucket) ? detail.bucket.name : undefined
  const object = isObject(detail.object) ? detail.object : {}
  if (typeof bucket !== 'string' || typeof object.key !== 'string') return undefined
  return { kind: 'object', bucket, key: object.key, versionId: versionOf(object['version-id']), etag: etagOf(object.etag), size: sizeOf(object.size) }
}

function saidBy(event: JsonObject): Said {
  return { account: optional(event.account), region: optional(event.region) }
}

// ---- streams ----

function kinesisItem(record: JsonObject): Item {
  const kinesis = isObject(record.kinesis) ? record.kinesis : {}
  const id = textOf(kinesis.sequenceNumber)
  const stream = lastOf(textOf(record.eventSourceARN), '/')
  const origin = { key: `kinesis/${stream}/${textOf(record.eventID)}`, said: {} }
  return { id, work: payloadWork(fromBase64(textOf(kinesis.data)), origin, optional(record.awsRegion)) }
}

/** https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html */
function firehoseTrigger(event: JsonObject, records: readonly unknown[]): Trigger {
  const stream = lastOf(textOf(event.deliveryStreamArn), '/')
  const items = records.map((record): Item => {
    if (!isObject(record) || typeof record.recordId !== 'string') throw unknownShape(event)
    const origin = { key: `firehose/${stream}/${record.recordId}`, said: {} }
    return { id: record.recordId, work: payloadWork(fromBase64(textOf(record.data)), origin, optional(event.region)) }
  })
  return { service: 'firehose', items }
}

function logsTrigger(data: string, region: string | undefined): Trigger {
  const origin = { key: 'logs', said: {} }
  return { service: 'logs', items: [{ id: '', work: payloadWork(fromBase64(data), origin, region) }] }
}

/** The bytes of a message or stream record: log events of a CloudWatch Logs subscription, or raw records as they are. */
function payloadWork(bytes: Uint8Array, origin: Origin, region?: string): readonly Work[] {
  const subscription = isGzip(bytes) || bytes[0] === 0x7b ? subscriptionOf(bytes) : undefined
  if (subscription === undefined) return [{ kind: 'record', ...origin, bytes }]
  if (subscription === 'control') return [{ kind: 'none', reason: 'control_message' }]
  const { owner, logGroup, logStream, logEvents } = subscription
  return logEvents.map(({ id, message }) => ({
    kind: 'record',
    key: `logs/${logGroup}/${logStream}/${id}`,
    bytes: utf8(message),
    said: { account: owner, region, logGroup },
  }))
}

// ---- invocations ----

function directTrigger(event: JsonObject, records: readonly unknown[]): Trigger {
  const items = records.map((record, at): Item => {
    const bytes = utf8(typeof record === 'string' ? record : stringify(record as Json)) // what Lambda parsed is JSON
    return { id: String(at), work: [{ kind: 'record', key: `direct/${at}`, bytes, said: saidBy(event) }] }
  })
  return { service: 'direct', items, source: optional(event.source) }
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html */
function batchTrigger(event: JsonObject, items: readonly Json[]): Trigger {
  const input = isObject(event.BatchInput) ? event.BatchInput : event
  const read = items.map((item, at) => taskItem(item, input, at))
  return { service: 'step-functions', items: read, batch: input.undone === 'return' ? { items, input } : undefined }
}

/**
 * `{bucket, key}`, or as a Distributed Map hands them on, with what is said of the whole batch beside it: a row of
 * ListObjectsV2, or of an S3 inventory, where all is text.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
 */
function taskItem(item: unknown, { keys, prefix, ...batch }: JsonObject, at: number): Item {
  if (!isObject(item)) throw unknownShape(item)
  const bucket = bucketIn(item) ?? bucketIn(batch)
  const stored = keyIn(item)
  if (bucket === undefined || stored === undefined) throw unknownShape(item)
  const key = keys === 'encoded' ? fromNotification(stored) : stored
  const none = (reason: NoWork['reason']): Item => ({ id: String(at), work: [{ kind: 'none', reason }] })
  if (typeof prefix === 'string' && !key.startsWith(prefix)) return none('other_prefix')
  if (item.IsDeleteMarker === 'true') return none('not_created')
  if (item.IsLatest === 'false') return none('not_latest') // what it was overwritten with is a row of its own
  const versionId = versionOf(item.versionId ?? item.VersionId)
  const size = item.size ?? item.Size
  return {
    id: String(at),
    work: [
      {
        kind: 'object',
        bucket,
        key,
        versionId,
        etag: etagOf(item.etag ?? item.Etag ?? item.ETag),
        size: sizeOf(typeof size === 'string' && /^\d+$/.test(size) ? Number(size) : size),
      },
    ],
  }
}

function bucketIn(item: JsonObject): string | undefined {
  return optional(item.bucket) ?? optional(item.Bucket)
}

function keyIn(item: JsonObject): string | undefined {
  return optional(item.key) ?? optional(item.Key)
}

// ---- shapes ----

function nothing(id: string, reason: NoWork['reason']): Item {
  return { id, work: [{ kind: 'none', reason }] }
}

function refuse(event: unknown): never {
  throw unknownShape(event)
}

/** Names what was seen, never its values: they can be anything. */
function unknownShape(event: unknown): OcsfLakeError {
  const seen = isObject(event) ? `an object with ${Object.keys(event).slice(0, 12).join(', ') || 'no members'}` : Array.isArray(event) ? 'a list' : typeof event
  const records = isObject(event) && Array.isArray(event.Records) && isObject(event.Records[0]) ? event.Records[0] : {}
  const source = optional(records.eventSource ?? records.EventSource)
  return new OcsfLakeError(
    'event_unknown',
    `The event is of no kind that the handler knows: it is ${seen}${source === undefined ? '' : `, records of ${source}`}. Take its trigger off the function, or hand it on as { source, records: [...] }.`,
  )
}

// Lambda gives what JSON.parse made: an object of it is a JsonObject.
function isObject(value: unknown): value is JsonObject {
  return isJsonObject(value as Json)
}

function jsonIn(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined
  try {
    const value = parseJson(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function optional(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function lastOf(text: string, separator: string): string {
  return text.slice(text.lastIndexOf(separator) + 1)
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}
