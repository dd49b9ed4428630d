import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Heartbeat, LivingWorker } from '../support/living-worker.js';
import { producerHeaders } from '../support/producers.js';
import { Pulse } from '../support/pulse.js';
import { RedisServer } from '../support/redis-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const leaseSeconds = 8;
const leaseMs = leaseSeconds * 1000;
const appendsAtOnce = 50;
const keyOf = (mid: string) => `stream:events:s1:${mid}`;

type Client = ReturnType<RedisServer['client']>;

describe('The leases of many streams on two nodes', () => {
  let redis: RedisServer;
  let nodes: ServiceProcess[];
  beforeAll(async () => {
    redis = await RedisServer.start();
    const start = () => ServiceProcess.listening(onRedis(redis));
    nodes = await Promise.all([start(), start()]);
    await Promise.all(nodes.map(isReady));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await redis.stop();
  });

  it('cost each node one Redis command a second, however many streams there are', async () => {
    await startDead(
      nodes.map(({ url }) => url),
      100,
      3600,
      'idle',
    );
    const client = clientOf(redis);
    const startedAt = performance.now(); // before they are counted: it is no less than their time
    const before = await scriptCalls(client);
    let calls = 0;
    await waitFor('some looks', async () => {
      calls = (await scriptCalls(client)) - before;
      return calls >= 10;
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = calls / seconds / nodes.length;
    console.log(`100 idle leased streams: ${rate.toFixed(2)} scripts a second and node`);
    expect(rate).toBeLessThan(1.5);
  });

  // The last one, as it kills a node.
  it('end the streams of dead workers, each once, though a node is killed', async () => {
    const bases = nodes.map(({ url }) => url);
    const pulses = nodes.map((node) => new Pulse(node));
    const living = await startLiving(bases, { appends: 20, renewals: 20, 'an open body': 10 });
    const dead = await startDead(bases, 150); // a node takes 100 at a time
    pulses[0]?.stop();
    await nodes[0]?.kill();

    const client = clientOf(redis);
    const lostAt = await lossesOf(client, dead);
    const signs = await timesOf(client, dead, 0);
    const lateBy = lostAt.map((at, index) => at - (signs[index] as number) - leaseMs);
    printLateness('of 150 dead workers', lateBy);
    for (const ms of lateBy) expect(ms).toBeGreaterThanOrEqual(0);
    await sleep(leaseMs); // in which a stream that ends wrongly, or twice, does so
    await allLive(client, living, pulses);
    const lengths = await Promise.all(dead.map((mid) => client.llen(keyOf(mid))));
    expect(new Set(lengths)).toEqual(new Set([2]));
  });
});

/**
 * Each way in which Redis may be away for longer than the leases, or for most of one. They return the moment
 * before it comes back: a node may have looked before a later one is read.
 */
const outages: Record<string, (redis: RedisServer) => Promise<number>> = {
  'is stopped for 10 s': async (redis) => {
    redis.signal('SIGSTOP');
    await sleep(10_000);
    const backAt = Date.now();
    redis.signal('SIGCONT');
    return backAt;
  },
  'is killed, and back after 6 s': async (redis) => {
    await redis.kill();
    await sleep(6000);
    return startAgain(redis);
  },
};

async function startAgain(redis: RedisServer): Promise<number> {
  const backAt = Date.now();
  await redis.start();
  return backAt;
}

describe('A Redis that was down', () => {
  it('expires the leases of dead workers afterwards, and of no live one', async () => {
    const measured = await Promise.all(Object.entries(outages).map(survive));
    for (const print of measured) print();
  });
});

describe('A Redis that was down for a moment', () => {
  it('expires no lease before a full one has passed since', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const nodes = await startNodes(redis);
    let sentAt = 0;
    let dead: string[] = [];
    // Not where the lease may have run out before: on a machine that is too busy, once more.
    for (let count = 0; sentAt < Date.now() - leaseMs; count += 1) {
      if (count > 0) await redis.start();
      await Promise.all(nodes.map(isReady));
      sentAt = Date.now();
      dead = await startDead([nodes[0].url], 1, leaseSeconds, `moment${count}-`);
      await sleep(leaseMs / 2 - (Date.now() - sentAt));
      await redis.kill();
    }
    const backAt = await startAgain(redis);
    const [lostAt] = await lossesOf(clientOf(redis), dead);
    expect(lostAt).toBeGreaterThanOrEqual(backAt + leaseMs);
  });
});

async function survive([name, outage]: [string, (redis: RedisServer) => Promise<number>]) {
  const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const nodes = await startNodes(redis);
  const bases = nodes.map(({ url }) => url);
  const living = await startLiving(bases, { appends: 8, renewals: 8, 'an open body': 8 });
  const pulses = nodes.map((node) => new Pulse(node));
  const dead = await startDeadInTime(bases, 10);
  const backAt = await outage(redis);

  const client = clientOf(redis);
  const lostAt = await lossesOf(client, dead);
  await sleep(leaseMs);
  await allLive(client, living, pulses, backAt);
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

async function startLiving(bases: readonly string[], counts: Record<Heartbeat, number>) {
  const signs = Object.entries(counts) as [Heartbeat, number][];
  const all = signs.flatMap(([sign, count]) => Array<Heartbeat>(count).fill(sign));
  const workers = all.map((sign, index) => {
    const mid = `living${index}`;
    return new LivingWorker({ bases, mid, sign, leaseSeconds }, index);
  });
  await Promise.all(workers.map((worker) => worker.start()));
  return workers;
}

/**
 * Streams whose leases have not run out yet: on a machine that is too busy, others than the first.
 */
async function startDeadInTime(bases: readonly string[], count: number): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const startedAt = Date.now();
    const dead = await startDead(bases, count, leaseSeconds, `dead${attempt}-`);
    if (Date.now() - startedAt < leaseMs / 2) return dead;
  }
}

