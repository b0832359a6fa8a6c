/** Watches the time that Lambda leaves. */
import { OcsfLakeError } from '../../errors.js'

/** What the handler reads of Lambda's context. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
  readonly awsRequestId?: string
}

export interface Watch {
  /** @throws OcsfLakeError `time_short` when it is too late to go on with what is named */
  check(what: string): void
  /** Waits no longer than there is time. */
  within<T>(what: string, waiting: Promise<T>): Promise<T>
}

/** Of the time at the start, this part is kept for finishing: sealing and putting the last objects, storing rejects. */
const RESERVED = 0.1
const LEAST_MS = 1000
const MOST_MS = 30_000

export function createWatch(context: LambdaContext): Watch {
  const reserve = Math.min(MOST_MS, Math.max(LEAST_MS, context.getRemainingTimeInMillis() * RESERVED))
  const left = (): number => context.getRemainingTimeInMillis() - reserve
  const short = (what: string): OcsfLakeError =>
    new OcsfLakeError('time_short', `The time left is too short for ${what}: raise the timeout or the memory of the function, or send fewer objects at a time.`)
  return {
    check(what) {
      if (left() < 0) throw short(what)
    },
    async within(what, waiting) {
      let timer: NodeJS.Timeout | undefined
      const over = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(short(what)), Math.max(0, left()))
      })
      try {
        return await Promise.race([waiting, over])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
