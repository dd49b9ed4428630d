import { expect } from 'vitest';
import type { FeedClient } from './feed-client.js';
import type { ServiceProcess } from './service-process.js';
import { openFeed } from './test-processes.js';
import { eventsUrl, feedUrl, post } from './worker.js';

const largeEvents = 48;

/** Stores more than the sockets between two processes can hold. */
export async function fill(service: ServiceProcess): Promise<void> {
  const batch = Array(8).fill({ type: 'answer', content: 'x'.repeat(512 * 1024) });
  for (let stored = 0; stored < largeEvents; stored += batch.length) {
    expect((await post(eventsUrl(service.url), batch)).status).toBe(201);
  }
}

/** Resolves when its socket is full, since a client that came later has got everything. */
export async function stuckFeed(service: ServiceProcess): Promise<FeedClient> {
  const stuck = await openFeed(feedUrl(service.url));
  stuck.response.pause();
  const reading = await openFeed(feedUrl(service.url));
  await reading.frameCount(largeEvents);
  reading.drop();
  return stuck;
}
