import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { explain } from './exit-code.js';
import { SteerableWorker } from './steerable-worker.js';
import { keyHeaders } from './worker-key.js';

const usage = `A simulated agent that asks before it acts, and that can be steered while it answers.

  npx tsx steerable-agent.ts http://127.0.0.1:8080/sessions/s1/messages/m1

It wants to send a mail, and waits for an input that says whether it may:

  {"type": "approval", "id": "i1", "data": {"replyTo": "ask-mail", "approved": true}}

Then it writes of cats, or of what the latest message says:

  {"type": "message", "id": "i2", "content": "dogs"}

  --epoch         higher than that of the worker that is taken over from (default: the clock)
  --lease         seconds (default: 30)
  --give-up       seconds without success (default: 60)
  --steps         how many pieces the answer has (default: 10)
  --step-seconds  the time between them (default: 1)

REJOIN_KEY and the exit codes are as those of example-agent.ts.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // A clock makes a good epoch: a worker that starts later takes over.
    epoch: { type: 'string', default: String(Date.now()) },
    lease: { type: 'string', default: '30' },
    'give-up': { type: 'string', default: '60' },
    steps: { type: 'string', default: '10' },
    'step-seconds': { type: 'string', default: '1' },
  },
});

process.exitCode = await main(positionals[0]);

async function main(url: string | undefined): Promise<number> {
  if (url === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const worker = new SteerableWorker({
    url,
    epoch: Number(options.epoch),
    leaseSeconds: Number(options.lease),
    giveUpMs: Number(options['give-up']) * 1000,
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

async function runAgent(worker: SteerableWorker): Promise<void> {
  await sendMail(worker);
  let topic = 'cats';
  for (let number = 1; number <= Number(options.steps); number += 1) {
    topic = latestTopic(worker, topic);
    await write(worker, `${number}: ${topic}. `);
    await sleep(Number(options['step-seconds']) * 1000, undefined, { signal: worker.signal });
  }
  while (!(await worker.end({ type: 'complete', done: true }))) {
    topic = latestTopic(worker, topic); // of a message that came late
    await write(worker, `At last: ${topic}. `);
  }
}

async function sendMail(worker: SteerableWorker): Promise<void> {
  const mail = { tool_call_id: 'mail', tool_name: 'send_mail' };
  await worker.append({ type: 'tool_call', data: { ...mail, arguments: { to: 'everyone' } } });
  // A worker that takes over asks under the same id, so that a reply that has come counts.
  const question = { ...mail, approval_id: 'ask-mail' };
  await worker.append({ type: 'tool_approval_required', id: 'ask-mail', data: question });
  const reply = await worker.waitForReply('ask-mail');
  if (reply.data?.approved === true) {
    await worker.append({ type: 'tool_result', content: 'The mail is sent.', data: mail });
  } else {
    const denied = { ...mail, success: false };
    await worker.append({ type: 'tool_result', content: 'That was not allowed.', data: denied });
  }
}

function latestTopic(worker: SteerableWorker, topic: string): string {
  const messages = worker.takeInputs().filter(({ type }) => type === 'message');
  return messages.at(-1)?.content ?? topic;
}

async function write(worker: SteerableWorker, content: string): Promise<void> {
  await worker.append({ id: 'answer', type: 'answer', content });
}
