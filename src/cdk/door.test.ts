/** How the door opens: with its peers, without them, from a module and from CommonJS. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
let folder: string
let files: readonly string[]

beforeAll(async () => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'cdk-'))
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
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (type: 'module' | 'commonjs', program: string) =>
  spawnSync(process.execPath, [`--input-type=${type}`, '-e', program], { cwd: folder, encoding: 'utf8' })

/** A node_modules somewhere above may have the package: nothing finds it. */
const WITHOUT = (name: string) => `
  import Module from 'node:module'
  const found = Module._resolveFilename
  Module._resolveFilename = (asked, ...rest) => {
    if (asked.split('/')[0] === '${name}') throw Object.assign(new Error('Cannot find module ' + asked), { code: 'MODULE_NOT_FOUND' })
    return found(asked, ...rest)
  }`

describe('ocsf-lake/cdk', () => {
  it.each(['aws-cdk-lib', 'constructs'])('says what to install when %s is not there', name => {
    const { stdout } = run('module', `${WITHOUT(name)}\nimport('./cdk.mjs').catch(({ code, message }) => console.log(code, '|', message))`)
    expect(stdout.trim()).toBe('peer_missing | ocsf-lake/cdk needs the packages aws-cdk-lib and constructs: npm install aws-cdk-lib constructs')
  })

  it('opens with import and with require, on the same aws-cdk-lib as the app has', () => {
    const made = `const { Stack } = require('aws-cdk-lib/core'); const s = new Stack(); new OcsfLake(s, 'Lake', { code: { code: require('aws-cdk-lib/aws-lambda').Code.fromInline('x') } }); console.log(s.node.findChild('Lake').queue instanceof require('aws-cdk-lib/aws-sqs').Queue)`
    const module = run(
      'module',
      `import { createRequire } from 'node:module'; import { OcsfLake } from './cdk.mjs'; const require = createRequire(process.cwd() + '/'); ${made}`,
    )
    expect(module.stdout.trim(), module.stderr).toBe('true')
    const common = run('commonjs', `const { OcsfLake } = require('./cdk.mjs'); ${made}`)
    expect(common.stdout.trim(), common.stderr).toBe('true')
  }, 60_000)

  it('brings no source, no Parquet and no AWS client along', () => {
    expect(files.filter(path => /^(sources|parquet|ocsf|decode|node\/aws)\//.test(path))).toEqual([])
  })
})
