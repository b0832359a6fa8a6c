/** The envelope in which CloudWatch Logs hands log events to a Lambda function, a stream or Firehose. */
import { gunzipSync } from 'node:zlib'
import { isJsonObject, type Json, parseJson } from '../../json.js'
import { isGzip } from '../gunzip.js'

export interface Subscription {
  /** Account that owns the log group. */
  readonly owner: string
  readonly logGroup: string
  readonly logStream: string
  readonly logEvents: readonly { readonly id: string; readonly message: string }[]
}

/** CloudWatch Logs sends at most 1 MB, zipped; no such envelope unzips to more than this. */
const MAX_BYTES = 64 * 2 ** 20

/**
 * The envelope in some bytes, gzip or not; `control` for its reachability check, `undefined` when it is none.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 */
export function subscriptionOf(bytes: Uint8Array): Subscription | 'control' | undefined {
  const json = envelopeIn(bytes)
  if (!isJsonObject(json)) return undefined
  const { messageType, owner, logGroup, logStream, logEvents } = json
  if (messageType === 'CONTROL_MESSAGE') return 'control'
  if (messageType !== 'DATA_MESSAGE' || typeof owner !== 'string' || typeof logGroup !== 'string' || !Array.isArray(logEvents)) return undefined
  const events: { id: string; message: string }[] = []
  for (const event of logEvents) {
    if (!isJsonObject(event) || typeof event.id !== 'string' || typeof event.message !== 'string') return undefined
    events.push({ id: event.id, message: event.message })
  }
  return { owner, logGroup, logStream: typeof logStream === 'string' ? logStream : '', logEvents: events }
}

function envelopeIn(bytes: Uint8Array): Json | undefined {
  try {
    return parseJson(new TextDecoder().decode(isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes))
  } catch {
    return undefined // then it is a record, and what is wrong with it is found where records are read
  }
}
