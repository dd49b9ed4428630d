import { describe, expect, it, onTestFinished } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { rawRequest } from '../support/raw-http.js';
import { buildTestApp } from '../support/test-app.js';

describeApp('The files of the pages', { on: [memoryBackend] }, (source) => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(source.app.url + path, { headers });

  it.each([
    ['/inspector', 'text/html; charset=utf-8'],
    ['/inspector/inspector.js', 'text/javascript; charset=utf-8'],
    ['/inspector/base.css', 'text/css; charset=utf-8'],
    ['/inspector/icon.svg', 'image/svg+xml'],
    ['/docs', 'text/html; charset=utf-8'],
    ['/docs/color-scheme.js', 'text/javascript; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ])('include %s, with a content security policy and revalidation', async (path, type) => {
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
    'do not include %s',
    async (name) => {
      const response = await get(`/inspector/${name}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'not_found' });
    },
  );

  it.each(['../app.js', '..%2fapp.js', '%2e%2e%2fpackage.json', '..%5capp.js', 'x%00.js'])(
    'do not include a file outside of their directory: %s',
    async (path) => {
      expect(await rawRequest(source.app.url, `/inspector/${path}`)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  it('refer only to files that exist', async () => {
    for (const path of ['/inspector', '/docs']) {
      const html = await (await get(path)).text();
      const names = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(
        ([, name]) => name as string,
      );
      expect(names.length).toBeGreaterThan(3);
      for (const name of names) {
        expect((await fetch(new URL(name, source.app.url + path))).status).toBe(200);
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

/** A service with these pages, and its responses to a browser and to a program. */
async function serviceWith(pages: { readonly inspector: boolean; readonly docs: boolean }) {
  const streams = await memoryBackend.create();
  const app = await buildTestApp(streams, {
    inspector: { isEnabled: pages.inspector },
    docs: { isEnabled: pages.docs },
  });
  onTestFinished(async () => {
    await app.close();
    await streams.close();
  });
  return {
    browser: (url: string) =>
      app.inject({ url, headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }),
    program: (url: string) => app.inject({ url, headers: { accept: '*/*' } }),
  };
}

const health = { health: 'healthz', readiness: 'readyz' };
const docs = { docs: 'docs', openapi: 'openapi.json' };
const switches = [
  { inspector: true, docs: true, page: 'inspector', links: { inspector: 'inspector', ...docs } },
  { inspector: true, docs: false, page: 'inspector', links: { inspector: 'inspector' } },
  { inspector: false, docs: true, page: 'docs', links: docs },
  { inspector: false, docs: false, page: undefined, links: {} },
];

describe('GET /', () => {
  it.each(switches)(
    'lists for a program what is enabled: inspector $inspector, docs $docs',
    async ({ links, ...pages }) => {
      const { program } = await serviceWith(pages);
      const response = await program('/');
      expect([response.statusCode, response.headers['cache-control']]).toEqual([200, 'no-store']);
      const named = { ...links, ...health };
      expect(response.json()).toEqual({ name: 'Rejoin', version: '1.2.3', links: named });
      for (const path of Object.values(named)) {
        expect((await program(`/${path}`)).statusCode).toBe(200);
      }
    },
  );

  it.each(switches)(
    'redirects a browser to $page: inspector $inspector, docs $docs',
    async ({ page, ...pages }) => {
      const { browser } = await serviceWith(pages);
      const { statusCode, headers } = await browser('/');
      expect([statusCode, headers.location]).toEqual([page === undefined ? 200 : 302, page]);
    },
  );
});

describe('A page', () => {
  it.each([
    ['/inspector', 'docs'],
    ['/docs', 'inspector'],
  ] as const)('links from %s to %s only if that is enabled', async (path, other) => {
    const link = ` href="${other}"`;
    const all = { inspector: true, docs: true };
    const both = await (await serviceWith(all)).browser(path);
    expect(both.body).toContain(link);
    const alone = await (await serviceWith({ ...all, [other]: false })).browser(path);
    expect(alone.statusCode).toBe(200);
    expect(alone.body).not.toContain(link);
    expect(alone.headers.etag).not.toBe(both.headers.etag);
  });
});
