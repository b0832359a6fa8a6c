/** What follows from the schema and no mapper writes: captions, names, `*_dt` twins, profiles, version, observables. */
import type { ClassFields, Field } from './columns.js'
import { type Facts, observableId } from './facts.js'
import { isoFromMs } from './time.js'

type Obj = { readonly [attribute: string]: unknown }

/** A field with what completing it takes. */
interface Step {
  readonly name: string
  readonly list: boolean
  readonly object?: ObjectSteps
  /** Where the caption goes, and the captions. */
  readonly sibling?: string
  readonly captions?: Readonly<Record<string, string>>
  /** Where the RFC 3339 twin goes. */
  readonly datetime?: string
  /** Bits of the profiles that own the attribute; 0 when it is always there. */
  readonly profiles: number
}

interface ObjectSteps {
  readonly steps: ReadonlyMap<string, Step>
  // Mappers share constant objects between events; the last one seen is completed only once.
  lastIn: Obj | undefined
  lastOut: Obj | undefined
  lastProfiles: number
}

export interface Completion {
  /** Fills `observables`; on by default. */
  readonly observables?: boolean
}

/**
 * Compiles the completion of one class. The returned function builds the full event and leaves its argument alone;
 * objects without any value are left out, and attributes it does not know pass through for validation to refuse.
 */
export function completer(facts: Facts, columns: ClassFields, { observables = true }: Completion = {}): (event: Obj) => Obj {
  const { type, fields } = columns
  const bits = type.profiles
  const root = compile(fields, bits)
  const collect = observables ? collector(facts, fields) : undefined
  const typeNames = type.attributes.get('type_uid')?.enum ?? {}
  const profileLists = new Map<number, readonly string[] | undefined>([[0, undefined]])
  const profilesOf = (mask: number): readonly string[] | undefined => {
    let list = profileLists.get(mask)
    if (list === undefined && mask !== 0) {
      list = bits.filter((_, bit) => mask & (1 << bit))
      profileLists.set(mask, list)
    }
    return list
  }
  let mask = 0

  const completeObject = (object: Obj, node: ObjectSteps): Obj | undefined => {
    if (object === node.lastIn) {
      mask |= node.lastProfiles
      return node.lastOut
    }
    const outer = mask
    mask = 0
    const out = fill(object, node)
    node.lastIn = object
    node.lastOut = out
    node.lastProfiles = mask
    mask |= outer
    return out
  }

  const fill = (object: Obj, node: ObjectSteps): Record<string, unknown> | undefined => {
    const out: Record<string, unknown> = {}
    let some = false
    for (const name in object) {
      let value = object[name]
      if (value === undefined) continue
      const step = node.steps.get(name)
      if (step === undefined) {
        // an own __proto__ key must not become the prototype
        Object.defineProperty(out, name, { value, enumerable: true, configurable: true, writable: true })
        some = true
        continue
      }
      if (step.object !== undefined && typeof value === 'object' && value !== null) {
        const inner = step.object
        if (!step.list) value = completeObject(value as Obj, inner)
        else if (Array.isArray(value))
          value = value.map((item: unknown) => (typeof item === 'object' && item !== null ? completeObject(item as Obj, inner) : item))
        if (value === undefined) continue
      }
      out[name] = value
      some = true
      if (step.profiles !== 0 && (mask & step.profiles) === 0) mask |= step.profiles & -step.profiles
      if (step.captions !== undefined && object[step.sibling!] === undefined) {
        const caption = captionOf(value, step.captions)
        if (caption !== undefined) out[step.sibling!] = caption
      }
      if (step.datetime !== undefined && object[step.datetime] === undefined) {
        const text = isoFromMs(value as number)
        if (text !== undefined) {
          out[step.datetime] = text
          mask |= datetimeBit
        }
      }
    }
    return some ? out : undefined
  }
  const datetimeAt = bits.indexOf('datetime')
  const datetimeBit = datetimeAt < 0 ? 0 : 1 << datetimeAt

  let lastGiven: unknown
  let lastMask = -1
  let lastMetadata: Obj | undefined
  /** The very same object for the same one, so that whoever writes it sees that nothing changed. */
  const metadataOf = (given: unknown): Obj => {
    if (lastMetadata === undefined || given !== lastGiven || mask !== lastMask) {
      lastGiven = given
      lastMask = mask
      lastMetadata = { version: columns.version, profiles: profilesOf(mask), ...(given as Obj | undefined) }
    }
    return lastMetadata
  }

  return event => {
    mask = 0
    const out = fill(event, root) ?? {}
    out.category_uid ??= type.category_uid
    out.category_name ??= type.category_name
    out.class_uid ??= type.uid
    out.class_name ??= type.caption
    if (typeof event.activity_id === 'number') {
      const uid = type.uid * 100 + event.activity_id
      out.type_uid ??= uid
      out.type_name ??= typeNames[uid]
    }
    out.metadata = metadataOf(out.metadata)
    const found = collect?.(out)
    if (found !== undefined) out.observables = found
    return out
  }
}

