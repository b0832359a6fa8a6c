// However the events of classes, accounts and days take turns, the objects are those of their full events one by one.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadPipeline, type OcsfEvent, type Pipeline } from '../convert.js'
import { columns } from '../ocsf/columns.js'
import { uncompressed } from '../parquet/codec.js'
import { SOURCES } from '../sources/index.js'
import type { MappedEvent } from '../sources/source.js'
import { type Layout, plainLayout } from './layout.js'
import { createParts, type LakeObject, PART_BYTES, PART_OBJECTS } from './parts.js'

const all = { activity_id: true, severity_id: true, time: true, message: true, status_code: true, unmapped: true } as const
const product = { product: { name: true, vendor_name: true } } as const
const cloud = { provider: true, region: true, account: { uid: true } } as const
const source = {
  ...SOURCES[0]!,
  columns: {
    base_event: columns('base_event')({ activity_id: true, severity_id: true, time: true, message: true, unmapped: true, metadata: product, cloud }),
    authentication: columns('authentication')({ ...all, metadata: product, cloud, user: { name: true }, service: { name: true } }),
    account_change: columns('account_change')({ ...all, metadata: product, cloud, user: { name: true } }),
  },
}

/** What one record is like: `bent` is valid once it is lowered, `invalid` never, `deep` only until it is written. */
const one = fc.record({
  kind: fc.oneof({ weight: 10, arbitrary: fc.constant('plain') }, fc.constantFrom('bent', 'invalid', 'deep', 'elsewhere')),
  class: fc.constantFrom(0, 3001, 3002, 3002, 3002),
  account: fc.constantFrom('123456789012', '210987654321', undefined),
  region: fc.constantFrom('us-east-1', 'eu-west-1'),
  day: fc.nat({ max: 1 }),
  size: fc.nat({ max: 20 }),
  message: fc.constantFrom('a', 'b', undefined),
})
type One = typeof one extends fc.Arbitrary<infer T> ? T : never

let nested: Readonly<Record<string, unknown>> = { leaf: 1 }
for (let level = 0; level < 20_000; level++) nested = { d: nested }

const mappedOf = ({ kind, class: classUid, account, region, day, message }: One, n: number): MappedEvent => {
  const event = {
    class_uid: classUid,
    activity_id: kind === 'invalid' ? 'none' : 1,
    severity_id: 1,
    time: Date.UTC(2024, 4, 1 + day) + n,
    message: kind === 'bent' ? '-' : message,
    metadata: { product: { name: 'Door', vendor_name: 'Example' } },
    cloud: { provider: 'AWS', region: kind === 'elsewhere' ? '-' : region, account: { uid: account } },
    ...(classUid === 0 ? { activity_id: kind === 'invalid' ? 'none' : 0 } : { user: { name: `user ${n % 3}` } }),
    ...(classUid === 3002 ? { service: { name: 'door' } } : undefined),
    ...(kind === 'deep' ? { unmapped: nested } : undefined),
  }
  return event as unknown as MappedEvent // wrong on purpose where it is invalid
}

interface Result {
  readonly objects: readonly LakeObject[]
  readonly ends: readonly string[]
  readonly taken: number
}

/** Puts events into objects as a unit does, offering `offered` at a time; 0 offers none. */
function put(pipeline: Pipeline, some: readonly One[], offered: number, unit: number, layout?: Layout): Result {
  const objects: LakeObject[] = []
  const parts = createParts({ unit: 'u', codec: uncompressed, layout, put: object => objects.push(object) })
  const fallback = { region: 'eu-central-1' }
  const ends: string[] = []
  let taken = 0
  const whole = (one: One, event: MappedEvent, rawBytes: number): string => {
    const { lower, complete, validate } = pipeline.classes.get(event.class_uid)!
    if (one.kind === 'deep') return parts.add(pipeline, event as unknown as OcsfEvent, rawBytes, fallback)?.rule ?? 'row' // too deep to complete, too
    const full = complete(lower(event).event) as OcsfEvent
    return validate(full).valid ? (parts.add(pipeline, full, rawBytes, fallback)?.rule ?? 'row') : 'invalid'
  }
  const step = Math.max(offered, 1)
  for (let first = 0; first < some.length; first += step) {
    const these = some.slice(first, first + step)
    const events = these.map((one, at) => mappedOf(one, first + at))
    const sizes = these.map(({ size }) => size * unit)
    for (let at = 0; at < events.length; at++) {
      const end = offered === 0 ? at : parts.addMapped(pipeline, events, sizes, at, fallback)
      for (; at < end; at++, taken++) ends.push('row')
      if (at < events.length) ends.push(whole(these[at]!, events[at]!, sizes[at]!))
    }
  }
  parts.seal()
  return { objects, ends, taken }
}

function expectSame(result: Result, expected: Result): void {
  expect(result.ends).toEqual(expected.ends)
  const named = ({ objects }: Result): unknown => objects.map(({ key, rows }) => [key, rows])
  expect(named(result)).toEqual(named(expected))
  for (const [at, { key, bytes }] of result.objects.entries()) expect(Buffer.compare(bytes, expected.objects[at]!.bytes), key).toBe(0)
}

