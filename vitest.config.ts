import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Tests wait for conditions; a deadline only ends what would never come.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'processes',
          include: ['test/{browser,contract,e2e,faults}/**/*.test.ts'],
          // More than cores: they wait for processes, leases and timers for most of their time.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/{fuzz,http,property,unit}/**/*.test.ts'],
          // What they import is loaded once for all: that takes longer than most of them.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
