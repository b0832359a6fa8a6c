/** Page compression by node:zlib where it has the codec, by the portable twin where it has not. */
import * as zlib from 'node:zlib'
import type { Decompressors } from '../decode/parquet-lines.js'
import { type Codec, type CodecName, checkLevel, portableCodec, unzstd, ZSTD_LEVEL } from '../parquet/codec.js'

const GZIP_LEVEL = 6

/**
 * A codec for Parquet pages. `level` is that of zstd (1 to 19) or gzip (1 to 9).
 *
 * @throws OcsfLakeError `option_invalid` for an unknown name or level
 */
export async function nodeCodec(name: CodecName, level?: number): Promise<Codec> {
  checkLevel(name, level)
  if (name === 'gzip') return { name, compress: bytes => zlib.gzipSync(bytes, { level: level ?? GZIP_LEVEL }) }
  if (name === 'zstd') return nodeZstd(level ?? ZSTD_LEVEL) ?? portableCodec(name, level)
  return portableCodec(name)
}

/** Node has zstd from 22.15 on; the types of Node 20 do not know it. */
const zstdOfNode = zlib as unknown as {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: { params: Record<number, number> }) => Uint8Array
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

/** For the pages of Parquet objects that are read: gzip, which AWS writes, Brotli, and zstd where Node has it. */
export const nodeDecompressors: Decompressors = {
  GZIP: (page, length) => zlib.gunzipSync(page, { maxOutputLength: Math.max(length, 1) }),
  BROTLI: (page, length) => zlib.brotliDecompressSync(page, { maxOutputLength: Math.max(length, 1) }),
  ...(zstdOfNode.zstdDecompressSync && {
    ZSTD: (page: Uint8Array, length: number) => zstdOfNode.zstdDecompressSync!(page, { maxOutputLength: Math.max(length, 1) }),
  }),
}

/** The same, and zstd on any Node. */
export async function allDecompressors(): Promise<Decompressors> {
  return 'ZSTD' in nodeDecompressors ? nodeDecompressors : { ...nodeDecompressors, ZSTD: await unzstd() }
}

function nodeZstd(level: number): Codec | undefined {
  const { zstdCompressSync, constants } = zstdOfNode
  if (zstdCompressSync === undefined) return undefined
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  return { name: 'zstd', compress: bytes => zstdCompressSync(bytes, { params }) }
}
