/** The bytes of one stored object: unzipped, capped, and with its faults as values. */
import type { Fault } from '../decode/decoder.js'
import { type ParquetReader, parquetAsLines } from '../decode/parquet-input.js'
import { OcsfLakeError } from '../errors.js'
import { HEAD_BYTES } from '../sources/source.js'
import { gunzip, isGzip, type Unzipped } from './gunzip.js'
import type { Input } from './inputs.js'

/** An input that is being opened: its first bytes are read, which nobody has to wait for, and no more than those. */
export interface OpenObject {
  readonly input: Input
  /** The first 64 KiB of what a source reads, or all there is up to a fault. */
  readHead(): Promise<{ readonly bytes: Uint8Array; readonly fault?: Fault }>
  /** What comes behind the head: bytes, then at most one fault. */
  readonly rest: AsyncIterable<Unzipped>
  /** Stored bytes that were read so far. */
  storedBytes(): number
  /** Skipped and unknown objects are not read to their end. */
  close(): Promise<void>
}

/** Opens what a source reads of an input: its bytes, unzipped, or the rows of a Parquet object as JSON lines. */
export function openObject(input: Input, maxBytes: number, parquet: ParquetReader | undefined): OpenObject {
  let stored = 0
  const items = unzipped(input, maxBytes, length => (stored += length))
  const first = items.next()
  first.catch(() => {}) // it is thrown again where it is waited for
  const rest = parquetAsLines(resumed(first, items), maxBytes, parquet)
  return {
    input,
    readHead: () => headOf(rest),
    rest,
    storedBytes: () => stored,
    async close() {
      await rest.return()
      await items.return()
    },
  }
}

type Items = AsyncGenerator<Unzipped, void, undefined>

async function* resumed(first: ReturnType<Items['next']>, items: Items): Items {
  const { value, done } = await first
  if (done) return
  yield value
  yield* items
}

async function headOf(items: Items): ReturnType<OpenObject['readHead']> {
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < HEAD_BYTES) {
    const { value, done } = await items.next()
    if (done) break
    if (!(value instanceof Uint8Array)) return { bytes: Buffer.concat(chunks), fault: value }
    chunks.push(value)
    length += value.length
  }
  return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }
}

/** The bytes of an input, unzipped where they are gzip (by its magic, not its name), then at most one fault. */
async function* unzipped(input: Input, maxBytes: number, onStored: (length: number) => void): AsyncGenerator<Unzipped, void, undefined> {
  let unreadable: Fault | undefined
  const read = async function* (count: (length: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of input.open()) {
        count(chunk.length)
        yield chunk
      }
    } catch (error) {
      if (error instanceof OcsfLakeError) throw error
      unreadable = { rule: 'input_unreadable', expected: 'a readable file', found: String(error) }
    }
  }
  const first = read(onStored)
  const { value: start } = await first.next()
  const whole = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    if (start instanceof Uint8Array) yield start
    yield* first
  }
  let opened = false
  const again = (): AsyncIterable<Uint8Array> => {
    if (opened) return read(() => {})
    opened = true
    return whole()
  }
  try {
    let total = 0
    for await (const item of start instanceof Uint8Array && isGzip(start) ? gunzip(again) : whole()) {
      if (!(item instanceof Uint8Array)) {
        yield unreadable ?? item
        return
      }
      total += item.length
      if (total > maxBytes) {
        yield { rule: 'object_too_large', expected: `at most ${maxBytes} bytes unzipped`, found: `more than that, from ${input.size} stored bytes` }
        return
      }
      yield item
    }
    if (unreadable !== undefined) yield unreadable
  } finally {
    await first.return() // a reader may stop early: the file is closed all the same
  }
}
