/** AWS CloudTrail: API calls, sign-ins, account changes, network activity and insights. */

import { lateReader } from '../decode/json-late.js'
import { jsonRecords } from '../decode/json-records.js'
import { isJsonObject, type Json, type JsonObject, put, readWhole, UnreadJson } from '../json.js'
import { columns, type EventOf } from '../ocsf/columns.js'
import { isIp } from '../ocsf/ip.js'
import { memberCopies } from './aws/cloudtrail-copies.js'
import { insightColumns, insightEvent } from './aws/cloudtrail-insight.js'
import { changedUser, policyOf, sessionOf, signedIn } from './aws/cloudtrail-people.js'
import { recognise } from './aws/cloudtrail-recognise.js'
import { type AccountActivity, type AuthenticationActivity, apiRoute, route } from './aws/cloudtrail-routing.js'
import { cloudColumns, envelopeOf, type Members, metadataColumns, type Shared, sharedOf, split, unmappedOf } from './aws/cloudtrail-shared.js'
import { type AwsActor, actorColumns, application, identityOf, userColumns } from './aws/identity.js'
import { remembered } from './aws/remembered.js'
import { redactJson, redactText, SECRET_KEYS } from './aws/secrets.js'
import { redactUnread } from './aws/unread-secrets.js'
import { flag, isBlank, leftOver, ms, objectOf, text } from './aws/values.js'
import type { Context, Source } from './source.js'

// ---- columns ----

const common = {
  activity_id: true,
  activity_name: true,
  severity_id: true,
  time: true,
  status_id: true,
  status_code: true,
  status_detail: true,
  metadata: metadataColumns,
  cloud: cloudColumns,
  api: {
    operation: true,
    version: true,
    service: { name: true },
    request: { uid: true, data: true },
    response: { error: true, message: true, data: true },
  },
  actor: actorColumns,
  src_endpoint: { ip: true, name: true, svc_name: true, domain: true, uid: true, owner: { account: { uid: true } } },
  http_request: { user_agent: true },
  unmapped: true,
} as const

const declared = {
  api_activity: columns('api_activity')({
    ...common,
    resources: { uid: true, name: true, type: true, owner: { account: { uid: true } } },
  }),
  authentication: columns('authentication')({
    ...common,
    user: userColumns,
    session: { uid: true, uid_alt: true, credential_uid: true },
    service: { name: true },
    dst_endpoint: { svc_name: true },
    is_mfa: true,
    auth_protocol_id: true,
    account_switch_type_id: true,
  }),
  account_change: columns('account_change')({
    ...common,
    user: userColumns,
    policy: { uid: true, name: true },
    policies: { uid: true, name: true },
  }),
  detection_finding: insightColumns,
}

type CloudTrailEvent = { [C in Exclude<keyof typeof declared, 'detection_finding'>]: EventOf<C, (typeof declared)[C]> }

// ---- mapping ----

const INFORMATIONAL = 1
const SUCCESS = 1
const FAILURE = 2

type Classified =
  | CloudTrailEvent['api_activity']
  | CloudTrailEvent['authentication']
  | CloudTrailEvent['account_change']
  | EventOf<'detection_finding', typeof insightColumns>

function map(
  raw: JsonObject,
  context: Context,
): Classified | { readonly skip: string } | { readonly fault: { rule: string; path?: string; expected: string; found: string } } {
  const enveloped = envelopeOf(raw)
  const whole = enveloped?.record ?? raw
  const { asked: record, rest } = split(whole)
  if (typeof record.digestStartTime === 'string' && typeof record.digestS3Object === 'string') return { skip: 'digest' }
  // five-minute summaries of data events, without a caller or a call of their own
  if (record.eventCategory === 'Aggregated' || record.eventType === 'AwsAggregatedEvent') return { skip: 'aggregated' }
  const time = ms(record.eventTime)
  if (time === undefined) return { fault: { rule: 'time_missing', path: 'eventTime', expected: 'an ISO 8601 time', found: found(record.eventTime) } }
  const shared = sharedOf(record, time, context, enveloped?.envelope)
  if (isJsonObject(record.insightDetails)) {
    return (
      insightEvent(readWhole(whole), shared) ?? {
        fault: { rule: 'finding_incomplete', path: 'insightDetails', expected: 'eventName, and sharedEventID or eventID', found: 'none' },
      }
    )
  }
  const eventName = text(record.eventName)
  if (eventName === undefined) return { fault: { rule: 'event_name_missing', path: 'eventName', expected: 'a text', found: found(record.eventName) } }
  return classified(record, rest, eventName, shared, context)
}

