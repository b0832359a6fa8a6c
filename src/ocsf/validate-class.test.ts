import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ColumnTree, classFields, columns } from './columns.js'
import { type ClassType, type Facts, isVersion, loadFacts, type ObjectType } from './facts.js'
import { CLASS_UIDS, type ClassName } from './generated/types.js'
import { isIp } from './ip.js'
import type { Validation } from './issue.js'
import { classValidator, validate } from './validate.js'

type Obj = Record<string, unknown>

const folder = new URL('../../fixtures/ocsf/', import.meta.url)
const read = (kind: string) =>
  readdirSync(new URL(kind, folder)).map(
    file => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(new URL(`${kind}/${file}`, folder), 'utf8')) as unknown] as const,
  )
const valid = read('valid') as (readonly [string, Obj])[]
const broken = (read('broken') as (readonly [string, { event: Obj }])[]).map(([name, { event }]) => [name, event] as const)

const isObject = (value: unknown): value is Obj => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The columns that the given objects fill, as a source would declare them. */
function treeOf(facts: Facts, type: ObjectType, objects: readonly unknown[]): ColumnTree {
  const tree: Record<string, true | ColumnTree> = {}
  for (const object of objects.filter(isObject)) {
    for (const name of Object.keys(object)) {
      const attribute = type.attributes.get(name)
      if (attribute === undefined) continue
      const inner = facts.objects.get(attribute.object_type ?? '')
      if (inner === undefined || inner.attributes.size === 0) tree[name] = true
      else
        tree[name] ??= treeOf(
          facts,
          inner,
          objects.filter(isObject).flatMap(other => other[name]),
        )
    }
  }
  for (const [name, inner] of Object.entries(tree)) if (inner !== true && Object.keys(inner).length === 0) delete tree[name]
  return tree
}

const NAMES = new Map(Object.entries(CLASS_UIDS).map(([name, uid]) => [uid as number, name as ClassName]))

/** A closed validator that knows all attributes of the given events. */
async function validatorOf(events: readonly Obj[]) {
  const { version } = events[0]!.metadata as Obj
  if (!isVersion(version)) return undefined
  const facts = await loadFacts(version)
  const type: ClassType | undefined = facts.classes.get(events[0]!.class_uid as number)
  if (type === undefined) return undefined
  return classValidator(facts, classFields(facts, NAMES.get(type.uid)!, treeOf(facts, type, events))!)
}

const findings = ({ issues, warnings }: Validation) => [...issues, ...warnings].map(issue => `${issue.rule} ${issue.path}`).sort()

