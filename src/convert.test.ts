import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ConvertOptions, convert, createConverter, DUPLICATE_WINDOW, loadPipeline, type Outcome, type Take } from './convert.js'
import { jsonRecords } from './decode/json-records.js'
import { OcsfLakeError } from './errors.js'
import { type JsonObject, parseJson } from './json.js'
import { columns } from './ocsf/columns.js'
import type { Source } from './sources/source.js'

const declared = {
  base_event: columns('base_event')({
    activity_id: true,
    severity_id: true,
    time: true,
    message: true,
    metadata: { uid: true, product: { name: true, vendor_name: true } },
  }),
}

/** A source that does what its record says. */
const script: Source<JsonObject, typeof declared> = {
  id: 'script',
  title: 'script',
  spec: 'https://example.com',
  mappingVersion: 1,
  columns: declared,
  recognise: () => undefined,
  decoder: () => jsonRecords(),
  map(record) {
    if (record.skip !== undefined) return { skip: String(record.skip) }
    if (record.fault !== undefined) return { fault: { rule: String(record.fault), expected: 'x', found: 'y' } }
    if (record.throw !== undefined) throw new Error('mapper broke')
    return {
      class_uid: 0,
      activity_id: record.activity === undefined ? 99 : 0,
      severity_id: 1,
      time: Number(record.time ?? 1714521600000),
      message: record.message === undefined ? undefined : String(record.message),
      metadata: { uid: record.uid === undefined ? undefined : String(record.uid), product: { name: 'script', vendor_name: 'example' } },
      ...(record.class === undefined ? undefined : { class_uid: Number(record.class) as 0 }),
    }
  },
  redact: raw => raw.replaceAll('secret', 'REDACTED'),
}

async function outcomes(lines: readonly object[], options: Partial<ConvertOptions> = {}): Promise<Outcome[]> {
  const all: Outcome[] = []
  for await (const outcome of convert(lines.map(line => JSON.stringify(line)).join('\n'), { source: script, ...options })) all.push(outcome)
  return all
}

const OK = { activity: 0 }

