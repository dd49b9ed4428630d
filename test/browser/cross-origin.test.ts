import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { freePort } from '../support/free-port.js';
import { makeKey } from '../support/keys.js';
import { sharedService } from '../support/shared-service.js';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, followingPage } from './event-source-page.js';
import { pageServer } from './page-server.js';

describe('A cross-origin page, in Chromium,', () => {
  const [app, stranger] = [pageServer(() => followingPage), pageServer(() => followingPage)];
  const service = sharedService(() => ({ CORS_ORIGINS: app.origin, FEED_LINGER: '300ms' }));

  it('follows a feed to its end when its origin is allowed, and gets 204', async () => {
    const page = await EventSourcePage.follow(
      feedUrl(service.url, '', service.sid),
      [],
      app.origin,
    );
    await post(eventsUrl(service.url, service.sid), [{ type: 'answer' }, { type: 'complete' }]);
    await page.isClosed();
    expect((await page.noted()).frames).toHaveLength(2);
    expect(page.statuses).toEqual([200, 204]);
  });

  it('reconnects automatically after the service was down, and resumes after its last id', async () => {
    const settings = {
      CORS_ORIGINS: `${stranger.origin},${app.origin}`,
      PORT: String(await freePort()),
    };
    const first = await startService(settings);
    const page = await EventSourcePage.follow(feedUrl(first.url), ['reset'], app.origin);
    await post(eventsUrl(first.url), [{ type: 'answer' }, { type: 'answer' }]);
    await page.hasFrames(2);
    first.signal('SIGTERM');
    await first.exit();

    // The streams in memory are gone, so a reset shows that the last id came along.
    const second = await startService(settings);
    await page.hasFrames(3);
    await post(eventsUrl(second.url), { type: 'answer', content: 'new' });
    await page.hasFrames(4);
    const { frames, opens } = await page.noted();
    expect(frames[2]).toMatchObject({ type: 'reset', id: '0-00000000' });
    expect(opens).toBe(2);
  });

  it('reads nothing, and gives up for good, when its origin or every origin is not allowed', async () => {
    const closedService = await startService({ CORS_ORIGINS: '' });
    for (const one of [service, closedService]) {
      const before = one.output.length;
      await post(eventsUrl(one.url), { type: 'answer' });
      const page = await EventSourcePage.follow(feedUrl(one.url), [], stranger.origin);
      await page.isClosed();
      expect(await page.noted()).toMatchObject({ frames: [], opens: 0, errors: [closed] });
      // It is the browser that keeps it back.
      const isOpened = () => one.output.slice(before).includes('A feed was opened');
      await waitFor('the feed was opened', isOpened);
    }
  });

  it('appends with a key, and reads the response and every rejection, when its origin is allowed', async () => {
    const [good, weak] = [makeKey('append'), makeKey('read')];
    const guarded = await startService({
      CORS_ORIGINS: app.origin,
      AUTH_API_KEYS: [good, weak].map(({ key }) => formatApiKey(key)).join(),
    });
    const url = feedUrl(guarded.url);
    const page = await EventSourcePage.follow(url, [], app.origin);
    await page.isClosed();
    expect(page.statuses).toEqual([401]);
    const producer = { 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': '0' };
    const append = (authorization: string) =>
      page.append(eventsUrl(guarded.url), { authorization, ...producer });
    expect(await append(good.headers.authorization)).toEqual([201, '1']);
    expect(await append(weak.headers.authorization)).toEqual([403, 'forbidden']);
    expect(await append('Bearer x')).toEqual([401, 'unauthorized']);
  });

  it('cannot append when its origin is not allowed, also where no key is needed', async () => {
    const page = await EventSourcePage.follow(
      feedUrl(service.url, '', service.sid),
      [],
      stranger.origin,
    );
    await expect(page.append(eventsUrl(service.url, service.sid), {})).rejects.toThrow(
      /Failed to fetch/,
    );
    expect((await fetch(eventsUrl(service.url, service.sid).replace('/events', ''))).status).toBe(
      404,
    );
  });
});