/** Numerical Recipes' linear congruential generator: the same mutants in every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const JUNK = [
  '',
  '-',
  'x',
  'undefined',
  '1.2.3',
  'Other',
  0,
  1,
  -1,
  1.5,
  99,
  7777,
  65536,
  2 ** 31,
  2 ** 63,
  1714521600,
  1e14,
  400199,
  true,
  [],
  {},
  ['x'],
  [99],
  5n,
  2n ** 63n,
]

function mutant(event: Obj, pick: (below: number) => number): Obj {
  const copy = structuredClone(event)
  let holder = copy
  for (;;) {
    const name = Object.keys(holder)[pick(Object.keys(holder).length)]
    if (name === undefined) return copy
    const value = holder[name]
    const inner = Array.isArray(value) ? value[0] : value
    if (isObject(inner) && pick(4) > 0) holder = inner
    else {
      if (pick(3) === 0) delete holder[name]
      else holder[name] = JUNK[pick(JUNK.length)]
      return copy
    }
  }
}

describe('classValidator', () => {
  it.each(valid)('gives a valid event the shared, frozen result: %s', async (_, event) => {
    const check = (await validatorOf([event]))!
    const result = check(event)
    expect(result).toEqual({ valid: true, issues: [], warnings: [] })
    expect(check(structuredClone(event))).toBe(result)
    expect(Object.isFrozen(result)).toBe(true)
  })

  it('finds in broken events what validate finds', async () => {
    let compared = 0
    for (const [name, event] of broken) {
      // Null is no value for a source, and a deprecated attribute no column: both are refused outright.
      if (/null_value|wrong_type-item|deprecated-attribute|too_deep/.test(name) || !isObject(event) || !isObject(event.metadata)) continue
      const alike = valid
        .map(([, other]) => other)
        .filter(other => other.class_uid === event.class_uid && isObject(other.metadata) && other.metadata.version === (event.metadata as Obj).version)
      const check = await validatorOf([event, ...alike])
      if (check === undefined) continue
      compared++
      expect([name, ...findings(check(event))]).toEqual([name, ...findings(await validate(event))])
    }
    expect(compared).toBeGreaterThan(45)
  })

  it('judges thousands of mutants as validate does, so that the fast path accepts nothing that has a finding', async () => {
    const pick = random(20261121)
    let accepted = 0
    let refused = 0
    for (const [name, event] of valid) {
      const check = (await validatorOf([event]))!
      for (let i = 0; i < 150; i++) {
        const changed = mutant(event, pick)
        if (!isObject(changed.metadata) || changed.metadata.version !== (event.metadata as Obj).version || changed.class_uid !== event.class_uid) continue
        const mine = check(changed)
        expect([name, changed, ...findings(mine)]).toEqual([name, changed, ...findings(await validate(changed))])
        if (mine.valid) accepted++
        else refused++
      }
    }
    expect(accepted).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(1000)
  })

  it('is closed: an attribute that the source did not declare is unknown', async () => {
    const facts = await loadFacts('1.1.0')
    const declared = columns('network_activity')({
      activity_id: true,
      severity_id: true,
      time: true,
      metadata: { product: { name: true, vendor_name: true } },
      src_endpoint: { ip: true },
      dst_endpoint: { ip: true },
    })
    const check = await classValidator(facts, classFields(facts, 'network_activity', declared)!)
    const event = {
      activity_id: 6,
      category_uid: 4,
      class_uid: 4001,
      type_uid: 400106,
      severity_id: 1,
      time: 1714521600000,
      metadata: { version: '1.1.0', product: { name: 'x', vendor_name: 'y' } },
      src_endpoint: { ip: '192.0.2.1', port: undefined },
      dst_endpoint: { ip: '192.0.2.2' },
      never_heard_of: undefined,
    }
    expect(check(event)).toMatchObject({ valid: true, warnings: [] })
    expect(findings(check({ ...event, src_endpoint: { ip: '192.0.2.1', port: 443 } }))).toEqual(['unknown_attribute src_endpoint.port'])
    expect(findings(check({ ...event, traffic: { bytes: 1 } }))).toEqual(['unknown_attribute traffic'])
    expect(findings(check({ ...event, metadata: { ...event.metadata, profiles: ['cloud'] } }))).toEqual(['required_missing cloud'])
    expect(findings(check({ ...event, src_endpoint: { ip: null } }))).toEqual([
      'constraint src_endpoint',
      'null_value src_endpoint.ip',
      'wrong_type src_endpoint.ip',
    ])
    expect(check({ ...event, unmapped: { bytes: 1n, anything: [null] } }).valid).toBe(true)
  })

  it('warns of a deprecated class without calling its events invalid', async () => {
    const event = broken.find(([name]) => name === 'warning-deprecated-class')![1]
    const check = (await validatorOf([event]))!
    expect(check(event)).toMatchObject({ valid: true, issues: [], warnings: [{ rule: 'deprecated', path: 'class_uid' }] })
  })

  it('calls nothing an IP address that the regex of OCSF refuses', async () => {
    const texts = [
      '192.0.2.1',
      '0.0.0.0',
      '255.255.255.255',
      '::',
      '::1',
      '2001:db8::',
      '2001:db8:0:0:0:0:0:1',
      '::ffff:192.0.2.1',
      'fe80::1%eth0',
      '1::8',
      '1:2:3:4:5:6:7::',
      '64:ff9b::203.0.113.1',
    ]
    for (const version of ['1.1.0', '1.8.0'] as const) {
      const regex = new RegExp((await loadFacts(version)).types.ip_t!.regex!)
      for (const text of texts) expect([text, isIp(text), regex.test(text)]).toEqual([text, true, true])
    }
  })
})
