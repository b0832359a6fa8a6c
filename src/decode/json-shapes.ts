/** What the objects of a log have in common: their keys in the order they come, learned as a tree of what follows what. */

import type { Json, JsonObject } from '../json.js'

type JsonMembers = Record<string, Json>

/** Makes an object of the values from `from` on. */
type Build = (values: readonly Json[], from: number) => JsonMembers

/** Which members of an object are asked for. */
export interface Asked<Name extends string> {
  /** Texts. Anything else under these names stays in the rest, but for null. */
  readonly texts: readonly Name[]
  readonly values: readonly Name[]
  /** What is only looked at: it stays in the rest. */
  readonly seen: readonly Name[]
}

/** The members of an object apart. */
export interface Split<Name extends string> {
  /** Those that are asked for, all under the same keys in the same order: quick to read, whatever the object has. */
  readonly asked: { readonly [N in Name]: Json | undefined }
  /** The others, in their order. */
  readonly rest: JsonObject
}

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
  /** What whoever learns the shapes notes of the key. */
  mark: number
  /** How many of the key's texts were new, and how many were known. */
  fresh: number
  known: number
  built: number
  build: Build | undefined
  /** `undefined` for what is left to the slow way. */
  split: ((object: JsonObject) => Split<string> | undefined) | undefined
}

export interface Shapes {
  readonly root: Shape
  /** How many with a key; each has one empty shape below it at most. A plain number: V8 keeps an object with a getter as a dictionary. */
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

/** Bytes as little-endian words, and what is left of them under `mask`. */
export interface Literal {
  readonly words: Int32Array
  readonly tail: number
  readonly mask: number
  readonly length: number
}

export function literalOf(text: string): Literal {
  const bytes = encoder.encode(text)
  const words = new Int32Array(bytes.length >> 2)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < words.length; at++) words[at] = view.getInt32(at * 4, true)
  const left = bytes.length & 3
  let tail = 0
  for (let at = 0; at < left; at++) tail |= bytes[words.length * 4 + at]! << (8 * at)
  return { words, tail, mask: (1 << (8 * left)) - 1, length: bytes.length }
}

export function createShapes({ watched, kept = [], shared = [] }: ShapesOptions): Shapes {
  const create = (key: string, before: Shape | undefined, top: boolean): Shape => {
    const { words, tail, mask, length } = literalOf(`${key}":`)
    return {
      key,
      before,
      size: before === undefined ? 0 : before.size + 1,
      words,
      tail,
      mask,
      length,
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
      mark: 0,
      fresh: 0,
      known: 0,
      built: 0,
      build: undefined,
      split: undefined,
    }
  }

  const shapes: Shapes = {
    root: create('', undefined, true),
    count: 0,
    extend(shape, key) {
      let next = shape.next.get(key)
      if (next === undefined) {
        next = create(key, shape, shape.top)
        shapes.count++
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
  return shapes
}

/** The shape with one key more, which stands at a place, behind its quote, with its colon; `undefined` when it is not quickly found. There are words up to `lastWord`. */
export function knownKeyAt(shape: Shape, view: DataView, at: number, lastWord: number): Shape | undefined {
  const { guess, some } = shape
  if (guess !== undefined && isKeyAt(guess, view, at, lastWord)) return guess
  for (const next of some) {
    if (!isKeyAt(next, view, at, lastWord)) continue
    shape.guess = next
    return next
  }
  return undefined
}

function isKeyAt({ words, length, mask, tail }: Shape, view: DataView, at: number, lastWord: number): boolean {
  let place = at
  if (place + length > lastWord) return false
  for (let word = 0; word < words.length; word++) {
    if (view.getInt32(place, true) !== words[word]) return false
    place += 4
  }
  return (view.getInt32(place, true) & mask) === tail
}

function has(shape: Shape, key: string): boolean {
  for (let at: Shape | undefined = shape; at?.before !== undefined; at = at.before) if (at.key === key) return true
  return false
}

/** The object of a shape, its values in the order of its keys. */
export function build(shape: Shape, values: readonly Json[], from: number): JsonMembers {
  if (shape.build !== undefined) return shape.build(values, from)
  if (++shape.built === COMMON && shape.size <= WIDEST) shape.build = compile(keysOf(shape))
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

/** Takes objects of few shapes apart. */
export function splitter<Name extends string>({ texts, values, seen }: Asked<Name>): (object: JsonObject) => Split<Name> {
  const names = [...texts, ...values, ...seen]
  const homes: Homes = new Map([...texts.map(name => [name, 'text'] as const), ...values.map(name => [name, 'value'] as const)])
  let shapes = createShapes({})
  let make: Build | undefined
  const slowly = (object: JsonObject): Split<Name> => {
    make ??= compile(names) ?? (found => Object.fromEntries(names.map((name, at) => [name, found[at]!])))
    const found = names.map(name => (Object.hasOwn(object, name) ? object[name] : undefined) as Json) // absent ones are, too
    const rest = Object.entries(object).filter(([name, value]) => {
      const home = homes.get(name)
      return home === undefined || (home === 'text' && value !== null && typeof value !== 'string')
    })
    return { asked: make(found, 0) as Split<Name>['asked'], rest: Object.fromEntries(rest) } // all names
  }
  return object => {
    if (shapes.count > MOST_SHAPES) shapes = createShapes({})
    let shape = shapes.root
    for (const key in object) {
      if (shape.size === WIDEST) return slowly(object)
      shape = shape.guess?.key === key ? shape.guess : shapes.extend(shape, key)
    }
    if (shape.split === undefined && ++shape.built === COMMON && !shape.odd) shape.split = compileSplit(shape, names, homes)
    return (shape.split?.(object) as Split<Name> | undefined) ?? slowly(object) // compiled for these names
  }
}

type Homes = ReadonlyMap<string, 'text' | 'value'>

function keysOf(shape: Shape): string[] {
  const keys: string[] = []
  for (let at = shape; at.before !== undefined; at = at.before) keys.push(at.key)
  return keys.reverse()
}

/** A literal makes an object twenty times faster than one key after the other; where code may not be made, nothing changes. */
function compile(keys: readonly string[]): Build | undefined {
  const members = keys.map((key, at) => `${JSON.stringify(key)}:values[from+${at}]`)
  try {
    return new Function('values', 'from', `return {${members.join(',')}}`) as Build // makes what its one line says
  } catch {
    return undefined
  }
}

/** What one function reads from objects of one shape costs next to nothing. */
function compileSplit(shape: Shape, names: readonly string[], homes: Homes): Shape['split'] {
  const keys = keysOf(shape)
  const read = (name: string): string => `object[${JSON.stringify(name)}]`
  const member = (name: string): string => `${JSON.stringify(name)}:${keys.includes(name) ? read(name) : 'undefined'}`
  const isText = (name: string): string => `(typeof ${read(name)}==='string'||${read(name)}===null)`
  const texts = keys.filter(key => homes.get(key) === 'text').map(isText)
  const rest = keys.filter(key => !homes.has(key)).map(member)
  try {
    return new Function(
      'object',
      `if(${['true', ...texts].join('&&')})return{asked:{${names.map(member).join(',')}},rest:{${rest.join(',')}}}`,
    ) as Shape['split'] // makes what its one line says
  } catch {
    return undefined
  }
}
