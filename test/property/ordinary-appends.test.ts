import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { memoryBackend } from '../support/backends.js';
import { texts } from '../support/events.js';
import { makeKey } from '../support/keys.js';
import { rawBytes, rawInTurn } from '../support/raw-http.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/test-app.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { runs } from './runs.js';

const appendKey = makeKey('append');
const readKey = makeKey('read');
const messages = ['m', 'm.1', '~'];

interface Request {
  readonly method: string;
  readonly path: string;
  readonly head: readonly string[];
  readonly body: string;
  /** What it says of its length, or null for what is right. */
  readonly length: string | null;
}

const oftenPlain = <T>(plain: T, ...others: T[]) =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constant(plain) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const event = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('{"type":"answer"}', ' {"type":"a","content":"é"}\n') },
  fc.constantFrom(
    '{"type":"complete"}',
    '{"type":"stop"}',
    '[{"type":"a"},{"type":"b"}]',
    '[{"type":"a"},{"typ":"b"}]',
    '[]',
    '',
    ' ',
    '{',
    '"a"',
    '{"type":"a","data":{"__proto__":1}}',
    '{"type":"a"}{"type":"a"}',
    '{"type":"a","done":1}',
    `{"type":"a","content":"${'x'.repeat(300)}"}`,
    `{"type":"a","content":"${'x'.repeat(1100)}"}`,
    `[${'{"type":"a"},'.repeat(30)}{"type":"a"}]`,
  ),
);

const extraHeaders = [
  'Authorization: Bearer nobody.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  `Authorization: Bearer ${readKey.token}`,
  `authorization: Bearer ${appendKey.token}`,
  'Authorization: Bearer a.b.c',
  'Authorization: Basic eDp5',
  'Producer-Id: w',
  'Producer-Epoch: 0',
  'Producer-Seq: 0',
  'Producer-Seq: 01',
  'Producer-Lease: 30',
  'Producer-Lease: 0',
  'Stream-TTL: 60',
  'Inputs-Ack-Offset: 0',
  'Inputs-Ack-Offset: 1',
  'Inputs-Ack-Offset: 01',
  'Stream-TTL: 9999999',
  'Host: y',
  'Origin: http://x',
  'Origin: https://listed.example',
  'Origin: https://other.example',
  'Sec-Fetch-Site: cross-site',
  'Sec-Fetch-Site: same-origin',
  'Cookie: rejoin_token=a.b.c',
  'Content-Encoding: gzip',
  'Content-Encoding: identity',
  'Content-Type: text/plain',
  'Transfer-Encoding: chunked',
  'Content-Length: 3',
  'Expect: 100-continue',
  'Expect: more',
  'Upgrade: websocket',
  'Accept: text/html',
  'Accept-Version: 1',
  'X-Forwarded-For: 1.2.3.4',
];

const producer = fc
  .record({
    id: oftenPlain('w', 'w2', '', 'é', 'x'.repeat(129)),
    epoch: oftenPlain('0', '1', '-1', 'x'),
    seq: fc.oneof(fc.nat(4).map(String), fc.constantFrom('9'.repeat(16), '1.0')),
  })
  .map(({ id, epoch, seq }) => [
    `Producer-Id: ${id}`,
    `Producer-Epoch: ${epoch}`,
    `Producer-Seq: ${seq}`,
  ]);

const request: fc.Arbitrary<Request> = fc
  .record({
    method: oftenPlain('POST', 'PUT', 'GET', 'PATCH', 'post'),
    begin: oftenPlain('', 'http://x', 'http://other.example', '/', '/.'),
    sid: oftenPlain('SID', '%53ID', 'SID%00', '', '.s', 's s', 'x'.repeat(128), 'x'.repeat(129)),
    mid: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...messages) }, fc.constant('m:1')),
    tail: oftenPlain('events', 'event', 'events/', 'events?', 'events?token=a.b.c', 'EVENTS'),
    host: oftenPlain(['Host: x'], ['host: x'], ['Host: other'], ['Host: a b'], ['Host:'], []),
    contentType: oftenPlain(
      ['Content-Type: application/json'],
      ['content-type: Application/JSON; charset=UTF-8'],
      ['Content-Type: application/json; charset=latin1'],
      ['Content-Type: application/json;'],
      ['Content-Type: application/json+x'],
      ['Content-Type: application/json; charset=utf8'],
      ['Content-Type: APPLICATION/JSON;CHARSET="UTF8"'],
      ['Content-Type: application/json; charset="utf-8"; profile=x'],
      ['Content-Type: application/json; charset=utf-8; charset=latin1'],
      ['Content-Type: application/json', 'Content-Type: application/jsonl'],
      ['Content-Type: application/x-ndjson'],
      ['Content-Type: Application/NDJSON; charset=utf8'],
      ['Content-Type: application/jsonl;charset=UTF8'],
      ['Content-Type: application/jsonx'],
      [],
    ),
    key: oftenPlain([`Authorization: Bearer ${appendKey.token}`], []),
    producer: fc.oneof({ weight: 2, arbitrary: fc.constant([] as string[]) }, producer),
    extra: fc.oneof(
      { weight: 3, arbitrary: fc.constant([] as string[]) },
      fc.subarray(extraHeaders, { minLength: 1, maxLength: 2 }),
    ),
    body: event,
    length: oftenPlain(null, '0', '00', '+5', '5000', '1'),
  })
  .map(({ method, begin, sid, mid, tail, body, length, ...head }) => ({
    method,
    path: `${begin}/sessions/${sid}/messages/${mid}/${tail}`.replaceAll(' ', '%20'),
    head: [head.host, head.contentType, head.key, head.producer, head.extra].flat(),
    body,
    length,
  }));

