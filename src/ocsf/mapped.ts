/**
 * What lets a mapped event pass without building the full one: per attribute a test of its value, per object what must
 * be there. An event that passes is one that lowering leaves alone and that, completed, validates without an issue or
 * warning; property tests hold it to that. One that does not pass proves nothing: it is completed and validated.
 */
import type { ClassFields, Field } from './columns.js'
import { type Facts, type ObjectType, observableId, typeChain } from './facts.js'
import { type Difference, differences } from './generated/differences.js'
import { type Check, checkCompiler, fitsPatterns, isMilliseconds, isPlaceholder, type Node, profileBits } from './validate-checks.js'

/** An attribute of a mapped event. */
export interface MappedField {
  readonly field: Field
  /** Whether a value, or each item of a list, may stay as it is; what is in an object is asked apart. */
  readonly accepts: (value: unknown) => boolean
  /** Completion writes it: an event that brings its own does not pass. */
  readonly derived: boolean
  /** Of an id: its captions by value, those that the version writes. */
  readonly captions: ReadonlyMap<unknown, string> | undefined
  /** Bits (of `MappedClass.profiles`) that its presence declares. */
  readonly profiles: number
  /** Its bit in `MappedObject.required` and the rest; 0 when nothing depends on it. */
  readonly flag: number
  /** The observable that its values are. */
  readonly observable: { readonly typeId: number; readonly type: string } | undefined
  readonly object: MappedObject | undefined
}

/** What an object must have, as bits of the flags of its fields. */
export interface MappedObject {
  readonly fields: readonly MappedField[]
  readonly required: number
  /** Of each group at least one. */
  readonly atLeastOne: readonly number[]
  /** Of each group exactly one. */
  readonly justOne: readonly number[]
  /** Required as soon as one of the profiles is declared. */
  readonly byProfile: readonly { readonly profiles: number; readonly flag: number }[]
}

export interface MappedClass {
  readonly root: MappedObject
  readonly profiles: readonly string[]
  /** The bit that a time with a `*_dt` twin declares. */
  readonly datetime: number
  /** Values of the attributes that are the same in every event, by path. */
  readonly constants: ReadonlyMap<string, string | number>
  /** `activity_id` to `type_uid` and `type_name`. */
  readonly types: ReadonlyMap<unknown, { readonly uid: number; readonly name: string }>
}

type Captions = Readonly<Record<string, string>>

/** Written by completion whatever the event says. */
const DERIVED: ReadonlySet<string> = new Set([
  'category_uid',
  'category_name',
  'class_name',
  'type_uid',
  'type_name',
  'metadata.version',
  'metadata.profiles[]',
  'observables[]',
])

