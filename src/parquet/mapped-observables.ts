/** The column group `observables` of mapped events: written again only in rows where an observed value changed. */
import { addSlot, beginRow, type ColumnBuffer, setWord } from './column.js'
import type { ParquetSchema } from './schema.js'
import { textNumber } from './text.js'

/** An attribute that is an observable. */
export interface Watch {
  /** Numbers of its name and type in their columns, and the type id. */
  readonly name: number
  readonly type: number
  readonly typeId: number
  readonly list: ListWatch | undefined
  /** By number of a text of the attribute: number + 1 of the same text in the column of values. */
  values: Int32Array
  /** Number of its value in the row; -1 for none. Not used in lists. */
  value: number
}

/** The observables in one list: each pair of attribute and value once, in their order. */
export interface ListWatch {
  readonly found: { readonly watch: Watch; readonly value: number; readonly text: string }[]
}

export interface Observables {
  /** Registers a list outside lists; like `watch` in the order of the fields, which is that of the observables. */
  list(): ListWatch
  watch(path: string, observable: { readonly typeId: number; readonly type: string }, list: ListWatch | undefined): Watch | undefined
  /** The value of an attribute, just stored in a slot of its column. */
  see(watch: Watch, column: ColumnBuffer, slot: number, value: unknown): void
  clear(watch: Watch): void
  clearList(list: ListWatch): void
  write(row: number, fresh: boolean): void
}

/** Writes nulls when `wanted` is false. */
export function createObservables(schema: ParquetSchema, all: readonly ColumnBuffer[], wanted: boolean): Observables {
  const list = schema.columns.find(node => node.name === 'observables')
  const element = list?.kind === 'list' && list.element.kind === 'struct' ? list.element : undefined
  const columns = (element?.children ?? []).flatMap(node => (node.kind === 'leaf' ? [all[node.index]!] : []))
  const [names, types, typeIds, values] = ['name', 'type', 'type_id', 'value'].map(name => columns.find(column => column.leaf.name === name))
  const order: (Watch | ListWatch)[] = []
  let changed = true
  let slots = 0
  let asked = 0

  const add = (rep: number, watch: Watch, value: number): void => {
    slots++
    setWord(names!, addSlot(names!, rep, names!.leaf.def), watch.name)
    setWord(types!, addSlot(types!, rep, types!.leaf.def), watch.type)
    setWord(typeIds!, addSlot(typeIds!, rep, typeIds!.leaf.def), watch.typeId)
    setWord(values!, addSlot(values!, rep, values!.leaf.def), value)
  }

  const writeList = (to: { readonly def: number; readonly rep: number }, row: number): void => {
    changed = false
    for (const column of columns) beginRow(column, row)
    let rep = 0
    slots = 0
    for (const one of order) {
      if ('found' in one) {
        for (const { watch, value } of one.found) {
          add(rep, watch, value)
          rep = to.rep
        }
      } else if (one.value !== -1) {
        add(rep, one, one.value)
        rep = to.rep
      }
    }
    if (rep === 0) for (const column of columns) addSlot(column, 0, to.def - 1)
  }

  return {
    list() {
      const watch: ListWatch = { found: [] }
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
        values: new Int32Array(0),
        value: -1,
      }
      if (inList === undefined) order.push(watch)
      return watch
    },
    see(watch, column, slot, value) {
      changed = true
      const text = String(value)
      const { list: inList } = watch
      if (inList !== undefined) {
        for (const other of inList.found) if (other.watch === watch && other.text === text) return
        inList.found.push({ watch, value: textNumber(values!.text!, text), text })
      } else if (column.text === undefined || column.text.numbers === undefined) {
        watch.value = textNumber(values!.text!, text)
      } else {
        const number = column.data[slot]!
        let mine = watch.values[number] ?? 0
        if (mine === 0) {
          mine = textNumber(values!.text!, text) + 1
          if (number >= watch.values.length) {
            const grown = new Int32Array(Math.max(64, number * 2))
            grown.set(watch.values)
            watch.values = grown
          }
          watch.values[number] = mine
        }
        watch.value = mine - 1
      }
    },
    clear(watch) {
      if (watch.value !== -1) changed = true
      watch.value = -1
    },
    clearList({ found }) {
      if (found.length > 0) changed = true
      found.length = 0
    },
    write(row, fresh) {
      if (list === undefined) return
      if (changed || fresh) writeList(list, row)
      // a store counts how often it is asked, to see whether its texts repeat: once per observable, as for full events
      asked += slots
      if (values !== undefined) values.text!.asked = asked
    },
  }
}
