import { expect, it } from 'vitest';
import { errorTable } from '../../src/errors.js';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { rawBytes, rawRequest } from '../support/raw-http.js';
import { growth, scrape } from '../support/scrape.js';

const name = 'rejoin_requests_rejected_total';
const message = '/sessions/:sid/messages/:mid';

/** A series by its labels. */
const series = (code: string, route: string) => `${name}{code="${code}",route="${route}"}`;

/** What `act` adds to the series of rejected requests. */
async function rejectedBy(
  url: string,
  act: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const before = await scrape(url);
  await act();
  const grown = await growth(url, before);
  return Object.fromEntries(Object.entries(grown).filter(([key]) => key.startsWith(name)));
}

const text = { 'content-type': 'text/plain' };
const send = (url: string, init: RequestInit) =>
  fetch(url, init).then((response) => response.text());

describeApp('A rejected request', { limits: { bodyBytes: 4000, eventBytes: 2000 } }, (source) => {
  const url = () => source.app.url;

  const cases: [
    what: string,
    act: (one: TestStream) => Promise<unknown>,
    code: string,
    route: string,
  ][] = [
    [
      'a route that does not exist',
      ({ app }) => fetch(`${app.url}/made-up/path`),
      'not_found',
      'none',
    ],
    [
      'a path that cannot be decoded',
      ({ app }) => fetch(`${app.url}/sessions/%zz`),
      'invalid_id',
      'none',
    ],
    [
      'a method that is not allowed',
      (one) => fetch(one.url, { method: 'PUT' }),
      'method_not_allowed',
      message,
    ],
    [
      'an id that is none',
      ({ app }) => fetch(`${app.url}/sessions/a:b`),
      'invalid_id',
      '/sessions/:sid',
    ],
    ['a stream that does not exist', (one) => fetch(one.url), 'not_found', message],
    [
      'an event that is none',
      (one) => one.post({ type: 'no type' }),
      'invalid_event',
      `${message}/events`,
    ],
    [
      'a body of another type',
      (one) => send(one.eventsUrl, { method: 'POST', body: 'x', headers: text }),
      'unsupported_media_type',
      `${message}/events`,
    ],
    [
      'a body that is rejected while it comes',
      (one) =>
        rawBytes(
          one.app.url,
          `POST ${new URL(one.eventsUrl).pathname} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n`,
        ),
      'body_too_large',
      `${message}/events`,
    ],
    [
      'a line of NDJSON, while others may come',
      (one) =>
        rawBytes(
          one.app.url,
          `POST ${new URL(one.eventsUrl).pathname} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: 5000\r\n\r\n{}\n`,
        ),
      'invalid_event',
      `${message}/events`,
    ],
    [
      'an offset that is none',
      (one) => fetch(`${one.url}/stream?offset=x`),
      'invalid_offset',
      `${message}/stream`,
    ],
    [
      'a client that takes no SSE',
      (one) => fetch(`${one.url}/stream`, { headers: { accept: 'text/html' } }),
      'not_acceptable',
      `${message}/stream`,
    ],
    [
      'a cross-origin page',
      (one) => fetch(one.url, { method: 'DELETE', headers: { origin: 'https://evil.example' } }),
      'forbidden',
      message,
    ],
    [
      'a head without Host',
      ({ app }) => rawBytes(app.url, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'),
      'invalid_header',
      '/healthz',
    ],
    [
      'a head that is too large',
      ({ app }) => rawRequest(app.url, '/', '1.1', `a: ${'x'.repeat(17_000)}\r\n`),
      'headers_too_large',
      'none',
    ],
    [
      'what is no HTTP',
      ({ app }) => rawBytes(app.url, 'no HTTP\r\n\r\n'),
      'invalid_header',
      'none',
    ],
  ];

  it.each(cases)(
    'is counted once, by its code and its route: %s',
    async (_what, act, code, route) => {
      const one = source.stream();
      expect(await rejectedBy(url(), () => act(one))).toEqual({ [series(code, route)]: 1 });
    },
  );

  it('is counted when its append was tried on the fast path first', async () => {
    const one = source.stream();
    await one.post({ type: 'complete' });
    const rejected = await rejectedBy(url(), () => one.post({ type: 'answer' }));
    expect(rejected).toEqual({ [series('stream_ended', `${message}/events`)]: 1 });
  });

  it('has the codes of the errors and the routes of the document as labels, and no others', async () => {
    const paths = ((await (await fetch(`${url()}/openapi.json`)).json()) as { paths: object })
      .paths;
    const known = new Set(Object.keys(paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1')));
    const words = ['word', 'a'.repeat(200), '__proto__', 'x"y', '%00'];
    for (const word of words) {
      for (const method of ['GET', 'POST', 'PURGE', 'OPTIONS']) {
        for (const path of [
          `/${word}`,
          `/sessions/${word}/${word}`,
          `/docs/${word}`,
          `/inspector/${word}`,
        ]) {
          await fetch(`${url()}${path}`, { method });
        }
      }
    }
    const all = [...(await scrape(url())).keys()].filter((key) => key.startsWith(name));
    expect(all.length).toBeGreaterThan(5);
    for (const key of all) {
      const [, code = '', route = ''] = /code="([^"]*)",route="([^"]*)"/.exec(key) ?? [];
      expect(Object.keys(errorTable)).toContain(code);
      const isKnown =
        known.has(route) || /^(none|\/(docs|inspector|openapi\.json)[\w/:.*-]*)$/.test(route);
      expect([route, isKnown]).toEqual([route, true]);
    }
  });
});

const all = makeKey('append', 'read', 'admin');

describeApp('A request without a valid key', { auth: { apiKeys: [all.key] } }, (source) => {
  it('is counted by its route, and its key is in no label', async () => {
    const one = source.stream();
    const numbers = async () => {
      const response = await fetch(`${one.app.url}/metrics`, { headers: all.headers });
      return response.text();
    };
    const wrong = { authorization: `Bearer made-up-id.${'x'.repeat(40)}` };
    for (let count = 0; count < 5; count += 1) await one.post({ type: 'answer' }, wrong);
    expect((await fetch(one.url, { headers: wrong })).status).toBe(401);
    expect(await numbers()).toContain(`${series('unauthorized', `${message}/events`)} 5\n`);
    expect(await numbers()).toContain(`${series('unauthorized', message)} 1\n`);
    expect(await numbers()).not.toContain('made-up-id');
  });
});

describeApp(
  'A request beyond a rate limit',
  { rates: { appendsPerAddress: 0.1, feedsPerAddress: 0.1 } },
  (source) => {
    it('is counted, and a feed that is told to reconnect by a 200 is counted as such alone', async () => {
      const one = source.stream();
      const { url } = source.app;
      await one.post({ type: 'answer' });
      expect(await rejectedBy(url, () => one.post({ type: 'answer' }))).toEqual({
        [series('rate_limited', `${message}/events`)]: 1,
      });
      (await one.feed()).drop();
      const before = await scrape(url);
      await (await one.feed()).end();
      const grown = await growth(url, before);
      expect(grown['rejoin_feeds_rejected_total{reason="rate_limited"}']).toBe(1);
      expect(Object.keys(grown).filter((key) => key.startsWith(name))).toEqual([]);
    });
  },
);
