/** The state machine of the backfill, and what its role may do. */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { backfillDefinition } from '../lake/backfill.js'
import type { LogBucket, Written } from './buckets.js'
import { core, iam, stepfunctions } from './peer.js'
import { BACKFILL_CONCURRENCY, type BackfillSettings } from './props.js'
import { type Right, statements } from './rights.js'

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
function readStatements({ function: convert, logs, results, settings: { inventory } }: BackfillReach): PolicyStatement[] {
  return statements(
    ['Convert', ['lambda:InvokeFunction'], [convert.functionArn]],
    ...logs.map(({ name, bucket, prefix }): Right => {
      const below = prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}*` } }
      return [`List${name}`, ['s3:ListBucket'], [bucket.bucketArn], below]
    }),
    ['ReadInventory', ['s3:GetObject'], [inventory?.bucket.arnForObjects(`${inventory.prefix ?? ''}*`)]],
    ['DecryptInventory', ['kms:Decrypt'], [inventory?.bucket.encryptionKey?.keyArn]],
    [
      'WriteResults',
      ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
      [results.bucket.arnForObjects(`${results.prefix}*`)],
    ],
    ['EncryptResults', ['kms:Decrypt', 'kms:GenerateDataKey'], [results.bucket.encryptionKey?.keyArn]],
  )
}

/** ARNs of the executions or Map Runs of a machine; behind `/` are those of its Map Runs. */
function arnsOf(machine: StateMachine, resource: 'execution' | 'mapRun', behind: ':' | '/'): string {
  const resourceName = `${machine.stateMachineName}${behind}*`
  return core.Stack.of(machine).formatArn({ service: 'states', resource, resourceName, arnFormat: core.ArnFormat.COLON_RESOURCE_NAME })
}

/** Batches are executions of the machine itself. */
function runStatements(machine: StateMachine): PolicyStatement[] {
  return statements(
    ['StartBatches', ['states:StartExecution'], [machine.stateMachineArn]],
    ['FollowBatches', ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'], [arnsOf(machine, 'execution', '/')]],
    ['CountItems', ['states:DescribeMapRun'], [arnsOf(machine, 'mapRun', '/')]],
  )
}

/** What whoever runs `ocsf-lake backfill` may do: plan, start, follow, take up. */
export function operatorStatements(machine: StateMachine, { logs, results }: Pick<BackfillReach, 'logs' | 'results'>): PolicyStatement[] {
  return statements(
    ['PlanBackfill', ['s3:ListBucket'], logs.map(({ bucket }) => bucket.bucketArn)],
    ['StartBackfill', ['states:StartExecution'], [machine.stateMachineArn]],
    [
      'FollowBackfill',
      ['states:DescribeExecution', 'states:ListMapRuns', 'states:RedriveExecution'],
      [arnsOf(machine, 'execution', ':'), arnsOf(machine, 'execution', '/')],
    ],
    ['CountBackfill', ['states:DescribeMapRun', 'states:ListExecutions'], [arnsOf(machine, 'mapRun', '/')]],
    ['ReadResults', ['s3:GetObject'], [results.bucket.arnForObjects(`${results.prefix}*`)]],
    ['DecryptResults', ['kms:Decrypt'], [results.bucket.encryptionKey?.keyArn]],
  )
}
