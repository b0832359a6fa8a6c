/** What a stack with the construct has in it. */

import validate from 'asl-validator'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { backfillDefinition } from '../lake/backfill.js'
import { type Resource, resourcesOf, statementsOf, synthesised, type TemplateJson } from './testing.js'

let template: TemplateJson
beforeAll(() => {
  template = synthesised().template
}, 60_000)

const propertiesOf = (from: TemplateJson, id: string) => from.Resources[id]!.Properties
const only = (from: TemplateJson, type: string) => Object.keys(resourcesOf(from, type))

describe('a stack with everything made', () => {
  it('has these resources', () => {
    const found: Record<string, string[]> = {}
    for (const [id, { Type }] of Object.entries(template.Resources)) found[Type] = [...(found[Type] ?? []), id]
    expect(found).toEqual({
      'AWS::KMS::Key': ['LakeQueueKey', 'LakeLakeKey'],
      'AWS::S3::Bucket': ['LakeLogs', 'Lake', 'LakeDeadLetters'],
      'AWS::S3::BucketPolicy': ['LakeLogsPolicy', 'LakePolicy', 'LakeDeadLettersPolicy'],
      'AWS::SQS::Queue': ['LakeDeadLetterQueue', 'LakeQueue'],
      'AWS::SQS::QueuePolicy': ['LakeDeadLetterQueuePolicy', 'LakeQueuePolicy'],
      'AWS::Events::Rule': ['LakeLogsCreated'],
      'AWS::Logs::LogGroup': ['LakeFunctionLog'],
      'AWS::IAM::Role': ['LakeFunctionRole', 'LakeBackfillRole'],
      'AWS::IAM::Policy': ['LakeBackfillRuns'],
      'AWS::Lambda::Function': ['LakeFunction'],
      'AWS::Lambda::EventSourceMapping': ['LakeMessages'],
      'AWS::StepFunctions::StateMachine': ['LakeBackfill'],
      'AWS::CloudWatch::Alarm': [
        'LakeRejectedAlarm',
        'LakeFailedAlarm',
        'LakeErrorsAlarm',
        'LakeThrottlesAlarm',
        'LakeOldestMessageAlarm',
        'LakeDeadLetterQueueAlarm',
        'LakeBackfillAlarm',
      ],
      'AWS::CloudWatch::Dashboard': ['LakeDashboard'],
    })
  })

  const HOLDS_DATA = ['AWS::KMS::Key', 'AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::Logs::LogGroup']
  it('keeps what holds data when it is deleted, unless told otherwise', () => {
    const kept = ({ Resources }: TemplateJson) =>
      Object.values(Resources)
        .filter(({ Type }) => HOLDS_DATA.includes(Type))
        .map(({ DeletionPolicy, UpdateReplacePolicy }: Resource) => [DeletionPolicy, UpdateReplacePolicy])
    expect(kept(template)).toEqual(Array.from({ length: 8 }, () => ['Retain', 'Retain']))
    const gone = synthesised(() => ({ removalPolicy: RemovalPolicy.DESTROY })).template
    expect(kept(gone)).toEqual(Array.from({ length: 8 }, () => ['Delete', 'Delete']))
  })

  it('has private, versioned buckets that want TLS, and keys that turn', () => {
    for (const [id, { Properties }] of Object.entries(resourcesOf(template, 'AWS::S3::Bucket'))) {
      expect(Properties, id).toMatchObject({
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
        VersioningConfiguration: { Status: 'Enabled' },
      })
      expect(propertiesOf(template, `${id}Policy`).PolicyDocument, id).toEqual({
        Statement: [
          {
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Resource: [`<${id}.Arn>`, `<${id}.Arn>/*`],
          },
        ],
        Version: '2012-10-17',
      })
    }
    for (const { Properties } of Object.values(resourcesOf(template, 'AWS::KMS::Key'))) expect(Properties.EnableKeyRotation).toBe(true)
  })

  it('encrypts lake and dead letters with its key, and raw logs as every AWS service can deliver them', () => {
    const encryption = (id: string) => propertiesOf(template, id).BucketEncryption
    const own = { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { KMSMasterKeyID: '<LakeLakeKey.Arn>', SSEAlgorithm: 'aws:kms' } }
    expect(encryption('Lake')).toEqual({ ServerSideEncryptionConfiguration: [own] })
    expect(encryption('LakeDeadLetters')).toEqual({ ServerSideEncryptionConfiguration: [own] })
    expect(encryption('LakeLogs')).toEqual({ ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] })
  })

  it('moves raw logs to Glacier, lake and dead letters to Intelligent-Tiering, and deletes nothing that is current', () => {
    const rule = (id: string) => propertiesOf(template, id).LifecycleConfiguration
    const rest = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, NoncurrentVersionExpiration: { NoncurrentDays: 30 }, Status: 'Enabled' }
    expect(rule('LakeLogs')).toEqual({ Rules: [{ ...rest, Transitions: [{ StorageClass: 'GLACIER', TransitionInDays: 90 }] }] })
    for (const id of ['Lake', 'LakeDeadLetters']) {
      expect(rule(id)).toEqual({ Rules: [{ ...rest, Transitions: [{ StorageClass: 'INTELLIGENT_TIERING', TransitionInDays: 30 }] }] })
    }
  })

  it('sends new objects through an encrypted queue, and what is given up to another that keeps it longer', () => {
    expect(propertiesOf(template, 'LakeLogs').NotificationConfiguration).toEqual({ EventBridgeConfiguration: { EventBridgeEnabled: true } })
    expect(propertiesOf(template, 'LakeLogsCreated')).toEqual({
      Description: 'New raw logs for Test/Lake',
      EventPattern: { source: ['aws.s3'], 'detail-type': ['Object Created'], detail: { bucket: { name: ['<LakeLogs>'] } } },
      State: 'ENABLED',
      Targets: [{ Arn: '<LakeQueue.Arn>', DeadLetterConfig: { Arn: '<LakeDeadLetterQueue.Arn>' }, Id: 'Target0' }],
    })
    expect(propertiesOf(template, 'LakeQueue')).toEqual({
      KmsMasterKeyId: '<LakeQueueKey.Arn>',
      MessageRetentionPeriod: 7 * 86_400,
      RedrivePolicy: { deadLetterTargetArn: '<LakeDeadLetterQueue.Arn>', maxReceiveCount: 5 },
      VisibilityTimeout: 6 * 300,
    })
    expect(propertiesOf(template, 'LakeDeadLetterQueue')).toEqual({ KmsMasterKeyId: '<LakeQueueKey.Arn>', MessageRetentionPeriod: 14 * 86_400 })
  })

  it('lets only EventBridge of the account send to the queues', () => {
    for (const id of ['LakeQueue', 'LakeDeadLetterQueue']) {
      expect(propertiesOf(template, `${id}Policy`).PolicyDocument).toEqual({
        Statement: [
          {
            Action: 'sqs:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Resource: `<${id}.Arn>`,
          },
          {
            Sid: 'EventBridge',
            Action: 'sqs:SendMessage',
            Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Resource: `<${id}.Arn>`,
          },
        ],
        Version: '2012-10-17',
      })
    }
    const root = {
      Action: 'kms:*',
      Effect: 'Allow',
      Principal: { AWS: 'arn:<AWS::Partition>:iam::123456789012:root' },
      Resource: '*',
    }
    expect(propertiesOf(template, 'LakeQueueKey').KeyPolicy).toEqual({
      Statement: [
        root,
        {
          Sid: 'EventBridge',
          Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
          Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Resource: '*',
        },
      ],
      Version: '2012-10-17',
    })
    expect(propertiesOf(template, 'LakeLakeKey').KeyPolicy).toEqual({ Statement: [root], Version: '2012-10-17' })
  })

  it('runs the function on ARM and Node 22, and tells it where to write', () => {
    expect(propertiesOf(template, 'LakeFunction')).toMatchObject({
      Architectures: ['arm64'],
      Runtime: 'nodejs22.x',
      MemorySize: 1769,
      Timeout: 300,
      Role: '<LakeFunctionRole.Arn>',
      LoggingConfig: { LogGroup: '<LakeFunctionLog>' },
      Environment: {
        Variables: {
          OCSF_LAKE: 's3://<Lake>/ocsf',
          OCSF_LAKE_DEAD_LETTERS: 's3://<LakeDeadLetters>/rejects',
          OCSF_LAKE_NAMESPACE: 'OcsfLake/Test/Lake',
        },
      },
    })
    expect(propertiesOf(template, 'LakeFunction')).not.toHaveProperty('ReservedConcurrentExecutions')
    expect(propertiesOf(template, 'LakeFunctionLog')).toEqual({ RetentionInDays: 90 })
    expect(propertiesOf(template, 'LakeMessages')).toEqual({
      BatchSize: 10,
      EventSourceArn: '<LakeQueue.Arn>',
      FunctionName: '<LakeFunction>',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    })
  })
})

