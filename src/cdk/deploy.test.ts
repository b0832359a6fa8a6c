/** The app in docs/deploy: synthesised as its commands do it, without a network, and its function run under its policy. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listening, type RunningServer } from '../node/aws/testing.js'
import { COMMANDS } from '../node/commands/index.js'
import { readable, type Statement, statementsOf, type TemplateJson } from './testing.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/deploy/README.md'), 'utf8')
const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1]!)
const PROVIDER = 'arn:aws:iam::123456789012:role/provider'
const description = {
  region: 'eu-central-1',
  externalId: 'my-external-id',
  sources: [{ source: 'vpc-flow', classUid: 4001, name: 'vpc-flow-4001', location: 's3://security/ext/vpc-flow-4001/', roleArn: PROVIDER }],
}

let folder: string
let app: Synthesised
let security: Synthesised
let server: RunningServer

interface Synthesised {
  readonly template: TemplateJson
  /** The bundle of the function. */
  readonly bundle: string
}

interface Ended {
  readonly status: number | null
  readonly text: string
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(command, [...args], { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += String(chunk)
    })
  }
  return new Promise(resolve => child.on('close', status => resolve({ status, text })))
}

/** What `cdk synth` does: runs a command with the context of cdk.json, and reads what it left. */
async function synth(command: string, context: object, name: string): Promise<Synthesised> {
  const out = join(folder, `${name}.out`)
  // npx must find tsx here, and the construct esbuild: nothing is fetched, nor taken from an npm exec that runs the tests
  const env = {
    CDK_OUTDIR: out,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    npm_config_offline: 'true',
    npm_config_package: '',
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
  }
  const { status, text } = await run('sh', ['-c', command], env)
  if (status !== 0) throw new Error(text)
  const template = readable(JSON.parse(readFileSync(join(out, 'OcsfLake.template.json'), 'utf8')))
  const { S3Key } = template.Resources.LakeFunction!.Properties.Code as { S3Key: string }
  return { template, bundle: join(out, `asset.${S3Key.replace('.zip', '')}`, 'index.mjs') }
}

beforeAll(async () => {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'deploy-'))
  cpSync(join(root, 'docs/deploy'), folder, { recursive: true })
  // The package as it is installed, but from its sources: the folder of the app has no build of it.
  const installed = join(folder, 'node_modules/ocsf-lake')
  mkdirSync(installed, { recursive: true })
  symlinkSync(join(root, 'src'), join(installed, 'src'))
  const doors = {
    './cdk': './src/cdk/index.ts',
    './lake': './src/lake/index.ts',
    './lambda': './src/node/lambda/index.ts',
    './sources/*': './src/sources/*.ts',
  }
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'ocsf-lake', type: 'module', exports: doors }))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(join(folder, 'security-lake.json'), JSON.stringify(description))
  const { app: command, context } = JSON.parse(readFileSync(join(folder, 'cdk.json'), 'utf8')) as { app: string; context: object }
  app = await synth(command, context, 'app')
  const [given = '', intoSecurityLake = '', itsHandler = ''] = snippets
  writeFileSync(join(folder, 'given.ts'), given)
  writeFileSync(join(folder, 'security-lake.ts'), intoSecurityLake)
  writeFileSync(join(folder, 'handler.ts'), itsHandler)
  const second = `await import('./security-lake.ts'); process.env.CDK_OUTDIR = 'given.out'; await import('./given.ts')`
  security = await synth(`node --import tsx -e "${second}"`, context, 'security-lake')
  server = await listening(createServer((request, response) => void serve(request, response)))
}, 180_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('the app', () => {
  it('synthesises one stack, whose function is bundled for Lambda', () => {
    expect(Object.values(app.template.Resources).filter(({ Type }) => Type.startsWith('Custom::'))).toEqual([])
    expect(app.template.Resources.LakeFunction!.Properties).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs22.x', Architectures: ['arm64'] })
    const code = readFileSync(app.bundle, 'utf8')
    expect(code.length).toBeLessThan(800_000)
    expect(code).toContain('@aws-sdk/client-s3')
    expect(readdirSync(join(app.bundle, '..'))).toEqual(['index.mjs'])
  })

  it('lets vended logs of the account be delivered below AWSLogs', () => {
    const { Statement } = app.template.Resources.LakeLogsPolicy!.Properties.PolicyDocument as { Statement: readonly Statement[] }
    const account = '<AWS::AccountId>'
    const source = { 'aws:SourceArn': `arn:<AWS::Partition>:logs:<AWS::Region>:${account}:*` }
    const principal = { Effect: 'Allow', Principal: { Service: 'delivery.logs.amazonaws.com' } }
    expect(Statement.filter(({ Effect }) => Effect === 'Allow')).toEqual([
      {
        ...principal,
        Sid: 'AWSLogDeliveryWrite',
        Action: 's3:PutObject',
        Resource: `<LakeLogs.Arn>/AWSLogs/${account}/*`,
        Condition: { ArnLike: source, StringEquals: { 'aws:SourceAccount': account, 's3:x-amz-acl': 'bucket-owner-full-control' } },
      },
      {
        ...principal,
        Sid: 'AWSLogDeliveryAclCheck',
        Action: 's3:GetBucketAcl',
        Resource: '<LakeLogs.Arn>',
        Condition: { ArnLike: source, StringEquals: { 'aws:SourceAccount': account } },
      },
    ])
  })

  it('and the snippets of its page synthesise', () => {
    const { Resources } = readable(JSON.parse(readFileSync(join(folder, 'given.out/OcsfLake.template.json'), 'utf8')))
    expect(Resources.LakeFunction!.Properties).toMatchObject({ Timeout: 600, ReservedConcurrentExecutions: 100 })
    expect(Object.values(Resources).filter(({ Type }) => Type === 'AWS::S3::Bucket')).toHaveLength(1) // the dead letters
    expect(security.template.Resources.LakeFunction!.Properties.Timeout).toBe(300)
  })

  it('and the snippets of its page type-check', async () => {
    const names = [...snippets.keys()].map(n => `snippet-${n}.ts`)
    for (const [n, name] of names.entries()) writeFileSync(join(folder, name), snippets[n]!)
    const paths = {
      'ocsf-lake/cdk': ['cdk/index.ts'],
      'ocsf-lake/lake': ['lake/index.ts'],
      'ocsf-lake/lambda': ['node/lambda/index.ts'],
      'ocsf-lake/sources/*': ['sources/*.ts'],
    }
    const compilerOptions = {
      resolveJsonModule: true,
      paths: Object.fromEntries(Object.entries(paths).map(([name, [path]]) => [name, [join(root, 'src', path!)]])),
    }
    const include = ['app.ts', ...names, join(root, 'src/**/*.d.ts')]
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include }))
    expect(await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])).toEqual({ status: 0, text: '' })
  }, 120_000)
})

