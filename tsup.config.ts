import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { globSync } from 'tinyglobby'
import { defineConfig } from 'tsup'

/** Every file at the top of the folder but the contract and the lists. */
const sources = globSync('src/sources/*.ts', { ignore: ['**/*.test.ts', '**/source.ts', '**/all.ts', '**/index.ts'] })
const lambda = 'src/node/lambda/index.ts'
const doors = ['src/index.ts', 'src/parquet/index.ts', 'src/parquet/arrow.ts', 'src/lake/index.ts', 'src/node/index.ts', lambda]

/**
 * Node spends half a millisecond on each file that it loads, and what some entries share is a file for each set of them:
 * 60 files for the main door. Entries that bring along what others of their kind share make that one file for each kind:
 * sources of JSON, sources of text, and what both share with the doors.
 */
const together: Plugin = {
  name: 'together',
  async setup({ onLoad }) {
    const modules = await modulesOf([...sources, ...doors])
    const shared = (paths: readonly string[]): readonly string[] => {
      const all = paths.flatMap(path => modules(path))
      return [...new Set(all.filter((module, at) => all.indexOf(module) !== at))]
    }
    const isJson = (path: string) => modules(path).includes('src/decode/json-records.ts')
    const everywhere = shared(sources).filter(module => modules(lambda).includes(module))
    const ofJson = [...everywhere, ...shared(sources.filter(isJson))]
    const ofText = [...everywhere, ...shared(sources.filter(path => !isJson(path)))]
    const brought = new Map<string, readonly string[]>([
      ...doors.map(path => [resolve(path), everywhere] as const),
      ...sources.map(path => [resolve(path), isJson(path) ? ofJson : ofText] as const),
    ])
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const more = brought.get(path)
      if (more === undefined) return undefined
      return { contents: [await readFile(path, 'utf8'), ...more.map(module => `import ${JSON.stringify(resolve(module))}`)].join('\n'), loader: 'ts' }
    })
  },
}

/** The modules in the bundle of each path, but for those that wait until they are asked for. */
async function modulesOf(entryPoints: readonly string[]): Promise<(path: string) => readonly string[]> {
  const { metafile } = await build({
    entryPoints: [...entryPoints],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    outdir: 'dist',
    write: false,
    metafile: true,
  })
  const inputs = new Map(Object.values(metafile.outputs).map(output => [output.entryPoint, output.inputs]))
  return path =>
    Object.entries(inputs.get(path)!)
      .filter(([module, { bytesInOutput }]) => bytesInOutput > 0 && !module.includes('/facts-'))
      .map(([module]) => module)
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    parquet: 'src/parquet/index.ts',
    arrow: 'src/parquet/arrow.ts',
    lake: 'src/lake/index.ts',
    node: 'src/node/index.ts',
    lambda,
    cdk: 'src/cdk/index.ts',
    bin: 'src/node/bin.ts',
    worker: 'src/node/worker.ts',
    'sources/index': 'src/sources/index.ts',
    ...Object.fromEntries(sources.map(path => [path.slice('src/'.length, -'.ts'.length), path])),
  },
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  splitting: true,
  sourcemap: false,
  clean: true,
  external: [/^node:/, /^[a-z@][^:]*$/],
  // an import for no name is meant here, though nothing has side effects
  esbuildOptions: more => {
    more.logOverride = { 'ignored-bare-import': 'silent' }
  },
  esbuildPlugins: [together],
})
