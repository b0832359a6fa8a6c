/** Custom sources of Security Lake: list, register, delete. Owns @aws-sdk/client-securitylake. */
import { OcsfLakeError } from '../../errors.js'
import { MAX_CUSTOM_SOURCES, type PlannedSource, type RegistrationPlan } from '../../lake/registration.js'
import { type SecurityLakeTarget, securityLakeTarget } from '../../lake/security-lake.js'
import { isUncertain, isWorthAnotherTry, type SecurityLakeRequest, securityLakeFault } from './security-lake-fault.js'

/** A custom source as Security Lake tells of it. It does not tell event classes, principal or crawler role. */
export interface CustomSource {
  readonly name: string
  readonly version?: string
  readonly region: string
  readonly account: string
  /** `s3://<bucket>/ext/<name>/` */
  readonly location?: string
  /** ARN of the provider role. */
  readonly roleArn?: string
  readonly databaseArn?: string
  readonly tableArn?: string
  readonly crawlerArn?: string
}

export interface ApiOptions {
  /** Tries of a request that meets another change or is throttled: 8 unless said, from 1 s to 30 s apart. */
  readonly attempts?: number
  readonly sleep?: (ms: number) => Promise<void>
  readonly onProgress?: (step: Step) => void
}

/** What happens while a registration goes on. */
export type Step =
  | { readonly kind: 'done'; readonly outcome: SourceOutcome; readonly done: number; readonly of: number }
  | { readonly kind: 'waiting'; readonly name: string; readonly ms: number; readonly why: string }

export type SourceStatus = 'created' | 'exists' | 'deleted' | 'absent' | 'failed' | 'not_tried'

/** What became of one custom source. */
export interface SourceOutcome {
  readonly source: string
  readonly classUid: number
  readonly name: string
  readonly status: SourceStatus
  /** As Security Lake returned it, when it is there. */
  readonly registered?: CustomSource
  /** Why it failed, in one sentence. */
  readonly problem?: string
}

export interface Registration {
  readonly region: string
  readonly account: string
  /** In the order of the plan. After a failure the rest is `not_tried`. */
  readonly outcomes: readonly SourceOutcome[]
  /** What `--security-lake` and the Lambda take: those that are there. Undefined when none is. */
  readonly target?: SecurityLakeTarget
}

/**
 * All custom sources that the account may see, in every region of its lake.
 *
 * @throws OcsfLakeError `peer_missing`, `access_denied`, `credentials_invalid`, `service_failed`
 */
export async function listCustomSources(region: string, options: ApiOptions = {}): Promise<CustomSource[]> {
  return (await open(region, options)).list()
}

/**
 * Registers what is planned and not there yet, one after the other, and stops at the first that fails. What is there
 * already stays as it is.
 *
 * @throws OcsfLakeError before anything is changed: when the list is refused, when the account would have more than 50
 * custom sources, or when one is there with another version
 */
export async function registerCustomSource(plan: RegistrationPlan, options: ApiOptions = {}): Promise<Registration> {
  const { region, account } = plan
  const api = await open(region, options)
  const all = await api.list()
  const there = new Map(all.filter(one => one.region === region).map(one => [one.name, one]))
  const missing = plan.sources.filter(({ request }) => !there.has(request.sourceName))
  const used = all.filter(one => one.account === account).length
  if (used + missing.length > MAX_CUSTOM_SOURCES) {
    throw new OcsfLakeError(
      'option_invalid',
      `Account ${account} has ${used} custom sources and would have ${used + missing.length}, more than the ${MAX_CUSTOM_SOURCES} of an account: register fewer with --source and --class, or delete some (ocsf-lake register --list shows them).`,
    )
  }
  for (const { request } of plan.sources) {
    const one = there.get(request.sourceName)
    if (one === undefined || request.sourceVersion === undefined || one.version === request.sourceVersion) continue
    throw new OcsfLakeError(
      'option_invalid',
      `${one.name} is registered with version ${one.version ?? 'none'}, not ${request.sourceVersion}: leave --source-version out, or delete it first (ocsf-lake register --delete).`,
    )
  }
  const outcomes = await inTurn(plan.sources, options, async planned => {
    const found = there.get(planned.request.sourceName)
    if (found !== undefined) return present('exists', found)
    return api.create(planned)
  })
  const sources = outcomes.flatMap(({ source, classUid, name, registered }) =>
    registered?.location === undefined || registered.roleArn === undefined
      ? []
      : [{ source, classUid, name, location: registered.location, roleArn: registered.roleArn }],
  )
  const { externalId, kmsKey } = plan
  return { region, account, outcomes, target: sources.length === 0 ? undefined : securityLakeTarget({ region, externalId, kmsKey, sources }) }
}

/**
 * Deletes custom sources of the region by name; what is not there is `absent`. Objects, tables, crawlers and roles stay.
 *
 * @throws OcsfLakeError when the list is refused, before anything is changed
 */
export async function deleteCustomSource(
  region: string,
  sources: readonly Pick<SourceOutcome, 'source' | 'classUid' | 'name'>[],
  options: ApiOptions = {},
): Promise<SourceOutcome[]> {
  const api = await open(region, options)
  const there = new Map((await api.list()).filter(one => one.region === region).map(one => [one.name, one]))
  const planned = sources.map(({ source, classUid, name }) => ({ source, classUid, request: { sourceName: name } }))
  return inTurn(planned, options, async ({ request }) => {
    const registered = there.get(request.sourceName)
    if (registered === undefined) return { status: 'absent' }
    return api.remove(registered)
  })
}

type Result = Pick<SourceOutcome, 'status' | 'registered' | 'problem'>
type Named = Pick<PlannedSource, 'source' | 'classUid'> & { readonly request: { readonly sourceName: string } }

