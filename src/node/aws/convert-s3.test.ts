/** Conversions from and to S3, over the protocol: what comes out is what the same files give on disk. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addsUp } from '../../lake/report.js'
import { vpcFlow } from '../../sources/vpc-flow.js'
import { convertFiles } from '../convert-files.js'
import type { ConvertFilesOptions } from '../options.js'
import {
  type FaultyProxy,
  type Interceptor,
  objectsBelow,
  putObject,
  type RunningServer,
  sayS3Error,
  startFauxqs,
  startProxy,
  TEST_CREDENTIALS,
  testClient,
} from './testing.js'

let server: RunningServer
let proxy: FaultyProxy
let client: S3Client
let bucket: string
let folder: string
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
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-s3-'))
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

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

  it('gives the bytes of a local run of the same unit name, with one job and with two', async () => {
    for (let n = 0; n < 4; n++) await putObject(client, bucket, `in/${n}.log.gz`, gzipSync(flows(200, n * 1000)))
    const one = await run()
    const lake = await objectsBelow(client, bucket, 'lake/')
    const two = await run({ out: `s3://${bucket}/lake-2`, jobs: 2 })
    expect(two.objects).toEqual(one.objects)
    expect(await objectsBelow(client, bucket, 'lake-2/')).toEqual(lake)
    const local = await run({ out: join(folder, 'lake') })
    expect(local.objects).toEqual(one.objects)
    for (const { key } of local.objects) expect(Buffer.compare(readFileSync(join(folder, 'lake', key)), lake.get(key)!), key).toBe(0)
  })

  it('can be read by DuckDB once it is there', async () => {
    await putObject(client, bucket, 'in/AWSLogs/123456789012/vpcflowlogs/eu-central-1/2024/05/01/flow.log.gz', gzipSync(flows(100)))
    await run()
    for (const [key, bytes] of await objectsBelow(client, bucket, 'lake/')) {
      mkdirSync(dirname(join(folder, key)), { recursive: true })
      writeFileSync(join(folder, key), bytes)
    }
    const connection = await (await DuckDBInstance.create()).connect()
    const query = `SELECT region, "accountId", CAST("eventDay" AS VARCHAR), count(*), sum(traffic.bytes) FROM read_parquet('${folder}/**/*.parquet', hive_partitioning = true) GROUP BY ALL`
    const rows = (await connection.runAndReadAll(query)).getRowsJson()
    connection.closeSync()
    expect(rows).toEqual([['eu-central-1', '123456789012', '20240501', '100', String(100 * 840 + (99 * 100) / 2)]])
  })

  it('reads single objects and keys of every kind', async () => {
    const keys = ['in/a+b.log', 'in/a%3Db.log', 'in/a b.log', 'in/ü/日志.log', "in/quote'&<x>.log", 'in/what?.log']
    for (const [n, key] of keys.entries()) await putObject(client, bucket, key, flows(1, n))
    const all = await run()
    expect([all.files.read, all.records.written]).toEqual([keys.length, keys.length])
    const names = new Set(all.objects.map(({ key }) => key))
    for (const key of keys) {
      const single = await run({ inputs: [`s3://${bucket}/${key}`] })
      expect(
        single.objects.map(({ key, put }) => [names.has(key), put]),
        key,
      ).toEqual([[true, 'unchanged']])
    }
    await putObject(client, bucket, 'in/a b.log.old', flows(1, 9))
    expect((await run({ inputs: [`s3://${bucket}/in/a b.log`] })).files.read).toBe(1)
    await expect(run({ inputs: [`s3://${bucket}/nothing/`] })).rejects.toMatchObject({
      code: 'input_missing',
      message: `There is no object at s3://${bucket}/nothing/: give the key of an object or what keys begin with.`,
    })
  })

  it('reads one version of an object when it is named', async () => {
    await putObject(client, bucket, 'in/a.log', flows(1))
    await putObject(client, bucket, 'versions/v1', flows(5))
    proxy.intercept = (request, _response, url) => {
      if (url.searchParams.get('versionId') === 'v1') request.url = `/${bucket}/versions/v1`
      return false
    }
    expect((await run({ inputs: [`s3://${bucket}/in/a.log?versionId=v1`] })).records.written).toBe(5)
    expect((await run({ inputs: [`s3://${bucket}/in/a.log`] })).records.written).toBe(1)
  })

  it('lists page by page, in the order of the keys', async () => {
    const keys = Array.from({ length: 7 }, (_, n) => `in/${n}.log`)
    for (const [n, key] of keys.entries()) await putObject(client, bucket, key, flows(1, n))
    proxy.intercept = (request, _response, url) => {
      if (url.searchParams.get('list-type') === '2') request.url = `${request.url}&max-keys=3`
      return false
    }
    const seen: number[] = []
    const report = await run({ onProgress: ({ files, bytes }) => seen.push(files, bytes) })
    expect(report.files.read).toBe(7)
    expect(proxy.requests.filter(line => line.includes('continuation-token'))).toHaveLength(2)
    expect(seen.slice(0, 2)).toEqual([7, keys.reduce((sum, _, n) => sum + flows(1, n).length, 0)])
    expect(proxy.requests.filter(line => line.startsWith(`GET /${bucket}/in/`)).map(line => line.split(/[/?]/)[3])).toEqual(keys.map(key => key.slice(3)))
  })

  it('does not read its own output when it lies below the input', async () => {
    await putObject(client, bucket, 'a.log', `${flows(3)}\nnot a flow\n`)
    const whole = { inputs: [`s3://${bucket}`], out: `s3://${bucket}` }
    const first = await run(whole)
    const second = await run(whole)
    expect(second.files).toEqual(first.files)
    expect(second.objects.map(({ put }) => put)).toEqual(['unchanged'])
  })

  it('keeps rejects in S3, and empties those of an earlier run', async () => {
    await putObject(client, bucket, 'in/a.log', `${HEADER}\n${flow(1)}\nbroken\n`)
    await putObject(client, bucket, 'in/b.bin', 'nothing that AWS writes\n')
    const fields = HEADER.split(' ').slice(0, 3)
    await run({ rejects: `s3://${bucket}/dead` })
    const kept = await objectsBelow(client, bucket, 'dead/')
    expect([...kept.keys()].map(key => key.split('/')[0]).sort()).toEqual(['unknown', 'vpc-flow'])
    const lines = [...kept.values()].map(bytes => JSON.parse(new TextDecoder().decode(bytes)) as { object: string; raw: string })
    expect(lines.map(({ object, raw }) => [object, raw]).sort()).toEqual([
      [`s3://${bucket}/in/a.log`, 'broken'],
      [`s3://${bucket}/in/b.bin`, 'nothing that AWS writes\n'],
    ])
    await run({ rejects: `s3://${bucket}/dead`, source: { ...vpcFlow, decoder: context => ({ ...vpcFlow.decoder(context), push() {}, end() {} }) }, fields })
    expect([...(await objectsBelow(client, bucket, 'dead/')).values()].map(({ length }) => length)).toEqual([0, 0])
  })
})

