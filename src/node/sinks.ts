/** Where converted events go as NDJSON: files of a folder, or a stream. */
import { createReadStream, createWriteStream } from 'node:fs'
import { access, constants, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { OcsfLakeError } from '../errors.js'
import type { PutOutcome, ReportedObject } from '../lake/report.js'

/** Makes sure that a folder can be written before the run reads anything. */
export async function ensureFolder(folder: string, option: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (cause) {
    throw new OcsfLakeError('output_unwritable', `${option} ${folder} cannot be written: choose a folder that you may create files in.`, { cause })
  }
}

/** @throws OcsfLakeError `output_unwritable` when `write` fails, e.g. for a full disk */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    throw new OcsfLakeError('output_unwritable', `${path} cannot be written: check the space and the rights of the output folder.`, { cause })
  }
}

/** An NDJSON file. */
export type WrittenLines = ReportedObject

/** What becomes of a path that is written whatever was there. */
const fate = (path: string): Promise<PutOutcome> =>
  access(path).then(
    () => 'replaced',
    () => 'written',
  )

/** One line per event. */
export interface LineSink {
  write(name: string, lines: string): Promise<void>
  close(): Promise<readonly WrittenLines[]>
}

/** NDJSON into `<folder>/<source>.<class_uid>.ndjson`. */
export function ndjsonFiles(folder: string): LineSink {
  const files = new Map<string, { readonly file: FileHandle; readonly put: PutOutcome; rows: number; bytes: number }>()
  return {
    async write(name, lines) {
      const path = join(folder, `${name}.ndjson`)
      await writing(path, async () => {
        let target = files.get(name)
        if (target === undefined) {
          target = { put: await fate(path), file: await open(path, 'w'), rows: 0, bytes: 0 }
          files.set(name, target)
        }
        const { bytesWritten } = await target.file.write(lines)
        target.bytes += bytesWritten
        target.rows += countLines(lines)
      })
    },
    async close() {
      const written = []
      for (const [name, { file, rows, bytes, put }] of files) {
        await file.close()
        written.push({ key: `${name}.ndjson`, rows, bytes, put })
      }
      return written
    },
  }
}

/** Puts the NDJSON files of units, which lie in `<scratch>/<index of the unit>/`, behind each other in a folder. */
export interface LineJoin {
  add(unit: { readonly index: number }, written: readonly WrittenLines[]): Promise<void>
  close(): Promise<readonly WrittenLines[]>
}

export function ndjsonJoin(scratch: string, folder: string): LineJoin {
  const files = new Map<string, WrittenLines>()
  return {
    async add({ index }, written) {
      for (const { key, rows, bytes } of written) {
        const part = join(scratch, String(index), key)
        const before = files.get(key)
        const path = join(folder, key)
        const put = before?.put ?? (await fate(path))
        files.set(key, { key, rows: rows + (before?.rows ?? 0), bytes: bytes + (before?.bytes ?? 0), put })
        await writing(path, async () => {
          if (before === undefined) return rename(part, path)
          await pipeline(createReadStream(part), createWriteStream(path, { flags: 'a' }))
          await rm(part)
        })
      }
    },
    close: async () => [...files.values()],
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
