/** What the roles may do, statement by statement, and that the table in docs/deploy/README.md says the same. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import type { Stack } from 'aws-cdk-lib/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OcsfLakeProps } from './index.js'
import { made, resourcesOf, type Statement, statementsOf, synthesised, type TemplateJson, templateOf } from './testing.js'

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const PROVIDER = 'arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-vpc-flow-4001-eu-central-1'
const lake = {
  region: 'eu-central-1',
  externalId: 'my-external-id',
  sources: [
    {
      source: 'vpc-flow',
      classUid: 4001,
      name: 'vpc-flow-4001',
      location: 's3://aws-security-data-lake-eu-central-1-example/ext/vpc-flow-4001/',
      roleArn: PROVIDER,
    },
  ],
}

/** Security Lake, logs of two given buckets, the second with a key, and an inventory. */
function everything(stack: Stack): Omit<OcsfLakeProps, 'code'> {
  const encrypted = (name: string) => Bucket.fromBucketAttributes(stack, name, { bucketName: name, encryptionKey: Key.fromKeyArn(stack, `${name}-key`, KEY) })
  return {
    logs: [
      { bucket: Bucket.fromBucketName(stack, 'Trails', 'example-trails'), prefix: 'AWSLogs/' },
      { bucket: encrypted('example-flows'), versioned: false },
    ],
    lake,
    backfill: { inventory: { bucket: encrypted('example-inventory'), prefix: 'flows/' } },
  }
}

/** Whoever runs the command of the backfill. */
function withOperator(): TemplateJson {
  const { lake, stack } = made(everything)
  lake.grantBackfill(new Role(stack, 'Operator', { assumedBy: new AccountRootPrincipal() }))
  return templateOf(stack)
}

let plain: TemplateJson
let full: TemplateJson
beforeAll(() => {
  plain = synthesised().template
  full = withOperator()
}, 60_000)

const allow = (Sid: string, Action: string | readonly string[], Resource: unknown, Condition?: object) => ({
  Sid,
  Effect: 'Allow',
  Action,
  Resource,
  Condition,
})

describe('the role of the function', () => {
  it('may take messages, read logs, write a lake of your own and dead letters, and log', () => {
    expect(statementsOf(plain, 'LakeFunctionRole')).toEqual([
      allow('TakeMessages', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], '<LakeQueue.Arn>'),
      allow('DecryptMessages', 'kms:Decrypt', '<LakeQueueKey.Arn>'),
      allow('ReadLogs', 's3:GetObject', '<LakeLogs.Arn>/*'),
      allow('ReadVersions', 's3:GetObjectVersion', '<LakeLogs.Arn>/*'),
      allow('WriteLake', ['s3:GetObject', 's3:PutObject'], '<Lake.Arn>/ocsf/ext/*'),
      allow('WriteRejects', ['s3:GetObject', 's3:PutObject'], '<LakeDeadLetters.Arn>/rejects/*'),
      allow('EncryptWritten', ['kms:Decrypt', 'kms:GenerateDataKey'], '<LakeLakeKey.Arn>'),
      allow('WriteLogLines', ['logs:CreateLogStream', 'logs:PutLogEvents'], '<LakeFunctionLog.Arn>'),
    ])
  })

  it('may write Security Lake only through the provider roles, with the external id', () => {
    expect(statementsOf(full, 'LakeFunctionRole')).toEqual([
      allow('TakeMessages', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], '<LakeQueue.Arn>'),
      allow('DecryptMessages', 'kms:Decrypt', '<LakeQueueKey.Arn>'),
      allow('ReadLogs', 's3:GetObject', ['arn:<AWS::Partition>:s3:::example-trails/AWSLogs/*', 'arn:<AWS::Partition>:s3:::example-flows/*']),
      allow('ReadVersions', 's3:GetObjectVersion', 'arn:<AWS::Partition>:s3:::example-trails/AWSLogs/*'),
      allow('DecryptLogs', 'kms:Decrypt', KEY),
      allow('WriteRejects', ['s3:GetObject', 's3:PutObject'], '<LakeDeadLetters.Arn>/rejects/*'),
      allow('EncryptWritten', ['kms:Decrypt', 'kms:GenerateDataKey'], '<LakeLakeKey.Arn>'),
      allow('AssumeProviders', 'sts:AssumeRole', PROVIDER, { StringEquals: { 'sts:ExternalId': 'my-external-id' } }),
      allow('WriteLogLines', ['logs:CreateLogStream', 'logs:PutLogEvents'], '<LakeFunctionLog.Arn>'),
    ])
    expect(full.Resources.LakeFunction!.Properties.Environment).not.toHaveProperty('Variables.OCSF_LAKE')
  })

  it('is assumed by Lambda and nobody else, and has no managed policy', () => {
    const { AssumeRolePolicyDocument, ManagedPolicyArns } = plain.Resources.LakeFunctionRole!.Properties
    expect(ManagedPolicyArns).toBeUndefined()
    expect(AssumeRolePolicyDocument).toEqual({
      Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
      Version: '2012-10-17',
    })
  })
})

