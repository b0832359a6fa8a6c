/** An object of a lake as it stands in its file: what it says of itself, and its columns, row group by row group. */
import {
  type ColumnDecoder,
  type DecodedArray,
  decompressPage,
  type FileMetaData,
  getMaxDefinitionLevel,
  getMaxRepetitionLevel,
  type PageHeader,
  parquetHeader,
  parquetMetadata,
  readDataPage,
  readPlain,
  type SchemaTree,
  parquetSchema as schemaTreeOf,
} from '../../decode/hyparquet.js'
import type { Decompressors } from '../../decode/parquet-lines.js'
import { type ColumnTree, classFields } from '../../ocsf/columns.js'
import { loadFacts, type OcsfVersion, VERSIONS } from '../../ocsf/facts.js'
import { CLASS_UIDS, type ClassName } from '../../ocsf/generated/types.js'
import { timeLeaf } from '../../parquet/merge.js'
import { type Leaf, type ParquetSchema, parquetSchema } from '../../parquet/schema.js'
import type { StoredColumn } from '../../parquet/stored-column.js'

/** Why an object is left as it is. */
export class Unmergeable extends Error {
  /** `foreign`: ocsf-lake did not write it; `columns_unknown`: not those of its class; `damaged`, `changed`, `not_sorted`, `day_other`. */
  readonly reason: 'foreign' | 'columns_unknown' | 'damaged' | 'changed' | 'not_sorted' | 'day_other'
  constructor(reason: Unmergeable['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** What objects must have in common to be merged. */
export interface Kind {
  /** The same for the same kind. */
  readonly id: string
  /** Key-value metadata: source, class, OCSF version, mapping version. */
  readonly metadata: Readonly<Record<string, string>>
  readonly schema: ParquetSchema
}

export interface LakeFile {
  readonly kind: Kind
  readonly rows: number
  /** Rows of each row group. */
  readonly groups: readonly number[]
  /** Bytes of all pages, uncompressed. */
  readonly bytes: number
  /** One column of a row group. */
  read(group: number, leaf: Leaf): StoredColumn
}

const KEYS = ['ocsf-lake.source', 'ocsf-lake.class', 'ocsf-lake.ocsf_version', 'ocsf-lake.mapping_version'] as const

/** @throws Unmergeable */
export async function openLakeFile(bytes: Uint8Array, decompressors: Decompressors): Promise<LakeFile> {
  const footer = wholly(() => parquetMetadata(bytes, { geoparquet: false }))
  const kind = await kindOf(footer)
  const tree = schemaTreeOf(footer)
  const groups = footer.row_groups.map(({ num_rows }) => Number(num_rows))
  return {
    kind,
    rows: Number(footer.num_rows),
    groups,
    bytes: footer.row_groups.reduce((sum, { total_byte_size }) => sum + Number(total_byte_size), 0),
    read: (group, leaf) =>
      wholly(() => {
        const meta = footer.row_groups[group]!.columns[leaf.index]?.meta_data
        if (meta?.path_in_schema.join('.') !== leaf.path.join('.')) throw new Error(`no column ${leaf.path.join('.')}`)
        const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset)
        const end = start + Number(meta.total_compressed_size)
        const schemaPath = pathTo(tree, leaf.path)
        const decoder = { pathInSchema: meta.path_in_schema, type: meta.type, element: schemaPath.at(-1)!.element, schemaPath, codec: meta.codec }
        return storedColumn(bytes.subarray(start, end), decoder, decompressors, leaf, groups[group]!, Number(meta.num_values))
      }),
  }
}

function wholly<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unmergeable) throw error
    throw new Unmergeable('damaged', `it cannot be read (${error instanceof Error ? error.message : String(error)})`)
  }
}

function pathTo(tree: SchemaTree, names: readonly string[]): SchemaTree[] {
  const path = [tree]
  for (const name of names) path.push(path.at(-1)!.children.find(({ element }) => element.name === name)!) // the schema has them, see kindOf
  return path
}

// ---- what it is ----

const kinds = new Map<string, Promise<Kind>>()

function kindOf({ schema, key_value_metadata: pairs = [], created_by: by }: FileMetaData): Promise<Kind> {
  const said = new Map(pairs.map(({ key, value }) => [key, value]))
  const metadata = Object.fromEntries(KEYS.map(key => [key, said.get(key) ?? '']))
  if (by?.startsWith('ocsf-lake ') !== true || Object.values(metadata).includes('')) throw new Unmergeable('foreign', 'ocsf-lake did not write it')
  const id = JSON.stringify([Object.values(metadata), schema])
  const kind = kinds.get(id) ?? makeKind(id, metadata, schemaTreeOf({ schema } as FileMetaData)) // which is all it looks at
  kinds.set(id, kind)
  return kind
}

