/** Merges the small objects of a lake of your own, partition by partition, once their days are over for good. */
import { OcsfLakeError } from '../../errors.js'
import { isS3Url, s3Place } from '../../lake/s3-url.js'
import type { SecurityLakeTarget } from '../../lake/security-lake.js'
import { VERSION } from '../../version.js'
import type { S3Settings } from '../aws/s3.js'
import { allDecompressors, nodeCodec } from '../codecs.js'
import { daysSince, partitionOfKey, YOUNGEST_DAYS } from '../compacted.js'
import type { Progress } from '../options.js'
import { type OwnStore, openStore } from '../store.js'
import type { MergeOptions } from './merge-objects.js'
import { compactPartition, type PartitionReport } from './partition.js'

export interface CompactOptions {
  /** Folder or `s3://bucket/prefix` of the lake: what `--out` said when it was written. */
  readonly lake: string
  /** Whole days since the end of the day of a partition at least: 15 unless said, 1 at least. */
  readonly olderThanDays?: number
  /** Stored bytes after which a merged object is ended: 256 MiB unless said. Objects of half of that stay as they are. */
  readonly targetBytes?: number
  /** Says what would be merged, and changes nothing. */
  readonly dryRun?: boolean
  /** A Security Lake whose custom sources must not be touched. */
  readonly securityLake?: SecurityLakeTarget
  readonly s3?: S3Settings
  /** Milliseconds; the clock of this machine unless said. */
  readonly nowMs?: number
  readonly onProgress?: (progress: Progress) => void
  /** For tests. */
  readonly sliceRows?: MergeOptions['sliceRows']
  /** Wraps the store: for tests. */
  readonly storeOf?: (store: OwnStore) => OwnStore
}

export interface CompactReport {
  /** Of ocsf-lake. */
  readonly version: string
  readonly lake: string
  readonly olderThanDays: number
  readonly targetBytes: number
  readonly dryRun: boolean
  /** Partitions of the lake, and those too young or without a day, which were not looked into. */
  readonly partitions: { total: number; young: number }
  /** Sums over `compacted`. */
  readonly objects: { before: number; after: number }
  readonly bytes: { before: number; after: number }
  readonly rows: { in: number; out: number; repeats: number; twins: number }
  /** The partitions that were looked into and were not `unchanged`. */
  readonly compacted: PartitionReport[]
  ms: number
}

const OLDER_THAN_DAYS = 15
export const TARGET_BYTES = 256 * 2 ** 20
const LEAST_TARGET = 2 ** 20
const MOST_TARGET = 2 ** 30

const PARTITION = /^ext\/[^/]+\/region=[^/]+\/accountId=[^/]+\/eventDay=\d{8}\/$/

/**
 * Compacts a lake. A run that was killed is finished by the next one.
 *
 * @example
 * const report = await compact({ lake: 's3://example-lake/ocsf' })
 * @throws OcsfLakeError `option_invalid` for a Security Lake, and other faults of an operator
 */
export async function compact(options: CompactOptions): Promise<CompactReport> {
  const started = performance.now()
  const { lake, olderThanDays = OLDER_THAN_DAYS, targetBytes = TARGET_BYTES, dryRun = false, s3, nowMs = Date.now(), sliceRows } = options
  check(options, olderThanDays, targetBytes)
  const { storeOf = store => store } = options
  const store = storeOf(openStore(lake, s3))
  const report: CompactReport = {
    version: VERSION,
    lake,
    olderThanDays,
    targetBytes,
    dryRun,
    partitions: { total: 0, young: 0 },
    objects: { before: 0, after: 0 },
    bytes: { before: 0, after: 0 },
    rows: { in: 0, out: 0, repeats: 0, twins: 0 },
    compacted: [],
    ms: 0,
  }
  const due: { readonly partition: string; readonly objects: number; readonly bytes: number }[] = []
  for await (const found of partitionsOf(store)) {
    report.partitions.total++
    if ((daysSince(found.partition, nowMs) ?? -1) < olderThanDays) report.partitions.young++
    else due.push(found)
  }
  const progress = { files: sum(due, 'objects'), filesDone: 0, bytes: sum(due, 'bytes'), bytesDone: 0, records: 0 }
  const merging = { store, codec: await nodeCodec('zstd'), decompressors: await allDecompressors(), targetBytes, sliceRows, dryRun }
  for (const { partition, objects, bytes } of due) {
    let read = 0
    const onRead = (more: number): void => {
      read += more
      options.onProgress?.({ ...progress, bytesDone: progress.bytesDone + Math.min(read, bytes) })
    }
    const dayMs = nowMs - ((daysSince(partition, nowMs) ?? 0) + 1) * 86_400_000
    const one = await compactPartition(partition, Math.round(dayMs), { ...merging, onRead })
    progress.filesDone += objects
    progress.bytesDone += bytes
    progress.records += one.rows.out
    options.onProgress?.({ ...progress })
    if (one.state === 'unchanged') continue
    report.compacted.push(one)
    for (const name of ['objects', 'bytes', 'rows'] as const) addUp(report[name], one[name])
  }
  report.ms = Math.round(performance.now() - started)
  return report
}

function addUp(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}

const sum = <Name extends string>(some: readonly Readonly<Record<Name, number>>[], name: Name): number => some.reduce((total, one) => total + one[name], 0)

/** The partitions of a lake with their objects, in the order of their keys, in which they are neighbours. */
async function* partitionsOf(
  store: OwnStore,
): AsyncGenerator<{ readonly partition: string; readonly objects: number; readonly bytes: number }, void, undefined> {
  let open: { partition: string; objects: number; bytes: number } | undefined
  for await (const { key, size } of store.list('ext/')) {
    const partition = partitionOfKey(key)
    if (!PARTITION.test(partition)) continue
    if (open?.partition !== partition) {
      if (open !== undefined) yield open
      open = { partition, objects: 0, bytes: 0 }
    }
    if (!key.endsWith('.parquet')) continue
    open.objects++
    open.bytes += size
  }
  if (open !== undefined) yield open
}

function check({ lake, securityLake }: CompactOptions, olderThanDays: number, targetBytes: number): void {
  if (!(olderThanDays >= YOUNGEST_DAYS))
    throw new OcsfLakeError('option_invalid', `--older-than takes a number of days from ${YOUNGEST_DAYS} on: younger days are still written to.`)
  if (!(Number.isInteger(targetBytes) && targetBytes >= LEAST_TARGET && targetBytes <= MOST_TARGET))
    throw new OcsfLakeError('option_invalid', '--target-size takes a size from 1MB to 1GB: an object is made in memory.')
  const place = isS3Url(lake) ? `${lake.replace(/\/*$/, '')}/` : undefined
  const bucket = place === undefined ? undefined : s3Place(place).bucket
  const custom = place === undefined ? undefined : securityLake?.sources.find(({ location }) => location.startsWith(place) || place.startsWith(location))
  if (bucket?.startsWith('aws-security-data-lake-') || custom !== undefined) {
    throw new OcsfLakeError(
      'option_invalid',
      `${lake} belongs to Security Lake, which manages its objects itself: compact is for lakes in buckets of your own.`,
    )
  }
}
