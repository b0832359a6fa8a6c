/** The rules of OCSF that JSON Schema cannot say: profiles, siblings, constraints, twins, and what is only suspect. */
import type { Field } from './columns.js'
import { type Attribute, baseType, type ClassType, type Facts, type ObjectType, typeChain } from './facts.js'
import { msFromIso } from './time.js'
import { observableRules } from './validate-observables.js'
import { describe, type Findings, MAX_FINDINGS, oneOf, pathText, type Report } from './validate-wording.js'

type Obj = Readonly<Record<string, unknown>>

interface Regex {
  readonly type: string
  readonly regex: RegExp
}

interface EnumRule {
  readonly captions: ReadonlyMap<unknown, string>
  readonly sibling: string | undefined
  readonly deprecated: ReadonlySet<unknown> | undefined
  /** An int64 id may be a bigint, and ajv leaves its enum to this rule. */
  readonly long: boolean
}

/** What is to be checked of one attribute. */
interface Check {
  readonly name: string
  readonly list: boolean
  /** Bits of the profiles that bring the attribute; 0 when it is always there. */
  readonly profiles: number
  /** Required as soon as one of its profiles is declared. */
  readonly required: boolean
  readonly attribute: Attribute
  readonly text: boolean
  readonly regexes: readonly Regex[]
  readonly timestamp: boolean
  /** Of a `*_dt` attribute: the name of its time in milliseconds. */
  readonly millis: string | undefined
  readonly values: EnumRule | undefined
  /** The rules of an object; built when first needed, since objects can hold their own kind. */
  readonly inside: (() => Node) | undefined
}

interface Node {
  readonly checks: readonly Check[]
  readonly constraints: readonly {
    readonly kind: 'at_least_one' | 'just_one'
    readonly names: readonly string[]
    readonly paths: readonly (readonly string[])[]
  }[]
}

/** Text that stands for nothing, left behind by a careless producer. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['-', 'undefined', 'null', 'NaN', '[object Object]', 'Invalid Date'])
const LONGEST_PLACEHOLDER = 15
/** 1973 to 5138: a number outside is not epoch milliseconds. 0 stands for unknown. */
const MIN_MS = 1e11
const MAX_MS = 1e14
/** `*_dt` text may be finer or coarser than the milliseconds, but not by a second. */
const MAX_DRIFT_MS = 999

