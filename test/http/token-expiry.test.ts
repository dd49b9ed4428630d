import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { clockToleranceSeconds } from '../../src/auth/reader-tokens.js';
import { describeApp } from '../support/app-suite.js';
import { openFeed } from '../support/feed-client.js';
import { bring, places, readerOptions, secondsFromNow, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

/** Heartbeats are rare, but feeds are looked at ten times as often. */
const options = {
  auth: { reader: readerOptions() },
  feed: { heartbeatMs: 1000 },
  isConcurrent: true,
};

/**
 * What is opened with a token that is good for four to five seconds more, by the tolerance for
 * clocks; for longer where it had expired before it was looked at.
 */
async function openBriefly<T extends { readonly status: number }>(
  claims: object,
  ask: (token: string) => Promise<T>,
): Promise<T> {
  for (let seconds = 5; ; seconds *= 2) {
    const exp = secondsFromNow(seconds - clockToleranceSeconds);
    const response = await ask(await sign({ ...claims, exp }));
    if (response.status !== 401) return response;
  }
}

describeApp('When a reader token expires', options, (source) => {
  const { stream } = source;
  it.each(places)('a feed opened with a token in the %s ends with a retry time', async (place) => {
    const one = stream();
    await one.post({ type: 'answer' });
    let [headers, query]: [Record<string, string>, string] = [{}, ''];
    const feed = await openBriefly({ sid: one.sid, scope: 'read' }, (token) => {
      ({ headers, query } = bring(token, place));
      return one.feed(query, headers);
    });
    await feed.end();
    expect(feed.frames).toHaveLength(1);
    expect(feed.response.complete).toBe(false);
    expect(feed.raw).toMatch(/\nretry: \d+\n$/);

    const again = await one.feed(query, { ...headers, 'last-event-id': feed.lastId as string });
    expect(again.status).toBe(401);
    const next = await one.post({ type: 'answer' });
    expect(next.status).toBe(201);
    const fresh = bring(await sign({ sid: one.sid, scope: 'read' }), place);
    const goesOn = await one.feed(
      fresh.query === '' ? `?offset=${feed.lastId}` : `${fresh.query}&offset=${feed.lastId}`,
      fresh.headers,
    );
    await goesOn.frameCount(1);
    expect(goesOn.frames[0]?.id).toMatch(/^2-/);
    goesOn.drop();
  });

  it('a feed under load ends too', async () => {
    const one = stream();
    const feed = await openBriefly({ sid: one.sid, scope: 'read' }, (token) =>
      one.feed('', bring(token, 'header').headers),
    );
    await waitFor('it ends', async () => {
      await one.post({ type: 'answer', content: 'x'.repeat(1000) });
      return feed.hasEnded;
    });
    expect(feed.response.complete).toBe(false);
    expect(feed.raw).toMatch(/\nretry: \d+\n$/);
  });

  it('a feed of the AI SDK breaks off, as a clean end would be that of the message', async () => {
    const sid = `chat-${randomUUID()}`;
    await post(eventsUrl(source.app.url, sid, 'm'), { type: 'answer', content: 'Cats ' });
    const url = `${source.app.url}/ai-sdk/sessions/${sid}/stream`;
    let headers: Record<string, string> = {};
    const feed = await openBriefly({ sid, scope: 'read' }, (token) => {
      ({ headers } = bring(token, 'header'));
      return openFeed(url, headers);
    });
    await feed.end();
    expect(feed.raw).toContain('Cats ');
    expect(feed.response.complete).toBe(false);
    expect((await fetch(url, { headers })).status).toBe(401);
  });

  it('a read that waits responds with what there is', async () => {
    const one = stream();
    const claims = { sid: one.sid, scope: 'read' };
    const wait = (token: string) =>
      fetch(`${one.eventsUrl}?wait=60`, { headers: bring(token, 'header').headers });
    let isWaitOver = false;
    const lasting = wait(await sign(claims)).then(() => {
      isWaitOver = true;
    });
    const response = await openBriefly(claims, wait);
    expect(await response.json()).toMatchObject({ events: [], nextOffset: 0 });
    expect(isWaitOver).toBe(false); // of one that began before
    await one.postAnswers(1);
    await lasting;
  });

  it('a feed with a token that is still valid goes on', async () => {
    const one = stream();
    const short = await openBriefly({ sid: one.sid, scope: 'read' }, (token) =>
      one.feed('', bring(token, 'header').headers),
    );
    const exp = secondsFromNow(1e9); // longer than a timer can wait
    const long = await one.feed(
      '',
      bring(await sign({ sid: one.sid, scope: 'read', exp }), 'header').headers,
    );
    await short.end();
    expect(long.hasEnded).toBe(false);
    long.drop();
  });
});