describe('a great many rejects', () => {
  it('go into several objects, and the ones too many of an earlier run are emptied', async () => {
    const bad = `bad ${'x'.repeat(2 ** 20)}`
    await putObject(client, bucket, 'in/a.log', flows(1))
    await putObject(client, bucket, 'in/empty.log', '')
    const many = [HEADER, ...Array.from({ length: 20 }, (_, n) => `${n} ${bad}`)].join('\n')
    const one = [HEADER, bad].join('\n')
    let now = many
    // the same object, key and ETag, with other bytes: what a fix of the decoder would make of it
    proxy.intercept = (request, response) => {
      if (request.method !== 'GET' || !request.url!.startsWith(`/${bucket}/in/a.log`)) return false
      response.writeHead(200, { 'content-length': now.length, etag: String(request.headers['if-match']) }).end(now)
      return true
    }
    const report = await run({ source: vpcFlow })
    expect([report.records, report.files.skipped]).toEqual([{ in: 20, written: 0, filtered: 0, duplicates: 0, rejected: 20 }, 1])
    const lengths = async () =>
      [...(await objectsBelow(client, bucket, 'lake/rejects/vpc-flow/')).values()].map(bytes => new TextDecoder().decode(bytes).split('\n').length - 1)
    const lines = await lengths()
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.reduce((sum, some) => sum + some, 0)).toBe(20)
    now = one
    await run({ source: vpcFlow })
    expect((await lengths()).sort()).toEqual([...lines.slice(1).map(() => 0), 1])
  })
})

