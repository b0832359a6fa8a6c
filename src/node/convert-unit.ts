/** Converts one unit: its inputs in, its objects, lines and rejects out, every record counted in its report. */
import { createConverter, type EventOutcome, loadPipeline, type Outcome, type RawPolicy, type RowSink, type Take } from '../convert.js'
import { rawText } from '../decode/decoder.js'
import { readObjectKey } from '../decode/object-key.js'
import { MAX_OBJECT_BYTES, type ParquetReader } from '../decode/parquet-input.js'
import { stringify } from '../json.js'
import { plainLayout, securityLakeLayout } from '../lake/layout.js'
import { hashOf } from '../lake/object-key.js'
import type { Fallback } from '../lake/partition.js'
import { createParts, type LakeObject, type Parts } from '../lake/parts.js'
import { countIn, countOutcome, countRecognised, countRows, emptyReport, type Report } from '../lake/report.js'
import type { SecurityLakeTarget } from '../lake/security-lake.js'
import { DEFAULT_VERSION, type OcsfVersion } from '../ocsf/facts.js'
import type { CodecName } from '../parquet/codec.js'
import { chooseSource } from '../recognise.js'
import { type AnySource, HEAD_BYTES } from '../sources/source.js'
import type { S3Settings } from './aws/s3.js'
import { nodeCodec } from './codecs.js'
import { compactionGuard } from './compacted.js'
import type { Input } from './inputs.js'
import { type OpenObject, openObject } from './read-object.js'
import { openRejects, type Rejects, UNKNOWN } from './rejects.js'
import type { LineSink } from './sinks.js'
import { openState } from './state.js'
import { openStore, securityLakeStore } from './store.js'
import { contentOf, type Unit } from './units.js'

/** What is the same for all units of a run. */
export interface UnitSettings {
  /** Folder or `s3://bucket/prefix` of the lake. */
  readonly out: string | undefined
  /** The Security Lake that is written instead of `out`. */
  readonly lake: SecurityLakeTarget | undefined
  /** Folder or `s3://bucket/prefix` for rejected records. */
  readonly rejects: string | undefined
  /** Folder or `s3://bucket/prefix` for the reports of finished units. */
  readonly state: string | undefined
  readonly s3: S3Settings
  readonly source: AnySource | undefined
  readonly sources: readonly AnySource[]
  readonly ocsf: OcsfVersion
  readonly region: string | undefined
  readonly account: string | undefined
  readonly fields: readonly string[] | undefined
  readonly logFormat: string | undefined
  readonly compression: CodecName
  readonly compressionLevel: number | undefined
  readonly raw: RawPolicy | undefined
  readonly observables: boolean
  /** Uncompressed, of one input. */
  readonly maxBytes: number
}

/** The settings with the defaults filled in; what is not said is undefined. */
export function unitSettings(said: Partial<UnitSettings> & Pick<UnitSettings, 'sources'>): UnitSettings {
  return {
    out: said.out,
    lake: said.lake,
    rejects: said.rejects,
    state: said.state,
    s3: said.s3 ?? {},
    source: said.source,
    sources: said.sources,
    ocsf: said.ocsf ?? DEFAULT_VERSION,
    region: said.region,
    account: said.account,
    fields: said.fields,
    logFormat: said.logFormat,
    compression: said.compression ?? 'zstd',
    compressionLevel: said.compressionLevel,
    raw: said.raw,
    observables: said.observables ?? true,
    maxBytes: said.maxBytes ?? MAX_OBJECT_BYTES,
  }
}

/** How far a unit has come. */
export interface UnitProgress {
  readonly filesDone: number
  /** Stored bytes. */
  readonly bytesDone: number
  readonly records: number
}

/** What a unit asks of the run, and tells it. */
export interface UnitDoors {
  /** The name of the unit, given its content. */
  claim(unit: Unit, content: string): Promise<string>
  /**
   * Gives units their turns to be converted, in the order in which they ask; what comes with a turn ends it. A unit is opened
   * before its turn and written after it, while others have theirs. Without it, units come one at a time.
   */
  turn?(): Promise<() => void>
  onProgress(unit: Unit, progress: UnitProgress): void
  /** Where events go as NDJSON; without it they go into Parquet objects. */
  readonly lines: LineSink | undefined
  /** Where rejects go instead of the place of the settings. */
  readonly rejects?: Rejects
  /** Whether nothing goes into a partition that was compacted; else what was not merged there does. */
  readonly uncompacted?: boolean
}