function classified(
  record: Members,
  rest: JsonObject,
  eventName: string,
  shared: Shared,
  context: Context,
): Classified | { readonly fault: { rule: string; path: string; expected: string; found: string } } {
  const { version } = context
  const eventSource = text(record.eventSource)
  const requestUid = text(record.requestID) ?? text(record.eventID)
  const errorCode = text(record.errorCode)
  const errorMessage = text(record.errorMessage)
  const userAgent = text(record.userAgent)
  const request = redactUnread(full(record.requestParameters))
  const response = redactUnread(full(record.responseElements))
  const additional = redactJson(full(record.additionalEventData))
  const details = redactJson(full(record.serviceEventDetails))
  const more = objectOf(additional)

  const identity = identityOf(record.userIdentity, version, text(more.UserName))
  const actor = actorWith(identity.actor, eventSource, context)
  const invokedBy = isJsonObject(record.userIdentity) ? text(record.userIdentity.invokedBy) : undefined
  const source = srcEndpoint(record, invokedBy ?? eventSource)
  if (actor === undefined || source === undefined) {
    const missing = actor === undefined ? 'userIdentity' : 'sourceIPAddress'
    return { fault: { rule: 'actor_missing', path: missing, expected: `${missing}, or an eventSource to stand in for it`, found: 'none' } }
  }

  const api = {
    operation: eventName,
    version: text(record.apiVersion),
    service: eventSource === undefined ? undefined : serviceOf(eventSource, undefined),
    request: requestUid === undefined ? undefined : { uid: requestUid, data: request ?? undefined },
    response:
      errorCode === undefined && errorMessage === undefined && response === undefined
        ? undefined
        : { error: errorCode, message: errorMessage, data: response ?? undefined },
  }
  const failed = errorCode !== undefined || errorMessage !== undefined || saysFailure(response, eventName) || saysFailure(details, eventName)
  const status = failed ? FAILURE : SUCCESS
  const { time, metadata, cloud } = shared
  const httpRequest = userAgent === undefined ? undefined : { user_agent: userAgent }

  const unmapped = (own: {
    readonly resources?: Json | undefined
    readonly takenData?: (key: string, value: Json) => boolean
  }): Record<string, Json | undefined> | undefined =>
    unmappedOf(rest, shared.envelope, (key, value) => key === 'vpcEndpointId' && value === source.uid, {
      userIdentity: identity.rest,
      requestParameters: api.request === undefined ? readWhole(request) : undefined,
      additionalEventData: isJsonObject(additional)
        ? leftOver(additional, (key, value) => (key === 'UserName' && value === actor.user?.name) || own.takenData?.(key, value) === true)
        : additional,
      serviceEventDetails: details,
      resources: redactJson(own.resources),
    })

  const chosen = route(eventSource ?? '', eventName, text(record.eventType), flag(record.readOnly))
  if (chosen.class === 'authentication') {
    const [ask, answer] = [membersOf(request), membersOf(response)]
    const user = signedIn(eventName, ask, answer, text(more.sub), errorMessage, actor.user)
    if (user !== undefined) {
      const loginTo = text(more.LoginTo)
      const isMfa = flag(more.MFAUsed)
      return {
        class_uid: 3002,
        activity_id: chosen.activity,
        activity_name: named(chosen.activity, eventName),
        severity_id: INFORMATIONAL,
        // occurrence
        time,
        status_id: status,
        status_code: errorCode,
        status_detail: errorMessage,
        // context
        metadata,
        cloud,
        api,
        actor,
        src_endpoint: source,
        http_request: httpRequest,
        // primary
        user,
        session: sessionOf(answer),
        service: { name: eventSource ?? eventName },
        dst_endpoint: loginTo === undefined ? undefined : { svc_name: loginTo },
        is_mfa: isMfa,
        auth_protocol_id: AUTH_PROTOCOL[eventName],
        account_switch_type_id: eventName === 'SwitchRole' || eventName === 'ExitRole' ? SUBSTITUTE_USER : undefined,
        // unmapped
        unmapped: unmapped({
          resources: full(record.resources),
          takenData: (key, value) =>
            (key === 'LoginTo' && typeof value === 'string') || (key === 'MFAUsed' && isMfa !== undefined) || (key === 'sub' && value === user.uid),
        }),
      }
    }
  } else if (chosen.class === 'account_change') {
    const [ask, answer] = [membersOf(request), membersOf(response)]
    const user = changedUser(eventName, ask, answer, more, errorMessage, actor.user)
    if (user !== undefined) {
      const policy = policyOf(ask)
      const isOld = version === '1.1.0' || version === '1.3.0'
      return {
        class_uid: 3001,
        activity_id: chosen.activity,
        activity_name: named(chosen.activity, eventName),
        severity_id: INFORMATIONAL,
        // occurrence
        time,
        status_id: status,
        status_code: errorCode,
        status_detail: errorMessage,
        // context
        metadata,
        cloud,
        api,
        actor,
        src_endpoint: source,
        http_request: httpRequest,
        // primary
        user,
        policy: isOld ? policy : undefined,
        policies: isOld || policy === undefined ? undefined : [policy],
        // unmapped
        unmapped: unmapped({ resources: full(record.resources), takenData: (key, value) => key === 'sub' && value === user.uid }),
      }
    }
  }

  const activity = chosen.class === 'api_activity' ? chosen.activity : apiRoute(eventSource ?? '', eventName, flag(record.readOnly))
  const resources = resourcesOf(record.resources)
  return {
    class_uid: 6003,
    activity_id: activity,
    activity_name: named(activity, eventName),
    severity_id: INFORMATIONAL,
    // occurrence
    time,
    status_id: status,
    status_code: errorCode,
    status_detail: errorMessage,
    // context
    metadata,
    cloud,
    api,
    actor,
    src_endpoint: source,
    http_request: httpRequest,
    // primary
    resources: resources.mapped,
    // unmapped
    unmapped: unmapped({ resources: resources.rest }),
  }
}

