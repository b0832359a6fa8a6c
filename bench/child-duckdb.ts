/** The same output by DuckDB in a process of its own: `<kind> <folder> <out> <threads> <sorted>`; prints what it took as JSON. */
import { mkdir } from 'node:fs/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { duckdbStatements } from './duckdb.js'
import type { Kind } from './generate.js'
import { measured } from './measure.js'

const [, , kind, folder, out, threads, sorted] = process.argv
await mkdir(out!, { recursive: true })
const { cost } = await measured(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  for (const sql of duckdbStatements(kind as Kind, folder!, out!, { threads: Number(threads), sorted: sorted === 'true' })) await connection.run(sql) // given by convert.ts
})
console.log(JSON.stringify(cost))
process.exit(0)