/** Compiles the tests of a class; `undefined` for a class with rules that the fast way does not know. */
export function mappedClass(facts: Facts, { type, fields, version }: ClassFields): MappedClass | undefined {
  const bits = profileBits(facts)
  const classBits = new Map(type.profiles.map((name, bit) => [name, 1 << bit]))
  const maskOf = (names: readonly string[] | undefined): number => (names ?? []).reduce((mask, name) => mask | (classBits.get(name) ?? 0), 0)
  const datetime = maskOf(['datetime'])
  const { classes, objects } = differences(version)
  let known = true

  const compile = (spec: ObjectType, node: Node, some: readonly Field[], enums: Difference['enums']): MappedObject => {
    const flags = new Map<string, number>()
    const flagOf = (name: string): number => {
      const own = some.find(field => field.name === name)
      if (own === undefined || own.origin === 'caption' || own.origin === 'datetime' || flags.size === 31) known = false
      const flag = flags.get(name) ?? 1 << flags.size
      flags.set(name, flag)
      return flag
    }
    let required = 0
    const byProfile: { profiles: number; flag: number }[] = []
    for (const attribute of spec.attributes.values()) {
      if (attribute.requirement !== 'required') continue
      const own = some.find(field => field.name === attribute.name)
      if (DERIVED.has(own?.path ?? attribute.name)) continue
      if (attribute.profiles === undefined) required |= flagOf(attribute.name)
      else if (own !== undefined) byProfile.push({ profiles: maskOf(attribute.profiles), flag: flagOf(attribute.name) })
      else if (maskOf(attribute.profiles) !== 0) byProfile.push({ profiles: maskOf(attribute.profiles), flag: 1 << 31 }) // never there
    }
    const group = (names: readonly string[]): number =>
      names.reduce((mask, name) => {
        if (name.includes('.')) known = false
        return some.some(field => field.name === name) ? mask | flagOf(name) : mask
      }, 0)
    const atLeastOne = node.constraints.filter(({ kind }) => kind === 'at_least_one').map(({ names }) => group(names))
    const justOne = node.constraints.filter(({ kind }) => kind === 'just_one').map(({ names }) => group(names))
    return {
      fields: some.map(field => fieldOf(spec, node.checks.find(check => check.name === field.name)!, field, enums?.[field.name], flags)),
      required,
      atLeastOne,
      justOne,
      byProfile,
    }
  }

  const fieldOf = (spec: ObjectType, check: Check, field: Field, lost: Captions | undefined, flags: ReadonlyMap<string, number>): MappedField => {
    const { attribute, kind, name } = field
    const { sibling } = attribute
    const profiles = maskOf(attribute.profiles)
    // of several profiles completion chooses one by what else is there; one outside the class is an issue
    const oneProfile = attribute.profiles === undefined || (attribute.profiles.length === 1 && profiles !== 0)
    const typeId = kind === 'object' || kind === 'open' ? undefined : observableId(facts, attribute)
    const type = typeId === undefined ? undefined : facts.observableTypes[typeId]
    const caption = sibling === undefined ? undefined : spec.attributes.get(sibling)
    if (typeId !== undefined && (type === undefined || kind === 'json' || field.origin === 'caption')) known = false
    if (caption?.profiles !== undefined && (maskOf(caption.profiles) & profiles) === 0) known = false
    if (kind === 'timestamp' && field.twin !== undefined && datetime === 0) known = false
    const limit = Math.min(65535, ...typeChain(facts, attribute.type).flatMap(scalar => facts.types[scalar]?.max_len ?? []))
    const usable = oneProfile && kind !== 'datetime' && !(field.list && attribute.enum !== undefined)
    const object = field.fields && compile(facts.objects.get(attribute.object_type!)!, check.inside!(), field.fields, objects[attribute.object_type!]?.enums)
    return {
      field,
      accepts: usable ? testOf(facts, check, field, limit, lost) : () => false,
      derived: DERIVED.has(field.path) || field.origin === 'datetime',
      captions: sibling === undefined || field.list || DERIVED.has(sibling) ? undefined : check.values?.captions,
      profiles,
      flag: flags.get(name) ?? 0,
      observable: typeId === undefined || type === undefined ? undefined : { typeId, type },
      object,
    }
  }

  const root = compile(type, checkCompiler(facts, bits)(type, fields), fields, classes[type.uid]?.enums)
  if (!known || type.deprecated !== undefined) return undefined
  const names = type.attributes.get('type_uid')?.enum ?? {}
  const types = new Map<unknown, { uid: number; name: string }>()
  for (const [text, name] of Object.entries(names)) types.set(Number(text) - type.uid * 100, { uid: Number(text), name })
  const constants = new Map<string, string | number>([
    ['category_uid', type.category_uid],
    ['category_name', type.category_name],
    ['class_name', type.attributes.get('class_uid')?.enum?.[type.uid] ?? type.caption],
    ['metadata.version', version],
  ])
  return { root, profiles: type.profiles, datetime, constants, types }
}

function testOf(facts: Facts, { patterns, values, attribute }: Check, { kind }: Field, limit: number, lost: Captions = {}): (value: unknown) => boolean {
  const ids = values && new Set([...values.captions.keys()].filter(id => !values.deprecated?.has(id) && lost[String(id)] === undefined))
  const listed = (value: unknown): boolean => ids === undefined || ids.has(value)
  switch (kind) {
    case 'string':
      return value =>
        typeof value === 'string' && value !== '' && value.length <= limit && !isPlaceholder(value) && fitsPatterns(patterns, value) && listed(value)
    case 'integer': {
      let [min, max] = [-(2 ** 31), 2 ** 31 - 1]
      for (const scalar of typeChain(facts, attribute.type)) {
        const range = facts.types[scalar]?.range
        if (range !== undefined) [min, max] = [Math.max(min, range[0]), Math.min(max, range[1])]
      }
      return value => typeof value === 'number' && (value | 0) === value && value >= min && value <= max && listed(value)
    }
    case 'long':
      return value => typeof value === 'number' && Number.isSafeInteger(value) && listed(value)
    case 'timestamp':
      return value => typeof value === 'number' && Number.isSafeInteger(value) && isMilliseconds(value) && listed(value)
    case 'float':
      return value => typeof value === 'number' && Number.isFinite(value) && listed(value)
    case 'boolean':
      return value => typeof value === 'boolean'
    case 'json':
      return value => value !== null
    default:
      return () => true // objects are looked into
  }
}
