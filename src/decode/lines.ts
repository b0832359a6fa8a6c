/** Bytes to lines: chunks may end anywhere, also inside a character or between CR and LF. */
import { type Fault, KEPT_BYTES, MAX_RECORD_BYTES } from './decoder.js'

/** Where the lines go. `raw` is a view that is valid only during the call; numbers start at 1. */
export interface LineSink {
  /**
   * Offered a line in place before its text is made: returns where the next line starts, or -1 to be given the text.
   * The bytes and the view are of the same buffer in every call; there are 4 bytes behind every line feed.
   */
  inPlace?(bytes: Uint8Array, view: DataView, start: number, number: number): number
  /** A line without its line end; never blank. */
  line(text: string, raw: Uint8Array, number: number): void
  /** A line that is too long (its first 64 KiB) or no valid UTF-8. */
  fault(fault: Fault, raw: Uint8Array, number: number): void
}

export interface LineSplitter {
  push(bytes: Uint8Array): void
  /** The last line may lack its line end. */
  end(): void
}

/** Decoding a block of lines at once is several times faster than line by line; more than this gains nothing. */
const BLOCK_BYTES = 2 ** 18
/** A few lines are read before the memory for a block is there. */
const WORTH_BYTES = 2 ** 12
/** After so many lines in a row that were not read in place, the rest of the block is not tried. */
const PATIENCE = 4
const LF = 10
const CR = 13

/**
 * Splits at LF or CRLF. Blank lines (nothing but spaces and tabs) count as lines but are not passed on; a byte order
 * mark is dropped. After a faulty line the next line feed starts anew.
 */
export function lineSplitter(sink: LineSink): LineSplitter {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let number = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  // Of a line that is already known to be too long only the start is kept, and its last byte, which may be a CR.
  let overlong: Uint8Array | undefined
  let lastByte = 0

  const decode = (bytes: Uint8Array): string | undefined => {
    try {
      return utf8.decode(bytes)
    } catch {
      return undefined
    }
  }

  const line = (text: string, raw: Uint8Array): void => {
    if (text.charCodeAt(0) > 32 || !isBlank(text)) sink.line(text, raw, number)
  }

  const tooLong = (kept: Uint8Array, size: number): void =>
    sink.fault({ rule: 'record_too_large', expected: `at most ${MAX_RECORD_BYTES} bytes`, found: `${size} bytes` }, kept, number)

  /** One line of any content, without its line feed. */
  const single = (bytes: Uint8Array): void => {
    number++
    let end = bytes.length
    if (end > 0 && bytes[end - 1] === CR) end--
    const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    if (end - start > MAX_RECORD_BYTES) {
      tooLong(bytes.subarray(start, start + KEPT_BYTES), end - start)
      return
    }
    const raw = bytes.subarray(start, end)
    const text = decode(raw)
    if (text !== undefined) line(text, raw)
    else sink.fault({ rule: 'utf8_invalid', expected: 'UTF-8', found: 'bytes that are no UTF-8' }, raw, number)
  }

  let own: Uint8Array | undefined
  let view: DataView | undefined

  /** Lines read in place as long as that goes well; returns where it did not. */
  const inPlace = (chunk: Uint8Array): number => {
    if (sink.inPlace === undefined || chunk.length > BLOCK_BYTES + 4) return 0
    if (own === undefined || view === undefined) {
      if (chunk.length < WORTH_BYTES) return 0
      own = new Uint8Array(BLOCK_BYTES + 8)
      view = new DataView(own.buffer)
    }
    own.set(chunk)
    let at = 0
    let misses = 0
    while (at < chunk.length) {
      const next = sink.inPlace(own, view, at, number + 1)
      if (next !== -1) {
        number++
        misses = 0
        at = next
        continue
      }
      if (++misses === PATIENCE) break
      const lf = own.indexOf(LF, at)
      single(own.subarray(at, lf))
      at = lf + 1
    }
    return at
  }

  /** Whole lines, the last byte being a line feed. */
  const block = (chunk: Uint8Array): void => {
    const read = inPlace(chunk)
    const bytes = read === 0 ? chunk : chunk.subarray(read)
    const text = bytes.length <= MAX_RECORD_BYTES ? decode(bytes) : undefined
    let at = 0
    // Same length means ASCII: positions in the text are positions in the bytes.
    if (text?.length === bytes.length) {
      while (at < text.length) {
        const lf = text.indexOf('\n', at)
        const end = lf > at && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf
        number++
        if (end > at) line(text.slice(at, end), bytes.subarray(at, end))
        at = lf + 1
      }
      return
    }
    while (at < bytes.length) {
      const lf = bytes.indexOf(LF, at)
      single(bytes.subarray(at, lf))
      at = lf + 1
    }
  }

  const keep = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    pendingBytes += bytes.length
    lastByte = bytes[bytes.length - 1]!
    if (overlong !== undefined) return
    // The caller may reuse its buffer.
    pending.push(bytes.slice())
    // Room for a byte order mark and a CR, which do not count.
    if (pendingBytes > MAX_RECORD_BYTES + 4) {
      overlong = joined(pending, KEPT_BYTES + 3)
      pending = []
    }
  }

  const finish = (): void => {
    if (overlong === undefined) single(pending.length === 1 ? pending[0]! : joined(pending, pendingBytes))
    else {
      number++
      const start = number === 1 && overlong[0] === 0xef && overlong[1] === 0xbb && overlong[2] === 0xbf ? 3 : 0
      tooLong(overlong.subarray(start, start + KEPT_BYTES), pendingBytes - start - (lastByte === CR ? 1 : 0))
    }
    pending = []
    pendingBytes = 0
    overlong = undefined
  }

  return {
    push(bytes) {
      let at = 0
      if (pendingBytes > 0) {
        const lf = bytes.indexOf(LF)
        keep(lf === -1 ? bytes : bytes.subarray(0, lf))
        if (lf === -1) return
        finish()
        at = lf + 1
      }
      const last = bytes.lastIndexOf(LF)
      while (at <= last) {
        let end = at + BLOCK_BYTES > last ? last : bytes.lastIndexOf(LF, at + BLOCK_BYTES)
        if (end < at) end = bytes.indexOf(LF, at + BLOCK_BYTES)
        block(bytes.subarray(at, end + 1))
        at = end + 1
      }
      keep(bytes.subarray(at))
    },
    end() {
      if (pendingBytes > 0) finish()
    },
  }
}

function isBlank(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== 32 && code !== 9) return false
  }
  return true
}

/** The first `size` bytes of the chunks, in one piece. */
function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    if (at === size) break
    const part = chunk.length > size - at ? chunk.subarray(0, size - at) : chunk
    out.set(part, at)
    at += part.length
  }
  return out
}
