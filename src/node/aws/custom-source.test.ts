/** Registration with the real SDK client against a server that checks each request as Security Lake's model has it. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { planRegistration, type RegistrationOptions } from '../../lake/registration.js'
import { securityLakeTarget } from '../../lake/security-lake.js'
import { lakeTables } from '../../lake/tables.js'
import { SOURCES } from '../../sources/index.js'
import { bin } from '../testing.js'
import { deleteCustomSource, listCustomSources, registerCustomSource, type Step } from './custom-source.js'

// ---- the service ----

type Obj = Readonly<Record<string, unknown>>
interface Request {
  readonly action: string
  readonly body: Obj
  readonly sourceName: string
}
interface Answer {
  readonly status: number
  readonly error: string
  readonly body?: Obj
  /** Carried out although the answer is an error. */
  readonly done?: boolean
}

/** Patterns and lengths of the published model (smithy, 2018-05-10). */
const NAME = /^[\w\-_:.]{1,64}$/
const VERSION = /^[A-Za-z0-9\-._]{1,32}$/
const EVENT_CLASS = /^[A-Z_0-9]+$/
const ROLE_ARN = /^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/
const PRINCIPAL = /^([0-9]{12}|[a-z0-9.-]*\.(amazonaws|amazon)\.com)$/
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/

const bucket = (region: string) => `aws-security-data-lake-${region}-0123456789abcdefghijklmnopqrst`
const stored = (name: string, region = 'eu-central-1', account = '123456789012', version?: string) => ({
  region,
  account,
  resource: {
    sourceName: name,
    ...(version === undefined ? {} : { sourceVersion: version }),
    provider: { roleArn: `arn:aws:iam::${account}:role/AmazonSecurityLake-Provider-${name}-${region}`, location: `s3://${bucket(region)}/ext/${name}/` },
    attributes: {
      crawlerArn: `arn:aws:glue:${region}:${account}:crawler/${name}`,
      databaseArn: `arn:aws:glue:${region}:${account}:database/amazon_security_lake_glue_db_${region.replaceAll('-', '_')}`,
      tableArn: `arn:aws:glue:${region}:${account}:table/amazon_security_lake_table_${name.replaceAll('-', '_')}`,
    },
  },
})

let server: Server
let sources: ReturnType<typeof stored>[]
let requests: Request[]
/** Looked at before the request is carried out; the first answer wins. */
let faults: ((request: Request) => Answer | undefined)[]
let pageSize: number
let folder: string

/** What is wrong with a request, or its action. */
function check(method: string, url: URL, body: Obj, authorization: string): Request | string {
  if (!/\/eu-central-1\/securitylake\/aws4_request/.test(authorization)) return `signed for something else: ${authorization}`
  const only = (value: Obj, ...members: string[]): string | undefined => Object.keys(value).find(member => !members.includes(member))
  const remove = /^\/v1\/datalake\/logsources\/custom\/([^/]+)$/.exec(url.pathname)
  if (method === 'DELETE' && remove !== null) {
    const sourceName = decodeURIComponent(remove[1]!)
    return NAME.test(sourceName) ? { action: 'DeleteCustomLogSource', body, sourceName } : 'sourceName'
  }
  if (method === 'POST' && url.pathname === '/v1/datalake/logsources/list') {
    return only(body, 'accounts', 'regions', 'sources', 'maxResults', 'nextToken') ?? { action: 'ListLogSources', body, sourceName: '' }
  }
  if (method !== 'POST' || url.pathname !== '/v1/datalake/logsources/custom') return `${method} ${url.pathname}`
  const { sourceName, sourceVersion, eventClasses = [], configuration } = body as Record<string, never>
  const { crawlerConfiguration, providerIdentity } = (configuration ?? {}) as Record<string, Obj>
  const wrong = only(body, 'sourceName', 'sourceVersion', 'eventClasses', 'configuration')
  if (wrong !== undefined) return wrong
  if (!NAME.test(sourceName ?? '') || String(sourceName).length > 20) return 'sourceName'
  if (sourceVersion !== undefined && !VERSION.test(sourceVersion)) return 'sourceVersion'
  if (!(eventClasses as unknown[]).every(one => EVENT_CLASS.test(String(one)))) return 'eventClasses'
  if (!ROLE_ARN.test(String(crawlerConfiguration?.roleArn))) return 'crawlerConfiguration.roleArn'
  if (!PRINCIPAL.test(String(providerIdentity?.principal))) return 'providerIdentity.principal'
  if (!EXTERNAL_ID.test(String(providerIdentity?.externalId))) return 'providerIdentity.externalId'
  return { action: 'CreateCustomLogSource', body, sourceName: String(sourceName) }
}

