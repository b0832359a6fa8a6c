// Rows that are written by their pattern must give the very objects and outcomes that their events give one by one.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawn } from '../../fixtures/seed.js'
import { createConverter, loadPipeline, type Outcome, type Pipeline, type TakeRows } from '../convert.js'
import { spacedRows } from '../decode/spaced-rows.js'
import { type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { uncompressed } from '../parquet/codec.js'
import { SOURCES } from '../sources/index.js'
import type { AnySource } from '../sources/source.js'
import { tgwFlow } from '../sources/tgw-flow.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { type Layout, plainLayout } from './layout.js'
import { createParts, type LakeObject } from './parts.js'

interface Result {
  readonly objects: readonly LakeObject[]
  readonly outcomes: readonly (Outcome & { readonly text: string })[]
  readonly in: number
}

/** Rows that were taken by their pattern, in all. */
let taken = 0
let regions = 0

/** Converts a log in pieces, offering rows, or events only. */
async function convert(
  pipeline: Pipeline,
  log: string,
  piece: number,
  withRows: boolean,
  layout: Layout = plainLayout,
  region = 'eu-central-1',
  between = () => {},
  isCut = false,
): Promise<Result> {
  const objects: LakeObject[] = []
  const outcomes: Result['outcomes'][number][] = []
  const fallback = { region, account: '210987654321' }
  const parts = createParts({ unit: 'u', codec: uncompressed, layout, put: object => objects.push(object) })
  const takeRows: TakeRows = (batch, from) => {
    const end = parts.addRows(pipeline, batch, from, fallback)
    taken += end - from
    return end
  }
  const converter = await createConverter(
    { source: pipeline.source, ocsf: pipeline.version, observables: pipeline.observables, context: { ...fallback, fileTime: Date.UTC(2024, 4, 1) } },
    (outcome, raw) => {
      const issue = outcome.kind === 'event' ? parts.add(pipeline, outcome.event, outcome.rawBytes, fallback) : undefined
      if (outcome.kind !== 'event' || issue !== undefined || outcome.warnings.length > 0)
        outcomes.push({ ...outcome, ...issue, text: new TextDecoder().decode(raw) })
    },
    (events, rawBytes, from) => parts.addMapped(pipeline, events, rawBytes, from, fallback),
    withRows ? { take: takeRows, fits: parts.fits } : undefined,
  )
  const bytes = new TextEncoder().encode(log)
  for (let at = 0; at < bytes.length; at += piece) {
    converter.push(bytes.slice(at, at + piece))
    between()
  }
  if (isCut) converter.fail({ rule: 'gzip_truncated', expected: 'the end', found: 'none' })
  else converter.end()
  parts.seal()
  return { objects, outcomes, in: converter.in }
}

async function expectSame(pipeline: Pipeline, log: string, piece: number, layout?: Layout, region?: string): Promise<Result> {
  const rows = await convert(pipeline, log, piece, true, layout, region)
  const events = await convert(pipeline, log, piece, false, layout, region)
  expect(rows.in).toBe(events.in)
  expect(rows.outcomes).toEqual(events.outcomes)
  expect(rows.objects.map(({ bytes, ...object }) => object)).toEqual(events.objects.map(({ bytes, ...object }) => object))
  for (const [at, { key, bytes }] of rows.objects.entries()) expect(Buffer.compare(bytes, events.objects[at]!.bytes), key).toBe(0)
  return rows
}

// ---- logs ----

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '203.0.0.9', '2001:db8::1', '2001:db8::0:12', '-', 'not-an-ip', '192.0.2.256']

