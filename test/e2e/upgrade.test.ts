import { resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { clientOf, isReady, onRedis, openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

/** Both versions on one Redis, on which each test has a stream of its own. */
interface Versions {
  readonly redis: RedisServer;
  /** Nodes of the version before this one, and of this one. */
  readonly old: ServiceProcess;
  readonly new: ServiceProcess;
}

const lingerMs = 100;
let testCount = 0;
const previous = resolve(import.meta.dirname, '../support/previous-version/bundle/main.js');
/** Their files are not in the bundle. */
const withoutPages = { INSPECTOR_ENABLED: 'false', DOCS_ENABLED: 'false' };

describe.each([
  ['old', 'new'],
  ['new', 'old'],
] as const)('On one Redis, what the %s version appends', (from, to) => {
  let nodes: Versions;
  beforeAll(async () => {
    nodes = await startVersions();
  });
  afterAll(async () => {
    await Promise.all([nodes.old.kill(), nodes.new.kill()]);
    await nodes.redis.stop();
  });
  beforeEach(() => {
    testCount += 1;
  });

  it('the other one reads, follows and adds to, and both tell the same', async () => {
    const feed = await openFeed(feedOf(nodes[to]));
    for (let number = 0; number < 6; number += 2) {
      await append(nodes[from], number);
      await append(nodes[to], number + 1);
    }
    await feed.frameCount(6);
    expect(feed.data.map((data) => JSON.parse(data).content)).toEqual([...'012345']);
    const [here, there] = await Promise.all([pageOf(nodes[from]), pageOf(nodes[to])]);
    expect(here).toEqual(there);
    expect(await statusOf(nodes[from])).toEqual(await statusOf(nodes[to]));
    expect(await statusOf(nodes[to])).toMatchObject({ nextOffset: 6, streamStatus: 'open' });
  });

  it('a reader that comes over goes on with, without gap or repeat', async () => {
    await append(nodes[from], 0);
    await append(nodes[from], 1);
    const before = await openFeed(feedOf(nodes[from]));
    await before.frameCount(2);
    before.drop();
    await append(nodes[from], 2);
    await append(nodes[from], 3);
    const after = await openFeed(feedOf(nodes[to]), { 'last-event-id': `${before.lastId}` });
    await after.frameCount(2);
    expect(after.frames.map(({ data }) => JSON.parse(data).content)).toEqual(['2', '3']);
    const whole = await openFeed(feedOf(nodes[from]));
    await whole.frameCount(4);
    expect(whole.frames.map(({ id }) => id)).toEqual(
      [...before.frames, ...after.frames].map(({ id }) => id),
    );
  });

  it('the other one holds as ended when it has', async () => {
    const feed = await openFeed(feedOf(nodes[to]));
    await append(nodes[to], 0);
    await post(eventsOf(nodes[from]), { type: 'complete' });
    await feed.end();
    expect(feed.frames).toHaveLength(2);
    expect(await post(eventsOf(nodes[to]), { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
    expect(await statusOf(nodes[to])).toMatchObject({ nextOffset: 2, streamStatus: 'complete' });
    const back = await openFeed(feedOf(nodes[to]), { 'last-event-id': `${feed.lastId}` });
    expect(back.status).toBe(204);
  });

  it('the other one goes on with: the sequence of a producer', async () => {
    const headers = (seq: number) => ({
      'producer-id': 'p1',
      'producer-epoch': '1',
      'producer-seq': String(seq),
    });
    const send = (node: ServiceProcess, seq: number) =>
      post(eventsOf(node), { type: 'answer', content: `p${seq}` }, headers(seq));
    expect((await send(nodes[from], 0)).status).toBe(201);
    await append(nodes[to], 1);
    expect((await send(nodes[to], 0)).body).toMatchObject({ duplicate: true, count: 0 });
    expect((await send(nodes[to], 1)).body).toMatchObject({ offset: 2, count: 1 });
    expect((await send(nodes[from], 1)).body).toMatchObject({ duplicate: true, count: 0 });
  });

  it('with a lease, and the other one has ended, is not ended again', async () => {
    await post(eventsOf(nodes[from]), { type: 'answer' }, { 'producer-lease': '1' });
    await post(eventsOf(nodes[to]), { type: 'complete' });
    const client = clientOf(nodes.redis);
    await waitFor(
      'nobody waits for the lease any more',
      async () => (await client.zcard('stream:events::leases')) === 0,
    );
    expect(await client.llen(`stream:events:s1:${mid()}`)).toBe(2);
    expect(await statusOf(nodes[from])).toMatchObject({ streamStatus: 'complete' });
  });

  // The last one, as it kills a node.
  it('with a lease is lost for both when neither hears of its worker', async () => {
    const feed = await openFeed(feedOf(nodes[to]));
    await post(eventsOf(nodes[from]), { type: 'answer' }, { 'producer-lease': '1' });
    await nodes[from].kill();
    await feed.end();
    expect(feed.data.map((data) => JSON.parse(data).data?.code)).toEqual([
      undefined,
      'producer_lost',
    ]);
  });
});

async function startVersions(): Promise<Versions> {
  const redis = await RedisServer.start();
  const settings = onRedis(redis, { FEED_LINGER: `${lingerMs}ms` });
  const old = new ServiceProcess({ PORT: '0', ...settings, ...withoutPages }, { main: previous });
  const nodes = { redis, old, new: await ServiceProcess.listening(settings) };
  await old.isListening();
  await Promise.all([isReady(old), isReady(nodes.new)]);
  return nodes;
}

function mid(): string {
  return `m${testCount}`;
}

function eventsOf(node: ServiceProcess): string {
  return eventsUrl(node.url, 's1', mid());
}

function feedOf(node: ServiceProcess): string {
  return feedUrl(node.url, '', 's1', mid());
}

async function append(node: ServiceProcess, number: number): Promise<void> {
  const { status } = await post(eventsOf(node), { type: 'answer', content: `${number}` });
  expect(status).toBe(201);
}

async function pageOf(node: ServiceProcess): Promise<unknown> {
  return (await fetch(eventsOf(node))).json();
}

async function statusOf(node: ServiceProcess): Promise<object> {
  const status = await fetch(eventsOf(node).replace(/\/events$/, ''));
  // How long it lives is asked for as a time from now, and may differ by a millisecond.
  // The old version does not tell its time to live.
  const { expiresAt, ttlSeconds: _, ...rest } = (await status.json()) as Record<string, string>;
  expect(Date.parse(expiresAt as string)).toBeGreaterThan(Date.now());
  return rest;
}
