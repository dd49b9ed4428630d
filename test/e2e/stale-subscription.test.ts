import { expect, it, onTestFinished } from 'vitest';
import { scrape } from '../support/scrape.js';
import { type Fault, TcpProxy } from '../support/tcp-proxy.js';
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

const notificationsAreUp = 'rejoin_redis_up{use="notifications"}';

it('An open subscription that delivers nothing is detected as stale, and replaced', async () => {
  const redis = await startRedis();
  const subscriptions = new Set<object>();
  let stale = new Set<object>();
  const fault: Fault = (chunk, from, connection) => {
    if (from === 'client' && chunk.includes('subscribe')) subscriptions.add(connection);
    return from === 'service' && stale.has(connection) ? 'swallowed' : chunk.length;
  };
  const proxy = await TcpProxy.start(redis.port, fault);
  onTestFinished(() => proxy.close());
  const settings = { FEED_POLL_INTERVAL: '10m', REDIS_ADDR: `127.0.0.1:${proxy.port}` };
  const service = await startService(onRedis(redis, settings));
  await isReady(service);
  const feed = await openFeed(feedUrl(service.url));
  const admin = clientOf(redis);
  await waitFor('it is subscribed', async () => {
    return ((await admin.pubsub('CHANNELS', '*::wake')) as string[]).length === 1;
  });

  stale = new Set(subscriptions);
  await post(eventsUrl(service.url), { type: 'answer', content: 'unnotified' });
  await feed.frameCount(1);
  expect(service.output).toContain('No notifications come through Redis');
  await waitFor('notifications come again', () =>
    service.output.includes('come through Redis again'),
  );
  expect((await scrape(service.url)).get(notificationsAreUp)).toBe(1);
  await post(eventsUrl(service.url), { type: 'answer', content: 'notified' });
  await feed.frameCount(2);
  expect(service.output.split('No notifications come through Redis')).toHaveLength(2); // once

  stale = new Set(subscriptions);
  const isDown = async () => (await scrape(service.url)).get(notificationsAreUp) === 0;
  await waitFor('it says that notifications are down', isDown);
});
