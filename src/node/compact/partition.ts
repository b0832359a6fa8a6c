/**
 * One partition: small objects become few, in steps that a killed run leaves so that the next one ends them.
 *
 * 1. New objects are written under names that no reader lists, and read back.
 * 2. The marker says what replaces what. Until here nothing has changed for a reader; from here on it will.
 * 3. The new objects get their names, and are read back once more.
 * 4. What they replace is removed. Between 3 and 4 rows can be listed twice, at no time too seldom.
 * 5. The marker says that it is done.
 */
import { OcsfLakeError } from '../../errors.js'
import { type Marker, type MergedObject, partitionOfKey, readMarker, writeMarker } from '../compacted.js'
import type { Listed, OwnStore } from '../store.js'
import { type Kind, Unmergeable } from './lake-object.js'
import { inspect, isTooDense, isWhole, type MergeCounts, type MergeOptions, type MergeSet, mergeObjects, noInputs, sha256Of } from './merge-objects.js'

/** Why a partition, or objects of it, are as they were. */
export type LeftReason = Unmergeable['reason'] | 'too_dense' | 'written_again'

export interface PartitionReport {
  /** The part of keys up to the name of the object. */
  readonly partition: string
  /**
   * `compacted`; `finished` what an earlier run began; `unchanged`: nothing to merge; `planned` in a dry run; `left`:
   * nothing was merged, see `left`.
   */
  state: 'compacted' | 'finished' | 'unchanged' | 'planned' | 'left'
  /** Objects that readers list, before and after. */
  readonly objects: { before: number; after: number }
  readonly bytes: { before: number; after: number }
  /** Of the objects that were merged: `in = out + repeats`. */
  readonly rows: { in: number; out: number; repeats: number; twins: number }
  /** What was merged into what, by what the objects have in common. */
  readonly merges: { readonly source: string; readonly class: string; readonly ocsf: string; readonly mapping: string; readonly from: number; into: number }[]
  /** Objects that were not merged though they are small, by reason, each with its name. */
  readonly left: Partial<Record<LeftReason, string[]>>
}

export interface PartitionOptions extends MergeOptions {
  readonly dryRun: boolean
  /** Told of stored bytes that were read. */
  readonly onRead: (bytes: number) => void
}

/** What a killed run may have left that nothing refers to. */
const STAGED = /\/_(?:merged-\d+-[0-9a-f]{32}\.parquet\.staged(?:\.\d+\.tmp)?|compacted\.json\.\d+\.tmp)$/

const isData = ({ key }: Listed): boolean => key.endsWith('.parquet') && !key.slice(partitionOfKey(key).length).startsWith('_')

/**
 * Compacts a partition, or finishes what an earlier run began there.
 *
 * @throws OcsfLakeError `work_undone` when what was written does not read back as what was merged
 */
export async function compactPartition(partition: string, dayMs: number, options: PartitionOptions): Promise<PartitionReport> {
  const { store, dryRun } = options
  const marker = await readMarker(store, partition)
  const report = emptyReport(partition)
  if (marker?.begun !== undefined) {
    await finishBegun(partition, marker, report, options)
    return report
  }
  const listed = await listOf(store, partition)
  const data = listed.filter(isData)
  report.objects.before = report.objects.after = data.length
  report.bytes.before = report.bytes.after = sizeOf(data)
  const again = data.filter(({ key }) => marker?.merged.includes(key.slice(partition.length)))
  if (again.length > 0) {
    report.state = 'left'
    for (const { key } of again) leave(report, 'written_again', key)
    return report
  }
  const staged = listed.filter(({ key }) => STAGED.test(key)).map(({ key }) => key)
  if (staged.length > 0 && !dryRun) await store.remove(staged)

  const sets = await inspectAll(data, dayMs, report, options)
  const mergeable = sets.filter(set => !leaveDense(set, report))
  if (mergeable.length === 0) {
    report.state = Object.keys(report.left).length > 0 ? 'left' : 'unchanged'
    return report
  }
  if (dryRun) {
    report.state = 'planned'
    for (const set of mergeable) {
      report.merges.push({ ...said(set.inputs[0]!.kind), from: set.inputs.length, into: Math.max(1, Math.ceil(sizeOf(set.inputs) / options.targetBytes)) })
      report.rows.in += set.inputs.reduce((sum, { rows }) => sum + rows, 0)
    }
    return report
  }
  try {
    await merge(mergeable, partition, dayMs, marker, report, options)
  } catch (error) {
    if (!(error instanceof Unmergeable) || error.reason !== 'changed') throw error
    report.state = 'left'
    leave(report, 'changed', partition)
  }
  return report
}

function emptyReport(partition: string): PartitionReport {
  return {
    partition,
    state: 'unchanged',
    objects: { before: 0, after: 0 },
    bytes: { before: 0, after: 0 },
    rows: { in: 0, out: 0, repeats: 0, twins: 0 },
    merges: [],
    left: {},
  }
}

function leave({ left, partition }: PartitionReport, reason: LeftReason, key: string): void {
  const names = left[reason] ?? []
  left[reason] = names
  names.push(key.slice(partition.length))
}

const sizeOf = (some: readonly { readonly size: number }[]): number => some.reduce((sum, { size }) => sum + size, 0)

async function listOf(store: OwnStore, partition: string): Promise<Listed[]> {
  const listed: Listed[] = []
  for await (const object of store.list(partition)) if (partitionOfKey(object.key) === partition) listed.push(object)
  return listed
}

