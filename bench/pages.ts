/** The data pages of a Parquet file, read from their headers: independent of the code that wrote them. */
import { readFile } from 'node:fs/promises'
import { parquetMetadata } from 'hyparquet'

/** Security Lake's limit. */
export const MOST_PAGE_BYTES = 1_048_576

/** Uncompressed size of the largest data page of a file. */
export async function largestDataPage(path: string): Promise<number> {
  const bytes = await readFile(path)
  const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  let largest = 0
  for (const { columns } of row_groups) {
    for (const { meta_data: chunk } of columns) {
      let at = Number(chunk!.dictionary_page_offset ?? chunk!.data_page_offset)
      const end = at + Number(chunk!.total_compressed_size)
      while (at < end) {
        const header = pageHeader(bytes, at)
        if (header.type !== DICTIONARY_PAGE) largest = Math.max(largest, header.uncompressed)
        at = header.body + header.compressed
      }
    }
  }
  return largest
}

const DICTIONARY_PAGE = 2

/** Thrift compact protocol, the first three fields: type, uncompressed and compressed size; then it is skipped to its end. */
function pageHeader(bytes: Uint8Array, start: number): { type: number; uncompressed: number; compressed: number; body: number } {
  let at = start
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const found: number[] = []
  const struct = (depth: number): void => {
    let id = 0
    for (;;) {
      const head = bytes[at++]!
      if (head === 0) return
      id = head >> 4 === 0 ? varint() / 2 : id + (head >> 4)
      switch (head & 15) {
        case 1: // true and false have no body
        case 2:
          break
        case 4:
        case 5:
        case 6: {
          const zigzag = varint()
          if (depth === 0) found[id] = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
          break
        }
        case 8: {
          const length = varint()
          at += length
          break
        }
        case 12:
          struct(depth + 1)
          break
        default:
          throw new Error(`page header with thrift type ${head & 15} at byte ${start}`)
      }
    }
  }
  struct(0)
  const [, type, uncompressed, compressed] = found
  if (type === undefined || uncompressed === undefined || compressed === undefined) throw new Error(`no page header at byte ${start}`)
  return { type, uncompressed, compressed, body: at }
}
