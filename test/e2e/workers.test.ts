import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import {
  type AgentKind,
  AgentProcess,
  agentKinds,
  contentsOfRun,
  typescriptAgent,
} from '../support/agent-process.js';
import { bundledProgram } from '../support/bundled-program.js';
import { FeedClient } from '../support/feed-client.js';
import { freePort } from '../support/free-port.js';
import { makeKey } from '../support/keys.js';
import { ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const bundle = await bundledProgram(typescriptAgent);
const key = makeKey('append', 'read');
let memory: ServiceProcess;
let redis: ServiceProcess;
let withKeys: ServiceProcess;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  memory = await ServiceProcess.listening({});
  withKeys = await ServiceProcess.listening({ AUTH_API_KEYS: formatApiKey(key.key) });
  redis = await ServiceProcess.listening({
    STREAM_MANAGER_TYPE: 'redis',
    REDIS_ADDR: `127.0.0.1:${inject('redisPort')}`,
    REDIS_PREFIX: `test-${randomUUID()}`,
  });
});

afterAll(async () => {
  for (const agent of agents) agent.kill();
  await Promise.all([memory.kill(), redis.kill(), withKeys.kill()]);
});

function start(
  kind: AgentKind,
  url: string,
  options: Record<string, number>,
  environment?: Record<string, string>,
): AgentProcess {
  const patient = { 'give-up': 3600, ...options }; // a busy machine responds late
  const agent = new AgentProcess(kind, url, patient, environment);
  agents.push(agent);
  return agent;
}

// They wait most of the time, so they wait together.
describe.concurrent.each(agentKinds)('The $language worker that sends $mode', (asUsersRunIt) => {
  const kind = { ...asUsersRunIt, bundle };
  /** One mode is enough for the way in which users start it. */
  const inMemory = asUsersRunIt.mode === 'batches' ? asUsersRunIt : kind;

  it('delivers a run whole and in order, also over a tool call longer than its lease', async () => {
    await Promise.all(
      (
        [
          [memory, inMemory],
          [redis, kind],
        ] as const
      ).map(async ([{ url }, kind]) => {
        const stream = newStream(url);
        const agent = start(kind, stream, {
          lease: 6,
          'tool-seconds': 10,
          tokens: 150,
          'token-ms': 2,
        });
        expect(await agent.end()).toEqual({ code: 0, output: 'Done: all events are stored.\n' });
        expect(await contentsOf(stream)).toEqual(contentsOfRun(150));
      }),
    );
  });

  it('sends its key where the service has API keys', async () => {
    const run = (environment: Record<string, string>) => {
      const url = newStream(withKeys.url);
      return start(kind, url, { 'tool-seconds': 0, tokens: 3 }, environment).end();
    };
    expect(await run({ REJOIN_KEY: key.token })).toMatchObject({ code: 0 });
    const rejected = { code: 5, output: expect.stringContaining('401 unauthorized') };
    expect(await run({})).toMatchObject(rejected);
  });

  it('stores each event once over connections that are cut, and responses that are lost', async () => {
    const proxy = await TcpProxy.start(Number(new URL(redis.url).port));
    const stream = newStream(proxy.url);
    const agent = start(kind, stream, { 'tool-seconds': 1, tokens: 200, 'token-ms': 10 });
    const direct = stream.replace(proxy.url, redis.url);
    let isOver = false;
    const trouble = async () => {
      for (let seen = -1; !isOver; await sleep(150)) {
        const { length } = await contentsOf(direct);
        if (length === seen) continue; // no trouble before it has got on, however slow it is
        seen = length;
        if (Math.random() < 0.5) proxy.cut();
        else proxy.loseNextResponses();
      }
    };
    const [{ code, output }] = await Promise.all([
      agent.end().finally(() => {
        isOver = true;
      }),
      trouble(),
    ]);
    const { connectionCount } = proxy;
    await proxy.close();
    expect([code, output]).toEqual([0, 'Done: all events are stored.\n']);
    expect(await contentsOf(direct)).toEqual(contentsOfRun(200));
    expect(connectionCount).toBeGreaterThan(1); // there was trouble
  });

  it('stops soon when somebody stops the stream, though it sends nothing', async () => {
    const stream = newStream(redis.url);
    const agent = start(kind, stream, { 'tool-seconds': 600 });
    await readUntil(stream, 5); // the tool is called
    await fetch(`${stream}/stop`, { method: 'POST' });
    const { code, output } = await agent.end();
    expect([code, output]).toEqual([3, 'Stopped: the stream has ended: stopped.\n']);
  });

  it('ends when a worker with a higher epoch takes over, and not for one with its own', async () => {
    const stream = newStream(memory.url);
    const first = start(kind, stream, { epoch: 7, 'tool-seconds': 600 });
    await readUntil(stream, 5); // the tool is called
    const twin = await start(kind, stream, { epoch: 7 }).end();
    expect(twin).toEqual({ code: 5, output: 'Failed: epoch 7 is in use; take a higher one.\n' });
    const second = start(kind, stream, { epoch: 8, 'tool-seconds': 4, tokens: 3 });
    const { code, output } = await first.end();
    expect([code, output]).toEqual([4, expect.stringMatching(/^Taken over: .* epoch 8/)]);
    expect((await second.end()).code).toBe(0);
    const thought = contentsOfRun(3).slice(0, 5);
    expect(await contentsOf(stream)).toEqual([...thought, ...contentsOfRun(3)]);
  });

  it('that is killed loses its lease, and readers see that once', async () => {
    const stream = newStream(redis.url);
    const feed = await FeedClient.open(`${stream}/stream`);
    const agent = start(kind, stream, { lease: 2, 'tool-seconds': 60 });
    await feed.frameCount(5);
    agent.kill();
    await feed.end();
    expect(feed.frames).toHaveLength(6);
    expect(JSON.parse(feed.data[5] as string)).toMatchObject({
      type: 'error',
      done: true,
      data: { code: 'producer_lost' },
    });
  });

  it('gives up when the service stays down', async () => {
    const agent = start(kind, newStream(`http://127.0.0.1:${await freePort()}`), { 'give-up': 1 });
    const { code, output } = await agent.end();
    expect([code, output]).toEqual([5, expect.stringMatching(/^Failed: no success for 1/)]);
  });

  it('fails at once when its events are rejected', async () => {
    const { code, output } = await start(kind, `${memory.url}/sessions/s1/messages/:`, {}).end();
    expect([code, output]).toEqual([5, expect.stringMatching(/^Failed: 400 invalid_id/)]);
  });
});

