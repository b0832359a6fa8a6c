/** What a decoder remembers of the texts of a record, for whoever meets them again. */

/** The numbers of texts, so that nobody need look them up. Hints, to be checked: a number may be out of date. */
export interface TextHints {
  /** Of the texts of a record, field by field, -1 where there is none; of several records one after the other. */
  readonly numbers: Int32Array
  /** Numbers of one record. */
  readonly width: number
  /** By number. An array is only ever appended to: once there are too many, others take their place in a new one. */
  texts: readonly string[]
}
