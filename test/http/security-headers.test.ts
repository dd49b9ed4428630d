import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Origins } from '../../src/http/hooks/cross-origin.js';
import { HostRule } from '../../src/http/hooks/request-headers.js';
import { checkRequests, securityHeaders } from '../../src/http/hooks/request-security.js';
import { servePage } from '../../src/http/page.js';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { rawBytes } from '../support/raw-http.js';

const { 'cache-control': _, ...always } = securityHeaders;

/** One response of each kind. */
const responses: Record<string, (one: TestStream) => [url: string, init?: RequestInit]> = {
  'an append': ({ eventsUrl }) => [eventsUrl, append('{"type":"t"}')],
  'a rejected append': ({ eventsUrl }) => [eventsUrl, append('{')],
  'a read': ({ eventsUrl }) => [eventsUrl],
  'a status of no stream': ({ url }) => [url],
  'a feed': ({ url }) => [`${url}/stream`],
  'the head of a feed': ({ url }) => [`${url}/stream`, { method: 'HEAD' }],
  'a feed that is not acceptable': ({ url }) => [
    `${url}/stream`,
    { headers: { accept: 'text/html' } },
  ],
  'a session': ({ url }) => [url.replace(/\/messages.*/, '')],
  'a deletion': ({ url }) => [url, { method: 'DELETE' }],
  'no route': ({ app }) => [`${app.url}/unknown`],
  'no such method': ({ url }) => [url, { method: 'PUT' }],
  'a path that cannot be decoded': ({ app }) => [`${app.url}/sessions/%zz`],
  'the health': ({ app }) => [`${app.url}/healthz`],
  'the metrics': ({ app }) => [`${app.url}/metrics`],
};

function append(body: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

describeApp('The security headers', {}, (source) => {
  it.each(Object.entries(responses))('are on %s', async (_, request) => {
    const abort = new AbortController();
    const [url, init] = request(source.stream());
    const { headers } = await fetch(url, { ...init, signal: abort.signal });
    abort.abort(); // a feed would stay open
    for (const [name, value] of Object.entries(always)) expect(headers.get(name)).toBe(value);
    expect(headers.get('cross-origin-resource-policy')).toBeNull();
    const isFeed = headers.get('content-type')?.startsWith('text/event-stream') === true;
    expect(headers.get('cache-control')).toBe(
      isFeed ? 'no-cache, no-store, no-transform' : 'no-store',
    );
  });

  it('are on the response to what is not HTTP', async () => {
    const response = await rawBytes(source.app.url, 'hello\r\n\r\n');
    for (const [name, value] of Object.entries(securityHeaders)) {
      expect(response).toContain(`\r\n${name}: ${value}\r\n`);
    }
  });

  it('are on a response to a body that is still arriving', async () => {
    const head = 'POST /unknown HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx';
    const response = await rawBytes(source.app.url, head);
    for (const name of Object.keys(securityHeaders)) expect(response).toContain(`${name}: `);
  });
});

describe('A route with a page', () => {
  it('has a content security policy of its own', async () => {
    const app = fastify();
    onTestFinished(() => app.close());
    const hosts = new HostRule('127.0.0.1', [], false);
    checkRequests(app, { trustsProxies: false, hosts, origins: new Origins([]), corsHeaders: [] });
    const own = "default-src 'self'";
    const html = new URL('../../src/inspector/page/inspector.html', import.meta.url);
    servePage(app, { path: '/page', html, files: {}, disabled: [], policy: own });
    const { headers } = await app.inject('/page');
    expect(headers).toMatchObject({ ...always, 'content-security-policy': own });
  });
});

const listed = 'https://app.example.com';
const other = 'https://evil.example.net';

describeApp('A cross-origin page (CSRF)', { cors: { origins: [listed] } }, ({ stream }) => {
  const stop = async (one: TestStream, headers: Record<string, string>) =>
    (await fetch(`${one.url}/stop`, { method: 'POST', headers })).status;

  it.each([
    ['by its origin', { origin: other }],
    ['without one', { origin: 'null' }],
    ['as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['of the same site', { 'sec-fetch-site': 'same-site', origin: other }],
    ['whatever Host says', { origin: other, 'sec-fetch-site': 'cross-site', host: 'x' }],
  ])('cannot stop a stream, nor append or delete (%s)', async (_, headers) => {
    const one = stream();
    await one.post({ type: 'answer' });
    expect(await stop(one, headers)).toBe(403);
    const rejected = await one.post({ type: 'answer' }, headers);
    expect([rejected.status, rejected.body.code, rejected.body.stored]).toEqual([
      403,
      'forbidden',
      0,
    ]);
    expect((await fetch(one.url, { method: 'DELETE', headers })).status).toBe(403);
    expect((await fetch(`${one.url}/lease`, { method: 'POST', headers })).status).toBe(403);
    expect(await (await fetch(one.url)).json()).toMatchObject({ streamStatus: 'open' });
  });

  it('may do so when its origin is allowed', async () => {
    expect(await stop(stream(), { origin: listed, 'sec-fetch-site': 'cross-site' })).toBe(200);
  });

  it('is distinguished from one of the same origin, and from a program', async () => {
    const one = stream();
    const own = new URL(one.url).origin;
    expect(await stop(one, { origin: own, 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await stop(one, { origin: own })).toBe(200);
    expect(await stop(one, { origin: own.replace('http:', 'https:') })).toBe(200);
    expect(await stop(one, {})).toBe(200);
  });

  it('counts as same-origin behind a proxy with another host if the browser says so', async () => {
    const headers = { origin: other, 'sec-fetch-site': 'same-origin' };
    expect(await stop(stream(), headers)).toBe(200);
  });
});

/** What a page can post without asking first. */
const simple = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
];
const key = makeKey('append', 'admin');
const withKey = { auth: { apiKeys: [key.key] } };

describeApp('A form of a browser that sends no origin (CSRF)', withKey, ({ stream }) => {
  it.each(['events', 'stop'].flatMap((route) => simple.map((type) => [route, type] as const)))(
    'is rejected by …/%s as %s',
    async (route, type) => {
      const headers = { 'content-type': type, ...key.headers };
      const body = '{"type":"answer"}';
      const { status } = await fetch(`${stream().url}/${route}`, { method: 'POST', headers, body });
      expect(status).toBe(415);
    },
  );
});
