// Hints about texts only save looking them up: right, wrong, out of date or none, the objects are the same.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createConverter, loadPipeline, type Take } from '../convert.js'
import type { TextHints } from '../hints.js'
import { uncompressed } from '../parquet/codec.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { createParts } from './parts.js'

const HEADER =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id instance-id type pkt-srcaddr pkt-dstaddr region flow-direction'

/** Texts of a flow; few kinds of each, and some that are no address, no action, or not there. */
const flow = fc.record({
  host: fc.nat({ max: 40 }),
  peer: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 40 }).map(n => `198.51.100.${n}`) }, fc.constantFrom('-', '2001:db8::1', '2001:db8::1 0', '300.1.1.1')),
  via: fc.constantFrom('', '', '192.0.2.250'),
  action: fc.oneof({ weight: 8, arbitrary: fc.constant('ACCEPT') }, fc.constantFrom('REJECT', 'MAYBE', '-')),
  status: fc.oneof({ weight: 12, arbitrary: fc.constant('OK') }, fc.constantFrom('NODATA', 'SKIPDATA')),
  direction: fc.constantFrom('ingress', 'egress', '-'),
})
type Flow = typeof flow extends fc.Arbitrary<infer T> ? T : never

function lineOf({ host, peer, via, action, status, direction }: Flow, n: number): string {
  const source = `192.0.2.${host}`
  const start = 1_714_521_600 + n
  return `5 123456789012 eni-${host} ${via || source} ${peer} ${1024 + n} 443 6 ${n} ${n * 40} ${start} ${start + 60} ${action} ${status} vpc-${host % 3} ${host % 2 ? `i-${host}` : '-'} IPv4 ${source} ${peer} us-east-1 ${direction}`
}

const logOf = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${[HEADER, ...lines].join('\n')}\n`)

/** What becomes of the hints on their way. */
type Bend = (hints: TextHints) => TextHints | undefined

/** Converts logs one after the other; returns the digests of their objects, and how many texts had a hint. */
async function objectsOf(logs: readonly Uint8Array[], bend: Bend): Promise<{ readonly objects: readonly string[]; readonly hinted: number }> {
  const pipeline = await loadPipeline(vpcFlow)
  const objects: string[] = []
  let hinted = 0
  for (const [index, log] of logs.entries()) {
    const parts = createParts({ unit: `log ${index}`, codec: uncompressed, put: ({ bytes }) => objects.push(createHash('sha256').update(bytes).digest('hex')) })
    const take: Take = (events, rawBytes, from, hints) => {
      const bent = hints && bend(hints)
      for (let at = 0; hints !== undefined && at < events.length * hints.width; at++) if (hints.numbers[at]! >= 0) hinted++
      return parts.addMapped(pipeline, events, rawBytes, from, {}, bent)
    }
    const converter = await createConverter(
      { source: vpcFlow },
      outcome => {
        if (outcome.kind === 'event') expect(parts.add(pipeline, outcome.event, outcome.rawBytes, {})).toBeUndefined()
      },
      take,
    )
    converter.push(log)
    converter.end()
    parts.seal()
  }
  return { objects, hinted }
}

describe('hints about texts', () => {
  it('change nothing, whether they are right, wrong, out of date or not there', async () => {
    const logs = fc.array(fc.array(flow, { minLength: 200, maxLength: 400 }), { minLength: 1, maxLength: 3 }) // shorter ones are not read in place
    let hinted = 0
    await fc.assert(
      fc.asyncProperty(logs, fc.integer({ min: 1, max: 1000 }), async (flows, step) => {
        const bytes = flows.map(some => logOf(some.map(lineOf)))
        const expected = await objectsOf(bytes, () => undefined)
        const bends: Bend[] = [
          hints => hints,
          // other numbers, some of them of no text
          ({ numbers, width, texts }) => ({ width, texts, numbers: numbers.map((_, at) => ((at * step) % (texts.length + 3)) - 1) }),
          // the texts have changed places since
          ({ numbers, width, texts }) => ({ width, numbers, texts: texts.map((_, at) => texts[(at + step) % texts.length]!) }),
          ({ numbers, width }) => ({ width, numbers, texts: [] }),
        ]
        for (const bend of bends) expect((await objectsOf(bytes, bend)).objects).toEqual(expected.objects)
        hinted += expected.hinted
      }),
      { numRuns: 30 },
    )
    expect(hinted).toBeGreaterThan(1000)
  }, 60_000)

  it('hold where there are more texts than are remembered', async () => {
    const lines = Array.from({ length: 40_000 }, (_, n) =>
      lineOf({ host: n % 7, peer: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, via: '', action: 'ACCEPT', status: 'OK', direction: 'ingress' }, n),
    )
    const logs = [logOf(lines), logOf(lines.toReversed())]
    const { objects, hinted } = await objectsOf(logs, hints => hints)
    expect(hinted).toBeGreaterThan(lines.length)
    expect(objects).toEqual((await objectsOf(logs, () => undefined)).objects)
  }, 60_000)
})
