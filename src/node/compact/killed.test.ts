/** A process that is killed while it compacts: at every change it makes, in a folder and in S3, and at any time. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SOURCES } from '../../sources/index.js'
import { objectsBelow, putObject, type RunningServer, startFauxqs, TEST_CREDENTIALS, testClient } from '../aws/testing.js'
import { convertFiles } from '../convert-files.js'
import { bin, compactModule } from '../testing.js'
import { compact } from './compact.js'
import { convertFlows, type Duck, FLOW_PARTITION, listed, startDuck, writeFlows } from './testing.js'

const vpcFlow = SOURCES.find(({ id }) => id === 'vpc-flow')!

let folder: string
let duck: Duck
beforeAll(async () => {
  duck = await startDuck()
})
afterAll(() => duck.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-killed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const FILES = 4
const ROWS = 60

/** A lake with two OCSF versions, so that there are two merges, and a copy of it. */
async function flowLake(): Promise<void> {
  const logs = writeFlows(join(folder, 'logs'), FILES, ROWS)
  const options = { out: join(folder, 'lake'), source: vpcFlow, region: 'eu-central-1' }
  await convertFiles({ ...options, inputs: logs.slice(0, 2) })
  await convertFiles({ ...options, inputs: logs.slice(2), ocsf: '1.3.0' })
  cpSync(join(folder, 'lake'), join(folder, 'before'), { recursive: true })
}

/** Compacts, and is killed before its n-th change of the store, objects removed one by one. */
const CHILD = `
  import { compact } from ${JSON.stringify(compactModule)}
  const [lake, last] = process.argv.slice(-2)
  let left = Number(last)
  const step = () => { if (left-- === 0) process.kill(process.pid, 'SIGKILL') }
  const storeOf = store => ({
    ...store,
    put: async object => { step(); return store.put(object) },
    move: async (from, to) => { step(); return store.move(from, to) },
    remove: async keys => { for (const key of keys) { step(); await store.remove([key]) } },
  })
  await compact({ lake, storeOf })
  console.log(Number(last) - left)
`

interface Ended {
  readonly signal: string | null
  readonly code: number | null
  readonly stdout: string
}

function child(args: readonly string[], env: NodeJS.ProcessEnv, killAfterMs?: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    process_.stdout.on('data', (chunk: Buffer) => {
      stdout += String(chunk)
    })
    if (killAfterMs !== undefined) setTimeout(() => process_.kill('SIGKILL'), killAfterMs)
    process_.on('error', reject)
    process_.on('close', (code, signal) => resolve({ code, signal, stdout }))
  })
}

const killedAt = (lake: string, step: number, env: NodeJS.ProcessEnv): Promise<Ended> =>
  child(['--input-type=module', '-e', CHILD, '--', lake, String(step)], env)

/** How often each row of the lake before is listed now: once at least, or throws; and the most. */
async function listedTimes(place: string): Promise<number> {
  const before = await duck.keep('before', listed(join(folder, 'before', FLOW_PARTITION)))
  const now = await duck.keep('now', listed(join(place, FLOW_PARTITION)))
  const keyed = (sql: string): string =>
    `SELECT metadata.version AS v, time, src_endpoint, dst_endpoint, traffic, connection_info, disposition_id FROM (${sql})`
  const [lost] = await duck.difference(keyed(before), keyed(now))
  expect(lost, 'rows that are not listed').toBe(0)
  const count = async (sql: string): Promise<number> => Number((await duck.rows(`SELECT count(*) AS n FROM (${sql})`))[0]!.n)
  const times = (await count(now)) / (await count(before))
  expect(times).toBeGreaterThanOrEqual(1)
  expect(times).toBeLessThanOrEqual(2)
  return times
}

/** Every row of every column is there once, in as few objects as without a kill. */
async function expectFinished(place: string): Promise<void> {
  const path = join(place, FLOW_PARTITION)
  expect(readdirSync(path).filter(name => name !== '_compacted.json' && !/^merged-0001-[0-9a-f]{32}\.parquet$/.test(name))).toEqual([])
  expect(readdirSync(path)).toHaveLength(3)
  expect(await duck.difference(listed(join(folder, 'before', FLOW_PARTITION)), listed(path))).toEqual([0, 0])
  expect(readFileSync(join(path, '_compacted.json'), 'utf8')).not.toContain('begun')
}