function compile(fields: readonly Field[], profiles: readonly string[]): ObjectSteps {
  const steps = new Map<string, Step>()
  for (const field of fields) {
    const { attribute } = field
    let mask = 0
    for (const profile of attribute.profiles ?? []) {
      const bit = profiles.indexOf(profile)
      if (bit >= 0) mask |= 1 << bit
    }
    steps.set(field.name, {
      name: field.name,
      list: field.list,
      object: field.fields && compile(field.fields, profiles),
      sibling: attribute.sibling,
      captions: attribute.sibling === undefined ? undefined : attribute.enum,
      datetime: field.kind === 'timestamp' ? field.twin : undefined,
      profiles: mask,
    })
  }
  return { steps, lastIn: undefined, lastOut: undefined, lastProfiles: 0 }
}

/** 99 has no caption of its own: the mapper must say what the other thing is. */
function captionOf(value: unknown, captions: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map(item => captions[item as number])
  return value === 99 ? undefined : captions[value as number]
}

interface Observable {
  readonly name: string
  readonly type: string | undefined
  readonly type_id: number
  readonly value: string
}

interface Watched {
  readonly name: string
  readonly path: string
  readonly list: boolean
  readonly type?: string
  readonly typeId?: number
  readonly inner?: readonly Watched[]
}

/** Every scalar that OCSF calls an observable: name (path), type and value, each pair of name and value once. */
function collector(facts: Facts, fields: readonly Field[]): (event: Obj) => readonly Observable[] | undefined {
  const watch = (some: readonly Field[]): Watched[] =>
    some.flatMap((field): Watched[] => {
      const { name, path, list } = field
      if (path === 'observables[]') return []
      if (field.fields !== undefined) {
        const inner = watch(field.fields)
        return inner.length > 0 ? [{ name, path, list, inner }] : []
      }
      const typeId = observableId(facts, field.attribute)
      return typeId === undefined ? [] : [{ name, path, list, typeId, type: facts.observableTypes[typeId] }]
    })
  const watched = watch(fields)
  if (watched.length === 0) return () => undefined
  let found: Observable[] = []
  const add = (name: string, watch: Watched, value: string): void => {
    for (const other of found) if (other.value === value && other.name === name) return
    found.push({ name, type: watch.type, type_id: watch.typeId!, value })
  }
  const visit = (object: Obj, some: readonly Watched[]): void => {
    for (const one of some) {
      const value = object[one.name]
      if (value === undefined || value === null) continue
      if (one.list) {
        if (Array.isArray(value)) for (const item of value) visitValue(item, one)
      } else visitValue(value, one)
    }
  }
  const visitValue = (value: unknown, one: Watched): void => {
    if (typeof value === 'object' && value !== null) {
      if (one.inner !== undefined) visit(value as Obj, one.inner)
    } else if (one.inner === undefined) add(one.path, one, String(value))
  }
  return event => {
    found = []
    visit(event, watched)
    return found.length > 0 ? found : undefined
  }
}
