/** What an operator must do about an answer of Security Lake's API, in one sentence. */
import { OcsfLakeError } from '../../errors.js'

/** What was asked. */
export interface SecurityLakeRequest {
  readonly action: 'CreateCustomLogSource' | 'DeleteCustomLogSource' | 'ListLogSources'
  readonly region: string
  /** The custom source, where the request names one. */
  readonly name?: string
}

interface Answer {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly errorCode?: string
  readonly resourceName?: string
  readonly quotaCode?: string
}

const CREDENTIALS =
  /^(?:CredentialsProviderError|TokenProviderError|ExpiredToken|ExpiredTokenException|RequestExpired|InvalidClientTokenId|UnrecognizedClientException|InvalidSignatureException|SignatureDoesNotMatch|IncompleteSignature\w*|MissingAuthenticationToken\w*|NotAuthorizedException)$/
const NETWORK = /^(?:ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|EPIPE)$/

function answerOf(error: unknown): Answer {
  // The SDK throws Errors; members beyond those of Error are looked at one by one.
  return error instanceof Error ? (error as Error & Answer) : { name: 'Error', message: String(error) }
}

/** A change of another source is under way, or too many requests: the same request may succeed later. */
export function isWorthAnotherTry(error: unknown): boolean {
  const { name } = answerOf(error)
  return name === 'ConflictException' || name === 'ThrottlingException'
}

/** The request may have been carried out although it failed. */
export function isUncertain(error: unknown): boolean {
  const { name, code } = answerOf(error)
  return name === 'ConflictException' || name === 'InternalServerException' || name === 'TimeoutError' || NETWORK.test(code ?? '')
}

/** The error that the operator sees, its cause kept. */
export function securityLakeFault(error: unknown, { action, region, name: source }: SecurityLakeRequest): OcsfLakeError {
  if (error instanceof OcsfLakeError) return error
  const { name, message, code = '', errorCode, quotaCode } = answerOf(error)
  const doing = source === undefined ? action : `${action} of ${source}`
  const said = `(${name}${errorCode === undefined ? '' : ` ${errorCode}`}: ${message.trim().replace(/\.$/, '')})`
  const options = { cause: error }
  if (name === 'AccessDeniedException' || name === 'AccessDenied') {
    const denied =
      /not authorized to perform:? ([\w-]+:\w+)/.exec(message)?.[1] ??
      `securitylake:${action}, or one of the actions it needs in Glue, IAM, Lake Formation, S3 and KMS`
    return new OcsfLakeError(
      'access_denied',
      `${doing} was denied: allow ${denied} to whoever runs this, as the registrar policy of ocsf-lake register --dry-run does ${said}.`,
      options,
    )
  }
  if (CREDENTIALS.test(name)) {
    return new OcsfLakeError(
      'credentials_invalid',
      `${doing} needs credentials that are valid now: sign in again, or set AWS_PROFILE or AWS_ACCESS_KEY_ID ${said}.`,
      options,
    )
  }
  if (name === 'ResourceNotFoundException') {
    return new OcsfLakeError(
      'service_failed',
      `${doing} found no lake: enable Security Lake in ${region} for this account, or give the --region of the lake ${said}.`,
      options,
    )
  }
  if (name === 'BadRequestException' || name === 'ValidationException') {
    return new OcsfLakeError('service_failed', `${doing} was refused as malformed: check the crawler role, the principal and the external id ${said}.`, options)
  }
  if (name === 'ConflictException') {
    return new OcsfLakeError('service_failed', `${doing} met other changes again and again: wait until they are done, and run this again ${said}.`, options)
  }
  if (name === 'ThrottlingException') {
    const quota = quotaCode === undefined ? '' : `, or raise quota ${quotaCode}`
    return new OcsfLakeError('service_failed', `${doing} was throttled again and again: wait a few minutes and run this again${quota} ${said}.`, options)
  }
  if (name === 'InternalServerException') {
    return new OcsfLakeError(
      'service_failed',
      `${doing} failed inside Security Lake: run this again, and see the AWS Health Dashboard if it stays ${said}.`,
      options,
    )
  }
  if (NETWORK.test(code) || name === 'TimeoutError') {
    return new OcsfLakeError('service_failed', `${doing} did not reach Security Lake in ${region}: check the region and the network ${said}.`, options)
  }
  return new OcsfLakeError('service_failed', `${doing} failed: see what Security Lake said ${said}.`, options)
}
