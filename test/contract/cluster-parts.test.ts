import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { redisBackend } from '../support/backends.js';
import { ClusterOfTest, call } from '../support/cluster-of-test.js';
import { answers } from '../support/events.js';
import { placedOn } from '../support/placed-stream.js';
import type { RedisServer } from '../support/redis-server.js';
import { succeeds, waitFor } from '../support/wait-for.js';

describe('A stream of a Redis Cluster while the primary of its session and deadlines is down', () => {
  let away: RedisServer;
  let manager: StreamManager;
  let stream: StreamId;
  beforeEach(async () => {
    const cluster = await ClusterOfTest.forTest();
    for (const server of cluster.servers) {
      await call(server, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    }
    away = cluster.primaries[1] as RedisServer;
    const wanted = { stream: cluster.first, session: away, leases: away };
    const placed = await placedOn(cluster, wanted);
    stream = placed.stream;
    const redis = { ...cluster.options, prefix: placed.prefix };
    manager = await redisBackend.create({ redis });
    onTestFinished(() => manager.close());
    await away.kill();
    await waitFor('it is missed', () => isMissed(manager, stream));
  });

  it('accepts appends, and is listed in its session afterwards', async () => {
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({ offset: 0 });
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({ offset: 1 });
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 2 });
    await away.start();
    await waitFor('it is back', async () => !(await isMissed(manager, stream)));
    await manager.appendEvents(stream, answers(1));
    expect(await manager.listStreams(stream.sessionId)).toMatchObject(
      [stream].map(({ messageId }) => ({ messageId })),
    );
  });

  it('accepts a lease, which ends it afterwards', async () => {
    await manager.appendEvents(stream, answers(1), { leaseMs: 1000 });
    expect(await manager.renewLease(stream, { leaseMs: 1500 })).toMatchObject({ status: 'open' });
    await away.start();
    const isLost = async () => (await manager.getEvents(stream, 1, 1)).events.length === 1;
    await waitFor('it has ended', isLost);
    expect(await manager.getStatus(stream)).toMatchObject({ status: 'failed' });
  });
});

async function isMissed(manager: StreamManager, { sessionId }: StreamId): Promise<boolean> {
  return !(await succeeds(manager.listStreams(sessionId)));
}
