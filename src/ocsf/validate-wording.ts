/** What validation finds, and how it names places and values. */
import type { Issue } from './issue.js'

export interface Findings {
  readonly issues: Issue[]
  readonly warnings: Issue[]
}

/** Adds one finding; path segments are names and list indexes. */
export type Report = (severity: keyof Findings, rule: string, path: readonly (string | number)[], expected: string, found: unknown) => void

/** Of each check and severity; more would only repeat themselves. */
export const MAX_FINDINGS = 100

const MAX_FOUND = 120
const MAX_EXPECTED = 240

/** `['resources', '0', 'uid']` as `resources[0].uid`; the event tells a list index from a name. */
export function pathText(event: unknown, segments: readonly (string | number)[]): string {
  let path = ''
  let node = event
  for (const segment of segments) {
    if (Array.isArray(node)) path += `[${segment}]`
    else path += path === '' ? segment : `.${segment}`
    node = typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[segment] : undefined // any object can be read by name
  }
  return path
}

/** A value in at most 120 characters: scalars as JSON, others by kind and size. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return cut(JSON.stringify(value.length > MAX_FOUND ? value.slice(0, MAX_FOUND) : value), MAX_FOUND)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object of ${Object.keys(value).length}`
  return cut(String(value), MAX_FOUND)
}

/** `one of 0, 1, 2, 99`. */
export function oneOf(values: Iterable<unknown>): string {
  return cut(`one of ${[...values].join(', ')}`, MAX_EXPECTED)
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}
