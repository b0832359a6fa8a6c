/** Attributes and objects of mapped events beside their columns, with a batch of their values. */
import type { MappedClass, MappedField, MappedObject } from '../ocsf/mapped.js'
import { NEVER } from './cells.js'
import type { ColumnBuffer } from './column.js'
import type { ListWatch, Observables, Watch } from './mapped-observables.js'
import type { ParquetSchema, SchemaNode } from './schema.js'
import { isObject } from './values.js'

export type Obj = Readonly<Record<string, unknown>>

/** Rows of a batch at most: column by column is quickest while all of its values are at hand. */
export const BATCH_ROWS = 256

/** One attribute, with its columns or the attributes below. */
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
  /** Outside lists: its value in each object of the batch, and the numbers of texts where they are known, else -1. */
  readonly values: unknown[]
  codes: Int32Array
  /** Whether no object of the batch mentions it. */
  absent: boolean
  /** What the row written last holds; where that is nothing, its definition level. */
  last: unknown
  level: number
}

export interface Pair {
  readonly id: Step
  readonly text: Step
  readonly captions: ReadonlyMap<unknown, string>
  /** The text of each object of the batch. */
  readonly texts: (string | undefined)[]
}

/** The keys of an object in their order, which objects made by one literal share. */
export interface Shape {
  readonly names: readonly string[]
  /** Where the values go; `undefined` for what has no step. */
  readonly values: readonly (unknown[] | undefined)[]
  /** What the object does not mention. */
  readonly missing: readonly Step[]
}

export interface ObjectState {
  readonly mapped: MappedObject
  /** Definition level of the object. */
  readonly def: number
  readonly steps: readonly Step[]
  readonly byName: ReadonlyMap<string, Step>
  readonly shapes: Shape[]
  shape: Shape
  /** Outside lists: the objects of the batch, each once for all rows that follow each other with it. */
  count: number
  readonly objects: (Obj | undefined)[]
  /** Row of the batch where each begins. */
  starts: Int32Array
  /** Definition level of what is not in it: lower than `def` where the object itself is not there. */
  levels: Uint8Array
  /** Flags of what is there, profiles that it declares, and those that require what it lacks. */
  have: Int32Array
  declared: Int32Array
  lacking: Int32Array
  /** In lists: the same of all objects of the list at hand. */
  listDeclared: number
  listLacking: number
}

const NO_SHAPE: Shape = { names: [], values: [], missing: [] }
const MOST_SHAPES = 32
const NO_INTS = new Int32Array(0)
const NO_BYTES = new Uint8Array(0)

/** The steps of a class, from the event down. */
export function compileSteps(spec: MappedClass, schema: ParquetSchema, all: readonly ColumnBuffer[], seen: Observables): ObjectState {
  const stateOf = (mapped: MappedObject, nodes: readonly SchemaNode[], def: number, list: ListWatch | undefined): ObjectState => {
    const steps: Step[] = []
    for (const field of mapped.fields) {
      const node = nodes.find(other => other.name === field.field.name)
      if (node !== undefined) steps.push(stepOf(field, node, list)) // an object without fields has no column
    }
    const byName = new Map(steps.map(step => [step.name, step]))
    for (const step of steps) {
      const { captions, field } = step.mapped
      const text = captions === undefined ? undefined : byName.get(field.attribute.sibling!)
      if (text !== undefined) step.pair = text.pair = { id: step, text, captions: captions!, texts: [] }
      const twin = field.kind === 'timestamp' && !field.list && field.twin !== undefined ? byName.get(field.twin) : undefined
      if (twin === undefined) continue
      step.twin = twin.columns[0]
      step.profiles |= spec.datetime
    }
    const state: ObjectState = {
      mapped,
      def,
      steps,
      byName,
      shapes: [],
      shape: NO_SHAPE,
      count: 0,
      objects: [],
      starts: NO_INTS,
      levels: NO_BYTES,
      have: NO_INTS,
      declared: NO_INTS,
      lacking: NO_INTS,
      listDeclared: 0,
      listLacking: 0,
    }
    for (const { watch, list: own, values, columns } of steps) {
      if (watch !== undefined) watch.at = { state, values, column: columns[0]! }
      if (own !== undefined) own.state = state
    }
    return state
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
      object: mapped.object === undefined || inner.kind !== 'struct' ? undefined : stateOf(mapped.object, inner.children, inner.def, list ?? outer),
      watch,
      list,
      flag: mapped.flag,
      pair: undefined,
      twin: undefined,
      profiles: mapped.profiles,
      accepted: new Uint8Array(0),
      values: [],
      codes: NO_INTS,
      absent: false,
      last: NEVER,
      level: -1,
    }
  }

  return stateOf(spec.root, schema.columns, 0, undefined)
}

