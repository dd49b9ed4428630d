import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedClient } from '../support/feed-client.js';
import { launchNginx, startNginx } from '../support/nginx-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

/** With REJOIN_LONG=1 the silence lasts as long as it may; else all its times are a thirtieth. */
const timesFaster = process.env.REJOIN_LONG === '1' ? 1 : 30;
const heartbeatMs = 15_000 / timesFaster;
const feedSilenceMs = 600_000 / timesFaster;
/** The service itself ends an NDJSON request after 300 seconds of silence. */
const ndjsonSilenceMs = 270_000 / timesFaster;

describe('Through nginx', () => {
  const both = bothForSuite();

  it('the first bytes of a feed and each event arrive at once', async () => {
    const firstBytes: number[] = [];
    for (let count = 1; count <= 20; count += 1) {
      const askedAt = performance.now();
      const feed = await openFeed(feedUrl(both.nginxUrl, '', 's1', `absent-${count}`));
      await waitFor('the first bytes', () => feed.raw !== '');
      firstBytes.push(performance.now() - askedAt);
      feed.drop();
    }
    printLags('from GET to the first bytes of a feed', firstBytes);

    const feed = await openFeed(feedUrl(both.nginxUrl, '', 's1', 'first-bytes'));
    const lags = await lagsOf(feed, (count) =>
      post(eventsUrl(both.service.url, 's1', 'first-bytes'), {
        type: 'answer',
        content: `${count}`,
      }),
    );
    printLags('from POST to the frame behind nginx', lags);
  });

  it('each line of a request that stays open reaches its readers at once', async () => {
    const feed = await openFeed(feedUrl(both.service.url, '', 's1', 'lines'));
    const worker = openNdjson(both.nginxUrl, 'lines');
    const lags = await lagsOf(feed, async (count) => worker.write(lineOf(`${count}`)));
    printLags('from a line of NDJSON through nginx to its frame', lags);
    worker.end();
    expect((await responseOf(worker)).body).toEqual({
      offset: 0,
      count: 20,
      nextOffset: 20,
      inputs: { nextOffset: 0 },
    });
  });

  it('a worker gets its response at once when its stream is stopped', async () => {
    const feed = await openFeed(feedUrl(both.service.url, '', 's1', 'stopped'));
    const worker = openNdjson(both.nginxUrl, 'stopped');
    const response = responseOf(worker);
    worker.write(lineOf('1'));
    await feed.frameCount(1);
    await post(feedUrl(both.service.url, '', 's1', 'stopped').replace(/stream$/, 'stop'), {});
    expect(await response).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'stopped', stored: 1 },
    });
  });

  it('an append may be as large as the service accepts', async () => {
    // A busy machine takes its time over 8 MB.
    const url = await startNginx({ upstreamPort: portOf(both.service) });
    const content = 'x'.repeat(1_000_000);
    const { status } = await post(
      eventsUrl(url, 's1', 'large'),
      Array.from({ length: 8 }, () => ({ type: 'answer', content })),
    );
    expect(status).toBe(201);
  });

  it('the service notices that a reader has left', async () => {
    const feed = await openFeed(feedUrl(both.nginxUrl, '', 's1', 'left'));
    feed.drop();
    await waitFor('it is closed', () =>
      both.service.log.some(({ messageId, reason }) => messageId === 'left' && reason === 'left'),
    );
  });

  it(
    `feeds and appends outlive silence (${feedSilenceMs / 1000} s)`,
    async () => {
      await Promise.all([silentFeed(both.nginxUrl, both.service), silentAppend(both.nginxUrl)]);
    },
    feedSilenceMs + 60_000,
  );
});

