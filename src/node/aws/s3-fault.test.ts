/** One sentence for each answer of S3; and for the packages that are not there. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { OcsfLakeError } from '../../errors.js'
import { providerCredentials } from './provider-role.js'
import { openS3 } from './s3.js'
import { s3Arn, s3Fault } from './s3-fault.js'

describe('s3Fault', () => {
  const request = { action: 's3:PutObject', bucket: 'lake', key: 'ext/a', region: 'eu-central-1' } as const
  it('names ARNs in the partition of the region', () => {
    expect(s3Arn(request)).toBe('arn:aws:s3:::lake/ext/a')
    expect(s3Arn({ ...request, key: undefined, region: 'cn-north-1' })).toBe('arn:aws-cn:s3:::lake')
    expect(s3Arn({ ...request, region: 'us-gov-west-1' })).toBe('arn:aws-us-gov:s3:::lake/ext/a')
  })
  it('passes on what is a fault of ours already', () => {
    const fault = new OcsfLakeError('role_refused', 'no')
    expect(s3Fault(fault, request)).toBe(fault)
  })
  it('repeats what S3 said about a KMS key', () => {
    const denied = Object.assign(
      new Error('User is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:123456789012:key/k.'),
      {
        name: 'AccessDenied',
        $metadata: { httpStatusCode: 403 },
      },
    )
    expect(s3Fault(denied, request).message).toBe(
      'Access denied at s3://lake/ext/a: allow s3:PutObject on arn:aws:s3:::lake/ext/a (and kms:GenerateDataKey on its key, where the bucket has a KMS key) for the credentials in use. S3 said AccessDenied: User is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:123456789012:key/k.',
    )
  })
  it.each<[string, Error, string, RegExp]>([
    ['no region', new Error('Region is missing'), 'option_invalid', /^No AWS region is set for s3:\/\/lake\/ext\/a: set AWS_REGION/],
    [
      'no network',
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { name: 'Error', $metadata: { attempts: 6 } }),
      'service_failed',
      /after 6 attempts \(Error: connect ECONNREFUSED/,
    ],
    [
      'an answer without a body',
      Object.assign(new Error('UnknownError'), { name: '403', $metadata: { httpStatusCode: 403 } }),
      'access_denied',
      /S3 said 403 \(403\)\.$/,
    ],
  ])('says what to do about %s', (_name, error, code, message) => {
    expect(s3Fault(error, request)).toMatchObject({ code, message: expect.stringMatching(message), cause: error })
  })
})

describe('the packages of AWS', () => {
  afterEach(() => {
    vi.doUnmock('@aws-sdk/client-s3')
    vi.doUnmock('@aws-sdk/credential-providers')
  })
  it('are asked for by name when they are missing', async () => {
    const missing = () => {
      throw new Error('Cannot find package')
    }
    vi.doMock('@aws-sdk/client-s3', missing)
    vi.doMock('@aws-sdk/credential-providers', missing)
    await expect(openS3({ region: 'eu-north-1' })).rejects.toMatchObject({
      code: 'peer_missing',
      message: 'Paths in S3 need the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3.',
    })
    await expect(providerCredentials({ roleArn: 'arn', externalId: 'id', region: 'eu-north-1' })).rejects.toMatchObject({
      code: 'peer_missing',
      message: expect.stringMatching(/^Security Lake needs the package @aws-sdk\/credential-providers: npm install/),
    })
  })
})