/** Small objects by kind, those kinds that have two at least. */
async function inspectAll(data: readonly Listed[], dayMs: number, report: PartitionReport, options: PartitionOptions): Promise<MergeSet[]> {
  const sets = new Map<Kind, MergeSet>()
  const setOf = (kind: Kind): MergeSet => {
    const set = sets.get(kind) ?? noInputs()
    sets.set(kind, set)
    return set
  }
  for (const object of data) {
    if (object.size * 2 >= options.targetBytes) continue
    try {
      await inspect(options, object, dayMs, setOf)
    } catch (error) {
      if (!(error instanceof Unmergeable)) throw error
      leave(report, error.reason, object.key)
    }
    options.onRead(object.size)
  }
  return [...sets.values()].filter(({ inputs }) => inputs.length > 1)
}

function leaveDense(set: MergeSet, report: PartitionReport): boolean {
  if (!isTooDense(set)) return false
  for (const { key } of set.inputs) leave(report, 'too_dense', key)
  return true
}

const said = ({ metadata }: Kind) => ({
  source: metadata['ocsf-lake.source']!,
  class: metadata['ocsf-lake.class']!,
  ocsf: metadata['ocsf-lake.ocsf_version']!,
  mapping: metadata['ocsf-lake.mapping_version']!,
})

async function merge(
  sets: readonly MergeSet[],
  partition: string,
  dayMs: number,
  marker: Marker | undefined,
  report: PartitionReport,
  options: PartitionOptions,
): Promise<void> {
  const { store } = options
  const objects: MergedObject[] = []
  const counts: MergeCounts = { rows: 0, kept: 0, repeats: 0, twins: 0 }
  for (const set of sets) {
    const { kind } = set.inputs[0]!
    const before = objects.length
    for await (const output of mergeObjects(set, partition, dayMs, options, counts)) {
      const staged = `${partition}_${output.name}.staged`
      await store.put({ key: staged, bytes: output.bytes })
      const { rows, bytes, sum } = output
      objects.push({ key: partition + output.name, staged, rows, bytes: bytes.length, sha256: sha256Of(bytes) })
      const read = await store.get(staged)
      if (read === undefined || !(await isWhole({ rows, sum }, read, kind, options.decompressors).catch(() => false))) throw undone(staged)
    }
    report.merges.push({ ...said(kind), from: set.inputs.length, into: objects.length - before })
  }
  const removes = sets.flatMap(({ inputs }) => inputs.map(({ key, size, etag }) => ({ key, size, etag })))
  const rows = sets.reduce((sum, { inputs }) => sum + inputs.reduce((sum, input) => sum + input.rows, 0), 0)
  if (counts.rows !== rows || counts.rows !== counts.kept + counts.repeats) throw new Error(`rows do not add up: ${JSON.stringify([rows, counts])}`)

  const now = new Map((await listOf(store, partition)).map(object => [object.key, object]))
  if (removes.some(({ key, size, etag }) => now.get(key)?.etag !== etag || now.get(key)?.size !== size)) {
    await store.remove(objects.map(({ staged }) => staged))
    throw new Unmergeable('changed', 'it was replaced or removed in the meantime')
  }
  const merged = [...new Set([...(marker?.merged ?? []), ...removes.map(({ key }) => key.slice(partition.length))])]
  const begun: Marker = { merged, begun: { objects, removes } }
  await writeMarker(store, partition, begun)
  Object.assign(report.rows, { in: counts.rows, out: counts.kept, repeats: counts.repeats, twins: counts.twins })
  await publish(partition, begun, report, options)
  report.state = 'compacted'
}

const undone = (key: string): OcsfLakeError =>
  new OcsfLakeError('work_undone', `${key} does not read back as it was written: nothing was removed. Check the storage, then run the same call again.`)

async function finishBegun(partition: string, marker: Marker, report: PartitionReport, options: PartitionOptions): Promise<void> {
  const data = (await listOf(options.store, partition)).filter(isData)
  report.objects.before = report.objects.after = data.length
  report.bytes.before = report.bytes.after = sizeOf(data)
  report.state = 'finished'
  report.rows.out = marker.begun!.objects.reduce((sum, { rows }) => sum + rows, 0)
  if (!options.dryRun) await publish(partition, marker, report, options)
}

/** From the marker on: every step may be done again. */
async function publish(partition: string, { merged, begun }: Marker, report: PartitionReport, { store }: PartitionOptions): Promise<void> {
  const { objects, removes } = begun!
  const isThere = async ({ key, sha256 }: MergedObject): Promise<boolean> => {
    const bytes = await store.get(key)
    return bytes !== undefined && sha256Of(bytes) === sha256
  }
  for (const object of objects) {
    if (await isThere(object)) continue
    await store.move(object.staged, object.key)
    if (!(await isThere(object))) throw undone(object.key)
  }
  const now = new Map((await listOf(store, partition)).map(object => [object.key, object]))
  const gone: string[] = []
  for (const { key, size, etag } of removes) {
    const there = now.get(key)
    if (there === undefined) continue
    if (there.etag === etag && there.size === size) gone.push(key)
    else leave(report, 'changed', key)
  }
  await store.remove(gone)
  await store.remove(objects.map(({ staged }) => staged).filter(key => now.has(key)))
  await writeMarker(store, partition, { merged })
  const after = (await listOf(store, partition)).filter(isData)
  report.objects.after = after.length
  report.bytes.after = sizeOf(after)
}
