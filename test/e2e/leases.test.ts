import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LivingWorker, type SignOfLife } from '../support/living-worker.js';
import type { RedisServer } from '../support/redis-server.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const leaseSeconds = 8;
const leaseMs = leaseSeconds * 1000;
const keyOf = (mid: string) => `stream:events:s1:${mid}`;

type Client = ReturnType<RedisServer['client']>;

describe('The leases of many streams on two nodes', () => {
  it('end those whose workers are dead, each once, though a node is killed', async () => {
    const redis = await startRedis();
    const nodes = await startNodes(redis);
    const bases = nodes.map(({ url }) => url);
    const living = await startLiving(bases, { appends: 350, renewals: 100, 'an open body': 50 });
    const dead = await startDead(bases, 500);
    await nodes[0].kill();

    const client = clientOf(redis);
    const lostAt = await lossesOf(client, dead);
    const signs = await timesOf(client, dead, 0);
    const lateBy = lostAt.map((at, index) => at - (signs[index] as number) - leaseMs);
    printLateness('of 500 dead workers', lateBy);
    for (const ms of lateBy) expect(ms).toBeGreaterThanOrEqual(0);
    await sleep(leaseMs); // in which whoever is to be ended wrongly, or twice, is ended
    await allLive(client, living);
    const lengths = await Promise.all(dead.map((mid) => client.llen(keyOf(mid))));
    expect(new Set(lengths)).toEqual(new Set([2]));
  });

  it('cost Redis a command a second for each node, and not for each stream', async () => {
    const redis = await startRedis();
    const nodes = await startNodes(redis);
    for (const { url } of nodes)
      await startDead([url], 200, 3600, url === nodes[0].url ? 'a' : 'b');
    const client = clientOf(redis);
    const before = await scriptCalls(client);
    const startedAt = performance.now();
    await waitFor('some looks', async () => (await scriptCalls(client)) >= before + 10);
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = 10 / seconds / nodes.length;
    console.log(`400 idle leased streams: ${rate.toFixed(2)} scripts a second and node`);
    expect(rate).toBeLessThan(1.5);
  });
});

/** Each way in which Redis may be away for longer than the leases, or hardly. */
const outages: Record<string, (redis: RedisServer) => Promise<void>> = {
  'is stopped for 10 s': async (redis) => {
    redis.signal('SIGSTOP');
    await sleep(10_000);
    redis.signal('SIGCONT');
  },
  'is killed, and back after 6 s': async (redis) => {
    await redis.kill();
    await sleep(6000);
    await redis.start();
  },
  'is killed, and back at once': async (redis) => {
    await redis.kill();
    await redis.start();
  },
};

describe('A Redis that was away', () => {
  it('ends the leases of the dead afterwards, and of nobody who lives', async () => {
    const measured = await Promise.all(Object.entries(outages).map(survive));
    for (const print of measured) print();
  });
});

describe('A Redis that was away for a moment', () => {
  it('ends no lease before a full one has passed since', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const nodes = await startNodes(redis);
    const sentAt = Date.now();
    const dead = await startDead([nodes[0].url], 1);
    await sleep(leaseMs - 2500 - (Date.now() - sentAt));
    await redis.kill();
    await redis.start();
    const backAt = Date.now();
    const [lostAt] = await lossesOf(clientOf(redis), dead);
    expect(lostAt).toBeGreaterThanOrEqual(backAt + leaseMs);
  });
});

async function survive([name, outage]: [string, (redis: RedisServer) => Promise<void>]) {
  const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const nodes = await startNodes(redis);
  const bases = nodes.map(({ url }) => url);
  const living = await startLiving(bases, { appends: 20, renewals: 20, 'an open body': 20 });
  const dead = await startDead(bases, 20);
  await outage(redis);
  const backAt = Date.now();

  const client = clientOf(redis);
  const lostAt = await lossesOf(client, dead);
  await sleep(leaseMs);
  await allLive(client, living, backAt);
  return () => {
    const lateBy = lostAt.map((at) => at - backAt - leaseMs);
    printLateness(`after Redis ${name}`, lateBy);
    for (const ms of lateBy) expect(ms, name).toBeGreaterThanOrEqual(0);
  };
}

