import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { type Access, accessRules } from '../../src/auth/access-rules.js';
import { type Scope, scopes } from '../../src/auth/api-keys.js';
import { requireAccess } from '../../src/http/hooks/authorize.js';
import { Origins } from '../../src/http/hooks/cross-origin.js';
import { useProblems } from '../../src/http/problems/error-handler.js';
import { describeApp } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { makeKey, type TestKey } from '../support/keys.js';
import { rawBytes } from '../support/raw-http.js';
import { routePaths } from '../support/route-paths.js';
import { buildTestApp } from '../support/test-app.js';
import { postText } from '../support/worker.js';

const message = '/sessions/:sid/messages/:mid';

/** Who may use which route. Each takes no other methods than these. */
const rules: Record<string, Record<string, Access>> = {
  '/sessions/:sid': { GET: 'list', HEAD: 'list', DELETE: 'admin' },
  [message]: { GET: 'read', HEAD: 'read', DELETE: 'admin' },
  [`${message}/events`]: { GET: 'read', HEAD: 'read', POST: 'append' },
  [`${message}/stop`]: { POST: 'stop' },
  [`${message}/lease`]: { POST: 'append' },
  [`${message}/stream`]: { GET: 'read', HEAD: 'read' },
  [`${message}/inputs`]: { GET: 'readInputs', HEAD: 'readInputs', POST: 'input' },
  [`${message}/inputs/stream`]: { GET: 'readInputs', HEAD: 'readInputs' },
  '/ai-sdk/sessions/:sid/stream': { GET: 'read', HEAD: 'read' },
  '/metrics': { GET: 'metrics', HEAD: 'metrics' },
  '/healthz': { GET: 'public', HEAD: 'public' },
  '/readyz': { GET: 'public', HEAD: 'public' },
  '/': { GET: 'public', HEAD: 'public' },
  '/openapi.json': { GET: 'public', HEAD: 'public' },
  '/docs': { GET: 'public', HEAD: 'public' },
  '/docs/:file': { GET: 'public', HEAD: 'public' },
  '/inspector': { GET: 'public', HEAD: 'public' },
  '/inspector/:file': { GET: 'public', HEAD: 'public' },
};

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const keys = Object.fromEntries(scopes.map((scope) => [scope, makeKey(scope)])) as Record<
  Scope,
  TestKey
>;
const strange = makeKey(...scopes);

/** Keys with all scopes but these, by their names. */
const others = new Map(
  Object.values(accessRules).map(({ scopes: taken }) => [
    taken.join(' or '),
    makeKey(...scopes.filter((scope) => !(taken as readonly Scope[]).includes(scope))),
  ]),
);
const apiKeys = [...Object.values(keys), ...others.values()].map(({ key }) => key);
const wrong = { authorization: `${keys.read.headers.authorization.slice(0, -4)}AAAA` };

const cases = Object.entries(rules).flatMap(([route, taken]) =>
  methods.map((method) => ({ route, method, access: taken[method] ?? null })),
);
const guarded = cases.flatMap(({ access, ...rest }) =>
  access === null || access === 'public'
    ? []
    : [{ ...rest, scope: accessRules[access].scopes.join(' or ') }],
);
const unguarded = cases.filter(({ access }) => access === null || access === 'public');

