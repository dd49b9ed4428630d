import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { rawRequest } from '../support/raw-http.js';
import { waitFor } from '../support/wait-for.js';

const origin = 'https://app.example.com';
const origins = [origin, 'http://localhost:5173', 'https://*.preview.example.com'];
const headers = ['X-Requested-With', 'authorization', 'traceparent', 'x-requested-with'];
const strangers = [
  'https://evil.example',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com.evil.example',
  'https://sub.app.example.com',
  'https://preview.example.com',
  'https://a.b.preview.example.com',
  'https://pr-17.preview.example.com.',
  'https://PR-17.preview.example.com',
  'null',
];

const allowed = {
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'Stream-Next-Offset, Inputs-Next-Offset, Stream-Refused',
  vary: 'Origin',
};

const preflight = { 'access-control-request-method': 'POST' };

/** One response of each kind. */
const requests: Record<string, (one: TestStream) => [url: string, init: RequestInit]> = {
  'a read': ({ eventsUrl }) => [eventsUrl, {}],
  'HEAD of a read': ({ eventsUrl }) => [eventsUrl, { method: 'HEAD' }],
  'a probe': ({ app }) => [`${app.url}/healthz`, {}],
  '400': ({ eventsUrl }) => [`${eventsUrl}?offset=x`, {}],
  '400 of a path that cannot be decoded': ({ app }) => [`${app.url}/sessions/%zz/messages/m`, {}],
  '404': ({ app }) => [`${app.url}/unknown`, {}],
  '404 of a stream': ({ url }) => [url, {}],
  '405': ({ eventsUrl }) => [eventsUrl, { method: 'PUT' }],
  '405 of OPTIONS': ({ eventsUrl }) => [eventsUrl, { method: 'OPTIONS' }],
  '404 of OPTIONS': ({ app }) => [`${app.url}/unknown`, { method: 'OPTIONS' }],
  '406': ({ url }) => [`${url}/stream`, { headers: { accept: 'application/json' } }],
  '410': ({ eventsUrl }) => [`${eventsUrl}?offset=9-00000000`, {}],
  '413': ({ eventsUrl }) => [
    eventsUrl,
    { method: 'POST', body: 'x'.repeat(2000), headers: { 'content-type': 'application/json' } },
  ],
  '415': ({ eventsUrl }) => [eventsUrl, { method: 'POST', body: 'x' }],
  'HEAD of a feed': ({ url }) => [`${url}/stream`, { method: 'HEAD' }],
};

