/** Bad input of every kind, through the files on disk: an event, a reject or one clear operator error, and the report adds up. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OcsfLakeError } from '../errors.js'
import { addsUp } from '../lake/report.js'
import { cloudtrail } from '../sources/cloudtrail.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { convertFiles } from './convert-files.js'
import type { ConvertFilesOptions } from './options.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, 'in', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

const out = () => join(folder, 'lake')

async function run(options: Partial<ConvertFilesOptions> = {}) {
  const report = await convertFiles({ inputs: [join(folder, 'in')], out: out(), ...options })
  expect(addsUp(report)).toBe(true)
  expect(report.objects.reduce((rows, object) => rows + object.rows, 0)).toBe(report.records.written)
  return report
}

function rejects(root = join(out(), 'rejects')): Record<string, unknown>[] {
  if (!existsSync(root)) return []
  return readdirSync(root).flatMap(source =>
    readdirSync(join(root, source)).flatMap(file =>
      readFileSync(join(root, source, file), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, unknown>),
    ),
  )
}

async function rowsOf(key: string) {
  const bytes = readFileSync(join(out(), key))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  return { rows: await parquetReadObjects({ file, compressors }), metadata: parquetMetadata(file) }
}

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (n: number, more: Partial<Record<'srcport' | 'bytes' | 'start' | 'account', string>> = {}) =>
  `2 ${more.account ?? '123456789012'} eni-0a1b2c3d4e5f60718 192.0.2.${n % 250} 198.51.100.7 ${more.srcport ?? 1024 + n} 443 6 10 ${more.bytes ?? 840 + n} ${more.start ?? 1714521600 + n} 1714521660 ACCEPT OK`
const flows = (count: number) => [HEADER, ...Array.from({ length: count }, (_, n) => flow(n))].join('\n')
const trail = (n: number, more: object = {}) => ({
  eventVersion: '1.09',
  userIdentity: { type: 'IAMUser', principalId: 'AIDAEXAMPLE', arn: 'arn:aws:iam::123456789012:user/alice', accountId: '123456789012', userName: 'alice' },
  eventTime: '2024-05-01T00:00:00Z',
  eventSource: 's3.amazonaws.com',
  eventName: 'ListBuckets',
  awsRegion: 'us-east-1',
  sourceIPAddress: '192.0.2.10',
  userAgent: 'aws-cli/2.15.30',
  requestParameters: null,
  responseElements: null,
  requestID: `REQ${n}`,
  eventID: `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`,
  eventType: 'AwsApiCall',
  recipientAccountId: '123456789012',
  ...more,
})

describe('convertFiles', () => {
  it('writes one object per class, account and day, sorted by time, and names them by their content', async () => {
    put(
      'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2024/05/01/123456789012_vpcflowlogs_eu-central-1_fl-1_20240501T0000Z_a.log.gz',
      gzipSync([HEADER, flow(2), flow(1), flow(3, { start: '1714608000' }), flow(4, { account: '210987654321' })].join('\n')),
    )
    const report = await run()
    expect(report.records).toEqual({ in: 4, written: 4, filtered: 0, duplicates: 0, rejected: 0 })
    const keys = report.objects.map(object => object.key.replace(/[0-9a-f]{32}\.parquet$/, ''))
    expect(keys.sort()).toEqual([
      'ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/',
      'ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240502/',
      'ext/vpc-flow-4001/region=eu-central-1/accountId=210987654321/eventDay=20240501/',
    ])
    const { rows, metadata } = await rowsOf(report.objects.find(object => object.rows === 2)!.key)
    expect(rows.map(row => row.time)).toEqual([1714521601000n, 1714521602000n])
    expect(Object.fromEntries(metadata.key_value_metadata!.map(({ key, value }) => [key, value]))).toMatchObject({
      'ocsf-lake.source': 'vpc-flow',
      'ocsf-lake.class': 'network_activity (4001)',
      'ocsf-lake.ocsf_version': '1.1.0',
      'ocsf-lake.mapping_version': '1',
    })
    const again = await run()
    expect(report.objects.map(({ put }) => put)).toEqual(['written', 'written', 'written'])
    expect(again.objects).toEqual(report.objects.map(object => ({ ...object, put: 'unchanged' })))
    const other = await run({ compression: 'gzip' })
    expect(other.objects.map(({ key, put }) => [key, put])).toEqual(report.objects.map(({ key }) => [key, 'replaced']))
  })

  it('makes one unit of several inputs when asked to', async () => {
    for (let n = 0; n < 6; n++) put(`f${n}.log`, `${HEADER}\n${flow(n)}\n`)
    expect((await run()).objects).toHaveLength(6)
    rmSync(out(), { recursive: true })
    const size = statSync(join(folder, 'in/f0.log')).size
    const report = await run({ group: size * 3 })
    expect(report.objects.map(object => object.rows)).toEqual([3, 3])
  })

  it('keeps two files with the same bytes apart', async () => {
    put('a.log', `${HEADER}\n${flow(1)}\n`)
    put('b.log', `${HEADER}\n${flow(1)}\n`)
    const report = await run()
    expect(report.records.written).toBe(2)
    expect(new Set(report.objects.map(object => object.key)).size).toBe(2)
  })

  it('reads standard input, and names it by its content', async () => {
    const first = await convertFiles({ inputs: ['-'], stdin: Readable.from([Buffer.from(flows(3))]), out: out() })
    const second = await convertFiles({
      inputs: ['-'],
      stdin: Readable.from([gzipSync(flows(3)).subarray(0, 10), gzipSync(flows(3)).subarray(10)]),
      source: vpcFlow,
      out: out(),
    })
    expect(first.records.written).toBe(3)
    expect(second.records.written).toBe(3)
  })

  it('writes NDJSON to a stream, or to one file per source and class', async () => {
    put('a.log', flows(3))
    put('b.json', JSON.stringify({ Records: [trail(1)] }))
    let text = ''
    const stdout = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk)
        done()
      },
    })
    const report = await convertFiles({ inputs: [join(folder, 'in')], format: 'ndjson', stdout })
    expect(
      text
        .trimEnd()
        .split('\n')
        .map(line => (JSON.parse(line) as { class_uid: number }).class_uid),
    ).toEqual([4001, 4001, 4001, 6003])
    expect(report.objects).toEqual([])
    const toFiles = await run({ format: 'ndjson' })
    expect(toFiles.objects.map(({ key, rows }) => [key, rows])).toEqual([
      ['vpc-flow.4001.ndjson', 3],
      ['cloudtrail.6003.ndjson', 1],
    ])
    expect(readFileSync(join(out(), 'vpc-flow.4001.ndjson')).length).toBe(toFiles.objects[0]!.bytes)
  })

  it('counts duplicates of the same id and bytes, but not twins with other bytes', async () => {
    put('a.json', JSON.stringify({ Records: [trail(1), trail(2), trail(1), trail(1, { addendum: { reason: 'UPDATED_DATA' } })] }))
    expect((await run()).records).toEqual({ in: 4, written: 3, filtered: 0, duplicates: 1, rejected: 0 })
  })

  it('counts digests and empty files as skipped files, without records', async () => {
    put(
      'AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2024/05/01/x.json.gz',
      gzipSync('{"awsAccountId":"123456789012","digestStartTime":"2024-05-01T00:00:00Z"}'),
    )
    put('empty.log', '')
    put('empty.log.gz', gzipSync(''))
    const report = await run()
    expect(report.files).toEqual({ read: 0, skipped: 3, failed: 0 })
    expect(report.records.in).toBe(0)
  })

  it('does not skip a file for a digest that stands among events', async () => {
    const digest = { awsAccountId: '123456789012', digestStartTime: '2024-05-01T00:00:00Z', digestS3Object: 'x' }
    put('all.ndjson', [digest, trail(1), digest, trail(2)].map(line => JSON.stringify(line)).join('\n'))
    expect((await run()).records).toMatchObject({ in: 4, written: 2, filtered: 2 })
  })

  it('takes account and region from the options where nothing else says them', async () => {
    put('a.log', 'srcaddr dstaddr start end\n192.0.2.1 192.0.2.2 1714521600 1714521660\n')
    const { objects } = await run({ account: 'external_partner', region: 'us-west-2' })
    expect(objects[0]!.key).toMatch(/region=us-west-2\/accountId=external_partner\/eventDay=20240501\//)
  })

  it('never lets a log choose a folder outside its partition', async () => {
    put('a.json', JSON.stringify({ Records: [trail(1, { awsRegion: '../../../etc', recipientAccountId: '../..' })] }))
    const report = await run()
    for (const { key } of report.objects)
      expect(key).toMatch(/^ext\/cloudtrail-6003\/region=unknown\/accountId=(unknown|\d{12})\/eventDay=20240501\/[0-9a-f]{32}\.parquet$/)
    expect(report.records.in).toBe(1)
  })
})

describe('bad input', () => {
  it('gives the good records of a truncated gzip, and one reject', async () => {
    const zipped = gzipSync(flows(5000))
    put('cut.log.gz', zipped.subarray(0, zipped.length - 200))
    const report = await run()
    expect(report.records.written).toBeGreaterThan(4000)
    expect(report.records.rejected).toBe(1)
    expect(report.rejected).toEqual({ 'vpc-flow': { gzip_truncated: 1 } })
    expect(report.files).toEqual({ read: 0, skipped: 0, failed: 1 })
  })

  it('does not take a cut-off last line for a whole one', async () => {
    const whole = flows(3)
    const zipped = gzipSync(`${whole}\n`, { level: 0 }) // stored: the cut falls where it is made
    put('cut.log.gz', zipped.subarray(0, zipped.length - 8 - 4))
    const report = await run()
    expect(report.records).toMatchObject({ in: 3, written: 2, rejected: 1 })
    expect(rejects()[0]!.raw).toMatch(/^2 123456789012/)
  })

  it('reads plain text that is called .gz', async () => {
    put('plain.log.gz', flows(3))
    expect((await run()).records.written).toBe(3)
  })

  it('rejects binary noise as one unknown object, and keeps it', async () => {
    const noise = Uint8Array.from({ length: 100_000 }, (_, n) => (n * 2654435761) >>> 24)
    put('noise.bin', noise)
    const report = await run()
    expect(report.records).toMatchObject({ in: 1, rejected: 1 })
    expect(report.rejected).toEqual({ unknown: { source_unknown: 1 } })
    expect(Buffer.from(String(rejects()[0]!.raw_base64), 'base64').subarray(0, 1000)).toEqual(Buffer.from(noise.subarray(0, 1000)))
  })

  it('gives the neighbours of broken JSON in the middle of a file', async () => {
    put('a.ndjson', [JSON.stringify(trail(1)), JSON.stringify(trail(2)).slice(0, 200), JSON.stringify(trail(3))].join('\n'))
    put('b.json', `{"Records":[${JSON.stringify(trail(4))},{"eventID": nope},${JSON.stringify(trail(5))}]}`)
    const report = await run()
    expect(report.records).toMatchObject({ written: 4, rejected: 2 })
  })

  it.each([
    ['CloudTrail read as flow logs', 'a.json', JSON.stringify({ Records: [trail(1)] }), vpcFlow],
    ['flow logs read as CloudTrail', 'a.log', flows(3), cloudtrail],
  ])('rejects a file of the wrong source: %s', async (_name, file, content, source) => {
    put(file, content)
    const report = await run({ source })
    expect(report.records.written).toBe(0)
    expect(report.records.rejected).toBeGreaterThan(0)
  })

  it('keeps the values of a header that names unknown fields', async () => {
    put('a.log', `${HEADER} moon-phase\n${flow(1)} full\n`)
    const report = await run({ format: 'ndjson' })
    expect(report.records.written).toBe(1)
    const event = JSON.parse(readFileSync(join(out(), 'vpc-flow.4001.ndjson'), 'utf8')) as { unmapped: Record<string, unknown> }
    expect(event.unmapped['moon-phase']).toBe('full')
  })

  it('rejects numbers out of range, and keeps those beyond 2^53', async () => {
    put(
      'a.log',
      [
        HEADER,
        flow(1, { srcport: '70000' }),
        flow(2, { bytes: '9007199254740993' }),
        flow(3, { bytes: '99999999999999999999' }),
        flow(4, { start: '99999999999999999' }),
      ].join('\n'),
    )
    const report = await run()
    expect(report.records).toMatchObject({ in: 4, written: 1, rejected: 3 })
    const { rows } = await rowsOf(report.objects[0]!.key)
    expect((rows[0]!.traffic as { bytes: bigint }).bytes).toBe(9007199254740993n)
  })

  it('converts a record of 5 MB', async () => {
    put('a.json', JSON.stringify({ Records: [trail(1, { requestParameters: { policy: 'x'.repeat(5 * 2 ** 20) } }), trail(2)] }))
    const report = await run()
    expect(report.records).toMatchObject({ in: 2, written: 2, rejected: 0 })
    const { rows } = await rowsOf(report.objects[0]!.key)
    const data = rows.map(row => (row.api as { request: { data?: string } }).request.data?.length ?? 0)
    expect(Math.max(...data)).toBeGreaterThan(5 * 2 ** 20)
  })

  it('cuts off a gzip bomb with one reject', async () => {
    put('bomb.log.gz', gzipSync(Buffer.concat([Buffer.from(`${flows(10)}\n`), Buffer.alloc(64 * 2 ** 20, 0x20)])))
    const report = await run({ maxBytes: 8 * 2 ** 20 })
    expect(report.records).toMatchObject({ in: 11, written: 10, rejected: 1 })
    expect(report.rejected['vpc-flow']).toEqual({ object_too_large: 1 })
  })

  it('rejects a record longer than the cap, not its neighbours', async () => {
    put('a.log', `${flows(2)}\n${'x'.repeat(17 * 2 ** 20)}\n${flow(3)}\n`)
    const report = await run()
    expect(report.records).toMatchObject({ in: 4, written: 3, rejected: 1 })
    expect(report.rejected['vpc-flow']).toEqual({ record_too_large: 1 })
  })

  it('is not impressed by __proto__ keys', async () => {
    put(
      'a.json',
      JSON.stringify({ Records: [trail(1)] }).replace(
        '"requestParameters":null',
        '"requestParameters":{"__proto__":{"polluted":true}},"__proto__":{"polluted":true}',
      ),
    )
    const report = await run({ format: 'ndjson' })
    expect(report.records.written).toBe(1)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(readFileSync(join(out(), 'cloudtrail.6003.ndjson'), 'utf8').match(/__proto__/g)).toHaveLength(2)
  })

  it('rejects invalid UTF-8 with its bytes, never with replacement characters', async () => {
    put('a.log', Buffer.concat([Buffer.from(`${flows(1)}\n`), Buffer.from(flow(2)), Buffer.from([0x20, 0xff, 0xfe, 0x0a]), Buffer.from(flow(3))]))
    const report = await run()
    expect(report.records).toMatchObject({ in: 3, written: 2, rejected: 1 })
    expect(Buffer.from(String(rejects()[0]!.raw_base64), 'base64').includes(0xff)).toBe(true)
  })

  it('replaces the rejects of a unit when it is converted again, readable by their owner only', async () => {
    put('a.log', `${HEADER}\n${flow(1)}\nnot a flow\n`)
    await run()
    await run()
    expect(rejects()).toHaveLength(1)
    expect(rejects()[0]).toMatchObject({ line: 3, stage: 'decode', raw: 'not a flow' })
    const [file] = readdirSync(join(out(), 'rejects/vpc-flow'))
    expect(statSync(join(out(), 'rejects/vpc-flow', file!)).mode & 0o777).toBe(0o600)
  })

  it.runIf(existsSync('/proc/self/fd'))('closes the files that it does not read to their end', async () => {
    const open = () => readdirSync('/proc/self/fd').length
    for (let n = 0; n < 40; n++) put(`noise-${n}.txt`, Buffer.alloc(600_000, `no log ${n} `))
    for (let n = 0; n < 40; n++) put(`noise-${n}.txt.gz`, gzipSync(Buffer.alloc(600_000, `no log ${n} `)))
    const before = open()
    expect((await run()).rejected).toEqual({ unknown: { source_unknown: 80 } })
    expect(open() - before).toBeLessThan(10)
  })

  it('goes on after a file that cannot be read', async () => {
    put('a.log', flows(2))
    const path = put('b.log', flows(2))
    chmodSync(path, 0)
    const report = await run()
    // root reads everything
    const readable = process.getuid?.() === 0
    expect(report.records).toMatchObject(readable ? { written: 4, rejected: 0 } : { written: 2, rejected: 1 })
  })
})

describe('operator faults', () => {
  const fails = async (options: Partial<ConvertFilesOptions>, code: string) => {
    const error = await convertFiles({ inputs: [join(folder, 'in')], out: out(), ...options }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(OcsfLakeError)
    expect((error as OcsfLakeError).code).toBe(code)
    expect((error as OcsfLakeError).message).toMatch(/^[^\n]+\.$/)
  }
  beforeEach(() => put('a.log', flows(1)))

  it('says which input is missing', async () => {
    await fails({ inputs: [join(folder, 'nowhere')] }, 'input_missing')
    await fails({ inputs: [join(folder, '*.nothing')] }, 'input_missing')
    await fails({ inputs: [] }, 'option_invalid')
  })
  it('says that the output cannot be written', async () => {
    await fails({ out: join(folder, 'in/a.log/lake') }, 'output_unwritable')
    await fails({ rejects: join(folder, 'in/a.log/rejects') }, 'output_unwritable')
  })
  it('says which options are wrong', async () => {
    await fails({ ocsf: '9.9.9' as '1.1.0' }, 'version_unknown')
    await fails({ out: undefined }, 'option_invalid')
    await fails({ account: '123' }, 'option_invalid')
    await fails({ region: '../x' }, 'option_invalid')
    await fails({ group: 0 }, 'option_invalid')
    await fails({ compression: 'lzma' as 'zstd' }, 'option_invalid')
    await fails({ compressionLevel: 20 }, 'option_invalid')
    await fails({ compression: 'snappy', compressionLevel: 1 }, 'option_invalid')
  })
})
