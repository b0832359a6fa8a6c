/** The fields of CloudFront logs, whatever a log calls them. */
import type { W3cLog, W3cRow } from '../../decode/w3c.js'

/** Fields that have a place in OCSF, by the names of real-time logs; all others are unmapped. */
const NAMES = [
  'date',
  'time',
  'timestamp',
  'timestamp(ms)',
  'x-edge-location',
  'sc-bytes',
  'c-ip',
  'c-port',
  'c-country',
  'asn',
  'cs-method',
  'cs-host',
  'cs-uri-stem',
  'cs-uri-query',
  'sc-status',
  'cs-referer',
  'cs-user-agent',
  'cs-cookie',
  'cs-accept',
  'cs-accept-encoding',
  'cs-headers',
  'x-edge-result-type',
  'x-edge-response-result-type',
  'x-edge-detailed-result-type',
  'x-edge-request-id',
  'x-host-header',
  'x-forwarded-for',
  'cs-protocol',
  'cs-protocol-version',
  'cs-bytes',
  'time-taken',
  'time-to-first-byte',
  'origin-fbl',
  'origin-lbl',
  'ssl-protocol',
  'ssl-cipher',
  'sc-content-type',
  'sc-content-len',
  'distributionid',
  'primary-distribution-id',
] as const
export type Name = (typeof NAMES)[number]
/** A request. */
export type CloudFrontRecord = W3cRow<Name>

const BY_NAME: ReadonlyMap<string, Name> = new Map(NAMES.map(name => [name, name]))

/** `cs(User-Agent)`, `cs_user_agent` and `cs-user-agent` are the same field. */
export function nameOf(written: string): Name | undefined {
  const lower = written.toLowerCase().replaceAll('_', '-')
  return BY_NAME.get(lower.startsWith('cs(') && lower.endsWith(')') ? `cs-${lower.slice(3, -1)}` : lower)
}

export const log: W3cLog<Name> = { record: 'a CloudFront log record', names: NAMES, nameOf }
