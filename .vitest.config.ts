import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The cluster suites each run a whole server; more than two at a time only measures the machine.
    maxWorkers: 2,
    typecheck: { enabled: false },
    // elizaOS's core, which some suites run, writes a line for everything otherwise.
    env: { LOG_LEVEL: 'fatal' },
  },
})
