/** Attributes and objects of mapped events beside their columns, and what the row before held. */
import type { MappedClass, MappedField, MappedObject } from '../ocsf/mapped.js'
import { NEVER } from './cells.js'
import type { ColumnBuffer } from './column.js'
import type { ListWatch, Observables, Watch } from './mapped-observables.js'
import type { ParquetSchema, SchemaNode } from './schema.js'
import { isObject } from './values.js'

type Obj = Readonly<Record<string, unknown>>

/** One attribute, with its columns or the attributes below, and what it held in the row before. */
export interface Step {
  readonly name: string
  readonly mapped: MappedField
  readonly node: SchemaNode
  /** All columns below. */
  readonly columns: readonly ColumnBuffer[]
  readonly object: ObjectState | undefined
  readonly watch: Watch | undefined
  /** Of a list outside lists: its observables. */
  readonly list: ListWatch | undefined
  /** Of an id and of the text beside it. */
  pair: Pair | undefined
  /** The column of the `*_dt` twin. */
  twin: ColumnBuffer | undefined
  profiles: number
  readonly flag: number
  /** By number of a text: 1 once it was accepted. */
  accepted: Uint8Array
  last: unknown
}

export interface Pair {
  readonly id: Step
  readonly text: Step
  readonly captions: ReadonlyMap<unknown, string>
}

/** The keys of an object in their order, which objects made by one literal share. */
interface Shape {
  readonly names: readonly string[]
  readonly steps: readonly (Step | undefined)[]
  /** What the object does not mention. */
  readonly missing: readonly Step[]
}

export interface ObjectState {
  readonly mapped: MappedObject
  readonly steps: readonly Step[]
  readonly byName: ReadonlyMap<string, Step>
  readonly shapes: Shape[]
  shape: Shape
  /** Of the object written last (of a list, all its objects): profiles it declares, and those that require what it lacks. */
  profiles: number
  lacking: number
}

export const NO_SHAPE: Shape = { names: [], steps: [], missing: [] }
const MOST_SHAPES = 32

/** The steps of a class, from the event down. */
export function compileSteps(spec: MappedClass, schema: ParquetSchema, all: readonly ColumnBuffer[], seen: Observables): ObjectState {
  const stateOf = (mapped: MappedObject, nodes: readonly SchemaNode[], list: ListWatch | undefined): ObjectState => {
    const steps: Step[] = []
    for (const field of mapped.fields) {
      const node = nodes.find(other => other.name === field.field.name)
      if (node !== undefined) steps.push(stepOf(field, node, list)) // an object without fields has no column
    }
    const byName = new Map(steps.map(step => [step.name, step]))
    for (const step of steps) {
      const { captions, field } = step.mapped
      const text = captions === undefined ? undefined : byName.get(field.attribute.sibling!)
      if (text !== undefined) step.pair = text.pair = { id: step, text, captions: captions! }
      const twin = field.kind === 'timestamp' && !field.list && field.twin !== undefined ? byName.get(field.twin) : undefined
      if (twin === undefined) continue
      step.twin = twin.columns[0]
      step.profiles |= spec.datetime
    }
    return { mapped, steps, byName, shapes: [], shape: NO_SHAPE, profiles: 0, lacking: 0 }
  }

  const stepOf = (mapped: MappedField, node: SchemaNode, outer: ListWatch | undefined): Step => {
    const list = outer === undefined && mapped.field.list && !mapped.derived ? seen.list() : undefined
    const watch = mapped.observable === undefined || mapped.derived ? undefined : seen.watch(mapped.field.path, mapped.observable, list ?? outer)
    const inner = node.kind === 'list' ? node.element : node
    return {
      name: mapped.field.name,
      mapped,
      node,
      columns: columnsOf(node, all),
      object: mapped.object === undefined || inner.kind !== 'struct' ? undefined : stateOf(mapped.object, inner.children, list ?? outer),
      watch,
      list,
      flag: mapped.flag,
      pair: undefined,
      twin: undefined,
      profiles: mapped.profiles,
      accepted: new Uint8Array(0),
      last: NEVER,
    }
  }

  return stateOf(spec.root, schema.columns, undefined)
}

function columnsOf(node: SchemaNode, all: readonly ColumnBuffer[]): ColumnBuffer[] {
  if (node.kind === 'leaf') return [all[node.index]!]
  if (node.kind === 'map') return [all[node.key.index]!, all[node.value.index]!]
  return node.kind === 'list' ? columnsOf(node.element, all) : node.children.flatMap(child => columnsOf(child, all))
}

/** Nothing may be taken for written any more. */
export function forgetObject(state: ObjectState): void {
  state.shape = NO_SHAPE
  for (const step of state.steps) {
    step.last = NEVER
    if (step.object !== undefined) forgetObject(step.object)
  }
}

/** The shape of an object, as it was when last met. */
export function shapeOf(state: ObjectState, object: Obj): Shape {
  const names: string[] = []
  for (const name in object) names.push(name)
  const { shapes } = state
  for (const shape of shapes) if (shape.names.length === names.length && shape.names.every((name, at) => name === names[at])) return shape
  const shape = { names, steps: names.map(name => state.byName.get(name)), missing: state.steps.filter(step => !names.includes(step.name)) }
  if (shapes.length === MOST_SHAPES) shapes.length = 0
  shapes.push(shape)
  return shape
}

/** Whether completion would keep an object: whether there is any value in it. */
export function hasAny(state: ObjectState, object: Obj): boolean {
  for (const name in object) {
    const value = object[name]
    if (value === undefined) continue
    if (!isObject(value)) return true
    const step = state.byName.get(name)
    if (step?.node.kind !== 'struct' || hasAny(step.object!, value)) return true
  }
  return false
}
