/** Amazon API Gateway access logs in JSON: a stage logs the `$context` variables that its owner chose, under names of their choice. */
import { jsonRecords } from '../decode/json-records.js'
import { OcsfLakeError } from '../errors.js'
import { isJsonObject, type Json, type JsonObject, parseJson, put } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { msFromCommonLog, msFromIso } from '../ocsf/time.js'
import { cloudCache, ipIn } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { hostAndPort, methodParts, statusId, urlOf } from './aws/http.js'
import { redactStrings, redactUrl, redactUrls } from './aws/secret-urls.js'
import { isHidden, REDACTED, redactJson, redactText } from './aws/secrets.js'
import { isBlank, nameInArn, whole, word } from './aws/values.js'
import type { Source } from './source.js'

/** Variables that have a place in OCSF; all others are unmapped. */
const VARIABLES = [
  'requestId',
  'requestTime',
  'requestTimeEpoch',
  'accountId',
  'apiId',
  'domainName',
  'httpMethod',
  'path',
  'resourcePath',
  'routeKey',
  'protocol',
  'status',
  'responseLength',
  'responseLatency',
  'error.message',
  'error.responseType',
  'wafResponseCode',
  'xrayTraceId',
  'identity.sourceIp',
  'identity.userAgent',
  'identity.userArn',
  'identity.user',
  'identity.caller',
  'identity.apiKey',
  'authorizer.principalId',
  'authorizer.claims.sub',
  'authorizer.claims.username',
  'authorizer.claims.email',
] as const
type Variable = (typeof VARIABLES)[number]
type Values = { [V in Variable]: string | undefined }

/** All variables, so that all records have one shape. */
const NO_VALUES = Object.fromEntries(VARIABLES.map(variable => [variable, undefined])) as Values // of every name
/** Under which path a variable stood in the record that is mapped. */
const written = new Map<Variable, string>()

const squashed = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/^context/, '')

/** Names that stages commonly give to variables, beside the names of the variables themselves: those of the console's examples. */
const BY_NAME: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ...VARIABLES.map(variable => [squashed(variable), variable] as const),
  ['ip', 'identity.sourceIp'],
  ['sourceip', 'identity.sourceIp'],
  ['clientip', 'identity.sourceIp'],
  ['useragent', 'identity.userAgent'],
  ['user', 'identity.user'],
  ['caller', 'identity.caller'],
  ['userarn', 'identity.userArn'],
  ['apikey', 'identity.apiKey'],
  ['principalid', 'authorizer.principalId'],
  ['authorizerclaimscognitousername', 'authorizer.claims.username'],
  ['method', 'httpMethod'],
  ['errormessage', 'error.message'],
  ['errorresponsetype', 'error.responseType'],
  ['latency', 'responseLatency'],
  ['responsetime', 'responseLatency'],
  ['traceid', 'xrayTraceId'],
])
/** Names that no other log has. */
const TELLING: ReadonlySet<string> = new Set([
  'routekey',
  'resourcepath',
  'extendedrequestid',
  'requesttimeepoch',
  'integrationlatency',
  'integrationstatus',
  'responselatency',
  'domainprefix',
  'wafresponsecode',
])

/** Kinds of gateway responses that refuse a request. */
const REFUSED: ReadonlySet<string> = new Set([
  'ACCESS_DENIED',
  'EXPIRED_TOKEN',
  'INVALID_API_KEY',
  'INVALID_SIGNATURE',
  'MISSING_AUTHENTICATION_TOKEN',
  'QUOTA_EXCEEDED',
  'THROTTLED',
  'UNAUTHORIZED',
  'WAF_FILTERED',
])

const declared = {
  http_activity: columns('http_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    duration: true,
    status_id: true,
    status_code: true,
    status_detail: true,
    metadata: { product: { name: true, vendor_name: true }, correlation_uid: true },
    cloud: { provider: true, region: true, account: { uid: true } },
    actor: { user: { uid: true, uid_alt: true, name: true, email_addr: true } },
    src_endpoint: { ip: true, name: true, svc_name: true },
    dst_endpoint: { uid: true, hostname: true, svc_name: true },
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
      uid: true,
    },
    http_response: { code: true, length: true },
    action_id: true,
    disposition_id: true,
  }),
}

