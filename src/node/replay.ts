/** Converts rejected records again after a fix: what now succeeds goes into the lake, what still fails stays. */
import { createHash } from 'node:crypto'
import { rawText } from '../decode/decoder.js'
import { OcsfLakeError } from '../errors.js'
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.js'
import { hashOf } from '../lake/object-key.js'
import { addsUp, emptyReport, mergeReport, type Report } from '../lake/report.js'
import { isS3Url } from '../lake/s3-url.js'
import { DEFAULT_VERSION } from '../ocsf/facts.js'
import { SOURCES } from '../sources/index.js'
import { HEAD_BYTES } from '../sources/source.js'
import { settingsOf } from './convert-files.js'
import { createUnitConverter, type UnitConverter } from './convert-unit.js'
import { findInputs, type Input } from './inputs.js'
import { type ConvertFilesOptions, checkOptions } from './options.js'
import { readParquet } from './read-parquet.js'
import { type Rejects, rejectLine, UNKNOWN } from './rejects.js'
import { openStore } from './store.js'

type Kept =
  | 'out'
  | 'lake'
  | 's3'
  | 'sources'
  | 'ocsf'
  | 'region'
  | 'account'
  | 'fields'
  | 'logFormat'
  | 'compression'
  | 'compressionLevel'
  | 'raw'
  | 'observables'
  | 'onProgress'

export interface ReplayOptions extends Pick<ConvertFilesOptions, Kept> {
  /** Folder or `s3://bucket/prefix` of rejects or dead letters, or one of its files. */
  readonly from: string
  /** Converts, but writes nothing and leaves the rejects as they are. */
  readonly dryRun?: boolean
}

/** A report of the records that were tried, and what became of the rejects. */
export interface ReplayReport extends Report {
  readonly rejects: {
    /** Files of rejects with something in them. */
    files: number
    /** Lines in them. */
    records: number
    /** Gone from the rejects: their record is in the lake, filtered, or a duplicate. */
    settled: number
    /** Still there, with what is wrong with them now. */
    kept: number
    /** Of these, not tried, by reason: the reject holds less than the record. */
    readonly untried: Record<string, number>
  }
}

/**
 * Replays rejects file by file. A file is replaced by what is left of it, or cleared, only after the objects of its
 * records are written; they are named after its content, so that a run that was killed is repeated without a trace.
 *
 * @throws OcsfLakeError `input_missing`, `option_invalid`, `output_unwritable`, …
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const started = performance.now()
  const { from, out, lake, s3 = {}, ocsf = DEFAULT_VERSION, dryRun = false } = options
  if (out === undefined && lake === undefined)
    throw new OcsfLakeError('option_invalid', 'Say where the records go: give --out <dir>, --out s3://<bucket>/<prefix> or --security-lake <file>.')
  checkOptions({ ...options, inputs: [from] })
  const report: ReplayReport = { ...emptyReport(ocsf), rejects: { files: 0, records: 0, settled: 0, kept: 0, untried: {} } }
  const converters = createConverters(options)
  for (const file of await findInputs([from], [], s3)) {
    if (!file.key.endsWith('.ndjson') || file.size === 0) continue
    await replayFile(file, report, converters, options, dryRun)
  }
  report.ms = Math.round(performance.now() - started)
  const { records, settled, kept } = report.rejects
  if (!addsUp(report) || records !== settled + kept) throw new Error(`records do not add up: ${JSON.stringify([report.records, report.rejects])}`)
  return report
}

/** By the id of a source; `unknown` recognises each record. Undefined for a source that is none of them. */
type Converters = (source: string) => Promise<UnitConverter> | undefined

function createConverters(options: ReplayOptions): Converters {
  const { sources = SOURCES } = options
  const made = new Map<string, Promise<UnitConverter>>()
  return id => {
    const source = sources.find(one => one.id === id)
    if (source === undefined && id !== UNKNOWN) return undefined
    const converter = made.get(id) ?? createUnitConverter({ ...settingsOf({ ...options, inputs: [], source }), rejects: undefined }, readParquet)
    made.set(id, converter)
    return converter
  }
}