/** `linux/linux_users` and `linux_users` are the same profile. */
function bareProfile(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/**
 * Compiles the rules of a class; of all its attributes, or of the fields that a source fills. The returned function
 * yields `undefined` when it finds nothing, and leaves shapes and types to the structural check.
 */
export function classRules(facts: Facts, type: ClassType, fields?: readonly Field[]): (event: object) => Findings | undefined {
  const bits = new Map(facts.profiles.map((name, bit) => [bareProfile(name), 1 << bit]))
  const inClass = new Set(type.profiles.map(bareProfile))
  const root = compiler(facts, bits)(type, fields)

  let found: Findings | undefined
  let event: Obj = {}
  let active = 0
  const path: (string | number)[] = []

  const report: Report = (severity, rule, segments, expected, value) => {
    found ??= { issues: [], warnings: [] }
    const list = found[severity]
    if (list.length < MAX_FINDINGS) list.push({ path: pathText(event, segments), rule, expected, found: describe(value) })
  }
  const observables = observableRules(facts, type, report)

  const declareProfiles = (metadata: unknown): void => {
    active = 0
    const profiles = isObject(metadata) ? metadata.profiles : undefined
    if (!Array.isArray(profiles)) return
    for (let i = 0; i < profiles.length; i++) {
      const name: unknown = profiles[i]
      if (typeof name !== 'string') continue
      let bit = bits.get(name)
      const bare = bit === undefined ? bareProfile(name) : name
      bit ??= bits.get(bare)
      if (bit === undefined) report('issues', 'profile_unknown', ['metadata', 'profiles', i], oneOf(facts.profiles), name)
      else {
        active |= bit
        if (!inClass.has(bare)) report('issues', 'profile_not_in_class', ['metadata', 'profiles', i], oneOf(type.profiles), name)
      }
    }
  }

  const visit = (node: Node, value: Obj): void => {
    for (const check of node.checks) {
      const member = value[check.name]
      if (member === undefined || member === null) {
        if (member === null) report('warnings', 'null_value', [...path, check.name], 'a value, or no attribute', null)
        if (check.required && (check.profiles & active) !== 0)
          report('issues', 'required_missing', [...path, check.name], `a value with profile ${check.attribute.profiles!.join(' or ')}`, undefined)
        continue
      }
      if (check.profiles !== 0 && (check.profiles & active) === 0)
        report('issues', 'profile_not_declared', [...path, check.name], `${check.attribute.profiles!.join(' or ')} in metadata.profiles`, member)
      if (check.attribute.deprecated !== undefined)
        report('warnings', 'deprecated', [...path, check.name], `no attribute deprecated since ${check.attribute.deprecated}`, member)
      if (check.list) visitList(check, member)
      else visitValue(check, member, undefined)
      if (check.values !== undefined) checkEnum(check, check.values, value, member)
      if (check.millis !== undefined) checkDatetime(check, value[check.millis], member)
    }
    for (const { kind, names, paths } of node.constraints) {
      let count = 0
      for (const names of paths) if (isPresent(value, names)) count++
      if (kind === 'at_least_one' ? count === 0 : count !== 1)
        report('issues', 'constraint', path, `${kind === 'just_one' ? 'just' : 'at least'} one of ${names.join(', ')}`, `${count} of them`)
    }
  }

  const visitList = (check: Check, list: unknown): void => {
    if (!Array.isArray(list)) return
    if (list.length === 0) report('warnings', 'empty_value', [...path, check.name], 'items, or no attribute', list)
    if (check.text || check.timestamp || check.inside !== undefined) for (let i = 0; i < list.length; i++) visitValue(check, list[i], i)
  }

  const visitValue = (check: Check, value: unknown, index: number | undefined): void => {
    if (check.text) {
      if (typeof value !== 'string') return
      for (const { type, regex } of check.regexes) {
        if (regex.test(value)) continue
        report('warnings', 'regex', here(check, index), `text like a ${type}`, value)
        break
      }
      if (value === '') report('warnings', 'empty_value', here(check, index), 'text, or no attribute', value)
      else if (value.length <= LONGEST_PLACEHOLDER && PLACEHOLDERS.has(value))
        report('warnings', 'placeholder', here(check, index), 'a real value, or no attribute', value)
    } else if (check.inside !== undefined) {
      if (!isObject(value)) return
      if (isEmpty(value)) report('warnings', 'empty_value', here(check, index), 'an object with attributes, or no attribute', value)
      path.push(check.name)
      if (index !== undefined) path.push(index)
      visit(check.inside(), value)
      path.length -= index === undefined ? 1 : 2
    } else if (check.timestamp && (typeof value === 'number' || typeof value === 'bigint')) {
      if (value !== 0 && value !== 0n && !(value >= MIN_MS && value < MAX_MS))
        report('issues', 'timestamp_not_ms', here(check, index), 'epoch milliseconds, or 0', value)
    }
  }

  const checkEnum = (check: Check, { captions, sibling, deprecated, long }: EnumRule, holder: Obj, member: unknown): void => {
    const text = sibling === undefined ? undefined : holder[sibling]
    if (check.list) {
      if (Array.isArray(member) && Array.isArray(text)) checkEnumList(captions, sibling!, member, text)
      return
    }
    const id = long && typeof member === 'bigint' ? Number(member) : member
    const caption = captions.get(id)
    if (caption === undefined) {
      if (long && typeof id === 'number') report('issues', 'enum_unknown', [...path, check.name], oneOf(captions.keys()), member)
      return
    }
    if (deprecated?.has(id)) report('warnings', 'deprecated', [...path, check.name], 'no deprecated value', member)
    if (sibling === undefined) return
    if (id === 99) {
      if (text === undefined || text === null) report('issues', 'other_without_sibling', [...path, check.name], `${sibling} with the text`, member)
      else if (text === caption) report('warnings', 'other_caption', [...path, sibling], 'the text of the source', text)
    } else if (text !== undefined && text !== null && text !== caption) report('issues', 'enum_sibling', [...path, sibling], JSON.stringify(caption), text)
  }

  const checkEnumList = (captions: EnumRule['captions'], sibling: string, ids: readonly unknown[], texts: readonly unknown[]): void => {
    for (let i = 0; i < ids.length; i++) {
      const caption = captions.get(ids[i])
      if (caption !== undefined && ids[i] !== 99 && texts[i] !== caption)
        report('issues', 'enum_array_sibling', [...path, sibling, i], JSON.stringify(caption), texts[i])
    }
  }

  const checkDatetime = (check: Check, millis: unknown, text: unknown): void => {
    if ((typeof millis !== 'number' && typeof millis !== 'bigint') || typeof text !== 'string') return
    const ms = msFromIso(text)
    if (ms !== undefined && Math.abs(ms - Number(millis)) > MAX_DRIFT_MS)
      report('issues', 'datetime_mismatch', [...path, check.name], `the time of ${check.millis}, ${millis}`, text)
  }

  const here = (check: Check, index: number | undefined): (string | number)[] => (index === undefined ? [...path, check.name] : [...path, check.name, index])

  return value => {
    event = value as Obj // any object can be read by name
    found = undefined
    path.length = 0
    declareProfiles(event.metadata)
    if (type.deprecated !== undefined) report('warnings', 'deprecated', ['class_uid'], `no class deprecated since ${type.deprecated}`, event.class_uid)
    const { activity_id: activity, category_uid, type_uid } = event
    if (category_uid !== undefined && category_uid !== null && category_uid !== type.category_uid)
      report('issues', 'category_uid', ['category_uid'], String(type.category_uid), category_uid)
    if (Number.isInteger(activity) && type_uid !== undefined && type_uid !== null) {
      const expected = type.uid * 100 + (activity as number) // isInteger said so
      if ((typeof type_uid === 'bigint' ? Number(type_uid) : type_uid) !== expected) report('issues', 'type_uid', ['type_uid'], String(expected), type_uid)
    }
    visit(root, event)
    if (Array.isArray(event.observables)) observables(event, event.observables)
    event = {}
    return found
  }
}

/** Builds the checks of an object type: of every attribute (each type once), or of the given fields only. */
function compiler(facts: Facts, bits: ReadonlyMap<string, number>): (type: ObjectType, fields?: readonly Field[]) => Node {
  const whole = new Map<string, Node>()
  const regexes = new Map<string, RegExp | undefined>()

  const regexOf = (type: string): RegExp | undefined => {
    if (!regexes.has(type)) {
      let regex: RegExp | undefined
      try {
        const source = facts.types[type]?.regex
        regex = source === undefined ? undefined : new RegExp(source)
      } catch {
        // PCRE-only syntax: such a type goes without its regex
      }
      regexes.set(type, regex)
    }
    return regexes.get(type)
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
      regexes: isObjectType
        ? []
        : typeChain(facts, attribute.type)
            .flatMap(scalar => regexOf(scalar) ?? [])
            .map(regex => ({ type: attribute.type, regex })),
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

function isObject(value: unknown): value is Obj {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value: Obj): boolean {
  for (const name in value) if (value[name] !== undefined) return false
  return true
}

function isPresent(value: unknown, names: readonly string[]): boolean {
  let node = value
  for (const name of names) node = isObject(node) ? node[name] : undefined
  return node !== undefined && node !== null
}
