import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createConverter, type Outcome } from '../convert.js'
import { parseJson, stringify } from '../json.js'
import { VERSIONS } from '../ocsf/facts.js'
import { waf } from './waf.js'

const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`../../fixtures/waf/${name}`, import.meta.url)))

describe('waf', () => {
  it('leaves no credential in an event or in its raw text, in any version', async () => {
    for (const version of VERSIONS) {
      for (const name of ['secrets.json', 'captcha.json']) {
        const outcomes: Outcome[] = []
        const converter = await createConverter({ source: waf, ocsf: version, raw: 'keep' }, outcome => outcomes.push(outcome))
        converter.push(fixture(name))
        converter.end()
        expect(outcomes).toHaveLength(2)
        for (const outcome of outcomes) expect(stringify(outcome)).not.toMatch(/s3cret|insertedsecret/)
      }
    }
  })

  it('redacts a credential header whichever way round its members stand, and nothing else', () => {
    const raw =
      '{ "h": [{"value":"s3cret","name":"COOKIE"}, {"name":"cookie" , "value":"s3\\u0063ret"},{"name":"Accept","value":"*/*"}],"args":"a=1&token=s3cret&b=\\"2\\"" }'
    const redacted = waf.redact!(raw)
    expect(redacted).toBe(
      '{ "h": [{"value":"REDACTED","name":"COOKIE"}, {"name":"cookie" , "value":"REDACTED"},{"name":"Accept","value":"*/*"}],"args":"a=1&token=REDACTED&b=\\"2\\"" }',
    )
    expect(() => parseJson(redacted)).not.toThrow()
    expect(waf.redact!('{"args":"a=1","uri":"/x')).toBe('{"args":"a=1","uri":"/x')
  })

  it('shares product and cloud between the records of one web ACL', () => {
    const record = parseJson(fixture('typical.json').toString())
    const [one, two] = [record, { ...(record as object), timestamp: 1773480413999 }].map(value =>
      waf.map(value as Parameters<typeof waf.map>[0], { version: '1.1.0' }),
    )
    if (one === undefined || two === undefined || !('class_uid' in one && 'class_uid' in two)) throw new Error('no event')
    expect(one.metadata.product).toBe(two.metadata.product)
    expect(one.cloud).toBe(two.cloud)
  })

  it('is recognised by the folder of AWS, by the name that its destinations must have, and by content', () => {
    const recognise = (key: string, text: string) => waf.recognise({ key, text, bytes: new TextEncoder().encode(text) })
    expect(recognise('AWSLogs/123456789012/WAFLogs/cloudfront/edge/2026/03/14/09/25/x.log.gz', '')).toBe('key')
    expect(recognise('2026/03/14/09/aws-waf-logs-shop-1-2026-03-14-09-25-30-x', '')).toBe('key')
    expect(recognise('x', '{"timestamp":1,"webaclId":"a","httpRequest":{')).toBe('content')
    expect(recognise('x', '{"detail":{"webaclId":"a"}}')).toBeUndefined()
    expect(recognise('x', 'webaclId httpRequest')).toBeUndefined()
  })
})
