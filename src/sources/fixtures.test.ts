/** Runs every fixture of every source through the whole conversion; goldens are written by `vitest -u` and read in review. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type ConvertOptions, createConverter, type Outcome } from '../convert.js'
import { readObjectKey } from '../decode/object-key.js'
import { type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { validate } from '../ocsf/validate.js'
import { SOURCES } from './index.js'
import type { AnySource } from './source.js'

const root = fileURLToPath(new URL('../../fixtures', import.meta.url))
/** Goldens hold what Security Lake's tables hold and the newest version; the versions between are validated only. */
const GOLDEN_VERSIONS: readonly OcsfVersion[] = ['1.1.0', '1.8.0']

interface MappingRow {
  readonly class_uid: number
  readonly path: string
  readonly from: string
  readonly above?: OcsfVersion
  readonly exception?: string
}

interface Run {
  readonly in: number
  readonly outcomes: readonly Outcome[]
}

/** A fixture's bytes, unzipped: as a user has them after `gunzip`. A truncated member gives what can be read. */
function read(file: string): Uint8Array {
  const bytes = readFileSync(file)
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
}

const cases = (source: AnySource): string[] =>
  readdirSync(join(root, source.id))
    .filter(name => !name.endsWith('.expected.json') && !name.endsWith('.options.json') && name !== 'mapping.json')
    .sort()
const caseName = (file: string) => file.replace(/\.[^.]+(\.gz)?$/, '')

async function run(source: AnySource, file: string, ocsf: OcsfVersion): Promise<Run> {
  const path = join(root, source.id, `${caseName(file)}.options.json`)
  const options = (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}) as NonNullable<ConvertOptions['context']>
  const fromKey = options.key === undefined ? {} : readObjectKey(options.key)
  const outcomes: Outcome[] = []
  const context = {
    account: options.account ?? fromKey.account,
    region: options.region ?? fromKey.region,
    fileTime: fromKey.fileTime,
    key: options.key,
    fields: options.fields,
  }
  const converter = await createConverter({ source, ocsf, context }, outcome => outcomes.push(outcome))
  converter.push(read(join(root, source.id, file)))
  converter.end()
  return { in: converter.in, outcomes }
}

/** Goldens stay readable: bigint as text with an n, long raw text cut. */
const golden = (value: unknown) =>
  `${JSON.stringify(
    value,
    (key, item: unknown) => {
      if (typeof item === 'bigint') return `${item}n`
      if (item instanceof Uint8Array) return { base64: Buffer.from(item).toString('base64') }
      if (typeof item === 'string' && item.length > 2000) return `${item.slice(0, 200)}… (${item.length} characters)`
      return key === 'warnings' || key === 'lowered' ? (Array.isArray(item) && item.length === 0 ? undefined : item) : item
    },
    1,
  )}\n`

/** Whether any value stands at a path; lists are searched. */
function filled(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some(item => filled(item, path))
  if (path.length === 0) return value !== undefined && value !== null
  return typeof value === 'object' && value !== null && filled((value as Record<string, unknown>)[path[0]!], path.slice(1))
}

for (const source of SOURCES) {
  describe(source.id, () => {
    it.each(cases(source))('%s gives its golden', async file => {
      const bytes = read(join(root, source.id, file)).subarray(0, 65536)
      const optionsPath = join(root, source.id, `${caseName(file)}.options.json`)
      const key = existsSync(optionsPath) ? ((JSON.parse(readFileSync(optionsPath, 'utf8')) as { key?: string }).key ?? file) : file
      const recognised = source.recognise({ key, bytes, text: new TextDecoder().decode(bytes) })
      const runs: Record<string, unknown> = { recognised: recognised ?? null }
      if (typeof recognised !== 'object') for (const version of GOLDEN_VERSIONS) runs[version] = (await run(source, file, version)).outcomes
      await expect(golden(runs)).toMatchFileSnapshot(join(root, source.id, `${caseName(file)}.expected.json`))
    })

    it.each(VERSIONS)('gives events that the whole schema of %s accepts, and loses no record', async version => {
      for (const file of cases(source)) {
        const { in: records, outcomes } = await run(source, file, version)
        expect(outcomes, file).toHaveLength(records)
        for (const outcome of outcomes) {
          if (outcome.kind !== 'event') continue
          const { issues, warnings } = await validate(outcome.event)
          expect(issues, file).toEqual([])
          expect(
            warnings.filter(warning => warning.rule !== 'regex'),
            file,
          ).toEqual([])
        }
      }
    })

    it('is recognised by its own fixtures and by no other source', () => {
      for (const other of SOURCES) {
        if (other === source) continue
        for (const file of cases(source)) {
          const bytes = read(join(root, source.id, file)).subarray(0, 65536)
          expect(other.recognise({ key: file, bytes, text: new TextDecoder().decode(bytes) }), `${file} by ${other.id}`).toBeUndefined()
        }
      }
    })

    it('fills every row of its mapping table', async () => {
      const rows = JSON.parse(readFileSync(join(root, source.id, 'mapping.json'), 'utf8')) as readonly MappingRow[]
      const events = new Map<OcsfVersion, Record<string, unknown>[]>()
      for (const version of GOLDEN_VERSIONS) {
        const all: Record<string, unknown>[] = []
        for (const file of cases(source))
          for (const outcome of (await run(source, file, version)).outcomes) if (outcome.kind === 'event') all.push(outcome.event)
        events.set(version, all)
      }
      const empty = rows.filter(row => {
        if (row.exception !== undefined) return false
        const at = row.above === undefined ? '1.1.0' : '1.8.0'
        return !events.get(at)!.some(event => event.class_uid === row.class_uid && filled(event, row.path.split('.')))
      })
      expect(rows.length).toBeGreaterThan(0)
      expect(empty).toEqual([])
    })
  })
}
