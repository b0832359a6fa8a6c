/** Which files a run reads: paths, folders and globs, in a fixed order. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { glob, isDynamicPattern } from 'tinyglobby'
import { OcsfLakeError } from '../errors.js'

/** Where a stored object is: plain data, so that it can be sent to another thread. */
export interface StoredFile {
  /** Where it is read from. */
  readonly path: string
  /** Its S3 key or path as the operator sees it, with `/`: what recognition and reports use. */
  readonly key: string
  /** Stored bytes. */
  readonly size: number
}

/** One stored object. */
export interface Input extends StoredFile {
  open(): AsyncIterable<Uint8Array>
}

export function storedFile({ path, key, size }: StoredFile): Input {
  return { path, key, size, open: () => createReadStream(path, { highWaterMark: 256 * 1024 }) }
}

const slashed = (path: string): string => (sep === '/' ? path : path.split(sep).join('/'))

/**
 * Resolves paths, folders (walked) and globs to files, sorted by key, each once. Files below `without` (the
 * run's own output) are left out.
 *
 * @throws OcsfLakeError `input_missing` when a path does not exist or a glob finds nothing
 */
export async function findInputs(patterns: readonly string[], without: readonly string[] = []): Promise<readonly Input[]> {
  const found = new Map<string, Input>()
  const outside = without.map(folder => resolve(folder) + sep)
  const add = async (path: string): Promise<void> => {
    const full = resolve(path)
    if (outside.some(folder => full.startsWith(folder))) return
    const { size } = await stat(full)
    const near = relative(process.cwd(), full)
    found.set(full, storedFile({ path: full, key: slashed(near.startsWith('..') ? full : near), size }))
  }
  for (const pattern of patterns) {
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
      throw new OcsfLakeError('input_missing', `${pattern} does not exist: give a file, a folder or a glob.`)
    }
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

/** Standard input, kept in a temporary file so that it can be named by its content; `remove` deletes it. */
export async function spoolInput(stream: NodeJS.ReadableStream): Promise<Input & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ocsf-lake-'))
  const path = join(folder, 'stdin')
  await pipeline(stream, createWriteStream(path, { mode: 0o600 }))
  const { size } = await stat(path)
  return { ...storedFile({ path, key: '-', size }), remove: () => rm(folder, { recursive: true, force: true }) }
}
