import { describe, expect, it } from 'vitest';
import { chunks, contents, isReset } from '../support/resets.js';
import { StreamOfTest } from '../support/stream-of-test.js';
import { clientOf, isReady, onRedis, startService } from '../support/test-processes.js';

describe('After a Redis list was replaced', () => {
  const stream = new StreamOfTest({ FEED_LINGER: '100ms' });

  it('a client that reconnects with an id of the old one is reset', async () => {
    await stream.append(...chunks('old', 3));
    const before = await stream.follow();
    await before.frameCount(3);
    const [first, , last] = before.frames.map((frame) => frame.id as string);
    before.drop();
    await clientOf(stream.redis).del(stream.key);
    await isReset(await stream.follow(last), 0, { reason: 'gone', id: '0-00000000' });

    await stream.append(...chunks('new', 2));
    const gone = await stream.follow(last);
    await isReset(gone, 0, { reason: 'gone', id: '0' });
    const diverged = await stream.follow(first);
    await isReset(diverged, 0, { reason: 'diverged', id: '0' });
    for (const feed of [gone, diverged]) {
      await feed.frameCount(3);
      expect(contents(feed).slice(1)).toEqual(['new 0', 'new 1']);
    }
  });

  it('GET …/events with an id of the old one responds 410', async () => {
    await stream.append(...chunks('old', 2));
    const read = (id: string) => fetch(`${stream.eventsUrl}?offset=${id}`);
    const { nextId } = (await (await read('0')).json()) as { nextId: string };
    await stream.replaceBy(chunks('new', 2));
    expect((await read(nextId)).status).toBe(410);
    await clientOf(stream.redis).del(stream.key);
    const gone = await read(nextId);
    expect(gone.status).toBe(410);
    expect(await gone.json()).toMatchObject({ code: 'offset_gone' });
  });

  it('a client that knows that it is absent gets 204 until it is back', async () => {
    expect((await stream.follow('0-00000000')).status).toBe(204);
    await stream.append(...chunks('new', 1));
    const feed = await stream.follow('0-00000000');
    await feed.frameCount(1);
    expect(contents(feed)).toEqual(['new 0']);
  });

  it('a feed that was reset waits for a new one for at most feed.start_timeout', async () => {
    const impatient = await startService(onRedis(stream.redis, { FEED_START_TIMEOUT: '500ms' }));
    await isReady(impatient);
    await stream.append(...chunks('old', 1));
    const feed = await stream.follow(undefined, impatient.url);
    await feed.frameCount(1);
    await clientOf(stream.redis).del(stream.key);
    await isReset(feed, 1, { reason: 'gone', id: '0-00000000' });
    await feed.end();
    expect((await stream.follow(feed.lastId, impatient.url)).status).toBe(204);
  });

  it('a new stream of that name begins empty, also when the old one had ended', async () => {
    await stream.append({ type: 'answer' }, { type: 'complete' });
    expect((await stream.append({ type: 'answer' })).status).toBe(409);
    await clientOf(stream.redis).del(stream.key);
    expect(await stream.append({ type: 'answer' })).toMatchObject({
      status: 201,
      body: { offset: 0 },
    });
  });
});
