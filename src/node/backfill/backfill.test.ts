/**
 * `ocsf-lake backfill`: the real SDK client against a server that checks each request as the model of Step Functions has
 * it, and executes the real state machine with the real handler over S3.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
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
import { main } from '../cli.js'
import { createHandler } from '../lambda/index.js'
import { begin, countItems, type Execution, StateError, type Value, type World } from './testing.js'

const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:backfill'
const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:ocsf'
const executionArn = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:backfill:${name}`

let fauxqs: RunningServer
let s3Proxy: FaultyProxy
let s3: S3Client
let states: Server
let folder: string
let n = 0
let logs: string
let lake: string
/** By ARN. */
let executions: Map<string, { readonly input: string; readonly execution: Execution }>
let requests: { readonly action: string; readonly body: Record<string, unknown> }[]
let fault: ((action: string) => { readonly status: number; readonly name: string; readonly message: string } | undefined) | undefined

// ---- Step Functions ----

const NAME = /^[\w+!@.()=-]{1,80}$/
/** The members of each action, and what they must match. */
const ACTIONS: Record<string, Record<string, RegExp>> = {
  StartExecution: { stateMachineArn: /:stateMachine:/, name: NAME, input: /^\{/ },
  DescribeExecution: { executionArn: /:(execution|child):/ },
  ListMapRuns: { executionArn: /:execution:/ },
  DescribeMapRun: { mapRunArn: /:mapRun:/ },
  ListExecutions: { mapRunArn: /:mapRun:/, statusFilter: /^FAILED$/, maxResults: /^\d+$/ },
  RedriveExecution: { executionArn: /:execution:/, clientToken: /^[\w-]{1,64}$/ },
}

class Refused extends Error {}

function answer(action: string, body: Record<string, unknown>): object {
  const members = ACTIONS[action]
  if (members === undefined) throw new Refused('UnknownOperationException')
  const wrong =
    Object.keys(body).find(name => members[name]?.test(String(body[name])) !== true) ??
    Object.keys(members).find(name => !(name in body) && !['input', 'name'].includes(name))
  if (wrong !== undefined) throw new Refused('ValidationException')
  const arn = String(body.executionArn)
  if (action === 'StartExecution') {
    if (body.stateMachineArn !== MACHINE) throw new Refused('StateMachineDoesNotExist')
    const input = String(body.input)
    const started = executionArn(String(body.name))
    const execution = begin(definition, JSON.parse(input) as Value, world)
    executions.set(started, { input, execution })
    void execution.redrive()
    return { executionArn: started, startDate: 1_777_000_000 }
  }
  if (action === 'ListExecutions' || arn.includes(':child:')) {
    const runs = [...executions.values()].flatMap(({ execution }) => execution.mapRuns.filter(run => run.children.some(({ status }) => status === 'FAILED')))
    const failed = runs.flatMap(({ children }) => children).filter(({ status }) => status === 'FAILED')
    if (action === 'ListExecutions')
      return { executions: failed.slice(0, 1).map(({ name }) => ({ executionArn: `arn:aws:states:us-east-1:123456789012:child:${name}` })) }
    const { error, cause } = failed[0]!
    return { executionArn: arn, status: 'FAILED', error, cause, startDate: 1_777_000_000 }
  }
  if (action === 'DescribeMapRun') {
    const run = [...executions.values()].flatMap(({ execution }) => execution.mapRuns).find(one => one.arn === body.mapRunArn)!
    const { Total: total, Succeeded: succeeded, Failed: failed, Pending: pending } = countItems(run)
    return { mapRunArn: run.arn, status: 'RUNNING', itemCounts: { total, succeeded, failed, pending, running: 0, timedOut: 0, aborted: 0, resultsWritten: 0 } }
  }
  const found = executions.get(arn)
  if (found === undefined) throw new Refused('ExecutionDoesNotExist')
  const { execution, input } = found
  if (action === 'ListMapRuns')
    return { mapRuns: execution.mapRuns.map(run => ({ executionArn: arn, mapRunArn: run.arn, stateMachineArn: MACHINE, startDate: 1_777_000_000 })) }
  if (action === 'RedriveExecution') {
    if (execution.status !== 'FAILED') throw new Refused('ExecutionNotRedrivable')
    void execution.redrive()
    return { redriveDate: 1_777_000_000 }
  }
  const { status, error, cause } = execution
  const redriveStatus = status === 'FAILED' ? 'REDRIVABLE' : 'NOT_REDRIVABLE'
  return {
    executionArn: arn,
    stateMachineArn: MACHINE,
    status,
    input,
    error,
    cause,
    redriveStatus,
    startDate: 1_777_000_000,
    stopDate: status === 'RUNNING' ? undefined : 1_777_000_060,
  }
}

let definition: ReturnType<typeof backfillDefinition>
let world: World

beforeAll(async () => {
  fauxqs = await startFauxqs()
  s3Proxy = await startProxy(fauxqs.url)
  s3 = testClient(fauxqs.url)
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-backfill-'))
  states = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const say = (status: number, body: object) => {
      outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
      outgoing.end(JSON.stringify(body))
    }
    const action = String(incoming.headers['x-amz-target']).replace('AWSStepFunctions.', '')
    const body = JSON.parse(Buffer.concat(chunks).toString())
    requests.push({ action, body })
    if (!/\/us-east-1\/states\/aws4_request/.test(incoming.headers.authorization ?? ''))
      return say(400, { __type: 'InvalidSignatureException', message: 'scope' })
    const broken = fault?.(action)
    if (broken !== undefined) return say(broken.status, { __type: broken.name, message: broken.message })
    try {
      say(200, answer(action, body))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      say(400, { __type: error.message, message: 'said by a test' })
    }
  })
  await new Promise<void>(done => states.listen(0, '127.0.0.1', done))
  process.env.AWS_ENDPOINT_URL_SFN = `http://127.0.0.1:${(states.address() as AddressInfo).port}`
  process.env.AWS_ENDPOINT_URL_S3 = s3Proxy.url
  process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
  process.env.AWS_REGION = 'us-east-1'
})
afterAll(async () => {
  for (const name of ['AWS_ENDPOINT_URL_SFN', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION']) delete process.env[name]
  s3.destroy()
  states.closeAllConnections()
  states.close()
  rmSync(folder, { recursive: true, force: true })
  await s3Proxy.stop()
  await fauxqs.stop()
})
beforeEach(async () => {
  n++
  logs = `command-logs-${n}`
  lake = `command-lake-${n}`
  executions = new Map()
  requests = []
  fault = undefined
  s3Proxy.intercept = () => false
  for (const Bucket of [logs, lake]) await s3.send(new CreateBucketCommand({ Bucket }))
  definition = backfillDefinition({
    functionArn: FUNCTION,
    results: { bucket: lake, prefix: 'runs' },
    batchItems: 2,
    toleratedFailurePercentage: 60,
    concurrency: 2,
  })
  const handler = createHandler({
    lake: `s3://${lake}/lake`,
    sources: [vpcFlow],
    s3: { region: 'us-east-1', endpoint: s3Proxy.url, attempts: 1 },
    log: () => {},
  })
  world = {
    async list(Bucket, Prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))
      return Contents.map(({ Key = '', Size = 0, ETag = '' }) => ({ Etag: ETag, Key, Size }))
    },
    async get(Bucket, Key) {
      return (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
    },
    put: (bucket, key, text) => putObject(s3, bucket, key, text),
    inventory: async () => [],
    async invoke(_function, payload) {
      try {
        return JSON.parse(JSON.stringify(await handler(payload, { getRemainingTimeInMillis: () => 60_000 })))
      } catch (error) {
        throw new StateError((error as Error).name, (error as Error).message) // the handler throws errors only
      }
    },
  }
})

/** The command as `main` runs it, with what it wrote. */
async function ocsfLake(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(text => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation(text => err.push(String(text)) > 0),
  ]
  try {
    return { code: await main(['backfill', ...args]), stdout: out.join(''), stderr: err.join('') }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const FLOW = '2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 1024 443 6 10 840 1714521600 1714521660 ACCEPT OK'
const keyOf = (at: number) => `AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/05/01/123456789012_vpcflowlogs_us-east-1_fl-0a1b_20240501T0000Z_${at}.log.gz`
async function putLogs(count: number) {
  for (let at = 0; at < count; at++) await putObject(s3, logs, keyOf(at), gzipSync(`${FLOW}\n`))
}
const converted = async () => (await objectsBelow(s3, lake, 'lake/ext/')).size

describe('a plan', () => {
  it('counts what lies there, by source, and says what it takes with the prices it assumed', async () => {
    await putLogs(3)
    await putObject(s3, logs, 'AWSLogs/other.bin', 'x'.repeat(1000))
    await putObject(s3, logs, keyOf(9), 'old')
    // fauxqs keeps no storage classes
    s3Proxy.intercept = async ({ method, url: path }, response, url) => {
      if (method !== 'GET' || !url.searchParams.has('list-type')) return false
      const listing = await (await fetch(new URL(path!, fauxqs.url))).text()
      const [, before, after] = /^(.*<Key>[^<]*_9\.log\.gz<\/Key>.*?)(<\/Contents>.*)$/s.exec(listing)!
      response.writeHead(200, { 'content-type': 'application/xml' })
      response.end(`${before!.replace(/<StorageClass>\w+<\/StorageClass>(?=[^<]*$)/, '')}<StorageClass>GLACIER</StorageClass>${after}`)
      return true
    }
    const { code, stdout } = await ocsfLake(`s3://${logs}/AWSLogs/`, '--dry-run', '--batch', '2')
    expect(code).toBe(0)
    expect(stdout).toMatch(/: 4 objects, \d\.\d+ MB stored\n {2}vpc-flow +3 objects.*\n {2}unknown +1 objects.*\n {2}archived +1 objects.*restore/)
    expect(stdout).toContain('2 of up to 2 objects, 8 state transitions')
    expect(stdout).toMatch(/Prices of us-east-1, \d{4}-\d{2}, in dollars: lambdaGbSecond 0\.0000166667, lambdaRequest 0\.0000002,/)
    expect(requests).toEqual([])
  })

  it('takes other prices, and says them as JSON', async () => {
    await putLogs(2)
    const file = join(folder, 'prices.json')
    writeFileSync(file, JSON.stringify({ region: 'eu-central-1', stateTransition: 1 }))
    const { code, stdout } = await ocsfLake(`s3://${logs}/`, '--dry-run', '--prices', file, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      amounts: { 'vpc-flow': { objects: 2 } },
      plan: { objects: 2, batches: 1, transitions: 4, cost: { stepFunctions: 4 } },
      settings: { prices: { region: 'eu-central-1', stateTransition: 1, lambdaRequest: 0.0000002 } },
    })
    writeFileSync(file, JSON.stringify({ statetransition: 1 }))
    expect(await ocsfLake(`s3://${logs}/`, '--dry-run', '--prices', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it takes region, date, lambdaGbSecond'),
    })
  })

  it('counts an inventory, of which only current objects below the prefix', async () => {
    const rows = [
      `"${logs}","AWSLogs/a%3Db.log","true","false","1000","STANDARD"`,
      `"${logs}","AWSLogs/old.log","false","false","1000","STANDARD"`,
      `"${logs}","AWSLogs/cold.log","true","false","500","DEEP_ARCHIVE"`,
      `"${logs}","other/x.log","true","false","1000","STANDARD"`,
    ]
    await s3.send(new PutObjectCommand({ Bucket: lake, Key: 'inventory/data/1.csv.gz', Body: gzipSync(`${rows.join('\n')}\n`) }))
    const manifest = {
      sourceBucket: logs,
      destinationBucket: `arn:aws:s3:::${lake}`,
      fileFormat: 'CSV',
      fileSchema: 'Bucket, Key, IsLatest, IsDeleteMarker, Size, StorageClass',
      files: [{ key: 'inventory/data/1.csv.gz' }],
    }
    await putObject(s3, lake, 'inventory/manifest.json', JSON.stringify(manifest))
    const ask = () => ocsfLake(`s3://${logs}/AWSLogs/`, '--dry-run', '--inventory', `s3://${lake}/inventory/manifest.json`, '--json')
    const { stdout } = await ask()
    expect(JSON.parse(stdout)).toMatchObject({ plan: { objects: 1, bytes: 1000 }, archived: { objects: 1, bytes: 500 } })
    await putObject(s3, lake, 'inventory/manifest.json', JSON.stringify({ ...manifest, files: [{ key: 'inventory/gone.csv.gz' }] }))
    expect(await ask()).toMatchObject({ code: 1, stderr: expect.stringContaining('inventory/gone.csv.gz cannot be read') })
    await putObject(s3, lake, 'inventory/manifest.json', JSON.stringify({ ...manifest, fileFormat: 'Parquet' }))
    expect(await ask()).toMatchObject({ code: 1, stderr: expect.stringContaining('it is Parquet, and Step Functions reads CSV') })
  })
})

describe('a backfill', () => {
  it('is started, followed to its end, and in the lake', async () => {
    await putLogs(5)
    const { code, stdout, stderr } = await ocsfLake(`s3://${logs}/AWSLogs/`, '--machine', MACHINE, '--every', '0.05', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ status: 'SUCCEEDED', items: { total: 5, succeeded: 5 }, failures: [] }])
    expect(stderr).toContain('done: 60 s: 5 of 5 done, 0 under way, 0 failed')
    expect(requests[0]).toMatchObject({ action: 'StartExecution', body: { name: expect.stringMatching(/^backfill-\d{14}-[0-9a-f]{8}$/) } })
    expect(JSON.parse(String(requests[0]!.body.input))).toEqual({ bucket: logs, prefix: 'AWSLogs/' })
    expect(await converted()).toBe(5)
  })

  it('of nothing says so, planned or run', async () => {
    for (const more of [['--dry-run'], ['--machine', MACHINE, '--every', '0.05']]) {
      expect(await ocsfLake(`s3://${logs}/AWSlogs/`, ...more)).toMatchObject({ code: 1, stderr: expect.stringContaining('There are no objects to convert') })
    }
  })

  it('is only started with --no-follow, from an inventory too', async () => {
    const { code, stdout } = await ocsfLake(`s3://${logs}/`, '--machine', MACHINE, '--inventory', `s3://${lake}/a/manifest.json`, '--no-follow')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^arn:aws:states:us-east-1:123456789012:execution:backfill:backfill-\S+\n$/)
    expect(requests.map(({ action }) => action)).toEqual(['StartExecution'])
    expect(JSON.parse(String(requests[0]!.body.input))).toEqual({ bucket: logs, prefix: '', inventory: { bucket: lake, key: 'a/manifest.json' } })
  })

  it('with a failing object ends with 2 and its reason, and --execution does the rest', async () => {
    await putLogs(6)
    let denied = true
    s3Proxy.intercept = ({ method }, response, url) =>
      denied && method === 'GET' && url.pathname.endsWith('_3.log.gz') && sayS3Error(response, 403, 'AccessDenied')
    const first = await ocsfLake(`s3://${logs}/`, '--machine', MACHINE, '--every', '0.05')
    expect(first.code).toBe(2)
    expect(first.stderr).toContain('ItemsLeftUndone: 4 of 6 items done')
    expect(first.stderr).toMatch(/OcsfLakeError: 1 of 1 left undone: s3:\/\/\S+_3\.log\.gz\. Access denied/)
    const [, arn = ''] = /then: ocsf-lake backfill --execution (\S+)/.exec(first.stderr) ?? []
    denied = false
    const second = await ocsfLake('--execution', arn, '--every', '0.05', '--json')
    expect(second.code).toBe(0)
    expect(JSON.parse(second.stdout)).toMatchObject([{ status: 'SUCCEEDED', items: { total: 1, succeeded: 1 } }])
    expect(await converted()).toBe(6)
    expect(executions.size).toBe(2)
    expect(await ocsfLake('--execution', JSON.parse(second.stdout)[0].executionArn, '--every', '0.05')).toMatchObject({ code: 0 }) // nothing is left
    expect(executions.size).toBe(2)
  })

  it('that was stopped is redriven by --execution', async () => {
    await putLogs(6)
    let denied = true
    s3Proxy.intercept = ({ method }, response, url) =>
      denied && method === 'GET' && url.pathname.startsWith(`/${logs}/AWSLogs`) && sayS3Error(response, 403, 'AccessDenied')
    const first = await ocsfLake(`s3://${logs}/`, '--machine', MACHINE, '--every', '0.05')
    expect(first).toMatchObject({ code: 2, stderr: expect.stringContaining('States.ExceedToleratedFailureThreshold') })
    denied = false
    const second = await ocsfLake('--execution', [...executions.keys()][0]!, '--every', '0.05')
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('6 of 6 done') })
    expect(requests.some(({ action }) => action === 'RedriveExecution')).toBe(true)
    expect(executions.size).toBe(1)
    expect(await converted()).toBe(6)
  })

  it.each([
    ['AccessDeniedException', 400, 'allow states:StartExecution on arn:aws:states'],
    ['UnrecognizedClientException', 400, 'sign in again'],
    ['StateMachineDoesNotExist', 400, 'check the ARN'],
    ['ExecutionLimitExceeded', 400, 'wait until other executions are done'],
    ['InvalidExecutionInput', 400, 'see what Step Functions said'],
  ])('that meets %s ends with 1 and says what to do', async (name, status, sentence) => {
    fault = () => ({ status, name, message: 'because' })
    expect(await ocsfLake(`s3://${logs}/`, '--machine', MACHINE)).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) })
  })

  it.each([
    [[], 'Say which logs'],
    [['s3://my-logs/'], 'Say which state machine'],
    [['logs'], 'is no place in S3'],
    [['s3://my-logs/', '--machine', 'backfill'], 'is no ARN of a state machine'],
    [['--execution', MACHINE], 'is no ARN of an execution'],
    [['s3://my-logs/', '--execution', executionArn('a')], 'leave the logs'],
    [['s3://my-logs/', '--machine', MACHINE, '--inventory', 's3://my-logs/x.csv'], 'is no manifest'],
    [['s3://my-logs/', '--dry-run', '--memory', '0'], 'above 0'],
    [['--definition'], '--definition needs'],
  ])('%j is refused before anything is asked of AWS', async (args, sentence) => {
    expect(await ocsfLake(...args)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(sentence) })
    expect(requests).toEqual([])
  })

  it('has a state machine that can be printed', async () => {
    const { code, stdout } = await ocsfLake('--definition', '--function', FUNCTION, '--results', `s3://${lake}/runs/`, '--batch', '2', '--concurrency', '7')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(
      JSON.parse(JSON.stringify(backfillDefinition({ functionArn: FUNCTION, results: { bucket: lake, prefix: 'runs' }, batchItems: 2, concurrency: 7 }))),
    )
  })
})

