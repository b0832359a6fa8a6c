/**
 * Mapped events straight into the columns of their full events, a batch at a time and column by column. Captions, names,
 * `*_dt` twins, profiles and observables are written from what they follow from, so neither they nor the full event are
 * ever built. Only what differs from the row before is written.
 */
import type { MappedClass } from '../ocsf/mapped.js'
import { store, storeInt64 } from './cells.js'
import { addSlot, beginRow, type ColumnBuffer, placeRows, rowSlot, setWord } from './column.js'
import { checkObjects, keepLast, type Rows, refuse } from './mapped-check.js'
import { appendValue } from './mapped-lists.js'
import { createObservables, type Observables, writeObservables } from './mapped-observables.js'
import { PENDING } from './mapped-readers.js'
import { ACCEPTED, BATCH_ROWS, compileSteps, forgetObject, makeRoom, type Obj, type ObjectState, type Step, textBeside } from './mapped-steps.js'
import type { List, ParquetSchema } from './schema.js'
import { noteKnown, textNumber } from './text.js'

/** The rows of a class on their way into the columns of a file; the caller counts them. */
export interface MappedRows {
  readonly spec: MappedClass
  readonly root: ObjectState
  readonly seen: Observables
  readonly rows: Rows
  /** Columns that hold the same in every row. */
  readonly constants: readonly { readonly column: ColumnBuffer; readonly value: string | number }[]
  readonly activity: Step
  readonly typeUid: ColumnBuffer
  readonly typeName: ColumnBuffer
  readonly profilesList: List
  readonly profiles: ColumnBuffer
  /** Of the names of the profiles, in the order of their bits. */
  readonly profileNumbers: readonly number[]
  /** Nothing in the columns is known. */
  fresh: boolean
  lastActivity: number
  lastProfiles: number
}

/**
 * Compiles the rows of a class into the columns of its schema; `undefined` when the two do not fit.
 *
 * @param observables whether to fill `observables`
 */
export function mappedRows(spec: MappedClass, schema: ParquetSchema, all: readonly ColumnBuffer[], observables: boolean): MappedRows | undefined {
  const seen = createObservables(schema, all, observables)
  const root = stepsUnlessForbidden(spec, schema, all, seen)
  if (root === undefined) return undefined
  const columnAt = (path: string): ColumnBuffer | undefined => all.find(column => column.leaf.eventPath === path)
  const typeUid = columnAt('type_uid')
  const typeName = columnAt('type_name')
  const activity = root.byName.get('activity_id')
  const step = root.byName.get('metadata')?.object?.byName.get('profiles')
  if (typeUid === undefined || typeName === undefined || activity === undefined || step?.node.kind !== 'list') return undefined
  const profiles = step.columns[0]!
  return {
    spec,
    root,
    seen,
    rows: {
      batch: 0,
      count: 0,
      declared: new Int32Array(BATCH_ROWS),
      lacking: new Int32Array(BATCH_ROWS),
      allDeclared: 0,
      allLacking: 0,
    },
    constants: [...spec.constants].flatMap(([path, value]) => {
      const column = columnAt(path)
      return column === undefined ? [] : [{ column, value }]
    }),
    activity,
    typeUid,
    typeName,
    profilesList: step.node,
    profiles,
    profileNumbers: spec.profiles.map(name => textNumber(profiles, name)),
    fresh: true,
    lastActivity: 0,
    lastProfiles: 0,
  }
}

/** How many of the events `[from, to)`, from the first on, are valid as they are; at most `BATCH_ROWS` are asked. */
export function checkRows({ spec, root, rows, activity }: MappedRows, events: readonly Obj[], from: number, to: number): number {
  const count = Math.min(to - from, BATCH_ROWS)
  makeRoom(root, count)
  rows.batch++
  rows.count = count
  rows.declared.fill(0, 0, count)
  rows.lacking.fill(0, 0, count)
  rows.allDeclared = rows.allLacking = 0
  for (let at = 0; at < count; at++) root.objects[at] = events[from + at]!
  root.levels.fill(0, 0, count)
  root.levelChanged = root.lastLevel === 0 ? -1 : 0
  checkObjects(root, rows)
  for (let at = 0; at < rows.count; at++) {
    const known = at > 0 && activity.words[at] === activity.words[at - 1]
    const declared = rows.declared[at]! | rows.allDeclared
    const lacking = rows.lacking[at]! | rows.allLacking
    if ((declared & lacking) !== 0 || (!known && !(activity.there[at] === 1 && spec.types.has(activity.words[at])))) refuse(rows, at)
  }
  return rows.count
}

/** Writes the first `count` events that were asked last, from `row` on. */
export function writeRows(writing: MappedRows, row: number, count: number): void {
  const { root, rows, seen, fresh } = writing
  writeObjects(root, row, count, rows.batch)
  if (fresh) writeConstants(writing, row)
  writeTypes(writing, row, count)
  writeProfiles(writing, row, count)
  writeObservables(seen, row, count, fresh, rows.batch)
  writing.fresh = false
}

/** Others wrote to the columns: nothing may be taken for written any more. */
export function forgetRows(writing: MappedRows): void {
  writing.fresh = true
  forgetObject(writing.root)
}

