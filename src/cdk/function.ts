/** The function, what its role may do, and its queue. Each statement is a row of docs/deploy/README.md. */

import type { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { FunctionProps, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import type { SecurityLakeTarget } from '../lake/security-lake.js'
import type { LogBucket, Written } from './buckets.js'
import { iam, lambda, nodejs } from './peer.js'
import type { HandlerCode } from './props.js'
import { statements } from './rights.js'

export interface Reach {
  readonly logs: readonly LogBucket[]
  /** The place below which the handler writes events; undefined for Security Lake. */
  readonly lake: Written | undefined
  readonly securityLake: SecurityLakeTarget | undefined
  /** The place below which the handler writes rejects. */
  readonly rejects: Written
  readonly queue: IQueue
  readonly queueKey: IKey
  readonly logGroup: ILogGroup
}

export function functionRole(scope: Construct, reach: Reach): Role {
  return new iam.Role(scope, 'FunctionRole', {
    description: `Converts raw logs: ${scope.node.path}`,
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { Convert: new iam.PolicyDocument({ statements: functionStatements(reach) }) },
  })
}

function functionStatements({ logs, lake, securityLake, rejects, queue, queueKey, logGroup }: Reach): PolicyStatement[] {
  const below = ({ bucket, prefix }: Written, folder = ''): string => bucket.arnForObjects(`${prefix}${folder}*`)
  const keyOf = (place: Pick<Written, 'bucket'> | undefined): string | undefined => place?.bucket.encryptionKey?.keyArn
  return statements(
    ['TakeMessages', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]],
    ['DecryptMessages', ['kms:Decrypt'], [queueKey.keyArn]],
    ['ReadLogs', ['s3:GetObject'], logs.map(one => below(one))],
    ['ReadVersions', ['s3:GetObjectVersion'], logs.map(one => (one.versioned ? below(one) : undefined))],
    ['DecryptLogs', ['kms:Decrypt'], logs.map(keyOf)],
    ['WriteLake', ['s3:GetObject', 's3:PutObject'], [lake && below(lake, 'ext/')]],
    ['WriteRejects', ['s3:GetObject', 's3:PutObject'], [below(rejects)]],
    ['EncryptWritten', ['kms:Decrypt', 'kms:GenerateDataKey'], [keyOf(lake), keyOf(rejects)]],
    // The provider roles may write their own prefixes and nothing else, and do the encrypting.
    [
      'AssumeProviders',
      ['sts:AssumeRole'],
      securityLake?.sources.map(({ roleArn }) => roleArn) ?? [],
      securityLake && { StringEquals: { 'sts:ExternalId': securityLake.externalId } },
    ],
    ['WriteLogLines', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]],
  )
}

export function makeFunction(scope: Construct, source: HandlerCode, settings: Omit<FunctionProps, 'code' | 'handler' | 'runtime'>): LambdaFunction {
  const runtime = lambda.Runtime.NODEJS_22_X
  if ('code' in source) return new lambda.Function(scope, 'Function', { ...settings, runtime, code: source.code, handler: source.handler ?? 'index.handler' })
  const { entry, bundling, depsLockFilePath, projectRoot } = source
  return new nodejs.NodejsFunction(scope, 'Function', {
    ...settings,
    runtime,
    entry,
    depsLockFilePath,
    projectRoot,
    awsSdkConnectionReuse: false, // a setting of SDK 2; 3 does so itself
    bundling: {
      format: nodejs.OutputFormat.ESM,
      minify: true,
      target: 'node22',
      mainFields: ['module', 'main'],
      // The runtime has the SDK, and Zstandard built in.
      externalModules: ['@aws-sdk/*', '@bokuweb/zstd-wasm'],
      ...bundling,
    },
  })
}
