import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { answers } from '../support/events.js';
import { waitFor } from '../support/wait-for.js';

const options = { timeouts: { bodyMs: 100, silenceMs: 400 }, feed: { heartbeatMs: 100 } };

describeApp('The timeout of a request body', options, (source) => {
  it.each([
    ['that has no body', {}],
    ['whose body nobody waits for', { 'content-type': 'application/json', 'content-length': '5' }],
  ])('does not end a feed %s', async (_, headers) => {
    const one = source.stream();
    const feed = await one.feed('', headers);
    const isLate = () => feed.comments.filter((text) => text === 'heartbeat').length >= 3;
    await waitFor('3 heartbeats', () => isLate() || feed.hasEnded);
    expect(feed.hasEnded).toBe(false);
    await source.streams.appendEvents(one.id, answers(1)); // no body, which may be too slow
    await feed.frameCount(1);
    feed.drop();
  });
});
