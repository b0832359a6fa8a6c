/** The state machine of a backfill: as its language has it, and executed over S3 with the handler of live traffic. */
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import validate from 'asl-validator'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backfillDefinition } from '../../lake/backfill.js'
import { vpcFlow } from '../../sources/vpc-flow.js'
import {
  type FaultyProxy,
  objectsBelow,
  putObject,
  type RunningServer,
  sayS3Error,
  startFauxqs,
  startProxy,
  TEST_CREDENTIALS,
  testClient,
} from '../aws/testing.js'
import { partitionOfKey, writeMarker } from '../compacted.js'
import { createHandler, type Handler, type LambdaContext } from '../lambda/index.js'
import { openStore } from '../store.js'
import { execute, StateError, type Value, type World } from './testing.js'

let server: RunningServer
let proxy: FaultyProxy
let s3: S3Client
let buckets = 0
let logs: string
let lake: string

beforeAll(async () => {
  server = await startFauxqs()
  proxy = await startProxy(server.url)
  s3 = testClient(server.url)
  process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
})
afterAll(async () => {
  s3.destroy()
  await proxy.stop()
  await server.stop()
})
beforeEach(async () => {
  const n = ++buckets
  logs = `backfill-logs-${n}`
  lake = `backfill-lake-${n}`
  proxy.intercept = () => false
  for (const Bucket of [logs, lake]) await s3.send(new CreateBucketCommand({ Bucket }))
})

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (n: number) =>
  `2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.${n % 250} 198.51.100.7 ${1024 + n} 443 6 10 ${840 + n} ${1714521600 + n} 1714521660 ACCEPT OK`
const flows = (count: number, from = 0) => [HEADER, ...Array.from({ length: count }, (_, n) => flow(from + n))].join('\n')
const keyOf = (n: number) => `AWSLogs/123456789012/vpcflowlogs/eu-central-1/2024/05/01/${n} a+b=c.log.gz`
const putLogs = async (count: number) => {
  for (let n = 0; n < count; n++) await putObject(s3, logs, keyOf(n), gzipSync(flows(3, n * 3)))
}

const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:ocsf'
const definition = (options: Partial<Parameters<typeof backfillDefinition>[0]> = {}) =>
  backfillDefinition({ functionArn: FUNCTION, results: { bucket: lake, prefix: 'runs' }, batchItems: 4, ...options })

const handlerOf = (prefix: string): Handler =>
  createHandler({ lake: `s3://${lake}/${prefix}`, sources: [vpcFlow], s3: { region: 'us-east-1', endpoint: proxy.url, attempts: 1 }, log: () => {} })
const context = (ms = 60_000) => {
  const end = Date.now() + ms
  return { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: 'request-1' }
}

/** S3 and Lambda as Step Functions sees them; what passes between is JSON. */
function worldOf(handler: Handler, before: (payload: Value) => void = () => {}, contextOf: () => LambdaContext = context): World & { readonly calls: Value[] } {
  const calls: Value[] = []
  return {
    calls,
    async list(Bucket, Prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))
      return Contents.map(({ Key = '', Size = 0, ETag = '' }) => ({ Etag: ETag, Key, LastModified: 1714525200, Size, StorageClass: 'STANDARD' }))
    },
    async get(Bucket, Key) {
      return (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
    },
    put: (bucket, key, text) => putObject(s3, bucket, key, text),
    async inventory(bucket, key) {
      const { fileSchema, files } = JSON.parse(await this.get(bucket, key)) as { fileSchema: string; files: { key: string }[] }
      const names = fileSchema.split(', ')
      const lines = (await Promise.all(files.map(file => this.get(bucket, file.key)))).flatMap(csv => csv.trim().split('\n'))
      return lines.map(line => Object.fromEntries(line.split(',').map((cell, at) => [names[at]!, cell.slice(1, -1)])))
    },
    async invoke(functionArn, payload) {
      expect(functionArn).toBe(FUNCTION)
      calls.push(payload)
      before(payload)
      try {
        return JSON.parse(JSON.stringify(await handler(JSON.parse(JSON.stringify(payload)), contextOf())))
      } catch (error) {
        throw new StateError((error as Error).name, (error as Error).message) // the handler throws errors only
      }
    },
  }
}

/** What live traffic makes of the same objects: one notification each. */
async function convertLive(prefix: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: logs }))
  for (const { Key = '', Size, ETag = '' } of Contents) {
    const object = { key: encodeURIComponent(Key).replaceAll('%20', '+'), size: Size, eTag: ETag.replaceAll('"', ''), sequencer: '0A' }
    await handlerOf(prefix)({ Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket: { name: logs }, object } }] }, context())
  }
  return objectsBelow(s3, lake, `${prefix}/ext/`)
}
const lakeObjects = () => objectsBelow(s3, lake, 'lake/ext/')

