// Mapped events written straight into columns must give the very bytes that their full, validated events give.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { drawn } from '../../fixtures/seed.js'
import { createConverter, loadPipeline, type OcsfEvent, type Outcome, type Pipeline } from '../convert.js'
import { readObjectKey } from '../decode/object-key.js'
import { stringify } from '../json.js'
import { columns, type Field } from '../ocsf/columns.js'
import { type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { uncompressed } from '../parquet/codec.js'
import { createParquetWriter } from '../parquet/write.js'
import { SOURCES } from '../sources/index.js'
import type { AnySource, Context, MappedEvent } from '../sources/source.js'
import { createParts } from './parts.js'

const root = fileURLToPath(new URL('../../fixtures', import.meta.url))

interface Fixture {
  readonly name: string
  readonly context: Omit<Context, 'version'>
  readonly bytes: Uint8Array
}

function fixtures({ id }: AnySource): Fixture[] {
  const files = readdirSync(join(root, id)).filter(name => !name.endsWith('.json') || /^[^.]+\.json$/.test(name))
  return files
    .filter(name => name !== 'mapping.json')
    .sort()
    .map(name => {
      const options = join(root, id, `${name.replace(/\.[^.]+(\.gz)?$/, '')}.options.json`)
      const said = (existsSync(options) ? JSON.parse(readFileSync(options, 'utf8')) : {}) as Partial<Context>
      const key = said.key === undefined ? {} : readObjectKey(said.key)
      const stored = readFileSync(join(root, id, name))
      const context = { ...said, account: said.account ?? key.account, region: said.region ?? key.region, fileTime: key.fileTime }
      return { name, context, bytes: stored[0] === 0x1f && stored[1] === 0x8b ? gunzipSync(stored) : stored }
    })
}

/** What a source's records map to. */
function mappedEvents(source: AnySource, version: OcsfVersion): MappedEvent[] {
  const events: MappedEvent[] = []
  for (const { context: said, bytes } of fixtures(source)) {
    const context: Context = { ...said, version }
    const decoder = source.decoder(context)
    const emit: Parameters<typeof decoder.push>[1] = item => {
      if (!('record' in item)) return
      const mapped = source.map(item.record, context)
      if (!('skip' in mapped) && !('fault' in mapped)) events.push(mapped as MappedEvent)
    }
    decoder.push(bytes, emit)
    decoder.end(emit)
  }
  return events
}

interface Comparison {
  readonly events: number
  /** Taken as they were mapped. */
  readonly direct: number
  readonly rejected: number
}

/** Writes the events of each of the classes both ways, mapped ones `piece` at a time; the files must be the same. */
async function compare(pipeline: Pipeline, events: readonly MappedEvent[], piece: number, uids: Iterable<number>): Promise<Comparison> {
  let direct = 0
  let rejected = 0
  for (const uid of uids) {
    const { columns, mapped, lower, complete, validate } = pipeline.classes.get(uid)!
    expect(mapped, `${columns.type.name} at ${pipeline.version}`).toBeDefined()
    const options = { codec: uncompressed, mapped, observables: pipeline.observables }
    const one = createParquetWriter(columns.fields, options)
    const other = createParquetWriter(columns.fields, options)
    const some = events.filter(event => event.class_uid === uid)
    const whole = some.map(event => {
      const lowered = lower(event)
      const full = complete(lowered.event) as OcsfEvent
      return { event, full, lowered: lowered.paths, ...validate(full) }
    })
    const taken = new Set<number>()
    for (let at = 0; at < some.length; ) {
      const end = Math.min(some.length, at + piece)
      const count = one.addMapped(some, at, end)
      for (let i = at; i < at + count; i++) taken.add(i)
      at += count
      if (at === end) continue
      const { valid, full } = whole[at]!
      if (!valid || one.add(full) !== undefined) rejected++
      at++
    }
    for (const [at, { event, full, valid, issues, warnings, lowered }] of whole.entries()) {
      if (taken.has(at) && issues.length + warnings.length + lowered.length > 0)
        expect({ issues, warnings, lowered }, stringify(event)).toEqual({ issues: [], warnings: [], lowered: [] })
      if (valid) other.add(full)
    }
    direct += taken.size
    const [file, expected] = [one.finish(), other.finish()]
    if (Buffer.compare(file, expected) !== 0) expect(await rows(file)).toEqual(await rows(expected))
    expect(Buffer.compare(file, expected), columns.type.name).toBe(0)
  }
  return { events: events.length, direct, rejected }
}

async function rows(file: Uint8Array): Promise<unknown> {
  return parquetReadObjects({ file: file.slice().buffer, utf8: true })
}

// ---- random events: those of the fixtures, bent ----

/** Values that are wrong, odd or right, whatever the attribute. */
const ODD: readonly unknown[] = [
  ...[undefined, null, '', '-', 'null', 'x', 'Other', 'Unknown', '192.0.2.1', 'not an ip', 'é\ud800', 'x'.repeat(70_000), 'y'.repeat(70)],
  ...[0, 1, 2, 3, 5, 6, 99, -1, 1.5, 70_000, 2 ** 31, 2 ** 53, Number.NaN, -0, 5n, 2n ** 63n, 1714521600000, 1714521600, '2024-05-01T00:00:00Z'],
  ...[true, false, [], [undefined], ['a'], ['a', 'a', ''], [{}], [{ name: 'n' }], [null], [1], {}, { a: 1 }, { a: undefined }, { a: null }, { uid: '' }],
]

interface Target {
  readonly path: readonly { readonly name: string; readonly list: boolean }[]
  /** Ids and captions of the attribute. */
  readonly fitting: readonly unknown[]
}

function targets(fields: readonly Field[], above: Target['path'] = []): Target[] {
  return fields.flatMap(({ name, list, attribute, fields: below }) => {
    const path = [...above, { name, list }]
    const ids = Object.keys(attribute.enum ?? {}).map(id => (attribute.type === 'string_t' ? id : Number(id)))
    const captions = Object.values(above.length === 0 && attribute.enum === undefined ? {} : (attribute.enum ?? {}))
    return [{ path, fitting: [...ids, ...captions] }, ...targets(below ?? [], path)]
  })
}

/** A copy with one attribute set, in every item where lists are on the way. */
function bend(value: unknown, [step, ...rest]: Target['path'], to: unknown): unknown {
  if (step === undefined) return to
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const inner = object[step.name]
  if (rest.length === 0) return { ...object, [step.name]: to }
  if (!step.list) return { ...object, [step.name]: bend(inner, rest, to) }
  const items = Array.isArray(inner) && inner.length > 0 ? inner : [{}]
  return { ...object, [step.name]: items.map(item => bend(item, rest, to)) }
}

const edit = fc.record({ target: fc.nat(), odd: fc.option(fc.nat({ max: ODD.length - 1 })), fitting: fc.nat(), unknown: fc.nat({ max: 12 }) })
const bent = fc.array(fc.record({ base: fc.nat(), repeat: fc.boolean(), edits: fc.array(edit, { maxLength: 3 }) }), { minLength: 1, maxLength: 12 })

describe.each(SOURCES.map(source => [source.id, source] as const))('%s', (_, source) => {
  it.each(VERSIONS)('writes its fixtures at %s as their full events', async version => {
    const mapped = mappedEvents(source, version)
    for (const observables of [true, false]) {
      const pipeline = await loadPipeline(source, version, observables)
      for (const piece of [1, 3, 1000]) {
        const { events, direct } = await compare(pipeline, mapped, piece, pipeline.classes.keys())
        expect(events).toBeGreaterThan(0)
        expect(direct).toBeGreaterThan(0)
      }
    }
  })

  it('writes bent events as their full events, and takes none that is not valid', { timeout: 120_000 }, async () => {
    let [direct, rejected] = [0, 0]
    for (const version of VERSIONS) {
      const events = mappedEvents(source, version)
      const pipeline = await loadPipeline(source, version)
      // The newest version's attributes and values too: an older version must not take what it cannot say.
      const newest = await loadPipeline(source, VERSIONS.at(-1))
      const places = new Map(
        [...pipeline.classes].map(([uid, { columns }]) => {
          const all = [...targets(columns.fields), ...targets(newest.classes.get(uid)?.columns.fields ?? [])]
          const inLists = all.filter(({ path }) => path.some(({ list }) => list)) // few, and their rules are the finest
          return [uid, [...all, ...inLists, ...inLists, ...inLists]]
        }),
      )
      await fc.assert(
        fc.asyncProperty(bent, fc.nat({ max: 30 }), async (rows, piece) => {
          const some: MappedEvent[] = []
          for (const { base, repeat, edits } of rows) {
            const event = events[base % events.length]!
            const all = places.get(event.class_uid)!
            let out = event
            for (const { target, odd, fitting, unknown } of edits) {
              const { path, fitting: values } = all[target % all.length]!
              const value = odd === null ? values[fitting % Math.max(1, values.length)] : ODD[odd]
              const at = unknown === 0 ? [...path.slice(0, -1), { name: 'no_such_attribute', list: false }] : path
              out = { ...(bend(out, at, value) as MappedEvent), class_uid: event.class_uid }
            }
            some.push(out)
            if (repeat) some.push(out)
          }
          const uids = new Set(some.map(event => event.class_uid).filter(uid => pipeline.classes.has(uid)))
          const result = await compare(pipeline, some, piece + 1, uids)
          direct += result.direct
          rejected += result.rejected
        }),
        { numRuns: drawn(100) },
      )
    }
    expect(direct).toBeGreaterThan(drawn(100))
    expect(rejected).toBeGreaterThan(drawn(100))
  })
})

/** Fixtures with events that the version cannot say as they are, or that hold integers beyond 2^53. */
const NOT_AS_THEY_ARE: Readonly<Record<string, readonly string[]>> = {
  'vpc-flow': ['hostile.log', 'json-lines.json'],
  cloudtrail: ['hostile.json', 'network-activity.json', 's3-data-event.json', 'switch-role.json'],
}

describe('clean logs', () => {
  it.each(Object.entries(NOT_AS_THEY_ARE))(
    'of %s become objects without the validator, whose compilation takes longer than a small object',
    async (id, odd) => {
      const source = SOURCES.find(source => source.id === id)!
      const pipeline = await loadPipeline(source)
      let rows = 0
      for (const { name, context, bytes } of fixtures(source).filter(({ name }) => !odd.includes(name))) {
        const parts = createParts({ unit: name, codec: uncompressed, put: object => (rows += object.rows) })
        const whole: unknown[] = []
        const emit = (outcome: Outcome): void => {
          if (outcome.kind === 'event') whole.push(outcome.event)
        }
        const converter = await createConverter({ source, context }, emit, (events, sizes, from) => parts.addMapped(pipeline, events, sizes, from, {}))
        converter.push(bytes)
        converter.end()
        parts.seal()
        expect(whole, name).toEqual([])
      }
      expect(rows).toBeGreaterThan(50)
    },
  )
})

describe('rows whose texts hardly repeat', () => {
  // ids show after 512 rows that they are ids, others after 4,096 or never
  it.each([6000, 101, 99, 20, 2])('give the same bytes however many are offered at once, one in %i the same as the one before', async repeat => {
    const source = SOURCES.find(({ id }) => id === 'vpc-flow')!
    const [base] = mappedEvents(source, '1.1.0')
    const events = Array.from({ length: 6000 }, (_, n): MappedEvent => {
      const own = n % repeat === repeat - 1 ? n - 1 : n
      const ip = `10.${own >> 12}.${(own >> 4) & 255}.${own % 16}`
      return { ...base!, time: base!.time + n, src_endpoint: { ip, port: n % 7 }, ...(n % 1000 === 999 ? { status_code: '-' } : {}) }
    })
    const { columns, mapped, lower, complete } = (await loadPipeline(source, '1.1.0')).classes.get(4001)!
    const written = (piece: number): Uint8Array => {
      const writer = createParquetWriter(columns.fields, { codec: uncompressed, mapped })
      for (let at = 0; at < events.length; ) {
        const end = Math.min(events.length, at + piece)
        at += writer.addMapped(events, at, end)
        if (at < end) writer.add(complete(lower(events[at++]!).event) as OcsfEvent)
      }
      return writer.finish()
    }
    const one = written(1)
    for (const piece of [7, 6000]) expect(Buffer.compare(written(piece), one), `${piece} at once`).toBe(0)
  })
})

describe('an enum value that means something else in an older version', () => {
  it('is not taken there', async () => {
    const declared = {
      authentication: columns('authentication')({
        activity_id: true,
        severity_id: true,
        time: true,
        logon_type_id: true,
        metadata: { product: { name: true, vendor_name: true } },
        user: { name: true },
        service: { name: true },
      }),
    }
    const source = { ...SOURCES[0]!, columns: declared }
    const event = { class_uid: 3002, activity_id: 1, severity_id: 1, time: 1714521600000, user: { name: 'alice' }, service: { name: 'door' } }
    const taken = async (version: OcsfVersion, logon_type_id: number): Promise<boolean> => {
      const { columns, mapped } = (await loadPipeline(source, version)).classes.get(3002)!
      const writer = createParquetWriter(columns.fields, { codec: uncompressed, mapped })
      return writer.addMapped([{ ...event, logon_type_id, metadata: { product: { name: 'Door', vendor_name: 'Example' } } }]) === 1
    }
    expect(await taken('1.1.0', 2)).toBe(true)
    expect(await taken('1.1.0', 0)).toBe(false)
    expect(await taken('1.8.0', 0)).toBe(true)
  })
})
