/** What a piece of work takes in this process, and where it was measured. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

export interface Cost {
  readonly wallMs: number
  /** User and system time of all threads. */
  readonly cpuMs: number
  /** Highest resident set of the process so far. */
  readonly rssBytes: number
}

export async function measured<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly cost: Cost }> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const result = await work()
  const wallMs = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  return { result, cost: { wallMs, cpuMs: (user + system) / 1000, rssBytes: peakRss() } }
}

/** `getrusage` counts the parent's memory from before `exec` too, so Linux's own mark goes first. */
function peakRss(): number {
  try {
    const mark = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    if (mark !== null) return Number(mark[1]) * 1024
  } catch {
    // not Linux
  }
  return process.resourceUsage().maxRSS * 1024
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** What a result needs to be understood later. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly commit: string
  readonly date: string
}

export function machine(): Machine {
  let commit = 'unknown'
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  } catch {
    // no git: the date must do
  }
  const cores = cpus()
  return { cpu: cores[0]?.model ?? 'unknown', cores: cores.length, node: process.version, commit, date: new Date().toISOString().slice(0, 10) }
}

/** Progress. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`)
