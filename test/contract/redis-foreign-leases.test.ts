import { Cluster, type Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisOptions } from '../../src/store/redis/connection/redis-options.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { redisBackend } from '../support/backends.js';
import { ClusterOfTest } from '../support/cluster-of-test.js';
import { answers } from '../support/events.js';
import { canBeFull, newList as newListOf, ownRedis } from '../support/own-redis.js';
import { readState } from '../support/packed-state.js';
import { RedisServer } from '../support/redis-server.js';
import { SentinelOfTest } from '../support/sentinel-of-test.js';
import { waitFor } from '../support/wait-for.js';

/** Where streams are kept, and how another program gets there. */
interface Place {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly options: Partial<RedisOptions>;
  client(): Redis | Cluster;
}

class Standalone implements Place {
  #server!: RedisServer;
  async start() {
    this.#server = await RedisServer.start(...canBeFull);
  }
  stop = () => this.#server.stop();
  get options() {
    return { addresses: [this.#server.endpoint] };
  }
  client = () => this.#server.client();
}

class OnSentinels extends SentinelOfTest implements Place {
  client = () => this.primary.client();
}

class OnCluster extends ClusterOfTest implements Place {
  client = () => new Cluster([this.first.endpoint]);
}

const places: readonly (readonly [string, () => Place])[] = [
  ['Redis', () => new Standalone()],
  ['sentinels', () => new OnSentinels()],
  ['a cluster', () => new OnCluster()],
];

const prefix = 'foreign-leases';
const event = JSON.stringify({ id: 'f', type: 'answer' });

const newList = () => newListOf(prefix);

describe.each(places)('On %s, the lease of a stream that another program pushes to', (_, make) => {
  const place = make();
  let redis: Redis | Cluster;
  let nodes: StreamManager[];
  beforeAll(async () => {
    await place.start();
    redis = place.client();
    const create = () => redisBackend.create({ ttlMs: 5000, redis: { ...place.options, prefix } });
    nodes = await Promise.all([create(), create()]);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    redis.disconnect();
    await place.stop();
  });

  const [a, b] = [() => nodes[0] as StreamManager, () => nodes[1] as StreamManager];
  const until = async (state: string) => (await readState(redis, state))?.at ?? 0;
  const isLater = async (state: string, than: number) => (await until(state)) > than;

  it.each([
    ['an event', event],
    ['what is no event', 'no JSON'],
    ['an error that ends nothing', '{"type":"error"}'],
  ])('is renewed once by %s, however many nodes check it', async (_what, element) => {
    const { stream, list, state } = newList();
    await a().appendEvents(stream, answers(1), { leaseMs: 60_000 });
    const begun = await until(state);
    await waitFor('a later time', async () => {
      await redis.rpush(list, element);
      await Promise.all([a(), b(), a()].map((node) => node.getStatus(stream)));
      return isLater(state, begun);
    });
    const renewed = await until(state);
    expect(renewed - 60_000).toBe((await readState(redis, state))?.updatedAt);
    await waitFor('time has passed', async () => {
      const looks = [a(), b(), a()].map((node) => node.getStatus(stream));
      const infos = await Promise.all(looks);
      expect(infos.map((info) => info?.status)).toEqual(['open', 'open', 'open']);
      return Date.now() > renewed - 60_000 + 20;
    });
    expect(await until(state)).toBe(renewed);
  });

  it('keeps the list for as long as its end may take to come', async () => {
    const { stream, list, state } = newList();
    await a().appendEvents(stream, answers(1), { leaseMs: 60_000 });
    for (const key of [list, state]) await redis.pexpire(key, 10_000);
    await redis.rpush(list, event);
    await b().getStatus(stream);
    for (const key of [list, state]) expect(await redis.pttl(key)).toBeGreaterThan(100_000);
    await redis.persist(list);
    await redis.rpush(list, event);
    await b().getStatus(stream);
    expect(await redis.pttl(list)).toBe(-1);
  });

  it('ends the stream once when both its worker and the other program are dead', async () => {
    const { stream, list } = newList();
    await a().appendEvents(stream, answers(1), { leaseMs: 1000 });
    await redis.rpush(list, event, 'no JSON');
    await waitFor('the end', async () => (await a().getStatus(stream))?.status === 'failed');
    const looks = await Promise.all([a().getStatus(stream), b().getStatus(stream)]);
    expect(looks).toMatchObject([{ nextOffset: 4 }, { nextOffset: 4 }]);
    expect(await redis.lindex(list, -1)).toContain('producer_lost');
    // And nothing that follows begins another.
    await redis.rpush(list, event);
    expect(await b().getStatus(stream)).toMatchObject({ status: 'failed', nextOffset: 5 });
    expect(await b().renewLease(stream, { leaseMs: 1000 })).toMatchObject({ status: 'failed' });
  });
});

describe('The lease of a stream that another program pushed to, on a full Redis', () => {
  it('ends the stream once it has expired', async () => {
    const { redis, manager: node } = await ownRedis({ redis: { prefix } }, ...canBeFull);
    const { stream, list } = newList();
    await node.appendEvents(stream, answers(1), { leaseMs: 1500 });
    await redis.rpush(list, event);
    await redis.config('SET', 'maxmemory', '1');
    await waitFor('the end', async () => (await redis.llen(list)) === 3);
    expect(await redis.lindex(list, -1)).toContain('producer_lost');
    expect(await node.getStatus(stream)).toMatchObject({ status: 'failed', nextOffset: 3 });
  });
});
