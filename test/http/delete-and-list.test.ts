import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { answer } from '../support/events.js';
import { producerHeaders } from '../support/producers.js';
import { eventsUrl, post } from '../support/worker.js';

const remove = async (url: string) => (await fetch(url, { method: 'DELETE' })).status;

async function list(one: TestStream, sid: string): Promise<{ messageId: string }[]> {
  const response = await fetch(`${one.app.url}/sessions/${sid}`);
  return ((await response.json()) as { streams: { messageId: string }[] }).streams;
}

const brief = { feed: { waitMs: 300, pollIntervalMs: 200 } };
describeApp('DELETE of a stream or session', brief, ({ stream }) => {
  it('deletes the stream; open feeds get a reset, and end when nothing follows', async () => {
    const one = stream();
    await one.postAnswers(2);
    const feed = await one.feed();
    await feed.frameCount(2);
    expect(await remove(one.url)).toBe(204);
    expect((await fetch(one.url)).status).toBe(404);
    await feed.frameCount(3);
    expect(feed.frames[2]).toMatchObject({
      event: 'reset',
      id: '0-00000000',
      data: '{"reason":"deleted","offset":0}',
    });
    await feed.end();
    expect((await one.feed('', { 'last-event-id': feed.lastId as string })).status).toBe(204);
  });

  it('leaves a tombstone that a producer passes with a higher epoch', async () => {
    const one = stream();
    const as = (epoch: number) => producerHeaders(0, epoch);
    await one.post({ type: 'answer' }, as(1));
    await remove(one.url);
    for (const headers of [{}, as(1), { ...as(5), 'producer-id': 'unknown' }]) {
      const rejected = await one.post({ type: 'answer' }, headers);
      expect(rejected.body).toMatchObject({
        code: 'stream_ended',
        streamStatus: 'deleted',
        stored: 0,
      });
    }
    expect((await one.post({ type: 'session_title' })).status).toBe(409);
    expect((await one.post({ type: 'answer' }, as(0))).body.code).toBe('producer_fenced');
    expect((await one.post({ type: 'answer' }, as(2))).body).toMatchObject({
      offset: 0,
      count: 1,
    });
    expect((await one.postAnswers(1)).status).toBe(201);
  });

  it('responds 204 where there is no stream, and leaves no tombstone', async () => {
    const one = stream();
    expect(await remove(one.url)).toBe(204);
    expect((await one.postAnswers(1)).status).toBe(201);
  });

  it('deletes all streams of a session', async () => {
    const sid = `del${Math.random().toString(36).slice(2)}`;
    const one = stream();
    for (const mid of ['a', 'b', 'c']) {
      await post(eventsUrl(one.app.url, sid, mid), { type: 'answer' });
    }
    expect(await list(one, sid)).toHaveLength(3);
    expect(await remove(`${one.app.url}/sessions/${sid}`)).toBe(204);
    expect(await list(one, sid)).toEqual([]);
  });
});

describeApp('DELETE of a large session', {}, (source) => {
  it('deletes more streams than one listing has', async () => {
    const sessionId = `large${Math.random().toString(36).slice(2)}`;
    const ids = Array.from({ length: 1050 }, (_, index) => ({ sessionId, messageId: `m${index}` }));
    await Promise.all(ids.map((id) => source.streams.appendEvents(id, [answer('x')])));
    expect(await remove(`${source.app.url}/sessions/${sessionId}`)).toBe(204);
    const left = await Promise.all(ids.map((id) => source.streams.getStatus(id)));
    expect(left.filter((info) => info !== null)).toEqual([]);
  });
});

describeApp('GET /sessions/:sid', {}, ({ stream }) => {
  it('lists the streams of the session with status, newest first', async () => {
    const one = stream();
    const sid = `list${Math.random().toString(36).slice(2)}`;
    for (const mid of ['m1', 'm2', 'm3']) {
      const type = mid === 'm2' ? 'complete' : 'answer';
      await post(eventsUrl(one.app.url, sid, mid), { type });
      await new Promise((resolve) => setTimeout(resolve, 5)); // another millisecond
    }
    const streams = await list(one, sid);
    expect(streams.map(({ messageId }) => messageId)).toEqual(['m3', 'm2', 'm1']);
    expect(streams[1]).toMatchObject({ streamStatus: 'complete', nextOffset: 1 });
    expect(await list(one, 'nobody')).toEqual([]);
    expect((await fetch(`${one.app.url}/sessions/a:b`)).status).toBe(400);
  });
});

describeApp('GET …/events?wait=', { feed: { pollIntervalMs: 600_000 } }, ({ stream }) => {
  const read = async (one: TestStream, query: string) =>
    (await (await fetch(`${one.eventsUrl}?${query}`)).json()) as {
      events: unknown[];
      nextOffset: number;
      ended: boolean;
    };

  it('responds as soon as there is an event', async () => {
    const one = stream();
    const waiting = read(one, 'wait=60');
    await one.postAnswers(1);
    expect((await waiting).events).toHaveLength(1); // and none when its time is over
  });

  it('responds without events when the wait is over, and at once when the stream has ended', async () => {
    const one = stream();
    const since = performance.now();
    expect(await read(one, 'wait=1')).toMatchObject({ events: [], nextOffset: 0 });
    expect(performance.now() - since).toBeGreaterThan(950);
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    expect(await read(one, 'wait=60&offset=2')).toMatchObject({ events: [], ended: true });
  });

  it('responds 410 when the stream is replaced meanwhile', async () => {
    const one = stream();
    await one.postAnswers(1);
    const { nextId } = (await (await fetch(one.url)).json()) as { nextId: string };
    const waiting = fetch(`${one.eventsUrl}?wait=60&offset=${nextId}`);
    await fetch(one.url, { method: 'DELETE' });
    expect((await waiting).status).toBe(410);
  });

  it.each(['61', '-1', '1.5', 'x'])('rejects a wait of "%s"', async (wait) => {
    const response = await fetch(`${stream().eventsUrl}?wait=${wait}`);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: 'invalid_query' },
    ]);
  });
});
