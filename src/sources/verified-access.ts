/** AWS Verified Access logs, which AWS writes as OCSF 0.1 or 1.0.0-rc.2: read as records and mapped anew. */
import { jsonRecords } from '../decode/json-records.js'
import { readObjectKey } from '../decode/object-key.js'
import { isJsonObject, type Json, type JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import { cloudCache, ipIn, protocolVersion } from './aws/flow-log.js'
import { firstJson } from './aws/head.js'
import { hostAndPort, methodParts, urlOf } from './aws/http.js'
import { msOfSeconds } from './aws/load-balancer.js'
import { redactStrings, redactUrl, redactUrls } from './aws/secret-urls.js'
import { redactJson, redactText } from './aws/secrets.js'
import { found, keep, leftOver, text, whole, word } from './aws/values.js'
import type { Source } from './source.js'

const access = {
  activity_id: true,
  severity_id: true,
  time: true,
  start_time: true,
  end_time: true,
  duration: true,
  message: true,
  status_id: true,
  status: true,
  status_code: true,
  status_detail: true,
  metadata: { uid: true, log_version: true, logged_time: true, original_time: true, event_code: true, product: { name: true, vendor_name: true } },
  cloud: { provider: true, region: true, account: { uid: true } },
  actor: {
    authorizations: { decision: true, policy: { name: true, uid: true } },
    idp: { name: true, uid: true },
    user: { uid: true, uid_alt: true, name: true, email_addr: true },
  },
  device: { ip: true, uid: true, name: true, hostname: true, type_id: true, type: true },
  src_endpoint: { ip: true, name: true, port: true },
  dst_endpoint: { ip: true, hostname: true, port: true, svc_name: true },
  proxy_endpoint: { ip: true, port: true, svc_name: true, uid: true },
  action_id: true,
  disposition_id: true,
} as const

const declared = {
  http_activity: columns('http_activity')({
    ...access,
    activity_name: true,
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
    },
    http_response: { code: true },
  }),
  network_activity: columns('network_activity')({
    ...access,
    connection_info: { direction_id: true, protocol_num: true, protocol_name: true, protocol_ver_id: true },
  }),
}

const PRODUCT = { name: 'Verified Access', vendor_name: 'AWS' }
const cloudOf = cloudCache()
const MOST_INT = 2 ** 31 - 1
const MOST_MS = 8.64e15
const OPEN = 1
const REFUSE = 5
const ALLOWED = 1
const DENIED = 2
const NO_CODE = 0
const INBOUND = 1
const TCP = 6

const SEVERITIES = ['Unknown', 'Informational', 'Low', 'Medium', 'High', 'Critical', 'Fatal']
const STATUSES = ['Unknown', 'Success', 'Failure']
const DEVICES = ['Unknown', 'Server', 'Desktop', 'Laptop', 'Tablet', 'Mobile', 'Virtual', 'IOT']

/** The classes of old versions that AWS writes, and their captions: 0.1 Access Logs, rc.2 Access Activity and Authorization. */
const OLD: ReadonlyMap<string, { readonly name: string; readonly category: string; readonly categoryName: string }> = new Map([
  ['208001', { name: 'Access Logs', category: '8', categoryName: 'Application Activity' }],
  ['3006', { name: 'Access Activity', category: '3', categoryName: 'Audit Activity' }],
  ['3003', { name: 'Authorization', category: '3', categoryName: 'Audit Activity' }],
])

