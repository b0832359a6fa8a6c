/** Runs every fixture of every source through the whole conversion; goldens are written by `vitest -u` and read in review. */
import { afterAll, describe, expect, it } from 'vitest'
import { bytesOf, caseName, casesOf, convertAs, headOf, inFolder, type Run, readJson } from '../../fixtures/cases.js'
import { type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { validate } from '../ocsf/validate.js'
import { SOURCES } from './index.js'
import type { AnySource } from './source.js'

/** Goldens hold what Security Lake's tables hold and the newest version; the versions between are validated only. */
const GOLDEN_VERSIONS: readonly OcsfVersion[] = ['1.1.0', '1.8.0']

interface MappingRow {
  readonly class_uid: number
  readonly path: string
  readonly from: string
  readonly above?: OcsfVersion
  readonly exception?: string
}

/** What fixtures of the source become, converted once for each version. */
function runsOf(source: AnySource): { run(file: string, version: OcsfVersion): Promise<Run>; forget(): void } {
  const runs = new Map<string, Promise<Run>>()
  return {
    run(file, version) {
      const known = runs.get(`${version} ${file}`) ?? convertAs(source, file, version, [bytesOf(source, file)])
      runs.set(`${version} ${file}`, known)
      return known
    },
    forget: () => runs.clear(),
  }
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
    const { run, forget } = runsOf(source)
    afterAll(forget)

    it.each(casesOf(source))('%s gives its golden', async file => {
      const recognised = source.recognise(headOf(source, file, true))
      const runs: Record<string, unknown> = { recognised: recognised ?? null }
      if (typeof recognised !== 'object') for (const version of GOLDEN_VERSIONS) runs[version] = (await run(file, version)).outcomes
      await expect(golden(runs)).toMatchFileSnapshot(inFolder(source, `${caseName(file)}.expected.json`))
    })

    it.each(VERSIONS)('gives events that the whole schema of %s accepts, and loses no record', async version => {
      for (const file of casesOf(source)) {
        const { in: records, outcomes } = await run(file, version)
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
      for (const file of casesOf(source)) {
        const head = headOf(source, file, false)
        for (const other of SOURCES) if (other !== source) expect(other.recognise(head), `${file} by ${other.id}`).toBeUndefined()
      }
    })

    it('fills every row of its mapping table', async () => {
      const rows = readJson<readonly MappingRow[]>(source, 'mapping.json', [])
      const events = new Map<OcsfVersion, Record<string, unknown>[]>()
      for (const version of GOLDEN_VERSIONS) {
        const all: Record<string, unknown>[] = []
        for (const file of casesOf(source)) for (const outcome of (await run(file, version)).outcomes) if (outcome.kind === 'event') all.push(outcome.event)
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