async function startNodes(redis: RedisServer) {
  const nodes = await Promise.all([startService(onRedis(redis)), startService(onRedis(redis))]);
  await Promise.all(nodes.map(isReady));
  return nodes;
}

async function startLiving(bases: readonly string[], counts: Record<SignOfLife, number>) {
  const signs = Object.entries(counts) as [SignOfLife, number][];
  const all = signs.flatMap(([sign, count]) => Array<SignOfLife>(count).fill(sign));
  const workers = all.map((sign, index) => {
    const mid = `living${index}`;
    return new LivingWorker({ bases, mid, sign, leaseSeconds }, index);
  });
  await Promise.all(workers.map((worker) => worker.start()));
  return workers;
}

/** Streams of workers that give one sign of life and no other. */
async function startDead(
  bases: readonly string[],
  count: number,
  seconds = leaseSeconds,
  name = 'dead',
): Promise<string[]> {
  const mids = Array.from({ length: count }, (_, index) => `${name}${index}`);
  const headers = { 'producer-lease': String(seconds) };
  const append = async (mid: string, index: number) => {
    const url = eventsUrl(bases[index % bases.length] as string, 's1', mid);
    expect((await post(url, { type: 'answer' }, headers)).status).toBe(201);
  };
  await Promise.all(mids.map(append));
  return mids;
}

/** When the service says that it has ended each of these streams. */
async function lossesOf(client: Client, mids: readonly string[]) {
  for (const mid of mids) {
    const isLost = async () =>
      String(await client.lindex(keyOf(mid), -1)).includes('producer_lost');
    await waitFor(`the end of ${mid}`, isLost);
  }
  return timesOf(client, mids, -1);
}

async function timesOf(client: Client, mids: readonly string[], index: number): Promise<number[]> {
  const events = await eventsOf(client, mids, index);
  return events.map(({ timestamp }) => Date.parse(timestamp));
}

interface StoredJson {
  readonly timestamp: string;
  readonly data?: { readonly code: string };
}

/** The event at this place of each stream. */
async function eventsOf(client: Client, mids: readonly string[], index: number) {
  const texts = await Promise.all(mids.map((mid) => client.lindex(keyOf(mid), index)));
  return texts.map((text) => JSON.parse(String(text)) as StoredJson);
}

/**
 * Stops the workers. Whoever's stream was ended has given no sign for a whole lease: on a machine
 * that is too busy, some come too late. Redis has been there since `backAt`.
 */
async function allLive(client: Client, workers: readonly LivingWorker[], backAt = 0) {
  await Promise.all(workers.map((worker) => worker.stop()));
  const mids = workers.map(({ options }) => options.mid);
  const last = await eventsOf(client, mids, -1);
  const ended = workers.flatMap(({ options, lastSignAt }, index) => {
    const { data, timestamp } = last[index] as StoredJson;
    const silentMs = Date.parse(timestamp) - Math.max(lastSignAt, backAt);
    return data?.code === 'producer_lost' ? [{ sign: options.sign, silentMs }] : [];
  });
  if (ended.length > 0) console.log(`${ended.length} of ${workers.length} came too late`);
  expect(ended.filter(({ silentMs }) => silentMs < leaseMs)).toEqual([]);
  expect(ended.length, 'not one lives').toBeLessThan(workers.length);
}

function printLateness(what: string, lateBy: readonly number[]): void {
  const sorted = lateBy.toSorted((x, y) => x - y);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(`leases ${what} ended ${sorted[0]} to ${sorted.at(-1)} ms late, median ${median} ms`);
}

async function scriptCalls(client: Client): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
