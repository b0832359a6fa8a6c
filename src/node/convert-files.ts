/** The batch conversion: files in, a lake or NDJSON out, every record accounted for in the report. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createConverter, type EventOutcome, loadPipeline, type Outcome, type RawPolicy } from '../convert.js'
import { readObjectKey } from '../decode/object-key.js'
import { OcsfLakeError } from '../errors.js'
import { hashOf } from '../lake/object-key.js'
import { type Fallback, isAccountId, isRegion } from '../lake/partition.js'
import { createParts, type LakeObject, type Parts } from '../lake/parts.js'
import { addsUp, countOutcome, emptyReport, type Report } from '../lake/report.js'
import { DEFAULT_VERSION, isVersion, type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { stringify } from '../ocsf/json.js'
import type { CodecName } from '../parquet/codec.js'
import { chooseSource } from '../recognise.js'
import { SOURCES } from '../sources/index.js'
import { type AnySource, HEAD_BYTES } from '../sources/source.js'
import { nodeCodec } from './codecs.js'
import { findInputs, type Input, spoolInput } from './inputs.js'
import { readHead, unzipped } from './read-object.js'
import { openRejects, type Rejects } from './rejects.js'
import { ensureFolder, type LineSink, ndjsonFiles, ndjsonStream, putFile } from './sinks.js'

export interface ConvertFilesOptions {
  /** Files, folders and globs; `-` is standard input. */
  readonly inputs: readonly string[]
  /** Folder to write below. Needed for Parquet. */
  readonly out?: string
  /** The one source all inputs are of; without it each input is recognised among `sources`. */
  readonly source?: AnySource
  /** The built-in sources unless said; add your own here. */
  readonly sources?: readonly AnySource[]
  readonly ocsf?: OcsfVersion
  /** Used where the log and its key do not say. */
  readonly region?: string
  readonly account?: string
  /** Field names of header-less text, in order. */
  readonly fields?: readonly string[]
  readonly format?: 'parquet' | 'ndjson'
  readonly compression?: CodecName
  readonly raw?: RawPolicy
  readonly observables?: boolean
  /** Several inputs make one unit, cut at this many stored bytes: fewer and larger objects from many small files. */
  readonly group?: number
  /** Folder for rejected records; `<out>/rejects` unless said. */
  readonly rejects?: string
  /** An input with more uncompressed bytes than this is cut off and rejected: 8 GiB unless said. */
  readonly maxBytes?: number
  readonly stdin?: NodeJS.ReadableStream
  readonly stdout?: NodeJS.WritableStream
  /** Called now and then while the run goes on. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly files: number
  readonly filesDone: number
  /** Stored bytes. */
  readonly bytes: number
  readonly bytesDone: number
  readonly records: number
}

const MAX_BYTES = 8 * 2 ** 30
/** Stands for the source of an object that no source recognises. */
const UNKNOWN = 'unknown'

/** What one unit of inputs writes to. */
interface Unit {
  readonly hash: string
  readonly parts: Parts | undefined
  readonly rejects: Rejects
}

/**
 * Converts files and returns the report. Data faults never throw: they are in the report and in the reject files.
 *
 * @example
 * const report = await convertFiles({ inputs: ['logs/'], out: 'lake' })
 * @throws OcsfLakeError for what an operator must change: `input_missing`, `option_invalid`, `output_unwritable`, …
 */
