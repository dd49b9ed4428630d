import { describe, expect, it } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import { expectSound, NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import { PairOfTest } from '../support/pair-of-test.js';
import type { ServiceProcess } from '../support/service-process.js';
import { clientOf, openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { post } from '../support/worker.js';

describe('Two nodes on one Redis with notifications', () => {
  const the = new PairOfTest({ FEED_POLL_INTERVAL: '10m' });

  it('see each other’s appends at once, and not only at the next poll', async () => {
    const [a, b] = the.nodes;
    const feed = await openFeed(the.feedUrl(b));
    const admin = clientOf(the.redis);
    await waitFor('it is subscribed', async () => {
      const channels = (await admin.pubsub('CHANNELS', '*::wake')) as string[];
      return channels.length === 1;
    });
    const latencies: number[] = [];
    for (let count = 1; count <= 20; count += 1) {
      const sentAt = performance.now();
      await post(the.eventsUrl(a), { type: 'answer', content: String(count) });
      await feed.frameCount(count);
      latencies.push(performance.now() - sentAt);
    }
    latencies.sort((x, y) => x - y);
    const [median, slowest] = [latencies[10] as number, latencies[19] as number];
    console.log(
      `from POST to frame: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`,
    );
  });
});

describe('Two nodes on one Redis', () => {
  const the = new PairOfTest({ FEED_LINGER: '100ms' });

  it('are one to a client: dropped on one, it resumes at the other without gap or repeat', async () => {
    const nodes = the.nodes;
    const worker = new NumberedWorker(the.eventsUrl(nodes[0]), 5);
    worker.start();
    const pieces: FeedClient[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const feed = await openFeed(the.feedUrl(nodes[turn % 2 === 0 ? 0 : 1]), resume(pieces));
      pieces.push(feed);
      await feed.frameCount(20);
      feed.drop();
    }
    await worker.stop();
    await hasAll(the, nodes[1], pieces, worker);
  });

  it('both treat a stream as finished that one has ended', async () => {
    const [a, b] = the.nodes;
    const feed = await openFeed(the.feedUrl(b));
    await post(the.eventsUrl(a), [{ type: 'answer' }, { type: 'complete' }]);
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(await post(the.eventsUrl(b), { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
    const back = await openFeed(the.feedUrl(b), resume([feed]));
    expect(back.status).toBe(204);
  });

  // The last one, as it kills a node.
  it('replace each other: one is killed while the appends go on at the other', async () => {
    const [a, b] = the.nodes;
    const worker = new NumberedWorker(the.eventsUrl(b), 5);
    worker.start();
    const onA = await openFeed(the.feedUrl(a));
    await onA.frameCount(50);
    await a.kill();
    await onA.end();
    const count = worker.acknowledged.length;
    await waitFor('the appends go on', () => worker.acknowledged.length > count + 20);
    await worker.stop();
    await hasAll(the, b, [onA], worker);
  });
});

/** What a client sends that has seen these pieces of a stream, one after another. */
function resume(pieces: readonly FeedClient[]): Record<string, string> {
  const id = pieces.at(-1)?.lastId;
  return id === undefined ? {} : { 'last-event-id': id };
}

/** Reads the rest at the node: all pieces together are the list, and nothing acknowledged is missing. */
async function hasAll(
  the: PairOfTest,
  node: ServiceProcess,
  pieces: readonly FeedClient[],
  worker: NumberedWorker,
): Promise<void> {
  const stored = numbersOf(await clientOf(the.redis).lrange(the.key, 0, -1));
  const rest = await openFeed(the.feedUrl(node), resume(pieces));
  const seen = () => [...pieces, rest].flatMap((piece) => piece.data);
  await waitFor('all events', () => seen().length >= stored.length);
  expect(numbersOf(seen())).toEqual(stored);
  expectSound(worker, stored);
}
