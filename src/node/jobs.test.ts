/** Units side by side: the same objects, rejects and report as one job, and no unit lost when a thread fails. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OcsfLakeError } from '../errors.js'
import { emptyReport, type Report } from '../lake/report.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { convertFiles } from './convert-files.js'
import type { Input } from './inputs.js'
import { runLanes } from './lanes.js'
import type { ConvertFilesOptions, Progress } from './options.js'
import { createNames, type Unit } from './units.js'
import { openWorkerLane, type WorkerSetup } from './worker-lane.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-jobs-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put(name: string, content: string | Uint8Array): void {
  const path = join(folder, 'in', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (n: number) =>
  `2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.${n % 250} 198.51.100.7 ${1024 + (n % 50_000)} 443 6 10 ${840 + n} ${1714521600 + n} 1714521660 ACCEPT OK`
const flows = (from: number, count: number) => [HEADER, ...Array.from({ length: count }, (_, n) => flow(from + n))].join('\n')
const trail = (n: number) => ({
  eventVersion: '1.09',
  userIdentity: { type: 'IAMUser', principalId: 'AIDAEXAMPLE', arn: 'arn:aws:iam::123456789012:user/alice', accountId: '123456789012', userName: 'alice' },
  eventTime: '2024-05-01T00:00:00Z',
  eventSource: 's3.amazonaws.com',
  eventName: 'ListBuckets',
  awsRegion: 'us-east-1',
  sourceIPAddress: '192.0.2.10',
  userAgent: 'aws-cli/2.15.30',
  requestID: `REQ${n}`,
  eventID: `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`,
  eventType: 'AwsApiCall',
  recipientAccountId: '123456789012',
})

/** Every kind of unit, the slow ones first and in between, so that threads finish out of order. */
function putMixed(): void {
  put('a-large.log.gz', gzipSync(flows(0, 3000)))
  put('b-trail.json', JSON.stringify({ Records: [trail(1), trail(2), trail(1)] }))
  put('c-empty.log', '')
  put('d-small.log', flows(10, 3))
  const zipped = gzipSync(flows(0, 2000))
  put('e-cut.log.gz', zipped.subarray(0, zipped.length - 200))
  put('f-unknown.bin', 'nothing that AWS writes\n')
  put(
    'AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2024/05/01/x.json.gz',
    gzipSync('{"awsAccountId":"123456789012","digestStartTime":"2024-05-01T00:00:00Z"}'),
  )
  put('g-same.log', flows(10, 3)) // the bytes of d-small.log
  put('h-bad.log', `${HEADER}\n${flow(1)}\nnot a flow\n`)
  put('i-same.log', flows(10, 3))
  put('j-trail.json.gz', gzipSync(JSON.stringify({ Records: [trail(3)] })))
  put('k-unknown.bin', 'nothing that AWS writes\n')
}

