/** Bytes to lines: chunks may end anywhere, also inside a character or between CR and LF. */
import { type Emit, type Fault, KEPT_BYTES, MAX_RECORD_BYTES } from './decoder.js'

/** Where the lines go. `raw` is a view that is valid only during the call; numbers start at 1. */
export interface LineSink {
  /**
   * Offered a line in place before its text is made: returns where the next line starts, or -1 to be given the text.
   * The bytes and the view are of the same buffer in every call; there are 4 bytes behind every line feed.
   */
  inPlace?(bytes: Uint8Array, view: DataView, start: number, number: number): number
  /** The lines offered in place so far are overwritten next. */
  overwrite?(): void
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

/** `fault` of a sink for which each line is a record. */
export function emitFault(this: { readonly emit: Emit<never> }, fault: Fault, raw: Uint8Array, line: number): void {
  this.emit({ fault, place: { line }, raw })
}

/** Decoding a block of lines at once is several times faster than line by line; more than this gains nothing. */
const BLOCK_BYTES = 2 ** 18
/** A few lines are read before the memory for a block is there. */
const WORTH_BYTES = 2 ** 12
/** After so many lines in a row that were not read in place, the rest of the block is not tried. */
const PATIENCE = 4
const LF = 10
const CR = 13

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The lines of one object, as far as they came. */
interface Lines {
  readonly sink: LineSink
  number: number
  /** The start of a line that has not ended yet. */
  pending: Uint8Array[]
  pendingBytes: number
  // Of a line that is already known to be too long only the start is kept, and its last byte, which may be a CR.
  overlong: Uint8Array | undefined
  lastByte: number
  /** Where lines are read in place. */
  own: Uint8Array
  view: DataView
}

const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

/**
 * Splits at LF or CRLF. Blank lines (nothing but spaces and tabs) count as lines but are not passed on; a byte order
 * mark is dropped. After a faulty line the next line feed starts anew.
 */
export function lineSplitter(sink: LineSink): LineSplitter {
  const lines: Lines = { sink, number: 0, pending: [], pendingBytes: 0, overlong: undefined, lastByte: 0, own: NO_BYTES, view: NO_VIEW }
  return {
    push(bytes) {
      push(lines, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)) // `slice` of a Buffer is no copy
    },
    end() {
      if (lines.pendingBytes > 0) finish(lines)
    },
  }
}

function push(lines: Lines, bytes: Uint8Array): void {
  let at = 0
  if (lines.pendingBytes > 0) {
    const lf = bytes.indexOf(LF)
    keep(lines, lf === -1 ? bytes : bytes.subarray(0, lf))
    if (lf === -1) return
    finish(lines)
    at = lf + 1
  }
  const last = bytes.lastIndexOf(LF)
  while (at <= last) {
    let end = at + BLOCK_BYTES > last ? last : bytes.lastIndexOf(LF, at + BLOCK_BYTES)
    if (end < at) end = bytes.indexOf(LF, at + BLOCK_BYTES)
    block(lines, bytes.subarray(at, end + 1))
    at = end + 1
  }
  keep(lines, bytes.subarray(at))
}

/** Whole lines, the last byte being a line feed. */
function block(lines: Lines, chunk: Uint8Array): void {
  const read = inPlace(lines, chunk)
  const bytes = read === 0 ? chunk : chunk.subarray(read)
  const text = bytes.length <= MAX_RECORD_BYTES ? decode(bytes) : undefined
  let at = 0
  // Same length means ASCII: positions in the text are positions in the bytes.
  if (text?.length === bytes.length) {
    while (at < text.length) {
      const lf = text.indexOf('\n', at)
      const end = lf > at && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf
      lines.number++
      if (end > at) line(lines, text.slice(at, end), bytes.subarray(at, end))
      at = lf + 1
    }
    return
  }
  while (at < bytes.length) {
    const lf = bytes.indexOf(LF, at)
    single(lines, bytes.subarray(at, lf))
    at = lf + 1
  }
}

