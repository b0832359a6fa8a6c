import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../json.js'
import { accountInArn, leftOver, regionInArn } from './values.js'

const none = (): boolean => false

describe('leftOver', () => {
  it('keeps what says something, in its order, and adds more behind it', () => {
    for (let times = 0; times < 100; times++) {
      const object = { a: times, b: null, c: '', d: '-', e: [], f: { g: 1 }, h: false }
      expect(Object.entries(leftOver(object, key => key === 'f') ?? {})).toEqual([
        ['a', times],
        ['e', []],
        ['h', false],
      ])
      expect(Object.entries(leftOver(object, () => true, { x: undefined, y: 'z' }) ?? {})).toEqual([['y', 'z']])
      expect(leftOver(object, () => true)).toBeUndefined()
      expect(leftOver({}, none)).toBeUndefined()
    }
  })

  it('keeps an own __proto__ an own member', () => {
    for (let times = 0; times < 100; times++) {
      const rest = leftOver(JSON.parse('{"a":1,"__proto__":{"b":2},"c":3}') as JsonObject, none)
      expect(JSON.stringify(rest)).toBe('{"a":1,"__proto__":{"b":2},"c":3}')
      expect(Object.getPrototypeOf(rest)).toBe(Object.prototype)
    }
  })

  it('keeps every member of wide objects, and of ever new ones', () => {
    for (const width of [63, 64, 65, 66, 5000]) {
      const object = Object.fromEntries(Array.from({ length: width }, (_, at) => [`k${at}`, at]))
      expect(leftOver(object, none)).toEqual(object)
      expect(leftOver(object, key => key === 'k0', { more: 1 })).toEqual({ ...object, k0: undefined, more: 1 })
    }
    for (let at = 0; at < 10_000; at++) expect(leftOver({ [`n${at}`]: at, b: 1 }, none)).toEqual({ [`n${at}`]: at, b: 1 })
  })
})

describe('accountInArn', () => {
  it('reads the account where an ARN names one', () => {
    expect(accountInArn('arn:aws:iam::123456789012:role/door')).toBe('123456789012')
    expect(accountInArn('arn:aws:iam::123456789012')).toBe('123456789012')
    expect(accountInArn('arn:aws:s3:eu-west-1:123456789012:a:b')).toBe('123456789012')
    for (const arn of [
      'arn:aws:s3:::bucket',
      'arn:aws:iam::aws:policy/x',
      'arn:aws:iam::1234567890123:x',
      'arn:aws:iam::12345678901:x',
      'arn:aws:iam',
      'arn:',
      '',
      'x',
    ])
      expect(accountInArn(arn), arn).toBeUndefined()
  })
})

describe('regionInArn', () => {
  it('reads the region where an ARN names one', () => {
    expect(regionInArn('arn:aws:inspector2:eu-west-1:123456789012:finding/a')).toBe('eu-west-1')
    expect(regionInArn('arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:a:b')).toBe('us-gov-west-1')
    for (const arn of ['arn:aws:iam::123456789012:role/door', 'arn:aws:s3:::bucket', 'arn:aws:s3:eu-west-1', 'arn:aws', 'arn:', '', 'x:y:z:eu-west-1:1'])
      expect(regionInArn(arn), arn).toBeUndefined()
  })
})
