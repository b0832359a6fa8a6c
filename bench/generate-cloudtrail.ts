/** CloudTrail files: `{"Records":[…]}`, one account and region each, as a trail delivers them. */
import { createRandom, FILE_SECONDS, publicIp, type Random, START, stamp } from './random.js'

export interface CloudTrailFile {
  /** Key below the data folder, as AWS names it. */
  readonly key: string
  readonly text: string
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json | undefined }
type Members = Readonly<Record<string, Json | undefined>>

interface World {
  readonly random: Random
  readonly account: string
  readonly region: string
  readonly roles: readonly Role[]
  readonly users: readonly User[]
  readonly buckets: readonly string[]
  readonly keys: readonly string[]
  readonly functions: readonly string[]
  readonly subnets: readonly string[]
}

interface Role {
  readonly name: string
  readonly id: string
  readonly account: string
  /** Session names; a few per role come again and again. */
  readonly sessions: readonly { readonly name: string; readonly key: string; readonly created: number; readonly mfa: boolean }[]
  readonly agent: string
  readonly address: string
}

interface User {
  readonly name: string
  readonly id: string
  readonly key: string
  readonly agent: string
  readonly address: string
}

interface Call {
  readonly source: string
  readonly name: string
  readonly readOnly: boolean
  /** How often, relative to the others. */
  readonly weight: number
  readonly type?: string
  readonly isData?: boolean
  readonly request: (world: World) => Members | null
  readonly response?: (world: World, request: Members | null, callerArn: string | undefined) => Members | null
  readonly resources?: (world: World, request: Members | null) => readonly Members[]
}

const AGENTS = [
  'Boto3/1.34.100 md/Botocore#1.34.100 ua/2.0 os/linux#5.10.215-203.850.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.34.100',
  'aws-sdk-go-v2/1.26.1 os/linux lang/go#1.22.3 md/GOOS#linux md/GOARCH#amd64 api/s3#1.53.1',
  'aws-cli/2.15.45 Python/3.11.8 Linux/6.1.90-99.173.amzn2023.x86_64 exe/x86_64.amzn.2023 prompt/off command/s3.cp',
  'APN/1.0 HashiCorp/1.0 Terraform/1.8.3 (+https://www.terraform.io) terraform-provider-aws/5.49.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.26.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36',
  'aws-sdk-java/2.25.50 Linux/5.10.215 OpenJDK_64-Bit_Server_VM/21.0.3+9-LTS Java/21.0.3 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/standard',
  'aws-sdk-js/3.574.0 ua/2.0 os/linux#6.1.90 lang/js md/nodejs#20.13.1 api/dynamodb#3.574.0',
]

