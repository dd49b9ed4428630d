import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { expectSound, NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, open } from './event-source-page.js';

describe('Chromium’s EventSource, while the service or Redis is down,', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'resumes automatically over a restart of the service (%s), and nothing is lost or repeated',
    async (signal) => {
      const redis = await startRedis();
      const settings = onRedis(redis, { PORT: String(await freePort()) });
      const first = await startService(settings);
      await isReady(first);
      const page = await EventSourcePage.follow(feedUrl(first.url));
      const worker = new NumberedWorker(eventsUrl(first.url), 10);
      worker.start();
      await page.hasFrames(50);
      first.signal(signal);
      await first.exit();

      await startService(settings);
      const before = worker.acknowledged.length;
      await waitFor('the appends go on', () => worker.acknowledged.length >= before + 50);
      await worker.stop();
      const stored = numbersOf(await clientOf(redis).lrange('stream:events:s1:m1', 0, -1));
      await page.hasFrames(stored.length);
      const { frames, opens, readyState } = await page.noted();
      expect(numbersOf(frames.map(({ data }) => data))).toEqual(stored);
      expectSound(worker, stored);
      expect(opens).toBeGreaterThanOrEqual(2);
      expect(readyState).toBe(open);
    },
  );

  it('gets a reset when a service on memory has lost the stream, and goes on from 0', async () => {
    const settings = { PORT: String(await freePort()) };
    const first = await startService(settings);
    const page = await EventSourcePage.follow(feedUrl(first.url), ['reset']);
    await post(eventsUrl(first.url), [{ type: 'answer' }, { type: 'answer' }]);
    await page.hasFrames(2);
    await first.kill();

    const second = await startService(settings);
    await page.hasFrames(3);
    await post(eventsUrl(second.url), { type: 'answer', content: 'new' });
    await page.hasFrames(4);
    const [reset, event] = (await page.noted()).frames.slice(2);
    expect(reset).toMatchObject({ type: 'reset', id: '0-00000000' });
    expect(JSON.parse(reset?.data as string)).toEqual({ reason: 'gone', offset: 0 });
    expect(event?.id).toMatch(/^1-/);
    expect(JSON.parse(event?.data as string)).toMatchObject({ content: 'new' });
  });

  it('is not closed for good by the end of the service', async () => {
    const settings = { PORT: String(await freePort()) };
    const first = await startService(settings);
    const page = await EventSourcePage.follow(feedUrl(first.url));
    await waitFor('it is open', async () => (await page.noted()).opens === 1);
    first.signal('SIGTERM');
    await first.exit();
    // It tries again and again while nobody listens.
    await waitFor('some errors', async () => (await page.noted()).errors.length >= 3);
    expect((await page.noted()).errors).not.toContain(closed);

    const second = await startService(settings);
    await post(eventsUrl(second.url), { type: 'answer' });
    await page.hasFrames(1);
    expect(page.statuses.every((status) => status === 200)).toBe(true);
  });

  it('is told to reconnect but not closed while Redis is down, and resumes afterwards', async () => {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const service = await startService(onRedis(redis));
    await isReady(service);
    await post(eventsUrl(service.url), { type: 'answer' });
    await redis.kill();
    const page = await EventSourcePage.follow(feedUrl(service.url));
    await waitFor('its feed was rejected', async () => (await page.noted()).errors.length >= 1);
    expect((await page.noted()).errors).not.toContain(closed);
    await redis.start();
    await page.hasFrames(1);
    expect(page.statuses).toEqual([200, 200]);
  });
});
