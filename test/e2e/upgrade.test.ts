import { describe, expect, it, onTestFinished } from 'vitest';
import { MovedClient, Tearing } from '../support/moved-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { clientOf, openFeed } from '../support/test-processes.js';
import { VersionsOfTest } from '../support/versions-of-test.js';
import { waitFor } from '../support/wait-for.js';
import { feedUrl, post } from '../support/worker.js';

const formats = ['', '?named=true'];

describe.each([
  ['old', 'new'],
  ['new', 'old'],
] as const)('With the %s version writing to one Redis', (from, to) => {
  const the = new VersionsOfTest({ FEED_LINGER: '100ms' });

  it('the other version reads, follows and continues the stream, and both return the same', async () => {
    const feed = await openFeed(the.feedUrl(the[to]));
    for (let number = 0; number < 6; number += 2) {
      await the.append(the[from], number);
      await the.append(the[to], number + 1);
    }
    await feed.frameCount(6);
    expect(feed.data.map((data) => JSON.parse(data).content)).toEqual([...'012345']);
    const [here, there] = await Promise.all([the.page(the[from]), the.page(the[to])]);
    expect(here).toEqual(there);
    expect(await the.status(the[from])).toEqual(await the.status(the[to]));
    expect(await the.status(the[to])).toMatchObject({ nextOffset: 6, streamStatus: 'open' });
  });

  it('a reader that changes nodes resumes without gap or repeat', async () => {
    await the.append(the[from], 0);
    await the.append(the[from], 1);
    const before = await openFeed(the.feedUrl(the[from]));
    await before.frameCount(2);
    before.drop();
    await the.append(the[from], 2);
    await the.append(the[from], 3);
    const after = await openFeed(the.feedUrl(the[to]), { 'last-event-id': `${before.lastId}` });
    await after.frameCount(2);
    expect(after.frames.map(({ data }) => JSON.parse(data).content)).toEqual(['2', '3']);
    const whole = await openFeed(the.feedUrl(the[from]));
    await whole.frameCount(4);
    expect(whole.frames.map(({ id }) => id)).toEqual(
      [...before.frames, ...after.frames].map(({ id }) => id),
    );
  });

  it('a stream that it has ended is finished for the other', async () => {
    const feed = await openFeed(the.feedUrl(the[to]));
    await the.append(the[to], 0);
    await post(the.eventsUrl(the[from]), { type: 'complete' });
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(await post(the.eventsUrl(the[to]), { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
    expect(await the.status(the[to])).toMatchObject({ nextOffset: 2, streamStatus: 'complete' });
    const back = await openFeed(the.feedUrl(the[to]), { 'last-event-id': `${feed.lastId}` });
    expect(back.status).toBe(204);
  });

  it('the other continues the sequence of a producer', async () => {
    const headers = (seq: number) => ({
      'producer-id': 'p1',
      'producer-epoch': '1',
      'producer-seq': String(seq),
    });
    const send = (node: ServiceProcess, seq: number) =>
      post(the.eventsUrl(node), { type: 'answer', content: `p${seq}` }, headers(seq));
    expect((await send(the[from], 0)).status).toBe(201);
    await the.append(the[to], 1);
    expect((await send(the[to], 0)).body).toMatchObject({ duplicate: true, count: 0 });
    expect((await send(the[to], 1)).body).toMatchObject({ offset: 2, count: 1 });
    expect((await send(the[from], 1)).body).toMatchObject({ duplicate: true, count: 0 });
  });

  it('a stream with a lease that the other has ended does not end again', async () => {
    await post(the.eventsUrl(the[from]), { type: 'answer' }, { 'producer-lease': '10' });
    await post(the.eventsUrl(the[to]), { type: 'complete' });
    const client = clientOf(the.redis);
    await waitFor(
      'nobody waits for the lease any more',
      async () => (await client.zcard('stream:events::leases')) === 0,
    );
    expect(await client.llen(`stream:events:s1:${the.mid}`)).toBe(2);
    expect(await the.status(the[from])).toMatchObject({ streamStatus: 'complete' });
  });

  it('a client follows to the end, moved between both with a torn frame each time', async () => {
    const tearing = new Tearing();
    const proxy = await TcpProxy.start(portOf(the[from]), tearing.fault);
    onTestFinished(() => proxy.close());
    const feed = feedUrl(proxy.url, '', 's1', the.mid);
    const plain = new MovedClient(feed, ['message']);
    const named = new MovedClient(`${feed}?named=true`, ['answer', 'complete']);
    let count = 0;
    const appendOn = async (node: ServiceProcess) => {
      await the.append(node, count);
      count += 1;
    };
    const haveAll = () =>
      waitFor('both have all', () =>
        [plain, named].every(({ messages }) => messages.length === count),
      );
    for (const [home, next] of [
      [from, to],
      [to, from],
      [from, to],
    ] as const) {
      await appendOn(the[home]);
      await appendOn(the[next]);
      await haveAll();
      tearing.tear();
      proxy.targetPort = portOf(the[next]);
      await appendOn(the[home]); // it comes torn
      await appendOn(the[next]);
      await haveAll();
    }
    expect(proxy.connectionCount).toBe(2 * 4); // moved three times each
    await post(the.eventsUrl(the[from]), { type: 'complete', content: `${count}` });
    count += 1;
    await haveAll();
    await waitFor('both were told the end', () => plain.isClosed && named.isClosed);
    expect(plain.messages.map(({ content }) => Number(content))).toEqual([...Array(count).keys()]);
    expect(named.messages).toEqual(plain.messages);
  });

  it.each(formats)('an id is the same to the other version, at each position%s', async (query) => {
    await the.append(the[from], 0);
    await the.append(the[to], 1);
    await post(the.eventsUrl(the[from]), { type: 'complete', content: '2' });
    const whole = await the.follow(the[from], query);
    expect((await the.follow(the[to], query)).frames).toEqual(whole.frames);
    expect(whole.frames).toHaveLength(3);
    for (const [index, { id }] of whole.frames.entries()) {
      const rest = await the.follow(the[to], query, id);
      expect(rest.status).toBe(index === 2 ? 204 : 200);
      expect(rest.frames).toEqual(whole.frames.slice(index + 1));
    }
  });

  it('an id of absence is one to the other: it waits no more, and begins with what comes', async () => {
    const absent = await openFeed(the.feedUrl(the[from], '?offset=9'));
    await absent.frameCount(1);
    expect(absent.frames[0]).toMatchObject({ event: 'reset', id: '0-00000000' });
    expect((await the.follow(the[to], '', absent.lastId)).status).toBe(204);
    await the.append(the[from], 0);
    const feed = await openFeed(the.feedUrl(the[to]), { 'last-event-id': `${absent.lastId}` });
    await feed.frameCount(1);
    expect(feed.frames).toMatchObject([{ id: expect.stringMatching(/^1-/) }]);
  });

  it('an id after a reset is valid for the other, as is one of the end', async () => {
    await the.append(the[from], 0);
    await the.append(the[from], 1);
    const reset = await openFeed(the.feedUrl(the[from]), { 'last-event-id': '2-00000000' });
    await reset.frameCount(3);
    expect(reset.frames[0]).toMatchObject({
      event: 'reset',
      data: expect.stringMatching('diverged'),
    });
    const now = await openFeed(the.feedUrl(the[from], '?offset=now'));
    await waitFor('its place', () => /\nid: 2-\w+\n\n/.test(now.raw));
    const [, end] = /\nid: (2-\w+)\n/.exec(now.raw) as unknown as [string, string];
    const ids = [...reset.frames.map(({ id }) => id as string), end];
    await the.append(the[to], 2);
    for (const [index, id] of ids.entries()) {
      const missed = ['0', '1', '2'].slice(Math.min(index, 2));
      const feed = await openFeed(the.feedUrl(the[to]), { 'last-event-id': id });
      await feed.frameCount(missed.length);
      expect(feed.data.map((data) => JSON.parse(data).content)).toEqual(missed);
    }
  });

  it('the other version stops the stream, for both', async () => {
    await the.append(the[from], 0);
    const feed = await openFeed(the.feedUrl(the[from]));
    await feed.frameCount(1);
    const stop = the.eventsUrl(the[to]).replace(/events$/, 'stop');
    expect((await post(stop, {})).body).toEqual({ streamStatus: 'stopped' });
    await feed.end();
    expect(feed.data.map((data) => JSON.parse(data).type)).toEqual(['answer', 'stop']);
    for (const node of [the.old, the.new]) {
      const late = await post(the.eventsUrl(node), { type: 'answer' });
      expect(late.body).toMatchObject({ code: 'stream_ended', streamStatus: 'stopped' });
    }
  });

  it('the other version deletes the stream, for both', async () => {
    const producer = (epoch: number) => ({
      'producer-id': 'p1',
      'producer-epoch': String(epoch),
      'producer-seq': '0',
    });
    await post(the.eventsUrl(the[from]), { type: 'answer' }, producer(1));
    const feed = await openFeed(the.feedUrl(the[from]));
    await feed.frameCount(1);
    await fetch(the.eventsUrl(the[to]).replace(/\/events$/, ''), { method: 'DELETE' });
    await feed.frameCount(2);
    expect(feed.frames[1]).toMatchObject({
      event: 'reset',
      data: expect.stringMatching('deleted'),
    });
    for (const node of [the.old, the.new]) {
      const late = await post(the.eventsUrl(node), { type: 'answer' });
      expect(late.body).toMatchObject({ code: 'stream_ended', streamStatus: 'deleted' });
    }
    expect((await post(the.eventsUrl(the[from]), { type: 'answer' }, producer(2))).status).toBe(
      201,
    );
    await feed.frameCount(3);
    expect(await the.status(the[to])).toMatchObject({ nextOffset: 1, streamStatus: 'open' });
  });

  // The last one, as it kills a node.
  it('a lease that is renewed at neither expires for both', async () => {
    const feed = await openFeed(the.feedUrl(the[to]));
    await post(the.eventsUrl(the[from]), { type: 'answer' }, { 'producer-lease': '1' });
    await the[from].kill();
    await feed.end();
    expect(feed.data.map((data) => JSON.parse(data).data?.code)).toEqual([
      undefined,
      'producer_lost',
    ]);
  });
});

function portOf({ url }: ServiceProcess): number {
  return Number(new URL(url).port);
}
