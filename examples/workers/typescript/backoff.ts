import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceUnreachable, TryAgain } from './worker-errors.js';

const firstPauseMs = 50;
const maxPauseMs = 2000;

/** Pauses between attempts, longer each time, until the time to give up has come. */
export class Backoff {
  #pauseMs = 0;
  #since: number | null = null;

  constructor(readonly giveUpMs: number) {}

  /** Repeats the attempt until it succeeds. @throws ServiceUnreachable */
  async retry(attempt: () => Promise<unknown>): Promise<void> {
    while (!(await this.#succeeds(attempt)));
    this.reset();
  }

  reset(): void {
    this.#pauseMs = 0;
    this.#since = null;
  }

  async #succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      await this.#wait(error);
      return false;
    }
  }

  async #wait(cause: TryAgain): Promise<void> {
    this.#since ??= performance.now();
    if (performance.now() - this.#since > this.giveUpMs) {
      const message = `no success for ${this.giveUpMs / 1000} s: ${cause.message}`;
      throw new ServiceUnreachable(message, { cause });
    }
    await sleep(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), maxPauseMs);
  }
}
