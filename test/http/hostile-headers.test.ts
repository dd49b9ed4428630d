import { request as sendRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { memoryBackend } from '../support/backends.js';
import { makeKey } from '../support/keys.js';
import { minOfAttempts } from '../support/min-of-attempts.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/test-app.js';
import { readerOptions } from '../support/tokens.js';

/** As many bytes as fit into a head of 16 KiB beside the rest of it. */
const valueBytes = 15_800;

/** The processor time below which noise, such as of garbage collection, may be all that is seen. */
const floorMs = 40;

/** A harmless value costs a few milliseconds. */
const wellBelowMs = floorMs / 4;

/** A value whose parsing may cost a multiple of a harmless one's. What is quadratic costs a hundred. */
const maxTimes = 10;

/** What the values of a header consist of, over and over: all that some grammar repeats or divides by. */
const pieces = [
  ...[' ', '\t', ',', ';', '.', '-', ':', '"', '[', ']', '=', '&', '/', '0', 'a', '\\'],
  ...[' ,', '; ', 'a.', '.a', '=;', 'a=', ';q=', ', ;', ';charset', '%25', '1.1.1.1,', '::', '"a'],
];

/** Each with the words that lead a parser into its values. */
const headers: readonly [name: string, ...starts: string[]][] = [
  ['authorization', 'Bearer ', 'Bearer a', 'Bearer a.', 'Bearer a.b.'],
  ['cookie', 'rejoin_token=', 'a=b; '],
  ['accept', '', 'text/event-stream;'],
  ['accept-encoding', ''],
  [
    'content-type',
    'application/json',
    'application/json;charset',
    'application/json; charset=utf-8',
  ],
  ['content-encoding', ''],
  ['last-event-id', '', '1-'],
  ['x-forwarded-for', '', '1.1.1.1', '"[2001:db8::'],
  ['x-forwarded-host', ''],
  ['origin', '', 'http://'],
  ['sec-fetch-site', ''],
  ['producer-id', ''],
  ['producer-epoch', '1'],
  ['producer-seq', '1'],
  ['producer-lease', '1'],
  ['access-control-request-method', ''],
  ['access-control-request-headers', ''],
];

const ofFeeds = new Set(['accept', 'cookie', 'last-event-id']);

const queries = ['token', 'offset', 'wait', 'limit', 'producer', 'named', 'unknown'];

interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** Fills a value up, with an end that fits nothing. */
function filled(start: string, piece: string): string {
  const most = start + piece.repeat(valueBytes / piece.length);
  return `${most}x`;
}

const stream = '/sessions/s/messages/m';

/** The head of a feed, of which an EventSource sends some that mean nothing elsewhere, or of an append. */
const withHeader = (name: string, value: string): Attempt =>
  ofFeeds.has(name)
    ? { method: 'GET', path: `${stream}/stream`, headers: { [name]: value } }
    : {
        method: 'POST',
        path: `${stream}/events`,
        headers: { [name]: value, 'content-length': '1' },
      };

/** As much of it as fits when it is encoded, and still with its end. */
function encoded(value: string): string {
  return `${encodeURIComponent(value).slice(0, valueBytes - (valueBytes % 3))}x`;
}

const withQuery = (name: string, value: string): Attempt => ({
  method: 'GET',
  path: `${stream}/events?${name}=${encoded(value)}`,
  headers: {},
});

const withId = (value: string): Attempt => ({
  method: 'GET',
  path: `/sessions/s/messages/${encoded(value)}`,
  headers: {},
});

type Target = readonly [name: string, starts: readonly string[], of: (value: string) => Attempt];

const targets: readonly Target[] = [
  ...headers.map(([name, ...starts]): Target => [name, starts, (value) => withHeader(name, value)]),
  ...queries.map((name): Target => [`?${name}=`, [''], (value) => withQuery(name, value)]),
  ['id', [''], withId],
];

const key = makeKey('append', 'read');
const manyRates = {
  appendsPerKey: 1e6,
  appendsPerAddress: 1e6,
  feedsPerKey: 1e6,
  feedsPerAddress: 1e6,
};
const behindProxy = { server: { trustProxy: ['127.0.0.0/8'] }, rates: manyRates };

describe.each<[string, TestAppOptions]>([
  ['that is open', behindProxy],
  [
    'with keys and tokens',
    { ...behindProxy, auth: { apiKeys: [key.key], reader: readerOptions() } },
  ],
])('A service %s', (_, options) => {
  let app: TestApp;
  let streams: StreamManager;
  beforeAll(async () => {
    streams = await memoryBackend.create();
    app = await startApp(streams, options);
  });
  afterAll(async () => {
    await app.close();
    await streams.close();
  });

  /** What this process computes until the head of the response has come, however busy the machine is. */
  function cost({ path, ...init }: Attempt): Promise<number> {
    const before = process.cpuUsage();
    return new Promise((resolve, reject) => {
      const sent = sendRequest(`${app.url}${path}`, { ...init, agent: false }, (response) => {
        const { user, system } = process.cpuUsage(before);
        const ms = (user + system) / 1000;
        response.destroy(); // a feed would stay open
        if (response.statusCode === 431) reject(new Error('it was never parsed'));
        else resolve(ms);
      });
      sent.on('error', (error) => reject(error));
      sent.end(init.method === 'POST' ? '1' : undefined);
    });
  }

  it.each(targets)(
    'needs no more time for a hostile value of %s than for a harmless one',
    async (_name, starts, of) => {
      const slow: object[] = [];
      for (const start of starts) {
        const harmlessMs = await minOfAttempts(() => cost(of(filled(start, 'b'))), wellBelowMs);
        const maxMs = Math.max(floorMs, maxTimes * harmlessMs);
        for (const piece of pieces) {
          const ms = await minOfAttempts(() => cost(of(filled(start, piece))), maxMs);
          if (ms >= maxMs) slow.push({ start, piece, ms, maxMs });
        }
      }
      expect(slow).toEqual([]);
    },
  );
});
