/** What stands around a service's message on its way: an event of EventBridge, a notification of SNS, or one inside the other. */
import type { Fault } from '../../decode/decoder.js'
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../json.js'
import { isEmpty } from './members.js'
import { found, leftOver, ms, text } from './values.js'

/** A service's message, and what its deliverers say about it. */
export interface Delivery {
  readonly message: JsonObject
  /** `detail-type` of an EventBridge event, e.g. `AWS Health Event`. */
  readonly detailType?: string | undefined
  /** Id of the EventBridge event, or of the SNS message. */
  readonly uid?: string | undefined
  readonly account?: string | undefined
  readonly region?: string | undefined
  /** When it was sent, epoch milliseconds. */
  readonly time?: number | undefined
  /** For `unmapped`: what stands around the message, by deliverer. */
  readonly around?: { readonly eventbridge?: JsonObject | undefined; readonly sns?: JsonObject | undefined } | undefined
}

/** Takes a message out of what it was delivered in; a record that came without an envelope is its own message. */
export function openDelivery(record: JsonObject): Delivery | { readonly fault: Fault } {
  if (typeof record.Message === 'string' || isJsonObject(record.Message)) {
    const message = jsonObject(record.Message)
    if (message === undefined) return { fault: { rule: 'message_invalid', path: 'Message', expected: 'an SNS message in JSON', found: found(record.Message) } }
    const sns = leftOver(record, isMessage)
    const inner = openEvent(message)
    return {
      ...inner,
      uid: inner.uid ?? text(record.MessageId),
      time: inner.time ?? ms(record.Timestamp),
      around: { ...inner.around, sns },
    }
  }
  return openEvent(record)
}

function openEvent(record: JsonObject): Delivery {
  const detailType = text(record['detail-type'])
  if (detailType === undefined || !isJsonObject(record.detail)) return { message: record }
  return {
    message: record.detail,
    detailType,
    uid: text(record.id),
    account: text(record.account),
    region: text(record.region),
    time: ms(record.time),
    around: { eventbridge: leftOver(record, isDetail) },
  }
}

function isMessage(key: string, value: Json): boolean {
  return key === 'Message' || isEmpty(value)
}

function isDetail(key: string, value: Json): boolean {
  return key === 'detail' || isEmpty(value)
}

/** An object, also where it stands as JSON in a text. */
export function jsonObject(value: Json | undefined): JsonObject | undefined {
  const json = jsonIn(value)
  return isJsonObject(json) ? json : undefined
}

/** The value of an object or list that stands as JSON in a text; any other value as it is. */
export function jsonIn(value: Json | undefined): Json | undefined {
  if (typeof value !== 'string' || !/^\s*[{[]/.test(value)) return value
  try {
    return parseJson(value)
  } catch {
    return value
  }
}