describe('the backfill', () => {
  it('is a state machine that Step Functions takes, over the same function as live traffic', () => {
    const text = String(propertiesOf(template, 'LakeBackfill').DefinitionString)
    const { isValid, errorsText } = validate(JSON.parse(text.replaceAll('<AWS::Partition>', 'aws').replaceAll(/<\w+(\.Arn)?>/g, 'example')))
    expect([isValid, errorsText('\n')]).toEqual([true, ''])
    expect(JSON.parse(text)).toEqual(
      backfillDefinition({
        functionArn: '<LakeFunction.Arn>',
        results: { bucket: '<LakeDeadLetters>', prefix: 'backfill' },
        concurrency: 50,
        partition: '<AWS::Partition>',
      }),
    )
    expect(propertiesOf(template, 'LakeBackfill').StateMachineType ?? 'STANDARD').toBe('STANDARD')
  })

  it('takes its settings, and is left out when it is not wanted', () => {
    const { template: set } = synthesised(() => ({ backfill: { concurrency: 7, batchItems: 3, toleratedFailurePercentage: 0 } }))
    expect(JSON.parse(String(propertiesOf(set, 'LakeBackfill').DefinitionString)).States.Listing).toMatchObject({
      MaxConcurrency: 7,
      ToleratedFailurePercentage: 0,
      ItemBatcher: { MaxItemsPerBatch: 3 },
    })
    const { lake, template: without } = synthesised(() => ({ backfill: false }))
    expect(lake.backfill).toBeUndefined()
    expect(() => lake.grantBackfill(lake.function)).toThrow('There is no backfill')
    for (const type of ['AWS::StepFunctions::StateMachine', 'AWS::IAM::Policy']) expect(only(without, type)).toEqual([])
    expect(only(without, 'AWS::CloudWatch::Alarm')).not.toContain('LakeBackfillAlarm')
  })
})

