/** What tests of readers of JSON share: random documents, written in any way. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { isJsonObject, type JsonObject, parseJson, stringify } from '../json.js'
import type { LateReader } from './json-late.js'
import type { RecordReader } from './json-reader.js'

const encoder = new TextEncoder()
/** What follows a record in a list: the reader looks ahead by words. */
export const BEHIND = ',{"next":1}]}'

export function read(reader: RecordReader, text: string, watch = false, late?: LateReader): JsonObject | number {
  const bytes = encoder.encode(`x${text}${BEHIND}`)
  reader.late = late
  const to = reader.read(bytes, 1, bytes.length, watch)
  if (to < 0) return to
  expect(to).toBe(bytes.length - BEHIND.length)
  return reader.value
}

/** The value as the slow way reads it, and its own way of printing. */
export function expectSame(value: unknown, text: string): void {
  const slow = parseJson(text)
  expect(value).toEqual(slow)
  expect(stringify(value)).toBe(stringify(slow))
  if (!isJsonObject(slow)) return
  for (const key of Object.keys(slow)) expect(stringify((value as JsonObject)[key]), key).toBe(stringify(slow[key]))
}

// ---- random JSON, written in any way ----

const KEYS = ['a', 'b', 'key', 'requestParameters', 'responseElements', 'Records', 'x'.repeat(40), '1', '01', '2', 'constructor', 'a b', ':', ' '.repeat(7)]
const ODD_KEYS = ['', '__proto__', 'é', '"', '\\', 'y'.repeat(300)]
const key = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 9 })) },
)
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    'arn:aws:iam::123456789012:role/door',
    '"',
    '\\',
    '/',
    '\n\t',
    '\u2028',
    '\u0000',
    '\u007f',
    'é😀',
    '\ud800',
    'x'.repeat(300),
    '{"a":1}',
    'abcd',
    'abcde',
  ),
)
const numeral = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('0', '-0', '0.0', '1.50', '1e2', '1E+2', '-1e-2', '9007199254740993', '123456789012345', '1234567890123456', '999999999999999', '1e400'),
)

type Written = { readonly write: (choose: (most: number) => number) => string }

const wordOf = (value: string): Written => ({ write: () => value })
/** A text with characters written as they are, with the short escape, or as \u. */
const textOf = (value: string): Written => ({
  write(choose) {
    let out = '"'
    for (const char of value) {
      const plain = JSON.stringify(char).slice(1, -1)
      const style = choose(20)
      const long = [...Array(char.length).keys()].map(at => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
      out += style === 0 ? long : style === 1 && char === '/' ? '\\/' : plain
    }
    return `${out}"`
  },
})
const space = (choose: (most: number) => number): string => [' ', '\n', '\t', '\r\n', ''][choose(60)] ?? ''
const listOf = (items: readonly Written[]): Written => ({
  write: choose => `[${space(choose)}${items.map(item => `${item.write(choose)}${space(choose)}`).join(`,${space(choose)}`)}]`,
})
const objectOf = (members: readonly (readonly [string, Written])[]): Written => ({
  write: choose =>
    `{${space(choose)}${members
      .map(([name, value]) => `${textOf(name).write(choose)}${space(choose)}:${space(choose)}${value.write(choose)}${space(choose)}`)
      .join(`,${space(choose)}`)}}`,
})

const { object } = fc.letrec<{ value: Written; object: Written }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text.map(textOf),
    numeral.map(wordOf),
    fc.constantFrom('true', 'false', 'null').map(wordOf),
    fc.array(tie('value'), { maxLength: 3 }).map(listOf),
    tie('object'),
  ),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(objectOf),
}))

/** `plain`: canonical, but for what the values bring along. */
export const document = fc
  .record({ root: object, choices: fc.infiniteStream(fc.nat()), plain: fc.boolean() })
  .map(({ root, choices, plain }) => root.write(most => (plain ? most - 1 : choices.next().value % most)))
