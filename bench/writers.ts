/**
 * The Parquet writer alone, beside hyparquet-writer and parquetjs-lite, on the same nested rows.
 *
 * First every file is read back with hyparquet and compared with the events; a null list must come back as null. All
 * have the same columns, `unmapped` as a map among them; none is left out. Then the writers take turns. Timed is what
 * turns rows in memory into a file in memory. Our writer gets events in the order of the log: finding the times of
 * datetimes, flattening `unmapped`, printing JSON attributes and sorting are inside its time. The others get rows that
 * are already sorted and in the very shape they take, made before the clock starts; transposing rows into columns
 * (hyparquet-writer) and shredding them (parquetjs-lite) are their own job and inside. Progress goes to stderr.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gunzipSync } from 'node:zlib'
import { type CompressionCodec, parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer'
import { createConverter, type OcsfEvent } from '../src/convert.js'
import { stringify } from '../src/json.js'
import { nodeCodec } from '../src/node/codecs.js'
import { classFields, type Field } from '../src/ocsf/columns.js'
import { loadFacts } from '../src/ocsf/facts.js'
import type { Codec } from '../src/parquet/codec.js'
import { flatten } from '../src/parquet/flatten.js'
import { ROW_GROUP_ROWS } from '../src/parquet/row-groups.js'
import { type Leaf, type ParquetSchema, parquetSchema, type SchemaNode } from '../src/parquet/schema.js'
import { isObject } from '../src/parquet/values.js'
import { createParquetWriter } from '../src/parquet/write.js'
import { cloudtrail } from '../src/sources/cloudtrail.js'
import { vpcFlow } from '../src/sources/vpc-flow.js'
import { dataset } from './generate.js'
import { type Cost, measured, median, say } from './measure.js'
import { ACCOUNT, REGION } from './random.js'

type Row = Readonly<Record<string, unknown>>
type Compression = 'zstd' | 'snappy'

interface Contender {
  readonly name: string
  readonly compression: Compression
  /** The rows it is given into one file. */
  write(): Promise<Uint8Array>
}

/** Events of one class, in the order of the log. */
interface Events {
  readonly title: string
  readonly fields: readonly Field[]
  readonly events: readonly OcsfEvent[]
}

export interface WriterFigures {
  readonly title: string
  readonly contender: string
  readonly ours: boolean
  readonly rows: number
  readonly bytesPerRow: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly rowsPerSecond: number
  /** Over ours with the same compression, medians of the ratios of each round: above 1 we are faster or smaller. */
  readonly wallRatio: number
  readonly cpuRatio: number
  readonly bytesRatio: number
}

/** parquetjs-lite is so slow that it gets no more rows than these. */
const LITE_ROWS = 5_000
const OURS = 'ocsf-lake'

// ---- rows ----

async function events(kind: 'v2' | 'ct', count: number): Promise<Events> {
  const facts = await loadFacts('1.1.0')
  const flows = kind === 'v2'
  const source = flows ? vpcFlow : cloudtrail
  const columns = flows
    ? classFields(facts, 'network_activity', vpcFlow.columns.network_activity)!
    : classFields(facts, 'api_activity', cloudtrail.columns.api_activity)!
  const { folder } = await dataset({ kind })
  const names = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.gz')).sort()
  const found: OcsfEvent[] = []
  for (const key of names) {
    if (found.length >= count) break
    const context = { key, account: ACCOUNT, region: REGION }
    const converter = await createConverter({ source, ocsf: '1.1.0', observables: true, context }, outcome => {
      if (outcome.kind === 'rejected') throw new Error(`rejected: ${JSON.stringify(outcome.issues)}`)
      if (outcome.kind === 'event' && outcome.event.class_uid === columns.type.uid && found.length < count) found.push(outcome.event)
    })
    converter.push(gunzipSync(await readFile(join(folder, key))))
    converter.end()
  }
  if (found.length < count) throw new Error(`${kind}: the data set has ${found.length} events of the class, not ${count}`)
  return { title: flows ? 'VPC flow v2, network_activity' : 'CloudTrail, api_activity', fields: columns.fields, events: found }
}

