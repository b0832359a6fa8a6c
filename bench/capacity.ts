/**
 * What a backfill of 1 TB, 100 TB and 1 PB takes, reckoned by `planBackfill` and simulated batch by batch, for
 * docs/scaling.md.
 *
 *     npm run capacity                    the tables, in a few seconds
 *     npm run capacity -- --write         into docs/scaling.md and its chart
 *     npm run capacity -- --measure       how fast a function converts on this machine, in two minutes of CPU time
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { MAX_BACKFILL_OBJECTS } from '../src/lake/backfill.js'
import { QUOTAS, RATES } from '../src/node/backfill/assumptions.js'
import { functionMs, type Limit, type PlanSettings, planBackfill } from '../src/node/backfill/plan.js'
import { duration, LIMITS, stored } from '../src/node/backfill/text.js'
import { measureRates } from './capacity-rates.js'
import { simulate, type Workload } from './capacity-simulation.js'
import { lineChart } from './chart.js'
import { machine, say } from './measure.js'
import { markdownTable } from './tables.js'

const { values } = parseArgs({
  options: { measure: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } },
})

const TB = 1e12
const SIZES = [TB, 100 * TB, 1000 * TB]
const KINDS = [
  { source: 'vpc-flow', title: 'VPC flow logs, objects of 2 MB', meanBytes: 2e6, batchItems: 100 },
  { source: 'cloudtrail', title: 'CloudTrail, objects of 50 kB', meanBytes: 5e4, batchItems: 400 },
] as const
type Kind = (typeof KINDS)[number]

const BASE = { memoryMb: 1769, inventory: true } as const
/** At most 800 of 1,000 at once, as an account has them, or 8,000 of 10,000, on request; S3 has set more prefixes apart by then. */
const ACCOUNTS = [
  { title: 'default quotas, one prefix', concurrency: 800, prefixes: 1, quotas: QUOTAS },
  { title: 'raised quotas, ten prefixes', concurrency: 8_000, prefixes: 10, quotas: { ...QUOTAS, lambdaConcurrency: 10_000 } },
] as const
/** Objects that are simulated at most: what follows goes on at the same pace. */
const SIMULATED = 4_000_000

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
const dollars = (value: number): string => `$${whole(value)}`

/** As many at once as the account allows, and no more than are of use. */
function settingsOf({ source, meanBytes, batchItems }: Kind, { concurrency, prefixes, quotas }: (typeof ACCOUNTS)[number]): PlanSettings {
  const settings = { ...BASE, batchItems, concurrency, prefixes, quotas }
  const { enough } = planBackfill({ [source]: { objects: 1e6, bytes: 1e6 * meanBytes } }, settings)
  return { ...settings, concurrency: Math.min(concurrency, enough) }
}

/** Seconds of the simulation, beside which those of the plan stand. */
function simulated(workload: Workload, settings: PlanSettings): number {
  const objects = Math.min(workload.objects, SIMULATED)
  const half = simulate({ ...workload, objects: objects / 2 }, settings).seconds
  const all = simulate({ ...workload, objects }, settings).seconds
  return all + ((workload.objects - objects) / (objects / 2)) * (all - half)
}

function sizes(): string {
  const rows = KINDS.flatMap(kind =>
    ACCOUNTS.flatMap(account =>
      SIZES.map(bytes => {
        const settings = settingsOf(kind, account)
        const objects = bytes / kind.meanBytes
        const plan = planBackfill({ [kind.source]: { objects, bytes } }, settings)
        const seconds = simulated({ source: kind.source, objects, meanBytes: kind.meanBytes }, settings)
        const off = seconds / plan.seconds
        say(`${kind.source} ${stored(bytes)}, ${account.title}: plan ${duration(plan.seconds)}, simulation ${duration(seconds)}`)
        if (off < 0.8 || off > 1.25) throw new Error(`the plan (${plan.seconds} s) and the simulation (${seconds} s) differ`)
        const runs = Math.ceil(objects / (MAX_BACKFILL_OBJECTS - 1))
        return [
          `${kind.title}; ${account.title}`,
          stored(bytes),
          `${whole(objects / 1e6)} M`,
          whole(settings.concurrency),
          whole(runs),
          duration(plan.seconds),
          duration(seconds),
          dollars(plan.cost.total),
          LIMITS[plan.bound].split(':')[0]!,
        ]
      }),
    ),
  )
  return markdownTable(['logs and account', 'stored', 'objects', 'at once', 'Map Runs', 'planned', 'simulated', 'cost', 'bound by'], rows)
}

function memory(): string {
  const rows = [512, 1024, 1769, 3538].map(memoryMb => [
    whole(memoryMb),
    ...KINDS.flatMap(kind => {
      const amount = { objects: 1e6, bytes: 1e6 * kind.meanBytes }
      const ms = functionMs(kind.source, amount, { memoryMb }) / amount.objects
      const plan = planBackfill({ [kind.source]: amount }, { ...settingsOf(kind, ACCOUNTS[0]), memoryMb })
      return [`${whole(ms)} ms`, `${(kind.meanBytes / 1e3 / ms).toFixed(2)} MB/s`, dollars((plan.cost.total / amount.bytes) * TB)]
    }),
  ])
  return markdownTable(['memory, MB', ...KINDS.flatMap(({ title }) => [`${title}: each`, 'a function', 'a TB'])], rows)
}

