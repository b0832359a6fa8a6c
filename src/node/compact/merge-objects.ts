/** Objects of one kind into few sorted ones: seconds of the day at a time, so that memory does not follow the day. */
import { createHash } from 'node:crypto'
import type { Decompressors } from '../../decode/parquet-lines.js'
import { hashOf } from '../../lake/object-key.js'
import type { Codec } from '../../parquet/codec.js'
import { createParquetFile, type ParquetFile } from '../../parquet/file.js'
import { addRows, createSlice, noRows, type RowSum, sameSum, timeLeaf } from '../../parquet/merge.js'
import type { StoredColumn } from '../../parquet/stored-column.js'
import type { Listed, OwnStore } from '../store.js'
import { type Kind, type LakeFile, openLakeFile, Unmergeable } from './lake-object.js'

/** An object that can be merged. */
export interface MergeInput extends Listed {
  readonly kind: Kind
  readonly rows: number
  /** Hex. */
  readonly sha256: string
  /** Of each row group: its rows, and its first and last time in milliseconds of the day. */
  readonly groups: readonly { readonly rows: number; readonly first: number; readonly last: number }[]
}

/** Objects of one kind, and what each second of their day holds. */
export interface MergeSet {
  readonly inputs: MergeInput[]
  readonly rows: Float64Array
  /** Uncompressed, about. */
  readonly bytes: Float64Array
}

const DAY_SECONDS = 86_400

export const noInputs = (): MergeSet => ({ inputs: [], rows: new Float64Array(DAY_SECONDS), bytes: new Float64Array(DAY_SECONDS) })

/** A merged object as it waits for the others. */
export interface MergeOutput {
  readonly name: string
  readonly bytes: Uint8Array
  readonly rows: number
  readonly sum: RowSum
}

export interface MergeOptions {
  readonly store: OwnStore
  readonly codec: Codec
  readonly decompressors: Decompressors
  /** Bytes after which an object is ended. */
  readonly targetBytes: number
  /** Rows that are sorted at once, unless one second has more. */
  readonly sliceRows?: number
}

/** Where rows went. `rows = kept + repeats`. */
export interface MergeCounts {
  rows: number
  kept: number
  repeats: number
  twins: number
}

const DAY_MS = 86_400_000
const SLICE_ROWS = 200_000
/** Uncompressed bytes that are sorted at once, unless one second has more. */
const SLICE_BYTES = 128 * 2 ** 20
/** Rows of a second at most: more are not sorted in memory. */
const SECOND_ROWS = 2_000_000
/** Stored bytes of objects that are kept while later slices need them. */
const KEPT_BYTES = 128 * 2 ** 20
/** Names that an object keeps in its footer at most; the marker has them all. */
const MOST_NAMES = 1000

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Reads what an object is, and its times, and adds it to those of its kind.
 *
 * @param dayMs where its day begins
 * @throws Unmergeable
 */
export async function inspect({ store, decompressors }: MergeOptions, listed: Listed, dayMs: number, setOf: (kind: Kind) => MergeSet): Promise<void> {
  const bytes = await store.get(listed.key)
  if (bytes === undefined) throw new Unmergeable('changed', 'it is gone')
  const file = await openLakeFile(bytes, decompressors)
  const time = timeLeaf(file.kind.schema)
  const seconds = new Map<number, number>()
  let before = 0
  const groups = file.groups.map((rows, group) => {
    const times = timesOf(file.read(group, time), dayMs)
    for (const at of times) {
      if (!(at >= 0 && at < DAY_MS)) throw new Unmergeable('day_other', 'it has rows without a time, or of another day')
      if (at < before) throw new Unmergeable('not_sorted', 'its rows are not sorted by time')
      before = at
      const second = Math.floor(at / 1000)
      seconds.set(second, (seconds.get(second) ?? 0) + 1)
    }
    return { rows, first: times[0] ?? 0, last: times.at(-1) ?? 0 }
  })
  const set = setOf(file.kind)
  set.inputs.push({ ...listed, kind: file.kind, rows: file.rows, sha256: sha256Of(bytes), groups })
  for (const [second, count] of seconds) {
    set.rows[second]! += count
    set.bytes[second]! += (count * file.bytes) / file.rows
  }
}

/** Milliseconds of the day; NaN without a value. */
function timesOf({ rows, words, defs, same }: StoredColumn, dayMs: number): Float64Array {
  const times = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const at = same ? 0 : row
    const def = typeof defs === 'number' ? defs : defs[at]!
    times[row] = def === 1 ? words[at * 2 + 1]! * 2 ** 32 + (words[at * 2]! >>> 0) - dayMs : Number.NaN
  }
  return times
}

/** Where slices of the day end, in seconds; every row is in one. */
function sliceEnds({ rows, bytes }: MergeSet, sliceRows: number = SLICE_ROWS): { readonly end: number; readonly rows: number }[] {
  const ends: { end: number; rows: number }[] = []
  let open = { rows: 0, bytes: 0 }
  for (let second = 0; second < rows.length; second++) {
    if (rows[second] === 0) continue
    if (open.rows > 0 && (open.rows + rows[second]! > sliceRows || open.bytes + bytes[second]! > SLICE_BYTES)) {
      ends.push({ end: second, rows: open.rows })
      open = { rows: 0, bytes: 0 }
    }
    open = { rows: open.rows + rows[second]!, bytes: open.bytes + bytes[second]! }
  }
  if (open.rows > 0) ends.push({ end: rows.length, rows: open.rows })
  return ends
}

/** Whether so many rows fall into one second that they cannot be sorted in memory. */
export const isTooDense = ({ rows }: MergeSet): boolean => rows.some(count => count > SECOND_ROWS)

