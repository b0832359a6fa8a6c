import { describe, expect, it } from 'vitest'
import { readObjectKey } from './object-key.js'

describe('readObjectKey', () => {
  it('reads the plain layout with a prefix', () => {
    expect(
      readObjectKey('logs/AWSLogs/012345678901/vpcflowlogs/us-east-1/2024/05/01/012345678901_vpcflowlogs_us-east-1_fl-0a1b_20240501T0005Z_abcd.log.gz'),
    ).toEqual({
      account: '012345678901',
      region: 'us-east-1',
      service: 'vpcflowlogs',
      fileTime: Date.UTC(2024, 4, 1, 0, 5),
    })
  })
  it('reads organisation and Control Tower layouts', () => {
    const key = 'o-abc123/AWSLogs/o-abc123/123456789012/CloudTrail/us-gov-west-1/2024/05/01/123456789012_CloudTrail_us-gov-west-1_20240501T1200Z_x.json.gz'
    expect(readObjectKey(key)).toEqual({ account: '123456789012', region: 'us-gov-west-1', service: 'CloudTrail', fileTime: Date.UTC(2024, 4, 1, 12) })
  })
  it('reads the hive layout', () => {
    const key = 'AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-central-1/year=2024/month=05/day=01/x.log.gz'
    expect(readObjectKey(key)).toEqual({ account: '123456789012', region: 'eu-central-1', service: 'vpcflowlogs', fileTime: undefined })
  })
  it('reads a file name alone', () => {
    expect(readObjectKey('123456789012_CloudTrail_us-east-2_20240501T2359Z_9nYN.json.gz')).toMatchObject({
      account: '123456789012',
      region: 'us-east-2',
      service: 'CloudTrail',
    })
  })
  it('guesses nothing', () => {
    expect(readObjectKey('data/file.log')).toEqual({ account: undefined, region: undefined, service: undefined, fileTime: undefined })
    expect(readObjectKey('x_20241399T9999Z_y.log').fileTime).toBeUndefined()
  })

  it('reads the partitioned layout of S3 server access logs', () => {
    expect(readObjectKey('logs/123456789012/eu-central-1/example-bucket/2026/03/14/2026-03-14-10-00-00-0123456789ABCDEF')).toMatchObject({
      account: '123456789012',
      region: 'eu-central-1',
    })
    expect(readObjectKey('logs/2026-03-14-10-00-00-0123456789ABCDEF')).toMatchObject({ account: undefined, region: undefined })
  })
})