/**
 * Requests after which the connection goes on, whatever becomes of them. NDJSON may be rejected
 * before its end has come, and then the connection ends.
 */
const wellFramed = request.filter(
  ({ method, head, length }) =>
    method === 'POST' &&
    length === null &&
    !head.some((line) => /^(transfer|content-length|expect|upgrade)|ndjson|jsonl/i.test(line)),
);

/**
 * Has the route handle a request that the fast path might take: a header that says nothing to the route,
 * as no browser sends it, and that those with another sender do not need.
 */
function forRoute(request: Request): Request {
  const isOfBrowser = request.head.some((line) => /^(origin|sec-fetch-site)/i.test(line));
  return isOfBrowser ? request : { ...request, head: [...request.head, 'Sec-Fetch-Site: none'] };
}

function toText({ method, path, head, body, length }: Request, sid: string, isLast = true): string {
  const sizes = [
    `Content-Length: ${length ?? Buffer.byteLength(body)}`,
    `Connection: ${isLast ? 'close' : 'keep-alive'}`,
  ];
  return `${method} ${path.replaceAll('SID', sid)} HTTP/1.1\r\n${[...head, ...sizes].join('\r\n')}\r\n\r\n${body}`;
}

/** Each text over a connection of its own. */
async function sendApart(url: string, texts: readonly string[]): Promise<string[]> {
  const responses: string[] = [];
  for (const text of texts) responses.push(await rawBytes(url, text));
  return responses;
}

/** Without what is of the moment. */
function withoutTimes(text: string): string {
  return text
    .replace(/^Date: .*\r\n/gm, '')
    .replace(/auto-[0-9a-f-]{36}/g, 'auto-id')
    .replace(/"nextId":"(\d+)-[0-9a-f]{8}"/g, '"nextId":"$1"')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time');
}

const maxStreamEvents = 12;
const limits = { eventBytes: 1000, bodyBytes: 1200 };
/** For bodies that are shorter than they say. */
const timeouts = { bodyMs: 50, silenceMs: 500 };

const auth = { apiKeys: [appendKey.key, readKey.key] };
/** Few enough to be used up by one run. */
const rates = { appendsPerKey: 0.5, appendsPerAddress: 0.8 };
const windowMs = 10_000;

/** A test of its own for each of these, since they change what is ordinary. */
const settings: readonly (readonly [string, TestAppOptions, level: 'debug' | 'silent'])[] = [
  ['everybody may append', {}, 'silent'],
  ['appending takes a key', { auth }, 'silent'],
  ['cross-origin pages are served', { cors: { origins: ['https://listed.example'] } }, 'silent'],
  ['appends of keys and of addresses have a rate', { auth, rates }, 'silent'],
  [
    'proxies are trusted and addresses have a rate',
    { rates, server: { trustProxy: ['127.0.0.0/8'] } },
    'silent',
  ],
  ['each append has a line in the log', { auth }, 'debug'],
];

/** What a log line says, without what is of the moment or of the framework. */
function toLine(text: string): string {
  const { time: _, reqId: _id, pid: _pid, hostname: _host, ...line } = JSON.parse(text);
  return JSON.stringify(line);
}

