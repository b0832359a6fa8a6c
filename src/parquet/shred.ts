/** Events into columns. */

import type { Issue } from '../ocsf/issue.js'
import type { MappedClass } from '../ocsf/mapped.js'
import type { RowBatch } from '../rows.js'
import { appendMap, NEVER, store } from './cells.js'
import { addSlot, beginRow, type ColumnBuffer, columnMemory, createColumn, freeColumn, rowSlot, truncate } from './column.js'
import { checkRows, forgetRows, mappedRows, writeRows } from './mapped-rows.js'
import { BATCH_ROWS } from './mapped-steps.js'
import { checkPatternRows, closePatternRows, freePatternRows, leavePatternRows, type PatternRows, patternRows, writePatternRows } from './pattern-rows.js'
import type { Leaf, ParquetSchema, SchemaNode } from './schema.js'
import { restTexts, takeTexts } from './text.js'
import { cellOf, isObject, Misfit } from './values.js'

type Obj = Readonly<Record<string, unknown>>

export interface Shredder {
  readonly columns: readonly ColumnBuffer[]
  readonly rows: number
  /** Bytes held by the columns. */
  readonly memory: number
  /**
   * Adds one event as a row. Attributes outside the schema are not looked at; `null` and `undefined` are absent. An
   * object or list that is the very same one as in the row before is taken as unchanged and not read again.
   *
   * Returns why the event does not fit its columns, in which case it left no row; validated events always fit.
   */
  add(event: Obj): Issue | undefined
  /**
   * Adds those of the mapped events `[from, to)` that pass, as the rows of their full events, up to the first that does
   * not; returns how many. The one that did not pass, if any, left no row.
   */
  addMapped(events: readonly Obj[], from: number, to: number): number
  /** Mapped events that are asked at once at most; 0 without what they must meet. */
  readonly reach: number
  /** How many of the mapped events `[from, to)` pass, from the first on. Adds none. */
  ask(events: readonly Obj[], from: number, to: number): number
  /** Adds the first `count` of those that passed when they were asked last, before any other is added; all or none. */
  addAsked(count: number): boolean
  /** Adds the rows `[from, to)` of a batch as the rows of their events, up to the first that does not pass; returns where that is. */
  addRows(batch: RowBatch, from: number, to: number): number
  /** Brings the columns into the form in which they are encoded; nothing is added behind it. */
  end(): void
  /** Gives the memory back. Ends it. */
  free(): void
}

/** A schema node with its columns and what it held last. */
interface Node {
  readonly kind: SchemaNode['kind']
  readonly name: string
  readonly eventPath: string
  readonly def: number
  readonly rep: number
  readonly leaf: Leaf | undefined
  readonly twin: string | undefined
  /** The columns of the leaves below: one for a leaf, key and value for a map. */
  readonly columns: readonly ColumnBuffer[]
  readonly children: readonly Node[]
  /** Outside lists: the value of the row before, `NEVER` when that says nothing. */
  last: unknown
}

export interface ShredderOptions {
  /** What mapped events of the class must meet; without it none passes. */
  readonly mapped?: MappedClass
  /** Whether mapped events get `observables`. */
  readonly observables?: boolean
}

/** After so many mapped events in a row that did not pass, only one in `RETRY` is tried: in vain it costs a fifth more. */
const PATIENCE = 32
const RETRY = 64
/** Events that are asked at once at least. */
const FEWEST = 8

export function createShredder(schema: ParquetSchema, { mapped, observables = true }: ShredderOptions = {}): Shredder {
  const texts = takeTexts(schema)
  const columns = schema.leaves.map(leaf => createColumn(leaf, texts))
  const roots = schema.columns.map(node => compile(node, columns))
  const direct = mapped === undefined ? undefined : mappedRows(mapped, schema, columns, observables)
  let rows = 0
  // Both ways remember the row before; one that did not write it must not.
  let before: 'add' | 'addMapped' | 'addRows' = 'add'
  const ofTable = new Map<RowBatch['table'], PatternRows>()
  let writing: PatternRows | undefined
  let misses = 0
  /** Events that are asked at once: fewer where many do not pass, since those behind one are asked again. */
  let step = FEWEST
  const takeBack = (): void => {
    for (const column of columns) truncate(column, rows)
  }
  /** Notes who writes next: what others remember of the row before is not so any more. */
  const turnTo = (next: typeof before, table?: PatternRows): void => {
    if (before === next && writing === table) return
    if (writing !== undefined) leavePatternRows(writing, rows)
    if (next === 'add') for (const root of roots) forget(root)
    else if (next === 'addMapped') forgetRows(direct!)
    before = next
    writing = table
  }
  const ask = (events: readonly Obj[], from: number, to: number): number => {
    if (direct === undefined || (misses >= PATIENCE && ++misses % RETRY !== 0)) return 0
    turnTo('addMapped')
    const tried = Math.min(to - from, step)
    const fit = checkRows(direct, events, from, from + tried)
    if (fit === tried) step = Math.min(step * 2, BATCH_ROWS)
    else {
      step = Math.max(step >> 1, FEWEST)
      misses++
    }
    return fit
  }
  /** Writes events that passed; none of them where one is too deep or too long. */
  const addAsked = (count: number): boolean => {
    if (direct === undefined) return false
    try {
      writeRows(direct, rows, count)
    } catch (error) {
      issueOf(error) // throws what is a fault of ours
      takeBack()
      forgetRows(direct)
      misses++
      return false
    }
    rows += count
    misses = 0
    return true
  }
  return {
    columns,
    get rows() {
      return rows
    },
    get memory() {
      let sum = 0
      for (const column of columns) sum += columnMemory(column)
      return sum
    },
    add(event) {
      turnTo('add')
      try {
        writeStruct(roots, event, rows)
      } catch (error) {
        takeBack()
        for (const root of roots) forget(root)
        return issueOf(error)
      }
      rows++
      return undefined
    },
    addMapped(events, from, to) {
      let at = from
      while (at < to) {
        const tried = Math.min(to - at, step)
        const fit = ask(events, at, to)
        if (fit === 0 || !addAsked(fit)) break
        at += fit
        if (fit < tried) break
      }
      return at - from
    },
    get reach() {
      return direct === undefined ? 0 : step
    },
    ask,
    addAsked,
    addRows(batch, from, to) {
      if (direct === undefined || mapped === undefined) return from
      const own = ofTable.get(batch.table) ?? patternRows(batch.table, schema, mapped, observables, columns, texts)
      ofTable.set(batch.table, own)
      turnTo('addRows', own)
      const end = checkPatternRows(own, batch, from, to)
      try {
        writePatternRows(own, batch, from, end, rows)
      } catch (error) {
        issueOf(error) // throws what is a fault of ours
        takeBack()
        leavePatternRows(own, rows)
        return from
      }
      rows += end - from
      return end
    },
    end() {
      if (writing !== undefined) closePatternRows(writing, rows)
    },
    free() {
      for (const column of columns) freeColumn(column)
      for (const own of ofTable.values()) freePatternRows(own)
      ofTable.clear()
      restTexts(schema, texts)
    },
  }
}

