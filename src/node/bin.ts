#!/usr/bin/env node
/** Entry point of the `ocsf-lake` command. */
import { main } from './cli.js'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // the reader has seen enough
  throw error
})
process.exitCode = await main(process.argv.slice(2))
