import { describe, expect, it } from 'vitest'
import { bytesOf, convertAs, headOf } from '../../fixtures/cases.js'
import type { Outcome } from '../convert.js'
import { type JsonObject, parseJson, stringify } from '../json.js'
import { VERSIONS } from '../ocsf/facts.js'
import { guardduty } from './guardduty.js'
import { securityHub } from './security-hub.js'

const utf8 = new TextEncoder()

async function eventsOf(source: typeof securityHub | typeof guardduty, file: string): Promise<readonly Record<string, unknown>[]> {
  return eventsIn((await convertAs(source, file, '1.8.0', [bytesOf(source, file)])).outcomes)
}

const eventsIn = (outcomes: readonly Outcome[]) => outcomes.flatMap(outcome => (outcome.kind === 'event' ? [outcome.event] : []))

describe('a GuardDuty finding', () => {
  const native = {
    schemaVersion: '2.0',
    accountId: '123456789012',
    region: 'eu-central-1',
    partition: 'aws',
    id: '6ab1c2d3e4f5061728394a5b6c7d8e02',
    arn: 'arn:aws:guardduty:eu-central-1:123456789012:detector/9ab1c2d3e4f5061728394a5b6c7d8e9f/finding/6ab1c2d3e4f5061728394a5b6c7d8e02',
    type: 'UnauthorizedAccess:EC2/SSHBruteForce',
    severity: 5,
    createdAt: '2026-03-14T09:00:03.511Z',
    updatedAt: '2026-03-14T09:26:53.589Z',
    resource: { resourceType: 'Instance', instanceDetails: { instanceId: 'i-0abc123def4567890' } },
    service: {
      serviceName: 'guardduty',
      detectorId: '9ab1c2d3e4f5061728394a5b6c7d8e9f',
      count: 74,
      action: {
        actionType: 'NETWORK_CONNECTION',
        networkConnectionAction: {
          connectionDirection: 'INBOUND',
          protocol: 'TCP',
          blocked: false,
          localPortDetails: { port: 22, portName: 'SSH' },
          localIpDetails: { ipAddressV4: '10.0.1.20' },
          remoteIpDetails: { ipAddressV4: '203.0.113.77' },
          remotePortDetails: { port: 46717, portName: 'Unknown' },
        },
      },
    },
  }

  it.each(VERSIONS)('seen natively and through Security Hub has one finding_info.uid and the same endpoints at %s', async version => {
    const [own] = eventsIn((await convertAs(guardduty, 'native.jsonl', version, [utf8.encode(stringify(native))])).outcomes)
    const [through] = eventsIn((await convertAs(securityHub, 'guardduty-network.json', version, [bytesOf(securityHub, 'guardduty-network.json')])).outcomes)
    expect(own).toMatchObject({ finding_info: { uid: native.arn }, metadata: { product: { name: 'GuardDuty' } }, count: 74, time: through?.time })
    for (const event of [own, through])
      expect(event).toMatchObject({
        finding_info: { uid: native.arn },
        metadata: { product: { name: 'GuardDuty' } },
        count: 74,
        evidences: [
          {
            connection_info: { direction_id: 1, protocol_name: 'tcp' },
            src_endpoint: { ip: '203.0.113.77', port: 46717 },
            dst_endpoint: { ip: '10.0.1.20', port: 22, instance_uid: 'i-0abc123def4567890' },
          },
        ],
      })
  })
})

describe('recognition', () => {
  const head = (record: JsonObject) => {
    const text = stringify(record)
    return { key: 'object', bytes: utf8.encode(text), text }
  }

  it('leaves the OCSF findings of the new Security Hub to others', () => {
    const finding = {
      activity_id: 1,
      class_uid: 2003,
      finding_info: { uid: 'x' },
      metadata: { product: { uid: 'arn:aws:securityhub:eu-central-1::productv2/aws/guardduty' } },
    }
    for (const record of [
      finding,
      { 'detail-type': 'Findings Imported V2', source: 'aws.securityhub', detail: { findings: [finding] } },
      { Findings: [finding] },
    ])
      expect(securityHub.recognise(head(record))).toBeUndefined()
  })

  it('leaves calls to Security Hub in CloudTrail to CloudTrail', () => {
    const requestParameters = { FindingIdentifiers: [{ Id: 'x', ProductArn: 'arn:aws:securityhub:eu-central-1::product/aws/guardduty' }] }
    const record = { eventVersion: '1.11', eventSource: 'securityhub.amazonaws.com', eventName: 'BatchUpdateFindings', requestParameters }
    expect(securityHub.recognise(head({ Records: [record] }))).toBeUndefined()
  })

  it('leaves other events of EventBridge to others, whatever they hold', () => {
    const [record] = [parseJson(new TextDecoder().decode(bytesOf(securityHub, 'minimal.json')))]
    expect(securityHub.recognise(head({ 'detail-type': 'Inspector2 Finding', source: 'aws.inspector2', detail: record ?? null }))).toBeUndefined()
    expect(securityHub.recognise(headOf(securityHub, 'minimal.json', false))).toBe('content')
  })
})

it('gives of several findings in one event each its own raw text, from which it is read again', async () => {
  const expected = await eventsOf(securityHub, 'custom-action.json')
  const raws: string[] = []
  const decoder = securityHub.decoder({ version: '1.8.0' })
  const emit: Parameters<typeof decoder.push>[1] = ({ raw }) => raws.push(new TextDecoder().decode(raw))
  decoder.push(bytesOf(securityHub, 'custom-action.json'), emit)
  decoder.end(emit)
  expect(raws).toHaveLength(2)
  for (const [i, raw] of raws.entries()) {
    const [event] = eventsIn((await convertAs(securityHub, 'custom-action.json', '1.8.0', [utf8.encode(raw)])).outcomes)
    expect(event?.finding_info).toEqual(expected[i]?.finding_info)
    expect(event?.unmapped).toEqual(expected[i]?.unmapped)
  }
  expect(new Set(raws).size).toBe(2)
})

it('ties the findings of one event by metadata.correlation_uid, and names a lone one by metadata.uid', async () => {
  const several = await eventsOf(securityHub, 'custom-action.json')
  const uid = '8e5622f9-d81c-4d81-612a-9319e7ee2551'
  for (const event of several) expect(event.metadata).toMatchObject({ correlation_uid: uid })
  for (const event of several) expect(event.metadata).not.toHaveProperty('uid')
  const [alone] = await eventsOf(securityHub, 'control-failed.json')
  expect(alone?.metadata).toMatchObject({ uid: '8e5622f9-d81c-4d81-612a-9319e7ee2501' })
})

it('keeps the uid of a finding through its life: Create, Update, Close', async () => {
  const life = await eventsOf(securityHub, 'lifecycle.ndjson')
  expect(new Set(life.map(event => (event.finding_info as { uid: string }).uid)).size).toBe(1) // as the schema has it
  expect(life.map(({ activity_id, status_id, severity_id }) => [activity_id, status_id, severity_id])).toEqual([
    [1, 1, 4],
    [2, 1, 4],
    [2, 2, 4],
    [3, 3, 4],
    [3, 4, 1],
    [3, 3, 4],
    [2, 99, 4],
  ])
})
