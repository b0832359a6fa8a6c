/**
 * A backfill batch by batch, in simulated time: the listing, the starts of children, execution environments that come up
 * by and by, the requests that S3 and KMS serve, and functions that end at their timeout with a rest.
 */
import { QUOTAS } from '../src/node/backfill/assumptions.js'
import { functionMs, type PlanSettings } from '../src/node/backfill/plan.js'
import { createRandom } from './random.js'

export interface Workload {
  readonly source: string
  readonly objects: number
  /** Mean of the stored bytes; sizes are drawn from a log-normal distribution. */
  readonly meanBytes: number
}

export interface Simulated {
  readonly seconds: number
  readonly functionSeconds: number
  /** Batches that a function gave back in part at its timeout. */
  readonly rounds: number
  /** Seconds for which all slots were taken, of all seconds. */
  readonly busy: number
}

/** Spread of object sizes: a third of them is above the mean, and one in a hundred is six times as large. */
const SIGMA = 1
const TIMEOUT_SECONDS = 900
const READS = 4

/** A limiter of so many a second: when the last of some is served. */
function limiter(perSecond: number) {
  let free = 0
  return (now: number, some: number): number => {
    free = Math.max(free, now - 1) + some / perSecond // a second's worth may come at once
    return free
  }
}

export function simulate({ source, objects, meanBytes }: Workload, settings: PlanSettings): Simulated {
  const { concurrency, batchItems, prefixes = 1, outputs = 1, kms = false, inventory = false, quotas = QUOTAS } = settings
  const random = createRandom(11)
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
  const starts = limiter(quotas.childStarts)
  const transitions = limiter(quotas.stateTransitions)
  const reads = limiter(quotas.s3Reads * prefixes)
  const writes = limiter(quotas.s3Writes * prefixes)
  const keys = limiter(quotas.kmsRequests)
  const slots = Math.min(concurrency, quotas.lambdaConcurrency)
  const free = new Heap()
  for (let slot = 0; slot < slots; slot++) free.push(slot / quotas.lambdaScaling)
  let [seconds, functionSeconds, rounds, waited] = [0, 0, 0, 0]
  for (let first = 0; first < objects; first += batchItems) {
    const items = Math.min(batchItems, objects - first)
    const listed = inventory ? 0 : (first + items) / quotas.listedObjects
    const slot = free.pop()
    const start = Math.max(slot, listed, starts(listed, 1))
    waited += start - slot
    let bytes = 0
    // the sum of many sizes is near their mean; a few are drawn one by one
    if (items > 200) bytes = items * meanBytes
    else for (let n = 0; n < items; n++) bytes += meanBytes * Math.exp(SIGMA * gauss() - SIGMA ** 2 / 2)
    const work = functionMs(source, { objects: items, bytes }, settings) / 1e3
    const again = Math.floor(work / TIMEOUT_SECONDS)
    const served = Math.max(
      start + work,
      transitions(start, 4 + 2 * again),
      reads(start, items * (READS - 1 + outputs)),
      writes(start, items * outputs),
      kms ? keys(start, items * (1 + outputs)) : 0,
    )
    rounds += again
    functionSeconds += served - start // a function that waits for S3 is paid for
    seconds = Math.max(seconds, served)
    free.push(served)
  }
  return { seconds, functionSeconds, rounds, busy: 1 - waited / (slots * seconds) }
}

/** The least of some numbers, quickly. */
class Heap {
  readonly #values: number[] = []
  push(value: number): void {
    const values = this.#values
    let at = values.push(value) - 1
    for (let parent = (at - 1) >> 1; at > 0 && values[parent]! > value; at = parent, parent = (at - 1) >> 1) values[at] = values[parent]!
    values[at] = value
  }
  pop(): number {
    const values = this.#values
    const least = values[0]!
    const last = values.pop()!
    if (values.length === 0) return least
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= values.length) break
      if (child + 1 < values.length && values[child + 1]! < values[child]!) child++
      if (values[child]! >= last) break
      values[at] = values[child]!
      at = child
    }
    values[at] = last
    return least
  }
}