/** Streams of workers that send one heartbeat and no other. */
async function startDead(
  bases: readonly string[],
  count: number,
  seconds = leaseSeconds,
  name = 'dead',
): Promise<string[]> {
  const mids = Array.from({ length: count }, (_, index) => `${name}${index}`);
  const headers = { 'producer-lease': String(seconds), ...producerHeaders(0) };
  const append = async (mid: string, index: number) => {
    const url = eventsUrl(bases[index % bases.length] as string, 's1', mid);
    // Nodes that are too busy reject some; nothing is stored twice.
    const isStored = async () => (await post(url, { type: 'answer' }, headers)).status < 300;
    await waitFor(`the first event of ${mid}`, isStored);
  };
  for (let from = 0; from < count; from += appendsAtOnce) {
    const some = mids.slice(from, from + appendsAtOnce);
    await Promise.all(some.map(append));
  }
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
 * Stops the workers. A stream that was ended has had no sign for a whole lease since Redis is there:
 * on a machine that is too busy, some come too late. Where the nodes have been there all the time, no
 * stream was ended.
 */
async function allLive(
  client: Client,
  workers: readonly LivingWorker[],
  pulses: readonly Pulse[],
  backAt = 0,
) {
  const gapMs = Math.max(...pulses.map((pulse) => pulse.longestGapMs(backAt)));
  await Promise.all(workers.map((worker) => worker.stop()));
  const mids = workers.map(({ options }) => options.mid);
  const last = await eventsOf(client, mids, -1);
  const ended = workers.flatMap(({ options, lastHeartbeatAt }, index) => {
    const { data, timestamp } = last[index] as StoredJson;
    const silentMs = Date.parse(timestamp) - Math.max(lastHeartbeatAt, backAt);
    return data?.code === 'producer_lost' ? [{ sign: options.sign, silentMs }] : [];
  });
  console.log(`${ended.length} of ${workers.length} came too late; longest gap: ${gapMs} ms`);
  expect(ended.filter(({ silentMs }) => silentMs < leaseMs)).toEqual([]);
  if (gapMs < leaseMs / 4) expect(ended).toEqual([]);
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
