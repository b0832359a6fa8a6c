/** `s3://bucket/key` as the operator writes it: the key as it is, never percent-encoded. */
import { OcsfLakeError } from '../errors.js'

export interface S3Url {
  readonly bucket: string
  /** May be empty, or a prefix. */
  readonly key: string
  readonly versionId?: string
}

/** One stored object, or one version of it. */
export interface S3ObjectId extends S3Url {
  /** Without quotes. */
  readonly etag?: string
}

const VERSION_ID = /^(.+)\?versionId=([^?&/]+)$/s

export function isS3Url(text: string): boolean {
  return text.startsWith('s3://')
}

/**
 * Splits `s3://bucket/key`.
 *
 * @throws OcsfLakeError `option_invalid` without a bucket
 */
export function s3Place(url: string): { readonly bucket: string; readonly key: string } {
  const [bucket = '', ...key] = url.slice('s3://'.length).split('/')
  if (!isS3Url(url) || !/^[A-Za-z0-9][A-Za-z0-9._-]+$/.test(bucket))
    throw new OcsfLakeError('option_invalid', `${url} is no place in S3: write s3://<bucket>/<prefix>.`)
  return { bucket, key: key.join('/') }
}

/** Splits what an operator wrote, where `?versionId=…` at the end is no part of the key. */
export function parseS3Url(text: string): S3Url {
  const [, url, versionId] = VERSION_ID.exec(text) ?? [undefined, text, undefined]
  return { ...s3Place(url!), versionId }
}

/** The place below a prefix: with exactly one `/` between them. */
export function below(prefix: string, key: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix + key : `${prefix}/${key}`
}

/**
 * What the output objects of an S3 object are named after. The ETag comes first, since a listing and a notification both
 * say it, and only the latter may say the version: a backfill and a Lambda function name the same object alike.
 */
export function s3Unit({ bucket, key, etag, versionId }: S3ObjectId): string {
  const version = etag !== undefined ? `?etag=${etag}` : versionId !== undefined ? `?versionId=${versionId}` : ''
  return `s3://${bucket}/${key}${version}`
}
