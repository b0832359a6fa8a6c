/** From a raw log in S3 to rows in the lake, over the protocols of S3, SQS and SNS, with what goes wrong on the way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cloudtrail } from '../../sources/cloudtrail.js'
import { vpcFlow } from '../../sources/vpc-flow.js'
import { type FaultyProxy, objectsBelow, type RunningServer, sayS3Error, startFauxqs, startProxy, TEST_CREDENTIALS, testClient } from '../aws/testing.js'
import type { Summary } from './answers.js'
import type { FirehoseAnswer } from './firehose.js'
import { createHandler } from './handler.js'
import type { HandlerOptions } from './options.js'

let server: RunningServer
let proxy: FaultyProxy
let s3: S3Client
let sqs: SQSClient
let sns: SNSClient
let folder: string
let bucket: string
let buckets = 0
let logged: string[]

beforeAll(async () => {
  server = await startFauxqs()
  proxy = await startProxy(server.url)
  s3 = testClient(server.url)
  const client = { endpoint: server.url, region: 'us-east-1', credentials: TEST_CREDENTIALS }
  sqs = new SQSClient(client)
  sns = new SNSClient(client)
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-lambda-'))
  process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
})
afterAll(async () => {
  for (const client of [s3, sqs, sns]) client.destroy()
  rmSync(folder, { recursive: true, force: true })
  await proxy.stop()
  await server.stop()
})
beforeEach(async () => {
  bucket = `lambda-${++buckets}`
  proxy.intercept = () => false
  logged = []
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (n: number) =>
  `2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.${n % 250} 198.51.100.7 ${1024 + n} 443 6 10 ${840 + n} ${1714521600 + n} 1714521660 ACCEPT OK`
const flows = (count: number, from = 0) => [HEADER, ...Array.from({ length: count }, (_, n) => flow(from + n))].join('\n')

const context = (ms = 60_000) => {
  const end = Date.now() + ms
  return { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: 'request-1' }
}
const handlerOf = (options: Partial<HandlerOptions> = {}) =>
  createHandler({
    lake: `s3://${bucket}/lake`,
    sources: [vpcFlow],
    s3: { region: 'us-east-1', endpoint: proxy.url, attempts: 2, idleMs: 300 },
    log: line => void logged.push(line),
    ...options,
  })

/** S3's part: what it says about an object that was put. */
async function put(key: string, body: string | Uint8Array): Promise<string> {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
  const encoded = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
  const object = { key: encoded, size: body.length, eTag: ETag!.replaceAll('"', ''), sequencer: '0A' }
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object } }] })
}

/** Lambda's part: what a queue gives, as the event of its poller. */
const queueEvent = (messages: readonly { readonly MessageId?: string; readonly Body?: string; readonly ReceiptHandle?: string }[]) => ({
  Records: messages.map(({ MessageId: messageId, Body: body, ReceiptHandle: receiptHandle }) => ({
    messageId,
    body,
    receiptHandle,
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:logs',
  })),
})
const message = (body: string, n = 0) => ({ MessageId: `00000000-0000-0000-0000-00000000000${n}`, Body: body })

async function rows(prefix = 'lake/'): Promise<number> {
  const files = [...(await objectsBelow(s3, bucket, prefix))].filter(([key]) => key.endsWith('.parquet'))
  if (files.length === 0) return 0
  const paths = files.map(([, bytes], n) => {
    const path = join(folder, `${bucket}-${n}.parquet`)
    writeFileSync(path, bytes)
    return `'${path}'`
  })
  const duck = await (await DuckDBInstance.create()).connect()
  const found = await duck.runAndReadAll(`SELECT count(*), count(DISTINCT src_endpoint.port) FROM read_parquet([${paths}])`)
  const [all, ports] = found.getRows()[0]!.map(Number)
  expect(ports).toBe(all) // flows differ by their port: nothing twice
  return all!
}
async function deadLetters(): Promise<readonly { object: string; raw?: string; raw_base64?: string; issues: { rule: string }[] }[]> {
  const files = [...(await objectsBelow(s3, bucket, 'lake/rejects/'))].map(([, bytes]) => new TextDecoder().decode(bytes))
  return files.flatMap(text => text.split('\n').filter(line => line !== '')).map(line => JSON.parse(line))
}
const metrics = () => logged.map(line => JSON.parse(line)).filter(line => line._aws !== undefined)

