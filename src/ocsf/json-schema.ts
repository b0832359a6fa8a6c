/** OCSF facts as JSON Schema 2020-12: the bundled schemas, and what ajv compiles. */
import { type Attribute, baseType, type ClassType, type Facts, type ObjectType, typeChain } from './facts.js'

export type JsonSchema = Readonly<Record<string, unknown>>

const BASE_URI = 'https://ocsf-lake.dev/schemas'

/** `$id` of the schema of a class, or of `objects`. */
export function schemaId(facts: Facts, name: string): string {
  return `${BASE_URI}/${facts.version}/${name}.json`
}

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
export function scalarSchema(facts: Facts, attribute: Attribute): JsonSchema {
  const base = SCALARS[baseType(facts, attribute.type)]
  if (base === undefined) throw new Error(`no JSON Schema for OCSF type ${attribute.type}`)
  const schema: Record<string, unknown> = { ...base }
  for (const name of typeChain(facts, attribute.type).toReversed()) {
    const { range, max_len } = facts.types[name] ?? {}
    if (range !== undefined) [schema.minimum, schema.maximum] = range
    if (max_len !== undefined) schema.maxLength = Math.min(max_len, (schema.maxLength as number | undefined) ?? Number.POSITIVE_INFINITY)
  }
  if (attribute.enum !== undefined) {
    const values = Object.keys(attribute.enum)
    schema.enum = schema.type === 'string' ? values : values.map(Number)
  }
  return schema
}

function attributeSchema(facts: Facts, attribute: Attribute, refTo: (object: string) => string): JsonSchema {
  const one = attribute.type === 'object_t' ? { $ref: refTo(attribute.object_type!) } : scalarSchema(facts, attribute)
  return attribute.is_array ? { type: 'array', items: one } : one
}

/** Dotted constraint names (`device.hostname`) reach into objects. */
function present(name: string): JsonSchema {
  const [head, ...rest] = name.split('.')
  return rest.length === 0 ? { required: [head] } : { required: [head], properties: { [head!]: present(rest.join('.')) } }
}

function shape(facts: Facts, type: ObjectType, refTo: (object: string) => string): JsonSchema {
  if (type.attributes.size === 0) return { title: type.caption, type: 'object' }
  const attributes = [...type.attributes.values()]
  const required = attributes.filter(a => a.requirement === 'required' && a.profiles === undefined).map(a => a.name)
  const { at_least_one, just_one } = type.constraints ?? {}
  return {
    title: type.caption,
    type: 'object',
    properties: Object.fromEntries(attributes.map(a => [a.name, attributeSchema(facts, a, refTo)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    ...(at_least_one && { anyOf: at_least_one.map(present) }),
    ...(just_one && { oneOf: just_one.map(present) }),
  }
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** All objects of a version under `$defs`. */
export function objectsSchema(facts: Facts): JsonSchema {
  const defs = [...facts.objects.values()].map(type => [type.name, shape(facts, type, name => `#/$defs/${name}`)])
  return { $schema: DRAFT, $id: schemaId(facts, 'objects'), $defs: Object.fromEntries(defs) }
}

/** One class; its objects are references into `objects.json`. */
export function classSchema(facts: Facts, type: ClassType): JsonSchema {
  return { $schema: DRAFT, $id: schemaId(facts, type.name), ...shape(facts, type, name => `objects.json#/$defs/${name}`) }
}
