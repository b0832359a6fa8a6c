/** What every class of CloudTrail event has. */
import { splitter } from '../../decode/json-shapes.js'
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { Context } from '../source.js'
import { remembered } from './remembered.js'
import { redactMember } from './secrets.js'
import { leftOver, text } from './values.js'

export const metadataColumns = {
  uid: true,
  event_code: true,
  original_time: true,
  correlation_uid: true,
  product: { name: true, vendor_name: true, version: true, feature: { name: true } },
} as const

export const cloudColumns = { provider: true, region: true, account: { uid: true } } as const

interface Cloud {
  readonly provider: 'AWS'
  readonly region: string | undefined
  readonly account: { readonly uid: string } | undefined
}

interface Product {
  readonly name: 'CloudTrail'
  readonly vendor_name: 'AWS'
  readonly version: string | undefined
  readonly feature: { readonly name: string } | undefined
}

export interface Metadata {
  readonly uid: string | undefined
  readonly event_code: string | undefined
  readonly original_time: string | undefined
  readonly correlation_uid: string | undefined
  readonly product: Product
}

/** The parts of an event that do not depend on its class. */
export interface Shared {
  readonly time: number
  readonly metadata: Metadata
  readonly cloud: Cloud
  /** The EventBridge event around the record. */
  readonly envelope: JsonObject | undefined
}

/** An EventBridge event around a record, e.g. `AWS API Call via CloudTrail`. */
export function envelopeOf(value: JsonObject): { readonly record: JsonObject; readonly envelope: JsonObject } | undefined {
  if (typeof value['detail-type'] !== 'string' || !isJsonObject(value.detail)) return undefined
  return { record: value.detail, envelope: value }
}

export function sharedOf(record: Members, time: number, context: Context, envelope: JsonObject | undefined): Shared {
  const region = text(record.awsRegion) ?? (envelope && text(envelope.region)) ?? context.region
  const account = text(record.recipientAccountId) ?? (envelope && text(envelope.account)) ?? context.account
  return {
    time,
    metadata: {
      uid: text(record.eventID),
      event_code: text(record.eventType),
      original_time: text(record.eventTime),
      correlation_uid: text(record.sharedEventID),
      product: productOf(text(record.eventVersion), featureOf(record)),
    },
    cloud: cloudOf(account, region),
    envelope,
  }
}

/** The members without a home: all but those that are taken, and what the class adds. Secrets are redacted, but for what is added. */
export function unmappedOf(
  record: JsonObject,
  envelope: JsonObject | undefined,
  taken: (key: string, value: Json) => boolean,
  more: Record<string, Json | undefined>,
): Record<string, Json | undefined> | undefined {
  const rest = leftOver(record, taken, more, redactMember)
  const around = envelope && leftOver(envelope, isDetail)
  return around === undefined ? rest : { ...rest, eventbridge: around }
}

function isDetail(key: string): boolean {
  return key === 'detail'
}

/** Members that are mapped for every class when they are texts; anything else under these names is kept as it came. */
export const TEXTS = ['eventTime', 'eventVersion', 'awsRegion', 'eventID', 'eventType', 'recipientAccountId', 'eventCategory', 'sharedEventID'] as const

/** Takes a record apart: what is mapped of calls, and what has no home in them. */
export const split = /* @__PURE__ */ splitter({
  texts: [...TEXTS, 'eventSource', 'eventName', 'sourceIPAddress', 'userAgent', 'errorCode', 'errorMessage', 'requestID', 'apiVersion', 'vpcEndpointAccountId'],
  values: ['userIdentity', 'requestParameters', 'responseElements', 'additionalEventData', 'serviceEventDetails', 'resources'],
  seen: ['vpcEndpointId', 'readOnly', 'managementEvent', 'insightDetails', 'digestStartTime', 'digestS3Object'],
})

export type Members = ReturnType<typeof split>['asked']

/** Before 1.08 there is no category: management events say so, and say `false` when they are data events. */
function featureOf(record: Members): string | undefined {
  return text(record.eventCategory) ?? (record.managementEvent === true ? 'Management' : record.managementEvent === false ? 'Data' : undefined)
}

// shared between events, so that they are completed and shredded once

const cloudOf = remembered<Cloud>((account, region) => ({ provider: 'AWS', region, account: account === undefined ? undefined : { uid: account } }))

const productOf = remembered<Product>((version, feature) => ({
  name: 'CloudTrail',
  vendor_name: 'AWS',
  version,
  feature: feature === undefined ? undefined : { name: feature },
}))
