/** Where a run writes: a folder, or a prefix in S3. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { OcsfLakeError } from '../errors.js'
import type { PutOutcome } from '../lake/report.js'
import { below, isS3Url, type S3Url, s3Place } from '../lake/s3-url.js'
import type { SecurityLakeTarget } from '../lake/security-lake.js'
import type { ProviderRole } from './aws/provider-role.js'
import { openS3, type S3, type S3Settings } from './aws/s3.js'
import { isMissing, statusOf } from './aws/s3-fault.js'
import { ensureFolder, writing } from './sinks.js'

/** An object: its key below the store, and its bytes. */
export interface Stored {
  readonly key: string
  readonly bytes: Uint8Array
}

/** Objects below one place. Made from plain data, so that each thread can make its own. */
export interface Store {
  /** Makes sure, as far as reading can tell, that the place can be written. `option` is what the operator called it. */
  check(option: string): Promise<void>
  /** A reader never sees half an object. What is there with the same bytes stays as it is. */
  put(object: Stored): Promise<PutOutcome>
  /** Undefined when it is not there. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Leaves nothing under a key: an empty object where objects cannot be deleted. False when nothing was there. */
  clear(key: string): Promise<boolean>
}

/** What a listing says of an object. */
export interface Listed {
  readonly key: string
  /** Stored bytes. */
  readonly size: number
  /** Changes when the object does: its ETag, or the time a file was written. */
  readonly etag: string
}

/** A store of your own, where objects may be listed and taken away. */
export interface OwnStore extends Store {
  /** What lies below a folder of keys, which is empty or ends with `/`, in the order of S3. */
  list(folder: string): AsyncGenerator<Listed, void, undefined>
  /** Puts the object of one key under another, whole; afterwards it may be gone from the first. */
  move(from: string, to: string): Promise<void>
  /** Takes objects away; those that are not there are none the worse. */
  remove(keys: readonly string[]): Promise<void>
}

/** The store of a place: `s3://bucket/prefix`, or a folder. */
export function openStore(place: string, settings: S3Settings = {}): OwnStore {
  return isS3Url(place) ? s3Store(s3Place(place), settings) : folderStore(place)
}

/** The path or URL of what lies under a key of a place. */
export function placeBelow(place: string, key: string): string {
  return isS3Url(place) ? below(place, key) : join(place, key)
}

function folderStore(folder: string): OwnStore {
  const get = (key: string): Promise<Uint8Array | undefined> =>
    readFile(join(folder, key)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined // a file where a folder should be
      throw error
    })
  return {
    check: option => ensureFolder(folder, option),
    get,
    put: ({ key, bytes }) => {
      const path = join(folder, key)
      const partial = `${path}.${process.pid}.tmp`
      return writing(path, async () => {
        const before = await get(key)
        if (before !== undefined && Buffer.compare(before, bytes) === 0) return 'unchanged'
        try {
          await mkdir(dirname(path), { recursive: true })
          // Rejects are for their owner's eyes: what replaces a file is as readable as it was.
          await writeFile(partial, bytes, { mode: before === undefined ? 0o666 : (await stat(path)).mode })
          await rename(partial, path)
        } catch (cause) {
          await rm(partial, { force: true }).catch(() => {})
          throw cause
        }
        return before === undefined ? 'written' : 'replaced'
      })
    },
    clear: key =>
      writing(join(folder, key), async () => {
        const there = (await get(key)) !== undefined
        await rm(join(folder, key), { force: true })
        return there
      }),
    async *list(below) {
      for (const name of await filesBelow(join(folder, below))) {
        const info = await stat(join(folder, below, name)).catch(() => undefined)
        if (info?.isFile()) yield { key: below + name, size: info.size, etag: String(info.mtimeMs) }
      }
    },
    move: (from, to) => writing(join(folder, to), () => rename(join(folder, from), join(folder, to))),
    async remove(keys) {
      for (const key of keys) await writing(join(folder, key), () => rm(join(folder, key), { force: true }))
    },
  }
}

