/** What every decoder is: bytes in, records out, nothing thrown for data and nothing dropped. */

import type { MemberTaker } from './json-members.js'
import type { RowTaker } from './table.js'

/** Where in its object a record was found. */
export interface Place {
  /** Line number, from 1. */
  readonly line?: number
  /** Index of the record in its object, from 0. */
  readonly record?: number
}

/** Why a record could not be read or mapped. */
export interface Fault {
  /** Stable name of the rule, e.g. `json_syntax`, `field_count`, `time_missing`. */
  readonly rule: string
  /** Field of the raw record or attribute of the event, where one is to blame. */
  readonly path?: string
  readonly expected: string
  readonly found: string
}

/**
 * What a decoder emits. `raw` is the record as it stood in the log: a view that is valid only during the call.
 * `fault` counts as one record in and one rejected, `skip` as one in and one filtered under its reason.
 */
export type Decoded<Rec> =
  | { readonly record: Rec; readonly place: Place; readonly raw: Uint8Array }
  | { readonly fault: Fault; readonly place: Place; readonly raw: Uint8Array }
  | { readonly skip: string; readonly place: Place; readonly raw: Uint8Array }

export type Emit<Rec> = (item: Decoded<Rec>) => void

/** A stream of one object's bytes (already unzipped). Headers and blank lines are not records. */
export interface Decoder<Rec> {
  push(bytes: Uint8Array, emit: Emit<Rec>): void
  /** The object is over: emits what is left, a cut-off last record included. */
  end(emit: Emit<Rec>): void
  /** Of tables: from now on offers rows that are read in place, before they become records. */
  offerRows?(taker: RowTaker): void
  /** Of JSON: from now on offers records that are read in place, before they become objects. */
  offerMembers?(taker: MemberTaker | undefined): void
  /** Of JSON: from now on, objects that the source mostly passes on may be `UnreadJson`. */
  readLate?(): void
  /** What must stand before a raw record so that it can be read alone: the header line of a table. */
  preface?(): string | undefined
}

/** A record longer than this is a fault, not a crash: 16 MiB. CloudTrail's own cap is far below. */
export const MAX_RECORD_BYTES = 16 * 2 ** 20

/** Of a record that is too long, this much is kept: 64 KiB. */
export const KEPT_BYTES = 64 * 2 ** 10

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A raw record as the text it is; `undefined` where it is no valid UTF-8, since a replacement character would bend it. */
export function rawText(raw: Uint8Array): string | undefined {
  try {
    return utf8.decode(raw)
  } catch {
    return undefined
  }
}
