/** The reader of Parquet objects: handed in, so that a function that never gets one does not carry it. */
import type { ParquetReader } from '../decode/parquet-input.js'
import { nodeDecompressors } from './codecs.js'

/** Reads Parquet objects with uncompressed, Snappy, gzip, Brotli or (from Node 22.15 on) zstd pages. */
export const readParquet: ParquetReader = async function* (bytes, maxBytes) {
  const { parquetLines } = await import('../decode/parquet-lines.js') // the first Parquet object pays for loading it
  yield* parquetLines(bytes, nodeDecompressors, maxBytes)
}
