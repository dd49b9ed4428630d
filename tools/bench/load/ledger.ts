import type { DeliveryCheck } from './delivery-check.js';

/** What one writer has stored in one stream. */
export interface WrittenStream {
  readonly stream: number;
  readonly events: number;
}

/** What is stored, by stream and writer. */
export class Ledger {
  readonly #byStream = new Map<number, number[]>();

  /** @param written those of one stream in the order of the numbers of its writers */
  constructor(written: readonly WrittenStream[]) {
    for (const { stream, events } of written) {
      const counts = this.#byStream.get(stream);
      if (counts === undefined) this.#byStream.set(stream, [events]);
      else counts.push(events);
    }
  }

  eventsOf(stream: number): number {
    return this.#of(stream).reduce((total, events) => total + events, 0);
  }

  /** What a reader should have and has not; null when all have all. */
  firstMissing(checks: readonly DeliveryCheck[]): string | null {
    for (const check of checks) {
      const missing = check.missing(this.#of(check.stream));
      if (missing !== null) return missing;
    }
    return null;
  }

  #of(stream: number): readonly number[] {
    return this.#byStream.get(stream) ?? [];
  }
}
