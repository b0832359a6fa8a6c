/** Statements of policies as a table: each row is one of docs/deploy/README.md. */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { iam } from './peer.js'

export type Conditions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What may be done with which resources; those that are undefined are not there. */
export type Right = readonly [sid: string, actions: readonly string[], resources: readonly (string | undefined)[], conditions?: Conditions]

/** One statement for each right, without those on nothing. */
export function statements(...rights: readonly Right[]): PolicyStatement[] {
  return rights.flatMap(([sid, actions, resources, conditions]) => {
    const there = [...new Set(resources.filter(resource => resource !== undefined))]
    return there.length === 0 ? [] : [new iam.PolicyStatement({ sid, actions: [...actions], resources: there, conditions })]
  })
}
