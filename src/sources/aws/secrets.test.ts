import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../json.js'
import { REDACTED, redactJson, redactText } from './secrets.js'

describe('redactJson', () => {
  it('replaces secrets at any depth, whatever their case, and nothing else', () => {
    const value = {
      credentials: { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 's', sessionToken: 't', expiration: 'x' },
      list: [{ Password: 'p', nextToken: 'n', secretId: 'i', passwordResetRequired: true }],
      PASSWORD: ['a', { b: 1 }],
      tokenCode: 123456,
      clientToken: 'c',
      __proto: 1,
    }
    expect(redactJson(value)).toEqual({
      credentials: { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: REDACTED, sessionToken: REDACTED, expiration: 'x' },
      list: [{ Password: REDACTED, nextToken: 'n', secretId: 'i', passwordResetRequired: true }],
      PASSWORD: REDACTED,
      tokenCode: REDACTED,
      clientToken: 'c',
      __proto: 1,
    })
  })

  it('keeps what says nothing and what AWS has hidden', () => {
    const value = {
      password: null,
      newPassword: '',
      oldPassword: '****',
      secretString: 'HIDDEN_DUE_TO_SECURITY_REASONS',
      userData: '<sensitiveDataRemoved>',
      plaintext: false,
    }
    expect(redactJson(value)).toBe(value)
  })

  it('returns the same value when there is nothing to hide', () => {
    const value: Json = { a: [1, { b: 'c' }], url: 'https://example.com/?x=1' }
    expect(redactJson(value)).toBe(value)
  })

  it('reads URLs and JSON inside strings', () => {
    expect(redactJson({ u: 'https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=abc&X-Amz-Date=1#f' })).toEqual({
      u: 'https://b.s3.amazonaws.com/k?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED&X-Amz-Date=1#f',
    })
    expect(redactJson({ j: '{"password":"a\\"b","user":"u"}' })).toEqual({ j: '{"password":"REDACTED","user":"u"}' })
  })

  it('keeps an own __proto__ an own property', () => {
    const value = JSON.parse('{"__proto__":{"password":"x"},"a":1}') as Json
    const redacted = redactJson(value) as object
    expect(JSON.stringify(redacted)).toBe('{"__proto__":{"password":"REDACTED"},"a":1}')
    expect(Object.getPrototypeOf(redacted)).toBe(Object.prototype)
  })
})

describe('redactText', () => {
  it('changes the secrets and leaves every other character', () => {
    expect(redactText('{ "password" :  "x\\"y" ,\n"n":1.50, "PlainText":12, "sessionToken":null}')).toBe(
      '{ "password" :  "REDACTED" ,\n"n":1.50, "PlainText":"REDACTED", "sessionToken":null}',
    )
    expect(redactText('{"password":{"a":"}","b":[1,{"c":"]"}]},"x":1}')).toBe('{"password":"REDACTED","x":1}')
  })

  it('finds secrets in broken JSON and hides to the end what has none', () => {
    expect(redactText('{"a":"b,"password":"s3cret","c":1')).toBe('{"a":"b,"password":"REDACTED","c":1')
    expect(redactText('{"sessionToken":"abc')).toBe('{"sessionToken":"REDACTED"')
    expect(redactText('{"password":{"x":"s3cret"')).toBe('{"password":"REDACTED"')
    expect(redactText('garbage "secretString":"s3cret" {{{')).toBe('garbage "secretString":"REDACTED" {{{')
  })

  it('finds keys that are written with escapes', () => {
    expect(redactText('{"pass\\u0077ord":"s3cret","\\u0073essionToken":"t"}')).toBe('{"pass\\u0077ord":"REDACTED","\\u0073essionToken":"REDACTED"}')
  })

  it('finds secrets whose quotes are written as \\u0022', () => {
    expect(JSON.parse(redactText('{"doc":"{\\u0022password\\u0022:\\u0022s3cret\\u0022,\\u0022u\\u0022:1}"}'))).toEqual({
      doc: '{"password":"REDACTED","u":1}',
    })
  })

  it('finds parameters of URLs whatever stands before them, also in text that escapes the ampersand', () => {
    for (const before of ['?', '&', '?a=1&', 'a=1&amp;', '\\u0026', 'a\\u0026amp;']) {
      expect(redactText(`${before}X-Amz-Signature=s3cret&b=1`)).toBe(`${before}X-Amz-Signature=REDACTED&b=1`)
      expect(redactText(`${before}X-Amz-Signature=s3cret`)).toBe(`${before}X-Amz-Signature=REDACTED`)
    }
    expect(redactText('year=2026/month=03')).toBe('year=2026/month=03')
  })

  it('leaves stars as they are, however many', () => {
    const value = { password: '*'.repeat(100), secretString: `*${'x'.repeat(40)}` }
    expect(redactJson(value)).toEqual({ password: '*'.repeat(100), secretString: REDACTED })
  })

  it('finds secrets in JSON inside strings, however often escaped', () => {
    const inner = JSON.stringify({ password: 'a"\\b', user: 'u' })
    expect(JSON.parse(redactText(JSON.stringify({ doc: inner, z: 1 })))).toEqual({ doc: '{"password":"REDACTED","user":"u"}', z: 1 })
    const twice = JSON.stringify({ doc: JSON.stringify({ doc: inner }) })
    expect(JSON.parse(JSON.parse(JSON.parse(redactText(twice)).doc).doc)).toEqual({ password: 'REDACTED', user: 'u' })
  })

  const key = fc.constantFrom('a', 'password', 'Password', 'sessionToken', 'accessKeyId', 'userName', 'x-amz-signature', 'url')
  const value = fc.letrec<{ any: unknown }>(tie => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.constantFrom('s3cret"', '\\', '\\"', '{"password":"in"}', 'https://e.com/?X-Amz-Signature=sig&a=1', '****', ''),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).any

  it('hides in the text what it hides in the value', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('', ' '), (json, space) => {
        expect(JSON.parse(redactText(JSON.stringify(json, undefined, space)))).toEqual(redactJson(json as Json))
      }),
      { numRuns: 500 },
    )
  })

  it('never leaks a secret because the text is cut', () => {
    const text = JSON.stringify({
      a: 'x',
      responseElements: { credentials: { secretAccessKey: 'TOPSECRET', sessionToken: 'TOPSECRET' } },
      doc: '{"password":"TOPSECRET"}',
    })
    for (let from = 0; from < text.length; from++) {
      for (const cut of [text.slice(0, from), text.slice(0, from) + text.slice(from + 1)]) {
        // a cut that destroys the name of the key leaves no secret to recognise
        const named = text.slice(0, from).length === cut.length || ['secretAccessKey', 'sessionToken', 'password'].every(name => cut.includes(name))
        if (named) expect(redactText(cut), cut).not.toContain('TOPSECRET')
      }
    }
  })

  it('takes linear time on hostile text', () => {
    for (const piece of ['"password":"', '{"password":{', '\\"password\\":\\"', '\\', '"password"   ', '?X-Amz-Signature=', '"password":[[']) {
      const text = piece.repeat(300_000 / piece.length)
      const began = performance.now()
      redactText(text)
      expect(performance.now() - began, piece).toBeLessThan(2000)
    }
  })
})
