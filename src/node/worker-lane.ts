/** A lane in a worker thread, seen from the main thread; worker.ts is its other end. */
import { Worker } from 'node:worker_threads'
import { type ErrorCode, OcsfLakeError } from '../errors.js'
import { SOURCES } from '../sources/index.js'
import type { UnitDoors, UnitProgress, UnitSettings } from './convert-unit.js'
import type { StoredFile } from './inputs.js'
import type { Lane, UnitResult } from './lanes.js'
import type { Unit } from './units.js'
import { workerEntry } from './worker-entry.js'

/** What a worker thread is started with: settings that can be cloned, so sources go by their ids. */
export interface WorkerSetup {
  readonly settings: Omit<UnitSettings, 'source' | 'sources'>
  readonly source: string | undefined
  readonly sources: readonly string[]
  /** Folder for the NDJSON files of each unit; undefined when events go into Parquet objects. */
  readonly scratch: string | undefined
}

/** To the worker: a unit to convert, or the name that it asked for. */
export type Order = { readonly unit: { readonly index: number; readonly files: readonly StoredFile[] } } | { readonly name: string }

/** From the worker: the content of its unit, which asks for a name; how far it is; and how the unit ended. */
export type Note =
  | { readonly content: string }
  | { readonly progress: UnitProgress }
  | { readonly result: UnitResult }
  | { readonly fault: { readonly code: ErrorCode; readonly message: string; readonly cause: unknown } }

export function workerSetup({ source, sources, ...settings }: UnitSettings, scratch: string | undefined): WorkerSetup {
  return { settings, source: source?.id, sources: sources.map(({ id }) => id), scratch }
}

/** The settings at the other end. */
export function unitSettings({ settings, source, sources }: WorkerSetup): UnitSettings {
  const builtIn = (id: string) => SOURCES.find(one => one.id === id)!
  return { ...settings, source: source === undefined ? undefined : builtIn(source), sources: sources.map(builtIn) }
}

/** `entry` is the program of the thread. */
export function openWorkerLane(setup: WorkerSetup, { claim, onProgress }: Omit<UnitDoors, 'lines'>, entry: URL = workerEntry()): Lane {
  const worker = new Worker(entry, { workerData: setup })
  let current: { readonly unit: Unit; resolve(result: UnitResult): void; reject(error: Error): void } | undefined
  let stopped = false
  let crash: unknown
  const send = (order: Order): void => worker.postMessage(order)
  const lost = (unit: Unit): Error => {
    const keys = unit.inputs.map(({ key }) => key)
    const what = keys.length === 1 ? keys[0]! : `${keys[0]} and ${keys.length - 1} more`
    return new Error(`A worker thread stopped while it converted ${what}${crash === undefined ? '' : `: ${String(crash)}`}`, { cause: crash })
  }
  worker.on('message', (note: Note) => {
    const { unit, resolve, reject } = current!
    if ('content' in note) void claim(unit, note.content).then(name => send({ name }))
    else if ('progress' in note) onProgress(unit, note.progress)
    else if ('result' in note) resolve(note.result)
    else reject(new OcsfLakeError(note.fault.code, note.fault.message, { cause: note.fault.cause }))
  })
  worker.on('error', error => {
    crash = error
  })
  worker.on('messageerror', error => {
    crash = error
    void worker.terminate()
  })
  worker.on('exit', () => {
    stopped = true
    if (current !== undefined) current.reject(lost(current.unit))
  })
  return {
    convert: unit =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(lost(unit))
        current = { unit, resolve, reject }
        send({ unit: { index: unit.index, files: unit.inputs.map(({ path, key, size, etag, versionId }) => ({ path, key, size, etag, versionId })) } })
      }),
    close: async () => {
      await worker.terminate()
    },
  }
}
