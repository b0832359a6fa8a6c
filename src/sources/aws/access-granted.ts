/** Who may do what to a resource, as findings of external and internal access say it. */
import { isJsonObject } from '../../json.js'
import type { AccessResult, Evidence, User } from './access-columns.js'
import { redactMember } from './secrets.js'
import type { Taking } from './taking.js'
import { accountInArn, nameInArn } from './values.js'

export interface Grant {
  readonly users: readonly User[]
  /** As IAM writes them: `s3:GetObject`. */
  readonly actions: readonly string[]
}

/** The principals and actions that one part of a finding names. */
export function grantOf(details: Taking): Grant {
  const principal = details.peek('principal')
  const inside = details.at('principal')
  const named = isJsonObject(principal) ? Object.keys(principal).filter(kind => inside.said(kind) !== undefined) : []
  const owner = named.length === 0 ? undefined : details.text('principalOwnerAccount')
  const type = named.length === 0 ? undefined : details.text('principalType')
  return { users: named.map(kind => userOf(inside.text(kind)!, owner, type ?? kind)), actions: details.texts('action') ?? [] }
}

const OTHER = 99

/** An ARN, an account, a service, an identity provider, or `*`. */
export function userOf(uid: string, owner?: string, type?: string): User {
  const account = owner ?? accountInArn(uid) ?? (/^\d{12}$/.test(uid) ? uid : undefined)
  return {
    name: nameInArn(uid),
    uid,
    type_id: type === undefined ? undefined : OTHER,
    type,
    account: account === undefined ? undefined : { uid: account },
  }
}

/** Each action by the first principal, and the other principals. */
export function evidencesOf({ users, actions }: Grant): readonly Evidence[] {
  const [first, ...others] = users
  const actor = first === undefined ? undefined : { user: first }
  const calls = actions.map(action => ({ actor, api: callOf(action) }))
  return [...(calls.length === 0 && actor !== undefined ? [{ actor }] : calls), ...others.map(user => ({ actor: { user } }))]
}

function callOf(action: string): Evidence['api'] {
  const colon = action.indexOf(':')
  if (colon <= 0 || colon === action.length - 1) return { operation: action }
  return { operation: action.slice(colon + 1), service: { name: action.slice(0, colon) } }
}

/** Policies of the organization that bound an access: what EventBridge and the API call them. */
const BOUNDS = [
  ['resourceControlPolicyRestriction', 'RESOURCE_CONTROL_POLICY'],
  ['resourceControlPolicyRestrictionType', 'RESOURCE_CONTROL_POLICY'],
  ['serviceControlPolicyRestriction', 'SERVICE_CONTROL_POLICY'],
  ['serviceControlPolicyRestrictionType', 'SERVICE_CONTROL_POLICY'],
] as const

const STATUSES: ReadonlyMap<string, 1 | 2 | 3> = new Map([
  ['APPLICABLE', 1],
  ['NOT_APPLICABLE', 2],
  ['FAILED_TO_EVALUATE_RCP', 3],
  ['FAILED_TO_EVALUATE_SCP', 3],
])

/** The parts as one result; each of them is one grant. */
export function accessResultOf(parts: readonly Taking[], grants: readonly Grant[]): AccessResult {
  const restrictions = parts.flatMap(restrictionsOf)
  const conditions = parts.flatMap(conditionsOf)
  const actions = grants.flatMap(grant => grant.actions)
  const types = parts.map(part => part.text('accessType')).filter(type => type !== undefined)
  return {
    access_type: types.length === 0 ? undefined : types.join(', '),
    accessors: grants.flatMap(({ users }) => users),
    additional_restrictions: restrictions.length === 0 ? undefined : restrictions,
    condition_keys: conditions.length === 0 ? undefined : conditions,
    granted_privileges: actions.length === 0 ? undefined : actions,
  }
}

type Restriction = NonNullable<AccessResult['additional_restrictions']>[number]

function restrictionsOf(part: Taking): readonly Restriction[] {
  return BOUNDS.flatMap(([key, type]) => {
    const said = part.text(key)
    if (said === undefined) return []
    const status_id = STATUSES.get(said)
    return [{ policy: { name: type, type }, status_id: status_id ?? OTHER, status: status_id === undefined ? said : undefined }]
  })
}

function conditionsOf(part: Taking) {
  const condition = part.peek('condition')
  if (!isJsonObject(condition)) return []
  const inside = part.at('condition')
  return Object.keys(condition).flatMap(name => {
    const value = inside.text(name)
    const kept = value === undefined ? undefined : redactMember(name, value)
    return typeof kept === 'string' ? { name, value: kept } : []
  })
}
