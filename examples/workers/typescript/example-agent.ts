import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { explain } from './exit-code.js';
import { type Mode, Worker } from './worker.js';
import { keyHeaders } from './worker-key.js';

const usage = `A simulated agent: it thinks, calls a tool for a while, and answers.

  npx tsx example-agent.ts http://127.0.0.1:8080/sessions/s1/messages/m1 --mode ndjson

  --mode          batches (the default) or ndjson
  --epoch         higher than that of the worker that is taken over from (default: the clock)
  --lease         seconds (default: 30)
  --give-up       seconds without success (default: 60)
  --tool-seconds  how long the tool takes (default: 3)
  --tokens        how many pieces the answer has (default: 200)
  --token-ms      the time between them (default: 20)

Where the service has keys, REJOIN_KEY in the environment is the one of this worker.

Exit codes: 0 all is stored; 3 somebody ended the stream; 4 another worker has taken over; 5 the
events could not be stored.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string', default: 'batches' },
    // A clock makes a good epoch: a worker that starts later takes over.
    epoch: { type: 'string', default: String(Date.now()) },
    lease: { type: 'string', default: '30' },
    'give-up': { type: 'string', default: '60' },
    'tool-seconds': { type: 'string', default: '3' },
    tokens: { type: 'string', default: '200' },
    'token-ms': { type: 'string', default: '20' },
  },
});

process.exitCode = await main(positionals[0]);

async function main(url: string | undefined): Promise<number> {
  if (url === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const worker = new Worker({
    url,
    epoch: Number(options.epoch),
    leaseSeconds: Number(options.lease),
    giveUpMs: Number(options['give-up']) * 1000,
    mode: options.mode as Mode,
    headers: keyHeaders(),
  });
  try {
    await runAgent(worker);
    await worker.close();
  } catch (error) {
    return explain(worker.signal.aborted ? worker.signal.reason : error);
  }
  process.stdout.write('Done: all events are stored.\n');
  return 0;
}

async function runAgent(worker: Worker): Promise<void> {
  for (const content of ['What ', 'do ', 'cats ', 'do?']) {
    await worker.append({ id: 'thought', type: 'thinking', content });
  }
  await callTool(worker);
  for (let index = 0; index < Number(options.tokens); index += 1) {
    await worker.append({ id: 'answer', type: 'answer', content: `${index} ` });
    await pause(worker, Number(options['token-ms']));
  }
  await worker.append({ id: 'answer', type: 'answer', content: '', done: true });
  await worker.append({ type: 'complete', done: true });
}

async function callTool(worker: Worker): Promise<void> {
  await worker.append({ id: 'search', type: 'tool_call', data: { name: 'search' } });
  await pause(worker, Number(options['tool-seconds']) * 1000);
  const result = { id: 'search', type: 'tool_result', content: 'They sleep.', done: true };
  await worker.append(result);
}

/** What an agent waits for takes the worker's signal, so that a stop ends it at once. */
async function pause({ signal }: Worker, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal });
}
