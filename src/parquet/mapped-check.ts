/**
 * Whether mapped events are valid as they are, asked attribute by attribute for a batch of them. Nothing is written
 * before that is known.
 */
import type { ColumnBuffer } from './column.js'
import { isListAccepted } from './mapped-lists.js'
import { hasAny, lackingIn, meets, type Obj, type ObjectState, type Pair, type Step, shapeOf, textBeside } from './mapped-steps.js'
import { isObject } from './values.js'

/** What is known of the rows of a batch. */
export interface Rows {
  /** How many, from the first on, pass as far as they were asked. */
  count: number
  /** Profiles that each declares, and those that require what it lacks. */
  readonly declared: Int32Array
  readonly lacking: Int32Array
}

/** Asks the objects of a state, and all that is below them. */
export function checkObjects(state: ObjectState, rows: Rows): void {
  const { mapped, count, starts, objects, have, declared, lacking, steps } = state
  collect(state, rows)
  have.fill(0, 0, count)
  declared.fill(0, 0, count)
  lacking.fill(0, 0, count)
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]!
    const { node, values, flag, profiles } = step
    if (step.absent && node.kind !== 'struct' && (step.pair === undefined || step.pair.id.absent)) {
      if (step.pair?.id === step) checkPair(step.pair, state, rows)
      continue
    }
    if (step.mapped.derived) {
      for (let k = 0; k < count; k++) if (values[k] !== undefined) refuse(rows, starts[k]!)
      continue
    }
    if (node.kind === 'struct') {
      enter(step, step.object!, state, rows)
      checkObjects(step.object!, rows)
    } else if (node.kind !== 'leaf') checkLists(step, state, rows)
    else if (step.pair === undefined) {
      const column = step.columns[0]!
      if (column.leaf.holds === 'string') checkTexts(step, column, state, rows)
      else checkOthers(step, state, rows)
    } else if (step === step.pair.id) checkPair(step.pair, state, rows)
    if ((flag | profiles) === 0) continue
    for (let k = 0; k < count; k++) {
      if (values[k] === undefined) continue
      have[k] = have[k]! | flag
      declared[k] = declared[k]! | profiles
    }
  }
  // objects mostly have what the one before has
  let before = -1
  let fits = false
  let lacksOwn = 0
  for (let k = 0; k < count; k++) {
    if (objects[k] === undefined) continue
    if (have[k] !== before) {
      before = have[k]!
      fits = meets(mapped, before)
      lacksOwn = lackingIn(mapped, before)
    }
    if (!fits) refuse(rows, starts[k]!)
    const lacks = lacking[k]! | lacksOwn
    const declares = declared[k]!
    if ((declares | lacks) === 0) continue
    const end = k + 1 < count ? starts[k + 1]! : rows.count
    for (let row = starts[k]!; row < end; row++) {
      rows.declared[row] = rows.declared[row]! | declares
      rows.lacking[row] = rows.lacking[row]! | lacks
    }
  }
}

/** The row at `row` does not pass, nor what follows it. */
export function refuse(rows: Rows, row: number): void {
  if (row < rows.count) rows.count = row
}

/** The values of all objects, by step. */
function collect(state: ObjectState, rows: Rows): void {
  const { objects, count, steps } = state
  let { names, values, missing } = state.shape
  /** The first object whose shape is not that of the first one. */
  let odd = count
  for (let at = 0; at < steps.length; at++) steps[at]!.absent = false
  for (let k = 0; k < count; k++) {
    const object = objects[k]
    if (object === undefined) {
      for (let at = 0; at < steps.length; at++) steps[at]!.values[k] = undefined
      continue
    }
    const shape = state.shape
    let at = 0
    for (const name in object) {
      if (name !== names[at]) {
        state.shape = shapeOf(state, object)
        ;({ names, values, missing } = state.shape)
      }
      const column = values[at++]
      const value = object[name]
      if (column !== undefined) column[k] = value
      else if (value !== undefined) refuse(rows, state.starts[k]!)
    }
    if (at !== names.length) {
      state.shape = shapeOf(state, object)
      ;({ names, values, missing } = state.shape)
    }
    if (state.shape !== shape && k > 0 && odd === count) {
      // from here on each object says itself what it does not mention
      for (const step of shape.missing) step.values.fill(undefined, 0, k)
      odd = k
    }
    if (odd !== count) for (let at = 0; at < missing.length; at++) missing[at]!.values[k] = undefined
  }
  if (odd !== count) return
  for (const step of missing) {
    step.absent = true
    step.values.fill(undefined, 0, count)
  }
}

