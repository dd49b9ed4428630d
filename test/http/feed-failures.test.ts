import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startOfStream } from '../../src/events/position.js';
import { FeedConnection } from '../../src/feed/feed-connection.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { type FeedFormat, NativeFormat, plainFormat } from '../../src/feed/formats/feed-format.js';
import type { EncodedPage } from '../../src/feed/pages.js';
import { backends, memoryBackend } from '../support/backends.js';
import { answer, answers, newStream } from '../support/events.js';
import { FeedClient } from '../support/feed-client.js';
import { keepLog } from '../support/log-lines.js';
import { unobserved } from '../support/unobserved.js';
import { waitFor } from '../support/wait-for.js';

type Part = 'preamble' | 'encode' | 'farewell' | 'reset';
const parts = new Set<Part>(['preamble', 'encode', 'farewell', 'reset']);

/** A format of which one part throws; `encode` does at the event that says `unencodable`. */
function throwing(part: Part): FeedFormat {
  const format = new NativeFormat();
  const fail = () => {
    throw new RangeError(`no ${part}`);
  };
  const encode = (page: EncodedPage) => {
    if (page.events.some(({ bytes }) => bytes.includes('unencodable'))) fail();
    return plainFormat.encode(page);
  };
  return new Proxy(format, {
    get: (target, name) => {
      if (part === 'encode' && name === 'encode') return encode;
      if (name === part) return part === 'preamble' ? fail() : fail;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A response that throws at a heartbeat. */
function failHeartbeats(socket: Socket): void {
  const write = socket.write.bind(socket) as (bytes: Buffer) => boolean;
  socket.write = (bytes: Buffer) => {
    if (bytes.includes('heartbeat')) throw new RangeError('no heartbeat');
    return write(bytes);
  };
}

/** Feeds of one stream over real sockets: `/` is a plain one, `/encode` has a format that throws there. */
async function serve(streams: ConstructorParameters<typeof FeedHub>[0], options = {}) {
  const stream = newStream();
  const { logger, lines } = keepLog();
  const feeds = new FeedHub(
    streams,
    {
      pollIntervalMs: 200,
      heartbeatMs: 100,
      lingerMs: 100,
      // A busy machine stands still for long.
      waitMs: 600_000,
      maxAgeMs: 600_000,
      maxFeeds: 100,
      maxFeedsPerStream: 100,
      stallMs: 600_000,
      ...options,
    },
    logger,
    unobserved,
  );
  const responses = new Map<string | undefined, ServerResponse>();
  const server: Server = createServer(async (request, response) => {
    const [path, query] = (request.url as string).slice(1).split('?');
    const format = parts.has(path as Part) ? throwing(path as Part) : plainFormat;
    const opening = await feeds.open({
      stream,
      from: query === undefined ? startOfStream : { offset: Number(query), tag: 7 },
      knowsAbsence: false,
      startTimeoutMs: null,
      preface: Buffer.of(),
      format,
      accessEndsAt: Number.POSITIVE_INFINITY,
    });
    if (opening.kind !== 'open') throw new Error('not opened');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    responses.set(path, response);
    if (path === 'heartbeat') failHeartbeats(request.socket);
    opening.start(new FeedConnection(response, request.socket, true), () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    await feeds.drain(0);
    server.closeAllConnections();
    server.close();
    await streams.close();
  });
  const failures = () => lines.filter(({ msg }) => msg === 'A feed failed');
  /** The response of the last feed of this path. */
  const responseOf = (path: string) => responses.get(path) as ServerResponse;
  return { base, feeds, stream, failures, responseOf };
}

describe.each(backends)('A feed whose format throws ($name)', (backend) => {
  it('A feed whose format throws at a notified event is cut alone, and the feeds behind it go on', async () => {
    const streams = await backend.create();
    const { base, feeds, stream, failures } = await serve(streams);
    const before = await FeedClient.open(`${base}/`);
    const bad = await FeedClient.open(`${base}/encode`);
    const behind = await FeedClient.open(`${base}/`);
    await waitFor('all are there', () => feeds.counts.feeds === 3);
    await streams.appendEvents(stream, answers(2));
    await bad.frameCount(2);
    await streams.appendEvents(stream, [answer('unencodable')]);
    await streams.appendEvents(stream, answers(2));
    for (const feed of [before, behind]) await feed.frameCount(5);
    await bad.end();
    expect(bad.frames).toHaveLength(2);
    await waitFor('it is let go', () => feeds.counts.feeds === 2);
    expect(failures()).toMatchObject([{ ...stream, level: 50 }]);
    for (const feed of [before, behind]) feed.drop();
    await waitFor('nothing is left', () => feeds.counts.feeds + feeds.counts.streams === 0);
  });

  it('A feed whose format throws after its socket has drained is cut alone', async () => {
    const streams = await backend.create();
    const { base, feeds, stream, failures, responseOf } = await serve(streams);
    const other = await FeedClient.open(`${base}/`); // its pages are kept
    const bad = await FeedClient.open(`${base}/encode`);
    const response = responseOf('encode');
    response.socket?.cork(); // so that it takes nothing more
    await streams.appendEvents(stream, [answer('x'.repeat(100_000))]);
    await waitFor('its socket is full', () => response.socket?.writableNeedDrain === true);
    await streams.appendEvents(stream, [answer('unencodable')]);
    await other.frameCount(2);
    expect(failures()).toEqual([]);
    response.socket?.uncork();
    await bad.end();
    await waitFor('it is let go', () => feeds.counts.feeds === 1);
    expect(bad.data.filter((data) => data.includes('unencodable'))).toEqual([]);
    expect(failures()).toHaveLength(1);
    await streams.appendEvents(stream, answers(1));
    await other.frameCount(3);
    other.drop();
  });
});

describe('A feed whose format throws', () => {
  it.each(['preamble', 'reset'] as const)(
    'A feed whose format throws in its %s is cut, with a log line',
    async (part) => {
      const streams = await memoryBackend.create();
      const { base, feeds, stream, failures } = await serve(streams);
      await streams.appendEvents(stream, answers(2));
      const bad = await FeedClient.open(`${base}/${part}?1`); // an id of another stream
      await bad.end();
      await waitFor('it is let go', () => feeds.counts.feeds + feeds.counts.streams === 0);
      expect(failures()).toHaveLength(1);
    },
  );

  it('A feed whose format throws in its farewell is cut, and the others are drained', async () => {
    const streams = await memoryBackend.create();
    const { base, feeds, failures } = await serve(streams);
    const bad = await FeedClient.open(`${base}/farewell`);
    const other = await FeedClient.open(`${base}/`);
    await waitFor('both are there', () => feeds.counts.feeds === 2);
    await feeds.drain(1000);
    for (const feed of [bad, other]) await feed.end();
    expect(other.retryMs).toBeGreaterThan(0);
    expect(feeds.counts).toEqual({ feeds: 0, streams: 0 });
    expect(failures()).toHaveLength(1);
  });
});

describe('Heartbeats', () => {
  it('A feed whose heartbeat cannot be written is cut, and the others keep theirs', async () => {
    const { base, feeds, failures } = await serve(await memoryBackend.create());
    const bad = await FeedClient.open(`${base}/heartbeat`);
    const other = await FeedClient.open(`${base}/`);
    await bad.end();
    const beats = () => other.comments.filter((comment) => comment === 'heartbeat').length;
    const before = beats();
    await waitFor('two more heartbeats', () => beats() >= before + 2);
    expect(failures()).toHaveLength(1);
    other.drop();
    await waitFor('nothing is left', () => feeds.counts.feeds + feeds.counts.streams === 0);
  });

  it('Heartbeats come to the feeds of one stream at different times, and never later than the interval', async () => {
    const heartbeatMs = 2000;
    const streams = await memoryBackend.create();
    const { base, feeds, stream } = await serve(streams, { heartbeatMs });
    const clients = await Promise.all(
      Array.from({ length: 40 }, () => FeedClient.open(`${base}/`)),
    );
    await waitFor('all are there', () => feeds.counts.feeds === clients.length);
    await streams.appendEvents(stream, answers(1));
    for (const client of clients) await client.frameCount(1);
    const writtenAt = performance.now();
    const cameAt: number[] = [];
    const isLate = () => performance.now() - writtenAt > 5 * heartbeatMs;
    while (cameAt.length < clients.length && !isLate()) {
      const seen = clients.filter(({ comments }) => comments.includes('heartbeat')).length;
      while (cameAt.length < seen) cameAt.push(performance.now() - writtenAt);
      await sleep(5);
    }
    expect(cameAt).toHaveLength(clients.length);
    // Beats come ten times in the interval: together they would be within one of them.
    expect((cameAt.at(-1) as number) - (cameAt[0] as number)).toBeGreaterThan(heartbeatMs / 8);
    for (const client of clients) client.drop();
  });
});
