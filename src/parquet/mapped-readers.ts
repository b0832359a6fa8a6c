/**
 * Loops over one attribute of many objects, each with its own code: a shared one would look every name up in every
 * object. Where a content security policy forbids generated code there are none, and events go the whole way.
 *
 * A loop stops at the first object whose value is refused and returns where. It leaves in its step the values as words
 * (0 where there is none), which objects have one, the last place where a value differs from the one before, and the
 * value it ended with.
 */
import type { Obj, Pair, Step } from './mapped-steps.js'

/** What `ask` says of a text that is accepted, but has no number yet. */
export const PENDING = -2
/** What `ask` says of a value that does not pass. */
export const REFUSED = -3
/** The word of a text that is not there. */
export const NOTHING = -1

/** Copies values as they are; none is refused. */
export type Gather = (objects: readonly Obj[], count: number, values: unknown[], step: Step) => void
export type Read = (objects: readonly Obj[], count: number, step: Step) => number
/** Reads an id and the text beside it. */
export type ReadPair = (objects: readonly Obj[], count: number, pair: Pair) => number

// A comparison is quick where both sides have always been of one type: what is not there is asked for first, and what
// was there before is known to be of the type or stands aside.

const GATHER = `
let last = step.last, changed = -1, nulls = 0
for (let k = 0; k < count; k++) {
  const value = objects[k][NAME]
  values[k] = value
  if (value !== last) { last = value; changed = k }
  if (value === undefined) nulls++
}
step.changed = changed; step.nulls = nulls; step.end = last`

const TEXTS = `
const { words, there, ask } = step
let isText = typeof step.last === 'string', last = isText ? step.last : '', isNothing = step.last === undefined
let word = step.word, changed = -1, nulls = 0, k = 0
for (; k < count; k++) {
  const value = objects[k][NAME]
  if (value === undefined) {
    if (!isNothing) { isNothing = true; isText = false; changed = k }
    words[k] = ${NOTHING}; there[k] = 0; nulls++
    continue
  }
  if (typeof value !== 'string') break
  if (!isText || value !== last) {
    if ((word = ask(step, value)) === ${REFUSED}) break
    last = value
    changed = k
  }
  isText = true; isNothing = false
  words[k] = word; there[k] = 1
}
step.changed = changed; step.nulls = nulls; step.end = isText ? last : isNothing ? undefined : step.last
return k`

const numbers = (write: string, writeNothing: string): string => `
const { words, there, accepts } = step
let isNothing = step.last === undefined, last = typeof step.last === 'number' ? step.last : NaN
let changed = -1, nulls = 0, k = 0
for (; k < count; k++) {
  const value = objects[k][NAME]
  if (value === undefined) {
    if (!isNothing) { isNothing = true; last = NaN; changed = k }
    ${writeNothing}; there[k] = 0; nulls++
    continue
  }
  if (typeof value !== 'number') break
  if (value !== last) {
    if (!accepts(value)) break
    last = value
    changed = k
  }
  isNothing = false
  ${write}; there[k] = 1
}
step.changed = changed; step.nulls = nulls; step.end = isNothing ? undefined : last === last ? last : step.last
return k`

const INTEGERS = numbers('words[k] = value', 'words[k] = 0')
const LONGS = numbers('words[2 * k] = value | 0; words[2 * k + 1] = Math.floor(value / 4294967296)', 'words[2 * k] = words[2 * k + 1] = 0')

/** Ids below this have their words kept in `Pair.words`. */
export const KEPT_IDS = 100

const PAIRS = `
const { id, text, ask, words } = pair
const idWords = id.words, idThere = id.there, textWords = text.words, textThere = text.there
let last = id.last, lastText = text.last, lastId = typeof last === 'number' ? last : -1
let word = text.word, idChanged = -1, changed = -1, idNulls = 0, nulls = 0, k = 0
for (; k < count; k++) {
  const object = objects[k]
  const value = object[NAME], said = object[BESIDE]
  if (said === undefined && typeof value === 'number' && (value | 0) === value && value >= 0 && value < ${KEPT_IDS} && words[value] !== 0) {
    if (value !== lastId) { lastId = value; last = value; idChanged = k; changed = k }
    else if (lastText !== undefined) changed = k
    lastText = undefined
    idWords[k] = value; idThere[k] = 1
    textWords[k] = word = words[value] - 1; textThere[k] = 1
    continue
  }
  if (value !== last || said !== lastText) {
    if ((word = ask(pair, value, said)) === ${REFUSED}) break
    if (value !== last) { last = value; idChanged = k }
    lastId = typeof value === 'number' ? value : -1
    lastText = said
    changed = k
  }
  if (value === undefined) { idWords[k] = 0; idThere[k] = 0; idNulls++ } else { idWords[k] = value; idThere[k] = 1 }
  textWords[k] = word
  if (word === ${NOTHING}) { textThere[k] = 0; nulls++ } else textThere[k] = 1
}
id.changed = idChanged; id.nulls = idNulls; id.end = last
text.changed = changed; text.nulls = nulls; text.end = lastText
return k`

/** The code for one attribute; names are those of the schema, never a log's own. */
function code(parameters: string, body: string, name: string, beside = ''): unknown {
  return new Function(...parameters.split(', '), body.replaceAll('NAME', JSON.stringify(name)).replaceAll('BESIDE', JSON.stringify(beside)))
}

// Each is code of these parameters, and throws an EvalError where generated code is forbidden.
export const gather = (name: string): Gather => code('objects, count, values, step', GATHER, name) as Gather
export const texts = (name: string): Read => code('objects, count, step', TEXTS, name) as Read
export const integers = (name: string): Read => code('objects, count, step', INTEGERS, name) as Read
export const longs = (name: string): Read => code('objects, count, step', LONGS, name) as Read
export const pairs = (name: string, beside: string): ReadPair => code('objects, count, pair', PAIRS, name, beside) as ReadPair
