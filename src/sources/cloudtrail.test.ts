import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createConverter, type Outcome } from '../convert.js'
import { isJsonObject, type Json, type JsonObject, parseJson, stringify } from '../json.js'
import { type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { apiRoute, route } from './aws/cloudtrail-routing.js'
import { redactJson } from './aws/secrets.js'
import { flag, ms } from './aws/values.js'
import { cloudtrail } from './cloudtrail.js'

const root = fileURLToPath(new URL('../../fixtures/cloudtrail/', import.meta.url))
const encoder = new TextEncoder()

function recognise(key: string, text: string): unknown {
  return cloudtrail.recognise({ key, bytes: encoder.encode(text), text })
}

async function convert(text: string, ocsf: OcsfVersion, raw: 'drop' | 'keep' = 'drop'): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const converter = await createConverter({ source: cloudtrail, ocsf, raw, observables: false }, outcome => outcomes.push(outcome))
  converter.push(encoder.encode(text))
  converter.end()
  return outcomes
}

describe('recognise', () => {
  const record = '{"eventVersion":"1.08","eventTime":"2026-03-14T09:26:53Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances"}'
  const file = 'eu-central-1/2026/03/14/123456789012_CloudTrail_eu-central-1_20260314T0930Z_abc.json.gz'

  it('knows its folders, in trails of accounts, organisations and Control Tower', () => {
    for (const folder of ['CloudTrail', 'CloudTrail-Insight', 'CloudTrail-NetworkActivity', 'CloudTrail-Aggregated']) {
      for (const prefix of ['', 'logs/', 'o-abcdef1234/']) {
        for (const organisation of ['', 'o-abcdef1234/']) expect(recognise(`${prefix}AWSLogs/${organisation}123456789012/${folder}/${file}`, '')).toBe('key')
      }
    }
    expect(recognise('123456789012_CloudTrail_eu-central-1_20260314T0930Z_abc.json', '')).toBe('key')
  })

  it('skips digests and writability checks by name', () => {
    expect(recognise(`AWSLogs/123456789012/CloudTrail-Digest/${file}`, '{}')).toEqual({ skip: 'digest' })
    expect(recognise('x.json', '{"awsAccountId":"123456789012","digestStartTime":"2026-03-14T08:01:31Z"}')).toEqual({ skip: 'digest' })
    expect(recognise('AWSLogs/123456789012/CloudTrail/ConfigWritabilityCheckFile', '')).toEqual({ skip: 'writability_check' })
    expect(recognise('AWSLogs/123456789012/CloudTrail/', '')).toEqual({ skip: 'writability_check' })
    expect(recognise(`AWSLogs/123456789012/CloudTrail/${file}`, '{}\n')).toEqual({ skip: 'writability_check' })
  })

  it('knows its content in every layout', () => {
    for (const text of [record, `{"Records":[${record}]}`, `\n [${record}]`, `\ufeff${record}\n${record}`, '{ "Records": [] }'])
      expect(recognise('x', text), text).toBe('content')
    expect(recognise('x', '{"version":"0","detail-type":"AWS Console Sign In via CloudTrail","detail":{}}')).toBe('content')
    expect(recognise('x', '{"eventVersion":"1.08","eventCategory":"Insight","insightDetails":{}}')).toBe('content')
    expect(recognise('x', `{"Records":[${record},{"digestStartTime":"x"}]}`)).toBe('content')
  })

  it('leaves to others what is not its own', () => {
    for (const text of [
      '',
      'version account-id interface-id',
      '{}',
      '{"a":1}',
      '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-03-14T09:26:53Z","eventName":"ObjectCreated:Put"}]}',
      '{"detail-type":"GuardDuty Finding","detail":{}}',
      `text ${record}`,
      `{"version":5,"srcaddr":"192.0.2.1"}\n${record}`,
    ])
      expect(recognise('x.json', text), text).toBeUndefined()
    expect(recognise('AWSLogs/123456789012/Config/ConfigWritabilityCheckFile', '')).toBeUndefined()
  })
})

