import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { fill, stuckFeed } from '../support/stuck-feed.js';
import {
  isReady,
  onRedis,
  openFeed,
  readiness,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const stopped = { code: 0, signal: null };
/** Well within what Redis is given to reply. */
const responseMs = 1500;

describe('The service, on SIGTERM,', () => {
  it('is not ready at once, and serves everything until the drain delay is over', async () => {
    const service = await startService({ DRAIN_DELAY: '5s' });
    const before = await openFeed(feedUrl(service.url));
    const askedAt = performance.now();
    await terminate(service);

    const meanwhile = await openFeed(feedUrl(service.url));
    expect(meanwhile.response.headers).not.toHaveProperty('stream-refused');
    const { status } = await post(eventsUrl(service.url), { type: 'answer' });
    expect(status).toBe(201);
    for (const feed of [before, meanwhile]) await feed.frameCount(1);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);

    for (const feed of [before, meanwhile]) await feed.end();
    expect(performance.now() - askedAt).toBeGreaterThan(4900);
    expect(await service.exit()).toEqual(stopped);
  });

  it('ends many feeds in batches, and gives each a different retry time', async () => {
    const service = await startService();
    const feeds = await Promise.all(
      Array.from({ length: 80 }, () => openFeed(feedUrl(service.url))),
    );
    const endedAt = Promise.all(feeds.map(endTime));
    service.signal('SIGTERM');
    const times = await endedAt;
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(200);
    for (const feed of feeds) expect(feed.raw).toMatch(/\nretry: \d+\n$/);
    expect(new Set(feeds.map(({ retryMs }) => retryMs)).size).toBeGreaterThan(20);
    expect(await service.exit()).toEqual(stopped);
  });

  it('finishes an append that is under way, whatever else delays it', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis, { DRAIN_DELAY: '1s' }));
    await isReady(service);
    await fill(service);
    await stuckFeed(service);
    await silentSocket(service);
    await halfRequest(service);
    redis.signal('SIGSTOP');
    const stoppedAt = performance.now();
    const slow = post(eventsUrl(service.url, 's1', 'slow'), { type: 'answer' });
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200); // the one before was seen, too
    service.signal('SIGTERM');
    // Not by /readyz: it would ask Redis too, and outlast what the append may take.
    await waitFor('it is stopping', () => service.output.includes('The service is stopping'));
    redis.signal('SIGCONT');
    const stoppedMs = performance.now() - stoppedAt;

    const { status } = await slow;
    if (stoppedMs < responseMs) expect(status).toBe(201);
    else expect([201, 503]).toContain(status); // the service may have given Redis up
    expect(await service.exit()).toEqual(stopped);
  });

  it('exits at once with code 1 when it gets a second signal', async () => {
    const service = await startService({ DRAIN_DELAY: '1h' });
    await openFeed(feedUrl(service.url));
    await terminate(service);
    service.signal('SIGTERM');
    expect(await service.exit()).toEqual({ code: 1, signal: null }); // long before the delay is over
  });
});

it('The service, on SIGINT, does not wait for load balancers', async () => {
  const service = await startService({ DRAIN_DELAY: '1h' });
  const feed = await openFeed(feedUrl(service.url));
  service.signal('SIGINT');
  await feed.end();
  expect(await service.exit()).toEqual(stopped);
});

/** Resolves when the signal has been seen. */
async function terminate(service: ServiceProcess): Promise<void> {
  service.signal('SIGTERM');
  await waitFor('it is not ready', async () => (await readiness(service)) === 503);
}

/** Not by `once`, which rejects: a feed that ends early is an error of its response. */
function endTime({ response }: FeedClient): Promise<number> {
  return new Promise((resolve) => {
    response.on('close', () => resolve(performance.now()));
  });
}

async function silentSocket(service: ServiceProcess): Promise<void> {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
}

async function halfRequest(service: ServiceProcess): Promise<void> {
  const headers = { 'content-type': 'application/json', 'content-length': 100 };
  const half = request(eventsUrl(service.url), { method: 'POST', agent: false, headers });
  half.on('error', () => {}); // it is cut
  half.write('{'); // and the rest never comes
  await once(half, 'socket');
}
