import { once } from 'node:events';
import { type IncomingMessage, METHODS, request as sendRequest } from 'node:http';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.js';
import { memoryBackend } from '../support/backends.js';
import { JwksServer } from '../support/jwks-server.js';
import { makeKey } from '../support/keys.js';
import { startApp, type TestAppOptions } from '../support/test-app.js';
import { readerOptions, sign } from '../support/tokens.js';
import { eventsUrl, post } from '../support/worker.js';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly code?: string;
}

/** As pino numbers it. */
const info = 30;

const all = makeKey('append', 'read', 'admin');
const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** A service whose log is kept, over a store that may be away. */
async function startLogged(options: TestAppOptions, { isAway = false } = {}) {
  const lines: Line[] = [];
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    lines.push(JSON.parse(chunk.toString()));
    done();
  };
  const streams = await memoryBackend.create();
  closings.push(() => streams.close());
  const away = new ServiceError('backend_unavailable', 'the store is away');
  if (isAway) streams.ping = () => Promise.reject(away);
  const logger = pino({ level: 'debug' }, new Writable({ write }));
  const app = await startApp(streams, { ...options, logger });
  closings.push(() => app.close());
  const told = () => lines.filter(({ level, msg }) => level >= info && !msg.includes('listening'));
  return { url: app.url, lines, told };
}

const requests = 20;

/** The status of one request with any method, and with nothing that it does not need. */
async function statusOf(url: string, method: string, headers: object): Promise<number> {
  const sent = sendRequest(url, { method, headers: { ...headers }, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode as number;
}

/** The statuses of as many requests, which are all the same. */
async function repeat(url: string, headers: Record<string, string> = {}): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let count = 0; count < requests; count += 1) {
    const response = await fetch(url, { headers });
    await response.text();
    statuses.add(response.status);
  }
  return statuses;
}

describe('The log at level info', () => {
  async function withProvider() {
    const provider = await JwksServer.start();
    closings.push(() => provider.stop());
    const reader = readerOptions({ secrets: [], jwksUrl: provider.url });
    const logged = await startLogged({ auth: { apiKeys: [all.key], reader } });
    return { provider, ...logged };
  }

  it('has no line for tokens that name an unknown key', async () => {
    const { provider, url, lines, told } = await withProvider();
    const good = await provider.sign({ sid: 's', scope: 'read' });
    await fetch(`${url}/sessions/s`, { headers: { authorization: `Bearer ${good}` } });
    const forged = await provider.sign({ sid: 's', scope: 'read' }, 'made-up');
    const headers = { authorization: `Bearer ${forged}` };
    expect(await repeat(`${url}/sessions/s`, headers)).toEqual(new Set([503]));
    expect(told()).toEqual([]);
    expect(lines.filter(({ code }) => code === 'backend_unavailable')).toHaveLength(requests);
  });

  it('has one line for an identity provider that is down, however many tokens arrive', async () => {
    const { provider, url, told } = await withProvider();
    provider.failure = { status: 500, body: '' };
    const token = await provider.sign({ sid: 's', scope: 'read' });
    const headers = { authorization: `Bearer ${token}` };
    expect(await repeat(`${url}/sessions/s`, headers)).toEqual(new Set([503]));
    expect(told().map(({ msg }) => msg)).toEqual([
      'The keys of reader tokens could not be fetched',
    ]);
  });

  it('has no line for clients without a key that ask whether the service is ready', async () => {
    const logged = await startLogged({ auth: { apiKeys: [all.key] } }, { isAway: true });
    expect(await repeat(`${logged.url}/readyz`)).toEqual(new Set([503]));
    expect(logged.told()).toEqual([]);
  });

  it('has no line for rejected keys, tokens, paths, methods and hosts', async () => {
    const auth = { apiKeys: [all.key], reader: readerOptions() };
    const { url, told } = await startLogged({ auth });
    const token = await sign({ sid: 's', scope: 'read', exp: 1 });
    for (const path of ['/sessions/s', '/sessions/%zz', '/unknown', '/metrics']) {
      const tokens = ['', `Bearer ${token}`, 'Bearer a.b', all.headers.authorization];
      for (const authorization of tokens) {
        await repeat(`${url}${path}`, authorization === '' ? {} : { authorization });
      }
    }
    expect(told()).toEqual([]);
  });

  it.each([
    ['/unknown', 404],
    ['/unknown/%41', 404],
    ['/healthz', 405],
    ['/sessions/s/messages/m/stream', 405],
    ['/inspector/main.js', 405],
  ])('has no line for an unsupported method on %s', async (path, status) => {
    const { url, told } = await startLogged({});
    const known = ['CONNECT', 'GET', 'HEAD'];
    for (const headers of [{}, { 'content-type': 'x' }, { 'content-type': 'application/json' }]) {
      for (const method of METHODS.filter((name) => !known.includes(name))) {
        expect([method, await statusOf(`${url}${path}`, method, headers)]).toEqual([
          method,
          status,
        ]);
      }
    }
    expect(told()).toEqual([]);
  });

  it('has no line for AI SDK feeds beyond a limit, which are counted', async () => {
    const { url, told } = await startLogged({ feed: { maxFeeds: 0 } });
    await post(eventsUrl(url, 's', 'm'), { type: 'answer' });
    expect(await repeat(`${url}/ai-sdk/sessions/s/stream`)).toEqual(new Set([503]));
    expect(told()).toEqual([]);
  });

  it('has a line for an authorized request that cannot be served', async () => {
    const { url, told } = await startLogged({}, { isAway: true });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(told()).toMatchObject([{ level: 40, code: 'backend_unavailable' }]);
  });
});
