/** Attributes and objects of mapped events beside their columns, with a batch of their values. */
import type { MappedClass, MappedField, MappedObject } from '../ocsf/mapped.js'
import { NEVER } from './cells.js'
import type { ColumnBuffer } from './column.js'
import type { ListWatch, Observables, Watch } from './mapped-observables.js'
import { type Gather, gather, integers, KEPT_IDS, longs, NOTHING, PENDING, pairs, REFUSED, type Read, type ReadPair, texts } from './mapped-readers.js'
import type { ParquetSchema, SchemaNode } from './schema.js'
import { IN_COLUMN, noteKnown } from './text.js'
import { isObject } from './values.js'

export type Obj = Readonly<Record<string, unknown>>

/** Rows of a batch at most: column by column is quickest while all of its values are at hand. */
export const BATCH_ROWS = 256

/** Noted of a text of a column: it need not be asked again. */
export const ACCEPTED = 2

/** Stands for an object that is not there. */
export const NONE: Obj = Object.freeze({})

/** How the values of an attribute are read: an id with the text beside it, and what words do not hold as it is. */
export type StepKind = 'derived' | 'text' | 'number' | 'id' | 'beside' | 'other' | 'struct' | 'list'

/** The code that reads an attribute, by its kind. */
export interface Loop {
  readonly gather?: Gather
  readonly read?: Read
  readonly pairs?: ReadPair
}

/** One attribute, with its columns or the attributes below. */
export interface Step {
  readonly name: string
  readonly kind: StepKind
  readonly mapped: MappedField
  readonly accepts: (value: unknown) => boolean
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
  /** Outside lists. */
  readonly loop: Loop | undefined
  /** Number of an accepted text, or what says why there is none. */
  readonly ask: (step: Step, value: unknown) => number
  // Outside lists, of the batch at hand:
  /** The batch in which an object mentions it. */
  mentioned: number
  /** Its values as words, and which objects have one. */
  words: Int32Array
  there: Uint8Array
  /** Its values as they are, where words do not do. */
  readonly values: unknown[]
  /** Objects that were read. */
  seen: number
  /** The last place where a value differs from the one before, that of the row written last included; -1 for none. */
  changed: number
  /** Objects without a value. */
  nulls: number
  /** The value of the last object. */
  end: unknown
  /** Of the row written last, with the word of a text. */
  last: unknown
  word: number
  /** Of a list: the level of the last row without it. */
  lastLevel: number
}

export interface Pair {
  readonly id: Step
  readonly text: Step
  readonly captions: ReadonlyMap<unknown, string>
  /** By small ids: the number of its caption in the column of the text, plus 1; 0 while that is not known. */
  readonly words: Int32Array
  readonly ask: (pair: Pair, id: unknown, said: unknown) => number
}

/** The keys of an object in their order, which objects made by one literal share. */
export interface Shape {
  readonly names: readonly string[]
  readonly steps: readonly Step[]
  /** Keys that are no attribute. */
  readonly others: readonly string[]
  /** The batch that has met it. */
  met: number
}

export interface ObjectState {
  readonly mapped: MappedObject
  /** Definition level of the object. */
  readonly def: number
  readonly steps: readonly Step[]
  readonly byName: ReadonlyMap<string, Step>
  /** Whether anything depends on what is there. */
  readonly judged: boolean
  readonly shapes: Shape[]
  shape: Shape
  /** The batch that looked into it; else every row of the batch has the very object of the row written last. */
  entered: number
  /** Outside lists: the object of each row of the batch, `NONE` where there is none. */
  readonly objects: Obj[]
  /** Definition level of what is not in it: lower than `def` where the object itself is not there. */
  levels: Uint8Array
  /** The last row with another level than the row before; -1 for none. */
  levelChanged: number
  /** Rows without the object. */
  nulls: number
  /** Flags of what is there, profiles that it declares, and those that require what it lacks: what all have, and where rows differ. */
  have: Int32Array
  declared: Int32Array
  lacking: Int32Array
  allHave: number
  allDeclared: number
  differ: boolean
  /** Of the row written last. */
  lastLevel: number
  lastDeclared: number
  lastLacking: number
  /** In lists: profiles that the objects of the list at hand declare, and those that require what they lack. */
  listDeclared: number
  listLacking: number
}