export async function convertFiles(options: ConvertFilesOptions): Promise<Report> {
  const started = performance.now()
  const { out, format = 'parquet', ocsf = DEFAULT_VERSION, sources = SOURCES, onProgress } = options
  check(options)
  const rejectsFolder = options.rejects ?? (out === undefined ? undefined : join(out, 'rejects'))
  if (out !== undefined) await ensureFolder(out, '--out')
  if (options.rejects !== undefined) await ensureFolder(options.rejects, '--rejects')
  const codec = await nodeCodec(options.compression ?? 'zstd')
  const own = [rejectsFolder, out === undefined ? undefined : join(out, 'ext')].filter(folder => folder !== undefined)
  const paths = options.inputs.filter(path => path !== '-')
  const spooled = options.inputs.includes('-') ? await spoolInput(options.stdin ?? process.stdin) : undefined
  try {
    const inputs = [...(paths.length > 0 ? await findInputs(paths, own) : []), ...(spooled === undefined ? [] : [spooled])]
    const report = emptyReport(ocsf)
    const lines = format === 'ndjson' ? (out === undefined ? ndjsonStream(options.stdout ?? process.stdout) : ndjsonFiles(out)) : undefined
    const progress = { files: inputs.length, filesDone: 0, bytes: inputs.reduce((sum, input) => sum + input.size, 0), bytesDone: 0 }
    const seen = new Set<string>()
    for (const group of grouped(inputs, options.group)) {
      const content = await nameUnit(group)
      // A second file with the same bytes may lie under another key, and the key can say the account or the time.
      const unitName = seen.has(content) ? hashOf(content, ...group.map(input => input.key)) : content
      seen.add(content)
      const hash = hashOf(unitName)
      const sealed: LakeObject[] = []
      const parts = lines === undefined ? createParts({ unit: unitName, codec, put: object => sealed.push(object) }) : undefined
      const unit: Unit = { hash, parts, rejects: await openRejects(rejectsFolder, hash) }
      const drain = async (): Promise<void> => {
        for (const object of sealed.splice(0)) {
          await putFile(out!, object)
          report.objects.push({ key: object.key, rows: object.rows, bytes: object.bytes.length })
        }
        await unit.rejects.flush()
      }
      for (const input of group) {
        const before = progress.bytesDone
        await convertInput(input, { options, sources, ocsf, unit, lines, report, drain }, (read, records) => {
          onProgress?.({ ...progress, bytesDone: before + Math.min(read, input.size), records: report.records.in + records })
        })
        progress.bytesDone = before + input.size
        progress.filesDone++
        onProgress?.({ ...progress, records: report.records.in })
      }
      parts?.seal()
      await drain()
      await unit.rejects.close()
    }
    report.objects.push(...((await lines?.close()) ?? []))
    report.ms = Math.round(performance.now() - started)
    if (!addsUp(report)) throw new Error(`records do not add up: ${JSON.stringify(report.records)}`)
    return report
  } finally {
    await spooled?.remove()
  }
}

function check({ inputs, out, format = 'parquet', ocsf = DEFAULT_VERSION, account, region, group, maxBytes }: ConvertFilesOptions): void {
  const refuse = (sentence: string): never => {
    throw new OcsfLakeError('option_invalid', sentence)
  }
  if (!isVersion(ocsf)) throw new OcsfLakeError('version_unknown', `OCSF version ${String(ocsf)} is not supported: use one of ${VERSIONS.join(', ')}.`)
  if (inputs.length === 0) refuse('No input: give files, folders, globs, or - for standard input.')
  if (format === 'parquet' && out === undefined) refuse('Parquet needs a folder to write to: give --out <dir>, or --format ndjson for standard output.')
  if (account !== undefined && !isAccountId(account)) refuse(`--account ${account} is no account: give twelve digits, external, or external_<id>.`)
  if (region !== undefined && !isRegion(region)) refuse(`--region ${region} is no region: give a name like us-east-1.`)
  if (group !== undefined && !(group > 0)) refuse('--group takes a number of bytes above 0.')
  if (maxBytes !== undefined && !(maxBytes > 0)) refuse('maxBytes takes a number of bytes above 0.')
}