function carryOut({ action, body, sourceName }: Request): Obj {
  if (action === 'CreateCustomLogSource') {
    const source = stored(sourceName, 'eu-central-1', '123456789012', body.sourceVersion as string | undefined)
    sources.push(source)
    return { source: source.resource }
  }
  if (action === 'DeleteCustomLogSource') {
    sources = sources.filter(({ resource, region }) => resource.sourceName !== sourceName || region !== 'eu-central-1')
    return {}
  }
  const from = Number(body.nextToken ?? 0)
  const page = sources.slice(from, from + pageSize)
  return {
    sources: [
      { account: '123456789012', region: 'eu-central-1', sources: [{ awsLogSource: { sourceName: 'VPC_FLOW', sourceVersion: '2.0' } }] },
      ...page.map(({ account, region, resource }) => ({ account, region, sources: [{ customLogSource: resource }] })),
    ],
    ...(from + pageSize < sources.length ? { nextToken: String(from + pageSize) } : {}),
  }
}

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const request = check(
      incoming.method!,
      new URL(incoming.url!, 'http://localhost'),
      text === '' ? {} : JSON.parse(text),
      incoming.headers.authorization ?? '',
    )
    const answer = (status: number, body: Obj, error?: string) => {
      outgoing.writeHead(status, { 'content-type': 'application/json', ...(error === undefined ? {} : { 'x-amzn-errortype': error }) })
      outgoing.end(JSON.stringify(body))
    }
    if (typeof request === 'string') return answer(400, { message: `1 validation error detected: ${request}` }, 'BadRequestException')
    requests.push(request)
    const fault = faults.map(one => one(request)).find(one => one !== undefined)
    if (fault === undefined) return answer(200, carryOut(request))
    if (fault.done) carryOut(request)
    answer(fault.status, { message: 'because', ...fault.body }, fault.error)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  process.env.AWS_ENDPOINT_URL_SECURITYLAKE = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.AWS_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
  process.env.AWS_SECRET_ACCESS_KEY = 'example'
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-register-'))
  sources = []
  requests = []
  faults = []
  pageSize = 100
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const times = (count: number, on: (request: Request) => boolean, answer: Answer) => (request: Request) => (on(request) && count-- > 0 ? answer : undefined)
const creates = (request: Request) => request.action === 'CreateCustomLogSource'
const calls = () => requests.map(({ action, sourceName }) => `${action} ${sourceName}`.trim())

// ---- the library ----

const OPTIONS = {
  region: 'eu-central-1',
  crawlerRole: 'arn:aws:iam::123456789012:role/lake/crawler',
  principal: '123456789012',
  externalId: 'my-external-id',
}

async function plan(ids: readonly string[], more: Partial<RegistrationOptions> = {}, ocsf: '1.1.0' | '1.3.0' | '1.5.0' = '1.1.0') {
  const tables = (await Promise.all(ids.map(id => lakeTables(SOURCES.find(source => source.id === id)!, ocsf)))).flat()
  return planRegistration({ ...OPTIONS, tables, ...more })
}

const waits: number[] = []
const quick = {
  sleep: async (ms: number) => {
    waits.push(ms)
  },
}

