import { describe, expect, it } from 'vitest';
import { newSeed } from '../../test/support/random.js';
import { allFaults } from './all-faults.js';
import type { Fault } from './fault.js';
import { findingsText } from './report/findings-text.js';
import { runFault } from './run-fault.js';

const seed = newSeed();
/** One of each kind. Of the others, `npm run test:faults` takes more time than the tests have. */
const names = [
  'redis-killed',
  'replies-lost',
  'node-killed',
  'worker-lost',
  'node-killed-memory',
  'responses-lost-redis',
  'connections-cut-memory',
  'many-streams-memory',
];
const inTests = names.map((name) => allFaults.find((fault) => fault.name === name) as Fault);

describe.concurrent('Under load, the service keeps its promises', () => {
  it.each(inTests)('$name', { timeout: 600_000 }, async (fault) => {
    const findings = await runFault(fault, { isFull: false, seed, runs: 1 });
    console.log([`${fault.name}: ${findingsText(findings)}`, ...findings.late].join('\n  late: '));
    expect(findings.breaches).toEqual([]);
    expect(findings.acknowledgedAppends).toBeGreaterThan(0);
  });
});
