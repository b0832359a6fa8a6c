/** ASCII bytes as text. */

type Slice = (this: Uint8Array, from: number, to: number) => string

// Node's own call takes half the time for the few bytes of a value; a browser has no Buffer.
const node = (globalThis as { readonly Buffer?: { readonly prototype?: { readonly latin1Slice?: Slice } } }).Buffer?.prototype?.latin1Slice // untyped global

const decoder = new TextDecoder()

/** The text of ASCII bytes, which the caller knows them to be. */
export const asciiText: (bytes: Uint8Array, from: number, to: number) => string =
  node === undefined ? portableAscii : (bytes, from, to) => node.call(bytes, from, to)

export function portableAscii(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to))
}