const PRODUCT = { name: 'API Gateway', vendor_name: 'AWS' }
const METADATA = { product: PRODUCT, correlation_uid: undefined }
const cloudOf = cloudCache()
const INFORMATIONAL = 1
const ALLOWED = 1
const BLOCKED = 2
const MOST_INT = 2 ** 31 - 1
const MOST_MS = 8.64e15

export const apiGateway: Source<JsonObject, typeof declared> = {
  id: 'api-gateway',
  title: 'Amazon API Gateway access logs',
  spec: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'A stage logs what its owner chose. JSON is read whose members are named as the $context variables or as in the examples of the console (ip, user, caller), in any case, nested or not. For other names give the access log format of the stage, as it is set there, as context.logFormat or --log-format: a JSON object of $context variables.',
    'Other formats (CLF, XML, CSV) are not read here.',
    'actor.user is identity.userArn, else the principal of the authorizer, the sub claim, identity.user or identity.caller.',
    'WAF_BLOCK and gateway responses that refuse (UNAUTHORIZED, ACCESS_DENIED, THROTTLED and the like) are Denied and Blocked, WAF_ALLOW is Allowed; else action and disposition are absent.',
    'The API key of a request is REDACTED; secret parameters of URLs too. In raw_data it is known by the names apiKey and identity.apiKey only.',
    'Without a source address in the format src_endpoint.svc_name is `client`, without an API or a domain dst_endpoint.svc_name `apigateway`: OCSF 1.1 wants both.',
  ],

  recognise(head) {
    const file = head.key.slice(head.key.lastIndexOf('/') + 1)
    if (file.startsWith('amazon-apigateway-')) return 'key'
    const names = Array.from(
      firstJson(head)
        .slice(0, 16384)
        .matchAll(/"([\w.$:-]{1,80})"\s*:/g),
      match => squashed(match[1]!),
    )
    const known = new Set(names.flatMap(name => BY_NAME.get(name) ?? []))
    return known.size >= 4 && known.has('requestId') && known.has('status') && names.some(name => TELLING.has(name)) ? 'content' : undefined
  },

  decoder({ logFormat }) {
    keysOf(logFormat)
    return jsonRecords()
  },

  map(record, context) {
    const values: Values = { ...NO_VALUES }
    let rest = read(record, '', keysOf(context.logFormat), values)
    const over = (variable: Variable, homeless: boolean): void => {
      const value = values[variable]
      if (value === undefined || !homeless) return
      rest ??= {}
      put(rest, written.get(variable) ?? variable, value)
    }

    const { requestTime, requestTimeEpoch, routeKey } = values
    const epoch = whole(requestTimeEpoch, MOST_MS)
    const clock = requestTime === undefined ? undefined : timeIn(requestTime)
    const time = epoch ?? clock
    if (time === undefined)
      return {
        fault: {
          rule: 'time_missing',
          path: 'requestTimeEpoch',
          expected: 'requestTimeEpoch or requestTime',
          found: requestTimeEpoch ?? requestTime ?? 'none',
        },
      }

    const route = routeKey === undefined ? null : /^([A-Z]+) (\/.*)$/.exec(routeKey)
    const method = values.httpMethod ?? route?.[1]
    const { activity_id, activity_name, http_method } = methodParts(method)
    const domain = values.domainName
    const hostname = domain !== undefined && hostAndPort(domain).hostname === domain ? domain : undefined
    const url = urlOf(values.path ?? values.resourcePath ?? route?.[2], hostname)
    const agent = values['identity.userAgent']
    const version = values.protocol
    const uid = values.requestId
    if ((method ?? url ?? agent ?? version ?? uid) === undefined)
      return { fault: { rule: 'required_missing', path: 'http_request', expected: 'a variable of the request', found: 'none' } }

    const code = values.status !== undefined && /^\d{3}$/.test(values.status) ? Number(values.status) : undefined
    const length = whole(values.responseLength, MOST_INT)
    const latency = whole(values.responseLatency, MOST_INT)
    const from = values['identity.sourceIp']
    const ip = ipIn(from)
    const account = values.accountId !== undefined && /^\d{12}$/.test(values.accountId) ? values.accountId : undefined
    const user = userOf(values)
    const waf = values.wafResponseCode
    const kind = values['error.responseType']
    const verdict = waf === 'WAF_BLOCK' || (kind !== undefined && REFUSED.has(kind)) ? BLOCKED : waf === 'WAF_ALLOW' ? ALLOWED : undefined

    // unmapped
    over('requestTimeEpoch', epoch === undefined)
    over('requestTime', clock === undefined || (epoch !== undefined && clock !== epoch && clock !== epoch - (epoch % 1000)))
    over('accountId', account === undefined)
    over('domainName', hostname === undefined)
    over('httpMethod', activity_id === 99)
    over('routeKey', true)
    over('resourcePath', values.path !== undefined)
    over('status', code === undefined)
    over('responseLength', length === undefined)
    over('responseLatency', latency === undefined)
    over('wafResponseCode', true)
    over('error.responseType', true)
    for (const variable of WHO) over(variable, values[variable] !== user?.uid && values[variable] !== user?.uid_alt)
    over('authorizer.claims.username', user?.name !== values['authorizer.claims.username'])
    const key = values['identity.apiKey']
    if (key !== undefined) {
      values['identity.apiKey'] = isHidden(key) ? key : REDACTED
      over('identity.apiKey', true)
    }

    return {
      // classification
      class_uid: 4002,
      activity_id,
      activity_name,
      severity_id: INFORMATIONAL,
      // occurrence
      time,
      duration: latency,
      status_id: statusId(code),
      status_code: values.status,
      status_detail: values['error.message'],
      // context
      metadata: values.xrayTraceId === undefined ? METADATA : { product: PRODUCT, correlation_uid: values.xrayTraceId },
      cloud: cloudOf(account ?? context.account, context.region ?? regionIn(hostname), undefined),
      actor: user === undefined ? undefined : { user },
      // primary
      src_endpoint: { ip, name: ip === undefined ? from : undefined, svc_name: from === undefined ? 'client' : undefined },
      dst_endpoint: { uid: values.apiId, hostname, svc_name: (values.apiId ?? hostname) === undefined ? 'apigateway' : undefined },
      http_request: { http_method, url, version, user_agent: agent === undefined ? undefined : redactUrl(agent), uid },
      http_response: { code: code ?? 0, length },
      // security control
      action_id: verdict,
      disposition_id: verdict,
      // unmapped
      unmapped: rest === undefined ? undefined : redactJson(redactUrls(rest)),
    }
  },

  redact: raw => redactText(redactStrings(raw, redactString)),
}

