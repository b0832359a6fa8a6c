/** Records that a log delivers twice: at least once is what AWS promises. */
import type { MappedEvent } from '../sources/source.js'

/** A duplicate is looked for among this many records of the same object, so that memory stays bounded. */
export const DUPLICATE_WINDOW = 2 ** 18

/** The id that the log gave an event. */
export function uidOf({ metadata }: MappedEvent): string | undefined {
  const uid = (metadata as { readonly uid?: unknown } | undefined)?.uid
  return typeof uid === 'string' ? uid : undefined
}

/** The same id and the same bytes: at-least-once delivery. Twins and addenda share an id but not their bytes. */
export function isDuplicate(seen: Map<string, number>, uid: string, raw: Uint8Array): boolean {
  const hash = hash53(raw)
  if (seen.get(uid) === hash) return true
  remember(seen, uid, hash)
  return false
}

/** The first record of an id stays the one to compare with. */
export function remember(seen: Map<string, number>, uid: string, hash: number): void {
  if (seen.has(uid)) return
  seen.set(uid, hash)
  if (seen.size > DUPLICATE_WINDOW) seen.delete(seen.keys().next().value!)
}

// of the bytes that were hashed last, which mostly hold the next ones, too
let viewed: Uint8Array = new Uint8Array(0)
let view: DataView = new DataView(viewed.buffer)

/** 53 bits over the bytes: four hashes side by side, each over every fourth word. Only records with the same AWS-assigned id are compared. */
export function hash53(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const length = to - from
  if (bytes !== viewed) {
    viewed = bytes
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  let a = 0xdeadbeef ^ length
  let b = 0x41c6ce57 ^ length
  let c = 0x2545f491 ^ length
  let d = 0x6c078965 ^ length
  let at = from
  for (; at + 16 <= to; at += 16) {
    // turned, since a product carries nothing down to its lower bits
    a = Math.imul(((a << 13) | (a >>> 19)) ^ view.getInt32(at, true), 0x9e3779b1)
    b = Math.imul(((b << 13) | (b >>> 19)) ^ view.getInt32(at + 4, true), 0x5f356495)
    c = Math.imul(((c << 13) | (c >>> 19)) ^ view.getInt32(at + 8, true), 0x85ebca6b)
    d = Math.imul(((d << 13) | (d >>> 19)) ^ view.getInt32(at + 12, true), 0xc2b2ae35)
  }
  for (; at < to; at++) {
    const byte = bytes[at]!
    a = Math.imul(a ^ byte, 0x9e3779b1)
    b = Math.imul(b ^ byte, 0x5f356495)
  }
  a ^= Math.imul(c ^ (c >>> 15), 0x27d4eb2f)
  b ^= Math.imul(d ^ (d >>> 15), 0x165667b1)
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}
