import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers } from '../support/events.js';
import { ownRedis, startOwnRedis } from '../support/own-redis.js';
import { endOf, foundInTen, streamsWithEnds } from '../support/stream-ends.js';

const prefix = `ends-${randomUUID()}`;

let redis: Redis;
let manager: StreamManager;

beforeAll(async () => {
  const own = await startOwnRedis({ redis: { prefix } });
  ({ redis, manager } = own);
  return own.stop;
});

const listOf = ({ sessionId, messageId }: StreamId) => `${prefix}:${sessionId}:${messageId}`;

describe('A check of the ends of many streams in Redis', () => {
  it('takes a few commands', async () => {
    const ends = await streamsWithEnds(manager, 600);
    await manager.findMoved(ends); // loads the script
    const scripts = async () => {
      const stats = await redis.info('commandstats');
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await scripts();
    expect(await manager.findMoved(ends)).toEqual([]);
    expect((await scripts()) - before).toBeLessThan(10); // leases are looked at meanwhile
  });

  it('finds what another program has pushed, removed, or put in the place of a list', async () => {
    const ends = await streamsWithEnds(manager, 6);
    const [longer, gone, other, noList] = ends.map(({ stream }) => listOf(stream)) as string[];
    await redis.rpush(longer as string, '{"type":"answer"}');
    await redis.del(gone as string, other as string, noList as string);
    await redis.rpush(other as string, '{"type":"answer"}', '{"type":"answer"}');
    await redis.set(noList as string, 'text');
    expect(await foundInTen(manager, ends)).toEqual([0, 1, 2, 3]);
  });

  it('does not compare a large event, but has its stream read', async () => {
    const [large, small] = (await streamsWithEnds(manager, 2)).map(({ stream }) => stream);
    const content = 'x'.repeat(5000);
    await redis.rpush(listOf(large as StreamId), JSON.stringify({ type: 'answer', content }));
    await manager.appendEvents(small as StreamId, answers(1));
    const ends = [await endOf(manager, small as StreamId), await endOf(manager, large as StreamId)];
    expect(await foundInTen(manager, ends)).toEqual([1]);
  });

  it('has all streams read when Redis is not reachable', async () => {
    const own = await ownRedis();
    const ends = await streamsWithEnds(own.manager, 2);
    await own.manager.close();
    expect(await own.manager.findMoved(ends)).toEqual([0, 1]);
  });
});
