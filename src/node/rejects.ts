/** Keeps rejected records, unredacted, so that they can be looked at and converted again after a fix. */
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RejectedOutcome } from '../convert.js'
import { rawText } from '../decode/decoder.js'
import { stringify } from '../json.js'
import { isS3Url } from '../lake/s3-url.js'
import type { S3Settings } from './aws/s3.js'
import type { Input } from './inputs.js'
import { writing } from './sinks.js'
import { openStore, type Store } from './store.js'

export type Rejected = RejectedOutcome

/**
 * The rejects of one unit: `<place>/<source>/<unit hash>.ndjson`, as a file with mode 0600; more than about 8 MiB in S3 go on
 * in `<unit hash>.1.ndjson` and so on. A rerun replaces them.
 */
export interface Rejects {
  /** Records of this source come next, rejected or not. */
  expect(source: string): void
  add(source: string, input: Input, rejected: Rejected): void
  /** Writes what was added since the last call, or keeps it until there is more. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Stands for the source of an object that no source recognises. */
export const UNKNOWN = 'unknown'

/** `place` undefined: rejects are counted only. */
export async function openRejects(place: string | undefined, unitHash: string, settings: S3Settings): Promise<Rejects> {
  if (place === undefined) return { expect() {}, add() {}, flush: async () => {}, close: async () => {} }
  return isS3Url(place) ? storedRejects(openStore(place, settings), unitHash) : fileRejects(place, unitHash)
}

/** One line: the record as it was, with what is wrong with it. */
export function rejectLine({ key, said = {} }: Pick<Input, 'key' | 'said'>, { stage, issues, raw, place, preface }: Rejected): string {
  const text = typeof raw === 'string' ? raw : rawText(raw)
  const kept = text === undefined ? { raw_base64: Buffer.from(raw).toString('base64') } : { raw: text }
  const { account, region, logGroup } = said
  return `${stringify({ object: key, ...place, account, region, log_group: logGroup, stage, issues, preface, ...kept })}\n`
}

async function fileRejects(folder: string, unitHash: string): Promise<Rejects> {
  for (const source of await readdir(folder).catch(() => [])) await rm(join(folder, source, `${unitHash}.ndjson`), { force: true })
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
    expect() {},
    add(source, input, rejected) {
      const lines = pending.get(source) ?? []
      pending.set(source, lines)
      lines.push(rejectLine(input, rejected))
    },
    flush,
    async close() {
      await flush()
      for (const file of files.values()) await file.close()
    },
  }
}

/** UTF-16 units of lines that are held before they are put. */
const HELD = 8 * 2 ** 20

/** Objects cannot be appended to: lines wait for the end of the unit, or until there are many. */
function storedRejects(store: Store, unitHash: string): Rejects {
  const sources = new Map<string, { lines: string[]; parts: number }>()
  let held = 0
  const of = (source: string) => {
    const known = sources.get(source) ?? { lines: [], parts: 0 }
    sources.set(source, known)
    return known
  }
  of(UNKNOWN)
  const keyOf = (source: string, part: number): string => `${source}/${unitHash}${part === 0 ? '' : `.${part}`}.ndjson`
  const putAll = async (): Promise<void> => {
    for (const [source, one] of sources) {
      if (one.lines.length === 0) continue
      await store.put({ key: keyOf(source, one.parts++), bytes: new TextEncoder().encode(one.lines.join('')) })
      one.lines = []
    }
    held = 0
  }
  return {
    expect: source => void of(source),
    add(source, input, rejected) {
      const line = rejectLine(input, rejected)
      of(source).lines.push(line)
      held += line.length
    },
    async flush() {
      if (held >= HELD) await putAll()
    },
    async close() {
      await putAll()
      for (const [source, { parts }] of sources) {
        let part = parts // what an earlier run left behind the last one
        while (await store.clear(keyOf(source, part))) part++
      }
    },
  }
}
