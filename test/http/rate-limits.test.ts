import { once } from 'node:events';
import { connect } from 'node:net';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { limitRates, rejectOverRate } from '../../src/http/hooks/rate-limits.js';
import { useProblems } from '../../src/http/problems/error-handler.js';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { waitFor } from '../support/wait-for.js';

/** That many requests a second are ten times as many in a window. */
const perSecond = 1;
const perWindow = 10;

/** The clock by which windows end stands still, that none ends because the machine is slow. */
beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterAll(() => {
  vi.useRealTimers();
});

type Headers = Record<string, string>;

/** The statuses of that many appends, one after another. */
async function appends(one: TestStream, count: number, headers: Headers = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1) {
    statuses.push((await one.post({ type: 'answer' }, headers)).status);
  }
  return statuses;
}

/** Uses all that a client has. */
async function exhaust(one: TestStream, headers: Headers = {}): Promise<void> {
  const statuses = await appends(one, perWindow, headers);
  expect(statuses).toEqual(statuses.map(() => 201));
}

const onAppends = { rates: { appendsPerAddress: perSecond } };
describeApp('A rate limit on the appends of an address', onAppends, (source) => {
  it('rejects those beyond it with 429 and Retry-After, and stores nothing of them', async () => {
    const one = source.stream();
    await exhaust(one);
    const { status, headers, body } = await one.post([{ type: 'answer' }, { type: 'answer' }]);
    expect([status, body.code, body.stored]).toEqual([429, 'rate_limited', 0]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(10);
    const stored = await (await fetch(one.url)).json();
    expect(stored).toMatchObject({ nextOffset: perWindow });
  });

  it('ignores X-Forwarded-For', async () => {
    const spoofed = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' };
    expect(await appends(source.stream(), 2, spoofed)).toEqual([429, 429]);
  });

  it('applies to appends and to stops, which append too', async () => {
    const one = source.stream();
    for (let index = 0; index < 2 * perWindow; index += 1) {
      expect((await fetch(one.eventsUrl)).status).toBe(200);
    }
    const stop = await fetch(`${one.url}/stop`, { method: 'POST' });
    expect([stop.status, await stop.json()]).toMatchObject([429, { stored: 0 }]);
    expect((await fetch(one.url, { method: 'DELETE' })).status).toBe(204);
  });
});

describeApp('A rate limit on the appends of an address, with NDJSON', onAppends, (source) => {
  it('counts a request once, however many events it has', async () => {
    const one = source.stream();
    const lines = '{"type":"answer"}\n'.repeat(1000);
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const send = () => fetch(one.eventsUrl, { method: 'POST', headers: ndjson, body: lines });
    for (let index = 0; index < perWindow; index += 1) expect((await send()).status).toBe(201);
    expect((await send()).status).toBe(429);
  });
});

/** What proxies and clients write of one client, each beside what stands for another. */
const spellings: readonly [what: string, same: readonly string[], other: string][] = [
  [
    'an IPv4 address with or without a port',
    ['203.0.113.8', '203.0.113.8:40001', '203.0.113.8:40002', '"203.0.113.8:40003"'],
    '203.0.113.9:40001',
  ],
  [
    'an IPv4 address that is mapped to IPv6',
    [
      '198.51.100.7',
      '::ffff:198.51.100.7',
      '[::FFFF:c633:6407]:443',
      '0:0:0:0:0:ffff:198.51.100.7',
    ],
    '::ffff:198.51.100.8',
  ],
  [
    'an IPv6 network with or without brackets, a port or a zone',
    [
      '2001:db8:7::1',
      '[2001:db8:7::2]',
      '[2001:DB8:7::3]:443',
      '"[2001:db8:7::4]:5"',
      '2001:db8:7::5%eth0',
    ],
    '[2001:db8:8::1]:443',
  ],
  [
    'what is behind a trusted proxy that has a port itself',
    ['203.0.113.20', '203.0.113.20, 127.0.0.2:4000', '203.0.113.20:1, [::ffff:127.0.0.3]:5'],
    '203.0.113.21, 127.0.0.2:4000',
  ],
  [
    'what a client wrote itself before its address',
    [
      '203.0.113.30',
      'junk, 203.0.113.30',
      '203.0.113.31, 203.0.113.30:7',
      '"127.0.0.1, 203.0.113.30:8',
    ],
    '203.0.113.31',
  ],
  [
    'what is no address, as the proxy itself',
    [
      ...['', ',', 'unknown', '_hidden', 'junk', 'junk2', '203.0.113.8:', '203.0.113.8:99999x'],
      ...['[2001:db8::1', '2001:db8::1]:4', '1', '0x7f.1', 'é', '203.0.113.8 203.0.113.9'],
      'a.example:80',
    ],
    '203.0.113.50',
  ],
];

const behindProxy = { ...onAppends, server: { trustProxy: ['127.0.0.0/8'] } };
describeApp('A rate limit behind a trusted proxy', behindProxy, (source) => {
  it('applies to the client that the proxy names', async () => {
    const one = source.stream();
    await exhaust(one, { 'x-forwarded-for': '192.0.2.1' });
    expect(await appends(one, 1, { 'x-forwarded-for': '192.0.2.1' })).toEqual([429]);
    expect(await appends(one, 1, { 'x-forwarded-for': '192.0.2.2' })).toEqual([201]);
  });

  it('cannot be bypassed by an address that the client wrote', async () => {
    const one = source.stream();
    await exhaust(one, { 'x-forwarded-for': '192.0.2.3' });
    for (const invented of ['198.51.100.1', '198.51.100.2', 'x', '127.0.0.1']) {
      const passedOn = { 'x-forwarded-for': `${invented}, 192.0.2.3` };
      expect(await appends(one, 1, passedOn)).toEqual([429]);
    }
  });

  it('applies to a whole network where IPv6 gives each client one', async () => {
    const one = source.stream();
    await exhaust(one, { 'x-forwarded-for': '2001:db8:1:2::1' });
    expect(await appends(one, 1, { 'x-forwarded-for': '2001:db8:1:2::2' })).toEqual([429]);
    expect(await appends(one, 1, { 'x-forwarded-for': '2001:db8:1:3::1' })).toEqual([201]);
  });

  it.each(spellings)('counts as one client %s', async (_what, same, other) => {
    const one = source.stream();
    const from = (address: string) => appends(one, 1, { 'x-forwarded-for': address });
    const statuses: number[] = [];
    for (let index = 0; index < perWindow; index += 1) {
      statuses.push(...(await from(same[index % same.length] as string)));
    }
    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const address of same) expect([address, ...(await from(address))]).toEqual([address, 429]);
    expect(await from(other)).toEqual([201]);
  });
});