describe('events of several objects, offered together', () => {
  it('give the objects of their full events, wherever parts are sealed and whatever does not pass', { timeout: 120_000 }, async () => {
    const pipeline = await loadPipeline(source)
    const seen = new Map<string, number>()
    let taken = 0
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 60 }), fc.nat({ max: 12 }), (some, offered, rough) => {
        const unit = rough === 0 ? 1 : Math.ceil(PART_BYTES / (rough * 40))
        const expected = put(pipeline, some, 0, unit)
        const result = put(pipeline, some, offered, unit)
        expectSame(result, expected)
        taken += result.taken
        for (const end of result.ends) seen.set(end, (seen.get(end) ?? 0) + 1)
      }),
      { numRuns: 40 },
    )
    for (const end of ['row', 'invalid', 'column_size']) expect(seen.get(end), end).toBeGreaterThan(5)
    expect(taken / seen.get('row')!).toBeGreaterThan(0.2)
  })

  it('give the objects of their full events where long runs go to one object', { timeout: 120_000 }, async () => {
    const pipeline = await loadPipeline(source)
    const fault = fc.record({ at: fc.nat({ max: 199 }), kind: fc.constantFrom('bent', 'invalid', 'elsewhere') } as const)
    const run = fc.record({ like: one, length: fc.integer({ min: 60, max: 200 }), faults: fc.array(fault, { maxLength: 3 }) })
    const runs = fc
      .array(run, { minLength: 1, maxLength: 4 })
      .map(all =>
        all.flatMap(({ like, length, faults }) =>
          Array.from(
            { length },
            (_, at): One => ({ ...like, kind: faults.find(fault => fault.at === at)?.kind ?? 'plain', message: at % 7 === 0 ? 'a' : 'b' }),
          ),
        ),
      )
    const seen = { objects: 0, faults: 0, taken: 0 }
    fc.assert(
      fc.property(runs, fc.integer({ min: 100, max: 512 }), fc.nat({ max: 6 }), (some, offered, rough) => {
        const unit = rough === 0 ? 1 : Math.ceil(PART_BYTES / (rough * 400))
        const expected = put(pipeline, some, 0, unit)
        const result = put(pipeline, some, offered, unit)
        expectSame(result, expected)
        seen.objects += result.objects.length
        seen.faults += result.ends.filter(end => end !== 'row').length
        seen.taken += result.taken / some.length / 30
      }),
      { numRuns: 30 },
    )
    expect(seen.objects).toBeGreaterThan(24)
    expect(seen.faults).toBeGreaterThan(12)
    expect(seen.taken).toBeGreaterThan(0.6)
  })

  it('give the same objects where as many are open as may be', async () => {
    const pipeline = await loadPipeline(source)
    const some = Array.from({ length: 4 * PART_OBJECTS }, (_, n): One => {
      const account = `1234567${String(n % (PART_OBJECTS - 1 + (n >> 9))).padStart(5, '0')}`
      return { kind: 'plain', class: 3002, account: account as '123456789012', region: 'us-east-1', day: 0, size: 1, message: 'a' }
    })
    const expected = put(pipeline, some, 0, 1)
    expect(new Set(expected.objects.map(({ key }) => key)).size).toBeGreaterThan(PART_OBJECTS)
    const result = put(pipeline, some, 512, 1)
    expectSame(result, expected)
    expect(result.taken).toBe(some.length)
  })

  it('give the same objects where the first events of some do not pass, until as many are open as may be', async () => {
    const pipeline = await loadPipeline(source)
    const kinds = ['plain', 'invalid', 'plain', 'elsewhere', 'deep', 'bent', 'plain', 'invalid', 'plain'] as const
    const some = Array.from({ length: 3 * PART_OBJECTS }, (_, n): One => {
      const account = `1234567${String(n % 11 === 0 ? 0 : n).padStart(5, '0')}` // most go to an object of their own
      const kind = kinds[n % kinds.length]!
      return { kind, class: n % 7 === 0 ? 3001 : 3002, account: account as '123456789012', region: 'us-east-1', day: 0, size: 1, message: 'a' }
    })
    const expected = put(pipeline, some, 0, 1)
    expect(expected.objects.length).toBeGreaterThan(PART_OBJECTS)
    expect(expected.objects.filter(({ key }) => key.includes('accountId=123456700000')).length, 'parts').toBeGreaterThan(2)
    for (const offered of [7, 512]) {
      const result = put(pipeline, some, offered, 1)
      expectSame(result, expected)
      expect(result.taken).toBe(expected.ends.filter((end, at) => end === 'row' && kinds[at % kinds.length] === 'plain').length)
    }
  })

  it('give no object where the layout refuses them', async () => {
    const pipeline = await loadPipeline(source)
    const issue = { path: 'cloud.account.uid', rule: 'account_unknown', expected: 'an account of the lake', found: 'another' }
    const layout: Layout = { ...plainLayout, refuse: (_, classUid, { accountId }) => (classUid === 0 || accountId === '210987654321' ? issue : undefined) }
    const accounts = ['210987654321', '123456789012', '123456789012'] as const
    const some = Array.from({ length: 300 }, (_, n): One => {
      return {
        kind: n % 50 === 1 ? 'invalid' : 'plain',
        class: n % 5 === 0 ? 0 : 3002,
        account: accounts[n % 3],
        region: 'us-east-1',
        day: 0,
        size: 1,
        message: 'a',
      }
    })
    const expected = put(pipeline, some, 0, 1, layout)
    expect(expected.ends.filter(end => end === 'account_unknown').length).toBeGreaterThan(100)
    for (const offered of [1, 100]) {
      const result = put(pipeline, some, offered, 1, layout)
      expectSame(result, expected)
      expect(result.taken).toBe(expected.ends.filter(end => end === 'row').length)
    }
  })
})
