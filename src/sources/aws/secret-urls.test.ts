import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactUrl } from './secret-urls.js'

describe('redactUrl', () => {
  it('hides what signs a request and keeps who signed what, when', () => {
    expect(
      redactUrl('/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Signature=abc&x-amz-security-token=IQo%2Fx%26y%3D&X-Amz-Expires=60'),
    ).toBe('/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Signature=REDACTED&x-amz-security-token=REDACTED&X-Amz-Expires=60')
    expect(redactUrl('/k?AWSAccessKeyId=AKIAEXAMPLE&Expires=1&Signature=a%2Bb=')).toBe('/k?AWSAccessKeyId=AKIAEXAMPLE&Expires=1&Signature=REDACTED')
  })

  it('reads query strings, fragments, user info and lines of text', () => {
    expect(redactUrl('token=s3cret&x=1')).toBe('token=REDACTED&x=1')
    expect(redactUrl('https://e.com/cb#access_token=s3cret&state=1')).toBe('https://e.com/cb#access_token=REDACTED&state=1')
    expect(redactUrl('http://user:s3cret@e.com/?a=1')).toBe('http://user:REDACTED@e.com/?a=1')
    expect(redactUrl('http://user@e.com/ x@y')).toBe('http://user@e.com/ x@y')
    expect(redactUrl('1 "GET /?password=s3cret HTTP/1.1" 200 "-" "ua"')).toBe('1 "GET /?password=REDACTED HTTP/1.1" 200 "-" "ua"')
  })

  it('knows names that are percent-encoded, and URLs inside parameters', () => {
    expect(redactUrl('/?X%2DAmz%2dSignature=s3cret&%74oken=s3cret&%2574oken=s3cret')).toBe('/?X%2DAmz%2dSignature=REDACTED&%74oken=REDACTED&%2574oken=REDACTED')
    expect(redactUrl('/r?to=https%3A%2F%2Fe.com%2F%3FX-Amz-Signature%3Ds3cret%26a%3D1&b=2')).toBe(
      '/r?to=https%3A%2F%2Fe.com%2F%3FX-Amz-Signature%3DREDACTED%26a%3D1&b=2',
    )
    expect(redactUrl('/r?to=%252F%253Ftoken%253Ds3cret%2526a%253D1')).toBe('/r?to=%252F%253Ftoken%253DREDACTED%2526a%253D1')
  })

  it('leaves every other text as it is', () => {
    for (const text of ['/', '/a?nextToken=1&page=2', '/?q=100%', '/?=x', '/%zz?a=%', 'token', '/?token=', '/?token=REDACTED'])
      expect(redactUrl(text), text).toBe(text)
    fc.assert(fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), url => redactUrl(url) === url || /REDACTED/.test(redactUrl(url))))
  })

  it('hides a secret however its name is written', () => {
    const name = fc.constantFrom('X-Amz-Signature', 'X-Amz-Security-Token', 'token', 'access_token', 'Signature', 'password')
    fc.assert(
      fc.property(name, fc.array(fc.nat(2)), fc.array(fc.boolean()), (plain, encoded, upper) => {
        const written = [...plain]
          .map((char, i) => (upper[i] ? char.toUpperCase() : char))
          .map((char, i) => (encoded[i] ? `%${'25'.repeat(encoded[i] - 1)}${char.charCodeAt(0).toString(16)}` : char))
          .join('')
        for (const lead of ['/?', '/?a=1&', '#', '']) expect(redactUrl(`${lead}${written}=TOPSECRET%26x&z=1`)).toBe(`${lead}${written}=REDACTED&z=1`)
      }),
    )
  })

  it('takes linear time on hostile text', () => {
    for (const piece of ['%', '%25', '?token=', 'token%3D', '&', '=', '://a:', '@', '://a:b@']) {
      const text = piece.repeat(1_000_000 / piece.length)
      const began = performance.now()
      redactUrl(text)
      expect(performance.now() - began, piece).toBeLessThan(1000)
    }
  })
})
