import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { postText } from '../support/worker.js';

interface Read {
  events: { content: string }[];
  nextOffset: number;
  nextId: string;
  ended: boolean;
}

async function read(url: string): Promise<Read> {
  return (await (await fetch(url)).json()) as Read;
}

describeApp('GET …/events', {}, ({ stream }) => {
  it('reads from the offset, at most the limit, with the next offset', async () => {
    const one = stream();
    await one.postAnswers(5);
    const all = await read(one.eventsUrl);
    expect(all.events.map(({ content }) => content)).toEqual(
      [0, 1, 2, 3, 4].map((n) => `chunk ${n}`),
    );
    expect(all).toMatchObject({ nextOffset: 5, ended: false });
    const part = await read(`${one.eventsUrl}?offset=1&limit=2`);
    expect(part.events.map(({ content }) => content)).toEqual(['chunk 1', 'chunk 2']);
    expect(part.nextOffset).toBe(3);
    expect(part.nextId).toMatch(/^3-[0-9a-f]{8}$/);
    const rest = await read(`${one.eventsUrl}?offset=${part.nextId}`);
    expect(rest.nextId).toBe(all.nextId);
  });

  it('folds the chunks of one text with compact=true, and counts the stored events', async () => {
    const one = stream();
    const chunks = ['Hel', 'l', 'o'].map((content) => ({ type: 'answer', id: 'a1', content }));
    await one.post([{ type: 'thinking', content: 'Hm.' }, ...chunks, { type: 'complete' }]);
    const contents = ({ events }: Read) => events.map(({ content }) => content);
    const all = await read(`${one.eventsUrl}?compact=true`);
    expect(contents(all)).toEqual(['Hm.', 'Hello', '']);
    expect(all).toMatchObject({ nextOffset: 5, ended: true });
    const part = await read(`${one.eventsUrl}?compact=true&offset=1&limit=2`);
    expect(contents(part)).toEqual(['Hell']);
    expect(part.nextOffset).toBe(3);
    const plain = await read(`${one.eventsUrl}?compact=false`);
    expect(contents(plain)).toEqual(['Hm.', 'Hel', 'l', 'o', '']);
  });

  it('is empty, and no error, for an unknown stream and at or past the end', async () => {
    const one = stream();
    const unknown = await read(one.eventsUrl);
    expect(unknown).toEqual({ events: [], nextOffset: 0, nextId: '0', ended: false });
    await one.postAnswers(2);
    const atEnd = await read(`${one.eventsUrl}?offset=2`);
    expect(atEnd).toMatchObject({ events: [], nextOffset: 2 });
    expect(await read(`${one.eventsUrl}?offset=9`)).toEqual({
      events: [],
      nextOffset: 9,
      nextId: '9',
      ended: false,
    });
  });

  it('responds 410 for an id whose checksum does not match', async () => {
    const one = stream();
    await one.postAnswers(2);
    for (const id of ['2-00000000', '9-00000000', '0-00000001']) {
      const response = await fetch(`${one.eventsUrl}?offset=${id}`);
      expect(response.status).toBe(410);
      expect(await response.json()).toMatchObject({ code: 'offset_gone' });
    }
  });

  it('has ended: true once the end is read', async () => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    expect(await read(`${one.eventsUrl}?limit=1`)).toMatchObject({ nextOffset: 1, ended: false });
    expect(await read(one.eventsUrl)).toMatchObject({ nextOffset: 2, ended: true });
    expect(await read(`${one.eventsUrl}?offset=2`)).toMatchObject({ events: [], ended: true });
  });

  it('returns numbers and keys as they were sent', async () => {
    const one = stream();
    const text = '{"type":"t","data":{"b":12345678901234567890,"a":1e400,"b":1.10}}';
    await postText(one.eventsUrl, text);
    expect(await (await fetch(one.eventsUrl)).text()).toContain(text.slice(0, -1));
  });

  it.each(['0', '1001', '-1', '1e3', 'x', ''])('rejects the limit "%s"', async (limit) => {
    const response = await fetch(`${stream().eventsUrl}?limit=${limit}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });
});

describeApp('GET …/messages/:mid', {}, ({ stream }) => {
  it('has the status of a stream, and responds 404 when there is none', async () => {
    const one = stream();
    const unknown = await fetch(one.url);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: 'not_found' });
    await one.post([{ type: 'answer' }, { type: 'error', done: true }]);
    const status = (await (await fetch(one.url)).json()) as Record<string, unknown>;
    const { nextId } = await read(one.eventsUrl);
    expect(status).toMatchObject({ nextOffset: 2, nextId, streamStatus: 'failed' });
    for (const field of ['createdAt', 'updatedAt', 'expiresAt']) {
      expect(status[field]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(status.ttlSeconds).toBe(3600);
    expect(status.inputs).toEqual({ nextOffset: 0, ackOffset: 0 });
    expect(Object.keys(status)).toHaveLength(8);
  });
});

describeApp('Health checks', {}, (source) => {
  it.each(['/healthz', '/readyz'])('respond 200 at %s', async (path) => {
    expect((await fetch(`${source.app.url}${path}`)).status).toBe(200);
  });
});
