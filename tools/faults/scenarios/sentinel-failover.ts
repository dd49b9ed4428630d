import { SentinelOfTest } from '../../../test/support/sentinel-of-test.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { Load } from '../load/load.js';
import { failoverPromise, killPrimary } from './kill-primary.js';
import { listsOf, startNodes } from './nodes.js';
import { usualLoad } from './usual-load.js';

export const sentinelFailover: Fault = {
  name: 'sentinel-failover',
  backend: 'Redis',
  title:
    'kill -9 of the primary behind sentinels; in every other run its replica is isolated before',
  promise: failoverPromise,
  runs: 6,

  async inject(run: Run): Promise<Findings> {
    const { scope } = run;
    const set = scope.add(new SentinelOfTest(), (started) => started.stop());
    await set.start();
    const nodes = await startNodes(scope, 2, { ...set.environment, FEED_LINGER: '100ms' });
    const load = await Load.start(scope, { ...usualLoad(run, nodes), leaseSeconds: 3 });
    return killPrimary(run, load, set.primary, listsOf(scope, set.replica));
  },
};
