/** The rules of OCSF that JSON Schema cannot say: profiles, siblings, constraints, twins, and what is only suspect. */
import type { Field } from './columns.js'
import type { ClassType, Facts } from './facts.js'
import type { Issue } from './issue.js'
import {
  bareProfile,
  type Check,
  checkCompiler,
  type EnumRule,
  enumFault,
  fitsPatterns,
  holds,
  isDeprecatedValue,
  isEmpty,
  isMilliseconds,
  isObject,
  isPlaceholder,
  isPresent,
  isSameTime,
  isTypeUid,
  mismatchFrom,
  type Node,
  type Obj,
  profileBits,
} from './validate-checks.js'
import { type Gates, gatesOf } from './validate-gate.js'
import { observableRules } from './validate-observables.js'
import { describe, type Findings, MAX_FINDINGS, oneOf, pathText, type Report } from './validate-wording.js'

export interface Rules {
  /** Warnings of every event of the class. */
  readonly always: readonly Issue[]
  /** All findings, `undefined` when there are none. Leaves shapes and types to the structural check. */
  report(event: object): Findings | undefined
  /** The checks of every object of the fields, for the structural check to make on its way. */
  readonly gates: Gates
  /** False when profiles or observables leave something to report; to be asked before the gates are. */
  admit(event: object): boolean
}

