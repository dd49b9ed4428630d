import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type AgentKind,
  AgentProcess,
  steerableTypescriptAgent,
} from '../support/agent-process.js';
import { bundledProgram } from '../support/bundled-program.js';
import { FeedClient } from '../support/feed-client.js';
import { ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { post } from '../support/worker.js';

const bundle = await bundledProgram(steerableTypescriptAgent);
const services: Partial<Record<'memory' | 'redis', ServiceProcess>> = {};
const agents: AgentProcess[] = [];

beforeAll(async () => {
  services.memory = await ServiceProcess.listening({});
  services.redis = await ServiceProcess.listening({
    STREAM_MANAGER_TYPE: 'redis',
    REDIS_ADDR: `127.0.0.1:${inject('redisPort')}`,
    REDIS_PREFIX: `test-${randomUUID()}`,
  });
});

afterAll(async () => {
  for (const agent of agents) agent.kill();
  await Promise.all([services.memory?.kill(), services.redis?.kill()]);
});

const kinds = [
  { language: 'python', backend: 'memory' },
  { language: 'typescript', backend: 'redis' },
  ...(process.env.REJOIN_LONG === '1'
    ? ([
        { language: 'python', backend: 'redis' },
        { language: 'typescript', backend: 'memory' },
      ] as const)
    : []),
] as const;

const asked = ['tool_call', 'tool_approval_required'];
const done = { code: 0, output: 'Done: all events are stored.\n' };

describe.concurrent.each(kinds)('The steerable $language agent on $backend', (one) => {
  const { language, backend } = one;
  /** What users start, once for each language. */
  const asUsersRunIt: AgentKind = { language, isSteerable: true };

  const newStream = () =>
    `${(services[backend] as ServiceProcess).url}/sessions/s1/messages/m-${randomUUID()}`;

  function start(url: string, options: Record<string, number>, kind?: AgentKind): AgentProcess {
    const patient = { 'give-up': 3600, lease: 60, ...options }; // a busy machine responds late
    const agent = new AgentProcess(kind ?? { ...asUsersRunIt, bundle }, url, patient);
    agents.push(agent);
    return agent;
  }

  it('acts when it is allowed to, and acknowledges the approval with what came of it', async () => {
    const stream = newStream();
    const kind = backend === 'memory' ? asUsersRunIt : undefined;
    const agent = start(stream, { steps: 2, 'step-seconds': 0 }, kind);
    await hasEvents(stream, 2);
    expect(await statusOf(stream)).toMatchObject({ inputs: { nextOffset: 0, ackOffset: 0 } });
    await send(stream, [reply(true)]);
    expect(await agent.end()).toEqual(done);
    const events = await eventsOf(stream);
    expect(events.map(({ type }) => type)).toEqual([
      ...asked,
      'tool_result',
      'answer',
      'answer',
      'complete',
    ]);
    expect(contentsAfterQuestion(events)).toEqual([
      'The mail is sent.',
      '1: cats. ',
      '2: cats. ',
      '',
    ]);
    expect(await statusOf(stream)).toMatchObject({ inputs: { nextOffset: 1, ackOffset: 1 } });
  });

  it('does not act when it is not allowed to, or when the approval is of something else', async () => {
    const stream = newStream();
    const agent = start(stream, { steps: 0 });
    await hasEvents(stream, 2);
    const other = { type: 'approval', id: 'other', data: { replyTo: 'x', approved: true } };
    await send(stream, [other, reply(false)]);
    expect(await agent.end()).toEqual(done);
    const events = await eventsOf(stream);
    expect(events[2]).toMatchObject({ type: 'tool_result', data: { success: false } });
    expect(contentsAfterQuestion(events)).toEqual(['That was not allowed.', 'At last: cats. ', '']);
  });

  it('changes its answer at a message, and stops soon when somebody stops the stream', async () => {
    const stream = newStream();
    const agent = start(stream, { steps: 10_000, 'step-seconds': 0.2 });
    await hasEvents(stream, 2);
    await send(stream, [reply(true)]);
    await hasEvents(stream, 4);
    await send(stream, [message('dogs')]);
    await waitFor('an answer about dogs', async () => (await topicsOf(stream)).includes('dogs'));
    expect(await statusOf(stream)).toMatchObject({ inputs: { nextOffset: 2, ackOffset: 2 } });
    await fetch(`${stream}/stop`, { method: 'POST' });
    const stopped = { code: 3, output: 'Stopped: the stream has ended: stopped.\n' };
    expect(await agent.end()).toEqual(stopped);
    const topics = await topicsOf(stream);
    expect([...new Set(topics)]).toEqual(['cats', 'dogs']);
    expect(topics.lastIndexOf('cats')).toBeLessThan(topics.indexOf('dogs'));
  });

  it('stops soon when somebody stops the stream while it waits for an approval', async () => {
    const stream = newStream();
    const agent = start(stream, {});
    await hasEvents(stream, 2);
    await fetch(`${stream}/stop`, { method: 'POST' });
    expect(await agent.end()).toMatchObject({ code: 3 });
  });

  it('does not end over a message that it has not taken', async () => {
    const stream = newStream();
    const agent = start(stream, { steps: 0 });
    await hasEvents(stream, 2);
    await send(stream, [reply(true), message('dogs')]); // it takes the reply, and ends
    expect(await agent.end()).toEqual(done);
    const events = await eventsOf(stream);
    expect(contentsAfterQuestion(events)).toEqual(['The mail is sent.', 'At last: dogs. ', '']);
    expect(await statusOf(stream)).toMatchObject({ inputs: { nextOffset: 2, ackOffset: 2 } });
  });

  it('has answered each message that was stored, however close to the end it came', async () => {
    const stream = newStream();
    const agent = start(stream, { steps: 3, 'step-seconds': 0.1 });
    await hasEvents(stream, 2);
    await send(stream, [reply(true), message('topic 0')]);
    const rejections = new Set<unknown>();
    let last = 0;
    for (let count = 1; rejections.size === 0 && count < 200; count += 1) {
      const { status, body } = await post(`${stream}/inputs`, message(`topic ${count}`));
      if (status === 201) last = count;
      else rejections.add(body.code);
      await sleep(Math.random() * 20 * count); // long enough at some time for it to end
    }
    expect([...rejections]).toEqual(['stream_ended']);
    expect(await agent.end()).toEqual(done);
    expect((await topicsOf(stream)).at(-1)).toBe(`topic ${last}`);
  });

  it('takes each input once over connections that are cut, and responses that are lost', async () => {
    const direct = newStream();
    const proxy = await TcpProxy.start(Number(new URL(direct).port));
    const agent = start(`${proxy.url}${new URL(direct).pathname}`, {
      steps: 300,
      'step-seconds': 0.05,
    });
    await hasEvents(direct, 2);
    await send(direct, [reply(true)]);
    for (let count = 0; count < 10; count += 1) {
      const seen = (await eventsOf(direct)).length;
      if (count % 2 === 0) proxy.cut();
      else proxy.loseNextResponses();
      if (count < 5) await send(direct, [message(`topic ${count}`)]);
      const hasGoneOn = async () => (await eventsOf(direct)).length > seen;
      await waitFor('it goes on', async () => (await hasGoneOn()) || (await hasEnded(direct)));
    }
    expect(await agent.end()).toEqual(done);
    const { connectionCount } = proxy;
    await proxy.close();
    expect(connectionCount).toBeGreaterThan(1); // there was trouble
    const events = await eventsOf(direct);
    expect(events.filter(({ type }) => type === 'tool_result')).toHaveLength(1);
    const pieces = events.filter(({ type }) => type === 'answer').map(({ content }) => content);
    const numbers = pieces.map((content) => Number.parseInt(content, 10)).filter(Number.isInteger);
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect((await topicsOf(direct)).at(-1)).toBe('topic 4');
    expect(await statusOf(direct)).toMatchObject({ inputs: { nextOffset: 6, ackOffset: 6 } });
  });

  it('finds the approval that came when its predecessor was dead', async () => {
    const stream = newStream();
    const first = start(stream, { epoch: 1 });
    await hasEvents(stream, 2);
    first.kill();
    await first.end();
    await send(stream, [reply(true)]);
    expect(await start(stream, { epoch: 2, steps: 0 }).end()).toEqual(done);
    const events = await eventsOf(stream);
    const types = events.map(({ type }) => type);
    expect(types).toEqual([...asked, ...asked, 'tool_result', 'complete']);
  });
});

interface ShownEvent {
  readonly type: string;
  readonly content: string;
}

function reply(approved: boolean) {
  return { type: 'approval', id: 'reply', data: { replyTo: 'ask-mail', approved } };
}

function message(content: string) {
  return { type: 'message', id: randomUUID(), content };
}

async function send(stream: string, inputs: object[]): Promise<void> {
  expect((await post(`${stream}/inputs`, inputs)).status).toBe(201);
}

/** Resolves when the stream has that many events. */
async function hasEvents(stream: string, count: number): Promise<void> {
  const feed = await FeedClient.open(`${stream}/stream`);
  await feed.frameCount(count);
  feed.drop();
}

async function statusOf(stream: string): Promise<{ streamStatus: string }> {
  return (await (await fetch(stream)).json()) as { streamStatus: string };
}

async function hasEnded(stream: string): Promise<boolean> {
  return (await statusOf(stream)).streamStatus !== 'open';
}

async function eventsOf(stream: string): Promise<ShownEvent[]> {
  const page = await (await fetch(`${stream}/events`)).json();
  return (page as { events: ShownEvent[] }).events;
}

function contentsAfterQuestion(events: readonly ShownEvent[]): string[] {
  return events.slice(asked.length).map(({ content }) => content);
}

/** What each piece of the answer is about. */
async function topicsOf(stream: string): Promise<string[]> {
  const answers = (await eventsOf(stream)).filter(({ type }) => type === 'answer');
  return answers.map(({ content }) => content.replace(/^.*: |\. $/g, ''));
}
