/** The reader of Parquet objects: handed in, so that a function that never gets one does not carry it. */
import { nodeDecompressors } from './codecs.js'
import type { Unzipped } from './gunzip.js'

/** The rows of a Parquet object as JSON lines, then at most one fault; `maxBytes` of its pages, uncompressed, are read. */
export type ParquetReader = (bytes: Uint8Array, maxBytes: number) => AsyncGenerator<Unzipped, void, undefined>

/** Reads Parquet objects with uncompressed, Snappy, gzip, Brotli or (from Node 22.15 on) zstd pages. */
export const readParquet: ParquetReader = async function* (bytes, maxBytes) {
  const { parquetLines } = await import('../decode/parquet-lines.js') // the first Parquet object pays for loading it
  yield* parquetLines(bytes, nodeDecompressors, maxBytes)
}
