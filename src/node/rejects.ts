/** Keeps rejected records, unredacted, so that they can be looked at and converted again after a fix. */
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Outcome } from '../convert.js'
import { stringify } from '../json.js'
import { writing } from './sinks.js'

type Rejected = Extract<Outcome, { kind: 'rejected' }>

/** The reject file of one unit: `<folder>/<source>/<unit hash>.ndjson`, mode 0600. A rerun replaces it. */
export interface Rejects {
  add(source: string, object: string, rejected: Rejected): void
  /** Writes what was added since the last call. */
  flush(): Promise<void>
  close(): Promise<void>
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

/** `folder` undefined: rejects are counted only. */
export async function openRejects(folder: string | undefined, unitHash: string): Promise<Rejects> {
  if (folder === undefined) return { add() {}, flush: async () => {}, close: async () => {} }
  const files = new Map<string, FileHandle>()
  let pending = new Map<string, string[]>()
  for (const source of await readdir(folder).catch(() => [])) await rm(join(folder, source, `${unitHash}.ndjson`), { force: true })
  const flush = async (): Promise<void> => {
    for (const [source, lines] of pending) {
      const path = join(folder, source, `${unitHash}.ndjson`)
      await writing(path, async () => {
        let file = files.get(source)
        if (file === undefined) {
          await mkdir(dirname(path), { recursive: true, mode: 0o700 })
          file = await open(path, 'w', 0o600)
          files.set(source, file)
        }
        await file.write(lines.join(''))
      })
    }
    pending = new Map()
  }
  return {
    add(source, object, { stage, issues, raw, place }) {
      const kept = typeof raw === 'string' ? { raw } : { raw_base64: base64(raw) }
      const lines = pending.get(source) ?? []
      pending.set(source, lines)
      lines.push(`${stringify({ object, ...place, stage, issues, ...kept })}\n`)
    },
    flush,
    async close() {
      await flush()
      for (const file of files.values()) await file.close()
    },
  }
}
