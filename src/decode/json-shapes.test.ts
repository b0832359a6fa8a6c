import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../json.js'
import { splitter } from './json-shapes.js'

const names = { texts: ['eventName', 'errorCode'], values: ['resources'], seen: ['readOnly'] } as const

/** What a splitter says of an object that comes as often as is needed to have code made for it. */
function splitOften(object: JsonObject): ReturnType<ReturnType<typeof splitter<'eventName' | 'errorCode' | 'resources' | 'readOnly'>>> {
  const split = splitter(names)
  for (let time = 0; time < 40; time++) split(object)
  return split(object)
}

describe('splitter', () => {
  it('gives what is asked for under the same keys, and the rest in its order', () => {
    const { asked, rest } = splitOften({ z: 1, eventName: 'GetObject', readOnly: true, a: null, resources: [{ ARN: 'arn:aws:s3:::example' }] })
    expect(asked).toEqual({ eventName: 'GetObject', errorCode: undefined, resources: [{ ARN: 'arn:aws:s3:::example' }], readOnly: true })
    expect(Object.keys(asked)).toEqual(['eventName', 'errorCode', 'resources', 'readOnly'])
    expect(JSON.stringify(rest)).toBe('{"z":1,"readOnly":true,"a":null}')
  })

  it('leaves what is no text under the name of one', () => {
    expect(splitOften({ eventName: 7, errorCode: null, a: 1 }).rest).toEqual({ eventName: 7, a: 1 })
    expect(splitOften({ eventName: 'GetObject', errorCode: ['x'] }).rest).toEqual({ errorCode: ['x'] })
  })

  it('keeps a key of __proto__ as a member', () => {
    const { rest } = splitOften(JSON.parse('{"__proto__":{"a":1},"eventName":"GetObject"}') as JsonObject) // an object
    expect(Object.getPrototypeOf(rest)).toBe(Object.prototype)
    expect(JSON.stringify(rest)).toBe('{"__proto__":{"a":1}}')
  })

  it('says the same however often the keys of an object came, and where code may not be made', () => {
    const key = fc.oneof(fc.constantFrom('eventName', 'errorCode', 'resources', 'readOnly', '__proto__', '1', 'constructor'), fc.string())
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.oneof(fc.string(), fc.constant(null), fc.integer(), fc.constant([])), { maxKeys: 80, noNullPrototype: true }),
        object => {
          const first = splitter(names)(object)
          const often = splitOften(object)
          vi.stubGlobal('Function', () => {
            throw new EvalError('forbidden')
          })
          const forbidden = splitOften(object)
          vi.unstubAllGlobals()
          for (const other of [often, forbidden]) {
            expect(other).toStrictEqual(first)
            expect(Object.keys(other.rest)).toEqual(Object.keys(first.rest))
          }
          for (const name of Object.keys(object)) expect(name in first.rest || name in first.asked).toBe(true)
        },
      ),
    )
  })
})
