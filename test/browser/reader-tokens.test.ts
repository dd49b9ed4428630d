import { describe, expect, it } from 'vitest';
import { clockToleranceSeconds } from '../../src/auth/reader-tokens.js';
import { sharedService } from '../support/shared-service.js';
import { secondsFromNow, secret, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, followingPage, type Noted } from './event-source-page.js';
import { pageServer } from './page-server.js';

const [app, evil] = [pageServer(() => followingPage), pageServer(() => followingPage)];
const service = sharedService(() => ({
  AUTH_READER_SECRET: secret,
  CORS_ORIGINS: app.origin,
  FEED_HEARTBEAT: '1s',
}));

const claims = () => ({ sid: service.sid, scope: 'read stop' });
const lasting = () => sign(claims());
/** Long enough for a busy browser to have had its frames. */
const shortSeconds = 15;
const short = () =>
  sign({ ...claims(), exp: secondsFromNow(shortSeconds - clockToleranceSeconds) });

describe('A page with a reader token, in Chromium,', () => {
  const append = (content: string) =>
    post(eventsUrl(service.url, service.sid), { type: 'answer', content });

  const contents = ({ frames }: Noted) => frames.map(({ data }) => JSON.parse(data).content);

  it('in the address loses its feed when that expires, and resumes with a new one', async () => {
    await append('a');
    const url = feedUrl(service.url, `?token=${await short()}`, service.sid);
    const page = await EventSourcePage.follow(url, [], app.origin);
    await page.hasFrames(1);
    await append('b');
    const { frames } = await page.hasFrames(2);
    await page.isClosed();
    expect(page.statuses).toEqual([200, 401]);

    await append('c');
    const lastId = frames.at(-1)?.id;
    await page.followAgain(
      feedUrl(service.url, `?token=${await lasting()}&offset=${lastId}`, service.sid),
    );
    await append('d');
    expect(contents(await page.hasFrames(4))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('in a cookie that its back end renews has nothing to do: EventSource reconnects automatically', async () => {
    const page = await EventSourcePage.open(app.origin);
    await page.setCookie(service.url, await short());
    await page.followWithCookies(feedUrl(service.url, '', service.sid));
    await append('a');
    await page.hasFrames(1);
    await page.setCookie(service.url, await lasting());
    await waitFor('it has come back', async () => (await page.noted()).opens === 2);
    await append('b');
    const noted = await page.hasFrames(2);
    expect(contents(noted)).toEqual(['a', 'b']);
    expect(noted.errors).not.toContain(closed);
    expect(page.statuses).toEqual([200, 200]);
  });

  it('in a cookie sends it from an allowed origin only, and stops a stream from there only', async () => {
    const stop = eventsUrl(service.url, service.sid).replace('/events', '/stop');
    await append('a');
    for (const from of [evil, app]) {
      const page = await EventSourcePage.open(from.origin);
      await page.setCookie(service.url, await lasting());
      await page.followWithCookies(feedUrl(service.url, '', service.sid));
      // A form or a fetch without CORS reaches the service with the cookie, whatever page it is on.
      await page.postBlindly(stop);
      if (from === evil) {
        await page.isClosed();
        expect((await page.noted()).frames).toEqual([]);
        expect(await statusOf()).toBe('open');
      } else {
        await page.hasFrames(2);
        expect(await statusOf()).toBe('stopped');
      }
    }
  });

  async function statusOf(): Promise<string> {
    const url = eventsUrl(service.url, service.sid).replace('/events', '');
    const headers = { authorization: `Bearer ${await lasting()}` };
    const answer = await fetch(url, { headers });
    return ((await answer.json()) as { streamStatus: string }).streamStatus;
  }
});
