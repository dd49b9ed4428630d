import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';

const absent = '0-00000000';
const brief = { waitMs: 2000, lingerMs: 0, heartbeatMs: 15_000 };
/** Alone in its block, unless a reset has it. */
const end = `id: ${absent}\n\n`;
const begins = 'event: heartbeat\ndata: {"intervalMs":15000}\n\nevent: not-found\ndata: {}\n\n';

/** The statuses of GET and HEAD, which are alike. */
async function statuses(one: TestStream, query: string, headers = {}): Promise<number[]> {
  const url = `${one.url}/stream${query}`;
  const head = await fetch(url, { method: 'HEAD', headers });
  const feed = await one.feed(query, headers);
  feed.drop();
  return [feed.status, head.status];
}

describeApp('The query of a feed', { feed: brief, isConcurrent: true }, ({ stream }) => {
  it.each([
    ['given twice', 'lastEventId=1&lastEventId=2'],
    ['given twice alike', 'lastEventId=1&lastEventId=1'],
    ['given twice and empty', 'lastEventId=&lastEventId='],
    ['with a plus', 'lastEventId=+1'],
    ['with a NUL', 'lastEventId=1%00'],
    ['with a line end', 'lastEventId=1%0Aevent:%20x'],
    ['that cannot be decoded', 'lastEventId=%zz'],
    ['of 15,000 digits', `lastEventId=${'1'.repeat(15_000)}`],
  ])('A feed begins with a reset for a lastEventId %s', async (_, query) => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    expect(await statuses(one, `?offset=1&${query}`)).toEqual([200, 200]);
    const feed = await one.feed(`?offset=1&${query}`);
    await feed.end();
    expect(feed.frames).toMatchObject([
      { event: 'reset', id: '0', data: '{"reason":"unknown","offset":0}' },
      { id: expect.stringMatching(/^1-/) },
      { id: expect.stringMatching(/^2-/) },
    ]);
  });

  it('GET …/stream takes a lastEventId that is encoded, and responds 431 to one that is longer than a head', async () => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    const feed = await one.feed('?lastEventId=%31');
    await feed.end();
    expect(feed.frames).toMatchObject([{ id: expect.stringMatching(/^2-/) }]);
    expect(await statuses(one, `?lastEventId=${'1'.repeat(16_500)}`)).toEqual([431, 431]);
  });

  it('The header Last-Event-ID wins over the query, good or bad', async () => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    const good = await one.feed('?lastEventId=x', { 'last-event-id': '1' });
    const bad = await one.feed('?lastEventId=1', { 'last-event-id': 'x' });
    for (const feed of [good, bad]) await feed.end();
    expect(good.frames).toHaveLength(1);
    expect(bad.frames.map(({ event }) => event)).toEqual(['reset', undefined, undefined]);
  });

  it.each([
    'control=',
    'control=TRUE',
    'control=1',
    'control=true&control=true',
    'startTimeout=1e3',
    'startTimeout=%201',
    'startTimeout=02',
    'startTimeout=0x1',
    'startTimeout=1&startTimeout=1',
    ...['3', '4', '-1', '1.5', 'x', '', '99999999'].map((seconds) => `startTimeout=${seconds}`),
  ])('GET …/stream responds 400 to %s', async (query) => {
    const one = stream();
    expect(await statuses(one, `?${query}`)).toEqual([400, 400]);
    const [name = ''] = query.split('=');
    const rejection = await (await fetch(`${one.url}/stream?${query}`)).json();
    expect(rejection).toMatchObject({
      code: 'invalid_query',
      detail: expect.stringContaining(name),
    });
  });

  it.each([
    ['', end],
    ['&named=true', end],
    ['&compact=true', end],
    ['&offset=now', `id: 0\n\n${end}`],
    ['&control=true', `${begins}${end}`],
    ['&control=true&named=true&compact=true', `${begins}${end}`],
    ['&lastEventId=x', `event: reset\ndata: {"reason":"unknown","offset":0}\n${end}`],
  ])(
    'A feed without a stream ends with an id that gets 204, at startTimeout=0%s',
    async (query, told) => {
      const one = stream();
      const feed = await one.feed(`?startTimeout=0${query}`);
      await feed.end();
      expect(feed.raw).toBe(`retry: 2000\n: connected\n${told}`);
      expect(feed.response.complete).toBe(true);
      for (const [back, headers] of [
        [`?startTimeout=0${query.replace('&lastEventId=x', '')}`, { 'last-event-id': absent }],
        [`?lastEventId=${absent}`, {}],
        [`?offset=${absent}`, {}],
      ] as const) {
        expect(await statuses(one, back, headers)).toEqual([204, 204]);
      }
      await one.post([{ type: 'answer' }, { type: 'complete' }]);
      for (const back of [`?lastEventId=${absent}`, '?startTimeout=0']) {
        const late = await one.feed(back);
        await late.end();
        expect(late.frames).toHaveLength(2);
      }
    },
  );

  it('The feed for the AI SDK ignores the query of other feeds', async () => {
    const url = `${stream().app.url}/ai-sdk/sessions/nobody/stream`;
    const query = '?control=x&startTimeout=-1&lastEventId=x&offset=x&named=x&compact=x';
    for (const method of ['GET', 'HEAD']) {
      expect((await fetch(url + query, { method })).status).toBe(204);
    }
  });
});
