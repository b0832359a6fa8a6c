/** What the objects of a log have in common: their keys in the order they come, learned as a tree of what follows what. */

import type { Json } from '../json.js'

type JsonMembers = Record<string, Json>

/** Makes an object of the values from `from` on. */
type Build = (values: readonly Json[], from: number) => JsonMembers

/** An object's keys up to one of them. */
export interface Shape {
  /** The last key; empty for an object without any. */
  readonly key: string
  readonly before: Shape | undefined
  /** How many keys. */
  readonly size: number
  /** `key":`, the bytes that follow a quote: little-endian words, and what is left of them under `mask`. */
  readonly words: Int32Array
  readonly tail: number
  readonly mask: number
  /** Bytes of `key":`. */
  readonly length: number
  /** Some key stands twice or is `__proto__`: left to the slow way. */
  readonly odd: boolean
  /** Some key is an index, which an object puts before the others. */
  readonly moved: boolean
  readonly top: boolean
  /** The top member whose list is asked for. */
  readonly watched: boolean
  /** A top member whose text is kept. */
  readonly kept: boolean
  /** A top member whose text is kept or whose objects are shared. */
  readonly special: boolean
  /** What followed last. */
  guess: Shape | undefined
  /** The first few that followed, to try before `next`. */
  readonly some: Shape[]
  readonly next: Map<string, Shape>
  /** The empty shape of the objects that are the key's value, or in its list. */
  inner: Shape | undefined
  /** How many of the key's texts were new, and how many were known. */
  fresh: number
  known: number
  built: number
  build: Build | undefined
}

export interface Shapes {
  root: Shape
  count: number
  /** The shape with one key more. */
  extend(shape: Shape, key: string): Shape
  innerOf(shape: Shape): Shape
}

export interface ShapesOptions {
  readonly watched?: string | undefined
  readonly kept?: readonly string[] | undefined
  readonly shared?: readonly string[] | undefined
}

/** More than this are not tried before the map is asked. */
const QUICK_LOOKS = 6
/** Compiling pays for objects that come often. */
const COMMON = 32
/** Wider objects are not compiled. */
const WIDEST = 64
const INDEX = /^(?:0|[1-9]\d*)$/

const encoder = new TextEncoder()

export function createShapes({ watched, kept = [], shared = [] }: ShapesOptions): Shapes {
  const create = (key: string, before: Shape | undefined, top: boolean): Shape => {
    const bytes = encoder.encode(`${key}":`)
    const words = new Int32Array(bytes.length >> 2)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < words.length; at++) words[at] = view.getInt32(at * 4, true)
    const left = bytes.length & 3
    let tail = 0
    for (let at = 0; at < left; at++) tail |= bytes[words.length * 4 + at]! << (8 * at)
    shapes.count++
    return {
      key,
      before,
      size: before === undefined ? 0 : before.size + 1,
      words,
      tail,
      mask: (1 << (8 * left)) - 1,
      length: bytes.length,
      odd: before !== undefined && (before.odd || key === '__proto__' || has(before, key)),
      moved: before !== undefined && (before.moved || INDEX.test(key)),
      top,
      watched: top && key === watched,
      kept: top && kept.includes(key),
      special: top && (kept.includes(key) || shared.includes(key)),
      guess: undefined,
      some: [],
      next: new Map(),
      inner: undefined,
      fresh: 0,
      known: 0,
      built: 0,
      build: undefined,
    }
  }

  const shapes: Shapes = {
    root: undefined as never, // made below
    count: 0,
    extend(shape, key) {
      let next = shape.next.get(key)
      if (next === undefined) {
        next = create(key, shape, shape.top)
        shape.next.set(key, next)
        if (shape.some.length < QUICK_LOOKS) shape.some.push(next)
      }
      shape.guess = next
      return next
    },
    innerOf(shape) {
      shape.inner ??= create('', undefined, false)
      return shape.inner
    },
  }
  shapes.root = create('', undefined, true)
  return shapes
}

function has(shape: Shape, key: string): boolean {
  for (let at: Shape | undefined = shape; at?.before !== undefined; at = at.before) if (at.key === key) return true
  return false
}

/** The object of a shape, its values in the order of its keys. */
export function build(shape: Shape, values: readonly Json[], from: number): JsonMembers {
  if (shape.build !== undefined) return shape.build(values, from)
  if (++shape.built === COMMON && shape.size <= WIDEST) shape.build = compile(shape)
  const object: JsonMembers = {}
  const keys = keysOf(shape)
  for (let at = 0; at < keys.length; at++) object[keys[at]!] = values[from + at]!
  return object
}

/** Records with more kinds of members than this are hostile. */
const MOST_SHAPES = 4096

/** Makes an object of the values that are there, by name and by where they stand; `undefined` when none is. No name is `__proto__`. */
export function someMembers(
  columns: readonly { readonly name: string; readonly at: number }[],
): (values: readonly (Json | undefined)[]) => JsonMembers | undefined {
  if (columns.length === 0) return () => undefined
  const found: Json[] = []
  let shapes = createShapes({})
  return values => {
    if (shapes.count > MOST_SHAPES) shapes = createShapes({})
    let shape = shapes.root
    let count = 0
    for (let i = 0; i < columns.length; i++) {
      const { name, at } = columns[i]!
      const value = values[at]
      if (value === undefined) continue
      shape = shape.guess?.key === name ? shape.guess : shapes.extend(shape, name)
      found[count++] = value
    }
    return count === 0 ? undefined : build(shape, found, 0)
  }
}

function keysOf(shape: Shape): string[] {
  const keys: string[] = []
  for (let at = shape; at.before !== undefined; at = at.before) keys.push(at.key)
  return keys.reverse()
}

/** A literal makes an object twenty times faster than one key after the other; where code may not be made, nothing changes. */
function compile(shape: Shape): Build | undefined {
  const members = keysOf(shape).map((key, at) => `${JSON.stringify(key)}:values[from+${at}]`)
  try {
    return new Function('values', 'from', `return {${members.join(',')}}`) as Build // makes what its one line says
  } catch {
    return undefined
  }
}
