/**
 * The column group `observables` of mapped events, from the columns of the observed attributes: the number of a text
 * says which observable it is, without the text.
 */
import { addSlot, appendRows, beginRow, type ColumnBuffer, setWord, storedRow } from './column.js'
import type { ObjectState, Step } from './mapped-steps.js'
import type { List, ParquetSchema } from './schema.js'
import { IN_COLUMN, textNumber } from './text.js'

/** An attribute that is an observable. */
export interface Watch {
  /** Numbers of its name and type in their columns, and the type id. */
  readonly name: number
  readonly type: number
  readonly typeId: number
  readonly list: ListWatch | undefined
  /** By a small integer: the number of its text in the column of values, plus 1. */
  numbers: Int32Array
  /** Where it is found, outside lists. */
  at: { readonly state: ObjectState; readonly step: Step } | undefined
}

/** The observables in one list. */
export interface ListWatch {
  state: ObjectState | undefined
  /** Of the list written last: each pair of attribute and value once, in their order. */
  found: { readonly watch: Watch; readonly text: string }[]
  /** The same for each object of the batch. */
  readonly all: ListWatch['found'][]
}

export interface Observables {
  /** Registers a list outside lists; like `watch` in the order of the fields, which is that of the observables. */
  list(): ListWatch
  watch(path: string, observable: { readonly typeId: number; readonly type: string }, list: ListWatch | undefined): Watch | undefined
  readonly writing: Writing | undefined
}

/** Integers from here on are looked up as texts. */
const SMALL = 2 ** 16

/** The observables of a file on their way into its columns. */
interface Writing {
  readonly list: List
  /** All columns of an observable, and two of them. */
  readonly columns: readonly ColumnBuffer[]
  readonly names: ColumnBuffer | undefined
  readonly types: ColumnBuffer | undefined
  /** Absent when none are wanted. */
  readonly values: ColumnBuffer | undefined
  readonly order: (Watch | ListWatch)[]
  // of the batch: what of the order it has; names and values of its slots, and where those of each row end
  readonly present: (Watch | ListWatch)[]
  slots: number
  readonly watches: Watch[]
  numbers: Int32Array
  readonly ends: number[]
  asked: number
  /** Of the row written last. */
  lastWatches: readonly Watch[]
}

/** Writes nulls when `wanted` is false. */
export function createObservables(schema: ParquetSchema, all: readonly ColumnBuffer[], wanted: boolean): Observables {
  const list = schema.columns.find(node => node.name === 'observables')
  if (list?.kind !== 'list' || list.element.kind !== 'struct') return { list: () => newListWatch(), watch: () => undefined, writing: undefined }
  const columns = list.element.children.flatMap(node => (node.kind === 'leaf' ? [all[node.index]!] : []))
  const [names, types, typeIds, values] = ['name', 'type', 'type_id', 'value'].map(name => columns.find(column => column.leaf.name === name))
  const writing: Writing = {
    list,
    columns,
    names,
    types,
    values,
    order: [],
    present: [],
    slots: 0,
    watches: [],
    numbers: new Int32Array(4096),
    ends: [],
    asked: 0,
    lastWatches: [],
  }
  return {
    list() {
      const watch = newListWatch()
      writing.order.push(watch)
      return watch
    },
    watch(path, { typeId, type }, inList) {
      if (!wanted || names === undefined || types === undefined || typeIds === undefined || values === undefined) return undefined
      const name = textNumber(names, path)
      const watch: Watch = { name, type: textNumber(types, type), typeId, list: inList, numbers: new Int32Array(0), at: undefined }
      if (inList === undefined) writing.order.push(watch)
      return watch
    },
    writing,
  }
}

function newListWatch(): ListWatch {
  return { state: undefined, found: [], all: [] }
}

/** Writes the observables of the rows `[row, row + count)`, whose attributes are in their columns already. */
export function writeObservables({ writing }: Observables, row: number, count: number, fresh: boolean, batch: number): void {
  if (writing === undefined) return
  const { order, present, ends, values } = writing
  writing.slots = 0
  writing.asked = values?.use?.asked ?? 0 // rows that came another way have asked as well
  ends.length = present.length = 0
  if (values !== undefined) for (const one of order) if ('found' in one || isPresent(one, row, batch)) present.push(one)
  for (let at = 0; at < count; at++) {
    for (let i = 0; values !== undefined && i < present.length; i++) {
      const one = present[i]!
      if ('found' in one) addListed(writing, one, at, values, batch)
      else addWatched(writing, one, row + at, at, values, batch)
    }
    ends.push(writing.slots)
  }
  if (values !== undefined) values.use!.asked = writing.asked + writing.slots
  writeColumns(writing, row, fresh)
}