const elsewhere = { ...behindProxy, server: { trustProxy: ['10.0.0.1'] } };

describeApp('A rate limit where the trusted proxy is another one', elsewhere, (source) => {
  it('ignores the address from any other peer', async () => {
    const one = source.stream();
    await exhaust(one);
    expect(await appends(one, 1, { 'x-forwarded-for': '192.0.2.1' })).toEqual([429]);
  });
});

const keys = [makeKey('append', 'read'), makeKey('append', 'read')] as const;
const withKeys = {
  rates: { appendsPerKey: perSecond, feedsPerKey: perSecond },
  auth: { apiKeys: keys.map(({ key }) => key) },
};

describeApp('A rate limit on the requests of a key', withKeys, (source) => {
  it('applies to each key separately', async () => {
    const one = source.stream();
    await exhaust(one, keys[0].headers);
    expect(await appends(one, 1, keys[0].headers)).toEqual([429]);
    expect(await appends(one, 1, keys[1].headers)).toEqual([201]);
  });

  it('counts no request with a wrong secret', async () => {
    const one = source.stream();
    const guessed = { authorization: `${keys[1].headers.authorization.slice(0, -4)}AAAA` };
    expect(new Set(await appends(one, 2 * perWindow, guessed))).toEqual(new Set([401]));
    expect(await appends(one, 1, keys[1].headers)).toEqual([201]);
  });

  it('applies to feeds and to appends separately', async () => {
    const one = source.stream();
    for (let index = 0; index < perWindow; index += 1) {
      const feed = await one.feed('', keys[0].headers);
      expect(feed.response.headers['stream-refused']).toBeUndefined();
      feed.drop();
    }
    const feed = await one.feed('', keys[0].headers);
    expect(feed.response.headers['stream-refused']).toBe('rate_limited');
  });
});

