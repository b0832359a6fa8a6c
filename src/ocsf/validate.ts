/** Is this event OCSF? For any event, and for the events of one source. */
import { OcsfLakeError } from '../errors.js'
import type { ClassFields } from './columns.js'
import { type ClassType, type Facts, isVersion, loadFacts, type ObjectType, type OcsfVersion, VERSIONS } from './facts.js'
import type { Issue, Validation } from './issue.js'
import { classSchema, fieldsSchema, type JsonSchema, objectsSchema } from './json-schema.js'
import { classRules } from './validate-rules.js'
import type { Structure } from './validate-structure.js'
import { describe, type Findings, oneOf } from './validate-wording.js'

/** What every valid event without warnings gets. */
const VALID: Validation = Object.freeze({ valid: true, issues: Object.freeze([]), warnings: Object.freeze([]) })

/** Deeper than any real process tree; a guard against input made to exhaust the stack. */
const MAX_DEPTH = 100

/**
 * Validates any event against the bundled schemas. A null attribute counts as absent, with a warning. A hostile
 * event is not listed to its end: at most 200 issues and 100 warnings.
 *
 * @param version what to validate against; `metadata.version` of the event when left out
 * @throws OcsfLakeError `version_unknown` when `version` is given and not one of `VERSIONS`
 *
 * @example
 * const { valid, issues } = await validate(event)
 */
export async function validate(event: unknown, version?: OcsfVersion): Promise<Validation> {
  if (version !== undefined && !isVersion(version))
    throw new OcsfLakeError('version_unknown', `OCSF version ${describe(version)} is not supported: use ${oneOf(VERSIONS)}.`)
  if (!isObject(event)) return refused('', 'not_object', 'an event object', event)
  const wanted = version ?? (isObject(event.metadata) ? event.metadata.version : undefined)
  if (!isVersion(wanted)) return refused('metadata.version', 'version_unknown', oneOf(VERSIONS), wanted)
  const facts = await loadFacts(wanted)
  const type = typeof event.class_uid === 'number' ? facts.classes.get(event.class_uid) : undefined
  if (type === undefined) return refused('class_uid', 'class_uid_unknown', `a class of OCSF ${wanted}`, event.class_uid)
  return (await validatorOf(facts, type))(event)
}

/** The validators of whole classes, compiled when first used. */
const versions = new Map<OcsfVersion, (schema: JsonSchema) => Structure>()
const validators = new Map<ClassType, (event: Obj) => Validation>()

/** ajv takes longer to load than everything else together, and is not needed to import a door. */
const loadStructures = async () => (await import('./validate-structure.js')).structures

async function validatorOf(facts: Facts, type: ClassType): Promise<(event: Obj) => Validation> {
  let validator = validators.get(type)
  if (validator === undefined) {
    const structures = await loadStructures()
    let compile = versions.get(facts.version)
    if (compile === undefined) {
      compile = structures(objectsSchema(facts, 'runtime'))
      versions.set(facts.version, compile)
    }
    const structure = compile(classSchema(facts, type, 'runtime'))
    const rules = classRules(facts, type)
    validator = event => {
      const { value, tooDeep } = withoutNulls(facts, type, event)
      if (tooDeep) return refused('', 'too_deep', `at most ${MAX_DEPTH} levels of objects`, event)
      return verdict(structure.issues(value), rules.report(event), rules.always)
    }
    validators.set(type, validator)
  }
  return validator
}

/**
 * Compiles the validator of one source's class: closed over the declared columns, made for one call per event.
 * A valid event without warnings gets a shared, frozen result. Members that are `undefined` are absent.
 */
export async function classValidator(facts: Facts, columns: ClassFields): Promise<(event: object) => Validation> {
  const structures = await loadStructures()
  const rules = classRules(facts, columns.type, columns.fields)
  const structure = structures(undefined, rules.gates)(fieldsSchema(facts, columns))
  const clean = verdict([], undefined, rules.always)
  return event => (rules.admit(event) && structure.accepts(event) ? clean : verdict(structure.issues(event), rules.report(event), rules.always))
}

function verdict(structural: readonly Issue[], findings: Findings | undefined, always: readonly Issue[]): Validation {
  if (structural.length === 0 && findings === undefined && always.length === 0) return VALID
  const issues = [...structural, ...(findings?.issues ?? [])]
  return { valid: issues.length === 0, issues, warnings: [...always, ...(findings?.warnings ?? [])] }
}

function refused(path: string, rule: string, expected: string, found: unknown): Validation {
  return { valid: false, issues: [{ path, rule, expected, found: describe(found) }], warnings: [] }
}

type Obj = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Obj {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The event with its known null attributes left out; itself when it has none. */
function withoutNulls(facts: Facts, type: ClassType, event: Obj): { value: Obj; tooDeep: boolean } {
  let tooDeep = false
  const strip = (value: Obj, spec: ObjectType, depth: number): Obj => {
    if (depth > MAX_DEPTH) {
      tooDeep = true
      return value
    }
    let copy: Record<string, unknown> | undefined
    for (const name in value) {
      const attribute = spec.attributes.get(name)
      const member = value[name]
      if (attribute === undefined || member === undefined) continue
      if (member === null) {
        copy ??= { ...value }
        delete copy[name]
      } else if (attribute.type === 'object_t' && typeof member === 'object') {
        const inner = facts.objects.get(attribute.object_type!)!
        const item = (one: unknown) => (isObject(one) ? strip(one, inner, depth + 1) : one)
        const stripped = Array.isArray(member) ? stripList(member, item) : item(member)
        if (stripped !== member) {
          copy ??= { ...value }
          copy[name] = stripped
        }
      }
    }
    return copy ?? value
  }
  return { value: strip(event, type, 1), tooDeep }
}

function stripList(list: readonly unknown[], item: (one: unknown) => unknown): readonly unknown[] {
  const stripped = list.map(item)
  return stripped.some((one, i) => one !== list[i]) ? stripped : list
}
