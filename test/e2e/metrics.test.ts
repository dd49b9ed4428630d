import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scrape, scrapeText } from '../support/scrape.js';
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

const root = resolve(import.meta.dirname, '../..');

describe('The metrics of the service', () => {
  it('show that Redis is down, what that does to appends, reads and feeds, and that it is back', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis, { FEED_POLL_INTERVAL: '100ms' }));
    await isReady(service);
    await openFeed(feedUrl(service.url));
    const up = async () => {
      const numbers = await scrape(service.url);
      return ['commands', 'notifications'].map((use) =>
        numbers.get(`rejoin_redis_up{use="${use}"}`),
      );
    };
    await waitFor('both are up', async () => String(await up()) === '1,1');

    await redis.kill();
    await waitFor('both are down', async () => String(await up()) === '0,0');
    expect((await post(eventsUrl(service.url), { type: 'answer' })).status).toBe(503);
    await (await openFeed(feedUrl(service.url, '', 's1', 'other'))).end();
    const failures = [
      'rejoin_append_duration_seconds_count{backend="redis",outcome="backend_unavailable"}',
      'rejoin_feeds_rejected_total{reason="backend_unavailable"}',
      'rejoin_stream_reads_total{cause="poll",result="failed"}',
    ];
    for (const series of failures) {
      await waitFor(series, async () => ((await scrape(service.url)).get(series) ?? 0) > 0);
    }

    await redis.start();
    await waitFor('both are up again', async () => String(await up()) === '1,1');
  });

  it('count what another program pushed without a notification, found by polls', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis, { FEED_POLL_INTERVAL: '50ms' }));
    await isReady(service);
    const reads = async (series: string) =>
      (await scrape(service.url)).get(`rejoin_stream_reads_total{${series}}`);
    const feed = await openFeed(feedUrl(service.url));
    await waitFor('the feed waits at the end', async () => {
      return ((await reads('cause="poll",result="nothing"')) ?? 0) > 0;
    });
    await clientOf(redis).rpush('stream:events:s1:m1', '{"type":"answer"}');
    await feed.frameCount(1);
    expect(await reads('cause="poll",result="events"')).toBe(1);
  });

  it('are those explained in docs/operations.md, and no others', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    const text = await scrapeText(service.url);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(text).toContain(`rejoin_build_info{version="${version}",backend="redis"} 1`);
    const shown = [...text.matchAll(/^# TYPE (rejoin_\w+)/gm)].map(([, name]) => name);
    const document = readFileSync(join(root, 'docs/operations.md'), 'utf8');
    const explained = [...document.matchAll(/^\| `(rejoin_\w+)`/gm)].map(([, name]) => name);
    expect(explained.sort()).toEqual(shown.sort());
  });
});
