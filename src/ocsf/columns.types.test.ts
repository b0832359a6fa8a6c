// Compile-time checks: each @ts-expect-error below fails the type check when its line compiles.
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
const base = { activity_id: true, severity_id: true, time: true, src_endpoint: { ip: true }, dst_endpoint: { ip: true } } as const
const refused: readonly unknown[] = [
  // @ts-expect-error undeclared attribute
  { ...good, src_endpoint: { ip: 'x', mac: 'y' } } satisfies Event,
  // @ts-expect-error wrong enum number
  { ...good, activity_id: 12 } satisfies Event,
  // @ts-expect-error missing required attributes
  { class_uid: 4001, activity_id: 6 } satisfies Event,
  // @ts-expect-error unknown column
  columns('network_activity')({ ...base, metadata: { product }, nope: true }),
  // @ts-expect-error forgotten required columns
  columns('network_activity')({ activity_id: true }),
  // @ts-expect-error forgotten required column of an object
  columns('network_activity')({ ...base, metadata: { uid: true } }),
]

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
const anySource: AnySource = source

describe('columns', () => {
  it('refuses at compile time what OCSF does not have', () => {
    expect(refused).toHaveLength(6)
    expect(anySource.columns.network_activity?.src_endpoint).toEqual({ ip: true, port: true })
  })
})
