/** One handler for every trigger: the event is taken apart, its work converted unit by unit, and its service answered. */
import { loadPipeline } from '../../convert.js'
import { OcsfLakeError } from '../../errors.js'
import { hashOf } from '../../lake/object-key.js'
import { countIn, countOutcome, emptyReport, mergeReport } from '../../lake/report.js'
import { DEFAULT_VERSION } from '../../ocsf/facts.js'
import { openS3 } from '../aws/s3.js'
import { createUnitConverter, type UnitConverter, type UnitDoors, type UnitSettings, unitSettings } from '../convert-unit.js'
import { openRejects, type Rejected, UNKNOWN } from '../rejects.js'
import type { Unit } from '../units.js'
import { type BatchAnswer, batchAnswer, batchSummary, type Remainder, type Summary, summaryOf, throwUndone } from './answers.js'
import { type FirehoseAnswer, transform } from './firehose.js'
import { logLine } from './metrics.js'
import { checkHandlerOptions, deadLettersOf, type HandlerOptions, ownPlaces, withEnvironment } from './options.js'
import { fail, finish, type Run, reasonOf, skip } from './run.js'
import { type Item, type ObjectWork, type RecordWork, readTrigger, type Service, type Trigger } from './triggers.js'
import { createWatch, type LambdaContext } from './watch.js'
import { objectUnit, recordUnit, recordUnitName, urlOf } from './work.js'

export type Answer = BatchAnswer | FirehoseAnswer | Summary | Remainder

export type Handler = (event: unknown, context: LambdaContext) => Promise<Answer>

/** These deliver a record once more or twice, then never again: what cannot be written now is kept as dead letters. */
const FORGETFUL: ReadonlySet<Service> = new Set<Service>(['logs', 'sns', 'eventbridge'])

/**
 * Makes the handler of a function that any of these may call: S3, SNS, SQS, EventBridge, Kinesis, CloudWatch Logs,
 * Firehose, Step Functions, or a direct invocation. Records that cannot become events go to the dead letters and never
 * fail an item; what an operator or a retry can mend does.
 *
 * @example
 * export const handler = createHandler({ lake: 's3://my-lake', sources: [vpcFlow] })
 * @throws OcsfLakeError `option_invalid`, `version_unknown`
 */
export function createHandler(said: HandlerOptions): Handler {
  const options = withEnvironment(said, process.env)
  checkHandlerOptions(options)
  const { log = line => void process.stdout.write(`${line}\n`), namespace = 'OcsfLake' } = options
  const converters = createConverters(options)
  converters.warm()
  const own = ownPlaces(options)
  return async (event, context) => {
    const started = performance.now()
    const trigger = readTrigger(event, process.env.AWS_REGION)
    const run: Run = {
      trigger,
      watch: createWatch(context),
      report: emptyReport(options.ocsf ?? DEFAULT_VERSION),
      failures: [],
      skipped: {},
      log,
      own,
      requestId: context.awsRequestId,
    }
    if (options.lake === undefined && trigger.service !== 'firehose') {
      throw new OcsfLakeError('option_invalid', `An event of ${trigger.service} needs a lake to write to: give createHandler a lake, e.g. s3://my-lake.`)
    }
    const convert = await converters.of(trigger.source)
    const answer = trigger.service === 'firehose' ? await transform(run, convert, () => openLetters(options, trigger)) : await writeLake(run, convert, options)
    finish(run, started, namespace)
    if (answer !== undefined) return answer
    const summary = summaryOf(run.report, run.skipped)
    if (trigger.batch !== undefined) return batchSummary(trigger.batch, trigger.items, run.failures, summary)
    throwUndone(run.failures, trigger.items)
    return summary
  }
}

function createConverters(options: HandlerOptions): { warm(): void; of(source: string | undefined): Promise<UnitConverter> } {
  const { sources } = options
  const made = new Map<string | undefined, Promise<UnitConverter>>()
  const of = (id: string | undefined): Promise<UnitConverter> => {
    const source = id === undefined ? (sources.length === 1 ? sources[0] : undefined) : sources.find(one => one.id === id)
    if (id !== undefined && source === undefined) {
      throw new OcsfLakeError('source_unknown', `The function has no source ${id}: it was made with ${sources.map(one => one.id).join(', ')}.`)
    }
    const converter = made.get(id) ?? createUnitConverter(settingsOf(options, source), options.parquet)
    made.set(id, converter)
    return converter
  }
  return {
    of: async id => of(id),
    // While Lambda initialises a function it has a whole processor. What fails here fails again where it is awaited.
    warm() {
      const { ocsf, observables } = options
      for (const one of [of(undefined), openS3(options.s3), ...sources.map(source => loadPipeline(source, ocsf, observables))]) one.catch(() => {})
    },
  }
}

