/**
 * Reads events that are OCSF already, of whatever version, into declared columns: a shape says per attribute how it is
 * read, and what cannot be read that way is left under its own name.
 */
import { isJsonObject, type Json, type JsonObject, put } from '../../json.js'
import type { ColumnTree } from '../../ocsf/columns.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { isIp } from '../../ocsf/ip.js'
import { isEmpty } from './members.js'
import { redactJson } from './secrets.js'
import { flag, isBlank, ms, objectOf, text, whole } from './values.js'

/** How one attribute is read. What it cannot read it hands to `leave`, under the name that it stood under. */
export interface Part<T> {
  read(from: JsonObject, key: string, leave: Leave, version: OcsfVersion): T | undefined
  /** The parts of an object, or of the objects in a list. */
  readonly shape?: Shape
  /** Another raw member that is read along with it. */
  also?(key: string): string
  /** It is asked even where the record has neither. */
  readonly always?: true
}

export interface Shape {
  readonly [attribute: string]: Part<unknown>
}

type Leave = (key: string, value: Json | undefined) => void
type Said<P> = P extends Part<infer T> ? T : never

/** What a shape reads. */
export type Read<S> = { readonly [K in keyof S]: Said<S[K]> | undefined }

/** A part with attributes of its own. */
export interface Inner<T, S> extends Part<T> {
  readonly shape: S & Shape
}

/** The columns that a shape fills. */
export type ColumnsOf<S> = { readonly [K in keyof S]: S[K] extends Inner<unknown, infer I> ? ColumnsOf<I> : true }

export function columnsOf<const S extends Shape>(shape: S): ColumnsOf<S> {
  const tree: Record<string, true | ColumnTree> = {}
  for (const [key, part] of Object.entries(shape)) tree[key] = part.shape === undefined ? true : columnsOf(part.shape)
  return tree as ColumnsOf<S> // the same members, one by one
}

// ---- values ----

/** One value by itself. */
export function leaf<T>(reader: (value: Json | undefined) => T | undefined): Part<T> {
  return {
    read(from, key, leave) {
      const value = reader(from[key])
      if (value === undefined) leave(key, from[key])
      return value
    },
  }
}

const MOST_INT = 2 ** 31 - 1
const MOST_MS = 8.64e15

export const string: Part<string> = leaf(text)
export const integer: Part<number> = leaf(value => (typeof value === 'number' ? whole(value, MOST_INT) : undefined))
export const long: Part<number> = leaf(value => (typeof value === 'number' ? whole(value, Number.MAX_SAFE_INTEGER) : undefined))
export const decimal: Part<number> = leaf(value => (typeof value === 'number' ? value : undefined))
export const boolean: Part<boolean> = leaf(value => (typeof value === 'boolean' ? flag(value) : undefined))
export const port: Part<number> = leaf(value => (typeof value === 'number' ? whole(value, 65535) : undefined))
export const ip: Part<string> = leaf(value => (typeof value === 'string' && isIp(value) ? value : undefined))
/** Any JSON, without its secrets. */
export const json: Part<NonNullable<Json>> = leaf(value =>
  value === undefined || value === null || isBlank(value) || isEmpty(value) ? undefined : redactJson(value),
)
/** A text in which a URL may carry secrets. */
export function hidden(redact: (text: string) => string): Part<string> {
  return leaf(value => {
    const said = text(value)
    return said === undefined ? undefined : redact(said)
  })
}

/** A list of texts that all say something. */
export const strings: Part<readonly string[]> = leaf(value => {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const items = value as readonly Json[]
  return items.every((item): item is string => text(item) !== undefined) ? items : undefined
})

/** Epoch milliseconds; the RFC 3339 twin stands in where they are missing, and is left where it says more or something else. */
export const time: Part<number> = {
  also: key => `${key}_dt`,
  read(from, key, leave) {
    const twin = `${key}_dt`
    const iso = from[twin]
    const said = typeof from[key] === 'number' ? whole(from[key], MOST_MS) : undefined
    const inTwin = ms(iso)
    const value = said ?? inTwin
    if (said === undefined) leave(key, from[key])
    if (inTwin === undefined || inTwin !== value || isFiner(iso)) leave(twin, iso)
    return value
  },
}

/** A text with more than milliseconds in it. */
function isFiner(iso: Json | undefined): boolean {
  return typeof iso === 'string' && /\.\d{3}\d*[1-9]/.test(iso)
}

// ---- enums ----

export type Captions = { readonly [id: number]: string }
type Id<C> = keyof C & number
const OTHER = 99

/**
 * An id and its caption. A caption that the id gives anyway is dropped; another one is left, and with 99 it is the text
 * that goes with it. Where only a caption stands, the id is the one of that caption, or 99. `absent` is for an id that
 * OCSF requires.
 */