/** Each file below a folder with the hash of its bytes. */
function filesBelow(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = files.map(entry => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(paths.map(path => [relative(root, path), createHash('sha256').update(readFileSync(path)).digest('hex')]))
}

async function run(jobs: number, options: Partial<ConvertFilesOptions> = {}) {
  const out = join(folder, `lake-${jobs}`)
  const { ms: _, ...report } = await convertFiles({ inputs: [join(folder, 'in')], out, jobs, ...options })
  return { report: JSON.stringify(report, null, 1), files: filesBelow(out), folders: readdirSync(out).sort() }
}

describe('jobs', () => {
  it.each<[string, Partial<ConvertFilesOptions>]>([
    ['each input a unit', {}],
    ['groups of inputs', { group: 30_000 }],
    ['NDJSON files', { format: 'ndjson' }],
    ['one fixed source, another version, raw records', { source: vpcFlow, ocsf: '1.8.0', raw: 'keep', observables: false, compression: 'gzip' }],
  ])('give the files and the report of one job: %s', async (_name, options) => {
    putMixed()
    const one = await run(1, options)
    const { read, skipped, failed } = (JSON.parse(one.report) as Report).files
    expect(read + skipped + failed).toBe(12)
    expect(Object.keys(one.files).length).toBeGreaterThan(4)
    for (const jobs of [2, 3]) expect(await run(jobs, options), `${jobs} jobs`).toEqual(one)
  })

  it('read standard input beside files', async () => {
    put('a.log', flows(0, 10))
    const stdin = () => Readable.from([Buffer.from(flows(20, 5))])
    const inputs = [join(folder, 'in'), '-']
    expect(await run(2, { inputs, stdin: stdin() })).toEqual(await run(1, { inputs, stdin: stdin() }))
  })

  it('tell their progress, up to all files, bytes and records', async () => {
    putMixed()
    const told: Progress[] = []
    const report = await convertFiles({ inputs: [join(folder, 'in')], out: join(folder, 'lake'), jobs: 2, onProgress: progress => told.push(progress) })
    const { files, bytes } = told[0]!
    expect(files).toBe(12)
    expect(told.at(-1)).toEqual({ files, bytes, filesDone: files, bytesDone: bytes, records: report.records.in })
    for (const [n, { filesDone }] of told.entries()) expect(filesDone).toBeGreaterThanOrEqual(told[n - 1]?.filesDone ?? 0)
  })

  it('surface the operator fault that one job meets first', async () => {
    putMixed()
    const fault = async (jobs: number) => {
      const out = join(folder, 'lake')
      mkdirSync(join(out, 'ext'), { recursive: true })
      writeFileSync(join(out, 'ext/vpc-flow-4001'), 'in the way')
      const error: unknown = await convertFiles({ inputs: [join(folder, 'in')], out, jobs }).catch((cause: unknown) => cause)
      rmSync(out, { recursive: true })
      expect(error).toBeInstanceOf(OcsfLakeError)
      return error as OcsfLakeError
    }
    const one = await fault(1)
    expect(one.code).toBe('output_unwritable')
    const two = await fault(2)
    expect([two.code, two.message]).toEqual([one.code, one.message])
    expect(two.cause).toMatchObject({ message: (one.cause as Error).message })
  })

  it('leave nothing half-written behind after a fault', async () => {
    putMixed()
    const out = join(folder, 'lake')
    mkdirSync(join(out, 'vpc-flow.4001.ndjson'), { recursive: true })
    await expect(convertFiles({ inputs: [join(folder, 'in')], out, jobs: 2, format: 'ndjson' })).rejects.toMatchObject({ code: 'output_unwritable' })
    expect(readdirSync(out).filter(name => name.startsWith('.'))).toEqual([])
  })

  it.each<[string, Partial<ConvertFilesOptions>, RegExp]>([
    ['no number', { jobs: Number.NaN }, /^--jobs takes a whole number above 0\.$/],
    ['none', { jobs: 0 }, /whole number/],
    ['half a job', { jobs: 1.5 }, /whole number/],
    ['NDJSON on standard output', { jobs: 2, format: 'ndjson', out: undefined }, /^NDJSON on standard output is written by one job: .+\.$/],
    ['a source of your own', { jobs: 2, sources: [{ ...vpcFlow, id: 'mine' }] }, /built-in sources only, and mine is none/],
    ['a fixed source of your own', { jobs: 2, source: { ...vpcFlow } }, /built-in sources only, and vpc-flow is none/],
    ['an unknown compression', { jobs: 2, compression: 'lzma' as 'zstd' }, /lzma/],
  ])('are refused: %s', async (_name, options, message) => {
    put('a.log', flows(0, 1))
    put('b.log', flows(1, 1))
    const error: unknown = await run(2, options).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(OcsfLakeError)
    expect(error).toMatchObject({ code: 'option_invalid', message: expect.stringMatching(message) })
  })
})

describe('a worker thread that stops', () => {
  const setup: WorkerSetup = {
    settings: {
      out: '.',
      lake: undefined,
      rejects: undefined,
      state: undefined,
      s3: {},
      ocsf: '1.1.0',
      region: undefined,
      account: undefined,
      fields: undefined,
      logFormat: undefined,
      compression: 'zstd',
      compressionLevel: undefined,
      raw: undefined,
      observables: true,
      maxBytes: 1,
    },
    source: undefined,
    sources: [],
    scratch: undefined,
  }
  const input = (key: string): Input => ({ path: `/${key}`, key, size: 1, open: () => Readable.from([]) })
  const units: Unit[] = [0, 1, 2].map(index => ({ index, inputs: [input(`${index}.log`)] }))
  const result = JSON.stringify({ report: emptyReport('1.1.0'), lines: [] })
  /** Answers each unit with a result, but runs `special` for the unit with an index. */
  const program = (index: number, special: string) =>
    new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from 'node:worker_threads'
        parentPort.on('message', order => {
          if (order.name !== undefined || order.unit.index !== ${index}) parentPort.postMessage({ result: ${result} })
          else { ${special} }
        })`)}`,
    )
  const runWith = async (entry: URL) => {
    const names = createNames()
    const done: number[] = []
    const lanes = [0, 1].map(() => openWorkerLane(setup, { claim: names.claim, onProgress() {} }, entry))
    const error: unknown = await runLanes(units, lanes, { done: async ({ index }) => void done.push(index), failed: names.fail }).catch(
      (cause: unknown) => cause,
    )
    return { error, done }
  }

  it.each([
    ['throws', "throw new TypeError('boom')", /^A worker thread stopped while it converted 1\.log: TypeError: boom$/],
    ['leaves a promise rejected', "Promise.reject(new RangeError('late'))", /1\.log: RangeError: late$/],
    ['exits', 'process.exit(0)', /^A worker thread stopped while it converted 1\.log$/],
  ])('fails the run and says at which unit: it %s', async (_how, special, message) => {
    const { error, done } = await runWith(program(1, special))
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
    expect(done).not.toContain(1)
  })

  it('is the end of the real program, too, when it meets a bug', async () => {
    const { claim } = createNames()
    put('a.log', flows(0, 1))
    const unit = { index: 0, inputs: [{ ...input('a.log'), path: join(folder, 'in/a.log') }] }
    const lane = openWorkerLane({ ...setup, settings: { ...setup.settings, maxBytes: 1000 }, sources: ['no built-in source'] }, { claim, onProgress() {} })
    await expect(lane.convert(unit)).rejects.toThrow(/^A worker thread stopped while it converted a\.log: TypeError: /)
    await expect(lane.convert(unit)).rejects.toThrow(/^A worker thread stopped/)
  })

  it('says so when there is no program to run', async () => {
    const { error, done } = await runWith(new URL('file:///nowhere/worker.js'))
    expect(error).toMatchObject({ message: expect.stringMatching(/^A worker thread stopped while it converted 0\.log: .*worker\.js/) })
    expect(done).toEqual([])
  })

  it('lets the units that are under way end', async () => {
    const { error, done } = await runWith(program(1, 'setTimeout(() => process.exit(1), 50)'))
    expect(error).toBeInstanceOf(Error)
    expect(done).toContain(0)
  })

  it('has units named in their order, without waiting for one that failed', async () => {
    const names = createNames()
    const third = names.claim(units[2]!, 'same')
    const second = names.claim(units[1]!, 'same')
    names.fail(units[0]!)
    expect(await second).toBe('same')
    expect(await third).toMatch(/^[0-9a-f]{32}$/)
  })
})
