/**
 * The values of one attribute of many objects. Taking them out of the objects is generated code for each attribute: a shared
 * loop would look every name up in every object. It does no more than that, since there are hundreds of attributes, and V8
 * compiles the code of each. Where a content security policy forbids generated code there is none, and events go the whole way.
 */
import type { Obj, Pair, Step } from './mapped-steps.js'

/** What `ask` says of a text that is accepted, but has no number yet. */
export const PENDING = -2
/** What `ask` says of a value that does not pass. */
export const REFUSED = -3
/** The word of a text that is not there. */
export const NOTHING = -1

/**
 * Takes the values of the first `count` objects. It leaves in the step the last place where a value differs from the one
 * before, that of the row written last included, how many objects have none, and the value it ended with.
 */
export type Gather = (objects: readonly Obj[], count: number, values: unknown[], step: Step) => void

const GATHER = `
let last = step.last, changed = -1, nulls = 0
for (let k = 0; k < count; k++) {
  const value = objects[k][NAME]
  values[k] = value
  if (value !== last) { last = value; changed = k }
  if (value === undefined) nulls++
}
step.changed = changed; step.nulls = nulls; step.end = last`

/** The code for an attribute; its name is one of the schema, never a log's own. @throws EvalError where generated code is forbidden */
export function gather(name: string): Gather {
  return new Function('objects', 'count', 'values', 'step', GATHER.replaceAll('NAME', JSON.stringify(name))) as Gather // code of these parameters
}

/**
 * Reads the values of a step as words (0 where there is none), and which objects have one. Like the other ways to read it
 * returns the first object whose value is refused, or `count`.
 */
export function readNumbers(step: Step, count: number): number {
  return step.columns[0]!.words === 1 ? readIntegers(step, count) : readLongs(step, count)
}

function readIntegers({ words, there, values, accepts, last: before }: Step, count: number): number {
  let last = before
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value !== last) {
      if (value !== undefined && !accepts(value)) return k
      last = value
    }
    words[k] = value === undefined ? 0 : (value as number) // accepted
    there[k] = value === undefined ? 0 : 1
  }
  return count
}

function readLongs({ words, there, values, accepts, last: before }: Step, count: number): number {
  let last = before
  let low = 0
  let high = 0
  let some = 0
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value !== last || k === 0) {
      if (value !== undefined && !accepts(value)) return k
      const number = value === undefined ? 0 : (value as number) // accepted
      low = number | 0
      high = Math.floor(number / 4294967296)
      some = value === undefined ? 0 : 1
      last = value
    }
    words[2 * k] = low
    words[2 * k + 1] = high
    there[k] = some
  }
  return count
}

export function readTexts(step: Step, count: number): number {
  const { words, there, values, ask } = step
  let { word, last } = step
  for (let k = 0; k < count; k++) {
    const value = values[k]
    if (value !== last) {
      if (value === undefined) word = NOTHING
      else {
        word = ask(step, value)
        if (word === REFUSED) return k
      }
      last = value
    }
    words[k] = word
    there[k] = word === NOTHING ? 0 : 1
  }
  return count
}

/** Reads an id and the text beside it, of which either may follow from the other. */
export function readPairs(pair: Pair, count: number): number {
  const { id, text } = pair
  const { words: idWords, there: idThere, values: ids } = id
  const { words, there, values: texts } = text
  let lastId = id.last
  let lastText = text.last
  let { word } = text
  let nulls = 0
  let k = 0
  for (; k < count; k++) {
    const value = ids[k]
    const said = texts[k]
    if (value !== lastId || said !== lastText) {
      word = pair.ask(pair, value, said)
      if (word === REFUSED) break
      lastId = value
      lastText = said
    }
    idWords[k] = value === undefined ? 0 : (value as number) // accepted
    idThere[k] = value === undefined ? 0 : 1
    words[k] = word
    there[k] = word === NOTHING ? 0 : 1
    if (word === NOTHING) nulls++
  }
  text.changed = Math.max(text.changed, id.changed)
  text.nulls = nulls
  return k
}
