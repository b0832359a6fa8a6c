/** What an operator can do wrong; data faults are never thrown. */
export type ErrorCode =
  | 'option_invalid'
  | 'version_unknown'
  | 'source_unknown'
  | 'columns_invalid'
  | 'class_unknown'
  | 'input_missing'
  | 'input_unreadable'
  | 'input_replaced'
  | 'output_unwritable'
  | 'partition_compacted'
  | 'codec_missing'
  | 'peer_missing'
  | 'bucket_missing'
  | 'access_denied'
  | 'role_refused'
  | 'credentials_invalid'
  | 'service_failed'
  | 'event_unknown'
  | 'time_short'
  | 'work_undone'

/** The one error this package throws: a code to branch on and a sentence that says what to do. */
export class OcsfLakeError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'OcsfLakeError'
    this.code = code
  }
}
