/**
 * Mapped events straight into the columns of their full events. Captions, names, `*_dt` twins, profiles and observables
 * are written when the value they follow from changes, so neither they nor the full event are ever built.
 */
import type { MappedClass, MappedField, MappedObject } from '../ocsf/mapped.js'
import { appendMap, NEVER, store } from './cells.js'
import { addSlot, beginRow, type ColumnBuffer, rowSlot, setWord } from './column.js'
import { createObservables } from './mapped-observables.js'
import { compileSteps, forgetObject, hasAny, NO_SHAPE, type ObjectState, type Pair, type Step, shapeOf } from './mapped-steps.js'
import type { ParquetSchema } from './schema.js'
import { textNumber } from './text.js'
import { isObject } from './values.js'

type Obj = Readonly<Record<string, unknown>>

/** Writes rows of one class; the caller counts them and takes back the row of an event that did not pass. */
export interface MappedRows {
  /** Whether the event passed; if not, its row is half written. */
  write(event: Obj, row: number): boolean
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

  let fresh = true
  let lastActivity: unknown
  let lastProfiles = 0

  const writeConstants = (row: number): void => {
    for (const { column, value } of constants) {
      const slot = rowSlot(column, row, column.leaf.def)
      column.data[slot] = typeof value === 'number' ? value : textNumber(column.text!, value)
    }
  }

  const writeType = (row: number): boolean => {
    const type = spec.types.get(activity.last)
    if (type === undefined) return false
    const slot = rowSlot(typeUid, row, typeUid.leaf.def)
    typeUid.data[slot * 2] = type.uid
    typeUid.data[slot * 2 + 1] = 0
    setWord(typeName, rowSlot(typeName, row, typeName.leaf.def), textNumber(typeName.text!, type.name))
    lastActivity = activity.last
    return true
  }

  const writeProfiles = (row: number, declared: number): void => {
    beginRow(profilesColumn, row)
    if (declared === 0) addSlot(profilesColumn, 0, profilesList.def - 1)
    let rep = 0
    for (let bit = 0; bit < profileNumbers.length; bit++) {
      if ((declared & (1 << bit)) === 0) continue
      setWord(profilesColumn, addSlot(profilesColumn, rep, profilesColumn.leaf.def), profileNumbers[bit]!)
      rep = profilesList.rep
    }
    lastProfiles = declared
  }

  // ---- outside lists: only what changed is written ----

  const writeObject = (state: ObjectState, object: Obj, row: number): boolean => {
    let declared = 0
    let lacking = 0
    let have = 0
    let at = 0
    let { names, steps } = state.shape
    for (const name in object) {
      if (name !== names[at]) {
        if (!reshape(state, object, row)) return false
        names = state.shape.names
        steps = state.shape.steps
      }
      const step = steps[at++]
      const value = object[name]
      if (value === undefined) {
        if (step !== undefined && step.last !== undefined && !writeAbsent(step, object, row)) return false
        continue
      }
      if (step === undefined) return false
      if (value !== step.last && !writeValue(step, value, object, row)) return false
      if (step.last === undefined) continue // an object of nothing
      have |= step.flag
      declared |= step.profiles
      if (step.object === undefined) continue
      declared |= step.object.profiles
      lacking |= step.object.lacking
    }
    if (at !== names.length && !reshape(state, object, row)) return false
    state.profiles = declared
    state.lacking = lacking | lackingIn(state.mapped, have)
    return meets(state.mapped, have)
  }

  const reshape = (state: ObjectState, object: Obj, row: number): boolean => {
    state.shape = shapeOf(state, object)
    for (const step of state.shape.missing) if (step.last !== undefined && !writeAbsent(step, object, row)) return false
    return true
  }

  const writeAbsent = (step: Step, object: Obj, row: number): boolean => {
    if (step.mapped.derived) return true
    if (step.pair !== undefined) return writePair(step.pair, object, row)
    writeNothing(step, row, step.node.def - 1)
    step.last = undefined
    return true
  }

  /** Nothing here nor below, seen from the definition level of what is above. */
  const writeNothing = (step: Step, row: number, def: number): void => {
    const { node, columns } = step
    if (node.kind === 'leaf') {
      rowSlot(columns[0]!, row, def)
      if (step.twin !== undefined) rowSlot(step.twin, row, def)
    } else if (node.kind === 'struct') {
      for (const child of step.object!.steps) {
        writeNothing(child, row, def)
        child.last = NEVER
      }
      step.object!.shape = NO_SHAPE
    } else {
      for (const column of columns) {
        beginRow(column, row)
        addSlot(column, 0, def)
      }
    }
    if (step.watch !== undefined) seen.clear(step.watch)
    if (step.list !== undefined) seen.clearList(step.list)
  }

