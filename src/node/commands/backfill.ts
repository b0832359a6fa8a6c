/** `ocsf-lake backfill`. */
import { readFileSync } from 'node:fs'
import { OcsfLakeError } from '../../errors.js'
import { type BackfillInput, backfillDefinition, MAX_BACKFILL_OBJECTS } from '../../lake/backfill.js'
import { s3Place } from '../../lake/s3-url.js'
import { openStepFunctions } from '../aws/step-functions.js'
import { countInventory, countListing, manifestPlace } from '../backfill/amounts.js'
import { PRICES, type Prices, WHOLE_PROCESSOR_MB } from '../backfill/assumptions.js'
import { type Followed, followBackfill, resumeBackfill, type Step, startBackfill } from '../backfill/follow.js'
import { planBackfill } from '../backfill/plan.js'
import { followedText, planText, stepText } from '../backfill/text.js'
import type { CliCommand } from './command.js'

interface BackfillFlags {
  readonly machine?: string
  readonly inventory?: string
  readonly execution?: string
  readonly follow: boolean
  readonly every: number
  readonly dryRun?: boolean
  readonly memory: number
  readonly concurrency: number
  readonly batch: number
  readonly rate?: number
  readonly kms?: boolean
  readonly prices?: string
  readonly definition?: boolean
  readonly function?: string
  readonly results?: string
  readonly json?: boolean
}

export const backfill: CliCommand<BackfillFlags> = {
  name: 'backfill',
  text: 'convert what lies in S3 already, with the Lambda function of live traffic, by AWS Step Functions',
  argument: { flags: '[from]', text: 's3://<bucket>/<prefix> of the logs' },
  options: [
    { flags: '--machine <arn>', text: 'state machine of the backfill, as ocsf-lake/cdk or --definition makes it' },
    { flags: '--inventory <manifest>', text: 's3://<bucket>/<…>/manifest.json of an S3 inventory in CSV, instead of a listing' },
    { flags: '--execution <arn>', text: 'follow an execution, or take up what it left undone' },
    { flags: '--no-follow', text: 'start, print the execution, and do not wait for its end' },
    { flags: '--every <seconds>', text: 'between two looks at an execution', default: 10, parse: positive },
    { flags: '--dry-run', text: 'count objects and print invocations, duration and cost; nothing is started' },
    { flags: '--memory <mb>', text: 'memory of the function, for the plan', default: WHOLE_PROCESSOR_MB, parse: positive },
    { flags: '--concurrency <n>', text: 'batches at once: for the plan, and of --definition', default: 100, parse: positive },
    { flags: '--batch <n>', text: 'objects of a batch: for the plan, and of --definition', default: 100, parse: positive },
    { flags: '--rate <mb>', text: 'stored MB that one processor converts in a second, for the plan (default: as measured)', parse: positive },
    { flags: '--kms', text: 'plan for KMS keys without S3 Bucket Keys: a request to KMS for each GET and PUT' },
    { flags: '--prices <file>', text: 'JSON that replaces any of the prices' },
    { flags: '--definition', text: 'print the state machine; needs --function and --results' },
    { flags: '--function <arn>', text: 'the Lambda function of live traffic' },
    { flags: '--results <place>', text: 's3://<bucket>/<prefix> for what became of each batch' },
    { flags: '--json', text: 'print the plan, the execution or how it ended as JSON on standard output' },
  ],
  help: `
Objects get the names that live traffic gives them, so a backfill may run beside it, be stopped and be run again.
A prefix should end with /: AWSLogs also matches AWSLogs2.

Examples:
  $ ocsf-lake backfill s3://my-logs/AWSLogs/ --dry-run
  $ ocsf-lake backfill s3://my-logs/AWSLogs/ --machine arn:aws:states:us-east-1:123456789012:stateMachine:backfill
  $ ocsf-lake backfill --execution arn:aws:states:us-east-1:123456789012:execution:backfill:backfill-20260501120000-1a2b3c4d
  $ ocsf-lake backfill --definition --function arn:aws:lambda:us-east-1:123456789012:function:ocsf --results s3://my-lake/backfill

Exit codes: 0 all is done, or planned, or started with --no-follow; 1 something to change in the call or in AWS; 2 some
objects are left undone.`,

  async run([from], flags) {
    if (flags.definition) return printDefinition(flags)
    if (flags.execution !== undefined) return resume(flags.execution, from, flags)
    if (from === undefined) refuse('Say which logs: give s3://<bucket>/<prefix>, or --execution <arn>.')
    const { bucket, key: prefix } = s3Place(from)
    if (flags.dryRun) return dryRun(from, flags)
    const machine = flags.machine ?? refuse('Say which state machine: --machine <arn>; or ask with --dry-run what it would take.')
    const inventory = flags.inventory === undefined ? undefined : manifestPlace(flags.inventory)
    const input: BackfillInput = inventory === undefined ? { bucket, prefix } : { bucket, prefix, inventory: { bucket: inventory.bucket, key: inventory.key } }
    const states = await openStepFunctions(regionOf(machine, 'stateMachine'))
    return follow([await startBackfill(states, machine, input, new Date())], states, flags)
  },
}

function refuse(sentence: string): never {
  throw new OcsfLakeError('option_invalid', sentence)
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) refuse('It takes a number above 0.')
  return value
}

