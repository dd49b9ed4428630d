import { describe, expect, it } from 'vitest';
import { chunks, contents, isReset } from '../support/resets.js';
import { StreamOfTest } from '../support/stream-of-test.js';
import {
  clientOf,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

describe('After a Redis list is no longer what its readers saw', () => {
  const stream = new StreamOfTest({ FEED_LINGER: '100ms' });

  it.each([
    ['deleted', 'DEL'],
    ['flushed', 'FLUSHDB'],
  ])('readers of a %s one are reset and go on from 0', async (_, command) => {
    await stream.append(...chunks('old', 3));
    const feed = await stream.follow();
    await feed.frameCount(3);
    await clientOf(stream.redis).call(command, ...(command === 'DEL' ? [stream.key] : []));
    await isReset(feed, 3, { reason: 'gone', id: '0-00000000' });

    await stream.append(...chunks('new', 2));
    await feed.frameCount(6);
    expect(contents(feed).slice(4)).toEqual(['new 0', 'new 1']);
    expect(feed.frames[4]?.id).toMatch(/^1-/);
    expect(feed.hasEnded).toBe(false);
  });

  it.each([
    ['of the same length', 3, 'diverged'],
    ['that is longer', 7, 'diverged'],
    ['that is shorter', 2, 'gone'],
  ])(
    'readers of one that another %s replaced are reset and get all of the new one',
    async (_, length, reason) => {
      await stream.append(...chunks('old', 3));
      const feed = await stream.follow();
      await feed.frameCount(3);
      await stream.replaceBy(chunks('new', length));
      await isReset(feed, 3, { reason, id: '0' });
      await feed.frameCount(4 + length);
      expect(contents(feed).slice(4)).toEqual(chunks('new', length).map(({ content }) => content));
      expect(feed.frames[4]?.id).toMatch(/^1-/);
    },
  );

  it('readers of one that is deleted and begun again at once are reset, each time', async () => {
    await stream.append(...chunks('round 0', 3));
    const feed = await stream.follow();
    for (let round = 1; round <= 5; round += 1) {
      await feed.frameCount(4 * round - 1);
      await clientOf(stream.redis).del(stream.key);
      await stream.append(...chunks(`round ${round}`, 3));
      await isReset(feed, 4 * round - 1, { reason: 'diverged', id: '0' });
    }
    await feed.frameCount(23);
    expect(contents(feed).slice(20)).toEqual(['round 5 0', 'round 5 1', 'round 5 2']);
  });

  it.each(['memory', 'redis'])('readers of one that expired are reset (%s)', async (type) => {
    const settings = { ...onRedis(stream.redis), STREAM_MANAGER_TYPE: type, STREAM_TTL: '4s' };
    const shortLived = await startService(settings);
    await isReady(shortLived);
    await post(eventsUrl(shortLived.url, 's1', stream.mid), { type: 'answer' });
    const feed = await stream.follow(undefined, shortLived.url);
    await feed.frameCount(1);
    await isReset(feed, 1, { reason: 'gone', id: '0-00000000' });
  });

  it('readers of a Redis that lost everything are reset when it is back', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    await isReady(service);
    await post(eventsUrl(service.url, 's1', stream.mid), { type: 'answer' });
    const feed = await stream.follow(undefined, service.url);
    await feed.frameCount(1);
    await redis.kill();
    await redis.start();
    await isReset(feed, 1, { reason: 'gone', id: '0-00000000' });
    await post(eventsUrl(service.url, 's1', stream.mid), { type: 'answer' });
    await feed.frameCount(3);
  });

  it('readers of one that another program replaced by SET are reset, and no other stream is affected', async () => {
    await stream.append(...chunks('old', 2));
    const feed = await stream.follow();
    await feed.frameCount(2);
    const other = await openFeed(feedUrl(stream.service.url, '', 's1', `${stream.mid}-other`));
    await clientOf(stream.redis).set(stream.key, 'something else');
    await isReset(feed, 2, { reason: 'gone', id: '0-00000000' });
    const rejected = await stream.append({ type: 'answer' });
    expect(rejected.status).toBeGreaterThanOrEqual(500);
    expect(rejected.body).toMatchObject({ stored: 0 });

    await post(eventsUrl(stream.service.url, 's1', `${stream.mid}-other`), { type: 'answer' });
    await other.frameCount(1);
    expect(await clientOf(stream.redis).get(stream.key)).toBe('something else');
    await clientOf(stream.redis).del(stream.key);
    await stream.append(...chunks('new', 1));
    await feed.frameCount(4);
    expect(contents(feed).slice(3)).toEqual(['new 0']);
  });
});