function writeConstants({ constants }: MappedRows, row: number): void {
  for (const { column, value } of constants) {
    const slot = rowSlot(column, row, column.leaf.def)
    column.data[slot] = typeof value === 'number' ? value : textNumber(column, value)
  }
}

function writeTypes(writing: MappedRows, base: number, count: number): void {
  const { spec, activity, typeUid, typeName, fresh } = writing
  const { words } = activity
  let last = fresh ? NaN : writing.lastActivity
  for (let at = 0; at < count; at++) {
    const value = words[at]!
    if (value === last) continue
    last = value
    const type = spec.types.get(value)!
    const slot = rowSlot(typeUid, base + at, typeUid.leaf.def)
    storeInt64(typeUid.data, slot * 2, type.uid)
    setWord(typeName, rowSlot(typeName, base + at, typeName.leaf.def), textNumber(typeName, type.name))
  }
  writing.lastActivity = last
}

function writeProfiles(writing: MappedRows, base: number, count: number): void {
  const { rows, profiles, profilesList, profileNumbers } = writing
  const { allDeclared } = rows
  let last = writing.fresh ? NaN : writing.lastProfiles
  for (let at = 0; at < count; at++) {
    const declared = rows.declared[at]! | allDeclared
    if (declared === last) continue
    last = declared
    beginRow(profiles, base + at)
    if (declared === 0) addSlot(profiles, 0, profilesList.def - 1)
    let rep = 0
    for (let bit = 0; bit < profileNumbers.length; bit++) {
      if ((declared & (1 << bit)) === 0) continue
      setWord(profiles, addSlot(profiles, rep, profiles.leaf.def), profileNumbers[bit]!)
      rep = profilesList.rep
    }
  }
  writing.lastProfiles = last
}

/** Where a content security policy forbids generated code, events go the whole way. */
function stepsUnlessForbidden(...given: Parameters<typeof compileSteps>): ObjectState | undefined {
  try {
    return compileSteps(...given)
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}

/** Writes the first `count` rows of a batch, of which the first stands at `base`: only what differs from the row before. */
function writeObjects(state: ObjectState, base: number, count: number, batch: number): void {
  if (state.entered !== batch) return
  for (let at = 0; at < state.steps.length; at++) {
    const step = state.steps[at]!
    const { kind } = step
    if (kind === 'derived') continue
    if (kind === 'struct') {
      writeObjects(step.object!, base, count, batch)
      step.last = state.objects[count - 1]![step.name]
      continue
    }
    if (step.nulls > 0 && state.levelChanged > step.changed) step.changed = state.levelChanged
    const differing = Math.min(step.changed + 1, count)
    if (kind === 'list') writeLists(step, state, base, differing, count)
    if (differing === 0) continue
    if (kind === 'other') writeOthers(step, state, base, differing)
    else if (kind !== 'list') writeWords(step, state, base, differing)
    step.last = count === step.seen ? step.end : state.objects[count - 1]![step.name]
  }
  keepLast(state, count - 1)
}

function writeWords(step: Step, { objects, levels }: ObjectState, base: number, count: number): void {
  const { words, there, nulls, twin } = step
  const column = step.columns[0]!
  if (column.text !== undefined) {
    numberTexts(step, objects, base, count)
    step.word = words[count - 1]!
  }
  placeRows(column, base, count, words, nulls === 0 ? undefined : there, levels)
  if (twin !== undefined) placeRows(twin, base, count, words, nulls === 0 ? undefined : there, levels)
}

/** Gives the texts that have none a number. */
function numberTexts(step: Step, objects: readonly Obj[], base: number, count: number): void {
  const { words, pair } = step
  const column = step.columns[0]!
  const use = column.use!
  for (let k = 0; k < count; k++) {
    if (words[k] !== PENDING) continue
    const value = objects[k]![step.name]
    const text = pair === undefined ? value : textBeside(pair.captions, objects[k]![pair.id.name], value)
    use.asked = base + k
    const number = textNumber(column, text as string) // accepted, as all that is written
    if (pair === undefined) noteKnown(use, number, ACCEPTED)
    words[k] = number
  }
}

function writeOthers(step: Step, { levels }: ObjectState, base: number, count: number): void {
  const { values } = step
  const column = step.columns[0]!
  let { last } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === last && value !== undefined) continue
    last = value
    if (value === undefined) rowSlot(column, base + k, levels[k]!)
    else store(column.leaf, column, rowSlot(column, base + k, column.leaf.def), value)
  }
}

function writeLists(step: Step, { levels }: ObjectState, base: number, differing: number, count: number): void {
  const { values, columns, list } = step
  let { last, lastLevel } = step
  for (let k = 0; k < differing; k++) {
    const value = values[k]
    if (value !== last || (value === undefined && lastLevel !== levels[k])) {
      last = value
      for (const column of columns) beginRow(column, base + k)
      if (list !== undefined) list.found = []
      if (value === undefined) {
        lastLevel = levels[k]!
        for (const column of columns) addSlot(column, 0, lastLevel)
      } else appendValue(step, value, 0)
    }
    if (list !== undefined) list.all[k] = list.found
  }
  step.lastLevel = lastLevel
  if (list !== undefined) for (let k = differing; k < count; k++) list.all[k] = list.found
}
