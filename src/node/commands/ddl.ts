/** `ocsf-lake ddl`. */
import { OcsfLakeError } from '../../errors.js'
import { athenaTable, type DdlOptions, duckdbView, tableName } from '../../lake/ddl.js'
import { lakeTables } from '../../lake/tables.js'
import { DEFAULT_VERSION, type OcsfVersion, VERSIONS } from '../../ocsf/facts.js'
import { chosenClasses, chosenSources } from '../chosen.js'
import type { CliCommand } from './command.js'

interface DdlFlags extends DdlOptions {
  readonly source?: readonly string[]
  readonly class?: readonly string[]
  readonly ocsf: OcsfVersion
  readonly location: string
  readonly dialect: 'athena' | 'duckdb'
  readonly region?: readonly string[]
  readonly account?: readonly string[]
  readonly json?: boolean
}

export const ddl: CliCommand<DdlFlags> = {
  name: 'ddl',
  text: 'print the tables of a lake without Security Lake, for Athena (no crawler needed) or DuckDB',
  options: [
    { flags: '-l, --location <uri>', text: 'where the lake begins: what --out said when it was written, e.g. s3://bucket/prefix' },
    { flags: '-s, --source <ids...>', text: 'sources to print tables for (default: all)' },
    { flags: '-c, --class <classes...>', text: 'classes to print tables for, by uid or name, e.g. 4001 or network_activity (default: all)' },
    { flags: '--ocsf <version>', text: 'OCSF version that the lake was written with', choices: VERSIONS, default: DEFAULT_VERSION },
    { flags: '--dialect <dialect>', text: 'of the statements', choices: ['athena', 'duckdb'], default: 'athena' },
    { flags: '--database <name>', text: 'database to put the tables in (DuckDB: schema)' },
    { flags: '--region <regions...>', text: 'regions that the lake holds; without them each Athena query must say region' },
    { flags: '--account <ids...>', text: 'accounts that the lake holds; without them each Athena query must say accountid' },
    { flags: '--since <day>', text: 'first day of the lake for Athena, YYYYMMDD', default: '20200101' },
    { flags: '--json', text: 'as JSON: a list of source, class, table and statement' },
  ],
  help: `
Nothing is sent to AWS. Athena runs one statement at a time: print them one by one with --source and --class.

Examples:
  $ ocsf-lake ddl --location s3://my-lake/ocsf --source vpc-flow --region eu-central-1 --account 123456789012
  $ ocsf-lake ddl --location s3://my-lake/ocsf --source cloudtrail --class api_activity --database security
  $ ocsf-lake ddl --location lake --source vpc-flow --dialect duckdb

Exit codes: 0 done; 1 something to change in the call.`,

  async run(_args, { source, class: classes, ocsf, dialect, region: regions, account: accounts, json, ...rest }) {
    if (rest.location === undefined) throw new OcsfLakeError('option_invalid', 'Say where the lake begins: --location s3://<bucket>/<prefix>.')
    const tables = chosenClasses((await Promise.all(chosenSources(source).map(one => lakeTables(one, ocsf)))).flat(), classes, ocsf)
    const create = dialect === 'athena' ? athenaTable : duckdbView
    const rows = tables.map(table => ({
      source: table.source.id,
      classUid: table.classUid,
      table: tableName(table),
      statement: create(table, { ...rest, regions, accounts }),
    }))
    process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `${rows.map(({ statement }) => `${statement};\n`).join('\n')}`)
    return 0
  },
}