const onFeeds = { rates: { feedsPerAddress: perSecond } };
describeApp('A rate limit on the feeds of an address', onFeeds, (source) => {
  it('responds to EventSource with a 200 and a retry time', async () => {
    const one = source.stream();
    for (let index = 0; index < perWindow; index += 1) (await one.feed()).drop();
    const rejected = await one.feed();
    await rejected.end();
    expect(rejected.status).toBe(200);
    expect(rejected.response.headers['stream-refused']).toBe('rate_limited');
    expect(rejected.comments).toEqual(['refused: rate_limited']);
    expect(rejected.retryMs).toBeGreaterThanOrEqual(1000);
    expect(rejected.retryMs).toBeLessThanOrEqual(10_000);
    const head = await fetch(`${one.url}/stream`, { method: 'HEAD' });
    expect([head.status, head.headers.get('stream-refused')]).toEqual([200, 'rate_limited']);
  });
});

const onlyAppends = { appendsPerKey: 0, feedsPerKey: 0, feedsPerAddress: 0 };

describe('A rate limit', () => {
  /** One route with the limit of that many requests in a window. */
  async function limited(appendsPerAddress: number, windowMs: number) {
    const app = fastify();
    onTestFinished(() => app.close());
    useProblems(app);
    const rates = await limitRates(app, { ...onlyAppends, appendsPerAddress }, windowMs);
    app.post('/', { onRequest: rejectOverRate(rates.appends) }, async () => 'ok');
    return async () => (await app.inject({ method: 'POST', url: '/' })).statusCode;
  }

  it('lets a client continue when the time is over', async () => {
    const request = await limited(2, 1000);
    expect([await request(), await request()]).toEqual([200, 200]);
    vi.setSystemTime(Date.now() + 900);
    expect(await request()).toBe(429);
    vi.setSystemTime(Date.now() + 1100);
    expect(await request()).toBe(200);
  });

  it('counts a request whose client has left meanwhile, by its address at the time', async () => {
    const app = fastify();
    onTestFinished(() => app.close());
    useProblems(app);
    let came = 0;
    let counted = 0;
    app.addHook('onRequest', async ({ headers, raw }) => {
      if (headers['x-leaves'] === undefined) return;
      came += 1;
      await once(raw.socket, 'close');
    });
    const rates = await limitRates(app, { ...onlyAppends, appendsPerAddress: perSecond });
    const count = async () => {
      counted += 1;
    };
    app.post('/', { onRequest: [...rejectOverRate(rates.appends), count] }, async () => 'ok');
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    for (let index = 1; index <= perWindow; index += 1) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nhost: x\r\nx-leaves: yes\r\ncontent-length: 0\r\n\r\n');
      await waitFor('it has come', () => came === index);
      socket.destroy();
      await waitFor('it is counted', () => counted === index);
    }
    expect((await fetch(url, { method: 'POST' })).status).toBe(429);
  });

  it('is off when it is 0', async () => {
    const app = fastify();
    const none = await limitRates(app, { ...onlyAppends, appendsPerAddress: 0 });
    expect(none).toEqual({ appends: null, feeds: null });
    expect(app.hasDecorator('createRateLimit')).toBe(false);
  });
});
