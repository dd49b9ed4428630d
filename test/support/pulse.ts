import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { isReadyAt } from './service-process.js';

const everyMs = 500;

/**
 * Asks a service again and again whether it is ready. Where it has stood still, or this process,
 * the responses have a gap: what must happen in time is judged only where they have none.
 */
export class Pulse {
  /** When a question was asked whose response was a 200: since 1970, in ms. */
  readonly #respondedAt: number[] = [];
  readonly #startedAt = Date.now();
  #endedAt: number | null = null;

  constructor(readonly service: { readonly url: string }) {
    void this.#beat();
    onTestFinished(() => this.stop());
  }

  stop(): void {
    this.#endedAt ??= Date.now();
  }

  /** The longest time, since this moment, in which no question was asked that got its response. */
  longestGapMs(moment: number): number {
    const since = Math.max(moment, this.#startedAt);
    const answered = this.#respondedAt.filter((at) => at > since);
    const moments = [since, ...answered, this.#endedAt ?? Date.now()];
    return Math.max(...moments.slice(1).map((at, index) => at - (moments[index] as number)));
  }

  async #beat(): Promise<void> {
    while (this.#endedAt === null) {
      const askedAt = Date.now();
      if (await isReadyAt(this.service.url)) this.#respondedAt.push(askedAt);
      await sleep(everyMs);
    }
  }
}