  const writeValue = (step: Step, value: unknown, object: Obj, row: number): boolean => {
    if (step.mapped.derived) return false
    if (step.pair !== undefined) return writePair(step.pair, object, row)
    const { node } = step
    if (node.kind === 'leaf') {
      if (!writeLeaf(step, value, row)) return false
    } else if (node.kind === 'struct') {
      if (!isObject(value) || !isUsable(step.mapped, value)) return false
      if (!hasAny(step.object!, value)) return step.last === undefined || writeAbsent(step, object, row)
      if (!writeObject(step.object!, value, row)) return false
    } else {
      for (const column of step.columns) beginRow(column, row)
      if (step.list !== undefined) seen.clearList(step.list)
      if (!appendValue(step, value, 0)) return false
    }
    step.last = value
    return true
  }

  const writeLeaf = (step: Step, value: unknown, row: number): boolean => {
    const column = step.columns[0]!
    const slot = rowSlot(column, row, column.leaf.def)
    if (!storeAccepted(step, column, slot, value)) return false
    if (step.twin !== undefined) copyWords(column, slot, step.twin, rowSlot(step.twin, row, column.leaf.def))
    if (step.watch !== undefined) seen.see(step.watch, column, slot, value)
    return true
  }

  const writePair = ({ id, text, captions }: Pair, object: Obj, row: number): boolean => {
    const value = object[id.name]
    const said = object[text.name]
    const caption = textBeside(captions, value, said)
    if (caption === null) return false
    if (value === undefined) writeNothing(id, row, id.node.def - 1)
    else if (!writeLeaf(id, value, row)) return false
    if (caption === undefined) writeNothing(text, row, text.node.def - 1)
    else if (said !== undefined) {
      if (!writeLeaf(text, said, row)) return false
    } else {
      const column = text.columns[0]!
      setWord(column, rowSlot(column, row, column.leaf.def), textNumber(column.text!, caption))
    }
    id.last = value
    text.last = said
    return true
  }

  // ---- inside lists: slots are appended to the row begun ----

  const appendValue = (step: Step, value: unknown, rep: number): boolean => {
    const { node, object, mapped } = step
    if (!isUsable(mapped, value)) return false
    if (object !== undefined) object.profiles = object.lacking = 0
    switch (node.kind) {
      case 'leaf':
        return appendLeaf(step, value, rep)
      case 'map':
        if (!isObject(value) || isEmpty(value)) return false
        appendMap(step.columns[0]!, step.columns[1]!, node, value, rep)
        return true
      case 'struct':
        return appendObject(object!, value, rep)
      case 'list':
        if (!Array.isArray(value) || value.length === 0) return false
        for (let at = 0; at < value.length; at++) {
          const level = at === 0 ? rep : node.rep
          if (node.element.kind === 'leaf' ? !appendLeaf(step, value[at], level) : object === undefined || !appendObject(object, value[at], level)) return false
        }
        return true
    }
  }

  const appendObject = (state: ObjectState, item: unknown, rep: number): boolean => {
    if (!isObject(item) || !hasAny(state, item)) return false
    let given = 0
    for (const name in item) if (item[name] !== undefined) given++
    let have = 0
    for (const step of state.steps) {
      const value = item[step.name]
      if (value !== undefined) given--
      if (step.mapped.derived) {
        if (value !== undefined) return false
        continue // written with its time
      }
      if (step.pair !== undefined) {
        if (step === step.pair.id && !appendPair(step.pair, item, rep)) return false
      } else if (value === undefined || (step.node.kind === 'struct' && isObject(value) && !hasAny(step.object!, value))) {
        appendNothing(step, rep)
        continue
      } else if (!appendValue(step, value, rep)) return false
      if (value === undefined) continue
      have |= step.flag
      state.profiles |= step.profiles | (step.object?.profiles ?? 0)
      state.lacking |= step.object?.lacking ?? 0
    }
    state.lacking |= lackingIn(state.mapped, have)
    return given === 0 && meets(state.mapped, have)
  }

