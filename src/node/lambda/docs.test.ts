/** Type-checks, bundles and runs what docs/lambda.md shows. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin } from '../testing.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
const page = readFileSync(join(root, 'docs/lambda.md'), 'utf8')
const blocks = (language: string) => [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1]!)
const snippets = blocks('ts')
const doors = {
  'ocsf-lake/lake': 'src/lake/index.ts',
  'ocsf-lake/lambda': 'src/node/lambda/index.ts',
  'ocsf-lake/sources/cloudtrail': 'src/sources/cloudtrail.ts',
  'ocsf-lake/sources/vpc-flow': 'src/sources/vpc-flow.ts',
}
const FLOW = '2 123456789012 eni-1 192.0.2.1 198.51.100.7 1024 443 6 10 840 1714521600 1714521660 ACCEPT OK'
const firehose = {
  deliveryStreamArn: 'arn:aws:firehose:eu-central-1:123456789012:deliverystream/a',
  region: 'eu-central-1',
  records: [{ recordId: '1', data: Buffer.from(FLOW).toString('base64') }],
}

let folder: string
beforeAll(() => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'lambda-docs-'))
  const sources = [
    { source: 'vpc-flow', classUid: 4001, name: 'vpc-flow-4001', location: 's3://lake/ext/vpc-flow-4001/', roleArn: 'arn:aws:iam::123456789012:role/provider' },
  ]
  writeFileSync(join(folder, 'security-lake.json'), JSON.stringify({ region: 'eu-central-1', externalId: 'example', sources }))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const alias = Object.fromEntries(Object.entries(doors).map(([name, path]) => [name, join(root, path)]))

describe('docs/lambda.md', () => {
  it.each(snippets.map((snippet, n) => [n, snippet] as const))('makes a handler that works: snippet %i', async (n, snippet) => {
    const path = join(folder, `snippet-${n}.mjs`)
    const run = `${snippet}\nconsole.error((await handler(${JSON.stringify(firehose)}, { getRemainingTimeInMillis: () => 60_000 })) as unknown)`
    await build({
      stdin: { contents: run, resolveDir: root, loader: 'ts' },
      alias,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      outfile: path,
      logLevel: 'silent',
    })
    const { stderr, status } = spawnSync(process.execPath, [path], { cwd: folder, encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    expect(stderr).toContain("result: 'Ok'")
  })

  it('has snippets that type-check', () => {
    expect(snippets).toHaveLength(3)
    const include = snippets.map((snippet, n) => {
      const path = join(folder, `snippet-${n}.ts`)
      writeFileSync(path, snippet)
      return path
    })
    const paths = Object.fromEntries(Object.entries(alias).map(([name, path]) => [name, [path]]))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { paths }, include: [...include, join(root, 'src/**/*.d.ts')] }),
    )
    const { stdout, status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'tsconfig.json')], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })

  it('bundles as it says', () => {
    writeFileSync(join(folder, 'handler.ts'), snippets[0]!)
    const [, ...args] = blocks('sh')[0]!.trim().split(' ')
    const aliases = Object.entries(alias).map(([name, path]) => `--alias:${name}=${path}`)
    const { stderr, status } = spawnSync(join(root, 'node_modules/.bin/esbuild'), [...args, ...aliases, '--log-level=warning'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
    expect(statSync(join(folder, 'handler.mjs')).size).toBeLessThan(800_000)
  })

  it('names commands and options that exist', () => {
    const commands = blocks('sh')
      .slice(1)
      .flatMap(block => block.trim().split('\n'))
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      const [name, verb, ...rest] = command.split(' ')
      expect([name, verb]).toEqual(['ocsf-lake', 'replay'])
      const help = spawnSync(process.execPath, [bin, verb!, '--help'], { cwd: root, encoding: 'utf8' }).stdout
      for (const option of rest.filter(word => word.startsWith('--'))) expect(help).toContain(option)
    }
  })
})
