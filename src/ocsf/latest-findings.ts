/** Findings are sent again with every change: one view of each out of a stream of events. */
import { stringify } from '../json.js'

/** A finding as the events so far tell it. */
export interface LatestFinding<E extends object = Record<string, unknown>> {
  /** `findingKey` of its events. */
  readonly key: string
  /** The event that was modified last, as it came. */
  readonly event: E
  /** Epoch milliseconds: the earliest that any of its events says. */
  readonly firstSeen: number | undefined
  /** Epoch milliseconds: the latest that any of its events says. */
  readonly lastSeen: number | undefined
  /** The highest count of occurrences that any of its events says. */
  readonly count: number | undefined
  /** Events about it. */
  readonly events: number
  /** That the latest event closes it: resolved, suppressed, archived or deleted. */
  readonly isClosed: boolean
}

export interface LatestFindingsOptions {
  /** `omit` leaves out findings whose latest event closes them; `keep` by default. */
  readonly closed?: 'keep' | 'omit'
}

/**
 * The latest view of each finding in a stream of events, in the order of their keys. The order in which the events come
 * does not matter, so files may be read in any order and an object twice differs in `events` only. Memory holds one event
 * for each distinct finding; events of other classes are left out.
 *
 * @example
 * const open = await latestFindings(events, { closed: 'omit' })
 */
export async function latestFindings<E extends object>(
  events: AsyncIterable<E> | Iterable<E>,
  { closed = 'keep' }: LatestFindingsOptions = {},
): Promise<readonly LatestFinding<E>[]> {
  const known = new Map<string, View<E>>()
  for await (const event of events) {
    const key = findingKey(event)
    if (key === undefined) continue
    const view = viewOf(event)
    const before = known.get(key)
    known.set(key, before === undefined ? view : both(before, view))
  }
  return [...known]
    .filter(([, { isClosed }]) => closed === 'keep' || !isClosed)
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([key, { event, firstSeen, lastSeen, count, events, isClosed }]) => ({ key, event, firstSeen, lastSeen, count, events, isClosed }))
}

/**
 * What identifies the finding of an event, the same for all its events; `undefined` where the event is no finding. An ARN
 * that names its account stands by itself, so that one GuardDuty finding has one key whether it comes from GuardDuty or
 * through Security Hub (ASFF or OCSF); any other `finding_info.uid` with product, account and region before it.
 */
export function findingKey(event: object): string | undefined {
  const uid = at(event, 'finding_info', 'uid')
  if (typeof uid !== 'string' || uid === '') return undefined
  if (ARN_WITH_ACCOUNT.test(uid)) return uid
  const product = at(event, 'metadata', 'product', 'name') ?? at(event, 'metadata', 'product', 'uid')
  return [product, at(event, 'cloud', 'account', 'uid'), at(event, 'cloud', 'region'), uid].map(part => (part === undefined ? '' : String(part))).join('|')
}

const ARN_WITH_ACCOUNT = /^arn:[^:]*:[^:]*:[^:]*:\d{12}:/

interface View<E> extends Omit<LatestFinding<E & object>, 'key' | 'event'> {
  readonly event: E
  /** By which the latest event is found, the most telling first. */
  readonly rank: readonly number[]
}

const CLOSE = 3
/** Suppressed, Resolved, Archived, Deleted; before 1.5 the last two are 99 with their text. */
const CLOSED_STATUSES: ReadonlySet<unknown> = new Set([3, 4, 5, 6])
const CLOSED_WORDS: ReadonlySet<unknown> = new Set(['Suppressed', 'Resolved', 'Archived', 'Deleted'])
const OTHER = 99

function viewOf<E extends object>(event: E): View<E> {
  const time = whole(at(event, 'time'))
  const created = whole(at(event, 'finding_info', 'created_time'))
  const modified = whole(at(event, 'finding_info', 'modified_time'))
  const lastSeen = whole(at(event, 'finding_info', 'last_seen_time')) ?? whole(at(event, 'end_time')) ?? modified ?? time
  const count = whole(at(event, 'count'))
  const status = whole(at(event, 'status_id'))
  const isClosed = whole(at(event, 'activity_id')) === CLOSE || CLOSED_STATUSES.has(status) || (status === OTHER && CLOSED_WORDS.has(at(event, 'status')))
  const rank = [
    modified ?? time,
    time,
    whole(at(event, 'metadata', 'processed_time')),
    whole(at(event, 'metadata', 'logged_time')),
    count,
    // the same change told twice: what was put away stays so, and the service itself says more than Security Hub
    isClosed ? 1 : 0,
    THROUGH_HUB.test(String(at(event, 'metadata', 'product', 'uid'))) ? 0 : 1,
  ]
  return {
    event,
    firstSeen: whole(at(event, 'finding_info', 'first_seen_time')) ?? whole(at(event, 'start_time')) ?? created ?? time,
    lastSeen,
    count,
    events: 1,
    isClosed,
    rank: rank.map(value => value ?? Number.NEGATIVE_INFINITY),
  }
}

/** The product of a finding in Security Hub is an ARN of Security Hub. */
const THROUGH_HUB = /^arn:[^:]*:securityhub:/

function both<E extends object>(one: View<E>, two: View<E>): View<E> {
  const { event, rank, isClosed } = isLater(two, one) ? two : one
  return {
    event,
    rank,
    isClosed,
    firstSeen: least(one.firstSeen, two.firstSeen),
    lastSeen: most(one.lastSeen, two.lastSeen),
    count: most(one.count, two.count),
    events: one.events + two.events,
  }
}

function isLater<E>(one: View<E>, two: View<E>): boolean {
  for (const [i, rank] of one.rank.entries()) if (rank !== two.rank[i]) return rank > two.rank[i]!
  // any order will do, as long as it is the same whichever comes first
  return stringify(one.event) > stringify(two.event)
}

function least(one: number | undefined, two: number | undefined): number | undefined {
  return one === undefined || two === undefined ? (one ?? two) : Math.min(one, two)
}

function most(one: number | undefined, two: number | undefined): number | undefined {
  return one === undefined || two === undefined ? (one ?? two) : Math.max(one, two)
}

function at(event: unknown, ...path: readonly string[]): unknown {
  let value = event
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name] // an object with this member
  }
  return value ?? undefined
}

/** A number, as other readers have it too: 64-bit integers of Parquet, and instants. */
function whole(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.getTime()
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
