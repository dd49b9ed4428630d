import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { bundledProgram } from '../support/bundled-program.js';
import { ServiceProcess } from '../support/service-process.js';
import { openFeed } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { post } from '../support/worker.js';

const script = resolve(import.meta.dirname, '../../examples/workers/typescript/openai-worker.ts');
const bundle = await bundledProgram(script);
const asUsersRunIt = ['--import', 'tsx', script];
let service: ServiceProcess;

beforeAll(async () => {
  service = await ServiceProcess.listening({ FEED_LINGER: '100ms' });
});
afterAll(() => service.kill());

/** As an API of this kind streams an answer. */
const recorded = [
  { delta: { role: 'assistant', content: '' }, finish_reason: null },
  { delta: { reasoning_content: 'Hm.' }, finish_reason: null },
  { delta: { content: 'Cats ' }, finish_reason: null },
  { delta: { content: 'sleep. 猫' }, finish_reason: null },
  { delta: { tool_calls: [{ index: 0, id: 'c1', function: { name: 'search', arguments: '' } }] } },
  { delta: { tool_calls: [{ index: 0, function: { arguments: '{"query":' } }] } },
  { delta: { tool_calls: [{ index: 0, function: { arguments: '"cats"}' } }] } },
  { delta: {}, finish_reason: 'tool_calls' },
].map((choice) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`);

interface Api {
  readonly url: string;
  readonly requests: { readonly key: string | undefined; readonly body: unknown }[];
  /** Of the request that is under way. */
  response: ServerResponse | undefined;
}

/** An API of this kind that answers as the test says. */
async function startApi(answer: (response: ServerResponse) => void): Promise<Api> {
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const body = JSON.parse(Buffer.concat(chunks).toString());
    api.requests.push({ key: request.headers.authorization, body });
    api.response = response;
    answer(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const api: Api = { url: `http://127.0.0.1:${port}/v1`, requests: [], response: undefined };
  return api;
}

/** Runs the worker, and returns the events that a reader gets of it, and its exit code. */
async function runWith(
  api: Api,
  whileItRuns: (url: string) => Promise<unknown>,
  command: readonly string[] = [bundle],
) {
  const url = `${service.url}/sessions/s1/messages/${randomUUID()}`;
  const args = [url, '--base-url', api.url, '--model', 'm', '--question', 'What do cats do?'];
  const worker = spawn(process.execPath, [...command, ...args], {
    env: { PATH: process.env.PATH, OPENAI_API_KEY: 'secret' },
    stdio: 'ignore',
  });
  const exited = once(worker, 'exit');
  onTestFinished(() => void worker.kill('SIGKILL'));
  const feed = await openFeed(`${url}/stream`);
  await whileItRuns(url);
  await feed.end();
  const [code] = await exited;
  const events = feed.data.map((data) => JSON.parse(data));
  return { code, events: events.map(({ type, content, data }) => ({ type, content, data })) };
}

it('The worker of an OpenAI-compatible API appends thoughts, answer and tool calls', async () => {
  const text = [...recorded, 'data: [DONE]\n\n'].join('');
  const api = await startApi((response) => {
    response.setHeader('content-type', 'text/event-stream').end(text);
  });
  const { code, events } = await runWith(api, async () => {}, asUsersRunIt);
  expect(code).toBe(0);
  const call = { tool_call_id: 'c1', tool_name: 'search', arguments: { query: 'cats' } };
  expect(events).toEqual([
    { type: 'thinking', content: 'Hm.', data: undefined },
    { type: 'answer', content: 'Cats ', data: undefined },
    { type: 'answer', content: 'sleep. 猫', data: undefined },
    { type: 'tool_call', content: 'search', data: call },
    { type: 'complete', content: '', data: undefined },
  ]);
  const messages = [{ role: 'user', content: 'What do cats do?' }];
  const body = { model: 'm', messages, stream: true };
  expect(api.requests).toEqual([{ key: 'Bearer secret', body }]);
});

it.each([
  [
    'rejects it',
    (response: ServerResponse) => response.writeHead(429).end(),
    'the model answered 429',
  ],
  [
    'breaks off',
    (response: ServerResponse) => response.end(recorded.slice(0, 3).join('')),
    'the answer of the model broke off',
  ],
])(
  'The worker of an OpenAI-compatible API that %s ends its stream with an error',
  async (_, answer, content) => {
    const { code, events } = await runWith(await startApi(answer), async () => {});
    expect(code).toBe(0);
    expect(events.at(-1)).toEqual({ type: 'error', content, data: undefined });
  },
);

it('The worker of an OpenAI-compatible API disconnects when its stream is stopped', async () => {
  const api = await startApi((response) => void response.write(recorded.slice(0, 3).join('')));
  const { code, events } = await runWith(api, async (url) => {
    await waitFor('it asks', () => api.response !== undefined);
    await post(`${url}/stop`, {});
    await waitFor('it leaves', () => api.response?.destroyed === true);
  });
  expect(code).toBe(3);
  expect(events.at(-1)?.type).toBe('stop');
});
