/** Runs the queries of docs/findings.md with DuckDB over Parquet written from the fixtures, and holds its tables to the code. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { convert } from '../convert.js'
import { checkSecurityLakeVersion, eventClassName } from '../lake/security-lake.js'
import { loadFacts, VERSIONS } from '../ocsf/facts.js'
import { findingKey, latestFindings } from '../ocsf/latest-findings.js'
import { cloudtrail, guardduty, route53Resolver, securityHub, securityHubOcsf, vpcFlow } from '../sources/all.js'
import type { AnySource } from '../sources/source.js'
import { convertFiles } from './convert-files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = (path: string) => join(root, 'fixtures', path)
const guide = readFileSync(join(root, 'docs/findings.md'), 'utf8')
const queries = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(match => match[1]!)

const LOGS: readonly (readonly [AnySource, readonly string[]])[] = [
  [guardduty as AnySource, ['guardduty/sns.json', 'guardduty/typical-export.jsonl', 'guardduty/dns-blocked.json']],
  [cloudtrail as AnySource, ['cloudtrail/api-activities.json', 'cloudtrail/identity-assumed-role.json']],
  [vpcFlow as AnySource, ['vpc-flow/v2-default.log', 'vpc-flow/v5-nat.log']],
  [route53Resolver as AnySource, ['route53-resolver/typical.json']],
  [securityHubOcsf as AnySource, ['security-hub-ocsf/extension.json', 'security-hub-ocsf/typical-guardduty.json']],
]

let folder: string
let duckdb: DuckDBConnection | undefined
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-findings-'))
  for (const [source, files] of LOGS) {
    const report = await convertFiles({ inputs: files.map(fixture), source, out: join(folder, 'lake'), account: '123456789012', region: 'eu-west-1' })
    expect(report.records.rejected, source.id).toBe(0)
  }
  duckdb = await (await DuckDBInstance.create()).connect()
})
afterAll(() => {
  duckdb?.closeSync()
  rmSync(folder, { recursive: true, force: true })
})

async function rowsOf(query: string): Promise<readonly Record<string, unknown>[]> {
  const reader = await duckdb!.runAndReadAll(query.replaceAll("'lake/", `'${folder}/lake/`))
  return reader.getRowObjectsJson()
}

describe('docs/findings.md', () => {
  const [latest, views, byKey, byObservable, byInstance] = queries

  it('has the queries that are run here, and no others', () => {
    expect(queries).toHaveLength(5)
  })

  it('makes views of the tables', async () => {
    for (const statement of views!.split(';').filter(text => text.trim() !== '')) await duckdb!.run(statement.replaceAll("'lake/", `'${folder}/lake/`))
    for (const view of ['guardduty', 'cloudtrail', 'flow', 'dns', 'hub']) expect((await rowsOf(`SELECT count(*) AS n FROM ${view}`))[0]!.n, view).not.toBe('0')
  })

  it('gives one row for each finding', async () => {
    const rows = await rowsOf(latest!)
    expect(rows.length).toBeGreaterThan(2)
    expect(new Set(rows.map(row => row.finding)).size).toBe(rows.length)
  })

  it('finds what else was done with the key and from the address of a finding', async () => {
    const rows = await rowsOf(byKey!)
    expect(rows).toContainEqual(
      expect.objectContaining({
        title: 'AWS CloudTrail trail audit was disabled.',
        principal: 'alice',
        operation: 'StopLogging',
        address: '198.51.100.7',
        same_key: true,
      }),
    )
    expect(rows).toContainEqual(expect.objectContaining({ operation: 'GetItem', same_key: false }))
  })

  it('finds flows, calls and DNS queries by any observable, for findings of both sources', async () => {
    const rows = await rowsOf(byObservable!)
    const found = rows.map(({ in_finding, log, in_log, value }) => [in_finding, log, in_log, value])
    expect(found).toContainEqual(['evidences[].src_endpoint.ip', 'CloudTrail', 'src_endpoint.ip', '198.51.100.7'])
    expect(found).toContainEqual(['evidences[].src_endpoint.ip', 'flow', 'dst_endpoint.ip', '198.51.100.7'])
    expect(found).toContainEqual(['evidences[].query.hostname', 'DNS', 'query.hostname', 'www.example.com'])
  })

  it('finds what the instance of a finding talked to and asked for', async () => {
    expect(await rowsOf(byInstance!)).toContainEqual({
      title: 'Potential EC2 instance compromise',
      instance: 'i-0a1b2c3d4e5f60001',
      talked_to: '198.51.100.128',
      asked_for: 'www.example.com',
    })
  })

  it('says truly that a GuardDuty finding has one key from GuardDuty and from Security Hub', async () => {
    const own = readFileSync(fixture('guardduty/typical-export.jsonl'), 'utf8').split('\n')[0]!
    const { arn } = JSON.parse(own) as { arn: string }
    const ofArn = (file: string) => readFileSync(fixture(file), 'utf8').replaceAll(/arn:aws:guardduty:[^"]+\/finding\/[0-9a-f]+/g, arn)
    const events: Record<string, unknown>[] = []
    for (const [text, source] of [
      [own, guardduty],
      [ofArn('security-hub/guardduty-api-call.json'), securityHub],
      [ofArn('security-hub-ocsf/typical-guardduty.json'), securityHubOcsf],
    ] as const)
      for await (const outcome of convert(text, { source: source as AnySource })) if (outcome.kind === 'event') events.push(outcome.event)
    expect(events.map(findingKey)).toEqual([arn, arn, arn])
    expect(await latestFindings(events)).toMatchObject([{ key: arn, events: 3 }])
  })

  it('says truly which versions have which classes, and which Security Lake takes', async () => {
    const classes: Record<string, readonly number[]> = {}
    for (const version of VERSIONS) {
      const facts = await loadFacts(version)
      classes[version] = [2002, 2003, 2004, 2006, 2008].filter(uid => facts.classes.has(uid))
    }
    expect(classes).toEqual({
      '1.1.0': [2002, 2003, 2004],
      '1.3.0': [2002, 2003, 2004, 2006],
      '1.5.0': [2002, 2003, 2004, 2006],
      '1.8.0': [2002, 2003, 2004, 2006, 2008],
    })
    for (const uid of [2002, 2003, 2004, 2006]) expect(eventClassName(uid)).toMatch(/^[A-Z_]+_FINDING$/)
    for (const version of ['1.5.0', '1.8.0'] as const) expect(() => checkSecurityLakeVersion(version)).toThrow(/lake of your own/)
    expect(() => eventClassName(2008)).toThrow(/lake of your own/)
  })
})
