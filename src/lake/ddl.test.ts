/** The statements as Athena's grammar reads them, for every source, class and version. */
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../ocsf/facts.js'
import type { SchemaNode } from '../parquet/schema.js'
import { SOURCES } from '../sources/index.js'
import { athenaTable, duckdbView, tableName } from './ddl.js'
import { customSourceName } from './object-key.js'
import { lakeTables } from './tables.js'

const LOCATION = 's3://example-lake/ocsf'

interface Statement {
  readonly name: readonly string[]
  readonly columns: readonly (readonly [name: string, type: string])[]
  readonly leaves: readonly string[]
  readonly comment: string
  readonly partitions: readonly (readonly [string, string])[]
  readonly location: string
  readonly properties: Readonly<Record<string, string>>
}

/**
 * Reads CREATE EXTERNAL TABLE as Hive's grammar has it, stricter in one thing: every identifier must be quoted, so
 * that no reserved word can stand where a name is meant.
 */
function readStatement(text: string): Statement {
  const matches = [...text.matchAll(/\s*(`(?:[^`]|``)*`|'(?:[^'\\]|\\.)*'|[A-Za-z]+|[(),.<>:=])/gy)]
  const last = matches.at(-1)!
  expect(last.index + last[0].length, 'the end of the last token').toBe(text.length)
  const tokens = matches.map(match => match[1]!)
  let at = 0
  const next = (): string => tokens[at++] ?? 'the end'
  const eat = (...words: string[]): void => {
    for (const word of words) expect(next(), `token ${at} of ${text.slice(0, 200)}`).toBe(word)
  }
  const is = (word: string): boolean => {
    if (tokens[at] !== word) return false
    at++
    return true
  }
  const identifier = (): string => {
    const token = next()
    expect(token).toMatch(/^`.+`$/)
    return token.slice(1, -1).replaceAll('``', '`')
  }
  const string = (): string => {
    const token = next()
    expect(token).toMatch(/^'.*'$/)
    return token.slice(1, -1).replace(/\\(.)/g, '$1')
  }
  const list = <Item>(item: () => Item, end: string): Item[] => {
    const items = [item()]
    while (is(',')) items.push(item())
    eat(end)
    return items
  }
  const leaves: string[] = []
  const type = (path: string): string => {
    const word = next()
    if (word === 'array') {
      eat('<')
      const element = type(`${path}[]`)
      eat('>')
      return `array<${element}>`
    }
    if (word === 'map') {
      eat('<', 'string', ',', 'string', '>')
      leaves.push(`${path}{} string`)
      return 'map<string,string>'
    }
    if (word === 'struct') {
      eat('<')
      const names = new Set<string>()
      const fields = list(() => {
        const name = identifier()
        expect(names.has(name), `${path}.${name} once`).toBe(false)
        names.add(name)
        eat(':')
        return `${name}:${type(`${path}.${name}`)}`
      }, '>')
      return `struct<${fields.join(',')}>`
    }
    expect(['string', 'int', 'bigint', 'double', 'boolean', 'timestamp']).toContain(word)
    leaves.push(`${path} ${word}`)
    return word
  }
  eat('CREATE', 'EXTERNAL', 'TABLE', 'IF', 'NOT', 'EXISTS')
  const name = [identifier()]
  while (is('.')) name.push(identifier())
  eat('(')
  const columns = list(() => {
    const column = identifier()
    return [column, type(column)] as const
  }, ')')
  eat('COMMENT')
  const comment = string()
  eat('PARTITIONED', 'BY', '(')
  const partitions = list(() => [identifier(), next()] as const, ')')
  eat('STORED', 'AS', 'PARQUET', 'LOCATION')
  const location = string()
  eat('TBLPROPERTIES', '(')
  const properties = Object.fromEntries(
    list(() => {
      const key = string()
      eat('=')
      return [key, string()] as const
    }, ')'),
  )
  expect(next()).toBe('the end')
  return { name, columns, leaves, comment, partitions, location, properties }
}

const TYPES = { boolean: 'boolean', int32: 'int', int64: 'bigint', double: 'double', byte_array: 'string' } as const

/** `path type` of every leaf of the Parquet schema, which the statement must say once each. */
function schemaLeaves(nodes: readonly SchemaNode[], prefix = ''): string[] {
  const of = (node: SchemaNode, path: string): string[] => {
    if (node.kind === 'leaf') return [`${path} ${node.annotation === 'timestamp_millis' ? 'timestamp' : TYPES[node.physical]}`]
    if (node.kind === 'map') return [`${path}{} string`]
    if (node.kind === 'list') return of(node.element, `${path}[]`)
    return schemaLeaves(node.children, `${path}.`)
  }
  return nodes.flatMap(node => of(node, `${prefix}${node.name}`))
}

