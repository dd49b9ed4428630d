import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { type AppSource, describeApp, type TestStream } from '../support/app-suite.js';
import { waitFor } from '../support/wait-for.js';

const json = 'content-type: application/json\r\n';
const ndjson = 'content-type: application/x-ndjson\r\n';
const event = '{"type":"answer"}';

function request(line: string, head = '', body = ''): string {
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`;
  return `${line} HTTP/1.1\r\nhost: x\r\n${head}${length}\r\n${body}`;
}

/** Sends the request and closes the sending side, as `nc -N` does. Resolves with all that comes. */
async function halfClosed(base: string, requestText: string): Promise<string> {
  const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1' });
  socket.end(requestText);
  return text(socket);
}

const lease = 'producer-lease: 60\r\n';

const rows: readonly (readonly [string, number, (path: string, session: string) => string])[] = [
  ['POST /events', 201, (path) => request(`POST ${path}/events`, json, event)],
  ['POST /events?', 201, (path) => request(`POST ${path}/events?`, json, event)],
  ['POST /events of NDJSON', 201, (path) => request(`POST ${path}/events`, ndjson, event)],
  ['POST /events that is rejected', 400, (path) => request(`POST ${path}/events`, json, '{}')],
  ['GET /events', 200, (path) => request(`GET ${path}/events`)],
  ['POST /lease', 200, (path) => request(`POST ${path}/lease`, lease)],
  ['GET status', 200, (path) => request(`GET ${path}`)],
  ['HEAD of a feed', 200, (path) => request(`HEAD ${path}/stream`)],
  ['GET session', 200, (_, session) => request(`GET ${session}`)],
  ['POST /stop', 200, (path) => request(`POST ${path}/stop`, json, '{}')],
  ['DELETE', 204, (path) => request(`DELETE ${path}`)],
  ['GET /healthz', 200, () => request('GET /healthz')],
  ['GET /metrics', 200, () => request('GET /metrics')],
];

describeApp('A client that half-closes its connection after a request', {}, (source) => {
  it.each(rows)('gets the response to %s, %i', async (_, status, toText) => {
    const one = await openStream(source);
    const { pathname } = new URL(one.url);
    const response = await halfClosed(source.app.url, toText(pathname, `/sessions/${one.sid}`));
    expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('gets what a read that waits has found so far, at once', async () => {
    const one = await openStream(source);
    const { pathname } = new URL(one.eventsUrl);
    const response = await halfClosed(source.app.url, request(`GET ${pathname}?offset=1&wait=60`));
    expect(response).toMatch(/^HTTP\/1.1 200 .*\{"events":\[\],"nextOffset":1,.*"ended":false\}$/s);
    expect(source.streams.watchedStreams).toBe(0);
  });

  it.each(['', '?named=true', '?compact=true'])(
    'gets the existing events from a feed%s, which then breaks off',
    async (query) => {
      const one = await openStream(source);
      const { pathname } = new URL(one.url);
      const response = await halfClosed(source.app.url, request(`GET ${pathname}/stream${query}`));
      expect(response).toMatch(/^HTTP\/1.1 200 .*: connected\n.*"type":"answer".*\n\n\r\n$/s);
      await waitFor('nothing is watched', () => source.streams.watchedStreams === 0);
    },
  );

  it('gets the existing chunks from the AI SDK feed, which then breaks off', async () => {
    const one = source.stream();
    await one.post({ type: 'answer', content: 'so far' });
    const response = await halfClosed(
      source.app.url,
      request(`GET /ai-sdk/sessions/${one.sid}/stream`),
    );
    expect(response).toMatch(/^HTTP\/1.1 200 .*"delta":"so far"/s);
    expect(response).not.toContain('[DONE]');
    expect(response).not.toMatch(/\r\n0\r\n\r\n$/);
    await waitFor('nothing is watched', () => source.streams.watchedStreams === 0);
  });

  it('gets them too from a page shared with other feeds', async () => {
    const one = source.stream();
    await one.post({ type: 'answer', content: 'so far' });
    const path = `/ai-sdk/sessions/${one.sid}/stream`;
    const other = new AbortController();
    onTestFinished(() => other.abort());
    const reader = (
      await fetch(source.app.url + path, { signal: other.signal })
    ).body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    let received = '';
    while (!received.includes('so far')) {
      received += new TextDecoder().decode((await reader.read()).value);
    }
    for (let count = 0; count < 5; count += 1) {
      const response = await halfClosed(source.app.url, request(`GET ${path}`));
      expect(response).toMatch(/^HTTP\/1.1 200 .*"delta":"so far"/s);
    }
  });

  it('gets all of a finished stream', async () => {
    const one = await openStream(source);
    await one.post({ type: 'complete' });
    const { pathname } = new URL(one.url);
    const response = await halfClosed(source.app.url, request(`GET ${pathname}/stream`));
    expect(response).toMatch(
      /"type":"answer".*"type":"complete"[^\n]*\nid: 2-[\da-f]{8}\n\n\r\n$/s,
    );
  });

  it('ends its feed at once when it does so while following', async () => {
    const one = await openStream(source);
    const socket = connect({ port: Number(new URL(source.app.url).port), host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    socket.write(request(`GET ${new URL(one.url).pathname}/stream`));
    const response = text(socket);
    await waitFor('it follows', () => source.streams.watchedStreams === 1);
    socket.end();
    expect(await response).toContain('"type":"answer"');
    await waitFor('nothing is watched', () => source.streams.watchedStreams === 0);
  });
});

async function openStream(source: AppSource): Promise<TestStream> {
  const one = source.stream();
  expect((await one.post({ type: 'answer' })).status).toBe(201);
  return one;
}
