import { describe, expect, it } from 'vitest'
import { SOURCES } from '../sources/index.js'
import { planRegistration, type RegistrationOptions } from './registration.js'
import { type LakeTable, lakeTables, type TableSource } from './tables.js'

const OPTIONS = {
  region: 'eu-central-1',
  crawlerRole: 'arn:aws:iam::123456789012:role/lake-crawler',
  principal: '210987654321',
  externalId: 'my-external-id',
}
const vpcFlow = () => lakeTables(SOURCES.find(({ id }) => id === 'vpc-flow')!)
const plan = async (more: Partial<RegistrationOptions> = {}) => planRegistration({ ...OPTIONS, tables: await vpcFlow(), ...more })

interface Statement {
  readonly Sid?: string
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}
const statements = (policy: object) => (policy as { Statement: readonly Statement[] }).Statement

describe('planRegistration', () => {
  it('lets the writer assume the provider roles and do nothing else', async () => {
    const { policies } = await plan()
    expect(statements(policies.writer)).toEqual([
      {
        Sid: 'WriteAsTheProviderRoles',
        Effect: 'Allow',
        Action: ['sts:AssumeRole'],
        Resource: ['arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-vpc-flow-4001-eu-central-1'],
      },
    ])
  })

  it('names every action, and all resources only for actions that know none', async () => {
    const { policies } = await plan({ kmsKey: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' })
    const all = [policies.registrar, policies.crawler, policies.writer].flatMap(statements)
    expect(all.flatMap(({ Action }) => Action).filter(action => action.includes('*'))).toEqual([])
    expect(all.filter(({ Resource }) => Resource.includes('*')).map(({ Sid }) => Sid)).toEqual(['Register', 'ShareTheTables'])
    expect(all.filter(({ Sid }) => Sid === 'UseTheKeyOfTheLake').map(({ Action }) => Action)).toEqual([
      ['kms:CreateGrant', 'kms:DescribeKey', 'kms:GenerateDataKey'],
      ['kms:Decrypt', 'kms:GenerateDataKey'],
    ])
  })

  it('holds the actions that CreateCustomLogSource and DeleteCustomLogSource need', async () => {
    const { policies } = await plan({ kmsKey: 'arn:aws:kms:eu-central-1:123456789012:key/1' })
    const allowed = new Set(statements(policies.registrar).flatMap(({ Action }) => Action))
    // aws.iam#requiredActions of the two operations in the service's published model
    const required =
      'iam:GetRole iam:PutRolePolicy iam:DeleteRolePolicy iam:PassRole s3:PutObject s3:ListBucket lakeformation:RegisterResource lakeformation:GrantPermissions kms:DescribeKey kms:CreateGrant kms:GenerateDataKey glue:CreateCrawler glue:StartCrawlerSchedule glue:CreateTable glue:CreateDatabase glue:StopCrawlerSchedule'
    expect(required.split(' ').filter(action => !allowed.has(action))).toEqual([])
  })

  it('stays in the partition of the crawler role', async () => {
    const { policies } = await plan({ region: 'us-gov-west-1', crawlerRole: 'arn:aws-us-gov:iam::123456789012:role/lake-crawler' })
    expect(JSON.stringify(policies)).not.toContain('arn:aws:')
  })

  it('gives the trust of a provider role the account, or the service, and the external id', async () => {
    const trust = async (principal: string) => JSON.stringify((await plan({ principal })).policies.providerTrust)
    expect(await trust('210987654321')).toContain('"Principal":{"AWS":"arn:aws:iam::210987654321:root"}')
    expect(await trust('firehose.amazonaws.com')).toContain('"Principal":{"Service":"firehose.amazonaws.com"}')
    expect(await trust('210987654321')).toContain('"sts:ExternalId":"my-external-id"')
  })

  it('refuses versions and classes that Security Lake does not take, and names the alternative', async () => {
    const newer = await lakeTables(SOURCES.find(({ id }) => id === 'vpc-flow')!, '1.8.0')
    await expect(plan({ tables: newer })).rejects.toThrow(/1\.3 and earlier.*use --ocsf 1\.1\.0 or 1\.3\.0, or write 1\.8\.0 to a lake of your own/)
    const source: TableSource = { id: 'own', columns: {} }
    const nameless: LakeTable = { source, classUid: 0, className: 'Base Event', version: '1.1.0', columns: [] }
    await expect(plan({ tables: [nameless] })).rejects.toThrow(/no name for class 0: write it to a lake of your own/)
  })

  it('refuses names above 20 characters, more than 50 custom sources, and nothing', async () => {
    const [table] = await vpcFlow()
    await expect(plan({ tables: [{ ...table!, source: { id: 'a-very-long-source-id', columns: {} } }] })).rejects.toThrow('longer than 20 characters')
    await expect(plan({ tables: Array.from({ length: 51 }, () => table!) })).rejects.toThrow('51 custom sources are more than the 50 of an account')
    await expect(plan({ tables: [] })).rejects.toThrow('nothing to register')
  })

  it.each([
    [{ crawlerRole: 'lake-crawler' }, 'no role'],
    [{ region: 'Frankfurt' }, 'no region'],
    [{ principal: 'arn:aws:iam::123456789012:root' }, 'no principal'],
    [{ externalId: 'x' }, 'external id must have 2 to 1224'],
    [{ sourceVersion: 'v 1' }, 'must have 1 to 32'],
    [{ kmsKey: 'alias/lake' }, 'no key'],
  ])('refuses %j, as the service would', async (more, sentence) => {
    await expect(plan(more)).rejects.toThrow(sentence)
  })
})