describe('nginx, when the service goes down,', () => {
  const both = bothForSuite();

  it('breaks off a feed of the AI SDK', async () => {
    await post(eventsUrl(both.service.url), { type: 'answer', content: 'x' });
    const feed = await openFeed(`${both.nginxUrl}/ai-sdk/sessions/s1/stream`);
    await feed.frameCount(3);
    both.service.signal('SIGTERM');
    await feed.end();
    expect(feed.response.complete).toBe(false);
  });

  it('tells readers to reconnect, and workers that the service is down', async () => {
    await both.service.kill();
    const feed = await openFeed(feedUrl(both.nginxUrl, '?offset=0'));
    await feed.end();
    expect(feed.status).toBe(200);
    expect(feed.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'stream-refused': 'backend_unavailable',
    });
    expect(feed.raw).toBe('retry: 2000\n: refused: backend_unavailable\n');
    expect(feed.response.complete).toBe(true); // nginx itself has no way to break off
    const append = await fetch(eventsUrl(both.nginxUrl), { method: 'POST', body: '{}' });
    expect(append.status).toBe(502);
    // A page of the AI SDK would take a 200 that ends for an empty answer.
    expect((await fetch(`${both.nginxUrl}/ai-sdk/sessions/s1/stream`)).status).toBe(502);
  });
});

interface Both {
  readonly service: ServiceProcess;
  readonly nginxUrl: string;
}

/** A service and nginx before it, for a whole suite. */
function bothForSuite(): Both {
  const both = {} as { service: ServiceProcess; nginxUrl: string };
  let stop = async () => {};
  beforeAll(async () => {
    const settings = { FEED_HEARTBEAT: `${heartbeatMs}ms`, FEED_MAX_AGE: '1h' };
    both.service = await ServiceProcess.listening(settings);
    const nginx = await launchNginx({ upstreamPort: portOf(both.service), timesFaster });
    both.nginxUrl = nginx.url;
    stop = nginx.stop;
  });
  afterAll(async () => {
    await both.service.kill();
    await stop();
  });
  return both;
}

function portOf({ url }: ServiceProcess): number {
  return Number(new URL(url).port);
}

/** How long each of 20 events takes from its sending to its frame, in ms. */
async function lagsOf(feed: FeedClient, send: (count: number) => Promise<unknown>) {
  const lags: number[] = [];
  for (let count = 1; count <= 20; count += 1) {
    const sentAt = performance.now();
    await Promise.all([send(count), feed.frameCount(count)]);
    lags.push(performance.now() - sentAt);
  }
  return lags;
}

/** What a proxy holds back until more comes would never come: the next is sent after it. */
function printLags(what: string, lags: number[]): void {
  lags.sort((x, y) => x - y);
  const [median, slowest] = [lags[10] as number, lags[19] as number];
  console.log(`${what}: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`);
}

/** Nothing but heartbeats comes for long; then an event does, on the same response. */
async function silentFeed(url: string, service: ServiceProcess): Promise<void> {
  const feed = await openFeed(feedUrl(url));
  const openedAt = performance.now();
  // It is the silence that is tried.
  await Promise.race([sleep(feedSilenceMs), once(feed.response, 'close')]);
  const age = `the feed is ${Math.round(performance.now() - openedAt)} ms old`;
  expect(feed.hasEnded, `${age}; ${service.output}`).toBe(false);
  expect(feed.comments.length).toBeGreaterThan(feedSilenceMs / heartbeatMs / 2);
  await post(eventsUrl(url), { type: 'answer' });
  await feed.frameCount(1);
}

/** A worker sends a line, is silent for long, and goes on with the same request. */
async function silentAppend(url: string): Promise<void> {
  const worker = openNdjson(url, 'm2');
  worker.write(lineOf('before'));
  await sleep(ndjsonSilenceMs); // it is the silence that is tried
  worker.write(lineOf('after'));
  worker.end();
  expect((await responseOf(worker)).body).toEqual({
    offset: 0,
    count: 2,
    nextOffset: 2,
    inputs: { nextOffset: 0 },
  });
}

function openNdjson(url: string, mid = 'm1'): ClientRequest {
  const headers = { 'content-type': 'application/x-ndjson' };
  const worker = request(eventsUrl(url, 's1', mid), { method: 'POST', headers, agent: false });
  worker.on('error', () => {}); // an early response ends in a closed connection
  return worker;
}

function lineOf(content: string): string {
  return `${JSON.stringify({ type: 'answer', content })}\n`;
}

async function responseOf(sent: ClientRequest) {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, body: JSON.parse(text) };
}
