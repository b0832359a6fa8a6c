/**
 * One declaration per (source, class). The literal names the attributes a mapper writes; from it come the type
 * that `map` must return, and, with the facts of a version, the fixed list of fields that completion, validation,
 * the Parquet schema and the docs share.
 */
import { OcsfLakeError } from '../errors.js'
import type { Json, JsonObject } from '../json.js'
import { type Attribute, baseType, type ClassType, type Facts, type ObjectType, type OcsfVersion } from './facts.js'
import { differences } from './generated/differences.js'
import { CLASS_UIDS, type ClassName, type EventByClass, type Metadata } from './generated/types.js'

// ---- types ----

type Item<T> = T extends readonly (infer E)[] ? E : T
type Flat<T> = { [K in keyof T]: T[K] }
/** Required by OCSF, but written by completion: a mapper may leave these out. */
type Derived<T> = T extends Metadata ? 'version' : T extends { class_uid: unknown } ? 'category_uid' | 'class_uid' | 'type_uid' : never
type RequiredKey<T> = Exclude<{ [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T], Derived<T>>
/** Scalars, JSON values and open maps are columns by themselves; objects must say which of their attributes. */
type Leaf<T> = [T] extends [string | number | bigint | boolean] ? true : Json extends T ? true : string extends keyof T ? true : false
type Column<T> = Leaf<T> extends true ? true : Columns<T>

/** Mirrors an OCSF class: `true` keeps a leaf, a nested literal picks inside an object or a list of objects. */
export type Columns<T> = { readonly [K in keyof T]?: Column<Item<NonNullable<T[K]>>> }

/** Turns a column that the class does not have into a compile error. */
type Known<T, C> = {
  readonly [K in keyof C]: K extends keyof T
    ? C[K] extends true
      ? true
      : Known<Item<NonNullable<T[K]>>, C[K]> & Complete<Item<NonNullable<T[K]>>, C[K]>
    : never
}
/** Turns a required attribute that the columns forgot into a compile error, at every depth. */
type Complete<T, C> = { readonly [K in Exclude<RequiredKey<T>, keyof C>]: Column<Item<NonNullable<T[K]>>> }

type Chosen<T, C> = C extends true ? T : T extends readonly (infer E)[] ? readonly Narrow<E, C>[] : Narrow<T, C>

/** An object reduced to the declared columns, the required ones required. */
export type Narrow<T, C> = Flat<
  { readonly [K in keyof C & keyof T as K extends RequiredKey<T> ? K : never]: Chosen<T[K], C[K]> } & {
    readonly [K in keyof C & keyof T as K extends RequiredKey<T> ? never : K]?: Chosen<NonNullable<T[K]>, C[K]> | undefined
  }
>

/** What a mapper may write without declaring it. */
interface Always<Class extends ClassName> {
  readonly class_uid: EventByClass[Class]['class_uid']
  readonly unmapped?: JsonObject | undefined
}

/** The event a source may return for a class: its `class_uid`, exactly the declared columns, and `unmapped`. */
export type EventOf<Class extends ClassName, C> = Flat<Always<Class> & Narrow<EventByClass[Class], C>>

/**
 * Declares the columns of one class. Unknown attributes and forgotten required ones are compile errors. Captions
 * (`activity_name`, `severity`, …) and `*_dt` twins follow from their ids and times and need no mention, except a
 * caption that the mapper itself writes (the text that goes with 99). Class, category and type ids,
 * `metadata.version`, `metadata.profiles`, `observables`, `raw_data` and `unmapped` are always there.
 *
 * @example
 * columns('network_activity')({ activity_id: true, severity_id: true, time: true, metadata: { product: { name: true, vendor_name: true } }, src_endpoint: { ip: true }, dst_endpoint: { ip: true } })
 */
export function columns<Class extends ClassName>(
  _class: Class,
): <const C extends Columns<EventByClass[Class]>>(declared: C & Known<EventByClass[Class], C> & Complete<EventByClass[Class], C>) => C {
  return declared => declared
}

// ---- fields ----

/** How a value is stored: one JSON type, one Parquet type. */
export type FieldKind =
  | 'string'
  | 'integer'
  | 'long'
  | 'float'
  | 'boolean'
  /** epoch milliseconds */
  | 'timestamp'
  /** RFC 3339 text in JSON, the same milliseconds in Parquet */
  | 'datetime'
  /** any JSON value; its text in Parquet */
  | 'json'
  /** an open object (`unmapped`); MAP<string,string> in Parquet */
  | 'open'
  | 'object'

/** Who writes a field that no mapper writes. */
export type Origin = 'mapped' | 'caption' | 'datetime' | 'complete'

/** One attribute of a class or object that a source fills at one OCSF version. */
export interface Field {
  readonly name: string
  /** Dotted, `[]` behind lists: `resources[].owner.account.uid`. */
  readonly path: string
  readonly kind: FieldKind
  readonly list: boolean
  readonly attribute: Attribute
  readonly origin: Origin
  /** The fields of an object or of the objects in a list. */
  readonly fields?: readonly Field[]
  /** Name of the sibling field: of an id its caption, of a caption its id, of a time its `*_dt` twin, and back. */
  readonly twin?: string
}

/** Everything a source fills of one class at one version, in a fixed order. */
export interface ClassFields {
  readonly version: OcsfVersion
  readonly type: ClassType
  readonly fields: readonly Field[]
}

/** A declaration without its types: what any source's `columns` hold. */
export interface ColumnTree {
  readonly [attribute: string]: true | ColumnTree
}

/** Written by completion for every class. */
const ALWAYS: ColumnTree = {
  category_uid: true,
  class_uid: true,
  type_uid: true,
  type_name: true,
  metadata: { version: true, profiles: true },
  observables: { name: true, type: true, type_id: true, value: true },
  raw_data: true,
  raw_data_hash: { algorithm: true, algorithm_id: true, value: true },
  unmapped: true,
}

/** The declared columns and those of every class. */
export function columnTree(declared: ColumnTree): ColumnTree {
  return merge(declared, ALWAYS)
}

function merge(declared: ColumnTree, always: ColumnTree): ColumnTree {
  const out: Record<string, true | ColumnTree> = { ...declared }
  for (const [name, tree] of Object.entries(always)) {
    const mine = out[name]
    out[name] = tree === true || mine === undefined ? tree : mine === true ? mine : merge(mine, tree)
  }
  return out
}

/**
 * The fields of a class at a version: the declared columns that the version knows and has not deprecated, and what
 * completion adds. `undefined` when the version does not have the class.
 *
 * @throws OcsfLakeError `columns_invalid` when a column is in no supported version (only untyped callers get there)
 */
export function classFields(facts: Facts, className: ClassName, declared: ColumnTree): ClassFields | undefined {
  const uid: number = CLASS_UIDS[className]
  const type = facts.classes.get(uid)
  if (type === undefined) return undefined
  return { version: facts.version, type, fields: fieldsOf(facts, type, columnTree(declared), declared, '') }
}

function fieldsOf(facts: Facts, type: ObjectType, tree: ColumnTree, declared: ColumnTree, prefix: string): Field[] {
  const fields: Field[] = []
  const done = new Set<string>()
  const { classes, objects } = differences(facts.version)
  const absent = ('uid' in type ? classes[(type as ClassType).uid] : objects[type.name])?.absent ?? []
  const add = (name: string, columns: true | ColumnTree, origin: Origin, twin?: string): void => {
    const attribute = type.attributes.get(name)
    if (attribute === undefined && !absent.includes(name)) {
      throw new OcsfLakeError('columns_invalid', `${prefix}${name} is no attribute of ${type.name} in any supported OCSF version: check its name.`)
    }
    if (done.has(name) || attribute === undefined || attribute.deprecated !== undefined) return
    done.add(name)
    const list = attribute.is_array === true
    const path = `${prefix}${name}${list ? '[]' : ''}`
    const kind = kindOf(facts, attribute)
    const { sibling } = attribute
    const dt = kind === 'timestamp' ? `${name}_dt` : undefined
    if (kind === 'object') {
      const object = facts.objects.get(attribute.object_type!)!
      if (columns === true)
        throw new OcsfLakeError('columns_invalid', `${path} is an object: name the attributes to keep, e.g. { ${[...object.attributes.keys()][0]}: true }.`)
      const mine = declared[name]
      const inner = fieldsOf(facts, object, columns, mine === undefined || mine === true ? {} : mine, `${path}.`)
      if (inner.length > 0) fields.push({ name, path, kind, list, attribute, origin, fields: inner })
      return
    }
    if (columns !== true) throw new OcsfLakeError('columns_invalid', `${path} is no object: declare it as true.`)
    fields.push({ name, path, kind, list, attribute, origin, twin: twin ?? sibling ?? (dt !== undefined && type.attributes.has(dt) ? dt : undefined) })
    if (sibling !== undefined) add(sibling, true, declared[sibling] === undefined ? 'caption' : 'mapped', name)
    if (dt !== undefined) add(dt, true, 'datetime', name)
  }
  for (const [name, columns] of Object.entries(tree)) add(name, columns, declared[name] === undefined ? 'complete' : 'mapped')
  return fields
}

function kindOf(facts: Facts, attribute: Attribute): FieldKind {
  if (attribute.type === 'object_t') return facts.objects.get(attribute.object_type!)!.attributes.size === 0 ? 'open' : 'object'
  if (attribute.type === 'timestamp_t') return 'timestamp'
  if (attribute.type === 'datetime_t') return 'datetime'
  return baseType(facts, attribute.type).slice(0, -2) as FieldKind
}

/** Every leaf field, depth first: the order of the Parquet columns. */
export function* leaves(fields: readonly Field[]): Generator<Field> {
  for (const field of fields) {
    if (field.fields === undefined) yield field
    else yield* leaves(field.fields)
  }
}