const CALLS: readonly Call[] = [
  {
    source: 's3.amazonaws.com',
    name: 'GetObject',
    readOnly: true,
    weight: 24,
    isData: true,
    request: objectRequest,
    resources: objectResources,
  },
  {
    source: 'kms.amazonaws.com',
    name: 'Decrypt',
    readOnly: true,
    weight: 18,
    request: ({ random, buckets }) => ({
      encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::${random.popular(buckets)}` },
      encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    }),
    resources: keyResources,
  },
  {
    source: 'sts.amazonaws.com',
    name: 'AssumeRole',
    readOnly: true,
    weight: 12,
    request: ({ random, roles }) => {
      const role = random.popular(roles)
      return { roleArn: `arn:aws:iam::${role.account}:role/${role.name}`, roleSessionName: random.pick(role.sessions).name, durationSeconds: 3600 }
    },
    response: ({ random, roles }, request) => {
      const arn = String(request?.roleArn)
      const role = roles.find(one => arn.endsWith(`/${one.name}`))!
      const session = String(request?.roleSessionName)
      return {
        credentials: { accessKeyId: `ASIA${random.id(16)}`, sessionToken: `IQoJb3JpZ2luX2Vj${random.id(160)}`, expiration: 'May 1, 2024, 1:00:00 AM' },
        assumedRoleUser: { assumedRoleId: `${role.id}:${session}`, arn: `arn:aws:sts::${role.account}:assumed-role/${role.name}/${session}` },
      }
    },
    resources: (_, request) => [{ accountId: String(request?.roleArn).split(':')[4], type: 'AWS::IAM::Role', ARN: String(request?.roleArn) }],
  },
  { source: 'ec2.amazonaws.com', name: 'DescribeInstances', readOnly: true, weight: 9, request: instancesRequest },
  {
    source: 's3.amazonaws.com',
    name: 'PutObject',
    readOnly: false,
    weight: 8,
    isData: true,
    request: world => ({ ...objectRequest(world), 'x-amz-server-side-encryption': 'aws:kms' }),
    response: ({ random, keys }) => ({ 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': random.popular(keys) }),
    resources: objectResources,
  },
  {
    source: 'kms.amazonaws.com',
    name: 'GenerateDataKey',
    readOnly: true,
    weight: 7,
    request: ({ random, keys, buckets }) => ({
      keyId: random.popular(keys),
      keySpec: 'AES_256',
      encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::${random.popular(buckets)}` },
    }),
    resources: keyResources,
  },
  {
    source: 'logs.amazonaws.com',
    name: 'CreateLogStream',
    readOnly: false,
    weight: 5,
    request: ({ random, functions }) => ({ logGroupName: `/aws/lambda/${random.popular(functions)}`, logStreamName: `2024/05/01/[$LATEST]${random.hex(32)}` }),
  },
  {
    source: 'dynamodb.amazonaws.com',
    name: 'DescribeTable',
    readOnly: true,
    weight: 4,
    request: ({ random }) => ({ tableName: `orders-${random.skewed(30)}` }),
  },
  {
    source: 'lambda.amazonaws.com',
    name: 'Invoke',
    readOnly: false,
    weight: 3,
    isData: true,
    request: ({ random, account, region, functions }) => ({
      functionName: `arn:aws:lambda:${region}:${account}:function:${random.popular(functions)}`,
      invocationType: 'RequestResponse',
    }),
    resources: ({ account }, request) => [{ accountId: account, type: 'AWS::Lambda::Function', ARN: String(request?.functionName) }],
  },
  { source: 'ec2.amazonaws.com', name: 'DescribeVolumes', readOnly: true, weight: 2, request: instancesRequest },
  {
    source: 'ec2.amazonaws.com',
    name: 'RunInstances',
    readOnly: false,
    weight: 1.5,
    request: ({ random, subnets }) => ({
      instancesSet: { items: [{ imageId: `ami-0${random.hex(16)}`, minCount: 1, maxCount: 2 }] },
      instanceType: random.pick(['m6i.large', 'c6g.xlarge', 't3.medium']),
      blockDeviceMapping: {},
      monitoring: { enabled: false },
      networkInterfaceSet: { items: [{ deviceIndex: 0, subnetId: random.pick(subnets), deleteOnTermination: true }] },
    }),
    response: ({ random, account, subnets }) => ({
      requestId: random.uuid(),
      reservationId: `r-0${random.hex(16)}`,
      ownerId: account,
      instancesSet: {
        items: Array.from({ length: 1 + random.below(2) }, (_, launchIndex) => ({
          instanceId: `i-0${random.hex(16)}`,
          imageId: `ami-0${random.hex(16)}`,
          instanceState: { code: 0, name: 'pending' },
          privateIpAddress: `10.0.${random.below(256)}.${1 + random.below(254)}`,
          subnetId: random.pick(subnets),
          amiLaunchIndex: launchIndex,
          placement: { availabilityZone: 'us-east-1a', tenancy: 'default' },
        })),
      },
    }),
  },
  { source: 'iam.amazonaws.com', name: 'GetRole', readOnly: true, weight: 2, request: ({ random, roles }) => ({ roleName: random.popular(roles).name }) },
  {
    source: 'ec2.amazonaws.com',
    name: 'DeleteNetworkInterface',
    readOnly: false,
    weight: 1,
    request: ({ random }) => ({ networkInterfaceId: `eni-0${random.hex(16)}` }),
    response: ({ random }) => ({ requestId: random.uuid(), _return: true }),
  },
  {
    source: 'iam.amazonaws.com',
    name: 'AttachRolePolicy',
    readOnly: false,
    weight: 0.7,
    request: ({ random, roles }) => ({
      roleName: random.pick(roles).name,
      policyArn: `arn:aws:iam::aws:policy/${random.pick(['ReadOnlyAccess', 'AmazonS3ReadOnlyAccess'])}`,
    }),
  },
  {
    source: 'iam.amazonaws.com',
    name: 'CreateUser',
    readOnly: false,
    weight: 0.3,
    request: ({ random }) => ({ userName: `svc-${random.hex(6)}` }),
    response: ({ random, account }, request) => ({
      user: {
        path: '/',
        arn: `arn:aws:iam::${account}:user/${String(request?.userName)}`,
        userId: `AIDA${random.id(17)}`,
        createDate: 'May 1, 2024, 12:00:00 AM',
        userName: String(request?.userName),
      },
    }),
  },
  {
    source: 'signin.amazonaws.com',
    name: 'ConsoleLogin',
    readOnly: false,
    weight: 0.5,
    type: 'AwsConsoleSignIn',
    request: () => null,
    response: ({ random }) => ({ ConsoleLogin: random.chance(0.9) ? 'Success' : 'Failure' }),
  },
]

