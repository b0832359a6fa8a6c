import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lateReader } from '../../decode/json-late.js'
import { createRecordReader } from '../../decode/json-reader.js'
import { type Json, stringify, UnreadJson } from '../../json.js'
import { redactJson, SECRET_KEYS } from './secrets.js'
import { redactUnread } from './unread-secrets.js'

describe('redactUnread, of what nobody has read', () => {
  const reader = createRecordReader({ kept: ['a'] })
  reader.late = lateReader(SECRET_KEYS)
  const lateOf = (value: Json): Json | undefined => {
    const bytes = new TextEncoder().encode(`${JSON.stringify({ a: value })}    `)
    expect(reader.read(bytes, 0, bytes.length, false)).toBe(bytes.length - 4)
    return reader.value.a
  }

  it.each<[Json, boolean]>([
    [{ credentials: { accessKeyId: 'ASIAEXAMPLE', sessionToken: 't', expiration: 'x' }, sessiontoken: 'u' }, true],
    [{ list: [{ Password: { password: 'p', sessionToken: null }, b: 1 }, { password: ['q'] }], tokenCode: 123456 }, true],
    [{ password: null, newPassword: '', oldPassword: '****', secretString: 'HIDDEN_DUE_TO_SECURITY_REASONS', plaintext: false, userData: 'x' }, true],
    [{ password: null, newPassword: '', oldPassword: '****' }, true],
    [{ a: 1, url: 'https://example.com/=x' }, true],
    [{ a: 1, url: 'https://example.com/?X-Amz-Signature=abc&b=1', password: 'p' }, false],
    [{ 'a=b': '&', password: 'p' }, false],
  ])('hides in %j what it hides where it was read', (value, stays) => {
    const late = lateOf(value)
    expect(late).toBeInstanceOf(UnreadJson)
    const redacted = redactUnread(late)
    expect(stringify(redacted)).toBe(stringify(redactJson(value)))
    expect(redacted instanceof UnreadJson).toBe(stays)
    expect(stringify(redactUnread(redacted))).toBe(stringify(redacted))
  })

  it('does so whatever stands where, and never trusts what was sought by others', () => {
    const key = fc.oneof(fc.constantFrom(...SECRET_KEYS, 'PASSWORD', 'SessionToken', 'a', 'b', 'c'), fc.stringMatching(/^[a-z]{1,3}$/))
    const scalar = fc.oneof(
      fc.constantFrom<Json>(null, true, 'x', '', '****', 'REDACTED', '?X-Amz-Signature=1', 'a=b', 1, -5),
      fc.stringMatching(/^[!#-[\]-~]{0,9}$/),
    )
    const { object } = fc.letrec<{ value: Json; object: Json }>(tie => ({
      value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
      object: fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 4 }),
    }))
    let hidden = 0
    fc.assert(
      fc.property(object, value => {
        const late = lateOf(value)
        const expected = stringify(redactJson(value))
        expect(stringify(redactUnread(late))).toBe(expected)
        if (!(late instanceof UnreadJson)) return
        if (expected !== (late as UnreadJson).text) hidden++
        expect(stringify(redactUnread(new UnreadJson((late as UnreadJson).text, [], []) as UnreadJson & Json))).toBe(expected)
      }),
      { numRuns: 2000 },
    )
    expect(hidden).toBeGreaterThan(500)
  })
})
