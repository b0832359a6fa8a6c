/** How much there is to convert: counted in a listing or an inventory, by source as far as keys tell. */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { OcsfLakeError } from '../../errors.js'
import { type S3Url, s3Place } from '../../lake/s3-url.js'
import { SOURCES } from '../../sources/index.js'
import { isArchive, openS3, type S3Settings } from '../aws/s3.js'
import type { Amount } from './plan.js'

/** Objects whose key says no source. */
export const UNKNOWN = 'unknown'

export interface Counted {
  readonly amounts: Readonly<Record<string, Amount>>
  /** In Glacier or Deep Archive; not in the amounts. */
  readonly archived: Amount
}

interface Row {
  readonly key: string
  readonly size: number
  readonly archived?: boolean
}

/** Counts what lies below a prefix. */
export async function countListing(prefix: S3Url, settings: S3Settings, onProgress: (objects: number) => void): Promise<Counted> {
  const s3 = await openS3(settings)
  const count = counter()
  let next: string | undefined
  do {
    const page = await s3.list(prefix, next)
    for (const object of page.objects) count.add(object)
    onProgress(count.objects())
    next = page.next
  } while (next !== undefined)
  return count.counted()
}

/**
 * Counts what an inventory in CSV has below a prefix: current objects only.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
 *
 * @throws OcsfLakeError `input_missing`, `input_unreadable` for another format, or one without sizes
 */
export async function countInventory(manifest: S3Url, prefix: S3Url, settings: S3Settings, onProgress: (objects: number) => void): Promise<Counted> {
  const s3 = await openS3(settings)
  const missing = ({ bucket, key }: S3Url, cause: unknown): OcsfLakeError => {
    if (cause instanceof OcsfLakeError) return cause
    return new OcsfLakeError('input_missing', `s3://${bucket}/${key} cannot be read: give the manifest.json of an inventory whose files are there.`, { cause })
  }
  const whole = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of s3.read(manifest)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const text = await whole().catch((cause: unknown) => {
    throw missing(manifest, cause)
  })
  const { columns, bucket, files } = manifestOf(text, manifest, prefix)
  const count = counter()
  for (const key of files) {
    try {
      for await (const row of rowsOf(s3.read({ bucket, key }), key.endsWith('.gz'), columns)) if (row.key.startsWith(prefix.key)) count.add(row)
    } catch (cause) {
      throw missing({ bucket, key }, cause)
    }
    onProgress(count.objects())
  }
  return count.counted()
}

interface Columns {
  readonly key: number
  readonly size: number
  readonly latest: number
  readonly deleted: number
  readonly storage: number
}

function manifestOf(
  bytes: Uint8Array,
  { bucket, key }: S3Url,
  { bucket: logs }: S3Url,
): { readonly columns: Columns; readonly bucket: string; readonly files: readonly string[] } {
  const refuse = (what: string): never => {
    throw new OcsfLakeError('input_unreadable', `s3://${bucket}/${key} is no inventory that a backfill can use: ${what}.`)
  }
  let manifest: { sourceBucket?: string; destinationBucket?: string; fileFormat?: string; fileSchema?: string; files?: { key: string }[] }
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return refuse('it is not JSON')
  }
  const { sourceBucket, destinationBucket, fileFormat, fileSchema, files } = manifest
  if (typeof fileSchema !== 'string' || !Array.isArray(files)) return refuse('give the manifest.json that S3 wrote')
  if (fileFormat !== 'CSV') refuse(`it is ${fileFormat}, and Step Functions reads CSV`)
  if (sourceBucket !== logs) refuse(`it is of the bucket ${sourceBucket}, not of ${logs}`)
  const names = fileSchema.split(',').map(name => name.trim())
  const at = (name: string): number => names.indexOf(name)
  if (at('Size') < 0) refuse('it has no field Size')
  const columns = { key: at('Key'), size: at('Size'), latest: at('IsLatest'), deleted: at('IsDeleteMarker'), storage: at('StorageClass') }
  return { columns, bucket: destinationBucket?.replace(/^arn:[\w-]+:s3:::/, '') ?? bucket, files: files.map(file => file.key) }
}

/** Cells are quoted and hold no quotes or commas: keys are URL-encoded. */
async function* rowsOf(
  stored: AsyncIterable<Uint8Array>,
  zipped: boolean,
  { key, size, latest, deleted, storage }: Columns,
): AsyncGenerator<Row, void, undefined> {
  // the reader below sees what breaks the stream
  const bytes: AsyncIterable<Uint8Array> = zipped ? pipeline(Readable.from(stored), createGunzip(), () => {}) : stored
  for await (const line of linesOf(bytes)) {
    const cells = line.trim().slice(1, -1).split('","')
    if (cells.length < 2 || cells[latest] === 'false' || cells[deleted] === 'true') continue
    yield { key: decodeURIComponent(cells[key]!.replaceAll('+', ' ')), size: Number(cells[size]), archived: isArchive(cells[storage]) }
  }
}

/** A file of an inventory may have more text than a string holds. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  yield rest
}

function counter() {
  const amounts: Record<string, { objects: number; bytes: number }> = {}
  const archived = { objects: 0, bytes: 0 }
  let objects = 0
  return {
    objects: () => objects,
    add({ key, size, archived: away }: Row): void {
      objects++
      const source = away ? undefined : sourceOf(key)
      const amount = away ? archived : (amounts[source ?? UNKNOWN] ?? { objects: 0, bytes: 0 })
      amount.objects++
      amount.bytes += size
      if (!away) amounts[source ?? UNKNOWN] = amount
    },
    counted: (): Counted => ({ amounts, archived }),
  }
}

function sourceOf(key: string): string | undefined {
  const head = { key, bytes: new Uint8Array(0), text: '' }
  const known = SOURCES.filter(source => source.recognise(head) === 'key')
  return known.length === 1 ? known[0]!.id : undefined
}

/** `s3://bucket/key` of an ARN or URL that must name an object. */
export function manifestPlace(text: string): S3Url {
  const place = s3Place(text)
  if (place.key.endsWith('manifest.json')) return place
  throw new OcsfLakeError('option_invalid', `${text} is no manifest of an inventory: give s3://<bucket>/<…>/manifest.json.`)
}
