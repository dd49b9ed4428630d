import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import type { SteerableWorker } from '../workers/typescript/steerable-worker.js';
import { keyHeaders } from '../workers/typescript/worker-key.js';
import { type Agent, ChatBackend } from './chat-backend.js';

// [REJOIN_KEY=…] npx tsx examples/ai-sdk/main.ts [URL of Rejoin]

const wordMs = Number(process.env.WORD_MS ?? 100);

const simulatedAgent: Agent = async (worker, question) => {
  const pause = (ms: number) => sleep(ms, undefined, { signal: worker.signal });
  await worker.append({ type: 'thinking', id: 'thought', content: 'Let me look.', done: true });
  const call = { tool_name: 'search', arguments: { question } };
  await worker.append({ type: 'tool_call', id: 'search', data: call });
  await pause(1000);
  await worker.append({ type: 'tool_result', id: 'search', content: 'Nothing was found.' });
  if (/\bmail\b/.test(question)) await sendMail(worker);
  for (const word of `You asked: ${question} `.repeat(20).split(/(?<= )/)) {
    await worker.append({ type: 'answer', id: 'answer', content: word });
    await pause(wordMs);
  }
  await worker.append({ type: 'complete', done: true });
};

async function sendMail(worker: SteerableWorker): Promise<void> {
  const call = { tool_call_id: 'mail', tool_name: 'send_mail' };
  await worker.append({ type: 'tool_call', data: { ...call, arguments: { to: 'everyone' } } });
  await worker.append({ type: 'tool_approval_required', data: { ...call, approval_id: 'a1' } });
  const reply = await worker.waitForReply('a1');
  if (reply.data?.approved === true) {
    await worker.append({ type: 'tool_result', content: 'The mail is sent.', data: call });
  } else {
    const denied = { type: 'tool-output-denied', toolCallId: 'mail' };
    await worker.append({ type: 'ui_message_chunk', data: denied });
  }
}

const folder = import.meta.dirname;
const serviceUrl = process.argv[2] ?? 'http://127.0.0.1:8080';
const port = Number(process.env.PORT ?? 3000);
const backend = new ChatBackend({ serviceUrl, agent: simulatedAgent, headers: keyHeaders() });
const script = await bundle();

createServer((request, response) => {
  respond(request, response).catch(() => response.destroy());
}).listen(port, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${port}\n`));

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (await backend.handle(request, response)) return;
  const isScript = request.url === '/chat-page.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? script : await readFile(join(folder, 'chat-page.html')));
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'chat-page.jsx')],
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0]?.text as string;
}
