import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { rawRequest } from '../support/raw-http.js';
import {
  bring,
  places,
  readerOptions,
  secondsFromNow,
  sign,
  type TokenPlace,
} from '../support/tokens.js';

const all = makeKey('append', 'read', 'admin');
const reader = readerOptions();

const message = '/sessions/:sid/messages/:mid';

/** Everything that a request can ask of a stream and its session. */
const routes = [
  { name: 'read', method: 'GET', path: `${message}/events`, right: 'read' },
  { name: 'read as HEAD', method: 'HEAD', path: `${message}/events`, right: 'read' },
  { name: 'waiting read', method: 'GET', path: `${message}/events?wait=0`, right: 'read' },
  { name: 'feed', method: 'GET', path: `${message}/stream`, right: 'read' },
  { name: 'feed as HEAD', method: 'HEAD', path: `${message}/stream`, right: 'read' },
  { name: 'status', method: 'GET', path: message, right: 'read' },
  { name: 'status as HEAD', method: 'HEAD', path: message, right: 'read' },
  { name: 'stop', method: 'POST', path: `${message}/stop`, right: 'stop' },
  { name: 'list', method: 'GET', path: '/sessions/:sid', right: 'list' },
  { name: 'chat', method: 'GET', path: '/ai-sdk/sessions/:sid/stream', right: 'list' },
  { name: 'chat as HEAD', method: 'HEAD', path: '/ai-sdk/sessions/:sid/stream', right: 'list' },
  { name: 'list as HEAD', method: 'HEAD', path: '/sessions/:sid', right: 'list' },
  { name: 'append', method: 'POST', path: `${message}/events`, right: null },
  { name: 'lease', method: 'POST', path: `${message}/lease`, right: null },
  { name: 'delete', method: 'DELETE', path: message, right: null },
  { name: 'delete of the session', method: 'DELETE', path: '/sessions/:sid', right: null },
  { name: 'metrics', method: 'GET', path: '/metrics', right: null },
] as const;

type Route = (typeof routes)[number];

/** What tokens are for, and what they open: of their own stream, and of another in its session. */
const grants = [
  { name: 'a stream', hasMid: true, scope: 'read', own: ['read'], sibling: [] },
  {
    name: 'a stream, with stop',
    hasMid: true,
    scope: 'read stop',
    own: ['read', 'stop'],
    sibling: [],
  },
  {
    name: 'a session',
    hasMid: false,
    scope: 'read',
    own: ['read', 'list'],
    sibling: ['read', 'list'],
  },
  {
    name: 'a session, with stop',
    hasMid: false,
    scope: 'read stop',
    own: ['read', 'stop', 'list'],
    sibling: ['read', 'stop', 'list'],
  },
] as const;

const cases = grants.flatMap((grant) =>
  places.flatMap((place) => routes.map((route) => ({ grant, place, route }))),
);

