/** Work as inputs of units: an object of S3, or the records of an event. */
import { OcsfLakeError } from '../../errors.js'
import { hashOf } from '../../lake/object-key.js'
import { openS3, type S3Settings } from '../aws/s3.js'
import type { Input } from '../inputs.js'
import type { Unit } from '../units.js'
import type { ObjectWork, RecordWork } from './triggers.js'
import type { Watch } from './watch.js'

export function urlOf({ bucket, key }: ObjectWork): string {
  return `s3://${bucket}/${key}`
}

/**
 * An object as one unit, named by its place and version. Reading it ends when the time does.
 *
 * @throws OcsfLakeError `input_missing` when it is gone
 */
export async function objectUnit(work: ObjectWork, settings: S3Settings, watch: Watch): Promise<Unit> {
  const { bucket, key, versionId } = work
  const url = urlOf(work)
  const s3 = await openS3(settings)
  const missing = (cause?: unknown): never => {
    throw new OcsfLakeError(
      'input_missing',
      `There is no object at ${url}: it was deleted before it was read, or s3:ListBucket is not allowed on its bucket.`,
      { cause },
    )
  }
  const found = work.etag === undefined ? ((await s3.head({ bucket, key, versionId })) ?? missing()) : { etag: work.etag, size: work.size ?? 0 }
  const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = s3.read({ bucket, key, versionId, etag: found.etag })
    try {
      for (;;) {
        watch.check(url)
        const chunk = await watch.within(url, bytes.next())
        if (chunk.done) return
        yield chunk.value
      }
    } catch (error) {
      void bytes.return().catch(() => {}) // a body that gives nothing is not waited for
      throw error instanceof OcsfLakeError ? error : missing(error)
    }
  }
  return { index: 0, inputs: [{ path: url, key: url, size: found.size, etag: found.etag, versionId, open }] }
}

export function recordInput({ key, bytes, said }: RecordWork): Input {
  return {
    path: key,
    key,
    size: bytes.length,
    said,
    async *open() {
      yield bytes
    },
  }
}

/** The records of an event as one unit, in the order of their keys, so that the same records give the same objects. */
export function recordUnit(work: readonly RecordWork[]): Unit {
  const inputs = work.map(recordInput)
  return { index: 0, inputs: inputs.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) }
}

/** What a unit of records is named after: the sorted ids, which stand in their keys. */
export function recordUnitName({ inputs }: Unit): string {
  return hashOf('records', ...inputs.map(({ key }) => key))
}
