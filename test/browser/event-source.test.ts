import { describe, expect, it } from 'vitest';
import { sharedService } from '../support/shared-service.js';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';
import { closed, EventSourcePage, type Noted, open } from './event-source-page.js';

describe('Chromium’s EventSource', () => {
  const service = sharedService(() => ({ FEED_LINGER: '300ms' }));

  it('receives stored and live events, each frame with its id', async () => {
    await post(eventsUrl(service.url, service.sid), chunks(3));
    const page = await EventSourcePage.follow(feedUrl(service.url, '', service.sid));
    await page.hasFrames(3);
    await post(eventsUrl(service.url, service.sid), chunks(50, 3));
    const { frames, errors } = await page.hasFrames(53);
    expect(contents(frames)).toEqual(chunks(53).map(({ content }) => content));
    expect(frames.map(({ id }) => Number(id.split('-')[0]))).toEqual(
      frames.map((_, index) => index + 1),
    );
    expect(frames.every(({ id, type }) => /^\d+-[0-9a-f]{8}$/.test(id) && type === 'message')).toBe(
      true,
    );
    expect(errors).toEqual([]);
  });

  it('receives text of any kind intact, also split over many segments', async () => {
    const texts = [
      'é 漢字 🙂 👩‍👩‍👧 \u0000 \ufeff',
      '\r\n\r\nevent: x\rdata: y\n',
      'a\u2028b\u2029c\u0085d',
      '漢🙂é'.repeat(30_000),
      '',
    ];
    const page = await EventSourcePage.follow(feedUrl(service.url, '', service.sid));
    for (const content of texts)
      await post(eventsUrl(service.url, service.sid), { type: 'answer', content });
    const { frames } = await page.hasFrames(texts.length);
    expect(contents(frames)).toEqual(texts);
  });

  it('reconnects once or twice after the end, gets 204, and stops for good', async () => {
    const page = await EventSourcePage.follow(feedUrl(service.url, '', service.sid));
    await post(eventsUrl(service.url, service.sid), [...chunks(2), { type: 'complete' }]);
    await page.isClosed();
    expect(page.statuses).toEqual([200, 204]);
    const { frames, errors } = await page.noted();
    expect(frames).toHaveLength(3);
    expect(errors.at(-1)).toBe(closed);
  });

  it('gets 204 also after a late title', async () => {
    const lingering = await startService({ FEED_LINGER: '20s' });
    const page = await EventSourcePage.follow(feedUrl(lingering.url));
    await post(eventsUrl(lingering.url), [{ type: 'answer' }, { type: 'complete' }]);
    await page.hasFrames(2);
    await post(eventsUrl(lingering.url), { type: 'session_title', content: 'T' });
    await page.isClosed();
    expect((await page.noted()).frames).toHaveLength(3);
    expect(page.statuses).toEqual([200, 204]);
  });

  it('has the same text after a reload with ?compact=true, in a few frames', async () => {
    const answer = (content: string) => ({ id: 'a1', type: 'answer', content });
    const pieces = Array.from({ length: 3000 }, (_, index) => `é${index}🙂`);
    const halves = pieces.flatMap((piece) => [piece.slice(0, -1), piece.slice(-1)]);
    const page = await EventSourcePage.follow(feedUrl(service.url, '', service.sid));
    for (let from = 0; from < 3000; from += 1000) {
      await post(eventsUrl(service.url, service.sid), halves.slice(from, from + 1000).map(answer));
    }
    expect(contents((await page.hasFrames(3000)).frames)).toEqual(halves.slice(0, 3000));
    await page.page.reload();
    await page.followAgain(feedUrl(service.url, '?compact=true', service.sid));
    await waitFor('what was there', async () =>
      textOf(await page.noted()).endsWith(pieces[1499] as string),
    );
    expect((await page.noted()).frames.length).toBeLessThanOrEqual(10);
    for (let from = 3000; from < 6000; from += 1000) {
      await post(eventsUrl(service.url, service.sid), halves.slice(from, from + 1000).map(answer));
    }
    await post(eventsUrl(service.url, service.sid), { type: 'complete' });
    await page.isClosed();
    expect(textOf(await page.noted())).toBe(pieces.join(''));
  });

  it('receives frames by their names with ?named=true, except reserved names', async () => {
    const url = feedUrl(service.url, '?named=true', service.sid);
    const page = await EventSourcePage.follow(url, [
      'answer',
      'tool_call',
      'open',
      'reset',
      'malformed',
    ]);
    const named = ['answer', 'tool_call'];
    const unnamed = ['error', 'open', 'message', 'reset', 'malformed'];
    await post(
      eventsUrl(service.url, service.sid),
      [...named, ...unnamed].map((type) => ({ type })),
    );
    const { frames, readyState } = await page.hasFrames(named.length + unnamed.length);
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
