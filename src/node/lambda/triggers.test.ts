/** Every documented shape of event, and the work in it. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { OcsfLakeError } from '../../errors.js'
import { type ObjectWork, type RecordWork, readTrigger, type Work } from './triggers.js'

const etag = '0123456789abcdef0123456789abcdef'
const s3Record = (key: string, extra: object = {}) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'eu-central-1',
  eventTime: '2026-01-05T12:00:00.000Z',
  eventName: 'ObjectCreated:Put',
  s3: {
    s3SchemaVersion: '1.0',
    bucket: { name: 'example-logs', arn: 'arn:aws:s3:::example-logs' },
    object: { key, size: 12, eTag: etag, sequencer: '0A1B2C', ...extra },
  },
})
const sqs = (...bodies: string[]) => ({
  Records: bodies.map((body, n) => ({
    messageId: `00000000-0000-0000-0000-00000000000${n}`,
    receiptHandle: 'handle',
    body,
    attributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:example-queue',
    awsRegion: 'eu-central-1',
  })),
})
const sns = (message: string) => ({
  Type: 'Notification',
  MessageId: '11111111-0000-0000-0000-000000000000',
  TopicArn: 'arn:aws:sns:eu-central-1:123456789012:example-topic',
  Message: message,
})
const created = (key: string) => ({
  version: '0',
  id: '17793124-0000-0000-0000-000000000000',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '123456789012',
  time: '2026-01-05T12:00:00Z',
  region: 'eu-central-1',
  resources: ['arn:aws:s3:::example-logs'],
  detail: { version: '0', bucket: { name: 'example-logs' }, object: { key, size: 12, etag: 'b1946ac92492d2347c6235b4d2611184', 'version-id': 'v1' } },
})
const apiCall = {
  version: '0',
  id: '22222222-0000-0000-0000-000000000000',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.s3',
  account: '123456789012',
  time: '2026-01-05T12:00:00Z',
  region: 'eu-west-1',
  resources: [],
  detail: { eventVersion: '1.11', eventName: 'GetObject' },
}
const subscription = (messageType: string, ...messages: string[]) => ({
  messageType,
  owner: '123456789012',
  logGroup: '/aws/eks/example/cluster',
  logStream: 'kube-apiserver-audit-1',
  subscriptionFilters: ['ocsf-lake'],
  logEvents: messages.map((message, n) => ({ id: `3744000000000000000000000000000000000000000000000000000${n}`, timestamp: 1767614400000, message })),
})
const zipped = (value: object) => gzipSync(JSON.stringify(value)).toString('base64')
const kinesis = (...data: string[]) => ({
  Records: data.map((one, n) => ({
    kinesis: { kinesisSchemaVersion: '1.0', partitionKey: '1', sequenceNumber: `4959033827149025660855969253836157109592157598913658880${n}`, data: one },
    eventSource: 'aws:kinesis',
    eventID: `shardId-000000000006:4959033827149025660855969253836157109592157598913658880${n}`,
    eventName: 'aws:kinesis:record',
    awsRegion: 'eu-central-1',
    eventSourceARN: 'arn:aws:kinesis:eu-central-1:123456789012:stream/example-stream',
  })),
})
const firehose = (...data: string[]) => ({
  invocationId: 'invocation',
  deliveryStreamArn: 'arn:aws:firehose:eu-central-1:123456789012:deliverystream/example',
  region: 'eu-central-1',
  records: data.map((one, n) => ({ recordId: `record-${n}`, approximateArrivalTimestamp: 1767614400000, data: one })),
})
const base64 = (text: string) => Buffer.from(text).toString('base64')

const workIn = (event: unknown): readonly Work[] => readTrigger(event, 'ap-south-1').items.flatMap(({ work }) => work)
const objectsIn = (event: unknown) => workIn(event).map(work => ((work as ObjectWork).kind === 'object' ? (work as ObjectWork).key : work.kind))
const recordsIn = (event: unknown) =>
  workIn(event)
    .filter((work): work is RecordWork => work.kind === 'record')
    .map(({ bytes, ...rest }) => ({ ...rest, text: new TextDecoder().decode(bytes) }))

describe('an object that S3 announces', () => {
  it.each([
    ['AWSLogs/123456789012/a+b%3D1.log', 'AWSLogs/123456789012/a b=1.log'],
    ['logs/M%C3%BCnchen/%E6%97%A5%E6%9C%AC+%2B.gz', 'logs/München/日本 +.gz'],
    ['logs/year%3D2026/100%25.log', 'logs/year=2026/100%.log'],
    ['logs/broken%ZZ+encoding', 'logs/broken%ZZ+encoding'],
  ])('has its key decoded: %s', (encoded, key) => {
    expect(objectsIn({ Records: [s3Record(encoded)] })).toEqual([key])
  })

  it('keeps its key as it is when EventBridge, CloudTrail or a state machine names it', () => {
    const key = 'logs/a+b%3D1.log'
    expect(objectsIn(created(key))).toEqual([key])
    expect(objectsIn(sqs(JSON.stringify(sns(JSON.stringify({ s3Bucket: 'example-logs', s3ObjectKey: [key, 'two'] })))))).toEqual([key, 'two'])
    expect(objectsIn({ bucket: 'example-logs', key })).toEqual([key])
  })

  it('has the version and the ETag that the event says', () => {
    expect(workIn({ Records: [s3Record('a', { versionId: 'v2' }), s3Record('b', { versionId: 'null' }), s3Record('c')] })).toEqual([
      { kind: 'object', bucket: 'example-logs', key: 'a', versionId: 'v2', etag, size: 12 },
      { kind: 'object', bucket: 'example-logs', key: 'b', versionId: undefined, etag, size: 12 },
      { kind: 'object', bucket: 'example-logs', key: 'c', versionId: undefined, etag, size: 12 },
    ])
    expect(workIn(created('a'))).toEqual([
      { kind: 'object', bucket: 'example-logs', key: 'a', versionId: 'v1', etag: 'b1946ac92492d2347c6235b4d2611184', size: 12 },
    ])
    const inventoried = { Items: [{ Key: 'a', ETag: etag, Size: '12', VersionId: '', IsLatest: 'true' }], BatchInput: { bucket: 'example-logs' } }
    expect(workIn(inventoried)).toEqual([{ kind: 'object', bucket: 'example-logs', key: 'a', versionId: undefined, etag, size: 12 }])
    const listed = { Items: [{ Key: 'a', Etag: `"${etag}"` }], BatchInput: { Bucket: 'example-logs' } }
    expect(workIn(listed)).toEqual([{ kind: 'object', bucket: 'example-logs', key: 'a', versionId: undefined, etag, size: undefined }])
  })

  const notification = JSON.stringify({ Records: [s3Record('a+b')] })
  it.each([
    ['s3', { Records: [s3Record('a+b')] }],
    ['sns', { Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns: sns(notification) }] }],
    ['sqs', sqs(notification)],
    ['sqs', sqs(JSON.stringify(sns(notification)))],
    ['sqs', sqs(JSON.stringify(created('a b')))],
    ['sqs', sqs(JSON.stringify(sns(JSON.stringify(created('a b')))))],
    ['eventbridge', created('a b')],
    ['step-functions', { bucket: 'example-logs', key: 'a b' }],
    ['step-functions', { Items: [{ Key: 'a b', Size: 12, Etag: '"b1"', LastModified: 1 }], BatchInput: { bucket: 'example-logs' } }],
    ['step-functions', [{ bucket: 'example-logs', key: 'a b' }]],
    ['step-functions', { Items: [{ Bucket: 'example-logs', Key: 'a+b', Size: '12' }], BatchInput: { bucket: 'example-logs', prefix: 'a ', keys: 'encoded' } }],
  ] as const)('is found by way of %s', (service, event) => {
    expect(readTrigger(event)).toMatchObject({ service, items: [{ work: [{ kind: 'object', bucket: 'example-logs', key: 'a b' }] }] })
  })

  it('is no work when it was removed, tagged or restored', () => {
    expect(workIn({ Records: [{ ...s3Record('a'), eventName: 'ObjectRemoved:Delete' }] })).toEqual([{ kind: 'none', reason: 'not_created' }])
    expect(workIn({ ...created('a'), 'detail-type': 'Object Deleted' })).toEqual([{ kind: 'none', reason: 'not_created' }])
  })
})

describe('a test event of S3', () => {
  const test = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-01-05T12:00:00.000Z', Bucket: 'example-logs' }
  it.each([[test], [sqs(JSON.stringify(test))], [sqs(JSON.stringify(sns(JSON.stringify(test))))]])('is no work: %j', event => {
    expect(workIn(event)).toEqual([{ kind: 'none', reason: 'test_event' }])
  })
})

describe('records in the event itself', () => {
  it('are the bodies of a queue, byte for byte', () => {
    const body = '{"eventVersion":"1.11","big":9007199254740993}'
    expect(recordsIn(sqs(body, 'no json', '{"Records":[{"eventSource":"aws:s3"}]}'))).toEqual([
      { kind: 'record', key: 'sqs/example-queue/00000000-0000-0000-0000-000000000000', said: {}, text: body },
      { kind: 'record', key: 'sqs/example-queue/00000000-0000-0000-0000-000000000001', said: {}, text: 'no json' },
      {
        kind: 'record',
        key: 'sqs/example-queue/00000000-0000-0000-0000-000000000002',
        said: {},
        text: '{"Records":[{"eventSource":"aws:s3"}]}',
      },
    ])
  })

  it('are events of EventBridge with their account and region, straight or through a queue', () => {
    const said = { account: '123456789012', region: 'eu-west-1' }
    expect(recordsIn(apiCall)).toMatchObject([{ key: 'eventbridge/aws.s3/22222222-0000-0000-0000-000000000000', said, text: JSON.stringify(apiCall) }])
    expect(recordsIn(sqs(JSON.stringify(apiCall)))).toMatchObject([{ said, text: JSON.stringify(apiCall) }])
  })

  it('are the data of a stream, named by sequence number', () => {
    const { service, items } = readTrigger(kinesis(base64('one'), base64('two')))
    expect(service).toBe('kinesis')
    expect(items.map(({ id }) => id.slice(-1))).toEqual(['0', '1'])
    expect(recordsIn(kinesis(base64('one'), base64('two'))).map(({ text }) => text)).toEqual(['one', 'two'])
  })

  it('are the records of a direct call, text or JSON, with the source it names', () => {
    const event = { source: 'vpc-flow', account: '123456789012', records: ['2 a b', { version: 2 }] }
    expect(readTrigger(event)).toMatchObject({ service: 'direct', source: 'vpc-flow' })
    expect(recordsIn(event).map(({ text, said }) => [text, said.account])).toEqual([
      ['2 a b', '123456789012'],
      ['{"version":2}', '123456789012'],
    ])
  })
})

describe('a CloudWatch Logs subscription', () => {
  const data = subscription('DATA_MESSAGE', 'first', 'second\nline')
  it.each([
    ['logs', { awslogs: { data: zipped(data) } }, 'ap-south-1'],
    ['kinesis', kinesis(zipped(data)), 'eu-central-1'],
    ['firehose', firehose(zipped(data)), 'eu-central-1'],
    ['firehose', firehose(base64(JSON.stringify(data))), 'eu-central-1'],
  ] as const)('through %s gives one record a log event, with owner and log group', (service, event, region) => {
    expect(readTrigger(event, 'ap-south-1').service).toBe(service)
    expect(recordsIn(event)).toMatchObject([
      { text: 'first', said: { account: '123456789012', region, logGroup: '/aws/eks/example/cluster' } },
      { text: 'second\nline', key: `logs//aws/eks/example/cluster/kube-apiserver-audit-1/${data.logEvents[1]!.id}` },
    ])
  })

  it('has control messages, which are no work', () => {
    expect(workIn(kinesis(zipped(subscription('CONTROL_MESSAGE', 'CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.'))))).toEqual([
      { kind: 'none', reason: 'control_message' },
    ])
  })

  it('that is damaged stays a record, so that it becomes a reject', () => {
    const broken = gzipSync(JSON.stringify(data)).subarray(0, 40)
    const work = workIn(kinesis(broken.toString('base64')))
    expect(work.map(one => one.kind === 'record' && Buffer.from(one.bytes).equals(broken))).toEqual([true])
  })
})

describe('an event of another kind', () => {
  it.each([
    [null, 'object'],
    ['text', 'string'],
    [{}, 'no members'],
    [{ requestContext: {}, headers: { authorization: 'secret' } }, 'requestContext, headers'],
    [{ Records: [{ eventSource: 'aws:dynamodb', dynamodb: {} }] }, 'records of aws:dynamodb'],
    [{ Records: [s3Record('a'), { eventSource: 'aws:sqs' }] }, 'Records'],
    [{ Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' }] }, 'eventSource'],
    [{ Items: [{ Key: 'a' }] }, 'Key'],
  ])('is refused, naming what was seen and no values: %j', (event, seen) => {
    const read = () => readTrigger(event)
    expect(read).toThrow(OcsfLakeError)
    expect(read).toThrow(seen)
    expect(read).not.toThrow('secret')
  })

  it('without records is no work', () => {
    expect(workIn({ Records: [] })).toEqual([])
  })
})
