/** What Security Lake takes, and what a description of its custom sources must say. */
import { describe, expect, it } from 'vitest'
import { OcsfLakeError } from '../errors.js'
import { loadFacts } from '../ocsf/facts.js'
import { CLASS_UIDS } from '../ocsf/generated/types.js'
import { checkSecurityLakeVersion, customSourceOf, EVENT_CLASSES, eventClassName, securityLakeTarget } from './security-lake.js'

const flow = {
  source: 'vpc-flow',
  classUid: 4001,
  name: 'vpc-flow-4001',
  location: 's3://aws-security-data-lake-eu-central-1-abcdefghijklmnopqrstuvwxyz0/ext/vpc-flow-4001/',
  roleArn: 'arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-vpc-flow-4001-eu-central-1',
}
const target = { region: 'eu-central-1', externalId: 'example-external-id', sources: [flow] }

describe('Security Lake', () => {
  it('takes OCSF 1.1 and 1.3, and says what to do with a newer one', () => {
    checkSecurityLakeVersion('1.1.0')
    checkSecurityLakeVersion('1.3.0')
    for (const version of ['1.5.0', '1.8.0'] as const) {
      expect(() => checkSecurityLakeVersion(version)).toThrow(/use --ocsf 1\.1\.0 or 1\.3\.0, or write 1\.\d\.0 to a lake of your own/)
    }
  })

  it('has a name for every class of OCSF 1.3', async () => {
    const facts = await loadFacts('1.3.0')
    const nameless = Object.keys(facts.classes).filter(name => EVENT_CLASSES[CLASS_UIDS[name as keyof typeof CLASS_UIDS]] === undefined)
    expect(nameless).toEqual([])
    expect(eventClassName(4001)).toBe('NETWORK_ACTIVITY')
    expect(() => eventClassName(5023)).toThrow(/^Security Lake has no name for class 5023: write it to a lake of your own/)
  })

  it('is described by what registration returned', () => {
    const read = securityLakeTarget(JSON.parse(JSON.stringify({ ...target, sources: [{ ...flow, location: flow.location.slice(0, -1) }] })))
    expect(read).toEqual({ ...target, kmsKey: undefined })
    expect(customSourceOf(read, 'vpc-flow', 4001)).toEqual(flow)
    expect(customSourceOf(read, 'vpc-flow', 6003)).toBeUndefined()
  })

  it.each<[unknown, RegExp]>([
    [undefined, /The description must be an object, and is missing\./],
    [{ ...target, region: 'Frankfurt' }, /region must be a region like eu-central-1, and is Frankfurt\./],
    [{ ...target, externalId: undefined }, /externalId must be .+, and is missing\./],
    [{ ...target, kmsKey: 'alias/lake' }, /kmsKey must be the ARN of a KMS key, and is alias\/lake\./],
    [{ ...target, sources: [] }, /sources must be a list of at least one custom source, and is \[\]\./],
    [{ ...target, sources: [flow, flow] }, /one custom source for each source and class, and is two for vpc-flow 4001\./],
    [{ ...target, sources: [flow, 'vpc-flow'] }, /sources\[1\] must be an object, and is vpc-flow\./],
    [{ ...target, sources: [{ ...flow, classUid: 5023 }] }, /sources\[0\]\.classUid must be .+, and is 5023\./],
    [{ ...target, sources: [{ ...flow, location: '/ext/vpc-flow-4001/' }] }, /sources\[0\]\.location must be s3:/],
    [{ ...target, sources: [{ ...flow, roleArn: 'AmazonSecurityLake-Provider' }] }, /sources\[0\]\.roleArn must be the ARN/],
  ])('is refused when its description is wrong: %j', (json, message) => {
    const read = () => securityLakeTarget(json)
    expect(read).toThrow(OcsfLakeError)
    expect(read).toThrow(message)
  })
})