export const verifiedAccess: Source<JsonObject, typeof declared> = {
  id: 'verified-access',
  lakeName: 'va',
  title: 'AWS Verified Access logs',
  spec: 'https://docs.aws.amazon.com/verified-access/latest/ug/access-logs.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'AWS writes OCSF 0.1 (the default) or 1.0.0-rc.2, with most numbers as texts and members that no schema has. Nothing is passed through: requests become HTTP Activity, connections to TCP endpoints Network Activity (Open, or Refuse when denied). metadata.log_version is the version that AWS wrote.',
    'The old classification (class, category and type) is left out where it is one that AWS is known to write, else it is in unmapped; the activity (Access Granted, Access Denied) is metadata.event_code.',
    'action and disposition come from the decisions of actor.authorizations: one Deny denies. Without any decision they come from the activity, since a request without a session is denied before a policy is asked.',
    'proxy is proxy_endpoint, ref_time metadata.original_time, url.text url_string, user.uuid user.uid_alt.',
    'data (the trust context: claims, device posture) is whole in unmapped, its secrets redacted.',
    'OCSF requires a response code: 0 where none was logged.',
  ],

  recognise(head) {
    const service = readObjectKey(head.key).service?.toLowerCase().replace('-', '')
    if (service === 'verifiedaccess' || /_verified-?access_/i.test(head.key.slice(head.key.lastIndexOf('/') + 1))) return 'key'
    const record = firstJson(head)
    return /"name"\s*:\s*"Verified Access"/.test(record) && /"class_uid"\s*:/.test(record) && /"metadata"\s*:/.test(record) ? 'content' : undefined
  },

  decoder: () => jsonRecords(),

  map(record, context) {
    const time = whole(record.time, MOST_MS)
    if (time === undefined) return { fault: { rule: 'time_missing', path: 'time', expected: 'epoch milliseconds', found: found(record.time) } }
    const source = partOf(record.src_endpoint)
    const from = text(source.ip) ?? text(source.hostname) ?? text(source.name)
    if (from === undefined)
      return { fault: { rule: 'required_missing', path: 'src_endpoint', expected: 'the address of a client', found: found(record.src_endpoint) } }

    // unmapped
    let rest = leftOver(record, isMapped)
    const over = (key: string, value: Json | undefined): void => {
      rest = keep(rest, key, value)
    }
    /** A number that a member may be, or the member is left over. */
    const number = (key: string, most: number): number | undefined => {
      const value = whole(record[key], most)
      if (value === undefined) over(key, record[key])
      return value
    }
    /** An object without the members that are taken. */
    const left = (key: string, object: JsonObject, taken: (key: string, value: Json) => boolean): void => {
      over(key, object === NOTHING ? record[key] : nonEmpty(leftOver(object, taken)))
    }

    const ip = ipIn(from)
    const destination = partOf(record.dst_endpoint)
    const proxy = partOf(record.proxy)
    const proxyIp = ipIn(text(proxy.ip))
    const hasProxy = (proxyIp ?? text(proxy.svc_name) ?? text(proxy.uid)) !== undefined
    const metadata = partOf(record.metadata)
    const activity = text(record.activity_name) ?? text(record.activity)
    const activityId = word(record.activity_id)
    const { actor, verdict, rest: actorRest } = actorOf(record)
    const action = verdict ?? (activityId === '1' ? ALLOWED : activityId === '2' ? DENIED : undefined)
    const severity = whole(record.severity_id, 6)
    const status = whole(record.status_id, 2)
    const device = deviceOf(record.device)
    const port = whole(source.port, 65535)

    left('src_endpoint', source, (key, value) =>
      key === 'port' ? port !== undefined : value === from && (key === 'ip' || key === 'hostname' || key === 'name'),
    )
    left('dst_endpoint', destination, (key, value) =>
      key === 'port' ? whole(value, 65535) !== undefined : key === 'ip' ? ipIn(text(value)) !== undefined : key === 'hostname' && isHost(value),
    )
    left('proxy', proxy, (key, value) =>
      key === 'port'
        ? hasProxy && whole(value, 65535) !== undefined
        : key === 'ip'
          ? proxyIp !== undefined
          : typeof value === 'string' && (key === 'svc_name' || key === 'uid'),
    )
    left('metadata', metadata, isMappedMetadata)
    over('identity', actorRest.identity)
    over('actor', actorRest.actor)
    over('device', device.rest)
    if (activityId !== String(action ?? 0)) over('activity_id', record.activity_id)
    if (activity !== record.activity_name) over('activity_name', record.activity_name)
    if (activity !== record.activity) over('activity', record.activity)
    if (severity === undefined) over('severity_id', record.severity_id)
    if (severity === undefined || record.severity !== SEVERITIES[severity]) over('severity', record.severity)
    if (status === undefined) over('status_id', record.status_id)
    const statusText = text(record.status)
    if (status === undefined ? statusText === undefined : record.status !== STATUSES[status]) over('status', record.status)
    keepClass(record, activity, activityId, over)
    // exact, where OCSF has whole milliseconds
    over('duration', record.duration)
    const detail = text(record.status_detail) ?? text(record.status_details)
    if (detail === undefined || record.status_details !== detail) over('status_details', record.status_details)

    const http = partOf(record.http_request)
    const hasHttp = record.http_request !== undefined && http !== NOTHING
    const answer = partOf(record.http_response)
    const request = hasHttp ? requestOf(http) : undefined
    const code = whole(answer.code, 999)
    const connection = partOf(record.connection_info)
    const protocol = connectionOf(connection, ip)
    if (request === undefined) over('http_request', hasHttp ? nonEmpty(http) : record.http_request)
    else over('http_request', nonEmpty(request.rest))
    if (request === undefined) over('http_response', nonEmpty(record.http_response))
    else left('http_response', answer, (key, value) => key === 'code' && whole(value, 999) !== undefined)
    if (request !== undefined) over('connection_info', nonEmpty(record.connection_info))
    else left('connection_info', connection, protocol.taken)

    const endpoint = {
      ip: ipIn(text(destination.ip)),
      hostname: isHost(destination.hostname) ? text(destination.hostname) : request?.url?.hostname,
      port: whole(destination.port, 65535) ?? request?.url?.port,
      svc_name: undefined as string | undefined,
    }
    if (endpoint.ip === undefined && endpoint.hostname === undefined) endpoint.svc_name = text(proxy.svc_name) ?? 'Verified Access'

    const shared = {
      // occurrence
      severity_id: asSeverity(severity),
      time,
      start_time: number('start_time', MOST_MS),
      end_time: number('end_time', MOST_MS),
      duration: msOfSeconds(word(record.duration)),
      message: text(record.message),
      status_id: status === 1 ? 1 : status === 2 ? 2 : status === 0 || statusText === undefined ? 0 : 99,
      status: status === undefined ? statusText : undefined,
      status_code: word(record.status_code),
      status_detail: detail,
      // context
      metadata: {
        uid: text(metadata.uid),
        log_version: text(metadata.version),
        logged_time: whole(metadata.logged_time, MOST_MS),
        original_time: text(record.ref_time),
        event_code: activity,
        product: PRODUCT,
      },
      cloud: cloudOf(context.account, context.region, undefined),
      actor,
      device: device.mapped,
      // primary
      src_endpoint: { ip, name: ip === undefined ? from : undefined, port },
      dst_endpoint: endpoint,
      proxy_endpoint: hasProxy ? { ip: proxyIp, port: whole(proxy.port, 65535), svc_name: text(proxy.svc_name), uid: text(proxy.uid) } : undefined,
      // security control
      action_id: action ?? 0,
      disposition_id: action ?? 0,
    } as const
    const unmapped = rest === undefined ? undefined : redactJson(redactUrls(rest))
    if (request === undefined)
      return { class_uid: 4001, activity_id: action === ALLOWED ? OPEN : action === DENIED ? REFUSE : 0, ...shared, connection_info: protocol.mapped, unmapped }
    return {
      class_uid: 4002,
      activity_id: request.method.activity_id,
      activity_name: request.method.activity_name,
      ...shared,
      http_request: request.mapped,
      http_response: { code: code ?? NO_CODE },
      unmapped,
    }
  },

  redact: raw => redactText(redactStrings(raw, redactUrl)),
}

