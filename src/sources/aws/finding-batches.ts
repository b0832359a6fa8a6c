/** Findings as they are delivered: alone, several in one event, or in an answer of the API. */
import type { Decoder, Emit } from '../../decode/decoder.js'
import { jsonRecords } from '../../decode/json-records.js'
import { isJsonObject, type Json, type JsonObject, stringify } from '../../json.js'
import { jsonObject } from './delivery.js'

const utf8 = new TextEncoder()

/**
 * Findings one by one: of an event with several (`detail.findings`), also inside a notification of SNS, each finding is a
 * record by itself, in an event of its own with the same envelope. `Findings` of an answer of the API are records already.
 */
export function findingRecords(): Decoder<JsonObject> {
  const records = jsonRecords({ member: 'Findings' })
  const oneByOne =
    (emit: Emit<JsonObject>): Emit<JsonObject> =>
    item => {
      const all = 'record' in item ? split(item.record) : undefined
      if (all === undefined) emit(item)
      else for (const record of all) emit({ record, place: item.place, raw: utf8.encode(stringify(record)) })
    }
  return {
    push: (bytes, emit) => records.push(bytes, oneByOne(emit)),
    end: emit => records.end(oneByOne(emit)),
  }
}

/** An event for each finding; `undefined` for what holds no more than one. */
function split(record: JsonObject): readonly JsonObject[] | undefined {
  const message = record.Message === undefined ? undefined : jsonObject(record.Message)
  if (message !== undefined) {
    const isText = typeof record.Message === 'string'
    return split(message)?.map(one => ({ ...record, Message: isText ? stringify(one) : one }))
  }
  if (isJsonObject(record.detail)) {
    const { detail } = record
    return listIn(detail)?.map(finding => ({ ...record, detail: { ...detail, findings: [finding] } }))
  }
  return record.class_uid === undefined ? listIn(record)?.map(finding => ({ ...record, findings: [finding] })) : undefined
}

function listIn({ findings }: JsonObject): readonly Json[] | undefined {
  return Array.isArray(findings) && findings.length > 1 ? (findings as readonly Json[]) : undefined
}