const cases = SOURCES.flatMap(source => VERSIONS.map(version => [source.id, version, source] as const))

describe('a table for Athena', () => {
  it.each(cases)('of %s at %s says every leaf of the Parquet schema once, with its type', async (_id, version, source) => {
    const tables = await lakeTables(source, version)
    expect(tables.length).toBeGreaterThan(0)
    for (const table of tables) {
      const text = athenaTable(table, { location: LOCATION })
      const statement = readStatement(text)
      expect(statement.leaves).toEqual(schemaLeaves(table.columns))
      const names = [...statement.columns, ...statement.partitions].map(([name]) => name)
      expect(new Set(names).size, 'no column is twice, or a partition as well').toBe(names.length)
      // Glue lower-cases names, and a struct field that differs by case only would be lost.
      expect(names.filter(name => !/^[a-z_][a-z0-9_]*$/.test(name))).toEqual([])
      expect(statement.leaves.filter(leaf => leaf !== leaf.toLowerCase())).toEqual([])
      // Limits of Glue and Athena: type of a column, bytes of a query.
      expect(Math.max(...statement.columns.map(([, type]) => type.length))).toBeLessThan(131_072)
      expect(text.length).toBeLessThan(262_144)
    }
  })

  it('lies over the folders that the writer writes', async () => {
    const [table] = await lakeTables(SOURCES.find(({ id }) => id === 'vpc-flow')!)
    expect(readStatement(athenaTable(table!, { location: `${LOCATION}//`, database: 'security' }))).toMatchObject({
      name: ['security', 'vpc_flow_4001'],
      comment: 'vpc-flow, Network Activity (4001), OCSF 1.1.0',
      partitions: [
        ['region', 'string'],
        ['accountid', 'string'],
        ['eventday', 'string'],
      ],
      location: `${LOCATION}/ext/vpc-flow-4001/`,
      properties: {
        'projection.enabled': 'true',
        'projection.region.type': 'injected',
        'projection.accountid.type': 'injected',
        'projection.eventday.type': 'date',
        'projection.eventday.format': 'yyyyMMdd',
        'projection.eventday.range': '20200101,NOW+1DAY',
        'storage.location.template': `${LOCATION}/ext/vpc-flow-4001/region=\${region}/accountId=\${accountid}/eventDay=\${eventday}/`,
      },
    })
  })

  it('lists the regions and accounts that it was given, so that a query need not', async () => {
    const [table] = await lakeTables(SOURCES[0]!)
    const { properties } = readStatement(
      athenaTable(table!, { location: LOCATION, regions: ['eu-central-1', 'us-east-1'], accounts: ['123456789012', 'unknown'], since: '20260101' }),
    )
    expect(properties).toMatchObject({
      'projection.region.type': 'enum',
      'projection.region.values': 'eu-central-1,us-east-1',
      'projection.accountid.type': 'enum',
      'projection.accountid.values': '123456789012,unknown',
      'projection.eventday.range': '20260101,NOW+1DAY',
    })
  })

  it('quotes a location with quotes and backslashes', async () => {
    const [table] = await lakeTables(SOURCES[0]!)
    const location = "s3://example-lake/it's \\ here"
    expect(readStatement(athenaTable(table!, { location })).location).toBe(`${location}/ext/${customSourceName(SOURCES[0]!, table!.classUid)}/`)
    expect(duckdbView(table!, { location: "it's [1]*" })).toContain("read_parquet('it''s [[]1][*]/ext/")
  })

  it.each([
    [{ location: 'lake' }, 'Athena reads from S3'],
    [{ location: '' }, 'location is empty'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the very text that must be refused
    [{ location: 's3://example-lake/${region}' }, 'partition projection'],
    [{ location: LOCATION, database: 'My-DB' }, 'no name for a database'],
    [{ location: LOCATION, regions: ['Frankfurt'] }, 'no region'],
    [{ location: LOCATION, accounts: ['12'] }, 'no account'],
    [{ location: LOCATION, since: '2026-01-01' }, 'no day'],
  ])('refuses %j', async (options, sentence) => {
    const [table] = await lakeTables(SOURCES[0]!)
    expect(() => athenaTable(table!, options)).toThrow(sentence)
  })

  it('has a name of its own for each source and class', async () => {
    const tables = (await Promise.all(SOURCES.map(source => lakeTables(source)))).flat()
    expect(new Set(tables.map(tableName)).size).toBe(tables.length)
  })
})