/** Lines read in place as long as that goes well; returns where it did not. */
function inPlace(lines: Lines, chunk: Uint8Array): number {
  const { sink } = lines
  if (sink.inPlace === undefined || chunk.length > BLOCK_BYTES + 4) return 0
  if (lines.own === NO_BYTES) {
    if (chunk.length < WORTH_BYTES) return 0
    lines.own = new Uint8Array(BLOCK_BYTES + 8)
    lines.view = new DataView(lines.own.buffer)
  }
  const { own, view } = lines
  sink.overwrite?.()
  own.set(chunk)
  let at = 0
  let misses = 0
  while (at < chunk.length) {
    const next = sink.inPlace(own, view, at, lines.number + 1)
    if (next !== -1) {
      lines.number++
      misses = 0
      at = next
      continue
    }
    if (++misses === PATIENCE) break
    const lf = own.indexOf(LF, at)
    single(lines, own.subarray(at, lf))
    at = lf + 1
  }
  return at
}

/** One line of any content, without its line feed. */
function single(lines: Lines, bytes: Uint8Array): void {
  lines.number++
  let end = bytes.length
  if (end > 0 && bytes[end - 1] === CR) end--
  const start = startOf(lines, bytes)
  if (end - start > MAX_RECORD_BYTES) {
    tooLong(lines, bytes.subarray(start, start + KEPT_BYTES), end - start)
    return
  }
  const raw = bytes.subarray(start, end)
  const text = decode(raw)
  if (text !== undefined) line(lines, text, raw)
  else lines.sink.fault({ rule: 'utf8_invalid', expected: 'UTF-8', found: 'bytes that are no UTF-8' }, raw, lines.number)
}

/** Behind the byte order mark of the first line. */
function startOf({ number }: Lines, bytes: Uint8Array): number {
  return number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

function line({ sink, number }: Lines, text: string, raw: Uint8Array): void {
  if (text.charCodeAt(0) > 32 || !isBlank(text)) sink.line(text, raw, number)
}

function tooLong({ sink, number }: Lines, kept: Uint8Array, size: number): void {
  sink.fault({ rule: 'record_too_large', expected: `at most ${MAX_RECORD_BYTES} bytes`, found: `${size} bytes` }, kept, number)
}

/** Keeps what no line feed has ended yet. */
function keep(lines: Lines, bytes: Uint8Array): void {
  if (bytes.length === 0) return
  lines.pendingBytes += bytes.length
  lines.lastByte = bytes[bytes.length - 1]!
  if (lines.overlong !== undefined) return
  // The caller may reuse its buffer.
  lines.pending.push(bytes.slice())
  // Room for a byte order mark and a CR, which do not count.
  if (lines.pendingBytes > MAX_RECORD_BYTES + 4) {
    lines.overlong = joined(lines.pending, KEPT_BYTES + 3)
    lines.pending = []
  }
}

/** The line that was kept has ended. */
function finish(lines: Lines): void {
  const { pending, pendingBytes, overlong, lastByte } = lines
  if (isReadInPlace(lines)) lines.number++
  else if (overlong === undefined) single(lines, pending.length === 1 ? pending[0]! : joined(pending, pendingBytes))
  else {
    lines.number++
    const start = startOf(lines, overlong)
    tooLong(lines, overlong.subarray(start, start + KEPT_BYTES), pendingBytes - start - (lastByte === CR ? 1 : 0))
  }
  lines.pending = []
  lines.pendingBytes = 0
  lines.overlong = undefined
}

/** Whether the line that was kept could be read in place, its pieces put together. */
function isReadInPlace({ sink, own, view, number, pending, pendingBytes, overlong }: Lines): boolean {
  if (sink.inPlace === undefined || own === NO_BYTES || overlong !== undefined || pendingBytes > BLOCK_BYTES) return false
  sink.overwrite?.()
  let at = 0
  for (const piece of pending) {
    own.set(piece, at)
    at += piece.length
  }
  own[at] = LF
  return sink.inPlace(own, view, 0, number + 1) !== -1
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
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
