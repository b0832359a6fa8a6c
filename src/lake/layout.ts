/** How a lake is laid out: a lake of your own, or Security Lake. */
import type { Issue } from '../ocsf/issue.js'
import { sourcePrefix } from './object-key.js'
import { type Fallback, type Located, type Partition, partitionOf } from './partition.js'
import { customSourceOf, type SecurityLakeTarget } from './security-lake.js'

export interface Layout {
  partition(event: Located, fallback: Fallback): Partition
  /** What stands before `region=…/`, ending with `/`. */
  prefix(source: { readonly id: string; readonly lakeName?: string }, classUid: number): string
  /** Why events of this class and partition have no place in the lake. */
  refuse(source: { readonly id: string }, classUid: number, partition: Partition): Issue | undefined
}

/** Keys below the lake: `ext/<custom source>/…`; what nothing says is `unknown`. */
export const plainLayout: Layout = {
  partition: partitionOf,
  prefix: sourcePrefix,
  refuse: () => undefined,
}

/** Whole URLs below the locations of the custom sources. The region is the lake's; an unknown account is refused. */
export function securityLakeLayout(target: SecurityLakeTarget): Layout {
  const { region } = target
  const named = target.sources.map(({ name }) => name).join(', ')
  return {
    partition: (event, fallback) => ({ ...partitionOf(event, fallback), region }),
    prefix: ({ id }, classUid) => customSourceOf(target, id, classUid)!.location, // refuse has seen that it is there
    refuse({ id }, classUid, { accountId }) {
      if (customSourceOf(target, id, classUid) === undefined) {
        return { path: 'class_uid', rule: 'custom_source_missing', expected: `a custom source for ${id} ${classUid}: register it`, found: `only ${named}` }
      }
      if (accountId !== 'unknown') return undefined
      return { path: 'cloud.account.uid', rule: 'account_unknown', expected: 'the account of the record, or --account', found: 'none' }
    },
  }
}