/** What to do about each limit. */
const REMEDIES: Readonly<Record<Limit, string>> = {
  concurrency: 'raise the concurrency of the state machine, at most to what live traffic leaves',
  lambdaConcurrency: 'ask for more (Service Quotas, Lambda, concurrent executions)',
  childStarts: 'hard: put more objects into a batch, or run several Map Runs side by side',
  stateTransitions: 'ask for more, or put more objects into a batch',
  listedObjects: 'start from an S3 inventory, or run longer prefixes side by side',
  s3Reads: 'S3 sets more prefixes apart under lasting traffic: rise slowly; merge small logs before',
  s3Writes: 'the same; fewer accounts and days in an object',
  kmsRequests: 'turn S3 Bucket Keys on, or ask for more',
}

/** Objects a second that each limit allows, with default quotas, one prefix and KMS keys without Bucket Keys. */
function limits(): string {
  const plans = KINDS.map(kind => {
    const settings = { ...BASE, inventory: false, kms: true, batchItems: 100, concurrency: 100 }
    return planBackfill({ [kind.source]: { objects: 1e6, bytes: 1e6 * kind.meanBytes } }, settings).limits
  })
  const names = (Object.keys(REMEDIES) as Limit[]).sort((a, b) => plans[1]![a] - plans[1]![b]) // its own keys
  return markdownTable(
    ['limit', ...KINDS.map(({ title }) => title), 'what to change'],
    names.map(name => [LIMITS[name].split(':')[0]!, ...plans.map(plan => whole(plan[name])), REMEDIES[name]]),
  )
}

function chart(): string {
  const points = [0, 250, 500, 750, 1000, 1500, 2000, 2500, 3000].map(concurrency => ({
    x: concurrency,
    values: Object.fromEntries(
      KINDS.flatMap(kind =>
        [1, 10].map(prefixes => {
          const name = `${kind.source === 'vpc-flow' ? 'flow logs' : 'CloudTrail'}, ${prefixes} prefix${prefixes === 1 ? '' : 'es'}`
          if (concurrency === 0) return [name, 0]
          const objects = 20_000 * kind.batchItems
          const quotas = { ...QUOTAS, lambdaConcurrency: 10_000 }
          const settings = { ...settingsOf(kind, ACCOUNTS[0]), concurrency, prefixes, quotas }
          const workload = { source: kind.source, meanBytes: kind.meanBytes }
          const [half, all] = [objects / 2, objects].map(some => simulate({ ...workload, objects: some }, settings).seconds) as [number, number]
          return [name, objects / 2 / (all - half)] // without its beginning and end
        }),
      ),
    ),
  }))
  return lineChart('Objects a second against concurrency', 'batches at once', 'objects/s', points)
}

if (values.measure) {
  const { rates, held } = await measureRates(Number(values.rounds), [512 / 1769, 1024 / 1769])
  const { cpu, node, commit, date } = machine()
  console.log(`Measured on ${cpu}, Node ${node}, commit ${commit}, ${date}.\n`)
  console.log(
    markdownTable(
      ['source', 'CPU ms an object', 'stored MB a CPU second', 'raw of stored', 'Parquet of stored', 'in assumptions.ts'],
      rates.map(({ source, objectMs, mbPerSecond, ratio, written }) => [
        source,
        objectMs.toFixed(0),
        mbPerSecond.toFixed(2),
        ratio.toFixed(1),
        written.toFixed(2),
        `${RATES[source]!.objectMs}, ${RATES[source]!.mbPerSecond}`,
      ]),
    ),
  )
  console.log(
    markdownTable(
      ['held to a share', 'of a processor', 'it got', 'CPU time over that of a free run'],
      held.map(({ source, share, got, cpu: over }) => [source, share.toFixed(2), got.toFixed(2), over.toFixed(2)]),
    ),
  )
} else {
  const text = [
    '### By memory',
    '',
    memory(),
    '',
    '### By size',
    '',
    sizes(),
    '',
    '### What breaks first',
    '',
    'Objects a second, with default quotas, 100 batches of 100 at once, one prefix, a listing, and KMS keys without S3 Bucket Keys:',
    '',
    limits(),
    '',
  ].join('\n')
  console.log(text)
  const svg = chart()
  if (values.write) {
    const at = (path: string): URL => new URL(`../docs/${path}`, import.meta.url)
    const [before, , after] = (await readFile(at('scaling.md'), 'utf8')).split(/<!-- (?:reckoned|end) -->\n/)
    await writeFile(at('scaling.md'), `${before}<!-- reckoned -->\n\n${text}\n<!-- end -->\n${after}`)
    await writeFile(at('scaling.svg'), svg)
  }
}
