import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['fixtures/build.ts'],
    alias: [{ find: /^.*\/worker-entry\.js$/, replacement: fileURLToPath(new URL('fixtures/worker-entry.ts', import.meta.url)) }],
    setupFiles: ['fixtures/seed.ts'],
    include: ['src/**/*.test.ts', 'schemas/*.test.ts'],
    // vitest leaves one core to itself, which is half of a machine with two
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/ocsf/generated/**', 'src/**/*.test.ts'], reporter: ['text-summary', 'text'] },
  },
})