describe('the definition', () => {
  it('is valid in the States Language', () => {
    for (const one of [definition(), definition({ partition: 'aws-cn', toleratedFailurePercentage: 0, concurrency: 10_000 })]) {
      const { isValid, errorsText } = validate(structuredClone(one))
      expect(errorsText()).toBe('')
      expect(isValid).toBe(true)
    }
    const { Done, ...States } = definition().States
    expect(validate(structuredClone({ ...definition(), States }))).toMatchObject({ isValid: false })
    expect(JSON.stringify(definition({ partition: 'aws-cn' }))).not.toContain('arn:aws:states')
  })

  it.each([{ concurrency: 0 }, { concurrency: 10_001 }, { batchBytes: 256_001 }, { batchItems: 1.5 }, { toleratedFailurePercentage: 101 }])(
    'refuses %o, which Step Functions would',
    options => {
      expect(() => definition(options)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
    },
  )

  it('is plain data, small enough to be created', () => {
    expect(JSON.parse(JSON.stringify(definition()))).toEqual(definition())
    expect(JSON.stringify(definition()).length).toBeLessThan(1_048_576)
  })
})

describe('an execution', () => {
  it('over a listing makes the objects that live traffic makes, byte for byte', async () => {
    await putLogs(10)
    await putObject(s3, logs, 'AWSLogs/123456789012/', '') // what a console makes of a folder
    await putObject(s3, logs, 'elsewhere/x.log', flows(3, 900))
    const execution = await execute(definition({ concurrency: 2 }), { bucket: logs, prefix: 'AWSLogs/' }, worldOf(handlerOf('lake')))
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { items: { total: 11, succeeded: 11 } }, retries: [] })
    expect(execution.mapRuns[0]).toMatchObject({ label: 'Listing', peak: 2 })
    expect(execution.mapRuns[0]!.children.map(({ output }) => output)).toMatchObject([
      { records: { in: 9, written: 9 }, skipped: { no_events: 1 } },
      { records: { in: 12, written: 12 } },
      { records: { in: 9, written: 9 } },
    ])
    const made = await lakeObjects()
    expect(made.size).toBe(10)
    const live = await convertLive('live')
    for (const [key, bytes] of made) expect(live.get(key), key).toEqual(bytes)
  })

  it('beside live traffic, and again, adds no object', async () => {
    await putLogs(5)
    const live = await convertLive('lake')
    for (let run = 0; run < 2; run++) {
      await execute(definition(), { bucket: logs, prefix: '' }, worldOf(handlerOf('lake')))
      expect(await lakeObjects()).toEqual(live)
    }
  })

  it('over an inventory reads its encoded keys, and only what is current and asked for', async () => {
    await putLogs(3)
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: logs }))
    const row = (key: string, size: number, etag: string, latest = true, deleted = false) =>
      [logs, encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+'), '', latest, deleted, size, etag].map(cell => `"${cell}"`).join(',')
    const rows = Contents.map(({ Key = '', Size = 0, ETag = '' }) => row(Key, Size, ETag.replaceAll('"', '')))
    rows.push(row('AWSLogs/old.log', 9, 'ab', false), row('AWSLogs/gone.log', 0, '', true, true), row('other/x.log', 9, 'ab'))
    await putObject(s3, lake, 'inventory/data.csv', rows.join('\n'))
    const fileSchema = 'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag'
    await putObject(s3, lake, 'inventory/manifest.json', JSON.stringify({ fileSchema, files: [{ key: 'inventory/data.csv' }] }))
    const input = { bucket: logs, prefix: 'AWSLogs/', inventory: { bucket: lake, key: 'inventory/manifest.json' } }
    const execution = await execute(definition({ batchItems: 100 }), input, worldOf(handlerOf('lake')))
    expect(execution).toMatchObject({ status: 'SUCCEEDED', mapRuns: [{ label: 'Inventory', children: [{ output: { records: { in: 9, written: 9 } } }] }] })
    expect(execution.mapRuns[0]!.children[0]!.output).toMatchObject({ skipped: { not_latest: 1, not_created: 1, other_prefix: 1 } })
    expect(await lakeObjects()).toEqual(await convertLive('live'))
  })

  it('does the rest of a batch in the next round, and counts all rounds', async () => {
    await putLogs(4)
    let broken = 1
    proxy.intercept = ({ method }, response, url) =>
      method === 'GET' && url.pathname.includes('/2%20a') && broken-- > 0 && sayS3Error(response, 503, 'SlowDown')
    const world = worldOf(handlerOf('lake'))
    const execution = await execute(definition(), { bucket: logs, prefix: '' }, world)
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      retries: [],
      mapRuns: [{ children: [{ output: { records: { in: 12, written: 12 }, objects: 4 } }] }],
    })
    expect(world.calls).toMatchObject([{ Items: { length: 4 } }, { Items: [{ Key: keyOf(2) }], BatchInput: { before: { objects: 3 } } }])
  })

  it('does in several rounds what one function has no time for', async () => {
    await putLogs(4)
    // time for one object: it is over once the function has looked at it a few times
    const hurried = (): LambdaContext => {
      let looks = 0
      return { getRemainingTimeInMillis: () => (looks++ < 6 ? 60_000 : 0) }
    }
    const world = worldOf(handlerOf('lake'), undefined, hurried)
    const execution = await execute(definition(), { bucket: logs, prefix: '' }, world)
    expect(execution).toMatchObject({ status: 'SUCCEEDED', mapRuns: [{ children: [{ output: { records: { in: 12, written: 12 }, objects: 4 } }] }] })
    const rounds = world.calls.map(call => (call as { Items: unknown[] }).Items.length)
    expect(rounds.length).toBeGreaterThan(1)
    expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => b - a)) // each leaves less
    expect(await lakeObjects()).toEqual(await convertLive('live'))
  })

  it('of another state machine, which would not look for the rest, sees an error', async () => {
    await putLogs(1)
    const event = { Items: [{ Key: keyOf(0) }, { Key: 'gone' }], BatchInput: { bucket: logs } }
    await expect(handlerOf('lake')(event, context())).rejects.toMatchObject({
      code: 'work_undone',
      message: expect.stringContaining(`1 of 2 left undone: s3://${logs}/gone`),
    })
  })

  it('waits while the function is throttled, longer each time', async () => {
    await putLogs(1)
    let throttled = 9
    const world = worldOf(handlerOf('lake'), () => {
      if (throttled-- > 0) throw new StateError('Lambda.TooManyRequestsException', 'Rate Exceeded.')
    })
    const execution = await execute(definition(), { bucket: logs, prefix: '' }, world)
    expect(execution.status).toBe('SUCCEEDED')
    expect(execution.retries.map(({ seconds }) => seconds)).toEqual([2, 4, 8, 16, 32, 64, 120, 120, 120])
  })

  it('names what it could not do, fails at its end, and does it when it is asked for what was left', async () => {
    await putLogs(30)
    let denied = true
    proxy.intercept = ({ method }, response, url) => denied && method === 'GET' && url.pathname.includes('/7%20a') && sayS3Error(response, 403, 'AccessDenied')
    const options = { batchItems: 3, toleratedFailurePercentage: 10 }
    const first = await execute(definition(options), { bucket: logs, prefix: '' }, worldOf(handlerOf('lake')))
    expect(first).toMatchObject({
      status: 'FAILED',
      error: 'ItemsLeftUndone',
      cause: `27 of 30 items done. What is left stands in s3://${lake}/runs/Listing-run/manifest.json`,
    })
    expect((await lakeObjects()).size).toBe(29) // its neighbours in the batch are done, too
    const failed = JSON.parse(await worldOf(handlerOf('lake')).get(lake, 'runs/Listing-run/FAILED_0.json'))
    expect(failed).toMatchObject([{ Error: 'OcsfLakeError', Cause: expect.stringContaining(`s3://${logs}/${keyOf(7)}`) }])

    const undone = (run: string) => ({ undone: { bucket: lake, key: `runs/${run}-run/FAILED_0.json` } })
    const second = await execute(definition(options), undone('Listing'), worldOf(handlerOf('lake')))
    expect(second).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' })
    denied = false
    const world = worldOf(handlerOf('lake'))
    expect(await execute(definition(options), undone('Undone'), world)).toMatchObject({ status: 'SUCCEEDED', output: { items: { total: 1, succeeded: 1 } } })
    expect(world.calls).toHaveLength(1)
    expect(await lakeObjects()).toEqual(await convertLive('live'))
  })

  it('that was stopped by too many failures goes on where it stopped when it is redriven', async () => {
    await putLogs(12)
    let denied = true
    proxy.intercept = ({ method }, response, url) => denied && method === 'GET' && url.pathname.includes('/1%20a') && sayS3Error(response, 403, 'AccessDenied')
    const world = worldOf(handlerOf('lake'))
    const execution = await execute(definition({ concurrency: 1, toleratedFailurePercentage: 0 }), { bucket: logs, prefix: '' }, world)
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' })
    const before = world.calls.length
    denied = false
    await execution.redrive()
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { items: { total: 12, succeeded: 12 } } })
    expect(world.calls.slice(before)[0]).toMatchObject({ Items: [{ Key: keyOf(1) }] }) // not those that were done
    expect(await lakeObjects()).toEqual(await convertLive('live'))
  })

  it('refuses what was merged in a compacted partition, and says so', async () => {
    await putLogs(4)
    const live = await convertLive('lake')
    const [merged = ''] = live.keys()
    const partition = `ext/${partitionOfKey(merged)}`
    await writeMarker(openStore(`s3://${lake}/lake`, { region: 'us-east-1', endpoint: proxy.url }), partition, {
      merged: [merged.slice(merged.lastIndexOf('/') + 1)],
    })
    const execution = await execute(definition({ batchItems: 2, toleratedFailurePercentage: 50 }), { bucket: logs, prefix: '' }, worldOf(handlerOf('lake')))
    expect(execution).toMatchObject({ status: 'FAILED', error: 'ItemsLeftUndone' })
    const [failed] = execution.mapRuns[0]!.children.filter(({ status }) => status === 'FAILED')
    expect(failed!.cause).toContain(`${partition} was compacted`)
    expect([...(await lakeObjects()).keys()].filter(key => !key.endsWith('_compacted.json'))).toEqual([...live.keys()])
  })
})
