/** Rejects converted again: settled once, kept while they fail, and nothing lost or doubled when a run is killed. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { vpcFlow } from '../sources/vpc-flow.js'
import { objectsBelow, putObject, type RunningServer, startFauxqs, TEST_CREDENTIALS, testClient } from './aws/testing.js'
import { convertFiles } from './convert-files.js'
import { replay } from './replay.js'
import { bin } from './testing.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-replay-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

// a format of its own: without the header line, a row says nothing
const HEADER = 'interface-id account-id srcaddr dstaddr srcport dstport protocol start end action log-status'
const flow = (n: number) => `eni-1 123456789012 192.0.2.${n} 198.51.100.7 ${1024 + n} 443 6 ${1714521600 + n} 1714521660 ACCEPT OK`
const bad = (n: number) => flow(n).replace('123456789012', 'BROKEN')

/** The source before the fix: it refuses what it does not understand yet. */
const before = {
  ...vpcFlow,
  map: (record: Parameters<typeof vpcFlow.map>[0], context: Parameters<typeof vpcFlow.map>[1]) => {
    if (record['account-id'] === 'BROKEN') throw new TypeError('BROKEN')
    return vpcFlow.map(record, context)
  },
}

const lake = () => join(folder, 'lake')
const rejects = () => join(folder, 'lake/rejects')
const rejectFiles = () =>
  readdirSync(rejects(), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ndjson'))
    .map(name => join(rejects(), name))
const parquets = () =>
  readdirSync(lake(), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.parquet'))
    .sort()

async function convertBroken(lines: readonly string[] = [HEADER, flow(1), bad(2), 'nonsense', bad(3)]): Promise<void> {
  writeFileSync(join(folder, 'a.log'), lines.join('\n'))
  await convertFiles({ inputs: [join(folder, 'a.log')], out: lake(), source: before, sources: [before] })
}

describe('replay', () => {
  it('writes what now succeeds and keeps what still fails, as it was found', async () => {
    await convertBroken()
    const [file] = rejectFiles()
    const report = await replay({ from: rejects(), out: lake() })
    expect(report.records).toEqual({ in: 3, written: 2, filtered: 0, duplicates: 0, rejected: 1 })
    expect(report.rejects).toEqual({ files: 1, records: 3, settled: 2, kept: 1, untried: {} })
    const left = readFileSync(file!, 'utf8')
    expect(left.split('\n')).toHaveLength(2)
    expect(JSON.parse(left)).toMatchObject({
      object: expect.stringContaining('a.log'),
      line: 4,
      raw: 'nonsense',
      preface: HEADER,
      issues: [{ rule: 'field_count' }],
    })
    expect(statSync(file!).mode & 0o777).toBe(0o600)
    expect(parquets()).toHaveLength(2) // the good row, and the two under the account that the log does not say
    expect(report.objects.map(({ key }) => key).every(key => parquets().includes(key))).toBe(true)
  })

  it('settles a reject once: a second run finds only what is left, and a file without any is gone', async () => {
    await convertBroken([HEADER, bad(2)])
    await replay({ from: rejects(), out: lake() })
    expect(rejectFiles()).toEqual([])
    const written = parquets()
    const again = await replay({ from: rejects(), out: lake() })
    expect([again.rejects.records, again.records.in, parquets()]).toEqual([0, 0, written])
  })

  it('changes nothing in a dry run', async () => {
    await convertBroken()
    const [files, objects] = [rejectFiles().map(path => readFileSync(path, 'utf8')), parquets()]
    const report = await replay({ from: rejects(), out: lake(), dryRun: true })
    expect(report.rejects).toMatchObject({ settled: 2, kept: 1 })
    expect(report.records.written).toBe(2)
    expect([rejectFiles().map(path => readFileSync(path, 'utf8')), parquets()]).toEqual([files, objects])
  })

  it('names its objects by the rejects, so that a run killed before they were settled repeats without a trace', async () => {
    await convertBroken()
    const [file] = rejectFiles()
    const content = readFileSync(file!)
    const first = await replay({ from: rejects(), out: lake() })
    const written = parquets()
    writeFileSync(file!, content) // as if it had been killed between the objects and the rejects
    const second = await replay({ from: rejects(), out: lake() })
    expect(second.objects).toEqual(first.objects.map(object => ({ ...object, put: 'unchanged' })))
    expect(parquets()).toEqual(written)
  })

  it('does not try what is only a part of a record', async () => {
    writeFileSync(join(folder, 'a.log.gz'), gzipSync([HEADER, ...Array.from({ length: 200 }, (_, n) => flow(n))].join('\n')).subarray(0, 400))
    await convertFiles({ inputs: [join(folder, 'a.log.gz')], out: lake(), source: vpcFlow })
    const files = rejectFiles().map(path => readFileSync(path, 'utf8'))
    const report = await replay({ from: rejects(), out: lake() })
    expect(report.rejects).toEqual({ files: 1, records: 1, settled: 0, kept: 1, untried: { gzip_truncated: 1 } })
    expect(rejectFiles().map(path => readFileSync(path, 'utf8'))).toEqual(files)
  })

  it('keeps lines that are no rejects, and rejects of a source it does not have', async () => {
    mkdirSync(join(rejects(), 'vpc-flow'), { recursive: true })
    mkdirSync(join(rejects(), 'my-source'), { recursive: true })
    const line = JSON.stringify({ object: 'a.log', line: 1, stage: 'map', issues: [{ rule: 'map_error' }], preface: HEADER, raw: flow(1) })
    writeFileSync(join(rejects(), 'vpc-flow/0.ndjson'), `cut off {\n${line}\n`)
    writeFileSync(join(rejects(), 'my-source/0.ndjson'), `${line}\n`)
    const report = await replay({ from: rejects(), out: lake() })
    expect(report.rejects).toEqual({ files: 2, records: 3, settled: 1, kept: 2, untried: { no_reject: 1, source_missing: 1 } })
    expect(readFileSync(join(rejects(), 'vpc-flow/0.ndjson'), 'utf8')).toBe('cut off {\n')
    expect(readFileSync(join(rejects(), 'my-source/0.ndjson'), 'utf8')).toBe(`${line}\n`)
  })

  it('uses what the envelope of the record said', async () => {
    mkdirSync(join(rejects(), 'vpc-flow'), { recursive: true })
    const raw = flow(1).replace('123456789012', '-')
    const reject = { object: 'logs/a', account: '210987654321', region: 'eu-north-1', stage: 'write', issues: [{ rule: 'undelivered' }], preface: HEADER, raw }
    writeFileSync(join(rejects(), 'vpc-flow/0.ndjson'), `${JSON.stringify(reject)}\n`)
    const report = await replay({ from: rejects(), out: lake() })
    expect(report.objects[0]!.key).toContain('region=eu-north-1/accountId=210987654321/')
  })
})

describe('ocsf-lake replay', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [bin, 'replay', ...args], { encoding: 'utf8' })
  it('says what is left, and ends with 2 while something is', async () => {
    await convertBroken()
    const text = run(rejects(), '--out', lake(), '--dry-run')
    expect(text.stderr).toMatch(/rejects: 3 in 1 files, 2 settled, 1 left; nothing was written\n$/)
    expect(text.status).toBe(2)
    const json = run(rejects(), '--out', lake(), '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ records: { in: 3, written: 2 }, rejects: { settled: 2, kept: 1 } })
    expect(run(join(folder, 'nowhere'), '--out', lake())).toMatchObject({ status: 1, stderr: expect.stringContaining('does not exist') })
    expect(run(rejects())).toMatchObject({
      status: 1,
      stderr: 'ocsf-lake: Say where the records go: give --out <dir>, --out s3://<bucket>/<prefix> or --security-lake <file>.\n',
    })
  })
})

describe('dead letters in S3', () => {
  let server: RunningServer
  let client: S3Client
  beforeAll(async () => {
    server = await startFauxqs()
    client = testClient(server.url)
    process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
  })
  afterAll(async () => {
    client.destroy()
    await server.stop()
  })

  it('are replayed in place', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'lake' }))
    const reject = (raw: string) =>
      `${JSON.stringify({ object: 's3://logs/a.log', line: 2, stage: 'map', issues: [{ rule: 'map_error' }], preface: HEADER, raw })}\n`
    await putObject(client, 'lake', 'letters/vpc-flow/0.ndjson', reject(flow(1)) + reject('nonsense'))
    await putObject(client, 'lake', 'letters/vpc-flow/1.ndjson', reject(flow(2)))
    const s3 = { region: 'us-east-1', endpoint: server.url }
    const report = await replay({ from: 's3://lake/letters', out: 's3://lake/ocsf', s3 })
    expect(report.rejects).toEqual({ files: 2, records: 3, settled: 2, kept: 1, untried: {} })
    const left = await objectsBelow(client, 'lake', 'letters/vpc-flow/')
    expect([...left].map(([key, bytes]) => [key, new TextDecoder().decode(bytes).split('\n').length - 1])).toEqual([
      ['0.ndjson', 1],
      ['1.ndjson', 0],
    ])
    expect((await objectsBelow(client, 'lake', 'ocsf/ext/')).size).toBe(2)
    expect((await replay({ from: 's3://lake/letters', out: 's3://lake/ocsf', s3 })).rejects).toMatchObject({ files: 1, settled: 0, kept: 1 })
  })
})
