import { beforeAll, describe, expect, it } from 'vitest';
import { newSeed, randomFrom } from '../../../test/support/random.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { Load } from '../load/load.js';
import { storedElements } from '../load/stored-elements.js';
import { startNodes } from '../scenarios/nodes.js';
import type { ServiceNode } from '../scenarios/service-node.js';
import { Scope } from '../scope.js';
import { checkStream, lateEndMs, slowestResponseMs } from './check-stream.js';
import { inputMutants } from './input-mutants.js';
import type { StreamLog } from './logs.js';
import { type Mutant, mutants } from './mutants.js';
import { type Rules, strictRules } from './verdict.js';

/** Enough for every mutant. */
const minInputs = 6;

describe('The fault checker', () => {
  let log: StreamLog;
  let other: StreamLog;
  let rules: Rules;
  beforeAll(async () => {
    const scope = new Scope();
    [log, other] = await logsOfSoundRun(scope).finally(() => scope.end());
    rules = asQuickAs(log);
  });

  it('accepts the logs of a service that works', () => {
    expect(faultsIn(log, rules)).toEqual([]);
    expect(checkStream(other, rules).breaches).toEqual([]);
  });

  it('finds each defect that is put into what was noted of events', () => {
    expect(missed(mutants)).toEqual([]);
  });

  it('finds each defect that is put into what was noted of inputs', () => {
    expect(missed(inputMutants)).toEqual([]);
  });

  /** The names of those that were not caught by what is to catch them. */
  function missed(tried: readonly Mutant[]): string[] {
    return tried
      .filter(({ mutate, caughtBy }) => {
        const faults = faultsIn(mutate(log, other), rules);
        return !faults.some(({ invariant }) => caughtBy.includes(invariant));
      })
      .map(({ name }) => name);
  }
});

/** Whatever the machine had to do beside it: nothing may take longer than it took in this log. */
function asQuickAs(log: StreamLog): Rules {
  const attempts = [...log.attempts, ...(log.inputs?.attempts ?? [])];
  const [responseLimitMs, lateMs] = [slowestResponseMs(attempts), lateEndMs(log)];
  return { ...strictRules, responseLimitMs, lateEndMs: lateMs };
}

function faultsIn(log: StreamLog, rules: Rules) {
  const { breaches, late } = checkStream(log, rules);
  return [...breaches, ...late];
}

/** Of two streams whose producers died in the end, with two readers each. */
async function logsOfSoundRun(scope: Scope): Promise<[StreamLog, StreamLog]> {
  const [node] = (await startNodes(scope, 1, { FEED_LINGER: '100ms' })) as [ServiceNode];
  const load = await Load.start(scope, {
    bases: [node.url],
    streams: 2,
    readersPerStream: 2,
    eventsPerSecond: 100,
    inputsPerSecond: 100,
    random: randomFrom(newSeed()),
    leaseSeconds: 1,
  });
  const haveRead = () =>
    load.producers.every(({ options }) =>
      options.inputs?.intakes.some(({ frames }) => frames.length >= minInputs),
    );
  await waitFor('the workers have read inputs', haveRead);
  await load.allGoOn(performance.now());
  await load.die();
  const logs = await load.logs((mid, name) => storedElements(load.client, node.url, mid, name));
  return [logs[0] as StreamLog, logs[1] as StreamLog];
}