/** Compiles the rules of a class: of all its attributes, or of the fields that a source fills. */
export function classRules(facts: Facts, type: ClassType, fields?: readonly Field[]): Rules {
  const bits = profileBits(facts)
  const inClass = new Set(type.profiles.map(bareProfile))
  const root = checkCompiler(facts, bits)(type, fields)

  const { deprecated, uid } = type
  const always: readonly Issue[] =
    deprecated === undefined ? [] : [{ path: 'class_uid', rule: 'deprecated', expected: `no class deprecated since ${deprecated}`, found: String(uid) }]

  let found: Findings | undefined
  let event: Obj = {}
  const declared = { profiles: 0 }
  const path: (string | number)[] = []

  const add = (severity: keyof Findings, rule: string, segments: readonly (string | number)[], expected: string, worded: string): void => {
    found ??= { issues: [], warnings: [] }
    const list = found[severity]
    if (list.length < MAX_FINDINGS) list.push({ path: pathText(event, segments), rule, expected, found: worded })
  }
  const report: Report = (severity, rule, segments, expected, value) => add(severity, rule, segments, expected, describe(value))
  const observables = observableRules(facts, type, report)

  const start = (value: object): void => {
    event = value as Obj // any object can be read by name
    found = undefined
    path.length = 0
    declared.profiles = 0
    const profiles = isObject(event.metadata) ? event.metadata.profiles : undefined
    if (Array.isArray(profiles)) for (let i = 0; i < profiles.length; i++) declareProfile(profiles[i], i)
    if (Array.isArray(event.observables)) observables(event, event.observables)
  }

  const declareProfile = (name: unknown, i: number): void => {
    if (typeof name !== 'string') return
    const bare = bits.has(name) ? name : bareProfile(name)
    const bit = bits.get(bare)
    if (bit === undefined) report('issues', 'profile_unknown', ['metadata', 'profiles', i], oneOf(facts.profiles), name)
    else {
      declared.profiles |= bit
      if (!inClass.has(bare)) report('issues', 'profile_not_in_class', ['metadata', 'profiles', i], oneOf(type.profiles), name)
    }
  }

  const visit = (node: Node, value: Obj): void => {
    for (const check of node.checks) {
      const member = value[check.name]
      if (member === undefined || member === null) {
        if (member === null) report('warnings', 'null_value', at(check), 'a value, or no attribute', null)
        if (check.required && (check.profiles & declared.profiles) !== 0)
          report('issues', 'required_missing', at(check), `a value with profile ${check.attribute.profiles!.join(' or ')}`, undefined)
        continue
      }
      if (check.profiles !== 0 && (check.profiles & declared.profiles) === 0)
        report('issues', 'profile_not_declared', at(check), `${check.attribute.profiles!.join(' or ')} in metadata.profiles`, member)
      if (check.attribute.deprecated !== undefined)
        report('warnings', 'deprecated', at(check), `no attribute deprecated since ${check.attribute.deprecated}`, member)
      if (check.list) visitList(check, member)
      else visitValue(check, member, undefined)
      if (check.values !== undefined) visitEnum(check, check.values, value, member)
      if (check.millis !== undefined && !isSameTime(value[check.millis], member))
        report('issues', 'datetime_mismatch', at(check), `the time of ${check.millis}, ${value[check.millis]}`, member)
    }
    for (const constraint of node.constraints) {
      if (holds(constraint, value)) continue
      const { kind, names, paths } = constraint
      const some = names.filter((_, i) => isPresent(value, paths[i]!))
      add('issues', 'constraint', path, `${kind === 'just_one' ? 'just' : 'at least'} one of ${names.join(', ')}`, some.join(', ') || 'none of them')
    }
  }

  const visitList = (check: Check, list: unknown): void => {
    if (!Array.isArray(list)) return
    if (list.length === 0) report('warnings', 'empty_value', at(check), 'items, or no attribute', list)
    for (let i = 0; i < list.length; i++) visitValue(check, list[i], i)
  }

  const visitValue = (check: Check, value: unknown, index: number | undefined): void => {
    if (check.text) {
      if (typeof value !== 'string') return
      if (!fitsPatterns(check.patterns, value)) report('warnings', 'regex', at(check, index), `text of the form of ${check.attribute.type}`, value)
      if (value === '') report('warnings', 'empty_value', at(check, index), 'text, or no attribute', value)
      else if (isPlaceholder(value)) report('warnings', 'placeholder', at(check, index), 'a real value, or no attribute', value)
    } else if (check.inside !== undefined) {
      if (!isObject(value)) return
      if (isEmpty(value)) report('warnings', 'empty_value', at(check, index), 'an object with attributes, or no attribute', value)
      path.push(check.name)
      if (index !== undefined) path.push(index)
      visit(check.inside(), value)
      path.length -= index === undefined ? 1 : 2
    } else if (check.timestamp && (typeof value === 'number' || typeof value === 'bigint')) {
      if (!isMilliseconds(value)) report('issues', 'timestamp_not_ms', at(check, index), 'epoch milliseconds, or 0', value)
    }
  }

  const visitEnum = (check: Check, values: EnumRule, holder: Obj, member: unknown): void => {
    const sibling = values.sibling ?? ''
    const text = holder[sibling]
    if (check.list) {
      for (let i = mismatchFrom(values, member, text, 0); i >= 0; i = mismatchFrom(values, member, text, i + 1)) {
        const [id, other] = [member, text].map(list => (list as readonly unknown[])[i]) // mismatchFrom found both to be lists
        report('issues', 'enum_array_sibling', [...path, sibling, i], JSON.stringify(values.captions.get(id)), other)
      }
      return
    }
    if (isDeprecatedValue(values, member)) report('warnings', 'deprecated', at(check), 'no deprecated value', member)
    const fault = enumFault(values, member, text)
    if (fault === 'enum_unknown') report('issues', fault, at(check), oneOf(values.captions.keys()), member)
    else if (fault === 'other_without_sibling') report('issues', fault, [...path, sibling], `the text that goes with ${check.name} 99`, text)
    else if (fault === 'other_caption') report('warnings', fault, [...path, sibling], 'the text of the source', text)
    else if (fault === 'enum_sibling') report('issues', fault, [...path, sibling], JSON.stringify(values.captions.get(member)), text)
  }

  const at = (check: Check, index?: number): (string | number)[] => (index === undefined ? [...path, check.name] : [...path, check.name, index])

  return {
    always,
    gates: gatesOf(root, fields ?? [], declared, type.uid),
    admit(value) {
      start(value)
      return found === undefined
    },
    report(value) {
      start(value)
      const { activity_id: activity, category_uid, type_uid } = event
      if (typeof category_uid === 'number' && category_uid !== type.category_uid)
        report('issues', 'category_uid', ['category_uid'], String(type.category_uid), category_uid)
      if (!isTypeUid(type.uid, activity, type_uid)) report('issues', 'type_uid', ['type_uid'], String(type.uid * 100 + Number(activity)), type_uid)
      visit(root, event)
      const result = found
      found = undefined
      event = {}
      return result
    },
  }
}
