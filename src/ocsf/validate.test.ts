import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { OcsfLakeError } from '../errors.js'
import type { OcsfVersion } from './facts.js'
import type { Validation } from './issue.js'
import { validate } from './validate.js'

type Event = Record<string, unknown>
interface Broken {
  readonly expected: readonly string[]
  readonly event: unknown
}

const folder = new URL('../../fixtures/ocsf/', import.meta.url)
const names = (kind: string) => readdirSync(new URL(kind, folder)).map(file => file.replace(/\.json$/, ''))
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
const valid = (name: string) => read(`valid/${name}`) as Event
const broken = (name: string) => read(`broken/${name}`) as Broken

const rules = ({ issues, warnings }: Validation) => [...new Set([...issues, ...warnings].map(issue => issue.rule))].sort()

/** Every rule, and whether it makes an event invalid. */
const ERRORS = [
  'not_object',
  'version_unknown',
  'class_uid_unknown',
  'required_missing',
  'unknown_attribute',
  'wrong_type',
  'range',
  'max_len',
  'enum_unknown',
  'category_uid',
  'type_uid',
  'constraint',
  'profile_unknown',
  'profile_not_in_class',
  'profile_not_declared',
  'enum_sibling',
  'other_without_sibling',
  'enum_array_sibling',
  'timestamp_not_ms',
  'datetime_mismatch',
  'observable_name',
  'too_deep',
]
const WARNINGS = ['regex', 'deprecated', 'observable_dangling', 'observable_value', 'null_value', 'empty_value', 'placeholder', 'other_caption']

