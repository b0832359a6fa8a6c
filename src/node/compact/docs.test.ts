/** docs/compact.md and the help: their commands as a user runs them, and the names they give. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SOURCES } from '../../sources/index.js'
import { type RunningServer, startFauxqs, TEST_CREDENTIALS, testClient } from '../aws/testing.js'
import { bin } from '../testing.js'
import type { CompactReport } from './compact.js'
import { convertFlows, FLOW_PARTITION, writeFlows } from './testing.js'

const text = readFileSync(new URL('../../../docs/compact.md', import.meta.url), 'utf8')
const commands = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) => block!.trim().split('\n'))
const vpcFlow = SOURCES.find(({ id }) => id === 'vpc-flow')!

let folder: string
let server: RunningServer
let client: S3Client
let env: NodeJS.ProcessEnv
const saved = { ...process.env }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-compact-docs-'))
  server = await startFauxqs()
  client = testClient(server.url)
  await client.send(new CreateBucketCommand({ Bucket: 'example-lake' }))
  env = {
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
  }
  Object.assign(process.env, env)
  const logs = writeFlows(join(folder, 'logs'), 3, 20)
  for (const lake of [join(folder, 'lake'), 's3://example-lake/ocsf']) await convertFlows(logs, lake, vpcFlow)
}, 60_000)
afterAll(async () => {
  for (const name of Object.keys(env)) {
    if (saved[name] === undefined) delete process.env[name]
    else process.env[name] = saved[name]
  }
  client.destroy()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

function ocsfLake(args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, ...env, NODE_NO_WARNINGS: '1' } })
    const out = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => {
      out.stdout += String(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      out.stderr += String(chunk)
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, ...out }))
  })
}

const objects = (): string[] => readdirSync(join(folder, 'lake', FLOW_PARTITION)).filter(name => name.endsWith('.parquet'))
const rowOf = (name: string): RegExp => new RegExp(`^\\| .*\`${name.replace(/[.[\]]/g, '\\$&')}\``, 'm')

describe('the guide', () => {
  it('has commands that work, in the order in which they stand', async () => {
    expect(commands).toHaveLength(3)
    const results = []
    for (const command of commands) {
      const [program, ...args] = command.split(' ')
      expect(program).toBe('ocsf-lake')
      results.push(await ocsfLake(args))
      if (args.includes('--dry-run')) expect(objects()).toHaveLength(3)
    }
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(results[0]!.stderr).toMatch(/planned +1 partitions/)
    expect(results[0]!.stderr).toMatch(/3 objects into 1: vpc-flow, network_activity \(4001\), OCSF 1\.1\.0, mapping \d+/)
    expect(results[1]!.stderr).toMatch(/rows +60 in, 60 out, 0 repeats dropped/)
    expect(objects()).toHaveLength(1)
    const report = JSON.parse(results[2]!.stdout) as CompactReport
    expect(report).toMatchObject({
      lake: 's3://example-lake/ocsf',
      olderThanDays: 30,
      targetBytes: 512 * 2 ** 20,
      objects: { before: 3, after: 1 },
      rows: { in: 60, out: 60 },
    })
    for (const name of ['partitions', 'objects', 'bytes', 'rows', 'compacted']) {
      expect(report).toHaveProperty(name)
      expect(text).toMatch(rowOf(name))
    }
    for (const name of ['state', 'merges', 'left']) {
      expect(report.compacted[0]).toHaveProperty(name)
      expect(text).toMatch(rowOf(`compacted[].${name}`))
    }
  }, 60_000)

  it('names every reason for which objects are left', () => {
    for (const reason of ['foreign', 'columns_unknown', 'damaged', 'not_sorted', 'day_other', 'too_dense', 'changed', 'written_again'])
      expect(text).toContain(`\`${reason}\``)
  })
})

describe('ocsf-lake compact', () => {
  it('prints help with examples, and every option', async () => {
    const { code, stdout } = await ocsfLake(['compact', '--help'])
    expect(code).toBe(0)
    for (const part of ['Examples:', 'Exit codes:', '--older-than', '--target-size', '--security-lake', '--kms-key', '--dry-run', '--json'])
      expect(stdout).toContain(part)
  })

  it('exits with 2 and says why when objects are left', async () => {
    const [name] = objects()
    const bytes = readFileSync(join(folder, 'lake', FLOW_PARTITION, name!))
    writeFileSync(join(folder, 'lake', FLOW_PARTITION, '0.parquet'), bytes.subarray(0, 999))
    const { code, stderr } = await ocsfLake(['compact', 'lake'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/1 left, which cannot be read: restore them, .*: 0\.parquet/)
  })

  it.each([
    ['a bucket of Security Lake', ['s3://aws-security-data-lake-eu-central-1-example'], /^ocsf-lake: s3:\S+ belongs to Security Lake/],
    ['a size that is none', ['lake', '--target-size', 'huge'], /Give a number of bytes/],
    ['days that are none', ['lake', '--older-than', 'never'], /^ocsf-lake: --older-than takes/],
    ['no lake', [], /missing required argument 'lake'/],
  ])('exits with 1 and one sentence for %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await ocsfLake(['compact', ...args])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