/** Room for a batch of so many rows: most objects of a unit never see more than a few at once. */
export function makeRoom(state: ObjectState, needed: number): void {
  if (state.starts.length >= needed) return
  const rows = Math.max(needed, state.starts.length * 2)
  state.starts = new Int32Array(rows)
  state.levels = new Uint8Array(rows)
  state.have = new Int32Array(rows)
  state.declared = new Int32Array(rows)
  state.lacking = new Int32Array(rows)
  for (const step of state.steps) {
    while (step.values.length < rows) step.values.push(undefined)
    if (step.node.kind === 'leaf') step.codes = new Int32Array(rows)
    if (step.node.kind === 'struct') makeRoom(step.object!, rows)
  }
}

function columnsOf(node: SchemaNode, all: readonly ColumnBuffer[]): ColumnBuffer[] {
  if (node.kind === 'leaf') return [all[node.index]!]
  if (node.kind === 'map') return [all[node.key.index]!, all[node.value.index]!]
  return node.kind === 'list' ? columnsOf(node.element, all) : node.children.flatMap(child => columnsOf(child, all))
}

/** Nothing may be taken for written any more. */
export function forgetObject(state: ObjectState): void {
  for (const step of state.steps) {
    step.last = NEVER
    step.level = -1
    if (step.object !== undefined) forgetObject(step.object)
  }
}

/** The shape of an object, as it was when last met. */
export function shapeOf(state: ObjectState, object: Obj): Shape {
  const names: string[] = []
  for (const name in object) names.push(name)
  const { shapes } = state
  for (const shape of shapes) if (shape.names.length === names.length && shape.names.every((name, at) => name === names[at])) return shape
  const shape = {
    names,
    values: names.map(name => state.byName.get(name)?.values),
    missing: state.steps.filter(step => !names.includes(step.name)),
  }
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

/** What an object must have. */
export function meets({ required, atLeastOne, justOne }: MappedObject, have: number): boolean {
  if ((have & required) !== required) return false
  for (let at = 0; at < atLeastOne.length; at++) if ((have & atLeastOne[at]!) === 0) return false
  for (let at = 0; at < justOne.length; at++) {
    const some = have & justOne[at]!
    if (some === 0 || (some & (some - 1)) !== 0) return false
  }
  return true
}

/** The profiles that require what an object lacks. */
export function lackingIn({ byProfile }: MappedObject, have: number): number {
  let lacking = 0
  for (let at = 0; at < byProfile.length; at++) if ((have & byProfile[at]!.flag) === 0) lacking |= byProfile[at]!.profiles
  return lacking
}

/** The text that stands beside an id; `null` when the two do not fit. */
export function textBeside(captions: ReadonlyMap<unknown, string>, id: unknown, said: unknown): string | undefined | null {
  if (id === undefined) return typeof said === 'string' || said === undefined ? said : null
  const caption = captions.get(id)
  if (id === 99) return typeof said === 'string' && said !== caption ? said : null
  return caption !== undefined && (said === undefined || said === caption) ? caption : null
}
