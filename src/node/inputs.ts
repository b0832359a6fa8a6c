/** Which files a run reads: paths, folders, globs and prefixes in S3, in a fixed order. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { glob, isDynamicPattern } from 'tinyglobby'
import { OcsfLakeError } from '../errors.js'
import { below, isS3Url, parseS3Url, s3Place } from '../lake/s3-url.js'
import { openS3, type S3Settings, type StoredObject } from './aws/s3.js'

/** Where a stored object is: plain data, so that it can be sent to another thread. */
export interface StoredFile {
  /** Where it is read from: a path or `s3://bucket/key`. */
  readonly path: string
  /** Its URL in S3 or its path as the operator sees it, with `/`: what recognition and reports use. */
  readonly key: string
  /** Stored bytes. */
  readonly size: number
  /** Of an object in S3, which is read only as long as it is this one. Without quotes. */
  readonly etag?: string
  readonly versionId?: string
}

/** What the envelope says in which a record came. */
export interface Said {
  readonly account?: string
  readonly region?: string
  readonly logGroup?: string
}

/** One stored object, or a record that came alone. */
export interface Input extends StoredFile {
  open(): AsyncIterable<Uint8Array>
  readonly said?: Said
}

/** What is stored, with the way to its bytes. */
export function storedInput(file: StoredFile, settings: S3Settings): Input {
  const { path, key, size, etag, versionId } = file
  const open = isS3Url(path) ? () => readS3(file, settings) : () => createReadStream(path, { highWaterMark: 256 * 1024 })
  return { path, key, size, etag, versionId, open }
}

async function* readS3({ path, etag, versionId }: StoredFile, settings: S3Settings): AsyncGenerator<Uint8Array, void, undefined> {
  const s3 = await openS3(settings)
  yield* s3.read({ ...s3Place(path), etag, versionId })
}

const slashed = (path: string): string => (sep === '/' ? path : path.split(sep).join('/'))

/**
 * Resolves paths, folders (walked), globs and S3 prefixes to files and objects, sorted by key, each once. What lies
 * below `without` (the run's own output) is left out.
 *
 * @throws OcsfLakeError `input_missing` when a path does not exist, or a glob or a prefix finds nothing
 */
export async function findInputs(patterns: readonly string[], without: readonly string[] = [], settings: S3Settings = {}): Promise<readonly Input[]> {
  const found = new Map<string, Input>()
  const outside = without.filter(place => !isS3Url(place)).map(folder => resolve(folder) + sep)
  const outsideS3 = without.filter(isS3Url).map(prefix => below(prefix, ''))
  const add = async (path: string): Promise<void> => {
    const full = resolve(path)
    if (outside.some(folder => full.startsWith(folder))) return
    const { size } = await stat(full)
    const near = relative(process.cwd(), full)
    found.set(full, storedInput({ path: full, key: slashed(near.startsWith('..') ? full : near), size }, settings))
  }
  for (const pattern of patterns) {
    if (isS3Url(pattern)) {
      for await (const file of listS3(pattern, settings)) {
        if (!outsideS3.some(prefix => file.path.startsWith(prefix))) found.set(file.path + (file.versionId ?? ''), storedInput(file, settings))
      }
      continue
    }
    const info = await stat(pattern).catch(() => undefined)
    if (info?.isDirectory()) {
      for (const file of await glob('**/*', { cwd: pattern, absolute: true, dot: true })) await add(file)
    } else if (info !== undefined) {
      await add(pattern)
    } else if (isDynamicPattern(pattern)) {
      const files = await glob(slashed(pattern), { absolute: true, dot: true })
      if (files.length === 0) throw new OcsfLakeError('input_missing', `No file matches ${pattern}.`)
      for (const file of files) await add(file)
    } else {
      throw new OcsfLakeError('input_missing', `${pattern} does not exist: give a file, a folder, a glob or s3://<bucket>/<prefix>.`)
    }
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

/** One object when there is one of that very key (or a version is named), else all whose keys begin with it. */
async function* listS3(pattern: string, settings: S3Settings): AsyncGenerator<StoredFile, void, undefined> {
  const prefix = parseS3Url(pattern)
  const s3 = await openS3(settings)
  const fileOf = ({ key, size, etag }: StoredObject): StoredFile => {
    const path = `s3://${prefix.bucket}/${key}`
    return { path, key: path, size, etag, versionId: prefix.versionId }
  }
  const missing = (): never => {
    throw new OcsfLakeError('input_missing', `There is no object at ${pattern}: give the key of an object or what keys begin with.`)
  }
  if (prefix.versionId !== undefined) return yield fileOf((await s3.head(prefix)) ?? missing())
  let page = await s3.list(prefix)
  if (page.objects.length === 0) missing()
  const [first] = page.objects
  if (first?.key === prefix.key && !prefix.key.endsWith('/')) return yield fileOf(first)
  for (;;) {
    for (const object of page.objects) {
      if (!(object.key.endsWith('/') && object.size === 0)) yield fileOf(object) // a folder made in the console
    }
    if (page.next === undefined) return
    page = await s3.list(prefix, page.next)
  }
}

/** Standard input, kept in a temporary file so that it can be named by its content; `remove` deletes it. */
export async function spoolInput(stream: NodeJS.ReadableStream): Promise<Input & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ocsf-lake-'))
  const path = join(folder, 'stdin')
  await pipeline(stream, createWriteStream(path, { mode: 0o600 }))
  const { size } = await stat(path)
  return { ...storedInput({ path, key: '-', size }, {}), remove: () => rm(folder, { recursive: true, force: true }) }
}
