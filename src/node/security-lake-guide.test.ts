/** Runs docs/security-lake.md as far as it goes without AWS, in order, in one folder. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from './commands/index.js'
import { bin } from './testing.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/security-lake.md'), 'utf8')

const blocks = (language: string) => [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1]!)
const commands = blocks('sh').flatMap(block =>
  block
    .replace(/\\\n\s*/g, '')
    .trim()
    .split('\n'),
)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-guide-'))
  mkdirSync(join(folder, 'logs'))
  writeFileSync(
    join(folder, 'logs/flow.log'),
    `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 1024 443 6 10 840 1714521600 1714521660 ACCEPT OK
2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 1025 443 6 10 160 1714521600 1714521660 ACCEPT OK
`,
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Only the network is left out: an endpoint that nobody listens on would fail any call. */
function ocsfLake(args: readonly string[]): string {
  const env = { ...process.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_EC2_METADATA_DISABLED: 'true' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8', env })
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0)
  return stdout
}

/** What a line of the guide does here: what is printed, or why it is not run. */
function run(line: string): string {
  const words = line.split(/\s+/)
  const [tool, name] = words
  if (tool === 'jq') {
    const [, path, file] = words
    const value = path!
      .slice(1)
      .split('.')
      .reduce((at, member) => at[member], JSON.parse(readFileSync(join(folder, file!), 'utf8')))
    expect(value, line).toBeDefined()
    return JSON.stringify(value)
  }
  if (tool === 'aws' || tool === 'npm') {
    for (const [, file] of line.matchAll(/file:\/\/(\S+)/g)) expect(readFileSync(join(folder, file!), 'utf8').length, line).toBeGreaterThan(2)
    return ''
  }
  expect(tool, line).toBe('ocsf-lake')
  const args = words.slice(1, words.includes('>') ? words.indexOf('>') : undefined)
  const command = COMMANDS.find(one => one.name === name)!
  for (const flag of args.filter(word => word.startsWith('--'))) {
    expect(
      command.options.some(({ flags }) => flags.split(/[ ,]+/).includes(flag)),
      `${name} ${flag}`,
    ).toBe(true)
  }
  if (args.includes('--list') || (name === 'convert' && line.includes('s3://'))) return '' // these need AWS
  if (args.includes('--delete')) return ocsfLake(args.filter(word => word !== '--yes'))
  return ocsfLake(args.map(word => (word === '--yes' ? '--dry-run' : word)))
}

describe('docs/security-lake.md', () => {
  it('runs from top to bottom', () => {
    const ran = commands.filter(line => {
      const printed = run(line)
      const file = / > (\S+)$/.exec(line)?.[1]
      if (file !== undefined) writeFileSync(join(folder, file), printed)
      return printed !== ''
    })
    expect(commands.length).toBeGreaterThan(15)
    expect(ran.length).toBeGreaterThanOrEqual(9)
    expect(readFileSync(join(folder, 'vpc-flow.sql'), 'utf8')).toMatch(/^CREATE EXTERNAL TABLE IF NOT EXISTS `security`\.`vpc_flow_4001`[\s\S]*\);\n$/)
  })

  it('shows queries that give rows', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`SET file_search_path = '${folder}'`)
    await connection.run(readFileSync(join(folder, 'views.sql'), 'utf8'))
    const queries = blocks('sql')
    expect(queries).toHaveLength(2)
    for (const query of queries) {
      const sql = query.replace('amazon_security_lake_table_eu_central_1_ext_vpc_flow_4001', 'vpc_flow_4001')
      expect((await connection.runAndReadAll(sql)).getRowObjects()).toMatchObject([{ source: '192.0.2.1', port: 443, flows: 2n }])
    }
    connection.closeSync()
    instance.closeSync()
  })

  it('shows policies of known form, without a star for an action or for all resources', () => {
    const policies = blocks('json').map(text => JSON.parse(text) as { Version: string; Statement: { Effect: string; Action: string[]; Resource: string[] }[] })
    expect(policies).toHaveLength(2)
    for (const { Version, Statement } of policies) {
      expect(Version).toBe('2012-10-17')
      for (const { Effect, Action, Resource } of Statement) {
        expect(Effect).toBe('Allow')
        expect(Action.every(action => /^(s3|athena|glue):[A-Za-z]+$/.test(action))).toBe(true)
        expect(Resource.every(resource => /^arn:aws:(s3|athena|glue):/.test(resource))).toBe(true)
      }
    }
  })

  it('shows code that runs', async () => {
    const [snippet] = blocks('ts')
    const outfile = join(root, 'node_modules/.cache', `security-lake-guide-${process.pid}.mjs`)
    await build({
      stdin: { contents: snippet!, resolveDir: root, loader: 'ts' },
      alias: Object.fromEntries(
        ['lake/index', 'node/index', 'sources/vpc-flow'].map(path => [`ocsf-lake/${path.replace('/index', '')}`, join(root, `src/${path}.ts`)]),
      ),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'silent',
    })
    const { stdout, stderr } = spawnSync(process.execPath, [outfile], { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } })
    rmSync(outfile)
    expect(stdout, stderr).toBe("[ 'vpc-flow-4001' ]\n")
  })
})
