import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decoded } from '../decode/decoder.js'
import { VERSIONS } from '../ocsf/facts.js'
import type { Context } from './source.js'
import { type VpcFlowRecord, vpcFlow } from './vpc-flow.js'

const HEADER =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type'
const NAMES = HEADER.split(' ')
const V2_ROW = '2 123456789012 eni-0a1b2c3d4e5f60001 192.0.2.10 198.51.100.7 49152 443 6 10 8400 1773480300 1773480360 ACCEPT OK'
const KEY = 'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2026/03/14/123456789012_vpcflowlogs_eu-central-1_fl-0a1b2c3d_20260314T0925Z_5f4dcc3b.log.gz'
const TGW_HEADER = 'version resource-type account-id tgw-id srcaddr dstaddr'

function recordOf(text: string): VpcFlowRecord {
  const records: VpcFlowRecord[] = []
  const decoder = vpcFlow.decoder({ version: '1.1.0' })
  const emit = (item: Decoded<VpcFlowRecord>) => {
    if ('record' in item) records.push(item.record)
    else throw new Error(JSON.stringify(item))
  }
  decoder.push(new TextEncoder().encode(text), emit)
  decoder.end(emit)
  return records[0]!
}

function leavesOf(value: unknown, into: Set<string> = new Set()): Set<string> {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) leavesOf(item, into)
  else if (value !== undefined) into.add(String(value))
  return into
}

const recognise = (key: string, text: string) => vpcFlow.recognise({ key, text, bytes: new TextEncoder().encode(text) })

/** What the event says instead of these words. */
const WORDS = new Map(Object.entries({ ACCEPT: '6', REJECT: '5', ingress: '1', egress: '2', IPv4: '4', IPv6: '6' }))
const PATHS: Readonly<Record<string, string>> = { 1: '4', 2: '5', 3: '6', 4: '7', 5: '8', 6: '9', 7: '10', 8: '11' }

const empty = fc.constant('-')
const ip = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', '10.0.0.2', 'no-address', '999.1.1.1'))
const seconds = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }).map(String)
const word = fc.stringMatching(/^[A-Za-z0-9%:/._~-]{2,40}$/)
const SHAPES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'account-id': fc.constantFrom('123456789012', '012345678901', 'unknown'),
  srcaddr: ip,
  dstaddr: ip,
  'pkt-srcaddr': ip,
  'pkt-dstaddr': ip,
  srcport: fc.nat(65535).map(String),
  dstport: fc.nat(65535).map(String),
  protocol: fc.nat(255).map(String),
  packets: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  bytes: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  start: seconds,
  end: seconds,
  action: fc.constantFrom('ACCEPT', 'REJECT', 'DEFER', 'constructor'),
  'log-status': fc.constantFrom('OK', 'PARTIAL'),
  'tcp-flags': fc.nat(255).map(String),
  type: fc.constantFrom('IPv4', 'IPv6', 'EFA', '__proto__'),
  'flow-direction': fc.constantFrom('ingress', 'egress', 'sideways', 'toString'),
  'traffic-path': fc.integer({ min: 1, max: 12 }).map(String),
}
const row = fc.tuple(...NAMES.map(name => fc.oneof({ weight: 1, arbitrary: empty }, { weight: 6, arbitrary: SHAPES[name] ?? word })))

describe('vpcFlow', () => {
  it('finds a home for every value of a record, in every version', () => {
    let events = 0
    fc.assert(
      fc.property(row, fc.constantFrom(...VERSIONS), (cells, version) => {
        const context: Context = { version, fileTime: 1_773_480_300_000 }
        const event = vpcFlow.map(recordOf(`${HEADER}\n${cells.join(' ')}`), context)
        if (!('class_uid' in event)) {
          expect(JSON.stringify(event)).toContain('required_missing')
          return
        }
        events++
        const leaves = leavesOf(event)
        for (const [index, cell] of cells.entries()) {
          const name = NAMES[index]!
          if (cell === '-') continue
          const expected = name === 'start' || name === 'end' ? `${cell}000` : name === 'traffic-path' ? (PATHS[cell] ?? cell) : (WORDS.get(cell) ?? cell)
          expect(leaves, `${name}=${cell}`).toContain(expected)
        }
      }),
      { numRuns: 400 },
    )
    expect(events).toBeGreaterThan(100)
  })

  it('shares metadata and cloud between records of one version, account, region and zone', () => {
    const context: Context = { version: '1.1.0', region: 'eu-central-1' }
    const [a, b] = [V2_ROW, V2_ROW.replace('443', '80')].map(text => vpcFlow.map(recordOf(text), context))
    if (a === undefined || b === undefined || !('class_uid' in a && 'class_uid' in b)) throw new Error('no event')
    expect(a.metadata).toBe(b.metadata)
    expect(a.cloud).toBe(b.cloud)
  })

  it('is pure: mapping leaves the record as it was', () => {
    const record = recordOf(
      `${HEADER.replace('version', 'version odd-field')}\n2 odd ${NAMES.slice(1)
        .map(() => '-')
        .join(' ')}`.replace(' - - - - -', ' unknown - 192.0.2.1 192.0.2.2 -'),
    )
    const before = JSON.stringify(record)
    const first = vpcFlow.map(record, { version: '1.1.0', fileTime: 1 })
    expect(vpcFlow.map(record, { version: '1.1.0', fileTime: 1 })).toEqual(first)
    expect(JSON.stringify(record)).toBe(before)
  })

  describe('recognise', () => {
    it.each([
      ['the folder of AWS', KEY],
      ['hive folders', 'p/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-central-1/x.log.gz'],
      ['a downloaded file', '123456789012_vpcflowlogs_eu-central-1_fl-0a1b2c3d_20260314T0925Z_5f4dcc3b.log'],
    ])('knows %s by the key, whatever the content', (_, key) => {
      expect(recognise(key, `${HEADER}\n`)).toBe('key')
      expect(recognise(key, '')).toBe('key')
      expect(recognise(key, 'noise')).toBe('key')
    })

    it('leaves Transit Gateway logs under the same key alone', () => {
      expect(recognise(KEY, `${TGW_HEADER}\n`)).toBeUndefined()
      expect(recognise(KEY, '{"tgw_id":"tgw-0a1b2c3d","srcaddr":"192.0.2.1"}')).toBeUndefined()
      expect(recognise(KEY, `6 TransitGateway ${'- '.repeat(34)}`)).toBeUndefined()
    })

    it.each([
      ['a header', 'srcaddr dstaddr bytes\n'],
      ['a CSV header behind blank lines and a byte order mark', '\uFEFF\r\n\n"account_id","srcaddr","dstaddr","log_status"\r\n'],
      ['a row of the default format', V2_ROW],
      ['a JSON record that the head cuts off', '{"version":5,"account_id":"1","interface_id":"eni-1","srcaddr":"192'],
    ])('knows %s by the content', (_, text) => expect(recognise('x.log', text)).toBe('content'))

    it.each([
      ['nothing', ''],
      ['a table of other names', 'version,region,type\n1,2,3\n'],
      ['a row of 14 cells that is no flow', 'a b c d e f g h i j k l m n\n'],
      ['a resolver query log', '{"version":"1.1","account_id":"1","region":"x","vpc_id":"v","query_name":"a.","srcaddr":"192.0.2.1","srcport":"1"}'],
      ['a CloudTrail file', '{"Records":[{"eventVersion":"1.11"}]}'],
      ['broken quotes', '"srcaddr,dstaddr'],
    ])('does not claim %s', (_, text) => expect(recognise('x.log', text)).toBeUndefined())
  })
})
