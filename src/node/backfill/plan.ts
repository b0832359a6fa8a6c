/** What a backfill will take, reckoned from what is there: invocations, time, money, and which limit is met first. Pure. */
import { PRICES, type Prices, QUOTAS, type Quotas, RATES, type Rates, WAIT_MS, WHOLE_PROCESSOR_MB } from './assumptions.js'

/** Objects to convert. */
export interface Amount {
  readonly objects: number
  /** Stored bytes. */
  readonly bytes: number
}

export interface PlanSettings {
  /** Of the function, in MB. */
  readonly memoryMb: number
  /** Batches at once that the state machine allows. */
  readonly concurrency: number
  /** Objects of a batch. */
  readonly batchItems: number
  /** Prefixes that S3 has set apart on either side: it does so by itself where there is much traffic. 1 unless said. */
  readonly prefixes?: number
  /** Parquet objects that an object becomes: one for each account, class and day in it. 1 unless said. */
  readonly outputs?: number
  /** Whether logs and lake have KMS keys without S3 Bucket Keys: then each GET and PUT is a request to KMS. */
  readonly kms?: boolean
  /** Whether the objects come from an inventory instead of a listing. */
  readonly inventory?: boolean
  readonly prices?: Prices
  readonly quotas?: Quotas
  readonly rates?: Rates
  /** MB of stored bytes a second of one processor, instead of the rates. */
  readonly mbPerSecond?: number
}

/** What keeps a backfill from being quicker. */
export type Limit = 'concurrency' | 'lambdaConcurrency' | 'childStarts' | 'stateTransitions' | 'listedObjects' | 's3Reads' | 's3Writes' | 'kmsRequests'

export interface Plan extends Amount {
  readonly batches: number
  readonly transitions: number
  /** Sum over all invocations, those that wait for S3 or KMS included: they are paid for. */
  readonly functionSeconds: number
  readonly requests: { readonly reads: number; readonly writes: number; readonly kms: number }
  /** From start to end. */
  readonly seconds: number
  /** Objects a second that each limit allows; the least decides. */
  readonly limits: Readonly<Record<Limit, number>>
  readonly bound: Limit
  /** Batches at once beyond which nothing is gained, whatever the machine and the account allow. */
  readonly enough: number
  /** US dollars. */
  readonly cost: { readonly lambda: number; readonly stepFunctions: number; readonly s3: number; readonly kms: number; readonly total: number }
}

/** States of a batch (Convert, Rest, Converted) and the start of its child. */
export const TRANSITIONS = 4
/** Requests of an object that read, besides the HEAD of each output: GET of the log and of the marker of a compacted partition, HEAD of two places of rejects. */
const READS = 4
/** Seconds of an execution around its work: the start, the count at its end. */
const AROUND_SECONDS = 10

/** Milliseconds that a function of so much memory takes for all of one source. Below one processor it has a share of it; above, the one thread that converts gains nothing. */
export function functionMs(
  source: string,
  { objects, bytes }: Amount,
  { memoryMb, rates = RATES, mbPerSecond }: Pick<PlanSettings, 'memoryMb' | 'rates' | 'mbPerSecond'>,
): number {
  const slowest = Object.values(rates).reduce((last, rate) => (rate.mbPerSecond < last.mbPerSecond ? rate : last))
  const rate = rates[source] ?? slowest
  const share = Math.min(1, memoryMb / WHOLE_PROCESSOR_MB)
  const cpuMs = objects * rate.objectMs + bytes / ((mbPerSecond ?? rate.mbPerSecond) * 1e3)
  return cpuMs / share + objects * WAIT_MS
}

/** By source, or what stands for it. */
export function planBackfill(amounts: Readonly<Record<string, Amount>>, settings: PlanSettings): Plan {
  const { memoryMb, concurrency, batchItems, prefixes = 1, outputs = 1, kms = false, inventory = false, prices = PRICES, quotas = QUOTAS } = settings
  const all = Object.values(amounts)
  const objects = all.reduce((sum, one) => sum + one.objects, 0)
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
  const workSeconds = Object.entries(amounts).reduce((sum, [source, amount]) => sum + functionMs(source, amount, settings), 0) / 1e3
  const batches = Math.ceil(objects / batchItems)
  const transitions = batches * TRANSITIONS
  const reads = objects * (READS + outputs)
  const puts = objects * outputs
  const lists = inventory ? 0 : Math.ceil(objects / 1e3)
  const kmsRequests = kms ? objects * (1 + outputs) : 0

  const perObject = objects === 0 ? 1 : workSeconds / objects
  const limits: Readonly<Record<Limit, number>> = {
    concurrency: concurrency / perObject,
    lambdaConcurrency: quotas.lambdaConcurrency / perObject,
    childStarts: quotas.childStarts * batchItems,
    stateTransitions: (quotas.stateTransitions / TRANSITIONS) * batchItems,
    listedObjects: inventory ? Number.POSITIVE_INFINITY : quotas.listedObjects,
    // one of them reads the log, the others the lake
    s3Reads: (quotas.s3Reads * prefixes) / Math.max(1, READS - 1 + outputs),
    s3Writes: (quotas.s3Writes * prefixes) / outputs,
    kmsRequests: kms ? quotas.kmsRequests / (1 + outputs) : Number.POSITIVE_INFINITY,
  }
  const bound = (Object.keys(limits) as Limit[]).reduce((last, one) => (limits[one] < limits[last] ? one : last)) // its own keys
  const { concurrency: _, lambdaConcurrency: __, ...others } = limits
  const enough = Math.ceil(Math.min(...Object.values(others)) * perObject)
  const atOnce = Math.min(concurrency, quotas.lambdaConcurrency)
  const waits = bound === 's3Reads' || bound === 's3Writes' || bound === 'kmsRequests'
  const functionSeconds = waits ? (objects / limits[bound]) * atOnce : workSeconds
  const rising = atOnce / quotas.lambdaScaling / 2
  const lastBatch = Math.min(batchItems, objects) * perObject
  const seconds = objects === 0 ? 0 : AROUND_SECONDS + objects / limits[bound] + rising + lastBatch

  const cost = {
    lambda: functionSeconds * (memoryMb / 1024) * prices.lambdaGbSecond + batches * prices.lambdaRequest,
    stepFunctions: transitions * prices.stateTransition,
    s3: reads * prices.s3Read + (puts + lists) * prices.s3Write,
    kms: kmsRequests * prices.kmsRequest,
  }
  const total = cost.lambda + cost.stepFunctions + cost.s3 + cost.kms
  return {
    objects,
    bytes,
    batches,
    transitions,
    functionSeconds,
    requests: { reads, writes: puts + lists, kms: kmsRequests },
    seconds,
    limits,
    bound,
    enough,
    cost: { ...cost, total },
  }
}
