/** What one function takes for an object, by kind of log: CPU time of the real handler over the protocol of S3. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { build } from 'esbuild'
import { putObject, startFauxqs, TEST_CREDENTIALS, testClient } from '../src/node/aws/testing.js'
import { cloudTrailFiles } from './generate-cloudtrail.js'
import { flowFiles } from './generate-flow.js'
import { type Cost, median, say } from './measure.js'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Objects of two sizes tell what an object costs by itself and what its bytes cost. */
const SETS = {
  'vpc-flow': { small: [40, 300], large: [3, 60_000], texts: (files: number, records: number) => [...flowFiles(2, files, records, 7)] },
  cloudtrail: { small: [40, 40], large: [3, 8_000], texts: (files: number, records: number) => [...cloudTrailFiles(files, records, 7)] },
} as const
type Kind = keyof typeof SETS

export interface MeasuredRate {
  readonly source: Kind
  /** CPU milliseconds of an object, however small. */
  readonly objectMs: number
  /** MB of stored (gzip) bytes that a second of CPU time converts. */
  readonly mbPerSecond: number
  /** Raw bytes of a stored byte. */
  readonly ratio: number
  /** Parquet bytes of a stored byte. */
  readonly written: number
}

/** A run of the child held to a share of one processor. */
export interface HeldRun {
  readonly source: Kind
  readonly share: number
  /** Share that it really got, by its own CPU time over the wall time. */
  readonly got: number
  /** CPU time over that of the free run. */
  readonly cpu: number
}

interface ChildRun extends Cost {
  readonly result: { readonly records: { readonly in: number; readonly written: number; readonly rejected: number }; readonly bytes: number }
}

const program = file('../node_modules/.cache/capacity/child-capacity.js')

export async function measureRates(
  rounds: number,
  shares: readonly number[],
): Promise<{ readonly rates: readonly MeasuredRate[]; readonly held: readonly HeldRun[] }> {
  await build({
    entryPoints: [file('child-capacity.ts')],
    outfile: program,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@aws-sdk/*', '@bokuweb/zstd-wasm'],
    logLevel: 'error',
  })
  const server = await startFauxqs()
  const client = testClient(server.url)
  for (const Bucket of ['logs', 'lake']) await client.send(new CreateBucketCommand({ Bucket }))
  const rates: MeasuredRate[] = []
  const held: HeldRun[] = []
  for (const source of Object.keys(SETS) as Kind[]) {
    const { small, large, texts } = SETS[source]
    const sets = []
    for (const [size, [objects, records]] of Object.entries({ small, large })) {
      let raw = 0
      let stored = 0
      for (const [n, { text }] of texts(objects, records).entries()) {
        const body = gzipSync(text)
        raw += Buffer.byteLength(text)
        stored += body.length
        await putObject(client, 'logs', `${source}-${size}/${n}.gz`, body)
      }
      const once = (share?: number) => runChild(server.url, source, `${source}-${size}`, objects, share)
      const runs: ChildRun[] = []
      for (let round = 0; round < rounds; round++) runs.push(await once())
      const [{ result }] = runs as [ChildRun]
      if (result.records.rejected > 0 || result.records.written < result.records.in * 0.9) throw new Error(`${source}: ${JSON.stringify(result)}`)
      const cpuMs = median(runs.map(run => run.cpuMs))
      say(`${source} ${size}: ${objects} objects, ${(stored / objects / 1e3).toFixed(1)} kB stored, ${(cpuMs / objects).toFixed(1)} CPU ms each`)
      sets.push({ objects, raw, stored, cpuMs, written: result.bytes })
      if (size === 'large') {
        for (const share of shares) {
          const run = await once(share)
          held.push({ source, share, got: run.cpuMs / run.wallMs, cpu: run.cpuMs / cpuMs })
          say(`${source} held to ${share}: got ${(run.cpuMs / run.wallMs).toFixed(2)}, CPU time ${(run.cpuMs / cpuMs).toFixed(2)} of the free run`)
        }
      }
    }
    const [few, many] = sets as [(typeof sets)[number], (typeof sets)[number]]
    const msPerByte = (many.cpuMs / many.objects - few.cpuMs / few.objects) / (many.stored / many.objects - few.stored / few.objects)
    rates.push({
      source,
      objectMs: few.cpuMs / few.objects - (msPerByte * few.stored) / few.objects,
      mbPerSecond: 1 / (msPerByte * 1e3),
      ratio: many.raw / many.stored,
      written: many.written / many.stored,
    })
  }
  client.destroy()
  await server.stop()
  return { rates, held }
}

async function runChild(endpoint: string, source: Kind, prefix: string, objects: number, share: number | undefined): Promise<ChildRun> {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    NODE_NO_WARNINGS: '1',
  }
  const child = spawn(process.execPath, [program, endpoint, source, prefix, String(objects)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: join(file('..')),
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  await lines.next() // ready
  child.stdin!.write('go\n')
  const release = share === undefined ? () => {} : hold(child, share)
  const { value } = await lines.next()
  release()
  await once(child, 'exit')
  return JSON.parse(value) as ChildRun // printed by our own child
}

/**
 * Holds a process to a share of one processor, as the scheduler of Lambda does in slices: it is stopped whenever its CPU
 * time is ahead of the share. A control group would do it better, where one may be made.
 */
function hold(child: ChildProcess, share: number): () => void {
  const cpuMs = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10 // user and system time, in ticks of 10 ms
  }
  const started = performance.now()
  const before = cpuMs()
  const timer = setInterval(() => {
    try {
      child.kill(cpuMs() - before > share * (performance.now() - started) ? 'SIGSTOP' : 'SIGCONT')
    } catch {
      clearInterval(timer) // it has ended
    }
  }, 10)
  return () => {
    clearInterval(timer)
    child.kill('SIGCONT')
  }
}
