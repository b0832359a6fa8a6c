/** The footer of a Parquet file: schema, row groups, statistics, metadata. */
import type { CodecName } from './codec.js'
import { ENCODING } from './encode.js'
import type { IndexedChunk } from './page-index.js'
import type { Leaf, ParquetSchema, SchemaNode } from './schema.js'
import { ThriftWriter } from './thrift.js'

export interface RowGroup {
  readonly rows: number
  /** Offset of the first page. */
  readonly offset: number
  readonly chunks: readonly IndexedChunk[]
}

export interface Footer {
  readonly schema: ParquetSchema
  readonly rows: number
  readonly groups: readonly RowGroup[]
  readonly codec: CodecName
  readonly metadata: Readonly<Record<string, string>>
  readonly createdBy: string
  /** Index of the leaf that the rows are sorted by. */
  readonly sortedBy: number | undefined
}

// the numbers of parquet.thrift
const PHYSICAL = { boolean: 0, int32: 1, int64: 2, double: 5, byte_array: 6 } as const
const CODEC = { uncompressed: 0, snappy: 1, gzip: 2, zstd: 6 } as const
const REPETITION = { required: 0, optional: 1, repeated: 2 } as const
const CONVERTED = { string: 0, map: 1, list: 3, timestamp_millis: 9 } as const
const LOGICAL = { string: 1, map: 2, list: 3, timestamp_millis: 8 } as const

type Annotation = keyof typeof CONVERTED

interface Element {
  readonly name: string
  readonly repetition?: keyof typeof REPETITION
  readonly leaf?: Leaf
  readonly children?: number
  readonly annotation?: Annotation
}

/** The schema as Parquet lists it: depth first, groups before their children. */
function elements(schema: ParquetSchema): Element[] {
  const out: Element[] = [{ name: 'schema', children: schema.columns.length }]
  const visit = (node: SchemaNode): void => {
    const { name } = node
    switch (node.kind) {
      case 'leaf':
        out.push({ name, repetition: node.required ? 'required' : 'optional', leaf: node, annotation: node.annotation })
        return
      case 'struct':
        out.push({ name, repetition: 'optional', children: node.children.length })
        for (const child of node.children) visit(child)
        return
      case 'list':
        out.push({ name, repetition: 'optional', children: 1, annotation: 'list' }, { name: 'list', repetition: 'repeated', children: 1 })
        visit(node.element)
        return
      case 'map':
        out.push({ name, repetition: 'optional', children: 1, annotation: 'map' }, { name: 'key_value', repetition: 'repeated', children: 2 })
        visit(node.key)
        visit(node.value)
    }
  }
  for (const column of schema.columns) visit(column)
  return out
}

/** The bytes of `FileMetaData`, without its length and the closing magic. */
export function footerBytes(footer: Footer): Uint8Array {
  const out = new ThriftWriter()
  out.i32(1, 1) // format version: v1 data pages
  out.structs(2, elements(footer.schema), element => writeElement(out, element))
  out.i64(3, footer.rows)
  let ordinal = 0
  out.structs(4, footer.groups, group => writeGroup(out, footer, group, ordinal++))
  out.structs(5, Object.entries(footer.metadata), ([key, value]) => {
    out.string(1, key)
    out.string(2, value)
  })
  out.string(6, footer.createdBy)
  out.structs(7, footer.schema.leaves, () => out.struct(1, () => {})) // TypeDefinedOrder: min and max can be trusted
  out.stop()
  return out.sink.view()
}

function writeElement(out: ThriftWriter, { name, repetition, leaf, children, annotation }: Element): void {
  if (leaf !== undefined) out.i32(1, PHYSICAL[leaf.physical])
  if (repetition !== undefined) out.i32(3, REPETITION[repetition])
  out.string(4, name)
  if (children !== undefined) out.i32(5, children)
  if (annotation === undefined) return
  out.i32(6, CONVERTED[annotation])
  out.struct(10, () =>
    out.struct(LOGICAL[annotation], () => {
      if (annotation !== 'timestamp_millis') return
      out.bool(1, true) // adjusted to UTC
      out.struct(2, () => out.struct(1, () => {})) // milliseconds
    }),
  )
}

function writeGroup(out: ThriftWriter, { codec, sortedBy }: Footer, group: RowGroup, ordinal: number): void {
  let uncompressed = 0
  let compressed = 0
  for (const chunk of group.chunks) {
    uncompressed += chunk.uncompressedBytes
    compressed += chunk.compressedBytes
  }
  out.structs(1, group.chunks, chunk => {
    out.i64(2, 0) // deprecated file_offset
    out.struct(3, () => writeChunkMeta(out, chunk, codec))
    out.i64(4, chunk.offsetIndex.offset)
    out.i32(5, chunk.offsetIndex.bytes)
    out.i64(6, chunk.columnIndex.offset)
    out.i32(7, chunk.columnIndex.bytes)
  })
  out.i64(2, uncompressed)
  out.i64(3, group.rows)
  if (sortedBy !== undefined)
    out.structs(4, [sortedBy], index => {
      out.i32(1, index)
      out.bool(2, false) // descending
      out.bool(3, false) // nulls first
    })
  out.i64(5, group.offset)
  out.i64(6, compressed)
  out.i16(7, ordinal)
}

function writeChunkMeta(out: ThriftWriter, chunk: IndexedChunk, codec: CodecName): void {
  const { leaf, statistics } = chunk
  out.i32(1, PHYSICAL[leaf.physical])
  out.i32s(2, [chunk.dictionaryOffset === undefined ? ENCODING.plain : ENCODING.dictionary, ENCODING.rle])
  out.strings(3, leaf.path)
  out.i32(4, CODEC[codec])
  out.i64(5, chunk.values)
  out.i64(6, chunk.uncompressedBytes)
  out.i64(7, chunk.compressedBytes)
  out.i64(9, chunk.dataOffset)
  if (chunk.dictionaryOffset !== undefined) out.i64(11, chunk.dictionaryOffset)
  out.struct(12, () => {
    out.i64(3, statistics.nulls)
    const { range } = statistics
    if (range === undefined) return
    out.binary(5, range.max)
    out.binary(6, range.min)
    out.bool(7, range.maxExact)
    out.bool(8, range.minExact)
  })
  const { bloomFilter } = chunk
  if (bloomFilter === undefined) return
  out.i64(14, bloomFilter.offset)
  out.i32(15, bloomFilter.bytes)
}
