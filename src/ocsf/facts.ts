/** What the OCSF schema says, per version: read by completion, lowering, validation and the Parquet schema. */

/** The OCSF versions this package writes, oldest first. */
export const VERSIONS = ['1.1.0', '1.3.0', '1.5.0', '1.8.0'] as const
export type OcsfVersion = (typeof VERSIONS)[number]

/** What Security Lake's own tables hold, so that a UNION ALL with them works. */
export const DEFAULT_VERSION: OcsfVersion = '1.1.0'

export type Requirement = 'required' | 'recommended' | 'optional'

/** One attribute of a class or an object, as one version defines it. */
export interface Attribute {
  readonly name: string
  /** The OCSF type, e.g. `ip_t`; `object_t` for objects. */
  readonly type: string
  readonly object_type?: string
  readonly is_array?: boolean
  readonly requirement: Requirement
  /** Enum id (as text) to caption. */
  readonly enum?: Readonly<Record<string, string>>
  readonly enum_deprecated?: readonly string[]
  /** The attribute that carries the caption of this enum. */
  readonly sibling?: string
  /** Present: the attribute exists only while one of these is in `metadata.profiles`. */
  readonly profiles?: readonly string[]
  /** Observable type id of the attribute itself. */
  readonly observable?: number
  /** The version that deprecated it. */
  readonly deprecated?: string
}

/** At least one, or exactly one, of these attributes must be present; dotted names reach into objects. */
export interface Constraints {
  readonly at_least_one?: readonly string[]
  readonly just_one?: readonly string[]
}

export interface ObjectType {
  readonly name: string
  readonly caption: string
  readonly constraints?: Constraints
  readonly observable?: number
  readonly deprecated?: string
  readonly attributes: ReadonlyMap<string, Attribute>
}

export interface ClassType extends ObjectType {
  readonly uid: number
  readonly category_uid: number
  readonly category_name: string
  readonly profiles: readonly string[]
}

/** A scalar type: its parent, and the limits that come on top of the parent's. */
export interface ScalarType {
  readonly type?: string
  readonly regex?: string
  readonly range?: readonly [number, number]
  readonly max_len?: number
  readonly observable?: number
}

export interface Facts {
  readonly version: OcsfVersion
  readonly types: Readonly<Record<string, ScalarType>>
  readonly profiles: readonly string[]
  readonly observableTypes: Readonly<Record<string, string>>
  readonly classes: ReadonlyMap<number, ClassType>
  readonly objects: ReadonlyMap<string, ObjectType>
}

/** The generated form of a class or an object: attributes are pooled, since most recur in many. */
export interface PackedItem {
  readonly uid?: number
  readonly category_uid?: number
  readonly caption: string
  readonly constraints?: Constraints
  readonly observable?: number
  readonly deprecated?: string
  readonly profiles?: readonly string[]
  /** Indices in `attributes` of the pool. */
  readonly attributes: readonly number[]
}

/** By their numbers in packs. */
export const REQUIREMENTS: readonly Requirement[] = ['optional', 'recommended', 'required']

/** Name, type (an object type or, with `_t` behind it, a scalar one; empty for `string_t`), requirement, and what else there is. */
export type PackedAttribute = readonly [
  name: string,
  type: string,
  requirement: number,
  rest?: Omit<Attribute, 'name' | 'type' | 'object_type' | 'requirement' | 'enum'> & {
    /** Index in `enums` of the pool. */
    readonly enum?: number
  },
]

/** What the versions have in common: one pool for all of them is less than half of one for each. */
export interface FactsPool {
  readonly enums: readonly Readonly<Record<string, string>>[]
  readonly attributes: readonly PackedAttribute[]
}

export interface PackedFacts {
  readonly version: OcsfVersion
  readonly types: Facts['types']
  readonly profiles: readonly string[]
  readonly observable_types: Facts['observableTypes']
  readonly categories: Readonly<Record<string, string>>
  readonly classes: Readonly<Record<string, PackedItem>>
  readonly objects: Readonly<Record<string, PackedItem>>
}

const PACKS: { readonly [V in OcsfVersion]: () => Promise<{ default: string }> } = {
  '1.1.0': () => import('./generated/facts-1.1.0.js'),
  '1.3.0': () => import('./generated/facts-1.3.0.js'),
  '1.5.0': () => import('./generated/facts-1.5.0.js'),
  '1.8.0': () => import('./generated/facts-1.8.0.js'),
}

const loaded = new Map<OcsfVersion, Promise<Facts>>()

/** The facts of one version; each version is a chunk of its own and is loaded once. */
export function loadFacts(version: OcsfVersion): Promise<Facts> {
  let facts = loaded.get(version)
  if (facts === undefined) {
    facts = unpacked(version)
    loaded.set(version, facts)
  }
  return facts
}

async function unpacked(version: OcsfVersion): Promise<Facts> {
  const [pack, pool] = await Promise.all([PACKS[version](), import('./generated/facts-pool.js')])
  return unpackFacts(JSON.parse(pack.default) as PackedFacts, JSON.parse(pool.default) as FactsPool) // what the generator wrote
}

export function isVersion(text: unknown): text is OcsfVersion {
  return (VERSIONS as readonly unknown[]).includes(text)
}

export function unpackFacts(pack: PackedFacts, pool: FactsPool): Facts {
  const attributes = (packed: PackedItem): Map<string, Attribute> =>
    new Map(
      packed.attributes.map(index => {
        const [name, type, requirement, rest] = pool.attributes[index]!
        const isObject = type !== '' && !type.endsWith('_t')
        const of = isObject ? { type: 'object_t', object_type: type } : { type: type || 'string_t' }
        return [name, { ...rest, name, ...of, requirement: REQUIREMENTS[requirement]!, enum: rest?.enum === undefined ? undefined : pool.enums[rest.enum] }]
      }),
    )
  const classes = new Map<number, ClassType>()
  for (const [name, item] of Object.entries(pack.classes)) {
    classes.set(item.uid!, {
      ...item,
      name,
      uid: item.uid!,
      category_uid: item.category_uid!,
      category_name: pack.categories[item.category_uid!] ?? 'Uncategorized',
      profiles: item.profiles ?? [],
      attributes: attributes(item),
    })
  }
  const objects = new Map<string, ObjectType>()
  for (const [name, item] of Object.entries(pack.objects)) objects.set(name, { ...item, name, attributes: attributes(item) })
  const { version, types, profiles, observable_types: observableTypes } = pack
  return { version, types, profiles, observableTypes, classes, objects }
}

/** The scalar types from a type up to its base, e.g. `ip_t`, `string_t`. */
export function typeChain(facts: Facts, type: string): readonly string[] {
  const chain = [type]
  for (let parent = facts.types[type]?.type; parent !== undefined; parent = facts.types[parent]?.type) chain.push(parent)
  return chain
}

/** The base type of a scalar type: `string_t`, `integer_t`, `long_t`, `float_t`, `boolean_t` or `json_t`. */
export function baseType(facts: Facts, type: string): string {
  return typeChain(facts, type).at(-1)!
}

/** The observable type id of a scalar attribute, or `undefined` when OCSF does not call it an observable. */
export function observableId(facts: Facts, attribute: Attribute): number | undefined {
  if (attribute.observable !== undefined) return attribute.observable
  if (attribute.type === 'object_t') return undefined
  for (const type of typeChain(facts, attribute.type)) {
    const id = facts.types[type]?.observable
    if (id !== undefined) return id
  }
  return undefined
}
