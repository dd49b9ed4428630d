import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, launchBrowser, type Noted, open } from './event-source-page.js';

describe('Chromium’s EventSource', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  it('receives what is stored and what comes, each frame with its id', async () => {
    const service = await startService();
    await post(eventsUrl(service.url), chunks(3));
    const page = await EventSourcePage.follow(browser, feedUrl(service.url));
    await has(page, 3);
    await post(eventsUrl(service.url), chunks(50, 3));
    const { frames, errors } = await has(page, 53);
    expect(contents(frames)).toEqual(chunks(53).map(({ content }) => content));
    expect(frames.map(({ id }) => Number(id.split('-')[0]))).toEqual(
      frames.map((_, index) => index + 1),
    );
    expect(frames.every(({ id, type }) => /^\d+-[0-9a-f]{8}$/.test(id) && type === 'message')).toBe(
      true,
    );
    expect(errors).toEqual([]);
  });

  it('receives text of any kind intact, also cut over many segments', async () => {
    const service = await startService();
    const texts = [
      'é 漢字 🙂 👩‍👩‍👧 \u0000 \ufeff',
      '\r\n\r\nevent: x\rdata: y\n',
      'a\u2028b\u2029c\u0085d',
      '漢🙂é'.repeat(30_000),
      '',
    ];
    const page = await EventSourcePage.follow(browser, feedUrl(service.url));
    for (const content of texts) await post(eventsUrl(service.url), { type: 'answer', content });
    const { frames } = await has(page, texts.length);
    expect(contents(frames)).toEqual(texts);
  });

  it('comes back a time or two after the end, is told 204, and stops for good', async () => {
    const service = await startService({ FEED_LINGER: '300ms' });
    const page = await EventSourcePage.follow(browser, feedUrl(service.url));
    await post(eventsUrl(service.url), [...chunks(2), { type: 'complete' }]);
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect(page.statuses).toEqual([200, 204]);
    const { frames, errors } = await page.noted();
    expect(frames).toHaveLength(3);
    expect(errors.at(-1)).toBe(closed);
  });

  it('is told 204 also after a late title', async () => {
    const service = await startService({ FEED_LINGER: '20s' });
    const page = await EventSourcePage.follow(browser, feedUrl(service.url));
    await post(eventsUrl(service.url), [{ type: 'answer' }, { type: 'complete' }]);
    await has(page, 2);
    await post(eventsUrl(service.url), { type: 'session_title', content: 'T' });
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect((await page.noted()).frames).toHaveLength(3);
    expect(page.statuses).toEqual([200, 204]);
  });

  it('has the same text after a reload with ?compact=true, in a few frames', async () => {
    const service = await startService({ FEED_LINGER: '300ms' });
    const answer = (content: string) => ({ id: 'a1', type: 'answer', content });
    const pieces = Array.from({ length: 3000 }, (_, index) => `é${index}🙂`);
    const halves = pieces.flatMap((piece) => [piece.slice(0, -1), piece.slice(-1)]);
    const page = await EventSourcePage.follow(browser, feedUrl(service.url));
    for (let from = 0; from < 3000; from += 1000) {
      await post(eventsUrl(service.url), halves.slice(from, from + 1000).map(answer));
    }
    expect(contents((await has(page, 3000)).frames)).toEqual(halves.slice(0, 3000));
    await page.page.reload();
    await page.followAgain(feedUrl(service.url, '?compact=true'));
    await waitFor('what was there', async () =>
      textOf(await page.noted()).endsWith(pieces[1499] as string),
    );
    expect((await page.noted()).frames.length).toBeLessThanOrEqual(10);
    for (let from = 3000; from < 6000; from += 1000) {
      await post(eventsUrl(service.url), halves.slice(from, from + 1000).map(answer));
    }
    await post(eventsUrl(service.url), { type: 'complete' });
    await waitFor('it is closed', async () => (await page.noted()).readyState === closed);
    expect(textOf(await page.noted())).toBe(pieces.join(''));
  });

  it('gets frames by their names with ?named=true, but for names of its own', async () => {
    const service = await startService();
    const url = feedUrl(service.url, '?named=true');
    const page = await EventSourcePage.follow(browser, url, [
      'answer',
      'tool_call',
      'open',
      'reset',
      'malformed',
    ]);
    const named = ['answer', 'tool_call'];
    const unnamed = ['error', 'open', 'message', 'reset', 'malformed'];
    await post(
      eventsUrl(service.url),
      [...named, ...unnamed].map((type) => ({ type })),
    );
    const { frames, readyState } = await has(page, named.length + unnamed.length);
    expect(frames.map(({ type }) => type)).toEqual([...named, ...unnamed.map(() => 'message')]);
    expect(frames.map(({ data }) => JSON.parse(data).type)).toEqual([...named, ...unnamed]);
    expect(readyState).toBe(open);
  });
});

function chunks(count: number, from = 0) {
  return Array.from({ length: count }, (_, index) => ({
    type: 'answer',
    content: `chunk ${from + index}`,
  }));
}

function contents(frames: Noted['frames']): unknown[] {
  return frames.map(({ data }) => JSON.parse(data).content);
}

function textOf({ frames }: Noted): string {
  return contents(frames).join('');
}

async function has(page: EventSourcePage, count: number): Promise<Noted> {
  await waitFor(`${count} frames`, async () => (await page.noted()).frames.length >= count);
  return page.noted();
}
