/** Compaction, as DuckDB sees it: the same rows in fewer objects. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { VERSIONS } from '../../ocsf/facts.js'
import { SOURCES } from '../../sources/index.js'
import { isCompacted } from '../compacted.js'
import { convertFiles } from '../convert-files.js'
import { type OwnStore, openStore } from '../store.js'
import { type CompactOptions, compact } from './compact.js'
import { convertFlows, DAY_MS, type Duck, FLOW_PARTITION, fixtureLake, listed, startDuck, writeFlows } from './testing.js'

const vpcFlow = SOURCES.find(({ id }) => id === 'vpc-flow')!

let folder: string
let duck: Duck
beforeAll(async () => {
  duck = await startDuck()
})
afterAll(() => duck.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-compact-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (...names: string[]): string => join(folder, ...names)
const partition = (lake = 'lake'): string => join(folder, lake, FLOW_PARTITION)
const objectsIn = (path: string): string[] => readdirSync(path).filter(name => name.endsWith('.parquet'))
const run = (more: Partial<CompactOptions> = {}) => compact({ lake: at('lake'), ...more })

/** A lake of flow logs, and a copy of it. */
async function flowLake(files: number, rows: number): Promise<void> {
  await convertFlows(writeFlows(at('logs'), files, rows), at('lake'), vpcFlow)
  cpSync(at('lake'), at('before'), { recursive: true })
}

// all versions take part, but not each with each source
describe.each(SOURCES.map((source, index) => [source.id, VERSIONS[index % VERSIONS.length]!, source] as const))('the rows of %s at %s', (_id, ocsf, source) => {
  it('are the same in every leaf, repeats of a uid dropped and counted', async () => {
    const lake = await fixtureLake(source, ocsf, folder)
    cpSync(lake, at('before'), { recursive: true })
    const report = await compact({ lake, nowMs: Date.parse('2100-01-01') })
    expect(report.rows.in).toBe(report.rows.out + report.rows.repeats)
    expect(report.compacted.length).toBeGreaterThan(0)
    for (const { state, left } of report.compacted) expect([state, left]).toEqual(['compacted', {}])
    let dropped = 0
    for (const { partition, objects } of report.compacted) {
      expect(objects.after).toBeLessThan(objects.before)
      const before = await duck.keep('before', listed(join(folder, 'before', partition)))
      const after = await duck.keep('after', listed(join(lake, partition)))
      const hasUid = (await duck.rows(`DESCRIBE SELECT metadata.* FROM (${before})`)).some(({ column_name: name }) => name === 'uid')
      const expected = hasUid
        ? `(SELECT DISTINCT * FROM (${before}) WHERE metadata.uid IS NOT NULL) UNION ALL (SELECT * FROM (${before}) WHERE metadata.uid IS NULL)`
        : before
      expect(await duck.difference(expected, after)).toEqual([0, 0])
      const count = async (sql: string): Promise<number> => Number((await duck.rows(`SELECT count(*) AS n FROM (${sql})`))[0]!.n)
      dropped += (await count(before)) - (await count(after))
    }
    expect(report.rows.repeats).toBe(dropped)
  })
})

