import { expect, it } from 'vitest';
import { type AppSource, describeApp, type TestStream } from '../support/app-suite.js';
import { openSocket, rawBytes, rawInTurn } from '../support/raw-http.js';
import { busyConnections } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';

const last = 'connection: close\r\n';

function get(path: string, head = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n${head}\r\n`;
}

function append(path: string, body: string, head = ''): string {
  const length = `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return `POST ${path} HTTP/1.1\r\nhost: x\r\n${length}${head}\r\n${body}`;
}

describeApp('Pipelined requests', {}, (source) => {
  const firsts: Record<string, (path: string) => string> = {
    'an append': (path) => append(`${path}/events`, '{"type":"t"}'),
    'an append of another kind': (path) => append(`${path}/events?`, '{"type":"t"}'),
    'a read': (path) => get(`${path}/events`),
    'a status': (path) => get(path),
    'a delete': (path) => get(path).replace('GET', 'DELETE'),
  };

  it.each(Object.entries(firsts))(
    'are dropped behind %s, whose response closes the connection',
    async (_, first) => {
      const { pathname } = new URL(source.stream().url);
      const behind = append(`${pathname}-behind/events`, '{"type":"t"}');
      const response = await rawBytes(source.app.url, first(pathname) + behind.repeat(10_000));
      expect(response.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
      expect(response).toMatch(/\r\nconnection: close\r\n/i);
      expect((await fetch(`${source.app.url}${pathname}-behind`)).status).toBe(404);
    },
  );

  it('are dropped too when they arrive while the response waits', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const socket = openSocket(source.app.url);
    socket.write(get(`${pathname}/events?wait=60`));
    await waitFor('it waits', () => source.streams.watchedStreams === 1);
    for (let index = 0; index < 20; index += 1) {
      socket.write(
        append(`${pathname}-behind/events`, '{"type":"t"}', `x: ${'x'.repeat(15_000)}\r\n`),
      );
      await fetch(`${source.app.url}/healthz`);
    }
    await one.post({ type: 'waited_for' });
    await waitFor('the connection is closed', () => socket.destroyed);
    expect(socket.response).toMatch(/^HTTP\/1\.1 200 .*connection: close.*waited_for/is);
    expect(socket.response.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });

  it('that are not HTTP, or CONNECT, do not disturb the response before, in whatever pieces', async () => {
    for (const behind of ['this is not HTTP\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n']) {
      const one = source.stream();
      const socket = openSocket(source.app.url);
      socket.write(append(new URL(one.eventsUrl).pathname, '{"type":"a"}') + behind);
      socket.write(behind);
      await waitFor('the connection is closed', () => socket.destroyed);
      expect(socket.response).toMatch(/^HTTP\/1\.1 201 .*"nextOffset":1,.*\}\}$/s);
      expect(socket.response).toMatch(/\r\nconnection: close\r\n/i);
      expect(await one.post({ type: 'c' })).toMatchObject({ body: { offset: 1 } });
    }
  });

  it('are rejected visibly behind an Upgrade, whose response closes the connection', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n';
    const first = append(`${pathname}/events`, '{"type":"t"}', upgrade);
    const behind = append(`${pathname}-behind/events`, '{"type":"t"}');
    for (const response of [
      await rawBytes(source.app.url, first + behind),
      await rawBytes(source.app.url, get('/healthz', upgrade) + behind),
    ]) {
      expect(response).toMatch(/^HTTP\/1\.1 20[01] /);
      expect(response).toMatch(/\r\nconnection: close\r\n/i);
    }
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });

  it('are not carried out behind a feed, which goes on', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const behind = append(`${pathname}-behind/events`, '{"type":"t"}', last);
    const response = rawBytes(
      source.app.url,
      `${get(`${pathname}/stream`)}${behind}not HTTP\r\n\r\n`,
    );
    await waitFor('the feed is open', async () => (await openFeeds(source)) === 1);
    await one.post({ type: 'complete' });
    const whole = /"type":"complete"[^\n]*\nid: 1-[\da-f]{8}\n\n\r\n0\r\n\r\n$/;
    expect(await response).toMatch(whole); // and the connection is closed
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });

  it.each([
    ['what is no HTTP', 'xx\r\n\r\n'],
    ['a request', get('/healthz')],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])('do not hide that the client has left: %s', async (_, behind) => {
    const { pathname } = new URL(source.stream().url);
    const sockets = Array.from({ length: 20 }, () => openSocket(source.app.url).pause());
    for (const socket of sockets) socket.write(get(`${pathname}/events?wait=60`) + behind);
    await waitFor('one waits', () => source.streams.watchedStreams === 1);
    sockets.forEach((socket, index) => {
      if (index % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    });
    await waitFor('no connection is held', async () => (await busyConnections(source.app)) === 0);
    expect(source.streams.watchedStreams).toBe(0);
  });
});

