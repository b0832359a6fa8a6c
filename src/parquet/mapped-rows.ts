/**
 * Mapped events straight into the columns of their full events, a batch at a time and column by column. Captions, names,
 * `*_dt` twins, profiles and observables are written from what they follow from, so neither they nor the full event are
 * ever built. Only what differs from the row before is written.
 */
import type { MappedClass } from '../ocsf/mapped.js'
import { store, storeInt64 } from './cells.js'
import { addSlot, beginRow, type ColumnBuffer, rowSlot, setWord } from './column.js'
import { checkObjects, markAccepted, type Rows, refuse } from './mapped-check.js'
import { appendValue } from './mapped-lists.js'
import { createObservables } from './mapped-observables.js'
import { BATCH_ROWS, compileSteps, forgetObject, makeRoom, type Obj, type ObjectState, type Step } from './mapped-steps.js'
import type { ParquetSchema } from './schema.js'
import { textNumber } from './text.js'

/** Writes rows of one class; the caller counts them. */
export interface MappedRows {
  /** How many of the events `[from, to)`, from the first on, are valid as they are; at most `BATCH_ROWS` are asked. */
  check(events: readonly Obj[], from: number, to: number): number
  /** Writes the first `count` events that were asked last, from `row` on. */
  write(row: number, count: number): void
  /** Others wrote to the columns: nothing may be taken for written any more. */
  forget(): void
}

/**
 * Compiles the rows of a class into the columns of its schema; `undefined` when the two do not fit.
 *
 * @param observables whether to fill `observables`
 */
export function mappedRows(spec: MappedClass, schema: ParquetSchema, all: readonly ColumnBuffer[], observables: boolean): MappedRows | undefined {
  const seen = createObservables(schema, all, observables)
  const root = compileSteps(spec, schema, all, seen)

  const columnAt = (path: string): ColumnBuffer | undefined => all.find(column => column.leaf.eventPath === path)
  const constants: { column: ColumnBuffer; value: string | number }[] = []
  for (const [path, value] of spec.constants) {
    const column = columnAt(path)
    if (column !== undefined) constants.push({ column, value })
  }
  const typeUid = columnAt('type_uid')
  const typeName = columnAt('type_name')
  const activity = root.byName.get('activity_id')
  const profiles = root.byName.get('metadata')?.object?.byName.get('profiles')
  if (typeUid === undefined || typeName === undefined || activity === undefined || profiles?.node.kind !== 'list') return undefined
  const profilesList = profiles.node
  const profilesColumn = profiles.columns[0]!
  const profileNumbers = spec.profiles.map(name => textNumber(profilesColumn.text!, name))

  const rows: Rows = { count: 0, declared: new Int32Array(BATCH_ROWS), lacking: new Int32Array(BATCH_ROWS) }
  let fresh = true
  let lastActivity: unknown
  let lastProfiles = 0

  const writeConstants = (row: number): void => {
    for (const { column, value } of constants) {
      const slot = rowSlot(column, row, column.leaf.def)
      column.data[slot] = typeof value === 'number' ? value : textNumber(column.text!, value)
    }
  }

  const writeTypes = (base: number, count: number): void => {
    for (let at = 0; at < count; at++) {
      const value = activity.values[at]
      if (value === lastActivity && !(fresh && at === 0)) continue
      const type = spec.types.get(value)!
      const slot = rowSlot(typeUid, base + at, typeUid.leaf.def)
      storeInt64(typeUid.data, slot * 2, type.uid)
      setWord(typeName, rowSlot(typeName, base + at, typeName.leaf.def), textNumber(typeName.text!, type.name))
      lastActivity = value
    }
  }

  const writeProfiles = (base: number, count: number): void => {
    for (let at = 0; at < count; at++) {
      const declared = rows.declared[at]!
      if (declared === lastProfiles && !(fresh && at === 0)) continue
      beginRow(profilesColumn, base + at)
      if (declared === 0) addSlot(profilesColumn, 0, profilesList.def - 1)
      let rep = 0
      for (let bit = 0; bit < profileNumbers.length; bit++) {
        if ((declared & (1 << bit)) === 0) continue
        setWord(profilesColumn, addSlot(profilesColumn, rep, profilesColumn.leaf.def), profileNumbers[bit]!)
        rep = profilesList.rep
      }
      lastProfiles = declared
    }
  }

  return {
    check(events, from, to) {
      const count = Math.min(to - from, BATCH_ROWS)
      makeRoom(root, count)
      rows.count = root.count = count
      rows.declared.fill(0, 0, count)
      rows.lacking.fill(0, 0, count)
      for (let at = 0; at < count; at++) {
        root.objects[at] = events[from + at]
        root.starts[at] = at
      }
      root.levels.fill(0, 0, count)
      checkObjects(root, rows)
      for (let at = 0; at < rows.count; at++) {
        const value = activity.values[at]
        const known = at > 0 && value === activity.values[at - 1]
        if ((rows.declared[at]! & rows.lacking[at]!) !== 0 || (!known && !spec.types.has(value))) refuse(rows, at)
      }
      return rows.count
    },
    write(row, count) {
      writeObjects(root, row, count)
      if (fresh) writeConstants(row)
      writeTypes(row, count)
      writeProfiles(row, count)
      seen.write(row, count, fresh)
      fresh = false
    },
    forget() {
      fresh = true
      forgetObject(root)
    },
  }
}

