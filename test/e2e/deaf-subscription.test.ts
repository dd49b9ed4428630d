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

const wakeUpsAreUp = 'rejoin_redis_up{use="wake_ups"}';

it('A subscription that stands and delivers nothing is noticed, and made anew', async () => {
  const redis = await startRedis();
  const subscriptions = new Set<object>();
  let deaf = new Set<object>();
  const fault: Fault = (chunk, from, connection) => {
    if (from === 'client' && chunk.includes('subscribe')) subscriptions.add(connection);
    return from === 'service' && deaf.has(connection) ? 'swallowed' : chunk.length;
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

  deaf = new Set(subscriptions);
  await post(eventsUrl(service.url), { type: 'answer', content: 'unheard' });
  await feed.frameCount(1);
  expect(service.output).toContain('No wake-ups come through Redis');
  await waitFor('it hears itself', () => service.output.includes('come through Redis again'));
  expect((await scrape(service.url)).get(wakeUpsAreUp)).toBe(1);
  await post(eventsUrl(service.url), { type: 'answer', content: 'heard' });
  await feed.frameCount(2);
  expect(service.output.split('No wake-ups come through Redis')).toHaveLength(2); // once

  deaf = new Set(subscriptions);
  const isDown = async () => (await scrape(service.url)).get(wakeUpsAreUp) === 0;
  await waitFor('it says that wake-ups are down', isDown);
});
