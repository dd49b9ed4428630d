import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clockToleranceSeconds } from '../../src/access/reader-token.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startService } from '../support/test-processes.js';
import { secondsFromNow, secret, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import {
  closed,
  EventSourcePage,
  launchBrowser,
  type Noted,
  servePage,
} from './event-source-page.js';

const claims = { sid: 's1', scope: 'read stop' };
const lasting = () => sign(claims);
/** Long enough for a busy browser to have had its frames. */
const shortSeconds = 15;
const short = () => sign({ ...claims, exp: secondsFromNow(shortSeconds - clockToleranceSeconds) });

describe('A page with a reader’s token, in Chromium,', () => {
  let browser: Browser;
  let origin: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    origin = await servePage();
    service = await startService({
      AUTH_READER_SECRET: secret,
      CORS_ORIGINS: origin,
      FEED_HEARTBEAT: '1s',
    });
  });

  const append = (content: string) => post(eventsUrl(service.url), { type: 'answer', content });

  async function has(page: EventSourcePage, count: number): Promise<Noted> {
    await waitFor(`${count} frames`, async () => (await page.noted()).frames.length >= count);
    return page.noted();
  }

  const contents = ({ frames }: Noted) => frames.map(({ data }) => JSON.parse(data).content);

  it('in the address is closed when that expires, and goes on with a new one where it was', async () => {
    await append('a');
    const url = feedUrl(service.url, `?token=${await short()}`);
    const page = await EventSourcePage.follow(browser, url, [], origin);
    await has(page, 1);
    await append('b');
    const { frames } = await has(page, 2);
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect(page.statuses).toEqual([200, 401]);

    await append('c');
    const lastId = frames.at(-1)?.id;
    await page.followAgain(feedUrl(service.url, `?token=${await lasting()}&offset=${lastId}`));
    await append('d');
    expect(contents(await has(page, 4))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('in a cookie that its back end renews has nothing to do: it comes back by itself', async () => {
    const page = await EventSourcePage.open(browser, origin);
    await page.setCookie(service.url, await short());
    await page.followWithCookies(feedUrl(service.url));
    await append('a');
    await has(page, 1);
    await page.setCookie(service.url, await lasting());
    await waitFor('it has come back', async () => (await page.noted()).opens === 2);
    await append('b');
    const noted = await has(page, 2);
    expect(contents(noted)).toEqual(['a', 'b']);
    expect(noted.errors).not.toContain(closed);
    expect(page.statuses).toEqual([200, 200]);
  });

  it('in a cookie sends it from a listed origin only, and stops a stream from there only', async () => {
    const evil = await servePage();
    const stop = eventsUrl(service.url).replace('/events', '/stop');
    await append('a');
    for (const from of [evil, origin]) {
      const page = await EventSourcePage.open(browser, from);
      await page.setCookie(service.url, await lasting());
      await page.followWithCookies(feedUrl(service.url));
      // A form or a fetch without CORS reaches the service with the cookie, whatever page it is on.
      await page.postBlindly(stop);
      if (from === evil) {
        await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
        expect((await page.noted()).frames).toEqual([]);
        expect(await statusOf()).toBe('open');
      } else {
        await has(page, 2);
        expect(await statusOf()).toBe('stopped');
      }
    }
  });

  async function statusOf(): Promise<string> {
    const url = eventsUrl(service.url).replace('/events', '');
    const headers = { authorization: `Bearer ${await lasting()}` };
    const answer = await fetch(url, { headers });
    return ((await answer.json()) as { streamStatus: string }).streamStatus;
  }
});
