/** The batch conversion: files in, a lake or NDJSON out, every record accounted for in the report. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addsUp, emptyReport, mergeReport, type Report } from '../lake/report.js'
import { SOURCES } from '../sources/index.js'
import { createUnitConverter, type UnitConverter, type UnitSettings, unitSettings } from './convert-unit.js'
import { findInputs, type Input, spoolInput } from './inputs.js'
import { openLanes, runLanes } from './lanes.js'
import { type ConvertFilesOptions, checkOptions } from './options.js'
import { createProgress } from './progress.js'
import { readParquet } from './read-parquet.js'
import { ndjsonFiles, ndjsonJoin, ndjsonStream } from './sinks.js'
import { openStore, placeBelow, securityLakeStore } from './store.js'
import { createNames, inOrder, unitsOf } from './units.js'
import { openWorkerLane, workerSetup } from './worker-lane.js'

/**
 * Converts files and returns the report. Data faults never throw: they are in the report and in the reject files.
 *
 * @example
 * const report = await convertFiles({ inputs: ['logs/'], out: 'lake' })
 * @throws OcsfLakeError for what an operator must change: `input_missing`, `option_invalid`, `output_unwritable`, …
 */
export async function convertFiles(options: ConvertFilesOptions): Promise<Report> {
  const started = performance.now()
  checkOptions(options)
  const settings = settingsOf(options)
  const { out, lake, rejects, state, s3 } = settings
  if (out !== undefined) await openStore(out, s3).check('--out')
  if (lake !== undefined) await securityLakeStore(lake, s3).check('--security-lake')
  if (options.rejects !== undefined) await openStore(options.rejects, s3).check('--rejects')
  if (state !== undefined) await openStore(state, s3).check('--state')
  const convert = await createUnitConverter(settings, readParquet)
  const locations = lake?.sources.map(({ location }) => location) ?? []
  const own = [rejects, state, out === undefined ? undefined : placeBelow(out, 'ext'), ...locations].filter(place => place !== undefined)
  const paths = options.inputs.filter(path => path !== '-')
  const spooled = options.inputs.includes('-') ? await spoolInput(options.stdin ?? process.stdin) : undefined
  try {
    const inputs = [...(paths.length > 0 ? await findInputs(paths, own, s3) : []), ...(spooled === undefined ? [] : [spooled])]
    const report = await convertInputs(inputs, settings, convert, options)
    report.ms = Math.round(performance.now() - started)
    if (!addsUp(report)) throw new Error(`records do not add up: ${JSON.stringify(report.records)}`)
    return report
  } finally {
    await spooled?.remove()
  }
}

/** What is the same for all units of a batch. */
export function settingsOf(options: ConvertFilesOptions): UnitSettings {
  const { out, sources = SOURCES, rejects = out === undefined ? undefined : placeBelow(out, 'rejects') } = options
  return unitSettings({ ...options, sources, rejects })
}

/** The reports of the units merged in their order, so that it does not matter which lane a unit went through. */
async function convertInputs(inputs: readonly Input[], settings: UnitSettings, convert: UnitConverter, options: ConvertFilesOptions): Promise<Report> {
  const { out } = settings
  const units = unitsOf(inputs, options.group)
  const jobs = Math.min(options.jobs ?? 1, units.length)
  const ndjson = options.format === 'ndjson'
  const lines = ndjson && jobs <= 1 ? (out === undefined ? ndjsonStream(options.stdout ?? process.stdout) : ndjsonFiles(out)) : undefined
  const scratch = ndjson && jobs > 1 ? await mkdtemp(join(out!, '.ocsf-lake-')) : undefined
  try {
    const joined = scratch === undefined ? undefined : ndjsonJoin(scratch, out!)
    const names = createNames()
    const progress = createProgress(inputs, options.onProgress)
    const doors = { claim: names.claim, onProgress: progress.update }
    const lanes = jobs > 1 ? Array.from({ length: jobs }, () => openWorkerLane(workerSetup(settings, scratch), doors)) : openLanes(convert, { ...doors, lines })
    const report = emptyReport(settings.ocsf)
    const inTurn = inOrder()
    let joining = Promise.resolve()
    await runLanes(units, lanes, {
      async done(unit, result) {
        progress.done(unit, result.report.records.in)
        inTurn(unit, () => {
          mergeReport(report, result.report)
          joining = joining.then(() => joined?.add(unit, result.lines))
        })
        await joining
      },
      failed: names.fail,
    })
    report.objects.push(...((await (lines ?? joined)?.close()) ?? []))
    return report
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
  }
}