/** The caption of 99 is the event's own name; the others have captions of their own. */
function named(activity: AuthenticationActivity | AccountActivity, eventName: string): string | undefined {
  return activity === 99 ? eventName : undefined
}

const SUBSTITUTE_USER = 1
const AUTH_PROTOCOL: { readonly [eventName: string]: 4 | 5 | undefined } = { AssumeRoleWithWebIdentity: 4, AssumeRoleWithSAML: 5 } // OpenID, SAML

/** Whoever is not named acts through the service that logged the event. */
function actorWith(actor: AwsActor | undefined, eventSource: string | undefined, { version }: Context): AwsActor | undefined {
  if (actor !== undefined && (actor.user !== undefined || actor.session !== undefined || actor.invoked_by !== undefined || actor.app_name !== undefined))
    return actor
  if (eventSource === undefined) return undefined
  return { user: undefined, session: undefined, idp: actor?.idp, ...application(eventSource, version) }
}

/**
 * Where the call came from. `sourceIPAddress` may be a service's DNS name or `AWS Internal`; without any, the calling
 * service stands in, since OCSF requires an endpoint.
 */
function srcEndpoint(record: Members, service: string | undefined): CloudTrailEvent['api_activity']['src_endpoint'] | undefined {
  const address = text(record.sourceIPAddress)
  const endpoint = text(record.vpcEndpointId)
  const owner = text(record.vpcEndpointAccountId)
  const uid = endpoint?.startsWith('vpce-') ? endpoint : undefined
  const isAddress = address !== undefined && isIp(address)
  const isService = address !== undefined && !isAddress && (address.includes('.amazonaws.') || address.includes('.aws.') || address.startsWith('AWS Internal'))
  const name = address === undefined || isAddress || isService ? undefined : address
  const svcName = isService ? address : address === undefined && uid === undefined ? service : undefined
  if (address === undefined && uid === undefined && svcName === undefined) return undefined
  return {
    ip: isAddress ? address : undefined,
    name,
    svc_name: svcName,
    domain: isService && address.includes('.') ? address : undefined,
    uid,
    owner: owner === undefined ? undefined : { account: { uid: owner } },
  }
}

