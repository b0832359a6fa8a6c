// Requests and responses that are passed on unread must give the very objects that they give where they are read.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createConverter, loadPipeline, type Outcome, type Pipeline } from '../convert.js'
import { type Json, parseJson, UnreadJson } from '../json.js'
import { VERSIONS } from '../ocsf/facts.js'
import { uncompressed } from '../parquet/codec.js'
import { SECRET_KEYS } from '../sources/aws/secrets.js'
import { cloudtrail } from '../sources/cloudtrail.js'
import { createParts, type LakeObject } from './parts.js'

const SECRET = 'TopSecret42'
const ARN = 'arn:aws:sts::123456789012:assumed-role/door/alice'

const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'bucketName', 'items', 'userName', 'roleArn', 'roleSessionName', 'ConsoleLogin', '1', 'é', 'name') },
  { weight: 1, arbitrary: fc.constantFrom(...SECRET_KEYS, 'PASSWORD', 'SessionToken') },
)
const text = fc.constantFrom('x', 'alice', 'example-bucket', 'Failure', '', '-', ARN, 'é', 'a"b', `https://example.com/?b=1&X-Amz-Signature=${SECRET}`)
const { members } = fc.letrec<{ value: Json; members: Json }>(tie => ({
  value: fc.oneof({ maxDepth: 3 }, text, fc.constantFrom<Json>(null, true, 0, -1.5, 1714521600), fc.array(tie('value'), { maxLength: 2 }), tie('members')),
  members: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
}))
/** With secrets under all names of secrets. */
const withSecrets = (value: Json): Json => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withSecrets)
  const isSecret = (name: string): boolean => SECRET_KEYS.some(secret => secret.toLowerCase() === name.toLowerCase())
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, isSecret(name) && typeof member === 'string' ? SECRET : withSecrets(member as Json)]),
  )
}
const part = fc.oneof(
  { weight: 5, arbitrary: members.map(withSecrets) },
  fc.constantFrom<Json | undefined>(undefined, null, '', 'x', { ConsoleLogin: 'Failure' }, { ConsoleLogin: 'Success' }, { policyArn: ARN, roleName: 'door' }),
  fc.constant<Json>({
    credentials: { accessKeyId: 'ASIAEXAMPLE', sessionToken: SECRET, expiration: 'May 1, 2024, 1:00:00 AM' },
    assumedRoleUser: { assumedRoleId: 'AROAEXAMPLE:alice', arn: ARN },
  }),
)
const call = fc.constantFrom(
  ['s3', 'GetObject'],
  ['kms', 'Decrypt'],
  ['sts', 'AssumeRole'],
  ['signin', 'ConsoleLogin'],
  ['iam', 'CreateUser'],
  ['iam', 'AttachRolePolicy'],
)
const record = fc.record({
  call,
  request: part,
  response: part,
  uid: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  kind: fc.oneof({ weight: 8, arbitrary: fc.constant('call') }, fc.constantFrom('insight', 'odd', 'invalid', 'enveloped')),
})
type Drawn = typeof record extends fc.Arbitrary<infer T> ? T : never

const recordOf = ({ call: [service, eventName], request, response, uid, kind }: Drawn, n: number): object => {
  const own = {
    eventVersion: '1.09',
    userIdentity: { type: 'IAMUser', principalId: 'AIDAEXAMPLE', arn: 'arn:aws:iam::123456789012:user/bob', accountId: '123456789012', userName: 'bob' },
    eventTime: `2024-05-01T00:00:0${n % 10}Z`,
    eventSource: `${service}.amazonaws.com`,
    eventName,
    awsRegion: 'us-east-1',
    sourceIPAddress: '192.0.2.1',
    userAgent: kind === 'invalid' ? 'x'.repeat(70_000) : kind === 'odd' ? 'null' : 'aws-cli/2.15',
    requestParameters: request,
    responseElements: response,
    ...(uid ? { requestID: `request-${n}`, eventID: `event-${n}` } : {}),
    readOnly: false,
    eventType: 'AwsApiCall',
    recipientAccountId: '123456789012',
    ...(kind === 'insight' ? { sharedEventID: `shared-${n}`, insightDetails: { eventName, eventSource: service, state: 'Start' } } : {}),
  }
  return kind === 'enveloped' ? { 'detail-type': 'AWS API Call via CloudTrail', account: '123456789012', region: 'us-east-1', detail: own } : own
}

