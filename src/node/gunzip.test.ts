import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gunzip } from './gunzip.js'

async function* chunks(bytes: Uint8Array, size = 65536) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(bytes: Uint8Array, size?: number) {
  const parts: Uint8Array[] = []
  const faults: string[] = []
  for await (const item of gunzip(() => chunks(bytes, size))) {
    if (item instanceof Uint8Array) parts.push(item)
    else faults.push(item.rule)
  }
  return { text: Buffer.concat(parts).toString(), faults }
}

const text = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${(n * 2654435761) % 1000003}`).join('\n')
const zipped = gzipSync(text)

describe('gunzip', () => {
  it('reads all members', async () => {
    expect(await all(Buffer.concat([zipped, gzipSync('second'), gzipSync('third')]))).toEqual({ text: `${text}secondthird`, faults: [] })
  })
  it('reads members cut anywhere', async () => {
    const both = Buffer.concat([gzipSync('one'), gzipSync('two')])
    for (let size = 1; size < both.length; size++) expect(await all(both, size)).toEqual({ text: 'onetwo', faults: [] })
  })
  it('gives what can be read of a truncated stream, then one fault', async () => {
    const { text: got, faults } = await all(zipped.subarray(0, zipped.length - 20))
    expect(faults).toEqual(['gzip_truncated'])
    expect(text.startsWith(got)).toBe(true)
    expect(got.length).toBeGreaterThan(text.length * 0.9)
  })
  it('says so when a member is damaged', async () => {
    const broken = Uint8Array.from(zipped)
    broken[broken.length - 6]! ^= 0xff
    expect(await all(broken)).toEqual({ text, faults: ['gzip_corrupt'] })
  })
  it('does not hide bytes behind the last member', async () => {
    expect(await all(Buffer.concat([zipped, Buffer.from('garbage')]))).toEqual({ text, faults: ['gzip_corrupt'] })
    expect(await all(Buffer.concat([zipped, new Uint8Array(512)]))).toEqual({ text, faults: ['gzip_trailing_bytes'] })
  })
  it('throws what its input throws, behind all that came before it, whatever its reader waits for meanwhile', async () => {
    async function* failing() {
      yield* chunks(zipped.subarray(0, 40_000), 8192)
      throw new Error('connection lost')
    }
    const parts: Uint8Array[] = []
    const reading = async () => {
      for await (const item of gunzip(failing)) {
        if (item instanceof Uint8Array) parts.push(item)
        await new Promise(resolve => setTimeout(resolve, 5)) // the next piece is asked for already
      }
    }
    await expect(reading()).rejects.toThrow('connection lost')
    const got = Buffer.concat(parts).toString()
    expect(got.length).toBeGreaterThan(40_000)
    expect(text.startsWith(got)).toBe(true)
  })
  it('closes its input when its reader stops early', async () => {
    let closed = false
    async function* input() {
      try {
        yield* chunks(zipped, 8192)
      } finally {
        closed = true
      }
    }
    for await (const item of gunzip(input)) {
      expect(item).toBeInstanceOf(Uint8Array)
      break
    }
    expect(closed).toBe(true)
  })
})
