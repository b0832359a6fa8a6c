/** Rows of any values, through a merge: every leaf as an independent reader assembles it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parquetLines } from '../../decode/parquet-lines.js'
import { classFields, type Field } from '../../ocsf/columns.js'
import { loadFacts } from '../../ocsf/facts.js'
import type { ClassName } from '../../ocsf/generated/types.js'
import { createParquetWriter } from '../../parquet/write.js'
import { SOURCES } from '../../sources/index.js'
import { allDecompressors, nodeCodec } from '../codecs.js'
import type { OwnStore } from '../store.js'
import { compact } from './compact.js'
import { DAY_MS } from './testing.js'

const PARTITION = 'ext/example-1/region=eu-central-1/accountId=123456789012/eventDay=20240501/'

/** A store in memory. */
function memoryStore(objects: Map<string, Uint8Array>): OwnStore {
  return {
    check: async () => {},
    put: async ({ key, bytes }) => {
      objects.set(key, bytes.slice())
      return 'written'
    },
    get: async key => objects.get(key)?.slice(),
    clear: async key => objects.delete(key),
    async *list(folder) {
      for (const key of [...objects.keys()].sort()) if (key.startsWith(folder)) yield { key, size: objects.get(key)!.length, etag: 'one' }
    },
    move: async (from, to) => {
      objects.set(to, objects.get(from)!)
      objects.delete(from)
    },
    remove: async keys => {
      for (const key of keys) objects.delete(key)
    },
  }
}

type Event = Record<string, unknown>

/** Values of a field; most are absent, some repeat, so that columns are constant, sparse, or full. */
function maybe(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one = single(field, depth)
  const some = field.list ? fc.array(one, { maxLength: 3 }) : one
  return fc.option(some, { nil: undefined, freq: depth > 2 ? 1 : 2 })
}

function single(field: Field, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'object':
      return eventOf(field.fields!, depth + 1)
    case 'open':
      return fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 }), { maxKeys: 3 })
    case 'string':
      return fc.oneof(fc.constantFrom('', 'a', '\ufeffb'), fc.string({ unit: 'grapheme', maxLength: 8 }))
    case 'integer':
      return fc.oneof(fc.constant(1), fc.integer())
    case 'long':
    case 'timestamp':
      return fc.oneof(fc.constant(7), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    case 'float':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'datetime':
      return fc.constant(undefined) // follows from its twin
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

function eventOf(fields: readonly Field[], depth: number): fc.Arbitrary<Event> {
  return fc.record(Object.fromEntries(fields.map(field => [field.name, maybe(field, depth)])))
}

async function linesOf(bytes: Uint8Array): Promise<string[]> {
  let text = ''
  for await (const item of parquetLines(bytes, await allDecompressors(), 2 ** 30)) {
    if (!(item instanceof Uint8Array)) throw new Error(item.rule)
    text += new TextDecoder('utf-8', { ignoreBOM: true }).decode(item)
  }
  return text.split('\n').slice(0, -1)
}

const CLASSES = SOURCES.flatMap(source => Object.keys(source.columns).map(name => [source, name] as const))

describe('rows of any values', () => {
  it('come out of a merge as they went in, sorted, without their repeats', async () => {
    const facts = await loadFacts('1.8.0')
    const codec = await nodeCodec('zstd')
    let repeats = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CLASSES), fc.gen(), async ([source, name], value) => {
        const { type, fields } = classFields(facts, name as ClassName, source.columns[name as ClassName]!)! // both are its own; 1.8.0 has all classes
        const event = eventOf(fields, 0)
        const time = (): number => DAY_MS + value(() => fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 86_399_999 })))
        const pool = value(() => fc.array(event, { minLength: 2, maxLength: 6 })).map(one => ({ ...one, time: time() }))
        const objects = new Map<string, Uint8Array>()
        const before: string[] = []
        for (let file = 0; file < 3; file++) {
          const metadata = {
            'ocsf-lake.source': source.id,
            'ocsf-lake.class': `${type.name} (${type.uid})`,
            'ocsf-lake.ocsf_version': '1.8.0',
            'ocsf-lake.mapping_version': '1',
          }
          const writer = createParquetWriter(fields, { codec, metadata })
          for (const index of value(() => fc.array(fc.nat(pool.length - 1), { minLength: 1, maxLength: 12 }))) {
            writer.add(pool[index]!)
          }
          const bytes = writer.finish()
          objects.set(`${PARTITION}${file}.parquet`, bytes)
          before.push(...(await linesOf(bytes)))
        }
        const { rows, compacted } = await compact({ lake: '.', sliceRows: 3, storeOf: () => memoryStore(objects) })
        expect(compacted).toMatchObject([{ state: 'compacted', left: {} }])
        const merged = [...objects.keys()].filter(key => key.endsWith('.parquet'))
        expect(merged).toHaveLength(1)
        const after = await linesOf(objects.get(merged[0]!)!)
        const seen = new Set<string>()
        const expected = before.filter(line => {
          const { metadata } = JSON.parse(line) as { metadata: { uid?: string | null } | null }
          if (typeof metadata?.uid !== 'string') return true
          if (seen.has(line)) return false
          seen.add(line)
          return true
        })
        expect([...after].sort()).toEqual(expected.sort())
        expect(rows).toMatchObject({ in: before.length, out: after.length, repeats: before.length - after.length })
        repeats += rows.repeats
        const times = after.map(line => (JSON.parse(line) as { time: number }).time)
        expect(times).toEqual([...times].sort((a, b) => a - b))
      }),
      { numRuns: 60 },
    )
    expect(repeats).toBeGreaterThan(0)
  }, 120_000)
})