describe('the page', () => {
  it('names commands and options that exist', () => {
    const commands = [...page.matchAll(/(?:^|`)(ocsf-lake (?:backfill|replay) [^`\n]*)/gm)].map(([, command = '']) => command.split(' '))
    expect(commands.length).toBeGreaterThan(4)
    for (const [, verb = '', ...rest] of commands) {
      const known = COMMANDS.find(({ name }) => name === verb)?.options.flatMap(({ flags }) => /--[\w-]+/.exec(flags) ?? [])
      for (const option of rest.filter(word => word.startsWith('--'))) expect(known, verb).toContain(option)
    }
  })
})

// ---- a server that knows the policy ----

interface Call {
  readonly command: string
  readonly action: string
  readonly arn: string
  /** The statement that allowed it. */
  readonly sid: string | undefined
}

const NAMES: Readonly<Record<string, string>> = { LakeLogs: 'logs', Lake: 'lake', LakeDeadLetters: 'letters' }
const named = (text: string) =>
  text.replace(/<(\w+)(\.Arn)?>/g, (whole, id: string, arn) => (NAMES[id] === undefined ? whole : `${arn ? 'arn:aws:s3:::' : ''}${NAMES[id]}`))

let policy: readonly Statement[]
const stored = new Map<string, Uint8Array>()
const calls: Call[] = []
/** Bodies of requests to STS. */
const assumed: URLSearchParams[] = []

function allowing(action: string, arn: string): string | undefined {
  const matches = (pattern: unknown) =>
    new RegExp(
      `^${named(String(pattern))
        .replace(/[.+?^$()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')}$`,
    ).test(arn)
  return policy.find(({ Action, Resource }) => [Action].flat().includes(action) && [Resource].flat().some(matches))?.Sid
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
  const path = decodeURIComponent(pathname).slice(1)
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const body = Buffer.concat(chunks)
  if (request.method === 'POST') {
    assumed.push(new URLSearchParams(String(body)))
    const said = `<AccessKeyId>PROVIDER</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>example</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>`
    response.writeHead(200, { 'content-type': 'text/xml' })
    response.end(`<AssumeRoleResponse><AssumeRoleResult><Credentials>${said}</Credentials></AssumeRoleResult></AssumeRoleResponse>`)
    return
  }
  const method = request.method ?? ''
  const command = { GET: 'GetObject', HEAD: 'HeadObject', PUT: 'PutObject' }[method] ?? method
  const right = command === 'HeadObject' ? 'GetObject' : command
  const asProvider = request.headers.authorization?.includes('Credential=PROVIDER/') ?? false
  const action = asProvider ? '' : `s3:${right}${searchParams.has('versionId') ? 'Version' : ''}`
  const arn = `arn:aws:s3:::${path}`
  const sid = searchParams.has('list-type') ? undefined : allowing(action, arn)
  if (!asProvider) calls.push({ command, action, arn, sid })
  const bytes = stored.get(path)
  // What is not there is not allowed either: nobody may list the bucket.
  if (sid === undefined && !asProvider) return void response.writeHead(403).end()
  if (method === 'PUT') {
    stored.set(path, body)
    return void response.writeHead(200, { etag: '"0123456789abcdef"' }).end()
  }
  if (bytes === undefined) return void response.writeHead(403).end()
  response.writeHead(200, { etag: '"0123456789abcdef"', 'content-length': bytes.length })
  response.end(method === 'HEAD' ? undefined : bytes)
}

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
const flow = (port: number) => `2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 ${port} 443 6 10 840 1714521600 1714521660 ACCEPT OK`
const KEY = 'AWSLogs/123456789012/vpcflowlogs/eu-central-1/2024/05/01/flows.log'
const created = (key: string) => ({
  id: key,
  source: 'aws.s3',
  'detail-type': 'Object Created',
  account: '123456789012',
  region: 'eu-central-1',
  detail: { bucket: { name: 'logs' }, object: { key, etag: '0123456789abcdef', 'version-id': 'version-1', size: 1 } },
})
/** What the rule and a topic of CloudTrail put into the queue. */
const EVENT = {
  Records: [created(KEY), { s3Bucket: 'logs', s3ObjectKey: [`${KEY}.second`] }].map((body, n) => ({
    messageId: `message-${n}`,
    body: JSON.stringify(body),
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:queue',
  })),
}

