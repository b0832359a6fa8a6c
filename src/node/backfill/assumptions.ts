/** What a plan reckons with: prices, quotas and measured rates, each with where and when it was so. */

/** US dollars. */
export interface Prices {
  readonly region: string
  /** When AWS published them: a month. */
  readonly date: string
  /** A second of a function with 1 GB of memory, x86. */
  readonly lambdaGbSecond: number
  readonly lambdaRequest: number
  /** A state of a Standard workflow; each child of a Map Run that is started counts as one, too. */
  readonly stateTransition: number
  /** GET and HEAD. */
  readonly s3Read: number
  /** PUT and LIST. */
  readonly s3Write: number
  readonly kmsRequest: number
}

/**
 * https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/step-functions/pricing/ https://aws.amazon.com/s3/pricing/
 * https://aws.amazon.com/kms/pricing/ Without free tiers, savings plans and the lower prices of very large use.
 */
export const PRICES: Prices = {
  region: 'us-east-1',
  date: '2025-12',
  lambdaGbSecond: 0.0000166667,
  lambdaRequest: 0.0000002,
  stateTransition: 0.000025,
  s3Read: 0.0000004,
  s3Write: 0.000005,
  kmsRequest: 0.000003,
}

/** Per second unless said; defaults of an account in a region, which AWS raises on request where it is no hard limit. */
export interface Quotas {
  /** Executions of all functions at once. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
  readonly lambdaConcurrency: number
  /** Execution environments that a function may gain. https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html */
  readonly lambdaScaling: number
  /** Standard children that a Map Run starts; hard. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
  readonly childStarts: number
  /** 800 outside of us-east-1, us-west-2 and eu-west-1. */
  readonly stateTransitions: number
  /** Objects that a Map Run lists: pages of 1,000, one after the other. No quota of AWS but what a page takes, about 100 ms. */
  readonly listedObjects: number
  /** Of a prefix. https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html */
  readonly s3Reads: number
  /** Of a prefix. */
  readonly s3Writes: number
  /** Symmetric keys; 100,000 in us-east-1, us-west-2 and eu-west-1, 20,000 in some. https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html */
  readonly kmsRequests: number
}

export const QUOTAS: Quotas = {
  lambdaConcurrency: 1_000,
  lambdaScaling: 100,
  childStarts: 100,
  stateTransitions: 5_000,
  listedObjects: 10_000,
  s3Reads: 5_500,
  s3Writes: 3_500,
  kmsRequests: 10_000,
}

/** What one processor does. */
export interface Rate {
  /** CPU milliseconds of an object, however small. */
  readonly objectMs: number
  /** MB of stored (gzip) bytes a second. */
  readonly mbPerSecond: number
}

/** By source; what is not here is reckoned as the slowest of them. */
export type Rates = { readonly [source: string]: Rate }

/** Measured by `npm run capacity -- --measure` on an Intel Xeon of a cloud machine with Node 20, November 2026. */
export const RATES: Rates = {
  'vpc-flow': { objectMs: 32, mbPerSecond: 2.7 },
  cloudtrail: { objectMs: 40, mbPerSecond: 3.1 },
}

/** Milliseconds that an object waits for S3, one request after the other: two GETs, three HEADs, a PUT. Reckoned, not measured in AWS. */
export const WAIT_MS = 100

/** Memory with which Lambda gives one whole processor, in MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const WHOLE_PROCESSOR_MB = 1_769
