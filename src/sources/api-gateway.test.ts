import { describe, expect, it } from 'vitest'
import { apiGateway } from './api-gateway.js'

const record = { n: 'r-1', when: 1714564800000, v: 'GET', p: '/a', s: 200 }

describe('apiGateway', () => {
  it('reads names by the format of the stage, and forgets them for the next', () => {
    const logFormat = '{"n":"$context.requestId","when":$context.requestTimeEpoch,"v":"$context.httpMethod","p":"$context.path","s":$context.status}'
    expect(apiGateway.map(record, { version: '1.8.0', logFormat })).toMatchObject({ time: 1714564800000, http_request: { uid: 'r-1', http_method: 'GET' } })
    expect(apiGateway.map(record, { version: '1.8.0' })).toMatchObject({ fault: { rule: 'time_missing' } })
  })

  it('says what is wrong with a format that is no JSON, and leaves that of another log alone', () => {
    expect(() => apiGateway.decoder({ version: '1.8.0', logFormat: '$context.requestId $context.status' })).toThrow('no JSON object')
    expect(() => apiGateway.decoder({ version: '1.8.0', logFormat: '$remote_addr $status' })).not.toThrow()
  })

  it('redacts API keys and tokens in the raw text', () => {
    expect(apiGateway.redact!('{"identity.apiKey":"k","authorizer.access_token":"t","path":"/?token=t&a=1","apiKeyId":"id"}')).toBe(
      '{"identity.apiKey":"REDACTED","authorizer.access_token":"REDACTED","path":"/?token=REDACTED&a=1","apiKeyId":"id"}',
    )
  })
})