describe('registerCustomSource', () => {
  it('makes one custom source of each source and class, and returns where each writes', async () => {
    const { outcomes, target } = await registerCustomSource(await plan(['vpc-flow', 'tgw-flow'], { sourceVersion: '1.0' }))
    expect(calls()).toEqual(['ListLogSources', 'CreateCustomLogSource vpc-flow-4001', 'CreateCustomLogSource tgw-flow-4001'])
    expect(requests[1]!.body).toEqual({
      sourceName: 'vpc-flow-4001',
      sourceVersion: '1.0',
      eventClasses: ['NETWORK_ACTIVITY'],
      configuration: { crawlerConfiguration: { roleArn: OPTIONS.crawlerRole }, providerIdentity: { principal: '123456789012', externalId: 'my-external-id' } },
    })
    expect(outcomes.map(({ name, status }) => `${name} ${status}`)).toEqual(['vpc-flow-4001 created', 'tgw-flow-4001 created'])
    expect(target).toEqual({
      region: 'eu-central-1',
      externalId: 'my-external-id',
      sources: ['vpc-flow', 'tgw-flow'].map(source => ({
        source,
        classUid: 4001,
        name: `${source}-4001`,
        location: `s3://${bucket('eu-central-1')}/ext/${source}-4001/`,
        roleArn: `arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-${source}-4001-eu-central-1`,
      })),
    })
    expect(securityLakeTarget(JSON.parse(JSON.stringify(target)))).toEqual(target)
  })

  it('names every class of every built-in source as Security Lake does', async () => {
    for (const version of ['1.1.0', '1.3.0'] as const) {
      for (const { id } of SOURCES) {
        const tables = await lakeTables(SOURCES.find(source => source.id === id)!, version)
        sources = []
        const planned = planRegistration({ ...OPTIONS, tables })
        const { outcomes } = await registerCustomSource(planned)
        expect(outcomes.map(({ status }) => status)).toEqual(tables.map(() => 'created'))
      }
    }
  })

  it('leaves what is there as it is, on whatever page of the list', async () => {
    sources = [...Array.from({ length: 7 }, (_, n) => stored(`other-${n}`)), stored('vpc-flow-4001')]
    pageSize = 3
    const { outcomes, target } = await registerCustomSource(await plan(['vpc-flow', 'tgw-flow']))
    expect(calls()).toEqual(['ListLogSources', 'ListLogSources', 'ListLogSources', 'CreateCustomLogSource tgw-flow-4001'])
    expect(outcomes.map(({ status }) => status)).toEqual(['exists', 'created'])
    expect(target!.sources).toHaveLength(2)
    const again = await registerCustomSource(await plan(['vpc-flow', 'tgw-flow']))
    expect(again.outcomes.map(({ status }) => status)).toEqual(['exists', 'exists'])
    expect(again.target).toEqual(target)
  })

  it('does not take a source of another region for its own', async () => {
    sources = [stored('vpc-flow-4001', 'us-east-1')]
    const { outcomes } = await registerCustomSource(await plan(['vpc-flow']))
    expect(outcomes.map(({ status }) => status)).toEqual(['created'])
  })

  it('refuses another version of what is there, before it changes anything', async () => {
    sources = [stored('tgw-flow-4001', 'eu-central-1', '123456789012', '1.0')]
    await expect(registerCustomSource(await plan(['vpc-flow', 'tgw-flow'], { sourceVersion: '2.0' }))).rejects.toThrow(
      'tgw-flow-4001 is registered with version 1.0, not 2.0: leave --source-version out, or delete it first',
    )
    expect(calls()).toEqual(['ListLogSources'])
  })

  it('refuses to pass 50 custom sources of the account, counting all its regions and no other account', async () => {
    const many = (count: number, region: string, account: string) => Array.from({ length: count }, (_, n) => stored(`${region}-${n}`, region, account))
    sources = [...many(25, 'eu-central-1', '123456789012'), ...many(24, 'us-east-1', '123456789012'), ...many(30, 'eu-central-1', '210987654321')]
    await expect(registerCustomSource(await plan(['vpc-flow', 'tgw-flow']))).rejects.toThrow(
      'Account 123456789012 has 49 custom sources and would have 51, more than the 50 of an account',
    )
    expect(sources).toHaveLength(79)
    const { outcomes } = await registerCustomSource(await plan(['vpc-flow']))
    expect(outcomes.map(({ status }) => status)).toEqual(['created']) // the fiftieth
  })

  it('tries again after conflicts and throttling, later each time, as long as Security Lake asks', async () => {
    waits.length = 0
    faults = [
      times(3, creates, { status: 409, error: 'ConflictException', body: { resourceName: 'vpc-flow-4001', resourceType: 'CustomLogSource' } }),
      times(9, ({ action }) => action === 'ListLogSources' && requests.length < 4, {
        status: 429,
        error: 'ThrottlingException',
        body: { retryAfterSeconds: 7 },
      }),
    ]
    const steps: Step[] = []
    const { outcomes } = await registerCustomSource(await plan(['vpc-flow']), { ...quick, onProgress: step => steps.push(step) })
    expect(outcomes.map(({ status }) => status)).toEqual(['created'])
    expect(waits[0]).toBe(7000)
    expect(waits.slice(-3).map((ms, n) => ms >= 500 * 2 ** n && ms <= 1000 * 2 ** n)).toEqual([true, true, true])
    expect(steps.filter(({ kind }) => kind === 'waiting').at(-1)).toMatchObject({ name: 'vpc-flow-4001', why: 'another change is under way' })
  })

  it('finds what a request has made although its answer was an error', async () => {
    faults = [times(1, creates, { status: 409, error: 'ConflictException', done: true })]
    const { outcomes, target } = await registerCustomSource(await plan(['vpc-flow']), quick)
    expect(outcomes.map(({ status }) => status)).toEqual(['exists'])
    expect(target!.sources).toHaveLength(1)
    expect(calls()).toEqual(['ListLogSources', 'CreateCustomLogSource vpc-flow-4001', 'ListLogSources'])
  })

  it('gives up after its tries and says what to do', async () => {
    faults = [times(99, creates, { status: 409, error: 'ConflictException' })]
    const { outcomes, target } = await registerCustomSource(await plan(['vpc-flow']), { ...quick, attempts: 3 })
    expect(outcomes[0]).toMatchObject({
      status: 'failed',
      problem: expect.stringMatching(/^CreateCustomLogSource of vpc-flow-4001 met other changes again and again: wait/),
    })
    expect(requests.filter(creates)).toHaveLength(3)
    expect(target).toBeUndefined()
  })

  it('stops at a failure in the middle, with an account of what is there and what was not tried', async () => {
    faults = [
      times(1, ({ sourceName }) => sourceName === 'tgw-flow-4001', {
        status: 403,
        error: 'AccessDeniedException',
        body: { message: 'User: arn:aws:iam::123456789012:user/alice is not authorized to perform: glue:CreateCrawler on resource: x', errorCode: '403' },
      }),
    ]
    const planned = await plan(['vpc-flow', 'tgw-flow', 'cloudtrail'])
    const { outcomes, target } = await registerCustomSource(planned)
    expect(outcomes.map(({ status }) => status)).toEqual(['created', 'failed', ...planned.sources.slice(2).map(() => 'not_tried')])
    expect(outcomes[1]!.problem).toMatch(/^CreateCustomLogSource of tgw-flow-4001 was denied: allow glue:CreateCrawler to whoever runs this/)
    expect(target!.sources.map(({ name }) => name)).toEqual(['vpc-flow-4001'])
    const rest = await registerCustomSource(planned)
    expect(rest.outcomes.map(({ status }) => status)).toEqual(['exists', ...planned.sources.slice(1).map(() => 'created')])
  })

  it('says so when Security Lake tells no location', async () => {
    sources = [{ ...stored('vpc-flow-4001'), resource: { sourceName: 'vpc-flow-4001' } as never }]
    const { outcomes, target } = await registerCustomSource(await plan(['vpc-flow']))
    expect(outcomes[0]).toMatchObject({ status: 'exists', problem: expect.stringContaining('has not told its location') })
    expect(target).toBeUndefined()
  })

  it.each([
    [403, 'AccessDeniedException', 'access_denied', 'ListLogSources was denied: allow securitylake:ListLogSources'],
    [404, 'ResourceNotFoundException', 'service_failed', 'found no lake: enable Security Lake in eu-central-1'],
    [400, 'BadRequestException', 'service_failed', 'was refused as malformed: check the crawler role'],
    [409, 'ConflictException', 'service_failed', 'met other changes again and again'],
    [429, 'ThrottlingException', 'service_failed', 'was throttled again and again: wait a few minutes'],
    [500, 'InternalServerException', 'service_failed', 'failed inside Security Lake: run this again'],
    [403, 'ExpiredTokenException', 'credentials_invalid', 'needs credentials that are valid now: sign in again'],
    [403, 'UnrecognizedClientException', 'credentials_invalid', 'needs credentials that are valid now'],
    [418, 'TeapotException', 'service_failed', 'failed: see what Security Lake said (TeapotException'],
  ])('explains %i %s in one sentence that says what to do', async (status, error, code, sentence) => {
    faults = [() => ({ status, error })]
    const thrown = await listCustomSources('eu-central-1', { ...quick, attempts: 2 }).catch((one: unknown) => one)
    expect(thrown).toMatchObject({ name: 'OcsfLakeError', code })
    const { message } = thrown as Error
    expect(message).toContain(sentence)
    expect(message).toContain('because') // what the service said
    expect(message.match(/[.!?](?= |$)/g)).toHaveLength(1)
  })
})

