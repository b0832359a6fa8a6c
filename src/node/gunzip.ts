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
  for await (const item of ahead(inflate(open(), -1))) {
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

/** Asks for the next item before it gives one: zlib's thread works while the one is used. */
async function* ahead<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  const ask = (): Promise<IteratorResult<T, void>> => {
    const next = items.next()
    next.catch(() => {}) // it is thrown when its turn comes, and lost where nobody wants it any more
    return next
  }
  try {
    let next = ask()
    for (let item = await next; !item.done; item = await next) {
      next = ask()
      yield item.value
    }
  } finally {
    await items.return()
  }
}

/** A fault and the index of the input chunk that zlib choked on; -1 when the input just ended. */
interface InflateFault {
  readonly fault: Fault
  readonly chunk: number
}

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
  let index = 0
  let read = 0
  try {
    for await (const chunk of input) {
      read += chunk.length
      const step = index === bytewise ? 1 : chunk.length
      for (let at = 0; at < chunk.length && !over; at += step) await settled(done => stream.write(chunk.subarray(at, at + step), done))
      yield* ready
      ready = []
      if (error !== undefined) return yield { fault: faultOf(error), chunk: index }
      index++
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
  }
}

function faultOf(error: NodeJS.ErrnoException): Fault {
  const rule = error.code === 'Z_BUF_ERROR' ? 'gzip_truncated' : 'gzip_corrupt'
  return { rule, expected: 'a complete gzip stream', found: error.message }
}
