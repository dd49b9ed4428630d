import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { RedisServer } from '../support/redis-server.js';
import {
  clientOf,
  type Environment,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const time = '2026-01-01T00:00:00Z';
/** What a WeKnora process pushes, to the byte. */
const pushed = `{"id":"a","type":"answer","content":"x","done":false,"timestamp":"${time}"}`;
const pushedComplete = `{"id":"e","type":"complete","content":"","done":true,"timestamp":"${time}"}`;

describe('Beside a WeKnora process on the same Redis, the service', () => {
  it('serves live what the other program pushes, by its polls', async () => {
    const { redis, service } = await startBoth({ FEED_POLL_INTERVAL: '500ms' });
    const feed = await openFeed(feedUrl(service.url));
    const client = clientOf(redis);
    const pushes = [
      () => client.rpush('stream:events:s1:m1', pushed),
      () => pushWithCli(redis, pushed),
      () => client.rpush('stream:events:s1:m1', pushed, pushed),
    ];
    let count = 0;
    for (const push of pushes) {
      await push();
      count = await client.llen('stream:events:s1:m1');
      await feed.frameCount(count);
    }
    expect(feed.data).toEqual(Array(count).fill(pushed));
    const offsets = feed.frames.map((frame) => frame.id?.split('-')[0]);
    expect(offsets).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
  });

  it('takes turns with the other program in one stream', async () => {
    const { redis, service } = await startBoth({ FEED_POLL_INTERVAL: '100ms' });
    const feed = await openFeed(feedUrl(service.url));
    const client = clientOf(redis);
    for (let turn = 0; turn < 5; turn += 1) {
      await client.rpush('stream:events:s1:m1', pushed);
      const event = { type: 'answer', content: `turn ${turn}` };
      expect(await post(eventsUrl(service.url), event)).toMatchObject({
        status: 201,
        body: { offset: 2 * turn + 1, nextOffset: 2 * turn + 2 },
      });
    }
    await feed.frameCount(10);
    expect(feed.data).toEqual(await client.lrange('stream:events:s1:m1', 0, -1));
  });

  it('stores exactly the fields of the other program, and data when that was sent', async () => {
    const { redis, service } = await startBoth();
    await post(eventsUrl(service.url), [
      { type: 'answer' },
      { type: 'answer', data: { score: 1 } },
      JSON.parse(pushed),
    ]);
    const elements = await clientOf(redis).lrange('stream:events:s1:m1', 0, -1);
    const [bare, withData] = elements.map((element) => JSON.parse(element));
    expect(Object.keys(bare).sort()).toEqual(['content', 'done', 'id', 'timestamp', 'type']);
    expect(bare).toMatchObject({ type: 'answer', content: '', done: false });
    expect(bare.id).toMatch(/^auto-./);
    expect(new Date(bare.timestamp).toISOString()).toBe(bare.timestamp);
    expect(Object.keys(withData)).toHaveLength(6);
    expect(withData.data).toEqual({ score: 1 });
    expect(elements[2]).toBe(pushed);
  });

  it.each(['stream:events', 'wk:stream:t1:', ' spaced ', '{wk}:s', 'wk:{t1}'])(
    'uses the prefix %j byte for byte',
    async (prefix) => {
      const { redis, service } = await startBoth({ REDIS_PREFIX: prefix });
      await post(eventsUrl(service.url), { type: 'answer' });
      const client = clientOf(redis);
      const lists: string[] = [];
      for (const key of await client.keys('*')) {
        if ((await client.type(key)) === 'list') lists.push(key);
      }
      expect(lists).toEqual([`${prefix}:s1:m1`]);
    },
  );

  it('gives the list, and whatever it keeps beside it, its TTL with every append', async () => {
    const { redis, service } = await startBoth({ STREAM_TTL: '10m' });
    const client = clientOf(redis);
    await client.rpush('stream:events:s1:m1', pushed);
    expect(await client.pttl('stream:events:s1:m1')).toBe(-1);
    for (const shortened of [60_000, 1_000_000]) {
      await post(eventsUrl(service.url), { type: 'answer' });
      for (const key of await client.keys('*s1:m1*')) {
        const ttl = await client.pttl(key);
        expect(ttl, key).toBeGreaterThan(570_000);
        // What is kept beside the list outlives it.
        expect(ttl, key).toBeLessThanOrEqual(key === 'stream:events:s1:m1' ? 600_000 : 1_200_000);
        await client.pexpire(key, shortened);
      }
    }
    // The list of the streams of the session outlives them all.
    expect(await client.pttl('{stream:events:s1}::streams')).toBeGreaterThan(600_000);
  });

  it('ends its feeds and refuses appends after a complete that the other program pushed', async () => {
    const { redis, service } = await startBoth({ FEED_LINGER: '200ms' });
    await post(eventsUrl(service.url), { type: 'answer' });
    const feed = await openFeed(feedUrl(service.url));
    await feed.frameCount(1);
    await clientOf(redis).rpush('stream:events:s1:m1', pushedComplete);
    await feed.end();
    expect(feed.data[1]).toBe(pushedComplete);
    expect(await post(eventsUrl(service.url), { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
  });

  it('answers 204 to a client that has all up to a complete of the other program', async () => {
    const { redis, service } = await startBoth({ FEED_LINGER: '1s' });
    const feed = await openFeed(feedUrl(service.url));
    await clientOf(redis).rpush('stream:events:s1:m1', pushedComplete);
    await feed.end();
    const back = await openFeed(feedUrl(service.url), { 'last-event-id': feed.lastId as string });
    expect(back.status).toBe(204);
  });

  it('takes a title that the other program pushes late, and ends with it', async () => {
    const { redis, service } = await startBoth({ FEED_LINGER: '10m', FEED_POLL_INTERVAL: '100ms' });
    const feed = await openFeed(feedUrl(service.url));
    const title = pushed.replace('answer', 'session_title');
    await clientOf(redis).rpush('stream:events:s1:m1', pushedComplete);
    await feed.frameCount(1);
    await clientOf(redis).rpush('stream:events:s1:m1', title);
    await feed.end();
    expect(feed.data).toEqual([pushedComplete, title]);
  });
});

async function startBoth(environment: Environment = {}) {
  const redis = await startRedis();
  const service = await startService(onRedis(redis, environment));
  await isReady(service);
  return { redis, service };
}

/** Where the program is not installed, the client library has pushed the same bytes already. */
function pushWithCli(redis: RedisServer, element: string): void {
  const args = ['-p', String(redis.port), 'RPUSH', 'stream:events:s1:m1', element];
  try {
    execFileSync('redis-cli', args, { stdio: 'ignore' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
