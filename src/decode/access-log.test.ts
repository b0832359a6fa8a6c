import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccessFields, accessLogDecoder, partsOfTemplate, readAccessLine, spaced } from './access-log.js'
import type { Decoded } from './decoder.js'

const FIELDS = {
  owner: 'text',
  time: '[text]',
  request: '"text"',
  status: 'integer',
  bytes: 'long',
  took: 'decimal',
  referer: '"text"',
  agent: '"text"',
  version: 'text',
  host: 'rest',
  tls: 'text',
} as const satisfies AccessFields
const log = { record: 'a test record', parts: spaced(FIELDS), least: 9 }
const read = (line: string, escaped = false) => {
  const row = readAccessLine(line, { ...log, escaped })
  return 'fault' in row ? row.fault.rule : JSON.parse(JSON.stringify(row.row))
}
const plain = 'o [06/Feb/2019:00:00:38 +0000] "GET / HTTP/1.1" 200 5 0.001 "-" "curl" v h TLSv1.2'

describe('an access log line', () => {
  it('gives each field under its name and kind, dashes and empty quotes left out', () => {
    expect(read(plain)).toEqual({
      owner: 'o',
      time: '06/Feb/2019:00:00:38 +0000',
      request: 'GET / HTTP/1.1',
      status: 200,
      bytes: 5,
      took: '0.001',
      agent: 'curl',
      version: 'v',
      tls: 'TLSv1.2',
      rest: { host: 'h' },
    })
    expect(read('o - "" - - -1 - "" - - -')).toEqual({ owner: 'o', took: '-1' })
  })

  it('may be of an older format with fewer fields, not of one that never was', () => {
    expect(read(plain.split(' ').slice(0, -2).join(' '))).toMatchObject({ version: 'v' })
    expect(read(plain.split(' ').slice(0, -3).join(' '))).toBe('field_count')
  })

  it('keeps unknown trailing fields under their number', () => {
    expect(read(`${plain} x - y `)).toMatchObject({ tls: 'TLSv1.2', rest: { host: 'h', field_12: 'x', field_14: 'y' } })
    expect(read(`${plain} "a b" "-"`)).toMatchObject({ agent: 'curl', rest: { host: 'h', field_12: 'a b' } })
  })

  it('reads from both ends what has quotes inside', () => {
    const agents = ['a" "b c', '"', '\\"', 'x" - h TLS', '" - - "', "' or 1=1 --", '"a" - "b"', 'x\\"', 'a"b', '{"a": "b"}']
    const rows = agents.map(agent => [agent, read(plain.replace('"-" "curl"', `- "${agent}"`))] as const)
    for (const [agent, row] of rows) expect(row === 'quotes_ambiguous' ? agent : row.agent, agent).toBe(agent)
    expect(rows.filter(([, row]) => row === 'quotes_ambiguous')).toEqual([])
  })

  it('rejects what can be read in two ways', () => {
    expect(read(plain.replace('"-" "curl"', '"a" "b" "c"'))).toBe('quotes_ambiguous')
    expect(read(plain.replace('"GET / HTTP/1.1"', '"GET /" 200 5 1 "-" "x" 1 "y"').replace('"-" "curl"', '"-" "z'))).toBe('field_syntax')
  })

  it('rejects quotes that never close, numbers that are none, and missing spaces', () => {
    expect(read(plain.replace('"curl"', '"curl'))).toBe('field_syntax')
    expect(read(plain.replace(' 200 ', ' OK '))).toBe('field_syntax')
    expect(read(plain.replace(' 5 ', ' 99999999999999999999 '))).toBe('wrong_type')
    expect(read(plain.replace('"-" "curl"', '"-""curl"'))).toBe('field_syntax')
    expect(read('')).toBe('field_count')
  })

  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc
      .array(fc.constantFrom('"', '" "', '\\"', '\\', ' ', ' - ', '-', ' 200 5 1 ', 'x', '[', ']', '\t', '\\x22', '%22', '\u0000', 'é', "'"), { maxLength: 12 })
      .map(parts => parts.join('')),
  )
  // The splitter ends a line at a line feed; what a client sends cannot hold one.
  const content = hostile.map(text =>
    text
      .replaceAll('\n', ' ')
      .replaceAll('\r', ' ')
      .replaceAll(/\p{Surrogate}/gu, ''),
  )
  const blank = (text: string) => (text === '' || text === '-' ? undefined : text)

  it('never shifts a field, whatever clients send in the quotes', () => {
    fc.assert(
      fc.property(content, content, content, fc.constantFrom(9, 10, 11), fc.boolean(), (request, referer, agent, fields, more) => {
        const tail = ['v', 'h', 'TLSv1.2', ...(more ? ['new', 'er'] : [])].slice(0, more ? 5 : fields - 8)
        const row = read(`o [t] "${request}" 200 5 0.1 "${referer}" "${agent}" ${tail.join(' ')}`)
        if (typeof row === 'string') {
          expect(row).toBe('quotes_ambiguous')
          return
        }
        expect([row.owner, row.time, row.status, row.bytes, row.took, row.version]).toEqual(['o', 't', 200, 5, '0.1', 'v'])
        expect([row.request, row.referer, row.agent]).toEqual([blank(request), blank(referer), blank(agent)])
        expect(row.rest?.field_13).toBe(more ? 'er' : undefined)
      }),
      { numRuns: 3000 },
    )
  })

  it('reads every line of a writer that escapes quotes', () => {
    fc.assert(
      fc.property(content, content, fc.constantFrom('\\"', '\\x22'), (request, agent, escaped) => {
        const write = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', escaped)
        const row = read(`o [t] "${write(request)}" 200 5 0.1 "-" "${write(agent)}" v h TLSv1.2`, true)
        expect([row.request, row.agent]).toEqual([blank(write(request)), blank(write(agent))])
      }),
      { numRuns: 2000 },
    )
  })

  it('takes linear time on hostile lines', () => {
    for (const piece of ['"', '" "', ' "', '" 200 5 1 "', ' ', '[', '"-" ']) {
      const line = plain.replace('curl', piece.repeat(1_000_000 / piece.length))
      const began = performance.now()
      read(line)
      expect(performance.now() - began, piece).toBeLessThan(1000)
    }
  })
})

