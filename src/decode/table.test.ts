import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decoded } from './decoder.js'
import { type Table, tableDecoder } from './table.js'

const FIELDS = { name: 'text', 'short-name': 'text', port: 'integer', bytes: 'long', colour: 'rest' } as const
const table: Table<typeof FIELDS> = {
  record: 'a thing',
  fields: FIELDS,
  implied: cells => (cells.length === 2 ? ['name', 'port'] : undefined),
}

type Got = { readonly line: number | undefined } & Record<string, unknown>

/** Undefined members are left out by the spread into JSON; bigint stays. */
function present(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))
}

function decode(input: string | readonly Uint8Array[], fields?: readonly string[]): Got[] {
  const got: Got[] = []
  const decoder = tableDecoder(table, fields)
  const emit = (item: Decoded<object>) => {
    const line = item.place.line
    if ('record' in item) got.push({ line, ...present(item.record) })
    else if ('fault' in item) got.push({ line, rule: item.fault.rule, path: item.fault.path, found: item.fault.found, raw: new TextDecoder().decode(item.raw) })
  }
  for (const chunk of typeof input === 'string' ? [new TextEncoder().encode(input)] : input) decoder.push(chunk, emit)
  decoder.end(emit)
  return got
}

describe('tableDecoder', () => {
  it('reads any order and subset of a header, types the numbers, and takes - as absent', () => {
    expect(decode('bytes name port\n12 a 007\n- - -\n')).toEqual([{ line: 2, bytes: 12, name: 'a', port: 7 }, { line: 3 }])
  })

  it('takes underscores, capitals and the variables of a log format as names', () => {
    expect(decode(`SHORT_NAME \${port}\na 1\n`)).toEqual([{ line: 2, 'short-name': 'a', port: 1 }])
  })

  it('collapses runs of spaces and tabs', () => {
    expect(decode('name  port\tbytes\n  a \t 1  2 \n')).toEqual([{ line: 2, name: 'a', port: 1, bytes: 2 }])
  })

  it('follows a header that comes again or changes in the middle', () => {
    expect(decode('name port\na 1\nname port\nb 2\nport name\n3 c\n')).toEqual([
      { line: 2, name: 'a', port: 1 },
      { line: 4, name: 'b', port: 2 },
      { line: 6, name: 'c', port: 3 },
    ])
  })

  it('does not take a value that is a field name for a header', () => {
    expect(decode('name port bytes\nport 1 2\n')).toEqual([{ line: 2, name: 'port', port: 1, bytes: 2 }])
  })

  it('keeps homeless and unknown fields under rest, also a column called __proto__', () => {
    const [row] = decode('name Weird_One colour __proto__\na x red evil\n')
    expect(JSON.stringify(row)).toBe('{"line":2,"name":"a","rest":{"Weird_One":"x","colour":"red","__proto__":"evil"}}')
    expect(({} as Record<string, unknown>)['evil']).toBeUndefined()
  })

  it('uses the given names for text without a header, and the header where there is one', () => {
    expect(decode('1 a\n2 b\n', ['port', 'name'])).toEqual([
      { line: 1, port: 1, name: 'a' },
      { line: 2, port: 2, name: 'b' },
    ])
    expect(decode('name port\na 1\n', ['port', 'name'])).toEqual([{ line: 2, name: 'a', port: 1 }])
  })

  it('refuses given names that name a field twice', () => {
    expect(() => decode('', ['port', 'PORT'])).toThrow(expect.objectContaining({ code: 'option_invalid' }))
  })

  it('falls back to the default format where a row fits it', () => {
    expect(decode('one two three\na 1\nb 2 3\n')).toEqual([
      { line: 1, rule: 'header_missing', path: undefined, found: 'one two three', raw: 'one two three' },
      { line: 2, name: 'a', port: 1 },
      { line: 3, rule: 'field_count', path: undefined, found: '3', raw: 'b 2 3' },
    ])
  })

  it('refuses a header that names a field twice, and the rows below it', () => {
    expect(decode('name short_name short-name\na b c\nname port\na 1\n').map(({ line, rule, path }) => [line, rule, path])).toEqual([
      [1, 'field_duplicate', 'short-name'],
      [2, 'header_missing', undefined],
      [4, undefined, undefined],
    ])
  })

  it('says which field is no number', () => {
    expect(decode('name port\na 1.5\nb -1\nc 0x1\n').map(({ rule, path, found }) => [rule, path, found])).toEqual([
      ['wrong_type', 'port', '1.5'],
      ['wrong_type', 'port', '-1'],
      ['wrong_type', 'port', '0x1'],
    ])
  })

  it('keeps every digit of a long, and refuses what 64 bits cannot hold', () => {
    expect(decode('bytes port\n9007199254740991 1\n9007199254740993 1\n9223372036854775807 1\n').map(({ bytes }) => bytes)).toEqual([
      9007199254740991,
      9007199254740993n,
      9223372036854775807n,
    ])
    expect(decode(`bytes port\n9223372036854775808 1\n${'9'.repeat(5000)} 1\n1 9007199254740993\n`).map(({ rule, path }) => [rule, path])).toEqual([
      ['wrong_type', 'bytes'],
      ['wrong_type', 'bytes'],
      ['wrong_type', 'port'],
    ])
  })

  it('reads CSV with quotes, and takes empty cells as absent', () => {
    expect(decode('"name",port,colour\n"a ""b"", c",1,red\n,"",\n')).toEqual([{ line: 2, name: 'a "b", c', port: 1, rest: { colour: 'red' } }, { line: 3 }])
  })

  it('refuses broken quotes and a wrong number of cells', () => {
    expect(decode('name,port\n"a,1\n"a"b,1\na\n').map(({ rule }) => rule)).toEqual(['csv_syntax', 'csv_syntax', 'field_count'])
    expect(decode('"a,b\n').map(({ rule }) => rule)).toEqual(['csv_syntax'])
  })

  it('reads JSON objects with numbers as numbers or text, and keeps what it does not know', () => {
    expect(
      decode('{"short_name":"a","port":"1","bytes":9007199254740993,"colour":"red","new":{"x":[1]},"name":7}\n{"name":"-","port":null,"bytes":""}\n'),
    ).toEqual([{ line: 1, 'short-name': 'a', port: 1, bytes: 9007199254740993n, name: '7', rest: { colour: 'red', new: { x: [1] } } }, { line: 2 }])
  })

  it('refuses JSON that is broken, no record, badly typed, or names a field twice', () => {
    const lines = [
      '{"name":',
      '{"other":1}',
      '{"port":true}',
      '{"port":-1}',
      '{"bytes":1.5}',
      '{"bytes":[1]}',
      '{"name":{}}',
      '{"name":"a","Name":"b"}',
      '{"colour":"a","COLOUR":"b"}',
    ]
    expect(decode(lines.join('\n')).map(({ rule, path }) => [rule, path])).toEqual([
      ['json_syntax', undefined],
      ['record_unknown', undefined],
      ['wrong_type', 'port'],
      ['wrong_type', 'port'],
      ['wrong_type', 'bytes'],
      ['wrong_type', 'bytes'],
      ['wrong_type', 'name'],
      ['field_duplicate', 'name'],
      ['field_duplicate', 'colour'],
    ])
  })

  it('quotes little of a long value in a fault', () => {
    const [fault] = decode(`name port\na ${'x'.repeat(5000)}\n`)
    expect(String(fault?.found)).toHaveLength(121)
  })

  it('turns noise into one fault a line and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), noise => {
        const got = decode([noise])
        const lines = noise.filter(byte => byte === 10).length + 1
        expect(got.length).toBeLessThanOrEqual(lines)
      }),
    )
  })

  it('gives the same records wherever the stream is cut', () => {
    const text = 'name port bytes colour\na 1 9007199254740993 -\r\n\nb x 2 red\n{"name":"ü","port":3}\nc 3\nname,port\n"d, e",4\n\uFFFDé 5\nf,6'
    const whole = new TextEncoder().encode(text)
    const expected = decode([whole])
    expect(expected).toHaveLength(7)
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 20 }), cuts => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length]
        expect(decode(at.slice(1).map((end, i) => whole.subarray(at[i], end)))).toEqual(expected)
      }),
    )
  })
})
