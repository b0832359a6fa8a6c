/** The program of a worker thread: converts the units it is sent, one at a time. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { OcsfLakeError } from '../errors.js'
import { createUnitConverter, type UnitDoors } from './convert-unit.js'
import { storedInput } from './inputs.js'
import { readParquet } from './read-parquet.js'
import { type LineSink, ndjsonFiles, writing } from './sinks.js'
import type { Unit } from './units.js'
import { type Note, type Order, unitSettings, type WorkerSetup } from './worker-lane.js'

/** Milliseconds between two notes of progress: each wakes the main thread. */
const PROGRESS_MS = 100

const port = parentPort!
const setup = workerData as WorkerSetup // openWorkerLane gives nothing else
const convert = await createUnitConverter(unitSettings(setup), readParquet)
const send = (note: Note): void => port.postMessage(note)

let named: (name: string) => void = () => {}
let lastProgress = 0
const doors: Omit<UnitDoors, 'lines'> = {
  claim: (_unit, content) =>
    new Promise(resolve => {
      named = resolve
      send({ content })
    }),
  onProgress(_unit, progress) {
    const now = performance.now()
    if (now - lastProgress < PROGRESS_MS) return
    lastProgress = now
    send({ progress })
  },
}

async function ndjsonFolder(folder: string): Promise<LineSink> {
  await writing(folder, () => mkdir(folder))
  return ndjsonFiles(folder)
}

async function run(unit: Unit): Promise<void> {
  try {
    const lines = setup.scratch === undefined ? undefined : await ndjsonFolder(join(setup.scratch, String(unit.index)))
    const report = await convert(unit, { ...doors, lines })
    send({ result: { report, lines: (await lines?.close()) ?? [] } })
  } catch (error) {
    if (!(error instanceof OcsfLakeError)) throw error
    send({ fault: { code: error.code, message: error.message, cause: error.cause } })
  }
}

/** The main thread reports it. Not by a rejected promise: Node can be told to let those pass, and then nobody would know. */
function endThread(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

port.on('message', (order: Order) => {
  if ('name' in order) named(order.name)
  else run({ index: order.unit.index, inputs: order.unit.files.map(file => storedInput(file, setup.settings.s3)) }).catch(endThread)
})
