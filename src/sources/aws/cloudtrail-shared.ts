/** What every class of CloudTrail event has. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import type { Context } from '../source.js'
import { redactJson } from './secrets.js'
import { leftOver, put, text } from './values.js'

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
  /** The members without a home: all but those that the class takes, and what it adds. Secrets are redacted. */
  unmapped(taken: (key: string, value: Json) => boolean, more: Record<string, Json | undefined>): Record<string, Json | undefined> | undefined
}

/** An EventBridge event around a record, e.g. `AWS API Call via CloudTrail`. */
export function envelopeOf(value: JsonObject): { readonly record: JsonObject; readonly envelope: JsonObject } | undefined {
  if (typeof value['detail-type'] !== 'string' || !isJsonObject(value.detail)) return undefined
  return { record: value.detail, envelope: value }
}

export function sharedOf(record: JsonObject, time: number, context: Context, envelope: JsonObject | undefined): Shared {
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
    unmapped: (taken, more) => {
      let rest = leftOver(record, (key, value) => (typeof value === 'string' && TEXTS.has(key)) || taken(key, value))
      for (const key of Object.keys(more)) {
        if (more[key] === undefined) continue
        rest ??= {}
        put(rest, key, more[key])
      }
      if (rest !== undefined) rest = redactJson(rest) as Record<string, Json | undefined> // an object stays an object
      const around = envelope && leftOver(envelope, key => key === 'detail')
      if (around === undefined) return rest
      rest ??= {}
      rest.eventbridge = around
      return rest
    },
  }
}

/** Members that are mapped for every class when they are texts; anything else under these names is kept as it came. */
const TEXTS = new Set(['eventTime', 'eventVersion', 'awsRegion', 'eventID', 'eventType', 'recipientAccountId', 'eventCategory', 'sharedEventID'])

/** Before 1.08 there is no category: management events say so, and say `false` when they are data events. */
function featureOf(record: JsonObject): string | undefined {
  return text(record.eventCategory) ?? (record.managementEvent === true ? 'Management' : record.managementEvent === false ? 'Data' : undefined)
}

// Shared between events, so that they are completed and shredded once.
const MOST_CACHED = 1000
const clouds = new Map<string, Cloud>()
const products = new Map<string, Product>()

function cloudOf(account: string | undefined, region: string | undefined): Cloud {
  const key = `${account ?? ''} ${region ?? ''}`
  let cloud = clouds.get(key)
  if (cloud === undefined) {
    if (clouds.size === MOST_CACHED) clouds.clear()
    cloud = { provider: 'AWS', region, account: account === undefined ? undefined : { uid: account } }
    clouds.set(key, cloud)
  }
  return cloud
}

function productOf(version: string | undefined, feature: string | undefined): Product {
  const key = `${version ?? ''} ${feature ?? ''}`
  let product = products.get(key)
  if (product === undefined) {
    if (products.size === MOST_CACHED) products.clear()
    product = { name: 'CloudTrail', vendor_name: 'AWS', version, feature: feature === undefined ? undefined : { name: feature } }
    products.set(key, product)
  }
  return product
}
