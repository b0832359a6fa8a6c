/** Page compression that runs anywhere. Node's own codecs are the faster twins. */
import { OcsfLakeError } from '../errors.js'

export type CodecName = 'zstd' | 'gzip' | 'snappy' | 'uncompressed'

/** Compresses one page. Synchronous, and free to return its argument. */
export interface Codec {
  readonly name: CodecName
  compress(bytes: Uint8Array): Uint8Array
}

/** Zstandard level: 1 to 19, more for smaller and slower. */
export const ZSTD_LEVEL = 3

export const uncompressed: Codec = { name: 'uncompressed', compress: bytes => bytes }

// once per process: a second init swaps the module's memory under a running compression, which then writes rubbish
let wasm: Promise<(bytes: Uint8Array, level?: number) => Uint8Array> | undefined

async function loadWasm(): Promise<(bytes: Uint8Array, level?: number) => Uint8Array> {
  const { init, compress } = await import('@bokuweb/zstd-wasm')
  await init()
  return compress
}

/** Zstandard by WebAssembly. */
export async function zstd(level = ZSTD_LEVEL): Promise<Codec> {
  wasm ??= loadWasm()
  const compress = await wasm
  return { name: 'zstd', compress: bytes => compress(bytes, level) }
}

export async function snappy(): Promise<Codec> {
  const { compress } = await import('snappyjs')
  return { name: 'snappy', compress: bytes => compress(bytes) }
}

/**
 * A codec without Node.
 *
 * @throws OcsfLakeError `codec_missing` for gzip, which has no synchronous form outside Node; `option_invalid` for an unknown name
 */
export async function portableCodec(name: CodecName, level?: number): Promise<Codec> {
  switch (name) {
    case 'zstd':
      return zstd(level)
    case 'snappy':
      return snappy()
    case 'uncompressed':
      return uncompressed
    case 'gzip':
      throw new OcsfLakeError('codec_missing', 'gzip is only available on Node: use zstd or snappy, or pass a codec of your own.')
    default:
      throw new OcsfLakeError('option_invalid', `Compression ${String(name)} is not known: use zstd, gzip, snappy or uncompressed.`)
  }
}