/** One input a unit, or inputs in key order cut at counted stored bytes. */
function* grouped(inputs: readonly Input[], groupBytes: number | undefined): Generator<readonly Input[]> {
  let group: Input[] = []
  let bytes = 0
  for (const input of inputs) {
    if (group.length > 0 && (groupBytes === undefined || bytes + input.size > groupBytes)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(input)
    bytes += input.size
  }
  if (group.length > 0) yield group
}

/** The identity of a unit: SHA-256 of the stored bytes of its files. */
async function nameUnit(group: readonly Input[]): Promise<string> {
  const names: string[] = []
  for (const input of group) {
    const hash = createHash('sha256')
    try {
      for await (const chunk of input.open()) hash.update(chunk)
      names.push(hash.digest('hex'))
    } catch {
      names.push(input.key) // reading it again below gives the reject
    }
  }
  return names.length === 1 ? names[0]! : hashOf(...names.sort())
}

interface Run {
  readonly options: ConvertFilesOptions
  readonly sources: readonly AnySource[]
  readonly ocsf: OcsfVersion
  readonly unit: Unit
  readonly lines: LineSink | undefined
  readonly report: Report
  /** Writes what is waiting. */
  readonly drain: () => Promise<void>
}

async function convertInput(input: Input, run: Run, onRead: (storedBytes: number, records: number) => void): Promise<void> {
  const { options, report, unit, lines } = run
  let stored = 0
  const items = unzipped(input, options.maxBytes ?? MAX_BYTES, length => (stored += length))
  const { bytes, fault: cut } = await readHead(items)
  if (bytes.length === 0 && cut === undefined) {
    report.files.skipped++
    return
  }
  const start = bytes.subarray(0, HEAD_BYTES)
  const choice = chooseSource({ key: input.key, bytes: start, text: new TextDecoder().decode(start) }, run.sources, options.source)
  if ('skip' in choice) {
    report.files.skipped++
    return
  }
  if ('fault' in choice) {
    const rejected = { kind: 'rejected', stage: 'decode', issues: [{ path: '', ...(cut ?? choice.fault) }], raw: textOf(start), place: {} } as const
    report.files.failed++
    report.records.in++
    countOutcome(report, UNKNOWN, rejected)
    unit.rejects.add(UNKNOWN, input.key, rejected)
    return
  }

  const { source } = choice
  const said = readObjectKey(input.key)
  const fallback: Fallback = { region: said.region ?? options.region, account: said.account ?? options.account }
  const pipeline = await loadPipeline(source, run.ocsf, options.observables ?? true)
  let batch = new Map<string, string[]>()
  const settle = (converted: Outcome): void => {
    const outcome = converted.kind === 'event' && unit.parts !== undefined ? asRow(converted, unit.parts) : converted
    countOutcome(report, source.id, outcome)
    if (outcome.kind === 'rejected') unit.rejects.add(source.id, input.key, outcome)
    if (outcome.kind !== 'event' || lines === undefined) return
    const name = `${source.id}.${outcome.event.class_uid}`
    const waiting = batch.get(name) ?? []
    batch.set(name, waiting)
    waiting.push(`${stringify(outcome.event)}\n`)
  }
  const asRow = (outcome: EventOutcome, parts: Parts): Outcome => {
    const issue = parts.add(pipeline, outcome.event, outcome.rawBytes, fallback)
    if (issue === undefined) return outcome
    return { kind: 'rejected', stage: 'write', issues: [issue], raw: stringify(outcome.event), place: outcome.place }
  }
  const flush = async (): Promise<void> => {
    for (const [name, some] of batch) await lines!.write(name, some.join(''))
    batch = new Map()
    await run.drain()
  }
  const context = { ...fallback, key: input.key, fileTime: said.fileTime, fields: options.fields }
  const converter = await createConverter({ source, ocsf: run.ocsf, observables: options.observables, raw: options.raw, context }, settle)
  converter.push(bytes)
  let fault = cut
  for await (const item of items) {
    await flush()
    onRead(stored, converter.in)
    if (item instanceof Uint8Array) converter.push(item)
    else fault = item
  }
  if (fault === undefined) converter.end()
  else converter.fail(fault)
  report.records.in += converter.in
  if (fault === undefined) report.files.read++
  else report.files.failed++
  await flush()
}

function textOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes
  }
}
