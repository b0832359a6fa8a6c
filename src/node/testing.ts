/** For tests: the command as a file that Node runs. */
import { join } from 'node:path'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that `fixtures/build.ts` writes. */
    readonly built: string
  }
}

/** The command. */
export const bin: string = join(inject('built'), 'bin.js')
/** The module `compact/compact.ts`. */
export const compactModule: string = join(inject('built'), 'compact.js')