/** Whether any row of the batch from `row` on may have the attribute. */
function isPresent({ at }: Watch, row: number, batch: number): boolean {
  const { state, step } = at!
  if (state.entered === batch) return step.nulls < step.seen
  const { leaf, defs } = step.columns[0]!
  return defs[storedRow(step.columns[0]!, row)] === leaf.def
}

function add(writing: Writing, watch: Watch, value: number): void {
  const { slots, watches, numbers } = writing
  if (slots === numbers.length) {
    writing.numbers = new Int32Array(slots * 2)
    writing.numbers.set(numbers)
  }
  watches[slots] = watch
  writing.numbers[slots] = value
  writing.slots = slots + 1
}

/** A column counts how often it is asked, to see whether its texts repeat: once per observable, as for full events. */
function numberOf({ asked, slots }: Writing, column: ColumnBuffer, text: string): number {
  column.use!.asked = asked + slots
  return textNumber(column, text)
}

function addListed(writing: Writing, { state, all, found }: ListWatch, at: number, column: ColumnBuffer, batch: number): void {
  const some = state!.entered === batch ? all[at]! : found
  for (let i = 0; i < some.length; i++) add(writing, some[i]!.watch, numberOf(writing, column, some[i]!.text))
}

function addWatched(writing: Writing, watch: Watch, row: number, at: number, to: ColumnBuffer, batch: number): void {
  const { state, step } = watch.at!
  const column = step.columns[0]!
  const { leaf, defs, data } = column
  const slot = storedRow(column, row)
  if (defs[slot] !== leaf.def) return
  const { unique, known } = to.use!
  const word = data[slot * column.words]!
  if (leaf.holds === 'string' && !unique && (known[word]! & IN_COLUMN) !== 0) {
    add(writing, watch, word) // the texts of the file have one number in all columns
    return
  }
  const isSmall = leaf.holds === 'integer' && word >= 0 && word < SMALL
  const learned = isSmall && !unique && word < watch.numbers.length ? watch.numbers[word]! : 0
  if (learned !== 0) {
    add(writing, watch, learned - 1)
    return
  }
  const number = numberOf(writing, to, String(state.entered === batch ? state.objects[at]![step.name] : step.last))
  if (isSmall) learn(watch, word, number)
  add(writing, watch, number)
}

/** Rows mostly have the same attributes as the row before: all columns but that of the values then repeat by themselves. */
function writeColumns(writing: Writing, row: number, fresh: boolean): void {
  const { list, columns, values, slots, watches, numbers, ends } = writing
  if (slots === 0 && writing.lastWatches.length === 0 && !fresh) return
  let start = 0
  for (let at = 0; at < ends.length; at++) {
    const end = ends[at]!
    if ((fresh && at === 0) || !isSame(watches, start, end, writing.lastWatches)) {
      writing.lastWatches = watches.slice(start, end)
      for (const column of columns) if (column !== values) writeAttributes(writing, column, row + at)
    }
    start = end
  }
  if (values !== undefined) appendRows(values, row, ends, numbers, list)
}

function writeAttributes({ list, names, types, lastWatches: some }: Writing, column: ColumnBuffer, row: number): void {
  beginRow(column, row)
  if (some.length === 0) addSlot(column, 0, list.def - 1)
  for (let at = 0; at < some.length; at++) {
    const { name, type, typeId } = some[at]!
    setWord(column, addSlot(column, at === 0 ? 0 : list.rep, column.leaf.def), column === names ? name : column === types ? type : typeId)
  }
}

/** Notes a value in the list at hand. */
export function noteListed(watch: Watch, value: unknown): void {
  const text = String(value)
  const { found } = watch.list!
  for (const other of found) if (other.watch === watch && other.text === text) return
  found.push({ watch, text })
}

function isSame(watches: readonly Watch[], start: number, end: number, others: readonly Watch[]): boolean {
  if (end - start !== others.length) return false
  for (let at = start; at < end; at++) if (watches[at] !== others[at - start]) return false
  return true
}

function learn(watch: Watch, key: number, number: number): void {
  if (key >= watch.numbers.length) {
    const grown = new Int32Array(Math.max(64, key * 2))
    grown.set(watch.numbers)
    watch.numbers = grown
  }
  watch.numbers[key] = number + 1
}