describe('the role of the backfill', () => {
  const runs = [
    allow('StartBatches', 'states:StartExecution', '<LakeBackfill>'),
    allow(
      'FollowBatches',
      ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
      'arn:<AWS::Partition>:states:eu-central-1:123456789012:execution:<LakeBackfill.Name>/*',
    ),
    allow('CountItems', 'states:DescribeMapRun', 'arn:<AWS::Partition>:states:eu-central-1:123456789012:mapRun:<LakeBackfill.Name>/*'),
  ]
  const results = [
    allow('WriteResults', ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'], '<LakeDeadLetters.Arn>/backfill/*'),
    allow('EncryptResults', ['kms:Decrypt', 'kms:GenerateDataKey'], '<LakeLakeKey.Arn>'),
  ]

  it('may list logs, call the function, keep results, and run batches of itself', () => {
    expect(statementsOf(plain, 'LakeBackfillRole')).toEqual([
      allow('Convert', 'lambda:InvokeFunction', '<LakeFunction.Arn>'),
      allow('ListLogs', 's3:ListBucket', '<LakeLogs.Arn>'),
      ...results,
      ...runs,
    ])
  })

  it('may list below the prefix of the logs only, and read the inventory', () => {
    expect(statementsOf(full, 'LakeBackfillRole')).toEqual([
      allow('Convert', 'lambda:InvokeFunction', '<LakeFunction.Arn>'),
      allow('ListLogs', 's3:ListBucket', 'arn:<AWS::Partition>:s3:::example-trails', { StringLike: { 's3:prefix': 'AWSLogs/*' } }),
      allow('ListLogs2', 's3:ListBucket', 'arn:<AWS::Partition>:s3:::example-flows'),
      allow('ReadInventory', 's3:GetObject', 'arn:<AWS::Partition>:s3:::example-inventory/flows/*'),
      allow('DecryptInventory', 'kms:Decrypt', KEY),
      ...results,
      ...runs,
    ])
  })

  it('may do what the states of the machine ask for, and else only what the map does itself', () => {
    const text = String(plain.Resources.LakeBackfill!.Properties.DefinitionString)
    const needs: Readonly<Record<string, string>> = {
      's3:listObjectsV2': 's3:ListBucket',
      's3:getObject': 's3:GetObject',
      's3:putObject': 's3:PutObject',
      'lambda:invoke': 'lambda:InvokeFunction',
      'aws-sdk:sfn:describeMapRun': 'states:DescribeMapRun',
    }
    const asked = new Set([...text.matchAll(/:states:::([\w:-]+)"/g)].map(([, integration = '']) => needs[integration] ?? integration))
    // https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    const byTheMap = [
      ...['states:StartExecution', 'states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
      ...['s3:ListMultipartUploadParts', 's3:AbortMultipartUpload', 'kms:Decrypt', 'kms:GenerateDataKey'],
    ]
    const may = new Set(statementsOf(plain, 'LakeBackfillRole').flatMap(({ Action }) => Action))
    expect(may).toEqual(new Set([...asked, ...byTheMap]))
  })

  it('is assumed by Step Functions of the account', () => {
    expect(plain.Resources.LakeBackfillRole!.Properties.AssumeRolePolicyDocument).toEqual({
      Statement: [
        {
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
          Effect: 'Allow',
          Principal: { Service: 'states.amazonaws.com' },
        },
      ],
      Version: '2012-10-17',
    })
  })
})

describe('whoever runs ocsf-lake backfill', () => {
  const executions = 'arn:<AWS::Partition>:states:eu-central-1:123456789012:execution:<LakeBackfill.Name>'
  it('may list logs, start and follow executions, and read what they left', () => {
    expect(statementsOf(full, 'Operator')).toEqual([
      allow('PlanBackfill', 's3:ListBucket', ['arn:<AWS::Partition>:s3:::example-trails', 'arn:<AWS::Partition>:s3:::example-flows']),
      allow('StartBackfill', 'states:StartExecution', '<LakeBackfill>'),
      allow('FollowBackfill', ['states:DescribeExecution', 'states:ListMapRuns', 'states:RedriveExecution'], [`${executions}:*`, `${executions}/*`]),
      allow(
        'CountBackfill',
        ['states:DescribeMapRun', 'states:ListExecutions'],
        'arn:<AWS::Partition>:states:eu-central-1:123456789012:mapRun:<LakeBackfill.Name>/*',
      ),
      allow('ReadResults', 's3:GetObject', '<LakeDeadLetters.Arn>/backfill/*'),
      allow('DecryptResults', 'kms:Decrypt', '<LakeLakeKey.Arn>'),
    ])
  })

  it('may send the requests to Step Functions that the command sends, and no others', () => {
    const client = readFileSync(fileURLToPath(new URL('../node/aws/step-functions.ts', import.meta.url)), 'utf8')
    const sends = new Set([...client.matchAll(/new sdk\.(\w+)Command\(/g)].map(([, name]) => `states:${name}`))
    const may = statementsOf(full, 'Operator').flatMap(({ Action }) => Action)
    expect(new Set(may.filter(action => action.startsWith('states:')))).toEqual(sends)
  })
})

describe('the table of calls in docs/deploy/README.md', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/deploy/README.md', import.meta.url)), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` +\| `([a-z0-9]+:\w+)` +\| (.+?) *\| (.+?) *\|$/gm)].map(
    ([, sid = '', action = '', call = '', resource = '']) => ({
      sid,
      action,
      call,
      resource,
    }),
  )
  const sidOf = ({ Sid = '' }: Statement) => Sid.replace(/\d+$/, '')
  const granted = () =>
    [plain, full].flatMap(template =>
      Object.keys(resourcesOf(template, 'AWS::IAM::Role')).flatMap(role =>
        statementsOf(template, role).flatMap(statement => [statement.Action].flat().map(action => `${sidOf(statement)} ${action}`)),
      ),
    )

  it('names every action that a role has, and no other', () => {
    expect(new Set(rows.map(({ sid, action }) => `${sid} ${action}`))).toEqual(new Set(granted()))
  })

  it('names each once, with the call that needs it', () => {
    expect(rows.map(({ sid, action }) => `${sid} ${action}`)).toHaveLength(new Set(granted()).size)
    for (const { call, resource } of rows) expect([call, resource]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)])
  })

  it('has no statement with a wildcard for an action, or for every resource', () => {
    for (const action of granted()) expect(action).not.toContain('*')
    const statements = [plain, full].flatMap(template => Object.keys(resourcesOf(template, 'AWS::IAM::Role')).flatMap(role => statementsOf(template, role)))
    for (const { Resource } of statements) expect([Resource].flat()).not.toContain('*')
  })
})
