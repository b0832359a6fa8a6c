/** One finding about an event. */
export interface Issue {
  /** Path in the event, e.g. `resources[0].uid`; empty for the event itself. */
  readonly path: string
  /** Stable name of the rule, e.g. `required_missing`. */
  readonly rule: string
  readonly expected: string
  readonly found: string
}

export interface Validation {
  readonly valid: boolean
  /** Each one makes the event invalid. */
  readonly issues: readonly Issue[]
  /** Regexes and deprecations: worth a look, no reason to refuse the event. */
  readonly warnings: readonly Issue[]
}