describeApp('A reader token', { auth: { apiKeys: [all.key], reader } }, (source) => {
  /** The page of the service's own origin, as a cookie is good for a stop from there only. */
  async function ask(one: TestStream, route: Route, token: string, place: TokenPlace) {
    const { headers, query } = bring(token, place);
    const url = new URL(route.path.replace(':sid', one.sid).replace(':mid', one.mid), one.app.url);
    url.search = [url.search.slice(1), query.slice(1)].filter((part) => part !== '').join('&');
    const abort = new AbortController();
    const response = await fetch(url, {
      method: route.method,
      headers: { ...headers, 'sec-fetch-site': 'same-origin' },
      signal: abort.signal,
    });
    const isProblem = response.headers.get('content-type')?.includes('problem') === true;
    const problem = isProblem && route.method !== 'HEAD' ? await response.json() : null;
    abort.abort(); // a feed would stay open
    return { status: response.status, headers: response.headers, problem };
  }

  async function begun(): Promise<TestStream> {
    const one = source.stream();
    await one.post({ type: 'answer' }, all.headers);
    return one;
  }

  it.each(cases)(
    'with $grant.name, in the $place, at $route.name gets the documented status',
    async (one) => {
      const { grant, place, route } = one;
      const [own, sibling] = [await begun(), await begun()];
      const token = await sign({
        sid: own.sid,
        ...(grant.hasMid && { mid: own.mid }),
        scope: grant.scope,
      });
      for (const [where, opens] of [[own, grant.own] as const, [sibling, grant.sibling] as const]) {
        const isOpen = (opens as readonly (string | null)[]).includes(route.right);
        const response = await ask(where, route, token, place);
        expect(response.status).toBe(isOpen ? 200 : 403);
        expect(response.headers.get('cache-control')).toContain('no-store');
        expect(response.headers.get('referrer-policy')).toBe('no-referrer');
        expect(response.headers.get('www-authenticate')).toBeNull();
        if (!isOpen && route.method !== 'HEAD') {
          expect(response.problem).toMatchObject({
            code: 'forbidden',
            detail: 'the token does not allow this',
          });
        }
      }
      const stranger = await sign({ sid: `${own.sid}x`, scope: 'read stop' });
      expect((await ask(own, route, stranger, place)).status).toBe(403);
    },
  );

  it.each(places.flatMap((place) => routes.map((route) => ({ place, route }))))(
    'that is invalid, in the $place, is rejected by $route.name with a reason',
    async ({ place, route }) => {
      const one = source.stream();
      const claims = { sid: one.sid, scope: 'read stop' };
      const bad: [token: string, reason: RegExp][] = [
        [await sign({ ...claims, exp: secondsFromNow(-60) }), /has expired/],
        [await sign(claims, { key: 'x'.repeat(32) }), /signature is invalid/],
        [await sign({ ...claims, sid: 7 }), /claim sid is missing or malformed/],
        ['a.b.c', /not a JWT/],
      ];
      for (const [token, reason] of bad) {
        const response = await ask(one, route, token, place);
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expect(response.headers.get('cache-control')).toBe('no-store');
        if (route.method === 'HEAD') continue;
        expect(response.problem).toMatchObject({
          code: 'unauthorized',
          detail: expect.stringMatching(reason),
        });
        expect(JSON.stringify(response.problem)).not.toContain(token);
      }
    },
  );

  it('is taken from Authorization, then from the cookie, then from the query; the first counts', async () => {
    const one = await begun();
    const good = await sign({ sid: one.sid, scope: 'read' });
    const statusWith = async (headers: Record<string, string>, query = '') =>
      (await fetch(one.url + query, { headers })).status;
    const inHeader = (token: string) => ({ authorization: `Bearer ${token}` });
    const inCookie = (token: string) => ({ cookie: `a=b; rejoin_token=${token};c=d` });
    expect(await statusWith({ ...inHeader('a.b.c'), ...inCookie(good) }, `?token=${good}`)).toBe(
      401,
    );
    expect(await statusWith({ ...inHeader(good), ...inCookie('a.b.c') }, '?token=a.b.c')).toBe(200);
    expect(await statusWith(inCookie('a.b.c'), `?token=${good}`)).toBe(401);
    expect(await statusWith(inCookie(good), '?token=a.b.c')).toBe(200);
    expect(await statusWith({ authorization: `Basic ${good}` }, `?token=${good}`)).toBe(401);
    expect(await statusWith({ authorization: '' }, `?token=${good}`)).toBe(401);
  });

  it('is missing when its place is empty, or has another name', async () => {
    const one = await begun();
    const good = await sign({ sid: one.sid, scope: 'read' });
    const nothing: [Record<string, string>, string][] = [
      [{}, ''],
      [{ cookie: 'rejoin_token=' }, '?token='],
      [{ cookie: `xrejoin_token=${good}; rejoin_token2=${good}; rejoin_token` }, ''],
      [{ cookie: `REJOIN_TOKEN=${good}` }, `?Token=${good}`],
    ];
    for (const [headers, query] of nothing) {
      const response = await fetch(one.url + query, { headers });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        detail: expect.stringMatching(/needs a token, or a key/),
      });
    }
    expect(
      (await fetch(`${one.url}?token=${good}`, { headers: { cookie: 'rejoin_token=' } })).status,
    ).toBe(200);
  });

  it('is ignored when one place has two, which is ambiguous', async () => {
    const one = await begun();
    const good = await sign({ sid: one.sid, scope: 'read' });
    const two: [Record<string, string>, string][] = [
      [{ authorization: `Bearer ${good}, Bearer ${good}` }, ''],
      [{ cookie: `rejoin_token=${good}; rejoin_token=${good}` }, ''],
      [{}, `?token=${good}&token=${good}`],
    ];
    for (const [headers, query] of two) {
      expect((await fetch(one.url + query, { headers })).status).toBe(401);
    }
  });

  it('is rejected, and so is a key, when Authorization is given twice', async () => {
    const one = await begun();
    const token = `Bearer ${await sign({ sid: one.sid, scope: 'read' })}`;
    const key = all.headers.authorization;
    const { pathname } = new URL(one.url);
    for (const pair of [
      [token, 'Bearer a.b.c'],
      [token, token],
      [key, token],
      [token, key],
    ]) {
      const lines = pair.map((value) => `authorization: ${value}\r\n`).join('');
      const response = await rawRequest(one.app.url, pathname, '1.1', lines);
      expect(response).toMatch(/^HTTP\/1\.1 401 .*"code":"unauthorized"/s);
    }
  });

  it('is not verified where none is needed, and a key is no token', async () => {
    const one = await begun();
    for (const path of ['/healthz', '/readyz', '/docs', '/inspector', '/openapi.json']) {
      expect((await fetch(`${one.app.url}${path}?token=a.b.c`)).status).toBe(200);
    }
    expect((await fetch(`${one.app.url}/unknown?token=a.b.c`)).status).toBe(404);
    expect((await fetch(`${one.url}?token=${all.token}`)).status).toBe(401);
    const cookie = `rejoin_token=${all.token}`;
    expect((await fetch(one.url, { headers: { cookie } })).status).toBe(401);
    expect((await fetch(one.url, { headers: all.headers })).status).toBe(200);
  });

  it('does not reveal to its holder whether other streams exist', async () => {
    const [known, unknown] = [await begun(), source.stream()];
    const token = await sign({ sid: 'elsewhere', scope: 'read stop' });
    const responses = [known, unknown].map(async ({ url }) => {
      const problem = (await (await fetch(`${url}?token=${token}`)).json()) as object;
      return { ...problem, instance: null };
    });
    expect(await responses[0]).toEqual(await responses[1]);
  });

  it('does not change what API keys may do', async () => {
    const one = source.stream();
    expect((await one.post({ type: 'answer' }, all.headers)).status).toBe(201);
    const stop = await fetch(`${one.url}/stop`, { method: 'POST', headers: all.headers });
    expect(stop.status).toBe(200);
    const metrics = await fetch(`${one.app.url}/metrics`, { headers: all.headers });
    expect(metrics.status).toBe(200);
  });
});