describe('finished units', () => {
  const state = () => ({ state: `s3://${bucket}/state` })
  const reads = () => proxy.requests.filter(line => line.startsWith(`GET /${bucket}/in/`)).length
  beforeEach(async () => {
    for (const n of [0, 1, 2]) await putObject(client, bucket, `in/${n}.log`, `${flows(10, n * 100)}\nbroken\n`)
  })

  it('are not read again, and are part of the report all the same', async () => {
    const { ms: _, ...first } = await run(state())
    expect([first.resumed, reads()]).toEqual([0, 3])
    await putObject(client, bucket, 'in/3.log', flows(10, 900))
    const { ms: __, ...second } = await run({ ...state(), jobs: 2 })
    expect([second.resumed, reads()]).toEqual([3, 4])
    expect(second.records).toEqual({ in: 43, written: 40, filtered: 0, duplicates: 0, rejected: 3 })
    expect(second.rejected).toEqual(first.rejected)
    expect(second.objects.map(({ put }) => put)).toEqual(['unchanged', 'unchanged', 'unchanged', 'written'])
    expect(second.objects.slice(0, 3)).toEqual(first.objects.map(object => ({ ...object, put: 'unchanged' })))
  })

  it('of a run that was cut off are where the next one goes on, to the same objects', async () => {
    await run({ out: `s3://${bucket}/whole` })
    const whole = await objectsBelow(client, bucket, 'whole/')
    proxy.intercept = (request, response) => request.url!.startsWith(`/${bucket}/in/2.log`) && sayS3Error(response, 403, 'ExpiredToken')
    await expect(run(state())).rejects.toMatchObject({ code: 'credentials_invalid' })
    proxy.intercept = () => false
    const report = await run(state())
    expect([report.resumed, report.records.in]).toEqual([2, 33])
    expect(await objectsBelow(client, bucket, 'lake/')).toEqual(whole)
  })

  it('killed between the objects and the report are converted again, and nothing is doubled', async () => {
    proxy.intercept = (request, response) => {
      if (request.method !== 'PUT' || !request.url!.includes('/state/')) return false
      request.resume()
      return sayS3Error(response, 403, 'AccessDenied')
    }
    await expect(run(state())).rejects.toMatchObject({ code: 'access_denied' })
    proxy.intercept = () => false
    const report = await run(state())
    expect(report.resumed).toBe(0)
    // the unit that failed, the one that was under way, and one that was not begun
    expect(report.objects.map(({ put }) => put)).toEqual(['unchanged', 'unchanged', 'written'])
    expect([...(await objectsBelow(client, bucket, 'lake/ext/')).keys()]).toHaveLength(3)
  })

  it('are converted again with other options, a changed object or a report that is damaged', async () => {
    await run(state())
    expect((await run({ ...state(), compression: 'gzip' })).resumed).toBe(0)
    expect((await run({ ...state(), compression: 'gzip' })).resumed).toBe(3)
    await putObject(client, bucket, 'in/1.log', flows(4))
    expect(await run({ ...state(), compression: 'gzip' })).toMatchObject({ resumed: 2, records: { written: 24 } })
    for (const [key, bytes] of await objectsBelow(client, bucket, 'state/')) {
      const text = new TextDecoder().decode(bytes)
      await putObject(client, bucket, `state/${key}`, text.includes('"in":4') ? text.slice(0, -9) : text.replace('"written":10', '"written":11'))
    }
    expect(await run({ ...state(), compression: 'gzip' })).toMatchObject({ resumed: 0, records: { in: 26, written: 24, rejected: 2 } })
  })

  it('can be remembered in a folder, and hold for files, too', async () => {
    mkdirSync(join(folder, 'in'))
    writeFileSync(join(folder, 'in/a.log'), flows(5))
    const options = { inputs: [folder], out: join(folder, 'lake'), state: join(folder, 'state') }
    expect((await run(options)).resumed).toBe(0)
    expect(await run(options)).toMatchObject({ resumed: 1, files: { read: 1, skipped: 0, failed: 0 }, records: { written: 5 } })
    await expect(run({ ...options, format: 'ndjson' })).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringMatching(/--state works with Parquet only/),
    })
  })
})

