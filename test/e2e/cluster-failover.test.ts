import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterOfTest, call, stopReplication } from '../support/cluster-of-test.js';
import { Failover } from '../support/failover.js';

describe('On a Redis Cluster whose primary is killed', () => {
  let cluster: ClusterOfTest;
  let mid: string;
  beforeEach(async () => {
    cluster = await ClusterOfTest.forTest();
    mid = await cluster.idOnFirst();
  });

  const stored = async () => {
    const key = `stream:events:s1:${mid}`;
    return (await call(cluster.replica, 'LRANGE', key, '0', '-1')) as string[];
  };

  it('appends and feeds continue at its replica', async () => {
    const failover = await Failover.start(cluster.environment(), mid);
    await cluster.first.kill();
    await failover.appendsAreRejected();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap('Cluster failover', stored);
  });

  it('acknowledged events that it had not replicated are lost, and readers are reset', async () => {
    const failover = await Failover.start(cluster.environment(), mid);
    await stopReplication(cluster.first);
    await failover.appendsGoOn();
    await cluster.first.kill();
    await failover.appendsAreRejected();
    await failover.appendsGoOn();
    const lost = await failover.expectNoSilentGap('Cluster failover with loss', stored);
    expect(lost).toBeGreaterThan(0);
    expect(failover.resetCount).toBeGreaterThan(0);
  });

  it('or hangs, responses come in time and appends continue at its replica', async () => {
    const failover = await Failover.start(cluster.environment(), mid);
    cluster.first.signal('SIGSTOP');
    await failover.appendsFail();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap('Cluster failover from one that hangs', stored);
  });
});
