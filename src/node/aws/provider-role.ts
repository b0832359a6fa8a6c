/** The provider role of a custom source, assumed with its external id. Owns @aws-sdk/credential-providers. */
import { OcsfLakeError } from '../../errors.js'

export interface ProviderRole {
  readonly roleArn: string
  readonly externalId: string
  /** Region of the STS endpoint. */
  readonly region: string
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/**
 * Credentials that assume the role when first asked for; the client that holds them asks again before they expire.
 *
 * @throws OcsfLakeError `peer_missing` without @aws-sdk/credential-providers; the provider throws `role_refused` when
 * the role does not let itself be assumed
 */
export async function providerCredentials({ roleArn, externalId, region }: ProviderRole): Promise<() => Promise<Credentials>> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers').catch((cause: unknown) => {
    throw new OcsfLakeError('peer_missing', 'Security Lake needs the package @aws-sdk/credential-providers: npm install @aws-sdk/credential-providers.', {
      cause,
    })
  })
  const assume = fromTemporaryCredentials({
    params: { RoleArn: roleArn, ExternalId: externalId, RoleSessionName: 'ocsf-lake' },
    clientConfig: { region, endpoint: process.env.AWS_ENDPOINT_URL_STS },
  })
  return async () => {
    try {
      return await assume()
    } catch (cause) {
      const { name, message } = cause as Error // the SDK throws nothing else
      if (name !== 'AccessDenied') {
        throw new OcsfLakeError(
          'credentials_invalid',
          `The role ${roleArn} could not be assumed (${name}: ${message}): sign in again or renew the credentials.`,
          { cause },
        )
      }
      throw new OcsfLakeError(
        'role_refused',
        `The role ${roleArn} does not let itself be assumed: run as the principal and with the external id that the custom source was registered with, and allow that principal sts:AssumeRole on the role. STS said ${message}`,
        { cause },
      )
    }
  }
}
