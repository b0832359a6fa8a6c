import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createConverter, type Outcome } from '../convert.js'
import { parseJson, stringify } from '../json.js'
import { networkFirewall } from './network-firewall.js'

const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`../../fixtures/network-firewall/${name}`, import.meta.url)))

describe('networkFirewall', () => {
  it('leaves no secret of a URL in an event or in its raw text', async () => {
    for (const name of ['typical-alert.json', 'other-events.json', 'hostile.json']) {
      const outcomes: Outcome[] = []
      const converter = await createConverter({ source: networkFirewall, ocsf: '1.8.0', raw: 'keep' }, outcome => outcomes.push(outcome))
      converter.push(fixture(name))
      converter.end()
      const events = outcomes.filter(outcome => outcome.kind === 'event')
      expect(events.length).toBeGreaterThan(0)
      for (const event of events) expect(stringify(event), name).not.toContain('s3cret')
    }
  })

  it('says what became of the packet, by the verdict before the rule', () => {
    const record = parseJson(fixture('alert-drop.json').toString()) as { event: object }
    const judged = (alert: string, verdict?: string) => {
      const event = { ...record.event, alert: { action: alert, signature_id: 1 }, verdict: verdict === undefined ? undefined : { action: verdict } }
      const mapped = networkFirewall.map({ ...record, event }, { version: '1.8.0' })
      if (!('class_uid' in mapped)) throw new Error('no event')
      return [mapped.action_id, mapped.disposition_id]
    }
    expect(judged('allowed')).toEqual([1, 1])
    expect(judged('blocked')).toEqual([2, 2])
    expect(judged('blocked', 'drop')).toEqual([2, 6])
    expect(judged('blocked', 'reject')).toEqual([2, 25])
    // a rule that only alerts does not save a packet that another one drops
    expect(judged('allowed', 'drop')).toEqual([2, 6])
    expect(judged('allowed', 'alert')).toEqual([1, 1])
  })

  it('is recognised by its folder in every layout and by content', () => {
    const recognise = (key: string, text: string) => networkFirewall.recognise({ key, text, bytes: new TextEncoder().encode(text) })
    for (const kind of ['alert', 'flow', 'tls']) {
      expect(recognise(`AWSLogs/123456789012/network-firewall/${kind}/eu-central-1/egress/2026/03/14/09/x.log.gz`, '')).toBe('key')
      expect(recognise(`123456789012_network-firewall_${kind}_eu-central-1_egress_202603140925_1a2b.log`, '')).toBe('key')
    }
    expect(recognise('x', '{"firewall_name":"a","event_timestamp":"1","event":{"src_ip":')).toBe('content')
    expect(recognise('x', '{"firewall_name":"a","event":"b"}')).toBeUndefined()
  })
})
