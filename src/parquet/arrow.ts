/** The door `ocsf-lake/arrow`: events as an Arrow Table with the columns and types of the Parquet files. */
import type { Field as ArrowField, DataType, Table } from 'apache-arrow'
import { OcsfLakeError } from '../errors.js'
import { stringify } from '../json.js'
import type { Field } from '../ocsf/columns.js'
import { flatten } from './flatten.js'
import { type Leaf, parquetSchema, type SchemaNode } from './schema.js'
import { cellOf, EXPECTED, isInt32, isInt64, isObject, Misfit, timeOf } from './values.js'

type Arrow = typeof import('apache-arrow')
type Obj = Readonly<Record<string, unknown>>

/**
 * Events as an Arrow Table, rows in the order given: Int32, Int64, Timestamp in milliseconds (UTC), Utf8, Bool,
 * Float64, List, Struct and Map. Needs the package `apache-arrow`.
 *
 * @example
 * const table = await toArrowTable(fields, events)
 * @throws OcsfLakeError `peer_missing` without apache-arrow; Error when an event does not fit the fields
 */
export async function toArrowTable(fields: readonly Field[], events: Iterable<Obj>): Promise<Table> {
  const arrow = await loadArrow()
  const { columns } = parquetSchema(fields)
  const row: DataType = new arrow.Struct(columns.map(node => arrowField(arrow, node)))
  const builder = arrow.makeBuilder({ type: row, nullValues: [null, undefined] })
  for (const event of events) builder.append(structCells(columns, event))
  const data = builder.finish().flush()
  const batch = new arrow.RecordBatch(new arrow.Schema(row.children), data)
  return new arrow.Table([batch])
}

/**
 * The same as the bytes of an Arrow IPC file, or of an IPC stream.
 *
 * @throws OcsfLakeError `peer_missing` without apache-arrow; Error when an event does not fit the fields
 */
export async function toArrowIpc(fields: readonly Field[], events: Iterable<Obj>, format: 'file' | 'stream' = 'file'): Promise<Uint8Array> {
  const { tableToIPC } = await loadArrow()
  return tableToIPC(await toArrowTable(fields, events), format)
}

async function loadArrow(): Promise<Arrow> {
  try {
    return await import('apache-arrow')
  } catch (cause) {
    throw new OcsfLakeError('peer_missing', 'ocsf-lake/arrow needs the package apache-arrow: npm install apache-arrow', { cause })
  }
}

function arrowField(arrow: Arrow, node: SchemaNode): ArrowField {
  return new arrow.Field(node.name, arrowType(arrow, node), !(node.kind === 'leaf' && node.required))
}

function arrowType(arrow: Arrow, node: SchemaNode): DataType {
  switch (node.kind) {
    case 'struct':
      return new arrow.Struct(node.children.map(child => arrowField(arrow, child)))
    case 'list':
      return new arrow.List(arrowField(arrow, node.element))
    case 'map': {
      const entry = new arrow.Struct<{ key: DataType; value: DataType }>([arrowField(arrow, node.key), arrowField(arrow, node.value)])
      return new arrow.Map_(new arrow.Field('key_value', entry, false))
    }
    case 'leaf':
      switch (node.physical) {
        case 'int32':
          return new arrow.Int32()
        case 'int64':
          return node.annotation === undefined ? new arrow.Int64() : new arrow.TimestampMillisecond('UTC')
        case 'double':
          return new arrow.Float64()
        case 'boolean':
          return new arrow.Bool()
        case 'byte_array':
          return new arrow.Utf8()
      }
  }
}

/** The children of a struct by position, since a name of the event could be one that JavaScript objects inherit. */
function structCells(children: readonly SchemaNode[], object: Obj): unknown[] {
  return children.map(child => cell(child, cellOf(child.name, child.kind === 'leaf' ? child.twin : undefined, object)))
}

/** What apache-arrow's builders take for a value. */
function cell(node: SchemaNode, value: unknown): unknown {
  if (value === undefined || value === null) return null
  switch (node.kind) {
    case 'leaf':
      return leafCell(node, value)
    case 'struct':
      if (!isObject(value)) throw new Misfit(node.eventPath, 'an object', value)
      return structCells(node.children, value)
    case 'list':
      if (!Array.isArray(value)) throw new Misfit(node.eventPath, 'a list', value)
      return value.map(item => cell(node.element, item))
    case 'map':
      if (!isObject(value)) throw new Misfit(node.eventPath, 'an object', value)
      return flatten(value)
  }
}

function leafCell({ holds, eventPath }: Leaf, value: unknown): unknown {
  switch (holds) {
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'integer':
      if (isInt32(value)) return value
      break
    case 'long':
    case 'timestamp':
      if (isInt64(value)) return BigInt(value)
      break
    case 'datetime': {
      const time = timeOf(value)
      if (time !== undefined) return BigInt(time)
      break
    }
    case 'float':
      if (typeof value === 'number' && Number.isFinite(value)) return value
      break
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    default:
      return stringify(value)
  }
  throw new Misfit(eventPath, EXPECTED[holds], value)
}
