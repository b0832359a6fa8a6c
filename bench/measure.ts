/** What a piece of work takes in this process. */
import { readFileSync } from 'node:fs'

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
