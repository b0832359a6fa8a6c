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
  readonly [version: string]: readonly { readonly kind: string; readonly event?: GoldenEvent }[]
}

interface GoldenEvent {
  readonly class_uid: number
  readonly unmapped?: Record<string, unknown>
}

const VERSIONS = ['1.1.0', '1.8.0'] as const

function* goldensOf(source: AnySource): Generator<Golden> {
  for (const file of readdirSync(join(root, 'fixtures', source.id))) {
    if (!file.endsWith('.expected.json') || /^(hostile|malformed|unknown-header)/.test(file)) continue
    yield JSON.parse(readFileSync(join(root, 'fixtures', source.id, file), 'utf8')) as Golden // our own files
  }
}

/** Keys of `unmapped` per version, over the fixtures that hold what AWS writes. */
function unmappedKeys(source: AnySource): { readonly always: readonly string[]; readonly older: readonly string[] } {
  const keys = { '1.1.0': new Set<string>(), '1.8.0': new Set<string>() }
  for (const golden of goldensOf(source)) {
    for (const version of VERSIONS) {
      for (const { event } of golden[version] ?? []) for (const key of flatten(event?.unmapped ?? {}).keys()) keys[version].add(key)
    }
  }
  return { always: [...keys['1.8.0']].sort(), older: [...keys['1.1.0']].filter(key => !keys['1.8.0'].has(key)).sort() }
}

// ---- pivots ----

/** What events can be joined by, and the leaves that hold it: of findings, and of logs. */
const PIVOTS: Readonly<Record<string, { readonly findings: readonly string[]; readonly logs: readonly string[] }>> = {
  'IP address': {
    findings: ['evidences[].src_endpoint.ip', 'evidences[].dst_endpoint.ip', 'evidences[].src_endpoint.intermediate_ips[]', 'resources[].ip'],
    logs: ['src_endpoint.ip', 'dst_endpoint.ip', 'src_endpoint.intermediate_ips[]', 'http_request.x_forwarded_for[]', 'answers[].rdata'],
  },
  'name of a user': { findings: ['evidences[].actor.user.name'], logs: ['actor.user.name', 'user.name'] },
  'ARN or id of a principal': {
    findings: ['evidences[].actor.user.uid', 'evidences[].actor.user.uid_alt'],
    logs: ['actor.user.uid', 'actor.user.uid_alt', 'actor.session.issuer', 'user.uid', 'user.uid_alt'],
  },
  'access key': {
    findings: ['evidences[].actor.user.credential_uid', 'evidences[].actor.user.programmatic_credentials[].uid'],
    logs: ['actor.user.credential_uid', 'actor.user.programmatic_credentials[].uid'],
  },
  account: { findings: ['cloud.account.uid', 'resources[].owner.account.uid'], logs: ['cloud.account.uid', 'actor.user.account.uid'] },
  'instance or network interface': {
    findings: [
      'evidences[].src_endpoint.instance_uid',
      'evidences[].dst_endpoint.instance_uid',
      'evidences[].src_endpoint.interface_uid',
      'evidences[].dst_endpoint.interface_uid',
    ],
    logs: ['src_endpoint.instance_uid', 'dst_endpoint.instance_uid', 'src_endpoint.interface_uid', 'dst_endpoint.interface_uid'],
  },
  'ARN or id of a resource': {
    findings: ['resources[].uid', 'resource.uid', 'resources[].uid_alt', 'databucket.uid'],
    logs: ['resources[].uid', 'entity.uid', 'web_resources[].uid'],
  },
  domain: {
    findings: ['evidences[].query.hostname', 'evidences[].src_endpoint.hostname', 'evidences[].dst_endpoint.hostname', 'evidences[].url.hostname'],
    logs: ['query.hostname', 'http_request.url.hostname', 'dst_endpoint.hostname', 'tls.sni'],
  },
  'API call': { findings: ['evidences[].api.operation', 'evidences[].api.service.name'], logs: ['api.operation', 'api.service.name'] },
  process: {
    findings: ['evidences[].process.name', 'evidences[].process.file.path', 'evidences[].process.file.hashes[].value', 'evidences[].process.pid'],
    logs: ['process.name', 'process.file.path'],
  },
  file: {
    findings: ['evidences[].file.path', 'evidences[].file.name', 'evidences[].file.hashes[].value', 'databucket.file.name', 'file.name'],
    logs: ['file.path', 'file.name'],
  },
  container: { findings: ['evidences[].container.uid', 'evidences[].container.image.uid'], logs: [] },
  CVE: { findings: ['vulnerabilities[].cve.uid'], logs: [] },
}

const FINDINGS = 2

/** Where a leaf is filled by the fixtures: the sources, each with the versions where it is not at all. */
type Filled = (leaf: string, isFinding: boolean) => readonly string[]

function filledBy(): Filled {
  const found = new Map<string, Map<string, Set<string>>>()
  for (const source of SOURCES)
    for (const golden of goldensOf(source))
      for (const version of VERSIONS)
        for (const { event } of golden[version] ?? []) {
          if (event === undefined) continue
          const isFinding = Math.floor(event.class_uid / 1000) === FINDINGS
          for (const leaf of leavesIn(event)) {
            const sources = found.get(`${isFinding} ${leaf}`) ?? new Map<string, Set<string>>()
            found.set(`${isFinding} ${leaf}`, sources)
            sources.set(source.id, (sources.get(source.id) ?? new Set()).add(version))
          }
        }
  return (leaf, isFinding) =>
    [...(found.get(`${isFinding} ${leaf}`) ?? [])].map(
      ([id, versions]) => `${id}${versions.size === 2 ? '' : versions.has('1.8.0') ? ' (not at 1.1)' : ' (not at 1.8)'}`,
    )
}

/** Paths of all that is filled, `[]` behind lists. */
function* leavesIn(value: unknown, path = ''): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield path
    return
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === 'unmapped' || key === 'observables') continue
    const at = path === '' ? key : `${path}.${key}`
    if (Array.isArray(member)) for (const item of member) yield* leavesIn(item, `${at}[]`)
    else yield* leavesIn(member, at)
  }
}

function pivots(): readonly string[] {
  const filled = filledBy()
  const cell = (leaves: readonly string[], isFinding: boolean) =>
    leaves
      .map(leaf => [leaf, filled(leaf, isFinding)] as const)
      .filter(([, ids]) => ids.length > 0)
      .map(([leaf, ids]) => `\`${leaf}\`: ${ids.join(', ')}`)
      .join('<br>')
  return [
    '## Pivots',
    '',
    'What events of different logs can be joined by, and which leaf holds it in the fixtures of which source. A version that is marked has',
    'another leaf for it, or keeps it in `unmapped`. [docs/findings.md](findings.md) has queries.',
    '',
    '| by | in findings | in logs |',
    '|---|---|---|',
    ...Object.entries(PIVOTS).map(([name, { findings, logs }]) => `| ${name} | ${cell(findings, true)} | ${cell(logs, false)} |`),
  ]
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
  lines.push('', ...pivots())
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
