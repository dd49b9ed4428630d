import { setTimeout as sleep } from 'node:timers/promises';

const maxPauseMs = 50;

/**
 * Resolves when the condition holds, looked at often, and less often the longer it takes: many
 * looks cost the processor time that the condition needs to come true. The deadline only ends what
 * would never come: how long it takes is judged nowhere in the tests, as that says what else the
 * machine had to do.
 */
export async function waitFor(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 120_000,
): Promise<void> {
  const startedAt = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > deadlineMs) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`waited ${deadlineMs} ms in vain: ${text}`);
    }
    await sleep(Math.min(5 + waitedMs / 10, maxPauseMs));
  }
}

/** Whether it is fulfilled. */
export function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}
