/** Which partitions of a lake were compacted, and what was merged there: writing that again would double its rows. */
import { OcsfLakeError } from '../errors.js'
import type { Listed, Store } from './store.js'

/** In the folder of a partition. Athena and Glue do not read names that begin with `_`. */
const MARKER = '_compacted.json'

/** A finished object of a merge. */
export interface MergedObject {
  readonly key: string
  /** Where it waits until all of the merge are there and verified. */
  readonly staged: string
  readonly rows: number
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** What the marker of a partition says. */
export interface Marker {
  /** Names of all objects that were ever merged there. */
  readonly merged: readonly string[]
  /** The merge that was decided and is not yet finished: `objects` replace `removes`. */
  readonly begun?: { readonly objects: readonly MergedObject[]; readonly removes: readonly Listed[] }
}

/** `partition` is the part of a key up to the name of the object: `ext/…/eventDay=20260101/`. */
export const markerKey = (partition: string): string => partition + MARKER

/** The part of a key before the name of the object. */
export const partitionOfKey = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)

/**
 * The marker of a partition; undefined when it was never compacted.
 *
 * @throws OcsfLakeError `input_unreadable` when it is no marker
 */
export async function readMarker(store: Store, partition: string): Promise<Marker | undefined> {
  const bytes = await store.get(markerKey(partition))
  if (bytes === undefined) return undefined
  try {
    const marker = JSON.parse(new TextDecoder().decode(bytes)) as Marker // by writeMarker, or the next line throws
    if (marker.merged.every(name => typeof name === 'string' && !name.includes('/'))) return marker
  } catch {}
  throw new OcsfLakeError('input_unreadable', `${markerKey(partition)} is no marker of ocsf-lake compact: restore it, or remove what else has this name.`)
}

/** Writes the marker of a partition; the same marker has the same bytes. */
export async function writeMarker(store: Store, partition: string, { merged, begun }: Marker): Promise<void> {
  const text = JSON.stringify({ about: 'https://www.npmjs.com/package/ocsf-lake, docs/compact.md', merged: [...merged].sort(), begun }, null, 1)
  await store.put({ key: markerKey(partition), bytes: new TextEncoder().encode(`${text}\n`) })
}

/**
 * Whether a partition was compacted, or is about to be: objects of earlier conversions cannot be replaced there. One
 * request. `partition` is the part of a key up to the name of the object: `ext/…/eventDay=20260101/`.
 */
export async function isCompacted(store: Store, partition: string): Promise<boolean> {
  return (await readMarker(store, partition)) !== undefined
}

const DAY_MS = 86_400_000

/** Days between the end of the UTC day of a partition and a time; undefined without a day. */
export function daysSince(partition: string, nowMs: number): number | undefined {
  const [, year, month, day] = /\/eventDay=(\d{4})(\d{2})(\d{2})\/$/.exec(partition) ?? []
  const start = Date.parse(`${year}-${month}-${day}T00:00:00Z`)
  return Number.isNaN(start) ? undefined : (nowMs - start) / DAY_MS - 1
}

/** Days that no partition is compacted before, whatever `--older-than` says: conversion need not look there. */
export const YOUNGEST_DAYS = 1

/**
 * Tests keys before they are put: throws OcsfLakeError `partition_compacted` for an object that was merged, and with
 * `strict` for any in a compacted partition. Where markers may not be read, nothing is known of them.
 */
export function compactionGuard(store: Store, nowMs: number, strict = false): (key: string) => Promise<void> {
  const known = new Map<string, Promise<ReadonlySet<string> | undefined>>()
  const mergedIn = async (partition: string): Promise<ReadonlySet<string> | undefined> => {
    const days = daysSince(partition, nowMs)
    if (days === undefined || days < YOUNGEST_DAYS) return undefined
    const marker = await readMarker(store, partition).catch((error: unknown) => {
      if (error instanceof OcsfLakeError && error.code === 'access_denied') return undefined
      throw error
    })
    return marker && new Set(marker.merged)
  }
  return async key => {
    const partition = partitionOfKey(key)
    const found = known.get(partition) ?? mergedIn(partition)
    known.set(partition, found)
    const merged = await found
    const name = key.slice(partition.length)
    if (merged === undefined || !(strict || merged.has(name))) return
    const why = merged.has(name)
      ? `its object ${name} was merged, and writing it again would double its rows`
      : 'what was converted there before cannot be told apart from it'
    throw new OcsfLakeError('partition_compacted', `${partition} was compacted: ${why}. Convert into another lake, and replace this partition by that one.`)
  }
}