describe('docs/command.md and docs/scaling.md', () => {
  const page = ['command', 'scaling'].map(name => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')).join('\n')
  const commands = [...page.matchAll(/^ocsf-lake backfill (.+)$/gm)].map(match => match[1]!)

  it('shows commands that do what it says', async () => {
    await putLogs(2)
    let denied = true
    s3Proxy.intercept = ({ method }, response, url) =>
      denied && method === 'GET' && url.pathname.endsWith('_1.log.gz') && sayS3Error(response, 403, 'AccessDenied')
    const ask = (command: string) => ocsfLake(...command.replaceAll('my-logs', logs).split(' '), ...(command.includes('states') ? ['--every', '0.05'] : []))
    const [plan, start, print, goOn, smaller] = commands as [string, string, string, string, string]
    expect(commands).toHaveLength(5)
    expect(await ask(plan)).toMatchObject({ code: 0, stdout: expect.stringContaining('vpc-flow       2 objects') })
    expect(await ask(smaller)).toMatchObject({ code: 0, stdout: expect.stringContaining('with 1024 MB, 200 at once') })
    expect((await ask(start)).code).toBe(2)
    denied = false
    expect(await ask(goOn.replace(/\S+$/, [...executions.keys()][0]!))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(' done, 0 under way, 0 failed'),
    })
    expect(await ask(print)).toMatchObject({ code: 0, stdout: expect.stringContaining('"StartAt": "From"') })
    expect(await converted()).toBe(2)
  })
})
