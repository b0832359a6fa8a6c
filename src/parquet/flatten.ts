/** The open object `unmapped` as MAP<string,string>, the way Security Lake's own tables hold it. */

import { stringify } from '../json.js'
import { isObject } from './values.js'

/**
 * Flattens an object to text by path: names joined with dots, `[]` behind arrays, in the order of first appearance.
 * A string stays as it is, numbers and booleans become their JSON text. Values that share a path become one JSON
 * array, so that nothing depends on a separator; an empty array is `[]`, an empty object `{}`. A null says nothing and
 * is left out.
 *
 * @example
 * flatten({ user: { id: 7 }, tags: ['a', 'b'], hosts: [{ ip: '192.0.2.1' }] })
 * // Map { 'user.id' => '7', 'tags[]' => '["a","b"]', 'hosts[].ip' => '192.0.2.1' }
 */
export function flatten(value: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, unknown>()
  for (const name of Object.keys(value)) collect(found, name, value[name])
  for (const [path, one] of found) {
    const only: unknown = Array.isArray(one) && one.length === 1 ? one[0] : one
    found.set(path, typeof only === 'string' ? only : stringify(only))
  }
  return found as Map<string, string> // every value is text by now
}

/** Arrays are walked, so one that is found holds the values of a path that has several, or none. */
function collect(found: Map<string, unknown>, path: string, value: unknown): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value)) {
    const inner = itemsOf(path)
    if (value.length === 0 && !found.has(inner)) found.set(inner, [])
    for (const item of value) collect(found, inner, item)
    return
  }
  if (isObject(value)) {
    const names = Object.keys(value)
    for (const name of names) collect(found, below(path, name), value[name])
    if (names.length > 0) return
  }
  const other = found.get(path)
  if (other === undefined) found.set(path, value)
  else if (Array.isArray(other)) other.push(value)
  else found.set(path, [other, value])
}

// Paths come back in event after event: the very same string is found in a map without hashing it anew.
const MOST_PATHS = 4096
const paths = new Map<string, Map<string, string>>()
const itemPaths = new Map<string, string>()
let known = 0

function below(path: string, name: string): string {
  let names = paths.get(path)
  if (names === undefined) {
    names = new Map()
    paths.set(path, names)
  }
  let inner = names.get(name)
  if (inner === undefined) {
    inner = `${path}.${name}`
    names.set(name, inner)
    forgetMany()
  }
  return inner
}

function itemsOf(path: string): string {
  let inner = itemPaths.get(path)
  if (inner === undefined) {
    inner = `${path}[]`
    itemPaths.set(path, inner)
    forgetMany()
  }
  return inner
}

/** Names are data, and may be as many as there are events. */
function forgetMany(): void {
  if (++known < MOST_PATHS) return
  known = 0
  paths.clear()
  itemPaths.clear()
}