const NOTHING: JsonObject = Object.freeze({})

function partOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : NOTHING
}

/** `undefined` for an object or a list with nothing in it. */
function nonEmpty<T extends Json | undefined>(value: T): T | undefined {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? undefined : value
}

/** Looked at one by one. */
const PARTS = new Set([
  'activity',
  'activity_id',
  'activity_name',
  'actor',
  'category_name',
  'category_uid',
  'class_name',
  'class_uid',
  'connection_info',
  'device',
  'dst_endpoint',
  'duration',
  'end_time',
  'http_request',
  'http_response',
  'identity',
  'metadata',
  'proxy',
  'severity',
  'severity_id',
  'src_endpoint',
  'start_time',
  'status',
  'status_details',
  'status_id',
  'time',
  'type_name',
  'type_uid',
])
const TEXTS = new Set(['message', 'ref_time', 'status_detail'])

function isMapped(key: string, value: Json): boolean {
  if (PARTS.has(key) || nonEmpty(value) === undefined) return true
  if (key === 'status_code') return word(value) !== undefined
  return typeof value === 'string' && TEXTS.has(key)
}

function isMappedMetadata(key: string, value: Json): boolean {
  if (key === 'logged_time') return whole(value, MOST_MS) !== undefined
  if (key === 'product' && isJsonObject(value))
    return value.name === PRODUCT.name && value.vendor_name === PRODUCT.vendor_name && Object.keys(value).length === 2
  return typeof value === 'string' && (key === 'uid' || key === 'version')
}

function isHost(value: Json | undefined): boolean {
  const host = text(value)
  return host !== undefined && hostAndPort(host).hostname === host
}

function asSeverity(id: number | undefined): 0 | 1 | 2 | 3 | 4 | 5 | 6 {
  return id === 1 || id === 2 || id === 3 || id === 4 || id === 5 || id === 6 ? id : 0
}

