import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { rawBytes, rawRequest } from '../support/raw-http.js';

/** Sent as they are, since an HTTP client would mend them. */
const badIds = [
  ...[':', 'a:b', '%3A', '%2F', 'a%2Fb', '%00', '%0d%0aX', '*', '[a]', '{a}', 'é', '%C3%A9'],
  ...['%ff', '%zz', '%', '.', '.a', '~a', '%2e%2e', '', 'a'.repeat(129), 'a%20b', '%F0%9F%99%82'],
];
const goodIds = [
  ...['constructor', '__proto__', 'toString', '-', '_', 'a'.repeat(128), 'a.b~c_d-e', '0', 'A%42'],
];

describeApp('The path of a request', {}, (source) => {
  const request = (path: string, version = '1.1', head = '') =>
    rawRequest(source.app.url, path, version, head);

  it('is quoted without its query when it cannot be decoded', async () => {
    for (const path of ['/sessions/%zz/messages/m', '/%']) {
      const response = await request(`${path}?token=secret`);
      expect(response).toMatch(/^HTTP\/1\.1 400 /);
      expect(response).toContain('"code":"invalid_id"');
      expect(response).not.toContain('secret');
    }
  });

  it.each(badIds)('is rejected with the id "%s" for a session and for a message', async (id) => {
    for (const path of [`/sessions/${id}/messages/m`, `/sessions/s/messages/${id}`]) {
      for (const route of ['', '/events', '/stream']) {
        const response = await request(path + route);
        expect(response.split('\r\n', 1)[0]).toMatch(/ 400 /);
        expect(response).toMatch(/"code":"(invalid_id|invalid_header)"/);
      }
    }
  });

  it('is rejected in words when an id is invalid', async () => {
    const response = await request('/sessions/s/messages/a%20b');
    expect(JSON.parse(response.split('\r\n\r\n')[1] as string).detail).toBe(
      '`mid` must have 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and not begin with . or ~',
    );
  });

  it.each(goodIds)('may have the id "%s"', async (id) => {
    const response = await request(`/sessions/${id}/messages/${id}/events`);
    expect(response.split('\r\n', 1)[0]).toMatch(/ 200 /);
  });

  it.each([
    '/sessions/../messages/m',
    '/sessions/s/messages/m/',
    '/sessions/s/messages/m/Stream',
    '//',
  ])('leads to no route as %s', async (path) => {
    const response = await request(path);
    expect(response).toMatch(/^HTTP\/1.1 40[04] /);
    expect(response).toContain('application/problem+json');
  });

  it('is served over HTTP/1.0, whose connection then ends', async () => {
    const response = await request('/sessions/s/messages/m/events', '1.0');
    expect(response).toMatch(/ 200 OK/);
    expect(response).toContain('"nextId":"0"');
  });

  it('gets 431 with headers that are too large', async () => {
    const response = await request('/healthz', '1.1', `x: ${'x'.repeat(20_000)}\r\n`);
    expect(response).toMatch(/^HTTP\/1.1 431 /);
    expect(response).toContain('"code":"headers_too_large"');
  });

  it('gets 400 in what is not HTTP', async () => {
    const response = await rawBytes(source.app.url, 'hello\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1.1 400 /);
    expect(response).toContain('"code":"invalid_header"');
  });

  it.each(['OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND', 'SEARCH', 'LOCK'])(
    'gets 405 with the method %s on the feed',
    async (method) => {
      const response = await fetch(`${source.app.url}/sessions/s/messages/m/stream`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
      expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
    },
  );
});
