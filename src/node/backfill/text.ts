/** A plan, and how an execution stands, for people. */
import type { Prices } from './assumptions.js'
import type { Followed, Step } from './follow.js'
import type { Amount, Limit, Plan, PlanSettings } from './plan.js'

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
/** Never 2e-7. */
const decimal = (value: number): string => value.toFixed(12).replace(/\.?0+$/, '')
const dollars = (value: number): string => `$${value < 100 ? value.toFixed(2) : whole(value)}`

/** Decimal, as AWS bills them. */
export function stored(bytes: number): string {
  if (bytes >= 1e15) return `${(bytes / 1e15).toFixed(1)} PB`
  if (bytes >= 1e12) return `${(bytes / 1e12).toFixed(1)} TB`
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return `${(bytes / 1e6).toFixed(bytes >= 1e6 ? 1 : 3)} MB`
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`
  return `${(seconds / 86_400).toFixed(1)} days`
}

/** What each limit is, in words; behind a colon what to do about it. */
export const LIMITS: Readonly<Record<Limit, string>> = {
  concurrency: 'the concurrency of the state machine',
  lambdaConcurrency: 'the concurrency of the account',
  childStarts: 'the batches that Step Functions starts in a second: put more objects into a batch',
  stateTransitions: 'the state transitions of the account: put more objects into a batch',
  listedObjects: 'the listing: start from an S3 inventory',
  s3Reads: 'reads of one prefix in S3',
  s3Writes: 'writes to one prefix in S3',
  kmsRequests: 'requests to KMS: turn S3 Bucket Keys on',
}

export interface Planned {
  readonly plan: Plan
  readonly amounts: Readonly<Record<string, Amount>>
  readonly archived: Amount
  readonly settings: Pick<PlanSettings, 'memoryMb' | 'concurrency' | 'batchItems'>
  readonly prices: Prices
}

export function planText(from: string, { plan, amounts, archived, settings, prices }: Planned): string {
  const lines: string[] = [`${from}: ${whole(plan.objects)} objects, ${stored(plan.bytes)} stored`]
  const row = (name: string, value: string): number => lines.push(`  ${name.padEnd(14)} ${value}`)
  for (const [source, { objects, bytes }] of Object.entries(amounts)) row(source, `${whole(objects)} objects, ${stored(bytes)}`)
  if (archived.objects > 0) row('archived', `${whole(archived.objects)} objects, ${stored(archived.bytes)}: restore them first, or they fail`)
  row('invocations', `${whole(plan.batches)} of up to ${settings.batchItems} objects, ${whole(plan.transitions)} state transitions`)
  row('function', `${whole(plan.functionSeconds)} s with ${settings.memoryMb} MB, ${settings.concurrency} at once`)
  row('duration', `about ${duration(plan.seconds)}, bound by ${LIMITS[plan.bound]}`)
  if (plan.enough < settings.concurrency) row('enough', `${whole(plan.enough)} at once: more is not quicker, and functions that wait are paid for`)
  const { lambda, stepFunctions, s3, kms, total } = plan.cost
  row('cost', `about ${dollars(total)}: Lambda ${dollars(lambda)}, Step Functions ${dollars(stepFunctions)}, S3 requests ${dollars(s3)}, KMS ${dollars(kms)}`)
  const { region, date, ...each } = prices
  const list = Object.entries(each).map(([name, value]) => `${name} ${decimal(value)}`)
  lines.push(`Prices of ${region}, ${date}, in dollars: ${list.join(', ')}`)
  return `${lines.join('\n')}\n`
}

export function stepText({ items, seconds }: Step): string {
  const left = [items.failed, items.timedOut, items.aborted].reduce((sum, count) => sum + count, 0)
  return `${duration(seconds)}: ${whole(items.succeeded)} of ${whole(items.total)} done, ${whole(items.running)} under way, ${whole(left)} failed`
}

/** How an execution ended, and what to do next. */
export function followedText(followed: Followed): string {
  const { executionArn, status, error, cause, failures } = followed
  const lines = [`${status === 'SUCCEEDED' ? 'done' : status.toLowerCase().replace('_', ' ')}: ${stepText(followed)}`]
  if (status === 'SUCCEEDED') return `${lines[0]}\n`
  if (error !== undefined) lines.push(`  ${error}: ${cause ?? ''}`)
  for (const failure of failures) lines.push(`  ${failure.error}: ${failure.cause}`)
  if (error !== 'ItemsCutOff') lines.push(`Mend what failed, then: ocsf-lake backfill --execution ${executionArn}`)
  return `${lines.join('\n')}\n`
}
