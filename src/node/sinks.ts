/** Where converted events go: a folder laid out as a lake, or NDJSON. */
import { access, constants, type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OcsfLakeError } from '../errors.js'
import type { LakeObject } from '../lake/parts.js'

/** Makes sure that a folder can be written before the run reads anything. */
export async function ensureFolder(folder: string, option: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (cause) {
    throw new OcsfLakeError('output_unwritable', `${option} ${folder} cannot be written: choose a folder that you may create files in.`, { cause })
  }
}

/** Writes objects below a folder; a reader never sees half an object. */
export async function putFile(folder: string, { key, bytes }: LakeObject): Promise<void> {
  const path = join(folder, key)
  const partial = `${path}.${process.pid}.tmp`
  await mkdir(dirname(path), { recursive: true })
  try {
    await writeFile(partial, bytes)
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new OcsfLakeError('output_unwritable', `${path} cannot be written: check the space and the rights of the output folder.`, { cause })
  }
}

/** One line per event. */
export interface LineSink {
  write(name: string, lines: string): Promise<void>
  /** Name, rows and bytes of each file. */
  close(): Promise<readonly { readonly key: string; readonly rows: number; readonly bytes: number }[]>
}

/** NDJSON into `<folder>/<source>.<class_uid>.ndjson`. */
export function ndjsonFiles(folder: string): LineSink {
  const files = new Map<string, { readonly file: FileHandle; rows: number; bytes: number }>()
  return {
    async write(name, lines) {
      let target = files.get(name)
      if (target === undefined) {
        target = { file: await open(join(folder, `${name}.ndjson`), 'w'), rows: 0, bytes: 0 }
        files.set(name, target)
      }
      const { bytesWritten } = await target.file.write(lines)
      target.bytes += bytesWritten
      target.rows += countLines(lines)
    },
    async close() {
      const written = []
      for (const [name, { file, rows, bytes }] of files) {
        await file.close()
        written.push({ key: `${name}.ndjson`, rows, bytes })
      }
      return written
    },
  }
}

function countLines(lines: string): number {
  let rows = 0
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) rows++
  return rows
}

/** NDJSON into a stream, waiting while it is full. */
export function ndjsonStream(stream: NodeJS.WritableStream): LineSink {
  return {
    write: (_name, lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, error => (error ? reject(error) : resolve()))
      }),
    close: async () => [],
  }
}
