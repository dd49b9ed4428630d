import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatProducerKey } from '../../src/access/producer-key.js';
import { freePort } from '../support/free-port.js';
import { makeKey } from '../support/keys.js';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, launchBrowser, servePage } from './event-source-page.js';

describe('A page of another origin, in Chromium,', () => {
  let browser: Browser;
  let app: string;
  let stranger: string;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    [app, stranger] = [await servePage(), await servePage()];
  });

  it('follows a feed to its end when its origin is allowed, and hears 204', async () => {
    const service = await startService({ CORS_ORIGINS: app, FEED_LINGER: '300ms' });
    const page = await EventSourcePage.follow(browser, feedUrl(service.url), [], app);
    await post(eventsUrl(service.url), [{ type: 'answer' }, { type: 'complete' }]);
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect((await page.noted()).frames).toHaveLength(2);
    expect(page.statuses).toEqual([200, 204]);
  });

  it('comes back by itself after the service was away, and goes on from its last id', async () => {
    const settings = { CORS_ORIGINS: `${stranger},${app}`, PORT: String(await freePort()) };
    const first = await startService(settings);
    const page = await EventSourcePage.follow(browser, feedUrl(first.url), ['reset'], app);
    await post(eventsUrl(first.url), [{ type: 'answer' }, { type: 'answer' }]);
    await waitFor('2 frames', async () => (await page.noted()).frames.length === 2);
    first.signal('SIGTERM');
    await first.exit();

    // The streams in memory are gone, so a reset shows that the last id came along.
    const second = await startService(settings);
    await waitFor('the reset', async () => (await page.noted()).frames.length === 3);
    await post(eventsUrl(second.url), { type: 'answer', content: 'new' });
    await waitFor('the new event', async () => (await page.noted()).frames.length === 4);
    const { frames, opens } = await page.noted();
    expect(frames[2]).toMatchObject({ type: 'reset', id: '0-00000000' });
    expect(opens).toBe(2);
  });

  it('gets nothing, for good, when its origin is not allowed, or none is', async () => {
    for (const settings of [{ CORS_ORIGINS: app }, { CORS_ORIGINS: '' }]) {
      const service = await startService(settings);
      await post(eventsUrl(service.url), { type: 'answer' });
      const page = await EventSourcePage.follow(browser, feedUrl(service.url), [], stranger);
      await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
      expect(await page.noted()).toMatchObject({ frames: [], opens: 0, errors: [closed] });
      // It is the browser that keeps it back.
      await waitFor('the feed was opened', () => service.output.includes('A feed was opened'));
    }
  });

  it('appends with a key, and reads the answer and every refusal, when it is allowed', async () => {
    const [good, weak] = [makeKey('append'), makeKey('read')];
    const service = await startService({
      CORS_ORIGINS: app,
      AUTH_PRODUCER_KEYS: [good, weak].map(({ key }) => formatProducerKey(key)).join(),
    });
    const url = feedUrl(service.url);
    const page = await EventSourcePage.follow(browser, url, [], app);
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect(page.statuses).toEqual([401]);
    const producer = { 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': '0' };
    const append = (authorization: string) =>
      page.append(eventsUrl(service.url), { authorization, ...producer });
    expect(await append(good.headers.authorization)).toEqual([201, '1']);
    expect(await append(weak.headers.authorization)).toEqual([403, 'forbidden']);
    expect(await append('Bearer x')).toEqual([401, 'unauthorized']);
  });

  it('cannot append when its origin is not allowed, also where no key is needed', async () => {
    const service = await startService({ CORS_ORIGINS: app });
    const page = await EventSourcePage.follow(browser, feedUrl(service.url), [], stranger);
    await expect(page.append(eventsUrl(service.url), {})).rejects.toThrow(/Failed to fetch/);
    expect((await fetch(eventsUrl(service.url).replace('/events', ''))).status).toBe(404);
  });
});
