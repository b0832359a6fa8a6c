/** What becomes of a record. */
import type { Place } from '../decode/decoder.js'
import type { Issue } from '../ocsf/issue.js'

/** A completed, valid OCSF event: `class_uid`, `time` (epoch ms), `metadata.version` and all the rest. */
export interface OcsfEvent {
  readonly class_uid: number
  readonly time: number
  readonly [attribute: string]: unknown
}

/** What became of one record. `raw` is its text as logged, bytes where that is no valid UTF-8. */
export type Outcome =
  | EventOutcome
  | { readonly kind: 'filtered'; readonly reason: string; readonly place: Place }
  | { readonly kind: 'duplicate'; readonly uid: string; readonly place: Place }
  | RejectedOutcome

/** A record that became no event. */
export interface RejectedOutcome {
  readonly kind: 'rejected'
  readonly stage: Stage
  readonly issues: readonly Issue[]
  readonly raw: string | Uint8Array
  readonly place: Place
  /** What must stand before `raw` so that it can be read alone: the header line of a table. */
  readonly preface?: string
}

/** A record that became an event. */
export interface EventOutcome {
  readonly kind: 'event'
  readonly event: OcsfEvent
  readonly place: Place
  /** Length of the record as logged. */
  readonly rawBytes: number
  readonly warnings: readonly Issue[]
  /** OCSF paths that the version cannot say and that moved to `unmapped` or became 99. */
  readonly lowered: readonly string[]
}

/** Where a record was lost: reading the bytes, mapping the record, checking the event, or writing it as a row. */
export type Stage = 'decode' | 'map' | 'validate' | 'write'

/** What happens to the raw text: dropped, kept with its secrets replaced, or its SHA-256 kept. */
export type RawPolicy = 'drop' | 'keep' | 'hash'
