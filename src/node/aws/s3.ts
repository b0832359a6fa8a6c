/** Objects in S3: listed, read to their end whatever happens on the way, and put whole. Owns @aws-sdk/client-s3. */
import { Readable } from 'node:stream'
import { OcsfLakeError } from '../../errors.js'
import type { S3ObjectId, S3Url } from '../../lake/s3-url.js'
import { type ProviderRole, providerCredentials } from './provider-role.js'
import { isMissing, type S3Request, s3Fault, statusOf } from './s3-fault.js'

/** How S3 is reached, as plain data. What is not said comes from the environment, as with every AWS tool. */
export interface S3Settings {
  readonly region?: string
  /** Another service that speaks S3; `AWS_ENDPOINT_URL_S3` says it, too. Buckets are then part of the path. */
  readonly endpoint?: string
  /** Key that written objects are encrypted with; the default of the bucket unless said. */
  readonly kmsKey?: string
  /** Tries of a request, and of a body that breaks, before the run fails: 6 unless said. */
  readonly attempts?: number
  /** Milliseconds without a byte after which a body counts as broken: 30,000 unless said. */
  readonly idleMs?: number
}

export interface StoredObject {
  readonly key: string
  /** Stored bytes. */
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** In Glacier or Deep Archive: it cannot be read until it is restored. Only a listing tells. */
  readonly archived?: boolean
}

export interface PutRequest extends S3Url {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Base64; S3 refuses other bytes, keeps it, and tells it to `head`. */
  readonly sha256: string
}

export interface S3 {
  /** One page: the objects whose key begins with `key`, in the order of S3, and where the next page begins. */
  list(prefix: S3Url, after?: string): Promise<{ readonly objects: readonly StoredObject[]; readonly next: string | undefined }>
  /** Undefined when it is not there. `sha256` is base64, where it was put with one. */
  head(object: S3Url): Promise<(StoredObject & { readonly sha256?: string }) | undefined>
  /**
   * The bytes of one object as it was when it was named. A body that breaks or stops is taken up again where it ended.
   * Throws the SDK's own error when the object is not there.
   */
  read(object: S3ObjectId): AsyncGenerator<Uint8Array, void, undefined>
  put(request: PutRequest): Promise<void>
  /** Copies an object within S3, up to 5 GB. */
  copy(from: S3Url, to: S3Url & { readonly contentType: string }): Promise<void>
  /** Deletes up to 1,000 objects; those that are not there count as deleted. */
  remove(bucket: string, keys: readonly string[]): Promise<void>
}

const ATTEMPTS = 6
const IDLE_MS = 30_000
const REGION = 'us-east-1'

const clients = new Map<string, Promise<S3>>()

/**
 * S3 by its settings, one client for all that ask with the same. `role` is assumed, and again before it expires.
 *
 * @throws OcsfLakeError `peer_missing` without @aws-sdk/client-s3
 */
export function openS3(settings: S3Settings = {}, role?: ProviderRole): Promise<S3> {
  const name = JSON.stringify([settings, role])
  const client = clients.get(name) ?? createS3(settings, role)
  clients.set(name, client)
  return client
}

