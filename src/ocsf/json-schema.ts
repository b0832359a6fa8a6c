/** OCSF facts as JSON Schema 2020-12: the bundled schemas, and what ajv compiles. */
import type { ClassFields, Field } from './columns.js'
import { type Attribute, baseType, type ClassType, type Facts, type ObjectType, typeChain } from './facts.js'

export type JsonSchema = Readonly<Record<string, unknown>>

const BASE_URI = 'https://ocsf-lake.dev/schemas'

/** `$id` of the schema of a class, or of `objects`. */
export function schemaId(facts: Facts, name: string): string {
  return `${BASE_URI}/${facts.version}/${name}.json`
}

/**
 * Keywords of the schemas that this package compiles for itself, where plain JSON Schema is not enough:
 * `ocsfLong` is an int64 as number or bigint, `ocsfLength` a greatest length in code points, `ocsfClosed` refuses
 * members beyond `properties` unless they are `undefined`, `ocsfGate` names further checks.
 */
export const OCSF_LONG = 'ocsfLong'
export const OCSF_LENGTH = 'ocsfLength'
export const OCSF_CLOSED = 'ocsfClosed'
export const OCSF_GATE = 'ocsfGate'

/**
 * `bundled`: plain JSON Schema for any validator. `runtime`: int64 may be bigint, a member that is `undefined` is
 * absent, and what the rules of `validate` report by themselves (constraints, enums of int64) is left out.
 */
type Flavour = 'bundled' | 'runtime'

const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }
const SCALARS: Readonly<Record<string, JsonSchema>> = {
  string_t: { type: 'string' },
  integer_t: { type: 'integer', ...INT32 },
  long_t: { type: 'integer', minimum: -(2 ** 63), maximum: 2 ** 63 - 1024 },
  float_t: { type: 'number' },
  boolean_t: { type: 'boolean' },
  json_t: {},
}

/** The schema of one value of a scalar type. Regexes are left out: OCSF validators treat them as warnings. */
function scalarSchema(facts: Facts, attribute: Attribute, flavour: Flavour): JsonSchema {
  const base = baseType(facts, attribute.type)
  if (SCALARS[base] === undefined) throw new Error(`no JSON Schema for OCSF type ${attribute.type}`)
  if (base === 'long_t' && flavour === 'runtime') return { [OCSF_LONG]: true }
  const schema: Record<string, unknown> = { ...SCALARS[base] }
  let length = Number.POSITIVE_INFINITY
  for (const name of typeChain(facts, attribute.type).toReversed()) {
    const { range, max_len } = facts.types[name] ?? {}
    if (range !== undefined) [schema.minimum, schema.maximum] = range
    if (max_len !== undefined) length = Math.min(length, max_len)
  }
  if (length !== Number.POSITIVE_INFINITY) schema[flavour === 'bundled' ? 'maxLength' : OCSF_LENGTH] = length
  if (attribute.enum !== undefined) {
    const values = Object.keys(attribute.enum)
    schema.enum = schema.type === 'string' ? values : values.map(Number)
  }
  return schema
}

/** Dotted constraint names (`device.hostname`) reach into objects. Names are repeated under `properties` for ajv's `strictRequired`. */
function present(name: string): JsonSchema {
  const [head, ...rest] = name.split('.')
  return { properties: { [head!]: rest.length === 0 ? true : { type: 'object', ...present(rest.join('.')) } }, required: [head] }
}

/** An attribute to describe, with the reference to its object where it is one. */
type Member = readonly [attribute: Attribute, ref: string | undefined]

function objectSchema(facts: Facts, type: ObjectType, members: readonly Member[], flavour: Flavour): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  for (const [attribute, ref] of members) {
    const one = ref !== undefined ? { $ref: ref } : attribute.type === 'object_t' ? { type: 'object' } : scalarSchema(facts, attribute, flavour)
    properties[attribute.name] = attribute.is_array ? { type: 'array', items: one } : one
  }
  // All that the type requires, also when a pruned schema has no property for it: such an event cannot be valid.
  const required = [...type.attributes.values()].filter(a => a.requirement === 'required' && a.profiles === undefined).map(a => a.name)
  const { at_least_one, just_one } = type.constraints ?? {}
  const bundled = flavour === 'bundled'
  return {
    ...(bundled && { title: type.caption }),
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    ...(bundled ? { additionalProperties: false } : { [OCSF_CLOSED]: true }),
    ...(bundled && at_least_one && { anyOf: at_least_one.map(present) }),
    ...(bundled && just_one && { oneOf: just_one.map(present) }),
  }
}

function typeSchema(facts: Facts, type: ObjectType, refTo: (object: string) => string, flavour: Flavour): JsonSchema {
  if (type.attributes.size === 0) return { title: type.caption, type: 'object' }
  const members = [...type.attributes.values()].map((a): Member => [a, a.type === 'object_t' ? refTo(a.object_type!) : undefined])
  return objectSchema(facts, type, members, flavour)
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** All objects of a version under `$defs`. */
export function objectsSchema(facts: Facts, flavour: Flavour = 'bundled'): JsonSchema {
  const defs = [...facts.objects.values()].map(type => [type.name, typeSchema(facts, type, name => `#/$defs/${name}`, flavour)])
  return { $schema: DRAFT, $id: schemaId(facts, 'objects'), $defs: Object.fromEntries(defs) }
}

/** One class; its objects are references into `objects.json`. */
export function classSchema(facts: Facts, type: ClassType, flavour: Flavour = 'bundled'): JsonSchema {
  return { $schema: DRAFT, $id: schemaId(facts, type.name), ...typeSchema(facts, type, name => `objects.json#/$defs/${name}`, flavour) }
}

/**
 * What one source fills of a class, closed. Each object has a definition of its own: one validator inlined over
 * wide objects passes V8's optimisation limit and gets 7 to 14 times slower.
 */
export function fieldsSchema(facts: Facts, columns: ClassFields): JsonSchema {
  const defs: Record<string, JsonSchema> = {}
  const build = (type: ObjectType, fields: readonly Field[], prefix: string): JsonSchema => {
    const members = fields.map((field): Member => {
      if (field.fields === undefined) return [field.attribute, undefined]
      const path = `${prefix}${field.name}`
      defs[path] = build(facts.objects.get(field.attribute.object_type!)!, field.fields, `${path}.`)
      return [field.attribute, `#/$defs/${path}`]
    })
    return { ...objectSchema(facts, type, members, 'runtime'), [OCSF_GATE]: prefix.slice(0, -1) }
  }
  const root = build(columns.type, columns.fields, '')
  return { $schema: DRAFT, ...root, $defs: defs }
}