async function replayFile(file: Input, report: ReplayReport, converters: Converters, { s3 }: ReplayOptions, dryRun: boolean): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of file.open()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const path = isS3Url(file.path) ? file.path : file.path.replaceAll('\\', '/')
  const [folder, name] = split(path)
  const convert = await converters(split(folder)[1])
  const lines = new TextDecoder().decode(bytes).split('\n')
  const entries = lines.filter(line => line !== '').map((line, at) => entryOf(line, at, convert !== undefined))
  const { rejects: counts } = report
  counts.files++
  counts.records += entries.length

  const left = new Map<number, string[]>()
  const byInput = new Map<Input, Entry>()
  for (const entry of entries) {
    if ('untried' in entry) {
      left.set(entry.at, [`${entry.line}\n`])
      counts.untried[entry.untried] = (counts.untried[entry.untried] ?? 0) + 1
    } else byInput.set(entry.input, entry)
  }
  if (convert !== undefined && byInput.size > 0) {
    const unit = { index: 0, inputs: [...byInput.keys()] }
    const done = await convert(unit, {
      claim: async () => hashOf('replay', createHash('sha256').update(bytes).digest('hex')),
      onProgress() {},
      lines: dryRun ? { write: async () => {}, close: async () => [] } : undefined,
      rejects: failures(byInput, left),
      uncompacted: true,
    })
    mergeReport(report, done)
  }
  counts.kept += left.size
  counts.settled += entries.length - left.size
  if (dryRun) return
  const store = openStore(folder, s3)
  const rest = [...left.keys()].sort((a, b) => a - b).flatMap(at => left.get(at)!)
  if (rest.length === 0) await store.clear(name)
  else await store.put({ key: name, bytes: new TextEncoder().encode(rest.join('')) })
}

const split = (path: string): readonly [string, string] => [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]

/** One line of a file of rejects. */
type Entry =
  | { readonly at: number; readonly line: string; readonly untried: string }
  | { readonly at: number; readonly line: string; readonly input: Input; readonly place: { readonly line?: number; readonly record?: number } }

/** Faults of which the reject keeps less than the record, or a record that may be cut off: only its object has it all. */
const NOT_WHOLE: ReadonlySet<string> = new Set([
  'gzip_corrupt',
  'gzip_trailing_bytes',
  'gzip_truncated',
  'input_unreadable',
  'object_too_large',
  'parquet_damaged',
  'parquet_too_large',
  'parquet_unsupported',
  'record_too_large',
])

function entryOf(line: string, at: number, known: boolean): Entry {
  const untried = (reason: string): Entry => ({ at, line, untried: reason })
  const reject = jsonOf(line)
  if (reject === undefined) return untried('no_reject')
  if (!known) return untried('source_missing')
  const { object, preface, issues, line: lineNumber, record, account, region, log_group: logGroup } = reject
  const raw = bytesOf(reject)
  const first = Array.isArray(issues) ? issues[0] : undefined
  const rule = isJsonObject(first) ? text(first.rule) : undefined
  if (raw === undefined || typeof object !== 'string' || rule === undefined) return untried('no_reject')
  if (NOT_WHOLE.has(rule)) return untried(rule)
  if (rule === 'source_unknown' && raw.length >= HEAD_BYTES) return untried(rule)
  const bytes = typeof preface === 'string' ? Buffer.concat([Buffer.from(`${preface}\n`), raw]) : raw
  const input: Input = {
    path: '',
    key: object,
    size: bytes.length,
    said: { account: text(account), region: text(region), logGroup: text(logGroup) },
    async *open() {
      yield bytes
    },
  }
  return { at, line, input, place: { line: number(lineNumber), record: number(record) } }
}

function jsonOf(line: string): JsonObject | undefined {
  try {
    const value = parseJson(line)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function bytesOf({ raw, raw_base64: base64 }: JsonObject): Uint8Array | undefined {
  if (typeof raw === 'string') return Buffer.from(raw)
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined
}

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)
const number = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined)

/** Takes what fails again, as lines that say what is wrong with it now, and where it was in its own object. */
function failures(byInput: ReadonlyMap<Input, Entry>, left: Map<number, string[]>): Rejects {
  return {
    expect() {},
    add(_source, input, rejected) {
      const entry = byInput.get(input)! // the unit has no other inputs
      if ('untried' in entry) return
      const { preface } = jsonOf(entry.line)!
      const lines = left.get(entry.at) ?? []
      left.set(entry.at, lines)
      const raw = typeof rejected.raw === 'string' ? rejected.raw : (rawText(rejected.raw) ?? rejected.raw)
      lines.push(rejectLine(input, { ...rejected, raw, place: entry.place, preface: text(preface) ?? rejected.preface }))
    },
    flush: async () => {},
    close: async () => {},
  }
}
