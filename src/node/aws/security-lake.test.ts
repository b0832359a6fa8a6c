/** Writing to Security Lake: with the provider role of each custom source, below the location it was given, and nothing else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SecurityLakeTarget } from '../../lake/security-lake.js'
import { cloudtrail } from '../../sources/cloudtrail.js'
import { vpcFlow } from '../../sources/vpc-flow.js'
import { main } from '../cli.js'
import { convertFiles } from '../convert-files.js'
import type { ConvertFilesOptions } from '../options.js'
import { type FaultyProxy, listening, objectsBelow, type RunningServer, startFauxqs, startProxy, TEST_CREDENTIALS, testClient } from './testing.js'

interface AssumeRole {
  readonly form: URLSearchParams
  readonly authorization: string
}

let server: RunningServer
let sts: RunningServer
let proxy: FaultyProxy
let client: S3Client
let folder: string
let assumed: AssumeRole[] = []
let writes: { readonly url: string; readonly key: string; readonly headers: IncomingMessage['headers'] }[] = []
/** Seconds for which the credentials that STS gives are good. */
let lifetime = 3600
let denied = false
let runs = 0

/** STS as AssumeRole knows it; the access key that it gives names the role. */
const stsServer = createServer((request, response) => {
  let body = ''
  request.on('data', chunk => (body += chunk))
  request.on('end', () => {
    const form = new URLSearchParams(body)
    const authorization = request.headers.authorization ?? ''
    assumed.push({ form, authorization })
    const known = form.get('Action') === 'AssumeRole' && form.get('Version') === '2011-06-15' && form.get('ExternalId') === 'example-external-id' && !denied
    response.writeHead(known ? 200 : 403, { 'content-type': 'text/xml' })
    const expiration = new Date(Date.now() + lifetime * 1000).toISOString()
    response.end(
      known
        ? `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/ocsf-lake</Arn><AssumedRoleId>AROAEXAMPLE:ocsf-lake</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIA${form.get('RoleArn')!.includes('vpc-flow') ? 'FLOW' : 'TRAIL'}</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
        : '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>',
    )
  })
})

beforeAll(async () => {
  server = await startFauxqs()
  proxy = await startProxy(server.url)
  sts = await listening(stsServer)
  client = testClient(server.url)
  process.env.AWS_ACCESS_KEY_ID = TEST_CREDENTIALS.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = TEST_CREDENTIALS.secretAccessKey
  process.env.AWS_ENDPOINT_URL_STS = sts.url
  process.env.AWS_ENDPOINT_URL_S3 = proxy.url
})
afterAll(async () => {
  delete process.env.AWS_ENDPOINT_URL_STS
  delete process.env.AWS_ENDPOINT_URL_S3
  client.destroy()
  for (const one of [proxy, sts, server]) await one.stop()
})

let target: SecurityLakeTarget
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-sl-'))
  const bucket = `aws-security-data-lake-eu-central-1-${++runs}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const registered = (source: string, classUid: number) => ({
    source,
    classUid,
    name: `${source}-${classUid}`,
    location: `s3://${bucket}/ext/${source}-${classUid}/`,
    // another one for each test: clients and their credentials are kept as long as the process lives
    roleArn: `arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-${source}-${classUid}-eu-central-1-${runs}`,
  })
  target = { region: 'eu-central-1', externalId: 'example-external-id', sources: [registered('vpc-flow', 4001), registered('cloudtrail', 6003)] }
  assumed = []
  writes = []
  lifetime = 3600
  denied = false
  proxy.requests.length = 0
  proxy.intercept = ({ method, headers, url }) => {
    const key = /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
    if (method === 'PUT') writes.push({ url: url!, key, headers })
    return false
  }
  put('AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/05/01/flow.log', `${HEADER}\n${flow('123456789012')}\n${flow('210987654321')}\n`)
  put('AWSLogs/123456789012/CloudTrail/us-west-2/2024/05/01/trail.json', JSON.stringify({ Records: [trail] }))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const put = (key: string, text: string): void => writeFileSync(join(folder, key.replaceAll('/', '_')), text)
const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (account: string) => `2 ${account} eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 50000 443 6 10 840 1714521600 1714521660 ACCEPT OK`
const trail = {
  eventVersion: '1.09',
  userIdentity: { type: 'IAMUser', principalId: 'AIDAEXAMPLE', arn: 'arn:aws:iam::123456789012:user/alice', accountId: '123456789012', userName: 'alice' },
  eventTime: '2024-05-01T00:00:00Z',
  eventSource: 's3.amazonaws.com',
  eventName: 'ListBuckets',
  awsRegion: 'us-west-2',
  sourceIPAddress: '192.0.2.10',
  userAgent: 'aws-cli/2.15.30',
  requestID: 'REQ1',
  eventID: '00000000-0000-4000-a000-000000000001',
  eventType: 'AwsApiCall',
  recipientAccountId: '123456789012',
}

const run = (options: Partial<ConvertFilesOptions> = {}) => convertFiles({ inputs: [folder], lake: target, s3: { attempts: 2 }, ...options })
const bucketOf = ({ sources }: SecurityLakeTarget) => sources[0]!.location.split('/')[2]!

describe('a Security Lake', () => {
  it('gets each class below the location of its custom source, by the role of that source', async () => {
    const report = await run()
    expect(report.records).toMatchObject({ in: 3, written: 3, rejected: 0 })
    const bucket = bucketOf(target)
    const keys = report.objects.map(({ key }) => key.replace(/[0-9a-f]{32}\.parquet$/, ''))
    expect(keys.sort()).toEqual([
      `s3://${bucket}/ext/cloudtrail-6003/region=eu-central-1/accountId=123456789012/eventDay=20240501/`,
      `s3://${bucket}/ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/`,
      `s3://${bucket}/ext/vpc-flow-4001/region=eu-central-1/accountId=210987654321/eventDay=20240501/`,
    ])
    expect([...(await objectsBelow(client, bucket, '')).keys()].map(key => `s3://${bucket}/${key}`)).toEqual(report.objects.map(({ key }) => key).sort())
    for (const { url, key } of writes) expect(key).toBe(url.includes('/ext/vpc-flow-4001/') ? 'ASIAFLOW' : 'ASIATRAIL')
    expect(assumed.map(({ form }) => form.get('RoleArn')).sort()).toEqual(target.sources.map(({ roleArn }) => roleArn).sort())
    for (const { form, authorization } of assumed) {
      expect(Object.fromEntries(form)).toMatchObject({ Action: 'AssumeRole', ExternalId: 'example-external-id', RoleSessionName: 'ocsf-lake' })
      expect(authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request, SignedHeaders=.+, Signature=[0-9a-f]{64}$/,
      )
    }
  })

  it('needs Get, List and Put only, and finds its objects unchanged the next time', async () => {
    const first = await run()
    expect(new Set(proxy.requests.map(line => line.split(' ')[0]))).toEqual(new Set(['GET', 'HEAD', 'PUT']))
    const again = await run()
    expect(again.objects).toEqual(first.objects.map(object => ({ ...object, put: 'unchanged' })))
  })

  it('has the role assumed again before the credentials expire', async () => {
    lifetime = 60 // within the five minutes in which the SDK looks for new ones
    await run({ inputs: [join(folder, '*flow*')] })
    expect(assumed.filter(({ form }) => form.get('RoleArn')!.includes('vpc-flow')).length).toBeGreaterThan(1)
    lifetime = 3600
    await run({ inputs: [join(folder, '*flow*')] })
    const before = assumed.length
    await run({ inputs: [join(folder, '*flow*')] })
    expect(assumed.length).toBe(before)
  })

  it('is encrypted with its key', async () => {
    const kmsKey = 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-a000-000000000001'
    await run({ lake: { ...target, kmsKey } })
    for (const { headers } of writes) {
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': kmsKey,
        'content-type': 'application/vnd.apache.parquet',
      })
      expect(headers['x-amz-checksum-sha256']).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    }
    expect(writes).toHaveLength(3)
  })

  it('rejects what has no account or no custom source there', async () => {
    put('plain.log', `version srcaddr dstaddr start end action\n2 192.0.2.1 198.51.100.7 1714521600 1714521660 ACCEPT\n`)
    const login = {
      ...trail,
      eventName: 'ConsoleLogin',
      eventSource: 'signin.amazonaws.com',
      eventType: 'AwsConsoleSignIn',
      responseElements: { ConsoleLogin: 'Success' },
    }
    put('login.json', JSON.stringify({ Records: [login] }))
    const report = await run({ rejects: join(folder, '..', `rejects-${runs}`) })
    expect(report.records).toMatchObject({ in: 5, written: 3, rejected: 2 })
    expect(report.rejected).toEqual({ 'vpc-flow': { account_unknown: 1 }, cloudtrail: { custom_source_missing: 1 } })
    expect((await run({ account: '123456789012' })).rejected).toEqual({ cloudtrail: { custom_source_missing: 1 } })
    rmSync(join(folder, '..', `rejects-${runs}`), { recursive: true })
  })

  it('says what to do when the role does not let itself be assumed', async () => {
    denied = true
    await expect(run()).rejects.toMatchObject({
      code: 'role_refused',
      message: `The role ${target.sources[0]!.roleArn} does not let itself be assumed: run as the principal and with the external id that the custom source was registered with, and allow that principal sts:AssumeRole on the role. STS said User is not authorized to perform: sts:AssumeRole`,
    })
  })

  it.each<[string, Partial<ConvertFilesOptions>, string, RegExp]>([
    ['a newer OCSF', { ocsf: '1.5.0' }, 'version_unknown', /use --ocsf 1\.1\.0 or 1\.3\.0, or write 1\.5\.0 to a lake of your own/],
    ['two places', { out: 'lake' }, 'option_invalid', /give one of them/],
    ['NDJSON', { format: 'ndjson' }, 'option_invalid', /Parquet only/],
    [
      'a source that is not registered',
      { source: { ...cloudtrail, id: 'waf' } },
      'option_invalid',
      /No custom source is registered for waf: run ocsf-lake register/,
    ],
  ])('refuses %s', async (_name, options, code, message) => {
    await expect(run(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(proxy.requests).toEqual([])
  })

  it('is given to the command as a file', async () => {
    const file = join(folder, '..', `lake-${runs}.json`)
    writeFileSync(file, JSON.stringify(target))
    expect(await main(['convert', folder, '--source', vpcFlow.id, '--security-lake', file])).toBe(0)
    expect(writes.filter(({ url }) => url.includes('vpc-flow-4001'))).toHaveLength(2)
    writeFileSync(file, '{')
    expect(await main(['convert', folder, '--security-lake', file])).toBe(1)
    rmSync(file)
  })
})
