// Compile-time checks: this file is type-checked, and its values are used by the runtime test below.
import { describe, expect, it } from 'vitest'
import type { AnySource, Source } from '../sources/source.js'
import { columns, type EventOf } from './columns.js'

const product = { name: true, vendor_name: true } as const
const declared = columns('network_activity')({
  activity_id: true,
  severity_id: true,
  time: true,
  metadata: { product },
  src_endpoint: { ip: true, port: true },
  dst_endpoint: { ip: true },
  observables: { name: true, type_id: true },
  unmapped: true,
})
type Event = EventOf<'network_activity', typeof declared>

const good: Event = {
  class_uid: 4001,
  activity_id: 6,
  severity_id: 1,
  time: 1,
  metadata: { product: { name: 'Amazon VPC', vendor_name: 'AWS' } },
  src_endpoint: { ip: undefined, port: 1 },
  dst_endpoint: {},
  unmapped: { 'some-field': 'x' },
}
// @ts-expect-error undeclared attribute
export const undeclared: Event = { ...good, src_endpoint: { ip: 'x', mac: 'y' } }
// @ts-expect-error wrong enum number
export const wrongEnum: Event = { ...good, activity_id: 12 }
// @ts-expect-error missing required attributes
export const missing: Event = { class_uid: 4001, activity_id: 6 }
// @ts-expect-error unknown column
columns('network_activity')({
  activity_id: true,
  severity_id: true,
  time: true,
  metadata: { product },
  src_endpoint: { ip: true },
  dst_endpoint: { ip: true },
  nope: true,
})
// @ts-expect-error forgotten required columns
columns('network_activity')({ activity_id: true })
// @ts-expect-error forgotten required column of an object
columns('network_activity')({
  activity_id: true,
  severity_id: true,
  time: true,
  metadata: { uid: true },
  src_endpoint: { ip: true },
  dst_endpoint: { ip: true },
})

const source: Source<{ n: number }, { network_activity: typeof declared }> = {
  id: 'x',
  title: 'x',
  spec: 'x',
  mappingVersion: 1,
  columns: { network_activity: declared },
  recognise: () => undefined,
  decoder: () => ({ push() {}, end() {} }),
  map: record => (record.n === 1 ? { skip: 'one' } : good),
}
export const any: AnySource = source

describe('columns', () => {
  it('returns the declaration itself', () => {
    expect(declared.src_endpoint).toEqual({ ip: true, port: true })
  })
})
