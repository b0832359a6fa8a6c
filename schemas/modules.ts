/** The text of the generated TypeScript modules that span all versions. */
import type { RawAttribute, RawFacts, RawItem } from './generate.js'

type Group = 'classes' | 'objects'

const pascal = (name: string) => name.replace(/(^|_)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase())
const literal = (value: string) => (/^-?\d+$/.test(value) ? value : JSON.stringify(value))

/** The versions of one class (by uid: names change) or object, oldest first; `undefined` where it did not exist. */
function history(raws: readonly RawFacts[], group: Group, name: string, item: RawItem): (RawItem | undefined)[] {
  if (group === 'objects') return raws.map(raw => raw.objects[name])
  return raws.map(raw => Object.values(raw.classes).find(other => other.uid === item.uid))
}

const SCALARS: Readonly<Record<string, string>> = {
  string_t: 'string',
  integer_t: 'number',
  long_t: 'number | bigint',
  float_t: 'number',
  boolean_t: 'boolean',
  json_t: 'Json',
}

function base(raw: RawFacts, type: string): string {
  let name = type
  for (let parent = raw.types[name]?.type; parent !== undefined; parent = raw.types[name]?.type) name = parent
  return name
}

/** Interfaces of every class and object: the newest version's attributes, required where any version requires. */
export function typesModule(raws: readonly RawFacts[]): string {
  const newest = raws.at(-1)!
  const out: string[] = ["import type { Json, JsonObject } from '../../json.js'", '']
  const typeOf = (attribute: RawAttribute, past: readonly (RawAttribute | undefined)[]): string => {
    const type = (() => {
      if (attribute.enum !== undefined && attribute.type !== 'object_t') {
        const values = new Set(past.flatMap(a => Object.keys(a?.enum ?? {})))
        return [...values].map(value => (base(newest, attribute.type) === 'string_t' ? JSON.stringify(value) : literal(value))).join(' | ')
      }
      if (attribute.type === 'object_t') return attribute.object_type === 'object' ? 'JsonObject' : pascal(attribute.object_type!)
      if (attribute.type === 'timestamp_t') return 'number'
      return SCALARS[base(newest, attribute.type)]!
    })()
    if (!attribute.is_array) return type
    return type.includes('|') ? `readonly (${type})[]` : `readonly ${type}[]`
  }
  const body = (group: Group, name: string, item: RawItem) => {
    const versions = history(raws, group, name, item)
    for (const [attributeName, attribute] of Object.entries(item.attributes)) {
      const past = versions.map(version => version?.attributes[attributeName])
      const required = past.some(a => a?.requirement === 'required' && a.profiles === undefined)
      if (attribute.deprecated !== undefined) out.push(`  /** @deprecated since OCSF ${attribute.deprecated} */`)
      out.push(`  readonly ${attributeName}${required ? '' : '?'}: ${typeOf(attribute, past)}${required ? '' : ' | undefined'}`)
    }
    out.push('}', '')
  }
  for (const [name, item] of Object.entries(newest.objects)) {
    if (name === 'object') continue
    out.push(`/** OCSF object \`${name}\`. */`, `export interface ${pascal(name)} {`)
    body('objects', name, item)
  }
  for (const [name, item] of Object.entries(newest.classes)) {
    out.push(
      `/** ${item.caption} (${item.uid})${item.deprecated ? `, deprecated since OCSF ${item.deprecated}` : ''}. */`,
      `export interface ${pascal(name)}Event {`,
    )
    body('classes', name, item)
  }
  out.push('/** Every class by its name. */', 'export interface EventByClass {')
  for (const name of Object.keys(newest.classes)) out.push(`  readonly ${name}: ${pascal(name)}Event`)
  out.push('}', 'export type ClassName = keyof EventByClass', '')
  out.push('/** `class_uid` of every class. */', 'export const CLASS_UIDS = {')
  for (const [name, item] of Object.entries(newest.classes)) out.push(`  ${name}: ${item.uid},`)
  out.push('} as const satisfies Record<ClassName, number>', '')
  return out.join('\n')
}

