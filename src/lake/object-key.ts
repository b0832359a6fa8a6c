/** What an output object is called: the same input gives the same name, so converting again replaces. */
import { OcsfLakeError } from '../errors.js'
import { sha256Hex } from '../sha256.js'
import type { Partition } from './partition.js'

/** Security Lake's limit for the name of a custom source. */
export const MAX_SOURCE_NAME = 20

/** The custom source of one source and class: `vpc-flow-4001`. Security Lake wants one class per source. */
export function customSourceName(source: { readonly id: string; readonly lakeName?: string }, classUid: number): string {
  const name = `${source.lakeName ?? source.id}-${classUid}`
  if (name.length > MAX_SOURCE_NAME) {
    throw new OcsfLakeError('option_invalid', `Custom source name ${name} is longer than ${MAX_SOURCE_NAME} characters: give the source a shorter lakeName.`)
  }
  return name
}

const utf8 = new TextEncoder()

/** 32 hex digits of the SHA-256 of some parts, kept apart by NUL. */
export function hashOf(...parts: readonly (string | number)[]): string {
  return sha256Hex(utf8.encode(parts.join('\0'))).slice(0, 32)
}

export interface ObjectName {
  /** What the records came from: the identity of the input object. */
  readonly unit: string
  readonly source: { readonly id: string; readonly lakeName?: string }
  readonly classUid: number
  readonly partition: Partition
  /** Number of the part within the unit, from 0. */
  readonly part: number
}

/** What stands before the partition in a lake of your own. */
export function sourcePrefix(source: ObjectName['source'], classUid: number): string {
  return `ext/${customSourceName(source, classUid)}/`
}

/** `<prefix>region=…/accountId=…/eventDay=…/<32 hex>.parquet`. Version and options are not in the name. */
export function objectKey({ unit, source, classUid, partition, part }: ObjectName, prefix: string = sourcePrefix(source, classUid)): string {
  const { region, accountId, eventDay } = partition
  const hash = hashOf(unit, source.id, classUid, region, accountId, eventDay, part)
  return `${prefix}region=${region}/accountId=${accountId}/eventDay=${eventDay}/${hash}.parquet`
}