/** The region that an ARN of Step Functions names. */
function regionOf(arn: string, kind: 'stateMachine' | 'execution'): string {
  const [, region] = new RegExp(`^arn:[\\w-]+:states:([\\w-]+):\\d{12}:${kind}:`).exec(arn) ?? []
  return (
    region ??
    refuse(`${arn} is no ARN of ${kind === 'execution' ? 'an execution' : 'a state machine'}: it reads arn:aws:states:<region>:<account>:${kind}:<name>.`)
  )
}

const printJson = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

function printDefinition({ function: functionArn, results, concurrency, batch: batchItems }: BackfillFlags): number {
  if (functionArn === undefined || results === undefined) refuse('--definition needs --function <arn> and --results s3://<bucket>/<prefix>.')
  const { bucket, key } = s3Place(results)
  const [, partition] = /^arn:([\w-]+):lambda:/.exec(functionArn) ?? []
  if (partition === undefined) refuse(`${functionArn} is no ARN of a Lambda function.`)
  const prefix = key.replace(/\/$/, '')
  printJson(backfillDefinition({ functionArn, results: { bucket, prefix: prefix === '' ? undefined : prefix }, concurrency, batchItems, partition }))
  return 0
}

async function dryRun(from: string, flags: BackfillFlags): Promise<number> {
  const { memory: memoryMb, concurrency, batch: batchItems, rate: mbPerSecond, kms, json } = flags
  const place = s3Place(from)
  const prices = readPrices(flags.prices)
  const counting = counter()
  const { amounts, archived } =
    flags.inventory === undefined ? await countListing(place, {}, counting) : await countInventory(manifestPlace(flags.inventory), place, {}, counting)
  if (Object.keys(amounts).length === 0 && archived.objects === 0) nothing(from)
  const settings = { memoryMb, concurrency, batchItems, mbPerSecond, kms, inventory: flags.inventory !== undefined, prices }
  const plan = planBackfill(amounts, settings)
  if (json) printJson({ from, amounts, archived, plan, settings })
  else process.stdout.write(planText(from, { plan, amounts, archived, settings, prices }))
  if (plan.objects + archived.objects >= MAX_BACKFILL_OBJECTS) {
    refuse(`One Map Run reads fewer than ${MAX_BACKFILL_OBJECTS.toLocaleString('en-US')} objects: run a backfill for each of some longer prefixes.`)
  }
  return 0
}

/** Tells people how far the count is. */
function counter(): (objects: number) => void {
  if (!process.stderr.isTTY) return () => {}
  return objects => void process.stderr.write(`\r${objects.toLocaleString('en-US')} objects counted`)
}

function readPrices(file: string | undefined): Prices {
  if (file === undefined) return PRICES
  let own: Record<string, unknown>
  try {
    own = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new OcsfLakeError('input_missing', `--prices ${file} is no JSON file that can be read.`, { cause })
  }
  const known: Readonly<Record<string, unknown>> = { ...PRICES }
  const wrong = Object.keys(own).find(name => typeof own[name] !== typeof known[name])
  if (wrong !== undefined) refuse(`--prices ${file} has ${wrong}: it takes ${Object.keys(known).join(', ')}.`)
  return { ...PRICES, ...own }
}

/** Says how an execution stands whenever another percent is done, or more failed: a run may last for days. */
function teller(): (step: Step) => void {
  let last = ''
  return step => {
    const { total, succeeded, failed } = step.items
    const now = `${Math.floor((100 * succeeded) / Math.max(1, total))} ${failed}`
    if (now !== last) process.stderr.write(`${stepText(step)}\n`)
    last = now
  }
}

function nothing(where: string): never {
  throw new OcsfLakeError('input_missing', `There are no objects to convert below ${where}: check its spelling, and the account and region of the credentials.`)
}

async function resume(execution: string, from: string | undefined, flags: BackfillFlags): Promise<number> {
  if (from !== undefined || flags.machine !== undefined || flags.inventory !== undefined || flags.dryRun) {
    refuse('--execution takes up what was started: leave the logs, --machine, --inventory and --dry-run out.')
  }
  const states = await openStepFunctions(regionOf(execution, 'execution'))
  const taken = await resumeBackfill(states, execution, {}, new Date())
  return follow(taken.length === 0 ? [execution] : taken, states, flags)
}

async function follow(
  executions: readonly string[],
  states: Awaited<ReturnType<typeof openStepFunctions>>,
  { json, every, follow: wait }: BackfillFlags,
): Promise<number> {
  if (!wait) {
    if (json) printJson(executions.map(executionArn => ({ executionArn })))
    else for (const arn of executions) process.stdout.write(`${arn}\n`)
    return 0
  }
  const ends: Followed[] = []
  for (const arn of executions) {
    process.stderr.write(`${arn}\n`)
    const end = await followBackfill(states, arn, { everyMs: every * 1e3, onProgress: teller() })
    process.stderr.write(followedText(end))
    ends.push(end)
  }
  if (json) printJson(ends)
  if (ends.every(({ status, items }) => status === 'SUCCEEDED' && items.total === 0)) nothing('the prefix')
  return ends.every(({ status }) => status === 'SUCCEEDED') ? 0 : 2
}
