/** Where an event belongs: `region=…/accountId=…/eventDay=…`, from the event itself, never from the clock. */
import { utcDay } from '../ocsf/time.js'

export interface Partition {
  readonly region: string
  readonly accountId: string
  /** UTC day of the event's `time`, `YYYYMMDD`. */
  readonly eventDay: string
}

/** What is used where the event does not say: from the object's key, then from the operator. */
export interface Fallback {
  readonly region?: string
  readonly account?: string
}

// Both become folder names: nothing that a log can carry may leave its folder.
const ACCOUNT = /^(?:\d{12}|external(?:_[\w.-]+)?)$/
const REGION = /^[a-z][a-z0-9-]{0,39}$/

export interface Located {
  readonly time: number
  readonly cloud?: { readonly region?: string; readonly account?: { readonly uid?: string } }
}

/**
 * The partition of a valid event. Account and region fall back to `unknown`, which a Security Lake target rejects.
 * https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html
 */
export function partitionOf(event: Located, fallback: Fallback): Partition {
  const account = event.cloud?.account?.uid
  const region = event.cloud?.region
  return {
    region: region !== undefined && REGION.test(region) ? region : (fallback.region ?? 'unknown'),
    accountId: account !== undefined && ACCOUNT.test(account) ? account : (fallback.account ?? 'unknown'),
    eventDay: utcDay(event.time) ?? 'unknown',
  }
}

export function isAccountId(text: string): boolean {
  return ACCOUNT.test(text)
}

export function isRegion(text: string): boolean {
  return REGION.test(text)
}