/** What a field may say; the first ones are what it mostly says. */
const CELLS: Readonly<Record<string, readonly string[]>> = {
  version: ['2', '5', '7', '-'],
  'account-id': ['123456789012', '123456789012', '210987654321', 'unknown', '-'],
  'interface-id': ['eni-0a', 'eni-0b', 'eni-0c', '-'],
  protocol: ['6', '17', '58', '255', '20011', '-', '99999999999'],
  srcport: ['443', '50000', '0', '20011', '70000', '-'],
  dstport: ['443', '53', '20012', '-', '4294967296'],
  packets: ['1', '7', '9007199254740993', '-', '4294967297'],
  bytes: ['40', '61000', '0', '-', '9007199254740991'],
  start: ['1714521600', '1714521601', '0', '5', '1714607999', '-', '99999999999999'],
  end: ['1714521660', '1714607999', '0', '65', '1714608001', '1714607940', '-', '1714521600'],
  action: ['ACCEPT', 'REJECT', 'ACCEPT', '-', 'MAYBE'],
  'log-status': ['OK', 'OK', 'OK', 'NODATA', 'SKIPDATA', '-'],
  type: ['IPv4', 'IPv6', 'EFA', '-'],
  region: ['us-east-1', 'us-east-1', 'eu-west-1', '-', 'NOWHERE'],
  'flow-direction': ['ingress', 'egress', '-', 'sideways'],
  'traffic-path': ['1', '8', '-', '12'],
  'tcp-flags': ['2', '19', '-', '3000000000'],
  'sublocation-type': ['-', '-', 'wavelength'],
  'reject-reason': ['-', '-', 'BPA'],
}

const cellOf = (field: string, which: number, n: number): string => {
  if (field.endsWith('srcaddr') || field.endsWith('dstaddr')) return ADDRESSES[which % ADDRESSES.length]!
  const some = CELLS[field] ?? ['a', 'b', '-', 'x'.repeat(300), `n${n}`, 'unknown', 'null', 'N/A']
  return some[which % some.length]!
}

const row = fc.record({
  // mostly usual values: small numbers choose the first of those above
  cells: fc.array(fc.oneof({ weight: 24, arbitrary: fc.nat({ max: 1 }) }, fc.nat({ max: 20 })), { minLength: 40, maxLength: 40 }),
  kind: fc.oneof({ weight: 30, arbitrary: fc.constant('row') }, fc.constantFrom('blank', 'short', 'header', 'json', 'utf8', 'crlf', 'spaces')),
  times: fc.nat({ max: 6 }),
})
type DrawnRow = typeof row extends fc.Arbitrary<infer T> ? T : never

function lineOf(fields: readonly string[], { cells, kind }: DrawnRow, n: number): string {
  const line = fields.map((field, at) => cellOf(field, cells[at % cells.length]!, n)).join(' ')
  switch (kind) {
    case 'blank':
      return ''
    case 'short':
      return line.slice(0, line.lastIndexOf(' '))
    case 'header':
      return fields.join(' ')
    case 'json':
      return JSON.stringify(Object.fromEntries(fields.map((field, at) => [field, cellOf(field, cells[at % cells.length]!, n)])))
    case 'utf8':
      return `${line}é`
    case 'crlf':
      return `${line}\r`
    case 'spaces':
      return line.replace(' ', '  ')
    default:
      return line
  }
}

const V2 = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'.split(' ')
const V5 = [
  ...V2,
  ...'vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id'.split(' '),
  ...'pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path'.split(' '),
]
const TGW =
  'version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service'.split(
    ' ',
  )

const FORMATS: readonly (readonly [string, AnySource, readonly string[]])[] = [
  ['the default format', vpcFlow as AnySource, V2],
  ['29 fields', vpcFlow as AnySource, V5],
  ['all fields, and one that nobody knows', vpcFlow as AnySource, [...V5, 'reject-reason', 'resource-id', 'ecs-task-id', 'next-hop-az-id', 'brand-new']],
  ['few fields', vpcFlow as AnySource, ['account-id', 'interface-id', 'pkt-srcaddr', 'pkt-dstaddr', 'end', 'bytes', 'action', 'protocol']],
  ['no account', vpcFlow as AnySource, V2.filter(field => field !== 'account-id')],
  ['Transit Gateway', tgwFlow as AnySource, TGW],
]

/** A log of usual rows that is long enough for its patterns to be worth learning. */
function longLog(fields: readonly string[], rows: number): string {
  const lines = [fields.join(' ')]
  for (let n = 0; n < rows; n++) lines.push(fields.map((field, at) => cellOf(field, field === 'log-status' ? 0 : (n >> (at % 3)) & 1, n)).join(' '))
  return `${lines.join('\n')}\n`
}

