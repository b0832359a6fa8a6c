/** Collects the events of one unit into Parquet objects: one class and one partition each, sealed by counted limits. */
import type { OcsfEvent, Pipeline, Take } from '../convert.js'
import type { Issue } from '../ocsf/issue.js'
import type { Codec } from '../parquet/codec.js'
import { createParquetWriter, type ParquetWriter } from '../parquet/write.js'
import { type Layout, plainLayout } from './layout.js'
import { objectKey } from './object-key.js'
import type { Fallback, Partition } from './partition.js'

// The same everywhere: the objects of a unit must not depend on the machine.
/** Events of a unit between two seals. */
export const PART_ROWS = 200_000
/** Bytes of raw records of a unit between two seals: 64 MiB. */
export const PART_BYTES = 64 * 2 ** 20
/** Classes and partitions of a unit that are open at once. */
export const PART_OBJECTS = 256

/** A finished object: its key below the lake (its URL in Security Lake), and its bytes. */
export interface LakeObject {
  readonly key: string
  /** `<source>/<class_uid>` */
  readonly class: string
  readonly rows: number
  readonly bytes: Uint8Array
}

export interface PartsOptions {
  /** The identity of the input object: the same unit gives the same keys. */
  readonly unit: string
  readonly codec: Codec
  /** A lake of your own unless said. */
  readonly layout?: Layout
  /** Called with each object as it is sealed. */
  readonly put: (object: LakeObject) => void
}

export interface Parts {
  /**
   * `rawBytes`: length of the record as logged, for the counted limit. Returns why an event does not fit its columns;
   * such an event is in no object.
   */
  add(pipeline: Pipeline, event: OcsfEvent, rawBytes: number, fallback: Fallback): Issue | undefined
  /**
   * Adds a mapped event as the row of its full event, if it is seen to be valid as it is and an object of its partition
   * is open. False says nothing about the event: complete it, validate it, and `add` it.
   */
  addMapped(pipeline: Pipeline, event: Parameters<Take>[0], rawBytes: number, fallback: Fallback): boolean
  /** Seals what is open: at the end of the unit. */
  seal(): void
}

const DAY_MS = 86_400_000

interface Open {
  readonly pipeline: Pipeline
  readonly classUid: number
  readonly partition: Partition
  readonly writer: ParquetWriter
}

export function createParts({ unit, codec, layout = plainLayout, put }: PartsOptions): Parts {
  const open = new Map<string, Open>()
  let rows = 0
  let bytes = 0
  let part = 0
  // Mappers share `cloud` between events: the same object on the same day is the same partition.
  let last: { pipeline: Pipeline; classUid: number; cloud: unknown; day: number; fallback: Fallback; target: Open } | undefined

  const nameOf = ({ source }: Pipeline, classUid: number, { region, accountId, eventDay }: Partition): string =>
    `${source.id} ${classUid} ${region} ${accountId} ${eventDay}`

  const openFor = (pipeline: Pipeline, classUid: number, partition: Partition): Open => {
    const { source, version } = pipeline
    const name = nameOf(pipeline, classUid, partition)
    let target = open.get(name)
    if (target === undefined) {
      const { columns, mapped } = pipeline.classes.get(classUid)!
      const metadata = {
        'ocsf-lake.source': source.id,
        'ocsf-lake.class': `${columns.type.name} (${classUid})`,
        'ocsf-lake.ocsf_version': version,
        'ocsf-lake.mapping_version': String(source.mappingVersion),
      }
      target = { pipeline, classUid, partition, writer: createParquetWriter(columns.fields, { codec, metadata, mapped, observables: pipeline.observables }) }
      open.set(name, target)
    }
    return target
  }

  const seal = (): void => {
    for (const { pipeline, classUid, partition, writer } of open.values()) {
      const { rows } = writer
      if (rows === 0) continue // opened for an event that did not fit
      const { source } = pipeline
      const key = objectKey({ unit, source, classUid, partition, part }, layout.prefix(source, classUid))
      put({ key, class: `${source.id}/${classUid}`, rows, bytes: writer.finish() })
    }
    open.clear()
    last = undefined
    rows = 0
    bytes = 0
    part++
  }

  const count = (rawBytes: number): void => {
    rows++
    bytes += rawBytes
    if (rows >= PART_ROWS || bytes >= PART_BYTES || open.size >= PART_OBJECTS) seal()
  }

  return {
    add(pipeline, event, rawBytes, fallback) {
      const partition = layout.partition(event, fallback)
      const issue = layout.refuse(pipeline.source, event.class_uid, partition) ?? openFor(pipeline, event.class_uid, partition).writer.add(event)
      if (issue !== undefined) return issue
      count(rawBytes)
      return undefined
    },
    addMapped(pipeline, event, rawBytes, fallback) {
      const day = Math.floor(event.time / DAY_MS)
      const near = last !== undefined && last.day === day && last.cloud === event.cloud && last.classUid === event.class_uid && last.pipeline === pipeline
      // Only into what is open: an event that does not pass may belong elsewhere, or nowhere.
      const target = near && last?.fallback === fallback ? last.target : open.get(nameOf(pipeline, event.class_uid, layout.partition(event, fallback)))
      if (target === undefined || !target.writer.addMapped(event)) return false
      last = { pipeline, classUid: event.class_uid, cloud: event.cloud, day, fallback, target }
      count(rawBytes)
      return true
    },
    seal() {
      if (open.size > 0) seal()
    },
  }
}
