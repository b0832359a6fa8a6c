/** What is to be checked of each attribute beyond its shape and type, compiled from the facts. */
import type { Field } from './columns.js'
import { type Attribute, baseType, type Facts, type ObjectType, typeChain } from './facts.js'
import { isIp } from './ip.js'
import { msFromIso } from './time.js'

export type Obj = Readonly<Record<string, unknown>>

export interface EnumRule {
  readonly captions: ReadonlyMap<unknown, string>
  readonly sibling: string | undefined
  readonly deprecated: ReadonlySet<unknown> | undefined
  /** An int64 id may be a bigint, and ajv leaves its enum to this rule. */
  readonly long: boolean
}

/** Checks of one attribute. */
export interface Check {
  readonly name: string
  readonly list: boolean
  /** Bits of the profiles that bring the attribute; 0 when it is always there. */
  readonly profiles: number
  /** Required as soon as one of its profiles is declared. */
  readonly required: boolean
  readonly attribute: Attribute
  readonly text: boolean
  /** Whether a text has the form of its type. */
  readonly patterns: readonly ((text: string) => boolean)[]
  readonly timestamp: boolean
  /** Of a `*_dt` attribute: the name of its time in milliseconds. */
  readonly millis: string | undefined
  readonly values: EnumRule | undefined
  /** The checks of an object; built when first needed, since objects can hold their own kind. */
  readonly inside: (() => Node) | undefined
}

/** Checks of a class or an object. */
export interface Node {
  readonly checks: readonly Check[]
  readonly constraints: readonly Constraint[]
}

export interface Constraint {
  readonly kind: 'at_least_one' | 'just_one'
  readonly names: readonly string[]
  readonly paths: readonly (readonly string[])[]
}

/** `linux/linux_users` and `linux_users` are the same profile. */
export function bareProfile(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** A bit for every profile of a version, by bare name. */
export function profileBits(facts: Facts): ReadonlyMap<string, number> {
  return new Map(facts.profiles.map((name, bit) => [bareProfile(name), 1 << bit]))
}

/** Builds the checks of an object type: of every attribute (each type once), or of the given fields only. */
export function checkCompiler(facts: Facts, bits: ReadonlyMap<string, number>): (type: ObjectType, fields?: readonly Field[]) => Node {
  const whole = new Map<string, Node>()
  const patterns = new Map<string, ((text: string) => boolean) | undefined>()

  const patternOf = (type: string): ((text: string) => boolean) | undefined => {
    const source = facts.types[type]?.regex
    if (source === undefined) return undefined
    if (!patterns.has(type)) {
      try {
        const regex = new RegExp(source)
        // The regex of IP addresses is slow, and takes all that isIp takes.
        patterns.set(type, type === 'ip_t' ? text => isIp(text) || regex.test(text) : text => regex.test(text))
      } catch {
        patterns.set(type, undefined) // PCRE-only syntax: such a type goes without its regex
      }
    }
    return patterns.get(type)
  }

  const build = (type: ObjectType, fields?: readonly Field[]): Node => {
    if (fields === undefined) {
      const known = whole.get(type.name)
      if (known !== undefined) return known
    }
    const checks: Check[] = []
    if (fields === undefined) for (const attribute of type.attributes.values()) add(checks, type, attribute)
    else for (const field of fields) add(checks, type, field.attribute, field.fields)
    // An attribute that a declared profile requires is missed even where the source has no column for it.
    if (fields !== undefined) {
      for (const attribute of type.attributes.values())
        if (attribute.requirement === 'required' && attribute.profiles !== undefined && !fields.some(field => field.name === attribute.name))
          add(checks, type, attribute, [])
    }
    const constraints = (['at_least_one', 'just_one'] as const).flatMap(kind => {
      const names = type.constraints?.[kind]
      return names === undefined ? [] : [{ kind, names, paths: names.map(name => name.split('.')) }]
    })
    const node = { checks, constraints }
    if (fields === undefined) whole.set(type.name, node)
    return node
  }

  const add = (checks: Check[], type: ObjectType, attribute: Attribute, fields?: readonly Field[]): void => {
    const { name } = attribute
    const isObjectType = attribute.type === 'object_t'
    const base = isObjectType ? undefined : baseType(facts, attribute.type)
    let inside: Check['inside']
    if (isObjectType) {
      const object = facts.objects.get(attribute.object_type!)!
      let node = fields === undefined ? undefined : build(object, fields)
      inside = () => {
        node ??= build(object)
        return node
      }
    }
    const milliseconds = name.slice(0, -3)
    checks.push({
      name,
      list: attribute.is_array === true,
      profiles: (attribute.profiles ?? []).reduce((mask, profile) => mask | (bits.get(bareProfile(profile)) ?? 0), 0),
      required: attribute.requirement === 'required' && attribute.profiles !== undefined,
      attribute,
      text: base === 'string_t',
      patterns: isObjectType ? [] : typeChain(facts, attribute.type).flatMap(scalar => patternOf(scalar) ?? []),
      timestamp: attribute.type === 'timestamp_t',
      millis: attribute.type === 'datetime_t' && name.endsWith('_dt') && type.attributes.has(milliseconds) ? milliseconds : undefined,
      values: enumRule(attribute, base),
      inside,
    })
  }
  return build
}

function enumRule(attribute: Attribute, base: string | undefined): EnumRule | undefined {
  if (attribute.enum === undefined) return undefined
  const id = (text: string) => (base === 'string_t' ? text : Number(text))
  const { enum_deprecated: deprecated, sibling } = attribute
  return {
    captions: new Map(Object.entries(attribute.enum).map(([text, caption]) => [id(text), caption])),
    sibling,
    deprecated: deprecated && new Set(deprecated.map(id)),
    long: base === 'long_t',
  }
}

// ---- what both the report and the gate ask ----

/** Text that stands for nothing, left behind by a careless producer. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['-', 'undefined', 'null', 'NaN', '[object Object]', 'Invalid Date'])
const LONGEST_PLACEHOLDER = 15

export function isPlaceholder(text: string): boolean {
  if (text.length > LONGEST_PLACEHOLDER) return false
  const first = text.charCodeAt(0) | 32 // the first characters, without hashing every short text
  return (first === 45 || first === 117 || first === 110 || first === 123 || first === 105) && PLACEHOLDERS.has(text)
}

export function fitsPatterns(patterns: Check['patterns'], text: string): boolean {
  for (const fits of patterns) if (!fits(text)) return false
  return true
}

/** 1973 to 5138: a number outside is not epoch milliseconds. 0 stands for unknown. */
const MIN_MS = 1e11
const MAX_MS = 1e14

export function isMilliseconds(value: number | bigint): boolean {
  if ((value >= MIN_MS && value < MAX_MS) || value === 0 || value === 0n) return true
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) !== value : !Number.isInteger(value) || value >= 2 ** 63 || value < -(2 ** 63) // another type
}