/** It is there; without its location nothing can be written to it, which is no reason to stop. */
function present(status: 'created' | 'exists', registered: CustomSource): Result {
  if (registered.location !== undefined && registered.roleArn !== undefined) return { status, registered }
  const problem = 'Security Lake has not told its location and provider role yet: run the same command again in a few minutes.'
  return { status, registered, problem }
}

/** One after the other, since changes side by side conflict; nothing is tried after a failure. */
async function inTurn<One extends Named>(sources: readonly One[], { onProgress }: ApiOptions, act: (one: One) => Promise<Result>): Promise<SourceOutcome[]> {
  const outcomes: SourceOutcome[] = []
  for (const one of sources) {
    const failed = outcomes.some(({ status }) => status === 'failed')
    const result: Result = failed ? { status: 'not_tried' } : await act(one)
    const outcome = { source: one.source, classUid: one.classUid, name: one.request.sourceName, ...result }
    outcomes.push(outcome)
    onProgress?.({ kind: 'done', outcome, done: outcomes.length, of: sources.length })
  }
  return outcomes
}

// ---- the API ----

interface Api {
  list(): Promise<CustomSource[]>
  create(planned: PlannedSource): Promise<Result>
  remove(registered: CustomSource): Promise<Result>
}

const LONGEST_WAIT = 30_000

async function open(region: string, { attempts = 8, sleep = ms => new Promise(done => setTimeout(done, ms)), onProgress }: ApiOptions): Promise<Api> {
  const sdk = await import('@aws-sdk/client-securitylake').catch((cause: unknown) => {
    throw new OcsfLakeError('peer_missing', 'Registration needs the package @aws-sdk/client-securitylake: npm install @aws-sdk/client-securitylake.', { cause })
  })
  const client = new sdk.SecurityLakeClient({ region })

  /** Asks until it is done or no longer worth it. `before` may end the matter before each further try. */
  const ask = async <Answer>(request: SecurityLakeRequest, call: () => Promise<Answer>, before?: () => Promise<Answer | undefined>): Promise<Answer> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        const settled = isUncertain(error) ? await before?.() : undefined
        if (settled !== undefined) return settled
        if (!isWorthAnotherTry(error) || attempt >= attempts) throw securityLakeFault(error, request)
        const { retryAfterSeconds } = error as { readonly retryAfterSeconds?: number } // a member of ThrottlingException
        const ms = retryAfterSeconds === undefined ? Math.min(1000 * 2 ** (attempt - 1), LONGEST_WAIT) * (0.5 + Math.random() / 2) : retryAfterSeconds * 1000
        const why = (error as Error).name === 'ThrottlingException' ? 'Security Lake asks for fewer requests' : 'another change is under way'
        onProgress?.({ kind: 'waiting', name: request.name ?? request.action, ms: Math.round(ms), why })
        await sleep(ms)
      }
    }
  }

  const listOnce = async (): Promise<CustomSource[]> => {
    const found: CustomSource[] = []
    let nextToken: string | undefined
    do {
      const page = await ask({ action: 'ListLogSources', region }, () => client.send(new sdk.ListLogSourcesCommand({ nextToken })))
      for (const { account = '', region: at = '', sources = [] } of page.sources ?? []) {
        for (const { customLogSource } of sources) if (customLogSource !== undefined) found.push(customSource(customLogSource, at, account))
      }
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    return found
  }

  /** What is there under the name, after a request that may or may not have been carried out. */
  const look = async (name: string): Promise<CustomSource | undefined> => (await listOnce()).find(one => one.name === name && one.region === region)

  return {
    list: listOnce,

    async create({ request }) {
      const name = request.sourceName
      const input = { ...request, eventClasses: [...request.eventClasses] }
      try {
        return await ask<Result>(
          { action: 'CreateCustomLogSource', region, name },
          async () => {
            const { source } = await client.send(new sdk.CreateCustomLogSourceCommand(input))
            return present('created', customSource({ sourceName: name, ...source }, region, accountOf(source?.provider?.roleArn)))
          },
          async () => {
            const registered = await look(name)
            return registered && present('exists', registered)
          },
        )
      } catch (error) {
        return { status: 'failed', problem: (error as Error).message }
      }
    },

    async remove(registered) {
      const { name } = registered
      try {
        return await ask<Result>(
          { action: 'DeleteCustomLogSource', region, name },
          async () => {
            await client.send(new sdk.DeleteCustomLogSourceCommand({ sourceName: name }))
            return { status: 'deleted', registered }
          },
          async () => ((await look(name)) === undefined ? { status: 'deleted', registered } : undefined),
        )
      } catch (error) {
        return { status: 'failed', registered, problem: (error as Error).message }
      }
    },
  }
}

/** The part of the SDK's CustomLogSourceResource that is read. */
interface Resource {
  readonly sourceName?: string
  readonly sourceVersion?: string
  readonly provider?: { readonly location?: string; readonly roleArn?: string }
  readonly attributes?: { readonly crawlerArn?: string; readonly databaseArn?: string; readonly tableArn?: string }
}

function customSource({ sourceName = '', sourceVersion, provider, attributes }: Resource, region: string, account: string): CustomSource {
  const { location, roleArn } = provider ?? {}
  return {
    name: sourceName,
    version: sourceVersion,
    region,
    account,
    location: location === undefined ? undefined : `s3://${location.replace(/^s3:\/\//, '').replace(/\/*$/, '')}/`,
    roleArn,
    databaseArn: attributes?.databaseArn,
    tableArn: attributes?.tableArn,
    crawlerArn: attributes?.crawlerArn,
  }
}

const accountOf = (arn: string | undefined): string => arn?.split(':')[4] ?? ''