interface Written {
  readonly objects: readonly LakeObject[]
  readonly outcomes: readonly Outcome[]
  readonly taken: number
}

/** Converts a file, offering mapped events or not. */
async function convert(pipeline: Pipeline, bytes: Uint8Array, offered: boolean): Promise<Written> {
  const objects: LakeObject[] = []
  const outcomes: Outcome[] = []
  const parts = createParts({ unit: 'u', codec: uncompressed, put: object => objects.push(object) })
  let taken = 0
  const emit = (outcome: Outcome): void => {
    outcomes.push(outcome)
    if (outcome.kind === 'event') expect(parts.add(pipeline, outcome.event, outcome.rawBytes, {})).toBeUndefined()
  }
  const take: Parameters<typeof createConverter>[2] = (events, sizes, from) => {
    const to = parts.addMapped(pipeline, events, sizes, from, {})
    taken += to - from
    return to
  }
  const converter = await createConverter({ source: cloudtrail, ocsf: pipeline.version }, emit, offered ? take : undefined)
  for (let at = 0; at < bytes.length; at += 1000) converter.push(bytes.slice(at, at + 1000))
  converter.end()
  parts.seal()
  return { objects, outcomes, taken }
}

describe('requests and responses that nobody reads', () => {
  it.each(VERSIONS)('give the objects at %s that they give where they are read, and hide the same', { timeout: 120_000 }, async version => {
    const pipeline = await loadPipeline(cloudtrail, version)
    let taken = 0
    let whole = 0
    let all = 0
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30, size: 'max' }), async drawn => {
        const bytes = new TextEncoder().encode(JSON.stringify({ Records: drawn.map(recordOf) }))
        const late = await convert(pipeline, bytes, true)
        const atOnce = await convert(pipeline, bytes, false)
        expect(late.objects.map(({ key: name, rows }) => [name, rows])).toEqual(atOnce.objects.map(({ key: name, rows }) => [name, rows]))
        for (const [at, object] of late.objects.entries()) {
          expect(Buffer.compare(object.bytes, atOnce.objects[at]!.bytes), object.key).toBe(0)
          expect(Buffer.from(object.bytes).includes(SECRET)).toBe(false)
        }
        // whoever gets an event gets all of it, and may send it elsewhere
        const events = (written: Written): Outcome[] => written.outcomes.filter(({ kind }) => kind === 'event')
        for (const outcome of events(late)) expect(events(atOnce)).toContainEqual(structuredClone(outcome))
        whole += events(late).length
        taken += late.taken
        all += drawn.length
      }),
      { numRuns: 25 },
    )
    expect(taken / all).toBeGreaterThan(0.4)
    expect(whole).toBeGreaterThan(10)
  })

  it('are read for whoever converts without offering events, and for a filter', async () => {
    const raw = { ...recordOf({ call: ['kms', 'Decrypt'], request: { a: { b: 1 } }, response: { c: 1 }, uid: true, kind: 'call' }, 1) }
    const bytes = new TextEncoder().encode(JSON.stringify({ Records: [raw] }))
    const seen: unknown[] = []
    const decoder = cloudtrail.decoder({ version: '1.1.0' })
    decoder.push(bytes, item => seen.push('record' in item && item.record.requestParameters))
    const filter = (event: { readonly [name: string]: unknown }): undefined => void seen.push((event.api as { request: { data: unknown } }).request.data)
    const converter = await createConverter(
      { source: cloudtrail, filter },
      () => {},
      events => events.length,
    )
    converter.push(bytes)
    converter.end()
    expect(seen).toEqual([{ a: { b: 1 } }, { a: { b: 1 } }])
    expect(seen.some(value => value instanceof UnreadJson)).toBe(false)
  })

  it('are not read to be written', async () => {
    const bytes = new TextEncoder().encode(
      JSON.stringify({ Records: [recordOf({ call: ['kms', 'Decrypt'], request: { a: 1 }, response: { password: SECRET }, uid: true, kind: 'call' }, 1)] }),
    )
    const found: unknown[] = []
    const converter = await createConverter(
      { source: cloudtrail },
      () => {},
      events => {
        for (const { api } of events as unknown as { api: { request: { data: unknown }; response: { data: unknown } } }[])
          found.push(api.request.data, api.response.data)
        return events.length
      },
    )
    converter.push(bytes)
    converter.end()
    expect(found.map(value => value instanceof UnreadJson && parseJson(value.text))).toEqual([{ a: 1 }, { password: 'REDACTED' }])
  })
})