describeApp('The API key check', { auth: { apiKeys } }, (source) => {
  /** One request, with the stream of another test so that nothing but its key matters. */
  async function send(
    route: string,
    method: string,
    headers: Record<string, string> = {},
    id = 'keys',
  ) {
    const path = route.replace(':sid', id).replace(':mid', id).replace(':file', 'icon.svg');
    const abort = new AbortController();
    const response = await fetch(source.app.url + path, {
      method,
      headers: method === 'POST' ? { 'content-type': 'application/json', ...headers } : headers,
      body: method === 'POST' ? '{"type":"answer"}' : null,
      signal: abort.signal,
    });
    const isProblem = response.headers.get('content-type')?.includes('problem') === true;
    const problem = isProblem && method !== 'HEAD' ? await response.json() : null;
    abort.abort(); // a feed would stay open
    return { status: response.status, headers: response.headers, problem };
  }

  it.each(guarded)('lets $method $route through only with a key of scope $scope', async (one) => {
    const { route, method, scope } = one;
    for (const headers of [{}, wrong, strange.headers, { authorization: 'Bearer x' }]) {
      const rejected = await send(route, method, headers);
      expect(rejected.status).toBe(401);
      expect(rejected.headers.get('www-authenticate')).toBe('Bearer');
      if (method !== 'HEAD') expect(rejected.problem).toMatchObject({ code: 'unauthorized' });
    }
    const forbidden = await send(route, method, others.get(scope)?.headers);
    expect(forbidden.status).toBe(403);
    if (method !== 'HEAD') expect(forbidden.problem).toMatchObject({ code: 'forbidden' });
    // A stream of its own: another test may have deleted the one that all share.
    const id = `keys-${method}`;
    await send(`${message}/events`, 'POST', keys.append.headers, id);
    for (const each of scope.split(' or ') as Scope[]) {
      const taken = await send(route, method, keys[each].headers, id);
      expect([401, 403, 404, 405]).not.toContain(taken.status);
    }
  });

  it.each(unguarded)('asks for no key at $method $route', async ({ route, method, access }) => {
    for (const headers of [{}, wrong, keys.read.headers]) {
      const { status } = await send(route, method, headers);
      expect(status).toBe(access === null ? 405 : 200);
    }
  });

  it('is tested for each route of the service', () => {
    expect(routePaths(source.app.app).sort()).toEqual(Object.keys(rules).sort());
  });

  it.each([
    ['an unknown route', '/sessions', 404],
    ['an unknown route below a stream', '/sessions/s/messages/m/secrets', 404],
    ['a path that cannot be decoded', '/sessions/%zz/messages/m', 400],
  ])('asks for no key at %s, whose response tells nothing of a stream', async (_, path, status) => {
    for (const headers of [{}, wrong]) {
      const response = await fetch(source.app.url + path, { headers });
      expect(response.status).toBe(status);
    }
  });

  it.each([
    ['encoded letters', '/%73essions/s/messages/m/%65vents'],
    ['an encoded route of a public name', '/sessions/s/messages/%68ealthz'],
    ['a query', '/sessions/s/messages/m/events?/healthz'],
    ['a fragment', '/sessions/s/messages/m/events#/healthz'],
    ['an absolute form', 'http://localhost/sessions/s/messages/m/events'],
    ['an id that is none', '/sessions/s/messages/a:b'],
    ['an empty id', '/sessions//messages/m'],
  ])('cannot be bypassed by %s', async (_, path) => {
    expect(await statusLine(`GET ${path} HTTP/1.1`)).toMatch(/ 401 /);
  });

  it.each(['/healthz/../sessions/s/messages/m', '//sessions/s/messages/m', '/healthz%2f..'])(
    'cannot be bypassed by %s, which is no route',
    async (path) => {
      expect(await statusLine(`GET ${path} HTTP/1.1`)).toMatch(/ 404 /);
    },
  );

  it.each(['TRACE', 'PROPFIND', 'SEARCH', 'LOCK'])('cannot be bypassed by %s', async (method) => {
    const line = await statusLine(`${method} /sessions/s/messages/m/events HTTP/1.1`);
    expect(line).toMatch(/ 405 /);
  });

  it('cannot be bypassed by a header that names another method or path', async () => {
    const headers = { 'x-http-method-override': 'GET', 'x-original-url': '/healthz' };
    expect((await send(message, 'GET', headers)).status).toBe(401);
  });

  it('comes before the body is read', async () => {
    const head =
      'POST /sessions/s/messages/m/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n' +
      'content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{';
    const response = await rawBytes(source.app.url, head);
    expect(response).toMatch(/^HTTP\/1.1 401 /);
  });

  it('comes before the checks of media type, encoding and size of a body', async () => {
    const one = source.stream();
    for (const headers of [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }]) {
      expect((await postText(one.eventsUrl, 'x', headers)).status).toBe(401);
    }
    expect((await postText(one.eventsUrl, 'x'.repeat(9 * 1024 ** 2))).status).toBe(401);
  });

  it('rejects an append with stored: 0, and nothing of it is stored', async () => {
    const one = source.stream();
    for (const headers of [{}, others.get('append')?.headers]) {
      const { body } = await one.post({ type: 'answer' }, headers);
      expect(body).toMatchObject({ stored: 0, instance: new URL(one.eventsUrl).pathname });
    }
    expect((await fetch(one.url, { headers: keys.read.headers })).status).toBe(404);
  });

  it('gives a client without a key the same response for every stream', async () => {
    const [known, unknown] = [source.stream(), source.stream()];
    await known.post({ type: 'answer' }, keys.append.headers);
    const responses = [known, unknown].map(async ({ url }) => {
      const problem = (await (await fetch(url)).json()) as object;
      return { ...problem, instance: null };
    });
    expect(await responses[0]).toEqual(await responses[1]);
  });

  it('applies to a feed too, also when it resumes', async () => {
    const one = source.stream();
    await one.post([{ type: 'answer' }, { type: 'answer' }], keys.append.headers);
    const feed = await one.feed('', keys.read.headers);
    await feed.frameCount(2);
    feed.drop();
    const id = feed.frames[0]?.id as string;
    expect((await one.feed('', { 'last-event-id': id })).status).toBe(401);
    const again = await one.feed('', { 'last-event-id': id, ...keys.read.headers });
    await again.frameCount(1);
    again.drop();
  });

  async function statusLine(requestLine: string): Promise<string> {
    const text = `${requestLine}\r\nhost: x\r\nconnection: close\r\n\r\n`;
    return (await rawBytes(source.app.url, text)).split('\r\n', 1)[0] as string;
  }
});

describeApp('A service without API keys', {}, ({ stream }) => {
  it('serves every route, whatever the Authorization header says', async () => {
    const one = stream();
    for (const headers of [{}, wrong]) {
      expect((await one.post({ type: 'answer' }, headers)).status).toBe(201);
      expect((await fetch(one.url, { headers })).status).toBe(200);
    }
  });
});

describe('Registering a route that does not state its access', () => {
  it.each([[[]], [apiKeys]])('ends the start of the service', async (configured) => {
    const streams = await memoryBackend.create();
    const app = await buildTestApp(streams, { auth: { apiKeys: configured } });
    const handler = async () => 'secret';
    expect(() => app.get('/new', handler)).toThrow(/GET \/new does not say who may use it/);
    expect(() => app.get('/new', { config: {} }, handler)).toThrow(/does not say who may use it/);
    app.get('/new', { config: { access: 'public' } }, handler);
    await app.close();
    await streams.close();
  });
});

describe('A route registered before the access rule', () => {
  it('rejects every client', async () => {
    const app = fastify();
    useProblems(app);
    app.get('/early', async () => 'secret');
    requireAccess(app, { keys: apiKeys, verifier: null, origins: new Origins([]) });
    const statusWith = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/early', headers })).statusCode;
    expect(await statusWith({})).toBe(401);
    expect(await statusWith(keys.admin.headers)).toBe(403);
  });
});
