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
  const found = new Map<string, unknown[]>()
  for (const name of Object.keys(value)) collect(found, name, value[name])
  const out = new Map<string, string>()
  for (const [path, values] of found) {
    const [only] = values
    if (values.length !== 1) out.set(path, stringify(values))
    else out.set(path, typeof only === 'string' ? only : stringify(only))
  }
  return out
}

function collect(found: Map<string, unknown[]>, path: string, value: unknown): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value)) {
    const inner = `${path}[]`
    if (value.length === 0 && !found.has(inner)) found.set(inner, [])
    for (const item of value) collect(found, inner, item)
    return
  }
  if (isObject(value)) {
    const names = Object.keys(value)
    for (const name of names) collect(found, `${path}.${name}`, value[name])
    if (names.length > 0) return
  }
  const values = found.get(path)
  if (values === undefined) found.set(path, [value])
  else values.push(value)
}
