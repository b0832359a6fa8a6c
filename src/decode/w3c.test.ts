import { describe, expect, it } from 'vitest'
import type { Decoded } from './decoder.js'
import { type W3cLog, w3cDecoder } from './w3c.js'

const NAMES = ['date', 'cs-host', 'status'] as const
const log: W3cLog<(typeof NAMES)[number]> = {
  record: 'a thing',
  names: NAMES,
  nameOf: written => NAMES.find(name => name === written || (written === 'cs(Host)' && name === 'cs-host')),
}

function decode(chunks: readonly (string | Uint8Array)[], fields?: readonly string[]) {
  const got: unknown[] = []
  const decoder = w3cDecoder(log, fields)
  const emit = (item: Decoded<object>) => {
    if ('record' in item) got.push(JSON.parse(JSON.stringify(item.record)))
    else if ('fault' in item) got.push(`${item.place.line ?? item.place.record}: ${item.fault.rule}`)
  }
  for (const chunk of chunks) decoder.push(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk, emit)
  decoder.end(emit)
  return { got, preface: decoder.preface?.() }
}

describe('w3cDecoder', () => {
  it('reads the fields that the header names, in its order, and keeps the unknown ones', () => {
    const { got, preface } = decode(['#Version: 1.0\n#Fields: cs(Host) new date\na.example\tx y\t-\n'])
    expect(got).toEqual([{ 'cs-host': 'a.example', rest: { new: 'x y' } }])
    expect(preface).toBe('#Fields: cs(Host) new date')
  })

  it('follows a header that changes in the middle', () => {
    expect(decode(['#Fields: date status\n1\t2\n#Fields: status date\n3\t4']).got).toEqual([
      { date: '1', status: '2' },
      { date: '4', status: '3' },
    ])
  })

  it('gives each record of any chunks, whatever space stands in front', () => {
    const text = '\ufeff\n \n#Fields: date status\n1\t2\n'
    const bytes = new TextEncoder().encode(text)
    for (const size of [1, 2, 5, 100]) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
      expect(decode(chunks).got).toEqual([{ date: '1', status: '2' }])
    }
  })

  it('reads JSON objects end to end, and keeps what is no text or comes twice', () => {
    const { got, preface } = decode([' ', '{"date":"1","status":200,"x":"-"}{"cs(Host)":"a","cs-host":"b","status":{"__proto__":1}}{"y":1}'])
    expect(got).toEqual([{ date: '1', status: '200' }, { 'cs-host': 'a', rest: JSON.parse('{"cs-host":"b","status":{"__proto__":1}}') }, '1: record_unknown'])
    expect(preface).toBeUndefined()
  })

  it('takes the names of cells from the option, and says them as the header of a record', () => {
    const { got, preface } = decode(['1\t2\n1\t2\t3\n1\t2\t\t\n'], ['date', 'status'])
    expect(got).toEqual([{ date: '1', status: '2' }, '2: field_count', { date: '1', status: '2' }])
    expect(preface).toBe('#Fields: date status')
    expect(decode(['1\t2'], ['date', 'status,new']).got).toEqual([{ date: '1', rest: { 'status,new': '2' } }])
    expect(decode(['1\t2\t3'], ['date', 'status', 'new']).got).toEqual([{ date: '1', status: '2', rest: { new: '3' } }])
  })

  it('keeps nothing of a buffer that is filled anew', () => {
    const got: unknown[] = []
    const decoder = w3cDecoder(log)
    const emit = (item: Decoded<object>) => got.push('record' in item ? item.record : item)
    const buffer = Buffer.from('\n  \n')
    decoder.push(buffer, emit)
    buffer.fill('x')
    decoder.push(new TextEncoder().encode('#Fields: date\n1\n'), emit)
    decoder.end(emit)
    expect(got).toEqual([{ date: '1', rest: undefined }])
  })

  it('says what is missing where nothing names the cells', () => {
    expect(decode(['1\t2\n']).got).toEqual(['1: header_missing'])
    expect(decode(['#Fields: date date\n1\t2\n']).got).toEqual(['1: field_duplicate', '2: header_missing'])
    expect(() => decode([''], ['date', 'date'])).toThrow('named twice')
  })
})
