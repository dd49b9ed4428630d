import { EventSource } from 'eventsource';
import { expect, it, onTestFinished } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { waitFor } from '../support/wait-for.js';

const chunkCount = 3000;

/** An answer as agents write it, some tokens an append. */
async function postLongAnswer(stream: TestStream): Promise<string> {
  let text = '';
  for (let from = 0; from < chunkCount; from += 500) {
    const chunks = Array.from({ length: 500 }, (_, index) => answer(` word ${from + index}`));
    text += chunks.map(({ content }) => content).join('');
    await stream.post(chunks);
  }
  return text;
}

const answer = (content: string) => ({ id: 'a1', type: 'answer', content });

/** A client that nobody here wrote, and what it was given. */
function follow(url: string) {
  const source = new EventSource(url);
  onTestFinished(() => source.close());
  const frames: { id: string; content: string }[] = [];
  source.onmessage = ({ data, lastEventId }) =>
    frames.push({ id: lastEventId, content: JSON.parse(data).content });
  return { source, frames, text: () => frames.map(({ content }) => content).join('') };
}

describeApp('GET …/stream?compact=true', { feed: { lingerMs: 0 } }, ({ stream }) => {
  it('replays 3,000 chunks in at most 10 frames, then follows live', async () => {
    const one = stream();
    const text = await postLongAnswer(one);
    const reader = follow(`${one.url}/stream?compact=true`);
    await waitFor('the text', () => reader.text().length >= text.length);
    expect(reader.text()).toBe(text);
    const replayed = reader.frames.length;
    expect(replayed).toBeLessThanOrEqual(10);
    for (const content of ['x', 'y', 'z']) {
      await one.post(answer(content));
      await waitFor(content, () => reader.frames.at(-1)?.content === content);
    }
    expect(reader.frames).toHaveLength(replayed + 3);
    await one.post({ type: 'complete' });
    await waitFor('it is told that it has all', () => reader.source.readyState === 2);
  });

  it('does so too while other subscribers have followed, whose pages are short', async () => {
    const one = stream();
    const live = await one.feed();
    for (let index = 0; index < 40; index += 1) {
      await one.post(answer(`${index} `));
      await live.frameCount(index + 1);
    }
    const reader = await one.feed('?compact=true');
    await reader.frameCount(1);
    expect(JSON.parse(reader.data[0] as string).content).toBe(
      Array.from({ length: 40 }, (_, index) => `${index} `).join(''),
    );
    expect(reader.lastId).toBe(live.lastId);
    await one.post(answer('live'));
    await reader.frameCount(2);
    await live.frameCount(41);
    expect(reader.frames[1]).toEqual(live.frames[40]);
    for (const feed of [live, reader]) feed.drop();
  });

  it('gives a folded run the id that follows its last chunk, and its other fields', async () => {
    const one = stream();
    const timestamp = '2026-01-01T12:00:00Z';
    const chunk = (content: string, fields = {}) => {
      return { id: 'a1', type: 'answer', content, done: false, timestamp, ...fields };
    };
    const last = chunk('c', { done: true, data: { n: 1 } });
    await one.post([chunk('a'), chunk('b'), last, { type: 'complete' }]);
    const full = await one.feed();
    const compact = await one.feed('?compact=true');
    const named = await one.feed('?compact=true&named=true');
    for (const feed of [full, compact, named]) await feed.end();
    const folded = { ...full.frames[2], data: JSON.stringify({ ...last, content: 'abc' }) };
    expect(compact.frames).toEqual([folded, full.frames[3]]);
    expect(named.frames.map(({ event }) => event)).toEqual(['answer', 'complete']);
    expect(named.data).toEqual(compact.data);
  });

  it('gives all its subscribers the same bytes', async () => {
    const one = stream();
    await postLongAnswer(one);
    await one.post({ type: 'complete' });
    const feeds = await Promise.all(Array.from({ length: 20 }, () => one.feed('?compact=true')));
    for (const feed of feeds) await feed.end();
    expect(new Set(feeds.map(({ raw }) => raw)).size).toBe(1);
  });

  it('folds nothing without the parameter, or with false', async () => {
    const one = stream();
    await one.post([answer('a'), answer('b'), { type: 'complete' }]);
    const full = await one.feed();
    const same = await one.feed('?compact=false');
    for (const feed of [full, same]) await feed.end();
    expect(full.frames).toHaveLength(3);
    expect(same.raw).toBe(full.raw);
    const response = await fetch(`${one.url}/stream?compact=1`);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: 'invalid_query' },
    ]);
  });
});

const smallEvents = { feed: { lingerMs: 0 }, limits: { eventBytes: 1000 } };
describeApp('A folded event', smallEvents, ({ stream }) => {
  it('has at most as many bytes as an event may have', async () => {
    const one = stream();
    const text = await postLongAnswer(one);
    await one.post({ type: 'complete' });
    const feed = await one.feed('?compact=true');
    await feed.end();
    const sizes = feed.data.map((data) => Buffer.byteLength(data));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(sizes.length).toBeLessThan(chunkCount / 20);
    expect(feed.data.map((data) => JSON.parse(data).content).join('')).toBe(text);
  });
});
