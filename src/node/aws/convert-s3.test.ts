/** Conversions from and to S3, over the protocol: what comes out is what the same files give on disk. */
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addsUp } from '../../lake/report.js'
import { convertFiles } from '../convert-files.js'
import type { ConvertFilesOptions } from '../options.js'
import { type FaultyProxy, objectsBelow, putObject, type RunningServer, startFauxqs, startProxy, TEST_CREDENTIALS, testClient } from './testing.js'

let server: RunningServer
let proxy: FaultyProxy
let client: S3Client
let bucket: string
let buckets = 0

beforeAll(async () => {
  server = await startFauxqs()
  proxy = await startProxy(server.url)
  client = testClient(server.url)
  process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
})
afterAll(async () => {
  client.destroy()
  await proxy.stop()
  await server.stop()
})
beforeEach(async () => {
  bucket = `logs-${++buckets}`
  proxy.intercept = () => false
  proxy.requests.length = 0
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
})

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (n: number) =>
  `2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.${n % 250} 198.51.100.7 ${1024 + (n % 50_000)} 443 6 10 ${840 + n} ${1714521600 + n} 1714521660 ACCEPT OK`
const flows = (count: number, from = 0) => [HEADER, ...Array.from({ length: count }, (_, n) => flow(from + n))].join('\n')

async function run(options: Partial<ConvertFilesOptions> = {}) {
  const s3 = { region: 'us-east-1', endpoint: proxy.url, attempts: 3, idleMs: 300 }
  const report = await convertFiles({ inputs: [`s3://${bucket}/in/`], out: `s3://${bucket}/lake`, s3, ...options })
  expect(addsUp(report)).toBe(true)
  expect(report.objects.reduce((rows, object) => rows + object.rows, 0)).toBe(report.records.written)
  return report
}

describe('convertFiles in S3', () => {
  it('reads a prefix and writes below another, and a second run changes nothing', async () => {
    await putObject(client, bucket, 'in/a.log.gz', gzipSync(flows(50)))
    await putObject(client, bucket, 'in/b.log', `${flows(3)}\nnot a flow\n`)
    const report = await run()
    expect(report.records).toMatchObject({ in: 54, written: 53, rejected: 1 })
    expect(report.objects.map(({ put }) => put)).toEqual(['written', 'written'])
    const lake = await objectsBelow(client, bucket, 'lake/')
    expect([...lake.keys()].filter(key => key.startsWith('ext/'))).toEqual(report.objects.map(({ key }) => key).sort())
    const again = await run()
    expect(again.objects).toEqual(report.objects.map(object => ({ ...object, put: 'unchanged' })))
    expect(await objectsBelow(client, bucket, 'lake/')).toEqual(lake)
  })
})