describe('given buckets and keys', () => {
  it('are used as they are', () => {
    const { lake, template: given } = synthesised(stack => ({
      logs: [
        { bucket: Bucket.fromBucketName(stack, 'Trails', 'example-trails'), prefix: 'AWSLogs/' },
        { bucket: Bucket.fromBucketName(stack, 'Flows', 'example-flows'), versioned: false },
      ],
      lake: { bucket: Bucket.fromBucketName(stack, 'Target', 'example-lake'), prefix: 'security/ocsf' },
      deadLetters: { bucket: Bucket.fromBucketName(stack, 'Letters', 'example-letters'), prefix: 'ocsf-lake' },
      queueKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'),
    }))
    expect(only(given, 'AWS::S3::Bucket')).toEqual([])
    expect(only(given, 'AWS::KMS::Key')).toEqual([])
    expect(Object.values(resourcesOf(given, 'AWS::Events::Rule')).map(({ Properties }) => Properties.EventPattern)).toEqual([
      { source: ['aws.s3'], 'detail-type': ['Object Created'], detail: { bucket: { name: ['example-trails'] }, object: { key: [{ prefix: 'AWSLogs/' }] } } },
      { source: ['aws.s3'], 'detail-type': ['Object Created'], detail: { bucket: { name: ['example-flows'] } } },
    ])
    expect(lake.lakeUrl).toBe('s3://example-lake/security/ocsf')
    expect(lake.deadLettersUrl).toBe('s3://example-letters/ocsf-lake/rejects')
  })

  it('encrypt what is made, each with its own', () => {
    const { template: given } = synthesised(stack => {
      const key = (name: string) => Key.fromKeyArn(stack, `Key${name}`, `arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-00000000000${name}`)
      return { logs: [{ key: key('1') }], lakeKey: key('2'), queueKey: key('3') }
    })
    expect(only(given, 'AWS::KMS::Key')).toEqual([])
    const used = (id: string) => /key\/[\w-]+(\d)"/.exec(JSON.stringify(propertiesOf(given, id)))?.[1]
    expect(['LakeLogs', 'Lake', 'LakeDeadLetters', 'LakeQueue', 'LakeDeadLetterQueue'].map(used)).toEqual(['1', '2', '2', '3', '3'])
    const decrypts = statementsOf(given, 'LakeFunctionRole').flatMap(({ Sid, Action, Resource }) =>
      JSON.stringify(Action).includes('kms:') ? [[Sid, Resource]] : [],
    )
    expect(decrypts.map(([sid, resource]) => [sid, String(resource).slice(-1)])).toEqual([
      ['DecryptMessages', '3'],
      ['DecryptLogs', '1'],
      ['EncryptWritten', '2'],
    ])
  })

  it('announce by S3 itself, which is allowed before it is set', () => {
    const { template: by } = synthesised(() => ({ logs: [{ through: 's3', prefix: 'AWSLogs/' }] }))
    expect(only(by, 'AWS::Events::Rule')).toEqual([])
    const [set] = Object.values(resourcesOf(by, 'Custom::S3BucketNotifications'))
    expect(set?.Properties).toMatchObject({
      BucketName: '<LakeLogs>',
      NotificationConfiguration: {
        QueueConfigurations: [
          { Events: ['s3:ObjectCreated:*'], QueueArn: '<LakeQueue.Arn>', Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'AWSLogs/' }] } } },
        ],
      },
    })
    expect(set?.DependsOn?.some(id => id.startsWith('LakeQueuePolicy'))).toBe(true)
    expect(sent(by, 'LakeQueue')).toEqual([
      { service: 's3.amazonaws.com', Condition: { ArnLike: { 'aws:SourceArn': '<LakeLogs.Arn>' }, StringEquals: { 'aws:SourceAccount': '123456789012' } } },
    ])
    expect(sent(by, 'LakeDeadLetterQueue')).toEqual([])
  })

  it('announce in several ways at once, each allowed once and under a name of its own', () => {
    const { template: by } = synthesised(stack => {
      const topic = new Topic(stack, 'Topic')
      return { logs: [{}, {}, { through: 's3' }, { through: 's3' }, { through: topic }, { through: topic, prefix: 'AWSLogs/' }] }
    })
    const sids = ['EventBridge', 'Logs3S3', 'Logs4S3', 'Logs5Announced']
    const sidsIn = (document: unknown) => (document as { Statement: { Sid?: string }[] }).Statement.flatMap(({ Sid }) => Sid ?? []).sort()
    expect(sidsIn(propertiesOf(by, 'LakeQueuePolicy').PolicyDocument)).toEqual(sids)
    expect(sidsIn(propertiesOf(by, 'LakeQueueKey').KeyPolicy)).toEqual(sids)
    expect(only(by, 'AWS::Events::Rule')).toEqual(['LakeLogsCreated', 'LakeLogs2Created'])
    expect(only(by, 'AWS::SNS::Subscription')).toHaveLength(1)
  })

  it('announce by a topic that is there already, and what it cannot deliver is kept', () => {
    const { template: by } = synthesised(stack => ({ logs: [{ through: new Topic(stack, 'Topic') }] }))
    expect(Object.values(resourcesOf(by, 'AWS::SNS::Subscription')).map(({ Properties }) => Properties)).toEqual([
      {
        Endpoint: '<LakeQueue.Arn>',
        Protocol: 'sqs',
        RawMessageDelivery: true,
        RedrivePolicy: { deadLetterTargetArn: '<LakeDeadLetterQueue.Arn>' },
        TopicArn: '<Topic>',
      },
    ])
    const from = { service: 'sns.amazonaws.com', Condition: { ArnEquals: { 'aws:SourceArn': '<Topic>' } } }
    expect(sent(by, 'LakeQueue')).toEqual([from])
    expect(sent(by, 'LakeDeadLetterQueue')).toContainEqual(from)
    const { Statement } = propertiesOf(by, 'LakeQueueKey').KeyPolicy as { Statement: { Sid?: string; Condition?: unknown }[] }
    expect(Statement.filter(({ Sid }) => Sid !== undefined).map(({ Condition }) => Condition)).toEqual([from.Condition])
  })
})

