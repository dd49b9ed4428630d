import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.js';
import { memoryBackend } from '../support/backends.js';
import { answers, complete } from '../support/events.js';
import { FeedClient } from '../support/feed-client.js';
import { keepLog } from '../support/log-lines.js';
import { MisbehavingStore } from '../support/misbehaving-store.js';
import { receivedText } from '../support/received-text.js';
import { scrape } from '../support/scrape.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const away = () => new ServiceError('backend_unavailable', 'the store is away', { stored: null });
const broken = () => new TypeError('cannot read properties of undefined');
const ill = { sessionId: 'ill', messageId: 'm1' };
const well = { sessionId: 'well', messageId: 'm1' };

let inner: Awaited<ReturnType<typeof memoryBackend.create>>;
let store: MisbehavingStore;
let app: TestApp;
let log: ReturnType<typeof keepLog>;

beforeEach(async () => {
  inner = await memoryBackend.create();
  store = new MisbehavingStore(inner);
  log = keepLog();
  const feed = { heartbeatMs: 200, lingerMs: 100, pollIntervalMs: 5000 };
  app = await startApp(store.streams, { feed, logger: log.logger });
  for (const stream of [ill, well]) await inner.appendEvents(stream, answers(1));
});

afterEach(async () => {
  store.behave();
  store.letGo();
  await app.close();
  await inner.close();
});

const url = (path: string) => `${app.url}${path}`;
const messageUrl = () => url('/sessions/ill/messages/m1');
const errorLines = () => log.lines.filter(({ level }) => (level as number) >= 50);

const follow = (query = '', sid = 'ill') => FeedClient.open(feedUrl(app.url, query, sid));

type Method = Parameters<MisbehavingStore['misbehave']>[0];

interface Route {
  readonly name: string;
  readonly method: Method;
  readonly send: () => Promise<Response>;
  /** What the response is while the store is away, and when it throws what it never should. */
  readonly away: number;
  readonly broken: number;
  /** Whether the body says how many events were stored. */
  readonly saysStored?: boolean;
}

const json = { 'content-type': 'application/json' };
const send = (method: string, path: string, body?: string) => () =>
  fetch(url(path), { method, ...(body !== undefined && { headers: json, body }) });

const stream = '/sessions/ill/messages/m1';
/** A route that responds with these while the store is away, and when it throws what it never should. */
const row = (
  name: string,
  method: Method,
  request: () => Promise<Response>,
  [whenAway, whenBroken] = [503, 500],
): Route => ({ name, method, send: request, away: whenAway, broken: whenBroken });
const waiting = `${stream}/events?offset=1&wait=30`;
const routes: readonly Route[] = [
  {
    ...row('POST …/events', 'appendEvents', send('POST', `${stream}/events`, '{"type":"answer"}')),
    saysStored: true,
  },
  {
    ...row('POST …/events, of NDJSON,', 'appendEvents', () =>
      fetch(url(`${stream}/events`), {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: '{"type":"answer"}\n',
      }),
    ),
    saysStored: true,
  },
  row('POST …/stop', 'appendEvents', send('POST', `${stream}/stop`, '{}')),
  row('POST …/lease', 'renewLease', () =>
    fetch(`${messageUrl()}/lease`, { method: 'POST', headers: { 'producer-lease': '10' } }),
  ),
  row('GET …/events', 'getEvents', send('GET', `${stream}/events`)),
  row('GET …/events?wait', 'getEvents', send('GET', waiting)),
  row('GET …/events?wait, as it watches,', 'watch', send('GET', waiting)),
  row('GET the status', 'getStatus', send('GET', stream)),
  row('GET the session', 'listStreams', send('GET', '/sessions/ill')),
  row('DELETE', 'deleteStream', send('DELETE', stream)),
  row('GET …/stream', 'getStatus', send('GET', `${stream}/stream`), [200, 200]),
  row('GET …/stream, as it watches,', 'watch', send('GET', `${stream}/stream`), [200, 200]),
  row('GET /ai-sdk/…/stream', 'findOpenStream', send('GET', '/ai-sdk/sessions/ill/stream')),
  row('GET /readyz', 'ping', send('GET', '/readyz')),
];

/** That no feed, watch or opening is left. */
async function nothingIsLeft(): Promise<void> {
  await waitFor('no watch is left', () => store.watches === 0 && inner.watchedStreams === 0);
  const numbers = await scrape(app.url);
  expect(numbers.get('rejoin_feeds_open') ?? numbers.get('rejoin_feeds')).toBe(0);
}

describe.each(routes)('$name', ({ name, method, send, ...route }) => {
  it('responds at once while the store is unavailable, and other streams are not affected', async () => {
    const other = await follow('', 'well');
    store.misbehave(method, method === 'watch' ? { throws: away() } : { rejects: away() }, 'ill');
    if (method === 'ping') store.misbehave(method, { rejects: away() });
    const response = await send();
    expect(response.status).toBe(route.away);
    const text = await receivedText(response);
    if (route.away === 200) expect(text).toContain('refused: backend_unavailable');
    if (route.saysStored) expect(JSON.parse(text)).toMatchObject({ stored: null });
    expect(errorLines()).toEqual([]);
    await post(eventsUrl(app.url, 'well'), { type: 'answer' });
    await other.frameCount(2);
    other.drop();
    await nothingIsLeft();
  });

  it.each(['rejects', 'throws'] as const)(
    'responds with an error and a log line when the store %s unexpectedly, and leaves nothing behind',
    async (how) => {
      const misdeed =
        how === 'rejects' && method !== 'watch' ? { rejects: broken() } : { throws: broken() };
      store.misbehave(method, misdeed, method === 'ping' ? '' : 'ill');
      const response = await send();
      expect(response.status).toBe(route.broken);
      const text = await receivedText(response);
      if (route.saysStored)
        expect(JSON.parse(text)).toMatchObject({ code: 'internal', stored: null });
      expect(text).not.toContain('undefined');
      expect(errorLines()).toHaveLength(1);
      store.behave();
      const feed = await follow('?offset=0');
      await feed.frameCount(1);
      feed.drop();
      await nothingIsLeft();
    },
  );
});

