import { describe, expect, it } from 'vitest'
import { emptyReport } from '../lake/report.js'
import { reportText, sourcesText } from './text.js'

describe('reportText', () => {
  const report = {
    ...emptyReport('1.1.0'),
    records: { in: 12_345, written: 12_000, filtered: 300, duplicates: 5, rejected: 40 },
    files: { read: 3, skipped: 1, failed: 1 },
    recognised: { 'vpc-flow': { key: 2, content: 1 } },
    classes: { 'vpc-flow/4001': 12_000 },
    filtered: { 'vpc-flow': { nodata: 290, skipdata: 10 } },
    rejected: { 'vpc-flow': Object.fromEntries(Array.from({ length: 14 }, (_, n) => [`rule_${n}`, 14 - n])) },
    lowered: { 'src_endpoint.owner': 7 },
    objects: [
      { key: 'a', rows: 1, bytes: 1500, put: 'written' as const },
      { key: 'b', rows: 1, bytes: 3 * 2 ** 20, put: 'written' as const },
    ],
    ms: 1234,
  }

  it('says what came in, where it went, and where the rejects are', () => {
    const text = reportText(report, 'lake/rejects')
    expect(text).toContain('12,345 records in 1.2 s')
    expect(text).toMatch(/written +12,000\n/)
    expect(text).toMatch(/rejected +40 \(kept in lake\/rejects\)\n/)
    expect(text).toMatch(/files +3 read, 1 skipped, 1 failed\n/)
    expect(text).toMatch(/2 {2}vpc-flow key\n +1 {2}vpc-flow content\n/)
    expect(text).toMatch(/objects +2, 3\.0 MiB\n/)
    expect(text).toMatch(/290 {2}vpc-flow nodata\n/)
    expect(text).toMatch(/7 {2}src_endpoint\.owner\n/)
  })
  it('says which objects were there before', () => {
    const puts = ['replaced', 'unchanged', 'unchanged', 'written'] as const
    const again = { ...report, objects: puts.map(put => ({ key: put, rows: 1, bytes: 256, put })) }
    expect(reportText(again, undefined)).toMatch(/objects +4, 1\.0 KiB \(1 written, 1 replaced, 2 unchanged\)\n/)
  })
  it('cuts long lists and says so', () => {
    const text = reportText(report, undefined)
    expect(text).toContain('rule_11')
    expect(text).not.toContain('rule_12')
    expect(text).toContain('(2 more, see --json)')
    expect(text).toContain('not kept: give --rejects <dir>')
  })
})

describe('sourcesText', () => {
  it('aligns what it lists', () => {
    const rows = [
      { id: 'vpc-flow', title: 'Amazon VPC flow logs', classes: ['network_activity'] },
      { id: 'cloudtrail', title: 'AWS CloudTrail', classes: ['api_activity', 'authentication'] },
    ]
    expect(sourcesText(rows)).toBe('vpc-flow    Amazon VPC flow logs  network_activity\ncloudtrail  AWS CloudTrail        api_activity, authentication\n')
  })
})
