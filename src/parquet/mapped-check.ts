/**
 * Whether mapped events are valid as they are, asked attribute by attribute for a batch of them. Nothing is written
 * before that is known.
 */
import { isListAccepted } from './mapped-lists.js'
import { NOTHING } from './mapped-readers.js'
import { hasAny, isThere, lackingIn, meets, NONE, type Obj, type ObjectState, type Step, shapeOf } from './mapped-steps.js'
import { isObject } from './values.js'

/** What is known of the rows of a batch. */
export interface Rows {
  /** Of the batch, from 1. */
  batch: number
  /** How many, from the first on, pass as far as they were asked. */
  count: number
  /** Profiles that each declares, and those that require what it lacks; and what all of them do. */
  readonly declared: Int32Array
  readonly lacking: Int32Array
  allDeclared: number
  allLacking: number
}

/** Asks the objects of a state, and all that is below them. */
export function checkObjects(state: ObjectState, rows: Rows): void {
  state.entered = rows.batch
  state.allHave = state.allDeclared = 0
  state.differ = false
  checkNames(state, rows)
  const { steps } = state
  for (let at = 0; at < steps.length && rows.count > 0; at++) {
    const step = steps[at]!
    const { kind, pair } = step
    if (kind === 'struct') enter(step, step.object!, state, rows)
    else if (kind === 'derived') checkDerived(step, state, rows)
    else if (kind === 'beside')
      continue // read with its id
    else if (step.mentioned === rows.batch || pair?.text.mentioned === rows.batch) read(step, state, rows)
    else {
      readNothing(step, state, rows)
      if (pair !== undefined) readNothing(pair.text, state, rows)
      continue
    }
    note(step, state, rows)
    if (pair !== undefined) note(pair.text, state, rows)
  }
  judge(state, rows)
}

/** The row at `row` does not pass, nor what follows it. */
export function refuse(rows: Rows, row: number): void {
  if (row < rows.count) rows.count = row
}

/** Which attributes the objects mention; all must be known. */
function checkNames(state: ObjectState, rows: Rows): void {
  const { objects } = state
  const { batch } = rows
  let before = NONE
  for (let k = 0; k < rows.count; k++) {
    const object = objects[k]!
    if (object === before || object === NONE) continue
    before = object
    if (!hasNames(object, state.shape.names)) state.shape = shapeOf(state, object)
    const { shape } = state
    if (shape.met !== batch) {
      shape.met = batch
      for (let at = 0; at < shape.steps.length; at++) shape.steps[at]!.mentioned = batch
    }
    for (let at = 0; at < shape.others.length; at++) if (object[shape.others[at]!] !== undefined) refuse(rows, k)
  }
}

function hasNames(object: Obj, names: readonly string[]): boolean {
  let at = 0
  for (const name in object) {
    if (at === names.length || name !== names[at]) return false
    at++
  }
  return at === names.length
}

/** The objects of an attribute; one of nothing counts as none. */
function enter(step: Step, child: ObjectState, above: ObjectState, rows: Rows): void {
  const { objects, levels, def } = child
  if (step.mentioned !== rows.batch && step.last === undefined && above.levelChanged === -1) {
    child.nulls = step.seen = rows.count
    return
  }
  step.loop!.gather!(above.objects, rows.count, objects as unknown[], step) // made objects or `NONE` below
  step.seen = rows.count
  if (step.changed === -1 && (child.lastLevel === def || above.levelChanged === -1)) {
    child.nulls = child.lastLevel === def ? 0 : rows.count
    keep(child, rows)
    return
  }
  const usable = step.accepts(NONE) // the same for all objects; what is in them is asked below
  let before: unknown
  let kept = NONE
  let level = child.lastLevel
  child.levelChanged = -1
  child.nulls = 0
  for (let k = 0; k < rows.count; k++) {
    const value: unknown = objects[k]
    if (value !== before) {
      before = value
      kept = NONE
      if (value !== undefined) {
        if (!usable || !isObject(value)) refuse(rows, k)
        else if (hasAny(child, value)) kept = value
      }
    }
    objects[k] = kept
    if (kept === NONE) child.nulls++
    const own = kept === NONE ? above.levels[k]! : def
    levels[k] = own
    if (own !== level) {
      level = own
      child.levelChanged = k
    }
  }
  checkObjects(child, rows)
}

/** All rows have the objects of the row written last. */
function keep(state: ObjectState, rows: Rows): void {
  if (state.lastLevel !== state.def) return
  rows.allDeclared |= state.lastDeclared
  rows.allLacking |= state.lastLacking
  for (let at = 0; at < state.steps.length; at++) if (state.steps[at]!.kind === 'struct') keep(state.steps[at]!.object!, rows)
}

