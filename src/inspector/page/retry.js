import { isFinal } from './service.js';

/**
 * Tries again while the service cannot be reached, or fails: the action must be idempotent.
 *
 * @template Result
 * @param {() => Promise<Result>} action
 * @param {number} maxAttempts
 */
export async function retry(action, maxAttempts) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (isFinal(error) || attempt === maxAttempts) throw error;
      await sleep(1000);
    }
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