/** What a reader must see, and what hyparquet-writer takes: bigint for 64 bits and times, Map for maps, text for JSON, null for absent. */
function rowOf(nodes: readonly SchemaNode[], object: Row): Row {
  return Object.fromEntries(nodes.map(node => [node.name, cell(node, object[node.name])]))
}

function cell(node: SchemaNode, value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (node.kind === 'list') return list(node.eventPath, value).map(item => cell(node.element, item))
  if (node.kind === 'struct') return rowOf(node.children, object(node.eventPath, value))
  if (node.kind === 'map') return flatten(object(node.eventPath, value))
  if (node.holds === 'json') return stringify(value)
  if (node.holds === 'datetime') return BigInt(Date.parse(String(value)))
  return node.physical === 'int64' && typeof value === 'number' ? BigInt(value) : value
}

/** What hyparquet read, in the form of `rowOf`. */
function seenRow(nodes: readonly SchemaNode[], row: Row): Row {
  return Object.fromEntries(nodes.map(node => [node.name, seen(node, row[node.name])]))
}

function seen(node: SchemaNode, value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (node.kind === 'list') return list(node.eventPath, value).map(item => seen(node.element, item))
  if (node.kind === 'struct') return seenRow(node.children, object(node.eventPath, value))
  if (node.kind === 'map') return value instanceof Map ? value : new Map(Object.entries(value))
  return value instanceof Date ? BigInt(value.getTime()) : value
}

/** A row of `rowOf` as parquetjs-lite takes it: the groups of lists and maps spelled out, plain numbers. */
function liteRow(nodes: readonly SchemaNode[], row: Row): Row {
  return Object.fromEntries(nodes.map(node => [node.name, lite(node, row[node.name])]))
}

function lite(node: SchemaNode, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (node.kind === 'list') return { list: list(node.eventPath, value).map(item => ({ element: lite(node.element, item) })) }
  if (node.kind === 'struct') return liteRow(node.children, object(node.eventPath, value))
  if (node.kind === 'map') return { key_value: value instanceof Map ? Array.from(value, ([key, text]) => ({ key, value: text })) : [] }
  return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value
}

