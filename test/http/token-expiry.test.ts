import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { clockToleranceSeconds } from '../../src/access/reader-token.js';
import { describeApp } from '../support/app-suite.js';
import { openFeed } from '../support/feed-client.js';
import { bring, places, readerOptions, secondsFromNow, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

/** Heartbeats are rare, but feeds are looked at ten times as often. */
const options = { auth: { reader: readerOptions() }, feed: { heartbeatMs: 1000 } };

/** A token that is good for four to five seconds more, by the tolerance for clocks. */
const nearlyExpired = (claims: object) =>
  sign({ ...claims, exp: secondsFromNow(5 - clockToleranceSeconds) });

describeApp('when a token expires', options, (source) => {
  const { stream } = source;
  it.concurrent.each(places)(
    'a feed that it opened in the %s ends, and says when to come back',
    async (place) => {
      const one = stream();
      await one.post({ type: 'answer' });
      const { headers, query } = bring(await nearlyExpired({ sid: one.sid, scope: 'read' }), place);
      const feed = await one.feed(query, headers);
      await feed.end();
      expect(feed.frames).toHaveLength(1);
      expect(feed.response.complete).toBe(true);
      expect(feed.raw).toMatch(/\n\nretry: \d+\n\n$/);

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
    },
  );

  it.concurrent('a feed under load ends too', async () => {
    const one = stream();
    const { headers } = bring(await nearlyExpired({ sid: one.sid, scope: 'read' }), 'header');
    const feed = await one.feed('', headers);
    await waitFor('it ends', async () => {
      await one.post({ type: 'answer', content: 'x'.repeat(1000) });
      return feed.hasEnded;
    });
    expect(feed.response.complete).toBe(true);
    expect(feed.raw).toMatch(/\n\nretry: \d+\n\n$/);
  });

  it.concurrent('a feed of the AI SDK breaks, as a clean end would be that of the message', async () => {
    const sid = `chat-${randomUUID()}`;
    await post(eventsUrl(source.app.url, sid, 'm'), { type: 'answer', content: 'Cats ' });
    const { headers } = bring(await nearlyExpired({ sid, scope: 'read' }), 'header');
    const url = `${source.app.url}/ai-sdk/sessions/${sid}/stream`;
    const feed = await openFeed(url, headers);
    await feed.end();
    expect(feed.raw).toContain('Cats ');
    expect(feed.response.complete).toBe(false);
    expect((await fetch(url, { headers })).status).toBe(401);
  });

  it.concurrent('a read that waits answers with what there is', async () => {
    const one = stream();
    const { headers } = bring(await nearlyExpired({ sid: one.sid, scope: 'read' }), 'header');
    const startedAt = performance.now();
    const answer = await fetch(`${one.eventsUrl}?wait=60`, { headers });
    expect(await answer.json()).toMatchObject({ events: [], nextOffset: 0 });
    expect(performance.now() - startedAt).toBeLessThan(59_000); // not when its wait was over
  });

  it.concurrent('a feed with a token that lasts goes on', async () => {
    const one = stream();
    const short = await one.feed(
      '',
      bring(await nearlyExpired({ sid: one.sid, scope: 'read' }), 'header').headers,
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