describe('a log put into S3', () => {
  it('goes through topic, queue and handler into the lake, where DuckDB reads it', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'logs' }))
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'logs' }))
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: 'arn:aws:sqs:us-east-1:000000000000:logs' }))
    const key = 'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2024/05/01/a+b=ü 1.log.gz'
    await sns.send(new PublishCommand({ TopicArn, Message: await put(key, gzipSync(flows(40))) }))
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: await put('in/second.log', flows(2, 40)) }))
    const handler = handlerOf()
    for (let left = 2; left > 0; ) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }))
      expect(await handler(queueEvent(Messages), context())).toEqual({ batchItemFailures: [] })
      for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
      left -= Messages.length
    }
    expect(await rows()).toBe(42)
    expect([...(await objectsBelow(s3, bucket, 'lake/ext/')).keys()].map(name => name.replace(/[0-9a-f]{32}/, ''))).toEqual([
      'vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/.parquet',
      'vpc-flow-4001/region=unknown/accountId=123456789012/eventDay=20240501/.parquet',
    ])
    expect(metrics().filter(({ source, class: one }) => source === 'vpc-flow' && one === undefined)[0]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'OcsfLake', Dimensions: [['source']] }] },
      in: expect.any(Number),
      rejected: 0,
    })
  })

  it('is not doubled when it is announced again, alone or with others', async () => {
    const notification = await put('in/a.log', flows(5))
    const other = await put('in/b.log', flows(5, 5))
    const handler = handlerOf()
    await handler(JSON.parse(notification), context())
    await handler(queueEvent([message(notification), message(other, 1), message(notification, 2)]), context())
    expect(await rows()).toBe(10)
  })

  it('counts as what is there now when it was replaced since', async () => {
    const old = await put('in/a.log', flows(5))
    await put('in/a.log', flows(7, 100))
    expect(await handlerOf()(JSON.parse(old), context())).toMatchObject({ records: { in: 7, written: 7 } })
    expect(await rows()).toBe(7)
  })

  it('of the function itself is skipped and counted', async () => {
    const own = await put('lake/ext/vpc-flow-4001/region=x/accountId=y/eventDay=z/0.parquet', 'PAR1')
    const reject = await put('lake/rejects/vpc-flow/0.ndjson', '{}')
    expect(await handlerOf()(queueEvent([message(own), message(reject, 1)]), context())).toEqual({ batchItemFailures: [] })
    expect(metrics()[0]).toMatchObject({ items: 2, failed: 0, skipped: 2 })
    const summary = await handlerOf()({ bucket, key: 'lake/rejects/vpc-flow/0.ndjson' }, context())
    expect(summary).toEqual({ records: { in: 0, written: 0, filtered: 0, duplicates: 0, rejected: 0 }, objects: 0, bytes: 0, skipped: { own_output: 1 } })
  })
})

describe('a record that is no good', () => {
  it('goes to the dead letters, and its neighbours into the lake', async () => {
    const notification = await put('in/a.log', [HEADER, flow(1), 'not a flow', flow(2)].join('\n'))
    const corrupt = await put('in/b.log.gz', gzipSync(flows(50, 10)).subarray(0, 200))
    expect(await handlerOf()(queueEvent([message(notification), message(corrupt, 1)]), context())).toEqual({ batchItemFailures: [] })
    const written = await rows()
    const letters = [...(await deadLetters())].sort((a, b) => (a.object < b.object ? -1 : 1))
    expect(letters).toMatchObject([
      { object: `s3://${bucket}/in/a.log`, line: 3, raw: 'not a flow', preface: HEADER, issues: [{ rule: 'field_count' }] },
      { object: `s3://${bucket}/in/b.log.gz`, issues: [{ rule: 'gzip_truncated' }] },
    ])
    const { records } = JSON.parse(logged.find(line => line.includes('"message":"invocation"'))!)
    expect(records.in).toBe(written + letters.length)
    expect(logged.join()).not.toContain('not a flow')
  })

  it('fails its message when it cannot be kept, and only that one', async () => {
    const bad = await put('in/a.log', [HEADER, 'not a flow'].join('\n'))
    const good = await put('in/b.log', flows(3))
    proxy.intercept = ({ method }, response, url) => method === 'PUT' && url.pathname.includes('/rejects/') && sayS3Error(response, 403, 'AccessDenied')
    const answer = await handlerOf()(queueEvent([message(bad), message(good, 1)]), context())
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: message(bad).MessageId }] })
    expect(await rows()).toBe(3)
  })
})

