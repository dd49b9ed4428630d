import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers, complete, newStream } from '../support/events.js';
import { canBeFull, ownRedis, startOwnRedis } from '../support/own-redis.js';
import { producer } from '../support/producers.js';
import { endOf, foundInTen, streamsWithEnds } from '../support/stream-ends.js';

const prefix = `together-${randomUUID()}`;

let redis: Redis;
let manager: StreamManager;

beforeAll(async () => {
  const own = await startOwnRedis({ redis: { prefix } }, ...canBeFull);
  ({ redis, manager } = own);
  return own.stop;
});

afterEach(() => redis.config('SET', 'maxmemory', '0'));

const listOf = ({ sessionId, messageId }: StreamId) => `${prefix}:${sessionId}:${messageId}`;

/** Streams with one event each, of which hints and scripts are known to Redis. */
async function streamsOf(count: number): Promise<StreamId[]> {
  const streams = Array.from({ length: count }, () => newStream());
  for (const stream of streams) {
    await manager.appendEvents(stream, answers(1));
    await manager.getStatus(stream);
  }
  return streams;
}

/** How many scripts, and commands outside of scripts, Redis gets meanwhile. */
async function commandsOf(act: () => Promise<unknown>): Promise<number> {
  const count = async () => {
    const stats = await redis.info('commandstats');
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  const before = await count();
  await act();
  return (await count()) - before;
}

describe('Appends of one turn of the event loop', () => {
  it('to many streams share one command', async () => {
    const streams = await streamsOf(50);
    const commands = await commandsOf(async () => {
      const appended = await Promise.all(
        streams.map((stream) => manager.appendEvents(stream, answers(2))),
      );
      expect(appended).toMatchObject(streams.map(() => ({ offset: 1, nextOffset: 3, count: 2 })));
    });
    expect(commands).toBeLessThan(10);
  });

  it('to one stream keep their order', async () => {
    const [stream] = (await streamsOf(1)) as [StreamId];
    const offsets = Array.from({ length: 30 }, async () => {
      return (await manager.appendEvents(stream, answers(1))).offset;
    });
    expect(await Promise.all(offsets)).toEqual(offsets.map((_, index) => index + 1));
  });

  it('fail one by one', async () => {
    const streams = await streamsOf(5);
    await redis.del(listOf(streams[2] as StreamId));
    await redis.set(listOf(streams[2] as StreamId), 'text');
    const results = await Promise.allSettled(
      streams.map((stream) => manager.appendEvents(stream, answers(1))),
    );
    const statuses = results.map(({ status }) => status);
    expect(statuses).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(results[2]).toMatchObject({ reason: { code: 'internal', details: { stored: 0 } } });
  });

  it('to a full Redis are rejected although one beside them ends its stream', async () => {
    const [first, ended, last] = (await streamsOf(3)) as [StreamId, StreamId, StreamId];
    await redis.config('SET', 'maxmemory', '1');
    const results = await Promise.allSettled([
      manager.appendEvents(first, answers(1)),
      manager.appendEvents(ended, [complete()]),
      manager.appendEvents(last, answers(1)),
    ]);
    const full = { status: 'rejected', reason: { code: 'store_full' } };
    expect(results).toMatchObject([full, { status: 'fulfilled' }, full]);
  });
});

describe('Appends of one turn to a full Redis', () => {
  it('are rejected although one beside them is a duplicate, which renews its stream', async () => {
    const [first, again, last] = (await streamsOf(3)) as [StreamId, StreamId, StreamId];
    const numbered = { producer: producer(0) };
    await manager.appendEvents(again, answers(1), numbered);
    await redis.config('SET', 'maxmemory', '1');
    const results = await Promise.allSettled([
      manager.appendEvents(again, answers(1), numbered),
      manager.appendEvents(first, answers(1)),
      manager.appendEvents(again, answers(1), numbered),
      manager.appendEvents(last, answers(1)),
    ]);
    const full = { status: 'rejected', reason: { code: 'store_full' } };
    const duplicate = { status: 'fulfilled', value: { count: 0, nextOffset: 2 } };
    expect(results).toMatchObject([duplicate, full, duplicate, full]);
  });

  it('are rejected although one beside them finds what another program pushed', async () => {
    const [first, pushed, last] = (await streamsOf(3)) as [StreamId, StreamId, StreamId];
    await redis.rpush(listOf(pushed), '{"type":"answer"}');
    await redis.config('SET', 'maxmemory', '1');
    const results = await Promise.allSettled(
      [first, pushed, last].map((stream) => manager.appendEvents(stream, answers(1))),
    );
    const full = { status: 'rejected', reason: { code: 'store_full' } };
    expect(results).toMatchObject([full, full, full]);
  });
});

describe('Reads at the ends of many streams, in one turn of the event loop,', () => {
  it('share one command, and find what is new', async () => {
    const streams = await streamsOf(100);
    await Promise.all(streams.map((stream) => manager.getEvents(stream, 1, 1))); // loads the script
    const [changed] = streams as [StreamId];
    await manager.appendEvents(changed, answers(2));
    const commands = await commandsOf(async () => {
      const pages = await Promise.all(streams.map((stream) => manager.getEvents(stream, 1, 1)));
      expect(pages[0]).toMatchObject({ nextOffset: 2, atEnd: false });
      for (const page of pages.slice(1)) {
        expect(page).toMatchObject({ events: [], nextOffset: 1, atEnd: true });
        expect(page.before).toBeDefined();
      }
    });
    expect(commands).toBeLessThan(10); // leases are looked at meanwhile
  });

  it('are as without the others where the elements are large, or no list is there', async () => {
    const streams = await streamsOf(6);
    const [large, gone, other] = streams as [StreamId, StreamId, StreamId];
    await redis.rpush(listOf(large), JSON.stringify({ type: 'answer', content: 'x'.repeat(1e6) }));
    await redis.del(listOf(gone), listOf(other));
    await redis.set(listOf(other), 'text');
    const pages = await Promise.all(streams.map((stream) => manager.getEvents(stream, 1, 1)));
    const empty = { events: [], nextOffset: 1, before: undefined, atEnd: true };
    expect(pages.slice(1, 3)).toEqual([empty, empty]);
    expect(pages[0]?.nextOffset).toBe(2);
    for (const page of pages.slice(3)) expect(page.before).toBeDefined();
  });

  it('are in several commands where they would be long together', async () => {
    const streams = await streamsOf(10);
    const large = JSON.stringify({ type: 'answer', content: 'x'.repeat(100_000) });
    for (const stream of streams) await redis.rpush(listOf(stream), large, large, large);
    const commands = await commandsOf(async () => {
      const [pages, infos] = await Promise.all([
        Promise.all(streams.map((stream) => manager.getEvents(stream, 0, 512))),
        Promise.all(streams.map((stream) => manager.getStatus(stream))),
      ]);
      for (const { events } of pages) expect(events.length).toBeGreaterThan(0);
      expect(infos.map((info) => info?.nextOffset)).toEqual(streams.map(() => 4));
    });
    expect(commands).toBeGreaterThan(streams.length);
  });
});

describe('A check of the ends of many streams in Redis', () => {
  it('takes a few commands', async () => {
    const ends = await streamsWithEnds(manager, 600);
    await manager.findMoved(ends); // loads the script
    const commands = await commandsOf(async () => {
      expect(await manager.findMoved(ends)).toEqual([]);
    });
    expect(commands).toBeLessThan(10); // leases are looked at meanwhile
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
