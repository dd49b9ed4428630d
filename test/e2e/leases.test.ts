import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LivingWorker, type SignOfLife } from '../support/living-worker.js';
import type { RedisServer } from '../support/redis-server.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const leaseSeconds = 5;
const leaseMs = leaseSeconds * 1000;
/** How long after its lease a stream may end at most. */
const lateMs = 5000;
const keyOf = (mid: string) => `stream:events:s1:${mid}`;

type Client = ReturnType<RedisServer['client']>;

describe('The leases of many streams on two nodes', () => {
  it('end those whose workers are dead, each once, though a node is killed', async () => {
    const redis = await startRedis();
    const nodes = await startNodes(redis);
    const bases = nodes.map(({ url }) => url);
    const living = await startLiving(bases, { appends: 350, renewals: 100, 'an open body': 50 });
    const startedAt = Date.now();
    const dead = await startDead(bases, 500);
    await nodes[0].kill();

    const client = clientOf(redis);
    const lostAt = await lossesOf(client, dead, leaseMs + lateMs);
    printLateness('of 500 dead workers', lostAt, startedAt + leaseMs);
    for (const at of lostAt) expect(at).toBeGreaterThanOrEqual(startedAt + leaseMs);
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
  'is stopped for 5 s': async (redis) => {
    redis.signal('SIGSTOP');
    await sleep(5000);
    redis.signal('SIGCONT');
  },
  'is killed, and back after 4 s': async (redis) => {
    await redis.kill();
    await sleep(4000);
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
    await sleep(leaseMs - 500 - (Date.now() - sentAt));
    await redis.kill();
    await redis.start();
    const backAt = Date.now();
    const [lostAt] = await lossesOf(clientOf(redis), dead, leaseMs + lateMs);
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
  const lostAt = await lossesOf(client, dead, leaseMs + lateMs);
  await sleep(leaseMs);
  await allLive(client, living);
  return () => {
    printLateness(`after Redis ${name}`, lostAt, backAt + leaseMs);
    for (const at of lostAt) expect(at, name).toBeGreaterThanOrEqual(backAt);
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
async function lossesOf(client: Client, mids: readonly string[], deadlineMs: number) {
  let last: string[] = [];
  await waitFor(
    'the dead are found',
    async () => {
      last = await lastEvents(client, mids);
      return last.every((event) => event.includes('producer_lost'));
    },
    deadlineMs,
  );
  return last.map((event) => Date.parse(JSON.parse(event).timestamp));
}

async function lastEvents(client: Client, mids: readonly string[]): Promise<string[]> {
  return Promise.all(mids.map(async (mid) => String(await client.lindex(keyOf(mid), -1))));
}

/** Stops the workers, none of which has been declared dead. */
async function allLive(client: Client, workers: readonly LivingWorker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
  expect(workers.filter(({ wasEnded }) => wasEnded)).toEqual([]);
  const mids = workers.map(({ options }) => options.mid);
  const ended = (await lastEvents(client, mids)).filter((event) => event.includes('producer_lost'));
  expect(ended).toEqual([]);
}

function printLateness(what: string, lostAt: readonly number[], dueAt: number): void {
  const late = lostAt.map((at) => at - dueAt).sort((x, y) => x - y);
  const median = late[Math.floor(late.length / 2)];
  console.log(`leases ${what} ended ${late[0]} to ${late.at(-1)} ms after, median ${median} ms`);
}

async function scriptCalls(client: Client): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