/** The old class, category and type, where they are not what AWS is known to write. */
function keepClass(
  record: JsonObject,
  activity: string | undefined,
  activityId: string | undefined,
  over: (key: string, value: Json | undefined) => void,
): void {
  const uid = word(record.class_uid)
  const old = uid === undefined ? undefined : OLD.get(uid)
  if (old === undefined) over('class_uid', record.class_uid)
  if (record.class_name !== old?.name) over('class_name', record.class_name)
  if (old === undefined || word(record.category_uid) !== old.category) over('category_uid', record.category_uid)
  if (record.category_name !== old?.categoryName) over('category_name', record.category_name)
  const type = old !== undefined && word(record.type_uid) === `${uid}0${activityId}`
  if (!type) over('type_uid', record.type_uid)
  const name = text(record.type_name)
  if (old === undefined || name?.replaceAll(' ', '') !== `${old.name}: ${activity}`.replaceAll(' ', '')) over('type_name', record.type_name)
}

// ---- who ----

const POLICY = new Set(['name', 'uid'])
const USER = new Set(['uid', 'uuid', 'name', 'email_addr'])
const IDP = new Set(['name', 'uid'])

/** `identity` in version 0.1, `actor` since. */
function actorOf(record: JsonObject) {
  const now = isJsonObject(record.actor)
  const who = now ? partOf(record.actor) : partOf(record.identity)
  const authorizations: { decision: string | undefined; policy: { name: string | undefined; uid: string | undefined } | undefined }[] = []
  const others: Json[] = []
  let verdict: 1 | 2 | undefined
  const list = Array.isArray(who.authorizations) ? (who.authorizations as readonly Json[]) : []
  for (const item of list) {
    const policy = isJsonObject(item) ? partOf(item.policy) : NOTHING
    const decision = isJsonObject(item) ? text(item.decision) : undefined
    if (decision === 'Deny') verdict = DENIED
    else if (decision === 'Allow') verdict ??= ALLOWED
    const says = isJsonObject(policy) && (text(policy.name) ?? text(policy.uid)) !== undefined
    if (isJsonObject(item) && (says || decision !== undefined))
      authorizations.push({ decision, policy: says ? { name: text(policy.name), uid: text(policy.uid) } : undefined })
    if (!isJsonObject(item)) {
      if (item !== null) others.push(item)
      continue
    }
    const more = leftOver(item, (key, value) => (key === 'decision' && typeof value === 'string') || (key === 'policy' && isJsonObject(value)))
    const ofPolicy = leftOver(policy, (key, value) => typeof value === 'string' && POLICY.has(key))
    if (more !== undefined || ofPolicy !== undefined) others.push({ ...more, ...(ofPolicy === undefined ? {} : { policy: ofPolicy }) })
  }
  const user = partOf(who.user)
  const idp = partOf(who.idp)
  const hasUser = (text(user.uid) ?? text(user.uuid) ?? text(user.name) ?? text(user.email_addr)) !== undefined
  const named = (text(user.uid) ?? text(user.name)) !== undefined
  const hasIdp = (text(idp.name) ?? text(idp.uid)) !== undefined
  let rest = leftOver(who, (key, value) => {
    if (nonEmpty(value) === undefined) return true
    return (key === 'user' || key === 'idp') && isJsonObject(value) ? true : key === 'authorizations' && Array.isArray(value)
  })
  rest = keep(
    rest,
    'user',
    nonEmpty(leftOver(user, (key, value) => typeof value === 'string' && USER.has(key) && hasUser && (named || key === 'uuid' || key === 'email_addr'))),
  )
  rest = keep(rest, 'idp', nonEmpty(leftOver(idp, (key, value) => typeof value === 'string' && IDP.has(key) && hasUser && hasIdp)))
  rest = keep(rest, 'authorizations', others.length === 0 ? undefined : others)
  // OCSF wants one who acts; before a session there is none, and decisions without one are only authorizations
  const mapped = !hasUser
    ? undefined
    : {
        authorizations: authorizations.length === 0 ? undefined : authorizations,
        idp: hasIdp ? { name: text(idp.name), uid: text(idp.uid) } : undefined,
        user: {
          uid: text(user.uid) ?? (named ? undefined : (text(user.uuid) ?? text(user.email_addr))),
          uid_alt: named ? text(user.uuid) : undefined,
          name: text(user.name),
          email_addr: text(user.email_addr),
        },
      }
  const leftover = mapped === undefined ? leftOver(who, (_, value) => nonEmpty(value) === undefined) : rest
  return {
    actor: mapped,
    verdict,
    rest: {
      identity: now ? nonEmpty(record.identity) : who === NOTHING ? record.identity : leftover,
      actor: now ? leftover : record.actor,
    },
  }
}