function redactString(text: string, key: string): string {
  if (BY_NAME.get(squashed(key)) === 'identity.apiKey') return text === '-' || isHidden(text) ? text : REDACTED
  const value = key.includes('.') ? redactMember(key, text) : text
  return redactUrl(typeof value === 'string' ? value : text)
}

// ---- names ----

interface Keys {
  readonly format: string | undefined
  /** The variable at a dotted path of a record. */
  readonly byPath: Map<string, Variable | null>
}

const NAMES: ReadonlySet<string> = new Set(VARIABLES)
/** Hostile records must not make it grow for ever. */
const MOST_PATHS = 4096
let last: Keys = { format: undefined, byPath: new Map() }

/**
 * The names that a format gives to variables; without a format they are known by themselves.
 *
 * @throws OcsfLakeError `option_invalid` when a format of `$context` variables is no JSON object
 */
function keysOf(format: string | undefined): Keys {
  if (last.format === format) return last
  const byPath = new Map<string, Variable | null>()
  // one of another log, where a run reads several, is not for this one
  if (format?.includes('$context.')) {
    let value: Json
    try {
      // variables that are numbers may stand without quotes
      value = parseJson(format.replace(/(:\s*)(\$context\.[\w.]+)/g, '$1"$2"'))
    } catch {
      value = null
    }
    if (!isJsonObject(value))
      throw new OcsfLakeError(
        'option_invalid',
        'The log format of API Gateway is no JSON object of $context variables: give the access log format as it is set in the stage.',
      )
    name(value, '', byPath)
  }
  last = { format, byPath }
  return last
}

