import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { redisBackend } from '../support/backends.js';
import { answers, complete } from '../support/events.js';
import { newList as newListOf, startOwnRedis } from '../support/own-redis.js';
import { producer } from '../support/producers.js';
import type { RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const prefix = `producers-${randomUUID()}`;
const leasesKey = `${prefix}::leases`;
const leaseMs = 1500;

let server: RedisServer;
let redis: Redis;
let manager: StreamManager;

beforeAll(async () => {
  const own = await startOwnRedis({ redis: { prefix } });
  ({ server, redis, manager } = own);
  return own.stop;
});

const newManager = () => redisBackend.create({ redis: { addresses: [server.endpoint], prefix } });

const foreign = (type: string) => JSON.stringify({ id: 'f', type });

const newList = () => newListOf(prefix);

describe('The Redis state of a producer', () => {
  const send = (stream: StreamId, seq: number, count = 1) =>
    manager.appendEvents(stream, answers(count), { producer: producer(seq, 4) });
  const unknown = { code: 'producer_gap', details: { stored: 0, expectedSeq: 0 } };

  it.each<[string, (list: string, state: string) => Promise<unknown>]>([
    ['the list is deleted', (list) => redis.del(list)],
    ['the list is replaced', (list) => redis.multi().del(list).rpush(list, 'a', 'b', 'c').exec()],
    ['the list is cut', (list) => redis.ltrim(list, 0, 0)],
    ['its last element is changed', (list) => redis.lset(list, -1, foreign('answer'))],
    ['the state is evicted', (_list, state) => redis.del(state)],
  ])('is dropped when %s', async (_name, change) => {
    const { stream, list, state } = newList();
    await send(stream, 0, 2);
    await change(list, state);
    const length = await redis.llen(list);
    await expect(send(stream, 2)).rejects.toMatchObject(unknown);
    expect((await manager.getStatus(stream, 'w'))?.producer ?? null).toBeNull();
    expect(await send(stream, 0)).toMatchObject({ offset: length, count: 1 });
  });

  it('stays when another program pushes in between, before or after a scan', async () => {
    const { stream, list } = newList();
    await send(stream, 0, 2);
    await redis.rpush(list, foreign('answer'), 'no JSON');
    expect(await send(stream, 1, 2)).toMatchObject({ offset: 4, count: 1 });
    await redis.rpush(list, foreign('answer'));
    const info = await manager.getStatus(stream, 'w');
    expect(info).toMatchObject({ nextOffset: 6, producer: { epoch: 4, nextSeq: 3 } });
    expect(await send(stream, 2, 1)).toMatchObject({ nextOffset: 6, count: 0 });
  });

  it('stays when another program ends the stream: a retry is a duplicate, new events are rejected', async () => {
    const { stream, list } = newList();
    await send(stream, 0, 2);
    await redis.rpush(list, foreign('stop'));
    expect(await send(stream, 0, 2)).toMatchObject({ nextOffset: 3, count: 0 });
    await expect(send(stream, 1, 2)).rejects.toMatchObject({
      code: 'stream_ended',
      details: { stored: 1, streamStatus: 'stopped' },
    });
  });
});

describe.concurrent('The deadline of a lease on Redis', () => {
  const hasExpired = (stream: StreamId) =>
    waitFor('its lease has expired', async () => {
      return (await manager.getStatus(stream))?.status === 'failed';
    });
  const deadlineOf = (stream: StreamId) =>
    redis.zscore(leasesKey, `${stream.sessionId}:${stream.messageId}`);
  const removeDeadline = (stream: StreamId) =>
    redis.zrem(leasesKey, `${stream.sessionId}:${stream.messageId}`);

  it('is written before the event, and removed when the stream has ended', async ({ expect }) => {
    const { stream } = newList();
    await manager.appendEvents(stream, answers(1), { leaseMs });
    expect(await deadlineOf(stream)).not.toBeNull();
    await manager.appendEvents(stream, [complete()]);
    await waitFor('it is gone', async () => (await deadlineOf(stream)) === null);
  });

  it('is restored by the node that wrote it when Redis lost it, without any request', async ({
    expect,
  }) => {
    const lists = Array.from({ length: 3 }, newList);
    for (const { stream } of lists) {
      await manager.appendEvents(stream, answers(1), { leaseMs });
      await manager.appendEvents(stream, answers(1), { leaseMs });
      await removeDeadline(stream);
    }
    for (const { list } of lists) {
      await waitFor('the end', async () => (await redis.llen(list)) === 3);
      expect(await redis.lindex(list, -1)).toContain('producer_lost');
    }
  });

  it.each<[string, (node: StreamManager, stream: StreamId) => Promise<unknown>]>([
    ['status of the stream', (node, stream) => node.getStatus(stream)],
    ['append', (node, stream) => node.appendEvents(stream, answers(1), { leaseMs })],
    ['renewal', (node, stream) => node.renewLease(stream, { leaseMs })],
  ])('is restored by the next %s when it was lost with its node', async (_name, repair) => {
    const { stream, list } = newList();
    const [lost, other] = await Promise.all([newManager(), newManager()]);
    await lost.appendEvents(stream, answers(1), { leaseMs });
    await lost.close();
    await removeDeadline(stream);
    await repair(other, stream);
    await waitFor('the end', async () =>
      String(await redis.lindex(list, -1)).includes('producer_lost'),
    );
    await other.close();
  });

  it('of a deleted stream is not applied to its successor', async ({ expect, onTestFinished }) => {
    const other = await newManager();
    onTestFinished(() => other.close());
    const { stream, list } = newList();
    await other.appendEvents(stream, [...answers(1), complete()], { leaseMs });
    await redis.del(list);
    const gap = { producer: producer(5), leaseMs: 60_000 };
    await expect(manager.appendEvents(stream, answers(1), gap)).rejects.toMatchObject({
      code: 'producer_gap',
    });
    await waitFor('it is gone', async () => (await deadlineOf(stream)) === null);
    await manager.appendEvents(stream, answers(1), { leaseMs: 60_000 });
    expect(await deadlineOf(stream)).not.toBeNull();
  });

  it('is removed when the list is another one, or another program has ended it', async ({
    expect,
  }) => {
    const [deleted, replaced, ended] = [newList(), newList(), newList()];
    for (const { stream } of [deleted, replaced, ended]) {
      await manager.appendEvents(stream, answers(1), { leaseMs });
    }
    await redis.del(deleted.list);
    await redis.multi().del(replaced.list).rpush(replaced.list, foreign('answer')).exec();
    await redis.rpush(ended.list, foreign('complete'));
    await waitFor('they were checked', async () => {
      const deadlines = await Promise.all(
        [deleted, replaced, ended].map(({ stream }) => deadlineOf(stream)),
      );
      return deadlines.every((deadline) => deadline === null);
    });
    const lengths = [deleted, replaced, ended].map(({ list }) => redis.llen(list));
    expect(await Promise.all(lengths)).toEqual([0, 1, 2]);
  });

  it('ends a list to which another program has pushed since', async ({ expect }) => {
    const { stream, list } = newList();
    await manager.appendEvents(stream, answers(1), { leaseMs });
    await redis.rpush(list, ...Array.from({ length: 2500 }, () => foreign('answer')));
    await waitFor('the end', async () => (await redis.llen(list)) === 2502);
    expect(await manager.getStatus(stream)).toMatchObject({ status: 'failed' });
  });

  it('is moved later by what another program pushes', async ({ expect }) => {
    let events: { type: string; timestamp: string }[] = [];
    let pushedAt = 0;
    // On a machine that stands still, a lease may be over before anything is pushed: then once more.
    while (events[1]?.type !== 'answer') {
      const { stream, list } = newList();
      await manager.appendEvents(stream, answers(1), { leaseMs });
      await sleep(leaseMs / 2);
      pushedAt = Date.now();
      await redis.rpush(list, foreign('answer'));
      await waitFor('the end', async () => (await redis.llen(list)) === 3);
      events = (await redis.lrange(list, 0, -1)).map((text) => JSON.parse(text));
    }
    const lostAt = Date.parse(events[2]?.timestamp as string);
    expect(lostAt).toBeGreaterThanOrEqual(pushedAt + leaseMs);
  });

  it('ends a stream once, however many nodes check it', async ({ expect, onTestFinished }) => {
    const nodes = await Promise.all(Array.from({ length: 6 }, newManager));
    onTestFinished(async () => {
      await Promise.all(nodes.map((node) => node.close()));
    });
    const lists = Array.from({ length: 60 }, newList);
    await Promise.all(
      lists.map(({ stream }, index) =>
        (nodes[index % 6] as StreamManager).appendEvents(stream, answers(1), { leaseMs }),
      ),
    );
    for (const { stream } of lists) await hasExpired(stream);
    for (const { stream } of lists) {
      await waitFor('all have checked', async () => (await deadlineOf(stream)) === null);
      expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 2 });
    }
  });
});
