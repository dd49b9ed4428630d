import type { Socket } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import { backends } from '../support/backends.js';
import { MisbehavingStore } from '../support/misbehaving-store.js';
import { openSocket } from '../support/raw-http.js';
import { busyConnections, startApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, postText } from '../support/worker.js';

const kib = 1024;
const budget = 1536 * kib;
const limits = { bodiesInFlight: budget };
const long = { bodyMs: 60_000, silenceMs: 60_000 };
const short = { bodyMs: 300, silenceMs: 300 };

/** What the tests do with bodies. */
function bodiesOf(source: AppSource) {
  const { stream } = source;
  const accepted: Socket[] = [];
  beforeAll(() => {
    source.app.app.server.on('connection', (socket: Socket) => accepted.push(socket));
  });

  /** A request of which the body is begun. */
  function begin(type: string, bytes: number, first = '', announced = bytes + 1) {
    const socket = openSocket(source.app.url);
    const head = `POST ${stream().path}/events HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n`;
    socket.write(`${head}content-length: ${first.length + announced}\r\n\r\n${first}`);
    socket.write(Buffer.alloc(bytes, '"'));
    return socket;
  }

  /** Resolves when the service has read all that was sent. */
  const isRead = (socket: Socket) =>
    waitFor('the service has read it', () => {
      const peer = accepted.find(({ remotePort }) => remotePort === socket.localPort);
      return peer?.bytesRead === socket.bytesWritten;
    });

  const beginJson = (bytes = 200 * kib) => begin('application/json', bytes);
  /** Resolves when a body is taken that needs nearly all of the budget. */
  const isFree = () =>
    waitFor('the budget is free', async () => {
      const content = 'x'.repeat(1000 * kib);
      const { status, body } = await postText(
        stream().eventsUrl,
        JSON.stringify({ type: 'answer', content }) + ' '.repeat(400 * kib),
      );
      if (status === 408) return false; // of a machine that is slow
      if (status === 503) expect(body).toMatchObject({ code: 'overloaded', stored: 0 });
      else expect(status).toBe(201);
      // That body is released when its response is through, which the next response is behind.
      await fetch(`${source.app.url}/healthz`);
      return status === 201;
    });

  return { begin, beginJson, isRead, isFree };
}

const isRejected = ({ response }: { response: string }) => response.includes('"code":"overloaded"');
const drop = (all: readonly Socket[]) => {
  for (const socket of all) socket.destroy();
};

describeApp('Request bodies in flight', { limits, timeouts: long }, (source) => {
  const { begin, beginJson, isFree } = bodiesOf(source);

  it('share one budget over 100 connections: those beyond it get 503 with Retry-After', async () => {
    const all = Array.from({ length: 100 }, () => beginJson());
    const rejected = () => all.filter(isRejected);
    await waitFor('those over it are rejected', () => rejected().length >= 92);
    for (const { response } of rejected()) {
      expect(response).toMatch(/^HTTP\/1.1 503 /);
      expect(response).toMatch(/\r\nretry-after: 1\r\n/i);
      expect(response).toMatch(/\r\nconnection: close\r\n/i);
      expect(response).toContain('"stored":0');
    }
    expect(rejected().length).toBeLessThan(100);
    drop(all);
    await isFree();
  });

  it('count as NDJSON only while not appended, and the rejection says how many events are stored', async () => {
    const type = 'application/x-ndjson';
    const line = '{"type":"answer"}\n';
    const one = begin(type, 900 * kib, line, 2000 * kib);
    const other = begin(type, 900 * kib, line.repeat(3), 2000 * kib);
    const both = [one, other];
    await waitFor('one of them is rejected', () => both.some(isRejected));
    const rejected = both.filter(isRejected);
    expect(rejected).toHaveLength(1);
    expect(rejected[0]?.response).toContain(`"stored":${rejected[0] === other ? 3 : 1}`);
    expect(rejected[0]?.response).toMatch(/\r\nretry-after: 1\r\n/i);
    drop(both);
    await isFree();
  });

  it('no longer count once they are rejected as too large', async () => {
    const large = begin('application/x-ndjson', 1100 * kib, '', 2000 * kib);
    await waitFor('it is too large', () => large.response.includes(' 413 '));
    await isFree();
  });

  it('no longer count once their connection is cut', async () => {
    const cut = Array.from({ length: 10 }, () => beginJson());
    await waitFor('they have all of the budget', () => cut.some(isRejected));
    drop(cut);
    await isFree();
  });
});

