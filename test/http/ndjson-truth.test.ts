import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import {
  beforeAll,
  describe,
  expect,
  it,
  type MockInstance,
  onTestFinished,
  type TestContext,
  vi,
} from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { describeApp, TestStream } from '../support/app-suite.js';
import { memoryBackend, redisBackend } from '../support/backends.js';
import { producerHeaders } from '../support/producers.js';
import { rawBytes } from '../support/raw-http.js';
import { RedisServer } from '../support/redis-server.js';
import { startApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';

const type = { 'content-type': 'application/x-ndjson' };
const line = '{"type":"answer"}\n';
const as = (epoch: number) => producerHeaders(0, epoch);

/** A request whose body stays open. */
function open(one: TestStream, headers: Record<string, string> = {}) {
  const sent = request(one.eventsUrl, { method: 'POST', headers: { ...type, ...headers } });
  const answer = once(sent, 'response').then(async ([response]: IncomingMessage[]) => {
    let text = '';
    for await (const chunk of (response as IncomingMessage).setEncoding('utf8')) text += chunk;
    return JSON.parse(text) as Record<string, unknown>;
  });
  sent.on('error', () => {}); // it responds early
  return { sent, answer };
}

const lengthOf = async (one: TestStream) =>
  ((await (await fetch(one.eventsUrl)).json()) as { nextOffset: number }).nextOffset;
const holds = (one: TestStream, count: number) =>
  waitFor(`the stream holds ${count}`, async () => (await lengthOf(one)) === count);

const brief = { backend: { ttlMs: 800 }, isConcurrent: true };

describeApp('An NDJSON body whose stream expires', brief, (source) => {
  const { stream } = source;
  let appends: MockInstance<StreamManager['appendEvents']>;
  beforeAll(() => {
    appends = vi.spyOn(source.streams, 'appendEvents');
  });

  /** Sends that many lines, and lets the stream expire in the middle of the request. */
  async function sendAndExpire(sent: ClientRequest, one: TestStream, count: number) {
    sent.write(line.repeat(count));
    // The stream may go before it is seen.
    const first = () => {
      const index = appends.mock.calls.findIndex(([{ messageId }]) => messageId === one.mid);
      return appends.mock.settledResults[index];
    };
    await waitFor('they are appended', () => first()?.type === 'fulfilled');
    expect(first()).toMatchObject({ value: { nextOffset: count } });
    await waitFor('the stream has expired', async () => (await fetch(one.url)).status === 404);
  }

  it('gets its response at the next line, with what the new stream holds', async () => {
    const one = stream();
    const { sent, answer } = open(one);
    await sendAndExpire(sent, one, 3);
    sent.write(`\n${line.repeat(2)}`);
    expect(await answer).toMatchObject({ status: 409, code: 'stream_gone', stored: 2, line: 5 });
  });

  it('gets producer_gap from the beginning with a producer, and stored is 0', async () => {
    const one = stream();
    const { sent, answer } = open(one, as(1));
    await sendAndExpire(sent, one, 3);
    sent.write(line);
    expect(await answer).toMatchObject({ code: 'producer_gap', expectedSeq: 0, stored: 0 });
  });

  it('gets stored: 0 when a line is rejected after that', async () => {
    const one = stream();
    const { sent, answer } = open(one);
    await sendAndExpire(sent, one, 3);
    sent.write('{}\n');
    expect(await answer).toMatchObject({ code: 'invalid_event', stored: 0, line: 4 });
  });
});

describeApp('An NDJSON body whose stream is replaced', { isConcurrent: true }, ({ stream }) => {
  /** Has another worker take the place of a stream that was deleted by hand. */
  async function replace(one: TestStream, count: number) {
    expect((await fetch(one.url, { method: 'DELETE' })).status).toBe(204);
    const sent = { ...as(2), 'content-type': 'application/json' };
    const body = JSON.stringify(Array(count).fill({ type: 'answer' }));
    expect((await fetch(one.eventsUrl, { method: 'POST', headers: sent, body })).status).toBe(201);
  }

  it.each([1, 5])('counts no event of its own, with %i of another worker there', async (count) => {
    const one = stream();
    const { sent, answer } = open(one, as(1));
    sent.write(line.repeat(3));
    await holds(one, 3);
    await replace(one, count);
    sent.write(line);
    expect(await answer).toMatchObject({ code: 'producer_fenced', stored: 0, line: 4 });
  });

  it.each([1, 5])('gets the error without a producer, with %i of another worker', async (count) => {
    const one = stream();
    await one.post({ type: 'answer' }, as(1));
    const { sent, answer } = open(one);
    sent.write(line.repeat(2));
    await holds(one, 3);
    await replace(one, count);
    sent.write(line);
    expect(await answer).toMatchObject({ code: 'stream_gone', stored: 1, line: 3 });
    expect(await lengthOf(one)).toBe(count + 1);
  });

  it('or only deleted counts none of its events', async () => {
    const one = stream();
    const { sent, answer } = open(one);
    sent.write(line.repeat(3));
    await holds(one, 3);
    await fetch(one.url, { method: 'DELETE' });
    sent.write(line);
    expect(await answer).toMatchObject({
      code: 'stream_ended',
      streamStatus: 'deleted',
      stored: 0,
    });
  });

  it('is distinguished from one to which others append in between', async () => {
    const one = stream();
    const { sent, answer } = open(one);
    sent.write(line);
    await holds(one, 1);
    await one.postAnswers(3);
    sent.write(line);
    await holds(one, 5);
    await sleep(1100); // a pause after which the place is looked at
    sent.end(line);
    expect(await answer).toEqual({ offset: 0, count: 3, nextOffset: 6, inputs: { nextOffset: 0 } });
  });

  it('is distinguished from a retry of which all is stored', async () => {
    const one = stream();
    await one.post(Array(4).fill({ type: 'answer' }), as(1));
    const { sent, answer } = open(one, as(1));
    for (let count = 1; count <= 2; count += 1) sent.write(line.repeat(2));
    await one.postAnswers(2);
    sent.end(line);
    expect(await answer).toMatchObject({ count: 1, nextOffset: 7 });
  });
});

describe.concurrent('An NDJSON body whose Redis is flushed', () => {
  /** A stream on a Redis of its own. */
  async function start({ onTestFinished }: TestContext) {
    const redis = await RedisServer.start();
    const streams = await redisBackend.create({ redis: { addresses: [redis.endpoint] } });
    const app = await startApp(streams, { streamManager: { type: 'redis' } });
    const client = redis.client();
    onTestFinished(async () => {
      client.disconnect();
      await app.close();
      await streams.close();
      await redis.stop();
    });
    return { one: new TestStream(app), flush: () => client.flushdb() };
  }

  it('gets its response at the next line, with what is stored since', async (context) => {
    const { one, flush } = await start(context);
    const { sent, answer } = open(one);
    sent.write(line.repeat(2));
    await holds(one, 2);
    await flush();
    sent.write(line);
    expect(await answer).toMatchObject({ code: 'stream_gone', stored: 1, line: 3 });
    expect(await lengthOf(one)).toBe(1);
  });

  it('gets the same when others have filled the stream to the same length', async (context) => {
    const { one, flush } = await start(context);
    const { sent, answer } = open(one);
    sent.write(line);
    await holds(one, 1);
    await flush();
    await one.postAnswers(1);
    await sleep(1100); // a pause, after which the place is looked at
    sent.write(line);
    expect(await answer).toMatchObject({ code: 'stream_gone', stored: 1, line: 2 });
  });

  it('gets the same at its end', async (context) => {
    const { one, flush } = await start(context);
    const { sent, answer } = open(one);
    sent.write(line);
    await holds(one, 1);
    await flush();
    await sleep(1100); // a pause, after which the place is looked at
    sent.end();
    expect(await answer).toMatchObject({ code: 'stream_gone', stored: 0 });
  });
});

describeApp('An NDJSON body that breaks off', {}, (source) => {
  it.each(['zz\r\n', '3\r\nabcd\r\n'])(
    'with the chunk %j gets the number of stored lines',
    async (bad) => {
      const one = source.stream();
      const chunk = `${line.length.toString(16)}\r\n${line}\r\n`;
      const head = `POST ${one.path}/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n`;
      const text = `${head}content-type: application/x-ndjson\r\n\r\n${chunk.repeat(2)}${bad}`;
      const answer = await rawBytes(source.app.url, text);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('"stored":2');
      expect(answer).toMatch(/\r\nconnection: close\r\n/i);
      expect(await lengthOf(one)).toBe(2);
    },
  );

  it('as JSON gets stored: 0', async () => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const head = `POST ${pathname} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n`;
    const text = `${head}content-type: application/json\r\n\r\n1\r\n{\r\nzz\r\n`;
    expect(await rawBytes(source.app.url, text)).toMatch(/^HTTP\/1.1 400 [\s\S]*"stored":0/);
  });
});

describe('An unexpected error of an append', () => {
  it.each([
    ['NDJSON, before the end of the body', type, false],
    ['NDJSON, at its end', type, true],
    ['JSON', { 'content-type': 'application/json' }, true],
  ])('of %s is logged with its stack', async (_, headers, ends) => {
    const inner = await memoryBackend.create();
    const streams = new Proxy(inner, {
      get(target, name) {
        if (name === 'appendEvents') return () => Promise.reject(new TypeError('not foreseen'));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }) as StreamManager;
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ level: 'error' }, { write: (text) => void lines.push(JSON.parse(text)) });
    const app = await startApp(streams, { logger });
    onTestFinished(async () => {
      await app.close();
      await inner.close();
    });
    const { sent, answer } = open(new TestStream(app), headers as typeof type);
    sent.write(line);
    if (ends) sent.end();
    expect(await answer).toMatchObject({ status: 500, code: 'internal', stored: null });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 50, code: 'internal', reason: 'not foreseen' });
    expect(lines[0]?.stack).toContain('TypeError');
  });
});