async function createS3({ region, endpoint, kmsKey, attempts = ATTEMPTS, idleMs = IDLE_MS }: S3Settings, role: ProviderRole | undefined): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
    throw new OcsfLakeError('peer_missing', 'Paths in S3 need the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3.', { cause })
  })
  const elsewhere = endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  const client = new sdk.S3Client({
    region,
    endpoint: elsewhere,
    forcePathStyle: elsewhere !== undefined,
    followRegionRedirects: true,
    maxAttempts: attempts,
    // A body that breaks ends the checksum stream without an error; TLS and the ETag vouch for what is read.
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: role === undefined ? undefined : await providerCredentials(role),
  })
  const encryption = kmsKey === undefined ? {} : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKey }
  const regionNow = async (): Promise<string> => (region ?? (await client.config.region().catch(() => REGION))) || REGION
  const asked = async <T>(action: S3Request['action'], { bucket, key }: { readonly bucket: string; readonly key?: string }, answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      if (isMissing(error) && action === 's3:GetObject') throw error
      throw s3Fault(error, { action, bucket, key, region: await regionNow() })
    }
  }

  /** One answer of GetObject, from `from` on. */
  const open = async ({ bucket, key, versionId, etag }: S3ObjectId, from: number) => {
    const range = from === 0 ? undefined : `bytes=${from}-`
    const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, IfMatch: etag && `"${etag}"`, Range: range })
    const {
      Body,
      ContentLength = 0,
      ContentRange,
      ETag,
    } = await asked(
      's3:GetObject',
      { bucket, key },
      client.send(command).catch((error: unknown) => {
        if (statusOf(error) !== 412) throw error
        throw new OcsfLakeError(
          'input_replaced',
          `s3://${bucket}/${key} was replaced while it was read: run the same call again, which converts the new object.`,
          {
            cause: error,
          },
        )
      }),
    )
    if (!(Body instanceof Readable) || (range !== undefined && !ContentRange?.startsWith(`bytes ${from}-`))) {
      throw new OcsfLakeError('service_failed', `S3 did not give s3://${bucket}/${key} from byte ${from} on: check what stands between this machine and S3.`)
    }
    return { body: Body, end: from + ContentLength, etag: unquoted(ETag) }
  }

  return {
    async list({ bucket, key }, after) {
      const command = new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken: after, EncodingType: 'url' })
      const { Contents = [], NextContinuationToken, EncodingType } = await asked('s3:ListBucket', { bucket }, client.send(command))
      const decoded = (text: string): string => (EncodingType === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text)
      const objects = Contents.map(({ Key = '', Size = 0, ETag, StorageClass }) => ({
        key: decoded(Key),
        size: Size,
        etag: unquoted(ETag) ?? '',
        ...(isArchive(StorageClass) ? { archived: true } : {}),
      }))
      return { objects, next: NextContinuationToken }
    },

    async head({ bucket, key, versionId }) {
      const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, ChecksumMode: 'ENABLED' })
      try {
        const { ContentLength = 0, ETag, ChecksumSHA256 } = await asked('s3:GetObject', { bucket, key }, client.send(command))
        return { key, size: ContentLength, etag: unquoted(ETag) ?? '', sha256: ChecksumSHA256 }
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async *read(object) {
      let { etag } = object
      let at = 0
      for (let failures = 0; ; ) {
        const answer = await open({ ...object, etag }, at)
        etag ??= answer.etag
        let broken: unknown
        const before = at
        const bytes = answer.body[Symbol.asyncIterator]()
        try {
          for (;;) {
            const chunk = await within(idleMs, answer.body, bytes.next())
            if (chunk.done) break
            at += chunk.value.length
            yield chunk.value
          }
        } catch (error) {
          broken = error
        } finally {
          answer.body.destroy()
        }
        if (at >= answer.end) return
        failures = at > before ? 1 : failures + 1
        if (failures >= attempts) throw s3Fault(broken ?? new Error('the body ended early'), { action: 's3:GetObject', ...object, region: await regionNow() })
        await new Promise(resolve => setTimeout(resolve, 100 * 2 ** failures))
      }
    },

    async put({ bucket, key, bytes, contentType, sha256 }) {
      const command = new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType, ChecksumSHA256: sha256, ...encryption })
      await asked('s3:PutObject', { bucket, key }, client.send(command))
    },

    async copy(from, { bucket, key, contentType }) {
      const source = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`
      const replaced = { MetadataDirective: 'REPLACE' as const, ContentType: contentType, ChecksumAlgorithm: 'SHA256' as const, ...encryption }
      await asked('s3:PutObject', { bucket, key }, client.send(new sdk.CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: source, ...replaced })))
    },

    async remove(bucket, keys) {
      const command = new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Quiet: true, Objects: keys.map(Key => ({ Key })) } })
      const { Errors: [failed] = [] } = await asked('s3:DeleteObject', { bucket, key: keys[0] }, client.send(command))
      if (failed === undefined) return
      const { Key: key = '', Code: name = 'Error', Message: message = '' } = failed
      throw s3Fault({ name, message }, { action: 's3:DeleteObject', bucket, key, region: await regionNow() })
    },
  }
}

/** Storage classes that are not read at once. https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html */
export const isArchive = (storageClass: string | undefined): boolean => storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE'

const unquoted = (etag: string | undefined): string | undefined => etag?.replaceAll('"', '')

/** The next chunk; a body that gives none in time is ended, which makes it fail. */
async function within(idleMs: number, body: Readable, next: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
  const timer = setTimeout(() => body.destroy(new Error(`no byte for ${idleMs} ms`)), idleMs)
  try {
    return await next
  } finally {
    clearTimeout(timer)
  }
}
