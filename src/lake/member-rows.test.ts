// JSON records that are written by their pattern must give the very objects and outcomes that their events give one by one.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawn } from '../../fixtures/seed.js'
import { memberPatterns } from '../convert/member-patterns.js'
import { createConverter, loadPipeline, type Outcome, type Pipeline, type RowSink } from '../convert.js'
import { VERSIONS } from '../ocsf/facts.js'
import { uncompressed } from '../parquet/codec.js'
import { cloudtrail } from '../sources/cloudtrail.js'
import type { AnySource } from '../sources/source.js'
import { type Layout, plainLayout } from './layout.js'
import { createParts, type LakeObject } from './parts.js'

interface Result {
  readonly objects: readonly LakeObject[]
  readonly outcomes: readonly string[]
  readonly in: number
}

const SECRET = 'TopSecret42'

/** Records that were taken by their pattern, in all. */
let taken = 0

/** Converts a file in pieces, offering records or events only. */
async function convert(pipeline: Pipeline, bytes: Uint8Array, piece: number, withRows: boolean, layout: Layout = plainLayout, isCut = false): Promise<Result> {
  const objects: LakeObject[] = []
  const outcomes: string[] = []
  const fallback = { region: 'eu-central-1', account: '210987654321' }
  const parts = createParts({ unit: 'u', codec: uncompressed, layout, put: object => objects.push(object) })
  const sink: RowSink = {
    take(batch, from) {
      const end = parts.addRows(pipeline, batch, from, fallback)
      taken += end - from
      return end
    },
    fits: parts.fits,
  }
  const emit = (outcome: Outcome, raw: Uint8Array): void => {
    const issue = outcome.kind === 'event' ? parts.add(pipeline, outcome.event, outcome.rawBytes, fallback) : undefined
    if (outcome.kind !== 'event' || issue !== undefined || outcome.warnings.length > 0)
      outcomes.push(JSON.stringify({ ...outcome, ...issue, text: new TextDecoder().decode(raw) }))
  }
  const converter = await createConverter(
    { source: pipeline.source, ocsf: pipeline.version, observables: pipeline.observables, context: fallback },
    emit,
    (events, rawBytes, from) => parts.addMapped(pipeline, events, rawBytes, from, fallback),
    withRows ? sink : undefined,
  )
  for (let at = 0; at < bytes.length; at += piece) converter.push(bytes.slice(at, at + piece))
  if (isCut) converter.fail({ rule: 'gzip_truncated', expected: 'the end', found: 'none' })
  else converter.end()
  parts.seal()
  // those of several classes may come in another order
  return { objects: objects.sort((a, b) => (a.key < b.key ? -1 : 1)), outcomes: outcomes.sort(), in: converter.in }
}

async function expectSame(pipeline: Pipeline, log: string, piece: number, layout?: Layout, isCut?: boolean): Promise<Result> {
  const bytes = new TextEncoder().encode(log)
  const rows = await convert(pipeline, bytes, piece, true, layout, isCut)
  const events = await convert(pipeline, bytes, piece, false, layout, isCut)
  expect(rows.in).toBe(events.in)
  expect(rows.outcomes).toEqual(events.outcomes)
  expect(rows.objects.map(({ bytes: _, ...object }) => object)).toEqual(events.objects.map(({ bytes: _, ...object }) => object))
  for (const [at, { key, bytes: written }] of rows.objects.entries()) {
    expect(Buffer.compare(written, events.objects[at]!.bytes), key).toBe(0)
    expect(Buffer.from(written).includes(SECRET), key).toBe(false)
  }
  return rows
}

// ---- records ----

type Members = Record<string, unknown>
/** Chooses one of some: mostly one of the first two. */
type Pick = <T>(...some: readonly T[]) => T

const iso = (second: number): string => new Date(Date.UTC(2024, 4, 1) + second * 1000).toISOString().replace('.000Z', 'Z')
const accountOf = (pick: Pick): unknown => pick<unknown>('123456789012', '210987654321', '999900001111', '', '-', 12, null, undefined)

