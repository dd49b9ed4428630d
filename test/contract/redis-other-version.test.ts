import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { maxNumber } from '../../src/http/routes/append-json.js';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers, newStream } from '../support/events.js';
import { startOwnRedis } from '../support/own-redis.js';
import { readState } from '../support/packed-state.js';
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
const stateOf = (stream: StreamId) => `{${listOf(stream)}}::state2`;
const olderStateOf = (stream: StreamId) => `{${listOf(stream)}}::state`;

describe('The state of a stream in Redis', () => {
  it('has version 2, also for a stream of another program and for a deleted one', async () => {
    const [own, foreign, deleted] = [newStream(), newStream(), newStream()];
    await manager.appendEvents(own, answers(1));
    await redis.rpush(listOf(foreign), '{"type":"answer"}');
    await manager.getStatus(foreign);
    await manager.appendEvents(deleted, answers(1));
    await manager.deleteStream(deleted);
    for (const stream of [own, foreign, deleted]) {
      expect(await readState(redis, stateOf(stream))).toMatchObject({ version: 2 });
    }
  });

  it('stays in one piece of memory, with the largest numbers and several producers', async () => {
    const stream = newStream();
    for (const id of ['a', 'b']) {
      const producer = { id, epoch: maxNumber, seq: 0 };
      await manager.appendEvents(stream, answers(1), {
        producer,
        leaseMs: 3_600_000,
        ttlMs: 10 ** 11,
      });
    }
    expect(await redis.object('ENCODING', stateOf(stream))).toMatch(/^(listpack|ziplist)$/);
    expect(await manager.getStatus(stream, 'b')).toMatchObject({
      ttlMs: 10 ** 11,
      producer: { epoch: maxNumber, nextSeq: 1 },
    });
  });
});

/** How another version has left the state of a stream. */
const versions: Record<string, (stream: StreamId) => Promise<unknown>> = {
  newer: (stream) => redis.hset(stateOf(stream), 's', Buffer.from('\u0003 of any length')),
  older: async (stream) => {
    await redis.del(stateOf(stream));
    await redis.hset(olderStateOf(stream), 'length', 2, 'last', '', 'status', '');
  },
  'older, after one of this version,': async (stream) => {
    await redis.hset(olderStateOf(stream), 'length', 3, 'last', '', 'status', '');
    await redis.rpush(listOf(stream), '{"type":"answer"}');
  },
};

describe.each(Object.entries(versions))(
  'A stream whose state another version (%s) has saved',
  (_version, save) => {
    const stream = newStream();
    const leaseMs = 1000;
    beforeEach(async () => {
      await redis.flushall();
      await manager.appendEvents(stream, answers(2), { leaseMs });
      await save(stream);
    });

    it.each<[string, () => Promise<unknown>]>([
      ['an append', () => manager.appendEvents(stream, answers(1))],
      ['a lease renewal', () => manager.renewLease(stream, { leaseMs })],
      ['a status', () => manager.getStatus(stream)],
      ['a deletion', () => manager.deleteStream(stream)],
    ])('rejects %s as not available here, and does not change', async (_name, call) => {
      const kept = async () => [
        await redis.lrange(listOf(stream), 0, -1),
        await redis.hgetallBuffer(stateOf(stream)),
        await redis.hgetall(olderStateOf(stream)),
      ];
      const before = await kept();
      await expect(call()).rejects.toMatchObject({
        code: 'backend_unavailable',
        message: 'another version of the service has written to this stream',
        details: { stored: 0 },
      });
      expect(await kept()).toEqual(before);
    });

    it('can be read', async () => {
      const nextOffset = await redis.llen(listOf(stream));
      expect(await manager.getEvents(stream, 0, 10)).toMatchObject({ nextOffset, atEnd: true });
    });

    it('does not end when its lease expires, and the deadline stays for newer nodes', async () => {
      const other = newStream();
      await manager.appendEvents(other, answers(1), { leaseMs: 2 * leaseMs });
      await waitFor(
        'a later lease has expired',
        async () => (await redis.llen(listOf(other))) === 2,
      );
      const last = await redis.lindex(listOf(stream), -1);
      expect(last).not.toContain('producer_lost');
      const member = `${stream.sessionId}:${stream.messageId}`;
      expect(await redis.zscore(`${prefix}::leases`, member)).not.toBeNull();
    });
  },
);
