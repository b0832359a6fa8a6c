/** What a batch conversion can be told, and what is refused before anything is read. */
import type { RawPolicy } from '../convert.js'
import { OcsfLakeError } from '../errors.js'
import { isAccountId, isRegion } from '../lake/partition.js'
import { isS3Url } from '../lake/s3-url.js'
import { checkSecurityLakeVersion, type SecurityLakeTarget } from '../lake/security-lake.js'
import { DEFAULT_VERSION, isVersion, type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import type { CodecName } from '../parquet/codec.js'
import { SOURCES } from '../sources/index.js'
import type { AnySource } from '../sources/source.js'
import type { S3Settings } from './aws/s3.js'

export interface ConvertFilesOptions {
  /** Files, folders, globs and `s3://bucket/prefix`; `-` is standard input. */
  readonly inputs: readonly string[]
  /** Folder or `s3://bucket/prefix` to write below. Needed for Parquet, unless `lake` is given. */
  readonly out?: string
  /** A Security Lake to write to instead. */
  readonly lake?: SecurityLakeTarget
  /** How S3 is reached, where the environment does not say. */
  readonly s3?: S3Settings
  /** The one source all inputs are of; without it each input is recognised among `sources`. */
  readonly source?: AnySource
  /** The built-in sources unless said; add your own here. */
  readonly sources?: readonly AnySource[]
  readonly ocsf?: OcsfVersion
  /** Used where the log and its key do not say. */
  readonly region?: string
  readonly account?: string
  /** Field names of header-less text, in order. */
  readonly fields?: readonly string[]
  /** Format string of web access logs, as nginx's `log_format` or Apache's `LogFormat` has it. */
  readonly logFormat?: string
  readonly format?: 'parquet' | 'ndjson'
  readonly compression?: CodecName
  /** Of zstd 1 to 19, 1 unless said; of gzip 1 to 9, 6 unless said. */
  readonly compressionLevel?: number
  readonly raw?: RawPolicy
  readonly observables?: boolean
  /** Several inputs make one unit, cut at this many stored bytes: fewer and larger objects from many small files. */
  readonly group?: number
  /** Worker threads that convert units side by side: 1 unless said, which converts in this thread. Built-in sources only. */
  readonly jobs?: number
  /** Folder or `s3://bucket/prefix` for rejected records; `<out>/rejects` unless said. */
  readonly rejects?: string
  /**
   * Folder or `s3://bucket/prefix` for the reports of finished units: a later run with the same version and options counts
   * those units as `resumed` instead of converting them again.
   */
  readonly state?: string
  /** An input with more uncompressed bytes than this is cut off and rejected: 8 GiB unless said. */
  readonly maxBytes?: number
  readonly stdin?: NodeJS.ReadableStream
  readonly stdout?: NodeJS.WritableStream
  /** Called now and then while the run goes on. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly files: number
  readonly filesDone: number
  /** Stored bytes. */
  readonly bytes: number
  readonly bytesDone: number
  readonly records: number
}

/** @throws OcsfLakeError `version_unknown`, `option_invalid` */
export function checkOptions(options: ConvertFilesOptions): void {
  const { inputs, out, lake, source, sources = SOURCES, format = 'parquet', ocsf = DEFAULT_VERSION, account, region, group, jobs = 1, maxBytes } = options
  const refuse = (sentence: string): never => {
    throw new OcsfLakeError('option_invalid', sentence)
  }
  if (!isVersion(ocsf)) throw new OcsfLakeError('version_unknown', `OCSF version ${String(ocsf)} is not supported: use one of ${VERSIONS.join(', ')}.`)
  if (inputs.length === 0) refuse('No input: give files, folders, globs, or - for standard input.')
  if (format === 'ndjson' && out !== undefined && isS3Url(out)) refuse('NDJSON goes to a folder or to standard output: only Parquet is written to S3.')
  if (format === 'ndjson' && options.state !== undefined) refuse('NDJSON is written from its beginning: --state works with Parquet only.')
  if (lake !== undefined) {
    checkSecurityLakeVersion(ocsf)
    if (out !== undefined) refuse('--out and --security-lake are two places for the same objects: give one of them.')
    if (format !== 'parquet') refuse('Security Lake takes Parquet only: leave --format out.')
    if (source !== undefined && !lake.sources.some(one => one.source === source.id)) {
      refuse(`No custom source is registered for ${source.id}: run ocsf-lake register for it, or leave --security-lake out.`)
    }
  }
  if (format === 'parquet' && out === undefined && lake === undefined)
    refuse('Parquet needs a folder to write to: give --out <dir>, or --format ndjson for standard output.')
  if (account !== undefined && !isAccountId(account)) refuse(`--account ${account} is no account: give twelve digits, external, or external_<id>.`)
  if (region !== undefined && !isRegion(region)) refuse(`--region ${region} is no region: give a name like us-east-1.`)
  if (group !== undefined && !(group > 0)) refuse('--group takes a number of bytes above 0.')
  if (maxBytes !== undefined && !(maxBytes > 0)) refuse('maxBytes takes a number of bytes above 0.')
  if (!(Number.isInteger(jobs) && jobs > 0)) refuse('--jobs takes a whole number above 0.')
  if (jobs === 1) return
  if (out === undefined && lake === undefined) refuse('NDJSON on standard output is written by one job: leave --jobs out, or give --out <dir>.')
  const own = [...sources, ...(source === undefined ? [] : [source])].find(one => !SOURCES.includes(one))
  if (own !== undefined) refuse(`More than one job works with the built-in sources only, and ${own.id} is none: leave jobs out.`)
}
