/**
 * Turns the official compiled OCSF schema into `schemas/facts/ocsf-<version>.json`:
 *   npx tsx schemas/import.ts <export.json> <commit of ocsf-schema> <date, yyyy-mm-dd>
 * Reads what `ocsf-schema-compiler` prints and an OCSF server exports at /export/v2/schema (compile_version 1), and the
 * older form of /export/schema. Descriptions, references and groups are left behind.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

type Obj = Readonly<Record<string, unknown>>

export interface Source {
  /** Commit of ocsf/ocsf-schema that was compiled. */
  readonly commit: string
  /** Its date, yyyy-mm-dd. */
  readonly date: string
}

/** Facts in the form `ocsf-facts-flat/1`. Throws with a sentence that names what the export lacks. */
export function factsFromExport(exported: unknown, source: Source): Obj {
  const schema = objectAt(exported, 'the export')
  const version = schema.version
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`version ${JSON.stringify(version)} is no release: compile the branch v<version> of ocsf-schema, a tag may hold the next -dev version`)
  const dictionary = isObject(schema.dictionary) ? schema.dictionary : {}
  const types = isObject(dictionary.types) ? dictionary.types.attributes : schema.types
  const classes = named(schema.classes, 'classes', item => typeof item.uid === 'number')
  const objects = named(schema.objects, 'objects', (_, name) => !name.startsWith('_'))
  const facts = {
    format: 'ocsf-facts-flat/1',
    ocsf_version: version,
    source: { repo: 'https://github.com/ocsf/ocsf-schema', commit: source.commit, date: source.date, license: 'Apache-2.0' },
    categories: categoriesOf(schema, classes),
    extensions: mapped(schema.extensions, ({ uid, caption, version }) => ({ uid, caption, version })),
    types: mapped(objectAt(types, 'dictionary.types.attributes'), typeFacts),
    profiles: profilesOf(schema, classes),
    observable_types: captions(attributeOf(objects, 'observable', 'type_id').enum),
    classes: mapped(classes, item => itemFacts(item, { uid: item.uid, category: item.category, category_uid: categoryUid(item) })),
    objects: mapped(objects, item => itemFacts(item, {})),
  }
  check(facts)
  return facts
}

function isObject(value: unknown): value is Obj {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectAt(value: unknown, where: string): Obj {
  if (!isObject(value)) throw new Error(`${where} is not an object: is this the compiled schema?`)
  return value
}

/** Applies to every value, in the order of the names, so that two imports differ only where the schemas do. */
function mapped<T>(group: unknown, facts: (item: Obj, name: string) => T): Readonly<Record<string, T>> {
  const entries = Object.entries(isObject(group) ? group : {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, item]) => [name, facts(objectAt(item, name), name)]))
}

/** `win/reg_key` as `reg_key`: events carry the names without their extension. Profiles alone keep it. */
function bare(name: unknown): string {
  return String(name).slice(String(name).lastIndexOf('/') + 1)
}

function named(group: unknown, where: string, keep: (item: Obj, name: string) => boolean): Readonly<Record<string, Obj>> {
  const items: Record<string, Obj> = {}
  for (const [key, value] of Object.entries(objectAt(group, where))) {
    const item = objectAt(value, key)
    const name = bare(key)
    if (!keep(item, name)) continue
    if (items[name] !== undefined) throw new Error(`${where} has ${name} twice, once in an extension: the facts have room for one`)
    items[name] = item
  }
  return items
}

/** Only members that say something: null and false mean absent in an export. */
function given(members: Obj): Obj {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null && value !== false))
}

function since(item: Obj): unknown {
  const note = item['@deprecated'] ?? item.deprecated
  return isObject(note) ? note.since : undefined
}

function captions(values: unknown): Obj | undefined {
  return isObject(values) ? Object.fromEntries(Object.entries(values).map(([id, value]) => [id, objectAt(value, `enum value ${id}`).caption])) : undefined
}

function typeFacts({ caption, type, regex, range, max_len, values, observable, extension }: Obj): Obj {
  return given({ caption, type, regex, range, max_len, values, observable, extension })
}

function itemFacts(item: Obj, identity: Obj): Obj {
  const constraints = isObject(item.constraints) && Object.keys(item.constraints).length > 0 ? item.constraints : undefined
  const profiles = Array.isArray(item.profiles) && item.profiles.length > 0 ? item.profiles : undefined
  return given({
    ...identity,
    caption: item.caption,
    extends: item.extends,
    extension: item.extension,
    deprecated: since(item),
    profiles,
    constraints,
    observable: item.observable,
    attributes: mapped(item.attributes, attributeFacts),
  })
}

