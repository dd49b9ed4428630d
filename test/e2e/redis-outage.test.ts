import { describe, expect, it } from 'vitest';
import { expectSound, NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import type { RedisServer } from '../support/redis-server.js';
import type { ServiceProcess } from '../support/service-process.js';
import {
  clientOf,
  isReady,
  launchService,
  onRedis,
  openFeed,
  readiness,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const key = 'stream:events:s1:m1';
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

describe('The service, while Redis is down from the start,', () => {
  it('is not ready, rejects appends with stored: 0, rejects feeds with a 200, and recovers automatically', async () => {
    const redis = await startRedis();
    await redis.kill();
    const service = launchService(onRedis(redis));
    await service.isListening();
    await waitFor('a line in the log', () => service.output.includes('Redis is unreachable'));
    expect(await readiness(service)).toBe(503);

    await respondsWith(service, { code: 'backend_unavailable', stored: 0 });
    const feed = await openFeed(feedUrl(service.url));
    expect(feed.status).toBe(200);
    expect(feed.response.headers).toMatchObject({ 'stream-refused': 'backend_unavailable' });
    await feed.end();
    expect(feed.retryMs).toBeGreaterThan(0);

    await redis.start();
    await isReady(service);
    expect((await post(eventsUrl(service.url), { type: 'answer' })).status).toBe(201);
  });
});

describe('The service, while Redis is down under an open feed,', () => {
  it('keeps the feed open over a crash of Redis, and nothing is lost or repeated', async () => {
    const redis = await startRedis(...durable);
    const service = await startService(onRedis(redis));
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    const worker = new NumberedWorker(eventsUrl(service.url), 10);
    worker.start();
    await feed.frameCount(30);

    await redis.kill();
    await waitFor('appends are rejected', () => worker.rejected.length > 0);
    expect(await readiness(service)).toBe(503);
    await redis.start();
    const before = worker.acknowledged.length;
    await waitFor('appends go on', () => worker.acknowledged.length > before + 30);
    await worker.stop();

    const stored = await listOf(redis);
    await feed.frameCount(stored.length);
    expect(numbersOf(feed.data)).toEqual(stored);
    expectSound(worker, stored);
    expect(feed.hasEnded).toBe(false);
  });

  it('rejects appends with stored: null while Redis hangs, and recovers automatically', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis, { FEED_HEARTBEAT: '1s' }));
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    await post(eventsUrl(service.url), { type: 'answer', content: '0' });
    await feed.frameCount(1);

    redis.signal('SIGSTOP');
    const beats = feed.comments.length;
    const unknown = { code: 'backend_unavailable', stored: null, storedAtLeast: 0 };
    await respondsWith(service, unknown);
    expect(await readiness(service)).toBe(503);
    const rejected = await openFeed(feedUrl(service.url, '', 's1', 'other'));
    expect(rejected.status).toBe(200);
    expect(rejected.response.headers).toMatchObject({ 'stream-refused': 'backend_unavailable' });

    await waitFor('heartbeats meanwhile', () => feed.comments.length >= beats + 2);
    redis.signal('SIGCONT');
    await isReady(service);
    expect((await post(eventsUrl(service.url), { type: 'answer', content: '2' })).status).toBe(201);
    const stored = await listOf(redis);
    await feed.frameCount(stored.length);
    expect(numbersOf(feed.data)).toEqual(stored);
    expect(stored.at(-1)).toBe(2);
  });

  it('loses and repeats nothing when its subscriptions are cut again and again', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    const admin = clientOf(redis);
    const worker = new NumberedWorker(eventsUrl(service.url), 5);
    worker.start();
    for (let kills = 1; kills <= 5; kills += 1) {
      await waitFor('it subscribes', async () => (await cutSubscriptions(admin)) > 0);
      const count = worker.acknowledged.length;
      await waitFor('more events', () => worker.acknowledged.length >= count + 30);
    }
    await worker.stop();

    const stored = await listOf(redis);
    await feed.frameCount(stored.length);
    expect(numbersOf(feed.data)).toEqual(stored);
    expectSound(worker, stored);
  });

  it('subscribes again when Redis is back, so that no event waits for the poll', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis, { FEED_POLL_INTERVAL: '10m' }));
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    const admin = clientOf(redis);
    await waitFor('it subscribes', async () => (await subscriptions(admin)) === 1);
    for (let kills = 1; kills <= 3; kills += 1) {
      await cutSubscriptions(admin);
      // At once: what is appended before the subscription stands again must not wait either.
      await post(eventsUrl(service.url), { type: 'answer' });
      await feed.frameCount(kills);
      await waitFor('it subscribes again', async () => (await subscriptions(admin)) === 1);
    }
  });
});

type Client = ReturnType<RedisServer['client']>;

async function cutSubscriptions(admin: Client): Promise<number> {
  return Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
}

async function subscriptions(admin: Client): Promise<number> {
  return ((await admin.pubsub('CHANNELS', '*::wake')) as string[]).length;
}

async function respondsWith(service: ServiceProcess, problem: object) {
  const response = await post(eventsUrl(service.url), { type: 'answer', content: '1' });
  expect(response).toMatchObject({ status: 503, body: problem });
}

async function listOf(redis: RedisServer): Promise<number[]> {
  return numbersOf(await clientOf(redis).lrange(key, 0, -1));
}
