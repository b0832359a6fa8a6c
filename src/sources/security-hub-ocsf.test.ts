import { describe, expect, it } from 'vitest'
import { bytesOf, convertAs } from '../../fixtures/cases.js'
import { parseJson } from '../json.js'
import { securityHubOcsf } from './security-hub-ocsf.js'
import type { AnySource } from './source.js'

const source = securityHubOcsf as AnySource // what the tests of all sources take

function recordsOf(bytes: Uint8Array) {
  const raws: Uint8Array[] = []
  const records: unknown[] = []
  const decoder = source.decoder({ version: '1.8.0' })
  const emit: Parameters<typeof decoder.push>[1] = item => {
    raws.push(item.raw.slice())
    if ('record' in item) records.push(item.record)
  }
  decoder.push(bytes, emit)
  decoder.end(emit)
  return { raws, records }
}

describe('an event with several findings', () => {
  it('is a record for each, whose raw text reads alone to the same event', async () => {
    const bytes = bytesOf(source, 'batch.jsonl')
    const { raws, records } = recordsOf(bytes)
    expect(records).toHaveLength(5)
    const { outcomes } = await convertAs(source, 'batch.jsonl', '1.8.0', [bytes])
    for (const [at, raw] of raws.entries()) {
      const alone = await convertAs(source, 'batch.jsonl', '1.8.0', [raw])
      expect(alone.outcomes).toHaveLength(1)
      expect({ ...alone.outcomes[0], place: undefined }).toEqual({ ...outcomes[at], place: undefined })
    }
  })

  it('keeps the envelope with each', () => {
    const { records } = recordsOf(bytesOf(source, 'batch.jsonl'))
    expect(records.slice(0, 2)).toMatchObject([
      { account: '123456789012', detail: { actionName: 'Send to lake', findings: [{ class_uid: 2003 }] } },
      { account: '123456789012', detail: { actionName: 'Send to lake', findings: [{ class_uid: 2003 }] } },
    ])
  })

  it('is one fault where its envelope, told with each of them, would fill the memory', () => {
    const event = {
      'detail-type': 'Findings Imported V2',
      resources: ['x'.repeat(2 ** 16)],
      detail: { findings: Array.from({ length: 2000 }, () => ({ class_uid: 2004 })) },
    }
    const { raws, records } = recordsOf(new TextEncoder().encode(JSON.stringify(event)))
    expect([raws.length, records.length]).toEqual([1, 0])
  })

  it('stays as it is where it has one', () => {
    const bytes = bytesOf(source, 'typical-guardduty.json')
    const { raws, records } = recordsOf(bytes)
    expect(raws).toEqual([bytes])
    expect(records).toEqual([parseJson(new TextDecoder().decode(bytes))])
  })
})

it('writes an access key where the version has it, wherever AWS wrote it', async () => {
  const users = [
    { name: 'alice', credential_uid: 'AKIAIOSFODNN7EXAMPLE' },
    { name: 'alice', programmatic_credentials: [{ uid: 'AKIAIOSFODNN7EXAMPLE' }] },
  ]
  for (const user of users) {
    const finding = {
      class_uid: 2004,
      activity_id: 1,
      severity_id: 1,
      time: 1773480600000,
      finding_info: { uid: 'x', title: 'x' },
      evidences: [{ actor: { user } }],
    }
    for (const [version, expected] of [
      ['1.1.0', { credential_uid: 'AKIAIOSFODNN7EXAMPLE' }],
      ['1.8.0', { programmatic_credentials: [{ uid: 'AKIAIOSFODNN7EXAMPLE' }] }],
    ] as const) {
      const { outcomes } = await convertAs(source, 'minimal.json', version, [new TextEncoder().encode(JSON.stringify(finding))])
      expect(outcomes).toMatchObject([{ kind: 'event', event: { evidences: [{ actor: { user: { name: 'alice', ...expected } } }] } }])
    }
  }
})