/** Writes the objects of a state that begin in the first `rows` rows of the batch, which stands at `base`. */
function writeObjects(state: ObjectState, base: number, rows: number): void {
  let count = state.count
  while (count > 0 && state.starts[count - 1]! >= rows) count--
  for (let at = 0; at < state.steps.length; at++) {
    const step = state.steps[at]!
    const { node, pair } = step
    if (step.mapped.derived) continue
    if (node.kind === 'struct') writeObjects(step.object!, base, rows)
    else if (node.kind !== 'leaf') writeLists(step, state, base, count)
    else if (node.holds === 'string') writeTexts(step, step === pair?.text ? pair.texts : step.values, step === pair?.text, state, base, count)
    else if (node.holds === 'integer') writeIntegers(step, state, base, count)
    else if (node.holds === 'long' || node.holds === 'timestamp') writeLongs(step, state, base, count)
    else writeOthers(step, state, base, count)
  }
}

// In all of these a value that is the one of the row before is not written again: columns repeat by themselves.

function writeTexts(step: Step, values: readonly unknown[], derived: boolean, { starts, levels }: ObjectState, base: number, count: number): void {
  const column = step.columns[0]!
  const { codes } = step
  const text = column.text!
  const { def } = column.leaf
  let { last, level } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === last && (value !== undefined || level === levels[k])) continue
    last = value
    if (value === undefined) {
      level = levels[k]!
      rowSlot(column, base + starts[k]!, level)
      continue
    }
    let number = derived || text.numbers === undefined ? -1 : codes[k]!
    if (number === -1) {
      number = textNumber(text, value as string) // accepted, as all that is written
      if (!derived && text.numbers !== undefined) markAccepted(step, number)
    } else {
      text.asked++
      text.last = value as string
      text.lastNumber = number
    }
    const slot = rowSlot(column, base + starts[k]!, def)
    column.data[slot] = number
  }
  step.last = last
  step.level = level
}

function writeIntegers(step: Step, { starts, levels }: ObjectState, base: number, count: number): void {
  const { values } = step
  const column = step.columns[0]!
  const { def } = column.leaf
  let { last, level } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === last && (value !== undefined || level === levels[k])) continue
    last = value
    if (value === undefined) {
      level = levels[k]!
      rowSlot(column, base + starts[k]!, level)
      continue
    }
    const slot = rowSlot(column, base + starts[k]!, def)
    column.data[slot] = value as number
  }
  step.last = last
  step.level = level
}

function writeLongs(step: Step, { starts, levels }: ObjectState, base: number, count: number): void {
  const { values, twin } = step
  const column = step.columns[0]!
  const { def } = column.leaf
  let { last, level } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === last && (value !== undefined || level === levels[k])) continue
    last = value
    const row = base + starts[k]!
    if (value === undefined) {
      level = levels[k]!
      rowSlot(column, row, level)
      if (twin !== undefined) rowSlot(twin, row, level)
      continue
    }
    const slot = rowSlot(column, row, def)
    storeInt64(column.data, slot * 2, value as number)
    if (twin === undefined) continue
    const twinSlot = rowSlot(twin, row, def)
    storeInt64(twin.data, twinSlot * 2, value as number)
  }
  step.last = last
  step.level = level
}

function writeOthers(step: Step, { starts, levels }: ObjectState, base: number, count: number): void {
  const { values } = step
  const column = step.columns[0]!
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === step.last && (value !== undefined || step.level === levels[k])) continue
    step.last = value
    if (value === undefined) {
      step.level = levels[k]!
      rowSlot(column, base + starts[k]!, step.level)
    } else store(column.leaf, column, rowSlot(column, base + starts[k]!, column.leaf.def), value)
  }
}

function writeLists(step: Step, { starts, levels }: ObjectState, base: number, count: number): void {
  const { values, columns, list } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value !== step.last || (value === undefined && step.level !== levels[k])) {
      step.last = value
      for (const column of columns) beginRow(column, base + starts[k]!)
      if (list !== undefined) list.found = []
      if (value === undefined) {
        step.level = levels[k]!
        for (const column of columns) addSlot(column, 0, step.level)
      } else appendValue(step, value, 0)
    }
    if (list !== undefined) list.all[k] = list.found
  }
}