function deviceOf(value: Json | undefined) {
  if (!isJsonObject(value)) return { mapped: undefined, rest: value }
  const ip = ipIn(text(value.ip))
  const uid = text(value.uid)
  const name = text(value.name)
  const hostname = isHost(value.hostname) ? text(value.hostname) : undefined
  if ((ip ?? uid ?? name ?? hostname) === undefined) return { mapped: undefined, rest: nonEmpty(value) }
  const id = whole(value.type_id, DEVICES.length - 1)
  const type = text(value.type)
  const known = id !== undefined && (type === undefined || type === DEVICES[id])
  const rest = leftOver(value, (key, member) => {
    if (nonEmpty(member) === undefined) return true
    if (key === 'type_id') return known
    if (key === 'ip') return ip !== undefined
    if (key === 'hostname') return hostname !== undefined
    return typeof member === 'string' && (key === 'uid' || key === 'name' || key === 'type')
  })
  return {
    mapped: { ip, uid, name, hostname, type_id: known ? asDevice(id) : type === undefined ? (0 as const) : (99 as const), type: known ? undefined : type },
    rest,
  }
}

function asDevice(id: number): 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 {
  return id === 1 || id === 2 || id === 3 || id === 4 || id === 5 || id === 6 || id === 7 ? id : 0
}

// ---- what ----

const URL = new Set(['text', 'url_string', 'scheme', 'hostname', 'path', 'query_string', 'query'])

function requestOf(http: JsonObject) {
  const method = methodParts(text(http.http_method))
  const given = partOf(http.url)
  const whole_ = text(given.text) ?? text(given.url_string)
  const query = text(given.query_string) ?? text(given.query)
  const path = text(given.path)
  const read = urlOf(whole_ ?? (path === undefined ? undefined : `${path}${query === undefined ? '' : `?${query}`}`), text(given.hostname), text(given.scheme))
  const hostname = isHost(given.hostname) ? text(given.hostname) : read?.hostname
  const url =
    read === undefined
      ? undefined
      : {
          url_string: read.url_string,
          scheme: text(given.scheme) ?? read.scheme,
          hostname,
          port: whole(given.port, 65535) ?? read.port,
          path: path === undefined ? read.path : redactUrl(path),
          query_string: query === undefined ? read.query_string : redactUrl(query),
        }
  const agent = text(http.user_agent)
  const version = text(http.version)
  const mapped = { http_method: method.http_method, url, version, user_agent: agent === undefined ? undefined : redactUrl(agent) }
  if ((method.http_method ?? url ?? version ?? agent) === undefined) return undefined
  let rest = leftOver(http, (key, value) => {
    if (key === 'url') return isJsonObject(value)
    if (key === 'http_method') return typeof value === 'string' && method.activity_id !== 99
    return nonEmpty(value) === undefined || (typeof value === 'string' && (key === 'user_agent' || key === 'version'))
  })
  const urlRest = leftOver(given, (key, value) => {
    if (nonEmpty(value) === undefined) return true
    if (url === undefined) return false
    if (key === 'port') return whole(value, 65535) !== undefined
    if (key === 'hostname') return value === hostname
    if (key === 'url_string') return value === whole_
    if (key === 'query') return value === query
    return typeof value === 'string' && URL.has(key)
  })
  rest = keep(rest, 'url', nonEmpty(urlRest))
  return { method, mapped, url, rest }
}

function connectionOf(given: JsonObject, ip: string | undefined) {
  const name = text(given.protocol_name)?.toLowerCase()
  const num = whole(given.protocol_num, 255)
  const direction = whole(given.direction_id, 3)
  return {
    mapped: {
      direction_id: direction === 1 || direction === 2 || direction === 3 ? direction : INBOUND,
      protocol_num: num ?? (name === undefined || name === 'tcp' ? TCP : undefined),
      protocol_name: name ?? (num === undefined || num === TCP ? 'tcp' : undefined),
      protocol_ver_id: protocolVersion(undefined, ip),
    } as const,
    taken: (key: string, value: Json): boolean => {
      if (key === 'protocol_name') return typeof value === 'string'
      if (key === 'protocol_num') return num !== undefined && num <= MOST_INT
      return key === 'direction_id' && direction !== undefined && direction > 0
    },
  }
}
