import { describe, expect, it } from 'vitest'
import { chooseSource } from './recognise.js'
import { SOURCES } from './sources/index.js'
import type { AnySource } from './sources/source.js'
import { vpcFlow } from './sources/vpc-flow.js'

const header = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const key = 'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2026/03/14/123456789012_vpcflowlogs_eu-central-1_fl-0a1b2c3d_20260314T0930Z_0a1b.log.gz'

function choose(text: string, key = 'x', fixed?: AnySource, sources = SOURCES) {
  const choice = chooseSource({ key, text, bytes: new TextEncoder().encode(text) }, sources, fixed)
  return 'source' in choice ? [choice.source.id, choice.by] : choice
}

describe('chooseSource', () => {
  it('says what told it: the operator, the key, or only the content', () => {
    expect(choose(header)).toEqual(['vpc-flow', 'content'])
    expect(choose('2 123456789012', key)).toEqual(['vpc-flow', 'key'])
    expect(choose('anything', 'x', vpcFlow)).toEqual(['vpc-flow', 'option'])
  })

  it('believes a key before the content', () => {
    expect(choose('{"Records":[{"eventVersion":"1.08","eventTime":"2026-03-14T09:26:53Z"}]}', key)).toEqual(['vpc-flow', 'key'])
  })

  it('skips companion files by name, whoever is asked', () => {
    const digest = '{"awsAccountId":"123456789012","digestStartTime":"2026-03-14T08:01:31Z"}'
    expect(choose(digest)).toEqual({ skip: 'digest' })
    expect(
      choose(
        digest,
        'x',
        SOURCES.find(({ id }) => id === 'cloudtrail'),
      ),
    ).toEqual({ skip: 'digest' })
  })

  it('does not guess: what fits no source, or more than one, is one fault', () => {
    expect(choose('to be or not to be')).toEqual({
      fault: { rule: 'source_unknown', expected: 'a log that exactly one source recognises', found: 'none knows its key or its content' },
    })
    expect(choose(header, 'x', undefined, [vpcFlow, { ...vpcFlow, id: 'mine' }])).toMatchObject({
      fault: { found: '2 sources claim it by its content: vpc-flow, mine' },
    })
  })
})
