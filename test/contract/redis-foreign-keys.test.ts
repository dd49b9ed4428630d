import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers, newStream } from '../support/events.js';
import { startOwnRedis } from '../support/own-redis.js';

const prefix = `foreign-${randomUUID()}`;

/** How another program may use the key of a stream. */
const uses: readonly [type: string, write: (redis: Redis, key: string) => Promise<unknown>][] = [
  ['string', (redis, key) => redis.set(key, 'text')],
  ['hash', (redis, key) => redis.hset(key, 'field', 'text')],
  ['set', (redis, key) => redis.sadd(key, 'text')],
  ['zset', (redis, key) => redis.zadd(key, 1, 'text')],
  ['stream', (redis, key) => redis.xadd(key, '*', 'field', 'text')],
];

/** The state of a stream is a hash. */
const usesAsState = uses.filter(([type]) => type !== 'hash');

const rejected = { code: 'internal', details: { stored: 0 } };

describe('A Redis key that another program uses for something else', () => {
  let redis: Redis;
  let manager: StreamManager;

  beforeAll(async () => {
    const own = await startOwnRedis({ redis: { prefix } });
    ({ redis, manager } = own);
    return own.stop;
  });

  const listOf = ({ sessionId, messageId }: StreamId) => `${prefix}:${sessionId}:${messageId}`;
  const stateOf = (stream: StreamId) => `{${listOf(stream)}}::state2`;

  async function expectLeftAlone(key: string, act: () => Promise<unknown>): Promise<void> {
    const before = await redis.dumpBuffer(key);
    await act();
    expect(before).not.toBeNull();
    expect(await redis.dumpBuffer(key)).toEqual(before);
  }

  describe.each(uses)('as a %s', (_type, write) => {
    it('is not deleted with the stream that would have that key', async () => {
      const stream = newStream();
      await write(redis, listOf(stream));
      await expectLeftAlone(listOf(stream), () => manager.deleteStream(stream));
      expect(await redis.exists(stateOf(stream))).toBe(0);
    });

    it('is no stream to any call, and rejects appends', async () => {
      const stream = newStream();
      await write(redis, listOf(stream));
      await expectLeftAlone(listOf(stream), async () => {
        expect(await manager.getStatus(stream)).toBeNull();
        expect(await manager.renewLease(stream, { leaseMs: 3000 })).toBeNull();
        const page = await manager.getEvents(stream, 0, 10);
        expect(page).toMatchObject({ events: [], before: undefined });
        expect(await manager.listStreams(stream.sessionId)).toEqual([]);
        expect(await manager.wasDeleted(stream)).toBe(false);
        await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(rejected);
      });
    });

    it('does not hide that the stream before it was deleted', async () => {
      const stream = newStream();
      await manager.appendEvents(stream, answers(1));
      await manager.deleteStream(stream);
      await write(redis, listOf(stream));
      expect(await manager.wasDeleted(stream)).toBe(true);
    });
  });

  describe.each(usesAsState)('as a %s in place of the state of a stream', (_type, write) => {
    it('is not changed, nor the list beside it, by any call', async () => {
      const stream = newStream();
      await manager.appendEvents(stream, answers(2));
      await redis.del(stateOf(stream));
      await write(redis, stateOf(stream));
      await expectLeftAlone(stateOf(stream), () =>
        expectLeftAlone(listOf(stream), async () => {
          await expect(manager.deleteStream(stream)).rejects.toMatchObject(rejected);
          await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(rejected);
          expect(await manager.wasDeleted(stream)).toBe(false);
        }),
      );
    });
  });

  it('in place of the streams of a session rejects appends to the session with nothing stored', async () => {
    const stream = newStream();
    const key = `{${prefix}:${stream.sessionId}}::streams`;
    await redis.set(key, 'text');
    await expectLeftAlone(key, async () => {
      await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject(rejected);
      await expect(manager.listStreams(stream.sessionId)).rejects.toMatchObject(rejected);
    });
    expect(await redis.exists(listOf(stream))).toBe(0);
    await redis.del(key);
  });

  it('in place of the lease deadlines rejects appends with a lease, with nothing stored', async () => {
    const key = `${prefix}::leases`;
    await redis.set(key, 'text');
    const stream = newStream();
    await expectLeftAlone(key, async () => {
      const lease = { leaseMs: 3000 };
      await expect(manager.appendEvents(stream, answers(1), lease)).rejects.toMatchObject(rejected);
      await manager.appendEvents(stream, answers(1));
      expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 1 });
    });
    await redis.del(key);
  });
});
