import { describe, expect, it } from 'vitest'
import { forwardedFor, hostAndPort, methodParts, requestLine, statusId, urlOf } from './http.js'

describe('requestLine', () => {
  it('reads from both ends', () => {
    expect(requestLine('GET /a b" c HTTP/1.1')).toEqual({ method: 'GET', target: '/a b" c', version: 'HTTP/1.1' })
    expect(requestLine('- http://e.com:80- -')).toEqual({ method: undefined, target: 'http://e.com:80-', version: undefined })
    expect(requestLine('- - - ')).toEqual({ method: undefined, target: undefined, version: undefined })
    expect(requestLine('GET /')).toEqual({ method: 'GET', target: '/', version: undefined })
    expect(requestLine('\\x16\\x03\\x01 x HTTP/1.1')).toBeUndefined()
    expect(requestLine('GET')).toBeUndefined()
  })
})

describe('methodParts', () => {
  it('names what OCSF does not know', () => {
    expect(methodParts('PATCH')).toEqual({ activity_id: 9, activity_name: undefined, http_method: 'PATCH' })
    expect(methodParts('TRACE')).toMatchObject({ activity_id: 8 })
    expect(methodParts('PROPFIND')).toEqual({ activity_id: 99, activity_name: 'PROPFIND', http_method: undefined })
    expect(methodParts(undefined)).toMatchObject({ activity_id: 0 })
  })
})

describe('urlOf', () => {
  const parts = (...args: Parameters<typeof urlOf>) => JSON.parse(JSON.stringify(urlOf(...args)))
  it('takes a target apart', () => {
    expect(parts('https://www.example.com:443/a/b?c=d&e#f')).toEqual({
      url_string: 'https://www.example.com:443/a/b?c=d&e#f',
      scheme: 'https',
      hostname: 'www.example.com',
      port: 443,
      path: '/a/b',
      query_string: 'c=d&e',
    })
    expect(parts('/a?b=1', 'example.com:8080', 'http')).toEqual({
      url_string: '/a?b=1',
      scheme: 'http',
      hostname: 'example.com',
      port: 8080,
      path: '/a',
      query_string: 'b=1',
    })
    expect(parts('http://u:p@[2001:db8::1]:80?x')).toEqual({
      url_string: 'http://u:REDACTED@[2001:db8::1]:80?x',
      scheme: 'http',
      hostname: '2001:db8::1',
      port: 80,
      query_string: 'x',
    })
    expect(parts('/?u=http://e.com/')).toEqual({ url_string: '/?u=http://e.com/', path: '/', query_string: 'u=http://e.com/' })
    expect(parts('*')).toEqual({ url_string: '*' })
    expect(parts('http://<x>/')).toEqual({ url_string: 'http://<x>/', scheme: 'http', path: '/' })
  })
  it('redacts before it takes apart', () => {
    expect(parts('/?X-Amz-Signature=a')).toEqual({ url_string: '/?X-Amz-Signature=REDACTED', path: '/', query_string: 'X-Amz-Signature=REDACTED' })
  })
})

it('splits at the last colon', () => {
  expect(hostAndPort('2001:db8::1:443')).toEqual({ hostname: '2001:db8::1', port: 443 })
  expect(hostAndPort('192.0.2.1:70000')).toEqual({ hostname: undefined, port: undefined })
})

it('takes X-Forwarded-For only when all of it are addresses', () => {
  expect(forwardedFor('192.0.2.1, 2001:db8::1')).toEqual(['192.0.2.1', '2001:db8::1'])
  expect(forwardedFor('192.0.2.1, unknown')).toBeUndefined()
})

it('calls a request failed from status 400', () => {
  expect([undefined, 0, 101, 304, 400, 503].map(statusId)).toEqual([0, 0, 1, 1, 2, 2])
})
