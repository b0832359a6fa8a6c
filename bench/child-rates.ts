/** Decoding and mapping of every source, in a process of its own; prints a JSON list. */
import { bytesOf, casesOf, contextOf } from '../fixtures/cases.js'
import { SOURCES } from '../src/sources/index.js'
import type { AnySource, Context } from '../src/sources/source.js'
import { median } from './measure.js'

/** Bytes of one case, repeated. */
const CASE_BYTES = 512 * 1024
const ROUNDS = 5

interface Input {
  readonly bytes: Uint8Array
  readonly context: Context
}

interface Pass {
  records: number
  faults: number
}

function pass(source: AnySource, { bytes, context }: Input): Pass {
  const done: Pass = { records: 0, faults: 0 }
  const decoder = source.decoder(context)
  const emit: Parameters<typeof decoder.push>[1] = item => {
    if ('record' in item) {
      done.records++
      if ('fault' in source.map(item.record, context)) done.faults++
    } else if ('fault' in item) done.faults++
  }
  for (let at = 0; at < bytes.length; at += 65536) decoder.push(bytes.subarray(at, at + 65536), emit)
  decoder.end(emit)
  return done
}

/** A case repeated as one object, if it can be read so: what is malformed or hostile is not what a rate is about. */
function inputOf(source: AnySource, file: string): Input | undefined {
  if (/hostile|malformed|truncated|invalid/.test(file)) return undefined
  const once = withoutLastLineFeeds(bytesOf(source, file))
  const context = { ...contextOf(source, file), version: '1.1.0' } as const
  const { records } = pass(source, { bytes: once, context })
  const second = once.indexOf(LF) + 1
  for (const body of [once.subarray(once.indexOf(LF, second) + 1), once.subarray(second), once]) {
    if (records === 0 || body.length === 0 || hasHeader(source, body, context)) continue
    const times = Math.ceil(CASE_BYTES / (body.length + 1))
    const bytes = new Uint8Array(once.length + times * (body.length + 1) + 1).fill(LF)
    bytes.set(once)
    for (let copy = 0; copy < times; copy++) bytes.set(body, once.length + 1 + copy * (body.length + 1))
    const done = pass(source, { bytes, context })
    if (done.faults === 0 && done.records === records * (times + 1)) return { bytes, context }
  }
  return undefined
}

const LF = 10

function withoutLastLineFeeds(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === LF) end--
  return bytes.subarray(0, end)
}

/** A header, of two lines at most, stands once in a log: what has more of them is no log that a rate is about. */
function hasHeader(source: AnySource, body: Uint8Array, context: Context): boolean {
  const decoder = source.decoder(context)
  decoder.push(body, () => {})
  decoder.end(() => {})
  const header = decoder.preface?.()
  return header !== undefined && new TextDecoder().decode(body).includes(header)
}

const rates = SOURCES.map(source => {
  const inputs = casesOf(source).flatMap(file => inputOf(source, file) ?? [])
  const times: number[] = []
  let records = 0
  for (let round = 0; round < ROUNDS; round++) {
    records = 0
    const started = process.cpuUsage()
    for (const input of inputs) records += pass(source, input).records
    const { user, system } = process.cpuUsage(started)
    times.push((user + system) / 1e6)
  }
  const seconds = median(times)
  const bytes = inputs.reduce((sum, input) => sum + input.bytes.length, 0)
  return { source: source.id, cases: inputs.length, recordsPerSecond: records / seconds, mbPerSecond: bytes / 1e6 / seconds }
})
console.log(JSON.stringify(rates))
