/** A Firehose transformation: OCSF JSON out, record by record. */
import { countIn, countOutcome, emptyReport, mergeReport, type Report } from '../../lake/report.js'
import type { UnitConverter } from '../convert-unit.js'
import { type Rejected, type Rejects, UNKNOWN } from '../rejects.js'
import { type Run, skip } from './run.js'
import type { Item, RecordWork } from './triggers.js'
import { recordInput, recordUnit } from './work.js'

export interface FirehoseAnswer {
  readonly records: readonly FirehoseRecord[]
}

/** https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html */
export interface FirehoseRecord {
  readonly recordId: string
  readonly result: 'Ok' | 'Dropped' | 'ProcessingFailed'
  /** Base64: the events as NDJSON, or what came in. */
  readonly data?: string
  /** For dynamic partitioning; absent when the record gave events of several classes. */
  readonly metadata?: { readonly partitionKeys: Readonly<Record<string, string>> }
}

/** Lambda answers at most 6 MB; beyond it the whole batch would fail. */
const MAX_ANSWER = 6_000_000
/** JSON around one record of the answer, with room for its metadata. */
const AROUND = 256

/**
 * Transforms each record. One that gives an event is `Ok`, one that is filtered `Dropped`, one with nothing but rejects
 * `ProcessingFailed`; every reject is in the dead letters, too.
 *
 * @throws OcsfLakeError `time_short`, `output_unwritable`, …: Firehose tries the batch again
 */
export async function transform(run: Run, convert: UnitConverter, openLetters: () => Promise<Rejects>): Promise<FirehoseAnswer> {
  const letters: Kept[] = []
  const records: FirehoseRecord[] = []
  let size = 0
  for (const item of run.trigger.items) {
    run.watch.check(`${run.trigger.items.length - records.length} of ${run.trigger.items.length} Firehose records`)
    const work = item.work.filter((one): one is RecordWork => one.kind === 'record')
    for (const one of item.work) if (one.kind === 'none') skip(run, one.reason)
    const { report, lines, classes, kept } = await transformed(work, convert)
    const data = Buffer.from(lines).toString('base64')
    const fits = size + data.length + AROUND <= MAX_ANSWER
    const settled = fits ? { report, kept } : tooLarge(work, report)
    letters.push(...settled.kept)
    mergeReport(run.report, settled.report)
    const answer = answerOf(item, settled.report, data, classes)
    size += AROUND + (answer.data?.length ?? 0)
    records.push(answer)
  }
  if (letters.length > 0) {
    const rejects = await openLetters()
    for (const { source, input, rejected } of letters) rejects.add(source, input, rejected)
    await rejects.close()
  }
  return { records }
}

interface Kept {
  readonly source: string
  readonly input: ReturnType<typeof recordInput>
  readonly rejected: Rejected
}

async function transformed(work: readonly RecordWork[], convert: UnitConverter) {
  const kept: Kept[] = []
  const classes = new Set<string>()
  let lines = ''
  const report = await convert(recordUnit(work), {
    claim: async (_unit, content) => content,
    onProgress() {},
    lines: {
      async write(name, text) {
        classes.add(name)
        lines += text
      },
      close: async () => [],
    },
    // What becomes of the rejects is known when the record is.
    rejects: { expect() {}, add: (source, input, rejected) => void kept.push({ source, input, rejected }), flush: async () => {}, close: async () => {} },
  })
  return { report, lines, classes, kept }
}

/** A record whose events have no room in the answer: rejected as it came. */
function tooLarge(work: readonly RecordWork[], before: Report): { readonly report: Report; readonly kept: readonly Kept[] } {
  const report = emptyReport(before.ocsf)
  const source = Object.keys(before.sources)[0] ?? UNKNOWN
  const kept = work.map((one): Kept => {
    const issue = {
      path: '',
      rule: 'answer_too_large',
      expected: `an answer of at most ${MAX_ANSWER} bytes`,
      found: 'more: lower the buffer size of the transformation',
    }
    const rejected: Rejected = { kind: 'rejected', stage: 'write', issues: [issue], raw: one.bytes, place: {} }
    countIn(report, source, 1)
    countOutcome(report, source, rejected)
    return { source, input: recordInput(one), rejected }
  })
  return { report, kept }
}

function answerOf({ id: recordId }: Item, { records: { written, rejected } }: Report, data: string, classes: ReadonlySet<string>): FirehoseRecord {
  if (written === 0) return { recordId, result: rejected > 0 ? 'ProcessingFailed' : 'Dropped' }
  const [only] = classes
  if (only === undefined || classes.size > 1) return { recordId, result: 'Ok', data }
  const dot = only.lastIndexOf('.')
  return { recordId, result: 'Ok', data, metadata: { partitionKeys: { source: only.slice(0, dot), class_uid: only.slice(dot + 1) } } }
}