function attributeFacts(attribute: Obj, name: string): Obj {
  const { caption, type, object_type, is_array, requirement, sibling, observable, extension } = attribute
  if (requirement !== 'required' && requirement !== 'recommended' && requirement !== 'optional')
    throw new Error(`attribute ${name} has the requirement ${JSON.stringify(requirement)}: is the schema compiled, or the source?`)
  // The older form has one profile, or a list, under another name.
  const owners = attribute.profiles ?? attribute.profile
  const profiles = typeof owners === 'string' ? [owners] : owners
  const isObjectType = typeof object_type === 'string'
  const deprecated = isObject(attribute.enum) ? Object.entries(attribute.enum).filter(([, value]) => isObject(value) && since(value) !== undefined) : []
  return given({
    caption,
    type: isObjectType ? 'object_t' : type,
    object_type: isObjectType ? bare(object_type) : undefined,
    requirement,
    is_array: is_array === true,
    sibling,
    enum: isObject(attribute.enum) && Object.keys(attribute.enum).length > 0 ? captions(attribute.enum) : undefined,
    enum_deprecated: deprecated.length > 0 ? deprecated.map(([id]) => id) : undefined,
    profiles: Array.isArray(profiles) && profiles.length > 0 ? profiles : undefined,
    observable,
    deprecated: since(attribute),
    extension,
  })
}

function attributeOf(items: Readonly<Record<string, Obj>>, item: string, attribute: string): Obj {
  return objectAt(objectAt(objectAt(items[item], item).attributes, `${item}.attributes`)[attribute], `${item}.${attribute}`)
}

/** The older form names the category only in the enum of the class. */
function categoryUid(item: Obj): number {
  if (typeof item.category_uid === 'number') return item.category_uid
  const ids = Object.keys(objectAt(attributeOf({ item }, 'item', 'category_uid').enum, 'category_uid.enum'))
  return Number(ids[0])
}

function categoriesOf(schema: Obj, classes: Readonly<Record<string, Obj>>): Obj {
  const listed = isObject(schema.categories) && isObject(schema.categories.attributes) ? schema.categories.attributes : undefined
  const entries = new Map<number, Obj>()
  if (listed !== undefined) {
    for (const [name, item] of Object.entries(listed)) {
      const { uid, caption } = objectAt(item, name)
      entries.set(Number(uid), { name: bare(name), caption })
    }
  } else {
    for (const item of Object.values(classes)) {
      const uid = categoryUid(item)
      if (uid !== 0) entries.set(uid, { name: item.category, caption: captions(attributeOf({ item }, 'item', 'category_uid').enum)?.[uid] })
    }
  }
  return Object.fromEntries([...entries].sort(([a], [b]) => a - b))
}

function profilesOf(schema: Obj, classes: Readonly<Record<string, Obj>>): Obj {
  if (isObject(schema.profiles)) return mapped(schema.profiles, ({ caption, extension }) => given({ caption, extension }))
  const names = new Set(Object.values(classes).flatMap(item => (Array.isArray(item.profiles) ? item.profiles.map(String) : [])))
  return Object.fromEntries([...names].sort().map(name => [name, { caption: bare(name) }]))
}

/** Every name that is used must be there. */
function check({
  types,
  objects,
  classes,
}: {
  readonly types: Obj
  readonly objects: Readonly<Record<string, Obj>>
  readonly classes: Readonly<Record<string, Obj>>
}): void {
  for (const [owner, item] of [...Object.entries(classes), ...Object.entries(objects)]) {
    for (const [name, attribute] of Object.entries(objectAt(item.attributes, `${owner}.attributes`))) {
      const { type, object_type } = objectAt(attribute, name)
      if (object_type === undefined ? types[String(type)] === undefined : objects[String(object_type)] === undefined)
        throw new Error(`${owner}.${name} is of type ${object_type ?? type}, which the export does not define`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, commit, date] = process.argv.slice(2)
  if (file === undefined || commit === undefined || date === undefined) {
    console.error('usage: npx tsx schemas/import.ts <export.json> <commit of ocsf-schema> <date, yyyy-mm-dd>')
    process.exit(1)
  }
  const facts = factsFromExport(JSON.parse(readFileSync(file, 'utf8')), { commit, date })
  const target = fileURLToPath(new URL(`facts/ocsf-${facts.ocsf_version}.json`, import.meta.url))
  writeFileSync(target, `${JSON.stringify(facts)}\n`)
  console.log(target)
}