describe('convert', () => {
  it('gives each record exactly one outcome, in order', async () => {
    const all = await outcomes([OK, { skip: 'quiet' }, { fault: 'odd' }, { throw: 1 }, {}, { ...OK, uid: 'a' }, { ...OK, uid: 'a' }, { class: 4001 }])
    expect(all.map(outcome => outcome.kind)).toEqual(['event', 'filtered', 'rejected', 'rejected', 'rejected', 'event', 'duplicate', 'rejected'])
    expect(all.map(outcome => (outcome.kind === 'rejected' ? `${outcome.stage} ${outcome.issues[0]!.rule}` : ''))).toEqual([
      '',
      '',
      'map odd',
      'map map_error',
      'validate other_without_sibling',
      '',
      '',
      'map class_uid_unknown',
    ])
  })

  it('feeds one converter from what another gives, each with its own records', async () => {
    const inner: Outcome[] = []
    const outer: Outcome[] = []
    const line = (name: string): Uint8Array => new TextEncoder().encode(`${JSON.stringify({ ...OK, message: name })}\n`)
    const second = await createConverter({ source: script }, outcome => inner.push(outcome))
    const first = await createConverter({ source: script }, outcome => {
      outer.push(outcome)
      second.push(line(`inner ${outer.length}`))
    })
    first.push(Buffer.concat([line('a'), line('b')]))
    first.push(line('c'))
    first.end()
    second.end()
    const messages = (all: readonly Outcome[]) => all.map(outcome => (outcome.kind === 'event' ? outcome.event.message : outcome.kind))
    expect(messages(outer)).toEqual(['a', 'b', 'c'])
    expect(messages(inner)).toEqual(['inner 1', 'inner 2', 'inner 3'])
    expect([first.in, second.in]).toEqual([3, 3])
  })

  it('rejects a record for which an untyped mapper returns nothing', async () => {
    const source = {
      ...script,
      map: (record: JsonObject) => (record.nothing === true ? undefined : script.map(record, { version: '1.1.0' })),
    } as unknown as typeof script
    const all = await outcomes([OK, { nothing: true }, OK], { source })
    expect(all.map(outcome => outcome.kind)).toEqual(['event', 'rejected', 'event'])
    expect(all[1]).toMatchObject({ stage: 'map', issues: [{ rule: 'map_error', found: 'TypeError: map returned undefined' }] })
  })

  it('keeps the raw record of a reject', async () => {
    const [rejected] = await outcomes([{ fault: 'odd', note: 'ünïcode' }])
    expect(rejected).toMatchObject({ kind: 'rejected', raw: '{"fault":"odd","note":"ünïcode"}', place: { record: 0 } })
  })

  it('keeps, hashes or drops the raw text', async () => {
    const raw = async (policy: ConvertOptions['raw'], ocsf: ConvertOptions['ocsf']): Promise<Record<string, unknown>> => {
      const [outcome] = await outcomes([{ ...OK, message: 'a secret' }], { raw: policy, ocsf })
      return outcome?.kind === 'event' ? outcome.event : {}
    }
    const digest = createHash('sha256').update('{"activity":0,"message":"a secret"}').digest('hex')
    expect(await raw('drop', '1.8.0')).not.toHaveProperty('raw_data')
    expect((await raw('keep', '1.1.0')).raw_data).toBe('{"activity":0,"message":"a REDACTED"}')
    expect((await raw('hash', '1.8.0')).raw_data_hash).toEqual({ algorithm: 'SHA-256', algorithm_id: 3, value: digest })
    expect((await raw('hash', '1.1.0')).unmapped).toMatchObject({ raw_data_hash: { value: digest } })
  })

  it('filters by the reason a user gives', async () => {
    const all = await outcomes([{ ...OK, message: 'noise' }, OK], { filter: event => (event.message === 'noise' ? 'noise' : undefined) })
    expect(all.map(outcome => (outcome.kind === 'filtered' ? outcome.reason : outcome.kind))).toEqual(['noise', 'event'])
  })

  it('takes chunks cut anywhere', async () => {
    const bytes = new TextEncoder().encode([OK, { skip: 'é' }, OK].map(line => JSON.stringify(line)).join('\n'))
    for (let size = 1; size < bytes.length; size += 3) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
      const kinds: string[] = []
      for await (const outcome of convert(chunks, { source: script })) kinds.push(outcome.kind)
      expect(kinds).toEqual(['event', 'filtered', 'event'])
    }
  })

  it('looks for duplicates in a bounded window', async () => {
    const kinds: Record<string, number> = {}
    const converter = await createConverter({ source: script, observables: false }, outcome => {
      kinds[outcome.kind] = (kinds[outcome.kind] ?? 0) + 1
    })
    const push = (from: number, to: number) => {
      let text = ''
      for (let n = from; n < to; n++) text += `{"activity":0,"uid":"${n}"}\n`
      converter.push(new TextEncoder().encode(text))
    }
    push(0, 10)
    push(0, 10)
    expect(kinds).toEqual({ event: 10, duplicate: 10 })
    push(10, DUPLICATE_WINDOW + 10)
    push(0, 10) // pushed out by now
    converter.end()
    expect(kinds).toEqual({ event: DUPLICATE_WINDOW + 20, duplicate: 10 })
    expect(converter.in).toBe(DUPLICATE_WINDOW + 30)
  })

  it('takes for a duplicate only what is the same to the last bit', async () => {
    for (const length of [0, 1, 2, 3, 100]) {
      const text = `{"activity":0,"uid":"u","x":"${'x'.repeat(length)}"}\n`
      const bytes = new TextEncoder().encode(text)
      const from = text.lastIndexOf(':"') + 2
      for (let at = from; at < from + length; at++) {
        for (const bits of [1, 2, 4, 16, 32]) {
          const twin = bytes.slice()
          twin[at]! ^= bits
          const kinds: string[] = []
          for await (const { kind } of convert([bytes, twin, bytes], { source: script })) kinds.push(kind)
          expect(kinds).toEqual(['event', 'event', 'duplicate'])
        }
      }
    }
  })

  it('offers mapped events to be taken as they are, and gives no outcome for those taken', async () => {
    const taken: unknown[] = []
    const kinds: string[] = []
    const take: Take = (events, rawBytes, from) => {
      let at = from
      for (; at < events.length && events[at]!.message === undefined; at++) taken.push([events[at]!.metadata, rawBytes[at]])
      return at
    }
    const text = '{"activity":0,"uid":"a"}\n{"activity":0,"uid":"a"}\n{"activity":0,"message":"m"}\n{"skip":"quiet"}\n'
    const run = async (options: Partial<ConvertOptions>): Promise<number> => {
      const converter = await createConverter({ source: script, ...options }, outcome => kinds.push(outcome.kind), take)
      converter.push(new TextEncoder().encode(text))
      converter.end()
      return converter.in
    }
    expect(await run({})).toBe(4)
    expect(taken).toEqual([[{ uid: 'a', product: { name: 'script', vendor_name: 'example' } }, 24]])
    expect(kinds.splice(0)).toEqual(['duplicate', 'event', 'filtered'])
    // a filter reads full events
    await run({ filter: () => undefined })
    expect(kinds).toEqual(['event', 'duplicate', 'event', 'filtered'])
    expect(taken).toHaveLength(1)
  })

  it('keeps the order of outcomes and rows, whatever is taken and however the bytes come', async () => {
    const line = fc.record({
      skip: fc.boolean(),
      broken: fc.boolean(),
      message: fc.constantFrom('taken', 'left', 'invalid'),
      uid: fc.constantFrom(undefined, 'a', 'b', 'c'),
    })
    const events = async (lines: readonly object[], cuts: readonly number[], takes: boolean): Promise<string[]> => {
      const out: string[] = []
      const take: Take = (events, rawBytes, from) => {
        let at = from
        for (; at < events.length && events[at]!.message === 'taken'; at++)
          out.push(`event ${JSON.stringify(events[at]!.metadata)} ${rawBytes[at]} ${events[at]!.time}`)
        return at
      }
      const converter = await createConverter(
        { source: script },
        outcome => {
          if (outcome.kind !== 'event') out.push(JSON.stringify(outcome))
          else {
            const { uid, product } = outcome.event.metadata as { uid?: string; product: object }
            out.push(`event ${JSON.stringify({ uid, product })} ${outcome.rawBytes} ${outcome.event.time}`)
          }
        },
        takes ? take : undefined,
      )
      const bytes = new TextEncoder().encode(lines.map(line => JSON.stringify(line)).join('\n'))
      const at = [0, ...cuts.map(cut => cut % bytes.length).sort((a, b) => a - b), bytes.length]
      for (let i = 1; i < at.length; i++) {
        const chunk = bytes.slice(at[i - 1], at[i])
        converter.push(chunk)
        chunk.fill(0)
      }
      converter.end()
      // rows among rows, outcomes among outcomes
      return [...out.filter(one => one.startsWith('event')), ...out.filter(one => !one.startsWith('event'))]
    }
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), fc.array(fc.nat(), { maxLength: 4 }), async (some, cuts) => {
        const lines = some.map(({ skip, broken, message, uid }) =>
          skip ? { skip: 'quiet' } : broken ? { fault: 'bad' } : { activity: message === 'invalid' ? undefined : 0, message, uid },
        )
        expect(await events(lines, cuts, true)).toEqual(await events(lines, [], false))
      }),
    )
  })

  it('makes one reject of what is left when an object is cut off', async () => {
    const all: Outcome[] = []
    const converter = await createConverter({ source: script }, outcome => all.push(outcome))
    converter.push(new TextEncoder().encode('{"activity":0}\n{"activit'))
    converter.fail({ rule: 'gzip_truncated', expected: 'more', found: 'less' })
    expect(all.map(outcome => outcome.kind)).toEqual(['event', 'rejected'])
    expect(all[1]).toMatchObject({ raw: '{"activit', issues: [{ rule: 'gzip_truncated' }] })
    expect(converter.in).toBe(2)
  })

  it('refuses an unknown version, and columns that OCSF does not have', async () => {
    await expect(loadPipeline(script, '2.0.0' as '1.1.0')).rejects.toMatchObject({ code: 'version_unknown' })
    const broken = { ...script, columns: { base_event: { metadata: true } } } as unknown as typeof script
    await expect(loadPipeline(broken)).rejects.toBeInstanceOf(OcsfLakeError)
    const misspelt = { ...script, columns: { base_event: { mesage: true } } } as unknown as typeof script
    await expect(loadPipeline(misspelt)).rejects.toMatchObject({ code: 'columns_invalid', message: expect.stringContaining('mesage') })
  })

  it('prints integers beyond 2^53 as they were', () => {
    expect(parseJson('9007199254740993')).toBe(9007199254740993n)
  })
})
