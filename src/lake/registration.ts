/**
 * What it takes to register custom sources with Security Lake, worked out before anything is asked of AWS: the calls,
 * and the roles and policies around them. https://docs.aws.amazon.com/security-lake/latest/userguide/adding-custom-sources.html
 */
import { OcsfLakeError } from '../errors.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { customSourceName } from './object-key.js'
import { isRegion } from './partition.js'
import { checkSecurityLakeVersion, eventClassName } from './security-lake.js'
import type { LakeTable } from './tables.js'

/** Custom sources that an account may have. */
export const MAX_CUSTOM_SOURCES = 50

export interface RegistrationOptions {
  /** The sources and classes to register, as `lakeTables` gives them. */
  readonly tables: readonly LakeTable[]
  /** The region of the lake. */
  readonly region: string
  /** ARN of the role that Glue crawls with, in the account of the lake. */
  readonly crawlerRole: string
  /** Account (twelve digits) or AWS service that will write: it is what the provider roles trust. */
  readonly principal: string
  /** What the writer says when it assumes a provider role: 2 to 1224 letters, digits and `_+=,.@:/-`. */
  readonly externalId: string
  /** Version of the custom sources; not the version of OCSF, and no part of their location. */
  readonly sourceVersion?: string
  /** ARN of the lake's own KMS key, if it has one. */
  readonly kmsKey?: string
}

/** One CreateCustomLogSource call. */
export interface PlannedSource {
  readonly source: string
  readonly classUid: number
  readonly className: string
  readonly request: CreateRequest
}

export interface CreateRequest {
  readonly sourceName: string
  readonly sourceVersion?: string
  readonly eventClasses: readonly string[]
  readonly configuration: {
    readonly crawlerConfiguration: { readonly roleArn: string }
    readonly providerIdentity: { readonly principal: string; readonly externalId: string }
  }
}

export interface RegistrationPlan {
  readonly region: string
  /** The account of the lake. */
  readonly account: string
  readonly ocsf: OcsfVersion
  readonly externalId: string
  readonly kmsKey?: string
  readonly sources: readonly PlannedSource[]
  readonly policies: Policies
}

/** IAM documents, each for one identity. */
export interface Policies {
  /** Trust of the crawler role. It also needs the managed policy service-role/AWSGlueServiceRole. */
  readonly crawlerTrust: object
  /** Inline policy of the crawler role. */
  readonly crawler: object
  /** For whoever runs the registration. */
  readonly registrar: object
  /** For the converter or its Lambda: it writes as the provider roles and needs nothing else in the lake. */
  readonly writer: object
  /** The trust that Security Lake gives each provider role. */
  readonly providerTrust: object
}

const ROLE = /^arn:(aws[a-zA-Z-]*):iam::(\d{12}):role\/[\w+=,.@/-]+$/
const PRINCIPAL = /^(?:\d{12}|[a-z0-9.-]*\.(?:amazonaws|amazon)\.com)$/
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/
const SOURCE_VERSION = /^[A-Za-z0-9._-]{1,32}$/
const KMS_KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/.+$/

function refuse(sentence: string): never {
  throw new OcsfLakeError('option_invalid', sentence)
}

/**
 * The calls and policies of a registration. Asks nothing of AWS.
 *
 * @throws OcsfLakeError `version_unknown` above OCSF 1.3, `class_unknown` for a class that Security Lake has no name
 * for, `option_invalid` for names and ARNs that the service would refuse, and for more than 50 custom sources
 */
export function planRegistration(options: RegistrationOptions): RegistrationPlan {
  const { tables, region, crawlerRole, principal, externalId, sourceVersion, kmsKey } = options
  const role = ROLE.exec(crawlerRole)
  if (role === null) refuse(`${crawlerRole} is no role: give the ARN of the role that Glue crawls with, arn:aws:iam::<account>:role/<name>.`)
  if (!isRegion(region)) refuse(`${region} is no region: give the one of the lake, like eu-central-1.`)
  if (!PRINCIPAL.test(principal)) refuse(`${principal} is no principal: give the twelve digits of the account that will write, or an AWS service.`)
  if (!EXTERNAL_ID.test(externalId)) refuse('The external id must have 2 to 1224 letters, digits and _+=,.@:/-.')
  if (sourceVersion !== undefined && !SOURCE_VERSION.test(sourceVersion)) refuse('The version of a custom source must have 1 to 32 letters, digits and ._-.')
  if (kmsKey !== undefined && !KMS_KEY.test(kmsKey)) refuse(`${kmsKey} is no key: give its ARN, arn:aws:kms:<region>:<account>:key/<id>.`)
  const ocsf = tables[0]?.version ?? refuse('There is nothing to register: give at least one source.')
  for (const { version } of tables) checkSecurityLakeVersion(version)
  if (tables.length > MAX_CUSTOM_SOURCES)
    refuse(`${tables.length} custom sources are more than the ${MAX_CUSTOM_SOURCES} of an account: choose with --source and --class.`)
  const sources = tables.map(({ source, classUid, className }) => ({
    source: source.id,
    classUid,
    className,
    request: {
      sourceName: customSourceName(source, classUid),
      sourceVersion,
      eventClasses: [eventClassName(classUid)],
      configuration: { crawlerConfiguration: { roleArn: crawlerRole }, providerIdentity: { principal, externalId } },
    },
  }))
  const [, partition, account] = role as unknown as readonly [string, string, string] // the pattern has two groups
  const names = sources.map(({ request }) => request.sourceName)
  const policies = policiesOf({ partition, account, region, crawlerRole, principal, externalId, kmsKey, names })
  return { region, account, ocsf, externalId, kmsKey, sources, policies }
}