describe('route', () => {
  const of = (name: string, source = 'ec2', readOnly?: boolean): number => apiRoute(`${source}.amazonaws.com`, name, readOnly)

  it('reads the verb of an API call', () => {
    const calls: Readonly<Record<number, string>> = {
      1: 'CreateVpc RunInstances RegisterImage AllocateAddress CopySnapshot',
      2: 'GetItem ListUsers DescribeInstances HeadObject LookupEvents SearchProducts BatchGetItem Scan',
      3: 'UpdateStack ModifyVpc PutRule AttachVolume TagResource StopInstances AuthorizeSecurityGroupIngress BatchUpdatePartition updateDomainContact',
      4: 'DeleteBucket TerminateInstances RemoveTags DeregisterImage RevokeSecurityGroupIngress BatchDeleteImage',
      99: 'Decrypt Invoke ReEncrypt SendCommand constructor __proto__ hasOwnProperty 漢字',
    }
    for (const [activity, names] of Object.entries(calls)) for (const name of names.split(' ')) expect(of(name), name).toBe(Number(activity))
  })

  it('believes readOnly before the verb, and S3 that it writes new objects', () => {
    expect(of('Decrypt', 'kms', true)).toBe(2)
    expect(of('GenerateDataKey', 'kms', true)).toBe(2)
    expect(of('Decrypt', 'kms', false)).toBe(99)
    expect(of('PutObject', 's3')).toBe(1)
    expect(of('PutBucketPolicy', 's3')).toBe(3)
  })

  it('sends sign-ins and account changes to their classes', () => {
    const class_ = (source: string, name: string, type = 'AwsApiCall') => route(`${source}.amazonaws.com`, name, type, undefined)
    expect(class_('signin', 'ConsoleLogin', 'AwsConsoleSignIn')).toEqual({ class: 'authentication', activity: 1 })
    expect(class_('signin', 'SomethingNew', 'AwsConsoleSignin')).toEqual({ class: 'authentication', activity: 99 })
    expect(class_('sts', 'AssumeRoleWithSAML')).toEqual({ class: 'authentication', activity: 1 })
    expect(class_('sts', 'GetCallerIdentity')).toEqual({ class: 'api_activity', activity: 2 })
    expect(class_('signin', 'ExitRole')).toEqual({ class: 'authentication', activity: 2 })
    expect(class_('iam', 'DeactivateMFADevice')).toEqual({ class: 'account_change', activity: 11 })
    expect(class_('iam', 'AddUserToGroup')).toEqual({ class: 'api_activity', activity: 3 })
    expect(class_('workmail', 'CreateUser')).toEqual({ class: 'api_activity', activity: 1 })
    expect(route('', 'constructor', undefined, undefined)).toEqual({ class: 'api_activity', activity: 99 })
  })
})

/** Every record of the fixtures that is whole. */
const records: readonly JsonObject[] = readdirSync(root)
  .filter(name => /\.(json|ndjson|gz)$/.test(name) && !/expected|options|mapping|malformed|truncated|invalid|hostile/.test(name))
  .flatMap(name => {
    const bytes = readFileSync(root + name)
    const found: JsonObject[] = []
    const decoder = cloudtrail.decoder({ version: '1.1.0' })
    const emit: Parameters<typeof decoder.push>[1] = item => {
      if ('record' in item && leaves(item.record).length > 0) found.push(item.record)
    }
    decoder.push(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes, emit)
    decoder.end(emit)
    return found
  })

interface Leaf {
  readonly path: readonly string[]
  readonly value: Json
}

function leaves(value: Json | undefined, path: readonly string[] = []): Leaf[] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null) return [{ path, value }]
  return Object.keys(value).flatMap(key => leaves((value as Readonly<Record<string, Json>>)[key], [...path, key]))
}

function replaceAt(value: Json, path: readonly string[], next: Json): Json {
  const [key, ...rest] = path
  if (key === undefined) return next
  const copy: object = Array.isArray(value) ? [...value] : { ...(value as JsonObject) }
  const inner = (value as Readonly<Record<string, Json>>)[key] ?? null
  Object.defineProperty(copy, key, { value: replaceAt(inner, rest, next), enumerable: true, configurable: true, writable: true })
  return copy as Json
}

/** What an event must hold for a leaf of the record: its text, or what a named transformation makes of it. */
function expected({ path, value }: Leaf): string | undefined {
  if (value === null || value === '' || value === '-') return undefined
  const key = path.at(-1)
  if (key === 'creationDate') return String(ms(value) ?? value)
  if (key === 'mfaAuthenticated' || key === 'MFAUsed') return String(flag(value) ?? value)
  // the activity and the status say it: Create and New, Close and Resolved
  if (path.at(-2) === 'insightDetails' && key === 'state' && (value === 'Start' || value === 'End')) return undefined
  return String(value)
}

const VALUES = ['token', 'number', 'bigint', 'object', 'list', 'true', 'null', 'dash', 'nested'] as const

function valueFor(kind: (typeof VALUES)[number], token: string): Json {
  switch (kind) {
    case 'token':
      return token
    case 'number':
      return Number(token.slice(3)) + 0.5
    case 'bigint':
      return 2n ** 60n + BigInt(token.slice(3))
    case 'object':
      return { x: token }
    case 'list':
      return [token, { y: `${token}b` }]
    case 'true':
      return true
    case 'null':
      return null
    case 'dash':
      return '-'
    case 'nested':
      return parseJson(`{"__proto__":{"a":"${token}"},"constructor":["${token}c"],"empty":{},"none":[]}`)
  }
}