describe('compact', () => {
  it('merges a day into few objects that are sorted, with their metadata, page index and bloom filters', async () => {
    await flowLake(12, 1500)
    const report = await run({ targetBytes: 2 ** 20 / 8 + 2 ** 20, sliceRows: 4000 })
    expect(report).toMatchObject({
      partitions: { total: 1, young: 0 },
      objects: { before: 12, after: 1 },
      rows: { in: 18_000, out: 18_000, repeats: 0, twins: 0 },
      compacted: [{ state: 'compacted', merges: [{ source: 'vpc-flow', class: 'network_activity (4001)', ocsf: '1.1.0', from: 12, into: 1 }], left: {} }],
    })
    expect(report.bytes.after).toBeLessThan(report.bytes.before)
    expect(await duck.difference(listed(partition('before')), listed(partition()))).toEqual([0, 0])

    const [name] = objectsIn(partition())
    expect(name).toMatch(/^merged-0001-[0-9a-f]{32}\.parquet$/)
    const path = join(partition(), name!)
    const times = await duck.rows(`SELECT time FROM read_parquet('${path}')`)
    expect(times.every(({ time }, row) => row === 0 || Number(time) >= Number(times[row - 1]!.time))).toBe(true)
    const pairs = await duck.rows(`SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${path}')`)
    const said = Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
    expect(said).toMatchObject({ 'ocsf-lake.source': 'vpc-flow', 'ocsf-lake.ocsf_version': '1.1.0', 'ocsf-lake.merged_count': '12' })
    expect(said['ocsf-lake.merged']).toBe(
      objectsIn(partition('before'))
        .map(one => one.slice(0, 32))
        .sort()
        .join(' '),
    )
    const filters = await duck.rows(`SELECT DISTINCT path_in_schema AS path FROM parquet_metadata('${path}') WHERE bloom_filter_offset IS NOT NULL`)
    expect(filters.map(({ path }) => String(path)).sort()).toContain('src_endpoint, ip')
    expect(readdirSync(partition()).sort()).toEqual(['_compacted.json', name])
    expect(await isCompacted(openStore(at('lake')), FLOW_PARTITION)).toBe(true)
  })

  it('writes the same names and bytes for the same objects, several when they are large, none of which overlaps', async () => {
    await flowLake(10, 12_000)
    const report = await run({ targetBytes: 2 ** 20, sliceRows: 10_000 })
    const names = objectsIn(partition())
    expect(names.length).toBeGreaterThan(1)
    expect(report.objects.after).toBe(names.length)
    await compact({ lake: at('before'), targetBytes: 2 ** 20, sliceRows: 10_000 })
    expect(objectsIn(partition('before'))).toEqual(names)
    for (const name of names) expect(readFileSync(join(partition('before'), name)).equals(readFileSync(join(partition(), name)))).toBe(true)
    const spans = await duck.rows(
      `SELECT min(time) AS low, max(time) AS high FROM read_parquet('${partition()}*.parquet', filename = true) GROUP BY filename ORDER BY low`,
    )
    for (const [index, { low }] of spans.entries()) if (index > 0) expect(Number(low)).toBeGreaterThan(Number(spans[index - 1]!.high))
  })

  it('finds nothing to do a second time, and merges what came later', async () => {
    await flowLake(4, 200)
    await run()
    expect((await run()).compacted).toEqual([])
    const [late] = writeFlows(at('late'), 1, 300, 99)
    await convertFlows([late!], at('lake'), vpcFlow)
    await convertFlows([late!], at('before'), vpcFlow)
    const report = await run()
    expect(report).toMatchObject({ objects: { before: 2, after: 1 }, rows: { in: 1100, out: 1100 } })
    expect(objectsIn(partition())).toEqual([expect.stringMatching(/^merged-0002-/)])
    expect(await duck.difference(listed(partition('before')), listed(partition()))).toEqual([0, 0])
    await expect(convertFlows(writeFlows(at('logs'), 4, 200), at('lake'), vpcFlow)).rejects.toMatchObject({ code: 'partition_compacted' })
    await expect(convertFlows([late!], at('lake'), vpcFlow)).rejects.toMatchObject({ code: 'partition_compacted' })
  })

  it('does not merge objects of different OCSF versions or columns with each other', async () => {
    const logs = writeFlows(at('logs'), 4, 50)
    const options = { out: at('lake'), source: vpcFlow, region: 'eu-central-1' }
    await convertFiles({ ...options, inputs: logs.slice(0, 2) })
    await convertFiles({ ...options, inputs: logs.slice(2), ocsf: '1.8.0' })
    const [{ merges } = { merges: [] }] = (await run()).compacted
    expect(merges.map(({ ocsf, from, into }) => [ocsf, from, into]).sort()).toEqual([
      ['1.1.0', 2, 1],
      ['1.8.0', 2, 1],
    ])
  })

  it('keeps different rows with the same uid, and counts them', async () => {
    const source = SOURCES.find(({ id }) => id === 'cloudtrail')!
    const event = (bucket: string) => ({
      eventVersion: '1.11',
      userIdentity: { type: 'AWSService', invokedBy: 'cloudtrail.amazonaws.com' },
      eventTime: '2024-05-01T10:00:00Z',
      eventSource: 's3.amazonaws.com',
      eventName: 'GetObject',
      awsRegion: 'eu-central-1',
      sourceIPAddress: 'cloudtrail.amazonaws.com',
      userAgent: 'cloudtrail.amazonaws.com',
      requestParameters: { bucketName: bucket },
      eventID: '11111111-2222-4333-8444-555555555555',
      eventType: 'AwsApiCall',
      recipientAccountId: '123456789012',
    })
    mkdirSync(at('logs'))
    for (const [name, ...buckets] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'one'],
      ['d', 'two', 'three'],
    ])
      writeFileSync(at('logs', `${name}.json`), JSON.stringify({ Records: buckets.map(event) }))
    await convertFiles({ inputs: [at('logs')], out: at('lake'), source })
    const report = await run()
    expect(report.rows).toEqual({ in: 5, out: 3, repeats: 2, twins: 2 })
  })

  it('leaves days alone that may still be written to', async () => {
    await flowLake(2, 10)
    const day = 86_400_000
    expect(await run({ nowMs: DAY_MS + 16 * day - 1 })).toMatchObject({ partitions: { total: 1, young: 1 }, compacted: [] })
    expect(await run({ nowMs: DAY_MS + 3 * day, olderThanDays: 2, dryRun: true })).toMatchObject({
      partitions: { young: 0 },
      compacted: [{ state: 'planned' }],
    })
    expect(await run({ nowMs: DAY_MS + 16 * day })).toMatchObject({ compacted: [{ state: 'compacted' }] })
  })

  it('changes nothing in a dry run', async () => {
    await flowLake(3, 10)
    expect(await run({ dryRun: true })).toMatchObject({
      dryRun: true,
      rows: { in: 30, out: 0 },
      compacted: [{ state: 'planned', merges: [{ from: 3, into: 1 }] }],
    })
    expect(readdirSync(partition()).sort()).toEqual(readdirSync(partition('before')).sort())
  })

  it('leaves what it cannot merge for sure, and says why', async () => {
    await flowLake(5, 100)
    const [first, second, third] = objectsIn(partition())
    const bytes = readFileSync(join(partition(), first!))
    writeFileSync(join(partition(), first!), bytes.subarray(0, bytes.length - 9))
    bytes.fill(0, 100, 2000)
    writeFileSync(join(partition(), second!), bytes)
    mkdirSync(at('lake', FLOW_PARTITION.replace('20240501', '20240502')))
    cpSync(join(partition(), third!), at('lake', FLOW_PARTITION.replace('20240501', '20240502'), third!))
    await duck.rows(`COPY (SELECT 1 AS time) TO '${partition()}mine.parquet'`)
    const { compacted } = await run()
    expect(compacted.map(({ state, left }) => [state, left])).toEqual([
      ['compacted', { damaged: [first, second].sort(), foreign: ['mine.parquet'] }],
      ['left', { day_other: [third] }],
    ])
    expect(
      objectsIn(partition())
        .filter(name => !name.startsWith('merged-'))
        .sort(),
    ).toEqual([first, second, 'mine.parquet'].sort())
  })

  it('leaves a partition alone where something that was merged is there again', async () => {
    await flowLake(3, 10)
    await run()
    const [name] = objectsIn(partition('before'))
    cpSync(join(partition('before'), name!), join(partition(), name!))
    expect((await run()).compacted).toMatchObject([{ state: 'left', left: { written_again: [name] } }])
  })

  it.each([
    ['replaced before it is read', 0],
    ['replaced while it is merged', 1],
    ['replaced before the merge is decided', 2],
  ])('gives up a merge when an object is %s', async (_when, step) => {
    await flowLake(3, 50)
    const [name] = objectsIn(partition())
    const other = objectsIn(partition())[1]!
    const steps: ((store: OwnStore, key: string) => boolean)[] = [
      (_, key) => key.endsWith(name!),
      (_, key) => key.endsWith(other),
      (_, key) => key.endsWith('.staged'),
    ]
    let calls = 0
    const storeOf = (store: OwnStore): OwnStore => ({
      ...store,
      async get(key) {
        const bytes = await store.get(key)
        if (steps[step]!(store, key) && ++calls === 1) cpSync(join(partition(), other), join(partition(), name!))
        return bytes
      },
    })
    const report = await run({ storeOf })
    expect(report.compacted).toMatchObject([{ state: 'left', left: { changed: [''] } }])
    expect(readdirSync(partition()).sort()).toEqual(readdirSync(partition('before')).sort())
    expect((await run()).compacted).toMatchObject([{ state: 'compacted' }])
  })

  it('removes nothing when what it wrote does not read back', async () => {
    await flowLake(3, 50)
    const storeOf = (store: OwnStore): OwnStore => ({
      ...store,
      async get(key) {
        const bytes = await store.get(key)
        if (key.endsWith('.staged')) bytes![5000] = bytes![5000]! ^ 1
        return bytes
      },
    })
    await expect(run({ storeOf })).rejects.toMatchObject({ code: 'work_undone' })
    expect(objectsIn(partition()).sort()).toEqual(objectsIn(partition('before')).sort())
    expect((await run()).compacted).toMatchObject([{ state: 'compacted' }])
    expect(await duck.difference(listed(partition('before')), listed(partition()))).toEqual([0, 0])
    expect(readdirSync(partition())).toHaveLength(2)
  })

  it.each([
    ['a bucket of Security Lake', { lake: 's3://aws-security-data-lake-eu-central-1-example/' }, /belongs to Security Lake/],
    [
      'a custom source',
      {
        lake: 's3://example-lake',
        securityLake: {
          region: 'eu-central-1',
          externalId: 'x',
          sources: [{ source: 'vpc-flow', classUid: 4001, name: 'vpc-flow-4001', location: 's3://example-lake/ext/vpc-flow-4001/', roleArn: 'x' }],
        },
      },
      /belongs to Security Lake/,
    ],
    ['days that are still written to', { lake: 'lake', olderThanDays: 0.5 }, /from 1 on/],
    ['no number of days', { lake: 'lake', olderThanDays: Number.NaN }, /from 1 on/],
    ['objects that are too large', { lake: 'lake', targetBytes: 2 ** 40 }, /1MB to 1GB/],
  ])('refuses %s', async (_what, options, message) => {
    await expect(compact(options)).rejects.toMatchObject({ code: 'option_invalid', message: expect.stringMatching(message) })
  })
})