describe('validate', () => {
  it.each(names('valid'))('accepts %s without a warning', async name => {
    expect(await validate(valid(name))).toEqual({ valid: true, issues: [], warnings: [] })
  })

  it.each(names('broken'))('finds exactly the rules of %s', async name => {
    const { expected, event } = broken(name)
    const validation = await validate(event)
    expect(rules(validation)).toEqual([...expected].sort())
    expect(validation.valid).toBe(!expected.some(rule => ERRORS.includes(rule)))
    expect(validation.issues.filter(issue => !ERRORS.includes(issue.rule))).toEqual([])
    expect(validation.warnings.filter(issue => !WARNINGS.includes(issue.rule))).toEqual([])
    for (const { expected, found } of [...validation.issues, ...validation.warnings]) {
      expect(expected).not.toBe('')
      expect(found.length).toBeGreaterThan(0)
      expect(found.length).toBeLessThanOrEqual(120)
    }
  })

  it('has a broken event for every rule', () => {
    const covered = new Set(names('broken').flatMap(name => broken(name).expected))
    expect([...covered].sort()).toEqual([...ERRORS, ...WARNINGS].sort())
  })

  it('says where, what was expected and what was found', async () => {
    const issueOf = async (name: string) => {
      const { issues, warnings } = await validate(broken(name).event)
      return [...issues, ...warnings][0]
    }
    expect(await issueOf('enum_unknown')).toEqual({ path: 'severity_id', rule: 'enum_unknown', expected: 'one of 0, 1, 2, 3, 4, 5, 6, 99', found: '7' })
    expect(await issueOf('required_missing-nested')).toEqual({ path: 'api.operation', rule: 'required_missing', expected: 'a value', found: 'nothing' })
    expect(await issueOf('unknown_attribute-nested')).toEqual({
      path: 'resources[1].arn',
      rule: 'unknown_attribute',
      expected: 'an attribute of this object',
      found: '"arn:aws:s3:::example-logs"',
    })
    expect(await issueOf('unknown_attribute-proto')).toMatchObject({ path: '__proto__', found: 'an object of 1' })
    expect(await issueOf('range')).toEqual({ path: 'dst_endpoint.port', rule: 'range', expected: '0 to 65535', found: '65536' })
    expect(await issueOf('wrong_type-int32')).toMatchObject({ path: 'connection_info.tcp_flags', expected: 'a 32-bit integer', found: '2147483648' })
    expect(await issueOf('wrong_type-int64')).toMatchObject({ path: 'traffic.bytes', expected: 'a 64-bit integer' })
    expect(await issueOf('wrong_type-item')).toMatchObject({ path: 'resources[1]', expected: 'an object', found: 'null' })
    expect(await issueOf('max_len')).toMatchObject({ path: 'evidences[0].file.hashes[0].value', expected: 'at most 64 characters' })
    expect(await issueOf('enum_sibling-nested')).toEqual({
      path: 'connection_info.direction',
      rule: 'enum_sibling',
      expected: '"Outbound"',
      found: '"outbound"',
    })
    expect(await issueOf('enum_array_sibling')).toMatchObject({ path: 'answers[0].flags[0]', found: '"AA"' })
    expect(await issueOf('other_without_sibling')).toMatchObject({ path: 'auth_protocol', found: 'nothing' })
    expect(await issueOf('constraint-just_one')).toEqual({
      path: 'vulnerabilities[0]',
      rule: 'constraint',
      expected: 'just one of advisory, cve, cwe',
      found: 'cve, cwe',
    })
    expect(await issueOf('required_missing-profile')).toMatchObject({ path: 'cloud', expected: 'a value with profile cloud' })
    expect(await issueOf('profile_not_declared-deep')).toMatchObject({ path: 'process.euid' })
    expect(await issueOf('datetime_mismatch')).toMatchObject({ path: 'time_dt', expected: 'the time of time, 1714521600000' })
  })

  it('takes the version from the event unless one is given', async () => {
    const event = valid('network-activity-1.8.0')
    expect((await validate(event)).valid).toBe(true)
    expect(rules(await validate(valid('http-activity-1.5.0'), '1.8.0'))).toEqual([])
    await expect(validate(event, '9.9.9' as OcsfVersion)).rejects.toMatchObject({ code: 'version_unknown' } satisfies Partial<OcsfLakeError>)
  })

  it('takes int64 values as bigint, and no others', async () => {
    const event = valid('network-activity-1.8.0')
    const bytes = (value: unknown) => validate({ ...event, traffic: { bytes: value } })
    expect(await bytes(2n ** 63n - 1n)).toEqual({ valid: true, issues: [], warnings: [] })
    expect(await bytes(-(2n ** 63n))).toMatchObject({ valid: true })
    expect(rules(await bytes(2n ** 63n))).toEqual(['wrong_type'])
    expect(rules(await bytes(2 ** 63))).toEqual(['wrong_type'])
    expect(rules(await validate({ ...event, type_uid: 400106n, time: 1714521600000n }))).toEqual([])
    expect(rules(await validate({ ...event, severity_id: 1n }))).toEqual(['wrong_type'])
  })

  it('counts characters, not UTF-16 units', async () => {
    const event = valid('detection-finding-1.3.0')
    const hashed = (value: string) => validate({ ...event, evidences: [{ file: { name: 'x', type_id: 1, hashes: [{ algorithm_id: 1, value }] } }] })
    expect((await hashed('🪣'.repeat(64))).valid).toBe(true)
    expect(rules(await hashed('🪣'.repeat(65)))).toEqual(['max_len'])
  })

  it('treats undefined members as absent', async () => {
    const event = valid('network-activity-1.1.0')
    expect(await validate({ ...event, no_such_attribute: undefined, load_balancer: undefined })).toMatchObject({ valid: true, warnings: [] })
    expect(rules(await validate({ ...event, dst_endpoint: undefined }))).toEqual(['required_missing'])
  })

  it('leaves the content of open objects and JSON values alone', async () => {
    const event = valid('api-activity-1.5.0')
    const anything = { null: null, '': '', list: [null, undefined, {}], __proto__: 1, placeholder: '-' }
    expect(await validate({ ...event, unmapped: anything, api: { operation: 'x', request: { uid: '1', data: anything } } })).toMatchObject({
      valid: true,
      warnings: [],
    })
  })

  it('survives members that shadow those of Object.prototype', async () => {
    const event = valid('api-activity-1.1.0')
    const hostile = JSON.parse('{"toString": 1, "hasOwnProperty": 2, "constructor": null}') as object
    expect(rules(await validate({ ...event, src_endpoint: hostile, observables: [{ name: 'src_endpoint', type_id: 20, value: 'x' }] }))).toEqual([
      'constraint',
      'observable_value',
      'unknown_attribute',
    ])
  })

  it('lists a bounded number of issues', async () => {
    const event = valid('network-activity-1.1.0')
    for (let i = 0; i < 5000; i++) event[`x${i}`] = i
    expect((await validate(event)).issues).toHaveLength(100)
  })
})
