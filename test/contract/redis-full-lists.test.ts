import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { answers, complete, newStream } from '../support/events.js';
import { canBeFull, ownRedis } from '../support/own-redis.js';

const elementOf = (type: string) => JSON.stringify({ id: 'f', type });

describe('A long list of another program on a full Redis', () => {
  let redis: Redis;
  let manager: StreamManager;
  const stream = newStream();
  const list = `full:${stream.sessionId}:${stream.messageId}`;
  beforeEach(async () => {
    ({ redis, manager } = await ownRedis({ redis: { prefix: 'full' } }, ...canBeFull));
  });

  async function pushAndFill(length: number): Promise<void> {
    const elements = Array.from({ length }, () => elementOf('answer'));
    elements[4321] = elementOf('complete');
    await redis.rpush(list, ...elements);
    await redis.config('SET', 'maxmemory', '1');
  }

  it('has its status and rejects appends as usual, though its state cannot be saved', async () => {
    await pushAndFill(5000);
    const known = { nextOffset: 5000, status: 'complete' };
    expect(await manager.getStatus(stream)).toMatchObject(known);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'stream_ended',
    });
    await redis.config('SET', 'maxmemory', '0');
    expect(await manager.getStatus(stream)).toMatchObject(known);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'stream_ended',
    });
  });

  it('is read once for each status, however many pages it has', async () => {
    await pushAndFill(50_000);
    const length = Number(await redis.call('MEMORY', 'USAGE', list, 'SAMPLES', '0'));
    const before = await bytesSent(redis);
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 50_000 });
    expect((await bytesSent(redis)) - before).toBeLessThan(2 * length);
  });

  it('accepts the terminal event of a producer past the limit, and no other event', async () => {
    await redis.rpush(list, ...Array.from({ length: 5000 }, () => elementOf('answer')));
    await redis.config('SET', 'maxmemory', '1');
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5000, status: 'open' });
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'store_full',
    });
    expect(await manager.appendEvents(stream, [complete()])).toMatchObject({ offset: 5000 });
    await redis.config('SET', 'maxmemory', '0');
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5001, status: 'complete' });
  });

  it('is another stream once its list was replaced', async () => {
    await pushAndFill(5000);
    await manager.getStatus(stream);
    await redis.config('SET', 'maxmemory', '0');
    await redis.del(list, `{${list}}::state2`);
    await redis.rpush(list, ...Array.from({ length: 5000 }, () => elementOf('thinking')));
    await redis.config('SET', 'maxmemory', '1');
    expect(await manager.getStatus(stream)).toMatchObject({ nextOffset: 5000, status: 'open' });
  });
});

async function bytesSent(redis: Redis): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
}
