import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { unlessStalled } from '../support/unless-stalled.js';

const json = { 'content-type': 'application/json' };

async function call(one: TestStream, route: string, init: RequestInit = {}) {
  const response = await fetch(`${one.url}/${route}`, { method: 'POST', ...init });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describeApp('POST …/stop', { feed: { lingerMs: 200 } }, ({ stream }) => {
  it('ends the stream with one stop event, and responds the same again', async () => {
    const one = stream();
    await one.postAnswers(1);
    const feed = await one.feed();
    const stopped = await call(one, 'stop', { headers: json, body: '{"reason":"by the user"}' });
    expect(stopped).toEqual({ status: 200, body: { streamStatus: 'stopped' } });
    expect(await call(one, 'stop')).toEqual(stopped);
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(JSON.parse(feed.data[1] as string)).toMatchObject({
      type: 'stop',
      data: { reason: 'by the user' },
    });
    const late = await one.postAnswers(1);
    expect(late.body).toMatchObject({ code: 'stream_ended', streamStatus: 'stopped' });
  });

  it('begins a stream with its end, so that its worker is rejected', async () => {
    const one = stream();
    expect((await call(one, 'stop')).body).toEqual({ streamStatus: 'stopped' });
    expect((await one.postAnswers(1)).status).toBe(409);
  });

  it('leaves a finished stream as it is', async () => {
    const one = stream();
    await one.post({ type: 'complete' });
    expect(await call(one, 'stop')).toEqual({ status: 200, body: { streamStatus: 'complete' } });
    expect(await (await fetch(one.url)).json()).toMatchObject({ nextOffset: 1 });
  });

  it.each(['{"reason":1}', '{"why":"x"}', '[]', `{"reason":"${'x'.repeat(1001)}"}`])(
    'rejects the body %s',
    async (body) => {
      const response = await call(stream(), 'stop', { headers: json, body });
      expect(response).toMatchObject({ status: 400, body: { code: 'invalid_event', stored: 0 } });
    },
  );
});

const lost = { type: 'error', done: true, data: { code: 'producer_lost' } };

describeApp('A lease', { feed: { lingerMs: 0 }, isConcurrent: true }, ({ stream }) => {
  const lease = (seconds: number) => ({ 'producer-lease': String(seconds) });

  it('that expires ends the stream, once', async () => {
    const one = stream();
    await one.post({ type: 'answer' }, lease(1));
    const feed = await one.feed();
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(JSON.parse(feed.data[1] as string)).toMatchObject(lost);
    expect((await one.postAnswers(1)).body).toMatchObject({
      code: 'stream_ended',
      streamStatus: 'failed',
    });
  });

  const isRenewed = async () => {
    const one = stream();
    const idle = stream();
    await one.post({ type: 'answer' }, lease(3));
    await idle.post({ type: 'answer' }, lease(3));
    const feed = await idle.feed();
    while (!feed.hasEnded) {
      expect((await one.postAnswers(1)).status).toBe(201);
      const renewed = await call(one, 'lease', { headers: lease(3) });
      expect(renewed).toMatchObject({ status: 200, body: { streamStatus: 'open' } });
    }
    await one.post({ type: 'complete' });
    expect((await call(one, 'lease', { headers: lease(1) })).body).toMatchObject({
      streamStatus: 'complete',
    });
  };
  it('is renewed by appends, without the header too, and by POST …/lease', () =>
    unlessStalled(1500, isRenewed));

  it('is not renewed by a producer that was fenced', async () => {
    const one = stream();
    const as = (epoch: number) => ({ 'producer-id': 'w', 'producer-epoch': String(epoch) });
    await one.post({ type: 'answer' }, { ...as(2), 'producer-seq': '0', ...lease(30) });
    const fenced = await call(one, 'lease', { headers: { ...lease(30), ...as(1) } });
    expect(fenced).toMatchObject({ status: 409, body: { code: 'producer_fenced' } });
    expect((await call(one, 'lease', { headers: { ...lease(30), ...as(2) } })).status).toBe(200);
  });

  it('needs a stream and a length', async () => {
    const one = stream();
    expect(await call(one, 'lease', { headers: lease(1) })).toMatchObject({ status: 404 });
    expect(await call(one, 'lease')).toMatchObject({
      status: 400,
      body: { code: 'invalid_header' },
    });
  });
});
