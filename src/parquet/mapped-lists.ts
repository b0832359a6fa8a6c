/** Lists and maps of mapped events, and the objects in lists: asked value by value, then appended to the row begun. */
import { appendMap, store } from './cells.js'
import { addSlot, type ColumnBuffer, setWord } from './column.js'
import { noteListed } from './mapped-observables.js'
import { hasAny, lackingIn, meets, type Obj, type ObjectState, type Pair, type Step, textBeside } from './mapped-steps.js'
import { textNumber } from './text.js'
import { isObject } from './values.js'

// ---- asking ----

/** Whether a list or map may stay as it is; what its objects declare and lack is then in their state. */
export function isListAccepted(step: Step, value: unknown): boolean {
  const { node, object, mapped } = step
  if (object !== undefined) object.listDeclared = object.listLacking = 0
  if (mapped.field.kind === 'object' || mapped.field.kind === 'open') {
    if (!mapped.accepts(value)) return false // scalars are asked one by one
  }
  switch (node.kind) {
    case 'leaf':
      return mapped.accepts(value)
    case 'map':
      return isObject(value) && !isEmpty(value)
    case 'struct':
      return isObjectAccepted(object!, value)
    case 'list':
      if (!Array.isArray(value) || value.length === 0) return false
      for (let at = 0; at < value.length; at++) {
        if (node.element.kind === 'leaf' ? !mapped.accepts(value[at]) : object === undefined || !isObjectAccepted(object, value[at])) return false
      }
      return true
  }
}

function isObjectAccepted(state: ObjectState, item: unknown): boolean {
  if (!isObject(item)) return false
  let given = 0
  for (const name in item) if (item[name] !== undefined) given++
  let some = false
  let have = 0
  for (const step of state.steps) {
    const value = item[step.name]
    if (value !== undefined) given--
    if (step.mapped.derived) {
      if (value !== undefined) return false
      continue
    }
    if (step.pair !== undefined) {
      if (step === step.pair.id && !isPairAccepted(step.pair, item)) return false
    } else if (value !== undefined && !isListAccepted(step, value)) {
      if (isNothing(step, value)) continue
      return false
    }
    if (value === undefined) continue
    some = true
    have |= step.flag
    state.listDeclared |= step.profiles | (step.object?.listDeclared ?? 0)
    state.listLacking |= step.object?.listLacking ?? 0
  }
  state.listLacking |= lackingIn(state.mapped, have)
  return some && given === 0 && meets(state.mapped, have)
}

function isPairAccepted({ id, text, captions }: Pair, object: Obj): boolean {
  const value = object[id.name]
  const said = object[text.name]
  if (textBeside(captions, value, said) === null) return false
  return (value === undefined || id.mapped.accepts(value)) && (said === undefined || text.mapped.accepts(said))
}

function isEmpty(value: Obj): boolean {
  for (const name in value) if (value[name] !== undefined) return false
  return true
}

/** An object of nothing counts as none. */
function isNothing(step: Step, value: unknown): boolean {
  return value === undefined || (step.node.kind === 'struct' && isObject(value) && !hasAny(step.object!, value))
}

// ---- appending what was accepted ----

/** Appends a value to the row that its columns have begun. */
export function appendValue(step: Step, value: unknown, rep: number): void {
  const { node, object } = step
  if (node.kind === 'leaf') appendLeaf(step, value, rep)
  else if (node.kind === 'map')
    appendMap(step.columns[0]!, step.columns[1]!, node, value as Obj, rep) // accepted, as all below
  else if (node.kind === 'struct') appendObject(object!, value as Obj, rep)
  else {
    const items = value as readonly unknown[]
    for (let at = 0; at < items.length; at++) {
      const level = at === 0 ? rep : node.rep
      if (node.element.kind === 'leaf') appendLeaf(step, items[at], level)
      else appendObject(object!, items[at] as Obj, level)
    }
  }
}

function appendObject(state: ObjectState, item: Obj, rep: number): void {
  for (const step of state.steps) {
    const value = item[step.name]
    if (step.mapped.derived) continue // written with its time
    if (step.pair !== undefined) {
      if (step === step.pair.id) appendPair(step.pair, item, rep)
    } else if (isNothing(step, value)) appendNothing(step, rep)
    else appendValue(step, value, rep)
  }
}

function appendNothing(step: Step, rep: number): void {
  for (const column of step.columns) addSlot(column, rep, step.node.def - 1)
  if (step.twin !== undefined) addSlot(step.twin, rep, step.node.def - 1)
}

function appendLeaf(step: Step, value: unknown, rep: number): void {
  const column = step.columns[0]!
  const slot = addSlot(column, rep, column.leaf.def)
  store(column.leaf, column, slot, value)
  if (step.twin !== undefined) copyWords(column, slot, step.twin, addSlot(step.twin, rep, column.leaf.def))
  if (step.watch !== undefined) noteListed(step.watch, value)
}

function appendPair({ id, text, captions }: Pair, object: Obj, rep: number): void {
  const value = object[id.name]
  const said = object[text.name]
  if (value === undefined) appendNothing(id, rep)
  else appendLeaf(id, value, rep)
  const beside = textBeside(captions, value, said)
  if (typeof beside !== 'string') appendNothing(text, rep)
  else if (said !== undefined) appendLeaf(text, said, rep)
  else {
    const column = text.columns[0]!
    setWord(column, addSlot(column, rep, column.leaf.def), textNumber(column, beside))
  }
}

function copyWords(from: ColumnBuffer, slot: number, to: ColumnBuffer, toSlot: number): void {
  to.data[toSlot * 2] = from.data[slot * 2]!
  to.data[toSlot * 2 + 1] = from.data[slot * 2 + 1]!
}
