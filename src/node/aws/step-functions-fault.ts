/** What an operator must do about an answer of Step Functions, in one sentence. */
import { type ErrorCode, OcsfLakeError } from '../../errors.js'

const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignature',
  'MissingAuthenticationToken',
])
const MISSING = new Set(['StateMachineDoesNotExist', 'ExecutionDoesNotExist', 'ResourceNotFound', 'InvalidArn'])

/** Wraps what the SDK threw after its own retries. */
export function stepFunctionsFault(error: unknown, { action, resource }: { readonly action: string; readonly resource: string }): OcsfLakeError {
  if (error instanceof OcsfLakeError) return error
  const { name, message, code } = error as Error & { readonly code?: string } // the SDK throws Errors; code is that of a socket
  const said = `(${name}: ${message.trim().replace(/\.$/, '')})`
  const fault = (which: ErrorCode, sentence: string): OcsfLakeError => new OcsfLakeError(which, sentence, { cause: error })
  if (name === 'AccessDeniedException') return fault('access_denied', `${action} was denied: allow states:${action} on ${resource} ${said}.`)
  if (CREDENTIALS.has(name)) {
    return fault('credentials_invalid', `The AWS credentials are missing, expired or wrong: sign in again or renew them, then run the same call again ${said}.`)
  }
  if (MISSING.has(name)) return fault('service_failed', `There is no ${resource}: check the ARN, and the account and region of the credentials ${said}.`)
  if (name === 'ExecutionNotRedrivable') {
    return fault(
      'service_failed',
      `${resource} cannot be redriven: run the backfill of its prefix again, which converts all of it into the same objects ${said}.`,
    )
  }
  if (name === 'ExecutionLimitExceeded' || name === 'ThrottlingException') {
    return fault('service_failed', `${action} was throttled: wait until other executions are done, then run the same call again ${said}.`)
  }
  if (code !== undefined || name === 'TimeoutError')
    return fault('service_failed', `${action} did not reach Step Functions: check the region and the network ${said}.`)
  return fault('service_failed', `${action} of ${resource} failed: see what Step Functions said ${said}.`)
}