describe.each(settings)('The append fast path, where %s,', (_, options, level) => {
  const stores: StreamManager[] = [];
  const apps: TestApp[] = [];
  const logs: string[][] = [];
  let sessionCount = 0;
  let inFrameworkCount = 0;
  let lineCount = 0;
  let rejectedCount = 0;
  const count = () => {
    inFrameworkCount += 1;
  };

  beforeAll(async () => {
    // Windows of rates end when a run begins, at both apps.
    vi.useFakeTimers({ toFake: ['Date'] });
    for (const lines of [[], []] as string[][]) {
      const write = (chunk: Buffer, _encoding: string, done: () => void) => {
        lines.push(toLine(chunk.toString()));
        done();
      };
      const logger = pino({ level }, new Writable({ write }));
      const store = await memoryBackend.create({ limits: { maxStreamEvents } });
      stores.push(store);
      apps.push(await startApp(store, { ...options, logger, limits, timeouts }));
      lines.length = 0;
      logs.push(lines);
    }
    subscribe('tracing:fastify.request.handler:start', count);
  });
  afterAll(async () => {
    vi.useRealTimers();
    unsubscribe('tracing:fastify.request.handler:start', count);
    for (const app of apps) await app.close();
    for (const store of stores) await store.close();
  });

  /** What comes of what is sent, to the fast path and to the route. */
  async function outcomes(
    sent: readonly (readonly string[])[],
    sid: string,
    send: (url: string, sent: readonly string[]) => Promise<string[]>,
  ): Promise<string[][]> {
    return Promise.all(
      apps.map(async ({ url }, index) => {
        const responses = (await send(url, sent[index] as readonly string[])).map(withoutTimes);
        const lines = (logs[index] as string[]).splice(0);
        lineCount += lines.filter((line) => line.includes('Events were appended')).length;
        rejectedCount += responses.filter((response) => response.includes('rate_limited')).length;
        responses.push(...lines);
        const store = stores[index] as StreamManager;
        for (const messageId of messages) {
          const stream = { sessionId: sid, messageId };
          const { events } = await store.getEvents(stream, 0, 1000);
          responses.push(...texts(events).map(withoutTimes));
          responses.push(String((await store.getStatus(stream))?.status));
        }
        return responses;
      }),
    );
  }

  /**
   * @param toConnections what is sent, to streams of this session
   * @param send how: by default, each text over a connection of its own
   */
  async function expectSameOutcomes(
    requests: fc.Arbitrary<Request[]>,
    toConnections: (requests: readonly Request[], sid: string) => readonly string[],
    send: (url: string, connections: readonly string[]) => Promise<string[]> = sendApart,
  ): Promise<void> {
    const property = fc.asyncProperty(requests, async (sent) => {
      await unlessStalled(timeouts.bodyMs / 2, async () => {
        sessionCount += 1;
        const sid = `s${sessionCount}`;
        vi.setSystemTime(Date.now() + windowMs);
        const both = [sent, sent.map(forRoute)].map((each) => toConnections(each, sid));
        const [direct, framework] = await outcomes(both, sid, send);
        expect(direct).toEqual(framework);
      });
    });
    await fc.assert(property, { numRuns: runs(20) });
  }

  it('has the same response and stores the same as the route', async () => {
    const requests = fc.array(request, { minLength: 1, maxLength: 16 });
    await expectSameOutcomes(requests, (sent, sid) => sent.map((one) => toText(one, sid)));
  });

  it('does so too for many sequential appends over one connection', async () => {
    const requests = fc.array(wellFramed, { minLength: 2, maxLength: 30 });
    const toTexts = (sent: readonly Request[], sid: string) =>
      sent.map((one, index) => toText(one, sid, index === sent.length - 1));
    await expectSameOutcomes(requests, toTexts, rawInTurn);
  });

  it('does so too for many pipelined appends over one connection', async () => {
    const requests = fc.array(wellFramed, { minLength: 2, maxLength: 30 });
    await expectSameOutcomes(requests, (sent, sid) => {
      const last = sent.length - 1;
      return [sent.map((one, index) => toText(one, sid, index === last)).join('')];
    });
  });

  it('serves nearly every append', async () => {
    const plain: Request = {
      method: 'POST',
      path: '/sessions/SID/messages/plain/events',
      head: [
        'Host: x',
        'Content-Type: application/json',
        `Authorization: Bearer ${appendKey.token}`,
      ],
      body: '{"type":"answer"}',
      length: null,
    };
    vi.setSystemTime(Date.now() + windowMs);
    const [direct, framework] = apps.map(({ url }) => url) as [string, string];
    inFrameworkCount = 0;
    expect(await rawBytes(direct, toText(plain, 's'))).toMatch(/^HTTP\/1.1 201 /);
    expect(inFrameworkCount).toBe(0);
    expect(await rawBytes(framework, toText(forRoute(plain), 's'))).toMatch(/^HTTP\/1.1 201 /);
    expect(inFrameworkCount).toBe(1);
  });

  it('was compared where it matters', () => {
    expect(lineCount > 0).toBe(level === 'debug');
    expect(rejectedCount > 0).toBe(options.rates !== undefined);
  });
});
