import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers, complete, newStream } from '../support/events.js';
import { startOwnRedis } from '../support/own-redis.js';
import { waitFor } from '../support/wait-for.js';

const prefix = `newer-${randomUUID()}`;

let redis: Redis;
let manager: StreamManager;

beforeAll(async () => {
  const own = await startOwnRedis({ redis: { prefix } });
  ({ redis, manager } = own);
  return own.stop;
});

const listOf = ({ sessionId, messageId }: StreamId) => `${prefix}:${sessionId}:${messageId}`;
const stateOf = (stream: StreamId) => `{${listOf(stream)}}::state`;

describe('The state of a stream in Redis', () => {
  it('has version 1, also for a stream of another program and for a deleted one', async () => {
    const [own, foreign, deleted] = [newStream(), newStream(), newStream()];
    await manager.appendEvents(own, answers(1));
    await redis.rpush(listOf(foreign), '{"type":"answer"}');
    await manager.getStatus(foreign);
    await manager.appendEvents(deleted, answers(1));
    await manager.deleteStream(deleted);
    for (const stream of [own, foreign, deleted]) {
      expect(await redis.hget(stateOf(stream), 'v')).toBe('1');
    }
  });

  it('is read without a version, as an older node saves it, and keeps fields of a newer one', async () => {
    const stream = newStream();
    await manager.appendEvents(stream, answers(2));
    await redis.hdel(stateOf(stream), 'v');
    await redis.hset(stateOf(stream), 'colour', 'green');
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 2 });
    await manager.appendEvents(stream, [complete()]);
    expect(await redis.hmget(stateOf(stream), 'v', 'colour')).toEqual(['1', 'green']);
  });
});

describe('A stream whose state a newer version has saved', () => {
  const stream = newStream();
  const leaseMs = 1000;
  beforeEach(async () => {
    await redis.flushall();
    await manager.appendEvents(stream, answers(2), { leaseMs });
    await redis.hset(stateOf(stream), 'v', '2');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['an append', () => manager.appendEvents(stream, answers(1))],
    ['a lease renewal', () => manager.renewLease(stream, { leaseMs })],
    ['a status', () => manager.getStatus(stream)],
    ['a deletion', () => manager.deleteStream(stream)],
  ])('rejects %s as not available here, and does not change', async (_name, call) => {
    const kept = async () => [
      await redis.lrange(listOf(stream), 0, -1),
      await redis.hgetall(stateOf(stream)),
    ];
    const before = await kept();
    await expect(call()).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: 'a newer version of the service has written to this stream',
      details: { stored: 0 },
    });
    expect(await kept()).toEqual(before);
  });

  it('can be read', async () => {
    expect(await manager.getEvents(stream, 0, 10)).toMatchObject({ nextOffset: 2, atEnd: true });
  });

  it('does not end when its lease expires, and the deadline stays for newer nodes', async () => {
    const other = newStream();
    await manager.appendEvents(other, answers(1), { leaseMs: 2 * leaseMs });
    await waitFor('a later lease has expired', async () => (await redis.llen(listOf(other))) === 2);
    expect(await redis.llen(listOf(stream))).toBe(2);
    const member = `${stream.sessionId}:${stream.messageId}`;
    expect(await redis.zscore(`${prefix}::leases`, member)).not.toBeNull();
  });
});
