import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryBackend } from '../support/backends.js';
import { rawRequest } from '../support/raw-http.js';
import { startApp, type TestApp } from '../support/test-app.js';

describe('the pages', () => {
  let app: TestApp;
  const streams = memoryBackend.create();
  beforeAll(async () => {
    app = await startApp(await streams);
  });
  afterAll(async () => {
    await app.close();
    await (await streams).close();
  });

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(app.url + path, { headers });

  it.each([
    ['/inspector', 'text/html; charset=utf-8'],
    ['/inspector/inspector.js', 'text/javascript; charset=utf-8'],
    ['/inspector/base.css', 'text/css; charset=utf-8'],
    ['/inspector/icon.svg', 'image/svg+xml'],
    ['/docs', 'text/html; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ])('have %s, under a policy, to be asked for again when it has changed', async (path, type) => {
    const { status, headers } = await get(path);
    expect([status, headers.get('content-type')]).toEqual([200, type]);
    const policy = headers.get('content-security-policy') as string;
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toMatch(
      /connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'/,
    );
    expect(policy).not.toMatch(/unsafe|http|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-cache');
    const etag = headers.get('etag') as string;
    expect((await get(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it.each(['tsconfig.json', 'inspector.html', 'none.js', 'constructor', '__proto__'])(
    'have no file %s',
    async (name) => {
      const response = await get(`/inspector/${name}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'not_found' });
    },
  );

  it.each(['../app.js', '..%2fapp.js', '%2e%2e%2fpackage.json', '..%5capp.js', 'x%00.js'])(
    'lead to no file beside theirs by %s',
    async (path) => {
      expect(await rawRequest(app.url, `/inspector/${path}`)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  it('name only files that are there', async () => {
    for (const path of ['/inspector', '/docs']) {
      const html = await (await get(path)).text();
      const names = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(
        ([, name]) => name as string,
      );
      expect(names.length).toBeGreaterThan(3);
      for (const name of names) {
        expect((await fetch(new URL(name, app.url + path))).status).toBe(200);
      }
    }
    for (const name of ['inspector', 'stream-view', 'streams-list']) {
      const script = await (await get(`/inspector/${name}.js`)).text();
      const imported = [...script.matchAll(/^import .* from '\.\/([^']+)';$/gm)];
      expect(imported.length).toBeGreaterThan(1);
      for (const [, file] of imported) expect((await get(`/inspector/${file}`)).status).toBe(200);
    }
  });
});
