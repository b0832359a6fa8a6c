/** Who acted: AWS's `userIdentity` element as an OCSF actor. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { redactJson } from './secrets.js'
import { flag, isBlank, leftOver, ms, nameInArn, text } from './values.js'

/** The attributes of a user that an AWS identity can fill. */
export const userColumns = {
  name: true,
  uid: true,
  uid_alt: true,
  type_id: true,
  type: true,
  account: { uid: true },
  credential_uid: true,
  programmatic_credentials: { uid: true },
} as const

/** The attributes of an actor that an AWS identity can fill. */
export const actorColumns = {
  user: userColumns,
  session: { issuer: true, created_time: true, is_mfa: true },
  idp: { name: true, uid: true },
  invoked_by: true,
  app_name: true,
} as const

export interface AwsUser {
  readonly name: string | undefined
  /** The ARN. */
  readonly uid: string | undefined
  /** AWS's unique id; for role sessions with the session name. */
  readonly uid_alt: string | undefined
  readonly type_id: 0 | 99 | undefined
  readonly type: string | undefined
  readonly account: { readonly uid: string } | undefined
  readonly credential_uid: string | undefined
  readonly programmatic_credentials: readonly { readonly uid: string }[] | undefined
}

export interface AwsActor {
  readonly user: AwsUser | undefined
  readonly session: { readonly issuer: string | undefined; readonly created_time: number | undefined; readonly is_mfa: boolean | undefined } | undefined
  readonly idp: { readonly name: string | undefined; readonly uid: string | undefined } | undefined
  readonly invoked_by: string | undefined
  readonly app_name: string | undefined
}

export interface Identity {
  /** `undefined` when the element names nobody. */
  readonly actor: AwsActor | undefined
  /** What has no OCSF home, under AWS's names. */
  readonly rest: Json | undefined
}

const NOBODY: Identity = { actor: undefined, rest: undefined }

/**
 * Reads a `userIdentity` element. `signedInAs` is a name that the record gives elsewhere, used when the element has none.
 *
 * OCSF's user types (User, Admin, System) cannot say AssumedRole or FederatedUser, so `type` keeps AWS's word and
 * `type_id` is Other, as in Security Lake's own tables.
 */
export function readIdentity(element: Json | undefined, version: OcsfVersion, signedInAs?: string): Identity {
  if (!isJsonObject(element)) {
    const actor = signedInAs === undefined ? undefined : actorOf({ name: signedInAs }, version)
    return isBlank(element) && actor === undefined ? NOBODY : { actor, rest: isBlank(element) ? undefined : element }
  }
  const context = objectIn(element, 'sessionContext')
  const issuer = context && objectIn(context, 'sessionIssuer')
  const attributes = context && objectIn(context, 'attributes')
  // in the session since 1.05, beside it in older records
  const federation = (context && objectIn(context, 'webIdFederationData')) ?? objectIn(element, 'webIdFederationData')
  const onBehalfOf = objectIn(element, 'onBehalfOf')

  const type = text(element.type)
  const arn = text(element.arn)
  const principalId = text(element.principalId)
  const invokedBy = text(element.invokedBy)
  const userId = onBehalfOf && text(onBehalfOf.userId)
  const identityStore = onBehalfOf && text(onBehalfOf.identityStoreArn)
  const accountId = text(element.accountId)
  const credential = text(element.accessKeyId) ?? text(element.credentialId)
  const provider = text(element.identityProvider) ?? (federation && text(federation.federatedProvider))
  const sessionIssuer = issuer && text(issuer.arn)
  const createdTime = attributes && ms(attributes.creationDate)
  const isMfa = attributes && flag(attributes.mfaAuthenticated)

  const name =
    text(element.userName) ?? signedInAs ?? (arn && nameInArn(arn)) ?? sessionName(type, principalId) ?? (type === 'AWSService' ? invokedBy : undefined)
  const uidAlt = principalId ?? userId
  // OCSF does not know a user by its alternate id alone
  const uid = arn ?? (name === undefined && accountId === undefined ? uidAlt : undefined)
  const actor = actorOf({ type, name, uid, uidAlt, accountId, credential, sessionIssuer, createdTime, isMfa, provider, identityStore, invokedBy }, version)
  const known = actor?.user !== undefined

  const takenOfElement = (key: string, value: Json): boolean => {
    switch (key) {
      case 'type':
      case 'principalId':
        return known && typeof value === 'string'
      case 'userName':
      case 'arn':
      case 'accountId':
      case 'invokedBy':
        return typeof value === 'string'
      case 'accessKeyId':
      case 'credentialId':
        return known && value === credential
      case 'identityProvider':
        return value === provider
      case 'sessionContext':
      case 'webIdFederationData':
      case 'onBehalfOf':
        return isJsonObject(value)
      default:
        return false
    }
  }
  if (context === undefined && federation === undefined && onBehalfOf === undefined) return { actor, rest: leftOver(element, takenOfElement) }
  const federationRest = federation && leftOver(federation, (key, value) => key === 'federatedProvider' && value === provider)
  const rest = leftOver(element, takenOfElement, {
    sessionContext:
      context &&
      leftOver(context, isOfSession, {
        sessionIssuer: issuer && leftOver(issuer, isArn),
        attributes:
          attributes &&
          leftOver(attributes, key => (key === 'creationDate' && createdTime !== undefined) || (key === 'mfaAuthenticated' && isMfa !== undefined)),
        webIdFederationData: objectIn(context, 'webIdFederationData') && federationRest,
      }),
    webIdFederationData: element.webIdFederationData === federation ? federationRest : objectIn(element, 'webIdFederationData'),
    onBehalfOf:
      onBehalfOf &&
      leftOver(onBehalfOf, (key, value) => (key === 'userId' && known && value === uidAlt) || (key === 'identityStoreArn' && typeof value === 'string')),
  })
  return { actor, rest }
}

