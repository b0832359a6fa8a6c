/** Amazon S3 server access logs: one record per request to a bucket. */
import { type AccessLog, type AccessRow, accessLogDecoder, spaced } from '../decode/access-log.js'
import type { JsonObject } from '../json.js'
import { columns } from '../ocsf/columns.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { msFromCommonLog } from '../ocsf/time.js'
import { cloudCache, firstLine, ipIn } from './aws/flow-log.js'
import { gather, gathered, keep } from './aws/gathered.js'
import { methodParts, requestLine, statusId, urlOf } from './aws/http.js'
import { application } from './aws/identity.js'
import { regionInArn } from './aws/load-balancer.js'
import { redactUrl } from './aws/secret-urls.js'
import { accountInArn, NOTHING, nameInArn } from './aws/values.js'
import type { Source } from './source.js'

const FIELDS = {
  bucket_owner: 'text',
  bucket: 'text',
  time: '[text]',
  remote_ip: 'text',
  requester: 'text',
  request_id: 'text',
  operation: 'text',
  key: 'text',
  request_uri: '"text"',
  http_status: 'integer',
  error_code: 'text',
  bytes_sent: 'long',
  object_size: 'long',
  total_time: 'long',
  turn_around_time: 'long',
  referer: '"text"',
  user_agent: '"text"',
  version_id: 'text',
  // behind the 18 of the first format
  host_id: 'rest',
  signature_version: 'rest',
  cipher_suite: 'rest',
  authentication_type: 'rest',
  host_header: 'text',
  tls_version: 'rest',
  access_point_arn: 'text',
  acl_required: 'rest',
  source_region: 'rest',
} as const

const log: AccessLog = { record: 'an S3 server access log record', parts: spaced(FIELDS), least: 18 }

/** A request to a bucket. */
export type S3AccessRecord = AccessRow<typeof FIELDS>

const declared = {
  api_activity: columns('api_activity')({
    activity_id: true,
    activity_name: true,
    severity_id: true,
    time: true,
    duration: true,
    status_id: true,
    status_code: true,
    metadata: { product: { name: true, vendor_name: true, feature: { name: true } }, original_time: true },
    cloud: { provider: true, region: true, account: { uid: true } },
    actor: {
      user: { name: true, uid: true, type_id: true, type: true, account: { uid: true } },
      invoked_by: true,
      app_name: true,
    },
    api: { operation: true, service: { name: true }, request: { uid: true }, response: { code: true, error: true } },
    src_endpoint: { ip: true, svc_name: true },
    dst_endpoint: { hostname: true, svc_name: true },
    http_request: {
      http_method: true,
      url: { url_string: true, scheme: true, hostname: true, port: true, path: true, query_string: true },
      version: true,
      user_agent: true,
      referrer: true,
    },
    resources: { uid: true, name: true, type: true, version: true, owner: { uid: true } },
  }),
}

const S3 = 's3.amazonaws.com'
const PRODUCT = { name: 'Amazon S3', vendor_name: 'AWS', feature: { name: 'Server access logs' } }
const METADATA = { product: PRODUCT, original_time: undefined }
const SERVICE = { name: S3 }
/** Values from logs are the keys: a hostile log must not make a cache grow for ever. */
const MOST_CACHED = 4096

