import { describe, expect, it } from 'vitest'
import { type ColumnTree, columnTree } from './columns.js'
import { loadFacts, type OcsfVersion } from './facts.js'
import { lowerer } from './lower.js'

async function lower(version: OcsfVersion, classUid: number, tree: ColumnTree, event: Record<string, unknown>) {
  return lowerer(await loadFacts(version), classUid, columnTree(tree))(event)
}

describe('lowerer', () => {
  it('gives the very same event when nothing is lost', async () => {
    const event = { class_uid: 4001, activity_id: 6, src_endpoint: { ip: '192.0.2.1' } }
    const { event: same, paths } = await lower('1.1.0', 4001, { activity_id: true, src_endpoint: { ip: true } }, event)
    expect(same).toBe(event)
    expect(paths).toEqual([])
  })

  it('moves what the version does not know to unmapped, under its OCSF path', async () => {
    const tree: ColumnTree = { actor: { app_name: true, user: { name: true } }, resources: { zone: true, uid: true } }
    const event = {
      actor: { app_name: 'cli', user: { name: 'alice' } },
      resources: [{ uid: 'a', zone: 'use1-az1' }, { uid: 'b' }, { uid: 'c', zone: 'usw2-az2' }],
      unmapped: { kept: 1 },
    }
    const { event: lowered, paths } = await lower('1.1.0', 6003, tree, event)
    expect(lowered).toEqual({
      actor: { user: { name: 'alice' } },
      resources: [{ uid: 'a' }, { uid: 'b' }, { uid: 'c' }],
      unmapped: { kept: 1, 'actor.app_name': 'cli', 'resources[].zone': ['use1-az1', 'usw2-az2'] },
    })
    expect(paths).toEqual(['actor.app_name', 'resources[].zone'])
  })

  it('does not write what the version has deprecated', async () => {
    const { event } = await lower('1.8.0', 6003, { actor: { invoked_by: true } }, { actor: { invoked_by: 'lambda.amazonaws.com' } })
    expect(event).toEqual({ actor: {}, unmapped: { 'actor.invoked_by': 'lambda.amazonaws.com' } })
  })

  it('turns enum values that the version does not know into 99 with their text', async () => {
    const { event, paths } = await lower('1.1.0', 4001, { activity_id: true, activity_name: true }, { activity_id: 7 })
    expect(event).toEqual({ activity_id: 99, activity_name: 'Listen' })
    expect(paths).toEqual(['activity_id'])
    const own = await lower('1.1.0', 4001, { activity_id: true, activity_name: true }, { activity_id: 7, activity_name: 'Own text' })
    expect(own.event).toEqual({ activity_id: 99, activity_name: 'Own text' })
  })

  it('treats a value with another meaning in the version as not known', async () => {
    const { event } = await lower('1.1.0', 3002, { logon_type_id: true }, { logon_type_id: 0 })
    expect(event).toEqual({ logon_type_id: 99, logon_type: 'Unknown' })
  })

  it('moves the value of an enum without 99 to unmapped', async () => {
    const { event } = await lower('1.1.0', 4002, { http_request: { http_method: true } }, { http_request: { http_method: 'PATCH' } })
    expect(event).toEqual({ http_request: {}, unmapped: { 'http_request.http_method': 'PATCH' } })
  })

  it('moves strings over the maximum length of the version', async () => {
    const text = 'x'.repeat(70_000)
    const { event } = await lower('1.1.0', 6003, { message: true }, { message: text })
    expect(event).toEqual({ unmapped: { message: text } })
    expect((await lower('1.8.0', 6003, { message: true }, { message: text })).paths).toEqual([])
  })

  it('never replaces a value of the same name in unmapped', async () => {
    const { event } = await lower('1.1.0', 6003, { actor: { app_name: true } }, { actor: { app_name: 'cli' }, unmapped: { 'actor.app_name': 'from the log' } })
    expect((event as { unmapped: object }).unmapped).toEqual({ 'actor.app_name': ['from the log', 'cli'] })
  })

  it('lowers a shared object again for the next event', async () => {
    const run = lowerer(await loadFacts('1.1.0'), 6003, columnTree({ actor: { app_name: true } }))
    const actor = { app_name: 'cli' }
    expect(run({ actor })).toEqual(run({ actor }))
    expect(run({ actor }).paths).toEqual(['actor.app_name'])
  })
})
