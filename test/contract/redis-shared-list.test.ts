import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisStreamManager } from '../../src/streams/redis/redis-stream-manager.js';
import { redisBackend } from '../support/backends.js';
import { answers, complete, eventOfBytes, newStream, texts, title } from '../support/events.js';
import { RedisServer } from '../support/redis-server.js';

const prefix = `shared-${randomUUID()}`;

describe('a list that another program writes to', () => {
  let server: RedisServer;
  let redis: Redis;
  let manager: RedisStreamManager;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.client();
    const options = { addresses: [server.endpoint], prefix };
    manager = (await redisBackend.create({ redis: options })) as RedisStreamManager;
  });
  afterAll(async () => {
    await manager.close();
    redis.disconnect();
    await server.stop();
  });

  const foreign = (type: string, rest = {}) => JSON.stringify({ id: 'f', type, ...rest });
  const newList = () => {
    const stream = newStream();
    const list = `${prefix}:${stream.sessionId}:${stream.messageId}`;
    return { stream, list, state: `{${list}}::state` };
  };
  const ended = { code: 'stream_ended' };

  it('is read and appended to at its true length', async () => {
    const { stream, list } = newList();
    await redis.rpush(list, foreign('answer'), foreign('answer'));
    expect(await manager.appendEvents(stream, answers(1))).toEqual({ offset: 2, nextOffset: 3 });
    await redis.rpush(list, foreign('answer'));
    expect(await manager.appendEvents(stream, answers(1))).toEqual({ offset: 4, nextOffset: 5 });
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5, status: 'open' });
  });

  it.each([
    ['complete', {}, 'complete'],
    ['stop', {}, 'stopped'],
    ['error', { done: true }, 'failed'],
    ['complete', { content: '"type":"answer"' }, 'complete'],
  ])('has ended when that program wrote %s %j', async (type, rest, status) => {
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
  ])('has not ended when it wrote %s', async (element) => {
    const { stream, list } = newList();
    await redis.rpush(list, element);
    expect(await manager.appendEvents(stream, answers(1))).toEqual({ offset: 1, nextOffset: 2 });
  });

  it('is looked through in parts when it is long, and its end is found in the midst', async () => {
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
      expect(await manager.appendEvents(stream, answers(1))).toEqual({
        offset: elements.length,
        nextOffset: elements.length + 1,
      });
      await redis.del(list);
    }
  });

  it('is accounted for again when the state was evicted', async () => {
    const { stream, state } = newList();
    await manager.appendEvents(stream, [...answers(3), complete()]);
    await redis.del(state);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(ended);
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 4, status: 'complete' });
  });

  it('keeps a time to live with every append, and the state goes with the list', async () => {
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
  });

  it('counts its bytes and events against the limits of a stream', async () => {
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

  it('is what it is when the key holds something else: no stream, and no place for one', async () => {
    const { stream, list } = newList();
    await redis.set(list, 'text');
    expect(await manager.getStatus(stream)).toBeNull();
    expect(await manager.getEvents(stream, 0, 10)).toMatchObject({ events: [], before: undefined });
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'internal',
      details: { stored: 0 },
    });
  });

  it('takes a batch over the number of values that Lua unpacks at once', async () => {
    const { stream } = newList();
    const many = answers(12_000);
    await manager.appendEvents(stream, many);
    const { events } = await manager.getEvents(stream, 11_990, 1000);
    expect(texts(events)).toEqual(texts(many.slice(11_990)));
  });
});

describe('a Redis that is full', () => {
  it('refuses with store_full, keeps all that it has, and recovers by itself', async () => {
    const server = await RedisServer.start('--maxmemory-policy', 'noeviction', '--save', '');
    const redis = server.client();
    const manager = await redisBackend.create({ redis: { addresses: [server.endpoint] } });
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
    await redis.config('SET', 'maxmemory', '0');
    expect(await manager.appendEvents(stream, answers(1))).toEqual({ offset: 3, nextOffset: 4 });
    await manager.close();
    redis.disconnect();
    await server.stop();
  });
});