/** Who may send to a queue, and when. */
function sent(from: TemplateJson, queue: string) {
  const { Statement } = propertiesOf(from, `${queue}Policy`).PolicyDocument as {
    Statement: { Effect: string; Action: string; Principal: { Service: string }; Condition: unknown }[]
  }
  return Statement.filter(({ Effect, Action }) => Effect === 'Allow' && Action === 'sqs:SendMessage').map(({ Principal, Condition }) => ({
    service: Principal.Service,
    Condition,
  }))
}

describe('settings', () => {
  it('keep a message hidden six times as long as the function may run, and its batch window', () => {
    const { template: slow } = synthesised(() => ({ timeout: Duration.minutes(15), batchSize: 100, batchWindow: Duration.seconds(30) }))
    expect(propertiesOf(slow, 'LakeQueue').VisibilityTimeout).toBe(6 * 900 + 30)
    expect(propertiesOf(slow, 'LakeMessages')).toMatchObject({ BatchSize: 100, MaximumBatchingWindowInSeconds: 30 })
  })

  it('reach the function and its queue', () => {
    const { template: set } = synthesised(() => ({
      memory: 512,
      concurrency: 40,
      reservedConcurrency: 90,
      attempts: 3,
      logDays: 30,
      namespace: 'Security',
      environment: { STAGE: 'test' },
    }))
    expect(propertiesOf(set, 'LakeFunction')).toMatchObject({
      MemorySize: 512,
      ReservedConcurrentExecutions: 90,
      Environment: { Variables: { STAGE: 'test', OCSF_LAKE_NAMESPACE: 'Security' } },
    })
    expect(propertiesOf(set, 'LakeMessages').ScalingConfig).toEqual({ MaximumConcurrency: 40 })
    expect(propertiesOf(set, 'LakeQueue').RedrivePolicy).toMatchObject({ maxReceiveCount: 3 })
    expect(propertiesOf(set, 'LakeFunctionLog')).toEqual({ RetentionInDays: 30 })
  })

  it('set lifecycles', () => {
    const { template: set } = synthesised(() => ({
      logs: [{ lifecycle: { intelligentTieringDays: 0, glacierDays: 30, deepArchiveDays: 120, expireDays: 365 } }],
      lake: { lifecycle: {} },
    }))
    expect(propertiesOf(set, 'LakeLogs').LifecycleConfiguration).toMatchObject({
      Rules: [
        {
          ExpirationInDays: 365,
          Transitions: [
            { StorageClass: 'INTELLIGENT_TIERING', TransitionInDays: 0 },
            { StorageClass: 'GLACIER', TransitionInDays: 30 },
            { StorageClass: 'DEEP_ARCHIVE', TransitionInDays: 120 },
          ],
        },
      ],
    })
    expect(JSON.stringify(propertiesOf(set, 'Lake').LifecycleConfiguration)).not.toContain('Transitions')
  })

  it.each([
    [{ logs: [] }, 'No logs'],
    [{ logs: [{ prefix: '/AWSLogs' }] }, 'no prefix of keys'],
    [{ logs: [{ lifecycle: { glacierDays: 90, expireDays: 30 } }] }, 'days that grow'],
    [{ lake: { prefix: 'ocsf/' } }, 'no prefix'],
    [{ concurrency: 1 }, 'concurrency takes'],
    [{ batchSize: 100 }, 'needs a batchWindow'],
    [{ reservedConcurrency: 59 }, 'may want 60'],
    [{ backfill: { concurrency: 0 } }, 'concurrency takes'],
    [{ timeout: Duration.minutes(16) }, '900 seconds at most'],
    [{ logDays: 91 }, 'not for 91'],
  ] as const)('that cannot work are refused: %j', (props, sentence) => {
    expect(() => synthesised(() => props)).toThrow(expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(sentence) }))
  })

  it('that would take what backfills tell for raw logs are refused', () => {
    const both = (prefix?: string) =>
      synthesised(stack => {
        const bucket = Bucket.fromBucketName(stack, 'Both', 'example-both')
        return { logs: [{ bucket, prefix }], deadLetters: { bucket } }
      })
    expect(() => both()).toThrow('among the raw logs, below backfill/')
    expect(both('AWSLogs/').lake.deadLettersUrl).toBe('s3://example-both/rejects')
  })

  it('of a bucket that is made are refused beside one that is given', () => {
    const lifecycle = { expireDays: 1 }
    expect(() => synthesised(stack => ({ logs: [{ bucket: Bucket.fromBucketName(stack, 'Given', 'given'), lifecycle }] }))).toThrow('lifecycle is for')
    expect(() => synthesised(stack => ({ lake: { bucket: Bucket.fromBucketName(stack, 'Given', 'given'), lifecycle } }))).toThrow('lifecycle is for')
    expect(() => synthesised(stack => ({ logs: [{ bucket: Bucket.fromBucketName(stack, 'Given', 'given'), key: new Key(stack, 'Key') }] }))).toThrow(
      'key is for',
    )
  })
})
