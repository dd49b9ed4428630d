import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { StreamOfTest } from '../support/stream-of-test.js';
import {
  clientOf,
  type Environment,
  isReady,
  onRedis,
  openFeed,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const time = '2026-01-01T00:00:00Z';
/** What a WeKnora process pushes, to the byte. */
const pushed = `{"id":"a","type":"answer","content":"x","done":false,"timestamp":"${time}"}`;
const pushedComplete = `{"id":"e","type":"complete","content":"","done":true,"timestamp":"${time}"}`;

describe('The service, beside a WeKnora process on the same Redis,', () => {
  const the = new StreamOfTest({
    REDIS_PREFIX: 'stream:events',
    FEED_POLL_INTERVAL: '100ms',
    FEED_LINGER: '200ms',
    STREAM_TTL: '10m',
  });

  it('delivers live what the other program pushes, by its polls', async () => {
    const feed = await the.follow();
    const client = clientOf(the.redis);
    const pushes = [
      () => client.rpush(the.key, pushed),
      () => pushWithCli(the, pushed),
      () => client.rpush(the.key, pushed, pushed),
    ];
    let count = 0;
    for (const push of pushes) {
      await push();
      count = await client.llen(the.key);
      await feed.frameCount(count);
    }
    expect(feed.data).toEqual(Array(count).fill(pushed));
    const offsets = feed.frames.map((frame) => frame.id?.split('-')[0]);
    expect(offsets).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
  });

  it('alternates with the other program in one stream', async () => {
    const feed = await the.follow();
    const client = clientOf(the.redis);
    for (let turn = 0; turn < 5; turn += 1) {
      await client.rpush(the.key, pushed);
      const event = { type: 'answer', content: `turn ${turn}` };
      expect(await post(the.eventsUrl, event)).toMatchObject({
        status: 201,
        body: { offset: 2 * turn + 1, nextOffset: 2 * turn + 2 },
      });
    }
    await feed.frameCount(10);
    expect(feed.data).toEqual(await client.lrange(the.key, 0, -1));
  });

  it('stores exactly the fields of the other program, and data when that was sent', async () => {
    await post(the.eventsUrl, [
      { type: 'answer' },
      { type: 'answer', data: { score: 1 } },
      JSON.parse(pushed),
    ]);
    const client = clientOf(the.redis);
    expect(await listsOf(client, `*${the.mid}*`)).toEqual([the.key]);
    const elements = await client.lrange(the.key, 0, -1);
    const [bare, withData] = elements.map((element) => JSON.parse(element));
    expect(Object.keys(bare).sort()).toEqual(['content', 'done', 'id', 'timestamp', 'type']);
    expect(bare).toMatchObject({ type: 'answer', content: '', done: false });
    expect(bare.id).toMatch(/^auto-./);
    expect(new Date(bare.timestamp).toISOString()).toBe(bare.timestamp);
    expect(Object.keys(withData)).toHaveLength(6);
    expect(withData.data).toEqual({ score: 1 });
    expect(elements[2]).toBe(pushed);
  });

  it('renews the TTL of the list, and of whatever it keeps beside it, with every append', async () => {
    const client = clientOf(the.redis);
    await client.rpush(the.key, pushed);
    expect(await client.pttl(the.key)).toBe(-1);
    for (const shortened of [60_000, 1_000_000]) {
      await post(the.eventsUrl, { type: 'answer' });
      for (const key of await client.keys(`*s1:${the.mid}*`)) {
        const ttl = await client.pttl(key);
        expect(ttl, key).toBeGreaterThan(570_000);
        // What is kept beside the list outlives it.
        expect(ttl, key).toBeLessThanOrEqual(key === the.key ? 600_000 : 1_200_000);
        await client.pexpire(key, shortened);
      }
    }
    // The list of the streams of the session outlives them all.
    expect(await client.pttl('{stream:events:s1}::streams')).toBeGreaterThan(600_000);
  });

  it('shows a failed tool as failed, and goes on', async () => {
    const feed = await the.follow();
    await post(the.eventsUrl, { type: 'agent_query' }); // which notes the stream for its session
    const chat = await openFeed(`${the.service.url}/ai-sdk/sessions/s1/stream`);
    const client = clientOf(the.redis);
    const failure = (id: string, call: string) =>
      `{"id":"${id}","type":"error","content":"no network","done":false,"timestamp":"${time}",` +
      `"data":{"error":"no network","success":false,"tool_call_id":"${call}","tool_name":"search"}}`;
    const call = `{"id":"c1","type":"tool_call","content":"","done":false,"timestamp":"${time}","data":{"arguments":{"q":"cats"},"tool_call_id":"c1","tool_name":"search"}}`;
    const elements = [call, failure('c1', 'c1'), failure('c2', 'c2'), pushed];
    await client.rpush(the.key, ...elements);
    await feed.frameCount(1 + elements.length);
    expect(feed.data.slice(1)).toEqual(elements);
    // A replay keeps each of them too.
    const compact = feedUrl(the.service.url, '?compact=true', 's1', the.mid);
    const replay = await openFeed(compact);
    await replay.frameCount(1 + elements.length);
    expect(replay.frames).toEqual(feed.frames);

    await client.rpush(the.key, pushedComplete);
    await chat.end();
    const texts = chat.data.filter((data) => data !== '[DONE]');
    const failed = { type: 'tool-output-error', errorText: 'no network', dynamic: true };
    expect(texts.map((text) => JSON.parse(text)).slice(2)).toMatchObject([
      { type: 'tool-input-available', toolCallId: 'c1', input: { q: 'cats' }, dynamic: true },
      { ...failed, toolCallId: 'c1' },
      { type: 'tool-input-available', toolCallId: 'c2', toolName: 'search', input: {} },
      { ...failed, toolCallId: 'c2' },
      { type: 'text-start', id: 'a' },
      { type: 'text-delta', id: 'a', delta: 'x' },
      { type: 'text-end', id: 'a' },
      { type: 'finish' },
    ]);
  });

  it('ends its feeds and rejects appends after a complete that the other program pushed', async () => {
    await post(the.eventsUrl, { type: 'answer' });
    const feed = await the.follow();
    await feed.frameCount(1);
    await clientOf(the.redis).rpush(the.key, pushedComplete);
    await feed.end();
    expect(feed.data[1]).toBe(pushedComplete);
    expect(await post(the.eventsUrl, { type: 'answer' })).toMatchObject({
      status: 409,
      body: { code: 'stream_ended', streamStatus: 'complete', stored: 0 },
    });
  });

  it('responds 204 to a client that has everything up to a complete of the other program', async () => {
    const feed = await the.follow();
    await clientOf(the.redis).rpush(the.key, pushedComplete);
    await feed.end();
    const back = await the.follow(feed.lastId);
    expect(back.status).toBe(204);
  });
});

describe('The service, with settings of its own, beside a WeKnora process', () => {
  it.each(['wk:stream:t1:', ' spaced ', '{wk}:s', 'wk:{t1}'])(
    'uses the prefix %j byte for byte',
    async (prefix) => {
      const { redis, service } = await startBoth({ REDIS_PREFIX: prefix });
      await post(eventsUrl(service.url), { type: 'answer' });
      expect(await listsOf(clientOf(redis), '*')).toEqual([`${prefix}:s1:m1`]);
    },
  );

  it('accepts a title that the other program pushes late, and ends with it', async () => {
    const { redis, service } = await startBoth({ FEED_LINGER: '10m', FEED_POLL_INTERVAL: '100ms' });
    const feed = await openFeed(feedUrl(service.url));
    const title = pushed.replace('answer', 'session_title');
    await clientOf(redis).rpush('stream:events:s1:m1', pushedComplete);
    await feed.frameCount(1);
    await clientOf(redis).rpush('stream:events:s1:m1', title);
    await feed.end();
    expect(feed.data).toEqual([pushedComplete, title]);
  });
});

async function startBoth(environment: Environment = {}) {
  const redis = await startRedis();
  const service = await startService(onRedis(redis, environment));
  await isReady(service);
  return { redis, service };
}

/** The keys that match and are lists. */
async function listsOf(client: ReturnType<typeof clientOf>, pattern: string): Promise<string[]> {
  const keys = await client.keys(pattern);
  const types = await Promise.all(keys.map((key) => client.type(key)));
  return keys.filter((_, index) => types[index] === 'list');
}

/** Where the program is not installed, the client library has pushed the same bytes already. */
function pushWithCli({ redis, key }: StreamOfTest, element: string): void {
  const args = ['-p', String(redis.port), 'RPUSH', key, element];
  try {
    execFileSync('redis-cli', args, { stdio: 'ignore' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
