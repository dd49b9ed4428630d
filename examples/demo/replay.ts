import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import type { AgentRun } from './agent-run.js';
import { approveAll } from './approval.js';
import { poorNetwork, Reader, steadyNetwork } from './reader.js';
import { LogScreen } from './screen.js';
import { TerminalScreen } from './terminal-screen.js';
import { judge, type Verdict } from './verdict.js';
import { Worker } from './worker.js';

/** How long the readers may take after the last event was sent. */
export const readLimitMs = 30_000;

export interface ReplayOptions {
  readonly run: AgentRun;
  readonly speed: number;
  readonly streamUrl: string;
  readonly output: WriteStream;
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly sent: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** Names of the readers that did not reach the end in time. */
  readonly unfinished: readonly string[];
}

/** Sends the run to the service while three readers follow it, and compares what each one got. */
export async function replay(options: ReplayOptions): Promise<Outcome> {
  const { run, speed, streamUrl, output } = options;
  const worker = new Worker(run, speed);
  const readers = [
    new Reader('steady', steadyNetwork, speed),
    new Reader('dropping', poorNetwork, speed),
    new Reader('late', steadyNetwork, speed),
  ] as const;
  const Screen = output.isTTY ? TerminalScreen : LogScreen;
  const screen = new Screen(output, worker, readers);
  const end = new AbortController();
  const drawing = setInterval(() => screen.draw(), screen.intervalMs);
  try {
    await sendAndFollow(worker, readers, streamUrl, AbortSignal.any([options.signal, end.signal]));
  } finally {
    end.abort();
    clearInterval(drawing);
    screen.close();
  }
  return {
    sent: worker.sent,
    verdicts: readers.map((reader) => judge(worker.sent, reader)),
    unfinished: readers.filter(({ state }) => state !== 'done').map(({ name }) => name),
  };
}

/** Resolves when all readers have reached the end, or their time is over. */
async function sendAndFollow(
  worker: Worker,
  [steady, dropping, late]: readonly [Reader, Reader, Reader],
  streamUrl: string,
  signal: AbortSignal,
): Promise<void> {
  const feed = `${streamUrl}/stream`;
  const sending = worker.replay(streamUrl, signal);
  const approving = approveAll(worker, `${streamUrl}/inputs`, signal);
  const reading = Promise.all([
    steady.follow(feed, signal),
    dropping.follow(feed, signal),
    halfWay(worker, signal).then(() => late.follow(feed, signal)),
  ]);
  const limit = sending.then(() => sleep(readLimitMs, undefined, { signal }));
  await Promise.race([reading, limit, approving]);
  await sending;
}

async function halfWay(worker: Worker, signal: AbortSignal): Promise<void> {
  while (!worker.isHalfWay) await sleep(10, undefined, { signal });
}
