/** Runs each contestant in a fresh Node process from one bundle, so that start, JIT and memory are its own. */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Report } from '../src/lake/report.js'
import { DATA, type Dataset } from './generate.js'
import type { Cost } from './measure.js'

/** Who converts a data set, and how. */
export interface Contestant {
  readonly name: string
  readonly side: 'ours' | 'duckdb'
  /** Worker threads of ours, threads of DuckDB. */
  readonly threads: number
  /** Of DuckDB: ORDER BY time. Ours always sorts each object. */
  readonly sorted?: boolean
  /** Keeps the process on one core (`taskset`, Linux). */
  readonly pinned?: boolean
  /** Of ours: another Node, by its path. */
  readonly node?: string
}

export interface Run extends Cost {
  /** From start to exit of the process, in milliseconds. */
  readonly processMs: number
  /** Of our side. */
  readonly report?: Report
}

const BUILD = join(DATA, 'build')

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Bundles the sources as they are now; packages stay outside. */
export async function bundleSides(): Promise<void> {
  await build({
    entryPoints: {
      'child-ours': file('child-ours.ts'),
      'child-duckdb': file('child-duckdb.ts'),
      'child-stages': file('child-stages.ts'),
      worker: file('../src/node/worker.ts'), // our side finds it beside its own program
    },
    outdir: BUILD,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
}

/** Where a contestant writes. */
export function outOf({ name }: Contestant, { kind }: Dataset): string {
  return join(DATA, 'out', name.replace(/\W+/g, '-'), kind)
}

/** Converts a data set once, into an empty folder. */
export async function run(contestant: Contestant, data: Dataset): Promise<Run> {
  const { side, threads, sorted = false, pinned = false, node = process.execPath } = contestant
  const out = outOf(contestant, data)
  await rm(out, { recursive: true, force: true })
  const child = [node, join(BUILD, `child-${side}.js`), data.kind, data.folder, out, String(threads), String(sorted)]
  const started = performance.now()
  const text = await output(pinned ? ['taskset', '-c', '0', ...child] : child)
  return { ...(JSON.parse(text) as Omit<Run, 'processMs'>), processMs: performance.now() - started } // printed by our own child
}

/** What `child-stages` prints. */
export async function runStages({ kind, folder }: Dataset): Promise<string> {
  return output([process.execPath, join(BUILD, 'child-stages.js'), kind, folder])
}

/** How fast a source decodes and maps, in CPU time. */
export interface Rate {
  readonly source: string
  /** Fixtures that were repeated. */
  readonly cases: number
  readonly recordsPerSecond: number
  readonly mbPerSecond: number
}

export async function runRates(): Promise<readonly Rate[]> {
  // Bundled as users run it: tsx names every closure as it is made, which costs some sources most of their time.
  await build({
    entryPoints: [file('child-rates.ts')],
    outdir: BUILD,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
    define: { 'import.meta.url': JSON.stringify(new URL('../fixtures/cases.ts', import.meta.url).href) }, // the fixtures are found beside it
  })
  return JSON.parse(await output([process.execPath, join(BUILD, 'child-rates.js')])) as Rate[] // printed by our own child
}

/** The standard output of a command; its errors go to ours. */
export function output([command, ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(Buffer.concat(chunks).toString())
      else reject(new Error(`${[command, ...args].join(' ')} ended with ${code}`))
    })
  })
}