/** `watch` returns at once, or throws. */
const answered = routes.filter(({ method }) => method !== 'watch');

describe.each(answered)('$name', ({ name, method, send }) => {
  it('responds when a store that hangs replies, and blocks no other stream meanwhile', async () => {
    const other = await follow('', 'well');
    store.misbehave(method, 'hangs', method === 'ping' ? '' : 'ill');
    const answer = send();
    await waitFor('the call hangs', () => store.heldCount > 0);
    await post(eventsUrl(app.url, 'well'), { type: 'answer' });
    await other.frameCount(2);
    store.behave();
    store.letGo();
    if (name.includes('wait')) await post(eventsUrl(app.url, 'ill'), { type: 'answer' });
    const response = await answer;
    expect(response.status).toBeLessThan(300);
    await response.body?.cancel();
    other.drop();
    await nothingIsLeft();
  });
});

describe('GET /ai-sdk/…/stream', () => {
  it('is rejected at the feed limit without a call to the store', async () => {
    await app.close();
    app = await startApp(store.streams, { feed: { maxFeeds: 1 }, logger: log.logger });
    const feed = await follow('', 'well');
    await feed.frameCount(1);
    store.misbehave('findOpenStream', { rejects: broken() });
    store.misbehave('listStreams', { rejects: broken() });
    const response = await fetch(url('/ai-sdk/sessions/ill/stream'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ code: 'too_many_feeds' });
    feed.drop();
  });
});

describe('Feeds', () => {
  it('keep their heartbeats while the store hangs, and get all events in order when it replies', async () => {
    const feed = await follow();
    await feed.frameCount(1);
    store.misbehave('getEvents', 'hangs', 'ill');
    await inner.appendEvents(ill, answers(3, 1));
    await waitFor('the read hangs', () => store.heldCount > 0);
    const late = await follow('?offset=2');
    const beats = feed.comments.length;
    await waitFor('heartbeats', () => feed.comments.length >= beats + 2);
    store.behave();
    store.letGo();
    await feed.frameCount(4);
    await late.frameCount(2);
    expect(feed.data.map((data) => JSON.parse(data).content)).toEqual(
      [0, 1, 2, 3].map((index) => `chunk ${index}`),
    );
    for (const one of [feed, late]) one.drop();
    await nothingIsLeft();
  });

  it('are drained although the store never replies', async () => {
    const feed = await follow();
    await feed.frameCount(1);
    store.misbehave('getEvents', 'hangs');
    await inner.appendEvents(ill, answers(1));
    await waitFor('the read hangs', () => store.heldCount > 0);
    await app.close();
    await feed.end();
    expect(feed.retryMs).toBeGreaterThan(0);
  });

  it('get each event once from a store that notifies at once and too often', async () => {
    store.notificationsEach = 50;
    const feed = await follow();
    for (let index = 1; index < 20; index += 1) await inner.appendEvents(ill, answers(1, index));
    await inner.appendEvents(ill, [complete()]);
    await feed.end();
    expect(feed.frames).toHaveLength(21);
    await nothingIsLeft();
  });

  it('end with the terminal event when notifications are lost and another subscriber joins', async () => {
    store.notifies = false;
    const feed = await follow();
    await feed.frameCount(1);
    await inner.appendEvents(ill, [...answers(1, 1), complete()]);
    const other = await follow();
    await Promise.all([feed.end(), other.end()]);
    expect(other.frames).toHaveLength(3);
    expect(feed.frames).toEqual(other.frames);
    await nothingIsLeft();
  });

  it('end after the first successful read when a finished stream could not be read', async () => {
    await app.close();
    const feed = { heartbeatMs: 200, lingerMs: 100, pollIntervalMs: 300 };
    app = await startApp(store.streams, { feed, logger: log.logger });
    store.notifies = false;
    const client = await follow();
    await client.frameCount(1);
    store.misbehave('getEvents', { rejects: away() });
    await inner.appendEvents(ill, [...answers(1, 1), complete()]);
    const other = await follow('?offset=2');
    const beats = client.comments.length;
    await waitFor('the linger is over', () => client.comments.length >= beats + 3);
    expect([client.hasEnded, client.frames.length]).toEqual([false, 1]);
    store.behave();
    await Promise.all([client.end(), other.end()]);
    expect(client.frames).toHaveLength(3);
    expect(other.frames).toHaveLength(1);
    await nothingIsLeft();
  });

  it('do not respond 204 to a client without the terminal event when notifications are lost', async () => {
    store.notifies = false;
    const feed = await follow();
    await feed.frameCount(1);
    await inner.appendEvents(ill, [complete()]);
    const endedForMs = async () => (await inner.getStatus(ill))?.endedForMs ?? 0;
    await waitFor('the linger is over', async () => (await endedForMs()) > 150);
    const headers = { 'last-event-id': feed.lastId as string };
    const back = await FeedClient.open(feedUrl(app.url, '', 'ill'), headers);
    expect(back.status).toBe(200);
    await Promise.all([back.end(), feed.end()]);
    expect([back.frames.length, feed.frames.length]).toEqual([1, 2]);
    await nothingIsLeft();
  });
});
