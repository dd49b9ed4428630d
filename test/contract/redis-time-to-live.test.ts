import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { exemptTerminalBytes, smallTerminalBytes } from '../../src/store/append-rules.js';
import type { StreamInfo, StreamManager } from '../../src/store/stream-manager.js';
import { type BackendOptions, redisBackend } from '../support/backends.js';
import { answers, complete, eventOfBytes, newStream, stored } from '../support/events.js';
import { canBeFull, newList as newListOf } from '../support/own-redis.js';
import { readState } from '../support/packed-state.js';
import { producer } from '../support/producers.js';
import { RedisServer } from '../support/redis-server.js';
import { succeeds, waitFor } from '../support/wait-for.js';

const prefix = `ttl-${randomUUID()}`;
const leaseMs = 1500;
const element = JSON.stringify({ id: 'f', type: 'answer' });
const stop = () => stored({ type: 'stop', done: true });

const newList = () => newListOf(prefix);

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await RedisServer.start(...canBeFull);
  redis = server.client();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function createManager(
  ttlMs = 3_600_000,
  options: BackendOptions = {},
): Promise<StreamManager> {
  const redis = { addresses: [server.endpoint], prefix };
  const manager = await redisBackend.create({ ttlMs, redis, ...options });
  onTestFinished(() => manager.close());
  return manager;
}

describe('A lease renewal in Redis', () => {
  it('extends the list to its time to live, and the state to twice that', async () => {
    const manager = await createManager();
    const { stream, list, state } = newList();
    await manager.appendEvents(stream, answers(1), { ttlMs: 60_000, producer: producer(0) });
    const heartbeats = [
      () => manager.renewLease(stream, { leaseMs }),
      () => manager.appendEvents(stream, answers(1), { producer: producer(0) }),
      () => manager.appendEvents(stream, answers(1)),
    ];
    for (const heartbeat of heartbeats) {
      for (const key of [list, state]) await redis.pexpire(key, 1000);
      await heartbeat();
      expect(await redis.pttl(list)).toBeGreaterThan(50_000);
      expect(await redis.pttl(list)).toBeLessThanOrEqual(60_000);
      expect(await redis.pttl(state)).toBeGreaterThan(100_000);
      expect(await redis.pttl(state)).toBeLessThanOrEqual(120_000);
    }
  });

  it('does not shorten a list of another program, and gives no expiry to one without', async () => {
    const manager = await createManager(60_000);
    const { stream, list } = newList();
    await redis.rpush(list, element);
    expect(await manager.renewLease(stream, { leaseMs })).toMatchObject({ expiresAt: null });
    expect(await redis.pttl(list)).toBe(-1);
    await redis.pexpire(list, 600_000);
    await manager.renewLease(stream, { leaseMs });
    expect(await redis.pttl(list)).toBeGreaterThan(590_000);
    await redis.pexpire(list, 5000);
    await manager.renewLease(stream, { leaseMs });
    expect(await redis.pttl(list)).toBeGreaterThan(50_000);
  });

  it('ignores a time to live that comes after the stream has begun', async () => {
    const manager = await createManager();
    const { stream, list } = newList();
    await redis.rpush(list, element);
    await manager.appendEvents(stream, answers(1), { ttlMs: 60_000 });
    expect(await manager.getStatus(stream)).toMatchObject({ ttlMs: 3_600_000 });
  });
});