export function captioned<const K extends string, const N extends string, const C extends Captions>(
  idKey: K,
  captionKey: N,
  captions: C,
  absent?: Id<C>,
): { readonly [P in K]: Part<Id<C>> } & { readonly [P in N]: Part<string> } {
  const ids = new Map(Object.entries(captions).map(([id, caption]) => [caption, Number(id)]))
  const idOf = (from: JsonObject): number | undefined => {
    const id = from[idKey]
    if (typeof id === 'number' && Object.hasOwn(captions, id)) return id
    const caption = text(from[captionKey])
    if (caption === undefined) return isBlank(id) ? undefined : OTHER
    return ids.get(caption) ?? OTHER
  }
  const isId = (id: number): id is Id<C> => Object.hasOwn(captions, id)
  const id: Part<Id<C>> = {
    ...(absent === undefined ? {} : { always: true }),
    also: () => captionKey,
    read(from, key, leave) {
      const value = idOf(from)
      if (value !== from[key]) leave(key, from[key])
      return value !== undefined && isId(value) ? value : absent
    },
  }
  const caption: Part<string> = {
    also: () => idKey,
    read(from, key, leave) {
      const value = idOf(from)
      const said = text(from[key])
      if (value === OTHER && said !== undefined && said !== captions[OTHER]) return said
      if (said === undefined || value === undefined || captions[value] !== said) leave(key, from[key])
      return value === OTHER ? (said ?? captions[OTHER]) : undefined
    },
  }
  return { [idKey]: id, [captionKey]: caption } as { readonly [P in K]: Part<Id<C>> } & { readonly [P in N]: Part<string> } // the two keys, by name
}

// ---- objects ----

/** What an object needs to stand: all of `need`, and one of `some`, which may differ by version. */
interface Needs<N> {
  readonly need?: readonly N[]
  readonly some?: readonly string[] | ((version: OcsfVersion) => readonly string[])
}

type Whole<S, N> = { readonly [K in keyof S]: K extends N ? Said<S[K]> : Said<S[K]> | undefined }

/** An object; one that lacks what it needs is left as it was. */
export function object<const S extends Shape, const N extends keyof S & string = never>(shape: S, needs: Needs<N> = {}): Inner<Whole<S, N>, S> {
  const read = objectReader(shape, needs)
  return {
    shape,
    read(from, key, leave, version) {
      const { value, rest } = read(from[key], version)
      leave(key, rest)
      return value
    },
  }
}

/** A list of objects. What is left of an item keeps its `by`, which tells whose it is. */
export function objects<const S extends Shape, const N extends keyof S & string = never>(
  shape: S,
  { by, ...needs }: Needs<N> & { readonly by?: string } = {},
): Inner<readonly Whole<S, N>[], S> {
  const read = objectReader(shape, needs)
  return {
    shape,
    read(from, key, leave, version) {
      const list = from[key]
      if (!Array.isArray(list)) {
        leave(key, list)
        return undefined
      }
      const values: Whole<S, N>[] = []
      const left: Json[] = []
      for (const item of list as readonly Json[]) {
        const { value, rest } = read(item, version)
        if (value !== undefined) values.push(value)
        if (rest === undefined || isBlank(rest) || isEmpty(rest)) continue
        const id = by === undefined || value === undefined ? undefined : objectOf(item)[by]
        left.push(id === undefined || isBlank(id) || !isJsonObject(rest) || Object.hasOwn(rest, by!) ? rest : { [by!]: id, ...rest })
      }
      if (left.length > 0) leave(key, left)
      return values.length === 0 ? undefined : values
    },
  }
}

interface Outcome<T> {
  readonly value: T | undefined
  readonly rest: Json | undefined
}

function objectReader<S extends Shape, N extends keyof S & string>(
  shape: S,
  { need = [], some }: Needs<N>,
): (value: Json | undefined, version: OcsfVersion) => Outcome<Whole<S, N>> {
  return (raw, version) => {
    if (!isJsonObject(raw)) return { value: undefined, rest: raw }
    const { value, rest } = readShape(shape, raw, version)
    const known: Readonly<Record<string, unknown>> = value
    const alternatives = typeof some === 'function' ? some(version) : some
    const stands =
      need.every(key => known[key] !== undefined) &&
      (alternatives === undefined ? Object.values(known).some(member => member !== undefined) : alternatives.some(key => known[key] !== undefined))
    return stands ? { value: value as Whole<S, N>, rest } : { value: undefined, rest: raw } // `need` was checked
  }
}

/** A part under its key, and the other member that it reads. */
interface Step {
  readonly key: string
  readonly part: Part<unknown>
  readonly also: string | undefined
  readonly isAlways: boolean
}

interface Steps {
  readonly steps: readonly Step[]
  /** All members that the parts read. */
  readonly members: ReadonlySet<string>
}

const stepsByShape = new WeakMap<Shape, Steps>()

function stepsOf(shape: Shape): Steps {
  let known = stepsByShape.get(shape)
  if (known === undefined) {
    const steps = Object.entries(shape).map(([key, part]) => ({ key, part, also: part.also?.(key), isAlways: part.always === true }))
    known = { steps, members: new Set(steps.flatMap(({ key, also }) => (also === undefined ? [key] : [key, also]))) }
    stepsByShape.set(shape, known)
  }
  return known
}

/** Reads an object, and says what of it was not read. */
export function readShape<S extends Shape>(
  shape: S,
  from: JsonObject,
  version: OcsfVersion,
): { readonly value: Read<S>; readonly rest: Record<string, Json | undefined> | undefined } {
  const value: Record<string, unknown> = {}
  let rest: Record<string, Json | undefined> | undefined
  const leave: Leave = (key, left) => {
    if (left === undefined || isBlank(left) || isEmpty(left)) return
    rest ??= {}
    put(rest, key, left)
  }
  const { steps, members } = stepsOf(shape)
  // most members of a shape are absent
  for (const { key, part, also, isAlways } of steps)
    if (isAlways || from[key] !== undefined || (also !== undefined && from[also] !== undefined)) value[key] = part.read(from, key, leave, version)
  for (const key of Object.keys(from)) if (!members.has(key)) leave(key, from[key])
  return { value: value as Read<S>, rest } // one member for each part
}