describe('records in messages', () => {
  const body = `${HEADER}\n${flow(1)}`
  it('become one unit, named by their ids, in whatever order they come', async () => {
    const handler = handlerOf()
    const messages = [message(body, 1), message(`${HEADER}\n${flow(2)}`, 2), message('not a flow', 3)]
    expect(await handler(queueEvent(messages), context())).toEqual({ batchItemFailures: [] })
    await handler(queueEvent([...messages].reverse()), context())
    expect(await rows()).toBe(2)
    expect((await objectsBelow(s3, bucket, 'lake/ext/')).size).toBe(1)
    expect(await deadLetters()).toMatchObject([{ object: `sqs/logs/${messages[2]!.MessageId}`, raw: 'not a flow' }])
  })

  const kinesis = (...data: string[]) => ({
    Records: data.map((one, n) => ({
      kinesis: { sequenceNumber: `4959000${n}`, data: Buffer.from(one).toString('base64') },
      eventSource: 'aws:kinesis',
      eventID: `shardId-000000000000:4959000${n}`,
      awsRegion: 'eu-central-1',
      eventSourceARN: 'arn:aws:kinesis:eu-central-1:123456789012:stream/logs',
    })),
  })
  it('of a stream are acknowledged with their rejects, and begin again at the first when the lake cannot be written', async () => {
    const event = kinesis(body, 'not a flow')
    expect(await handlerOf()(event, context())).toEqual({ batchItemFailures: [] })
    expect(await deadLetters()).toHaveLength(1)
    proxy.intercept = ({ method }, response) => method === 'PUT' && sayS3Error(response, 503, 'SlowDown')
    expect(await handlerOf()(kinesis(flow(3), flow(4)), context())).toEqual({ batchItemFailures: [{ itemIdentifier: '49590000' }] })
  })

  const logs = (...messages: string[]) => {
    const logEvents = messages.map((one, n) => ({ id: `374400000${n}`, timestamp: 1714521600000, message: one }))
    const data = { messageType: 'DATA_MESSAGE', owner: '210987654321', logGroup: '/vpc/flow', logStream: 'eni-1', logEvents }
    return { awslogs: { data: gzipSync(JSON.stringify(data)).toString('base64') } }
  }
  it('of a log group carry its owner, and are kept as dead letters when the lake cannot be written', async () => {
    const line = flow(1).replace('123456789012', '-')
    await handlerOf()(logs(line, flow(2)), context())
    expect(await rows()).toBe(2)
    expect([...(await objectsBelow(s3, bucket, 'lake/ext/')).keys()].join()).toContain('accountId=210987654321')
    proxy.intercept = ({ method }, response, url) => method === 'PUT' && url.pathname.includes('/ext/') && sayS3Error(response, 403, 'AccessDenied')
    const summary = (await handlerOf()(logs(flow(3), flow(4)), context())) as Summary
    expect(summary.records).toMatchObject({ in: 2, written: 0, rejected: 2 })
    expect(await deadLetters()).toMatchObject([flow(3), flow(4)].map(raw => ({ raw, log_group: '/vpc/flow', issues: [{ rule: 'undelivered' }] })))
  })

  it('of an event of EventBridge, or of a direct call, answer with a summary', async () => {
    const both = handlerOf({ sources: [vpcFlow, cloudtrail] })
    const called = (await both({ source: 'vpc-flow', records: [flow(1), flow(2), 'x'] }, context())) as Summary
    expect(called.records).toEqual({ in: 3, written: 2, filtered: 0, duplicates: 0, rejected: 1 })
    await expect(both({ source: 'waf', records: ['x'] }, context())).rejects.toThrow('The function has no source waf: it was made with vpc-flow, cloudtrail.')
    const event = {
      version: '0',
      id: '22222222-0000-0000-0000-000000000000',
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.s3',
      account: '123456789012',
      time: '2024-05-01T00:00:00Z',
      region: 'eu-west-1',
      resources: [],
      detail: {
        eventVersion: '1.11',
        userIdentity: { type: 'AWSService', invokedBy: 's3.amazonaws.com' },
        eventTime: '2024-05-01T00:00:00Z',
        eventSource: 's3.amazonaws.com',
        eventName: 'PutBucketPolicy',
        awsRegion: 'eu-west-1',
        sourceIPAddress: '192.0.2.1',
        eventID: '33333333-0000-0000-0000-000000000000',
        eventType: 'AwsApiCall',
        recipientAccountId: '123456789012',
      },
    }
    expect(await both(event, context())).toMatchObject({ records: { in: 1, written: 1 }, objects: 1 })
  })
})

