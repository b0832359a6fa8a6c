import { beforeAll, describe, expect, it } from 'vitest'
import { loadPipeline, type OcsfEvent, type Pipeline } from '../convert.js'
import { CLASS_UIDS, type ClassName } from '../ocsf/generated/types.js'
import { uncompressed } from '../parquet/codec.js'
import { SOURCES } from '../sources/index.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { customSourceName, objectKey } from './object-key.js'
import { partitionOf } from './partition.js'
import { createParts, type LakeObject, PART_BYTES, PART_OBJECTS, PART_ROWS } from './parts.js'
import { addsUp, countIn, countOutcome, emptyReport } from './report.js'

const event = (more: object = {}): OcsfEvent => ({ class_uid: 4001, time: Date.UTC(2024, 4, 1, 23, 59, 59), ...more })

describe('partitionOf', () => {
  it('takes account, region and UTC day from the event', () => {
    const cloud = { region: 'eu-west-1', account: { uid: '012345678901' } }
    expect(partitionOf(event({ cloud }), { region: 'us-east-1', account: '123456789012' })).toEqual({
      region: 'eu-west-1',
      accountId: '012345678901',
      eventDay: '20240501',
    })
  })
  it('falls back to the key or the operator, then to unknown', () => {
    expect(partitionOf(event(), { region: 'us-east-1', account: 'external_partner' })).toEqual({
      region: 'us-east-1',
      accountId: 'external_partner',
      eventDay: '20240501',
    })
    expect(partitionOf(event(), {})).toEqual({ region: 'unknown', accountId: 'unknown', eventDay: '20240501' })
  })
  it('never makes a folder of what a log says unless it is an account or a region', () => {
    const cloud = { region: '../x', account: { uid: 'external_../..' } }
    expect(partitionOf(event({ cloud }), {})).toMatchObject({ region: 'unknown', accountId: 'unknown' })
  })
})

describe('objectKey', () => {
  const name = { unit: 'abc', source: vpcFlow, classUid: 4001, partition: { region: 'us-east-1', accountId: '123456789012', eventDay: '20240501' }, part: 0 }
  it('is a Security Lake key with 32 hex digits', () => {
    expect(objectKey(name)).toMatch(/^ext\/vpc-flow-4001\/region=us-east-1\/accountId=123456789012\/eventDay=20240501\/[0-9a-f]{32}\.parquet$/)
  })
  it('depends on each of its parts and on nothing else', () => {
    const { partition } = name
    const others = [
      { ...name, unit: 'abd' },
      { ...name, source: { id: 'tgw-flow' } },
      { ...name, classUid: 4002 },
      { ...name, part: 1 },
      { ...name, partition: { ...partition, region: 'us-west-2' } },
      { ...name, partition: { ...partition, accountId: '210987654321' } },
      { ...name, partition: { ...partition, eventDay: '20240502' } },
    ]
    const hash = (key: string) => key.slice(-40)
    expect(objectKey({ ...name })).toBe(objectKey(name))
    expect(new Set([name, ...others].map(one => hash(objectKey(one)))).size).toBe(others.length + 1)
  })
  it('knows a custom source name of at most 20 characters for every source and class', () => {
    const names = SOURCES.flatMap(source => (Object.keys(source.columns) as ClassName[]).map(className => customSourceName(source, CLASS_UIDS[className])))
    expect(new Set(names).size).toBe(names.length)
    expect(() => customSourceName({ id: 'a-very-long-source-id' }, 4001)).toThrow(/shorter lakeName/)
  })
})

describe('createParts', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await loadPipeline(vpcFlow)
  })
  const seal = (add: (parts: ReturnType<typeof createParts>) => void): LakeObject[] => {
    const objects: LakeObject[] = []
    const parts = createParts({ unit: 'u', codec: uncompressed, put: object => objects.push(object) })
    add(parts)
    parts.seal()
    parts.seal()
    return objects
  }

  it('seals by counted bytes of raw records', () => {
    const objects = seal(parts => {
      for (let n = 0; n < 5; n++) parts.add(pipeline, event(), PART_BYTES / 2, {})
    })
    expect(objects.map(({ rows }) => rows)).toEqual([2, 2, 1])
    expect(new Set(objects.map(({ key }) => key)).size).toBe(3)
  })
  it('seals by counted rows', () => {
    const one = event()
    const objects = seal(parts => {
      for (let n = 0; n < PART_ROWS + 1; n++) parts.add(pipeline, one, 1, {})
    })
    expect(objects.map(({ rows }) => rows)).toEqual([PART_ROWS, 1])
  })
  it('seals when a unit touches very many partitions', () => {
    const objects = seal(parts => {
      for (let n = 0; n <= PART_OBJECTS; n++) parts.add(pipeline, event({ time: Date.UTC(2020, 0, 1 + n) }), 1, {})
    })
    expect(objects).toHaveLength(PART_OBJECTS + 1)
  })
  it('gives back an event that does not fit its columns, and writes the others', () => {
    let issue: unknown
    const objects = seal(parts => {
      parts.add(pipeline, event(), 1, {})
      issue = parts.add(pipeline, event({ traffic: 'none' }), 1, {})
    })
    expect(issue).toMatchObject({ path: 'traffic' })
    expect(objects.map(({ rows }) => rows)).toEqual([1])
    expect(seal(parts => parts.add(pipeline, event({ traffic: 'none' }), 1, {}))).toEqual([])
  })
})

