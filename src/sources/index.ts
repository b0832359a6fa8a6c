/** Every built-in source, in the order the docs list them. */
import type { AnySource } from './source.js'

export const SOURCES: readonly AnySource[] = []
