import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { loadAgentRun } from './agent-run.js';
import { type DemoArguments, readArguments, UsageError, usage } from './arguments.js';
import { DemoError } from './demo-error.js';
import { type Outcome, readLimitMs, replay } from './replay.js';
import { Service } from './service.js';
import { verdictTable } from './verdict.js';

/** Aborted with the name of the signal that ends the demo early. */
const interruption = new AbortController();

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interruption.abort(name));
}
process.stdout.on('error', () => interruption.abort('SIGPIPE'));

process.exit(await runDemo());

/** Resolves with the exit code. */
async function runDemo(): Promise<number> {
  try {
    const wanted = readArguments(process.argv.slice(2));
    if (wanted !== 'help') return await demonstrate(wanted);
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    return explain(error);
  }
}

async function demonstrate({ backend, input, speed, port }: DemoArguments): Promise<number> {
  const run = await loadAgentRun(input);
  const { signal } = interruption;
  const service = await Service.start(backend, port, signal);
  try {
    process.stdout.write(`The service listens at ${service.url}, backend ${backend}.\n`);
    const output = process.stdout;
    const stream = { sid: 'demo', mid: `run-${randomUUID()}` };
    const page = `${service.url}/inspector?${new URLSearchParams(stream)}`;
    process.stdout.write(`Watch it in a browser: ${page}\n\n`);
    const streamUrl = `${service.url}/sessions/${stream.sid}/messages/${stream.mid}`;
    return report(await replay({ run, speed, streamUrl, output, signal }));
  } catch (error) {
    if (service.hasExited) process.stderr.write(`The service has ended:\n${service.lastLines}\n`);
    throw error;
  } finally {
    await service.stop();
  }
}

function report({ sent, verdicts, unfinished }: Outcome): number {
  const isEqual = verdicts.every(({ firstDifference }) => firstDifference === null);
  const isFinished = unfinished.length === 0;
  const sentences = [
    isEqual
      ? 'Every reader has exactly the events that were sent.'
      : 'At least one reader has other events than were sent.',
    ...(isFinished
      ? []
      : [
          `Not at the end within ${readLimitMs / 1000} s of the last event: ${unfinished.join(', ')}.`,
        ]),
  ];
  process.stdout.write(`\n${verdictTable(sent, verdicts)}\n\n${sentences.join('\n')}\n`);
  return isEqual && isFinished ? 0 : 1;
}

function explain(error: unknown): number {
  if (interruption.signal.aborted) {
    const name = interruption.signal.reason as 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE';
    return 128 + constants.signals[name];
  }
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    return 2;
  }
  const text = error instanceof DemoError ? error.message : (error as Error).stack;
  process.stderr.write(`${text}\n`);
  return 1;
}
