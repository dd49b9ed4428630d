import { Cluster } from 'ioredis';
import { ClusterOfTest } from '../../../test/support/cluster-of-test.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { wentOnAfter } from '../load/delays.js';
import { Load, type StoredOf } from '../load/load.js';
import type { Scope } from '../scope.js';
import { failoverPromise, killPrimary } from './kill-primary.js';
import { limit } from './limit.js';
import { moveSlot, slotOf } from './move-slot.js';
import { keyOf, startNodes } from './nodes.js';
import { usualLoad } from './usual-load.js';

export const clusterPrimaryKilled: Fault = {
  name: 'cluster-primary-killed',
  backend: 'Redis',
  title: 'kill -9 of a primary of a cluster; in every other run its replica is isolated before',
  promise: failoverPromise,
  runs: 6,

  async inject(run: Run): Promise<Findings> {
    const cluster = await startCluster(run.scope);
    const load = await startLoad(run, cluster);
    return killPrimary(run, load, cluster.first, listsIn(run.scope, cluster));
  },
};

export const clusterSlotMoved: Fault = {
  name: 'cluster-slot-moved',
  backend: 'Redis',
  title: 'the slots of all streams of a primary are moved to another, key by key',
  promise: 'nothing lost, nothing repeated, and no reset',
  runs: 5,

  async inject(run: Run): Promise<Findings> {
    const { scope } = run;
    const cluster = await startCluster(scope);
    const load = await startLoad(run, cluster);
    let moved = 0;
    for (const { mid } of load.streams) {
      const slot = await slotOf(cluster, keyOf(mid));
      if (await moveSlot(cluster, slot)) moved += 1;
    }
    const movedAt = performance.now();
    await load.allGoOn(movedAt);
    await load.finish();
    const found = await load.judge(listsIn(scope, cluster));
    const breaches = [
      ...(moved === 0 ? ['no slot was moved'] : []),
      ...(found.resets > 0 ? [`${found.resets} resets`] : []),
    ];
    return limit(
      { ...found, breaches: [...found.breaches, ...breaches] },
      { 'all continued after, ms': [wentOnAfter(load, movedAt), 5000] },
    );
  },
};

async function startCluster(scope: Scope): Promise<ClusterOfTest> {
  const cluster = scope.add(new ClusterOfTest(), (started) => started.stop());
  await cluster.start();
  return cluster;
}

async function startLoad(run: Run, cluster: ClusterOfTest): Promise<Load> {
  const environment = { ...cluster.environment(...cluster.primaries), FEED_LINGER: '100ms' };
  const nodes = await startNodes(run.scope, 2, environment);
  return Load.start(run.scope, { ...usualLoad(run, nodes), leaseSeconds: 3 });
}

/** Reads the lists of the load, wherever they are. */
function listsIn(scope: Scope, { servers }: ClusterOfTest): StoredOf {
  const known = servers.map(({ endpoint }) => endpoint);
  const client = scope.add(new Cluster(known), (opened) => opened.disconnect());
  client.on('error', () => {}); // it tries the others
  return (mid, log) => client.lrange(keyOf(mid, log), 0, -1);
}