function isOfSession(key: string, value: Json): boolean {
  return isJsonObject(value) && (key === 'sessionIssuer' || key === 'attributes' || key === 'webIdFederationData')
}

function isArn(key: string, value: Json): boolean {
  return key === 'arn' && typeof value === 'string'
}

const identities = new WeakMap<JsonObject, { readonly version: OcsfVersion; readonly identity: Identity }>()

/** What `readIdentity` gives, its secrets redacted: once for an element that many records share. */
export function identityOf(element: Json | undefined, version: OcsfVersion, signedInAs: string | undefined): Identity {
  if (!isJsonObject(element) || signedInAs !== undefined) return redacted(readIdentity(element, version, signedInAs))
  const before = identities.get(element)
  if (before?.version === version) return before.identity
  const identity = redacted(readIdentity(element, version))
  // what could still change is read again
  if (isFrozen(element)) identities.set(element, { version, identity })
  return identity
}

function redacted({ actor, rest }: Identity): Identity {
  return { actor, rest: redactJson(rest) }
}

function isFrozen(value: Json | undefined): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
}

interface Facets {
  readonly type?: string | undefined
  readonly name?: string | undefined
  readonly uid?: string | undefined
  readonly uidAlt?: string | undefined
  readonly accountId?: string | undefined
  readonly credential?: string | undefined
  readonly sessionIssuer?: string | undefined
  readonly createdTime?: number | undefined
  readonly isMfa?: boolean | undefined
  readonly provider?: string | undefined
  readonly identityStore?: string | undefined
  readonly invokedBy?: string | undefined
}

function actorOf(facets: Facets, version: OcsfVersion): AwsActor | undefined {
  const { type, name, uid, uidAlt, accountId, credential, sessionIssuer, createdTime, isMfa, provider, identityStore, invokedBy } = facets
  const user: AwsUser | undefined =
    name === undefined && uid === undefined && accountId === undefined
      ? undefined
      : {
          name,
          uid,
          uid_alt: uidAlt,
          type_id: type === undefined ? undefined : type === 'Unknown' ? 0 : 99,
          type,
          account: accountId === undefined ? undefined : { uid: accountId },
          credential_uid: version === '1.8.0' ? undefined : credential,
          programmatic_credentials: version === '1.8.0' && credential !== undefined ? [{ uid: credential }] : undefined,
        }
  const session =
    sessionIssuer === undefined && createdTime === undefined && isMfa === undefined
      ? undefined
      : { issuer: sessionIssuer, created_time: createdTime, is_mfa: isMfa }
  const idp = provider === undefined && identityStore === undefined ? undefined : { name: provider, uid: identityStore }
  if (user === undefined && session === undefined && idp === undefined && invokedBy === undefined) return undefined
  return { user, session, idp, ...application(invokedBy, version) }
}

/** The application or service that acts: `app_name` replaces `invoked_by` from 1.2. */
export function application(name: string | undefined, version: OcsfVersion): Pick<AwsActor, 'invoked_by' | 'app_name'> {
  return version === '1.1.0' ? { invoked_by: name, app_name: undefined } : { invoked_by: undefined, app_name: name }
}

/** A role session is known by the name behind the role's unique id: `AROA…:session`. */
function sessionName(type: string | undefined, principalId: string | undefined): string | undefined {
  return type !== 'AssumedRole' || principalId === undefined ? undefined : sessionInId(principalId)
}

/** What stands behind the colon of a unique id. */
export function sessionInId(principalId: string): string | undefined {
  const colon = principalId.indexOf(':')
  return colon < 0 ? undefined : text(principalId.slice(colon + 1))
}

function objectIn(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key]
  return isJsonObject(value) ? value : undefined
}