function objectRequest({ random, buckets, region }: World): Members {
  const bucket = random.popular(buckets)
  return {
    bucketName: bucket,
    Host: `${bucket}.s3.${region}.amazonaws.com`,
    key: `year=2024/month=05/day=0${1 + random.below(9)}/part-${String(random.below(1000)).padStart(5, '0')}-${random.hex(16)}.snappy.parquet`,
  }
}

function objectResources({ account }: World, request: Members | null): Members[] {
  const bucket = `arn:aws:s3:::${String(request?.bucketName)}`
  return [
    { type: 'AWS::S3::Object', ARN: `${bucket}/${String(request?.key)}` },
    { accountId: account, type: 'AWS::S3::Bucket', ARN: bucket },
  ]
}

function keyResources({ random, account, keys }: World, request: Members | null): Members[] {
  return [{ accountId: account, type: 'AWS::KMS::Key', ARN: typeof request?.keyId === 'string' ? request.keyId : random.popular(keys) }]
}

function instancesRequest({ random }: World): Members {
  return {
    instancesSet: { items: Array.from({ length: random.below(4) }, () => ({ instanceId: `i-0${random.hex(16)}` })) },
    filterSet: { items: [{ name: 'tag:Name', valueSet: { items: [{ value: `web-${random.skewed(99)}` }] } }] },
  }
}

const SERVICES = ['lambda.amazonaws.com', 'autoscaling.amazonaws.com', 'ec2.amazonaws.com', 'cloudformation.amazonaws.com']
const ERRORS = ['AccessDenied', 'Client.UnauthorizedOperation', 'ThrottlingException', 'NoSuchKey']

