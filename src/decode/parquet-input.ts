/** Objects of text or Parquet as what a decoder reads: the rows of a Parquet object become JSON lines. The reader is handed in, so that nobody carries it who never gets one. */
import type { Fault } from './decoder.js'

/** Bytes in order, then at most one fault for what could not be read. */
export type Readable = Uint8Array | Fault

/** The rows of a Parquet object as JSON lines, then at most one fault; `maxBytes` of its pages, uncompressed, are read. */
export type ParquetReader = (bytes: Uint8Array, maxBytes: number) => AsyncGenerator<Readable, void, undefined>

/** An object with more bytes than this, uncompressed, is cut off and rejected unless said otherwise: 8 GiB. */
export const MAX_OBJECT_BYTES = 8 * 2 ** 30

/** Stored bytes of a Parquet object that is read, since it is held as a whole. AWS closes flow log files at 75 MB. */
const MAX_PARQUET_BYTES = 256 * 2 ** 20
/** PAR1 */
const MAGIC = [0x50, 0x41, 0x52, 0x31]

/** The bytes of an object as they come; those of a Parquet object as its rows. */
export async function* parquetAsLines(
  items: AsyncIterable<Readable>,
  maxBytes: number,
  read: ParquetReader | undefined,
): AsyncGenerator<Readable, void, undefined> {
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
    if (isParquet === undefined && length >= MAGIC.length) {
      const start = joined(chunks, MAGIC.length)
      isParquet = MAGIC.every((byte, at) => byte === start[at])
    }
    if (isParquet === false) yield* chunks.splice(0)
    if (isParquet === true && length > MAX_PARQUET_BYTES) {
      yield { rule: 'parquet_too_large', expected: `a Parquet object of at most ${MAX_PARQUET_BYTES} bytes`, found: 'more than that' }
      return
    }
  }
  if (isParquet === true) yield* rowsOf(joined(chunks, length), maxBytes, read)
  else yield* chunks
}

async function* rowsOf(bytes: Uint8Array, maxBytes: number, read: ParquetReader | undefined): AsyncGenerator<Readable, void, undefined> {
  if (read === undefined) return yield { rule: 'parquet_unsupported', expected: 'the option parquet: readParquet', found: 'a Parquet object' }
  let total = 0
  for await (const item of read(bytes, maxBytes)) {
    if (item instanceof Uint8Array) total += item.length
    if (total <= maxBytes) yield item
    else return yield { rule: 'object_too_large', expected: `at most ${maxBytes} bytes of rows as JSON`, found: 'more than that' }
  }
}

/** The first `length` bytes of chunks. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1 && chunks[0]!.length === length) return chunks[0]!
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    const part = chunk.subarray(0, length - at)
    all.set(part, at)
    at += part.length
  }
  return all
}
