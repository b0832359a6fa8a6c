import { describe, expect, it } from 'vitest'
import { PRICES, QUOTAS } from './assumptions.js'
import { functionMs, planBackfill } from './plan.js'

const rates = { 'vpc-flow': { objectMs: 30, mbPerSecond: 3 }, cloudtrail: { objectMs: 40, mbPerSecond: 2 } }
const settings = { memoryMb: 1769, concurrency: 100, batchItems: 100, rates }
const million = { objects: 1_000_000, bytes: 1e12 }

describe('the time of a function', () => {
  it('is that of its processor and of its requests', () => {
    expect(functionMs('vpc-flow', { objects: 2, bytes: 6e6 }, settings)).toBeCloseTo(2 * 30 + 2_000 + 2 * 100)
  })

  it('grows where memory gives a share of a processor, and does not shrink beyond a whole one', () => {
    const one = { objects: 0, bytes: 3e6 }
    expect(functionMs('vpc-flow', one, { ...settings, memoryMb: 1769 / 2 })).toBeCloseTo(2_000)
    expect(functionMs('vpc-flow', one, { ...settings, memoryMb: 10_240 })).toBeCloseTo(1_000)
  })

  it('is that of the slowest source where none is known, unless a rate is said', () => {
    const one = { objects: 0, bytes: 2e6 }
    expect(functionMs('unknown', one, settings)).toBeCloseTo(1_000)
    expect(functionMs('unknown', one, { ...settings, mbPerSecond: 4 })).toBeCloseTo(500)
  })
})

describe('a plan', () => {
  it('adds up to what AWS bills', () => {
    const plan = planBackfill({ 'vpc-flow': million }, settings)
    const seconds = (1e6 * 130) / 1e3 + 1e6 / 3
    expect(plan).toMatchObject({
      objects: 1e6,
      batches: 10_000,
      transitions: 40_000,
      bound: 'concurrency',
      requests: { reads: 5e6, writes: 1_001_000, kms: 0 },
    })
    expect(plan.functionSeconds).toBeCloseTo(seconds)
    expect(plan.seconds).toBeCloseTo(seconds / 100 + 10 + 0.5 + seconds / 1e4)
    expect(plan.cost.lambda).toBeCloseTo(seconds * (1769 / 1024) * PRICES.lambdaGbSecond + 0.002)
    expect(plan.cost.stepFunctions).toBeCloseTo(1)
    expect(plan.cost.s3).toBeCloseTo(2 + 5.005)
    expect(plan.cost.total).toBeCloseTo(plan.cost.lambda + plan.cost.stepFunctions + plan.cost.s3)
  })

  it.each([
    [{ concurrency: 10_000, prefixes: 10 }, 'lambdaConcurrency'],
    [{ batchItems: 1, concurrency: 10_000, quotas: { ...QUOTAS, lambdaConcurrency: 10_000 } }, 'childStarts'],
    [{ batchItems: 1, concurrency: 10_000, quotas: { ...QUOTAS, lambdaConcurrency: 10_000, childStarts: 1e6, stateTransitions: 800 } }, 'stateTransitions'],
    [{ concurrency: 10_000, quotas: { ...QUOTAS, lambdaConcurrency: 10_000 } }, 's3Reads'],
    [{ concurrency: 10_000, kms: true, prefixes: 10, quotas: { ...QUOTAS, lambdaConcurrency: 10_000, kmsRequests: 1_000 } }, 'kmsRequests'],
    [{ concurrency: 10_000, prefixes: 10, outputs: 20, quotas: { ...QUOTAS, lambdaConcurrency: 10_000, s3Reads: 1e6 } }, 's3Writes'],
    [{ concurrency: 10_000, prefixes: 10, quotas: { ...QUOTAS, lambdaConcurrency: 1e6, listedObjects: 1_000 } }, 'listedObjects'],
  ] as const)('with %o is bound by %s', (other, bound) => {
    expect(planBackfill({ 'vpc-flow': { objects: 1e6, bytes: 1e9 } }, { ...settings, ...other }).bound).toBe(bound)
  })

  it('pays for functions that wait for S3, and says how many at once are enough', () => {
    const small = { 'vpc-flow': { objects: 1e6, bytes: 3e8 } }
    const plan = planBackfill(small, { ...settings, concurrency: 1_000 })
    expect(plan).toMatchObject({ bound: 's3Reads', limits: { s3Reads: 1_375 }, enough: Math.ceil(1_375 * 0.1301) })
    expect(plan.functionSeconds).toBeCloseTo((1e6 / 1_375) * 1_000)
    expect(planBackfill(small, { ...settings, concurrency: plan.enough }).functionSeconds / 1e6).toBeCloseTo(0.13, 2)
  })

  it('of nothing takes nothing', () => {
    expect(planBackfill({}, settings)).toMatchObject({ objects: 0, batches: 0, seconds: 0, cost: { total: 0 } })
  })
})
