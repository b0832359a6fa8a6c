/**
 * Security Lake as a target: which classes and versions it takes, and where registration said that each custom source
 * writes. https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html
 */
import { OcsfLakeError } from '../errors.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { isRegion } from './partition.js'

/** The name of each class that Security Lake takes from a custom source, by `class_uid`. */
export const EVENT_CLASSES: Readonly<Record<number, string>> = {
  1001: 'FILE_SYSTEM_ACTIVITY',
  1002: 'KERNEL_EXTENSION',
  1003: 'KERNEL_ACTIVITY',
  1004: 'MEMORY_ACTIVITY',
  1005: 'MODULE_ACTIVITY',
  1006: 'SCHEDULED_JOB_ACTIVITY',
  1007: 'PROCESS_ACTIVITY',
  1008: 'EVENT_LOG_ACTIVITY',
  2001: 'SECURITY_FINDING',
  2002: 'VULNERABILITY_FINDING',
  2003: 'COMPLIANCE_FINDING',
  2004: 'DETECTION_FINDING',
  2005: 'INCIDENT_FINDING',
  2006: 'DATA_SECURITY_FINDING',
  3001: 'ACCOUNT_CHANGE',
  3002: 'AUTHENTICATION',
  3003: 'AUTHORIZE_SESSION',
  3004: 'ENTITY_MANAGEMENT',
  3005: 'USER_ACCESS',
  3006: 'GROUP_MANAGEMENT',
  4001: 'NETWORK_ACTIVITY',
  4002: 'HTTP_ACTIVITY',
  4003: 'DNS_ACTIVITY',
  4004: 'DHCP_ACTIVITY',
  4005: 'RDP_ACTIVITY',
  4006: 'SMB_ACTIVITY',
  4007: 'SSH_ACTIVITY',
  4008: 'FTP_ACTIVITY',
  4009: 'EMAIL_ACTIVITY',
  4010: 'NETWORK_FILE_ACTIVITY',
  4011: 'EMAIL_FILE_ACTIVITY',
  4012: 'EMAIL_URL_ACTIVITY',
  4013: 'NTP_ACTIVITY',
  4014: 'TUNNEL_ACTIVITY',
  5001: 'DEVICE_INVENTORY_INFO',
  5002: 'DEVICE_CONFIG_STATE',
  5003: 'USER_INVENTORY',
  5004: 'PATCH_STATE',
  5006: 'KERNEL_OBJECT_QUERY',
  5007: 'FILE_QUERY',
  5008: 'FOLDER_QUERY',
  5009: 'ADMIN_GROUP_QUERY',
  5010: 'JOB_QUERY',
  5011: 'MODULE_QUERY',
  5012: 'NETWORK_CONNECTION_QUERY',
  5013: 'NETWORKS_QUERY',
  5014: 'PERIPHERAL_DEVICE_QUERY',
  5015: 'PROCESS_QUERY',
  5016: 'SERVICE_QUERY',
  5017: 'USER_SESSION_QUERY',
  5018: 'USER_QUERY',
  5019: 'DEVICE_CONFIG_STATE_CHANGE',
  5020: 'SOFTWARE_INVENTORY_INFO',
  6001: 'WEB_RESOURCES_ACTIVITY',
  6002: 'APPLICATION_LIFECYCLE',
  6003: 'API_ACTIVITY',
  6004: 'WEB_RESOURCE_ACCESS_ACTIVITY',
  6005: 'DATASTORE_ACTIVITY',
  6006: 'FILE_HOSTING_ACTIVITY',
  6007: 'SCAN_ACTIVITY',
  7001: 'REMEDIATION_ACTIVITY',
  7002: 'FILE_REMEDIATION_ACTIVITY',
  7003: 'PROCESS_REMEDIATION_ACTIVITY',
  7004: 'NETWORK_REMEDIATION_ACTIVITY',
  201001: 'REGISTRY_KEY_ACTIVITY',
  201002: 'REGISTRY_VALUE_ACTIVITY',
  201003: 'WINDOWS_RESOURCE_ACTIVITY',
  201004: 'WINDOWS_SERVICE_ACTIVITY',
  205004: 'REGISTRY_KEY_QUERY',
  205005: 'REGISTRY_VALUE_QUERY',
  205019: 'PREFETCH_QUERY',
}

/** What CreateCustomLogSource returned for one class of one source. */
export interface CustomSourceLocation {
  /** Id of the source, e.g. `vpc-flow`. */
  readonly source: string
  readonly classUid: number
  /** The custom source's own name, e.g. `vpc-flow-4001`. */
  readonly name: string
  /** `s3://<bucket>/ext/<name>/`: objects go below it. */
  readonly location: string
  /** The provider role, which may write there and nowhere else. */
  readonly roleArn: string
}