describe('S3 that does not answer as it should', () => {
  it.each([
    ['throttling', 503, 'SlowDown', 'service_failed'],
    ['access denied', 403, 'AccessDenied', 'access_denied'],
    ['expired credentials', 400, 'ExpiredToken', 'credentials_invalid'],
  ])('hands the message back: %s, then done', async (_name, status, code, ours) => {
    const messages = [message(await put('in/a.log', flows(3))), message(await put('in/b.log', flows(3, 3)), 1)]
    proxy.intercept = ({ method }, response, url) => method === 'GET' && url.pathname.endsWith('in/a.log') && sayS3Error(response, status, code)
    const handler = handlerOf()
    expect(await handler(queueEvent(messages), context())).toEqual({ batchItemFailures: [{ itemIdentifier: messages[0]!.MessageId }] })
    expect(await rows()).toBe(3)
    expect(logged.map(line => JSON.parse(line)).find(({ message: text }) => text === 'left undone')).toMatchObject({ level: 'error', reason: { code: ours } })
    proxy.intercept = () => false
    expect(await handler(queueEvent(messages), context())).toEqual({ batchItemFailures: [] })
    expect(await rows()).toBe(6)
    expect(await deadLetters()).toEqual([])
  })

  it('fails a caller that knows no partial failure with what was left undone', async () => {
    const [a, b] = [JSON.parse(await put('in/a.log', flows(3))), JSON.parse(await put('in/b.log', flows(3, 3)))]
    proxy.intercept = ({ method }, response, url) => method === 'PUT' && url.pathname.includes('/lake/ext/') && sayS3Error(response, 403, 'AccessDenied')
    const failing = handlerOf()({ Records: [...a.Records, ...b.Records] }, context())
    await expect(failing).rejects.toMatchObject({ code: 'work_undone' })
    await expect(failing).rejects.toThrow(`2 of 2 left undone: s3://${bucket}/in/a.log and 1 more. Access denied`)
  })

  it('goes on where a body broke, and hands back what stays broken', async () => {
    const notification = await put('in/a.log', flows(3000))
    let broken = 0
    proxy.intercept = ({ method }, response, url) => {
      if (method !== 'GET' || !url.pathname.endsWith('in/a.log') || broken++ > 0) return false
      response.writeHead(200, { 'content-length': 100_000, etag: JSON.parse(notification).Records[0].s3.object.eTag })
      response.write(flows(3000).slice(0, 1000))
      return true // and never another byte
    }
    expect(await handlerOf()(JSON.parse(notification), context())).toMatchObject({ records: { in: 3000, written: 3000 } })
    expect(broken).toBe(2)
    expect(await rows()).toBe(3000)
  })

  it('hands an object back that is gone', async () => {
    const gone = (await put('in/a.log', flows(3))).replaceAll('in/a.log', 'in/gone.log')
    expect(await handlerOf()(queueEvent([message(gone)]), context())).toEqual({ batchItemFailures: [{ itemIdentifier: message('').MessageId }] })
    expect(logged.join()).toContain('it was deleted before it was read')
  })
})

describe('the time left', () => {
  it('hands back what it is too short for, and nothing of it is told as written', async () => {
    const messages = [message(await put('in/a.log', flows(3))), message(await put('in/b.log', flows(3, 3)), 1)]
    let left = 60_000
    proxy.intercept = ({ method }, _response, url) => {
      if (method === 'GET' && url.pathname.endsWith('in/b.log')) left = 500
      return false
    }
    const answer = await handlerOf()(queueEvent(messages), { getRemainingTimeInMillis: () => left })
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: messages[1]!.MessageId }] })
    expect(metrics().find(({ in: read }) => read !== undefined)).toMatchObject({ in: 3, written: 3 })
    expect(await rows()).toBe(3)
    await expect(handlerOf()({ bucket, key: 'in/a.log' }, { getRemainingTimeInMillis: () => 500 })).rejects.toMatchObject({ code: 'time_short' })
  })
})