/** A value that does not fit, or one too deep or too long for the engine; anything else is a fault of ours. */
function issueOf(error: unknown): Issue {
  if (error instanceof Misfit) return error.issue
  if (error instanceof RangeError) return { path: '', rule: 'column_size', expected: 'an event that fits in memory', found: error.message }
  throw error
}

function compile(node: SchemaNode, all: readonly ColumnBuffer[]): Node {
  const children = node.kind === 'struct' ? node.children : node.kind === 'list' ? [node.element] : []
  const compiled = children.map(child => compile(child, all))
  const own = node.kind === 'leaf' ? [node] : node.kind === 'map' ? [node.key, node.value] : []
  return {
    kind: node.kind,
    name: node.name,
    eventPath: node.eventPath,
    def: node.def,
    rep: node.rep,
    leaf: node.kind === 'leaf' ? node : undefined,
    twin: node.kind === 'leaf' ? node.twin : undefined,
    columns: [...own.map(leaf => all[leaf.index]!), ...compiled.flatMap(child => child.columns)],
    children: compiled,
    last: NEVER,
  }
}

function forget(node: Node): void {
  node.last = NEVER
  for (const child of node.children) forget(child)
}

// ---- outside lists: one slot per row, nothing to do for what repeats ----

function writeStruct(children: readonly Node[], object: Obj, row: number): void {
  for (let at = 0; at < children.length; at++) {
    const child = children[at]!
    const value = child.twin === undefined ? object[child.name] : cellOf(child.name, child.twin, object)
    if (value === child.last) continue
    write(child, value, row)
    child.last = value
  }
}

function write(node: Node, value: unknown, row: number): void {
  if (node.kind === 'leaf') {
    const column = node.columns[0]!
    if (value === undefined || value === null) rowSlot(column, row, node.def - 1)
    else store(node.leaf!, column, rowSlot(column, row, node.def), value)
  } else if (node.kind === 'struct') {
    if (value === undefined || value === null) writeAbsent(node, row, node.def - 1)
    else if (isObject(value)) writeStruct(node.children, value, row)
    else throw new Misfit(node.eventPath, 'an object', value)
  } else {
    for (let at = 0; at < node.columns.length; at++) beginRow(node.columns[at]!, row)
    append(node, value, 0)
  }
}

function writeAbsent(node: Node, row: number, def: number): void {
  for (let at = 0; at < node.children.length; at++) {
    const child = node.children[at]!
    if (child.kind === 'leaf') rowSlot(child.columns[0]!, row, def)
    else if (child.kind === 'struct') writeAbsent(child, row, def)
    else {
      for (let c = 0; c < child.columns.length; c++) {
        beginRow(child.columns[c]!, row)
        addSlot(child.columns[c]!, 0, def)
      }
    }
    child.last = NEVER
  }
}

// ---- inside lists: slots are appended to the row begun ----

function append(node: Node, value: unknown, rep: number): void {
  if (value === undefined || value === null) {
    appendAbsent(node, rep, node.def - 1)
    return
  }
  switch (node.kind) {
    case 'leaf': {
      const column = node.columns[0]!
      store(node.leaf!, column, addSlot(column, rep, node.def), value)
      return
    }
    case 'struct':
      if (!isObject(value)) throw new Misfit(node.eventPath, 'an object', value)
      for (let at = 0; at < node.children.length; at++) {
        const child = node.children[at]!
        append(child, cellOf(child.name, child.twin, value), rep)
      }
      return
    case 'list': {
      if (!Array.isArray(value)) throw new Misfit(node.eventPath, 'a list', value)
      if (value.length === 0) appendAbsent(node, rep, node.def)
      const element = node.children[0]!
      for (let at = 0; at < value.length; at++) append(element, value[at], at === 0 ? rep : node.rep)
      return
    }
    case 'map':
      if (!isObject(value)) throw new Misfit(node.eventPath, 'an object', value)
      appendMap(node.columns[0]!, node.columns[1]!, node, value, rep)
  }
}

function appendAbsent(node: Node, rep: number, def: number): void {
  for (let at = 0; at < node.columns.length; at++) addSlot(node.columns[at]!, rep, def)
}