/** The bundle as Lambda runs it: in its environment, twice with the same event. Its answers. */
async function deliver({ template, bundle }: Synthesised): Promise<readonly unknown[]> {
  policy = statementsOf(template, 'LakeFunctionRole')
  calls.length = 0
  stored.clear()
  stored.set(`logs/${KEY}`, Buffer.from([HEADER, flow(1), 'not a flow'].join('\n')))
  stored.set(`logs/${KEY}.second`, Buffer.from([HEADER, flow(2)].join('\n')))
  const { Variables } = template.Resources.LakeFunction!.Properties.Environment as { Variables: Readonly<Record<string, string>> }
  const program = `
    const { handler } = await import(${JSON.stringify(bundle)})
    const answers = []
    for (let run = 0; run < 2; run++) answers.push(await handler(${JSON.stringify(EVENT)}, { getRemainingTimeInMillis: () => 60_000 }))
    console.error('ANSWERS ' + JSON.stringify(answers))
    process.exit(0)`
  const { text } = await run(process.execPath, ['--input-type=module', '-e', program], {
    ...Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, named(value)])),
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_ENDPOINT_URL_STS: server.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'FUNCTION',
    AWS_SECRET_ACCESS_KEY: 'example',
  })
  const [, answers] = /ANSWERS (.*)/.exec(text) ?? []
  if (answers === undefined) throw new Error(text)
  expect(text).toContain(`"Namespace":"${Variables.OCSF_LAKE_NAMESPACE}"`)
  return JSON.parse(answers)
}

describe('the function, under exactly its policy', () => {
  it('writes events and rejects, uses every right it has on S3, and asks for no other', async () => {
    expect(await deliver(app)).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }])
    expect([...stored.keys()].filter(key => !key.startsWith('logs/')).map(key => key.replace(/[0-9a-f]{32,}/, '…'))).toEqual([
      'lake/ocsf/ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/….parquet',
      'letters/rejects/vpc-flow/….ndjson',
      'lake/ocsf/ext/vpc-flow-4001/region=eu-central-1/accountId=123456789012/eventDay=20240501/….parquet',
    ])
    expect(calls.filter(({ sid }) => sid === undefined)).toEqual([])
    const rights = policy.flatMap(({ Sid, Action }) => [Action].flat().map(action => `${Sid} ${action}`)).filter(right => right.includes(' s3:'))
    expect(new Set(calls.map(({ sid, action }) => `${sid} ${action}`))).toEqual(new Set(rights))
  }, 60_000)

  it('makes the calls that the table names', async () => {
    if (calls.length === 0) await deliver(app)
    const said = [...page.matchAll(/^\| `(\w+)` \| `(s3:\w+)` \| (.+?) \|/gm)]
      .filter(([, sid]) => policy.some(({ Sid }) => Sid === sid))
      .map(([, sid, action, call = '']) => [`${sid} ${action}`, [...call.matchAll(/`(\w+Object)`/g)].map(([, name]) => name).sort()])
    const made = new Map<string, Set<string>>()
    for (const { sid, action, command } of calls) made.set(`${sid} ${action}`, (made.get(`${sid} ${action}`) ?? new Set()).add(command))
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries([...made].map(([right, commands]) => [right, [...commands].sort()])))
  }, 60_000)

  it('writes Security Lake as the provider role, assumed with the external id', async () => {
    expect(await deliver(security)).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }])
    expect(calls.filter(({ sid }) => sid === undefined)).toEqual([])
    expect(calls.filter(({ arn }) => arn.startsWith('arn:aws:s3:::security/'))).toEqual([])
    expect([...stored.keys()].filter(key => key.startsWith('security/ext/vpc-flow-4001/'))).toHaveLength(2)
    expect(assumed.map(body => [body.get('Action'), body.get('RoleArn'), body.get('ExternalId')])).toEqual([['AssumeRole', PROVIDER, 'my-external-id']])
    expect(policy.find(({ Action }) => Action === 'sts:AssumeRole')).toMatchObject({
      Resource: PROVIDER,
      Condition: { StringEquals: { 'sts:ExternalId': 'my-external-id' } },
    })
  }, 60_000)
})