const NO_SHAPE: Shape = { names: [], steps: [], others: [], met: 0 }
const MOST_SHAPES = 32
const NO_INTS = new Int32Array(0)
const NO_BYTES = new Uint8Array(0)

/** The steps of a class, from the event down. @throws EvalError where generated code is forbidden */
export function compileSteps(spec: MappedClass, schema: ParquetSchema, all: readonly ColumnBuffer[], seen: Observables): ObjectState {
  const stateOf = (mapped: MappedObject, nodes: readonly SchemaNode[], def: number, list: ListWatch | undefined): ObjectState => {
    const steps: Step[] = []
    for (const field of mapped.fields) {
      const node = nodes.find(other => other.name === field.field.name)
      if (node !== undefined) steps.push(stepOf(field, node, mapped, list)) // an object without fields has no column
    }
    const byName = new Map(steps.map(step => [step.name, step]))
    for (const step of steps) {
      const { captions, field } = step.mapped
      const text = captions === undefined ? undefined : byName.get(field.attribute.sibling!)
      if (text !== undefined) {
        step.pair = text.pair = { id: step, text, captions: captions!, words: new Int32Array(KEPT_IDS), ask: askPair }
      }
      const twin = field.kind === 'timestamp' && !field.list && field.twin !== undefined ? byName.get(field.twin) : undefined
      if (twin === undefined) continue
      step.twin = twin.columns[0]
      step.profiles |= spec.datetime
    }
    const { required, atLeastOne, justOne, byProfile } = mapped
    const state: ObjectState = {
      mapped,
      def,
      steps,
      byName,
      judged: required !== 0 || atLeastOne.length + justOne.length + byProfile.length > 0,
      shapes: [],
      shape: NO_SHAPE,
      entered: 0,
      objects: [],
      levels: NO_BYTES,
      levelChanged: -1,
      nulls: 0,
      have: NO_INTS,
      declared: NO_INTS,
      lacking: NO_INTS,
      allHave: 0,
      allDeclared: 0,
      differ: false,
      lastLevel: -1,
      lastDeclared: 0,
      lastLacking: 0,
      listDeclared: 0,
      listLacking: 0,
    }
    for (const step of steps) {
      if (step.watch !== undefined) step.watch.at = { state, step }
      if (step.list !== undefined) step.list.state = state
    }
    return state
  }

  const stepOf = (mapped: MappedField, node: SchemaNode, { fields }: MappedObject, outer: ListWatch | undefined): Step => {
    const { name, path, list: isList } = mapped.field
    const list = outer === undefined && isList && !mapped.derived ? seen.list() : undefined
    const watch = mapped.observable === undefined || mapped.derived ? undefined : seen.watch(path, mapped.observable, list ?? outer)
    const inner = node.kind === 'list' ? node.element : node
    const kind = kindOf(mapped, node, fields)
    return {
      name,
      kind,
      mapped,
      accepts: mapped.accepts,
      node,
      columns: columnsOf(node, all),
      object: mapped.object === undefined || inner.kind !== 'struct' ? undefined : stateOf(mapped.object, inner.children, inner.def, list ?? outer),
      watch,
      list,
      pair: undefined,
      twin: undefined,
      profiles: mapped.profiles,
      flag: mapped.flag,
      loop: outer === undefined ? loopOf(mapped, kind, node) : undefined,
      ask: askText,
      mentioned: 0,
      words: NO_INTS,
      there: NO_BYTES,
      values: [],
      seen: 0,
      changed: -1,
      nulls: 0,
      end: undefined,
      last: NEVER,
      word: NOTHING,
      lastLevel: -1,
    }
  }

  return stateOf(spec.root, schema.columns, 0, undefined)
}

const loops = new WeakMap<MappedField, Loop>()

/** The code for an attribute, shared by all that write its class. */
function loopOf(mapped: MappedField, kind: StepKind, node: SchemaNode): Loop {
  let loop = loops.get(mapped)
  if (loop === undefined) {
    const { name, attribute } = mapped.field
    loop =
      kind === 'text'
        ? { read: texts(name) }
        : kind === 'number'
          ? { read: node.kind === 'leaf' && node.holds === 'integer' ? integers(name) : longs(name) }
          : kind === 'id'
            ? { pairs: pairs(name, attribute.sibling!) }
            : kind === 'beside' || kind === 'derived'
              ? {}
              : { gather: gather(name) }
    loops.set(mapped, loop)
  }
  return loop
}