describe('The Redis set of the streams of a session', () => {
  const sessionStream = () => {
    const sessionId = randomUUID();
    const of = (messageId: string) => ({ sessionId, messageId });
    return { of, set: `{${prefix}:${sessionId}}::streams` };
  };
  const messageIds = async (manager: StreamManager, sessionId: string) =>
    (await manager.listStreams(sessionId)).map(({ messageId }) => messageId);

  it.each([60_000, null])(
    'keeps a stream that another program fills while its list lives, for %s ms',
    async (lives) => {
      const manager = await createManager(200);
      const { of, set } = sessionStream();
      const { sessionId } = of('');
      const list = `${prefix}:${sessionId}:foreign`;
      await redis.rpush(list, element);
      if (lives !== null) await redis.pexpire(list, lives);
      await manager.getStatus(of('foreign'));
      const notedAt = Number(await redis.zscore(set, 'foreign'));
      await waitFor('other streams were begun long after', async () => {
        await manager.appendEvents(of('other'), answers(1));
        const latest = Number(await redis.zscore(set, 'other'));
        return latest > notedAt + 1000;
      });
      expect(await messageIds(manager, sessionId)).toContain('foreign');
      await redis.del(list);
      expect(await messageIds(manager, sessionId)).not.toContain('foreign');
    },
  );

  it('outlives a stream whose lease is longer than its time to live', async () => {
    const manager = await createManager(300);
    const { of } = sessionStream();
    await manager.appendEvents(of('leased'), answers(1), { leaseMs: 60_000 });
    const brief = newList();
    for (const _ of [1, 2, 3]) {
      await manager.appendEvents(brief.stream, answers(1));
      await waitFor('it expires', async () => (await redis.exists(brief.list)) === 0);
    }
    expect(await messageIds(manager, of('').sessionId)).toEqual(['leased']);
  });

  it('drops streams that are gone, however many live beside them', async () => {
    const manager = await createManager(200, { limits: { maxSessionStreams: 3 } });
    const { of } = sessionStream();
    const begin = (messageId: string, ttlMs?: number) =>
      manager.appendEvents(of(messageId), answers(1), { ttlMs });
    for (const messageId of ['a', 'b']) await begin(messageId, 60_000);
    await begin('brief');
    await waitFor('there is room', () => succeeds(begin('c', 60_000)));
    const lateness = 500; // all of them were noted long ago then
    const at = Date.now();
    await waitFor('they are old', () => Date.now() > at + lateness);
    await expect(begin('d')).rejects.toMatchObject({ code: 'session_full' });
    expect((await messageIds(manager, of('').sessionId)).sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('The Redis set of the streams of a session, when it is full,', () => {
  const maxSessionStreams = 250;

  /** A session of streams whose lists are gone but for the first ones, noted at this time. */
  async function fullSession(gone: number, notedAt: number) {
    const create = () => createManager(undefined, { limits: { maxSessionStreams } });
    const [worker, manager] = [await create(), await create()];
    const sessionId = randomUUID();
    const of = (messageId: string) => ({ sessionId, messageId });
    const set = `{${prefix}:${sessionId}}::streams`;
    const messageIds = Array.from({ length: maxSessionStreams }, (_, index) => `m${index}`);
    const living = messageIds.slice(0, maxSessionStreams - gone);
    for (const messageId of living) await worker.appendEvents(of(messageId), answers(1));
    const members = messageIds.flatMap((messageId, index) => [notedAt + index, messageId]);
    await redis.zadd(set, ...members);
    return { manager, of, set };
  }

  it('has room for another stream once one is gone, however long the usual time to live', async () => {
    const { manager, of, set } = await fullSession(1, Date.now() - 100_000);
    await manager.appendEvents(of('new'), answers(1));
    expect(await redis.zcount(set, '-inf', '+inf')).toBe(maxSessionStreams);
    await expect(manager.appendEvents(of('more'), answers(1))).rejects.toMatchObject({
      code: 'session_full',
    });
  });

  it('counts streams that may just be about to begin', async () => {
    const { manager, of } = await fullSession(maxSessionStreams, Date.now() - 20_000);
    await expect(manager.appendEvents(of('new'), answers(1))).rejects.toMatchObject({
      code: 'session_full',
      details: { stored: 0 },
    });
  });

  it('accepts appends to an existing stream that it has lost', async () => {
    const { manager, of, set } = await fullSession(maxSessionStreams, Date.now());
    await redis.rpush(`${prefix}:${of('').sessionId}:foreign`, element);
    await manager.appendEvents(of('foreign'), [complete()]);
    expect(await manager.getStatus(of('foreign'))).toMatchObject({ status: 'complete' });
    expect(await redis.zscore(set, 'foreign')).not.toBeNull();
  });

  it('drops streams that are gone, also where streams are only read', async () => {
    const { manager, of, set } = await fullSession(maxSessionStreams, 1);
    await waitFor('they are gone', async () => {
      const list = `${prefix}:${of('').sessionId}:${randomUUID()}`;
      await redis.rpush(list, element);
      await manager.getStatus(of(list.split(':').at(-1) as string));
      return (await redis.zcount(set, '-inf', maxSessionStreams)) === 0;
    });
  });
});

describe('A full Redis', () => {
  const full = { code: 'store_full' };
  let manager: StreamManager;
  beforeEach(async () => {
    manager = await createManager();
    onTestFinished(async () => void (await redis.config('SET', 'maxmemory', '0')));
  });
  const fill = () => redis.config('SET', 'maxmemory', '1');

  it.each([
    ['complete', () => [complete()], 'complete'],
    ['stop', stop, 'stopped'],
  ])(
    'accepts the %s of a stream, also from a node that has not seen the stream',
    async (_name, end, status) => {
      const streams = [newList(), newList()];
      for (const { stream } of streams) {
        await manager.appendEvents(stream, answers(1), { producer: producer(0) });
      }
      const another = await createManager();
      await fill();
      for (const [index, node] of [manager, another].entries()) {
        const { stream, list, state } = streams[index] as ReturnType<typeof newList>;
        await expect(node.appendEvents(stream, answers(1))).rejects.toMatchObject(full);
        await expect(node.appendEvents(stream, [...answers(1), ...end()])).rejects.toMatchObject(
          full,
        );
        await node.appendEvents(stream, end(), { producer: producer(1), leaseMs });
        expect(await readState(redis, state)).toMatchObject({ status, length: 2 });
        expect(await redis.hget(state, 'p:w')).toBe('0:2');
        expect(await redis.pttl(list)).toBeGreaterThan(3_500_000);
        expect(await redis.pttl(state)).toBeGreaterThan(7_100_000);
        const again = { producer: producer(1) };
        expect(await node.appendEvents(stream, end(), again)).toMatchObject({ count: 0 });
      }
    },
  );

  it('accepts the terminal event of a stream up to the size of the stream, or 1 KiB', async () => {
    const [small, large] = [newStream(), newStream()];
    await manager.appendEvents(small, answers(1));
    await manager.appendEvents(large, [eventOfBytes(exemptTerminalBytes)]);
    await fill();
    const end = eventOfBytes(exemptTerminalBytes, 'complete');
    await expect(manager.appendEvents(small, [end])).rejects.toMatchObject(full);
    await manager.appendEvents(small, [eventOfBytes(smallTerminalBytes, 'complete')]);
    await manager.appendEvents(large, [end]);
    for (const stream of [small, large]) {
      expect(await manager.getStatus(stream)).toMatchObject({ status: 'complete', nextOffset: 2 });
    }
  });

  it('rejects a stream that begins with its terminal event', async () => {
    await manager.appendEvents(newStream(), answers(1));
    await fill();
    const { stream, list } = newList();
    await expect(manager.appendEvents(stream, stop())).rejects.toMatchObject(full);
    expect(await redis.exists(list)).toBe(0);
  });

  it('accepts lease renewals, so that no lease of a live worker expires', async () => {
    const { stream, list } = newList();
    await manager.appendEvents(stream, answers(1), { leaseMs, producer: producer(0) });
    const other = newList();
    await manager.appendEvents(other.stream, answers(1), { leaseMs });
    const another = await createManager();
    await fill();
    await redis.pexpire(list, 10_000);
    await waitFor('the one without heartbeats is lost', async () => {
      await another.renewLease(stream, { leaseMs });
      await another.appendEvents(stream, answers(1), { leaseMs, producer: producer(0) });
      return (await manager.getStatus(other.stream))?.status === 'failed';
    });
    const info = (await manager.getStatus(stream)) as StreamInfo;
    expect(info).toMatchObject({ status: 'open', nextOffset: 1 });
    expect(await redis.pttl(list)).toBeGreaterThan(3_500_000);
  });

  it('rejects appends after elements of another program whose scan it could not save', async () => {
    const { stream, list } = newList();
    await manager.appendEvents(stream, answers(1));
    await redis.rpush(list, element);
    await fill();
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(full);
    expect(await redis.llen(list)).toBe(2);
    await manager.appendEvents(stream, [complete()]);
    expect(await manager.getStatus(stream)).toMatchObject({ status: 'complete', nextOffset: 3 });
  });
});
