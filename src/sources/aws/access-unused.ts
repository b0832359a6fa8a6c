/** What an IAM role or user has and does not use: keys, passwords, permissions, or itself. */
import type { Metrics, Permissions } from './access-columns.js'
import { filled, type Taking } from './taking.js'
import { moment } from './values.js'

export interface Unused {
  readonly identity_activity_metrics: Metrics | undefined
  readonly permission_analysis_results: readonly Permissions[] | undefined
}

/** `undefined` where the finding names neither a use nor a permission: OCSF wants one of them. */
export function unusedOf(finding: Taking, details: readonly Taking[]): Unused | undefined {
  const permissions = details.flatMap(detail => permissionsOf(detail.at('unusedPermissionDetails')) ?? [])
  const counts = filled({ unused_privileges_count: finding.whole('numberOfUnusedActions'), unused_services_count: finding.whole('numberOfUnusedServices') })
  if (counts !== undefined) permissions.push(counts)
  const metrics = metricsOf(details)
  if (metrics === undefined && permissions.length === 0) return undefined
  return { identity_activity_metrics: metrics, permission_analysis_results: permissions.length === 0 ? undefined : permissions }
}

function permissionsOf(details: Taking): Permissions | undefined {
  const name = details.text('serviceNamespace')
  if (name === undefined) return undefined
  const actions = details.list('actions', 'action').flatMap(item => item.text('action') ?? [])
  const count = actions.length === 0 ? undefined : actions.length
  return {
    policy: { name },
    granted_privileges: count === undefined ? undefined : actions,
    service_privilege_analysis_list: [
      // a service without actions is not used at all
      { name, all_privileges_unused: count === undefined, last_used_time: details.time('lastAccessed', moment), unused_privileges_count: count },
    ],
    unused_privileges_count: count,
    unused_services_count: count === undefined ? 1 : undefined,
  }
}

function metricsOf(details: readonly Taking[]): Metrics | undefined {
  const lastOf = (member: string) => {
    for (const detail of details) {
      const at = detail.at(member).time('lastAccessed', moment)
      if (at !== undefined) return at
    }
    return undefined
  }
  const keys = details.flatMap(detail => {
    const key = detail.at('unusedIamUserAccessKeyDetails')
    const uid = key.said('accessKeyId')
    return uid === undefined ? [] : { uid, last_used_time: key.time('lastAccessed', moment) }
  })
  return filled({
    last_seen_time: lastOf('unusedIamRoleDetails'),
    password_last_used_time: lastOf('unusedIamUserPasswordDetails'),
    programmatic_credentials: keys.length === 0 ? undefined : keys,
  })
}

/** The access key that nobody uses. */
export function unusedKeyOf(details: readonly Taking[]): string | undefined {
  for (const detail of details) {
    const uid = detail.at('unusedIamUserAccessKeyDetails').text('accessKeyId')
    if (uid !== undefined) return uid
  }
  return undefined
}
