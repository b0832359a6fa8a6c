/** What a handler can be told, and what is refused when it is made. */
import type { RawPolicy } from '../../convert.js'
import type { ParquetReader } from '../../decode/parquet-input.js'
import { OcsfLakeError } from '../../errors.js'
import { isAccountId, isRegion } from '../../lake/partition.js'
import { below, isS3Url, parseS3Url } from '../../lake/s3-url.js'
import { checkSecurityLakeVersion, type SecurityLakeTarget } from '../../lake/security-lake.js'
import { DEFAULT_VERSION, isVersion, type OcsfVersion, VERSIONS } from '../../ocsf/facts.js'
import type { CodecName } from '../../parquet/codec.js'
import type { AnySource } from '../../sources/source.js'
import type { S3Settings } from '../aws/s3.js'
import type { Log } from './metrics.js'

export interface HandlerOptions {
  /** `s3://bucket/prefix`, or the Security Lake that `ocsf-lake register` described; `OCSF_LAKE` of the environment unless said. A Firehose transformation needs none. */
  readonly lake?: string | SecurityLakeTarget
  /** The one source of everything that comes, or the sources among which each object and record is recognised. */
  readonly sources: readonly AnySource[]
  /** `s3://bucket/prefix` for rejected records, unredacted; `OCSF_LAKE_DEAD_LETTERS`, then `<lake>/rejects` unless said. Security Lake and Firehose need it. */
  readonly deadLetters?: string
  readonly ocsf?: OcsfVersion
  /** Used where the log, its key and its envelope do not say. */
  readonly region?: string
  readonly account?: string
  /** Field names of header-less text, in order. */
  readonly fields?: readonly string[]
  /** Format string of web access logs, as nginx's `log_format` or Apache's `LogFormat` has it. */
  readonly logFormat?: string
  readonly compression?: CodecName
  readonly compressionLevel?: number
  readonly raw?: RawPolicy
  readonly observables?: boolean
  /** An object with more uncompressed bytes than this is cut off and rejected: 8 GiB unless said. */
  readonly maxBytes?: number
  /** `readParquet`, for flow logs that are delivered as Parquet; without it a Parquet object is a dead letter. 70 kB of the bundle. */
  readonly parquet?: ParquetReader
  readonly s3?: S3Settings
  /** Of the metrics; `OCSF_LAKE_NAMESPACE`, then `OcsfLake` unless said. */
  readonly namespace?: string
  /** Where log lines and metrics go; standard output unless said. */
  readonly log?: Log
}

/** What is not said comes from the environment, where the construct of `ocsf-lake/cdk` says it. */
export function withEnvironment(options: HandlerOptions, env: NodeJS.ProcessEnv): HandlerOptions {
  const said = (name: string): string | undefined => env[name] || undefined
  const { lake = said('OCSF_LAKE'), deadLetters = said('OCSF_LAKE_DEAD_LETTERS'), namespace = said('OCSF_LAKE_NAMESPACE') } = options
  return { ...options, lake, deadLetters, namespace }
}

/** @throws OcsfLakeError `option_invalid`, `version_unknown` */
export function checkHandlerOptions({ lake, sources, deadLetters, ocsf = DEFAULT_VERSION, region, account, maxBytes }: HandlerOptions): void {
  const refuse = (sentence: string): never => {
    throw new OcsfLakeError('option_invalid', sentence)
  }
  if (!isVersion(ocsf)) throw new OcsfLakeError('version_unknown', `OCSF version ${String(ocsf)} is not supported: use one of ${VERSIONS.join(', ')}.`)
  if (sources.length === 0) refuse('No source: give the sources whose records the function gets, e.g. sources: [vpcFlow].')
  if (typeof lake === 'string') parseS3Url(lake)
  else if (lake !== undefined) {
    checkSecurityLakeVersion(ocsf)
    if (deadLetters === undefined) refuse('Security Lake takes no rejects: give deadLetters, e.g. s3://my-bucket/dead-letters.')
  }
  if (deadLetters !== undefined) parseS3Url(deadLetters)
  else if (lake === undefined) refuse('No place to write to: give a lake, or for a Firehose transformation deadLetters, e.g. s3://my-bucket/dead-letters.')
  if (account !== undefined && !isAccountId(account)) refuse(`account ${account} is no account: give twelve digits, external, or external_<id>.`)
  if (region !== undefined && !isRegion(region)) refuse(`region ${region} is no region: give a name like us-east-1.`)
  if (maxBytes !== undefined && !(maxBytes > 0)) refuse('maxBytes takes a number of bytes above 0.')
}

/** Where rejects go. */
export function deadLettersOf({ lake, deadLetters }: Pick<HandlerOptions, 'lake' | 'deadLetters'>): string | undefined {
  return deadLetters ?? (typeof lake === 'string' ? below(lake, 'rejects') : undefined) // checkHandlerOptions leaves no other case
}

/** What the function writes itself: an object below these would come back to it for ever. */
export function ownPlaces(options: Pick<HandlerOptions, 'lake' | 'deadLetters'>): readonly string[] {
  const { lake } = options
  const written = typeof lake === 'string' ? [below(lake, 'ext/')] : (lake?.sources.map(({ location }) => location) ?? [])
  const letters = deadLettersOf(options)
  return [...written, ...(letters === undefined ? [] : [below(letters, '')])].filter(isS3Url)
}
