import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readResults } from '../../tools/bench/results.js';
import { scenarioNames } from '../../tools/bench/scenarios/scenario.js';
import { benchRuns, temporaryDirectory } from '../support/bench-runs.js';

const { runBench, runAsUsersDo } = await benchRuns();

describe('npm run bench', () => {
  it('measures every scenario, and finds that nothing was lost', async () => {
    const file = join(temporaryDirectory(), 'results.json');
    const { code, output } = await runBench(['--quick', '--system', 'rejoin', '--json', file]);
    expect(output).toContain('Every event was delivered once and in order.');
    expect(code).toBe(0);
    const results = readResults(file);
    expect(results.map(({ scenario }) => scenario)).toEqual(scenarioNames);
    for (const { scenario, systems } of results) {
      expect(output).toMatch(new RegExp(`^${scenario} .*\\nrejoin  `, 'm'));
      expect(Object.values(systems.rejoin?.median ?? {})).not.toHaveLength(0);
    }
  }, 600_000);

  it('measures the other systems beside it', async () => {
    const { code, output } = await runAsUsersDo(['single-post', '--quick', '--redis']);
    for (const system of ['rejoin', 'rejoin-redis', 'bare', 'poll']) {
      expect(output).toMatch(new RegExp(`^${system} +[\\d,]+ `, 'm'));
    }
    expect(output).toMatch(/single-post +rejoin +appended\/s ≥ 0\.7 × bare +[\d,]+/);
    expect(code).toBe(0);
  });
});
