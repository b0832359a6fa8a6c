/** Shapes, types, enums, ranges and lengths, judged by ajv. The only file that knows ajv. */
import core, { _, type Code, type ErrorObject, type KeywordCxt, type Name, nil } from 'ajv/dist/core.js'
import draft2020 from 'ajv/dist/vocabularies/draft2020.js'
import type { Issue } from './issue.js'
import { type JsonSchema, OCSF_CLOSED, OCSF_GATE, OCSF_LENGTH, OCSF_LONG } from './json-schema.js'
import type { Gates, Question } from './validate-gate.js'
import { describe, MAX_FINDINGS, oneOf, pathText } from './validate-wording.js'

/** The structural half of a validator. */
export interface Structure {
  /** True when there is nothing to report, the gates included; stops at the first finding. */
  accepts(event: object): boolean
  /** Every structural finding. */
  issues(event: object): Issue[]
}

type Ajv = InstanceType<typeof core.default>

/** The default of a CommonJS module, which Node has in the module, and some bundlers in its place. */
function defaultOf<T>(module: { readonly default: T }): T {
  return module.default ?? (module as unknown as T) // one of the two
}

/** How long a text is for OCSF: a pair of surrogates is one character. */
function codePoints(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0xdc00 || code > 0xdfff || i === 0 || (text.charCodeAt(i - 1) & 0xfc00) !== 0xd800) count++
  }
  return count
}

/** What `ajv/dist/2020.js` makes, without the schemas of schemas, which nobody asks: the schemas are our own. */
function ajv(allErrors: boolean, gates?: Gates): Ajv {
  const instance = new (defaultOf(core))({
    strict: true,
    strictRequired: false,
    allErrors,
    verbose: allErrors,
    messages: false,
    inlineRefs: false,
    validateSchema: false,
    addUsedSchema: false,
    meta: false,
    dynamicRef: true,
    next: true,
    unevaluated: true,
  })
  for (const vocabulary of defaultOf(draft2020)) instance.addVocabulary(vocabulary)
  instance.addKeyword({
    keyword: OCSF_LONG,
    code(cxt: KeywordCxt) {
      const { data } = cxt
      cxt.pass(
        _`(typeof ${data} == "number" && ${data} % 1 === 0 && ${data} >= -9223372036854775808 && ${data} < 9223372036854775808) || (typeof ${data} == "bigint" && BigInt.asIntN(64, ${data}) === ${data})`,
      )
    },
  })
  instance.addKeyword({
    keyword: OCSF_LENGTH,
    type: 'string',
    // ajv's maxLength counts code points of every text, which was more than half of the time of an event
    code(cxt: KeywordCxt) {
      const count = cxt.gen.scopeValue('func', { ref: codePoints })
      cxt.pass(_`${cxt.data}.length <= ${cxt.schema} || ${count}(${cxt.data}) <= ${cxt.schema}`)
    },
  })
  instance.addKeyword({
    keyword: OCSF_CLOSED,
    type: 'object',
    // a switch over the names is faster than ajv's additionalProperties, which asks hasOwnProperty for each member
    code(cxt: KeywordCxt) {
      const { gen, data, parentSchema } = cxt
      const closed = gen.let('closed', true)
      const empty = gen.let('empty', gates !== undefined)
      const key = gen.name('key')
      let cases: Code = nil
      for (const name of Object.keys(parentSchema.properties)) cases = _`${cases} case ${name}:`
      gen.code(
        _`for (const ${key} in ${data}) { if (${empty} && ${data}[${key}] !== undefined) ${empty} = false; switch (${key}) { ${cases} break; default: if (${data}[${key}] !== undefined) ${closed} = false } }`,
      )
      cxt.pass(_`${closed} && !${empty}`)
    },
  })
  instance.addKeyword({
    keyword: OCSF_GATE,
    type: 'object',
    code(cxt: KeywordCxt) {
      const { gen, data } = cxt
      const gate = gates?.objects.get(cxt.schema)
      if (gates === undefined || gate === undefined) return
      const asked = ({ test, fixed, names }: Question, ...more: Code[]): Code => {
        const values: Code[] = fixed === undefined ? [] : [typeof fixed === 'number' ? _`${fixed}` : gen.scopeValue('func', { ref: fixed })]
        for (const name of names) values.push(_`${data}[${name}]`)
        return _`${gen.scopeValue('func', { ref: test })}(${list([...values, ...more])})`
      }
      let open: Code = _`true`
      for (const names of gate.anyOf) open = _`${open} && !(${absent(data, names)})`
      for (const question of gate.constraints) open = _`${open} && ${asked(question, data)}`
      for (const [profiles, { names, required }] of gate.profiles) {
        const declared = _`(${gen.scopeValue('func', { ref: gates.declared })}.profiles & ${profiles}) !== 0`
        open = _`${open} && (${declared} ? !(${required.length === 0 ? _`false` : missing(data, required)}) : ${absent(data, names)})`
      }
      for (const question of gate.questions) open = _`${open} && ${asked(question)}`
      cxt.pass(open)
    },
  })
  return instance
}

