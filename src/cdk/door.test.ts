/** How the door opens: with its peers, without them, from a module and from CommonJS. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
let inside: string
let outside: string
let files: readonly string[]

beforeAll(async () => {
  mkdirSync(cache, { recursive: true })
  inside = mkdtempSync(join(cache, 'cdk-'))
  outside = mkdtempSync(join(tmpdir(), 'cdk-'))
  for (const folder of [inside, outside]) {
    const { metafile } = await build({
      entryPoints: [join(root, 'src/cdk/index.ts')],
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      outfile: join(folder, 'cdk.mjs'),
      metafile: true,
      logLevel: 'silent',
    })
    files = Object.keys(metafile.inputs).map(path => path.replace(/^.*?src\//, ''))
  }
})
afterAll(() => {
  for (const folder of [inside, outside]) rmSync(folder, { recursive: true, force: true })
})

const run = (cwd: string, type: 'module' | 'commonjs', program: string) =>
  spawnSync(process.execPath, [`--input-type=${type}`, '-e', program], { cwd, encoding: 'utf8' })

describe('ocsf-lake/cdk', () => {
  it('says what to install when aws-cdk-lib is not there', () => {
    const { stdout } = run(outside, 'module', `import('./cdk.mjs').catch(({ code, message }) => console.log(code, '|', message))`)
    expect(stdout.trim()).toBe('peer_missing | ocsf-lake/cdk needs the packages aws-cdk-lib and constructs: npm install aws-cdk-lib constructs')
  })

  it('opens with import and with require, on the same aws-cdk-lib as the app has', () => {
    const made = `const { Stack } = require('aws-cdk-lib/core'); const s = new Stack(); new OcsfLake(s, 'Lake', { code: { code: require('aws-cdk-lib/aws-lambda').Code.fromInline('x') } }); console.log(s.node.findChild('Lake').queue instanceof require('aws-cdk-lib/aws-sqs').Queue)`
    const module = run(
      inside,
      'module',
      `import { createRequire } from 'node:module'; import { OcsfLake } from './cdk.mjs'; const require = createRequire(process.cwd() + '/'); ${made}`,
    )
    expect(module.stdout.trim(), module.stderr).toBe('true')
    const common = run(inside, 'commonjs', `const { OcsfLake } = require('./cdk.mjs'); ${made}`)
    expect(common.stdout.trim(), common.stderr).toBe('true')
  }, 60_000)

  it('brings no source, no Parquet and no AWS client along', () => {
    expect(files.filter(path => /^(sources|parquet|ocsf|decode|node\/aws)\//.test(path))).toEqual([])
  })
})
