/** The bytes of one stored object: unzipped, capped, and with its faults as values. */
import type { Fault } from '../decode/decoder.js'
import { OcsfLakeError } from '../errors.js'
import { HEAD_BYTES } from '../sources/source.js'
import { gunzip, isGzip, type Unzipped } from './gunzip.js'
import type { Input } from './inputs.js'
import type { ParquetReader } from './read-parquet.js'

/** An input with more bytes than this, uncompressed, is cut off and rejected unless said otherwise: 8 GiB. */
export const MAX_BYTES = 8 * 2 ** 30

/** Stored bytes of a Parquet object that is read, since it is held as a whole. AWS closes flow log files at 75 MB. */
const MAX_PARQUET_BYTES = 256 * 2 ** 20

const PARQUET_MAGIC = Buffer.from('PAR1')

/** The first 64 KiB, or all there is. */
export async function readHead(items: AsyncGenerator<Unzipped, void, undefined>): Promise<{ readonly bytes: Uint8Array; readonly fault?: Fault }> {
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

/** What a source reads of an input: its bytes, unzipped, or the rows of a Parquet object as JSON lines; then at most one fault. */
export async function* readable(
  input: Input,
  maxBytes: number,
  parquet: ParquetReader | undefined,
  onStored: (length: number) => void,
): AsyncGenerator<Unzipped, void, undefined> {
  const items = unzipped(input, maxBytes, onStored)
  try {
    const chunks: Uint8Array[] = []
    let length = 0
    let isParquet: boolean | undefined
    for await (const item of items) {
      if (!(item instanceof Uint8Array)) {
        // only its end says what a Parquet object holds
        if (isParquet !== true) yield* chunks
        yield item
        return
      }
      if (isParquet === false) {
        yield item
        continue
      }
      chunks.push(item)
      length += item.length
      if (isParquet === undefined && length >= 4) isParquet = PARQUET_MAGIC.equals(Buffer.concat(chunks, 4))
      if (isParquet === false) yield* chunks.splice(0)
      if (isParquet === true && length > MAX_PARQUET_BYTES) {
        yield { rule: 'parquet_too_large', expected: `a Parquet object of at most ${MAX_PARQUET_BYTES} bytes`, found: `${input.size} stored bytes` }
        return
      }
    }
    if (isParquet === true) yield* rowsOf(chunks, maxBytes, parquet)
    else yield* chunks
  } finally {
    await items.return()
  }
}

async function* rowsOf(chunks: readonly Uint8Array[], maxBytes: number, read: ParquetReader | undefined): AsyncGenerator<Unzipped, void, undefined> {
  if (read === undefined) return yield { rule: 'parquet_unsupported', expected: 'a function made with parquet: readParquet', found: 'a Parquet object' }
  let total = 0
  for await (const item of read(Buffer.concat(chunks), maxBytes)) {
    if (item instanceof Uint8Array) total += item.length
    if (total <= maxBytes) yield item
    else return yield { rule: 'object_too_large', expected: `at most ${maxBytes} bytes of rows as JSON`, found: 'more than that' }
  }
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
