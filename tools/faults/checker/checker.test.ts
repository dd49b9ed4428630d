import { describe, expect, it } from 'vitest';
import { newSeed, randomFrom } from '../../../test/support/random.js';
import { onRedis } from '../../../test/support/test-processes.js';
import { Load } from '../load/load.js';
import { listsOf, startNodes, startRedis } from '../scenarios/nodes.js';
import { Scope } from '../scope.js';
import { checkStream, lateEndMs, slowestResponseMs } from './check-stream.js';
import type { StreamLog } from './logs.js';
import { mutants } from './mutants.js';
import { type Rules, strictRules } from './verdict.js';

describe('The fault checker', () => {
  it('accepts the logs of a service that works, and finds each defect that is put into them', async () => {
    const scope = new Scope();
    const [log, other] = await logsOfSoundRun(scope).finally(() => scope.end());
    const rules = asQuickAs(log);
    expect(faultsIn(log, rules)).toEqual([]);
    expect(checkStream(other, rules).breaches).toEqual([]);
    const missed = mutants.filter(({ mutate, caughtBy }) => {
      const faults = faultsIn(mutate(log, other), rules);
      return !faults.some(({ invariant }) => caughtBy.includes(invariant));
    });
    expect(missed.map(({ name }) => name)).toEqual([]);
  });
});

/** Whatever the machine had to do beside it: nothing may take longer than it took in this log. */
function asQuickAs(log: StreamLog): Rules {
  const [responseLimitMs, lateMs] = [slowestResponseMs(log.attempts), lateEndMs(log)];
  return { ...strictRules, responseLimitMs, lateEndMs: lateMs };
}

function faultsIn(log: StreamLog, rules: Rules) {
  const { breaches, late } = checkStream(log, rules);
  return [...breaches, ...late];
}

/** Of two streams whose producers died in the end, as two nodes delivered them to two readers each. */
async function logsOfSoundRun(scope: Scope): Promise<[StreamLog, StreamLog]> {
  const redis = await startRedis(scope);
  const nodes = await startNodes(scope, 2, onRedis(redis, { FEED_LINGER: '100ms' }));
  const load = await Load.start(scope, {
    bases: nodes.map(({ url }) => url),
    streams: 2,
    readersPerStream: 2,
    eventsPerSecond: 200,
    random: randomFrom(newSeed()),
    leaseSeconds: 1,
  });
  await load.goesOn(100);
  await load.die();
  const logs = await load.logs(listsOf(scope, redis));
  return [logs[0] as StreamLog, logs[1] as StreamLog];
}