const serviceOf = remembered((name = '') => ({ name }))

/** `{"ConsoleLogin":"Failure"}` and its kin name the event and how it went. */
function saysFailure(said: Json | undefined, eventName: string): boolean {
  if (said instanceof UnreadJson && !said.text.includes('"Failure"')) return false
  return membersOf(said)[eventName] === 'Failure'
}

/** The members of an object, which is read for them; none of anything else. */
function membersOf(value: Json | undefined): JsonObject {
  return value instanceof UnreadJson ? value.read() : objectOf(value)
}

interface Resources {
  readonly mapped: CloudTrailEvent['api_activity']['resources']
  /** One entry for each resource that has more than OCSF takes. */
  readonly rest: Json | undefined
}

function resourcesOf(value: Json | undefined): Resources {
  if (!Array.isArray(value)) return { mapped: undefined, rest: full(value) }
  const mapped: NonNullable<Resources['mapped']>[number][] = []
  const rest: Json[] = []
  for (const item of value as readonly Json[]) {
    const resource = objectOf(item)
    const uid = text(resource.ARN)
    // data events name a bucket's objects by the start of their ARNs
    const name = text(resource.ARNPrefix)
    if (uid === undefined && name === undefined) {
      if (!isBlank(full(item))) rest.push(item)
      continue
    }
    const account = text(resource.accountId)
    mapped.push({ uid, name, type: text(resource.type), owner: account === undefined ? undefined : { account: { uid: account } } })
    const left = leftOver(
      resource,
      (key, member) => typeof member === 'string' && (key === 'ARN' || key === 'ARNPrefix' || key === 'accountId' || key === 'type'),
    )
    if (left !== undefined) {
      // says which resource it is about
      if (uid !== undefined) put(left, 'ARN', uid)
      rest.push(left)
    }
  }
  return { mapped: mapped.length === 0 ? undefined : mapped, rest: rest.length === 0 ? undefined : rest }
}

/** A value with something in it: no null, no empty text, object or list. */
function full(value: Json | undefined): Json | undefined {
  if (isBlank(value)) return undefined
  if (typeof value === 'object' && value !== null && !(value instanceof UnreadJson) && Object.keys(value).length === 0) return undefined
  return value
}

function found(value: Json | undefined): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value.slice(0, 100) : value === null ? 'null' : typeof value
}

/** AWS CloudTrail events, from trail files, EventBridge or one record at a time. */
export const cloudtrail: Source<JsonObject, typeof declared> = {
  id: 'cloudtrail',
  title: 'AWS CloudTrail',
  spec: 'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html',
  mappingVersion: 1,
  columns: declared,
  notes: [
    'actor.user.type keeps AWS’s word (AssumedRole, IAMUser, …) with type_id 99: OCSF’s own user types cannot say it.',
    'A role session is named after its session (actor.user.name), which is the user’s e-mail for IAM Identity Center.',
    'sourceIPAddress that is no address goes to src_endpoint.svc_name (and domain), never to ip; without any, the calling service stands in.',
    'A sign-in or account change that does not name its user is an API Activity.',
    'Without userIdentity the service that logged the event is the actor (invoked_by at 1.1.0, app_name above).',
    'Credentials in requestParameters, responseElements, additionalEventData and serviceEventDetails are replaced by REDACTED.',
    'tlsDetails, eventContext, edgeDeviceDetails, addendum, readOnly, managementEvent and sessionCredentialFromConsole have no OCSF home: unmapped.',
    'Aggregated events (five-minute summaries of data events) are filtered as `aggregated`, digest documents as `digest`.',
  ],
  recognise,
  decoder: () =>
    jsonRecords({
      member: 'Records',
      keepText: ['requestParameters', 'responseElements'],
      share: ['userIdentity', 'tlsDetails'],
      late: lateReader(SECRET_KEYS),
    }),
  memberCopies,
  map,
  redact: redactText,
}
