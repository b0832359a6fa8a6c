/** Brings an event in the newest version's words down to an older version, and says what it took away. */

import type { JsonObject } from '../json.js'
import type { ColumnTree } from './columns.js'
import { type Facts, typeChain } from './facts.js'
import { differences } from './generated/differences.js'

type Obj = { readonly [attribute: string]: unknown }

interface Check {
  readonly name: string
  /** OCSF path, `[]` behind lists. */
  readonly path: string
  readonly list: boolean
  /** The version does not know the attribute, or has deprecated it. */
  readonly absent: boolean
  /** Values that the version does not know, with their newest captions. */
  readonly lost?: Readonly<Record<string, string>>
  /** Where a lost value's caption goes, when the enum has 99. */
  readonly other?: { readonly sibling: string | undefined }
  readonly maxLength?: number
  readonly inner?: ObjectChecks
}

interface ObjectChecks {
  readonly checks: readonly Check[]
  // Mappers share constant objects between events: the last one that lost nothing is not looked at again.
  clean: Obj | undefined
}

export interface Lowered {
  readonly event: Obj
  /** Paths that were lowered, each once; empty when the event stays as it is. */
  readonly paths: readonly string[]
}

/** The copy of an object that is being lowered, once something has changed. */
type Lowering = Record<string, unknown> | undefined

/** The copy with another value, or without one. */
function withValue(object: Obj, copy: Lowering, name: string, value: unknown): Record<string, unknown> {
  const out = copy ?? { ...object }
  if (value === undefined) delete out[name]
  else out[name] = value
  return out
}

const NOTHING: readonly string[] = []

/**
 * Compiles the lowering of one class for the version of `facts`. What the version cannot say moves to `unmapped`
 * under its OCSF path; enum values it does not know become 99 with their caption as text.
 */
export function lowerer(facts: Facts, classUid: number, tree: ColumnTree): (event: Obj) => Lowered {
  const root = compile(facts, classUid, undefined, tree, '')
  let moved = new Map<string, unknown[]>()
  let paths: string[] = []

  const move = (path: string, value: unknown): void => {
    const values = moved.get(path)
    if (values === undefined) moved.set(path, [value])
    else values.push(value)
    note(path)
  }
  const note = (path: string): void => {
    if (!paths.includes(path)) paths.push(path)
  }

  const lowerObject = (object: Obj, node: ObjectChecks): Obj => {
    if (object === node.clean) return object
    let out: Lowering
    for (const check of node.checks) {
      const value = object[check.name]
      if (value === undefined) continue
      if (check.absent) {
        if (check.list && Array.isArray(value)) for (const item of value) move(check.path, item)
        else move(check.path, value)
        out = withValue(object, out, check.name, undefined)
      } else if (check.inner !== undefined) {
        const lowered = lowerInner(value, check)
        if (lowered !== value) out = withValue(object, out, check.name, lowered)
      } else if (check.lost !== undefined) {
        out = lowerEnum(object, out, value, check)
      } else if (check.maxLength !== undefined) {
        const limit = check.maxLength
        if (typeof value === 'string') {
          if (value.length > limit) {
            move(check.path, value)
            out = withValue(object, out, check.name, undefined)
          }
        } else if (Array.isArray(value) && value.some(item => typeof item === 'string' && item.length > limit)) {
          for (const item of value) move(check.path, item)
          out = withValue(object, out, check.name, undefined)
        }
      }
    }
    if (out === undefined) node.clean = object
    return out ?? object
  }

  const lowerInner = (value: unknown, check: Check): unknown => {
    const inner = check.inner!
    if (typeof value !== 'object' || value === null) return value
    if (!check.list) return lowerObject(value as Obj, inner)
    if (!Array.isArray(value)) return value
    let changed = false
    const items = value.map((item: unknown) => {
      if (typeof item !== 'object' || item === null) return item
      const lowered = lowerObject(item as Obj, inner)
      changed ||= lowered !== item
      return lowered
    })
    return changed ? items : value
  }

  const lowerEnum = (object: Obj, out: Lowering, value: unknown, check: Check): Lowering => {
    const lost = check.lost!
    const values = Array.isArray(value) ? (value as readonly unknown[]) : [value]
    if (!values.some(item => lost[String(item)] !== undefined)) return out
    if (check.other === undefined) {
      for (const item of values) move(check.path, item)
      return withValue(object, out, check.name, undefined)
    }
    note(check.path)
    const lowered = withValue(object, out, check.name, Array.isArray(value) ? values.map(item => (lost[String(item)] === undefined ? item : 99)) : 99)
    const { sibling } = check.other
    if (sibling === undefined || object[sibling] !== undefined || Array.isArray(value)) return lowered
    return withValue(object, lowered, sibling, lost[String(value)])
  }

  return event => {
    if (moved.size > 0) moved = new Map()
    paths = []
    const lowered = lowerObject(event, root)
    if (paths.length === 0) return { event, paths: NOTHING }
    if (moved.size === 0) return { event: lowered, paths }
    const unmapped: Record<string, unknown> = { ...(event.unmapped as JsonObject | undefined) }
    for (const [path, values] of moved) {
      const all = Object.hasOwn(unmapped, path) ? [unmapped[path], ...values] : values
      unmapped[path] = all.length === 1 ? all[0] : all
    }
    return { event: { ...lowered, unmapped }, paths }
  }
}

function compile(facts: Facts, classUid: number, object: string | undefined, tree: ColumnTree, prefix: string): ObjectChecks {
  const type = object === undefined ? facts.classes.get(classUid) : facts.objects.get(object)
  const { classes, objects } = differences(facts.version)
  const difference = object === undefined ? classes[classUid] : objects[object]
  const checks: Check[] = []
  for (const [name, columns] of Object.entries(tree)) {
    const attribute = type?.attributes.get(name)
    const list = attribute?.is_array === true
    const path = `${prefix}${name}${list ? '[]' : ''}`
    if (attribute === undefined || attribute.deprecated !== undefined) {
      checks.push({ name, path, list, absent: true })
    } else if (columns !== true) {
      const inner = compile(facts, classUid, attribute.object_type, columns, `${path}.`)
      if (inner.checks.length > 0) checks.push({ name, path, list, absent: false, inner })
    } else {
      const lost = difference?.enums?.[name]
      const limits = typeChain(facts, attribute.type).flatMap(t => facts.types[t]?.max_len ?? [])
      if (lost !== undefined) {
        const other = attribute.enum !== undefined && '99' in attribute.enum ? { sibling: attribute.sibling } : undefined
        checks.push({ name, path, list, absent: false, lost, other })
      } else if (limits.length > 0) {
        checks.push({ name, path, list, absent: false, maxLength: Math.min(...limits) })
      }
    }
  }
  return { checks, clean: undefined }
}
