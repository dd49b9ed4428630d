import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
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

describe('The service, when it is asked to stop,', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends every feed with a retry line and exits with code 0 (%s)',
    async (signal) => {
      const service = await startService();
      const feeds = await Promise.all([1, 2, 3].map(() => openFeed(feedUrl(service.url))));
      const absent = await openFeed(feedUrl(service.url, '', 's1', 'absent'));
      await post(eventsUrl(service.url), { type: 'answer', content: 'x' });
      await Promise.all(feeds.map((feed) => feed.frameCount(1)));
      const exit = stops(service, signal);
      for (const feed of [...feeds, absent]) await sendsOn(feed);
      await exit;
    },
  );

  it('does not wait for connections that are idle, send no request, or do not end one', async () => {
    const service = await startService();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect(await statusOf(`${service.url}/healthz`, agent)).toBe(200);
    await waitFor('it is idle', () => Object.values(agent.freeSockets).flat().length === 1);

    // Browsers make such connections ahead of need.
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');

    const half = request(eventsUrl(service.url), { method: 'POST', agent: false });
    half.on('error', () => {});
    half.setHeader('content-type', 'application/json');
    half.setHeader('content-length', 100);
    half.write('{'); // and the rest never comes
    await once(half, 'socket');
    expect(await readiness(service)).toBe(200); // the service has seen the ones before, too
    await stops(service, 'SIGTERM');
  });

  it('cuts a feed whose client never reads, and responds to no feed with 503 while it drains', async () => {
    const service = await startService();
    await fill(service);
    // A socket that takes nothing more holds the shutdown for as long as that may take.
    const idle = await openFeed(feedUrl(service.url, '?offset=now'));
    await stuckFeed(service);
    const exit = stops(service, 'SIGTERM');
    await sendsOn(idle);

    expect(await readiness(service)).toBe(503);
    const rejected = await openFeed(feedUrl(service.url));
    expect(rejected.status).toBe(200);
    expect(rejected.response.headers).toMatchObject({ 'stream-refused': 'draining' });
    await sendsOn(rejected);
    const head = await fetch(feedUrl(service.url), { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('stream-refused')).toBe('draining');
    await exit;
  });

  it('exits also while Redis is down', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    await isReady(service);
    const feed = await openFeed(feedUrl(service.url));
    await redis.kill();
    const exit = stops(service, 'SIGTERM');
    await sendsOn(feed);
    await exit;
  });
});

/** It would wait for ever for whom it should not wait: for a client that keeps its connection. */
async function stops(service: ServiceProcess, signal: NodeJS.Signals): Promise<void> {
  service.signal(signal);
  expect(await service.exit()).toEqual({ code: 0, signal: null });
}

async function sendsOn(feed: FeedClient): Promise<void> {
  await feed.end();
  expect(feed.response.complete).toBe(false);
  expect(feed.raw).toMatch(/retry: \d+\n(: refused: draining\n)?$/);
}

async function statusOf(url: string, agent: Agent): Promise<number> {
  const sent = request(url, { agent });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode as number;
}
