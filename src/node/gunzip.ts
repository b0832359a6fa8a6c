/** Unzips a stream member by member, and says when it is cut off or damaged instead of throwing. */
import { createGunzip } from 'node:zlib'
import type { Fault } from '../decode/decoder.js'
import type { Readable } from '../decode/parquet-input.js'

/** Unzipped bytes, then at most one fault. */
export type Unzipped = Readable

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

/** Unzipped bytes are given in pieces of this size: so large that what a chunk of input holds is mostly one piece. */
const PIECE_BYTES = 2 ** 20

/**
 * All members of a gzip stream; every byte that can be unzipped comes out before the fault. `open` is called a second
 * time when the stream proves damaged: zlib keeps back what it had unzipped of the chunk in which it fails, so that
 * chunk is fed byte by byte.
 */
export async function* gunzip(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Unzipped, void, undefined> {
  let given = 0
  let damagedAt = -1
  for await (const item of inflate(open(), -1)) {
    if (item instanceof Uint8Array) {
      given += item.length
      yield item
    } else if ('fault' in item && item.chunk >= 0) damagedAt = item.chunk
    else yield item.fault
  }
  if (damagedAt < 0) return
  let skip = given
  for await (const item of inflate(open(), damagedAt)) {
    if (!(item instanceof Uint8Array)) yield item.fault
    else if (item.length <= skip) skip -= item.length
    else {
      yield item.subarray(skip)
      skip = 0
    }
  }
}

/** A fault and the index of the input chunk that zlib choked on; -1 when the input just ended. */
interface InflateFault {
  readonly fault: Fault
  readonly chunk: number
}

/**
 * Each chunk is given to zlib's thread before what the one before gave is handed out, so that it is unzipped while that is
 * used. What fails in reading or unzipping comes in its turn, behind all that was unzipped before.
 */
async function* inflate(input: AsyncIterable<Uint8Array>, bytewise: number): AsyncGenerator<Uint8Array | InflateFault, void, undefined> {
  const stream = createGunzip({ chunkSize: PIECE_BYTES })
  let ready: Uint8Array[] = []
  let error: NodeJS.ErrnoException | undefined
  let over = false
  let wake: () => void = () => {}
  const finish = (): void => {
    over = true
    wake()
  }
  stream.on('data', (chunk: Uint8Array) => ready.push(chunk))
  stream.on('end', finish)
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause
    finish()
  })
  // Drained after each write: an error destroys the stream and whatever it still holds.
  const settled = (start: (done: () => void) => void): Promise<void> =>
    new Promise(resolve => {
      wake = resolve
      start(() => setImmediate(resolve))
    })
  const write = async (chunk: Uint8Array, step: number): Promise<void> => {
    for (let at = 0; at < chunk.length && !over; at += step) await settled(done => stream.write(chunk.subarray(at, at + step), done))
  }
  const chunks = input[Symbol.asyncIterator]()
  let read = 0
  try {
    for (let index = 0; ; index++) {
      const next = await chunks.next().then(
        item => ({ item }),
        (cause: unknown) => ({ cause }),
      )
      const chunk = 'item' in next && !next.item.done ? next.item.value : undefined
      const unzipped = ready
      ready = []
      const written = chunk && write(chunk, index === bytewise ? 1 : chunk.length)
      for (const piece of unzipped) {
        yield piece
        await new Promise(resolve => setImmediate(resolve)) // zlib asks for room for each piece
      }
      if ('cause' in next) throw next.cause
      if (chunk === undefined) break
      await written
      read += chunk.length
      if (error === undefined) continue
      yield* ready
      return yield { fault: faultOf(error), chunk: index }
    }
    if (!over) await settled(() => stream.end())
    while (!over) await settled(done => done())
    yield* ready
    if (error !== undefined) yield { fault: faultOf(error), chunk: -1 }
    else if (stream.bytesWritten < read) {
      yield { fault: { rule: 'gzip_trailing_bytes', expected: 'nothing behind the last gzip member', found: `${read - stream.bytesWritten} bytes` }, chunk: -1 }
    }
  } finally {
    stream.destroy()
    await chunks.return?.()
  }
}

function faultOf(error: NodeJS.ErrnoException): Fault {
  const rule = error.code === 'Z_BUF_ERROR' ? 'gzip_truncated' : 'gzip_corrupt'
  return { rule, expected: 'a complete gzip stream', found: error.message }
}
