/** A Parquet file as it is written: row groups one behind the other, then what is said about them. */
import { VERSION } from '../version.js'
import { ByteSink } from './bytes.js'
import type { Codec } from './codec.js'
import type { ColumnBuffer } from './column.js'
import { type Chunk, createChunkWriter } from './encode.js'
import { footerBytes, type RowGroup } from './footer.js'
import { writeIndexes } from './page-index.js'
import { groupEnds } from './row-groups.js'
import type { ParquetSchema } from './schema.js'

export interface ParquetFile {
  readonly rows: number
  /** Bytes so far, without the indexes and the footer. */
  readonly bytes: number
  /** Appends the rows `order[0, count)` of columns as row groups; `order` has every row of the columns once. */
  add(columns: readonly ColumnBuffer[], order: Int32Array, count?: number): void
  /** The file, whose key-value metadata is `metadata`. Ends it. */
  finish(metadata: Readonly<Record<string, string>>): Uint8Array
}

/** Begins a file in memory; `sortedBy` is the index of the leaf by which all its rows come sorted. */
export function createParquetFile(schema: ParquetSchema, given: Codec, sortedBy: number): ParquetFile {
  const codec = rememberingShort(given)
  const out = new ByteSink(1 << 16)
  const groups: (Omit<RowGroup, 'chunks'> & { readonly chunks: readonly Chunk[] })[] = []
  let rows = 0
  out.append(MAGIC)
  return {
    get rows() {
      return rows
    },
    get bytes() {
      return out.size
    },
    add(columns, order, count = order.length) {
      const ends = groupEnds(columns, order)
      const writer = createChunkWriter(out, columns, order, codec)
      let from = 0
      for (let at = 0; from < count; at++) {
        const to = Math.min(ends[at]!, count)
        const offset = out.size
        groups.push({ rows: to - from, offset, chunks: writer.rowGroup(from, to) })
        from = to
      }
      rows += count
    },
    finish(metadata) {
      const indexed = writeIndexes(
        out,
        groups.map(({ chunks }) => chunks),
      )
      const footer = footerBytes({
        schema,
        rows,
        groups: groups.map((group, at) => ({ ...group, chunks: indexed[at]! })),
        codec: codec.name,
        metadata,
        createdBy: `ocsf-lake version ${VERSION}`,
        sortedBy,
      })
      out.append(footer)
      out.uint32(footer.length)
      out.append(MAGIC)
      return out.view()
    },
  }
}

/**
 * A codec that compresses equal short pages once: most columns of an object are constant or empty, and a call costs up
 * to 60 us whatever the size.
 */
function rememberingShort(codec: Codec): Codec {
  if (codec.name === 'uncompressed') return codec
  const known = new Map<string, Uint8Array>()
  return {
    name: codec.name,
    compress(bytes) {
      if (bytes.length > SHORT_PAGE) return codec.compress(bytes)
      const key = String.fromCharCode(...bytes)
      let compressed = known.get(key)
      if (compressed === undefined) {
        compressed = codec.compress(bytes).slice()
        known.set(key, compressed)
      }
      return compressed
    },
  }
}

const SHORT_PAGE = 32
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)
