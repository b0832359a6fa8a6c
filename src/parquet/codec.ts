/** Page compression that runs anywhere. Node's own codecs are the faster twins. */
import { OcsfLakeError } from '../errors.js'

export type CodecName = 'zstd' | 'gzip' | 'snappy' | 'uncompressed'

/** Compresses one page. Synchronous, and free to return its argument. */
export interface Codec {
  readonly name: CodecName
  compress(bytes: Uint8Array): Uint8Array
}

/** Level of zstd unless said: 3 takes half as long again, for 0.7 % less on flows and 1.8 % more on CloudTrail (docs/parquet.md). */
export const ZSTD_LEVEL = 1

/** The highest level of the codecs that have levels, from 1 on. */
const HIGHEST_LEVEL = { zstd: 19, gzip: 9, snappy: 0, uncompressed: 0 } as const

/** @throws OcsfLakeError `option_invalid` for a level that the codec does not have */
export function checkLevel(name: CodecName, level: number | undefined): void {
  const highest = HIGHEST_LEVEL[name]
  if (level === undefined || highest === undefined || (Number.isInteger(level) && level >= 1 && level <= highest)) return
  const rule = highest === 0 ? `${name} has no compression level` : `the compression level of ${name} is a whole number from 1 to ${highest}`
  throw new OcsfLakeError('option_invalid', `${rule[0]!.toUpperCase()}${rule.slice(1)}, found ${level}.`)
}

export const uncompressed: Codec = { name: 'uncompressed', compress: bytes => bytes }

// once per process: a second init swaps the module's memory under a running compression, which then writes rubbish
let wasm: Promise<ZstdModule> | undefined

interface ZstdModule {
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array): Uint8Array
}

async function loadWasm(): Promise<ZstdModule> {
  const { init, createCCtx, compressUsingDict, decompress } = await import('@bokuweb/zstd-wasm')
  await init()
  // one context for all calls, and no dictionary: `compress` makes a context for each call, 10 to 40 us
  const context = createCCtx()
  const none = new Uint8Array()
  return { compress: (bytes, level) => compressUsingDict(context, bytes, none, level), decompress: bytes => decompress(bytes) }
}

/**
 * Zstandard by WebAssembly, at level 1 to 19.
 *
 * @throws OcsfLakeError `option_invalid` for another level
 */
export async function zstd(level = ZSTD_LEVEL): Promise<Codec> {
  checkLevel('zstd', level)
  wasm ??= loadWasm()
  const { compress } = await wasm
  return { name: 'zstd', compress: bytes => compress(bytes, level) }
}

/** What undoes `zstd`, by WebAssembly, for one page. */
export async function unzstd(): Promise<(bytes: Uint8Array) => Uint8Array> {
  wasm ??= loadWasm()
  return (await wasm).decompress
}

export async function snappy(): Promise<Codec> {
  const { compress } = await import('snappyjs')
  return { name: 'snappy', compress: bytes => compress(bytes) }
}

/**
 * A codec without Node.
 *
 * @throws OcsfLakeError `codec_missing` for gzip, which has no synchronous form outside Node; `option_invalid` for an unknown name or level
 */
export async function portableCodec(name: CodecName, level?: number): Promise<Codec> {
  checkLevel(name, level)
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
