import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import type { FeedClient } from '../support/feed-client.js';
import { waitFor } from '../support/wait-for.js';

const brief = { heartbeatMs: 500, lingerMs: 0, waitMs: 3000 };

const namesOf = ({ frames }: FeedClient) => frames.map(({ event }) => event);

describeApp('A feed with control events', { feed: brief, isConcurrent: true }, (source) => {
  const { stream } = source;

  it('sends one event when replay becomes live, with the position reached', async () => {
    const one = stream();
    await one.postAnswers(3);
    const feed = await one.feed('?control=true&offset=1');
    await feed.frameCount(4);
    expect(namesOf(feed).slice(0, 4)).toEqual(['heartbeat', undefined, undefined, 'up-to-date']);
    expect(feed.data[3]).toBe('{"offset":3}');
    await one.post([{ type: 'answer', content: 'live' }, { type: 'complete' }]);
    await feed.end();
    expect(namesOf(feed).filter((name) => name === 'up-to-date')).toHaveLength(1);
    expect(feed.lastId).toMatch(/^5-/);
  });

  it('sends heartbeats as events, the first at once, and none moves the id', async () => {
    const one = stream();
    await one.postAnswers(1);
    const feed = await one.feed('?control=true');
    const beats = () => feed.frames.filter(({ event }) => event === 'heartbeat');
    await waitFor('three heartbeats', () => beats().length >= 3);
    expect(feed.comments).toEqual(['connected']);
    expect(feed.frames[0]).toBe(beats()[0]);
    for (const beat of beats()) {
      expect(beat).toEqual({ event: 'heartbeat', data: '{"intervalMs":500}', id: undefined });
    }
    expect(feed.lastId).toBe(feed.frames.find(({ event }) => event === undefined)?.id);
    feed.drop();
  });

  it.each(['', '&compact=true', '&named=true'])(
    'sends that there is no stream, then the events, then that it is up to date%s',
    async (query) => {
      const one = stream();
      const feed = await one.feed(`?control=true${query}`);
      await feed.frameCount(2);
      expect(feed.frames[1]).toMatchObject({ event: 'not-found', data: '{}' });
      await one.post([{ type: 'answer' }, { type: 'complete' }]);
      await feed.end();
      const others = namesOf(feed).filter((name) => name !== 'heartbeat');
      expect(others.slice(1).filter((name) => name === 'not-found')).toEqual([]);
      expect(feed.lastId).toMatch(/^2-/);
    },
  );

  it('omits the event name of stored types with these names, so that none is taken for a control event', async () => {
    const one = stream();
    const types = ['heartbeat', 'up-to-date', 'not-found', 'discard', 'note'];
    await one.post([...types.map((type) => ({ type })), { type: 'complete' }]);
    const feed = await one.feed('?named=true');
    await feed.end();
    expect(namesOf(feed)).toEqual([...Array(4).fill(undefined), 'note', 'complete']);
  });

  it('is opened by the parameter only', async () => {
    const one = stream();
    const feed = await one.feed();
    await waitFor('a heartbeat', () => feed.comments.includes('heartbeat'));
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    await feed.end();
    expect(namesOf(feed)).toEqual([undefined, undefined]);
  });
});

const patient = { pollIntervalMs: 100, waitMs: 60_000 };

const expiring = { feed: patient, backend: { ttlMs: 4000 }, isConcurrent: true };
describeApp('A feed with control events whose stream expires', expiring, ({ stream }) => {
  it.each(['', '&compact=true', '&named=true'])(
    'is up to date after the reset%s',
    async (query) => {
      const one = stream();
      await one.postAnswers(2);
      const feed = await one.feed(`?control=true${query}`);
      await waitFor('the reset', () => namesOf(feed).includes('reset'));
      await waitFor('it is up to date again', async () => {
        // On a busy machine the second stream may have expired too before the feed has read it.
        if ((await fetch(one.url)).status === 404) await one.postAnswers(1, 7);
        return feed.data.includes('{"offset":1}');
      });
      // The second stream may have expired since.
      const frames = feed.frames.slice(0, feed.data.indexOf('{"offset":1}') + 1);
      const control = ['up-to-date', 'reset'];
      const names = frames.map(({ event }) => event).filter((name) => control.includes(`${name}`));
      expect(names).toEqual(['up-to-date', 'reset', 'up-to-date']);
      expect(frames.findLast(({ id }) => id !== undefined)?.id).toMatch(/^1-/);
      feed.drop();
    },
  );
});

describeApp('A feed with a start timeout', { feed: brief, isConcurrent: true }, ({ stream }) => {
  it.each(['', '&compact=true', '&control=true'])(
    'ends with an id that gets 204 on reconnect while there is no stream%s',
    async (query) => {
      const one = stream();
      const feed = await one.feed(`?startTimeout=1${query}`);
      await feed.end();
      expect(feed.raw).toMatch(/\nid: 0-00000000\n\n$/);
      expect(feed.response.complete).toBe(true);
      const headers = { 'last-event-id': '0-00000000' };
      expect((await one.feed(`?startTimeout=1${query}`, headers)).status).toBe(204);
      await one.post([{ type: 'answer' }, { type: 'complete' }]);
      const late = await one.feed('', headers);
      await late.end();
      expect(late.frames).toHaveLength(2);
    },
  );

  it('continues when the stream begins in time', async () => {
    const one = stream();
    const feed = await one.feed('?startTimeout=3');
    await one.postAnswers(1);
    await feed.frameCount(1);
    await waitFor('a heartbeat', () => feed.comments.includes('heartbeat'));
    expect(feed.hasEnded).toBe(false);
    await one.post({ type: 'complete' });
    await feed.end();
    expect(feed.frames).toHaveLength(2);
  });
});