/** `*_dt` text may be finer or coarser than the milliseconds, but not by a second. */
const MAX_DRIFT_MS = 999

export function isSameTime(millis: unknown, text: unknown): boolean {
  if ((typeof millis !== 'number' && typeof millis !== 'bigint') || typeof text !== 'string') return true
  const ms = msFromIso(text)
  return ms === undefined || Math.abs(ms - Number(millis)) <= MAX_DRIFT_MS
}

export type EnumFault = 'enum_unknown' | 'enum_sibling' | 'other_without_sibling' | 'other_caption'

/** What is wrong with an id and the text beside it; an unknown id is reported here only when it is an int64. */
export function enumFault({ captions, sibling, long }: EnumRule, value: unknown, text: unknown): EnumFault | undefined {
  const id = long && typeof value === 'bigint' ? Number(value) : value
  const caption = captions.get(id)
  if (caption === undefined) return long && typeof id === 'number' ? 'enum_unknown' : undefined
  if (sibling === undefined || text === caption) return id === 99 && text === caption && sibling !== undefined ? 'other_caption' : undefined
  if (id === 99) return text === undefined || text === null ? 'other_without_sibling' : undefined
  return text === undefined || text === null ? undefined : 'enum_sibling'
}

/** The first index where the captions of a list of ids are not those of the list beside it; -1 when there is none. */
export function mismatchFrom({ captions }: EnumRule, ids: unknown, texts: unknown, from: number): number {
  if (Array.isArray(ids) && Array.isArray(texts)) {
    for (let i = from; i < ids.length; i++) {
      const caption = captions.get(ids[i])
      if (caption !== undefined && ids[i] !== 99 && texts[i] !== caption) return i
    }
  }
  return -1
}

export function isDeprecatedValue({ deprecated }: EnumRule, value: unknown): boolean {
  return deprecated?.has(typeof value === 'bigint' ? Number(value) : value) === true
}

export function holds({ kind, paths }: Constraint, value: unknown): boolean {
  let count = 0
  for (const names of paths) if (isPresent(value, names)) count++
  return kind === 'at_least_one' ? count > 0 : count === 1
}

/** Whether a dotted path, taken apart, leads to a value. */
export function isPresent(value: unknown, names: readonly string[]): boolean {
  let node = value
  for (const name of names) node = isObject(node) ? node[name] : undefined
  return node !== undefined && node !== null
}

export function isObject(value: unknown): value is Obj {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isEmpty(value: Obj): boolean {
  for (const name in value) if (value[name] !== undefined) return false
  return true
}

/** `type_uid` is `class_uid * 100 + activity_id`; without one of them there is nothing to compare. */
export function isTypeUid(classUid: number, activity: unknown, typeUid: unknown): boolean {
  if (typeof activity !== 'number' || (activity | 0) !== activity || typeUid === undefined || typeUid === null) return true
  return (typeof typeUid === 'bigint' ? Number(typeUid) : typeUid) === classUid * 100 + activity
}