describeApp('Request bodies that do not arrive', { limits, timeouts: short }, (source) => {
  const { begin, beginJson, isFree } = bodiesOf(source);

  it('no longer count once they have timed out', async () => {
    const late = [beginJson(), begin('application/x-ndjson', 200 * kib)];
    await waitFor('they are given up', () =>
      late.every(({ response }) => response.includes(' 408 ')),
    );
    await isFree();
  });
});

describe.each(backends)('Request bodies in flight while the store hangs ($name)', (backend) => {
  async function start() {
    const streams = await backend.create();
    const store = new MisbehavingStore(streams);
    const app = await startApp(store.streams, { limits, timeouts: long });
    onTestFinished(async () => {
      store.letGo();
      await app.close();
      await streams.close();
    });
    store.misbehave('appendEvents', 'hangs');
    /** Sends a request in one piece. */
    const send = (type: string, body: string) => {
      const socket = openSocket(app.url);
      const head = 'POST /sessions/s/messages/m/events HTTP/1.1\r\nhost: x\r\n';
      const length = `content-length: ${body.length}\r\n`;
      socket.write(`${head}content-type: application/${type}\r\n${length}\r\n${body}`);
      return socket;
    };
    return { app, store, send };
  }

  it.each(['json', 'x-ndjson'])('count even after their client has left: %s', async (type) => {
    const { app, store, send } = await start();
    const line = `${JSON.stringify({ type: 'answer', content: 'x'.repeat(1000 * kib) })}\n`;
    const socket = send(type, line);
    await waitFor('it is being appended', () => store.heldCount === 1);
    store.behave();
    socket.resetAndDestroy();
    await waitFor('the service has seen that', async () => (await busyConnections(app)) === 0);
    const other = () => postText(eventsUrl(app.url, 's', 'other'), line);
    expect(await other()).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    store.letGo();
    await waitFor('the other is taken', async () => (await other()).status === 201);
  });

  it('count also when each arrived together with its head', async () => {
    const { store, send } = await start();
    const body = JSON.stringify({ type: 'answer', content: 'x'.repeat(30 * kib) });
    const all = Array.from({ length: 80 }, () => send('json', body));
    const rejected = () => all.filter(isRejected).length;
    await waitFor('all are looked at', () => rejected() + store.heldCount === 80);
    expect(store.heldCount).toBe(Math.floor(budget / body.length));
  });
});

const impatient = { ...long, yieldAfterMs: 200 };

describeApp('Request bodies that stay in flight', { limits, timeouts: impatient }, (source) => {
  const { begin, isRead, isFree } = bodiesOf(source);

  it.each(['json', 'x-ndjson'])('are evicted for new ones, the largest first: %s', async (type) => {
    const line = '{"type":"answer"}\n';
    const large = begin('application/x-ndjson', 900 * kib, line, 2000 * kib);
    // Otherwise the small one could be the only one that has been coming for long.
    await isRead(large);
    const small = begin(`application/${type}`, 10 * kib);
    await isRead(small);
    await waitFor('the largest is given up', async () => {
      await isFree();
      return isRejected(large);
    });
    const { response } = small;
    drop([small, large]);
    expect(large.response).toMatch(/^HTTP\/1.1 503 .*"stored":1/s);
    expect(response).toBe('');
  });
});
