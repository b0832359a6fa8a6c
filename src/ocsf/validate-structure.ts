/** Shapes, types, enums, ranges and lengths, judged by ajv. The only file that knows ajv. */
import { _, Ajv2020, type ErrorObject, type KeywordCxt } from 'ajv/dist/2020.js'
import type { Issue } from './issue.js'
import { type JsonSchema, OCSF_ABSENT, OCSF_LONG } from './json-schema.js'
import { describe, MAX_FINDINGS, oneOf, pathText } from './validate-wording.js'

/** The structural half of a validator. */
export interface Structure {
  /** True when there is nothing to report; stops at the first finding. */
  accepts(event: object): boolean
  /** Every finding. */
  issues(event: object): Issue[]
}

function ajv(allErrors: boolean): Ajv2020 {
  const instance = new Ajv2020({ strict: true, allErrors, verbose: allErrors, inlineRefs: false, validateSchema: false, addUsedSchema: false })
  instance.addKeyword({
    keyword: OCSF_LONG,
    schemaType: 'boolean',
    code(cxt: KeywordCxt) {
      const { data } = cxt
      cxt.pass(
        _`(typeof ${data} == "number" && ${data} % 1 === 0 && ${data} >= -9223372036854775808 && ${data} < 9223372036854775808) || (typeof ${data} == "bigint" && BigInt.asIntN(64, ${data}) === ${data})`,
      )
    },
  })
  instance.addKeyword({
    keyword: OCSF_ABSENT,
    schemaType: 'boolean',
    code(cxt: KeywordCxt) {
      cxt.pass(_`${cxt.data} === undefined`)
    },
  })
  return instance
}

/** A compiler of schemas that share the definitions of `shared`; each schema is compiled when first used. */
export function structures(shared?: JsonSchema): (schema: JsonSchema) => Structure {
  const instance = (allErrors: boolean) => {
    let made: Ajv2020 | undefined
    return (schema: JsonSchema) => {
      if (made === undefined) {
        made = ajv(allErrors)
        if (shared !== undefined) made.addSchema(shared)
      }
      return made.compile(schema)
    }
  }
  const fast = instance(false)
  const full = instance(true)
  return schema => {
    let quick: ReturnType<typeof fast> | undefined
    let thorough: ReturnType<typeof full> | undefined
    return {
      accepts(event) {
        quick ??= fast(schema)
        return quick(event)
      },
      issues(event) {
        thorough ??= full(schema)
        return thorough(event) ? [] : issuesOf(thorough.errors ?? [], event)
      },
    }
  }
}

const RULES: Readonly<Record<string, string>> = {
  type: 'wrong_type',
  [OCSF_LONG]: 'wrong_type',
  [OCSF_ABSENT]: 'unknown_attribute',
  required: 'required_missing',
  enum: 'enum_unknown',
  minimum: 'range',
  maximum: 'range',
  maxLength: 'max_len',
}

function ruleOf(error: ErrorObject): string {
  const rule = RULES[error.keyword]
  if (rule === undefined) throw new Error(`no rule for the JSON Schema keyword ${error.keyword}`)
  if (rule !== 'range') return rule
  const { data } = error
  return typeof data === 'number' && (data < -(2 ** 31) || data >= 2 ** 31) ? 'wrong_type' : rule // beyond int32 it is another type
}

function expectedBy(error: ErrorObject, rule: string): string {
  if (rule === 'wrong_type') {
    if (error.keyword === OCSF_LONG) return 'a 64-bit integer'
    const type: unknown = error.keyword === 'type' ? error.params.type : 'integer'
    return type === 'integer' ? 'a 32-bit integer' : type === 'array' || type === 'object' ? `an ${type}` : `a ${type}`
  }
  const limits = error.parentSchema ?? {}
  if (rule === 'required_missing') return 'a value'
  if (rule === 'unknown_attribute') return 'an attribute that is declared here'
  if (rule === 'enum_unknown') return oneOf(error.params.allowedValues)
  if (rule === 'range') return `${limits.minimum} to ${limits.maximum}`
  return `at most ${limits.maxLength} characters`
}

/** One issue per finding; what follows from a wrong type at the same place is not repeated. */
function issuesOf(errors: readonly ErrorObject[], event: object): Issue[] {
  const mistyped = new Set<string>()
  for (const error of errors) if (ruleOf(error) === 'wrong_type') mistyped.add(error.instancePath)
  const issues: Issue[] = []
  let last = ''
  for (const error of errors) {
    if (issues.length === MAX_FINDINGS) break
    const rule = ruleOf(error)
    if (rule !== 'wrong_type' && mistyped.has(error.instancePath)) continue
    const path = pathText(event, segments(error))
    const key = `${rule} ${path}`
    if (key === last) continue // a value of the wrong type that is also out of bounds
    last = key
    issues.push({ path, rule, expected: expectedBy(error, rule), found: rule === 'required_missing' ? 'nothing' : describe(error.data) })
  }
  return issues
}

/** The JSON pointer of an error, taken apart; a missing attribute has the path it would have. */
function segments(error: ErrorObject): string[] {
  const parts: string[] = []
  for (const part of error.instancePath.split('/').slice(1)) parts.push(part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (error.keyword === 'required') parts.push(error.params.missingProperty)
  return parts
}