describeApp('CORS', { cors: { origins, headers }, limits: { bodyBytes: 1000 } }, (source) => {
  const { stream } = source;

  async function ask(kind: string, from: string | null): Promise<Headers> {
    const [url, init] = (requests[kind] as (typeof requests)[string])(stream());
    const headers = { ...init.headers, ...(from === null ? {} : { origin: from }) };
    const response = await fetch(url, { ...init, headers });
    await response.arrayBuffer();
    const isRejected = init.method === 'POST' && from !== null && from !== origin;
    const expected = isRejected ? 403 : Number(kind.slice(0, 3));
    if (/^\d/.test(kind)) expect(response.status).toBe(expected);
    return response.headers;
  }

  it.each(Object.keys(requests))('allows a listed origin to read a response: %s', async (kind) => {
    expect(Object.fromEntries(await ask(kind, origin))).toMatchObject(allowed);
  });

  it.each(Object.keys(requests))('allows no other origin to read a response: %s', async (kind) => {
    for (const from of [null, ...strangers]) {
      const headers = await ask(kind, from);
      expect(corsHeaders(headers)).toEqual([]);
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  it('allows an allowed origin to read the response to its append', async () => {
    const { status, headers } = await stream().post({ type: 'answer' }, { origin });
    expect(status).toBe(201);
    expect(Object.fromEntries(headers)).toMatchObject({ ...allowed, 'stream-next-offset': '1' });
  });

  it('allows an allowed origin to follow a feed, resume it, and read 204', async () => {
    const one = stream();
    await one.post({ type: 'answer' });
    const feed = await one.feed('', { origin });
    expect(feed.response.headers).toMatchObject({
      ...allowed,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-store, no-transform',
    });
    await feed.frameCount(1);
    await one.post({ type: 'complete' });
    await feed.end();
    const after = await one.feed('', { origin, 'last-event-id': feed.lastId as string });
    expect(after.status).toBe(204);
    expect(after.response.headers).toMatchObject(allowed);
  });

  it('allows any subdomain where the list has a wildcard', async () => {
    const from = 'https://pr-17.preview.example.com';
    const headers = Object.fromEntries(await ask('a read', from));
    expect(headers).toMatchObject({ ...allowed, 'access-control-allow-origin': from });
    expect((await stream().post({ type: 'answer' }, { origin: from })).status).toBe(201);
  });

  it('exposes no feed to another origin', async () => {
    const feed = await stream().feed('', { origin: 'https://evil.example' });
    expect(corsHeaders(new Headers(feed.response.headers as Record<string, string>))).toEqual([]);
    expect(feed.response.headers.vary).toBe('Origin');
    feed.drop();
  });

  it('answers a preflight on any path, with each request header that a page may send', async () => {
    const one = stream();
    for (const url of [one.eventsUrl, one.url, `${one.url}/stream`, `${one.app.url}/unknown`]) {
      const headers = { origin, ...preflight, 'access-control-request-headers': 'producer-id' };
      const response = await fetch(url, { method: 'OPTIONS', headers });
      expect(response.status).toBe(204);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        ...allowed,
        'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, Last-Event-ID, Producer-Id, Producer-Epoch, Producer-Seq, Producer-Lease, Stream-TTL, Inputs-Ack-Offset, X-Requested-With, traceparent',
        'access-control-max-age': '7200',
      });
    }
  });

  it.each(strangers)('rejects a preflight from %s with 405', async (from) => {
    const headers = { origin: from, ...preflight };
    const response = await fetch(stream().eventsUrl, { method: 'OPTIONS', headers });
    expect(response.status).toBe(405);
    expect(corsHeaders(response.headers)).toEqual([]);
  });

  it('is absent from the response to a request that was not parsed', async () => {
    const head = `origin: ${origin}\r\nx: ${'x'.repeat(20_000)}\r\n`;
    const response = await rawRequest(source.app.url, '/healthz', '1.1', head);
    expect(response).toMatch(/^HTTP\/1.1 431 /);
    expect(response.toLowerCase()).not.toContain('access-control');
  });
});

const oneFeed = { cors: { origins }, feed: { maxFeeds: 1 } };
describeApp('CORS of rejected feeds', oneFeed, ({ stream }) => {
  it('allows a page to read the reason', async () => {
    const one = stream();
    const feed = await one.feed();
    await waitFor('it is open', () => feed.raw.includes('connected'));
    const second = await one.feed('', { origin });
    expect(second.response.headers).toMatchObject({
      ...allowed,
      'stream-refused': 'too_many_feeds',
    });
    feed.drop();
  });
});

const key = makeKey('read');

const withKeys = { cors: { origins }, auth: { apiKeys: [key.key] } };
describeApp('CORS with API keys', withKeys, ({ stream }) => {
  it('answers a preflight without a key, and allows a page to read 401 and 403', async () => {
    const one = stream();
    const asked = await fetch(one.eventsUrl, {
      method: 'OPTIONS',
      headers: { origin, ...preflight, 'access-control-request-headers': 'authorization' },
    });
    expect(asked.status).toBe(204);
    const responses = [
      await one.post({ type: 'answer' }, { origin }),
      await one.post({ type: 'answer' }, { origin, ...key.headers }),
      await fetch(`${one.url}/stream`, { headers: { origin } }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([401, 403, 401]);
    for (const { headers } of responses) {
      expect(Object.fromEntries(headers)).toMatchObject(allowed);
    }
  });

  it('does not let an OPTIONS that is no preflight bypass the key check', async () => {
    const one = stream();
    for (const headers of [{}, { origin }, preflight, key.headers] as Record<string, string>[]) {
      const response = await fetch(one.eventsUrl, { method: 'OPTIONS', headers });
      expect(response.status).toBe(405);
      const unknown = await fetch(`${one.app.url}/unknown`, { method: 'OPTIONS', headers });
      expect(unknown.status).toBe(404);
    }
  });
});

describeApp('A service without allowed origins', {}, ({ stream }) => {
  it('has no CORS headers, and OPTIONS is a method like any other', async () => {
    const one = stream();
    const read = await fetch(one.eventsUrl, { headers: { origin } });
    const asked = await fetch(one.eventsUrl, {
      method: 'OPTIONS',
      headers: { origin, ...preflight },
    });
    expect([read.status, asked.status]).toEqual([200, 405]);
    for (const { headers } of [read, asked]) {
      expect(corsHeaders(headers)).toEqual([]);
      expect(headers.get('vary')).toBeNull();
    }
  });
});

function corsHeaders(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => name.startsWith('access-control-'));
}
