/** What an operator must do about an answer of S3, in one sentence. */
import { type ErrorCode, OcsfLakeError } from '../../errors.js'

/** What was asked: the action that a policy must allow, and the resource that it must name. */
export interface S3Request {
  readonly action: 's3:GetObject' | 's3:ListBucket' | 's3:PutObject' | 's3:DeleteObject'
  readonly bucket: string
  /** Undefined for the bucket itself. */
  readonly key?: string
  readonly region: string
}

interface ServiceAnswer {
  readonly name?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
}

const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'UnrecognizedClientException',
])

const partitionOf = (region: string): string => (region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws')

/** The resource as a policy names it. */
export function s3Arn({ bucket, key, region }: Pick<S3Request, 'bucket' | 'key' | 'region'>): string {
  return `arn:${partitionOf(region)}:s3:::${bucket}${key === undefined ? '' : `/${key}`}`
}

export function statusOf(error: unknown): number | undefined {
  return (error as ServiceAnswer | undefined)?.$metadata?.httpStatusCode
}

/** The object, or that version of it, is not there. */
export function isMissing(error: unknown): boolean {
  const { name } = error as ServiceAnswer
  return name === 'NoSuchKey' || name === 'NoSuchVersion' || name === 'NotFound'
}

/** Wraps what the SDK threw after its own retries. */
export function s3Fault(error: unknown, request: S3Request): OcsfLakeError {
  if (error instanceof OcsfLakeError) return error
  const { name = 'Error', message = '', $metadata } = error as ServiceAnswer // the SDK throws nothing else; checked member by member
  const { action, bucket } = request
  const status = $metadata?.httpStatusCode
  const at = `s3://${bucket}${request.key === undefined ? '' : `/${request.key}`}`
  const said =
    message === '' || message === 'UnknownError' ? `${name}${status === undefined ? '' : ` (${status})`}` : `${name}: ${message.replace(/\.?\s*$/, '')}`
  const fault = (code: ErrorCode, sentence: string): OcsfLakeError => new OcsfLakeError(code, sentence, { cause: error })
  if (name === 'NoSuchBucket') return fault('bucket_missing', `There is no bucket ${bucket}: check its name, and the account and region of the credentials.`)
  if (CREDENTIALS.has(name)) {
    return fault(
      'credentials_invalid',
      `The AWS credentials are missing, expired or wrong (${said}): sign in again or renew them, then run the same call again.`,
    )
  }
  if (name === 'RequestTimeTooSkewed') return fault('credentials_invalid', `S3 refused a request at ${at} (${said}): set the clock of this machine.`)
  if (message.includes('Region is missing')) return fault('option_invalid', `No AWS region is set for ${at}: set AWS_REGION or a profile with a region.`)
  if (status === 403 || name === 'AccessDenied') {
    const kms = action === 's3:PutObject' ? 'kms:GenerateDataKey' : 'kms:Decrypt'
    const more = action === 's3:ListBucket' || action === 's3:DeleteObject' ? '' : ` (and ${kms} on its key, where the bucket has a KMS key)`
    return fault('access_denied', `Access denied at ${at}: allow ${action} on ${s3Arn(request)}${more} for the credentials in use. S3 said ${said}.`)
  }
  const attempts = $metadata?.attempts === undefined ? '' : ` after ${$metadata.attempts} attempts`
  return fault('service_failed', `S3 could not serve ${action} at ${at}${attempts} (${said}): run the same call again later, what is finished stays.`)
}
