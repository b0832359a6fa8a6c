/** Servers for tests, on loopback only: S3 by fauxqs in a process of its own, and a proxy that breaks its answers. */
import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const PROGRAM = `
  import { buildApp } from 'fauxqs'
  const app = buildApp({ logger: false, defaultRegion: 'us-east-1' })
  console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
  process.stdin.on('end', () => process.exit(0)).resume()
`
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface RunningServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  stop(): Promise<void>
}

/** S3, SQS and SNS; it needs Node 22.5, which the npm package `node` brings where the tests run on an older one. */
export async function startFauxqs(): Promise<RunningServer> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const own = major > 22 || (major === 22 && minor >= 5)
  const [command, first] = own ? [process.execPath, []] : ['npm', ['exec', '--yes', '--package=node@24', '--', 'node']]
  // It ends with its standard input, so that it does not outlive a test that was killed.
  const child = spawn(command!, [...first!, '--input-type=module', '-e', PROGRAM], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => resolve(String(chunk).trim()))
    child.on('error', reject)
    child.on('close', code => reject(new Error(`fauxqs ended with ${code}`)))
  })
  return {
    url,
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}

/** Answers a request itself, or lets it through (false). */
export type Interceptor = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean | Promise<boolean>

export interface FaultyProxy extends RunningServer {
  /** Asked about each request, until it is set anew. */
  intercept: Interceptor
  /** `GET /bucket/key?…` of each request, percent-encoded as it came. */
  readonly requests: string[]
}

/** A server before another one. */
export async function startProxy(target: string): Promise<FaultyProxy> {
  const requests: string[] = []
  const proxy = { intercept: (() => false) as Interceptor }
  const server = createServer(async (incoming, answer) => {
    requests.push(`${incoming.method} ${incoming.url}`)
    if (await proxy.intercept(incoming, answer, new URL(incoming.url!, target))) return
    const { hostname, port } = new URL(target)
    const outgoing = request({ hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers }, response => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  return Object.assign(proxy, { requests, ...(await listening(server)) })
}

/** A server on a free port of loopback. */
export async function listening(server: Server): Promise<RunningServer> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** An error as S3 says it. */
export function sayS3Error(response: ServerResponse, status: number, code: string, message = 'said by a test'): true {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`)
  return true
}

export const TEST_CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' }

/** The SDK's own client at a server. */
export function testClient(endpoint: string): S3Client {
  return new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: TEST_CREDENTIALS })
}

export async function putObject(client: S3Client, bucket: string, key: string, body: string | Uint8Array): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
}

/** Every object below a prefix: its key without the prefix, and its bytes. */
export async function objectsBelow(client: S3Client, bucket: string, prefix: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
  const found = new Map<string, Uint8Array>()
  for (const { Key = '' } of Contents) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    found.set(Key.slice(prefix.length), await Body!.transformToByteArray())
  }
  return found
}
