/**
 * Large arrays that are used again. An array beyond a few KiB lies outside the heap, and V8 collects the whole heap each
 * time some 32 MiB of them were made: written off after each object, they cost a tenth of the time of a conversion.
 */

/** Arrays of fewer bytes are not worth it. */
const LEAST_BYTES = 2 ** 13
/** At most so much lies idle: about what an object of 100,000 flow logs takes. With less, what is garbage meanwhile takes as much. */
const IDLE_BYTES = 64 * 2 ** 20

/** Buffers that nobody uses, with whatever was in them, by the exponent of their size, which is a power of two. */
const idle: ArrayBuffer[][] = []
let idleBytes = 0

function idleBuffer(exponent: number): ArrayBuffer | undefined {
  const buffer = idle[exponent]?.pop()
  if (buffer !== undefined) idleBytes -= buffer.byteLength
  return buffer
}

const exponentOf = (bytes: number): number => 32 - Math.clz32(bytes - 1)

/** Of any content: for whoever writes before reading. */
export function ints(length: number): Int32Array {
  if (length * 4 < LEAST_BYTES) return new Int32Array(length)
  const exponent = exponentOf(length * 4)
  return new Int32Array(idleBuffer(exponent) ?? new ArrayBuffer(2 ** exponent), 0, length)
}

/** Of any content: for whoever writes before reading. */
export function bytes(length: number): Uint8Array {
  if (length < LEAST_BYTES) return new Uint8Array(length)
  const exponent = exponentOf(length)
  return new Uint8Array(idleBuffer(exponent) ?? new ArrayBuffer(2 ** exponent), 0, length)
}

export const zeroInts = (length: number): Int32Array => ints(length).fill(0)
export const zeroBytes = (length: number): Uint8Array => bytes(length).fill(0)

/** Arrays that are given back together. */
interface Scratch {
  ints(length: number): Int32Array
  bytes(length: number): Uint8Array
  zeroInts(length: number): Int32Array
  zeroBytes(length: number): Uint8Array
  free(): void
}

function createScratch(): Scratch {
  let lent: (Int32Array | Uint8Array)[] = []
  const lend = <T extends Int32Array | Uint8Array>(array: T): T => {
    lent.push(array)
    return array
  }
  return {
    ints: length => lend(ints(length)),
    bytes: length => lend(bytes(length)),
    zeroInts: length => lend(zeroInts(length)),
    zeroBytes: length => lend(zeroBytes(length)),
    free() {
      for (const array of lent) free(array)
      lent = []
    },
  }
}

/** What is needed until the column chunk at hand is written, and until the row group is. Files are encoded one at a time. */
export const ofChunk = createScratch()
export const ofGroup = createScratch()

/** Gives back an array of these functions, or a part of one, that nobody looks at any more. */
export function free(array: Int32Array | Uint8Array): void {
  const { buffer } = array
  if (buffer.byteLength < LEAST_BYTES || idleBytes + buffer.byteLength > IDLE_BYTES || !(buffer instanceof ArrayBuffer)) return
  idleBytes += buffer.byteLength
  const exponent = 31 - Math.clz32(buffer.byteLength)
  idle[exponent] ??= []
  idle[exponent].push(buffer)
}
