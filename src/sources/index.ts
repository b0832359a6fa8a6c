/** The `ocsf-lake/sources` door: every built-in source, by name and as a list. */
import * as all from './all.js'
import type { AnySource } from './source.js'

export * from './all.js'

/** All of them, in the order of their names. */
export const SOURCES: readonly AnySource[] = /* @__PURE__ */ Object.values(all)
