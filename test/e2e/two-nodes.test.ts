import { describe, expect, it } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import { expectSound, NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import type { RedisServer } from '../support/redis-server.js';
import {
  clientOf,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

describe('Two nodes on one Redis', () => {
  it('see each other’s appends at once, and not only at the next poll', async () => {
    const redis = await startRedis();
    const [a, b] = await startNodes(redis, { FEED_POLL_INTERVAL: '10m' });
    const feed = await openFeed(feedUrl(b.url));
    const admin = clientOf(redis);
    await waitFor('it is subscribed', async () => {
      const channels = (await admin.pubsub('CHANNELS', '*::wake')) as string[];
      return channels.length === 1;
    });
    const latencies: number[] = [];
    for (let count = 1; count <= 20; count += 1) {
      const sentAt = performance.now();
      await post(eventsUrl(a.url), { type: 'answer', content: String(count) });
      await feed.frameCount(count);
      latencies.push(performance.now() - sentAt);
    }
    latencies.sort((x, y) => x - y);
    const [median, slowest] = [latencies[10] as number, latencies[19] as number];
    console.log(
      `from POST to frame: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`,
    );
  });

  it('are one to a client: dropped on one, it goes on at the other without gap or repeat', async () => {
    const redis = await startRedis();
    const nodes = await startNodes(redis);
    const worker = new NumberedWorker(eventsUrl(nodes[0].url), 5);
    worker.start();
    const pieces: FeedClient[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const feed = await openFeed(feedUrl(nodes[turn % 2 === 0 ? 0 : 1].url), resume(pieces));
      pieces.push(feed);
      await feed.frameCount(20);
      feed.drop();
    }
    await worker.stop();
    await hasAll(redis, nodes[1].url, pieces, worker);
  });

  it('stand in for each other: one is killed while the appends go on at the other', async () => {
    const redis = await startRedis();
    const [a, b] = await startNodes(redis);
    const worker = new NumberedWorker(eventsUrl(b.url), 5);
    worker.start();
    const onA = await openFeed(feedUrl(a.url));
    await onA.frameCount(50);
    await a.kill();
    await onA.end();
    const count = worker.acknowledged.length;
    await waitFor('the appends go on', () => worker.acknowledged.length > count + 20);
    await worker.stop();
    await hasAll(redis, b.url, [onA], worker);
  });

  it('hold a stream as ended that the other one ended', async () => {
    const redis = await startRedis();
    const [a, b] = await startNodes(redis, { FEED_LINGER: '100ms' });
    const feed = await openFeed(feedUrl(b.url));
    await post(eventsUrl(a.url), [{ type: 'answer' }, { type: 'complete' }]);
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(await post(eventsUrl(b.url), { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
    const back = await openFeed(feedUrl(b.url), resume([feed]));
    expect(back.status).toBe(204);
  });
});

async function startNodes(redis: RedisServer, environment: Record<string, string> = {}) {
  const settings = onRedis(redis, environment);
  const nodes = await Promise.all([startService(settings), startService(settings)]);
  await Promise.all(nodes.map(isReady));
  return nodes;
}

/** What a client sends that has seen these pieces of a stream, one after another. */
function resume(pieces: readonly FeedClient[]): Record<string, string> {
  const id = pieces.at(-1)?.lastId;
  return id === undefined ? {} : { 'last-event-id': id };
}

/** Reads the rest at `url`: all pieces together are the list, and nothing acknowledged is missing. */
async function hasAll(
  redis: RedisServer,
  url: string,
  pieces: readonly FeedClient[],
  worker: NumberedWorker,
): Promise<void> {
  const stored = numbersOf(await clientOf(redis).lrange('stream:events:s1:m1', 0, -1));
  const rest = await openFeed(feedUrl(url), resume(pieces));
  const seen = () => [...pieces, rest].flatMap((piece) => piece.data);
  await waitFor('all events', () => seen().length >= stored.length);
  expect(numbersOf(seen())).toEqual(stored);
  expectSound(worker, stored);
}