/** Names with `/`, in the order of S3: by their UTF-8 bytes. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const names = entries.map(name => (sep === '/' ? name : name.replaceAll(sep, '/')))
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  parquet: 'application/vnd.apache.parquet',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
}

const contentTypeOf = (key: string): string => CONTENT_TYPES[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream'

/** Needs Get, List and Put, of which only Put must be allowed: without the others an object that is there is replaced and counts as written. */
function s3Store({ bucket, key: prefix }: S3Url, settings: S3Settings, role?: ProviderRole): OwnStore {
  const placed = (key: string): S3Url => ({ bucket, key: below(prefix, key) })
  // HEAD is answered without a reason (400 for expired credentials): the request that follows is given one.
  const unlessDenied = (error: unknown): undefined => {
    if (error instanceof OcsfLakeError && (error.code === 'access_denied' || statusOf(error.cause) === 400)) return undefined
    throw error
  }
  const put = async (s3: S3, { key, bytes }: Stored): Promise<PutOutcome> => {
    const sha256 = createHash('sha256').update(bytes).digest('base64')
    const before = await s3.head(placed(key)).catch(unlessDenied)
    if (before?.sha256 === sha256 && before.size === bytes.length) return 'unchanged'
    await s3.put({ ...placed(key), bytes, contentType: contentTypeOf(key), sha256 })
    return before === undefined ? 'written' : 'replaced'
  }
  return {
    async check() {
      const s3 = await openS3(settings, role)
      await s3.list(placed('')).catch((error: unknown) => {
        if (!(error instanceof OcsfLakeError && error.code === 'access_denied')) throw error
      })
    },
    async put(object) {
      return put(await openS3(settings, role), object)
    },
    async get(key) {
      const s3 = await openS3(settings, role)
      const chunks: Uint8Array[] = []
      try {
        for await (const chunk of s3.read(placed(key))) chunks.push(chunk)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
      return Buffer.concat(chunks)
    },
    async clear(key) {
      const s3 = await openS3(settings, role)
      const found = await s3.head(placed(key)).catch(unlessDenied)
      if (found !== undefined && found.size > 0) await put(s3, { key, bytes: new Uint8Array(0) })
      return found !== undefined
    },
    async *list(folder) {
      const s3 = await openS3(settings, role)
      const start = below(prefix, '').length
      let next: string | undefined
      do {
        const page = await s3.list(placed(folder), next)
        for (const { key, size, etag } of page.objects) yield { key: key.slice(start), size, etag }
        next = page.next
      } while (next !== undefined)
    },
    async move(from, to) {
      const s3 = await openS3(settings, role)
      await s3.copy(placed(from), { ...placed(to), contentType: contentTypeOf(to) })
    },
    async remove(keys) {
      const s3 = await openS3(settings, role)
      for (let at = 0; at < keys.length; at += S3_DELETES)
        await s3.remove(
          bucket,
          keys.slice(at, at + S3_DELETES).map(key => placed(key).key),
        )
    },
  }
}

/** Objects that one DeleteObjects takes. */
const S3_DELETES = 1000

/** Security Lake: keys are whole URLs below the locations of its custom sources, each written by the role of its own. */
export function securityLakeStore(target: SecurityLakeTarget, settings: S3Settings): Store {
  const stores = target.sources.map(({ location, roleArn }) => {
    const role = { roleArn, externalId: target.externalId, region: target.region }
    return { location, store: s3Store(s3Place(location), { ...settings, region: target.region, kmsKey: target.kmsKey ?? settings.kmsKey }, role) }
  })
  const at = (url: string): { readonly store: Store; readonly key: string } => {
    const { store, location } = stores.find(one => url.startsWith(one.location))! // the layout of the target made the key
    return { store, key: url.slice(location.length) }
  }
  return {
    async check(option) {
      for (const { store } of stores) await store.check(option)
    },
    put: ({ key, bytes }) => at(key).store.put({ key: at(key).key, bytes }),
    get: key => at(key).store.get(at(key).key),
    clear: key => at(key).store.clear(at(key).key),
  }
}
