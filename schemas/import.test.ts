import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { factsFromExport } from './import.js'

/** Free-form JSON, read by name. */
interface Obj {
  [name: string]: Obj | undefined
}
const plain = (value: unknown): Obj => JSON.parse(JSON.stringify(value))

const source = { commit: '0123456789abcdef', date: '2026-01-31' }
const metadata = { caption: 'Metadata', type: 'object_t', object_type: 'metadata', requirement: 'required', is_array: false, group: 'context', profiles: null }
const id = (caption: string, values: Record<string, string>, more: object = {}) => ({
  caption,
  description: 'Left <code>behind</code>.',
  type: 'integer_t',
  type_name: 'Integer',
  requirement: 'required',
  enum: Object.fromEntries(Object.entries(values).map(([key, text]) => [key, { caption: text, description: 'Also left behind.' }])),
  ...more,
})

/** The shape of compile_version 1, with one of everything. */
const compiled = (): Obj =>
  plain({
    version: '1.9.0',
    compile_version: 1,
    categories: { name: 'category', caption: 'Categories', attributes: { system: { uid: 1, caption: 'System Activity', description: '…' } } },
    dictionary: {
      attributes: { ip: { caption: 'IP', type: 'ip_t' } },
      types: {
        caption: 'Data Types',
        attributes: {
          string_t: { caption: 'String', description: '…' },
          integer_t: { caption: 'Integer' },
          ip_t: { caption: 'IP Address', type: 'string_t', type_name: 'String', max_len: 40, regex: '^.+$', observable: 2, references: [] },
        },
      },
    },
    extensions: { win: { uid: 2, name: 'win', caption: 'Windows', version: '1.9.0', 'platform_extension?': true, description: '…' } },
    profiles: {
      host: { name: 'host', caption: 'Host', meta: 'profile' },
      'linux/linux_users': { name: 'linux_users', caption: 'Linux Users', extension: 'linux' },
    },
    objects: {
      _entity: { name: '_entity', caption: 'Entity', attributes: {} },
      metadata: {
        name: 'metadata',
        caption: 'Metadata',
        attributes: { version: { caption: 'Version', type: 'string_t', requirement: 'required' } },
        constraints: {},
      },
      observable: { name: 'observable', caption: 'Observable', attributes: { type_id: id('Type ID', { 0: 'Unknown', 2: 'IP Address' }, { sibling: 'type' }) } },
      'win/reg_key': {
        name: 'reg_key',
        caption: 'Registry Key',
        extension: 'win',
        extension_id: 2,
        extends: 'object',
        observable: 28,
        constraints: { at_least_one: ['path'] },
        attributes: {
          path: { caption: 'Path', type: 'string_t', requirement: 'recommended', observable: 46, '@deprecated': { since: '1.7.0', message: '…' } },
        },
      },
    },
    classes: {
      base_event: { name: 'base_event', uid: 0, caption: 'Base Event', category: 'other', category_uid: 0, attributes: { metadata } },
      system: { name: 'system', caption: 'System', attributes: {} },
      'win/registry_key_activity': {
        name: 'registry_key_activity',
        uid: 201001,
        caption: 'Registry Key Activity',
        category: 'system',
        category_uid: 1,
        category_name: 'System Activity',
        extends: 'system',
        extension: 'win',
        profiles: ['host', 'linux/linux_users'],
        associations: { a: ['b'] },
        '@deprecated': { since: '1.8.0', message: '…' },
        attributes: {
          reg_key: {
            caption: 'Registry Key',
            type: 'object_t',
            object_type: 'win/reg_key',
            object_name: 'Registry Key',
            requirement: 'required',
            extension: 'win',
            extension_id: 2,
          },
          metadata,
          activity_id: {
            ...id('Activity ID', { 0: 'Unknown', 1: 'Create' }, { sibling: 'activity_name', suppress_checks: [] }),
            enum: { 0: { caption: 'Unknown' }, 1: { caption: 'Create', '@deprecated': { since: '1.8.0', message: '…' } } },
          },
          ips: { caption: 'IPs', type: 'ip_t', is_array: true, requirement: 'optional', profiles: ['host'], enum: {} },
        },
      },
    },
  })