describe('a template', () => {
  const kinds = (name: string) => (name === 'status' ? 'integer' : 'text')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx writes its variables like this
  const parts = partsOfTemplate('$remote_addr - ${remote_user} [$time_local] "$request" $status rt=$request_time up="$upstream" $upstream_addr', kinds)
  it('reads lines in the format of the operator', () => {
    const row = readAccessLine('192.0.2.1 - - [t] "GET /\\x22 HTTP/1.1" 200 rt=0.1 up="-" 10.0.0.1:80, 10.0.0.2:80', {
      record: 'r',
      parts,
      least: parts.length,
    })
    expect(JSON.parse(JSON.stringify(row))).toEqual({
      row: {
        remote_addr: '192.0.2.1',
        time_local: 't',
        request: 'GET /\\x22 HTTP/1.1',
        status: 200,
        request_time: '0.1',
        upstream_addr: '10.0.0.1:80, 10.0.0.2:80',
      },
    })
  })

  it('must name fields, each once, with text between them', () => {
    expect(() => partsOfTemplate('no field', kinds)).toThrow('names no field')
    expect(() => partsOfTemplate('$a $a', kinds)).toThrow('names a twice')
    expect(() => partsOfTemplate('$a$b', kinds)).toThrow('nothing between a and b')
  })
})

describe('the decoder', () => {
  it('gives one record or fault a line, headers left out', () => {
    const items: Decoded<unknown>[] = []
    const decoder = accessLogDecoder(() => log)
    decoder.push(new TextEncoder().encode(`#Version: 1\n${plain}\r\n\nbad\n${plain}`), item => items.push(item))
    decoder.end(item => items.push(item))
    expect(items.map(item => ['record' in item ? 'record' : 'fault', item.place.line])).toEqual([
      ['record', 2],
      ['fault', 4],
      ['record', 5],
    ])
  })
})
