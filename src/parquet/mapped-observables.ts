/**
 * The column group `observables` of mapped events, from the columns of the observed attributes: the number of a text
 * says which observable it is, without the text.
 */
import { addSlot, appendRows, beginRow, type ColumnBuffer, setWord, storedRow } from './column.js'
import type { ObjectState, Step } from './mapped-steps.js'
import type { ParquetSchema } from './schema.js'
import { type TextStore, textNumber } from './text.js'

/** An attribute that is an observable. */
export interface Watch {
  /** Numbers of its name and type in their columns, and the type id. */
  readonly name: number
  readonly type: number
  readonly typeId: number
  readonly list: ListWatch | undefined
  /** By number of a text of the attribute, or by a small integer: number + 1 of the same text in the column of values. */
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
  /** Writes the observables of the rows `[row, row + count)`, whose attributes are in their columns already. */
  write(row: number, count: number, fresh: boolean, batch: number): void
}

/** Integers from here on are looked up as texts. */
const SMALL = 2 ** 16

/** Writes nulls when `wanted` is false. */
export function createObservables(schema: ParquetSchema, all: readonly ColumnBuffer[], wanted: boolean): Observables {
  const list = schema.columns.find(node => node.name === 'observables')
  const element = list?.kind === 'list' && list.element.kind === 'struct' ? list.element : undefined
  const columns = (element?.children ?? []).flatMap(node => (node.kind === 'leaf' ? [all[node.index]!] : []))
  const [names, types, typeIds, values] = ['name', 'type', 'type_id', 'value'].map(name => columns.find(column => column.leaf.name === name))
  const order: (Watch | ListWatch)[] = []
  // of the batch: names and values of its slots, and where those of each row end
  let slots = 0
  const watches: Watch[] = []
  let numbers = new Int32Array(4096)
  const ends: number[] = []
  let asked = 0
  /** Of the row written last. */
  let lastWatches: readonly Watch[] = []

  const add = (watch: Watch, value: number): void => {
    if (slots === numbers.length) {
      const grown = new Int32Array(slots * 2)
      grown.set(numbers)
      numbers = grown
    }
    watches[slots] = watch
    numbers[slots++] = value
  }

  /** A store counts how often it is asked, to see whether its texts repeat: once per observable, as for full events. */
  const numberOf = (store: TextStore, text: string): number => {
    store.asked = asked + slots
    return textNumber(store, text)
  }

  const addListed = ({ state, all: listed, found }: ListWatch, at: number, store: TextStore, batch: number): void => {
    const some = state!.entered === batch ? listed[at]! : found
    for (let i = 0; i < some.length; i++) add(some[i]!.watch, numberOf(store, some[i]!.text))
  }

  const addWatched = (watch: Watch, row: number, at: number, store: TextStore, batch: number): void => {
    const { state, step } = watch.at!
    const column = step.columns[0]!
    const { leaf, text, defs, data } = column
    const slot = storedRow(column, row)
    if (defs[slot] !== leaf.def) return
    // the number of the text or the integer itself, where it says which value it is
    const word = text === undefined ? (column.words === 1 && leaf.holds === 'integer' ? data[slot]! : -1) : text.numbers === undefined ? -1 : data[slot]!
    const key = text === undefined && word >= SMALL ? -1 : word
    const known = key >= 0 && key < watch.numbers.length ? watch.numbers[key]! : 0
    if (known !== 0) {
      add(watch, known - 1)
      return
    }
    const number = numberOf(store, String(state.entered === batch ? state.objects[at]![step.name] : step.last))
    if (key >= 0) learn(watch, key, number)
    add(watch, number)
  }

  /** Rows mostly have the same attributes as the row before: all columns but that of the values then repeat by themselves. */
  const writeColumns = (row: number, fresh: boolean): void => {
    if (slots === 0 && lastWatches.length === 0 && !fresh) return
    let start = 0
    for (let at = 0; at < ends.length; at++) {
      const end = ends[at]!
      if ((fresh && at === 0) || !isSame(watches, start, end, lastWatches)) {
        lastWatches = watches.slice(start, end)
        for (const column of columns) if (column !== values) writeAttributes(column, row + at, lastWatches)
      }
      start = end
    }
    if (values !== undefined) appendRows(values, row, ends, numbers, list!)
  }

  const writeAttributes = (column: ColumnBuffer, row: number, some: readonly Watch[]): void => {
    beginRow(column, row)
    if (some.length === 0) addSlot(column, 0, list!.def - 1)
    for (let at = 0; at < some.length; at++) {
      const { name, type, typeId } = some[at]!
      setWord(column, addSlot(column, at === 0 ? 0 : list!.rep, column.leaf.def), column === names ? name : column === types ? type : typeId)
    }
  }

  return {
    list() {
      const watch: ListWatch = { state: undefined, found: [], all: [] }
      order.push(watch)
      return watch
    },
    watch(path, { typeId, type }, inList) {
      if (!wanted || names === undefined || types === undefined || typeIds === undefined || values === undefined) return undefined
      const watch: Watch = {
        name: textNumber(names.text!, path),
        type: textNumber(types.text!, type),
        typeId,
        list: inList,
        numbers: new Int32Array(0),
        at: undefined,
      }
      if (inList === undefined) order.push(watch)
      return watch
    },
    write(row, count, fresh, batch) {
      if (list === undefined) return
      const store = values?.text
      slots = 0
      ends.length = 0
      for (let at = 0; at < count; at++) {
        for (let i = 0; store !== undefined && i < order.length; i++) {
          const one = order[i]!
          if ('found' in one) addListed(one, at, store, batch)
          else addWatched(one, row + at, at, store, batch)
        }
        ends.push(slots)
      }
      asked += slots
      if (store !== undefined) store.asked = asked
      writeColumns(row, fresh)
    },
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
