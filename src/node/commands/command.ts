/** What a command of `ocsf-lake` says about itself; cli.ts makes the command line of it. */

export interface CommandOption {
  /** As in the help: `-o, --out <dir>`, `--json`, `--no-observables`; `<names...>` takes several. */
  readonly flags: string
  readonly text: string
  readonly choices?: readonly string[]
  readonly default?: string | number
  /** Reads the value. Throws OcsfLakeError with a sentence where it cannot be read. */
  readonly parse?: (text: string) => unknown
}

/** One command: a plain value. `Flags` is what its options make: their long names in camelCase. */
export interface CliCommand<Flags extends object = object> {
  readonly name: string
  readonly text: string
  /** As in the help: `<inputs...>` is required, `[inputs...]` is not. */
  readonly argument?: { readonly flags: string; readonly text: string }
  readonly options: readonly CommandOption[]
  /** Examples and exit codes, after the options. */
  readonly help?: string
  /** Gives the exit code. Operator faults are thrown as OcsfLakeError, which ends with 1. */
  run(args: readonly string[], flags: Flags): Promise<number>
}
