import { gunzipSync } from 'node:zlib'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { type CodecName, portableCodec } from '../parquet/codec.js'
import { nodeCodec } from './codecs.js'

const inputs = [
  new Uint8Array(0),
  Uint8Array.of(7),
  new TextEncoder().encode('abc '.repeat(20_000)),
  Uint8Array.from({ length: 70_000 }, (_, n) => (n * n) >>> 3),
]

function inflate(name: CodecName, bytes: Uint8Array, length: number): Uint8Array {
  if (name === 'uncompressed') return bytes
  if (name === 'gzip') return gunzipSync(bytes)
  return name === 'zstd' ? compressors.ZSTD!(bytes, length) : compressors.SNAPPY!(bytes, length)
}

describe('codecs', () => {
  it.each(['zstd', 'gzip', 'snappy', 'uncompressed'] as const)('%s is inflated by others to the same bytes, page after page', async name => {
    // asked for twice: WebAssembly must not start again under the first
    const [one, two] = [await nodeCodec(name), await nodeCodec(name)]
    expect(one.name).toBe(name)
    for (const bytes of inputs) {
      for (const codec of [one, two]) expect(Buffer.compare(inflate(name, codec.compress(bytes), bytes.length), bytes)).toBe(0)
    }
  })

  it('has a portable twin for everything but gzip', async () => {
    for (const name of ['zstd', 'snappy', 'uncompressed'] as const) {
      const codec = await portableCodec(name)
      for (const bytes of inputs) expect(Buffer.compare(inflate(name, codec.compress(bytes), bytes.length), bytes)).toBe(0)
    }
    await expect(portableCodec('gzip')).rejects.toMatchObject({ code: 'codec_missing' })
  })

  it('takes a level', async () => {
    const text = new TextEncoder().encode(Array.from({ length: 30_000 }, (_, n) => `${(n * 7919) % 1009} ${n % 97}`).join('\n'))
    for (const name of ['zstd', 'gzip'] as const) {
      const [low, high] = [await nodeCodec(name, 1), await nodeCodec(name, 9)]
      expect(high.compress(text).length).toBeLessThan(low.compress(text).length)
    }
  })

  it('refuses an unknown name, and a level that the codec does not have', async () => {
    const refused = { code: 'option_invalid' }
    for (const [name, level] of [
      ['zstd', 0],
      ['zstd', 20],
      ['zstd', 1.5],
      ['gzip', 10],
      ['gzip', Number.NaN],
      ['snappy', 1],
      ['uncompressed', 1],
    ] as const) {
      await expect(nodeCodec(name, level)).rejects.toMatchObject(refused)
      await expect(portableCodec(name, level)).rejects.toMatchObject(refused)
    }
    await expect(nodeCodec('lzo' as 'zstd')).rejects.toMatchObject({ code: 'option_invalid' })
  })
})
