import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves when the condition holds, looked at often. The deadline only ends what would never come:
 * how long it takes is judged nowhere in the tests, as that says what else the machine had to do.
 */
export async function waitFor(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`waited ${deadlineMs} ms in vain: ${text}`);
    }
    await sleep(5);
  }
}
