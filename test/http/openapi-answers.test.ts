import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamManager } from '../../src/streams/stream-manager.js';
import { memoryBackend, redisBackend } from '../support/backends.js';
import { type AskOptions, DocumentedAnswers, operationOf } from '../support/documented-answers.js';
import { makeKey } from '../support/keys.js';
import { RedisServer } from '../support/redis-server.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/test-app.js';

/** What no request can bring about: it would be a fault of the service, or of its store. */
const unprovoked = [
  'GET events',
  'GET',
  'DELETE',
  'GET session',
  'DELETE session',
  'POST lease',
].map((name) => `${operationOf(name)} 500 internal`);

const allScopes = makeKey('append', 'read', 'admin');
const noScope = { append: makeKey('read'), read: makeKey('append'), admin: makeKey('append') };
const answer = '{"type":"answer"}';
const json = { 'content-type': 'application/json' };
const ndjson = { 'content-type': 'application/x-ndjson' };
const numbered = (epoch: number, seq: number, id = 'p') => ({
  ...json,
  'producer-id': id,
  'producer-epoch': String(epoch),
  'producer-seq': String(seq),
});

/** All routes of one stream and of a session, as the tests name them. */
const streamRoutes = [
  'POST events',
  'GET events',
  'GET stream',
  'GET',
  'DELETE',
  'POST stop',
  'POST lease',
];
const routes = [...streamRoutes, 'GET session', 'DELETE session', 'GET /metrics'];
const posts = ['POST events', 'POST stop', 'POST lease'];
const takesBodies = [...posts, 'DELETE', 'DELETE session'];

describe('every answer that the document names', () => {
  const closings: (() => Promise<unknown>)[] = [];
  let answers: DocumentedAnswers;
  let app: TestApp;

  beforeAll(async () => {
    app = await start(await memoryBackend.create(), {
      feed: { lingerMs: 0 },
      limits: { eventBytes: 2000, bodyBytes: 4000 },
      timeouts: { bodyMs: 100, silenceMs: 100 },
    });
    answers = await DocumentedAnswers.of(app);
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
    answers.ask(where, route, options);

  it('comes with what there is', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) await ask(app, `GET ${path}`);
    for (const route of ['GET events', 'GET session', 'DELETE', 'DELETE session']) {
      await ask(app, route);
    }
    const id = answers.newId();
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
    await ask(app, 'GET stream', { id, query: '?offset=99' });
    await ask(app, 'POST stop', { id, headers: json, body: '{"reason":"enough"}' });
    await ask(app, 'POST stop', { id });
    await ask(app, 'GET stream', { id, query: '?offset=6' });
  });

  it('comes to what is no id, no query, no header and no body', async () => {
    for (const route of [...streamRoutes, 'GET session', 'DELETE session']) {
      await ask(app, route, { id: 'a:b' });
    }
    for (const route of ['GET events', 'GET stream'])
      await ask(app, route, { query: '?offset=-1' });
    await ask(app, 'GET events', { query: '?limit=0' });
    await ask(app, 'GET stream', { query: '?named=1' });
    await ask(app, 'GET', { query: '?producer=' });
    const halfNamed = { ...json, 'producer-id': 'p' };
    await ask(app, 'POST events', { headers: halfNamed, body: answer });
    await ask(app, 'POST lease');
    for (const body of ['{}', '{']) await ask(app, 'POST events', { headers: json, body });
    for (const body of ['{"reason":1}', '{']) await ask(app, 'POST stop', { headers: json, body });
    await ask(app, 'POST events', { headers: ndjson, body: `${answer}\n{}\n` });
    const tooLarge = JSON.stringify({ type: 'answer', content: 'x'.repeat(2000) });
    await ask(app, 'POST events', { headers: json, body: tooLarge });
  });

  it('comes to bodies that are too large, too slow, or of another kind', async () => {
    for (const route of takesBodies) {
      await ask(app, route, { headers: json, body: 'x'.repeat(5000) });
      await ask(app, route, { headers: { 'content-type': 'text/plain' }, body: 'x' });
      await ask(app, route, { headers: json, body: silence() });
    }
    await ask(app, 'POST events', { headers: ndjson, body: silence() });
  });

  it('comes to what is not there, is gone, or cannot be had in this form', async () => {
    await ask(app, 'GET');
    await ask(app, 'POST lease', { headers: { 'producer-lease': '30' } });
    await ask(app, 'GET events', { query: '?offset=1-00000000' });
    await ask(app, 'GET stream', { headers: { accept: 'application/json' } });
  });

  it('comes to workers that are too late, too early, or too many', async () => {
    const id = answers.newId();
    const append = (headers: Record<string, string>, body = answer) =>
      ask(app, 'POST events', { id, headers, body });
    await append(numbered(2, 0));
    await append(numbered(1, 0));
    await append(numbered(2, 9));
    const older = { 'producer-id': 'p', 'producer-epoch': '1', 'producer-lease': '30' };
    await ask(app, 'POST lease', { id, headers: older });
    for (let other = 1; other <= 64; other += 1) await append(numbered(1, 0, `p${other}`));
    await append(json, '{"type":"complete"}');
    await append(json);
  });

  it('comes to what is full', async () => {
    const limits = { maxStreamEvents: 1, maxStreamBytes: 10_000 };
    const tight = await start(await memoryBackend.create({ limits, maxStreams: 1 }));
    await ask(tight, 'POST events', { id: 'full', headers: json, body: answer });
    await ask(tight, 'POST events', { id: 'full', headers: json, body: answer });
    await ask(tight, 'POST events', { headers: json, body: answer });
    await ask(tight, 'POST stop');
  });

  it('comes to strangers', async () => {
    const keys = [allScopes, ...Object.values(noScope)].map(({ key }) => key);
    const guarded = await start(await memoryBackend.create(), { auth: { producerKeys: keys } });
    for (const route of routes) {
      await ask(guarded, route);
      const needsAdmin = ['DELETE', 'POST stop', 'GET session', 'DELETE session'].includes(route);
      const isAppend = !needsAdmin && posts.includes(route);
      const wrong = needsAdmin ? noScope.admin : isAppend ? noScope.append : noScope.read;
      await ask(guarded, route, { headers: wrong.headers });
    }
  });

  it('comes from a store that holds something else, and from one that is away', async () => {
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
      const body = route === 'POST events' ? answer : null;
      const headers = route === 'POST lease' ? lease : body === null ? {} : json;
      await ask(app, route, { headers, body });
    }
  });

  it('comes from a node that is shutting down', async () => {
    const leaving = await start(await memoryBackend.create());
    const open = ask(leaving, 'POST events', { headers: ndjson, body: silence() });
    const drained = leaving.app.drain(50);
    await ask(leaving, 'GET /readyz');
    await Promise.all([open, drained]);
    await ask(leaving, 'GET stream');
  });

  it('has been brought about by one of these requests', () => {
    const { documented, provoked } = answers;
    expect(documented.length).toBeGreaterThan(90);
    expect(documented.filter((one) => !provoked.has(one)).sort()).toEqual(unprovoked.sort());
  });
});

/** A body that brings nothing, and does not end. */
function silence(): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(' ')),
  });
}