async function makeKind(id: string, metadata: Readonly<Record<string, string>>, tree: SchemaTree): Promise<Kind> {
  const version = VERSIONS.find(one => one === metadata['ocsf-lake.ocsf_version'])
  const name = /^\w+/.exec(metadata['ocsf-lake.class']!)?.[0] ?? ''
  const schema = version === undefined || !Object.hasOwn(CLASS_UIDS, name) ? undefined : await schemaFor(version, name as ClassName, tree) // a member of CLASS_UIDS
  if (schema === undefined) throw new Unmergeable('columns_unknown', 'its columns are not those of its class in this version of ocsf-lake')
  timeLeaf(schema)
  return { id, metadata, schema }
}

/** The schema as the writer makes it of the same columns; undefined where it would be another one. */
async function schemaFor(version: OcsfVersion, name: ClassName, tree: SchemaTree): Promise<ParquetSchema | undefined> {
  try {
    const fields = classFields(await loadFacts(version), name, columnsOf(tree))
    if (fields === undefined) return undefined
    const schema = parquetSchema(fields.fields)
    const stored = leavesOf([tree]).map(leafText)
    const ours = schema.leaves.map(({ path, physical, annotation, def, rep }) => [path.join('.'), physical, annotation ?? '', def, rep].join(' '))
    return stored.length === ours.length && stored.every((text, at) => text === ours[at]) ? schema : undefined
  } catch {
    return undefined
  }
}

/** The declaration from which the columns of a file came. */
function columnsOf(tree: SchemaTree): ColumnTree {
  return Object.fromEntries(tree.children.map(child => [child.element.name, columnOf(child)]))
}

function columnOf(tree: SchemaTree): true | ColumnTree {
  const { converted_type: type } = tree.element
  if (type === 'MAP' || tree.children.length === 0) return true
  return type === 'LIST' ? columnOf(tree.children[0]!.children[0]!) : columnsOf(tree)
}

function leavesOf(path: readonly SchemaTree[]): (readonly SchemaTree[])[] {
  const { children } = path.at(-1)!
  return children.length === 0 ? [path] : children.flatMap(child => leavesOf([...path, child]))
}

const PHYSICAL: Readonly<Record<string, string>> = { BOOLEAN: 'boolean', INT32: 'int32', INT64: 'int64', DOUBLE: 'double', BYTE_ARRAY: 'byte_array' }
const ANNOTATIONS: Readonly<Record<string, string>> = { UTF8: 'string', TIMESTAMP_MILLIS: 'timestamp_millis' }

function leafText(path: readonly SchemaTree[]): string {
  const { type = '', converted_type: converted } = path.at(-1)!.element
  const annotation = converted === undefined ? '' : (ANNOTATIONS[converted] ?? converted)
  const names = path.slice(1).map(({ element }) => element.name)
  return [names.join('.'), PHYSICAL[type] ?? type, annotation, getMaxDefinitionLevel([...path]), getMaxRepetitionLevel([...path])].join(' ')
}

// ---- what it holds ----

/** A page of a column chunk, its bytes as they are without compression. */
interface Page {
  readonly header: PageHeader
  readonly bytes: Uint8Array
}

type Decoder = Omit<ColumnDecoder, 'parsers'>

function* pagesOf(chunk: Uint8Array, { codec }: Decoder, decompressors: Decompressors): Generator<Page, void, undefined> {
  const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: 0 }
  while (reader.offset < chunk.length) {
    const header = parquetHeader(reader)
    const stored = chunk.subarray(reader.offset, reader.offset + header.compressed_page_size)
    reader.offset += header.compressed_page_size
    yield { header, bytes: decompressPage(stored, header.uncompressed_page_size, codec, decompressors) }
  }
}

const widthOf = ({ physical }: Leaf): 1 | 2 => (physical === 'int64' || physical === 'double' ? 2 : 1)

/** Values as words, of texts their places among `texts`, where they are added. */
function wordsOf(values: DecodedArray, leaf: Leaf, texts: Uint8Array[]): Int32Array {
  if (values instanceof Int32Array) return values
  if (values instanceof BigInt64Array || values instanceof Float64Array) return new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const words = new Int32Array(values.length)
  if (leaf.physical === 'byte_array')
    for (let at = 0; at < words.length; at++) words[at] = texts.push(values[at] as Uint8Array) - 1 // of byte arrays
  else for (let at = 0; at < words.length; at++) words[at] = Number(values[at]) // of booleans
  return words
}

function dictionaryIn({ header, bytes }: Page, { type, element }: Decoder, leaf: Leaf, texts: Uint8Array[]): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return wordsOf(readPlain({ view, offset: 0 }, type, header.dictionary_page_header!.num_values, element.type_length), leaf, texts)
}

