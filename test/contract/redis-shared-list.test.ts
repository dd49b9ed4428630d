import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeStoredEvent } from '../../src/events/event.js';
import { RedisStreamManager } from '../../src/store/redis/redis-stream-manager.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { inputLimits, redisBackend, sharedRedis, silentLogger } from '../support/backends.js';
import { answers, complete, eventOfBytes, newStream, title } from '../support/events.js';
import { longestBlock } from '../support/longest-block.js';
import { minOfAttempts } from '../support/min-of-attempts.js';
import { canBeFull, newList as newListOf, ownRedis, startOwnRedis } from '../support/own-redis.js';
import type { RedisServer } from '../support/redis-server.js';

const prefix = `shared-${randomUUID()}`;

describe('A Redis List that another program writes to', () => {
  let server: RedisServer;
  let redis: Redis;
  let manager: StreamManager;

  beforeAll(async () => {
    const own = await startOwnRedis({ redis: { prefix } });
    ({ server, redis, manager } = own);
    return own.stop;
  });

  const foreign = (type: string, rest = {}) => JSON.stringify({ id: 'f', type, ...rest });
  const newList = () => newListOf(prefix);
  const ended = { code: 'stream_ended' };

  it('does not block the process while an element of 10 MB is read in a page, alone or for the status', async () => {
    const { stream, list } = newList();
    const large = `{"type":"note","data":{"a":[${'1,'.repeat(5_000_000)}1]}}`;
    await redis.rpush(list, large);
    const atOnce = await longestBlock(async () => void decodeStoredEvent(Buffer.from(large)));
    for (const read of [
      () => manager.getEvents(stream, 0, 100),
      () => manager.getEvents(stream, 0, 1),
      () => manager.getStatus(stream),
    ]) {
      const bound = atOnce * 0.7;
      expect(await minOfAttempts(() => longestBlock(read), bound)).toBeLessThan(bound);
    }
    const { events } = await manager.getEvents(stream, 0, 100);
    expect(events).toMatchObject([{ type: 'note', ending: null }]);
  });

  it('is read and appended to at its true length', async () => {
    const { stream, list } = newList();
    await redis.rpush(list, foreign('answer'), foreign('answer'));
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({
      offset: 2,
      nextOffset: 3,
    });
    await redis.rpush(list, foreign('answer'));
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({
      offset: 4,
      nextOffset: 5,
    });
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5, status: 'open' });
  });

  it.each([
    ['complete', {}, 'complete'],
    ['stop', {}, 'stopped'],
    ['error', { done: true }, 'failed'],
    ['complete', { content: '"type":"answer"' }, 'complete'],
  ])('has ended when that program pushed %s %j', async (type, rest, status) => {
    const { stream, list } = newList();
    await manager.appendEvents(stream, answers(1));
    await redis.rpush(list, foreign(type, rest));
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(ended);
    expect(await manager.getStatus(stream)).toMatchObject({ status, nextOffset: 2 });
    await manager.appendEvents(stream, [title()]);
  });

  it('has ended also when the type is written with escapes', async () => {
    const { stream, list } = newList();
    await redis.rpush(list, '{"type":"\\u0063omplete"}');
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(ended);
  });

  it.each([
    foreign('error'),
    foreign('answer', { content: 'complete "stop" "error"' }),
    '["complete"]',
    '"complete"',
    '{"type":"complete"',
    '{"data":{"type":"complete"}}',
  ])('has not ended when it pushed %s', async (element) => {
    const { stream, list } = newList();
    await redis.rpush(list, element);
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({
      offset: 1,
      nextOffset: 2,
    });
  });

  it('is scanned in pages when it is long, and its end is found in the middle', async () => {
    const { stream, list } = newList();
    const elements = Array.from({ length: 5000 }, () => foreign('answer'));
    elements[4321] = foreign('complete');
    await redis.rpush(list, ...elements);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(ended);
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5000, status: 'complete' });
  });

  it('is another stream when it is deleted, shorter, or has another element there', async () => {
    const { stream, list } = newList();
    for (const elements of [[], ['x'], ['a', 'b'], ['a', 'b', 'c', 'd']]) {
      await manager.appendEvents(stream, [...answers(1), complete()]);
      await redis
        .multi()
        .del(list)
        .rpush(list, 'placeholder', ...elements)
        .ltrim(list, 1, -1)
        .exec();
      expect(await manager.appendEvents(stream, answers(1))).toMatchObject({
        offset: elements.length,
        nextOffset: elements.length + 1,
      });
      await redis.del(list);
    }
  });

  it('is scanned again when the state was evicted', async () => {
    const { stream, state } = newList();
    await manager.appendEvents(stream, [...answers(3), complete()]);
    await redis.del(state);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(ended);
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 4, status: 'complete' });
  });

  it('gets its time to live with every append, and the state goes with the list', async () => {
    const { stream, list, state } = newList();
    await manager.appendEvents(stream, answers(1));
    for (const key of [list, state]) {
      expect(await redis.pttl(key)).toBeGreaterThan(3_590_000);
      await redis.pexpire(key, 1000);
    }
    await manager.appendEvents(stream, answers(1));
    for (const key of [list, state]) expect(await redis.pttl(key)).toBeGreaterThan(3_590_000);
    const bare = newList();
    await redis.rpush(bare.list, foreign('answer'));
    expect(await manager.getStatus(bare.stream)).toMatchObject({ expiresAt: null });
    expect(await redis.pttl(bare.state)).toBeGreaterThan(0);
    await redis.pexpire(bare.list, 5000);
    await manager.getStatus(bare.stream);
    expect(await redis.pttl(bare.state)).toBeLessThanOrEqual(10_000);
  });

  it('counts with its bytes and events against the limits of a stream', async () => {
    const limits = { maxStreamEvents: 3, maxStreamBytes: 1000 };
    const options = { addresses: [server.endpoint], prefix };
    const limited = await redisBackend.create({ redis: options, limits });
    const { stream, list } = newList();
    await redis.rpush(list, foreign('answer', { content: 'x'.repeat(800) }));
    const full = { code: 'stream_full' };
    await expect(limited.appendEvents(stream, [eventOfBytes(300)])).rejects.toMatchObject(full);
    await limited.appendEvents(stream, [eventOfBytes(100)]);
    await limited.close();
  });

  it('is on the list of its session once it has been read', async () => {
    const sessionId = randomUUID();
    const stream = { sessionId, messageId: 'm1' };
    await redis.rpush(`${prefix}:${sessionId}:m1`, foreign('answer'));
    expect(await manager.listStreams(sessionId)).toEqual([]);
    await manager.getStatus(stream);
    expect(await manager.listStreams(sessionId)).toMatchObject([{ messageId: 'm1' }]);
  });
});