const iso = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`

/** One file after another; `records` counts those of each. Every event id is given once. */
export function* cloudTrailFiles(files: number, records: number, seed: number): Generator<CloudTrailFile> {
  const random = createRandom(seed + 6003)
  const accounts = ['123456789012', '210987654321', '111122223333', '444455556666']
  const regions = ['us-east-1', 'eu-west-1']
  const worlds = accounts.map((account, at) => worldOf(random, account, regions[at % regions.length]!))
  const pickCall = weighted(random)
  for (let file = 0; file < files; file++) {
    const world = worlds[file % worlds.length]!
    const begin = START + file * FILE_SECONDS
    const all: Members[] = []
    for (let at = 0; at < records; at++) {
      all.push(recordOf(world, pickCall(), begin + Math.floor((at * FILE_SECONDS) / records) + random.below(3)))
    }
    const { account, region } = world
    const day = new Date(begin * 1000).toISOString().slice(0, 10).replaceAll('-', '/')
    const name = `${account}_CloudTrail_${region}_${stamp(begin)}_${random.id(16)}.json.gz`
    yield { key: `AWSLogs/${account}/CloudTrail/${region}/${day}/${name}`, text: JSON.stringify({ Records: all }) }
  }
}

function weighted(random: Random): () => Call {
  const total = CALLS.reduce((sum, { weight }) => sum + weight, 0)
  return () => {
    let left = random.unit() * total
    for (const call of CALLS) {
      left -= call.weight
      if (left < 0) return call
    }
    return CALLS[0]!
  }
}

function worldOf(random: Random, account: string, region: string): World {
  const { hex, id, pick, below } = random
  const names = ['app', 'worker', 'ci-deploy', 'lambda-exec', 'eks-node', 'glue-job', 'backup']
  return {
    random,
    account,
    region,
    roles: Array.from({ length: 60 }, () => {
      // a few are called from another account
      const owner = random.chance(0.08) ? '999900001111' : account
      const agent = pick(AGENTS)
      return {
        name: `${pick(names)}-${hex(6)}`,
        id: `AROA${id(17)}`,
        account: owner,
        agent,
        address: publicIp(random),
        sessions: Array.from({ length: 6 }, () => ({
          name: pick([`i-0${hex(16)}`, `botocore-session-${1_714_500_000 + below(21_600)}`, 'alice@example.com', hex(20)]),
          key: `ASIA${id(16)}`,
          created: START - below(3600),
          mfa: random.chance(0.1),
        })),
      }
    }),
    users: Array.from({ length: 25 }, (_, at) => ({
      name: `${pick(['alice', 'bob', 'carol', 'dave', 'erin', 'svc-backup'])}${at}`,
      id: `AIDA${id(17)}`,
      key: `AKIA${id(16)}`,
      agent: pick(AGENTS),
      address: publicIp(random),
    })),
    buckets: Array.from({ length: 30 }, () => `example-${pick(['data', 'logs', 'assets'])}-${hex(8)}`),
    keys: Array.from({ length: 12 }, () => `arn:aws:kms:${region}:${account}:key/${random.uuid()}`),
    functions: Array.from({ length: 40 }, () => `${pick(['resize', 'ingest', 'notify'])}-${hex(6)}`),
    subnets: Array.from({ length: 8 }, () => `subnet-0${hex(16)}`),
  }
}

interface Caller {
  readonly identity: Members
  readonly arn: string | undefined
  readonly agent: string
  readonly address: string
}

function callerOf({ random, account, roles, users }: World, isConsole: boolean): Caller {
  const kind = isConsole ? 0.9 : random.unit()
  if (kind < 0.7) {
    const role = random.popular(roles)
    const session = random.popular(role.sessions)
    const arn = `arn:aws:sts::${role.account}:assumed-role/${role.name}/${session.name}`
    return {
      identity: {
        type: 'AssumedRole',
        principalId: `${role.id}:${session.name}`,
        arn,
        accountId: role.account,
        accessKeyId: session.key,
        sessionContext: {
          sessionIssuer: {
            type: 'Role',
            principalId: role.id,
            arn: `arn:aws:iam::${role.account}:role/${role.name}`,
            accountId: role.account,
            userName: role.name,
          },
          attributes: { creationDate: iso(session.created), mfaAuthenticated: String(session.mfa) },
        },
      },
      arn,
      agent: role.agent,
      address: role.address,
    }
  }
  if (kind < 0.84) {
    const service = random.popular(SERVICES)
    return { identity: { type: 'AWSService', invokedBy: service }, arn: undefined, agent: service, address: service }
  }
  if (kind < 0.98) {
    const user = random.popular(users)
    const arn = `arn:aws:iam::${account}:user/${user.name}`
    const key = isConsole ? {} : { accessKeyId: user.key }
    return {
      identity: { type: 'IAMUser', principalId: user.id, arn, accountId: account, ...key, userName: user.name },
      arn,
      agent: user.agent,
      address: user.address,
    }
  }
  const arn = `arn:aws:iam::${account}:root`
  return { identity: { type: 'Root', principalId: account, arn, accountId: account }, arn, agent: AGENTS[4]!, address: users[0]!.address }
}

function recordOf(world: World, call: Call, seconds: number): Members {
  const { random, account, region } = world
  const isConsole = call.type === 'AwsConsoleSignIn'
  const caller = callerOf(world, isConsole)
  const request = call.request(world)
  const response = call.response?.(world, request, caller.arn) ?? null
  const failed = !isConsole && random.chance(0.05)
  const action = `${call.source.split('.')[0]}:${call.name}`
  const isS3 = call.source === 's3.amazonaws.com'
  const additional = isS3
    ? {
        SignatureVersion: 'SigV4',
        CipherSuite: 'TLS_AES_128_GCM_SHA256',
        bytesTransferredIn: call.readOnly ? 0 : random.below(1e6),
        AuthenticationMethod: 'AuthHeader',
        'x-amz-id-2': `${random.id(75)}=`,
        bytesTransferredOut: call.readOnly ? random.below(1e7) : 0,
      }
    : isConsole
      ? { LoginTo: 'https://console.aws.amazon.com/console/home', MobileVersion: 'No', MFAUsed: random.chance(0.7) ? 'Yes' : 'No' }
      : undefined
  const error = random.pick(ERRORS)
  return {
    eventVersion: random.chance(0.85) ? '1.09' : '1.08',
    userIdentity: caller.identity,
    eventTime: iso(seconds),
    eventSource: call.source,
    eventName: call.name,
    awsRegion: region,
    sourceIPAddress: caller.address,
    userAgent: caller.agent,
    errorCode: failed ? error : undefined,
    errorMessage: failed ? messageOf(error, caller, action, call.name) : undefined,
    requestParameters: request,
    responseElements: failed ? null : response,
    additionalEventData: additional,
    requestID: isConsole ? undefined : random.uuid(),
    eventID: random.uuid(),
    readOnly: call.readOnly,
    resources: call.resources?.(world, request),
    eventType: call.type ?? 'AwsApiCall',
    managementEvent: call.isData !== true,
    recipientAccountId: account,
    eventCategory: call.isData === true ? 'Data' : 'Management',
    tlsDetails:
      caller.arn === undefined
        ? undefined
        : { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', clientProvidedHostHeader: `${call.source.split('.')[0]}.${region}.amazonaws.com` },
  }
}

function messageOf(error: string, { arn }: Caller, action: string, name: string): string {
  switch (error) {
    case 'ThrottlingException':
      return 'Rate exceeded'
    case 'NoSuchKey':
      return 'The specified key does not exist.'
    default:
      return `User: ${arn ?? 'AWS service'} is not authorized to perform: ${action} because no identity-based policy allows the "${name}" action`
  }
}
