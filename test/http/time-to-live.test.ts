import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { describeApp, TestStream } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { startApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';

const answer = '{"type":"answer"}';

/** An append of the one or the other kind. */
async function append(
  one: TestStream,
  type: string,
  headers: [string, string][] | Record<string, string>,
  body = answer,
) {
  const sent = new Headers(headers);
  sent.set('content-type', type);
  const response = await fetch(one.eventsUrl, { method: 'POST', headers: sent, body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function statusOf(one: TestStream) {
  return (await (await fetch(one.url)).json()) as Record<string, unknown>;
}

const types = ['application/json', 'application/x-ndjson'];

const options = { streamManager: { maxTtlMs: 3600_900 }, backend: { ttlMs: 7_200_000 } };

describeApp('Stream-TTL', options, ({ stream }) => {
  it.each(types)('is the time to live of a stream that begins with %s', async (type) => {
    const one = stream();
    expect((await append(one, type, { 'stream-ttl': '60' })).status).toBe(201);
    expect((await append(one, type, { 'stream-ttl': '3600' })).status).toBe(201);
    const status = await statusOf(one);
    expect(status.ttlSeconds).toBe(60);
    const ahead = Date.parse(String(status.expiresAt)) - Date.parse(String(status.updatedAt));
    expect(Math.abs(ahead - 60_000)).toBeLessThan(1000);
  });

  it('defaults to the setting of the service, also for a stream that begins with a stop', async () => {
    const [one, other] = [stream(), stream()];
    await one.postAnswers(1);
    await fetch(`${other.url}/stop`, { method: 'POST', headers: { 'stream-ttl': '60' } });
    for (const each of [one, other]) {
      expect(await statusOf(each)).toMatchObject({ ttlSeconds: 7200 });
    }
  });

  const bad = ['0', '-1', '1.5', '01', 'x', '', '3601', '9'.repeat(17)];

  it.each(types.flatMap((type) => bad.map((text) => [text, type] as const)))(
    'is rejected as "%s" in %s, and nothing is stored',
    async (text, type) => {
      const one = stream();
      expect(await append(one, type, { 'stream-ttl': text })).toMatchObject({
        status: 400,
        body: { code: 'invalid_header', stored: 0 },
      });
      expect((await fetch(one.url)).status).toBe(404);
    },
  );

  it.each(types)('is rejected when given twice in %s', async (type) => {
    const headers: [string, string][] = [
      ['stream-ttl', '60'],
      ['stream-ttl', '60'],
    ];
    expect(await append(stream(), type, headers)).toMatchObject({
      status: 400,
      body: { code: 'invalid_header', stored: 0 },
    });
  });
});

describeApp('A reader', { backend: { ttlMs: 2000 } }, (source) => {
  const { stream } = source;
  it('of a stream whose worker renews its lease in a long tool call sees no reset', async () => {
    const [renewed, kept] = [stream(), stream()];
    await renewed.post({ type: 'answer' }, { 'producer-lease': '3' });
    const call = new AbortController();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(`${answer}\n`)),
    });
    const headers = { 'content-type': 'application/x-ndjson', 'producer-lease': '3' };
    const init: RequestInit = {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
      signal: call.signal,
    };
    const open = fetch(kept.eventsUrl, init).catch(() => {});
    await waitFor(
      'the line is stored',
      async () => (await source.streams.getStatus(kept.id)) !== null,
    );
    const feeds = [await renewed.feed(), await kept.feed()];
    for (const other of [stream(), stream(), stream()]) {
      await other.postAnswers(1);
      await waitFor('the other has expired', async () => {
        const response = await fetch(`${renewed.url}/lease`, {
          method: 'POST',
          headers: { 'producer-lease': '3' },
        });
        if (response.status !== 200) throw new Error(`the lease is ${response.status}`);
        await sleep(100);
        return (await source.streams.getStatus(other.id)) === null;
      });
    }
    for (const one of [renewed, kept]) {
      expect(await statusOf(one)).toMatchObject({ streamStatus: 'open', nextOffset: 1 });
      await fetch(`${one.url}/stop`, { method: 'POST' });
    }
    for (const feed of feeds) {
      await feed.end();
      expect(feed.frames).toHaveLength(2);
      expect(JSON.parse(feed.data[1] as string)).toMatchObject({ type: 'stop' });
    }
    call.abort();
    await open;
  });
});

it('POST …/stop and a complete event are accepted by a full store, for existing streams', async () => {
  const streams = await memoryBackend.create({ maxStreams: 2, maxBytes: 5000 });
  onTestFinished(() => streams.close());
  const app = await startApp(streams);
  onTestFinished(() => app.close());
  const [stopped, completed, another] = [1, 2, 3].map(() => new TestStream(app)) as Three;
  const long = { type: 'answer', content: 'x'.repeat(400) };
  for (const one of [stopped, completed]) expect((await one.post(long)).status).toBe(201);
  for (const one of [stopped, completed, another]) {
    expect(await one.post(long)).toMatchObject({ status: 507, body: { stored: 0 } });
  }
  const response = await fetch(`${stopped.url}/stop`, { method: 'POST' });
  expect(await response.json()).toEqual({ streamStatus: 'stopped' });
  expect((await completed.post({ type: 'complete' })).status).toBe(201);
  expect((await fetch(`${another.url}/stop`, { method: 'POST' })).status).toBe(507);
});

type Three = [TestStream, TestStream, TestStream];