/** The objects of an attribute, each once where it repeats; one of nothing counts as none. */
function enter({ values, mapped }: Step, child: ObjectState, above: ObjectState, rows: Rows): void {
  const { objects, starts, levels } = child
  let count = 0
  let before: unknown
  let kept: Obj | undefined
  for (let k = 0; k < above.count; k++) {
    const value = values[k]
    const level = above.levels[k]!
    if (value !== before || k === 0) {
      before = value
      kept = undefined
      if (value !== undefined) {
        if (!isObject(value) || !mapped.accepts(value)) refuse(rows, above.starts[k]!)
        else if (hasAny(child, value)) kept = value
      }
    } else if (kept !== undefined || (count > 0 && levels[count - 1] === level)) {
      values[k] = kept
      continue
    }
    values[k] = kept
    objects[count] = kept
    starts[count] = above.starts[k]!
    levels[count] = kept === undefined ? level : child.def
    count++
  }
  child.count = count
}

function checkTexts(step: Step, { text }: ColumnBuffer, { count, starts }: ObjectState, rows: Rows): void {
  const { values, codes, mapped, last } = step
  const numbers = text!.numbers
  for (let k = 0; k < count; k++) {
    const value = values[k]
    codes[k] = -1
    if (value === undefined || value === last) continue
    if (typeof value !== 'string') {
      refuse(rows, starts[k]!)
      return
    }
    const number = numbers?.get(value)
    if (number === undefined) {
      if (!mapped.accepts(value)) refuse(rows, starts[k]!)
      continue
    }
    codes[k] = number
    if (step.accepted[number] === 1) continue
    if (mapped.accepts(value)) markAccepted(step, number)
    else refuse(rows, starts[k]!)
  }
}

/** The text with this number need not be asked again. */
export function markAccepted(step: Step, number: number): void {
  if (number >= step.accepted.length) {
    const grown = new Uint8Array(Math.max(64, number * 2))
    grown.set(step.accepted)
    step.accepted = grown
  }
  step.accepted[number] = 1
}

function checkOthers({ values, mapped, last }: Step, { count, starts }: ObjectState, rows: Rows): void {
  let before = last
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === undefined || value === before) continue
    before = value
    if (!mapped.accepts(value)) refuse(rows, starts[k]!)
  }
}

function checkPair({ id, text, captions, texts }: Pair, { count, starts }: ObjectState, rows: Rows): void {
  const ids = id.values
  const all = text.values
  for (let k = 0; k < count; k++) {
    const value = ids[k]
    const said = all[k]
    if (k > 0 && value === ids[k - 1] && said === all[k - 1]) {
      texts[k] = texts[k - 1]
      continue
    }
    const beside = textBeside(captions, value, said)
    texts[k] = beside ?? undefined
    if (beside === null || (value !== undefined && !id.mapped.accepts(value)) || (said !== undefined && !text.mapped.accepts(said))) refuse(rows, starts[k]!)
  }
}

function checkLists(step: Step, { count, starts, declared, lacking }: ObjectState, rows: Rows): void {
  const { values, object } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value === undefined) continue
    // a list that repeats is asked again: what it declares counts for its row too
    if (!isListAccepted(step, value)) refuse(rows, starts[k]!)
    if (object === undefined) continue
    declared[k] = declared[k]! | object.listDeclared
    lacking[k] = lacking[k]! | object.listLacking
  }
}