  const appendNothing = (step: Step, rep: number): void => {
    for (const column of step.columns) addSlot(column, rep, step.node.def - 1)
    if (step.twin !== undefined) addSlot(step.twin, rep, step.node.def - 1)
  }

  const appendLeaf = (step: Step, value: unknown, rep: number): boolean => {
    const column = step.columns[0]!
    const slot = addSlot(column, rep, column.leaf.def)
    if (!storeAccepted(step, column, slot, value)) return false
    if (step.twin !== undefined) copyWords(column, slot, step.twin, addSlot(step.twin, rep, column.leaf.def))
    if (step.watch !== undefined) seen.see(step.watch, column, slot, value)
    return true
  }

  const appendPair = ({ id, text, captions }: Pair, object: Obj, rep: number): boolean => {
    const value = object[id.name]
    const said = object[text.name]
    const caption = textBeside(captions, value, said)
    if (caption === null) return false
    if (value === undefined) appendNothing(id, rep)
    else if (!appendLeaf(id, value, rep)) return false
    if (caption === undefined) appendNothing(text, rep)
    else if (said !== undefined) return appendLeaf(text, said, rep)
    else {
      const column = text.columns[0]!
      setWord(column, addSlot(column, rep, column.leaf.def), textNumber(column.text!, caption))
    }
    return true
  }

  return {
    write(event, row) {
      if (!writeObject(root, event, row) || (root.profiles & root.lacking) !== 0) return false
      if (fresh) writeConstants(row)
      if ((fresh || activity.last !== lastActivity) && !writeType(row)) return false
      if (fresh || root.profiles !== lastProfiles) writeProfiles(row, root.profiles)
      seen.write(row, fresh)
      fresh = false
      return true
    },
    forget() {
      fresh = true
      forgetObject(root)
    },
  }
}

/** Scalars are asked one by one. */
function isUsable({ field, accepts }: MappedField, value: unknown): boolean {
  return (field.kind !== 'object' && field.kind !== 'open') || accepts(value)
}

function isEmpty(value: Obj): boolean {
  for (const name in value) if (value[name] !== undefined) return false
  return true
}

function meets({ required, atLeastOne, justOne }: MappedObject, have: number): boolean {
  if ((have & required) !== required) return false
  for (const group of atLeastOne) if ((have & group) === 0) return false
  for (const group of justOne) {
    const some = have & group
    if (some === 0 || (some & (some - 1)) !== 0) return false
  }
  return true
}

function lackingIn({ byProfile }: MappedObject, have: number): number {
  let lacking = 0
  for (let at = 0; at < byProfile.length; at++) if ((have & byProfile[at]!.flag) === 0) lacking |= byProfile[at]!.profiles
  return lacking
}

/** The text that stands beside an id; `null` when the two do not fit. */
function textBeside(captions: ReadonlyMap<unknown, string>, id: unknown, said: unknown): string | undefined | null {
  if (id === undefined) return typeof said === 'string' || said === undefined ? said : null
  const caption = captions.get(id)
  if (id === 99) return typeof said === 'string' && said !== caption ? said : null
  return caption !== undefined && (said === undefined || said === caption) ? caption : null
}

const LONG_TEXT = 1024

/** Texts are tested when they are new to the column, other values each time. */
function storeAccepted(step: Step, column: ColumnBuffer, slot: number, value: unknown): boolean {
  const { leaf, text } = column
  if (leaf.holds !== 'string') {
    if (!step.mapped.accepts(value)) return false
    store(leaf, column, slot, value)
    return true
  }
  if (typeof value !== 'string') return false
  if (value.length > LONG_TEXT && !step.mapped.accepts(value)) return false // before its bytes are in the column
  const number = textNumber(text!, value)
  column.data[slot] = number
  if (step.accepted[number] === 1) return true
  if (!step.mapped.accepts(value)) return false
  if (text!.numbers === undefined) return true // texts do not come back under their number
  if (number >= step.accepted.length) {
    const grown = new Uint8Array(Math.max(64, number * 2))
    grown.set(step.accepted)
    step.accepted = grown
  }
  step.accepted[number] = 1
  return true
}

function copyWords(from: ColumnBuffer, slot: number, to: ColumnBuffer, toSlot: number): void {
  to.data[toSlot * 2] = from.data[slot * 2]!
  to.data[toSlot * 2 + 1] = from.data[slot * 2 + 1]!
}
