import { setTimeout as sleep } from 'node:timers/promises';

const maxAttempts = 20;

/** Between two attempts: a collection of garbage that runs beside several of them comes to its end. */
const pauseMs = 50;

/**
 * Measures processor time again until it is within its bound, at most twenty times. Other threads
 * of the process, such as those that collect garbage, may add to some attempts; what the work
 * itself costs is in each of them.
 *
 * @returns the least value
 */
export async function minOfAttempts(
  measure: () => Promise<number>,
  bound: number,
): Promise<number> {
  let min = await measure();
  for (let count = 1; count < maxAttempts && min >= bound; count += 1) {
    await sleep(pauseMs);
    min = Math.min(min, await measure());
  }
  return min;
}
