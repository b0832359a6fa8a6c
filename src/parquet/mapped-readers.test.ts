import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadPipeline, type OcsfEvent } from '../convert.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { uncompressed } from './codec.js'
import { createParquetWriter } from './write.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

const context = { version: '1.1.0' } as const
const record = { version: '2', srcaddr: '192.0.2.1', dstaddr: '198.51.100.7', start: 1714521600, end: 1714521660, action: 'ACCEPT', 'log-status': 'OK' }

describe('mapped events', () => {
  it('go the whole way where generated code is forbidden, and give the same bytes', async () => {
    const { columns, lower, complete } = (await loadPipeline(vpcFlow, context.version)).classes.get(4001)!
    const mapped = vpcFlow.map(record, context)
    if (!('class_uid' in mapped)) throw new Error('no event')
    // a class of its own, so that no loop is made yet
    const own = (await loadPipeline({ ...vpcFlow }, context.version)).classes.get(4001)!.mapped
    const write = (): { taken: number; bytes: Uint8Array } => {
      const writer = createParquetWriter(columns.fields, { codec: uncompressed, mapped: own })
      const taken = writer.addMapped([mapped])
      if (taken === 0) writer.add(complete(lower(mapped).event) as OcsfEvent)
      return { taken, bytes: writer.finish() }
    }
    class Forbidden {
      constructor() {
        throw new EvalError('Code generation from strings disallowed for this context')
      }
    }
    vi.stubGlobal('Function', Forbidden)
    const whole = write()
    vi.unstubAllGlobals()
    const direct = write()
    expect([whole.taken, direct.taken]).toEqual([0, 1])
    expect(Buffer.compare(whole.bytes, direct.bytes)).toBe(0)
  })
})