function checkDerived(step: Step, { objects }: ObjectState, rows: Rows): void {
  if (step.mentioned !== rows.batch) return
  for (let k = 0; k < rows.count; k++) if (objects[k]![step.name] !== undefined) refuse(rows, k)
}

function read(step: Step, state: ObjectState, rows: Rows): void {
  const { objects } = state
  const { count } = rows
  step.seen = count
  if (step.pair !== undefined) {
    step.pair.text.seen = count
    refuse(rows, step.loop!.pairs!(objects, count, step.pair))
  } else if (step.loop!.read !== undefined) refuse(rows, step.loop!.read(objects, count, step))
  else {
    step.loop!.gather!(objects, count, step.values, step)
    if (step.kind === 'list') checkLists(step, state, rows)
    else checkOthers(step, rows)
  }
}

function checkOthers({ values, accepts, last }: Step, rows: Rows): void {
  let before = last
  for (let k = 0; k < rows.count; k++) {
    const value = values[k]
    if (value === undefined || value === before) continue
    before = value
    if (!accepts(value)) refuse(rows, k)
  }
}

function checkLists(step: Step, state: ObjectState, rows: Rows): void {
  const { values, object } = step
  if (step.nulls === step.seen) return
  let before: unknown
  for (let k = 0; k < rows.count; k++) {
    const value = values[k]
    if (value === undefined) continue
    if (value !== before && !isListAccepted(step, value)) refuse(rows, k)
    before = value
    if (object === undefined || (object.listDeclared | object.listLacking) === 0) continue
    differ(state)
    state.declared[k]! |= object.listDeclared
    state.lacking[k]! |= object.listLacking
  }
}

/** No object has a value. */
function readNothing(step: Step, { levelChanged }: ObjectState, { count }: Rows): void {
  step.seen = step.nulls = count
  step.changed = step.last === undefined && step.word === NOTHING ? -1 : 0
  step.end = undefined
  if (step.changed === -1 && levelChanged === -1) return // nothing will be written
  if (step.kind === 'list' || step.kind === 'other') step.values.fill(undefined, 0, count)
  else {
    step.words.fill(NOTHING, 0, count * step.columns[0]!.words)
    step.there.fill(0, 0, count)
  }
}

function differ(state: ObjectState): void {
  if (state.differ) return
  state.differ = true
  state.have.fill(0)
  state.declared.fill(0)
  state.lacking.fill(0)
}

/** Notes which objects have a value, where something depends on it. */
function note(step: Step, state: ObjectState, rows: Rows): void {
  const { flag, profiles, kind, object } = step
  if ((flag | profiles) === 0) return
  const nulls = kind === 'struct' ? object!.nulls : kind === 'beside' ? -1 : step.nulls
  if (nulls === 0) {
    state.allHave |= flag
    state.allDeclared |= profiles
    return
  }
  if (nulls === step.seen) return
  differ(state)
  for (let k = 0; k < rows.count; k++) {
    if (!isThere(step, state.objects, k)) continue
    state.have[k]! |= flag
    state.declared[k]! |= profiles
  }
}

/** Whether each object has what it must; rows gather what it declares and lacks. */
function judge(state: ObjectState, rows: Rows): void {
  const { mapped, objects, have, declared, lacking, differ, allHave, allDeclared } = state
  if (!differ && state.nulls === 0) {
    if (!meets(mapped, allHave)) refuse(rows, 0)
    rows.allDeclared |= allDeclared
    rows.allLacking |= lackingIn(mapped, allHave)
    return
  }
  if (!state.judged && !differ) return
  // objects mostly have what the one before has
  let before = -1
  let fits = false
  let lacksOwn = 0
  for (let k = 0; k < rows.count; k++) {
    if (objects[k] === NONE) continue
    const own = differ ? allHave | have[k]! : allHave
    if (own !== before) {
      before = own
      fits = meets(mapped, own)
      lacksOwn = lackingIn(mapped, own)
    }
    if (!fits) refuse(rows, k)
    if (differ) {
      rows.declared[k]! |= declared[k]! | allDeclared
      rows.lacking[k]! |= lacking[k]! | lacksOwn
    } else rows.lacking[k]! |= lacksOwn
  }
}

/** Keeps what the row written last declares and lacks, and where its object stands. */
export function keepLast(state: ObjectState, row: number): void {
  const { mapped, differ, allHave, allDeclared } = state
  state.lastLevel = state.levels[row]!
  state.lastDeclared = differ ? allDeclared | state.declared[row]! : allDeclared
  state.lastLacking = lackingIn(mapped, differ ? allHave | state.have[row]! : allHave) | (differ ? state.lacking[row]! : 0)
}