describe('compact in a folder', () => {
  it('killed before any of its changes, is finished by the next run: no row lost, none doubled', async () => {
    await flowLake()
    const lake = join(folder, 'lake')
    const steps = await killedAt(lake, 1000, {})
    expect(steps.code).toBe(0)
    await expectFinished(lake)
    const changes = Number(steps.stdout)
    expect(changes).toBe(2 + 1 + 2 + FILES + 1)
    const seen: number[] = []
    for (let step = 0; step < changes; step++) {
      rmSync(lake, { recursive: true })
      cpSync(join(folder, 'before'), lake, { recursive: true })
      expect((await killedAt(lake, step, {})).signal, `before change ${step}`).toBe('SIGKILL')
      seen.push(await listedTimes(lake))
      if (step % 3 === 1) expect((await killedAt(lake, 1, {})).signal ?? 'SIGKILL', `a second time, after change ${step}`).toBe('SIGKILL')
      await listedTimes(lake)
      await compact({ lake })
      await expectFinished(lake)
    }
    // twice from the first new object on until the last old one is gone, and only then
    expect(seen.slice(0, 4)).toEqual([1, 1, 1, 1])
    expect(seen.slice(4, -1).every(times => times > 1)).toBe(true)
    expect(seen.at(-1)).toBe(1)
  }, 240_000)

  it('killed again and again at any time, ends at last', async () => {
    await flowLake()
    const lake = join(folder, 'lake')
    let runs = 0
    for (let ended: number | null = null; ended === null; runs++) {
      ended = (await child([bin, 'compact', lake], {}, 100 + runs * 100)).code
      if (existsSync(join(lake, FLOW_PARTITION))) await listedTimes(lake)
    }
    expect(runs).toBeGreaterThan(1)
    await expectFinished(lake)
  }, 240_000)
})

describe('compact in S3', () => {
  const bucket = 'example-lake'
  let server: RunningServer
  let client: S3Client
  let env: NodeJS.ProcessEnv
  const saved = { ...process.env }
  beforeAll(async () => {
    server = await startFauxqs()
    client = testClient(server.url)
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    env = {
      AWS_ENDPOINT_URL_S3: server.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    }
    Object.assign(process.env, env)
  }, 60_000)
  afterAll(async () => {
    for (const name of Object.keys(env)) {
      if (saved[name] === undefined) delete process.env[name]
      else process.env[name] = saved[name]
    }
    client.destroy()
    await server.stop()
  })

  /** Puts the lake below a prefix of its own. */
  async function upload(prefix: string): Promise<string> {
    const path = join(folder, 'before', FLOW_PARTITION)
    for (const name of readdirSync(path)) await putObject(client, bucket, `${prefix}/${FLOW_PARTITION}${name}`, readFileSync(join(path, name)))
    return `s3://${bucket}/${prefix}`
  }

  /** What a reader lists, as a folder. */
  async function download(prefix: string): Promise<string> {
    const place = join(folder, 'read')
    rmSync(place, { recursive: true, force: true })
    for (const [key, bytes] of await objectsBelow(client, bucket, `${prefix}/`)) {
      mkdirSync(dirname(join(place, key)), { recursive: true })
      writeFileSync(join(place, key), bytes)
    }
    return place
  }

  it('writes the same objects as in a folder, and finishes what was killed before any change', async () => {
    await flowLake()
    await compact({ lake: join(folder, 'lake') })
    const lake = await upload('whole')
    const steps = await killedAt(lake, 1000, env)
    expect(steps.code).toBe(0)
    const whole = await download('whole')
    await expectFinished(whole)
    const names = readdirSync(join(folder, 'lake', FLOW_PARTITION)).filter(name => name.endsWith('.parquet'))
    for (const name of names)
      expect(readFileSync(join(whole, FLOW_PARTITION, name)).equals(readFileSync(join(folder, 'lake', FLOW_PARTITION, name)))).toBe(true)
    const changes = Number(steps.stdout)
    expect(changes).toBe(2 + 1 + 2 + FILES + 2 + 1)
    for (let step = 0; step < changes; step++) {
      const prefix = `step-${step}`
      const lake = await upload(prefix)
      expect((await killedAt(lake, step, env)).signal, `before change ${step}`).toBe('SIGKILL')
      await listedTimes(await download(prefix))
      await compact({ lake })
      await expectFinished(await download(prefix))
    }
  }, 240_000)

  it('takes new logs afterwards, and refuses those that were merged', async () => {
    await flowLake()
    const lake = await upload('later')
    await compact({ lake })
    const logs = writeFlows(join(folder, 'logs'), FILES, ROWS)
    await expect(convertFlows(logs.slice(0, 1), lake, vpcFlow)).rejects.toMatchObject({ code: 'partition_compacted' })
    const [late] = writeFlows(join(folder, 'late'), 1, ROWS, 77)
    expect((await convertFlows([late!], lake, vpcFlow)).objects).toMatchObject([{ put: 'written' }])
    expect((await compact({ lake })).rows).toEqual({ in: 3 * ROWS, out: 3 * ROWS, repeats: 0, twins: 0 })
  })
})
