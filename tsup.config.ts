import { globSync } from 'tinyglobby'
import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    parquet: 'src/parquet/index.ts',
    arrow: 'src/parquet/arrow.ts',
    lake: 'src/lake/index.ts',
    node: 'src/node/index.ts',
    lambda: 'src/node/lambda/index.ts',
    cdk: 'src/cdk/index.ts',
    bin: 'src/node/bin.ts',
    worker: 'src/node/worker.ts',
    'sources/index': 'src/sources/index.ts',
    // the sources: every file at the top of the folder but the contract and the lists
    ...Object.fromEntries(
      globSync('src/sources/*.ts', { ignore: ['**/*.test.ts', '**/source.ts', '**/all.ts', '**/index.ts'] }).map(path => [
        path.slice('src/'.length, -'.ts'.length),
        path,
      ]),
    ),
  },
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  splitting: true,
  sourcemap: false,
  clean: true,
  external: [/^node:/, /^[a-z@][^:]*$/],
})
