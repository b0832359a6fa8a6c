/** Renders docs/sources.md from the sources and their fixtures; `vitest -u` writes it, and the diff is read in review. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { customSourceName } from '../lake/object-key.js'
import { classFields, leaves } from '../ocsf/columns.js'
import { loadFacts } from '../ocsf/facts.js'
import { CLASS_UIDS, type ClassName } from '../ocsf/generated/types.js'
import { flatten } from '../parquet/flatten.js'
import { SOURCES } from './index.js'
import type { AnySource } from './source.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Golden {
  readonly [version: string]: readonly { readonly kind: string; readonly event?: { readonly class_uid: number; readonly unmapped?: Record<string, unknown> } }[]
}

/** Keys of `unmapped` per version, over the fixtures that hold what AWS writes. */
function unmappedKeys(source: AnySource): { readonly always: readonly string[]; readonly older: readonly string[] } {
  const keys = { '1.1.0': new Set<string>(), '1.8.0': new Set<string>() }
  for (const file of readdirSync(join(root, 'fixtures', source.id))) {
    if (!file.endsWith('.expected.json') || /^(hostile|malformed|unknown-header)/.test(file)) continue
    const golden = JSON.parse(readFileSync(join(root, 'fixtures', source.id, file), 'utf8')) as Golden
    for (const version of ['1.1.0', '1.8.0'] as const) {
      for (const { event } of golden[version] ?? []) for (const key of flatten(event?.unmapped ?? {}).keys()) keys[version].add(key)
    }
  }
  return { always: [...keys['1.8.0']].sort(), older: [...keys['1.1.0']].filter(key => !keys['1.8.0'].has(key)).sort() }
}

const code = (names: readonly string[]) => names.map(name => `\`${name}\``).join(', ') || 'none'

async function render(): Promise<string> {
  const lines = [
    '# Sources',
    '',
    'Rendered from the code and its fixtures by the test suite. Every attribute named here is a column of every Parquet object of that',
    'source and class, whether it has a value or not; derived columns (captions, `*_dt` twins, class names) are left out of the lists.',
    '',
    '| id | log | classes | custom source names |',
    '|---|---|---|---|',
  ]
  for (const source of SOURCES) {
    const names = Object.keys(source.columns) as ClassName[] // the keys of DeclaredColumns are class names
    const classes = names.map(name => `\`${name}\` (${CLASS_UIDS[name]})`).join(', ')
    lines.push(`| [\`${source.id}\`](#${source.id}) | ${source.title} | ${classes} | ${code(names.map(name => customSourceName(source, CLASS_UIDS[name])))} |`)
  }
  const facts = await loadFacts('1.8.0')
  for (const source of SOURCES) {
    lines.push('', `## ${source.id}`, '', `${source.title}, as defined in <${source.spec}>. Mapping version ${source.mappingVersion}.`, '')
    for (const [name, declared] of Object.entries(source.columns)) {
      const { fields } = classFields(facts, name as ClassName, declared)!
      const mapped = [...leaves(fields)].filter(field => field.origin === 'mapped').map(field => field.path)
      lines.push(`Attributes of \`${name}\`: ${code(mapped)}.`, '')
    }
    const { always, older } = unmappedKeys(source)
    lines.push(`In \`unmapped\` at every version: ${code(always)}.`, '')
    lines.push(`In \`unmapped\` at OCSF 1.1.0 only, which has no attribute for them: ${code(older)}.`)
    if (source.notes !== undefined) lines.push('', ...source.notes.map(note => `- ${note}`))
  }
  return `${lines.join('\n')}\n`
}

describe('docs/sources.md', () => {
  it('is what the code says', async () => {
    await expect(await render()).toMatchFileSnapshot(join(root, 'docs/sources.md'))
  })
})
