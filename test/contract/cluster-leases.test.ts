import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisBackend } from '../support/backends.js';
import { ClusterOfTest } from '../support/cluster-of-test.js';
import { answers } from '../support/events.js';
import { placedOn } from '../support/placed-stream.js';
import type { RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

/** The first that is longer than a failover takes, on this machine now. */
const leases = [6000, 20_000, 60_000];

describe('A lease on a Redis Cluster', () => {
  it('whose primary was down expires one full lease after the primary is back', async () => {
    for (const leaseMs of leases) if (await outlastsFailover(leaseMs)) return;
    throw new Error('each was due before its replica had taken over');
  });

  /** @returns false when it was due meanwhile, which shows nothing */
  async function outlastsFailover(leaseMs: number): Promise<boolean> {
    const cluster = await ClusterOfTest.forTest();
    const [first, other] = cluster.primaries as [RedisServer, RedisServer];
    const wanted = { stream: first, session: other, leases: other };
    const { prefix, stream } = await placedOn(cluster, wanted);
    const manager = await redisBackend.create({ redis: { ...cluster.options, prefix } });
    onTestFinished(() => manager.close());

    await manager.appendEvents(stream, answers(1), { leaseMs });
    const appendedAt = performance.now();
    await sleep(1500); // the replica has it, and so much of the lease is over
    await first.kill();
    const status = () => manager.getStatus(stream).catch(() => null);
    let awayAt = performance.now();
    await waitFor('its replica has taken over', async () => {
      const askedAt = performance.now();
      if ((await status()) !== null) return true;
      awayAt = askedAt;
      return false;
    });
    if (performance.now() - appendedAt >= leaseMs) return false;
    await waitFor('it has ended', async () => (await status())?.status === 'failed');
    expect(performance.now() - awayAt).toBeGreaterThanOrEqual(leaseMs);
    return true;
  }
});
