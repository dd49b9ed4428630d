import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type AppSource, describeApp, type TestStream } from '../support/app-suite.js';
import { rawBytes } from '../support/raw-http.js';
import { waitFor } from '../support/wait-for.js';

const last = 'connection: close\r\n';

function get(path: string, head = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n${head}\r\n`;
}

function append(path: string, body: string, head = ''): string {
  const length = `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return `POST ${path} HTTP/1.1\r\nhost: x\r\n${length}${head}\r\n${body}`;
}

describeApp('requests that are sent at once over one connection', {}, (source) => {
  it('are answered in order, ten thousand of them too', async () => {
    const count = 10_000;
    const path = (index: number) => `/sessions/s/messages/m/events?offset=${index}`;
    const requests = Array.from({ length: count }, (_, index) =>
      get(path(index), index === count - 1 ? last : ''),
    );
    const answer = await rawBytes(source.app.url, requests.join(''));
    const offsets = [...answer.matchAll(/"nextOffset":(\d+)/g)].map((match) => Number(match[1]));
    expect(offsets).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  it('are carried out in order: each finds what the one before has done', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.eventsUrl);
    const requests = Array.from({ length: 200 }, (_, index) => [
      append(pathname, `{"type":"t${index}"}`),
      get(`${pathname}?offset=${index}`, index === 199 ? last : ''),
    ]);
    const answer = await rawBytes(source.app.url, requests.flat().join(''));
    const types = [...answer.matchAll(/"events":\[\{"type":"(\w+)"/g)].map(([, type]) => type);
    expect(types).toEqual(requests.map((_, index) => `t${index}`));
  });

  it('are answered before what is no request, and that is refused', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.eventsUrl);
    const appends = append(pathname, '{"type":"a"}') + append(pathname, '{"type":"b"}');
    const answer = await rawBytes(source.app.url, `${appends}this is not HTTP\r\n\r\n`);
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    expect(statuses).toEqual(['201', '201', '400']);
    expect(answer).toContain('"code":"invalid_header"');
    expect(await one.post({ type: 'c' })).toMatchObject({ body: { offset: 2 } });
  });

  it('are not carried out behind a feed, with which its connection ends', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const behind = append(`${pathname}-behind/events`, '{"type":"t"}', last);
    const answer = rawBytes(source.app.url, get(`${pathname}/stream`) + behind);
    await waitFor('the feed is open', async () => (await openFeeds(source)) === 1);
    await one.post({ type: 'complete' });
    expect(await answer).toMatch(/Connection: close.*"type":"complete"[^\n]*\n\n$/is);
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });
});

describeApp('requests behind a refusal that ends their connection', {}, (source) => {
  it('are not carried out, however they come', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const encoded = `content-type: application/json\r\ncontent-encoding: gzip\r\n`;
    for (let round = 0; round < 20; round += 1) {
      const socket = quiet(source.app.url);
      // The answer waits for the rest of the body, which brings more requests along.
      socket.write(`POST ${pathname}/events HTTP/1.1\r\nhost: x\r\n${encoded}`);
      socket.write('content-length: 10\r\n\r\n12345');
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.resume();
      await waitFor('it is refused', () => answer.includes('unsupported_media_type'));
      const behind = (name: string) => append(`${pathname}-${name}/events`, '{"type":"t"}');
      socket.write(`67890${behind('second')}${behind('third')}`);
      await waitFor('the connection is closed', () => socket.destroyed);
    }
    expect((await fetch(`${one.url}-second`)).status).toBe(404);
    expect((await fetch(`${one.url}-third`)).status).toBe(404);
  });
});

const stallMs = 300;

describeApp('answers that nobody reads', { timeouts: { stallMs } }, (source) => {
  it('are given up after a while, and nothing that was asked for behind them is done', async () => {
    const one = await largeStream(source);
    const { pathname } = new URL(one.eventsUrl);
    const behind = append(`${new URL(one.url).pathname}-behind/events`, '{"type":"t"}');
    const socket = quiet(source.app.url);
    socket.write(get(pathname).repeat(50) + behind);
    await waitFor('the connection is cut', async () => (await connections(source)) === 0);
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });

  it('are not given up while there is any progress', async () => {
    const one = await largeStream(source);
    const { pathname } = new URL(one.eventsUrl);
    const socket = quiet(source.app.url);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), stallMs / 100);
    });
    socket.write(get(pathname).repeat(10));
    socket.resume();
    await waitFor('all of it has come', () => bytes > 10 * largeBytes);
    socket.destroy();
  });
});

const largeBytes = 1_000_000;

async function largeStream(source: AppSource): Promise<TestStream> {
  const one = source.stream();
  expect((await one.post({ type: 'answer', content: 'x'.repeat(largeBytes) })).status).toBe(201);
  return one;
}

/** A connection of which nothing is read. */
function quiet(base: string): Socket {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').pause();
  socket.on('error', () => {}); // 'close' follows
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function openFeeds({ app: { url } }: AppSource): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^rejoin_feeds_open (\d+)/m.exec(text)?.[1]);
}

async function connections({ app: { app } }: AppSource): Promise<number> {
  app.server.closeIdleConnections();
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
