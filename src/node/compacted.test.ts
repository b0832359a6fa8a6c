/** What other commands do about a partition that was compacted. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OcsfLakeError } from '../errors.js'
import { SOURCES } from '../sources/index.js'
import { compactionGuard, daysSince, isCompacted, writeMarker } from './compacted.js'
import { convertFiles } from './convert-files.js'
import { replay } from './replay.js'
import { openStore, type Store } from './store.js'

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const FLOW = '2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 1024 443 6 10 840 1714521600 1714521660 ACCEPT OK'
const PARTITION = 'ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/'
const DAY_MS = 86_400_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-compacted-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const source = SOURCES.find(({ id }) => id === 'vpc-flow')!
const at = (name: string): string => join(folder, name)
const convert = (name: string) => convertFiles({ inputs: [at(name)], source, region: 'eu-central-1', out: at('lake') })

describe('a compacted partition', () => {
  it('takes new objects, but not those that were merged there', async () => {
    writeFileSync(at('a.log'), `${HEADER}\n${FLOW}\n`)
    writeFileSync(at('b.log'), `${HEADER}\n${FLOW.replace('1024', '1025')}\n`)
    const store = openStore(at('lake'))
    expect(await isCompacted(store, PARTITION)).toBe(false)
    const { objects } = await convert('a.log')
    const [{ key } = { key: '' }] = objects
    expect(key.startsWith(PARTITION)).toBe(true)
    await writeMarker(store, PARTITION, { merged: [key.slice(PARTITION.length)] })
    expect(await isCompacted(store, PARTITION)).toBe(true)
    await store.remove([key])

    await expect(convert('a.log')).rejects.toMatchObject({ code: 'partition_compacted', message: expect.stringContaining('would double its rows') })
    expect(readdirSync(join(at('lake'), PARTITION))).toEqual(['_compacted.json'])
    expect((await convert('b.log')).objects).toHaveLength(1)
    expect(readdirSync(join(at('lake'), PARTITION))).toHaveLength(2)
  })

  it('takes nothing from replay, and the rejects stay', async () => {
    await writeMarker(openStore(at('lake')), PARTITION, { merged: [] })
    const lines = `${JSON.stringify({ object: 'a.log', line: 2, stage: 'decode', issues: [{ path: '', rule: 'field_count' }], preface: HEADER, raw: FLOW })}\n`
    const file = at('lake/rejects/vpc-flow/0.ndjson')
    mkdirSync(at('lake/rejects/vpc-flow'), { recursive: true })
    writeFileSync(file, lines)

    await expect(replay({ from: at('lake/rejects'), region: 'eu-central-1', out: at('lake') })).rejects.toMatchObject({ code: 'partition_compacted' })
    expect(readFileSync(file, 'utf8')).toBe(lines)
    expect(readdirSync(join(at('lake'), PARTITION))).toEqual(['_compacted.json'])
  })

  it('is asked for once, and not at all for days that are too young to be compacted', async () => {
    const asked: string[] = []
    const store: Store = { ...openStore(at('lake')), get: async key => void asked.push(key) }
    const now = Date.parse('2024-05-03T12:00:00Z')
    const guard = compactionGuard(store, now)
    const key = (day: string, name: string): string => `ext/a-4001/region=x/accountId=1/eventDay=${day}/${name}.parquet`
    for (const name of ['a', 'b']) for (const day of ['20240501', '20240502', '20240503', 'unknown']) await guard(key(day, name))
    expect(asked).toEqual(['ext/a-4001/region=x/accountId=1/eventDay=20240501/_compacted.json'])
    expect(daysSince('x/eventDay=20240501/', now)).toBe(1.5)
    expect(daysSince('x/eventDay=20240501/', Date.parse('2024-05-01') + DAY_MS)).toBe(0)
  })

  it('stays unknown where markers may not be read', async () => {
    const get = async (): Promise<never> => {
      throw new OcsfLakeError('access_denied', 'no')
    }
    await expect(compactionGuard({ ...openStore(at('lake')), get }, Date.now())(`${PARTITION}a.parquet`)).resolves.toBeUndefined()
  })

  it('says so when its marker is something else', async () => {
    const store = openStore(at('lake'))
    for (const text of ['{', '{"merged":3}', '{"merged":["a/b"]}', 'null']) {
      await store.put({ key: `${PARTITION}_compacted.json`, bytes: new TextEncoder().encode(text) })
      await expect(isCompacted(store, PARTITION)).rejects.toMatchObject({ code: 'input_unreadable' })
    }
  })
})