/** A Security Lake with its custom sources: `ocsf-lake register` writes it, `--security-lake <file>` reads it. */
export interface SecurityLakeTarget {
  /** The region of the lake's bucket: it is the `region=` of every object, wherever an event happened. */
  readonly region: string
  /** What the provider roles want to hear when they are assumed. */
  readonly externalId: string
  /** ARN of the key of a lake with its own KMS key. */
  readonly kmsKey?: string
  readonly sources: readonly CustomSourceLocation[]
}

/** @throws OcsfLakeError `version_unknown` above 1.3: Security Lake does not take those from custom sources */
export function checkSecurityLakeVersion(version: OcsfVersion): void {
  if (version === '1.1.0' || version === '1.3.0') return
  throw new OcsfLakeError(
    'version_unknown',
    `Security Lake takes OCSF 1.3 and earlier from custom sources: use --ocsf 1.1.0 or 1.3.0, or write ${version} to a lake of your own (--out s3://<bucket>/<prefix>, with tables by ocsf-lake ddl).`,
  )
}

/**
 * The event class as CreateCustomLogSource wants it, e.g. `NETWORK_ACTIVITY`.
 *
 * @throws OcsfLakeError `class_unknown` when Security Lake has no name for the class
 */
export function eventClassName(classUid: number): string {
  const name = EVENT_CLASSES[classUid]
  if (name === undefined) {
    throw new OcsfLakeError(
      'class_unknown',
      `Security Lake has no name for class ${classUid}: write it to a lake of your own (--out s3://<bucket>/<prefix>, with tables by ocsf-lake ddl), or leave its source out.`,
    )
  }
  return name
}

/** Where the events of a class of a source go, when it is registered. */
export function customSourceOf({ sources }: SecurityLakeTarget, source: string, classUid: number): CustomSourceLocation | undefined {
  return sources.find(one => one.source === source && one.classUid === classUid)
}

const LOCATION = /^s3:\/\/[a-z0-9][a-z0-9.-]+\/(?:[^/]+\/)*$/
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/
const KMS_KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/.+$/

/**
 * Checks a target that came from a file; a location without its last `/` gets it.
 *
 * @throws OcsfLakeError `option_invalid`, naming the first member that is not as it must be
 */
export function securityLakeTarget(json: unknown): SecurityLakeTarget {
  const { region, externalId, kmsKey, sources } = membersOf(json, 'The description')
  if (typeof region !== 'string' || !isRegion(region)) refuse('region', 'a region like eu-central-1', region)
  if (typeof externalId !== 'string' || externalId === '') refuse('externalId', 'the external id that the custom sources were registered with', externalId)
  if (kmsKey !== undefined && !matches(kmsKey, KMS_KEY)) refuse('kmsKey', 'the ARN of a KMS key', kmsKey)
  if (!Array.isArray(sources) || sources.length === 0) refuse('sources', 'a list of at least one custom source', sources)
  const found = sources.map(customSource)
  const twice = found.find((one, at) => found.some((other, before) => before < at && other.source === one.source && other.classUid === one.classUid))
  if (twice !== undefined) refuse('sources', 'one custom source for each source and class', `two for ${twice.source} ${twice.classUid}`)
  return { region, externalId, kmsKey, sources: found }
}

function customSource(json: unknown, at: number): CustomSourceLocation {
  const path = `sources[${at}]`
  const { source, classUid, name, location, roleArn } = membersOf(json, path)
  if (typeof source !== 'string' || source === '') refuse(`${path}.source`, 'the id of a source', source)
  if (typeof classUid !== 'number' || EVENT_CLASSES[classUid] === undefined)
    refuse(`${path}.classUid`, 'the uid of a class that Security Lake has a name for', classUid)
  if (typeof name !== 'string' || name === '') refuse(`${path}.name`, 'the name of the custom source', name)
  const prefix = typeof location === 'string' && !location.endsWith('/') ? `${location}/` : location
  if (!matches(prefix, LOCATION)) refuse(`${path}.location`, 's3://<bucket>/ext/<name>/ as registration returned it', location)
  if (!matches(roleArn, ROLE)) refuse(`${path}.roleArn`, 'the ARN of the provider role as registration returned it', roleArn)
  return { source, classUid, name, location: prefix, roleArn }
}

function membersOf(json: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) refuse(path, 'an object', json)
  return json as Readonly<Record<string, unknown>> // seen to be an object above
}

const matches = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value)

function refuse(path: string, expected: string, found: unknown): never {
  const text = typeof found === 'string' ? found : JSON.stringify(found)
  throw new OcsfLakeError('option_invalid', `--security-lake: ${path} must be ${expected}, and is ${text ?? 'missing'}.`)
}