const expectedClass = {
  uid: 201001,
  category: 'system',
  category_uid: 1,
  caption: 'Registry Key Activity',
  extends: 'system',
  extension: 'win',
  deprecated: '1.8.0',
  profiles: ['host', 'linux/linux_users'],
  attributes: {
    activity_id: {
      caption: 'Activity ID',
      type: 'integer_t',
      requirement: 'required',
      sibling: 'activity_name',
      enum: { 0: 'Unknown', 1: 'Create' },
      enum_deprecated: ['1'],
    },
    ips: { caption: 'IPs', type: 'ip_t', requirement: 'optional', is_array: true, profiles: ['host'] },
    metadata: { caption: 'Metadata', type: 'object_t', object_type: 'metadata', requirement: 'required' },
    reg_key: { caption: 'Registry Key', type: 'object_t', object_type: 'reg_key', requirement: 'required', extension: 'win' },
  },
}

describe('factsFromExport', () => {
  it('keeps what the package needs of a compiled schema, and no descriptions', () => {
    const facts = plain(factsFromExport(compiled(), source))
    expect(Object.keys(facts)).toEqual([
      'format',
      'ocsf_version',
      'source',
      'categories',
      'extensions',
      'types',
      'profiles',
      'observable_types',
      'classes',
      'objects',
    ])
    expect(facts).toMatchObject({ format: 'ocsf-facts-flat/1', ocsf_version: '1.9.0', source: { ...source, license: 'Apache-2.0' } })
    expect(facts.categories).toEqual({ 1: { name: 'system', caption: 'System Activity' } })
    expect(facts.extensions).toEqual({ win: { uid: 2, caption: 'Windows', version: '1.9.0' } })
    expect(facts.types?.ip_t).toEqual({ caption: 'IP Address', type: 'string_t', max_len: 40, regex: '^.+$', observable: 2 })
    expect(facts.profiles).toEqual({ host: { caption: 'Host' }, 'linux/linux_users': { caption: 'Linux Users', extension: 'linux' } })
    expect(facts.observable_types).toEqual({ 0: 'Unknown', 2: 'IP Address' })
    expect(Object.keys(facts.classes!)).toEqual(['base_event', 'registry_key_activity'])
    expect(facts.classes?.registry_key_activity).toEqual(expectedClass)
    expect(Object.keys(facts.objects!)).toEqual(['metadata', 'observable', 'reg_key'])
    expect(facts.objects?.reg_key).toEqual({
      caption: 'Registry Key',
      extends: 'object',
      extension: 'win',
      constraints: { at_least_one: ['path'] },
      observable: 28,
      attributes: { path: { caption: 'Path', type: 'string_t', requirement: 'recommended', observable: 46, deprecated: '1.7.0' } },
    })
    expect(JSON.stringify(facts)).not.toContain('behind')
  })

  it('reads the older export of a server too', () => {
    const { categories: _, dictionary, profiles: __, extensions: ___, compile_version: ____, ...rest } = compiled()
    const older: Obj = { ...rest, types: dictionary?.types?.attributes, dictionary_attributes: dictionary?.attributes }
    const activity = older.classes!['win/registry_key_activity']!
    delete activity.category_uid
    activity.attributes!.category_uid = plain(id('Category ID', { 1: 'System Activity' }))
    activity.attributes!.ips = plain({ ...activity.attributes!.ips, profiles: undefined, profile: 'host', sibling: null, '@deprecated': null })
    const facts = plain(factsFromExport(older, source))
    expect(facts.classes?.registry_key_activity?.category_uid).toBe(1)
    expect(facts.classes?.registry_key_activity?.attributes?.ips).toEqual(expectedClass.attributes.ips)
    expect(facts.categories).toEqual({ 1: { name: 'system', caption: 'System Activity' } })
    expect(Object.keys(facts.profiles!)).toEqual(['host', 'linux/linux_users'])
    expect(facts.types?.integer_t).toEqual({ caption: 'Integer' })
  })

  it('gives back the facts of every bundled version from an export of the same content', () => {
    for (const version of ['1.1.0', '1.3.0', '1.5.0', '1.8.0']) {
      const facts = plain(JSON.parse(readFileSync(new URL(`facts/ocsf-${version}.json`, import.meta.url), 'utf8')))
      const { categories, types, profiles, observable_types, classes, objects } = facts
      const again = plain(factsFromExport(exportOf(facts), source))
      expect(again).toMatchObject({ categories, types, observable_types })
      expect(again.classes).toEqual(classes)
      expect(again.objects).toEqual(objects)
      expect(Object.keys(again.profiles!).sort()).toEqual(Object.keys(profiles!).sort())
    }
  })

  it('says what is wrong with what it cannot read', () => {
    expect(() => factsFromExport([], source)).toThrow('the export is not an object')
    expect(() => factsFromExport({ ...compiled(), version: '1.6.0-dev' }, source)).toThrow('compile the branch v<version>')
    expect(() => factsFromExport({ ...compiled(), objects: undefined }, source)).toThrow('objects is not an object')
    const dangling = compiled()
    delete dangling.objects!['win/reg_key']
    expect(() => factsFromExport(dangling, source)).toThrow('registry_key_activity.reg_key is of type reg_key')
    const twice = compiled()
    twice.objects!['aws/metadata'] = twice.objects!.metadata
    expect(() => factsFromExport(twice, source)).toThrow('objects has metadata twice')
    const uncompiled = compiled()
    delete uncompiled.objects!.metadata!.attributes!.version!.requirement
    expect(() => factsFromExport(uncompiled, source)).toThrow('attribute version has the requirement undefined')
  })
})

