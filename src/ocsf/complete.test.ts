import { beforeAll, describe, expect, it } from 'vitest'
import { classFields, columns } from './columns.js'
import { completer } from './complete.js'
import { type Facts, loadFacts } from './facts.js'

const declared = columns('network_activity')({
  activity_id: true,
  activity_name: true,
  severity_id: true,
  time: true,
  start_time: true,
  metadata: { product: { name: true, vendor_name: true, feature: { name: true } }, uid: true },
  cloud: { provider: true, account: { uid: true } },
  src_endpoint: { ip: true, port: true, intermediate_ips: true },
  dst_endpoint: { ip: true, hostname: true },
  connection_info: { direction_id: true },
  disposition_id: true,
})

let facts: Facts
beforeAll(async () => {
  facts = await loadFacts('1.1.0')
})
const complete = (event: Record<string, unknown>, observables?: boolean) =>
  completer(facts, classFields(facts, 'network_activity', declared)!, { observables })({
    class_uid: 4001,
    activity_id: 6,
    severity_id: 1,
    time: 0,
    metadata: {},
    ...event,
  })

describe('completer', () => {
  it('derives class, category and type names and ids', () => {
    expect(complete({})).toMatchObject({
      category_uid: 4,
      category_name: 'Network Activity',
      class_name: 'Network Activity',
      type_uid: 400106,
      type_name: 'Network Activity: Traffic',
      activity_name: 'Traffic',
      severity: 'Informational',
      metadata: { version: '1.1.0' },
    })
  })

  it('writes the RFC 3339 twin of every time, and no twin for what no date can be', () => {
    expect(complete({ time: 1714521600123, start_time: 0 })).toMatchObject({ time_dt: '2024-05-01T00:00:00.123Z', start_time_dt: '1970-01-01T00:00:00.000Z' })
    expect(complete({ time: 1e20 })).not.toHaveProperty('time_dt')
  })

  it('gives events with the same metadata the very same object, unless their profiles differ', () => {
    const metadata = { uid: 'one' }
    const whole = completer(facts, classFields(facts, 'network_activity', declared)!)
    const of = (event: Record<string, unknown>) => whole({ class_uid: 4001, activity_id: 6, severity_id: 1, metadata, ...event }).metadata
    const first = of({ time: 0 })
    expect(first).toEqual({ version: '1.1.0', profiles: ['datetime'], uid: 'one' })
    expect(of({ time: 1 })).toBe(first)
    expect(of({ time: 1e20 })).toStrictEqual({ version: '1.1.0', profiles: undefined, uid: 'one' })
    expect(of({ time: 0, metadata: { uid: 'two' } })).toEqual({ version: '1.1.0', profiles: ['datetime'], uid: 'two' })
    expect(metadata).toEqual({ uid: 'one' })
  })

  it('leaves the text of 99 to the mapper', () => {
    expect(complete({ activity_id: 99, activity_name: 'Sniff' })).toMatchObject({ activity_name: 'Sniff', type_name: 'Network Activity: Other' })
    expect(complete({ activity_id: 99 })).not.toHaveProperty('activity_name')
  })

  it('lists only the profiles whose attributes are set', () => {
    const profiles = (event: Record<string, unknown>) => (complete(event).metadata as { profiles?: string[] }).profiles
    expect(profiles({ time: 1e20 })).toBeUndefined()
    expect(profiles({})).toEqual(['datetime'])
    expect(profiles({ cloud: { provider: 'AWS' }, disposition_id: 1 })).toEqual(['cloud', 'datetime', 'security_control'])
    expect(profiles({ cloud: {} })).toEqual(['datetime'])
  })

  it('does the same for a shared object that it has seen before', () => {
    const run = completer(facts, classFields(facts, 'network_activity', declared)!)
    const cloud = { provider: 'AWS', account: { uid: '123456789012' } }
    const event = { class_uid: 4001, activity_id: 6, severity_id: 1, time: 0, metadata: {}, cloud }
    const first = run(event)
    expect(run(event)).toEqual(first)
    expect((run({ ...event, cloud: undefined }).metadata as { profiles: string[] }).profiles).toEqual(['datetime'])
    expect(run(event)).toEqual(first)
  })

  it('leaves out objects without any value', () => {
    expect(complete({ src_endpoint: { ip: undefined }, connection_info: {} })).not.toHaveProperty('src_endpoint')
  })

  it('collects what OCSF calls observable, each pair of name and value once', () => {
    const event = { src_endpoint: { ip: '192.0.2.1', intermediate_ips: ['192.0.2.9', '192.0.2.9'] }, dst_endpoint: { hostname: 'www.example.com' } }
    expect(complete(event).observables).toEqual([
      { name: 'src_endpoint.ip', type: 'IP Address', type_id: 2, value: '192.0.2.1' },
      { name: 'src_endpoint.intermediate_ips[]', type: 'IP Address', type_id: 2, value: '192.0.2.9' },
      { name: 'dst_endpoint.hostname', type: 'Hostname', type_id: 1, value: 'www.example.com' },
    ])
    expect(complete(event, false)).not.toHaveProperty('observables')
  })

  it('passes on what it does not know, for validation to refuse', () => {
    const odd = complete(JSON.parse('{"nope":1,"__proto__":{"polluted":1}}') as Record<string, unknown>)
    expect(odd.nope).toBe(1)
    expect(Object.hasOwn(complete(JSON.parse('{"dst_endpoint":{"__proto__":1}}') as Record<string, unknown>).dst_endpoint as object, '__proto__')).toBe(true)
  })

  it('leaves its argument alone', () => {
    const event = Object.freeze({
      class_uid: 4001,
      activity_id: 6,
      severity_id: 1,
      time: 0,
      metadata: Object.freeze({}),
      src_endpoint: Object.freeze({ ip: '192.0.2.1' }),
    })
    expect(() => complete(event)).not.toThrow()
  })
})