describeApp('Sequential requests over one connection', {}, (source) => {
  it('get their responses on it, and each sees the effect of the one before', async () => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const requests = Array.from({ length: 200 }, (_, index) => [
      append(pathname, `{"type":"t${index}"}`),
      get(`${pathname}?offset=${index}`),
    ]).flat();
    const responses = await rawInTurn(source.app.url, requests);
    const found = responses.filter((_, index) => index % 2 === 1);
    expect(found.map((response) => /"events":\[\{"type":"(\w+)"/.exec(response)?.[1])).toEqual(
      found.map((_, index) => `t${index}`),
    );
    expect(responses.join('')).not.toMatch(/connection: close/i);
  });
});

describeApp('CONNECT', {}, (source) => {
  it('is rejected with 501', async () => {
    const response = await rawBytes(source.app.url, 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 501 .*"code":"not_implemented"/s);
  });
});

describeApp('Requests behind a rejection that ends their connection', {}, (source) => {
  it('are not carried out, in whatever pieces they arrive', async () => {
    const one = source.stream();
    const { pathname } = new URL(one.url);
    const encoded = `content-type: application/json\r\ncontent-encoding: gzip\r\n`;
    for (let round = 0; round < 20; round += 1) {
      const socket = openSocket(source.app.url);
      // The response waits for the rest of the body, which brings more requests along.
      socket.write(`POST ${pathname}/events HTTP/1.1\r\nhost: x\r\n${encoded}`);
      socket.write('content-length: 10\r\n\r\n12345');
      await waitFor('it is rejected', () => socket.response.includes('unsupported_media_type'));
      const behind = (name: string) => append(`${pathname}-${name}/events`, '{"type":"t"}');
      socket.write(`67890${behind('second')}${behind('third')}`);
      await waitFor('the connection is closed', () => socket.destroyed);
    }
    expect((await fetch(`${one.url}-second`)).status).toBe(404);
    expect((await fetch(`${one.url}-third`)).status).toBe(404);
  });
});

const stallMs = 300;

describeApp('Responses that the client does not read', { timeouts: { stallMs } }, (source) => {
  it('time out, and nothing that was requested behind them is carried out', async () => {
    const one = await largeStream(source);
    const { pathname } = new URL(one.eventsUrl);
    const behind = append(`${new URL(one.url).pathname}-behind/events`, '{"type":"t"}');
    const socket = openSocket(source.app.url).pause();
    socket.write(get(pathname).repeat(50) + behind);
    await waitFor('the connection is cut', async () => (await busyConnections(source.app)) === 0);
    expect((await fetch(`${one.url}-behind`)).status).toBe(404);
  });

  it('do not time out while there is any progress', async () => {
    const one = await largeStream(source);
    const { pathname } = new URL(one.eventsUrl);
    const socket = openSocket(source.app.url).pause();
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), stallMs / 100);
    });
    socket.write(get(`${pathname}?limit=1000`, last));
    socket.resume();
    await waitFor('all of it has come', () => socket.readableEnded);
    expect(socket.response.length).toBeGreaterThan(largeBytes);
  });
});

const largeBytes = 1_000_000;

async function largeStream(source: AppSource): Promise<TestStream> {
  const one = source.stream();
  expect((await one.post({ type: 'answer', content: 'x'.repeat(largeBytes) })).status).toBe(201);
  return one;
}

async function openFeeds({ app: { url } }: AppSource): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^rejoin_feeds_open (\d+)/m.exec(text)?.[1]);
}