/**
 * Merges objects of one kind and gives each new object when it is whole. The same objects give the same names and bytes.
 *
 * @throws Unmergeable when an object changed since it was inspected
 */
export async function* mergeObjects(
  set: MergeSet,
  partition: string,
  dayMs: number,
  options: MergeOptions,
  counts: MergeCounts,
): AsyncGenerator<MergeOutput, void, undefined> {
  const { codec, targetBytes, sliceRows } = options
  const { kind } = set.inputs[0]!
  const sorted = [...set.inputs].sort((a, b) => (a.key < b.key ? -1 : 1))
  const identity = hashOf('compact', partition, kind.id, targetBytes, ...sorted.flatMap(({ key, sha256 }) => [key, sha256]))
  const generation = nextGeneration(sorted.map(({ key }) => key.slice(partition.length)))
  const opened = createShelf(options)
  let file: ParquetFile | undefined
  let sum = noRows()
  let names = new Set<string>()
  let part = 0
  const end = (): MergeOutput => {
    const bytes = file!.finish({ ...kind.metadata, ...mergedMetadata(names) })
    const output = { name: `merged-${generation}-${hashOf(identity, part++)}.parquet`, bytes, rows: file!.rows, sum }
    file = undefined
    sum = noRows()
    names = new Set()
    return output
  }
  let from = 0
  for (const { end: until, rows } of sliceEnds(set, sliceRows)) {
    const slice = createSlice(kind.schema, rows)
    for (const input of sorted) {
      const fromMs = from * 1000
      const untilMs = until * 1000
      if (!input.groups.some(({ first, last }) => first < untilMs && last >= fromMs)) continue
      const lake = await opened.take(input, untilMs)
      for (let group = 0; group < input.groups.length; group++) {
        const { first, last } = input.groups[group]!
        if (first >= untilMs || last < fromMs) continue
        const times = timesOf(lake.read(group, timeLeaf(kind.schema)), dayMs)
        const start = lowerBound(times, fromMs)
        const stop = lowerBound(times, untilMs)
        if (stop > start) {
          slice.add(
            kind.schema.leaves.map(leaf => lake.read(group, leaf)),
            start,
            stop,
          )
          names.add(input.key.slice(partition.length))
        }
      }
    }
    if (slice.rows !== rows) throw new Error(`compact: ${rows} rows expected, ${slice.rows} found`)
    file ??= createParquetFile(kind.schema, codec, timeLeaf(kind.schema).index)
    const { order, kept, twins, sum: ofSlice } = slice.sorted()
    file.add(slice.columns, order, kept)
    sum = added(sum, ofSlice)
    counts.rows += rows
    counts.kept += kept
    counts.repeats += rows - kept
    counts.twins += twins
    from = until
    if (file.bytes >= targetBytes) yield end()
  }
  if (file !== undefined) yield end()
}

/** Merged objects come behind what they replace in a listing, so that a long one under way cannot miss both. */
function nextGeneration(names: readonly string[]): string {
  const before = names.map(name => Number(/^merged-(\d{4})-/.exec(name)?.[1] ?? 0))
  return String(before.reduce((most, one) => Math.max(most, one), 0) + 1).padStart(4, '0')
}

/** Reads an object back: whether it has the rows, sorted, that went into it. */
export async function isWhole({ rows, sum }: Pick<MergeOutput, 'rows' | 'sum'>, bytes: Uint8Array, kind: Kind, decompressors: Decompressors): Promise<boolean> {
  const file = await openLakeFile(bytes, decompressors)
  if (file.kind !== kind || file.rows !== rows) return false
  const found = noRows()
  let before = Number.NEGATIVE_INFINITY
  for (let group = 0; group < file.groups.length; group++) {
    const stored = kind.schema.leaves.map(leaf => file.read(group, leaf))
    for (const at of timesOf(stored[timeLeaf(kind.schema).index]!, 0)) {
      if (!(at >= before)) return false
      before = at
    }
    addRows(found, kind.schema, stored)
  }
  return sameSum(found, sum)
}

const LIMIT = 2 ** 48
const added = (one: RowSum, other: RowSum): RowSum => ({ rows: one.rows + other.rows, a: (one.a + other.a) % LIMIT, b: (one.b + other.b) % LIMIT })

/** The names of what was merged, `.parquet` left out; where they are many, how many and their checksum. */
function mergedMetadata(names: ReadonlySet<string>): Record<string, string> {
  const all = [...names].map(name => name.replace(/\.parquet$/, '')).sort()
  const counted = { 'ocsf-lake.merged_count': String(all.length), 'ocsf-lake.merged_sha256': sha256Of(new TextEncoder().encode(all.join('\n'))) }
  return all.length > MOST_NAMES ? counted : { ...counted, 'ocsf-lake.merged': all.join(' ') }
}

function lowerBound(ascending: Float64Array, value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Objects that are read once if there is room for them until their last row was taken, else as often as they are needed. */
function createShelf({ store, decompressors }: MergeOptions): { take(input: MergeInput, untilMs: number): Promise<LakeFile> } {
  const kept = new Map<string, LakeFile>()
  let bytes = 0
  return {
    async take(input, untilMs) {
      const last = (input.groups.at(-1)?.last ?? 0) < untilMs
      const known = kept.get(input.key)
      if (known !== undefined) {
        if (last && kept.delete(input.key)) bytes -= input.size
        return known
      }
      const stored = await store.get(input.key)
      if (stored === undefined || sha256Of(stored) !== input.sha256) throw new Unmergeable('changed', 'it was replaced or removed in the meantime')
      const file = await openLakeFile(stored, decompressors)
      if (!last && bytes + input.size <= KEPT_BYTES) {
        kept.set(input.key, file)
        bytes += input.size
      }
      return file
    },
  }
}
