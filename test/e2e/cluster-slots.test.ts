import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterOfTest, call, nodeId } from '../support/cluster-of-test.js';
import { Failover } from '../support/failover.js';
import type { RedisServer } from '../support/redis-server.js';
import { isReady, openFeed, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

describe('The service on a Redis Cluster', () => {
  let cluster: ClusterOfTest;
  let mid: string;
  let list: string;
  let from: RedisServer;
  let to: RedisServer;
  beforeEach(async () => {
    cluster = await ClusterOfTest.forTest();
    mid = await cluster.idOnFirst();
    list = `stream:events:s1:${mid}`;
    [from, to] = cluster.primaries as [RedisServer, RedisServer];
  });

  async function setSlot(server: RedisServer, ...how: string[]): Promise<void> {
    const slot = String(await call(from, 'CLUSTER', 'KEYSLOT', list));
    await call(server, 'CLUSTER', 'SETSLOT', slot, ...how);
  }

  async function beginMove(): Promise<void> {
    await setSlot(to, 'IMPORTING', await nodeId(from));
    await setSlot(from, 'MIGRATING', await nodeId(to));
  }

  const migrate = (key: string) =>
    call(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000');

  it('loses nothing while a slot moves, and responds stored: 0 while its keys are apart', async () => {
    const failover = await Failover.start(cluster.environment(), mid);
    await beginMove();
    await failover.appendsGoOn();
    await migrate(list);
    await failover.appendsAreRejected();
    await migrate(`{${list}}::state2`);
    await failover.appendsGoOn();
    for (const server of [to, ...cluster.primaries])
      await setSlot(server, 'NODE', await nodeId(to));
    await failover.appendsGoOn();

    const stored = async () => (await call(to, 'LRANGE', list, '0', '-1')) as string[];
    expect(await failover.expectNoSilentGap('Cluster slot moved', stored)).toBe(0);
    expect(failover.worker.unknown).toEqual([]);
    expect(failover.resetCount).toBe(0);
  });

  it('loses no input while a slot moves, and responds 503 with stored: 0 while its keys are apart', async () => {
    const service = await startService(cluster.environment());
    await isReady(service);
    const url = eventsUrl(service.url, 's1', mid);
    const inputsUrl = url.replace(/events$/, 'inputs');
    const send = (id: string) => post(inputsUrl, { type: 'message', id });
    const append = async (ack: number) =>
      (await post(url, { type: 'answer' }, { 'inputs-ack-offset': String(ack) })).status;
    expect(await append(0)).toBe(201);
    expect((await send('i1')).status).toBe(201);
    await beginMove();
    for (const key of [list, `{${list}}::state2`]) await migrate(key);
    expect(await append(1)).toBe(201);
    const away = { status: 503, body: { code: 'backend_unavailable', stored: 0 } };
    for (const key of [`{${list}}::inputs`, `{${list}}::input-ids`]) {
      expect(await send('i2')).toMatchObject(away);
      await migrate(key);
    }
    expect((await send('i2')).status).toBe(201);
    for (const server of [to, ...cluster.primaries])
      await setSlot(server, 'NODE', await nodeId(to));
    expect((await send('i1')).status).toBe(200);
    expect(await append(2)).toBe(201);
    const { inputs } = (await (await fetch(inputsUrl)).json()) as { inputs: { id: string }[] };
    expect(inputs.map(({ id }) => id)).toEqual(['i1', 'i2']);
  });

  it('survives a node that hangs and dies while a slot moves to it', async () => {
    const service = await startService(cluster.environment());
    await isReady(service);
    await beginMove();
    to.signal('SIGSTOP');
    // The stream is new, so that its node asks to go on at the other.
    const append = () => post(eventsUrl(service.url, 's1', mid), { type: 'answer' });
    expect(await append()).toMatchObject({ status: 503, body: { stored: null } });
    await to.kill();
    await setSlot(from, 'STABLE');
    await to.start();
    await waitFor('the cluster is back', async () => (await append()).status === 201);
    expect(service.output).not.toContain('The process fails');
  });

  it('responds with stored: 0 while a part of the cluster is down, and recovers automatically', async () => {
    const service = await startService(cluster.environment());
    await isReady(service);
    const append = () => post(eventsUrl(service.url, 's1', mid), { type: 'answer' });
    expect((await append()).status).toBe(201);
    await to.kill();
    await waitFor('the cluster is down', async () => (await append()).status !== 201);
    expect(await append()).toMatchObject({
      status: 503,
      body: { code: 'backend_unavailable', stored: 0 },
    });
    const line = { msg: 'Redis is unreachable', redis: to.address };
    expect(service.log).toContainEqual(expect.objectContaining(line));
    await to.start();
    await waitFor('the cluster is back', async () => (await append()).status === 201);
  });

  it('gets notifications from another node when the one that sent them is gone', async () => {
    const { replica } = cluster;
    const settings = { ...cluster.environment(replica, from), FEED_POLL_INTERVAL: '10m' };
    const service = await startService(settings);
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url, '', 's1', mid));
    await waitFor('the replica wakes it', () => isSubscribed(replica));
    await replica.kill();
    await waitFor('another node wakes it', async () => {
      const subscribed = await Promise.all(cluster.primaries.map(isSubscribed));
      return subscribed.includes(true);
    });
    await post(eventsUrl(service.url, 's1', mid), { type: 'answer' });
    await feed.frameCount(1);
  });
});

async function isSubscribed(server: RedisServer): Promise<boolean> {
  return ((await call(server, 'PUBSUB', 'CHANNELS', '*::wake')) as string[]).length === 1;
}
