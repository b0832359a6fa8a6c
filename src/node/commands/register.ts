/** `ocsf-lake register`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { OcsfLakeError } from '../../errors.js'
import { customSourceName } from '../../lake/object-key.js'
import { planRegistration, type RegistrationPlan } from '../../lake/registration.js'
import { type SecurityLakeTarget, securityLakeTarget } from '../../lake/security-lake.js'
import { type LakeTable, lakeTables } from '../../lake/tables.js'
import { DEFAULT_VERSION, type OcsfVersion, VERSIONS } from '../../ocsf/facts.js'
import { deleteCustomSource, listCustomSources, registerCustomSource, type SourceOutcome, type Step } from '../aws/custom-source.js'
import { chosenClasses, chosenSources } from '../chosen.js'
import { customSourcesText, outcomesText, planText } from '../registration-text.js'
import type { CliCommand } from './command.js'

interface RegisterFlags {
  readonly region?: string
  readonly source?: readonly string[]
  readonly class?: readonly string[]
  readonly ocsf: OcsfVersion
  readonly crawlerRole?: string
  readonly principal?: string
  readonly externalId?: string
  readonly sourceVersion?: string
  readonly kmsKey?: string
  readonly out: string
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly list?: boolean
  readonly delete?: boolean
  readonly json?: boolean
}

export const register: CliCommand<RegisterFlags> = {
  name: 'register',
  text: 'plan, make, list or delete the custom sources of Amazon Security Lake',
  options: [
    { flags: '--region <region>', text: 'region of the lake (default: AWS_REGION)' },
    { flags: '-s, --source <ids...>', text: 'sources to register' },
    { flags: '-c, --class <classes...>', text: 'their classes, by uid or name, e.g. 4001 or network_activity (default: all)' },
    { flags: '--ocsf <version>', text: 'OCSF version to be written; Security Lake takes 1.1.0 and 1.3.0', choices: VERSIONS, default: DEFAULT_VERSION },
    { flags: '--crawler-role <arn>', text: 'role that Glue crawls with, in the account of the lake' },
    { flags: '--principal <account>', text: 'account that will write: the provider roles trust it' },
    { flags: '--external-id <id>', text: 'what the writer says when it assumes a provider role' },
    { flags: '--source-version <version>', text: 'version of the custom sources' },
    { flags: '--kms-key <arn>', text: 'key of a lake that has its own' },
    { flags: '-o, --out <file>', text: 'where what was registered is written, for --security-lake', default: 'security-lake.json' },
    { flags: '--dry-run', text: 'print the calls, roles and policies, and ask nothing of AWS; so it is without --yes' },
    { flags: '--yes', text: 'do it' },
    { flags: '--list', text: 'list the custom sources that are there' },
    { flags: '--delete', text: 'delete the custom sources of --source and --class; their objects, tables and roles stay' },
    { flags: '--json', text: 'print the plan, the list or what became of each as JSON on standard output' },
  ],
  help: `
Without --yes or --list nothing is sent to AWS. One custom source is made for each source and class, named like
vpc-flow-4001. What is there already stays as it is, so the same command can be run again.

Examples:
  $ ocsf-lake register --region eu-central-1 --source vpc-flow --crawler-role arn:aws:iam::123456789012:role/lake-crawler \\
      --principal 123456789012 --external-id my-external-id
  $ ocsf-lake register --region eu-central-1 --source vpc-flow --crawler-role arn:aws:iam::123456789012:role/lake-crawler \\
      --principal 123456789012 --external-id my-external-id --yes --out security-lake.json
  $ ocsf-lake register --region eu-central-1 --list
  $ ocsf-lake register --region eu-central-1 --source vpc-flow --delete --yes

Exit codes: 0 done, or planned; 1 something to change in the call or in AWS, nothing was changed; 2 it stopped in the
middle: the text or --json says what is there.`,

  async run(_args, flags) {
    const region = flags.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? need('the region of the lake', '--region eu-central-1')
    if (flags.yes && flags.dryRun) refuse('--dry-run asks nothing of AWS and --yes does: give one of them.')
    if (flags.list && (flags.delete || flags.yes || flags.dryRun)) refuse('--list only reads: leave --delete, --yes and --dry-run out.')
    if (flags.list) return list(region, flags)
    if (flags.source === undefined) need('what to register', '--source vpc-flow')
    const tables = chosenClasses((await Promise.all(chosenSources(flags.source).map(one => lakeTables(one, flags.ocsf)))).flat(), flags.class, flags.ocsf)
    if (flags.delete) return remove(region, tables, flags)
    const plan = planRegistration({
      tables,
      region,
      crawlerRole: flags.crawlerRole ?? need('the role that Glue crawls with', '--crawler-role arn:aws:iam::123456789012:role/lake-crawler'),
      principal: flags.principal ?? need('the account that will write', '--principal 123456789012'),
      externalId: flags.externalId ?? need('the external id', '--external-id my-external-id'),
      sourceVersion: flags.sourceVersion,
      kmsKey: flags.kmsKey,
    })
    return flags.yes ? make(plan, flags) : show(plan, flags)
  },
}

function refuse(sentence: string): never {
  throw new OcsfLakeError('option_invalid', sentence)
}

function need(what: string, example: string): never {
  refuse(`Say ${what}: ${example}.`)
}

const printJson = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

function show(plan: RegistrationPlan, { json }: RegisterFlags): number {
  if (json) printJson(plan)
  else process.stdout.write(planText(plan))
  return 0
}

async function list(region: string, { json }: RegisterFlags): Promise<number> {
  const sources = await listCustomSources(region, { onProgress })
  if (json) printJson(sources)
  else process.stdout.write(customSourcesText(sources))
  return 0
}

async function make(plan: RegistrationPlan, { out, json }: RegisterFlags): Promise<number> {
  const before = earlier(out, plan) // refused before anything is asked of AWS
  const { outcomes, target } = await registerCustomSource(plan, { onProgress })
  if (target !== undefined) {
    const kept = before.filter(one => !target.sources.some(({ source, classUid }) => source === one.source && classUid === one.classUid))
    write(out, { ...target, sources: [...kept, ...target.sources] })
  }
  if (json) printJson(outcomes)
  process.stderr.write(outcomesText(outcomes, target === undefined ? undefined : out))
  return exitCode(outcomes)
}

async function remove(region: string, tables: readonly LakeTable[], { yes, json }: RegisterFlags): Promise<number> {
  const sources = tables.map(({ source, classUid }) => ({ source: source.id, classUid, name: customSourceName(source, classUid) }))
  if (!yes) {
    if (json) printJson(sources)
    else process.stdout.write(`With --yes these custom sources of ${region} are deleted:\n${sources.map(({ name }) => `  ${name}\n`).join('')}`)
    return 0
  }
  const outcomes = await deleteCustomSource(region, sources, { onProgress })
  if (json) printJson(outcomes)
  process.stderr.write(outcomesText(outcomes, undefined))
  return exitCode(outcomes)
}

function write(file: string, target: SecurityLakeTarget): void {
  try {
    writeFileSync(file, `${JSON.stringify(target, null, 2)}\n`)
  } catch (cause) {
    const why = (cause as Error).message // writeFileSync throws nothing else
    throw new OcsfLakeError(
      'output_unwritable',
      `The custom sources are registered, but ${file} cannot be written (${why}): run the same command again with another --out.`,
      {
        cause,
      },
    )
  }
}

/** The sources that the file holds from earlier, which one lake and one external id must be common to. */
function earlier(file: string, { region, externalId }: RegistrationPlan): SecurityLakeTarget['sources'] {
  if (!existsSync(file)) return []
  let target: SecurityLakeTarget
  try {
    target = securityLakeTarget(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new OcsfLakeError('output_unwritable', `${file} is there and holds something else: give another --out.`, { cause })
  }
  if (target.region !== region || target.externalId !== externalId) {
    throw new OcsfLakeError('output_unwritable', `${file} holds a lake with another region or external id: give another --out.`)
  }
  return target.sources
}

function exitCode(outcomes: readonly SourceOutcome[]): number {
  if (outcomes.every(({ problem, status }) => problem === undefined && status !== 'not_tried')) return 0
  return outcomes.some(({ status }) => status === 'created' || status === 'exists' || status === 'deleted') ? 2 : 1
}

function onProgress(step: Step): void {
  if (step.kind === 'waiting') {
    process.stderr.write(`${step.name}: ${step.why}, trying again in ${(step.ms / 1000).toFixed(0)} s\n`)
    return
  }
  const { outcome, done, of } = step
  if (of > 1) process.stderr.write(`${done}/${of} ${outcome.name}: ${outcome.status.replace('_', ' ')}\n`)
}
