/** An execution from its start to its end: begun, followed, taken up again. */
import { createHash } from 'node:crypto'
import { OcsfLakeError } from '../../errors.js'
import type { BackfillInput } from '../../lake/backfill.js'
import { s3Place } from '../../lake/s3-url.js'
import { openS3, type S3Settings } from '../aws/s3.js'
import type { ItemCounts, StepFunctions } from '../aws/step-functions.js'

export interface Followed {
  readonly executionArn: string
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'
  readonly items: ItemCounts
  readonly seconds: number
  readonly error?: string
  readonly cause?: string
  /** Why some batches failed. */
  readonly failures: readonly { readonly error: string; readonly cause: string }[]
}

export interface Step {
  readonly executionArn: string
  readonly items: ItemCounts
  /** Since the execution began. */
  readonly seconds: number
}

export interface FollowOptions {
  /** Between two looks. Step Functions answers one a second for a whole account. */
  readonly everyMs: number
  readonly onProgress: (step: Step) => void
  readonly sleep?: (ms: number) => Promise<void>
}

const NOTHING: ItemCounts = { total: 0, pending: 0, running: 0, succeeded: 0, failed: 0, timedOut: 0, aborted: 0 }

/** Starts an execution; the second and the input are its name. */
export function startBackfill(states: StepFunctions, machineArn: string, input: BackfillInput, now: Date): Promise<string> {
  const text = JSON.stringify(input)
  const stamp = now.toISOString().slice(0, 19).replaceAll(/\D/g, '')
  return states.start(machineArn, `backfill-${stamp}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text)
}

/** Waits for the end of an execution. */
export async function followBackfill(states: StepFunctions, executionArn: string, options: FollowOptions): Promise<Followed> {
  const { everyMs, onProgress, sleep = ms => new Promise(done => setTimeout(done, ms)) } = options
  for (;;) {
    const state = await states.describe(executionArn)
    const run = await states.mapRun(executionArn)
    const items = run?.items ?? NOTHING
    const seconds = ((state.stopMs ?? Date.now()) - state.startMs) / 1e3
    onProgress({ executionArn, items, seconds })
    const { status, error, cause } = state
    if (status === 'RUNNING' || status === 'PENDING_REDRIVE') {
      await sleep(everyMs)
      continue
    }
    const failures = run !== undefined && items.failed > 0 ? await states.failures(run.arn) : []
    return { executionArn, status, items, seconds, error, cause, failures }
  }
}

/**
 * Takes up what an earlier execution left: goes on with it while it runs, redrives it where it was stopped, or starts
 * one over each file of batches that it could not do. Gives the executions to follow; none when all was done.
 *
 * @throws OcsfLakeError `service_failed` when it can be taken up no more, `option_invalid` after a cut-off listing
 */
export async function resumeBackfill(states: StepFunctions, executionArn: string, settings: S3Settings, now: Date): Promise<readonly string[]> {
  const { status, machineArn, error, cause = '', redrivable, notRedrivable = '' } = await states.describe(executionArn)
  if (status === 'SUCCEEDED') return []
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return [executionArn]
  if (error === 'ItemsCutOff') throw new OcsfLakeError('option_invalid', `${executionArn} cannot be taken up: ${cause}`)
  if (error !== 'ItemsLeftUndone') {
    if (!redrivable) {
      throw new OcsfLakeError(
        'service_failed',
        `${executionArn} cannot be redriven (${notRedrivable}): run the backfill of its prefix again, which converts all of it into the same objects.`,
      )
    }
    await states.redrive(executionArn)
    return [executionArn]
  }
  const started: string[] = []
  for (const undone of await undoneFiles(cause, settings)) started.push(await startBackfill(states, machineArn, { undone }, now))
  return started
}

interface Place {
  readonly bucket: string
  readonly key: string
}

/** The files of failed batches, by the manifest that the state machine names. */
async function undoneFiles(cause: string, settings: S3Settings): Promise<readonly Place[]> {
  const [, url] = /(s3:\/\/.+\/manifest\.json)$/.exec(cause) ?? []
  if (url === undefined)
    throw new OcsfLakeError('service_failed', `The execution does not say where its results are (${cause}): run the backfill of its prefix again.`)
  const place = s3Place(url)
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of (await openS3(settings)).read(place)) chunks.push(chunk)
    const manifest = JSON.parse(Buffer.concat(chunks).toString()) as { DestinationBucket: string; ResultFiles: { FAILED: { Key: string }[] } }
    return manifest.ResultFiles.FAILED.map(({ Key: key }) => ({ bucket: manifest.DestinationBucket, key }))
  } catch (error) {
    if (error instanceof OcsfLakeError) throw error
    throw new OcsfLakeError('input_missing', `The results at ${url} cannot be read: run the backfill of its prefix again.`, { cause: error })
  }
}