describe('a body that gives nothing', () => {
  it('is not waited for longer than there is time, and its neighbour is done', async () => {
    const messages = [message(await put('in/a.log', flows(3))), message(await put('in/b.log', flows(3, 3)), 1)]
    proxy.intercept = ({ method }, response, url) => {
      if (method !== 'GET' || !url.pathname.endsWith('in/b.log')) return false
      response.writeHead(200, { 'content-length': 1000, etag: '"x"' })
      response.write('2')
      return true
    }
    const slow = handlerOf({ s3: { region: 'us-east-1', endpoint: proxy.url, attempts: 2, idleMs: 60_000 } })
    const started = Date.now()
    expect(await slow(queueEvent(messages), context(2500))).toEqual({ batchItemFailures: [{ itemIdentifier: messages[1]!.MessageId }] })
    expect(Date.now() - started).toBeLessThan(2500)
    expect(await rows()).toBe(3)
  })
})

describe('an object with versions', () => {
  it('is read in the version that was announced', async () => {
    const notification = JSON.parse(await put('in/a.log', flows(3)))
    notification.Records[0].s3.object.versionId = 'version-1'
    proxy.requests.length = 0
    await handlerOf()(notification, context())
    expect(proxy.requests.find(line => line.includes('in/a.log'))).toContain('versionId=version-1')
  })
})

describe('a Firehose transformation', () => {
  const firehose = (...data: readonly (string | Uint8Array)[]) => ({
    invocationId: 'invocation',
    deliveryStreamArn: 'arn:aws:firehose:eu-central-1:123456789012:deliverystream/logs',
    region: 'eu-central-1',
    records: data.map((one, n) => ({ recordId: `record-${n}`, data: Buffer.from(one).toString('base64') })),
  })
  const transformOf = (options: Partial<HandlerOptions> = {}) => handlerOf({ lake: undefined, deadLetters: `s3://${bucket}/lake/rejects`, ...options })

  it('answers record by record with OCSF JSON', async () => {
    const nodata = '2 123456789012 eni-1 - - - - - - - 1714521600 1714521660 - NODATA'
    const { records } = (await transformOf()(firehose(flow(1), 'not a flow', nodata, `${flow(2)}\n${flow(3)}\n`), context())) as FirehoseAnswer
    const partitionKeys = { source: 'vpc-flow', class_uid: '4001' }
    expect(records).toMatchObject([
      { recordId: 'record-0', result: 'Ok', metadata: { partitionKeys } },
      { recordId: 'record-1', result: 'ProcessingFailed' },
      { recordId: 'record-2', result: 'Dropped' },
      { recordId: 'record-3', result: 'Ok', metadata: { partitionKeys } },
    ])
    const events = records.map(({ data = '' }) =>
      Buffer.from(data, 'base64')
        .toString()
        .split('\n')
        .filter(line => line !== ''),
    )
    expect(events.map(lines => lines.length)).toEqual([1, 0, 0, 2])
    expect(JSON.parse(events[0]![0]!)).toMatchObject({ class_uid: 4001, class_name: 'Network Activity', type_uid: 400106 })
    expect(await deadLetters()).toMatchObject([{ object: 'firehose/logs/record-1', raw: 'not a flow' }])
  })

  it('keeps its answer below what Lambda can give', async () => {
    const big = Array.from({ length: 4000 }, (_, n) => flow(n)).join('\n')
    const answer = (await transformOf()(firehose(big, big, flow(1)), context())) as FirehoseAnswer
    expect(answer.records.map(({ result }) => result)).toEqual(['ProcessingFailed', 'ProcessingFailed', 'Ok'])
    expect(JSON.stringify(answer).length).toBeLessThan(6_000_000)
    expect(await deadLetters()).toContainEqual(expect.objectContaining({ raw: big, issues: [expect.objectContaining({ rule: 'answer_too_large' })] }))
  })

  it('fails as a whole when its rejects cannot be kept', async () => {
    proxy.intercept = ({ method }, response) => method === 'PUT' && sayS3Error(response, 403, 'AccessDenied')
    await expect(transformOf()(firehose(flow(1), 'not a flow'), context())).rejects.toMatchObject({ code: 'access_denied' })
  })
})

describe('createHandler', () => {
  it.each<[Partial<HandlerOptions>, string]>([
    [{ sources: [] }, 'No source'],
    [{ lake: 'lake' }, 'lake is no place in S3'],
    [{ lake: undefined }, 'No place to write to'],
    [{ account: '12' }, 'account 12 is no account'],
  ])('refuses what cannot work: %j', (options, sentence) => {
    expect(() => handlerOf(options)).toThrow(sentence)
  })

  it('says which trigger needs a lake', async () => {
    const handler = handlerOf({ lake: undefined, deadLetters: `s3://${bucket}/letters` })
    await expect(handler({ bucket, key: 'a' }, context())).rejects.toThrow('An event of step-functions needs a lake')
  })
})
