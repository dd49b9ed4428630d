import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EndChecks } from '../../src/feed/end-checks.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { plainFormat } from '../../src/feed/formats/feed-format.js';
import { PollTimer } from '../../src/feed/poll-timer.js';
import { DeliveryQueue, TurnQueue } from '../../src/feed/scheduler.js';
import { StreamFollower } from '../../src/feed/stream-follower.js';
import { backends, silentLogger } from '../support/backends.js';
import { FeedClient } from '../support/feed-client.js';
import { scrape } from '../support/scrape.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { unobserved } from '../support/unobserved.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

/** Timers and sockets that keep the process alive, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe.each(backends)('What closed feeds leave behind ($name)', (backend) => {
  let streams: Awaited<ReturnType<typeof backend.create>>;
  let app: TestApp;
  beforeAll(async () => {
    streams = await backend.create();
    app = await startApp(streams, { feed: { pollIntervalMs: 60_000, stallMs: 100 } });
  });
  afterAll(async () => {
    await app.close();
    await streams.close();
  });

  /** As the service counts them. */
  async function openFeeds() {
    const numbers = await scrape(app.url);
    return {
      feeds: numbers.get('rejoin_feeds_open'),
      streams: numbers.get('rejoin_streams_followed'),
    };
  }

  it('Closed feeds leave no timer, listener, watch or subscription behind', async () => {
    await fetch(`${app.url}/healthz`).then((response) => response.text());
    const before = resources().Timeout ?? 0;
    const urls = Array.from({ length: 10 }, (_, index) => feedUrl(app.url, '', 's', `m${index}`));
    const feeds = await Promise.all([...urls, ...urls].map((url) => FeedClient.open(url)));
    await waitFor('each stream is watched once', () => streams.watchedStreams === 10);
    await post(eventsUrl(app.url, 's', 'm0'), { type: 'answer' });
    await feeds[0]?.frameCount(1);
    for (const feed of feeds) feed.drop();
    await waitFor('no stream is watched', () => streams.watchedStreams === 0);
    // A socket's own timers go with it, after the feed.
    await waitFor('the timers are gone', () => (resources().Timeout ?? 0) <= before);
    expect(await openFeeds()).toEqual({ feeds: 0, streams: 0 });
  });

  it('Feeds that were rejected or finished leave no watch behind', async () => {
    const url = feedUrl(app.url, '', 's', 'ended');
    await post(eventsUrl(app.url, 's', 'ended'), { type: 'complete' });
    const feed = await FeedClient.open(url);
    await feed.end();
    expect((await FeedClient.open(`${url}?offset=1`)).status).toBe(204);
    await fetch(url, { method: 'HEAD' });
    await fetch(`${url}?offset=bad`);
    await waitFor('no stream is watched', () => streams.watchedStreams === 0);
  });

  it('A feed whose turn on its connection never came leaves no watch behind', async () => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    for (const mid of ['first', 'behind']) {
      socket.write(`GET ${new URL(feedUrl(app.url, '', 's', mid)).pathname} HTTP/1.1\r\n`);
      socket.write('host: x\r\n\r\n');
    }
    await waitFor('the first one is open', () => streams.watchedStreams === 1);
    // By its response, which comes after both requests were read.
    await fetch(`${app.url}/healthz`).then((response) => response.text());
    expect(streams.watchedStreams).toBe(1);
    // The one behind may be looked up meanwhile, but is not kept.
    await waitFor('one feed is open', async () => {
      const open = await openFeeds();
      return open.feeds === 1 && open.streams === 1;
    });
    socket.destroy();
    await waitFor('no stream is watched', () => streams.watchedStreams === 0);
    expect(await openFeeds()).toEqual({ feeds: 0, streams: 0 });
  });

  it('A page that was still being read when the last feed left is not kept', async () => {
    await post(eventsUrl(app.url, 's', 'left'), { type: 'answer' });
    const pageBudget = { bytes: 0 };
    const follower = new StreamFollower(
      { sessionId: 's', messageId: 'left' },
      {
        streams,
        pollTimer: new PollTimer(1000),
        turns: new TurnQueue(),
        deliveries: new DeliveryQueue(),
        endChecks: new EndChecks(streams, unobserved),
        lingerMs: 0,
        pageBudget,
        logger: silentLogger,
        observer: unobserved,
      },
    );
    const reading = follower.read(0);
    follower.close();
    expect((await reading).isEmpty).toBe(false);
    expect(pageBudget.bytes).toBe(0);
  });

  it('A feed that was opened but not started no longer counts when it is cancelled', async () => {
    const options = {
      pollIntervalMs: 1000,
      heartbeatMs: 1000,
      lingerMs: 0,
      waitMs: 0,
      maxAgeMs: 1000,
      maxFeeds: 1,
      maxFeedsPerStream: 1,
    };
    const feeds = new FeedHub(streams, options, silentLogger, unobserved);
    const opening = await feeds.open({
      stream: { sessionId: 's', messageId: 'x' },
      from: { offset: 0, tag: 0 },
      knowsAbsence: false,
      startTimeoutMs: null,
      preface: Buffer.of(),
      format: plainFormat,
      accessEndsAt: Number.POSITIVE_INFINITY,
    });
    expect(feeds.counts).toEqual({ feeds: 0, streams: 1 });
    if (opening.kind === 'open') opening.cancel();
    expect(feeds.counts).toEqual({ feeds: 0, streams: 0 });
  });
});
