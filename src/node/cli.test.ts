/** The command as a user runs it: a process with arguments, streams and an exit code. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SOURCES } from '../sources/index.js'
import { VERSION } from '../version.js'
import { bin } from './testing.js'

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const GOOD = '2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 1024 443 6 10 840 1714521600 1714521660 ACCEPT OK'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-cli-'))
  writeFileSync(join(folder, 'good.log'), `${HEADER}\n${GOOD}\n`)
  writeFileSync(join(folder, 'bad.log'), `${HEADER}\n${GOOD}\nbroken line\n`)
  writeFileSync(join(folder, 'unknown.txt'), 'nothing that AWS writes\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function ocsfLake(args: readonly string[], input?: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('ocsf-lake', () => {
  it('prints help with examples, and its version', () => {
    const help = ocsfLake(['convert', '--help'])
    expect(help.status).toBe(0)
    expect(help.stdout).toContain('Examples:')
    for (const option of [
      '--out',
      '--source',
      '--ocsf',
      '--region',
      '--account',
      '--fields',
      '--format',
      '--compression',
      '--compression-level',
      '--raw',
      '--no-observables',
      '--group',
      '--jobs',
      '--json',
      '--strict',
      '--rejects',
    ]) {
      expect(help.stdout).toContain(option)
    }
    expect(ocsfLake(['--version']).stdout).toBe(`${VERSION}\n`)
  })

  it('lists the sources', () => {
    const { status, stdout } = ocsfLake(['sources'])
    expect(status).toBe(0)
    for (const { id } of SOURCES) expect(stdout).toContain(id)
    const rows = JSON.parse(ocsfLake(['sources', '--json']).stdout) as { id: string }[]
    expect(rows.map(({ id }) => id)).toEqual(SOURCES.map(({ id }) => id))
  })

  it('converts into a lake and reports on stderr', () => {
    const { status, stdout, stderr } = ocsfLake(['convert', 'good.log', '--out', 'lake'])
    expect(status).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/1 records in/)
    expect(stderr).toMatch(/written +1/)
    expect(readdirSync(join(folder, 'lake/ext'))).toEqual(['vpc-flow-4001'])
  })

  it('writes the same lake and report with --jobs', () => {
    const convert = (...more: string[]) => {
      const { status, stdout, stderr } = ocsfLake(['convert', '*.log', '--json', ...more])
      expect([status, stderr]).toEqual([0, ''])
      return { ...(JSON.parse(stdout) as { objects: { key: string }[] }), ms: 0 }
    }
    const one = convert('--out', 'lake-1')
    expect(convert('--out', 'lake-2', '--jobs', '2')).toEqual(one)
    expect(one.objects).toHaveLength(2)
    for (const { key } of one.objects) expect(readFileSync(join(folder, 'lake-2', key))).toEqual(readFileSync(join(folder, 'lake-1', key)))
  })

  it('prints the report as one JSON document', () => {
    const { status, stdout, stderr } = ocsfLake(['convert', 'bad.log', '--out', 'lake-json', '--json'])
    expect(status).toBe(0)
    expect(stderr).toBe('')
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(Object.keys(report)).toEqual([
      'version',
      'ocsf',
      'records',
      'sources',
      'filtered',
      'rejected',
      'warnings',
      'lowered',
      'classes',
      'files',
      'recognised',
      'objects',
      'resumed',
      'ms',
    ])
    expect(report).toMatchObject({
      version: VERSION,
      ocsf: '1.1.0',
      records: { in: 2, written: 1, filtered: 0, duplicates: 0, rejected: 1 },
      rejected: { 'vpc-flow': { field_count: 1 } },
      classes: { 'vpc-flow/4001': 1 },
    })
  })

  it('writes NDJSON to standard output from standard input', () => {
    const { status, stdout } = ocsfLake(['convert', '-', '--format', 'ndjson', '--ocsf', '1.8.0'], `${HEADER}\n${GOOD}\n`)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ class_uid: 4001, metadata: { version: '1.8.0' } })
  })

  it('takes the fields of header-less text', () => {
    const { stdout } = ocsfLake(
      ['convert', '-', '--source', 'vpc-flow', '--fields', 'srcaddr dstaddr start end action', '--format', 'ndjson'],
      '192.0.2.1 192.0.2.2 1714521600 1714521660 REJECT\n',
    )
    expect(JSON.parse(stdout)).toMatchObject({ activity_name: 'Refuse', src_endpoint: { ip: '192.0.2.1' } })
  })

  it('reads logs by their format string, and replays rejects with it', () => {
    writeFileSync(join(folder, 'web.log'), '1714564800.250 192.0.2.1 GET /a HTTP/1.1 200 www.example.com\n')
    const asIs = ['--source', 'web-access', '--strict']
    const format = ['--log-format', '$msec $remote_addr $request_method $request_uri $server_protocol $status $http_host']
    const event = ocsfLake(['convert', 'web.log', ...asIs, ...format, '--format', 'ndjson'])
    expect(JSON.parse(event.stdout)).toMatchObject({ time: 1714564800250, http_response: { code: 200 } })
    expect(ocsfLake(['convert', 'web.log', ...asIs, '--out', 'lake-web']).status).toBe(2)
    expect(ocsfLake(['replay', 'lake-web/rejects', '--out', 'lake-web'])).toMatchObject({ status: 2, stderr: expect.stringContaining('0 settled, 1 left') })
    const replayed = ocsfLake(['replay', 'lake-web/rejects', '--out', 'lake-web', ...format])
    expect(replayed).toMatchObject({ status: 0, stderr: expect.stringContaining('1 settled, 0 left') })
  })

  it('exits with 2 for rejects under --strict, and when nothing usable was read', () => {
    expect(ocsfLake(['convert', 'bad.log', '--out', 'lake-strict', '--strict']).status).toBe(2)
    expect(ocsfLake(['convert', 'good.log', '--out', 'lake-strict', '--strict']).status).toBe(0)
    expect(ocsfLake(['convert', 'unknown.txt', '--out', 'lake-strict']).status).toBe(2)
  })

  it.each([
    ['a missing path', ['convert', 'nowhere', '--out', 'x'], /^ocsf-lake: nowhere does not exist/],
    ['no --out for Parquet', ['convert', 'good.log'], /^ocsf-lake: Parquet needs a folder/],
    ['--json beside events on stdout', ['convert', 'good.log', '--format', 'ndjson', '--json'], /^ocsf-lake: --json and the events/],
    ['an unknown source', ['convert', 'good.log', '--source', 'syslog', '--out', 'x'], /^ocsf-lake: There is no source syslog/],
    ['an unknown version', ['convert', 'good.log', '--ocsf', '9.9.9', '--out', 'x'], /Allowed choices are 1.1.0, 1.3.0, 1.5.0, 1.8.0/],
    ['a size that is none', ['convert', 'good.log', '--group', 'many', '--out', 'x'], /Give a number of bytes/],
    ['no jobs', ['convert', 'good.log', '--jobs', '0', '--out', 'x'], /^ocsf-lake: --jobs takes a whole number above 0\./],
    ['a number of jobs that is none', ['convert', 'good.log', '--jobs', 'auto', '--out', 'x'], /^ocsf-lake: --jobs takes a whole number/],
    [
      'jobs beside events on stdout',
      ['convert', 'good.log', '--format', 'ndjson', '--jobs', '2'],
      /^ocsf-lake: NDJSON on standard output is written by one job/,
    ],
    ['an unknown option', ['convert', 'good.log', '--nope'], /unknown option '--nope'/],
    ['no command', [], /Usage: ocsf-lake/],
  ])('exits with 1 and one sentence, no stack, for %s', (_name, args, message) => {
    const { status, stdout, stderr } = ocsfLake(args)
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