function identityOf(pick: Pick, n: number): unknown {
  const account = accountOf(pick)
  const session = pick('alice@example.com', `i-0${n}`, 'é', '', 'a:b', 'a/b', '-')
  const arn = pick(`arn:aws:sts::123456789012:assumed-role/door/${session}`, 'arn:aws:iam::123456789012:user/bob', 'bob', 'arn:', '', 'arn:aws:x/', null)
  const role = {
    type: 'AssumedRole',
    principalId: pick(`AROAEXAMPLE:${session}`, 'AROAEXAMPLE', 'AROA:', ''),
    arn,
    accountId: account,
    accessKeyId: pick('ASIAEXAMPLE', `ASIA${n}`, '', undefined),
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROAEXAMPLE',
        arn: 'arn:aws:iam::123456789012:role/door',
        accountId: account,
        userName: pick('door', 'gate', ''),
      },
      attributes: { creationDate: pick(iso(n), iso(0), 'May 1', '', undefined), mfaAuthenticated: pick<unknown>('false', 'true', 'maybe', true) },
      ...pick({}, {}, { webIdFederationData: { federatedProvider: 'arn:aws:iam::1:oidc', attributes: { a: n } } }),
    },
  }
  const user = {
    type: 'IAMUser',
    principalId: 'AIDAEXAMPLE',
    arn,
    accountId: account,
    accessKeyId: 'AKIAEXAMPLE',
    userName: pick('bob', `user${n}`, 'AIDAEXAMPLE', ''),
  }
  return pick<unknown>(
    role,
    user,
    { type: 'AWSService', invokedBy: pick('lambda.amazonaws.com', 'ec2.amazonaws.com', '') },
    { type: 'Root', principalId: '123456789012', arn: 'arn:aws:iam::123456789012:root', accountId: '123456789012' },
    { ...user, credentialId: pick('AKIAEXAMPLE', 'x'), onBehalfOf: { userId: `u${n}`, identityStoreArn: 'arn:aws:identitystore::1:d' } },
    { ...role, arn: undefined, invokedBy: 'x', identityProvider: 'p' },
    { type: 'Unknown', principalId: '', accountId: '' },
    { ...user, userName: undefined, arn: 'https://example.com/?a=1&b=2' },
    null,
    undefined,
    'somebody',
    {},
  )
}

const CALLS: readonly (readonly [source: string, name: string])[] = [
  ['s3', 'GetObject'],
  ['kms', 'Decrypt'],
  ['sts', 'AssumeRole'],
  ['iam', 'CreateUser'],
  ['iam', 'AttachRolePolicy'],
  ['sts', 'GetFederationToken'],
  ['signin', 'ConsoleLogin'],
  ['cognito-idp', 'InitiateAuth'],
]

function requestOf(pick: Pick, name: string, n: number): unknown {
  const role = pick('arn:aws:iam::123456789012:role/door', `arn:aws:iam::210987654321:role/${n}`, 'door', `arn:aws:iam::123456789012:role/`)
  const own: unknown =
    name === 'AssumeRole'
      ? { roleArn: role, roleSessionName: pick('alice', `s${n}`, '', `?X-Amz-Signature=${SECRET}&a=1`), durationSeconds: pick(3600, 900, 1.5) }
      : name === 'AttachRolePolicy'
        ? { roleName: pick('door', `r${n}`), policyArn: pick('arn:aws:iam::aws:policy/ReadOnly', 'x', '') }
        : name === 'CreateUser'
          ? { userName: pick('bob', `u${n}`, 'é', '') }
          : { bucketName: 'example', key: `k${n}`, Host: pick('example.com', '-', '') }
  return pick<unknown>(own, own, { ...(own as object), password: SECRET }, { name: 'x"y' }, {}, null, undefined, 'text', [1, 2], {
    a: { b: [`=?&X-Amz-Signature=${SECRET}`] },
  })
}

function responseOf(pick: Pick, name: string, n: number): unknown {
  const own: unknown =
    name === 'AssumeRole'
      ? {
          credentials: { accessKeyId: `ASIA${n}`, sessionToken: pick(SECRET, `${SECRET}${n}`), expiration: 'May 1, 2024, 1:00:00 AM' },
          assumedRoleUser: { assumedRoleId: `AROA:${pick('alice', `s${n}`)}`, arn: `arn:aws:sts::123456789012:assumed-role/door/${n}` },
        }
      : name === 'CreateUser'
        ? {
            user: {
              path: '/',
              arn: `arn:aws:iam::${pick('123456789012', '210987654321', 'x')}:user/u${n}`,
              userId: pick(`AIDA${n}`, 'arn:aws:iam::1:x'),
              userName: `u${n}`,
            },
          }
        : null
  return pick<unknown>(
    own,
    own,
    { [name]: pick('Success', 'Failure') },
    null,
    undefined,
    { secretAccessKey: SECRET, n },
    {},
    { federatedUser: { arn: `arn:aws:sts::1:federated-user/${n}` } },
  )
}

