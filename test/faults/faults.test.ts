import { describe, expect, it } from 'vitest';
import { newSeed } from '../support/random.js';
import { allFaults } from './all-faults.js';
import { findingsText } from './report/findings-text.js';
import { runFault } from './run-fault.js';

const seed = newSeed();
const inTests = allFaults.filter(({ runs }) => runs.short > 0);

describe.concurrent('Under load, the service keeps its promises', () => {
  it.each(inTests)('$name', { timeout: 600_000 }, async (fault) => {
    const findings = await runFault(fault, { isFull: false, seed, runs: fault.runs.short });
    console.log([`${fault.name}: ${findingsText(findings)}`, ...findings.late].join('\n  late: '));
    expect(findings.breaches).toEqual([]);
    expect(findings.acknowledgedAppends).toBeGreaterThan(0);
  });
});
