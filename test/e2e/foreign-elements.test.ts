import { describe, expect, it } from 'vitest';
import { StreamOfTest } from '../support/stream-of-test.js';
import { clientOf, openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const event = {
  id: 'a',
  type: 'answer',
  content: 'x',
  done: false,
  timestamp: '2026-01-01T00:00:00Z',
};
const wellFormed = JSON.stringify(event);

/** An event with data of that many levels; another program may push what no append takes. */
function nested(levels: number): Buffer {
  return Buffer.from(`{"type":"answer","data":${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}}`);
}

/** Elements that are no events, by what is wrong with them. */
const junk: readonly (readonly [string, Buffer])[] = [
  ['no JSON', Buffer.from('hello')],
  ['cut JSON', Buffer.from(wellFormed.slice(0, -1))],
  ['invalid UTF-8', Buffer.from('{"type":"answer","content":"\xff"}', 'latin1')],
  ['an array', Buffer.from(`[${wellFormed}]`)],
  ['an object without a type', Buffer.from('{"content":"x"}')],
  ['a type that is no string', Buffer.from('{"type":7}')],
  ['null', Buffer.from('null')],
  ['a string', Buffer.from('"answer"')],
  ['nothing at all', Buffer.alloc(0)],
  ['65 levels of objects', nested(64)],
  ['5,000 levels of objects', nested(5000)],
  ['line breaks that look like a frame', Buffer.from('\n\nid: 99\ndata: {}\n\n')],
];

describe('The service, with elements that another program pushed,', () => {
  const stream = new StreamOfTest({ FEED_POLL_INTERVAL: '100ms', FEED_LINGER: '100ms' });

  it('sends a malformed frame with the next id for what is no event', async () => {
    const client = clientOf(stream.redis);
    const feed = await stream.follow();
    for (const [, element] of junk) {
      await client.rpush(stream.key, element);
      await client.rpush(stream.key, wellFormed);
    }
    await feed.frameCount(2 * junk.length);
    const offsets = feed.frames.map((frame) => Number(frame.id?.split('-')[0]));
    expect(offsets).toEqual(feed.frames.map((_, index) => index + 1));
    for (const [index, [what, element]] of junk.entries()) {
      const frame = feed.frames[2 * index];
      expect(frame?.event, what).toBe('malformed');
      const data = { offset: 2 * index, bytes: element.length };
      expect(JSON.parse(frame?.data as string), what).toEqual(data);
      expect(feed.frames[2 * index + 1]).toMatchObject({ data: wellFormed });
    }
  });

  it('sends separate chunks to the AI SDK for what is no event, live and replayed', async () => {
    const client = clientOf(stream.redis);
    await post(stream.eventsUrl, event); // which notes the stream for its session
    const url = `${stream.service.url}/ai-sdk/sessions/s1/stream`;
    const live = await openFeed(url);
    await live.frameCount(3);
    await client.rpush(stream.key, ...junk.map(([, element]) => element), wellFormed);
    const isWhole = (data: readonly string[]) =>
      data.at(-1)?.includes('text-delta') && data.length > 4;
    await waitFor('all of it', () => isWhole(live.data) === true);
    const kept = await openFeed(url);
    await waitFor('all of it', () => isWhole(kept.data) === true);
    for (const { data } of [live, kept]) {
      const chunks = data.map((text) => JSON.parse(text));
      const malformed = chunks.filter(({ type }) => type === 'data-malformed');
      expect(malformed).toEqual(
        junk.map(([, { length }], index) => ({
          type: 'data-malformed',
          data: { offset: index + 1, bytes: length },
        })),
      );
    }
  });

  it('folds events around what is no event with compact=true, and keeps it', async () => {
    const client = clientOf(stream.redis);
    const other = JSON.stringify({ ...event, colour: 'green' });
    const elements = junk.flatMap(([, element]) => [wellFormed, wellFormed, element]);
    await client.rpush(stream.key, ...elements, other, other);
    const whole = await stream.follow();
    await whole.frameCount(elements.length + 2);
    const url = feedUrl(stream.service.url, '?compact=true', 's1', stream.mid);
    const compact = await openFeed(url);
    await compact.frameCount(2 * junk.length + 2);
    const folded = JSON.stringify({ ...event, content: 'xx' });
    const expected = whole.frames
      .filter((_, index) => index >= elements.length || index % 3 !== 0)
      .map((frame) => (frame.data === wellFormed ? { ...frame, data: folded } : frame));
    expect(compact.frames).toEqual(expected);
  });

  it('reads what is no event with the type malformed', async () => {
    const elements = junk.map(([, element]) => element);
    await clientOf(stream.redis).rpush(stream.key, ...elements, wellFormed);
    const read = await fetch(`${stream.eventsUrl}?offset=1`);
    const { events, nextOffset } = (await read.json()) as { events: object[]; nextOffset: number };
    const expected = elements.map(({ length }, offset) => ({
      type: 'malformed',
      data: { offset, bytes: length },
    }));
    expect(events).toEqual([...expected.slice(1), event]);
    expect(nextOffset).toBe(junk.length + 1);
  });

  it('lets clients resume after any of them', async () => {
    await clientOf(stream.redis).rpush(stream.key, ...junk.map(([, element]) => element));
    const whole = await stream.follow();
    await whole.frameCount(junk.length);
    for (const [index, { id }] of whole.frames.slice(0, -1).entries()) {
      const rest = await stream.follow(id);
      await rest.frameCount(junk.length - index - 1);
      expect(rest.data).toEqual(whole.data.slice(index + 1));
    }
  });

  it.each([
    ['printed over several lines', JSON.stringify({ ...event, data: { a: [1, {}] } }, null, 2)],
    ['with CRLF', JSON.stringify(event, null, '\t').replaceAll('\n', '\r\n')],
    [
      'with U+2028, U+2029 and U+0085',
      JSON.stringify({ ...event, content: 'a\u2028b\u2029c\u0085d' }),
    ],
    [
      'with a frame in its text',
      JSON.stringify({ ...event, content: '\r\n\r\nevent: x\ndata: y' }),
    ],
    ['with a type that is no name', JSON.stringify({ ...event, type: 'a\nid: 9' })],
  ])('sends one %s as one frame of the same value', async (_, element) => {
    await clientOf(stream.redis).rpush(stream.key, element, wellFormed);
    const feed = await openFeed(feedUrl(stream.service.url, '?named=true', 's1', stream.mid));
    await feed.frameCount(2);
    expect(feed.data.map((data) => JSON.parse(data))).toEqual([JSON.parse(element), event]);
    expect(feed.frames.map((frame) => frame.id?.split('-')[0])).toEqual(['1', '2']);
    expect(feed.raw).not.toMatch(/[\r\u2028\u2029\u0085]/);
    const read = await fetch(stream.eventsUrl);
    expect(await read.json()).toMatchObject({ events: [JSON.parse(element), event] });
  });

  it('serves one of 10 MB, and other streams meanwhile', async () => {
    const client = clientOf(stream.redis);
    const large = JSON.stringify({ ...event, content: 'x'.repeat(10 * 1024 ** 2) });
    const other = await openFeed(feedUrl(stream.service.url, '', 's1', `${stream.mid}-other`));
    const feed = await stream.follow();
    await client.rpush(stream.key, large, wellFormed);
    const otherUrl = eventsUrl(stream.service.url, 's1', `${stream.mid}-other`);
    // Redis may be busy with the large one for longer than an append waits for it.
    await waitFor('it is stored', async () => (await post(otherUrl, event)).status === 201);
    await other.frameCount(1);
    await feed.frameCount(2);
    expect(feed.data[0]?.length).toBe(large.length);
  });
});