describe.each(FORMATS)('%s', (_, source, fields) => {
  it.each(VERSIONS)('gives at %s the objects that its events give', { timeout: 120_000 }, async version => {
    for (const observables of [true, false]) {
      const pipeline = await loadPipeline(source, version, observables)
      const before = taken
      await expectSame(pipeline, longLog(fields, 6000), 65_536)
      if (isWritten(fields, version)) expect(taken - before).toBeGreaterThan(1500)
    }
  })

  it('gives them whatever the rows say', { timeout: 240_000 }, async () => {
    for (const version of ['1.1.0', '1.8.0'] as const) {
      const pipeline = await loadPipeline(source, version)
      await convert(pipeline, longLog(fields, 6000), 65_536, true) // so that patterns are known
      const before = taken
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 40 }), fc.nat({ max: 5000 }), fc.boolean(), async (rows, piece, isRefusing) => {
          const lines = rows.flatMap((one, at) => Array.from({ length: one.times + 1 }, (_, n) => lineOf(fields, one, at + n)))
          // long enough to be read in place
          const log = `${longLog(fields, 60)}${lines.join('\n')}\n`
          const layout: Layout = isRefusing
            ? {
                ...plainLayout,
                refuse: (_, __, { accountId }) => (accountId === '210987654321' ? { path: '', rule: 'no', expected: 'a', found: 'b' } : undefined),
              }
            : plainLayout
          // patterns of a region of its own, since a log that has few turns off those of its table
          await expectSame(pipeline, log, 5000 + piece, layout, `eu-north-${++regions}`)
        }),
        { numRuns: drawn(40) },
      )
      if (isWritten(fields, version)) expect(taken - before).toBeGreaterThan(drawn(40) * 20)
    }
  })
})

it('holds where a log has more texts than are remembered, its own or those of others', { timeout: 60_000 }, async () => {
  const pipeline = await loadPipeline(vpcFlow as AnySource)
  const lines = [V2.join(' ')]
  for (let n = 0; n < 45_000; n++) {
    const own: Readonly<Record<string, string>> = {
      'interface-id': `eni-${n}`,
      srcaddr: `10.0.${((n % 12_000) >> 8) & 255}.${(n % 12_000) & 255}`, // few enough for a dictionary
      'account-id': n % 100 === 0 ? 'unknown' : '123456789012', // a row without a pattern now and then
      'log-status': 'OK',
    }
    lines.push(V2.map(field => own[field] ?? cellOf(field, n & 1, n)).join(' '))
  }
  const before = taken
  await expectSame(pipeline, `${lines.join('\n')}\n`, 65_536)
  expect(taken - before).toBeGreaterThan(40_000)

  const others = spacedRows(['text'])
  const log = longLog(V2, 400)
  const quiet = await convert(pipeline, log, 10_000, true)
  let most = 40_000
  const between = (): void => {
    most += 1000 // so that texts get other numbers each time
    for (let n = 0; n < most; n++) {
      const line = new TextEncoder().encode(`${n}\n    `)
      others.read(line, new DataView(line.buffer), 0)
    }
  }
  const loud = await convert(pipeline, log, 10_000, true, plainLayout, undefined, between)
  expect(loud.objects.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).toEqual(
    quiet.objects.map(({ bytes }) => Buffer.from(bytes).toString('base64')),
  )
})

it('takes up amid an object what no row before had, and goes on where a row has no pattern', async () => {
  const pipeline = await loadPipeline(vpcFlow as AnySource)
  await convert(pipeline, longLog(V2, 6000), 65_536, true) // so that patterns are worth learning
  const named = [...V2, 'region'] // which says the object
  const plain = (n: number): string => V5.map(field => (named.includes(field) ? cellOf(field, field === 'log-status' ? 0 : n & 1, n) : '-')).join(' ')
  const full = (n: number): string => V5.map(field => cellOf(field, field === 'log-status' ? 0 : n & 1, n)).join(' ')
  const timeless = (n: number): string => V5.map(field => (field === 'start' ? '-' : cellOf(field, 0, n))).join(' ')
  const pathless: Readonly<Record<string, string>> = { action: 'REJECT', 'traffic-path': '-' } // one column is null where another has its second value
  const silent = (n: number): string => V5.map(field => (n & 1 ? pathless[field] : undefined) ?? cellOf(field, 0, n)).join(' ')
  const unknown = (n: number): string => V5.map(field => (field === 'account-id' ? 'unknown' : cellOf(field, 0, n))).join(' ')
  const logs = [
    [plain, full, plain],
    [full, plain, timeless, full],
    [silent, silent, silent],
    [full, unknown, full],
    [plain, unknown, full, timeless],
  ]
  for (const [which, kinds] of logs.entries()) {
    const before = taken
    const lines = kinds.flatMap(kind => Array.from({ length: 300 }, (_, n) => kind(n)))
    await expectSame(pipeline, `${[V5.join(' '), ...lines].join('\n')}\n`, 20_000, plainLayout, `me-south-${which}`)
    expect(taken - before).toBeGreaterThan(kinds.includes(unknown) ? 500 : 800)
  }
})

