// The bundled files as a user has them: plain ajv in strict mode, none of this package's own keywords.
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { VERSIONS } from './facts.js'
import { validate } from './validate.js'

type Schema = Record<string, unknown> & { readonly $id: string }
type Event = Record<string, unknown>

const json = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
const list = (path: string) => readdirSync(new URL(`../../${path}`, import.meta.url))

/** Rules that plain JSON Schema can say; the others need `validate`. */
const STRUCTURAL = new Set(['required_missing', 'unknown_attribute', 'wrong_type', 'range', 'max_len', 'enum_unknown', 'constraint'])

function bundled(version: string): { ajv: Ajv2020; classes: readonly Schema[] } {
  const ajv = new Ajv2020({ strict: true })
  ajv.addSchema(json(`schemas/${version}/objects.json`) as Schema)
  const classes = list(`schemas/${version}`)
    .filter(file => file !== 'objects.json')
    .map(file => json(`schemas/${version}/${file}`) as Schema)
  for (const schema of classes) ajv.addSchema(schema)
  return { ajv, classes }
}

const ajvs = new Map(VERSIONS.map(version => [version as string, bundled(version)]))

describe('the bundled schemas', () => {
  // Compiling all 286 classes takes half a minute; adding checks each against the meta-schema.
  it.each(VERSIONS)('are valid JSON Schema 2020-12 and compile in strict mode: %s', version => {
    const { ajv, classes } = ajvs.get(version)!
    expect(classes.length).toBeGreaterThanOrEqual(50)
    for (let i = 0; i < classes.length; i += 20) expect(ajv.getSchema(classes[i]!.$id)).toBeTypeOf('function')
    expect(ajv.errors).toBeNull()
  })

  it('accept the valid events and refuse those broken in structure', async () => {
    const judge = (event: Event): boolean | undefined => {
      const { ajv, classes } = ajvs.get((event.metadata as Event).version as string)!
      const type = classes.find(schema => {
        const { class_uid } = schema.properties as { class_uid: { enum: readonly number[] } }
        return class_uid.enum[0] === event.class_uid
      })
      return type && (ajv.getSchema(type.$id)!(event) as boolean)
    }
    for (const file of list('fixtures/ocsf/valid')) expect([file, judge(json(`fixtures/ocsf/valid/${file}`) as Event)]).toEqual([file, true])
    let refused = 0
    for (const file of list('fixtures/ocsf/broken')) {
      const { event } = json(`fixtures/ocsf/broken/${file}`) as { event: Event }
      const { issues } = await validate(event)
      // what profiles and limits of int64 ask goes beyond plain JSON Schema
      const structural = issues.some(({ rule, expected }) => STRUCTURAL.has(rule) && !expected.includes('profile'))
      if (!structural) continue
      expect([file, judge(event)]).toEqual([file, false])
      refused++
    }
    expect(refused).toBeGreaterThan(25)
  })
})