describeApp('With reader tokens and without API keys', { auth: { reader } }, ({ stream }) => {
  it('readers are verified, and routes that need no token are open, on loopback only', async () => {
    const one = stream();
    expect((await one.post({ type: 'answer' })).status).toBe(201);
    expect((await fetch(`${one.app.url}/metrics`)).status).toBe(200);
    const guarded: [string, RequestInit][] = [
      [one.url, {}],
      [one.eventsUrl, {}],
      [`${one.url}/stream`, {}],
      [one.url.replace(/\/messages.*/, ''), {}],
      [`${one.url}/stop`, { method: 'POST' }],
    ];
    const strange = makeKey('append', 'read', 'admin');
    for (const [url, init] of guarded) {
      expect((await fetch(url, init)).status).toBe(401);
      expect((await fetch(url, { ...init, headers: strange.headers })).status).toBe(401);
    }
    const token = await sign({ sid: one.sid, mid: one.mid, scope: 'read' });
    expect((await fetch(`${one.url}?token=${token}`)).status).toBe(200);
    expect((await fetch(one.url, { method: 'DELETE' })).status).toBe(204);
  });
});

const keysOnly = { auth: { apiKeys: [all.key] } };
describeApp('Without settings for reader tokens', keysOnly, ({ stream }) => {
  it('a token is ignored in any place', async () => {
    const one = stream();
    const token = await sign({ sid: one.sid, scope: 'read' });
    for (const place of places) {
      const { headers, query } = bring(token, place);
      const response = await fetch(one.eventsUrl + query, { headers });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ detail: expect.not.stringMatching(/token/) });
    }
  });
});
