import { expect, it } from 'vitest'
import { take } from './taking.js'

it('leaves what was not taken, under the names of AWS', () => {
  const record = take({ id: 'f-1', severity: 8.7, service: { count: 2, archived: 'maybe', detail: {} }, tags: [{ key: 'a', value: 'b' }, 'odd'] })
  expect(record.text('id')).toBe('f-1')
  expect(record.text('severity')).toBeUndefined()
  expect(record.at('service').whole('count')).toBe(2)
  expect(record.at('service').flag('archived')).toBeUndefined()
  expect(record.list('tags').map(tag => tag.text('value'))).toEqual(['b'])
  expect(record.rest()).toEqual({ severity: 8.7, service: { archived: 'maybe' }, tags: [{ key: 'a' }, 'odd'] })
})

it('reads the spelling of the command line by the same names', () => {
  const record = take({ AccountId: '123456789012', Service: { Count: 3 }, Other: 1 })
  expect(record.text('accountId')).toBe('123456789012')
  expect(record.at('service').whole('count')).toBe(3)
  expect(record.rest()).toEqual({ Other: 1 })
})

it('says which item of a list a rest is about, and hands a rest over once', () => {
  const record = take({ items: [{ id: 'a', x: 1 }, { id: 'b' }], more: { y: 2 } })
  for (const item of record.list('items', 'id')) item.text('id')
  expect(record.at('more').handOver()).toEqual({ y: 2 })
  expect(record.rest()).toEqual({ items: [{ id: 'a', x: 1 }] })
})

it('keeps what is no object or list where one was looked for', () => {
  const record = take({ service: 'text', resources: { a: 1 } })
  expect(record.at('service').text('x')).toBeUndefined()
  expect(record.list('resources')).toEqual([])
  expect(record.rest()).toEqual({ service: 'text', resources: { a: 1 } })
})

it('reads an object of a hundred thousand members in time', () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `tag${i}`)
  const record = take(Object.fromEntries(names.map(name => [name, 'value'])))
  for (const name of names) record.text(name)
  const started = performance.now()
  expect(record.rest()).toBeUndefined()
  expect(performance.now() - started).toBeLessThan(2000)
})