/** Converts a unit, in its turn, and returns its report. */
export type UnitConverter = (unit: Unit, doors: UnitDoors) => Promise<Report>

/**
 * Without `parquet`, a Parquet object is one reject.
 *
 * @throws OcsfLakeError `option_invalid` for an unknown compression or level
 */
export async function createUnitConverter(settings: UnitSettings, parquet: ParquetReader | undefined): Promise<UnitConverter> {
  const { out, lake, s3 } = settings
  const codec = await nodeCodec(settings.compression, settings.compressionLevel)
  const store = lake === undefined ? openStore(out ?? '.', s3) : securityLakeStore(lake, s3)
  const state = openState(settings)
  const layout = lake === undefined ? plainLayout : securityLakeLayout(lake)
  return async (unit, { claim, turn, onProgress, lines, rejects: kept, uncompacted }) => {
    const turned = turn?.()
    const endTurn = (): void => void turned?.then(end => end())
    try {
      const name = await claim(unit, await contentOf(unit.inputs))
      const unitHash = hashOf(name)
      const finished = await state.find(unitHash)
      if (finished !== undefined) return finished
      const report = emptyReport(settings.ocsf)
      const sealed: LakeObject[] = []
      const parts = lines === undefined ? createParts({ unit: name, codec, layout, put: object => sealed.push(object) }) : undefined
      const rejects = kept ?? (await openRejects(settings.rejects, unitHash, s3))
      const mayPut = lake === undefined ? compactionGuard(store, Date.now(), uncompacted) : async () => {}
      const drain = async (): Promise<void> => {
        for (const object of sealed.splice(0)) {
          await mayPut(object.key)
          const put = await store.put(object)
          report.objects.push({ key: object.key, class: object.class, rows: object.rows, bytes: object.bytes.length, put })
        }
        await rejects.flush()
      }
      await convertInputs(unit.inputs, turned, { settings, parquet, parts, rejects, lines, report, drain }, progress => onProgress(unit, progress))
      parts?.seal()
      endTurn()
      await drain()
      await rejects.close()
      await state.keep(unitHash, report)
      return report
    } finally {
      endTurn()
    }
  }
}

interface Conversion {
  readonly settings: UnitSettings
  readonly parquet: ParquetReader | undefined
  readonly parts: Parts | undefined
  readonly rejects: Rejects
  readonly lines: LineSink | undefined
  readonly report: Report
  /** Writes what is waiting. */
  readonly drain: () => Promise<void>
}

/** Each input is opened while the one before it is converted, and the first before the unit has its turn. */
async function convertInputs(
  inputs: readonly Input[],
  turn: Promise<unknown> | undefined,
  conversion: Conversion,
  onProgress: (progress: UnitProgress) => void,
): Promise<void> {
  const { settings, parquet, report } = conversion
  const open = (at: number) => inputs[at] && openObject(inputs[at], settings.maxBytes, parquet)
  let filesDone = 0
  let bytesDone = 0
  let current = open(0)
  let next: OpenObject | undefined
  try {
    await turn
    while (current !== undefined) {
      next = open(filesDone + 1)
      const { input, storedBytes } = current
      await convertObject(current, conversion, records =>
        onProgress({ filesDone, bytesDone: bytesDone + Math.min(storedBytes(), input.size), records: report.records.in + records }),
      )
      await current.close()
      filesDone++
      bytesDone += input.size
      onProgress({ filesDone, bytesDone, records: report.records.in })
      current = next
    }
  } finally {
    await current?.close()
    await next?.close()
  }
}