describe('faults of S3', () => {
  const body = gzipSync(flows(20_000), { level: 1 })
  beforeEach(() => putObject(client, bucket, 'in/a.log.gz', body))
  const isRead = (request: IncomingMessage): boolean => request.method === 'GET' && request.url!.startsWith(`/${bucket}/in/a.log.gz`)
  const whole = async () => {
    const report = await run()
    expect(report.records).toEqual({ in: 20_000, written: 20_000, filtered: 0, duplicates: 0, rejected: 0 })
    expect(report.files).toEqual({ read: 1, skipped: 0, failed: 0 })
  }
  /** Lets the answer begin as S3 gives it, but stops after `length` bytes: for good, or without another byte. */
  const cutAt = (length: number, how: 'end' | 'hang', times: number): Interceptor => {
    let left = times
    return (request, response) => {
      if (!isRead(request) || left-- <= 0) return false
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const status = from === 0 ? 200 : 206
      const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }
      response.writeHead(status, { 'content-length': body.length - from, etag: String(request.headers['if-match']), ...range })
      response.write(body.subarray(from, from + length), () => how === 'end' && response.destroy())
      return true
    }
  }

  it.each<[string, 'end' | 'hang', number]>([
    ['breaks once', 'end', 1],
    ['breaks again and again', 'end', 4],
    ['stands still', 'hang', 2],
  ])('a body that %s is taken up where it ended', async (_name, how, times) => {
    proxy.intercept = cutAt(50_001, how, times)
    await whole()
    expect(proxy.requests.filter(line => line.startsWith(`GET /${bucket}/in/a.log.gz`))).toHaveLength(times + 1)
  })

  it('a body that never comes is a fault after some tries, and nothing is written', async () => {
    proxy.intercept = cutAt(0, 'end', 99)
    await expect(run()).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringMatching(/^S3 could not serve s3:GetObject at s3:.+run the same call again later/),
    })
    expect((await objectsBelow(client, bucket, 'lake/')).size).toBe(0)
  })

  it.each([
    ['503', 503, 'SlowDown'],
    ['500', 500, 'InternalError'],
  ])('a %s is tried again, when reading, listing and writing', async (_name, status, code) => {
    const failed = new Set<string>()
    proxy.intercept = (request, response) => {
      const what = `${request.method} ${request.url!.split('?')[0]}`
      if (request.method === 'HEAD' || failed.has(what)) return false
      failed.add(what)
      request.resume()
      return sayS3Error(response, status, code)
    }
    await whole()
    expect(failed.size).toBe(4) // the listing, the input, the marker of a compacted partition, the object
  })

  it('throttling that does not end is a fault that says so', async () => {
    proxy.intercept = (request, response) => isRead(request) && sayS3Error(response, 503, 'SlowDown', 'Please reduce your request rate.')
    await expect(run()).rejects.toMatchObject({
      code: 'service_failed',
      message: `S3 could not serve s3:GetObject at s3://${bucket}/in/a.log.gz after 3 attempts (SlowDown: Please reduce your request rate): run the same call again later, what is finished stays.`,
    })
  })

  it.each<[string, (request: IncomingMessage) => boolean, number, string, string, RegExp]>([
    [
      'reading',
      isRead,
      403,
      'AccessDenied',
      'access_denied',
      /^Access denied at s3:\S+: allow s3:GetObject on arn:aws:s3:::logs-\d+\/in\/a\.log\.gz \(and kms:Decrypt/,
    ],
    [
      'listing',
      ({ url }) => url!.includes('list-type') && url!.includes('prefix=in'),
      403,
      'AccessDenied',
      'access_denied',
      /allow s3:ListBucket on arn:aws:s3:::logs-\d+ for/,
    ],
    [
      'writing',
      ({ method }) => method === 'PUT',
      403,
      'AccessDenied',
      'access_denied',
      /allow s3:PutObject on arn:aws:s3:::logs-\d+\/lake\/ext\/\S+ \(and kms:GenerateDataKey/,
    ],
    ['reading with old credentials', isRead, 400, 'ExpiredToken', 'credentials_invalid', /expired or wrong \(ExpiredToken: said by a test\): sign in again/],
    ['listing with unknown credentials', ({ url }) => url!.includes('list-type'), 403, 'InvalidAccessKeyId', 'credentials_invalid', /InvalidAccessKeyId/],
    ['a clock that is wrong', isRead, 403, 'RequestTimeTooSkewed', 'credentials_invalid', /set the clock/],
  ])('%s without the right is a fault that says what to do', async (_name, when, status, s3Code, code, message) => {
    proxy.intercept = (request, response) => {
      if (!when(request)) return false
      request.resume()
      return sayS3Error(response, status, s3Code)
    }
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('credentials that expire before the objects are put are a fault that says so', async () => {
    proxy.intercept = (request, response) => {
      if (request.method !== 'HEAD' && request.method !== 'PUT') return false
      request.resume()
      return sayS3Error(response, 400, 'ExpiredToken')
    }
    await expect(run()).rejects.toMatchObject({ code: 'credentials_invalid', message: expect.stringMatching(/ExpiredToken/) })
  })

  it('a bucket that is not there is a fault, for input and output', async () => {
    const message = 'There is no bucket nowhere-to-be-found: check its name, and the account and region of the credentials.'
    await expect(run({ inputs: ['s3://nowhere-to-be-found/in/'] })).rejects.toMatchObject({ code: 'bucket_missing', message })
    await expect(run({ out: 's3://nowhere-to-be-found/lake' })).rejects.toMatchObject({ code: 'bucket_missing', message })
    await expect(run({ inputs: ['s3://'] })).rejects.toMatchObject({ code: 'option_invalid', message: /write s3:\/\/<bucket>\/<prefix>/ })
  })

  it('writes with the right to put alone', async () => {
    proxy.intercept = (request, response) => request.method === 'HEAD' && sayS3Error(response, 403, 'AccessDenied')
    const report = await run()
    expect(report.objects.map(({ put }) => put)).toEqual(['written'])
  })

  it('an object that is replaced while it is read is a fault, and the next run takes the new one', async () => {
    let replaced = false
    const cut = cutAt(50_001, 'end', 1)
    proxy.intercept = async (request, response, url) => {
      if (isRead(request) && !replaced) {
        replaced = true
        await putObject(client, bucket, 'in/a.log.gz', gzipSync(flows(7)))
        return cut(request, response, url)
      }
      return false
    }
    await expect(run()).rejects.toMatchObject({
      code: 'input_replaced',
      message: `s3://${bucket}/in/a.log.gz was replaced while it was read: run the same call again, which converts the new object.`,
    })
    expect((await objectsBelow(client, bucket, 'lake/')).size).toBe(0)
    expect((await run()).records.written).toBe(7)
  })

  it('an object that is gone or damaged is a reject, and its neighbours go on', async () => {
    await putObject(client, bucket, 'in/b.log', flows(3))
    await putObject(client, bucket, 'in/c.log.gz', gzipSync(flows(2000)).subarray(0, 9000))
    proxy.intercept = (request, response) => isRead(request) && sayS3Error(response, 404, 'NoSuchKey')
    const report = await run()
    expect(report.files).toEqual({ read: 1, skipped: 0, failed: 2 })
    expect(report.rejected).toEqual({ unknown: { input_unreadable: 1 }, 'vpc-flow': { gzip_truncated: 1 } })
    expect(report.records.written).toBeGreaterThan(3)
  })

  it('of one thread is the fault of the run', async () => {
    await putObject(client, bucket, 'in/b.log', flows(3))
    proxy.intercept = (request, response) => isRead(request) && sayS3Error(response, 403, 'AccessDenied')
    await expect(run({ jobs: 2 })).rejects.toMatchObject({ code: 'access_denied', message: expect.stringMatching(/allow s3:GetObject/) })
  })
})
