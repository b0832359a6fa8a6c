/** Every command, in the order of the help. Adding one means adding its line here. */
import { backfill } from './backfill.js'
import type { CliCommand } from './command.js'
import { compact } from './compact.js'
import { convert } from './convert.js'
import { ddl } from './ddl.js'
import { register } from './register.js'
import { replay } from './replay.js'
import { sources } from './sources.js'

export const COMMANDS: readonly CliCommand[] = [convert, backfill, compact, ddl, register, replay, sources]
