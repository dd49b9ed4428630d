import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import type { FeedClient } from '../support/feed-client.js';
import { waitFor } from '../support/wait-for.js';

const lingerMs = 4000;

describeApp('The end of a feed', { feed: { lingerMs } }, ({ stream }) => {
  /** A feed that ends a linger from now on. */
  async function startToLinger(): Promise<FeedClient> {
    const one = stream();
    const feed = await one.feed();
    await one.post({ type: 'complete' });
    await feed.frameCount(1);
    return feed;
  }

  it.concurrent('A feed ends a linger after the terminal event, and a client that has everything gets 204 then', async () => {
    const one = stream();
    const feed = await one.feed();
    const since = performance.now();
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    await feed.frameCount(2);
    const during = await one.feed('', { 'last-event-id': feed.lastId as string });
    expect(during.status).toBe(200);
    await feed.end();
    await during.end();
    expect(performance.now() - since).toBeGreaterThan(lingerMs * 0.95);
    expect(during.frames).toEqual([]);
    const after = await one.feed('', { 'last-event-id': feed.lastId as string });
    expect(after.status).toBe(204);
  });

  it.concurrent('A feed ends at once when the late title has come', async () => {
    const slow = stream();
    const feed = await slow.feed();
    await slow.post({ type: 'complete' });
    await feed.frameCount(1);
    await slow.post({ type: 'session_title', content: 'T' });
    await feed.frameCount(2);
    await feed.end();
    const again = await slow.feed('', { 'last-event-id': feed.lastId as string });
    expect(again.status).toBe(204);
  });

  it.concurrent('A feed of a stream that ended long ago ends at once', async () => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'stop' }]);
    const first = await one.feed();
    await first.end();
    const lingering = await startToLinger();
    const late = await one.feed();
    await late.end();
    expect(late.frames).toHaveLength(2);
    expect(lingering.hasEnded).toBe(false);
    expect((await one.feed('?offset=now')).status).toBe(204);
    expect((await one.feed('?offset=2')).status).toBe(204);
    const part = await one.feed('?offset=1');
    expect(part.status).toBe(200);
    await part.end();
    expect(part.frames).toHaveLength(1);
  });

  it.concurrent('A feed does not end with an answer that is done or an error that is not', async () => {
    const one = stream();
    const feed = await one.feed();
    await one.post([{ type: 'answer', done: true }, { type: 'error' }]);
    await feed.frameCount(2);
    await one.postAnswers(1);
    await feed.frameCount(3);
    feed.drop();
  });
});

describeApp('A feed without a linger', { feed: { lingerMs: 0 } }, ({ stream }) => {
  it('A feed without a linger ends with the terminal event', async () => {
    const one = stream();
    const feed = await one.feed();
    await one.post([{ type: 'answer' }, { type: 'error', done: true }]);
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect((await one.feed('', { 'last-event-id': feed.lastId as string })).status).toBe(204);
  });
});

describeApp('A feed over the limit of all feeds', { feed: { maxFeeds: 1 } }, ({ stream }) => {
  it('A feed over the limit of all feeds is a 200 that says why and when to come back', async () => {
    const one = stream();
    const feed = await one.feed();
    const second = await one.feed();
    expect(second.status).toBe(200);
    expect(second.response.headers).toMatchObject({
      'stream-refused': 'too_many_feeds',
      'content-type': 'text/event-stream; charset=utf-8',
    });
    await second.end();
    expect(second.retryMs).toBe(5000);
    expect(second.comments).toEqual(['refused: too_many_feeds']);
    const head = await fetch(`${one.url}/stream`, { method: 'HEAD' });
    expect([head.status, head.headers.get('stream-refused')]).toEqual([200, 'too_many_feeds']);
    feed.drop();
    await feed.end();
  });
});

const limit = { feed: { maxFeedsPerStream: 1 } };
describeApp('A feed over the limit of one stream', limit, ({ stream }) => {
  it('A feed over the limit of one stream is rejected with 200, and those of other streams are not', async () => {
    const [one, other] = [stream(), stream()];
    const feed = await one.feed();
    expect((await one.feed()).response.headers['stream-refused']).toBe('too_many_feeds');
    const another = await other.feed();
    expect(another.response.headers['stream-refused']).toBeUndefined();
    feed.drop();
    await waitFor('there is room', async () => {
      const next = await one.feed();
      next.drop();
      return next.response.headers['stream-refused'] === undefined;
    });
    another.drop();
  });
});