function list(codes: readonly Code[]): Code {
  return codes.reduce((left, right) => _`${left}, ${right}`)
}

/** None of the attributes is there. */
function absent(data: Name, names: readonly string[]): Code {
  return names.map(name => _`${data}[${name}] === undefined`).reduce((left, right) => _`${left} && ${right}`)
}

/** One of the attributes is not there. */
function missing(data: Name, names: readonly string[]): Code {
  return names.map(name => _`${data}[${name}] === undefined`).reduce((left, right) => _`${left} || ${right}`)
}

/** A compiler of schemas that share the definitions of `shared`; each schema is compiled when first used. */
export function structures(shared?: JsonSchema, gates?: Gates): (schema: JsonSchema) => Structure {
  const compiler = (allErrors: boolean) => {
    let instance: Ajv | undefined
    return (schema: JsonSchema) => {
      if (instance === undefined) {
        instance = ajv(allErrors, allErrors ? undefined : gates)
        if (shared !== undefined) instance.addSchema(shared)
      }
      return instance.compile(schema)
    }
  }
  const quick = compiler(false)
  const thorough = compiler(true)
  return schema => {
    let accepts: ReturnType<typeof quick> | undefined
    let lists: ReturnType<typeof thorough> | undefined
    return {
      accepts(event) {
        accepts ??= quick(schema)
        return accepts(event)
      },
      issues(event) {
        lists ??= thorough(schema)
        return lists(event) ? [] : issuesOf(lists.errors ?? [], event)
      },
    }
  }
}

const RULES: Readonly<Record<string, string>> = {
  type: 'wrong_type',
  [OCSF_LONG]: 'wrong_type',
  [OCSF_CLOSED]: 'unknown_attribute',
  required: 'required_missing',
  enum: 'enum_unknown',
  minimum: 'range',
  maximum: 'range',
  [OCSF_LENGTH]: 'max_len',
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
  if (rule === 'enum_unknown') return oneOf(error.params.allowedValues)
  if (rule === 'range') return `${limits.minimum} to ${limits.maximum}`
  return `at most ${limits[OCSF_LENGTH]} characters`
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
    if (rule === 'unknown_attribute') {
      unknownAttributes(issues, error, event)
      continue
    }
    const path = pathText(event, segments(error))
    const key = `${rule} ${path}`
    if (key === last) continue // a value of the wrong type that is also out of bounds
    last = key
    issues.push({ path, rule, expected: expectedBy(error, rule), found: rule === 'required_missing' ? 'nothing' : describe(error.data) })
  }
  return issues
}

function unknownAttributes(issues: Issue[], error: ErrorObject, event: object): void {
  const known: object = error.parentSchema?.properties
  const object = error.data as Readonly<Record<string, unknown>> // the keyword is asked of objects only
  for (const name in object) {
    if (Object.hasOwn(known, name) || object[name] === undefined || issues.length === MAX_FINDINGS) continue
    issues.push({
      path: pathText(event, [...segments(error), name]),
      rule: 'unknown_attribute',
      expected: 'an attribute of this object',
      found: describe(object[name]),
    })
  }
}

/** The JSON pointer of an error, taken apart; a missing attribute has the path it would have. */
function segments(error: ErrorObject): string[] {
  const parts: string[] = []
  for (const part of error.instancePath.split('/').slice(1)) parts.push(part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (error.keyword === 'required') parts.push(error.params.missingProperty)
  return parts
}