export const s3Access: Source<S3AccessRecord, typeof declared> = {
  id: 's3-access',
  title: 'Amazon S3 server access logs',
  spec: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'Records of 18 fields and more are read; unknown trailing fields are in unmapped as field_28 and so on. S3 does not escape quotes in the request, the referrer and the user agent: a line is read from both ends, and one that two readings fit is rejected.',
    'The activity follows the operation: GET, HEAD and OPTIONS are Read, DELETE and expirations Delete, objects, parts, uploads and buckets that are put, posted or copied Create, anything else that is put or transitioned Update.',
    'A requester of - is the user `anonymous`; a remote IP of - is S3 itself. Services (svc:…) are actor.invoked_by or, from OCSF 1.3, actor.app_name.',
    'resources holds the bucket with its owner, the object with its version and the access point, by ARNs as CloudTrail has them; keys are spelled as they were logged, URL-encoded once or twice.',
    'bytes_sent, object_size, turn_around_time and the TLS fields have no home in API Activity and are in unmapped.',
    'The account is that of the key (partitioned layout) or of the options; the log itself has only canonical ids. The files are not compressed.',
  ],

  recognise(head) {
    if (/(?:^|[^0-9])\d{4}(?:-\d\d){5}-[0-9A-F]{16}$/.test(head.key)) return 'key'
    return /^(?:[0-9a-f]{64}|-) \S+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ \S+ \S+ [A-Z0-9]+\.[A-Z_]+(?:\.\S+)? /.test(firstLine(head))
      ? 'content'
      : undefined
  },
  decoder: () => accessLogDecoder(() => log),

  map(record, context) {
    const { bucket, bucket_owner, key, requester, remote_ip, operation, http_status, error_code, host_header, access_point_arn, total_time } = record
    const time = record.time === undefined ? undefined : msFromCommonLog(record.time)
    if (time === undefined) return missing('time', 'time_missing', 'a time like [06/Feb/2026:00:00:38 +0000]', record.time)
    if (operation === undefined) return missing('api.operation', 'required_missing', 'an operation', undefined)
    const line = record.request_uri === undefined ? undefined : requestLine(record.request_uri)
    const { http_method } = methodParts(line?.method)
    const activity = activityOf(operation)
    const ip = ipIn(remote_ip)
    const duration = typeof total_time === 'number' && total_time < 2 ** 31 ? total_time : undefined
    return {
      // classification
      class_uid: 6003,
      activity_id: activity,
      activity_name: activity === 99 ? operation : undefined,
      severity_id: 1,
      // occurrence
      time,
      duration,
      status_id: statusId(http_status),
      status_code: http_status === undefined ? undefined : String(http_status),
      // context
      metadata: record.time!.endsWith(' +0000') ? METADATA : { product: PRODUCT, original_time: record.time },
      cloud: cloudOf(context.account, context.region ?? regionInArn(access_point_arn) ?? regionInHost(host_header), undefined),
      // primary
      actor: actorOf(requester, context.version),
      api: {
        operation,
        service: SERVICE,
        request: record.request_id === undefined ? undefined : { uid: record.request_id },
        response: http_status === undefined && error_code === undefined ? undefined : { code: http_status, error: error_code },
      },
      src_endpoint: ip === undefined ? INTERNAL : { ip, svc_name: undefined },
      dst_endpoint: host_header === undefined ? DESTINATION : { hostname: host_header, svc_name: S3 },
      http_request: {
        http_method,
        url: urlOf(line?.target, host_header),
        version: line?.version,
        user_agent: record.user_agent,
        referrer: record.referer === undefined ? undefined : redactUrl(record.referer),
      },
      resources: resourcesOf(bucket, bucket_owner, key, record.version_id, access_point_arn, context.region),
      // unmapped
      unmapped: leftovers(record, line?.method, http_method, line === undefined, duration === undefined, ip === undefined),
    }
  },
  redact: redactUrl,
}

const cloudOf = cloudCache()
const INTERNAL = { ip: undefined, svc_name: S3 }
const DESTINATION = { hostname: undefined, svc_name: S3 }

function missing(path: string, rule: string, expected: string, found: string | undefined) {
  return { fault: { rule, path, expected, found: found ?? 'none' } }
}

/** The value of a key, worked out once. */
function remembered<T>(cache: Map<string, T>, key: string, make: () => T): T {
  let value = cache.get(key)
  if (value === undefined) {
    if (cache.size === MOST_CACHED) cache.clear()
    value = make()
    cache.set(key, value)
  }
  return value
}

type Activity = 1 | 2 | 3 | 4 | 99

const activities = new Map<string, Activity>()
const MADE: ReadonlySet<string> = new Set(['OBJECT', 'PART', 'BUCKET', 'UPLOADS', 'UPLOAD'])

/** Create, Read, Update or Delete of `REST.PUT.OBJECT`, `WEBSITE.GET.OBJECT`, `BATCH.DELETE.OBJECT`, `S3.EXPIRE.OBJECT`. */
function activityOf(operation: string): Activity {
  return remembered(activities, operation, () => {
    const [, verb = '', what = ''] = operation.split('.')
    if (what === 'MULTI_OBJECT_DELETE' || verb === 'DELETE' || verb === 'EXPIRE' || what === 'DELETEMARKER') return 4
    if (verb === 'GET' || verb === 'HEAD' || verb === 'OPTIONS' || verb === 'SELECT' || what.endsWith('_GET')) return 2
    if (verb === 'PUT' || verb === 'POST' || verb === 'COPY' || verb === 'CREATE') return MADE.has(what) ? 1 : 3
    return verb === 'RESTORE' || verb.startsWith('TRANSITION') ? 3 : 99
  })
}

