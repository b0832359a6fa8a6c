/** Places in S3 as operators write them. */
import { describe, expect, it } from 'vitest'
import { below, parseS3Url, s3Place, s3Unit } from './s3-url.js'

describe('s3://', () => {
  it.each([
    ['s3://logs', 'logs', '', undefined],
    ['s3://logs/', 'logs', '', undefined],
    ['s3://logs/a/b%3D c+d/', 'logs', 'a/b%3D c+d/', undefined],
    ['s3://logs//a', 'logs', '/a', undefined],
    ['s3://logs/a.log?versionId=v1.x', 'logs', 'a.log', 'v1.x'],
    ['s3://logs/a?versionId=b/c', 'logs', 'a?versionId=b/c', undefined],
    ['s3://logs/what?.log', 'logs', 'what?.log', undefined],
  ])('%s is a bucket, a key and perhaps a version', (url, bucket, key, versionId) => {
    expect(parseS3Url(url)).toEqual({ bucket, key, versionId })
  })
  it('takes a listed key as it is, whatever it looks like', () => {
    expect(s3Place('s3://logs/a?versionId=v1')).toEqual({ bucket: 'logs', key: 'a?versionId=v1' })
  })
  it.each(['s3://', 's3:///a', 's3://b?d/a', 'logs/a'])('refuses %s', url => {
    expect(() => parseS3Url(url)).toThrow(/is no place in S3: write s3:\/\/<bucket>\/<prefix>\.$/)
  })
  it('puts one slash between a prefix and what is below', () => {
    expect([below('', 'a'), below('p', 'a'), below('p/', 'a'), below('s3://b', '')]).toEqual(['a', 'p/a', 'p/a', 's3://b/'])
  })
  it('names a unit by its ETag, which listings and notifications both know, else by its version', () => {
    const object = { bucket: 'logs', key: 'a b.log' }
    expect(s3Unit({ ...object, etag: 'e', versionId: 'v' })).toBe('s3://logs/a b.log?etag=e')
    expect(s3Unit({ ...object, versionId: 'v' })).toBe('s3://logs/a b.log?versionId=v')
  })
})