describe('A page of a Redis List', () => {
  it('moves little more than its own bytes, however large the events are', async () => {
    const { redis, manager } = await ownRedis();
    const stream = newStream();
    const size = 500_000;
    for (let count = 0; count < 20; count += 1) {
      await manager.appendEvents(stream, [eventOfBytes(size), ...answers(5)]);
    }
    const sentBefore = await sentBytes(redis);
    let offset = 0;
    for (let atEnd = false; !atEnd; ) {
      const page = await manager.getEvents(stream, offset, 1000);
      offset = page.nextOffset;
      atEnd = page.atEnd;
    }
    expect(offset).toBe(120);
    // Each large event is sent in its own page, and once more as the one before the next.
    expect((await sentBytes(redis)) - sentBefore).toBeLessThan(2.2 * 20 * size);
  });
});

async function sentBytes(redis: Redis): Promise<number> {
  const info = await redis.info('stats');
  return Number(/total_net_output_bytes:(\d+)/.exec(info)?.[1]);
}

describe('A full Redis', () => {
  it('rejects appends with store_full, keeps all events, and recovers automatically', async () => {
    const { redis, manager } = await ownRedis({}, ...canBeFull);
    const stream = newStream();
    await manager.appendEvents(stream, answers(3));
    await redis.config('SET', 'maxmemory', '1');
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'store_full',
    });
    await expect(manager.appendEvents(newStream(), answers(1))).rejects.toMatchObject({
      code: 'store_full',
    });
    expect((await manager.getEvents(stream, 0, 10)).events).toHaveLength(3);
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 3 });
    await redis.config('SET', 'maxmemory', '0');
    expect(await manager.appendEvents(stream, answers(1))).toMatchObject({
      offset: 3,
      nextOffset: 4,
    });
  });
});

describe('A Redis database that does not exist', () => {
  it('is not replaced by database 0', async () => {
    const manager = new RedisStreamManager({
      ttlMs: 1000,
      maxAgeMs: 1000,
      limits: { ...inputLimits, maxStreamEvents: 10, maxStreamBytes: 1000, maxSessionStreams: 10 },
      redis: { ...sharedRedis(), db: 99 },
      logger: silentLogger,
    });
    const until = performance.now() + 1500;
    while (performance.now() < until) {
      await expect(manager.ping()).rejects.toMatchObject({ code: 'backend_unavailable' });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await manager.close();
  });
});
