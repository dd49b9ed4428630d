import { configDefaults, defineConfig } from 'vitest/config';
import { Interleaved } from './test/support/interleaved.js';

/** What `npm run test:long` runs: two more browsers, and each scenario of the benchmark. */
const isLong = process.env.REJOIN_LONG === '1';
const long = isLong ? [] : ['test/clients/engines/**', 'test/e2e/bench-scenarios.test.ts'];

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'tools/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...long],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    pool: 'forks',
    // What they import is loaded once for all: that takes longer than many of them.
    isolate: false,
    // More than cores: they wait for processes, leases and timers for most of their time.
    maxWorkers: 8,
    // Of the tests of a file that wait beside each other.
    maxConcurrency: 8,
    sequence: { sequencer: Interleaved },
    // Tests wait for conditions; a deadline only ends what would never come.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