it('writes objects of a few rows as their events do', async () => {
  const pipeline = await loadPipeline(vpcFlow as AnySource)
  await convert(pipeline, longLog(V2, 6000), 65_536, true) // so that patterns are worth learning
  for (const each of [2, 3, 4]) {
    const own = (n: number): Readonly<Record<string, string>> => ({
      'account-id': String(123456789000 + Math.floor(n / each)),
      'log-status': 'OK',
      'subnet-id': `subnet-${'0'.repeat(200)}`, // long enough for lines to be read in place
    })
    const lines = Array.from({ length: 12 * each }, (_, n) => V5.map(field => own(n)[field] ?? cellOf(field, n & 1, n)).join(' '))
    const before = taken
    const { objects } = await expectSame(pipeline, `${[V5.join(' '), ...lines].join('\n')}\n`, 65_536, plainLayout, `af-south-${each}`)
    expect(objects.length).toBeGreaterThanOrEqual(12)
    expect(taken - before).toBe(12 * each)
  }
})

it('does not trust the last line of a log that is cut off, whole as it looks', async () => {
  const pipeline = await loadPipeline(vpcFlow as AnySource)
  await convert(pipeline, longLog(V2, 6000), 65_536, true) // so that patterns are worth learning
  const log = longLog(V2, 400).slice(0, -1)
  const before = taken
  const [rows, events] = await Promise.all([true, false].map(withRows => convert(pipeline, log, 10_000, withRows, plainLayout, 'eu-west-2', undefined, true)))
  expect(taken - before).toBe(399)
  expect(rows!.outcomes).toEqual([expect.objectContaining({ kind: 'rejected', text: log.slice(log.lastIndexOf('\n') + 1) })])
  expect(rows).toEqual(events)
})

it('leaves the rows of many accounts to their events, and those of some not', { timeout: 60_000 }, async () => {
  const pipeline = await loadPipeline(vpcFlow as AnySource)
  await convert(pipeline, longLog(V2, 6000), 65_536, true) // so that patterns are worth learning
  for (const accounts of [15, 60]) {
    const lines = [V2.join(' ')]
    for (let n = 0; n < 6000; n++) {
      const own: Readonly<Record<string, string>> = { 'account-id': String(123456789000 + (Math.floor(n / 50) % accounts)), 'log-status': 'OK' }
      lines.push(V2.map(field => own[field] ?? cellOf(field, n & 1, n)).join(' '))
    }
    const before = taken
    const { objects } = await expectSame(pipeline, `${lines.join('\n')}\n`, 65_536, plainLayout, `sa-east-${accounts}`)
    expect(objects).toHaveLength(accounts)
    if (accounts === 15) expect(taken - before).toBeGreaterThan(5000)
    else expect(taken - before).toBeLessThan(2000)
  }
})

it('is asked of every source that says what it copies', () => {
  expect(SOURCES.filter(({ copies }) => copies !== undefined).map(({ id }) => id)).toEqual([...new Set(FORMATS.map(([, { id }]) => id))].sort())
})

/**
 * Owners of endpoints came with 1.3: before, each event of a Transit Gateway must be lowered, and no row can be written by its
 * pattern; nor where the account is that of the context.
 */
function isWritten(fields: readonly string[], version: OcsfVersion): boolean {
  return (fields !== TGW || version !== '1.1.0') && fields.includes('account-id')
}
