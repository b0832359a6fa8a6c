import { describe, expect, it } from 'vitest'
import { tgwFlow } from './tgw-flow.js'
import { vpcFlow } from './vpc-flow.js'

const KEY = 'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2026/03/14/123456789012_vpcflowlogs_eu-central-1_fl-0a1b2c3d_20260314T0925Z_5f4dcc3b.log.gz'
const recognise = (key: string, text: string) => tgwFlow.recognise({ key, text, bytes: new TextEncoder().encode(text) })

describe('tgwFlow', () => {
  it('shares the key of VPC flow logs and is told apart by the names', () => {
    expect(recognise(KEY, 'version tgw-id srcaddr dstaddr\n')).toBe('key')
    expect(recognise(KEY, 'version interface-id srcaddr dstaddr\n')).toBeUndefined()
    expect(recognise(KEY, '')).toBeUndefined()
  })

  it.each([
    ['a header', 'tgw-id srcaddr dstaddr\n'],
    ['a row of the default format', `6 TransitGateway ${'- '.repeat(34)}\n`],
    ['a row of the default format before it had all fields', `4 TransitGatewayAttachment ${'- '.repeat(31)}\n`],
    ['a JSON record', '{"tgw_id":"tgw-0a1b2c3d","srcaddr":"192.0.2.1","dstaddr":"192.0.2.2"}'],
  ])('knows %s by the content, and VPC flow logs leave it alone', (_, text) => {
    expect(recognise('x.log', text)).toBe('content')
    expect(vpcFlow.recognise({ key: 'x.log', text, bytes: new TextEncoder().encode(text) })).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['a VPC flow log', 'srcaddr dstaddr bytes\n'],
    ['some JSON about a gateway', '{"tgw-name":"x","a":1,"b":2,"c":3}'],
  ])('does not claim %s', (_, text) => expect(recognise('x.log', text)).toBeUndefined())
})