describe('mapped events', () => {
  const mapped = (n: number, more: object = {}) => ({
    ...event({ time: Date.UTC(2024, 4, 1 + (n % 2)) + n }),
    activity_id: 6,
    severity_id: 1,
    metadata: { product: { name: 'Amazon VPC', vendor_name: 'AWS' } },
    cloud: { provider: 'AWS', account: { uid: n % 3 === 0 ? '123456789012' : '210987654321' } },
    src_endpoint: { ip: `192.0.2.${n}` },
    dst_endpoint: { ip: '198.51.100.1' },
    connection_info: { direction_id: 0 },
    ...more,
  })

  it('land in the same objects as their full events', async () => {
    const pipeline = await loadPipeline(vpcFlow)
    const { lower, complete, validate } = pipeline.classes.get(4001)!
    const convert = (direct: boolean): { objects: LakeObject[]; taken: number } => {
      const objects: LakeObject[] = []
      const parts = createParts({ unit: 'u', codec: uncompressed, put: object => objects.push(object) })
      const fallback = {}
      let taken = 0
      const all = Array.from({ length: 200 }, (_, n) => mapped(n, n % 50 === 49 ? { status_code: '-' } : {}))
      const size = Math.ceil(PART_BYTES / 60)
      for (let at = 0; at < all.length; at++) {
        if (direct) {
          const end = parts.addMapped(
            pipeline,
            all,
            all.map(() => size),
            at,
            fallback,
          )
          taken += end - at
          at = end
          if (at === all.length) break
        }
        const full = complete(lower(all[at]!).event) as OcsfEvent
        expect(validate(full).valid).toBe(true)
        expect(parts.add(pipeline, full, size, fallback)).toBeUndefined()
      }
      parts.seal()
      return { objects, taken }
    }
    const [direct, full] = [convert(true), convert(false)]
    expect(direct.objects).toEqual(full.objects)
    expect(direct.objects.length).toBeGreaterThan(8)
    expect(direct.taken).toBeGreaterThan(150)
  })

  it('open an object only where they pass', async () => {
    const pipeline = await loadPipeline(vpcFlow)
    const objects: LakeObject[] = []
    const parts = createParts({ unit: 'u', codec: uncompressed, put: object => objects.push(object) })
    expect(parts.addMapped(pipeline, [mapped(1, { status_code: '-' })], [1], 0, {})).toBe(0)
    parts.seal()
    expect(objects).toEqual([])
    expect(parts.addMapped(pipeline, [mapped(1)], [1], 0, {})).toBe(1)
    parts.seal()
    expect(objects.map(({ rows }) => rows)).toEqual([1])
  })
})

describe('the report', () => {
  const outcomes = [
    { kind: 'event', event: event(), place: {}, rawBytes: 1, warnings: [], lowered: ['a.b'] },
    { kind: 'filtered', reason: 'nodata', place: {} },
    { kind: 'duplicate', uid: 'x', place: {} },
    { kind: 'rejected', stage: 'map', issues: [{ path: '', rule: 'r', expected: '', found: '' }], raw: '', place: {} },
  ] as const

  it('adds up when every record has one outcome', () => {
    const report = emptyReport('1.1.0')
    countIn(report, 's', outcomes.length)
    for (const outcome of outcomes) countOutcome(report, 's', outcome)
    expect(addsUp(report)).toBe(true)
    expect(report).toMatchObject({ filtered: { s: { nodata: 1 } }, rejected: { s: { r: 1 } }, lowered: { 'a.b': 1 }, classes: { 's/4001': 1 } })
  })
  it('does not add up when a record is dropped or repeated', () => {
    for (const wrong of [outcomes.slice(1), [...outcomes, outcomes[0]]]) {
      const report = emptyReport('1.1.0')
      countIn(report, 's', outcomes.length)
      for (const outcome of wrong) countOutcome(report, 's', outcome)
      expect(addsUp(report)).toBe(false)
    }
  })

  it('does not add up when a record is counted under another source', () => {
    const report = emptyReport('1.1.0')
    countIn(report, 's', outcomes.length)
    for (const outcome of outcomes) countOutcome(report, outcome.kind === 'filtered' ? 'other' : 's', outcome)
    expect(addsUp(report)).toBe(false)
  })
})
