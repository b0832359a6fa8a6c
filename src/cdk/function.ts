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
  const versioned = logs.filter(one => one.versioned)
  const written = lake === undefined ? [rejects] : [lake, rejects]
  const keysOf = (places: readonly Pick<Written, 'bucket'>[]): readonly string[] => [
    ...new Set(places.flatMap(({ bucket }) => (bucket.encryptionKey === undefined ? [] : [bucket.encryptionKey.keyArn]))),
  ]
  return [
    allow('TakeMessages', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]),
    allow('DecryptMessages', ['kms:Decrypt'], [queueKey.keyArn]),
    allow(
      'ReadLogs',
      ['s3:GetObject'],
      logs.map(one => below(one)),
    ),
    allow(
      'ReadVersions',
      ['s3:GetObjectVersion'],
      versioned.map(one => below(one)),
    ),
    allow('DecryptLogs', ['kms:Decrypt'], keysOf(logs)),
    allow('WriteLake', ['s3:GetObject', 's3:PutObject'], lake === undefined ? [] : [below(lake, 'ext/')]),
    allow('WriteRejects', ['s3:GetObject', 's3:PutObject'], [below(rejects)]),
    allow('EncryptWritten', ['kms:Decrypt', 'kms:GenerateDataKey'], keysOf(written)),
    ...(securityLake === undefined ? [] : [assumeProviders(securityLake)]),
    allow('WriteLogLines', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]),
  ].filter(({ resources }) => resources.length > 0)
}

function allow(sid: string, actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return new iam.PolicyStatement({ sid, actions: [...actions], resources: [...resources] })
}

/** The provider roles may write their own prefixes and nothing else, and do the encrypting. */
function assumeProviders({ sources, externalId }: SecurityLakeTarget): PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'AssumeProviders',
    actions: ['sts:AssumeRole'],
    resources: [...new Set(sources.map(({ roleArn }) => roleArn))],
    conditions: { StringEquals: { 'sts:ExternalId': externalId } },
  })
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
