/** A growing run of bytes, little-endian. */
export class ByteSink {
  /** Kept: V8 forgets the shape of objects of which none is left, and with it what it compiled for them. */
  static readonly kept = new ByteSink(0)

  bytes: Uint8Array
  size = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for `more` bytes behind `size`. */
  reserve(more: number): void {
    const needed = this.size + more
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.size))
    this.bytes = grown
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.size++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    this.setUint32(this.size, value)
    this.size += 4
  }

  setUint32(at: number, value: number): void {
    const { bytes } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  /** ULEB128 of an integer from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.size++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.bytes[this.size++] = rest
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.size)
    this.size += bytes.length
  }

  /** What was written so far, without a copy: valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.size)
  }
}
