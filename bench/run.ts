/** Runs each side in a fresh Node process from one bundled file, so that start, JIT and memory are its own. */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Report } from '../src/lake/report.js'
import { DATA, type Dataset } from './generate.js'
import type { Cost } from './measure.js'

export const SIDES = ['ours', 'duckdb'] as const
export type Side = (typeof SIDES)[number]

export interface Run extends Cost {
  /** From start to exit of the process, in milliseconds. */
  readonly processMs: number
  /** Of our side. */
  readonly report?: Report
}

const BUILD = join(DATA, 'build')

/** Bundles the sources as they are now; packages stay outside. */
export async function bundleSides(): Promise<void> {
  await build({
    entryPoints: SIDES.map(side => fileURLToPath(new URL(`child-${side}.ts`, import.meta.url))),
    outdir: BUILD,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
}

/** Where a side writes. */
export function outOf(side: Side, { kind }: Dataset): string {
  return join(DATA, 'out', side, kind)
}

export interface RunOptions {
  /** Keeps the process on one core (`taskset`, Linux). */
  readonly pin?: boolean
}

/** Converts a data set once, into an empty folder. */
export async function run(side: Side, data: Dataset, { pin = false }: RunOptions = {}): Promise<Run> {
  const out = outOf(side, data)
  await rm(out, { recursive: true, force: true })
  const command = [...(pin ? ['taskset', '-c', '0'] : []), process.execPath, join(BUILD, `child-${side}.mjs`), data.kind, data.folder, out]
  const started = performance.now()
  const text = await output(command)
  return { ...(JSON.parse(text) as Omit<Run, 'processMs'>), processMs: performance.now() - started } // printed by our own child
}

function output([command, ...args]: readonly string[]): Promise<string> {
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
