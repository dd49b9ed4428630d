import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { waitFor } from '../support/wait-for.js';

describeApp('GET …/stream', { feed: { heartbeatMs: 200, lingerMs: 300 } }, ({ stream }) => {
  it('GET …/stream sends its first bytes at once, with the headers that proxies honour', async () => {
    const feed = await stream().feed();
    expect(feed.status).toBe(200);
    expect(feed.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    await waitFor('the first bytes', () => feed.raw.startsWith('retry: 2000\n: connected\n'));
    feed.drop();
  });

  it('GET …/stream replays what is stored, then follows, with one frame an event', async () => {
    const one = stream();
    await one.postAnswers(3);
    const feed = await one.feed();
    await feed.frameCount(3);
    await one.postAnswers(2, 3);
    await feed.frameCount(5);
    expect(feed.frames.map(({ id }) => id?.replace(/-.*/, ''))).toEqual(['1', '2', '3', '4', '5']);
    expect(feed.frames.every(({ event }) => event === undefined)).toBe(true);
    const json = (await (await fetch(one.eventsUrl)).json()) as { events: unknown[] };
    expect(feed.data.map((data) => JSON.parse(data))).toEqual(json.events);
    feed.drop();
  });

  it('GET …/stream waits at 0 for a stream that does not exist yet', async () => {
    const one = stream();
    const feed = await one.feed();
    await waitFor('a heartbeat', () => feed.comments.includes('heartbeat'));
    await one.postAnswers(1);
    await feed.frameCount(1);
    feed.drop();
  });

  it('GET …/stream goes on after the last id, in the header, as ?lastEventId= or as ?offset=, in this order', async () => {
    const one = stream();
    await one.postAnswers(4);
    const whole = await one.feed();
    await whole.frameCount(4);
    whole.drop();
    const ids = whole.frames.map(({ id }) => id as string);
    const byHeader = await one.feed('?lastEventId=2&offset=0', { 'last-event-id': `${ids[2]}` });
    const byLastId = await one.feed(`?offset=0&lastEventId=${ids[2]}`);
    const byQuery = await one.feed(`?offset=${ids[2]}`);
    const byNumber = await one.feed('?offset=3');
    for (const feed of [byHeader, byLastId, byQuery, byNumber]) {
      await feed.frameCount(1);
      expect(feed.frames.map(({ id }) => id)).toEqual([ids[3]]);
      feed.drop();
    }
  });

  it('GET …/stream takes an empty Last-Event-ID for none', async () => {
    const one = stream();
    await one.postAnswers(1);
    const inHeader = await one.feed('', { 'last-event-id': '' });
    const inQuery = await one.feed('?lastEventId=');
    for (const feed of [inHeader, inQuery]) {
      await feed.frameCount(1);
      expect(feed.frames[0]?.id).toMatch(/^1-/);
      feed.drop();
    }
  });

  it('GET …/stream?offset=now starts at the end, and tells the id of that position at once', async () => {
    const one = stream();
    await one.postAnswers(2);
    const { nextId } = (await (await fetch(one.url)).json()) as { nextId: string };
    const feed = await one.feed('?offset=now');
    await waitFor('the id', () => feed.raw.includes(`\nid: ${nextId}\n\n`));
    await one.postAnswers(1, 2);
    await feed.frameCount(1);
    expect(JSON.parse(feed.data[0] as string).content).toBe('chunk 2');
    feed.drop();
    const fresh = await stream().feed('?offset=now');
    await waitFor('the id of the start', () => fresh.raw.includes('\nid: 0\n\n'));
    fresh.drop();
  });

  it('GET …/stream?named=true names frames after their type, save reserved names', async () => {
    const one = stream();
    const types = ['answer', 'reset', 'malformed', 'error', 'open', 'message', 'tool_call'];
    await one.post(types.map((type) => ({ type })));
    const feed = await one.feed('?named=true');
    await feed.frameCount(types.length);
    const names = feed.frames.map(({ event }) => event);
    expect(names).toEqual(['answer', ...Array(5).fill(undefined), 'tool_call']);
    feed.drop();
  });

  it('GET …/stream escapes the characters that end a line for some clients', async () => {
    const one = stream();
    const content = 'a\u2028b\u2029c\u0085d';
    await one.post({ type: 'answer', content });
    const feed = await one.feed();
    await feed.frameCount(1);
    expect(feed.data[0]).not.toMatch(/[\u2028\u2029\u0085]/);
    expect(JSON.parse(feed.data[0] as string).content).toBe(content);
    feed.drop();
  });

  it('GET …/stream sends a heartbeat after each silence', async () => {
    const feed = await stream().feed();
    await waitFor('heartbeats', () => feed.comments.filter((c) => c === 'heartbeat').length >= 3);
    feed.drop();
  });

  it('GET …/stream gives all subscribers of a stream the same bytes', async () => {
    const one = stream();
    const feeds = await Promise.all(Array.from({ length: 20 }, () => one.feed()));
    for (let from = 0; from < 50; from += 5) await one.postAnswers(5, from);
    for (const feed of feeds) await feed.frameCount(50);
    const frames = feeds.map((feed) => JSON.stringify(feed.frames));
    expect(new Set(frames).size).toBe(1);
    for (const feed of feeds) feed.drop();
  });

  it('GET …/stream responds 406 to another Accept, and 400 to a wrong query', async () => {
    const one = stream();
    const response = await fetch(`${one.url}/stream`, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(406);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await response.json()).toMatchObject({ code: 'not_acceptable', status: 406 });
    const named = await fetch(`${one.url}/stream?named=1`);
    expect([named.status, await named.json()]).toMatchObject([400, { code: 'invalid_query' }]);
  });
});

describeApp('HEAD …/stream', { feed: { lingerMs: 0 } }, ({ stream }) => {
  it('HEAD …/stream responds as GET would, without a body, and leaves no feed open', async () => {
    const one = stream();
    await one.postAnswers(1);
    const head = async (query = '', headers = {}) => {
      const response = await fetch(`${one.url}/stream${query}`, { method: 'HEAD', headers });
      expect(await response.text()).toBe('');
      return response;
    };
    const open = await head();
    expect(open.status).toBe(200);
    expect(open.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(open.headers.get('cache-control')).toBe('no-cache, no-store, no-transform');
    expect((await head('?offset=x')).status).toBe(400);
    expect((await head('', { accept: 'application/json' })).status).toBe(406);
    await one.post({ type: 'complete' });
    expect((await head('?offset=2')).status).toBe(204);
  });
});