/** Captions of every enum of the newest version, by class or object and attribute. */
export function enumsModule(raws: readonly RawFacts[]): string {
  const newest = raws.at(-1)!
  const out: string[] = []
  const pool = new Map<string, string>()
  const tables: string[] = []
  for (const group of ['classes', 'objects'] as const) {
    tables.push(
      `/** Enum captions of the ${group}, by attribute: \`${group === 'classes' ? 'CLASS_ENUMS.network_activity.activity_id[6]' : 'OBJECT_ENUMS.network_connection_info.direction_id[1]'}\`. */`,
    )
    tables.push(`export const ${group === 'classes' ? 'CLASS_ENUMS' : 'OBJECT_ENUMS'} = {`)
    for (const [name, item] of Object.entries(newest[group])) {
      const enums = Object.entries(item.attributes).filter(([, a]) => a.enum !== undefined)
      if (enums.length === 0) continue
      tables.push(`  ${name}: {`)
      for (const [attribute, { enum: values }] of enums) {
        const text = `{ ${Object.entries(values!)
          .map(([id, caption]) => `${literal(id)}: ${JSON.stringify(caption)}`)
          .join(', ')} } as const`
        let shared = pool.get(text)
        if (shared === undefined) {
          shared = `E${pool.size}`
          pool.set(text, shared)
          out.push(`const ${shared} = ${text}`)
        }
        tables.push(`    ${attribute}: ${shared},`)
      }
      tables.push('  },')
    }
    tables.push('} as const', '')
  }
  out.push('', ...tables)
  out.push('/** Observable type ids and their captions. */', `export const OBSERVABLE_TYPES = ${JSON.stringify(newest.observable_types, null, 2)} as const`, '')
  return out.join('\n')
}

/** What an older version lacks, seen from the newest: what `lower` must take away. */
export function differencesModule(raws: readonly RawFacts[]): string {
  const newest = raws.at(-1)!
  const out: string[] = [
    "import type { OcsfVersion } from '../facts.js'",
    '',
    '/** What a class or object of the newest version loses at an older one. */',
    'export interface Difference {',
    '  /** Attributes that the version does not know, or has deprecated. */',
    '  readonly absent?: readonly string[]',
    '  /** Enum values that it does not know, or knows with another caption: attribute, value, newest caption. */',
    '  readonly enums?: Readonly<Record<string, Readonly<Record<string, string>>>>',
    '}',
    '',
    'export interface Differences {',
    '  /** Class uids that the version does not have. */',
    '  readonly classesAbsent: readonly number[]',
    '  readonly classes: Readonly<Record<string, Difference>>',
    '  readonly objects: Readonly<Record<string, Difference>>',
    '}',
    '',
  ]
  // What classes take over from the base event they lack alike: a list that comes again is written once.
  const lists: string[] = []
  const shared = new Map<string, string>()
  const share = (kind: 'absent' | 'enums', value: object): string => {
    const text = JSON.stringify(value)
    const name = shared.get(text) ?? `L${shared.size}`
    if (!shared.has(text)) lists.push(`  const ${name}: NonNullable<Difference['${kind}']> = ${text}`)
    shared.set(text, name)
    return `${kind}: ${name}`
  }
  const tables: string[] = []
  for (const [at, raw] of raws.entries()) {
    const group = (which: Group) => {
      const result: string[] = []
      for (const [name, item] of Object.entries(newest[which])) {
        const old = history(raws, which, name, item)[at]
        if (old === undefined) continue
        const absent = Object.keys(item.attributes).filter(
          attribute => old.attributes[attribute] === undefined || old.attributes[attribute].deprecated !== undefined,
        )
        const enums: Record<string, Record<string, string>> = {}
        for (const [attribute, { enum: values }] of Object.entries(item.attributes)) {
          const known = old.attributes[attribute]?.enum
          if (values === undefined || known === undefined || attribute === 'type_uid' || attribute === 'class_uid' || attribute === 'category_uid') continue
          const lost = Object.entries(values).filter(([id, caption]) => id !== '99' && known[id] !== caption)
          if (lost.length > 0) enums[attribute] = Object.fromEntries(lost)
        }
        const lost = [...(absent.length > 0 ? [share('absent', absent)] : []), ...(Object.keys(enums).length > 0 ? [share('enums', enums)] : [])]
        if (lost.length > 0) result.push(`${which === 'classes' ? item.uid : JSON.stringify(name)}: { ${lost.join(', ')} }`)
      }
      return `{ ${result.join(', ')} }`
    }
    const uids = new Set(Object.values(raw.classes).map(item => item.uid))
    const classesAbsent = Object.values(newest.classes)
      .map(item => item.uid!)
      .filter(uid => !uids.has(uid))
    tables.push(`    '${raw.ocsf_version}': { classesAbsent: ${JSON.stringify(classesAbsent)}, classes: ${group('classes')}, objects: ${group('objects')} },`)
  }
  out.push(
    'let made: { readonly [V in OcsfVersion]: Differences } | undefined',
    '',
    '/** What a version lacks. The tables are made when first asked for: whoever imports a mapper waits for none of them. */',
    'export function differences(version: OcsfVersion): Differences {',
    '  made ??= make()',
    '  return made[version]',
    '}',
    '',
    'function make(): { readonly [V in OcsfVersion]: Differences } {',
    ...lists,
    '  return {',
    ...tables,
    '  }',
    '}',
    '',
  )
  return out.join('\n')
}