function list(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${path} is no list`)
  return value
}

function object(path: string, value: unknown): Row {
  if (!isObject(value)) throw new Error(`${path} is no object`)
  return value
}

// ---- schemas ----

const PHYSICAL = { boolean: 'BOOLEAN', int32: 'INT32', int64: 'INT64', double: 'DOUBLE', byte_array: 'BYTE_ARRAY' } as const
const ANNOTATION = { string: 'UTF8', timestamp_millis: 'TIMESTAMP_MILLIS' } as const

/** Our schema as the elements of a footer. */
function schemaElements({ columns }: ParquetSchema): SchemaElement[] {
  return [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elements)]
}

function elements(node: SchemaNode): SchemaElement[] {
  const { name } = node
  switch (node.kind) {
    case 'leaf':
      return [
        {
          name,
          type: PHYSICAL[node.physical],
          repetition_type: node.required ? 'REQUIRED' : 'OPTIONAL',
          ...(node.annotation !== undefined && { converted_type: ANNOTATION[node.annotation] }),
        },
      ]
    case 'struct':
      return [{ name, repetition_type: 'OPTIONAL', num_children: node.children.length }, ...node.children.flatMap(elements)]
    case 'list':
      return [
        { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...elements(node.element),
      ]
    case 'map':
      return [
        { name, repetition_type: 'OPTIONAL', converted_type: 'MAP', num_children: 1 },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        ...elements(node.key),
        ...elements(node.value),
      ]
  }
}

interface LiteField {
  readonly type?: string
  readonly optional?: boolean
  readonly repeated?: boolean
  readonly compression?: 'SNAPPY'
  readonly fields?: Readonly<Record<string, LiteField>>
}

/** Our schema as parquetjs-lite declares one. */
function liteFields(nodes: readonly SchemaNode[]): Record<string, LiteField> {
  return Object.fromEntries(nodes.map(node => [node.name, liteField(node)]))
}

function liteField(node: SchemaNode): LiteField {
  switch (node.kind) {
    case 'leaf':
      return { type: liteType(node), optional: !node.required, compression: 'SNAPPY' }
    case 'struct':
      return { optional: true, fields: liteFields(node.children) }
    case 'list':
      return { optional: true, type: 'LIST', fields: { list: { repeated: true, fields: liteFields([node.element]) } } }
    case 'map':
      return { optional: true, type: 'MAP', fields: { key_value: { repeated: true, fields: liteFields([node.key, node.value]) } } }
  }
}

function liteType({ annotation, physical }: Leaf): string {
  return annotation === undefined ? PHYSICAL[physical] : ANNOTATION[annotation]
}

// ---- writers ----

function ours({ fields, events }: Events, codec: Codec, compression: Compression): Contender {
  return {
    name: OURS,
    compression,
    async write() {
      const writer = createParquetWriter(fields, { codec })
      for (const event of events) {
        const issue = writer.add(event)
        if (issue !== undefined) throw new Error(`does not fit: ${JSON.stringify(issue)}`)
      }
      return writer.finish()
    },
  }
}

/** Its door for rows, with its own snappy, and for zstd the very function that ours compresses with. */
function hyparquetWriter(schema: ParquetSchema, rows: readonly Row[], { compress }: Codec, compression: Compression): Contender {
  const codec: CompressionCodec = compression === 'zstd' ? 'ZSTD' : 'SNAPPY'
  const columns = schema.columns.map(({ name }) => ({ name }))
  return {
    name: 'hyparquet-writer',
    compression,
    async write() {
      const writer = new ByteWriter()
      await parquetWriteRows({
        writer,
        rows,
        columns,
        schema: schemaElements(schema),
        codec,
        rowGroupSize: ROW_GROUP_ROWS,
        ...(compression === 'zstd' && { compressors: { ZSTD: compress } }),
      })
      return writer.getBytes()
    },
  }
}

// CommonJS without types
const { ParquetSchema: LiteSchema, ParquetWriter: LiteWriter } = createRequire(import.meta.url)('parquetjs-lite') as {
  ParquetSchema: new (fields: Record<string, LiteField>) => object
  ParquetWriter: {
    openStream(schema: object, sink: Writable, options: { rowGroupSize: number }): Promise<{ appendRow(row: Row): Promise<void>; close(): Promise<void> }>
  }
}

function parquetjsLite(schema: ParquetSchema, rows: readonly Row[]): Contender {
  const declared = new LiteSchema(liteFields(schema.columns))
  return {
    name: 'parquetjs-lite',
    compression: 'snappy',
    async write() {
      const chunks: Buffer[] = []
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          chunks.push(chunk)
          done()
        },
      })
      const writer = await LiteWriter.openStream(declared, sink, { rowGroupSize: ROW_GROUP_ROWS })
      for (const row of rows) await writer.appendRow(row)
      await writer.close()
      return Buffer.concat(chunks)
    },
  }
}

// ---- check, then time ----

/** Throws unless the file has all columns and, in this order, all rows. */
async function check({ name, compression, write }: Contender, schema: ParquetSchema, rows: readonly Row[]): Promise<number> {
  const bytes = await write()
  const file = new Uint8Array(bytes).buffer
  const chunks = parquetMetadata(file).row_groups.flatMap(group => group.columns.map(column => column.meta_data!))
  const wrong = chunks.find(chunk => chunk.codec !== compression.toUpperCase())
  if (wrong !== undefined) throw new Error(`${name}: a column is in ${wrong.codec}, not ${compression}`)
  const columns = new Set(chunks.map(chunk => chunk.path_in_schema.join('.')))
  if (
    !isDeepStrictEqual(
      [...columns],
      schema.leaves.map(leaf => leaf.path.join('.')),
    )
  )
    throw new Error(`${name}: other columns: ${[...columns].join(', ')}`)
  const read = await parquetReadObjects({ file, compressors })
  if (read.length !== rows.length) throw new Error(`${name}: ${read.length} rows, not ${rows.length}`)
  for (const [at, row] of rows.entries()) {
    const back = seenRow(schema.columns, read[at]!)
    for (const column of Object.keys(row)) {
      if (!isDeepStrictEqual(back[column], row[column])) {
        const [a, b] = [back[column], row[column]].map(value => stringify(value instanceof Map ? [...value] : value))
        throw new Error(`${name}, ${compression}: row ${at}, ${column}: read ${a}, written ${b}`)
      }
    }
  }
  return bytes.length
}

setFlagsFromString('--expose-gc')
// Node has no other door to it without a flag of its own; nobody shall pay for the garbage of the one before
const collect = runInNewContext('gc') as () => void

async function bench(
  { title }: Events,
  schema: ParquetSchema,
  rows: readonly Row[],
  contenders: readonly Contender[],
  rounds: number,
): Promise<WriterFigures[]> {
  say(`${title}: ${rows.length} rows, ${schema.leaves.length} leaf columns`)
  const entries: { readonly contender: Contender; readonly bytes: number; readonly costs: Cost[] }[] = []
  for (const contender of contenders) {
    const bytes = await check(contender, schema, rows)
    say(`  ${contender.name}, ${contender.compression}: ${bytes} bytes, read back equal`)
    entries.push({ contender, bytes, costs: [] })
  }
  for (let round = -1; round < rounds; round++) {
    // who goes first changes; the first round only warms up
    for (const { contender, costs } of round % 2 === 0 ? entries : entries.toReversed()) {
      collect()
      const { cost } = await measured(() => contender.write())
      if (round >= 0) costs.push(cost)
      say(
        `  ${round < 0 ? 'warm-up' : `round ${round + 1}/${rounds}`} ${contender.name}, ${contender.compression}: ${Math.round(cost.wallMs)} ms wall, ${Math.round(cost.cpuMs)} ms CPU`,
      )
    }
  }
  return entries.map(({ contender: { name, compression }, bytes, costs }) => {
    const base = entries.find(({ contender }) => contender.name === OURS && contender.compression === compression)!
    const ratio = (of: (cost: Cost) => number): number => median(costs.map((cost, at) => of(cost) / of(base.costs[at]!)))
    const wallMs = median(costs.map(cost => cost.wallMs))
    return {
      title,
      contender: `${name}, ${compression}`,
      ours: name === OURS,
      rows: rows.length,
      bytesPerRow: bytes / rows.length,
      wallMs,
      cpuMs: median(costs.map(cost => cost.cpuMs)),
      rowsPerSecond: (rows.length / wallMs) * 1000,
      wallRatio: ratio(cost => cost.wallMs),
      cpuRatio: ratio(cost => cost.cpuMs),
      bytesRatio: bytes / base.bytes,
    }
  })
}

async function benchClass(kind: 'v2' | 'ct', count: number, rounds: number): Promise<WriterFigures[]> {
  const all = await events(kind, count)
  const schema = parquetSchema(all.fields)
  const [zstd, snappy] = [await nodeCodec('zstd'), await nodeCodec('snappy')]
  const rowsOf = (some: readonly OcsfEvent[]): readonly Row[] => some.toSorted((a, b) => a.time - b.time).map(event => rowOf(schema.columns, event))

  const rows = rowsOf(all.events)
  const figures = await bench(
    all,
    schema,
    rows,
    [ours(all, zstd, 'zstd'), hyparquetWriter(schema, rows, zstd, 'zstd'), ours(all, snappy, 'snappy'), hyparquetWriter(schema, rows, snappy, 'snappy')],
    rounds,
  )
  const few: Events = { ...all, events: all.events.slice(0, LITE_ROWS) }
  const fewRows = rowsOf(few.events)
  const lite = parquetjsLite(
    schema,
    fewRows.map(row => liteRow(schema.columns, row)),
  )
  return [...figures, ...(await bench(few, schema, fewRows, [ours(few, zstd, 'zstd'), ours(few, snappy, 'snappy'), lite], rounds))]
}

/** Rows of flow logs and of CloudTrail through every writer. */
export async function benchWriters(rows: number, rounds: number): Promise<WriterFigures[]> {
  return [...(await benchClass('v2', rows, rounds)), ...(await benchClass('ct', rows, rounds))]
}
