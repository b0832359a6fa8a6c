/** Whether observables point at attributes of the class, and at the value they carry. */
import type { Attribute, ClassType, Facts, ObjectType } from './facts.js'
import type { Report } from './validate-wording.js'

/** Names recur in every event, except those with list indexes: the memory of names is bounded. */
const MAX_NAMES = 4096

/** Attribute names from the event down; `open` when the name leads below an object of any content. */
type Target = readonly string[] | 'open' | 'unknown'

/** Compiles the rules of `observables` for a class. */
export function observableRules(facts: Facts, type: ClassType, report: Report): (event: object, observables: readonly unknown[]) => void {
  const targets = new Map<string, Target>()
  const targetOf = (name: string): Target => {
    let target = targets.get(name)
    if (target === undefined) {
      target = resolve(facts, type, name)
      if (targets.size >= MAX_NAMES) targets.clear()
      targets.set(name, target)
    }
    return target
  }
  return (event, observables) => {
    for (let i = 0; i < observables.length; i++) {
      const observable: unknown = observables[i]
      if (typeof observable !== 'object' || observable === null) continue
      const { name, value } = observable as Readonly<Record<string, unknown>> // any object can be read by name
      if (typeof name !== 'string') continue
      const target = targetOf(name)
      if (target === 'unknown') report('issues', 'observable_name', ['observables', i, 'name'], `a path in ${type.name}`, name)
      else if (target !== 'open') {
        const match = find(event, target, 0, value)
        if (match === Match.Nothing) report('warnings', 'observable_dangling', ['observables', i, 'name'], 'a path that the event fills', name)
        else if (match === Match.Other && value !== undefined && value !== null)
          report('warnings', 'observable_value', ['observables', i, 'value'], `the value of ${name}`, value)
      }
    }
  }
}

function resolve(facts: Facts, type: ObjectType, name: string): Target {
  const names = splitPath(name)
  let spec: ObjectType | undefined = type
  for (let depth = 0; depth < names.length; depth++) {
    const attribute: Attribute | undefined = spec?.attributes.get(names[depth]!)
    if (attribute === undefined) return spec === undefined || spec.attributes.size > 0 ? 'unknown' : 'open'
    spec = attribute.object_type === undefined ? undefined : facts.objects.get(attribute.object_type)
  }
  return names
}

/** `resources[0].tags['a.b'].value` as `resources`, `tags`, `value`: dots in brackets do not separate. */
function splitPath(text: string): string[] {
  const names: string[] = []
  let name = ''
  let brackets = 0
  for (const char of text) {
    if (char === '[') brackets++
    else if (char === ']') brackets = Math.max(0, brackets - 1)
    else if (char === '.' && brackets === 0) {
      names.push(name)
      name = ''
    } else if (brackets === 0) name += char
  }
  names.push(name)
  return names
}

const Match = { Nothing: 0, Other: 1, Same: 2 } as const
type Match = (typeof Match)[keyof typeof Match]

/** Looks for a value under a path; lists are searched whole. */
function find(node: unknown, names: readonly string[], depth: number, wanted: unknown): Match {
  if (Array.isArray(node)) {
    let best: Match = Match.Nothing
    for (let i = 0; i < node.length && best !== Match.Same; i++) {
      const match = find(node[i], names, depth, wanted)
      if (match > best) best = match
    }
    return best
  }
  if (node === undefined || node === null) return Match.Nothing
  if (depth === names.length) return node === wanted || text(node) === wanted ? Match.Same : Match.Other
  if (typeof node !== 'object') return Match.Nothing
  return find((node as Readonly<Record<string, unknown>>)[names[depth]!], names, depth + 1, wanted)
}

/** `value` of an observable is text; an object has none. */
function text(node: unknown): string | undefined {
  return typeof node === 'object' ? undefined : String(node)
}
