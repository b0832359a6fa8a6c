/** Type-checks and runs every snippet of the README and of the guide to sources, so that they stay true. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
let folder: string
beforeAll(() => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'readme-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const text = ['README.md', 'docs/adding-a-source.md'].map(path => readFileSync(join(root, path), 'utf8')).join('\n')
const snippets = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1]!)
const doors = {
  'ocsf-lake': 'src/index.ts',
  'ocsf-lake/node': 'src/node/index.ts',
  'ocsf-lake/arrow': 'src/parquet/arrow.ts',
  'ocsf-lake/sources/vpc-flow': 'src/sources/vpc-flow.ts',
}
const expected = [
  /"class_uid":4001[\s\S]*filtered/,
  /written: 1[\s\S]*vpc-flow-4001/,
  /false \{[\s\S]*required_missing/,
  /^1\n$/,
  /kind: 'event'[\s\S]*class_name: 'Authentication'/,
  /"kind":"event".*"message":"psql -c \\"select 1\\" - now".*"unmapped":\{"session":"s-17","field_8":"new"/,
]

describe('the README and the guide to sources', () => {
  it('has a check for each snippet', () => {
    expect(snippets).toHaveLength(expected.length)
  })

  it.each(snippets.map((snippet, n) => [n, snippet] as const))('snippet %i runs as printed', async (n, snippet) => {
    const outfile = join(folder, `snippet-${n}.mjs`)
    await build({
      stdin: { contents: snippet, resolveDir: root, loader: 'ts' },
      alias: Object.fromEntries(Object.entries(doors).map(([name, path]) => [name, join(root, path)])),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'silent',
    })
    const { stdout, stderr, status } = spawnSync(process.execPath, [outfile], { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } })
    expect(status, stderr).toBe(0)
    expect(stdout + stderr).toMatch(expected[n]!)
  })

  it('type-checks', () => {
    const files = snippets.map((snippet, n) => {
      const file = join(folder, `snippet-${n}.ts`)
      writeFileSync(file, snippet)
      return file
    })
    const paths = Object.fromEntries(Object.entries(doors).map(([name, path]) => [name, [join(root, path)]]))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { paths }, include: [...files, join(root, 'src/**/*.d.ts')] }),
    )
    const { stdout, status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'tsconfig.json')], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})