function kindOf(mapped: MappedField, node: SchemaNode, fields: readonly MappedField[]): StepKind {
  if (mapped.derived) return 'derived'
  if (node.kind === 'struct') return 'struct'
  if (node.kind !== 'leaf') return 'list'
  if (mapped.captions !== undefined && fields.some(({ field }) => field.name === mapped.field.attribute.sibling)) return 'id'
  if (fields.some(({ captions, field }) => captions !== undefined && field.attribute.sibling === node.name)) return 'beside'
  if (node.holds === 'string') return 'text'
  return node.holds === 'integer' || node.holds === 'long' || node.holds === 'timestamp' ? 'number' : 'other'
}

function askText(step: Step, value: unknown): number {
  if (typeof value !== 'string') return REFUSED
  const { use, text } = step.columns[0]!
  const number = use!.unique ? undefined : text!.numbers.get(value)
  const known = number === undefined ? 0 : (use!.known[number] ?? 0)
  if ((known & ACCEPTED) !== 0) return number!
  if (!step.accepts(value)) return REFUSED
  if ((known & IN_COLUMN) === 0) return PENDING
  noteKnown(use!, number!, ACCEPTED)
  return number!
}

function askPair({ id, text, captions, words }: Pair, value: unknown, said: unknown): number {
  const beside = textBeside(captions, value, said)
  if (beside === null || (value !== undefined && !id.accepts(value)) || (said !== undefined && !text.accepts(said))) return REFUSED
  if (beside === undefined) return NOTHING
  const { use, text: store } = text.columns[0]!
  const number = use!.unique ? undefined : store!.numbers.get(beside)
  if (number === undefined || (use!.known[number]! & IN_COLUMN) === 0) return PENDING
  if (said === undefined && typeof value === 'number' && value >= 0 && value < KEPT_IDS) words[value] = number + 1
  return number
}

/** Room for a batch of so many rows: most objects of a unit never see more than a few at once. */
export function makeRoom(state: ObjectState, needed: number): void {
  if (state.levels.length >= needed) return
  const rows = Math.max(needed, state.levels.length * 2)
  state.levels = new Uint8Array(rows)
  state.have = new Int32Array(rows)
  state.declared = new Int32Array(rows)
  state.lacking = new Int32Array(rows)
  while (state.objects.length < rows) state.objects.push(NONE)
  for (const step of state.steps) {
    if (step.kind === 'struct') makeRoom(step.object!, rows)
    else if (step.kind === 'derived') continue
    else if (step.node.kind !== 'leaf' || step.kind === 'other') while (step.values.length < rows) step.values.push(undefined)
    else {
      step.words = new Int32Array(rows * step.columns[0]!.words)
      step.there = new Uint8Array(rows)
    }
  }
}

function columnsOf(node: SchemaNode, all: readonly ColumnBuffer[]): ColumnBuffer[] {
  if (node.kind === 'leaf') return [all[node.index]!]
  if (node.kind === 'map') return [all[node.key.index]!, all[node.value.index]!]
  return node.kind === 'list' ? columnsOf(node.element, all) : node.children.flatMap(child => columnsOf(child, all))
}

/** Nothing may be taken for written any more. */
export function forgetObject(state: ObjectState): void {
  state.lastLevel = -1
  for (const step of state.steps) {
    step.last = NEVER
    step.lastLevel = -1
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
    steps: names.flatMap(name => state.byName.get(name) ?? []),
    others: names.filter(name => !state.byName.has(name)),
    met: 0,
  }
  if (shapes.length === MOST_SHAPES) shapes.length = 0
  shapes.push(shape)
  return shape
}

/** Whether a step has a value in the object of a row of the batch. */
export function isThere({ kind, name, node, object, there, values }: Step, objects: readonly Obj[], row: number): boolean {
  if (kind === 'struct') return object!.objects[row] !== NONE
  if (kind === 'beside' || kind === 'derived') return objects[row]![name] !== undefined // what it says itself, not its caption
  return kind === 'other' || node.kind !== 'leaf' ? values[row] !== undefined : there[row] === 1
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