function storedColumn(chunk: Uint8Array, decoder: Decoder, decompressors: Decompressors, leaf: Leaf, rows: number, slots: number): StoredColumn {
  const even = rows === slots ? evenColumn(chunk, decoder, decompressors, leaf, rows) : undefined
  if (even !== undefined) return even
  const width = widthOf(leaf)
  const defs = new Uint8Array(slots)
  const reps = leaf.rep === 0 ? undefined : new Uint8Array(slots)
  const words = new Int32Array(slots * width)
  const texts: Uint8Array[] = []
  let dictionary: Int32Array | undefined
  let slot = 0
  for (const page of pagesOf(chunk, decoder, decompressors)) {
    const { type: kind, data_page_header: data } = page.header
    if (kind === 'DICTIONARY_PAGE') {
      dictionary = dictionaryIn(page, decoder, leaf, texts)
      continue
    }
    if (kind !== 'DATA_PAGE' || data === undefined) throw new Error(`a page of type ${kind}`)
    const count = data.num_values
    if (slot + count > slots) throw new Error('more values than its footer says')
    const { definitionLevels = [], repetitionLevels, dataPage } = readDataPage(page.bytes, data, { ...decoder, parsers: {} as ColumnDecoder['parsers'] }) // not used there
    if (definitionLevels.length === 0) defs.fill(leaf.def, slot, slot + count)
    else defs.set(definitionLevels, slot)
    reps?.set(repetitionLevels, slot)
    const isCoded = data.encoding !== 'PLAIN'
    const source = isCoded ? dictionary! : wordsOf(dataPage, leaf, texts)
    let value = 0
    for (let at = slot; at < slot + count; at++) {
      if (defs[at] !== leaf.def) continue
      const from = (isCoded ? (dataPage[value] as number) : value) * width // an index
      if (!(from < source.length)) throw new Error('an index beyond its dictionary')
      words[at * width] = source[from]!
      if (width === 2) words[at * 2 + 1] = source[from + 1]!
      value++
    }
    if (value !== dataPage.length) throw new Error('values that do not add up')
    slot += count
  }
  if (slot !== slots) throw new Error('fewer values than its footer says')
  return shaped(leaf, rows, slots, defs, reps, words, texts, width)
}

/** Most columns are one value, or nothing, in all rows: told from their runs, without writing them out. */
function evenColumn(chunk: Uint8Array, decoder: Decoder, decompressors: Decompressors, leaf: Leaf, rows: number): StoredColumn | undefined {
  const texts: Uint8Array[] = []
  let words: Int32Array | undefined
  let def: number | undefined
  let seen = 0
  for (const page of pagesOf(chunk, decoder, decompressors)) {
    const { type: kind, data_page_header: data } = page.header
    if (kind === 'DICTIONARY_PAGE') {
      if (page.header.dictionary_page_header?.num_values !== 1) return undefined
      words = dictionaryIn(page, decoder, leaf, texts)
      continue
    }
    if (kind !== 'DATA_PAGE' || data === undefined) return undefined
    let at = 0
    if (leaf.rep > 0) {
      const run = levelRun(page.bytes, at, data.num_values)
      if (run?.level !== 0) return undefined
      at = run.end
    }
    const run = levelRun(page.bytes, at, data.num_values)
    if (run === undefined || run.level !== (def ?? run.level) || (run.level === leaf.def && (words === undefined || data.encoding === 'PLAIN')))
      return undefined
    def = run.level
    seen += data.num_values
  }
  if (def === undefined || seen !== rows) return undefined
  const isNull = def !== leaf.def
  return { rows, defs: def, nested: undefined, words: isNull ? new Int32Array(widthOf(leaf)) : words!, texts: isNull ? [] : texts, same: true }
}

/** Levels that are one run of `count`, and where they end. */
function levelRun(page: Uint8Array, at: number, count: number): { readonly level: number; readonly end: number } | undefined {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const end = at + 4 + view.getUint32(at, true)
  let header = 0
  let shift = 0
  for (at += 4; at < end; shift += 7) {
    const byte = page[at++]!
    header |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  return header === count * 2 && at + 1 === end ? { level: page[at]!, end } : undefined
}

/** Checks the rows, and finds out whether they are all the same. */
function shaped(
  leaf: Leaf,
  rows: number,
  slots: number,
  defs: Uint8Array,
  reps: Uint8Array | undefined,
  words: Int32Array,
  texts: Uint8Array[],
  width: 1 | 2,
): StoredColumn {
  const first = reps && firstSlots(reps, rows)
  if (reps === undefined && slots !== rows) throw new Error('values that are not one a row')
  const even = isEven(defs, 1)
  const one = even && slots === rows && slots > 0
  const isNull = defs[0] !== leaf.def
  if (one && (isNull || isEven(words, width))) {
    return { rows, defs: defs[0]!, nested: undefined, words: words.slice(0, width), texts: isNull ? [] : texts, same: true }
  }
  return { rows, defs: even && slots > 0 ? defs[0]! : defs, nested: reps && { reps, first: first! }, words, texts, same: false }
}

/** Whether items repeat every `period`. */
function isEven(items: Uint8Array | Int32Array, period: number): boolean {
  for (let at = period; at < items.length; at++) if (items[at] !== items[at - period]) return false
  return true
}

function firstSlots(reps: Uint8Array, rows: number): Int32Array {
  const first = new Int32Array(rows + 1)
  let row = 0
  for (let slot = 0; slot < reps.length; slot++) {
    if (reps[slot] !== 0) continue
    if (row === rows) throw new Error('more rows than its footer says')
    first[row++] = slot
  }
  if (row !== rows || (reps.length > 0 && reps[0] !== 0)) throw new Error('rows that do not add up')
  first[rows] = reps.length
  return first
}