describe('map', () => {
  it('loses no leaf of a record, whatever stands in it', async () => {
    const change = fc.record({ at: fc.nat(), kind: fc.constantFrom(...VALUES), add: fc.boolean(), depth: fc.nat(3) })
    let events = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(change, { maxLength: 4 }), fc.constantFrom(...VERSIONS), async (which, changes, version) => {
        let record: Json = records[which % records.length]!
        changes.forEach(({ at, kind, add, depth }, i) => {
          const all = leaves(record)
          const path = all[at % all.length]!.path
          const value = valueFor(kind, `tok${1000 + at}${i}`)
          record = replaceAt(record, add ? [...path.slice(0, Math.min(depth, path.length - 1)), `added${i}`] : path, value)
        })
        const text = stringify(record)
        const [outcome, ...more] = await convert(text, version)
        expect(more).toEqual([])
        if (outcome === undefined) throw new Error('no outcome')
        if (outcome.kind !== 'event') return
        events++
        const held = new Set(leaves(outcome.event as JsonObject).map(leaf => String(leaf.value)))
        const lost = leaves(redactJson(parseJson(text))).filter(leaf => {
          const wanted = expected(leaf)
          return wanted !== undefined && !held.has(wanted)
        })
        expect(lost.map(leaf => `${leaf.path.join('.')}=${leaf.value}`)).toEqual([])
      }),
      { numRuns: 1000 },
    )
    expect(events).toBeGreaterThan(500)
  })

  it('keeps what has no home under the names and nesting of AWS', async () => {
    const extra = { ...records.find(record => record.eventName === 'DescribeTrails'), future: { a: [{ b: null, c: '' }], d: 1 } }
    const [outcome] = await convert(stringify(extra), '1.1.0')
    if (outcome?.kind !== 'event') throw new Error('no event')
    expect((outcome.event.unmapped as JsonObject).future).toEqual({ a: [{ b: null, c: '' }], d: 1 })
  })

  it('shares what does not change between events', () => {
    const [one, two] = records.filter(record => record.eventName === 'ListRoles').map(record => cloudtrail.map(record, { version: '1.1.0' }))
    if (one === undefined || two === undefined || !('cloud' in one) || !('cloud' in two)) throw new Error('two events expected')
    expect(one.cloud).toBe(two.cloud)
    expect(one.metadata.product).toBe(two.metadata.product)
  })

  it('leaves no secret in an event or in its raw text', async () => {
    const secrets = [
      'wJalrXUtnFEMI',
      'EXAMPLETOKEN',
      'Tr0ub4dor',
      'hunter2',
      'hunter3',
      's3cret',
      'inner',
      'xTBEXAMPLEpassword',
      'Kd9sEXAMPLE',
      'aoaAAAAAG',
      'eyJraWQi',
      '5e1f3c',
      'abc123',
    ]
    for (const name of ['secrets.json', 'assume-role.json', 'account-change.json', 'sso-authenticate.json', 's3-data-event.json', 'identity-saml-user.json']) {
      const text = readFileSync(root + name, 'utf8')
      for (const outcome of await convert(text, '1.8.0', 'keep')) {
        const written = stringify(outcome)
        for (const secret of secrets) expect(written.includes(secret), `${secret} in ${name}`).toBe(false)
      }
    }
  })

  it('hides secrets in every member, whatever its name', async () => {
    const base = records.find(record => record.eventName === 'DescribeTrails')!
    const secret = { password: 'TOPSECRET', list: [{ sessionToken: 'TOPSECRET' }] }
    const names = ['constructor', 'toString', '__proto__', 'userIdentity', 'resources', 'requestParameters', 'tlsDetails', 'password', 'insightDetails', 'x']
    const texts = [stringify(secret), 'https://example.com/?X-Amz-Signature=TOPSECRET']
    for (const name of [...names, ...Object.keys(base)]) {
      for (const value of [secret, [secret], ...(names.includes(name) ? texts : [])]) {
        const record = { ...base }
        Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
        const [outcome] = await convert(`{"Records":[${stringify(record)}]}`, '1.8.0')
        if (outcome?.kind === 'event') expect(stringify(outcome.event), name).not.toContain('TOPSECRET')
      }
    }
  })

  it('is pure', () => {
    for (const record of records) {
      const before = stringify(record)
      expect(stringify(cloudtrail.map(record, { version: '1.8.0' }))).toBe(stringify(cloudtrail.map(record, { version: '1.8.0' })))
      expect(stringify(record)).toBe(before)
      expect(isJsonObject(record)).toBe(true)
    }
  })
})