// ---- policies ----

interface PolicyFacts extends Pick<RegistrationOptions, 'region' | 'crawlerRole' | 'principal' | 'externalId' | 'kmsKey'> {
  readonly partition: string
  readonly account: string
  readonly names: readonly string[]
}

function policiesOf({ partition, account, region, crawlerRole, principal, externalId, kmsKey, names }: PolicyFacts): Policies {
  // The rest of the bucket's name is known only to the lake; the account's own buckets are the bound.
  const bucket = `arn:${partition}:s3:::aws-security-data-lake-${region}-*`
  const below = names.map(name => `${bucket}/ext/${name}/*`)
  const providerRoles = names.map(name => `arn:${partition}:iam::${account}:role/AmazonSecurityLake-Provider-${name}-${region}`)
  const inAccount = { StringEquals: { 'aws:ResourceAccount': account } }
  const key = (sid: string, actions: readonly string[], condition?: object): readonly object[] =>
    kmsKey === undefined ? [] : [allow(sid, actions, [kmsKey], condition)]
  return {
    crawlerTrust: policy({ Effect: 'Allow', Principal: { Service: 'glue.amazonaws.com' }, Action: 'sts:AssumeRole' }),
    crawler: policy(
      allow('ReadAndWriteTheSources', ['s3:GetObject', 's3:PutObject'], below, inAccount),
      ...key('UseTheKeyOfTheLake', ['kms:Decrypt', 'kms:GenerateDataKey'], { StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucket, ...below] } }),
    ),
    registrar: policy(
      // These three know no resources.
      allow('Register', ['securitylake:CreateCustomLogSource', 'securitylake:DeleteCustomLogSource', 'securitylake:ListLogSources'], ['*']),
      // What Security Lake does with the caller's rights on CreateCustomLogSource and DeleteCustomLogSource.
      allow(
        'MakeTablesAndCrawlers',
        ['glue:CreateCrawler', 'glue:CreateDatabase', 'glue:CreateTable', 'glue:StartCrawlerSchedule', 'glue:StopCrawlerSchedule'],
        ['catalog', 'crawler/*', 'database/amazon_security_lake_glue_db_*', 'table/amazon_security_lake_glue_db_*/*'].map(
          resource => `arn:${partition}:glue:${region}:${account}:${resource}`,
        ),
      ),
      allow('SeeTheRoles', ['iam:GetRole'], [...providerRoles, crawlerRole]),
      allow('GiveTheProviderRolesTheirPolicies', ['iam:PutRolePolicy', 'iam:DeleteRolePolicy'], providerRoles),
      allow('PassTheCrawlerRole', ['iam:PassRole'], [crawlerRole], { StringEquals: { 'iam:PassedToService': 'glue.amazonaws.com' } }),
      allow('ShareTheTables', ['lakeformation:RegisterResource', 'lakeformation:GrantPermissions'], ['*']),
      allow('MakeThePrefixes', ['s3:ListBucket'], [bucket], inAccount),
      allow('WriteThePrefixes', ['s3:PutObject'], [`${bucket}/*`], inAccount),
      ...key('UseTheKeyOfTheLake', ['kms:CreateGrant', 'kms:DescribeKey', 'kms:GenerateDataKey']),
    ),
    writer: policy(allow('WriteAsTheProviderRoles', ['sts:AssumeRole'], providerRoles)),
    providerTrust: policy({
      Effect: 'Allow',
      Principal: /^\d/.test(principal) ? { AWS: `arn:${partition}:iam::${principal}:root` } : { Service: principal },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': externalId } },
    }),
  }
}

const policy = (...statements: readonly object[]): object => ({ Version: '2012-10-17', Statement: statements })

function allow(sid: string, actions: readonly string[], resources: readonly string[], condition?: object): object {
  return { Sid: sid, Effect: 'Allow', Action: actions, Resource: resources, Condition: condition }
}
