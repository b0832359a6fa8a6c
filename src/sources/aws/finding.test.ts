import { expect, it } from 'vitest'
import { lifecycle, resourceOf, severityOf, severityOfScore, tagsOf } from './finding.js'
import { take } from './taking.js'

const AROUND = { version: '1.8.0', account: '123456789012', region: 'eu-west-1', partition: 'aws' } as const

it('creates a finding once, updates it while it is seen, and closes it when it is put away', () => {
  expect(lifecycle({ created: 1, modified: 1, count: 1 })).toEqual({ activity_id: 1, status_id: 1 })
  expect(lifecycle({ created: 1, modified: 1, count: 2 })).toEqual({ activity_id: 2, status_id: 1 })
  expect(lifecycle({ created: 1, modified: 2 })).toEqual({ activity_id: 2, status_id: 1 })
  expect(lifecycle({ created: 1, modified: 2, inProgress: true })).toEqual({ activity_id: 2, status_id: 2 })
  expect(lifecycle({ created: 1, modified: 2, archived: true })).toEqual({ activity_id: 3, status_id: 3 })
  expect(lifecycle({ created: 1, modified: 2, archived: true, resolved: true })).toEqual({ activity_id: 3, status_id: 4 })
})

it('reads severities in words and by score', () => {
  expect(['LOW', 'Medium', 'CRITICAL', 'untriaged', 'NOVEL', undefined].map(severityOf)).toEqual([2, 3, 5, 0, 99, 0])
  expect([0.5, 1, 3.9, 4, 6.9, 7, 8.9, 9, 10, 11, undefined].map(severityOfScore)).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0])
})

it('says of a resource what its ARN says, and keeps its details with it', () => {
  const details = take({ arn: 'arn:aws:s3:::logs', name: 'logs', tags: [{ key: 'team', value: 'soc' }], owner: { id: 'x' } })
  expect(resourceOf('S3Bucket', details.text('arn'), details.text('name'), AROUND, details)).toEqual({
    cloud_partition: 'aws',
    data: { owner: { id: 'x' } },
    name: 'logs',
    owner: { account: { uid: '123456789012' } },
    region: 'eu-west-1',
    tags: [{ name: 'team', value: 'soc' }],
    type: 'S3Bucket',
    uid: 'arn:aws:s3:::logs',
  })
  expect(details.rest()).toBeUndefined()
  expect(resourceOf('Role', 'arn:aws:iam::210987654321:role/r', undefined, AROUND)?.owner?.account.uid).toBe('210987654321')
})

it('leaves tags in the details below 1.5, and reads them as an object too', () => {
  const details = take({ tags: { team: 'soc' } })
  expect(resourceOf('Instance', undefined, 'i-1', { ...AROUND, version: '1.1.0' }, details)?.data).toEqual({ tags: { team: 'soc' } })
  expect(tagsOf(take({ tags: { team: 'soc' } }))).toEqual([{ name: 'team', value: 'soc' }])
  const secret = [{ name: 'masterUserPassword', value: 'REDACTED' }]
  expect(tagsOf(take({ tags: { masterUserPassword: 'example' } }))).toEqual(secret)
  expect(tagsOf(take({ tags: [{ key: 'masterUserPassword', value: 'example' }] }))).toEqual(secret)
})
