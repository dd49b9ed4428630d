import { describe, expect, it } from 'vitest';
import { PairOfTest } from '../support/pair-of-test.js';
import type { ServiceProcess } from '../support/service-process.js';
import { clientOf, isReady, onRedis, openFeed, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { post } from '../support/worker.js';

const quick = { FEED_POLL_INTERVAL: '100ms', FEED_LINGER: '100ms' };

/** What a WeKnora process pushes, which knows nothing of the end. */
const pushed = (type: string, done = false) =>
  `{"id":"w","type":"${type}","content":"x","done":${done},"timestamp":"2026-01-01T00:00:00Z"}`;

/** What a node tells a reader that had all of the stream, at this offset, when it ended. */
async function toldBy(the: PairOfTest, node: ServiceProcess, id: string, offset: number) {
  const status = (await (
    await fetch(the.eventsUrl(node).replace(/\/events$/, ''))
  ).json()) as object;
  const page = await fetch(`${the.eventsUrl(node)}?limit=${offset}`);
  const back = await openFeed(the.feedUrl(node), { 'last-event-id': id });
  const append = await post(the.eventsUrl(node), { type: 'answer' });
  return {
    status: 'streamStatus' in status && status.streamStatus,
    page: await page.json(),
    feed: back.status,
    append: { status: append.status, body: append.body },
    stop: (await post(the.eventsUrl(node).replace(/events$/, 'stop'), {})).body,
  };
}

describe('What another program pushes after the end of a stream', () => {
  const the = new PairOfTest(quick);

  it.each([
    ['stop', 'stopped', [pushed('answer'), pushed('complete', true)]],
    ['complete', 'complete', [pushed('error', true), pushed('stop', true), 'no JSON']],
  ])('changes nothing of what readers got before a %s', async (type, streamStatus, tail) => {
    const client = clientOf(the.redis);
    await post(the.eventsUrl(the.nodes[0]), { type: 'answer' });
    const feed = await openFeed(the.feedUrl(the.nodes[1]));
    await client.rpush(the.key, pushed(type, true));
    await feed.end();
    const id = feed.lastId as string;
    const told = (node: ServiceProcess) => toldBy(the, node, id, 2);
    const before = await told(the.nodes[0]);
    expect(before).toMatchObject({
      status: streamStatus,
      page: { nextOffset: 2, nextId: id, ended: true },
      feed: 204,
      append: { status: 409, body: { streamStatus } },
      stop: { streamStatus },
    });

    await client.rpush(the.key, ...tail);
    const fresh = await startService(onRedis(the.redis, quick));
    await isReady(fresh);
    const nodes = [...the.nodes, fresh];
    for (const node of nodes) expect(await told(node)).toEqual(before);

    // A client that comes later, or goes on in the middle of them, gets what the list has, and the end.
    const ids: (string | undefined)[] = [];
    for (const node of nodes) {
      const whole = await openFeed(the.feedUrl(node));
      await whole.end();
      expect(whole.response.complete).toBe(true);
      expect(whole.frames.map(({ data }) => data)).toHaveLength(2 + tail.length);
      ids.push(...whole.frames.slice(1).map((frame) => frame.id));
    }
    for (const seen of ids) {
      const back = await openFeed(the.feedUrl(fresh), { 'last-event-id': seen as string });
      expect(back.status).toBe(204);
    }

    // The list alone tells as much. Its end is dated anew then.
    await client.del(`{${the.key}}::state2`);
    await waitFor('the linger is over', async () => (await told(fresh)).feed === 204);
    for (const node of nodes) expect(await told(node)).toEqual(before);
  });

  it('makes no client reconnect, except a title', async () => {
    const client = clientOf(the.redis);
    const [a, b] = the.nodes;
    await client.rpush(the.key, pushed('complete', true));
    const feed = await openFeed(the.feedUrl(a));
    await feed.end();
    await client.rpush(the.key, pushed('answer'));
    const headers = { 'last-event-id': feed.lastId as string };
    expect((await openFeed(the.feedUrl(b), headers)).status).toBe(204);
    await post(the.eventsUrl(a), { type: 'session_title', content: 'T', id: 't' });
    const page = await fetch(`${the.eventsUrl(b)}?limit=1`);
    expect(await page.json()).toMatchObject({ nextOffset: 1, ended: false });
    const back = await openFeed(the.feedUrl(b), headers);
    await back.end();
    expect(back.data.map((data) => JSON.parse(data).type)).toEqual(['answer', 'session_title']);
    const again = { 'last-event-id': back.lastId as string };
    expect((await openFeed(the.feedUrl(a), again)).status).toBe(204);
  });
});

describe('What another program pushes after the end of a stream, while feeds linger,', () => {
  const the = new PairOfTest({ FEED_POLL_INTERVAL: '100ms', FEED_LINGER: '10m' });

  it('arrives in order on each node, also a second end, until a title ends them', async () => {
    const client = clientOf(the.redis);
    const [a, b] = the.nodes;
    await post(the.eventsUrl(a), { type: 'answer' });
    const feeds = [await openFeed(the.feedUrl(a)), await openFeed(the.feedUrl(b))];
    const chat = await openFeed(`${b.url}/ai-sdk/sessions/s1/stream`);
    await post(the.eventsUrl(a).replace(/events$/, 'stop'), {});
    await chat.end();
    for (const type of ['answer', 'complete', 'error']) {
      await client.rpush(the.key, pushed(type, true));
      const count = await client.llen(the.key);
      for (const feed of feeds) await feed.frameCount(count);
    }
    for (const node of the.nodes) {
      const { status, feed } = await toldBy(the, node, '0', 2);
      expect([status, feed]).toEqual(['stopped', 200]);
    }
    await client.rpush(the.key, pushed('session_title'));
    for (const feed of feeds) {
      await feed.end();
      expect(feed.data).toEqual(await client.lrange(the.key, 0, -1));
    }
    expect(chat.data.at(-1)).toBe('[DONE]');
    expect(chat.raw).toContain('"abort"');
    expect((await openFeed(`${a.url}/ai-sdk/sessions/s1/stream`)).status).toBe(204);
  });
});
