/** The state machine of the backfill, and what its role may do. */
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { backfillDefinition } from '../lake/backfill.js'
import type { LogBucket, Written } from './buckets.js'
import { core, iam, stepfunctions } from './peer.js'
import { BACKFILL_CONCURRENCY, type BackfillSettings } from './props.js'

export interface BackfillReach {
  readonly function: IFunction
  readonly logs: readonly LogBucket[]
  /** The place below which Map Runs write what became of each batch. */
  readonly results: Written
  readonly settings: BackfillSettings
  readonly removalPolicy: RemovalPolicy
}

export function makeBackfill(scope: Construct, reach: BackfillReach): StateMachine {
  const { function: convert, results, settings, removalPolicy } = reach
  const { concurrency = BACKFILL_CONCURRENCY, batchItems, toleratedFailurePercentage } = settings
  const stack = core.Stack.of(scope)
  const role = new iam.Role(scope, 'BackfillRole', {
    description: `Converts what is stored already: ${scope.node.path}`,
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': stack.account } } }),
    inlinePolicies: { Read: new iam.PolicyDocument({ statements: readStatements(reach) }) },
  })
  const definition = backfillDefinition({
    functionArn: convert.functionArn,
    results: { bucket: results.bucket.bucketName, prefix: results.prefix.replace(/\/$/, '') },
    concurrency,
    batchItems,
    toleratedFailurePercentage,
    partition: stack.partition,
  })
  const machine = new stepfunctions.StateMachine(scope, 'Backfill', {
    definitionBody: stepfunctions.DefinitionBody.fromString(stack.toJsonString(definition)),
    role: role.withoutPolicyUpdates(),
    removalPolicy,
  })
  // Names the machine, which names the role: a policy of its own, or they would wait for each other.
  new iam.Policy(scope, 'BackfillRuns', { roles: [role], statements: runStatements(machine) })
  return machine
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html */
function readStatements({ function: convert, logs, results, settings: { inventory } }: BackfillReach) {
  const resultKey = results.bucket.encryptionKey?.keyArn
  const inventoryKey = inventory?.bucket.encryptionKey?.keyArn
  const listing = logs.map(
    ({ name, bucket, prefix }) =>
      new iam.PolicyStatement({
        sid: `List${name}`,
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}*` } },
      }),
  )
  return [
    new iam.PolicyStatement({ sid: 'Convert', actions: ['lambda:InvokeFunction'], resources: [convert.functionArn] }),
    ...listing,
    ...(inventory === undefined
      ? []
      : [
          new iam.PolicyStatement({
            sid: 'ReadInventory',
            actions: ['s3:GetObject'],
            resources: [inventory.bucket.arnForObjects(`${inventory.prefix ?? ''}*`)],
          }),
        ]),
    ...(inventoryKey === undefined ? [] : [new iam.PolicyStatement({ sid: 'DecryptInventory', actions: ['kms:Decrypt'], resources: [inventoryKey] })]),
    new iam.PolicyStatement({
      sid: 'WriteResults',
      actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
      resources: [results.bucket.arnForObjects(`${results.prefix}*`)],
    }),
    ...(resultKey === undefined
      ? []
      : [new iam.PolicyStatement({ sid: 'EncryptResults', actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [resultKey] })]),
  ]
}

/** ARNs of the executions or Map Runs of a machine; behind `/` are those of its Map Runs. */
function arnsOf(machine: StateMachine, resource: 'execution' | 'mapRun', behind: string): string {
  const resourceName = `${machine.stateMachineName}${behind}*`
  return core.Stack.of(machine).formatArn({ service: 'states', resource, resourceName, arnFormat: core.ArnFormat.COLON_RESOURCE_NAME })
}

/** Batches are executions of the machine itself. */
function runStatements(machine: StateMachine) {
  const below = (resource: 'execution' | 'mapRun'): string => arnsOf(machine, resource, '/')
  return [
    new iam.PolicyStatement({ sid: 'StartBatches', actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
    new iam.PolicyStatement({
      sid: 'FollowBatches',
      actions: ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
      resources: [below('execution')],
    }),
    new iam.PolicyStatement({ sid: 'CountItems', actions: ['states:DescribeMapRun'], resources: [below('mapRun')] }),
  ]
}

/** What whoever runs `ocsf-lake backfill` may do: plan, start, follow, take up. */
export function operatorStatements(machine: StateMachine, { logs, results }: Pick<BackfillReach, 'logs' | 'results'>) {
  const { encryptionKey } = results.bucket
  const executions = [arnsOf(machine, 'execution', ':'), arnsOf(machine, 'execution', '/')]
  return [
    new iam.PolicyStatement({ sid: 'PlanBackfill', actions: ['s3:ListBucket'], resources: [...new Set(logs.map(({ bucket }) => bucket.bucketArn))] }),
    new iam.PolicyStatement({ sid: 'StartBackfill', actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
    new iam.PolicyStatement({
      sid: 'FollowBackfill',
      actions: ['states:DescribeExecution', 'states:ListMapRuns', 'states:RedriveExecution'],
      resources: executions,
    }),
    new iam.PolicyStatement({ sid: 'CountBackfill', actions: ['states:DescribeMapRun', 'states:ListExecutions'], resources: [arnsOf(machine, 'mapRun', '/')] }),
    new iam.PolicyStatement({ sid: 'ReadResults', actions: ['s3:GetObject'], resources: [results.bucket.arnForObjects(`${results.prefix}*`)] }),
    ...(encryptionKey === undefined ? [] : [new iam.PolicyStatement({ sid: 'DecryptResults', actions: ['kms:Decrypt'], resources: [encryptionKey.keyArn] })]),
  ]
}
