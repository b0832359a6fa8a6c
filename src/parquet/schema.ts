/**
 * The columns of a class as a Parquet schema. It follows from the fields alone, never from values, so every file of
 * one source, class and version has the same leaves, with the types of Security Lake's own tables.
 */
import type { Field, FieldKind } from '../ocsf/columns.js'
import { isPivot } from './pivots.js'

export type PhysicalType = 'boolean' | 'int32' | 'int64' | 'double' | 'byte_array'

/** What a leaf holds; a map key or value is a plain string. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly name: string
  /** Path in the Parquet file, with the `list.element` and `key_value` groups. */
  readonly path: readonly string[]
  /** Path in the event, dotted, `[]` behind lists. */
  readonly eventPath: string
  readonly holds: FieldKind
  readonly physical: PhysicalType
  readonly annotation: 'string' | 'timestamp_millis' | undefined
  /** Map keys only; every other column is optional. */
  readonly required: boolean
  /** Whether a search begins here, so that a bloom filter is worth its bytes. */
  readonly pivot: boolean
  /** Name of the sibling that holds the same time as epoch milliseconds. */
  readonly twin: string | undefined
  /** Definition level of a value; one less is a null. */
  readonly def: number
  /** Highest repetition level. */
  readonly rep: number
  /** Position among the leaves. */
  readonly index: number
}

/** An optional group with at least one child. */
export interface Struct {
  readonly kind: 'struct'
  readonly name: string
  readonly eventPath: string
  readonly def: number
  readonly rep: number
  readonly children: readonly SchemaNode[]
}

/** A three-level LIST; its items stand at `def + 1`, repeated at `rep`. */
export interface List {
  readonly kind: 'list'
  readonly name: string
  readonly eventPath: string
  readonly def: number
  readonly rep: number
  readonly element: SchemaNode
}

/** A three-level MAP of strings; its entries stand at `def + 1`, repeated at `rep`. */
export interface StringMap {
  readonly kind: 'map'
  readonly name: string
  readonly eventPath: string
  readonly def: number
  readonly rep: number
  readonly key: Leaf
  readonly value: Leaf
}

export type SchemaNode = Leaf | Struct | List | StringMap

export interface ParquetSchema {
  readonly columns: readonly SchemaNode[]
  /** Depth first: the order of the column chunks. */
  readonly leaves: readonly Leaf[]
}

const PHYSICAL: { readonly [K in Exclude<FieldKind, 'open' | 'object'>]: PhysicalType } = {
  string: 'byte_array',
  integer: 'int32',
  long: 'int64',
  float: 'double',
  boolean: 'boolean',
  timestamp: 'int64',
  datetime: 'int64',
  json: 'byte_array',
}

/**
 * The Parquet schema of a list of fields. Objects without fields are left out, since Security Lake and Athena refuse
 * empty structs. `type_uid` is INT64 although OCSF calls it an integer, as in Security Lake's own tables.
 */
export function parquetSchema(fields: readonly Field[]): ParquetSchema {
  const schema = schemas.get(fields) ?? compile(fields)
  schemas.set(fields, schema)
  return schema
}

const schemas = new WeakMap<readonly Field[], ParquetSchema>()

function compile(fields: readonly Field[]): ParquetSchema {
  const leaves: Leaf[] = []

  const leaf = (name: string, path: readonly string[], eventPath: string, holds: FieldKind, def: number, rep: number, extra: Partial<Leaf> = {}): Leaf => {
    const physical = holds === 'open' || holds === 'object' ? 'byte_array' : holds === 'integer' && name === 'type_uid' ? 'int64' : PHYSICAL[holds]
    const annotation = physical === 'byte_array' ? 'string' : holds === 'datetime' ? 'timestamp_millis' : undefined
    const node: Leaf = {
      kind: 'leaf',
      name,
      path,
      eventPath,
      holds: holds === 'integer' && physical === 'int64' ? 'long' : holds,
      physical,
      annotation,
      required: false,
      pivot: false,
      twin: undefined,
      def,
      rep,
      index: leaves.length,
      ...extra,
    }
    leaves.push(node)
    return node
  }

  /** `def` and `rep` are those of the parent; the node itself is optional, one definition level above. */
  const single = (field: Field, name: string, path: readonly string[], def: number, rep: number): SchemaNode | undefined => {
    const eventPath = field.path
    if (field.kind === 'object') {
      const children = nodes(field.fields ?? [], path, def + 1, rep)
      return children.length === 0 ? undefined : { kind: 'struct', name, eventPath, def: def + 1, rep, children }
    }
    if (field.kind === 'open') {
      const entry = [...path, 'key_value']
      return {
        kind: 'map',
        name,
        eventPath,
        def: def + 1,
        rep: rep + 1,
        key: leaf('key', [...entry, 'key'], eventPath, 'string', def + 2, rep + 1, { required: true }),
        value: leaf('value', [...entry, 'value'], eventPath, 'string', def + 3, rep + 1),
      }
    }
    return leaf(name, path, eventPath, field.kind, def + 1, rep, { pivot: isPivot(field), twin: field.kind === 'datetime' ? field.twin : undefined })
  }

  const nodes = (children: readonly Field[], parent: readonly string[], def: number, rep: number): SchemaNode[] => {
    const out: SchemaNode[] = []
    for (const field of children) {
      const path = [...parent, field.name]
      if (field.list) {
        const element = single(field, 'element', [...path, 'list', 'element'], def + 2, rep + 1)
        if (element !== undefined) out.push({ kind: 'list', name: field.name, eventPath: field.path, def: def + 1, rep: rep + 1, element })
        continue
      }
      const node = single(field, field.name, path, def, rep)
      if (node !== undefined) out.push(node)
    }
    return out
  }

  const columns = nodes(fields, [], 0, 0)
  return { columns, leaves }
}
