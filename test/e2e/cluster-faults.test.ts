import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ClusterOfTest, call, nodeId, stopReplication } from '../support/cluster-of-test.js';
import { Failover } from '../support/failover.js';
import type { RedisServer } from '../support/redis-server.js';
import { isReady, openFeed, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

describe('On a Redis Cluster, the service', () => {
  let cluster: ClusterOfTest;
  let mid: string;
  let list: string;
  beforeEach(async () => {
    cluster = new ClusterOfTest();
    await cluster.start();
    onTestFinished(() => cluster.stop());
    mid = await idOnFirst();
    list = `stream:events:s1:${mid}`;
  });

  const settings = (...seeds: RedisServer[]) => ({
    STREAM_MANAGER_TYPE: 'redis',
    REDIS_MODE: 'cluster',
    REDIS_ADDR: (seeds.length > 0 ? seeds : [cluster.first]).map(({ address }) => address).join(),
  });
  const storedAt = (server: RedisServer) => async () =>
    (await call(server, 'LRANGE', list, '0', '-1')) as string[];

  it('goes on at the replica when a primary is killed', async () => {
    const failover = await Failover.start(settings(), mid);
    await cluster.first.kill();
    await failover.appendsAreRefused();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap('Cluster failover', storedAt(cluster.replica));
  });

  it('tells readers when the replica had not got all that was acknowledged', async () => {
    const failover = await Failover.start(settings(), mid);
    await stopReplication(cluster.first);
    await failover.appendsGoOn();
    await cluster.first.kill();
    await failover.appendsAreRefused();
    await failover.appendsGoOn();
    const stored = storedAt(cluster.replica);
    const lost = await failover.expectNoSilentGap('Cluster failover with loss', stored);
    expect(lost).toBeGreaterThanOrEqual(30);
    expect(failover.resetCount).toBeGreaterThan(0);
  });

  it('answers in time when a primary hangs, and goes on at the replica', async () => {
    const failover = await Failover.start(settings(), mid);
    cluster.first.signal('SIGSTOP');
    await failover.appendsFail();
    await failover.appendsGoOn();
    await failover.expectNoSilentGap(
      'Cluster failover from one that hangs',
      storedAt(cluster.replica),
    );
  });

  it('loses nothing while a slot moves, and says stored 0 while its keys are apart', async () => {
    const failover = await Failover.start(settings(), mid);
    const { worker, feed } = failover;
    const slot = String(await call(cluster.first, 'CLUSTER', 'KEYSLOT', list));
    const [from, to] = cluster.primaries as [RedisServer, RedisServer];
    const setSlot = (server: RedisServer, ...how: string[]) =>
      call(server, 'CLUSTER', 'SETSLOT', slot, ...how);
    const migrate = (key: string) =>
      call(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000');

    await setSlot(to, 'IMPORTING', await nodeId(from));
    await setSlot(from, 'MIGRATING', await nodeId(to));
    await failover.appendsGoOn();
    await migrate(list);
    await failover.appendsAreRefused();
    await migrate(`{${list}}::state`);
    await failover.appendsGoOn();
    for (const server of [to, ...cluster.primaries])
      await setSlot(server, 'NODE', await nodeId(to));
    await failover.appendsGoOn();

    expect(await failover.expectNoSilentGap('Cluster slot moved', storedAt(to))).toBe(0);
    expect(worker.unknown).toEqual([]);
    expect(feed.frames.map(({ event }) => event)).not.toContain('reset');
  });

  it('answers with stored 0 while a part of the cluster is away, and recovers by itself', async () => {
    const service = await startService(settings());
    await isReady(service);
    const append = () => post(eventsUrl(service.url, 's1', mid), { type: 'answer' });
    expect((await append()).status).toBe(201);
    await cluster.primaries[1]?.kill();
    const refusal = { status: 503, body: { code: 'backend_unavailable', stored: 0 } };
    await waitFor('the cluster is down', async () => (await append()).status !== 201);
    expect(await append()).toMatchObject(refusal);
    expect(service.log).toContainEqual(
      expect.objectContaining({
        msg: 'Redis is unreachable',
        redis: cluster.primaries[1]?.address,
      }),
    );
    await cluster.primaries[1]?.start();
    await waitFor('the cluster is back', async () => (await append()).status === 201);
  });

  it('is woken by another node when the one that woke it is gone', async () => {
    const { replica } = cluster;
    const service = await startService({
      ...settings(replica, cluster.first),
      FEED_POLL_INTERVAL: '30s',
    });
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url, '', 's1', mid));
    await waitFor('the replica wakes it', () => isSubscribed(replica));
    await replica.kill();
    await waitFor('another node wakes it', async () => {
      const subscribed = await Promise.all(cluster.primaries.map(isSubscribed));
      return subscribed.includes(true);
    });
    await post(eventsUrl(service.url, 's1', mid), { type: 'answer' });
    await feed.frameCount(1, 2000);
  });

  /** Of a message whose stream is on the first primary, which has a replica. */
  async function idOnFirst(): Promise<string> {
    for (let number = 1; ; number += 1) {
      const owner = await cluster.ownerOf(`stream:events:s1:m${number}`);
      if (owner === cluster.first) return `m${number}`;
    }
  }
});

async function isSubscribed(server: RedisServer): Promise<boolean> {
  return ((await call(server, 'PUBSUB', 'CHANNELS')) as string[]).length === 1;
}
