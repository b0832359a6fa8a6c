/** Thrift's compact protocol, as far as Parquet's page headers, indexes and footer need it. */
import { ByteSink } from './bytes.js'

const TRUE = 1
const FALSE = 2
const I16 = 4
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

const utf8 = new TextEncoder()

/** Writes the fields of a struct behind what the sink holds; field ids must rise within one struct. */
export class ThriftWriter {
  /** As in `ByteSink`. */
  static readonly kept = new ThriftWriter(ByteSink.kept)

  readonly sink: ByteSink
  #last = 0

  constructor(sink: ByteSink = new ByteSink()) {
    this.sink = sink
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? TRUE : FALSE)
  }

  /** Also enums. */
  i32(id: number, value: number): void {
    this.#field(id, I32)
    this.#zigzag(value)
  }

  i16(id: number, value: number): void {
    this.#field(id, I16)
    this.#zigzag(value)
  }

  /** Integers up to 2^52 either side of 0. */
  i64(id: number, value: number): void {
    this.#field(id, I64)
    this.#zigzag(value)
  }

  binary(id: number, bytes: Uint8Array): void {
    this.#field(id, BINARY)
    this.#bytes(bytes)
  }

  string(id: number, text: string): void {
    this.binary(id, utf8.encode(text))
  }

  struct(id: number, body: () => void): void {
    this.#field(id, STRUCT)
    this.#struct(body)
  }

  structs<T>(id: number, items: readonly T[], body: (item: T) => void): void {
    this.#list(id, STRUCT, items.length)
    for (const item of items) this.#struct(() => body(item))
  }

  strings(id: number, items: readonly string[]): void {
    this.binaries(
      id,
      items.map(item => utf8.encode(item)),
    )
  }

  i32s(id: number, items: readonly number[]): void {
    this.#list(id, I32, items.length)
    for (const item of items) this.#zigzag(item)
  }

  i64s(id: number, items: readonly number[]): void {
    this.#list(id, I64, items.length)
    for (const item of items) this.#zigzag(item)
  }

  bools(id: number, items: readonly boolean[]): void {
    this.#list(id, TRUE, items.length)
    for (const item of items) this.sink.byte(item ? TRUE : FALSE)
  }

  binaries(id: number, items: readonly Uint8Array[]): void {
    this.#list(id, BINARY, items.length)
    for (const item of items) this.#bytes(item)
  }

  /** Ends the outermost struct. */
  stop(): void {
    this.sink.byte(0)
    this.#last = 0
  }

  #struct(body: () => void): void {
    const outer = this.#last
    this.#last = 0
    body()
    this.sink.byte(0)
    this.#last = outer
  }

  #field(id: number, type: number): void {
    const delta = id - this.#last
    if (delta > 0 && delta < 16) this.sink.byte((delta << 4) | type)
    else {
      this.sink.byte(type)
      this.#zigzag(id)
    }
    this.#last = id
  }

  #list(id: number, type: number, length: number): void {
    this.#field(id, LIST)
    if (length < 15) this.sink.byte((length << 4) | type)
    else {
      this.sink.byte(0xf0 | type)
      this.sink.varint(length)
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.sink.varint(bytes.length)
    this.sink.append(bytes)
  }

  #zigzag(value: number): void {
    this.sink.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }
}