function settingsOf(options: HandlerOptions, source: UnitSettings['source']): UnitSettings {
  const { lake, ...said } = options
  const place = typeof lake === 'string' ? { out: lake } : { lake }
  return unitSettings({ ...said, ...place, source, rejects: deadLettersOf(options) })
}

/** The dead letters of a whole event. */
function openLetters(options: HandlerOptions, { items }: Trigger) {
  return openRejects(deadLettersOf(options), hashOf('event', ...items.map(({ id }) => id)), options.s3 ?? {})
}

/** Every trigger but Firehose. Undefined where the service takes a summary or an error. */
async function writeLake(run: Run, convert: UnitConverter, options: HandlerOptions): Promise<BatchAnswer | undefined> {
  const { trigger, failures } = run
  const { service, items } = trigger
  const records: { readonly item: Item; readonly work: RecordWork }[] = []
  const objects: { readonly item: Item; readonly work: ObjectWork }[] = []
  for (const item of items) {
    for (const work of item.work) {
      if (work.kind === 'record') records.push({ item, work })
      else if (work.kind === 'none') skip(run, work.reason)
      else if (isOwn(work, run.own)) skip(run, 'own_output')
      else objects.push({ item, work })
    }
  }
  if (records.length > 0) await writeRecords(run, records, convert, options)
  for (const { item, work } of objects) {
    try {
      await writeObject(run, work, convert, options)
    } catch (cause) {
      fail(run, item, urlOf(work), cause)
    }
  }
  return service === 'sqs' || service === 'kinesis' ? batchAnswer(service, items, failures) : undefined
}

async function writeRecords(
  run: Run,
  records: readonly { readonly item: Item; readonly work: RecordWork }[],
  convert: UnitConverter,
  options: HandlerOptions,
): Promise<void> {
  const { service } = run.trigger
  const unit = recordUnit(records.map(({ work }) => work))
  try {
    run.watch.check(`${records.length} records`)
    // Records of a direct call have no ids: what they say is what they are.
    mergeReport(run.report, await convert(unit, doors(service === 'direct' ? undefined : recordUnitName(unit))))
  } catch (cause) {
    if (FORGETFUL.has(service) && !isTimeShort(cause) && (await keepUndelivered(run, unit, cause, options))) return
    for (const item of new Set(records.map(one => one.item))) fail(run, item, `${service} ${item.id}`.trim(), cause)
  }
}

async function writeObject(run: Run, work: ObjectWork, convert: UnitConverter, { s3 = {} }: HandlerOptions): Promise<void> {
  run.watch.check(urlOf(work))
  try {
    mergeReport(run.report, await convert(await objectUnit(work, s3, run.watch), doors()))
  } catch (error) {
    // Replaced since the event, in a bucket without versions: two writes may be announced once, so what is there counts.
    if (!(error instanceof OcsfLakeError && error.code === 'input_replaced')) throw error
    mergeReport(run.report, await convert(await objectUnit({ ...work, etag: undefined }, s3, run.watch), doors()))
  }
}

function doors(name?: string): UnitDoors {
  return { claim: async (_unit, content) => name ?? content, onProgress() {}, lines: undefined }
}

/** Stores a batch that could not be written, each record as a reject. False when that fails, too. */
async function keepUndelivered(run: Run, unit: Unit, cause: unknown, options: HandlerOptions): Promise<boolean> {
  const found = cause instanceof OcsfLakeError ? cause.code : String(cause)
  const report = emptyReport(run.report.ocsf)
  try {
    const rejects = await openRejects(deadLettersOf(options), hashOf('undelivered', recordUnitName(unit)), options.s3 ?? {})
    for (const input of unit.inputs) {
      const chunks: Uint8Array[] = []
      for await (const chunk of input.open()) chunks.push(chunk)
      const raw = Buffer.concat(chunks)
      const rejected: Rejected = {
        kind: 'rejected',
        stage: 'write',
        issues: [{ path: '', rule: 'undelivered', expected: 'a lake that can be written', found }],
        raw,
        place: {},
      }
      countIn(report, UNKNOWN, 1)
      countOutcome(report, UNKNOWN, rejected)
      rejects.add(UNKNOWN, input, rejected)
    }
    await rejects.close()
  } catch (again) {
    run.log(logLine('error', 'undelivered records could not be kept', { requestId: run.requestId, reason: reasonOf(again) }))
    return false
  }
  mergeReport(run.report, report)
  run.log(logLine('error', 'records kept as dead letters', { requestId: run.requestId, records: unit.inputs.length, reason: reasonOf(cause) }))
  return true
}

function isOwn(work: ObjectWork, own: readonly string[]): boolean {
  const url = urlOf(work)
  return own.some(place => url.startsWith(place))
}

function isTimeShort(cause: unknown): boolean {
  return cause instanceof OcsfLakeError && cause.code === 'time_short'
}