function name(format: JsonObject, path: string, byPath: Map<string, Variable | null>): void {
  for (const key of Object.keys(format)) {
    const value = format[key]
    const at = path === '' ? key : `${path}.${key}`
    if (isJsonObject(value)) name(value, at, byPath)
    else if (typeof value === 'string' && value.startsWith('$context.')) {
      const variable = value.slice('$context.'.length)
      byPath.set(at, isVariable(variable) ? variable : null)
    }
  }
}

function isVariable(text: string): text is Variable {
  return NAMES.has(text)
}

/** Sorts the leaves of a record: known variables to `values`, all others to what is returned, nested as they are. */
function read(object: JsonObject, path: string, keys: Keys, values: Values): Record<string, Json | undefined> | undefined {
  let rest: Record<string, Json | undefined> | undefined
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === undefined || isBlank(value)) continue
    const at = path === '' ? key : `${path}.${key}`
    let left: Json | undefined = value
    if (isJsonObject(value)) left = read(value, at, keys, values)
    else {
      const text = word(value)
      const variable = text === undefined ? null : variableAt(at, keys)
      if (text !== undefined && variable !== null && values[variable] === undefined) {
        values[variable] = text
        written.set(variable, at)
        continue
      }
    }
    if (left === undefined) continue
    rest ??= {}
    put(rest, key, key.includes('.') ? redactMember(key, left) : left)
  }
  return rest
}

function variableAt(path: string, { byPath }: Keys): Variable | null {
  let variable = byPath.get(path)
  if (variable === undefined) {
    variable = BY_NAME.get(squashed(path)) ?? null
    if (byPath.size < MOST_PATHS) byPath.set(path, variable)
  }
  return variable
}

/** What stands under a dotted name, redacted as under the last part of it: `authorizer.access_token`. */
function redactMember(key: string, value: Json): Json {
  const last = key.slice(key.lastIndexOf('.') + 1)
  return redactJson({ [last]: value })[last] ?? value
}

// ---- values ----

/** `09/Apr/2024:12:34:56 +0000`, ISO 8601, or epoch milliseconds under that name. */
function timeIn(text: string): number | undefined {
  return /^\d{13}$/.test(text) ? Number(text) : (msFromCommonLog(text) ?? msFromIso(text))
}

/** The region of `abc123.execute-api.eu-central-1.amazonaws.com`. */
function regionIn(hostname: string | undefined): string | undefined {
  return hostname === undefined ? undefined : /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(hostname)?.[1]
}

const WHO = ['identity.userArn', 'authorizer.principalId', 'authorizer.claims.sub', 'identity.user', 'identity.caller'] as const

/** The first of what says who it was; the next is `uid_alt`. */
function userOf(values: Values) {
  let uid: string | undefined
  let alternative: string | undefined
  for (const variable of WHO) {
    const value = values[variable]
    if (value === undefined || value === uid) continue
    if (uid === undefined) uid = value
    else alternative ??= value
  }
  const arn = values['identity.userArn']
  const email = values['authorizer.claims.email']
  const given = values['authorizer.claims.username'] ?? (arn === undefined ? undefined : nameInArn(arn))
  if ((uid ?? given ?? email) === undefined) return undefined
  return { uid: uid ?? (given === undefined ? email : undefined), uid_alt: alternative, name: given, email_addr: email }
}
