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

/** The head of an append whose body does not come. */
function sendHead({ app, eventsUrl }: TestStream, type: string, body = ''): Promise<string> {
  const line = `POST ${new URL(eventsUrl).pathname} HTTP/1.1\r\nhost: x\r\n`;
  const head = `content-type: application/${type}\r\ncontent-length: 5000\r\n\r\n`;
  return rawBytes(app.url, line + head + body);
}
const events = `${message}/events`;
const feed = `${message}/stream`;
const withoutHost = 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n';
const longHead = `a: ${'x'.repeat(17_000)}\r\n`;
const plainBody = { method: 'POST', body: 'x', headers: text };
const takesHtml = { headers: { accept: 'text/html' } };
const fromOther = { method: 'DELETE', headers: { origin: 'https://evil.example' } };

type Act = (one: TestStream) => Promise<unknown>;
const cases: [what: string, code: string, route: string, act: Act][] = [
  ['no route', 'not_found', 'none', ({ app }) => fetch(`${app.url}/made-up/path`)],
  ['a malformed path', 'invalid_id', 'none', ({ app }) => fetch(`${app.url}/sessions/%zz`)],
  ['a wrong method', 'method_not_allowed', message, ({ url }) => fetch(url, { method: 'PUT' })],
  ['an invalid id', 'invalid_id', '/sessions/:sid', ({ app }) => fetch(`${app.url}/sessions/a:b`)],
  ['a stream that does not exist', 'not_found', message, ({ url }) => fetch(url)],
  ['an invalid event', 'invalid_event', events, (one) => one.post({ type: 'no type' })],
  ['a text', 'unsupported_media_type', events, ({ eventsUrl }) => send(eventsUrl, plainBody)],
  ['a large body, while it comes', 'body_too_large', events, (one) => sendHead(one, 'json')],
  ['a line of NDJSON', 'invalid_event', events, (one) => sendHead(one, 'x-ndjson', '{}\n')],
  ['an invalid offset', 'invalid_offset', feed, ({ url }) => fetch(`${url}/stream?offset=x`)],
  ['a client without SSE', 'not_acceptable', feed, ({ url }) => fetch(`${url}/stream`, takesHtml)],
  ['a cross-origin page', 'forbidden', message, ({ url }) => fetch(url, fromOther)],
  ['no Host', 'invalid_header', '/healthz', ({ app }) => rawBytes(app.url, withoutHost)],
  [
    'a long head',
    'headers_too_large',
    'none',
    ({ app }) => rawRequest(app.url, '/', '1.1', longHead),
  ],
  ['what is not HTTP', 'invalid_header', 'none', ({ app }) => rawBytes(app.url, 'no HTTP\r\n\r\n')],
];

describeApp('A rejected request', { limits: { bodyBytes: 4000, eventBytes: 2000 } }, (source) => {
  const url = () => source.app.url;

  it.each(cases)('is counted once, by its code and its route: %s', async (_what, ...row) => {
    const [code, route, act] = row;
    const one = source.stream();
    expect(await rejectedBy(url(), () => act(one))).toEqual({ [series(code, route)]: 1 });
  });

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
        for (const place of ['', '/docs', '/inspector', `/sessions/${word}`]) {
          await fetch(`${url()}${place}/${word}`, { method });
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
    const numbers = async () =>
      (await fetch(`${one.app.url}/metrics`, { headers: all.headers })).text();
    const wrong = { authorization: `Bearer made-up-id.${'x'.repeat(40)}` };
    for (let count = 0; count < 5; count += 1) await one.post({ type: 'answer' }, wrong);
    expect((await fetch(one.url, { headers: wrong })).status).toBe(401);
    expect(await numbers()).toContain(`${series('unauthorized', `${message}/events`)} 5\n`);
    expect(await numbers()).toContain(`${series('unauthorized', message)} 1\n`);
    expect(await numbers()).not.toContain('made-up-id');
  });
});

const rates = { appendsPerAddress: 0.1, feedsPerAddress: 0.1 };
describeApp('A request beyond a rate limit', { rates }, (source) => {
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
});
