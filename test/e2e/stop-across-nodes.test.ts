import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { EventSource } from 'eventsource';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import { PairOfTest } from '../support/pair-of-test.js';
import type { RedisServer } from '../support/redis-server.js';
import type { ServiceProcess } from '../support/service-process.js';
import { clientOf, openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';

type Client = ReturnType<RedisServer['client']>;

const pollMs = 500;
const settings = { FEED_POLL_INTERVAL: `${pollMs}ms`, FEED_LINGER: '100ms' };

describe('A stop on one node', () => {
  const the = new PairOfTest({ ...settings, FEED_POLL_INTERVAL: '10m' });

  it('ends the run of a worker on the other, at once by notifications', async () => {
    const { nodes } = the;
    const run = await startRun(the, nodes[0]);
    await isSubscribed(the);
    const tookMs = await stopAndMeasure(the, nodes[1], run);
    console.log(`with notifications: ${tookMs.toFixed(0)} ms from the stop to the worker’s answer`);
  });
});

describe('A stop on one node, with polling,', () => {
  const the = new PairOfTest(settings);

  it('is read on both nodes as the last event, and ends the feeds', async () => {
    const { nodes } = the;
    const run = await startRun(the, nodes[0]);
    const feeds = await Promise.all(nodes.map((node) => openFeed(the.feedUrl(node))));
    await stopAndMeasure(the, nodes[1], run);
    for (const feed of feeds) await endsWithStop(feed, run.lines);
    const back = await openFeed(the.feedUrl(nodes[0]), {
      'last-event-id': feeds[0]?.lastId as string,
    });
    expect(back.status).toBe(204);
  });

  it('lets an EventSource reconnect once, and no more', async () => {
    const { nodes } = the;
    const run = await startRun(the, nodes[0]);
    let requests = 0;
    const source = new EventSource(the.feedUrl(nodes[0]), {
      fetch: (url, init) => {
        requests += 1;
        return fetch(url, init);
      },
    });
    onTestFinished(() => source.close());
    const types: string[] = [];
    source.onmessage = ({ data }) => types.push(JSON.parse(data).type);
    await waitFor('it reads', () => types.length > 0);
    await stopAndMeasure(the, nodes[1], run);
    await waitFor('it is closed', () => source.readyState === source.CLOSED);
    expect(types).toEqual([...Array(run.lines).fill('answer'), 'stop']);
    expect(requests).toBe(2);
  });

  it('rejects the worker that begins after it, at its first line', async () => {
    const { nodes } = the;
    await fetch(the.feedUrl(nodes[1]).replace(/stream$/, 'stop'), { method: 'POST' });
    const { response } = openBody(the, nodes[0]);
    expect(await response).toMatchObject({ status: 409, body: { stored: 0, line: 1 } });
  });

  it.each([
    ['are cut again and again', cutSubscriptions],
    ['are not permitted', forbidSubscriptions],
  ])('ends the run within a poll interval when notifications %s', async (trouble, lose) => {
    const { redis, nodes } = the;
    await lose(clientOf(redis));
    const run = await startRun(the, nodes[0]);
    const tookMs = await stopAndMeasure(the, nodes[1], run);
    console.log(`when they ${trouble}: ${tookMs.toFixed(0)} ms`);
  });
});

interface Run {
  readonly response: ReturnType<typeof responseOf>;
  /** How many events it has had stored; it is silent since, but its body is open. */
  readonly lines: number;
}

async function startRun(the: PairOfTest, node: ServiceProcess): Promise<Run> {
  const { sent, response } = openBody(the, node);
  const feed = await openFeed(the.feedUrl(node));
  const lines = 5;
  for (let count = 1; count <= lines; count += 1) {
    if (count > 1) sent.write('{"type":"answer"}\n');
    await feed.frameCount(count);
  }
  feed.drop();
  return { response, lines };
}

/** A body that reads its response while it is being written, as a worker does that can be stopped. */
function openBody(the: PairOfTest, node: ServiceProcess) {
  const headers = { 'content-type': 'application/x-ndjson' };
  const sent = request(the.eventsUrl(node), { method: 'POST', headers, agent: false });
  onTestFinished(() => {
    sent.destroy();
  });
  const response = responseOf(sent);
  sent.write('{"type":"answer"}\n');
  return { sent, response };
}

async function responseOf(sent: ClientRequest) {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  sent.on('error', () => {}); // the other side closes the connection
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.endsWith('}')) break;
  }
  return { status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> };
}

/** Stops the stream, and returns how long the worker waited to hear of it. */
async function stopAndMeasure(
  the: PairOfTest,
  node: ServiceProcess,
  { response, lines }: Run,
): Promise<number> {
  const stopUrl = the.feedUrl(node).replace(/stream$/, 'stop');
  const startedAt = performance.now();
  const stopped = await fetch(stopUrl, { method: 'POST' });
  expect(await stopped.json()).toEqual({ streamStatus: 'stopped' });
  const { status, body } = await response;
  const tookMs = performance.now() - startedAt;
  expect(status).toBe(409);
  expect(body).toMatchObject({
    code: 'stream_ended',
    streamStatus: 'stopped',
    stored: lines,
  });
  return tookMs;
}

async function endsWithStop(feed: FeedClient, lines: number): Promise<void> {
  await feed.end();
  const types = feed.data.map((data) => JSON.parse(data).type);
  expect(types).toEqual([...Array(lines).fill('answer'), 'stop']);
}

async function isSubscribed({ redis, key }: PairOfTest): Promise<void> {
  const client = clientOf(redis);
  await waitFor('the worker’s node is subscribed', async () => {
    const [, count] = (await client.pubsub('NUMSUB', `${key}::wake`)) as unknown[];
    return Number(count) > 0;
  });
}

async function cutSubscriptions(client: Client): Promise<void> {
  const cut = () => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => {});
  const cutting = setInterval(() => void cut(), 10);
  onTestFinished(() => clearInterval(cutting));
}

async function forbidSubscriptions(client: Client): Promise<void> {
  await client.call('ACL', 'SETUSER', 'default', '-subscribe');
  onTestFinished(async () => {
    await client.call('ACL', 'SETUSER', 'default', '+subscribe');
  });
  await cutSubscriptions(client);
}