it.concurrent('Every worker resumes with a service that was down and has lost the stream', async () => {
  const port = String(await freePort());
  const before = await ServiceProcess.listening({ PORT: port });
  const runs = agentKinds.map((kind) => {
    const stream = newStream(before.url);
    const options = { 'tool-seconds': 0, tokens: 200, 'token-ms': 10, lease: 3600 };
    return { stream, agent: start({ ...kind, bundle }, stream, options) };
  });
  await Promise.all(
    runs.map(async ({ stream, agent }) => {
      await readUntil(stream, 51); // it responds
      agent.pause(); // so that none is done before all have come so far
    }),
  );
  for (const { agent } of runs) agent.resume();
  await before.kill();
  await sleep(500);
  const after = await ServiceProcess.listening({ PORT: port });
  for (const { stream, agent } of runs) {
    expect(await agent.end()).toEqual({ code: 0, output: 'Done: all events are stored.\n' });
    expect(await contentsOf(stream)).toEqual(contentsOfRun(200));
  }
  await after.kill();
});

/** The URL of a stream that no other test uses. */
function newStream(base: string): string {
  return `${base}/sessions/s1/messages/m-${randomUUID()}`;
}

/** Resolves when the stream has that many events. */
async function readUntil(stream: string, count: number): Promise<void> {
  const feed = await FeedClient.open(`${stream}/stream`);
  await feed.frameCount(count);
  feed.drop();
}

async function contentsOf(stream: string): Promise<string[]> {
  const response = await (await fetch(`${stream}/events`)).json();
  return (response as { events: { content: string }[] }).events.map(({ content }) => content);
}
