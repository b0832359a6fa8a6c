/** What each stage takes, in a process of its own: `<kind> <folder>`; prints milliseconds per 100,000 records as JSON. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createConverter, loadPipeline, type Pipeline, type Take, type TakeRows } from '../src/convert.js'
import { readObjectKey } from '../src/decode/object-key.js'
import { createParts, type LakeObject } from '../src/lake/parts.js'
import { nodeCodec } from '../src/node/codecs.js'
import type { MappedClass, MappedObject } from '../src/ocsf/mapped.js'
import { cloudtrail } from '../src/sources/cloudtrail.js'
import type { AnySource, Context } from '../src/sources/source.js'
import { vpcFlow } from '../src/sources/vpc-flow.js'
import { median } from './measure.js'

const ROUNDS = 5

const [, , kind, folder] = process.argv
const source: AnySource = kind === 'ct' ? cloudtrail : vpcFlow
const version = '1.1.0'

interface File {
  readonly key: string
  readonly gz: Uint8Array
  readonly bytes: Uint8Array
}

const names = (await readdir(folder!, { recursive: true })).filter(name => name.endsWith('.gz')).sort()
const files: File[] = []
for (const key of names.slice(0, 3)) {
  const gz = await readFile(join(folder!, key))
  files.push({ key, gz, bytes: gunzipSync(gz) })
}
const codec = await nodeCodec('zstd')
const pipeline = await loadPipeline(source, version)

/** The same pipeline, taking every value as it is: what it saves is the price of validation. */
function unchecked(checked: Pipeline): Pipeline {
  const open = (object: MappedObject): MappedObject => ({
    ...object,
    fields: object.fields.map(field => ({ ...field, accepts: () => true, object: field.object && open(field.object) })),
  })
  const without = (mapped: MappedClass | undefined): MappedClass | undefined => mapped && { ...mapped, root: open(mapped.root) }
  return { ...checked, classes: new Map([...checked.classes].map(([uid, one]) => [uid, { ...one, mapped: without(one.mapped) }])) }
}

const freely = unchecked(pipeline)

const contextOf = ({ key }: File): Context => {
  const { region, account, fileTime } = readObjectKey(key)
  return { version, key, region, account, fileTime }
}

/** The bytes of a file in chunks, as gunzip gives them. */
function push(file: File, to: (chunk: Uint8Array) => void): void {
  for (let at = 0; at < file.bytes.length; at += 65536) to(file.bytes.subarray(at, at + 65536))
}

let records = 0

/** Into records, or rows of a table that need not become records. */
function decode(file: File): void {
  const decoder = source.decoder(contextOf(file))
  const emit = (): void => {
    records++
  }
  const take = (): boolean => {
    records++
    return true
  }
  decoder.offerRows?.({ take, hold: () => {} })
  push(file, chunk => decoder.push(chunk, emit))
  decoder.end(emit)
}

/** Into mapped events, or rows with their patterns, that nobody keeps. */
async function map(file: File): Promise<void> {
  const refuse = (): never => {
    throw new Error('a record is no event')
  }
  const converter = await createConverter(
    { source, ocsf: version, context: contextOf(file) },
    ({ kind }) => kind === 'filtered' || refuse(),
    events => events.length,
    { take: rows => rows.count, fits: () => true },
  )
  push(file, chunk => converter.push(chunk))
  converter.end()
}

/** Into columns; returns the milliseconds of turning those into objects. */
async function shred(file: File, through: Pipeline): Promise<number> {
  const objects: LakeObject[] = []
  const parts = createParts({ unit: file.key, codec, put: object => objects.push(object) })
  const context = contextOf(file)
  let whole = 0
  const take: Take = (events, rawBytes, from) => parts.addMapped(through, events, rawBytes, from, context)
  const takeRows: TakeRows = (rows, from) => parts.addRows(through, rows, from, context)
  const converter = await createConverter(
    { source, ocsf: version, context },
    outcome => {
      if (outcome.kind === 'rejected') throw new Error(`rejected: ${JSON.stringify(outcome.issues)}`)
      if (outcome.kind !== 'event') return
      whole++
      parts.add(through, outcome.event, outcome.rawBytes, context)
    },
    take,
    { take: takeRows, fits: parts.fits },
  )
  push(file, chunk => converter.push(chunk))
  converter.end()
  const started = performance.now()
  parts.seal()
  const ms = performance.now() - started
  if (whole > converter.in / 100) throw new Error(`${whole} of ${converter.in} events did not go the fast way`)
  if (objects.length === 0) throw new Error('no object was written')
  return ms
}

async function timed(act: (file: File) => unknown): Promise<number> {
  const started = performance.now()
  for (const file of files) await act(file)
  return performance.now() - started
}

const times: Record<string, number[]> = {}
function note(name: string, ms: number): void {
  const all = times[name] ?? []
  times[name] = all
  all.push(ms)
}
const text = new TextDecoder()
for (let round = -1; round < ROUNDS; round++) {
  const gunzip = await timed(({ gz }) => gunzipSync(gz))
  const parse = kind === 'ct' ? await timed(({ bytes }) => JSON.parse(text.decode(bytes))) : undefined
  records = 0
  const decoded = await timed(decode)
  const mapped = await timed(map)
  let [write, free] = [0, 0]
  const all = await timed(async file => (write += await shred(file, pipeline)))
  const bold = await timed(async file => (free += await shred(file, freely)))
  if (round < 0) continue // warms up
  note('gunzip', gunzip)
  if (parse !== undefined) note('JSON.parse', parse)
  note('decode', decoded)
  note('map', mapped - decoded)
  note('shred', bold - free - mapped)
  note('validate', all - write - (bold - free))
  note('write', write)
}
const per = 100_000 / records
console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all) * per]))))