function recordOf(pick: Pick, n: number): Members {
  const [service, name] = pick(...CALLS)
  const arn = pick(`arn:aws:s3:::example/k${n}`, 'arn:aws:s3:::example', '', '-')
  const account = accountOf(pick)
  const whole: Members = {
    eventVersion: pick('1.09', '1.08', ''),
    userIdentity: identityOf(pick, n),
    eventTime: pick(iso(n), iso(n >> 2), iso(86_395 + n), `${iso(n).slice(0, -1)}.250Z`, 'yesterday', ''),
    eventSource: pick(`${service}.amazonaws.com`, `${service}.amazonaws.com`, ''),
    eventName: name,
    awsRegion: pick('us-east-1', 'us-east-1', 'eu-west-1', '', undefined),
    sourceIPAddress: pick('192.0.2.1', '2001:db8::1', `198.51.100.${n & 255}`, 'lambda.amazonaws.com', 'AWS Internal', '', undefined),
    userAgent: pick('aws-cli/2.15', `agent/${n}`, 'é', 'a "b"', '', '-', 'null', undefined, 'x'.repeat(300), 'x'.repeat(70_000)),
    errorCode: pick(undefined, undefined, 'AccessDenied', 'NoSuchKey', ''),
    errorMessage: pick(
      undefined,
      undefined,
      `denied ${n}`,
      'User: x is not authorized on resource: arn:aws:iam::123456789012:role/gate',
      'the "key"',
      'a?b&c',
      '',
    ),
    requestParameters: requestOf(pick, name, n),
    responseElements: responseOf(pick, name, n),
    additionalEventData: pick<unknown>(
      undefined,
      {
        SignatureVersion: 'SigV4',
        bytesTransferredIn: pick(0, n, 1e14),
        'x-amz-id-2': pick(`${n}=`, `?a=1&X-Amz-Signature=${SECRET}`, '', '-'),
        bytesTransferredOut: pick(0, n, 1.5, -1, 1e21),
      },
      { MFAUsed: 'Yes', LoginTo: 'https://example.com', sub: `s${n}` },
      { UserName: pick('bob', 'eve') },
      { none: '', empty: {}, list: [n] },
      'text',
      null,
    ),
    requestID: pick(`request-${n}`, `request-${n}`, '', undefined),
    eventID: pick(`event-${n}`, `event-${n}`, 'event-1', '', undefined),
    readOnly: pick<unknown>(true, false, 'true', null),
    resources: pick<unknown>(
      [{ accountId: account, type: 'AWS::KMS::Key', ARN: arn }],
      [
        { type: 'AWS::S3::Object', ARN: arn },
        { accountId: account, type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::example' },
      ],
      undefined,
      [
        { ARN: arn, accountId: account },
        { ARN: arn, accountId: account },
      ],
      [
        { ARNPrefix: 'arn:aws:s3:::example/', type: 'x' },
        { ARN: arn, extra: n },
      ],
      Array.from({ length: 10 }, (_, at) => ({ ARN: `arn:${at}`, accountId: account })),
      [],
      {},
      'text',
    ),
    eventType: pick('AwsApiCall', 'AwsServiceEvent', 'AwsConsoleSignIn'),
    managementEvent: pick(true, false, undefined),
    recipientAccountId: account,
    eventCategory: pick('Management', 'Data', 'Aggregated', undefined),
    sharedEventID: pick(undefined, undefined, `shared-${n}`),
    vpcEndpointId: pick(undefined, undefined, 'vpce-1', 'x'),
    tlsDetails: pick<unknown>(
      { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', clientProvidedHostHeader: `${service}.amazonaws.com` },
      { tlsVersion: 'TLSv1.3', cipherSuite: 'TLSv1.3', clientProvidedHostHeader: pick(`h${n}`, '', '-', null, `?X-Amz-Signature=${SECRET}&b=1`) },
      undefined,
      'text',
    ),
    ...pick<Members>({}, {}, { brandNew: pick<unknown>(1, 'x', { y: n }, [n], n) }, { sessionCredentialFromConsole: 'true' }),
    ...pick<Members>({}, {}, {}, {}, { insightDetails: { eventName: name, eventSource: service, state: 'Start' }, sharedEventID: `s${n}` }),
  }
  return pick<Members>(whole, whole, whole, whole, whole, whole, { 'detail-type': 'AWS API Call via CloudTrail', account: '123456789012', detail: whole })
}

/** Draws by numbers: mostly one of the first two, which is what logs mostly say. */
function picker(numbers: readonly number[]): Pick {
  let at = 0
  return (...some) => some[numbers[at++ % numbers.length]! % some.length]!
}

const usual = fc.oneof({ weight: 30, arbitrary: fc.nat({ max: 1 }) }, fc.nat({ max: 11 }))
const record = fc.record({ numbers: fc.array(usual, { minLength: 61, maxLength: 61 }), times: fc.nat({ max: 4 }) })
const fileOf = (records: readonly string[], kind: number): string =>
  kind === 0
    ? `{"Records":[${records.join(',')}]}`
    : kind === 1
      ? records.join('\n')
      : kind === 2
        ? `{"Records":[${records.join(',\n ')}]}`
        : `[${records.join(' , ')}`

/** A log of usual records that is long enough for its patterns to be worth learning. */
function longLog(records: number): string {
  return fileOf(
    Array.from({ length: records }, (_, n) => usualRecord(n)),
    0,
  )
}

const KINDS = Array.from({ length: 40 }, (_, kind) => Array.from({ length: 61 }, (__, at) => (((kind + 1) * (at + 3) * 2654435761) >>> 7) & 1))
const usualRecord = (n: number): string => JSON.stringify(recordOf(picker(KINDS[n % KINDS.length]!), n))

describe.each(VERSIONS)('CloudTrail at %s', version => {
  it('gives the objects that its events give', { timeout: 120_000 }, async () => {
    for (const observables of [true, false]) {
      const pipeline = await loadPipeline(cloudtrail as AnySource, version, observables)
      const before = taken
      await expectSame(pipeline, longLog(3000), 65_536)
      expect(taken - before).toBeGreaterThan(1000)
    }
  })

  it('gives them whatever the records say', { timeout: 300_000 }, async () => {
    const pipeline = await loadPipeline(cloudtrail as AnySource, version)
    await convert(pipeline, new TextEncoder().encode(longLog(3000)), 65_536, true) // so that patterns are known
    const patterns = memberPatterns(pipeline)!
    const before = taken
    let all = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 20, size: 'max' }),
        fc.nat({ max: 5000 }),
        fc.nat({ max: 3 }),
        fc.boolean(),
        fc.nat({ max: 9 }),
        async (drawnRecords, piece, kind, isRefusing, cut) => {
          // a log of which no two records are alike turns off its patterns
          Object.assign(patterns, { idle: false, windowRows: 0, windowKeys: 0, windowTurns: 0 })
          const records = drawnRecords.flatMap(({ numbers, times }, at) => [
            // a dash may be written with an escape, too
            ...Array.from({ length: times + 1 }, (_, n) =>
              JSON.stringify(recordOf(picker(numbers), at * 7 + n)).replaceAll('"-"', kind === 2 ? '"\\u002d"' : '"-"'),
            ),
            ...Array.from({ length: 4 }, (_, n) => usualRecord(at * 17 + n + 1000)),
          ])
          all += records.length
          const log = fileOf(records, kind)
          const layout: Layout = isRefusing
            ? {
                ...plainLayout,
                refuse: (_, __, { accountId }) => (accountId === '210987654321' ? { path: '', rule: 'no', expected: 'a', found: 'b' } : undefined),
              }
            : plainLayout
          await expectSame(pipeline, cut === 0 ? log.slice(0, -100) : log, 3000 + piece, layout, cut === 0)
        },
      ),
      { numRuns: drawn(60) },
    )
    expect(taken - before).toBeGreaterThan(all / 3)
  })
})

it('holds where a log has more texts than are remembered, and more records than a part', { timeout: 120_000 }, async () => {
  const pipeline = await loadPipeline({ ...(cloudtrail as AnySource) }) // with patterns of its own
  const records = Array.from({ length: 50_000 }, (_, n) => {
    const usual = recordOf(picker(KINDS[n % KINDS.length]!), n)
    return JSON.stringify({ ...usual, userAgent: `agent/${n >> 2}`, errorMessage: `denied ${n >> 2}`, requestID: `request-${n >> 2}`, note: 'x'.repeat(300) })
  })
  const log = fileOf(records, 0)
  expect(log.length).toBeGreaterThan(64 * 2 ** 20)
  const before = taken
  const { objects } = await expectSame(pipeline, log, 65_536)
  expect(new Set(objects.map(({ key }) => key.slice(key.lastIndexOf('/')))).size).toBeGreaterThan(1)
  expect(taken - before).toBeGreaterThan(30_000)
})
