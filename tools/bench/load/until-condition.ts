import { setTimeout as sleep } from 'node:timers/promises';

interface Wait {
  readonly what: string;
  readonly condition: () => boolean;
  /** Changes as long as something happens. */
  readonly progress: () => number;
  /** How long nothing may happen. */
  readonly stallMs: number;
  /** What is missing. */
  readonly explain: () => string | null;
}

/** However long it takes. @throws Error when nothing happens any more before the condition holds */
export async function untilCondition(wait: Wait): Promise<void> {
  let seen = wait.progress();
  let seenAt = performance.now();
  while (!wait.condition()) {
    await sleep(1);
    const progress = wait.progress();
    if (progress !== seen) seenAt = performance.now();
    seen = progress;
    if (performance.now() - seenAt > wait.stallMs && !wait.condition()) {
      throw new Error(`waited in vain until ${wait.what}. ${wait.explain() ?? ''}`);
    }
  }
}