describe('deleteCustomSource', () => {
  it('deletes what is there and says what was not', async () => {
    sources = [stored('vpc-flow-4001'), stored('vpc-flow-4001', 'us-east-1')]
    faults = [times(1, ({ action }) => action === 'DeleteCustomLogSource', { status: 409, error: 'ConflictException' })]
    const named = ['vpc-flow', 'tgw-flow'].map(source => ({ source, classUid: 4001, name: `${source}-4001` }))
    const outcomes = await deleteCustomSource('eu-central-1', named, quick)
    expect(outcomes.map(({ status }) => status)).toEqual(['deleted', 'absent'])
    expect(sources.map(({ region }) => region)).toEqual(['us-east-1'])
  })
})

// ---- the command ----

function ocsfLake(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise(done => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, AWS_REGION: 'eu-central-1' } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += String(chunk)
    })
    child.stderr.on('data', chunk => {
      stderr += String(chunk)
    })
    child.on('close', status => done({ status, stdout, stderr }))
  })
}

const FLAGS = ['--crawler-role', OPTIONS.crawlerRole, '--principal', OPTIONS.principal, '--external-id', OPTIONS.externalId]
const FILE = 'security-lake.json'

describe('ocsf-lake register', () => {
  it('asks nothing of AWS and writes nothing without --yes', async () => {
    for (const more of [[], ['--dry-run']]) {
      const { status, stdout } = await ocsfLake('register', '-s', 'vpc-flow', ...FLAGS, ...more)
      expect(status).toBe(0)
      for (const part of [
        'vpc-flow-4001',
        'NETWORK_ACTIVITY',
        'glue.amazonaws.com',
        'sts:ExternalId',
        'securitylake:CreateCustomLogSource',
        'To do it, add --yes',
      ]) {
        expect(stdout).toContain(part)
      }
    }
    const deletion = await ocsfLake('register', '-s', 'vpc-flow', '--delete')
    expect(deletion).toMatchObject({ status: 0, stdout: expect.stringContaining('With --yes these custom sources of eu-central-1 are deleted') })
    expect(requests).toEqual([])
    expect(existsSync(join(folder, FILE))).toBe(false)
  })

  it('registers with --yes, adds to the file that convert takes, lists, and deletes', async () => {
    const first = await ocsfLake('register', '-s', 'vpc-flow', ...FLAGS, '--yes')
    expect(first).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('Written to security-lake.json') })
    const second = await ocsfLake('register', '-s', 'tgw-flow', ...FLAGS, '--yes', '--json')
    expect(JSON.parse(second.stdout)).toMatchObject([{ name: 'tgw-flow-4001', status: 'created' }])
    const target = securityLakeTarget(JSON.parse(readFileSync(join(folder, FILE), 'utf8')))
    expect(target.sources.map(({ name }) => name)).toEqual(['vpc-flow-4001', 'tgw-flow-4001'])
    const listed = await ocsfLake('register', '--list')
    expect(listed.stdout).toMatch(/^custom source +version +region +account +location\ntgw-flow-4001 .*\nvpc-flow-4001 +- +eu-central-1 +123456789012 +s3:/)
    const deleted = await ocsfLake('register', '-s', 'vpc-flow', '--delete', '--yes')
    expect(deleted).toMatchObject({ status: 0, stderr: expect.stringContaining('Objects, Glue tables, crawlers and roles stay') })
    expect(sources.map(({ resource }) => resource.sourceName)).toEqual(['tgw-flow-4001'])
  })

  it('ends with 2 when it stopped in the middle, and keeps what is there in the file', async () => {
    faults = [times(1, ({ sourceName }) => sourceName === 'tgw-flow-4001', { status: 400, error: 'BadRequestException' })]
    const { status, stderr } = await ocsfLake('register', '-s', 'vpc-flow', 'tgw-flow', 'cloudtrail', '-c', '4001', '6003', ...FLAGS, '--yes')
    expect(status).toBe(2)
    expect(stderr).toMatch(/vpc-flow-4001 +created[\s\S]*tgw-flow-4001 +failed[\s\S]*cloudtrail-6003 +not tried/)
    expect(stderr).toContain('Run the same command again for the rest')
    expect(securityLakeTarget(JSON.parse(readFileSync(join(folder, FILE), 'utf8'))).sources).toHaveLength(1)
  })

  it.each([
    [['-s', 'vpc-flow'], 'Say the role that Glue crawls with'],
    [[...FLAGS], 'Say what to register'],
    [['-s', 'vpc-flow', ...FLAGS, '--yes', '--dry-run'], 'give one of them'],
    [['--list', '--yes'], '--list only reads'],
    [
      ['-s', 'vpc-flow', ...FLAGS, '--ocsf', '1.5.0'],
      'Security Lake takes OCSF 1.3 and earlier from custom sources: use --ocsf 1.1.0 or 1.3.0, or write 1.5.0 to a lake of your own',
    ],
    [['-s', 'vpc-flow', ...FLAGS, '--external-id', '!'], 'external id must have'],
    [['-s', 'vpc-flow', ...FLAGS, '--principal', 'alice'], 'no principal'],
    [['-s', 'vpc-flow', ...FLAGS, '--crawler-role', 'crawler'], 'no role'],
  ])('refuses %j in one sentence', async (args, sentence) => {
    const { status, stderr } = await ocsfLake('register', ...args)
    expect(status).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(requests).toEqual([])
  })

  it('says that the sources are there when the file cannot be written', async () => {
    const { status, stderr } = await ocsfLake('register', '-s', 'vpc-flow', ...FLAGS, '--yes', '--out', 'no/such/folder.json')
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /The custom sources are registered, but no\/such\/folder\.json cannot be written .*: run the same command again with another --out\.\n$/,
    )
    expect(sources).toHaveLength(1)
  })

  it('does not write over a file of another lake, nor ask AWS before it knows', async () => {
    writeFileSync(join(folder, FILE), '{"name":"something else"}')
    expect(await ocsfLake('register', '-s', 'vpc-flow', ...FLAGS, '--yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('holds something else'),
    })
    expect(requests).toEqual([])
  })
})
