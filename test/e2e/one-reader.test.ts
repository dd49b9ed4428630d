import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import {
  clientOf,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const eventCount = 100;
const pauseMs = 50;

describe('One follower per stream', () => {
  it('with 20 events/s costs Redis no more commands for 200 subscribers than for one', async () => {
    const redis = await startRedis();
    // What goes by the clock would cost more when the machine is busy.
    const service = await startService(onRedis(redis, { FEED_POLL_INTERVAL: '10m' }));
    await isReady(service);
    const client = clientOf(redis);

    const commandsWith = async (subscriberCount: number, mid: string) => {
      const feeds = await openFeeds(service, subscriberCount, mid);
      await client.config('RESETSTAT');
      await appendAtPace(service, mid, feeds[0] as FeedClient);
      await Promise.all(feeds.map((feed) => feed.frameCount(eventCount)));
      const calls = countCalls(await client.info('commandstats'));
      for (const feed of feeds) {
        expect(feed.data.map((data) => JSON.parse(data).content)).toEqual(contents);
        feed.drop();
      }
      return calls;
    };
    const alone = await commandsWith(1, 'alone');
    const together = await commandsWith(200, 'many');
    const measured = `${alone} commands with 1 subscriber, ${together} with 200`;
    console.log(measured);
    expect(together, measured).toBeLessThanOrEqual(alone * 1.15);
  });
});

const contents = Array.from({ length: eventCount }, (_, index) => `chunk ${index}`);

/** Resolves when all are open and have the first bytes. */
async function openFeeds(service: ServiceProcess, count: number, mid: string) {
  const feeds: FeedClient[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    feeds.push(await openFeed(feedUrl(service.url, '', 's1', mid)));
  }
  return feeds;
}

/** The pause is the load. Each event is read before the next: two together would be one read. */
async function appendAtPace(service: ServiceProcess, mid: string, feed: FeedClient): Promise<void> {
  const startedAt = performance.now();
  for (const [index, content] of contents.entries()) {
    await post(eventsUrl(service.url, 's1', mid), { type: 'answer', content });
    await feed.frameCount(index + 1);
    await sleep(Math.max(startedAt + (index + 1) * pauseMs - performance.now(), 0));
  }
}

/** All calls, those of scripts included. */
function countCalls(commandStats: string): number {
  const lines = commandStats.matchAll(/^cmdstat_(?!config|info)[^:]*:calls=(\d+)/gm);
  return [...lines].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
