import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Says how long something takes: nothing runs beside it. */
const ALONE = ['src/node/lambda/bundle.test.ts']

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'together', include: ['src/**/*.test.ts', 'schemas/*.test.ts'], exclude: ALONE } },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 1 } } },
    ],
    globalSetup: ['fixtures/build.ts'],
    alias: [{ find: /^.*\/worker-entry\.js$/, replacement: fileURLToPath(new URL('fixtures/worker-entry.ts', import.meta.url)) }],
    setupFiles: ['fixtures/seed.ts'],
    // vitest leaves one core to itself, which is half of a machine with two
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/ocsf/generated/**', 'src/**/*.test.ts'], reporter: ['text-summary', 'text'] },
  },
})