/** Facts dressed up again as a compiled schema. */
function exportOf(facts: Obj): unknown {
  const entries = (group: Obj | undefined) => Object.entries(group ?? {}).map(([name, item]) => [name, item ?? {}] as const)
  const scoped = (name: string) => {
    const extension = facts.objects?.[name]?.extension
    return extension === undefined ? name : `${extension}/${name}`
  }
  const note = (since: unknown) => (since === undefined ? undefined : { since, message: 'x' })
  const attribute = ({ enum: values, enum_deprecated: old, deprecated, object_type, ...rest }: Obj) => ({
    ...rest,
    description: 'x',
    object_type: object_type && scoped(String(object_type)),
    enum:
      values &&
      Object.fromEntries(
        entries(values).map(([id, caption]) => [
          id,
          {
            caption,
            '@deprecated': Object.values(old ?? {})
              .map(String)
              .includes(id)
              ? note('x')
              : undefined,
          },
        ]),
      ),
    '@deprecated': note(deprecated),
  })
  const items = (group: Obj | undefined) =>
    Object.fromEntries(
      entries(group).map(([name, { deprecated, attributes, ...item }]) => [
        item.extension === undefined ? name : `${item.extension}/${name}`,
        {
          ...item,
          name,
          description: 'x',
          '@deprecated': note(deprecated),
          attributes: Object.fromEntries(entries(attributes).map(([key, value]) => [key, attribute(value)])),
        },
      ]),
    )
  return plain({
    version: facts.ocsf_version,
    compile_version: 1,
    categories: { attributes: Object.fromEntries(entries(facts.categories).map(([uid, { name, caption }]) => [name, { uid: Number(uid), caption }])) },
    dictionary: { attributes: {}, types: { attributes: facts.types } },
    extensions: facts.extensions,
    profiles: facts.profiles,
    classes: items(facts.classes),
    objects: items(facts.objects),
  })
}
