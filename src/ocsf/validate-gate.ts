/**
 * The rules once more, as questions for the hot path: compiled code reads the attributes of each object and asks. A
 * gate says only that there is something to report; `validate-rules` then says what.
 */
import type { Field } from './columns.js'
import {
  type Check,
  type Constraint,
  type EnumRule,
  enumFault,
  fitsPatterns,
  holds,
  isDeprecatedValue,
  isEmpty,
  isMilliseconds,
  isObject,
  isPlaceholder,
  isSameTime,
  isTypeUid,
  mismatchFrom,
  type Node,
} from './validate-checks.js'

/**
 * Asked as `test(fixed, ...values of names)`, `fixed` left out where there is none. One shared function per kind of
 * question and not a closure per attribute: that is three times as fast.
 */
export interface Question {
  readonly test: (...values: never[]) => boolean
  readonly fixed?: unknown
  readonly names: readonly string[]
}

/** All that is asked of one object. */
export interface Gate {
  readonly questions: readonly Question[]
  /** Asked of the object itself. */
  readonly constraints: readonly Question[]
  /** Constraints of the simple kind: any of these attributes. */
  readonly anyOf: readonly (readonly string[])[]
  /** Attributes that need one of these profiles, and attributes that these profiles need. */
  readonly profiles: ReadonlyMap<number, { readonly names: string[]; readonly required: string[] }>
}

export interface Gates {
  /** The profiles of the event at hand, as bits. */
  readonly declared: { readonly profiles: number }
  /** By dotted path of the object without `[]`; `''` is the event. */
  readonly objects: ReadonlyMap<string, Gate>
}

/** The gates of the objects of a source's fields. */
export function gatesOf(root: Node, fields: readonly Field[], declared: Gates['declared'], classUid: number): Gates {
  const objects = new Map<string, Gate>()
  const build = (node: Node, fields: readonly Field[], prefix: string): void => {
    const gate = { questions: node.checks.flatMap(ask), constraints: [] as Question[], anyOf: [] as (readonly string[])[], profiles: byProfile(node) }
    for (const constraint of node.constraints) {
      if (constraint.kind === 'at_least_one' && constraint.paths.every(path => path.length === 1)) gate.anyOf.push(constraint.names)
      else gate.constraints.push({ test: (c: Constraint, value: unknown) => holds(c, value), fixed: constraint, names: [] })
    }
    if (prefix === '') gate.questions.push({ test: isTypeUid, fixed: classUid, names: ['activity_id', 'type_uid'] })
    objects.set(prefix, gate)
    for (const field of fields) {
      const inside = node.checks.find(check => check.name === field.name)?.inside
      if (inside === undefined) continue
      if (field.fields === undefined) gate.questions.push({ test: isFilled, names: [field.name] })
      else build(inside(), field.fields, prefix === '' ? field.name : `${prefix}.${field.name}`)
    }
  }
  build(root, fields, '')
  return { declared, objects }
}

function byProfile(node: Node): Gate['profiles'] {
  const groups = new Map<number, { names: string[]; required: string[] }>()
  for (const { name, profiles, required } of node.checks) {
    if (profiles === 0) continue
    const group = groups.get(profiles) ?? { names: [], required: [] }
    groups.set(profiles, group)
    group.names.push(name)
    if (required) group.required.push(name)
  }
  return groups
}

function ask(check: Check): Question[] {
  const { name, list, patterns, values, millis, attribute } = check
  const questions: Question[] = []
  const names = [name]
  if (attribute.deprecated !== undefined) questions.push({ test: isAbsent, names })
  if (list) questions.push({ test: hasItems, names })
  if (check.text) {
    if (list) questions.push({ test: eachFits, fixed: patterns, names })
    else if (patterns.length > 0) questions.push({ test: fitsText, fixed: patterns, names })
    else questions.push({ test: isPlain, names })
  } else if (check.timestamp) questions.push({ test: list ? eachIsTime : isTime, names })
  else if (attribute.type === 'json_t') questions.push({ test: isNotNull, names })

  if (values !== undefined) {
    const { sibling } = values
    if (list && sibling !== undefined) questions.push({ test: captionsFit, fixed: values, names: [name, sibling] })
    else if (sibling !== undefined) questions.push({ test: captionFits, fixed: values, names: [name, sibling] })
    else if (values.long || values.deprecated !== undefined) questions.push({ test: captionFits, fixed: values, names })
  }
  if (millis !== undefined) questions.push({ test: isSameTime, names: [millis, name] })
  return questions
}

// Values of the wrong type pass: the structural check refuses them.

function isPlain(text: unknown): boolean {
  return typeof text !== 'string' || (text !== '' && !isPlaceholder(text))
}

function fitsText(patterns: Check['patterns'], text: unknown): boolean {
  return typeof text !== 'string' || (isPlain(text) && fitsPatterns(patterns, text))
}

function eachFits(patterns: Check['patterns'], list: unknown): boolean {
  return !Array.isArray(list) || list.every(text => fitsText(patterns, text))
}

function isTime(value: unknown): boolean {
  return (typeof value !== 'number' && typeof value !== 'bigint') || isMilliseconds(value)
}

function eachIsTime(list: unknown): boolean {
  return !Array.isArray(list) || list.every(isTime)
}

function captionFits(values: EnumRule, id: unknown, text: unknown): boolean {
  return id === undefined || (enumFault(values, id, text) === undefined && (values.deprecated === undefined || !isDeprecatedValue(values, id)))
}

function captionsFit(values: EnumRule, ids: unknown, texts: unknown): boolean {
  return mismatchFrom(values, ids, texts, 0) < 0
}

function hasItems(list: unknown): boolean {
  return !Array.isArray(list) || list.length > 0
}

/** An open object, which no gate of its own guards. */
function isFilled(value: unknown): boolean {
  return !isObject(value) || !isEmpty(value)
}

function isAbsent(value: unknown): boolean {
  return value === undefined
}

function isNotNull(value: unknown): boolean {
  return value !== null
}
