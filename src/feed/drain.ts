import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscriber } from './subscriber.js';
import { inTurns } from './turns.js';

/** So many feeds at least end in each step. */
const leastPerStep = 20;
const stepMs = 100;

/**
 * Ends feeds in steps, lest all their clients come to the other nodes at once.
 *
 * @param spreadMs how long the steps take together, at most
 * @param pause waits between two of them
 */
export async function endInSteps(
  subscribers: readonly Pick<Subscriber, 'finish'>[],
  spreadMs: number,
  pause: (ms: number) => Promise<void> = sleep,
): Promise<void> {
  const perStep = Math.max(leastPerStep, Math.ceil((subscribers.length * stepMs) / spreadMs));
  for (let from = 0; from < subscribers.length; from += perStep) {
    if (from > 0) await pause(stepMs);
    await inTurns(subscribers.slice(from, from + perStep), (one) => one.finish('draining'));
  }
}

/** Resolves when the clients have taken all bytes; those that have not after `graceMs` are cut. */
export async function closeWithin(
  subscribers: readonly Subscriber[],
  graceMs: number,
): Promise<void> {
  const grace = new AbortController();
  const late = sleep(graceMs, undefined, { signal: grace.signal }).catch(() => {}); // aborted
  await Promise.race([Promise.all(subscribers.map((one) => one.whenClosed())), late]);
  grace.abort();
  await inTurns(subscribers, (one) => one.cut());
}