type Actor = ReturnType<typeof readRequester>

const ANONYMOUS = userOf('anonymous', undefined, undefined, undefined)
const actors: Partial<Record<OcsfVersion, Map<string, Actor>>> = {}

function actorOf(requester: string | undefined, version: OcsfVersion): Actor {
  if (requester === undefined) return ANONYMOUS
  actors[version] ??= new Map()
  return remembered(actors[version], requester, () => readRequester(requester, version))
}

function userOf(name: string | undefined, uid: string | undefined, type: string | undefined, account: string | undefined) {
  return {
    user: { name, uid, type_id: type === undefined ? undefined : (99 as const), type, account: account === undefined ? undefined : { uid: account } },
    invoked_by: undefined,
    app_name: undefined,
  }
}

/** An ARN of a user or session, a canonical id, or a service. */
function readRequester(requester: string, version: OcsfVersion) {
  if (requester.startsWith('svc:')) return { user: undefined, ...application(requester.slice(4), version) }
  if (!requester.startsWith('arn:')) return userOf(undefined, requester, undefined, undefined)
  return userOf(nameInArn(requester), requester, TYPE.get(requester.split(':', 6)[5]?.split('/', 1)[0] ?? ''), accountInArn(requester))
}

/** As CloudTrail names them. */
const TYPE: ReadonlyMap<string, string> = new Map([
  ['user', 'IAMUser'],
  ['assumed-role', 'AssumedRole'],
  ['federated-user', 'FederatedUser'],
  ['root', 'Root'],
])

interface Resource {
  readonly uid: string
  readonly name: string | undefined
  readonly type: string
  readonly version: string | undefined
  readonly owner: { readonly uid: string } | undefined
}

const buckets = new Map<string, Resource>()

function resourcesOf(
  bucket: string | undefined,
  owner: string | undefined,
  key: string | undefined,
  version: string | undefined,
  accessPoint: string | undefined,
  region: string | undefined,
): readonly Resource[] | undefined {
  if (bucket === undefined) return undefined
  const partition = region === undefined ? 'aws' : region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  const bucketArn = `arn:${partition}:s3:::${bucket}`
  const resources = [
    remembered(buckets, `${bucketArn} ${owner ?? ''}`, () => ({
      uid: bucketArn,
      name: bucket,
      type: 'AWS::S3::Bucket',
      version: undefined,
      owner: owner === undefined ? undefined : { uid: owner },
    })),
  ]
  if (key !== undefined) resources.unshift({ uid: `${bucketArn}/${key}`, name: key, type: 'AWS::S3::Object', version, owner: undefined })
  if (accessPoint !== undefined) resources.push({ uid: accessPoint, name: undefined, type: 'AWS::S3::AccessPoint', version: undefined, owner: undefined })
  return resources
}

const regions = new Map<string, string>()

/** The region in `bucket.s3.eu-central-1.amazonaws.com`; none in the global host names. */
function regionInHost(host: string | undefined): string | undefined {
  if (host === undefined) return undefined
  return remembered(regions, host, () => /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/.exec(host)?.[1] ?? '') || undefined
}

function leftovers(
  record: S3AccessRecord,
  method: string | undefined,
  known: string | undefined,
  noLine: boolean,
  noDuration: boolean,
  noIp: boolean,
): JsonObject {
  gather(record.rest)
  keep('bytes_sent', record.bytes_sent)
  keep('object_size', record.object_size)
  keep('turn_around_time', record.turn_around_time)
  if (noDuration) keep('total_time', record.total_time)
  if (noIp) keep('remote_ip', record.remote_ip)
  if (noLine && record.request_uri !== undefined) keep('request_uri', redactUrl(record.request_uri))
  if (known === undefined) keep('http_method', method)
  if (record.key === undefined || record.bucket === undefined) keep('version_id', record.version_id)
  if (record.bucket === undefined) {
    keep('bucket_owner', record.bucket_owner)
    keep('key', record.key)
    keep('access_point_arn', record.access_point_arn)
  }
  return gathered() ?? NOTHING
}
