/** What the key of an AWS log object says about its records. */

export interface ObjectKey {
  /** Twelve digits, leading zeros kept. */
  readonly account?: string
  readonly region?: string
  /** The service's folder as written, e.g. `vpcflowlogs`, `CloudTrail`, `CloudTrail-Insight`. */
  readonly service?: string
  /** Time in the file name, epoch milliseconds. */
  readonly fileTime?: number
}

// [prefix/]AWSLogs/[o-orgid/]ACCOUNT/SERVICE/REGION/YYYY/MM/DD/file; some services put something else behind SERVICE
const PLAIN = /(?:^|\/)AWSLogs\/(?:o-[a-z0-9]+\/)?(\d{12})\/([A-Za-z0-9_-]+)(?:\/([a-z]{2,4}(?:-[a-z]+)+-\d+))?(?=\/|$)/
// hive-compatible: AWSLogs/aws-account-id=ACCOUNT/aws-service=SERVICE/aws-region=REGION/year=YYYY/…
const HIVE = /(?:^|\/)(?:aws-)?(account-id|service|region)=([^/]+)/g
// S3 server access logs in the partitioned layout: [prefix]ACCOUNT/REGION/BUCKET/YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-UNIQUE
const S3_ACCESS = /(\d{12})\/([a-z]{2,4}(?:-[a-z]+)+-\d+)\/[^/]+\/\d{4}\/\d\d\/\d\d\/\d{4}(?:-\d\d){5}-[0-9A-F]{16}$/
// ACCOUNT_SERVICE_REGION_…_YYYYMMDDTHHmm[ss]Z_…
const FILE = /^(\d{12})_([A-Za-z0-9-]+)_([a-z]{2,4}(?:-[a-z]+)+-\d+)_/
const FILE_TIME = /(?:^|[_.-])(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?Z(?=[_.-]|$)/

/** Reads an S3 key or a local path (with `/`): what a folder or file name says, nothing guessed. */
export function readObjectKey(key: string): ObjectKey {
  const file = key.slice(key.lastIndexOf('/') + 1)
  const named = FILE.exec(file)
  const plain = PLAIN.exec(key)
  const s3 = plain === null ? S3_ACCESS.exec(key) : null
  const hive: Record<string, string> = {}
  for (const [, name, value] of key.matchAll(HIVE)) hive[name!] = value!
  const hiveAccount = hive['account-id']
  return {
    account: plain?.[1] ?? (hiveAccount !== undefined && /^\d{12}$/.test(hiveAccount) ? hiveAccount : undefined) ?? named?.[1] ?? s3?.[1],
    region: plain?.[3] ?? hive.region ?? named?.[3] ?? s3?.[2],
    service: plain?.[2] ?? hive.service ?? named?.[2],
    fileTime: fileTime(file),
  }
}

function fileTime(file: string): number | undefined {
  const found = FILE_TIME.exec(file)
  if (found === null) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1).map(part => Number(part ?? 0))
  const ms = Date.UTC(year!, month! - 1, day, hour, minute, second)
  return new Date(ms).getUTCDate() === day && hour! < 24 ? ms : undefined
}
