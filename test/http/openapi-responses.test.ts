import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { memoryBackend, redisBackend } from '../support/backends.js';
import {
  type AskOptions,
  DocumentedResponses,
  operationOf,
} from '../support/documented-responses.js';
import { JwksServer } from '../support/jwks-server.js';
import { makeKey } from '../support/keys.js';
import { producerHeaders } from '../support/producers.js';
import { RedisServer } from '../support/redis-server.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/test-app.js';
import { bring, places, readerOptions, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';

/** What no request can bring about: it would be a fault of the service, or of its store. */
const unprovoked = [
  ...['GET events', 'GET inputs', 'GET', 'DELETE', 'GET session', 'GET chat', 'DELETE session'],
  ...['POST lease', 'POST inputs'],
].map((name) => `${operationOf(name)} 500 internal`);

const allScopes = makeKey('append', 'read', 'input', 'admin');
const noScope = {
  append: makeKey('read'),
  read: makeKey('append'),
  input: makeKey('append', 'read'),
  readInputs: makeKey('input'),
  admin: makeKey('append'),
};
const answer = '{"type":"answer"}';
const message = '{"type":"message","id":"i1"}';
const json = { 'content-type': 'application/json' };
const ndjson = { 'content-type': 'application/x-ndjson' };
const numbered = (epoch: number, seq: number, id = 'p') => ({
  ...json,
  ...producerHeaders(seq, epoch, id),
});

/** All routes of one stream and of a session, as the tests name them. */
const onMessage = ['GET', 'DELETE', 'POST stop', 'POST lease'];
const onInputs = ['POST inputs', 'GET inputs', 'GET inputs/stream'];
const streamRoutes = ['POST events', 'GET events', 'GET stream', ...onMessage, ...onInputs];
const feeds = ['GET stream', 'GET inputs/stream'];
const routes = [...streamRoutes, 'GET session', 'GET chat', 'DELETE session', 'GET /metrics'];
const posts = ['POST events', 'POST stop', 'POST lease', 'POST inputs'];
const writes = [...posts, 'DELETE', 'DELETE session'];
const takesBodies = ['POST events', 'POST stop', 'POST inputs'];
const forReaders = [
  ...['GET events', 'GET stream', 'GET', 'GET session', 'GET chat', 'GET inputs'],
  ...['GET inputs/stream', 'POST stop'],
];

describe('Each response in the OpenAPI document', () => {
  const closings: (() => Promise<unknown>)[] = [];
  let responses: DocumentedResponses;
  let app: TestApp;

  beforeAll(async () => {
    app = await start(await memoryBackend.create(), {
      feed: { lingerMs: 0 },
      limits: { eventBytes: 2000, bodyBytes: 4000 },
    });
    responses = await DocumentedResponses.of(app);
  });
  afterAll(async () => {
    for (const close of closings.reverse()) await close();
  });

  async function start(streams: StreamManager, options: TestAppOptions = {}): Promise<TestApp> {
    closings.push(() => streams.close());
    const started = await startApp(streams, options);
    closings.push(() => started.close());
    return started;
  }

  const ask = (where: TestApp, route: string, options?: AskOptions) =>
    responses.ask(where, route, options);

  it('occurs for what exists', async () => {
    for (const path of ['/', '/healthz', '/readyz', '/metrics']) await ask(app, `GET ${path}`);
    await ask(app, 'GET /', { headers: { accept: 'text/html' } });
    for (const route of ['GET events', 'GET session', 'DELETE', 'DELETE session']) {
      await ask(app, route);
    }
    const id = responses.newId();
    await ask(app, 'POST events', { id, headers: numbered(1, 0), body: answer });
    await ask(app, 'POST events', { id, headers: numbered(1, 0), body: answer });
    await ask(app, 'POST events', { id, headers: ndjson, body: `${answer}\n${answer}\n` });
    await ask(app, 'POST events', { id, headers: json, body: `[${answer},${answer}]` });
    await ask(app, 'POST lease', { id, headers: { 'producer-lease': '30' } });
    await ask(app, 'GET events', { id, query: '?offset=1&limit=2' });
    await ask(app, 'GET', { id, query: '?producer=p' });
    await ask(app, 'GET', { id, query: '?producer=nobody' });
    await ask(app, 'GET session', { id });
    await ask(app, 'GET stream', { id, query: '?named=true&compact=true' });
    await ask(app, 'GET chat', { id });
    await ask(app, 'GET chat');
    await ask(app, 'GET stream', { id, query: '?offset=99' });
    await ask(app, 'POST inputs', { id, headers: json, body: message });
    await ask(app, 'POST inputs', { id, headers: json, body: message });
    await ask(app, 'GET inputs', { id });
    await ask(app, 'GET inputs/stream', { id });
    await ask(app, 'POST stop', { id, headers: json, body: '{"reason":"enough"}' });
    await ask(app, 'GET inputs/stream', { id, query: '?offset=1' });
    await ask(app, 'POST stop', { id });
    await ask(app, 'GET stream', { id, query: '?offset=6' });
  });

  it('occurs for an invalid id, query, header and body', async () => {
    for (const route of [...streamRoutes, 'GET session', 'GET chat', 'DELETE session']) {
      await ask(app, route, { id: 'a:b' });
    }
    for (const route of ['GET events', 'GET inputs', ...feeds])
      await ask(app, route, { query: '?offset=-1' });
    for (const route of ['GET events', 'GET inputs']) await ask(app, route, { query: '?limit=0' });
    for (const route of feeds) await ask(app, route, { query: '?named=1' });
    await ask(app, 'GET', { query: '?producer=' });
    const halfNamed = { ...json, 'producer-id': 'p' };
    await ask(app, 'POST events', { headers: halfNamed, body: answer });
    await ask(app, 'POST lease');
    for (const body of ['{}', '{']) await ask(app, 'POST events', { headers: json, body });
    for (const body of ['{"reason":1}', '{']) await ask(app, 'POST stop', { headers: json, body });
    await ask(app, 'POST events', { headers: ndjson, body: `${answer}\n{}\n` });
    const tooLarge = JSON.stringify({ type: 'answer', content: 'x'.repeat(2000) });
    for (const route of ['POST events', 'POST inputs'])
      await ask(app, route, { headers: json, body: tooLarge });
    for (const body of ['{}', '{']) await ask(app, 'POST inputs', { headers: json, body });
  });

  it('occurs for bodies that are too large, too slow, or of another type', async () => {
    const timeouts = { bodyMs: 100, silenceMs: 100 };
    const hasty = await start(await memoryBackend.create(), { timeouts });
    for (const route of takesBodies) {
      await ask(app, route, { headers: json, body: 'x'.repeat(20_000) });
      await ask(app, route, { headers: { 'content-type': 'text/plain' }, body: 'x' });
      await ask(hasty, route, { headers: json, body: silence() });
    }
    await ask(hasty, 'POST events', { headers: ndjson, body: silence() });
  });

  it('occurs for bodies when too many are being read', async () => {
    const small = await start(await memoryBackend.create(), { limits: { bodiesInFlight: 1 } });
    for (const route of takesBodies) {
      // With a charset in quotes, an append is read by the route.
      const headers = { 'content-type': 'application/json; charset="utf-8"' };
      expect(await ask(small, route, { headers, body: answer })).toBe('503 overloaded');
    }
  });

  it('occurs for lines whose stream has gone meanwhile', async () => {
    const store = await memoryBackend.create({ ttlMs: 200 });
    const appends = vi.spyOn(store, 'appendEvents'); // the stream may go before it is seen
    const brief = await start(store);
    const id = responses.newId();
    const url = `${brief.url}/sessions/${id}/messages/${id}`;
    const line = new TextEncoder().encode(`${answer}\n`);
    const isThere = async () => (await fetch(url)).status === 200;
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(line);
        await waitFor(
          'the line is stored',
          () => appends.mock.settledResults[0]?.type === 'fulfilled',
        );
        await waitFor('the stream has expired', async () => !(await isThere()));
        controller.enqueue(line);
      },
    });
    expect(await ask(brief, 'POST events', { id, headers: ndjson, body })).toBe('409 stream_gone');
  });

  it('occurs for what does not exist, is gone, or is not acceptable', async () => {
    await ask(app, 'GET');
    await ask(app, 'POST lease', { headers: { 'producer-lease': '30' } });
    for (const route of ['GET events', 'GET inputs'])
      await ask(app, route, { query: '?offset=1-00000000' });
    await ask(app, 'POST inputs', { headers: json, body: message });
    for (const route of [...feeds, 'GET chat']) {
      await ask(app, route, { headers: { accept: 'application/json' } });
    }
  });

  it('occurs for workers that are too late, too early, or too many', async () => {
    const id = responses.newId();
    const append = (headers: Record<string, string>, body = answer) =>
      ask(app, 'POST events', { id, headers, body });
    await append(numbered(2, 0));
    await append(numbered(1, 0));
    await append(numbered(2, 9));
    const older = { 'producer-id': 'p', 'producer-epoch': '1', 'producer-lease': '30' };
    await ask(app, 'POST lease', { id, headers: older });
    for (let other = 1; other <= 64; other += 1) await append(numbered(1, 0, `p${other}`));
    await append({ ...json, 'inputs-ack-offset': '2' });
    const acknowledgement = { 'producer-lease': '30', 'inputs-ack-offset': '2' };
    await ask(app, 'POST lease', { id, headers: acknowledgement });
    const send = (body: string) => ask(app, 'POST inputs', { id, headers: json, body });
    await send(message);
    expect(await send('{"type":"other","id":"i1"}')).toBe('409 input_conflict');
    const unread = { ...json, 'inputs-ack-offset': '0' };
    await append(unread, '{"type":"complete"}');
    await append(json, '{"type":"complete"}');
    await append(json);
    expect(await send('{"type":"message","id":"i2"}')).toBe('409 stream_ended');
  });

  it('occurs for a full store', async () => {
    const limits = { ...tightLimits, maxSessionStreams: 0 };
    const event = { headers: json, body: answer };
    const sessions = await start(await memoryBackend.create({ limits }));
    expect(await ask(sessions, 'POST events', event)).toBe('409 session_full');
    expect(await ask(sessions, 'POST stop')).toBe('409 session_full');
    const roomy = { ...limits, maxSessionStreams: 1 };
    const tight = await start(await memoryBackend.create({ limits: roomy, maxStreams: 1 }));
    await ask(tight, 'POST events', { id: 'full', ...event });
    expect(await ask(tight, 'POST events', { id: 'full', ...event })).toBe('409 stream_full');
    expect(await ask(tight, 'POST events', event)).toBe('507 store_full');
    expect(await ask(tight, 'POST stop')).toBe('507 store_full');
    const input = { id: 'full', headers: json, body: message };
    expect(await ask(tight, 'POST inputs', input)).toBe('409 inputs_full');
    const wide = { ...roomy, maxStreamInputs: 1 };
    const small = await start(await memoryBackend.create({ limits: wide, maxBytes: 2500 }));
    await ask(small, 'POST events', { id: 'full', ...event });
    expect(await ask(small, 'POST inputs', input)).toBe('507 store_full');
  });

  it('occurs for rate and feed limits', async () => {
    vi.useFakeTimers({ toFake: ['Date'] }); // the time that is counted over does not end
    onTestFinished(() => void vi.useRealTimers());
    const rates = { appendsPerAddress: 0.1, feedsPerAddress: 0.1 };
    const limited = await start(await memoryBackend.create(), { rates });
    const event = { headers: json, body: answer };
    expect(await ask(limited, 'POST events', event)).toBe('201');
    expect(await ask(limited, 'POST events', event)).toBe('429 rate_limited');
    expect(await ask(limited, 'POST stop')).toBe('429 rate_limited');
    expect(await ask(limited, 'POST inputs')).toBe('429 rate_limited');
    for (const rejected of [false, true]) {
      expect(await ask(limited, 'GET stream')).toBe('200');
      expect(responses.provoked.has(rejectedAs('rate_limited'))).toBe(rejected);
    }
    expect(await ask(limited, 'GET inputs/stream')).toBe('200');
    expect(await ask(limited, 'GET chat')).toBe('503 too_many_feeds');
    const few = await start(await memoryBackend.create(), { feed: { maxFeeds: 0 } });
    for (const route of feeds) expect(await ask(few, route)).toBe('200');
    expect(responses.provoked.has(rejectedAs('too_many_feeds'))).toBe(true);
  });

  it('occurs for missing and wrong keys', async () => {
    const keys = [allScopes, ...Object.values(noScope)].map(({ key }) => key);
    const guarded = await start(await memoryBackend.create(), { auth: { apiKeys: keys } });
    for (const route of routes) {
      await ask(guarded, route);
      const needsAdmin = ['DELETE', 'POST stop', 'GET session', 'DELETE session'].includes(route);
      const isAppend = ['POST events', 'POST lease'].includes(route);
      const ofInputs = route === 'POST inputs' ? noScope.input : noScope.readInputs;
      const other = isAppend ? noScope.append : noScope.read;
      const wrong = needsAdmin ? noScope.admin : onInputs.includes(route) ? ofInputs : other;
      expect(await ask(guarded, route, { headers: wrong.headers })).toBe('403 forbidden');
    }
  });

  it('occurs for writes across origins', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
    ]) {
      for (const route of writes) {
        expect(await ask(app, route, { headers: { ...headers, 'producer-lease': '30' } })).toBe(
          '403 forbidden',
        );
      }
    }
  });

  it('occurs for reader tokens, good and bad, in each place', async () => {
    const auth = { apiKeys: [allScopes.key], reader: readerOptions() };
    const guarded = await start(await memoryBackend.create(), { auth });
    const own = { 'sec-fetch-site': 'same-origin' };
    for (const place of places) {
      const id = responses.newId();
      const asWith = async (route: string, claims: object) => {
        const { headers, query } = bring(await sign({ sid: id, ...claims }), place);
        return ask(guarded, route, { id, query, headers: { ...own, ...headers } });
      };
      await ask(guarded, 'POST events', {
        id,
        headers: { ...json, ...allScopes.headers },
        body: answer,
      });
      const elsewhere = { sid: responses.newId(), scope: 'read stop' };
      const { headers, query } = bring(await sign(elsewhere), place);
      const absent = { id: elsewhere.sid, query, headers: { ...own, ...headers } };
      expect(await ask(guarded, 'POST stop', absent)).toBe('404 not_found');
      for (const route of forReaders) {
        expect(await asWith(route, { scope: 'read stop' }), `${route} ${place}`).toBe('200');
        expect(await asWith(route, { scope: 'read stop', sid: 'other' })).toBe('403 forbidden');
        expect(await asWith(route, { scope: 'read stop', exp: 1 })).toBe('401 unauthorized');
      }
      for (const route of routes.filter((one) => !forReaders.includes(one))) {
        expect(await asWith(route, { scope: 'read stop' })).toBe('403 forbidden');
      }
    }
  });

  it('occurs while the key set of an identity provider cannot be fetched', async () => {
    const provider = await JwksServer.start();
    closings.push(() => provider.stop());
    provider.failure = { status: 500, body: '' };
    const reader = readerOptions({ secrets: [], jwksUrl: provider.url });
    const auth = { apiKeys: [allScopes.key], reader };
    const guarded = await start(await memoryBackend.create(), { auth });
    const { headers } = bring(await provider.sign({ sid: 's', scope: 'read stop' }), 'header');
    for (const route of routes) {
      const expected = feeds.includes(route) ? '200' : '503 backend_unavailable';
      expect(await ask(guarded, route, { headers })).toBe(expected);
    }
  });

  it('occurs for a store with foreign elements, and for one that is unavailable', async () => {
    const redis = await RedisServer.start();
    closings.push(() => redis.stop());
    const where = { addresses: [redis.endpoint], prefix: 'p' };
    const app = await start(await redisBackend.create({ redis: where }));
    const client = redis.client();
    await client.set('p:strange:strange', 'no list');
    client.disconnect();
    const lease = { 'producer-lease': '30' };
    await ask(app, 'POST events', { id: 'strange', headers: json, body: answer });
    await ask(app, 'POST stop', { id: 'strange' });
    await redis.kill();
    const storeRoutes = routes.filter((route) => route !== 'GET /metrics');
    for (const route of [...storeRoutes, 'GET /readyz']) {
      const bodies: Record<string, string> = { 'POST events': answer, 'POST inputs': message };
      const body = bodies[route] ?? null;
      const headers = route === 'POST lease' ? lease : body === null ? {} : json;
      await ask(app, route, { headers, body });
    }
  });

  it('occurs at a node that is shutting down', async () => {
    const leaving = await start(await memoryBackend.create());
    await ask(leaving, 'POST events', { id: 'running', headers: json, body: answer });
    const open = ask(leaving, 'POST events', { headers: ndjson, body: silence() });
    const drained = leaving.app.drain(50);
    await ask(leaving, 'GET /readyz');
    await Promise.all([open, drained]);
    for (const route of feeds) await ask(leaving, route);
    expect(await ask(leaving, 'GET chat', { id: 'running' })).toBe('503 draining');
  });

  it('has occurred in one of these requests', () => {
    const { documented, provoked } = responses;
    expect(documented.length).toBeGreaterThan(110);
    expect(documented.filter((one) => !provoked.has(one)).sort()).toEqual(unprovoked.sort());
  });
});

const tightLimits = {
  maxStreamEvents: 1,
  maxStreamBytes: 10_000,
  maxSessionStreams: 1,
  maxStreamInputs: 0,
  maxStreamInputBytes: 10_000,
};

function rejectedAs(reason: string): string {
  return `${operationOf('GET stream')} 200 stream-refused: ${reason}`;
}

/** A body that brings nothing, and does not end. */
function silence(): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(' ')),
  });
}
