/** Converts this repository's fixtures into ./lake, shows the report and a first query over it. Run by `npm run demo`. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { convertFiles, reportText } from '../dist/node.js'
import { SOURCES } from '../dist/sources/index.js'

const inputs = SOURCES.flatMap(({ id }) =>
  readdirSync(`fixtures/${id}`)
    .filter(name => !/(\.expected\.json|\.options\.json|^mapping\.json)$/.test(name))
    .map(name => join('fixtures', id, name)),
)
rmSync('lake', { recursive: true, force: true })
const report = await convertFiles({ inputs, out: 'lake' })
console.log(reportText(report, 'lake/rejects'))
console.log('The fixtures hold malformed cases on purpose: they are the rejects above, kept with their reasons.\n')

const query = `
SELECT class_name, activity_name, count(*)::INTEGER AS events, min(to_timestamp(time / 1000))::VARCHAR AS first_seen
FROM read_parquet('lake/ext/*/*/*/*/*.parquet', union_by_name = true, hive_partitioning = true)
GROUP BY ALL ORDER BY events DESC LIMIT 12`
console.log(`A first query over ./lake, in DuckDB:\n${query}\n`)
const connection = await (await DuckDBInstance.create()).connect()
const rows = (await connection.runAndReadAll(query)).getRowObjects()
console.table(rows)