async function convertObject({ input, readHead, rest }: OpenObject, conversion: Conversion, onRecords: (records: number) => void): Promise<void> {
  const { settings, parts, rejects, lines, report, drain } = conversion
  const { ocsf, observables } = settings
  const { bytes, fault: cut } = await readHead()
  if (bytes.length === 0 && cut === undefined) {
    report.files.skipped++
    return
  }
  const start = bytes.subarray(0, HEAD_BYTES)
  const choice = chooseSource({ key: input.key, bytes: start, text: new TextDecoder().decode(start) }, settings.sources, settings.source)
  if ('skip' in choice) {
    report.files.skipped++
    return
  }
  if ('fault' in choice) {
    const rejected = { kind: 'rejected', stage: 'decode', issues: [{ path: '', ...(cut ?? choice.fault) }], raw: rawText(start) ?? start, place: {} } as const
    report.files.failed++
    countIn(report, UNKNOWN, 1)
    countOutcome(report, UNKNOWN, rejected)
    rejects.add(UNKNOWN, input, rejected)
    return
  }

  const { source } = choice
  countRecognised(report, source.id, choice.by)
  rejects.expect(source.id)
  const { said } = input
  const named = readObjectKey(input.key)
  const fallback: Fallback = { region: said?.region ?? named.region ?? settings.region, account: said?.account ?? named.account ?? settings.account }
  const pipeline = await loadPipeline(source, ocsf, observables)
  let batch = new Map<string, string[]>()
  const settle = (converted: Outcome, raw: Uint8Array): void => {
    const outcome = converted.kind === 'event' && parts !== undefined ? asRow(converted, parts, raw) : converted
    countOutcome(report, source.id, outcome)
    if (outcome.kind === 'rejected') rejects.add(source.id, input, outcome)
    if (outcome.kind !== 'event' || lines === undefined) return
    const name = `${source.id}.${outcome.event.class_uid}`
    const waiting = batch.get(name) ?? []
    batch.set(name, waiting)
    waiting.push(`${stringify(outcome.event)}\n`)
  }
  const asRow = (outcome: EventOutcome, parts: Parts, raw: Uint8Array): Outcome => {
    const issue = parts.add(pipeline, outcome.event, outcome.rawBytes, fallback)
    if (issue === undefined) return outcome
    return { kind: 'rejected', stage: 'write', issues: [issue], raw: rawText(raw) ?? raw.slice(), place: outcome.place, preface: converter.preface }
  }
  const flush = async (): Promise<void> => {
    for (const [name, some] of batch) await lines!.write(name, some.join(''))
    batch = new Map()
    await drain()
  }
  const context = { ...fallback, key: input.key, fileTime: named.fileTime, logGroup: said?.logGroup, fields: settings.fields, logFormat: settings.logFormat }
  const take: Take | undefined =
    parts &&
    ((events, rawBytes, from) => {
      const end = parts.addMapped(pipeline, events, rawBytes, from, fallback)
      countTaken(report, source, events, from, end)
      return end
    })
  const rows: RowSink | undefined = parts && {
    take(some, from) {
      const end = parts.addRows(pipeline, some, from, fallback)
      countTakenRows(report, source, some, from, end)
      return end
    },
    fits: parts.fits,
  }
  const converter = await createConverter({ source, ocsf, observables, raw: settings.raw, context }, settle, take, rows)
  converter.push(bytes)
  let fault = cut
  for await (const item of rest) {
    await flush()
    onRecords(converter.in)
    if (item instanceof Uint8Array) converter.push(item)
    else fault = item
  }
  if (fault === undefined) converter.end()
  else converter.fail(fault)
  countIn(report, source.id, converter.in)
  if (fault === undefined) report.files.read++
  else report.files.failed++
  await flush()
}

/** Counts the mapped events `[from, end)` as rows: a function of the module, whose compiled code outlives the input. */
function countTaken(report: Report, { id }: AnySource, events: Parameters<Take>[0], from: number, end: number): void {
  let at = from
  while (at < end) {
    const { class_uid: classUid } = events[at]!
    const first = at
    while (at < end && events[at]!.class_uid === classUid) at++
    countRows(report, id, classUid, at - first)
  }
}

function countTakenRows(report: Report, { id }: AnySource, { table, patterns }: Parameters<RowSink['take']>[0], from: number, end: number): void {
  let at = from
  while (at < end) {
    const { classUid } = table.patterns[patterns[at]!]!
    const first = at
    while (at < end && table.patterns[patterns[at]!]!.classUid === classUid) at++
    countRows(report, id, classUid, at - first)
  }
}
