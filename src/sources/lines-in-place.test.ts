/** Lines that come in blocks are read in place; each must give what it gives alone. */
import { describe, expect, it } from 'vitest'
import { bytesOf, casesOf, contextOf } from '../../fixtures/cases.js'
import { alb } from './alb.js'
import { clb } from './clb.js'
import { nlb } from './nlb.js'
import { route53Public } from './route53-public.js'
import { s3Access } from './s3-access.js'
import type { AnySource, Context } from './source.js'
import { webAccess } from './web-access.js'

/** More than a decoder reads before it takes the trouble. */
const BLOCK_BYTES = 2 ** 14

function outcomes(source: AnySource, bytes: Uint8Array, context: Context) {
  const found: unknown[] = []
  const decoder = source.decoder(context)
  const emit: Parameters<typeof decoder.push>[1] = item => {
    const raw = Buffer.from(item.raw).toString('base64')
    found.push('record' in item ? [raw, source.map(item.record, context)] : [raw, 'fault' in item ? item.fault : item.skip])
  }
  decoder.push(bytes, emit)
  decoder.end(emit)
  return found
}

function linesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(10, at)
    const end = lf === -1 ? bytes.length : lf
    lines.push(bytes.subarray(at, end))
    at = end + 1
  }
  return lines
}

describe.each([alb, clb, nlb, route53Public, s3Access, webAccess].map(source => ({ id: source.id, source: source as AnySource })))('$id', ({ source }) => {
  it.each(casesOf(source))('gives each line of %s the same outcome in a block as alone', file => {
    const context = { ...contextOf(source, file), version: '1.8.0' } as const
    const lines = linesOf(bytesOf(source, file)).filter(line => line.length < BLOCK_BYTES)
    const plain = lines.find(line => outcomes(source, line, context).length === 1) ?? new Uint8Array()
    for (const line of lines) {
      const pair = Buffer.concat([plain, Buffer.from('\n'), line, Buffer.from('\n')])
      const times = Math.ceil(BLOCK_BYTES / pair.length)
      // a byte order mark is dropped at the start of an object only
      const alone = [
        ...outcomes(source, Buffer.concat([Buffer.from('\n'), plain]), context),
        ...outcomes(source, Buffer.concat([Buffer.from('\n'), line]), context),
      ]
      const all = outcomes(source, Buffer.concat([Buffer.from('\n'), ...Array.from({ length: times }, () => pair)]), context)
      expect(all).toHaveLength(alone.length * times)
      expect(all.slice(0, alone.length)).toEqual(alone)
      expect(all.slice(-alone.length)).toEqual(alone)
    }
  })
})
