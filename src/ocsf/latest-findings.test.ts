import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findingKey, latestFindings } from './latest-findings.js'

const ARN = 'arn:aws:guardduty:us-east-1:123456789012:detector/d/finding/f'

interface Said {
  readonly uid?: string
  readonly modified?: number
  readonly time?: number
  readonly first?: number
  readonly last?: number
  readonly count?: number
  readonly activity?: number
  readonly status?: number
  readonly product?: string
  readonly account?: string
  readonly region?: string
}

function finding({
  uid = ARN,
  modified,
  time = 1000,
  first,
  last,
  count,
  activity = 1,
  status = 1,
  product = 'detector',
  account = '123456789012',
  region = 'us-east-1',
}: Said) {
  return {
    class_uid: 2004,
    activity_id: activity,
    status_id: status,
    time,
    count,
    metadata: { product: { name: 'GuardDuty', uid: product } },
    cloud: { account: { uid: account }, region },
    finding_info: { uid, modified_time: modified, first_seen_time: first, last_seen_time: last },
  }
}

describe('the latest view of findings', () => {
  it('has the event that was modified last, and what all of them say of when and how often', async () => {
    const events = [
      finding({ modified: 2000, first: 100, last: 1900, count: 7 }),
      finding({ modified: 3000, first: 150, last: 2900, count: 9 }),
      finding({ modified: 1000, first: 50, last: 900, count: 1 }),
    ]
    expect(await latestFindings(events)).toEqual([{ key: ARN, event: events[1], firstSeen: 50, lastSeen: 2900, count: 9, events: 3, isClosed: false }])
  })

  it('says which are closed, and leaves them out on request', async () => {
    const events = [
      finding({ uid: 'a', modified: 1 }),
      finding({ uid: 'a', modified: 2, status: 4 }),
      finding({ uid: 'b', modified: 2, activity: 3 }),
      finding({ uid: 'c', modified: 1, status: 3 }),
      finding({ uid: 'c', modified: 2 }),
      { ...finding({ uid: 'd', modified: 1, status: 99 }), status: 'Archived' },
    ]
    const all = await latestFindings(events)
    expect(all.map(({ event, isClosed }) => [event.finding_info.uid, isClosed])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
      ['d', true],
    ])
    expect((await latestFindings(events, { closed: 'omit' })).map(({ event }) => event.finding_info.uid)).toEqual(['c'])
  })

  it('leaves out what is no finding', async () => {
    expect(await latestFindings([{ class_uid: 4001, time: 1 }, { finding_info: { uid: '' } }, { finding_info: null }])).toEqual([])
  })

  it('takes a finding of GuardDuty and the same one in Security Hub for one, and prefers GuardDuty where both tell the same change', async () => {
    const own = finding({ modified: 2000, count: 3 })
    const inHub = finding({ modified: 2000, count: 3, product: 'arn:aws:securityhub:us-east-1::product/aws/guardduty' })
    const inNewHub = finding({ modified: 2000, count: 3, product: 'arn:aws:securityhub:us-east-1::productv2/aws/guardduty' })
    for (const events of [
      [own, inHub, inNewHub],
      [inNewHub, own, inHub],
      [inHub, inNewHub, own],
    ])
      expect(await latestFindings(events)).toMatchObject([{ event: own, events: 3 }])
  })

  it('keeps apart findings with the same uid of other products, accounts and regions', async () => {
    const events = [finding({ uid: 'x' }), finding({ uid: 'x', account: '210987654321' }), finding({ uid: 'x', region: 'eu-west-1' })]
    expect(await latestFindings(events)).toHaveLength(3)
    expect(findingKey(finding({ uid: 'x' }))).toBe('GuardDuty|123456789012|us-east-1|x')
  })

  it('takes an ARN without an account for a uid like any other: events of AWS Health share theirs', () => {
    const shared = 'arn:aws:health:us-east-1::event/ABUSE/AWS_ABUSE_DOS_REPORT/1'
    expect(findingKey(finding({ uid: shared }))).not.toBe(findingKey(finding({ uid: shared, account: '210987654321' })))
  })

  it('reads numbers as Parquet readers give them', async () => {
    const event = { ...finding({}), time: 5n, finding_info: { uid: 'x', modified_time: new Date(7), last_seen_time: null } }
    expect(await latestFindings([event])).toMatchObject([{ firstSeen: 5, lastSeen: 7 }])
  })

  const few = fc.integer({ min: 1, max: 3 })
  const said = fc.record(
    {
      uid: fc.constantFrom('a', 'b', ARN),
      modified: few,
      time: few,
      first: few,
      last: few,
      count: few,
      activity: few,
      status: fc.integer({ min: 1, max: 4 }),
      product: fc.constantFrom('detector', 'other', 'arn:aws:securityhub:us-east-1::product/aws/guardduty'),
      region: fc.constantFrom('us-east-1', 'eu-west-1'),
    },
    { requiredKeys: [] },
  )

  it('is the same in whatever order the events come, also in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(said, { maxLength: 12 }).chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length }))),
        async ([list, order]) => {
          const events = list.map(finding)
          const shuffled = order.map(i => events[i]!)
          async function* stream() {
            yield* shuffled
          }
          const all = await latestFindings(events)
          expect(await latestFindings(stream())).toEqual(all)
          expect(all.reduce((sum, { events: some }) => sum + some, 0)).toBe(events.length)
          for (const { key, event } of all) {
            const modified = events.filter(one => findingKey(one) === key).map(one => one.finding_info.modified_time ?? one.time)
            expect(event.finding_info.modified_time ?? event.time).toBe(Math.max(...modified))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
