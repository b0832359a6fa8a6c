/** Findings as they are delivered: alone, several in one event, or in an answer of the API. */
import type { Decoder, Emit } from '../../decode/decoder.js'
import { jsonRecords } from '../../decode/json-records.js'
import { isJsonObject, type Json, type JsonObject, stringify } from '../../json.js'
import { jsonObject } from './delivery.js'

const utf8 = new TextEncoder()
/** What an envelope may come to, told again with each of its findings; AWS delivers at most 256 KiB. */
const MOST_ENVELOPES = 64 * 2 ** 20

/**
 * Findings one by one: of an event with several (`detail.findings`), also inside a notification of SNS, each finding is a
 * record by itself, in an event of its own with the same envelope. `Findings` of an answer of the API are records already.
 */
export function findingRecords(): Decoder<JsonObject> {
  const records = jsonRecords({ member: 'Findings' })
  const oneByOne =
    (emit: Emit<JsonObject>): Emit<JsonObject> =>
    item => {
      const batch = 'record' in item ? batchIn(item.record) : undefined
      if (batch === undefined) {
        emit(item)
        return
      }
      const { findings, around } = batch
      const envelopes = stringify(around([])).length * findings.length
      if (envelopes > MOST_ENVELOPES) {
        emit({ fault: { rule: 'record_too_large', expected: 'less around findings', found: `${envelopes} bytes` }, place: item.place, raw: item.raw })
        return
      }
      for (const finding of findings) {
        const record = around([finding])
        emit({ record, place: item.place, raw: utf8.encode(stringify(record)) })
      }
    }
  return {
    push: (bytes, emit) => records.push(bytes, oneByOne(emit)),
    end: emit => records.end(oneByOne(emit)),
  }
}

interface Batch {
  readonly findings: readonly Json[]
  /** The event with other findings. */
  around(findings: readonly Json[]): JsonObject
}

/** The findings of an event; `undefined` for what holds no more than one. */
function batchIn(record: JsonObject): Batch | undefined {
  const message = record.Message === undefined ? undefined : jsonObject(record.Message)
  if (message !== undefined) {
    const inner = eventBatch(message)
    return inner && { findings: inner.findings, around: findings => ({ ...record, Message: inner.around(findings) }) }
  }
  return eventBatch(record)
}

function eventBatch(record: JsonObject): Batch | undefined {
  const detail = isJsonObject(record.detail) ? record.detail : undefined
  const { findings, class_uid } = detail ?? record
  if (!Array.isArray(findings) || findings.length < 2 || class_uid !== undefined) return undefined
  const around = (some: readonly Json[]) => ({ ...record, ...(detail === undefined ? { findings: some } : { detail: { ...detail, findings: some } }) })
  return { findings: findings as readonly Json[], around }
}
