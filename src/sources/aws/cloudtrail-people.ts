/** Whom a CloudTrail event is about: who signed in, which user or role was changed, by which policy. */
import type { Json, JsonObject } from '../../json.js'
import { ACTS_ON_CALLER } from './cloudtrail-routing.js'
import type { AwsUser } from './identity.js'
import { accountInArn, nameInArn, objectOf, text } from './values.js'

interface OpenedSession {
  readonly uid: string | undefined
  readonly uid_alt: string | undefined
  readonly credential_uid: string | undefined
}

// the one place that names the target of a denied IAM or STS call, whose request parameters AWS leaves out
const DENIED_RESOURCE = / on resource: (arn:[^\s"]+)/

function deniedResource(errorMessage: string | undefined): string | undefined {
  return errorMessage === undefined ? undefined : DENIED_RESOURCE.exec(errorMessage)?.[1]
}

/** Who signed in: for a role, the role and the session's name; else who asked. */
export function signedIn(
  eventName: string,
  ask: JsonObject,
  answer: JsonObject,
  cognitoSub: string | undefined,
  errorMessage: string | undefined,
  caller: AwsUser | undefined,
): AwsUser | undefined {
  // the callers of a Cognito user pool are anonymous; this is the user they sign in as
  if (cognitoSub !== undefined) return target({ name: text(ask.username), uid: cognitoSub })
  if (eventName === 'GetFederationToken') {
    const federated = objectOf(answer.federatedUser)
    return target({ name: text(ask.name), uid: text(federated.arn), uidAlt: text(federated.federatedUserId) }) ?? caller
  }
  const role = text(ask.roleArn) ?? text(ask.targetPrincipal) ?? deniedResource(errorMessage)
  if (role === undefined) return caller
  return target({ name: text(ask.roleSessionName) ?? text(ask.sessionName) ?? nameInArn(role), uid: role }) ?? caller
}

/** The session that an answer opens. */
export function sessionOf(answer: JsonObject): OpenedSession | undefined {
  // Roles Anywhere answers with a list of one
  const granted = Array.isArray(answer.credentialSet) ? objectOf((answer.credentialSet as readonly Json[])[0]) : answer
  const assumed = objectOf(granted.assumedRoleUser)
  const uid = text(assumed.arn)
  const uidAlt = text(assumed.assumedRoleId)
  const credential = text(objectOf(granted.credentials).accessKeyId)
  return uid === undefined && uidAlt === undefined && credential === undefined ? undefined : { uid, uid_alt: uidAlt, credential_uid: credential }
}

/** The user or role that was changed; `undefined` when the record does not say. */
export function changedUser(
  eventName: string,
  ask: JsonObject,
  answer: JsonObject,
  more: JsonObject,
  errorMessage: string | undefined,
  caller: AwsUser | undefined,
): AwsUser | undefined {
  const user = objectOf(answer.user)
  const role = objectOf(answer.role)
  const named = target({
    name: text(ask.userName) ?? text(user.userName) ?? text(ask.roleName) ?? text(role.roleName) ?? text(ask.username) ?? text(user.username),
    uid: text(user.userId) ?? text(role.roleId) ?? text(answer.userId) ?? text(ask.userId) ?? text(more.sub),
    uidAlt: text(user.arn) ?? text(role.arn),
  })
  if (named !== undefined) return named
  const denied = deniedResource(errorMessage)
  if (denied !== undefined) return target({ name: nameInArn(denied), uid: denied })
  return ACTS_ON_CALLER.has(eventName) ? caller : undefined
}

function target(facets: { readonly name?: string | undefined; readonly uid?: string | undefined; readonly uidAlt?: string | undefined }): AwsUser | undefined {
  const { name, uid = facets.uidAlt, uidAlt } = facets
  if (name === undefined && uid === undefined) return undefined
  const account = accountInArn(uidAlt ?? uid ?? '')
  return {
    name,
    uid,
    uid_alt: uidAlt === uid ? undefined : uidAlt,
    type_id: undefined,
    type: undefined,
    account: account === undefined ? undefined : { uid: account },
    credential_uid: undefined,
    programmatic_credentials: undefined,
  }
}

/** The managed policy that a request names. */
export function policyOf(ask: JsonObject): { readonly uid: string | undefined; readonly name: string | undefined } | undefined {
  const uid = text(ask.policyArn)
  const name = text(ask.policyName)
  return uid === undefined && name === undefined ? undefined : { uid, name }
}
