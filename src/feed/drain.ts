import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscriber } from './subscriber.js';
import { inTurns } from './turns.js';

/** At least this many feeds end in each batch. */
const minPerBatch = 20;
const batchIntervalMs = 100;

/**
 * Ends feeds in batches, so that their clients do not reconnect to the other nodes all at once (a
 * thundering herd).
 *
 * @param spreadMs max time of all batches together
 * @param pause waits between two batches
 */
export async function endInBatches(
  subscribers: readonly Pick<Subscriber, 'finish'>[],
  spreadMs: number,
  pause: (ms: number) => Promise<void> = sleep,
): Promise<void> {
  const perBatch = Math.max(
    minPerBatch,
    Math.ceil((subscribers.length * batchIntervalMs) / spreadMs),
  );
  for (let from = 0; from < subscribers.length; from += perBatch) {
    if (from > 0) await pause(batchIntervalMs);
    await inTurns(subscribers.slice(from, from + perBatch), (one) => one.finish('draining'));
  }
}
